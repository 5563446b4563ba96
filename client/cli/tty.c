#include "client/cli/tty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static bool is_changed;

bool tty_is_smart(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

void tty_size(size_t *out_columns, size_t *out_rows)
{
	struct winsize size;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

	*out_columns = known && size.ws_col ? size.ws_col : 80;
	*out_rows = known && size.ws_row ? size.ws_row : 24;
}

static void set_modes(bool has_signals)
{
	struct termios modes;

	if (!is_changed && tcgetattr(STDIN_FILENO, &before) != 0)
		return;
	is_changed = true;
	modes = before;
	modes.c_iflag &= ~(tcflag_t)(ICRNL | INLCR);
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	if (!has_signals) {
		modes.c_iflag &= ~(tcflag_t)IXON;
		modes.c_lflag &= ~(tcflag_t)ISIG;
	}
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
}

void tty_edit(void)
{
	set_modes(false);
}

void tty_run(void)
{
	set_modes(true);
}

bool tty_restore(void)
{
	bool was_changed = is_changed;

	if (was_changed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	is_changed = false;
	return was_changed;
}

static bool read_line(struct text *out)
{
	ssize_t n;
	char c = 0;

	text_add(out, "", 0);
	while (((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') || (n < 0 && errno == EINTR))
		text_add(out, &c, n == 1);
	return c == '\n' || out->len;
}

bool tty_ask_secret(const char *question, struct text *out)
{
	struct termios shown, hidden;
	bool is_terminal = tcgetattr(STDIN_FILENO, &shown) == 0;

	if (!is_terminal)
		return read_line(out);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	fputs(question, stderr);
	bool ok = read_line(out);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &shown);
	fputs("\n", stderr);
	return ok;
}

#include "client/cli/tty.h"

#include <fcntl.h>
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
	modes.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON);
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN | ISIG);
	modes.c_lflag |= has_signals ? ISIG : 0;
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

void tty_restore(void)
{
	if (is_changed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	is_changed = false;
}

static bool put(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

bool tty_ask_secret(const char *question, struct text *out)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct termios shown, hidden;
	char c = 0;

	if (fd < 0)
		return false;
	bool fine = tcgetattr(fd, &shown) == 0 && put(fd, question);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fine = fine && tcsetattr(fd, TCSAFLUSH, &hidden) == 0;
	text_add(out, "", 0);
	while (fine && (fine = read(fd, &c, 1) == 1) && c != '\n')
		text_add(out, &c, 1);
	tcsetattr(fd, TCSADRAIN, &shown);
	fine = put(fd, "\n") && fine;
	close(fd);
	return fine;
}

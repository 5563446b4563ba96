#include "client_library/terminal.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/process.h"

#define ROWS_MAX 60
#define COLUMNS_MAX 200

struct screen_row {
	char text[COLUMNS_MAX + 1];
	bool coloured[COLUMNS_MAX + 1];
	bool goes_on; /* was full when more came: the next row continues the line */
};

struct terminal {
	pid_t pid;
	int fd;
	int rows, columns, row, column;
	long line_feeds, awaited; /* line ends so far; line ends expected for the typed text */
	bool wraps; /* the last column is filled: the next character begins a row */
	struct screen_row screen[ROWS_MAX];
	size_t received, escapes; /* bytes written; control sequences among them */
	bool in_colour; /* the colour of the next characters */
	char escape[32];
	size_t escape_len;
};

static void clear_line(struct terminal *t, int row, int from, int to)
{
	memset(&t->screen[row].text[from], ' ', (size_t)(to - from));
	memset(&t->screen[row].coloured[from], 0, (size_t)(to - from));
	if (to == COLUMNS_MAX)
		t->screen[row].goes_on = false;
}

struct terminal *terminal_start(const char *const argv[], const char *home, int rows, int columns)
{
	struct terminal *t = calloc(1, sizeof(*t));
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

	if (!t || rows > ROWS_MAX || columns > COLUMNS_MAX)
		abort();
	t->rows = rows;
	t->columns = columns;
	for (int i = 0; i < ROWS_MAX; i++)
		clear_line(t, i, 0, COLUMNS_MAX);
	t->pid = forkpty(&t->fd, NULL, NULL, &size);
	if (t->pid < 0)
		abort();
	if (t->pid == 0) {
		process_reset_signals();
		setenv("TERM", "vt100", 1);
		setenv("HOME", home, 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		unsetenv("COLUMNS");
		unsetenv("LINES");
		execvp(argv[0], (char *const *)(void *)argv);
		_exit(127);
	}
	return t;
}

static void line_feed(struct terminal *t)
{
	t->line_feeds++;
	if (t->row + 1 < t->rows) {
		t->row++;
		return;
	}
	memmove(&t->screen[0], &t->screen[1], sizeof(t->screen[0]) * (size_t)(t->rows - 1));
	clear_line(t, t->rows - 1, 0, COLUMNS_MAX);
}

static int clamp(int value, int most)
{
	return value < 0 ? 0 : value > most ? most : value;
}

/* CSI number;number letter */
static void obey(struct terminal *t, const char *numbers, char letter)
{
	int first = atoi(numbers), n = first ? first : 1;
	const char *semicolon = strchr(numbers, ';');

	t->wraps = false;
	switch (letter) {
	case 'A':
		t->row = clamp(t->row - n, t->rows - 1);
		break;
	case 'B':
		t->row = clamp(t->row + n, t->rows - 1);
		break;
	case 'C':
		t->column = clamp(t->column + n, t->columns - 1);
		break;
	case 'D':
		t->column = clamp(t->column - n, t->columns - 1);
		break;
	case 'H':
		t->row = clamp(n - 1, t->rows - 1);
		t->column = semicolon ? clamp(atoi(semicolon + 1) - 1, t->columns - 1) : 0;
		break;
	case 'K':
		clear_line(t, t->row, t->column, COLUMNS_MAX);
		break;
	case 'J':
		clear_line(t, t->row, first == 2 ? 0 : t->column, COLUMNS_MAX);
		for (int row = first == 2 ? 0 : t->row + 1; row < t->rows; row++)
			clear_line(t, row, 0, COLUMNS_MAX);
		break;
	case 'm':
		t->in_colour = first != 0;
		break;
	default: /* modes show nothing */
		break;
	}
}

static void take(struct terminal *t, char c)
{
	if (t->escape_len) {
		t->escape[t->escape_len++] = c;
		bool ends = t->escape_len > 2 ? isalpha((unsigned char)c) : c != '[' && c != '(';
		if (t->escape_len == 3 && t->escape[1] == '(')
			ends = true;
		if (ends && t->escape[1] == '[') {
			t->escape[t->escape_len - 1] = 0;
			obey(t, t->escape + 2, c);
		}
		if (ends || t->escape_len == sizeof(t->escape))
			t->escape_len = 0;
	} else if (c == '\033') {
		t->escape[t->escape_len++] = c;
		t->escapes++;
	} else if (c == '\r') {
		t->column = 0;
		t->wraps = false;
	} else if (c == '\n') {
		line_feed(t);
	} else if (c == '\b') {
		t->column = clamp(t->column - 1, t->columns - 1);
		t->wraps = false;
	} else if ((unsigned char)c >= ' ') {
		if (t->wraps) {
			t->column = 0;
			t->screen[t->row].goes_on = true;
			line_feed(t);
		}
		t->screen[t->row].text[t->column] = c;
		t->screen[t->row].coloured[t->column] = t->in_colour;
		t->wraps = t->column == t->columns - 1;
		t->column += !t->wraps;
	}
}

static bool read_more(struct terminal *t, int64_t deadline)
{
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	char bytes[4096];

	if (poll(&p, 1, deadline_left_ms(deadline)) != 1)
		return false;
	ssize_t n = read(t->fd, bytes, sizeof(bytes));
	for (ssize_t i = 0; i < n; i++)
		take(t, bytes[i]);
	t->received += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* Reads meanwhile: input and output may be more than the terminal holds. */
void terminal_type(struct terminal *t, const char *keys)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	size_t len = strlen(keys);

	if (strchr(keys, '\r'))
		t->awaited = t->line_feeds + 1;
	while (len > 0) {
		struct pollfd p = {.fd = t->fd, .events = POLLIN | POLLOUT};
		if (poll(&p, 1, deadline_left_ms(deadline)) != 1)
			break;
		if (p.revents & POLLIN)
			read_more(t, deadline);
		/* A piece that certainly fits. */
		ssize_t n = p.revents & POLLOUT ? write(t->fd, keys, len < 256 ? len : 256) : 0;
		if (n < 0)
			break;
		keys += n;
		len -= (size_t)n;
	}
	if (len)
		fprintf(stderr, "terminal: %zu bytes could not be typed\n", len);
}

/* Appends a line of the screen, over all of its rows, to `out`. Returns the row after it. */
static int join_rows(const struct terminal *t, int row, char *out, int *out_cursor)
{
	size_t len = 0;

	*out_cursor = -1;
	for (bool goes_on = true; goes_on && row < t->rows; row++) {
		if (row == t->row)
			*out_cursor = (int)len + t->column + t->wraps;
		memcpy(out + len, t->screen[row].text, (size_t)t->columns);
		len += (size_t)t->columns;
		goes_on = t->screen[row].goes_on;
	}
	while (len > 0 && out[len - 1] == ' ' && (int)len > *out_cursor)
		len--;
	out[len] = 0;
	return row;
}

static void put_line(struct terminal *t, const char *line, int cursor, int *row, int *column)
{
	for (int i = 0; line[i] || i == cursor; i++) {
		if (i == cursor) {
			*row = t->row + (t->wraps ? 1 : 0);
			*column = t->wraps ? 0 : t->column;
		}
		if (!line[i])
			break;
		take(t, line[i]);
	}
}

/* Like terminals that rewrap the rows of a line. Colours are forgotten. */
static void part_rows_anew(struct terminal *t, int rows, int columns)
{
	struct terminal old = *t;
	char line[ROWS_MAX * COLUMNS_MAX + 1];
	int last = old.rows - 1, row = 0, column = 0, cursor;

	while (last > old.row && strspn(old.screen[last].text, " ") >= (size_t)old.columns)
		last--;
	t->rows = rows;
	t->columns = columns;
	t->row = t->column = 0;
	t->wraps = t->in_colour = false;
	for (int i = 0; i < ROWS_MAX; i++)
		clear_line(t, i, 0, COLUMNS_MAX);
	for (int i = 0; i <= last;) {
		i = join_rows(&old, i, line, &cursor);
		put_line(t, line, cursor, &row, &column);
		if (i <= last) {
			take(t, '\r');
			take(t, '\n');
		}
	}
	t->row = row;
	t->column = column;
	t->wraps = false;
	t->line_feeds = old.line_feeds;
}

void terminal_resize(struct terminal *t, int rows, int columns)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

	part_rows_anew(t, rows, columns);
	ioctl(t->fd, TIOCSWINSZ, &size);
}

size_t terminal_received(const struct terminal *t)
{
	return t->received;
}

size_t terminal_escapes(const struct terminal *t)
{
	return t->escapes;
}

bool terminal_has(struct terminal *t, const char *text)
{
	for (int i = 0; i < t->rows; i++)
		if (strstr(t->screen[i].text, text))
			return true;
	return false;
}

bool terminal_has_plain(struct terminal *t, const char *text)
{
	for (int i = 0; i < t->rows; i++) {
		const char *at = strstr(t->screen[i].text, text);
		if (at && !memchr(&t->screen[i].coloured[at - t->screen[i].text], true, strlen(text)))
			return true;
	}
	return false;
}

static void show(const struct terminal *t, const char *wanted)
{
	fprintf(stderr, "\"%s\" is not on the screen (cursor at %d, %d):\n", wanted, t->row, t->column);
	for (int i = 0; i < t->rows; i++)
		fprintf(stderr, "|%.*s|\n", t->columns, t->screen[i].text);
}

bool terminal_shows(struct terminal *t, const char *text)
{
	int64_t deadline = deadline_after(PATIENCE_MS);

	while (!terminal_has(t, text)) {
		if (!read_more(t, deadline)) {
			show(t, text);
			return false;
		}
	}
	return true;
}

bool terminal_waits_at(struct terminal *t, const char *text)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	size_t len = strlen(text);

	while (t->line_feeds < t->awaited || t->column != (int)len || strncmp(t->screen[t->row].text, text, len) != 0) {
		if (!read_more(t, deadline)) {
			show(t, text);
			return false;
		}
	}
	return true;
}

int terminal_stop(struct terminal **terminal)
{
	struct terminal *t = *terminal;
	int64_t deadline = deadline_after(PATIENCE_MS);
	int status = -1;

	while (read_more(t, deadline))
		;
	if (!process_wait(t->pid, PATIENCE_MS, &status)) {
		process_kill(t->pid);
		status = -1;
	}
	if (!(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		char ended[64];
		snprintf(ended, sizeof(ended), "an end with wait status 0, not %#x", (unsigned)status);
		show(t, ended);
	}
	close(t->fd);
	free(t);
	*terminal = NULL;
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * The line editor of qcache-cli: keys, long lines, pastes, search, window changes, dumb terminals.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_library/fixture.h"
#include "client_library/terminal.h"
#include "support/process.h"

static char home[64];
static struct fixture f;
static char prompt[72];
static struct terminal *t;

static void open_at(const char *setting, int columns)
{
	const char *argv[] = {"env", "QCACHE_HISTORY=", setting, fixture_cli(), "-addr", f.address, NULL};

	t = terminal_start(argv, home, 24, columns);
	CU_ASSERT(terminal_waits_at(t, prompt));
}

static void leave(void)
{
	terminal_type(t, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
}

static void enter(const char *line)
{
	terminal_type(t, line);
	terminal_type(t, "\r");
	CU_ASSERT(terminal_waits_at(t, prompt));
}

/* Checks what is shown after the prompt, with the cursor at its end. */
static void must_read(const char *line)
{
	char wanted[256];

	snprintf(wanted, sizeof(wanted), "%s%s", prompt, line);
	CU_ASSERT(terminal_waits_at(t, wanted));
}

static void keys_edit_as_in_a_shell(void)
{
	static const struct { const char *keys, *line; } cases[] = {
		{"get foo bar\033[1;5DX\005", "get foo Xbar"},    /* Ctrl-Left */
		{"get foo bar\033[5DX\005", "get foo Xbar"},      /* as sent by older terminals */
		{"get foo bar\033OdX\005", "get foo Xbar"},
		{"get foo bar\033[1;3DX\005", "get foo Xbar"},    /* Alt-Left */
		{"get foo bar\033bX\005", "get foo Xbar"},
		{"get foo bar\001\033[1;5CX\005", "getX foo bar"}, /* Ctrl-Right */
		{"get foo bar\001\033fX\005", "getX foo bar"},
		{"get foo bar\033[HX\033[FY", "Xget foo barY"},    /* Home, End */
		{"get foo bar\033OHX\033OFY", "Xget foo barY"},
		{"get foo bar\033[1~X\033[4~Y", "Xget foo barY"},
		{"get foo bar\033[D\033[DX\033[C\005", "get foo bXar"},
		{"get foo bar\001\033[3~\005", "et foo bar"},      /* Delete */
		{"get foo bar\001\004\005", "et foo bar"},
		{"get foo bar\027X", "get foo X"},                 /* Ctrl-W: up to a blank */
		{"get foo:bar\033\177X", "get foo:X"},             /* Alt-Backspace: a word */
		{"get foo bar\001\033d\005X", " foo barX"},
		{"get foo bar\001\006\006\006\013X", "getX"},      /* Ctrl-K */
		{"get foo\025set \031", "set get foo"},            /* Ctrl-U, Ctrl-Y */
		{"get oof\024", "get ofo"},                        /* Ctrl-T */
		{"get \033[15~\033[24;2~\033[99zfoo", "get foo"},  /* unknown keys have no effect */
		{"get \xc3\xa4\xc3\xb6\bx", "get \xc3\xa4x"},      /* a character, not a byte */
	};

	open_at("QCACHE_HISTORY=", 80);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char wanted[160];
		terminal_type(t, cases[i].keys);
		snprintf(wanted, sizeof(wanted), "%s%s ", prompt, cases[i].line);
		if (!terminal_shows(t, wanted))
			fprintf(stderr, "case %zu\n", i);
		CU_ASSERT(terminal_has(t, wanted));
		terminal_type(t, "\003");
		CU_ASSERT(terminal_waits_at(t, prompt));
	}
	leave();
}

/* Twelve of each letter, to recognise places in a long line. */
static void fill(char *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (char)('a' + i / 12 % 26);
	out[len] = 0;
}

static void a_line_of_several_rows_is_drawn_rightly(void)
{
	char line[200], row[300];
	size_t first, front = strlen(prompt);

	open_at("QCACHE_HISTORY=", 60);
	first = 60 - front;
	fill(line, 150);
	terminal_type(t, line);
	CU_ASSERT(terminal_shows(t, "mmmmmm   "));
	/* At the beginning, with something before it. */
	terminal_type(t, "\001X");
	snprintf(row, sizeof(row), "%sX%.*s", prompt, (int)first - 1, line);
	CU_ASSERT(terminal_shows(t, row));
	snprintf(row, sizeof(row), "%.60s", line + first - 1);
	CU_ASSERT(terminal_shows(t, row));
	/* Removed again; and into the middle of the second row. */
	terminal_type(t, "\b\005\033[1;5D");
	snprintf(row, sizeof(row), "%.60s", line + first);
	CU_ASSERT(terminal_shows(t, row));
	/* Everything is removed. */
	terminal_type(t, "\005\025Z");
	must_read("Z");
	CU_ASSERT(!terminal_has(t, "mmm"));
	terminal_type(t, "\b");
	/* A row that is exactly full. */
	fill(line, first);
	terminal_type(t, line);
	snprintf(row, sizeof(row), "%s%s", prompt, line);
	CU_ASSERT(terminal_shows(t, row));
	terminal_type(t, "yz");
	CU_ASSERT(terminal_waits_at(t, "yz"));
	terminal_type(t, "\025");
	leave();
}

static void a_line_of_more_rows_than_the_terminal_keeps_its_cursor_in_view(void)
{
	char line[4001], wanted[96];

	open_at("QCACHE_HISTORY=", 60);
	fill(line, 4000);
	memcpy(line, "echo begin", 10);
	memcpy(line + 3990, "..the end.", 10);
	terminal_type(t, line);
	CU_ASSERT(terminal_shows(t, "..the end."));
	terminal_type(t, "\001");
	snprintf(wanted, sizeof(wanted), "%secho begin", prompt);
	CU_ASSERT(terminal_shows(t, wanted));
	CU_ASSERT(!terminal_has(t, "..the end."));
	terminal_type(t, "\005\025z");
	must_read("z");
	terminal_type(t, "\025");
	leave();
}

#define PASTED 20000

/* A paste may draw this many bytes: enough to draw it a few times, but not once for each of its characters. */
static void must_be_drawn_at_once(const char *front, const char *behind)
{
	char *paste = malloc(PASTED + 64);
	size_t len = (size_t)sprintf(paste, "%secho '", front);

	open_at("QCACHE_HISTORY=", 100);
	size_t before = terminal_received(t);
	fill(paste + len, PASTED);
	strcat(paste, behind);
	terminal_type(t, paste);
	terminal_type(t, "\005\025echo done\r");
	CU_ASSERT(terminal_shows(t, "\"done\""));
	size_t drawn = terminal_received(t) - before;
	printf("%zu bytes drawn for %d ", drawn, PASTED);
	CU_ASSERT(drawn < 40 * (size_t)PASTED);
	free(paste);
	leave();
}

static void a_long_paste_is_drawn_at_once(void)
{
	must_be_drawn_at_once("\033[200~", "\033[201~");
	must_be_drawn_at_once("", "");
}

static void a_long_paste_is_whole(void)
{
	char *paste = malloc(PASTED + 64);
	size_t len = (size_t)sprintf(paste, "\033[200~set long ");

	open_at("QCACHE_HISTORY=", 100);
	fill(paste + len, PASTED);
	strcat(paste, "\033[201~\r");
	terminal_type(t, paste);
	CU_ASSERT(terminal_shows(t, "OK"));
	qc_string got qc_auto = qc_get(f.client, qc_background(), "long");
	GOOD(got);
	CU_ASSERT_EQUAL(got.len, PASTED);
	CU_ASSERT_EQUAL(memcmp(got.data, paste + len, PASTED), 0);
	free(paste);
	leave();
}

static void what_is_typed_while_a_command_runs_is_not_lost(void)
{
	char *paste = malloc(PASTED + 64);
	size_t len = (size_t)sprintf(paste, "set ahead ");

	/* More than the 4,095 bytes of a line that a terminal edits itself. */
	open_at("QCACHE_HISTORY=", 100);
	fill(paste + len, PASTED);
	strcat(paste, "\r");
	terminal_type(t, "echo begun\r");
	terminal_type(t, paste);
	CU_ASSERT(terminal_shows(t, "OK"));
	qc_string got qc_auto = qc_get(f.client, qc_background(), "ahead");
	GOOD(got);
	CU_ASSERT_EQUAL(got.len, PASTED);
	free(paste);
	leave();
}

static void control_r_searches_in_older_lines(void)
{
	open_at("QCACHE_HISTORY=", 80);
	enter("echo needle-one");
	enter("echo needle-two");
	enter("echo straw");
	enter("clear");
	terminal_type(t, "\022needle");
	CU_ASSERT(terminal_shows(t, "(search) needle: echo needle-two"));
	terminal_type(t, "\022");
	CU_ASSERT(terminal_shows(t, "(search) needle: echo needle-one"));
	terminal_type(t, "x");
	CU_ASSERT(terminal_shows(t, "(failed search) needlex: echo needle-one"));
	terminal_type(t, "\b\b\b\b\b\b\bstr");
	CU_ASSERT(terminal_shows(t, "(search) str: echo straw"));
	/* Any other key applies to the line found. */
	terminal_type(t, "\005s");
	must_read("echo straws");
	terminal_type(t, "\r");
	CU_ASSERT(terminal_shows(t, "\"straws\""));
	terminal_type(t, "half\022needle");
	CU_ASSERT(terminal_shows(t, "(search) needle: "));
	terminal_type(t, "\007");
	must_read("half");
	terminal_type(t, "\025\022two\r");
	CU_ASSERT(terminal_shows(t, "\"needle-two\""));
	leave();
}

static void tab_completes_what_a_command_takes(void)
{
	static const struct { const char *keys, *line; } completed[] = {
		{"set a b nx ke\t", "set a b nx keepttl "},
		{"set a b KE\t", "set a b KEEPTTL "},
		{"get alon\t", "get alone "},
		{"mset a 1 alon\t", "mset a 1 alone "},
		{"get two\t", "get two:"},
		{"get odd\t", "get \"odd key\" "},
		{"get st\t", "get st*r "},
		{"help dbs\t", "help dbsize "},
		{"help @stri\t", "help @string "},
		{"conn\t", "connect "},
		{"echo alon\t", "echo alon"}, /* no key at this place */
		{"get nothing\t", "get nothing"},
	};

	GOOD(qc_mset(f.client, qc_background(), "alone", "1", "two:a", "2", "two:b", "3", "odd key", "4", "st*r", "5", "stir", "6"));
	GOOD(qc_del(f.client, qc_background(), "stir"));
	open_at("QCACHE_HISTORY=", 80);
	for (size_t i = 0; i < sizeof(completed) / sizeof(completed[0]); i++) {
		terminal_type(t, completed[i].keys);
		must_read(completed[i].line);
		terminal_type(t, "\003");
		CU_ASSERT(terminal_waits_at(t, prompt));
	}
	terminal_type(t, "get two:\t");
	CU_ASSERT(terminal_shows(t, "two:a  two:b"));
	must_read("get two:");
	terminal_type(t, "\025set a b e\t\t");
	CU_ASSERT(terminal_shows(t, "ex    exat"));
	terminal_type(t, "\025");
	leave();
}

static void a_line_stays_one_when_the_window_changes_its_size(void)
{
	char line[160], row[128];

	open_at("QCACHE_HISTORY=", 100);
	enter("echo above");
	fill(line, 150);
	terminal_type(t, line);
	CU_ASSERT(terminal_shows(t, "mmmmmm   "));
	terminal_resize(t, 24, 60);
	terminal_type(t, "1");
	CU_ASSERT(terminal_shows(t, "mmmmmm1"));
	snprintf(row, sizeof(row), "%s%.*s", prompt, (int)(60 - strlen(prompt)), line);
	CU_ASSERT(terminal_shows(t, row));
	CU_ASSERT(terminal_has(t, "\"above\""));
	terminal_resize(t, 24, 180);
	terminal_type(t, "2");
	snprintf(row, sizeof(row), "%saaaaaa", prompt);
	CU_ASSERT(terminal_shows(t, "mmmmmm12"));
	CU_ASSERT(terminal_has(t, row));
	/* Nothing is left of the rows that it had. */
	terminal_type(t, "\025z");
	must_read("z");
	CU_ASSERT(!terminal_has(t, "aaaaaa"));
	CU_ASSERT(!terminal_has(t, "mmmmmm"));
	CU_ASSERT(terminal_has(t, "\"above\""));
	terminal_type(t, "\025");
	leave();
}

static void a_row_that_is_just_full_survives_a_change_of_size(void)
{
	char line[160], row[128];

	open_at("QCACHE_HISTORY=", 60);
	fill(line, 120 - strlen(prompt));
	terminal_type(t, line);
	CU_ASSERT(terminal_waits_at(t, ""));
	terminal_resize(t, 24, 150);
	terminal_type(t, "1");
	snprintf(row, sizeof(row), "%saaaaaa", prompt);
	CU_ASSERT(terminal_shows(t, row));
	terminal_type(t, "\025z");
	must_read("z");
	CU_ASSERT(!terminal_has(t, "aaaaaa"));
	terminal_type(t, "\025");
	leave();
}

static void tools_write_nothing_but_text_to_a_dumb_terminal(void)
{
	const char *argv[] = {"env", "TERM=dumb", fixture_cli(), "-addr", f.address, "-latency-dist", "-i", "0.1", NULL};
	t = terminal_start(argv, home, 24, 80);
	CU_ASSERT(terminal_shows(t, "samples of PING"));
	CU_ASSERT_EQUAL(terminal_escapes(t), 0);
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
}

static void nothing_but_text_is_written_to_a_dumb_terminal(void)
{
	open_at("TERM=dumb", 80);
	enter("mget a b");
	enter("incr n");
	enter("clear");
	enter("nonsense");
	enter("help get");
	/* A shell program leaves the terminal as it was: what is typed is still echoed. */
	enter("get none | cat");
	terminal_type(t, "echo seen");
	must_read("echo seen");
	terminal_type(t, "\r");
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "quit");
	CU_ASSERT_EQUAL(terminal_escapes(t), 0);
	terminal_type(t, "\r");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
}

static const struct suite_case cases[] = {
	CASE(keys_edit_as_in_a_shell),
	CASE(a_line_of_several_rows_is_drawn_rightly),
	CASE(a_line_of_more_rows_than_the_terminal_keeps_its_cursor_in_view),
	CASE(a_long_paste_is_drawn_at_once),
	CASE(a_long_paste_is_whole),
	CASE(what_is_typed_while_a_command_runs_is_not_lost),
	CASE(control_r_searches_in_older_lines),
	CASE(tab_completes_what_a_command_takes),
	CASE(a_line_stays_one_when_the_window_changes_its_size),
	CASE(a_row_that_is_just_full_survives_a_change_of_size),
	CASE(tools_write_nothing_but_text_to_a_dumb_terminal),
	CASE(nothing_but_text_is_written_to_a_dumb_terminal),
};

int main(int argc, char **argv)
{
	scratch_create(home, sizeof(home));
	f = fixture_start("");
	snprintf(prompt, sizeof(prompt), "%s> ", f.address);
	int status = suite_main("command line editor", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	bool fine = fixture_stop(&f);
	scratch_remove(home);
	return status ? status : !fine;
}

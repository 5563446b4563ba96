/*
 * qcache-cli, as a person uses it at a terminal, and as scripts do. QCACHE_CLI names the program.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "client_library/terminal.h"
#include "support/deadline.h"
#include "support/process.h"

static qc_context *ctx;
static char home[64];

static const char *cli(void)
{
	const char *path = getenv("QCACHE_CLI");

	if (!path) {
		fprintf(stderr, "QCACHE_CLI must name the program\n");
		abort();
	}
	return path;
}

struct sitting {
	struct fixture f;
	struct terminal *terminal;
	char prompt[72];
};

static struct sitting sit_down(const char *option, int columns)
{
	struct sitting s = {.f = fixture_start("--enable-debug-command yes")};
	const char *argv[] = {cli(), "-addr", s.f.address, option, NULL};

	snprintf(s.prompt, sizeof(s.prompt), "%s> ", s.f.address);
	s.terminal = terminal_start(argv, home, 24, columns);
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	return s;
}

static void get_up(struct sitting *s)
{
	terminal_type(s->terminal, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&s->terminal), 0);
	CU_ASSERT(fixture_stop(&s->f));
}

/* Types a line and waits for the next prompt. */
static void enter(struct sitting *s, const char *line)
{
	terminal_type(s->terminal, line);
	terminal_type(s->terminal, "\r");
	CU_ASSERT(terminal_waits_at(s->terminal, s->prompt));
}

static void a_session_reads_as_people_know_it(void)
{
	struct sitting s = sit_down(NULL, 80);

	enter(&s, "set name \"John Doe\"");
	CU_ASSERT(terminal_shows(s.terminal, "OK"));
	enter(&s, "get name");
	CU_ASSERT(terminal_shows(s.terminal, "\"John Doe\""));
	enter(&s, "incr counter");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 1"));
	enter(&s, "get none");
	CU_ASSERT(terminal_shows(s.terminal, "(nil)"));
	enter(&s, "incr name");
	CU_ASSERT(terminal_shows(s.terminal, "(error) ERR value is not an integer or out of range"));
	enter(&s, "mget name counter");
	CU_ASSERT(terminal_shows(s.terminal, "1) \"John Doe\""));
	CU_ASSERT(terminal_shows(s.terminal, "2) \"1\""));
	enter(&s, "3 incr counter");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 4"));
	enter(&s, "get \"x\"y");
	CU_ASSERT(terminal_shows(s.terminal, "Invalid argument(s)"));
	terminal_type(s.terminal, "echo \xc3\xa9t\xc3\xa9\r");
	CU_ASSERT(terminal_shows(s.terminal, "\"\\xc3\\xa9t\\xc3\\xa9\""));
	get_up(&s);
}

static void the_prompt_shows_database_and_transaction(void)
{
	struct sitting s = sit_down(NULL, 80);
	char other[96];

	snprintf(other, sizeof(other), "%s[2]> ", s.f.address);
	terminal_type(s.terminal, "select 2\r");
	CU_ASSERT(terminal_waits_at(s.terminal, other));
	if (fixture_has(&s.f, "MULTI", "MULTI in the prompt")) {
		snprintf(other, sizeof(other), "%s[2](TX)> ", s.f.address);
		terminal_type(s.terminal, "multi\r");
		CU_ASSERT(terminal_waits_at(s.terminal, other));
		terminal_type(s.terminal, "incr n\r");
		CU_ASSERT(terminal_shows(s.terminal, "QUEUED"));
		snprintf(other, sizeof(other), "%s[2]> ", s.f.address);
		terminal_type(s.terminal, "exec\r");
		CU_ASSERT(terminal_waits_at(s.terminal, other));
		CU_ASSERT(terminal_shows(s.terminal, "1) (integer) 1"));
	}
	get_up(&s);
}

static void tab_completes_commands_and_subcommands(void)
{
	struct sitting s = sit_down(NULL, 80);
	char line[128];

	terminal_type(s.terminal, "expireat\b\b\t");
	/* EXPIRE and EXPIREAT: nothing to add, so both are shown. */
	CU_ASSERT(terminal_shows(s.terminal, "EXPIREAT"));
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "dbs\t");
	snprintf(line, sizeof(line), "%sdbsize ", s.prompt);
	CU_ASSERT(terminal_waits_at(s.terminal, line));
	terminal_type(s.terminal, "\r");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 0"));
	terminal_type(s.terminal, "CONFIG RES\t");
	snprintf(line, sizeof(line), "%sCONFIG RESETSTAT ", s.prompt);
	CU_ASSERT(terminal_waits_at(s.terminal, line));
	terminal_type(s.terminal, "\003");
	get_up(&s);
}

static void hints_stand_at_the_right_as_one_types(void)
{
	struct sitting s = sit_down(NULL, 80);

	terminal_type(s.terminal, "incrby ");
	CU_ASSERT(terminal_shows(s.terminal, "key increment"));
	terminal_type(s.terminal, "k ");
	/* The key is typed; what is left is the increment. */
	CU_ASSERT(terminal_shows(s.terminal, "  increment"));
	CU_ASSERT(!terminal_has(s.terminal, "key increment"));
	terminal_type(s.terminal, "5\r");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 5"));
	get_up(&s);
}

static void type_and_see(struct sitting *s, const char *keys)
{
	char line[160];

	terminal_type(s->terminal, keys);
	snprintf(line, sizeof(line), "%s%s", s->prompt, keys);
	CU_ASSERT(terminal_waits_at(s->terminal, line));
}

static void control_c_throws_a_line_away(void)
{
	struct sitting s = sit_down(NULL, 80);

	type_and_see(&s, "set half a line");
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	/* Also one that goes on because a quote is open. */
	type_and_see(&s, "set a \"begun");
	terminal_type(s.terminal, "\r");
	CU_ASSERT(terminal_waits_at(s.terminal, "... "));
	terminal_type(s.terminal, "more");
	CU_ASSERT(terminal_waits_at(s.terminal, "... more"));
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	enter(&s, "dbsize");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 0"));
	/* Ctrl-D on an empty line is the end. */
	type_and_see(&s, "x");
	terminal_type(s.terminal, "\b");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "\004");
	CU_ASSERT_EQUAL(terminal_stop(&s.terminal), 0);
	CU_ASSERT(fixture_stop(&s.f));
}

/* Never answers INCR; *data counts them. */
static void answer_all_but_incr(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number;
	while (fake_read(fd, word, sizeof(word))) {
		if (strcmp(word, "incr") == 0)
			++*(atomic_int *)data;
		else
			fake_send_text(fd, strcmp(word, "command") == 0 ? "*0\r\n" : "+alive\r\n");
	}
}

static void control_c_cancels_a_command_and_not_the_program(void)
{
	atomic_int commands = 0;
	struct fake *fake = fake_start(answer_all_but_incr, &commands);
	char address[32], prompt[40];
	const char *argv[] = {cli(), "-addr", address, NULL};
	int64_t deadline = deadline_after(PATIENCE_MS);

	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
	snprintf(prompt, sizeof(prompt), "%s> ", address);
	struct terminal *t = terminal_start(argv, home, 24, 80);
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "incr n\r");
	while (commands == 0 && deadline_left_ms(deadline) > 0)
		sched_yield();
	terminal_type(t, "\003");
	CU_ASSERT(terminal_shows(t, "(cancelled)"));
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "echo alive\r");
	CU_ASSERT(terminal_waits_at(t, prompt));
	CU_ASSERT(terminal_has(t, "alive"));
	terminal_type(t, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
	fake_stop(&fake);
}

static void a_server_that_comes_back_is_found_again(void)
{
	struct fixture f = fixture_start("");
	char prompt[96], start[32];
	uint16_t port = server_port(f.server);
	const char *argv[] = {cli(), "-addr", f.address, NULL};
	struct terminal *t = terminal_start(argv, home, 24, 80);

	snprintf(prompt, sizeof(prompt), "%s> ", f.address);
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "select 3\r");
	snprintf(prompt, sizeof(prompt), "%s[3]> ", f.address);
	CU_ASSERT(terminal_waits_at(t, prompt));
	CU_ASSERT(fixture_stop(&f));
	terminal_type(t, "set k 1\r");
	CU_ASSERT(terminal_shows(t, "The server has closed the connection."));
	CU_ASSERT(terminal_waits_at(t, "not connected> "));
	snprintf(start, sizeof(start), "--port %u", port);
	struct server *again = server_start("%s", start);
	terminal_type(t, "set k 2\r");
	/* In the database that was chosen before. */
	CU_ASSERT(terminal_waits_at(t, prompt));
	CU_ASSERT(terminal_shows(t, "OK"));
	terminal_type(t, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
	CU_ASSERT(server_stop(&again));
}

static void history_is_kept_between_runs_but_for_secrets(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/.qcache_history", home);
	unlink(path);
	struct sitting s = sit_down(NULL, 80);
	enter(&s, "set remembered 1");
	enter(&s, "auth secret");
	get_up(&s);
	char *kept = file_text(path);
	CU_ASSERT_PTR_NOT_NULL(strstr(kept, "remembered"));
	CU_ASSERT_PTR_NULL(strstr(kept, "secret"));
	free(kept);
	s = sit_down(NULL, 80);
	/* The arrow up, past the last quit. */
	terminal_type(s.terminal, "\033[A\033[A");
	CU_ASSERT(terminal_shows(s.terminal, "set remembered 1"));
	terminal_type(s.terminal, "\r");
	CU_ASSERT(terminal_shows(s.terminal, "OK"));
	get_up(&s);
}

static void several_lines_are_pasted_at_once(void)
{
	struct sitting s = sit_down(NULL, 80);
	char line[128];

	terminal_type(s.terminal, "\033[200~set a 1\nset b \"two\nlines\"\nmget a b\nget rest\033[201~");
	CU_ASSERT(terminal_shows(s.terminal, "1) \"1\""));
	CU_ASSERT(terminal_shows(s.terminal, "2) \"two\\nlines\""));
	/* What had no line end waits for one. */
	snprintf(line, sizeof(line), "%sget rest", s.prompt);
	CU_ASSERT(terminal_waits_at(s.terminal, line));
	terminal_type(s.terminal, "\r");
	CU_ASSERT(terminal_shows(s.terminal, "(nil)"));
	get_up(&s);
}

static void the_window_may_change_its_size(void)
{
	struct sitting s = sit_down(NULL, 80);

	terminal_type(s.terminal, "set key ");
	CU_ASSERT(terminal_shows(s.terminal, "value [NX|XX"));
	terminal_resize(s.terminal, 24, 120);
	terminal_type(s.terminal, "v");
	/* There is room for more of the hint. */
	CU_ASSERT(terminal_shows(s.terminal, "PX milliseconds"));
	terminal_type(s.terminal, "\r");
	CU_ASSERT(terminal_shows(s.terminal, "OK"));
	get_up(&s);
}

static void help_tells_what_a_command_takes(void)
{
	struct sitting s = sit_down(NULL, 100);

	enter(&s, "help incrby");
	CU_ASSERT(terminal_shows(s.terminal, "INCRBY key increment"));
	CU_ASSERT(terminal_shows(s.terminal, "summary: Adds to a number."));
	enter(&s, "help config get");
	CU_ASSERT(terminal_shows(s.terminal, "CONFIG GET parameter"));
	enter(&s, "help nonsense");
	CU_ASSERT(terminal_shows(s.terminal, "There is no help on \"nonsense\"."));
	if (fixture_has(&s.f, "ZADD", "help on what the server has besides")) {
		enter(&s, "help zadd");
		CU_ASSERT(terminal_shows(s.terminal, "ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member"));
	}
	get_up(&s);
}

static void monitor_and_subscriptions_are_shown_live(void)
{
	struct sitting s = sit_down(NULL, 80);

	terminal_type(s.terminal, "monitor\r");
	CU_ASSERT(terminal_shows(s.terminal, "OK"));
	GOOD(qc_set(s.f.client, ctx, "seen", "live"));
	CU_ASSERT(terminal_shows(s.terminal, "\"SET\" \"seen\" \"live\""));
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	if (fixture_has(&s.f, "SUBSCRIBE", "subscriptions in the command line")) {
		terminal_type(s.terminal, "subscribe news\r");
		CU_ASSERT(terminal_shows(s.terminal, "3) (integer) 1"));
		qc_result r qc_auto = qc_do(s.f.client, ctx, "PUBLISH", "news", "hello there");
		CU_ASSERT(terminal_shows(s.terminal, "3) \"hello there\""));
		terminal_type(s.terminal, "\003");
		CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	}
	enter(&s, "echo on");
	CU_ASSERT(terminal_shows(s.terminal, "\"on\""));
	get_up(&s);
}

static void maps_are_shown_in_resp3(void)
{
	struct sitting s = sit_down("-3", 80);

	enter(&s, "config get port");
	CU_ASSERT(terminal_shows(s.terminal, "1# \"port\" => \""));
	get_up(&s);
}

/* Scripts: no terminal */

static char script[512];

/* Runs a line of the shell in which $CLI is the program and $ADDR the server; what it wrote, to be freed. */
static char *shell(struct fixture *f, const char *line, int *out_status)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	int status = -1;

	snprintf(script, sizeof(script), "CLI='%s -addr %s'; cd '%s'; %s", cli(), f->address, home, line);
	char *output = process_run(argv, &status);
	*out_status = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return output;
}

static bool script_gives(struct fixture *f, const char *line, int wanted_status, const char *wanted)
{
	int status;
	char *output = shell(f, line, &status);
	bool fine = status == wanted_status && strcmp(output, wanted) == 0;

	if (!fine)
		fprintf(stderr, "%s\n  gives (%d): %s\n  not (%d): %s\n", line, status, output, wanted_status, wanted);
	free(output);
	return fine;
}

static void scripts_get_plain_output_and_a_status(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "$CLI set foo bar", 0, "OK\n"));
	CU_ASSERT(script_gives(&f, "$CLI get foo", 0, "bar\n"));
	CU_ASSERT(script_gives(&f, "$CLI get none", 0, "\n"));
	CU_ASSERT(script_gives(&f, "$CLI -no-raw get none", 0, "(nil)\n"));
	CU_ASSERT(script_gives(&f, "$CLI incr foo", 1, "ERR value is not an integer or out of range\n"));
	CU_ASSERT(script_gives(&f, "$CLI --json mget foo none", 0, "[\"bar\",null]\n"));
	CU_ASSERT(script_gives(&f, "$CLI -csv mget foo none", 0, "\"bar\",NULL\n"));
	CU_ASSERT(script_gives(&f, "$CLI -json config get port | grep -c '^{\"port\":\"[0-9]*\"}$'", 0, "1\n"));
	CU_ASSERT(script_gives(&f, "printf 'a\\0b' | $CLI -x set bin; $CLI -no-raw get bin", 0, "OK\n\"a\\x00b\"\n"));
	CU_ASSERT(script_gives(&f, "$CLI -r 3 -i 0.01 incr n", 0, "1\n2\n3\n"));
	CU_ASSERT(script_gives(&f, "printf 'set k 1\\n\\nincr k\\nget \"open\\nincr k\\n' | $CLI", 1,
			       "OK\n2\nInvalid argument(s)\n3\n"));
	CU_ASSERT(script_gives(&f, "$CLI -n 5 dbsize; $CLI --db 0 exists foo", 0, "0\n1\n"));
	CU_ASSERT(script_gives(&f, "$CLI -frob; echo $?", 0,
			       "qcache-cli: unknown option -frob (see qcache-cli --help)\n2\n"));
	CU_ASSERT(script_gives(&f, "$CLI -r x ping", 2, "qcache-cli: -r wants a number (see qcache-cli --help)\n"));
	CU_ASSERT(script_gives(&f, "$CLI -h elsewhere ping 2>/dev/null", 2, ""));
	CU_ASSERT(script_gives(&f, "CLI=${CLI% -addr*}; $CLI -p 1 ping 2>&1 | head -c 19; $CLI -p 1 ping 2>/dev/null", 3,
			       "Could not connect: "));
	CU_ASSERT(script_gives(&f, "$CLI shutdown nosave", 0, ""));
	qc_close(f.client);
	CU_ASSERT(server_await_stop(&f.server));
}

static void all_ways_to_say_where_the_server_is(void)
{
	struct fixture f = {.server = server_start("--requirepass secret")};
	char line[300];

	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", server_port(f.server));

	snprintf(line, sizeof(line), "%s -p %u -a secret ping; %s -u redis://:secret@127.0.0.1:%u ping", cli(), server_port(f.server),
		 cli(), server_port(f.server));
	CU_ASSERT(script_gives(&f, line, 0, "PONG\nPONG\n"));
	snprintf(line, sizeof(line), "REDISCLI_AUTH=secret %s -s %s ping; $CLI --user default --pass secret ping", cli(),
		 server_socket_path(f.server));
	CU_ASSERT(script_gives(&f, line, 0, "PONG\nPONG\n"));
	CU_ASSERT(script_gives(&f, "QCACHE_AUTH=secret $CLI -3 -no-raw ping; $CLI ping", 1,
			       "PONG\nNOAUTH Authentication required.\n"));
	CU_ASSERT(server_stop(&f.server));
}

static void masses_are_loaded(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "for i in 1 2 3; do echo \"SET k$i v$i\"; done | $CLI --pipe", 0,
			       "All data transferred. Waiting for the last reply...\nLast reply received from server.\n"
			       "errors: 0, replies: 3\n"));
	CU_ASSERT(script_gives(&f, "printf '*3\\r\\n$3\\r\\nSET\\r\\n$1\\r\\nr\\r\\n$2\\r\\n\\r\\n\\r\\n' >r.resp; "
				   "$CLI -import r.resp | tail -1; $CLI -no-raw get r", 0, "errors: 0, replies: 1\n\"\\r\\n\"\n"));
	CU_ASSERT(script_gives(&f, "printf 'a,1\\r\\n\"b,x\",\"he said \"\"hi\"\"\",100\\nbad\\n\\nc,\"two\\nlines\"\\n' >x.csv; "
				   "$CLI --import x.csv 2>&1 | grep -v Waiting", 0,
			       "x.csv: row 3 is not key,value or key,value,seconds\nLast reply received from server.\n"
			       "errors: 1, replies: 3\n"));
	CU_ASSERT(script_gives(&f, "$CLI -no-raw mget a b,x c; $CLI persist b,x", 0,
			       "1) \"1\"\n2) \"he said \\\"hi\\\"\"\n3) \"two\\nlines\"\n1\n"));
	CU_ASSERT(script_gives(&f, "seq 1 200000 | sed 's/.*/set key:& value:&/' | $CLI --pipe | tail -1", 0,
			       "errors: 0, replies: 200000\n"));
	CU_ASSERT(script_gives(&f, "echo incr a b | $CLI --pipe 2>&1 >/dev/null", 1,
			       "ERR wrong number of arguments for 'incr' command\n"));
	CU_ASSERT(script_gives(&f, "$CLI -scan -pattern 'key:19999*' | sort", 0,
			       "key:19999\nkey:199990\nkey:199991\nkey:199992\nkey:199993\nkey:199994\nkey:199995\nkey:199996\n"
			       "key:199997\nkey:199998\nkey:199999\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void the_tools_measure(void)
{
	struct fixture f = fixture_start("");

	GOOD(qc_mset(f.client, ctx, "small", "x", "large", "0123456789"));
	CU_ASSERT(script_gives(&f, "$CLI -bigkeys 2>/dev/null", 0,
			       "2 keys\nstring  2 keys, 11 bytes, 5.50 on average; the largest: \"large\" with 10\n"));
	if (fixture_has(&f, "MEMORY", "the largest keys by memory"))
		CU_ASSERT(script_gives(&f, "$CLI -memkeys | head -1", 0, "2 keys\n"));
	CU_ASSERT(script_gives(&f, "$CLI -latency -i 0.1 | grep -c 'min .* max .* avg .* samples'", 0, "1\n"));
	CU_ASSERT(script_gives(&f, "$CLI -latency-dist -i 0.1 | grep -c '(100.0%)'", 0, "1\n"));
	CU_ASSERT(script_gives(&f, "$CLI -stat -r 2 -i 0.05 | cut -c1-6", 0, "keys  \n2     \n2     \n"));
	if (fixture_has(&f, "SYNC", "fetching a snapshot")) {
		CU_ASSERT(script_gives(&f, "$CLI -rdb got.rdb >/dev/null; head -c 5 got.rdb", 0, "REDIS"));
	} else {
		CU_ASSERT(script_gives(&f, "$CLI -rdb got.rdb 2>&1 | cut -c1-60", 0,
				       "qcache-cli: -rdb: the server sends no snapshot: ERR unknown \n"));
	}
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(a_session_reads_as_people_know_it),
	CASE(the_prompt_shows_database_and_transaction),
	CASE(tab_completes_commands_and_subcommands),
	CASE(hints_stand_at_the_right_as_one_types),
	CASE(control_c_throws_a_line_away),
	CASE(control_c_cancels_a_command_and_not_the_program),
	CASE(a_server_that_comes_back_is_found_again),
	CASE(history_is_kept_between_runs_but_for_secrets),
	CASE(several_lines_are_pasted_at_once),
	CASE(the_window_may_change_its_size),
	CASE(help_tells_what_a_command_takes),
	CASE(monitor_and_subscriptions_are_shown_live),
	CASE(maps_are_shown_in_resp3),
	CASE(scripts_get_plain_output_and_a_status),
	CASE(all_ways_to_say_where_the_server_is),
	CASE(masses_are_loaded),
	CASE(the_tools_measure),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	scratch_create(home, sizeof(home));
	int status = suite_main("command line", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	scratch_remove(home);
	return status;
}

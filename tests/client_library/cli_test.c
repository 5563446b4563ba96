/*
 * qcache-cli as used at a terminal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_library/fixture.h"
#include "client_library/terminal.h"
#include "support/process.h"

static qc_context *ctx;
static char home[64];

struct sitting {
	struct fixture f;
	struct terminal *terminal;
	char prompt[72];
};

static struct sitting sit_down(const char *option, int columns)
{
	struct sitting s = {.f = fixture_start("--enable-debug-command yes")};
	const char *argv[] = {fixture_cli(), "-addr", s.f.address, option, NULL};

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
	CU_ASSERT(terminal_shows(s.terminal, "\"\xc3\xa9t\xc3\xa9\""));
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
	/* EXPIRE and EXPIREAT have no common longer prefix, so both are shown. */
	CU_ASSERT(terminal_shows(s.terminal, "expireat"));
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
	/* The key is typed; the increment is missing. */
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

static void the_colour_of_a_hint_ends_with_it(void)
{
	struct sitting s = sit_down(NULL, 80);

	type_and_see(&s, "set");
	for (const char *c = " foo bar"; *c; c++) {
		char line[96];
		snprintf(line, sizeof(line), "%sset%.*s", s.prompt, (int)(c + 1 - " foo bar"), " foo bar");
		terminal_type(s.terminal, (char[]){*c, 0});
		CU_ASSERT(terminal_waits_at(s.terminal, line));
	}
	CU_ASSERT(terminal_has_plain(s.terminal, "set foo bar"));
	terminal_type(s.terminal, "\r");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	CU_ASSERT(terminal_has_plain(s.terminal, "OK"));
	enter(&s, "ping");
	CU_ASSERT(terminal_has_plain(s.terminal, "> ping"));
	CU_ASSERT(terminal_has_plain(s.terminal, "PONG"));
	get_up(&s);
}

static void control_c_throws_a_line_away(void)
{
	struct sitting s = sit_down(NULL, 80);

	type_and_see(&s, "set half a line");
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	/* Also a line that continues because a quote is open. */
	type_and_see(&s, "set a \"begun");
	terminal_type(s.terminal, "\r");
	CU_ASSERT(terminal_waits_at(s.terminal, "... "));
	terminal_type(s.terminal, "more");
	CU_ASSERT(terminal_waits_at(s.terminal, "... more"));
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	enter(&s, "dbsize");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 0"));
	/* Ctrl-D on an empty line ends the input. */
	type_and_see(&s, "x");
	terminal_type(s.terminal, "\b");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	terminal_type(s.terminal, "\004");
	CU_ASSERT_EQUAL(terminal_stop(&s.terminal), 0);
	CU_ASSERT(fixture_stop(&s.f));
}

static void a_server_that_comes_back_is_found_again(void)
{
	struct fixture f = fixture_start("");
	char prompt[96], start[32];
	uint16_t port = server_port(f.server);
	const char *argv[] = {fixture_cli(), "-addr", f.address, NULL};
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
	/* In the database chosen before. */
	CU_ASSERT(terminal_waits_at(t, prompt));
	CU_ASSERT(terminal_shows(t, "OK"));
	terminal_type(t, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
	CU_ASSERT(server_stop(&again));
}

static void connect_leaves_a_connection_only_for_an_address(void)
{
	static const char *const wrong[] = {"connect", "connect localhost abc", "connect localhost 70000", "connect me:pw@host",
					    "connect localhost:1 2", "connect /tmp/x.sock 5", "connect a b c", "connect redis://host:99999", "connect http://host",
					    "connect redis://host/x", "connect redis://host 5"};
	struct sitting s = sit_down(NULL, 100);
	char line[160], prompt[120];

	enter(&s, "client setname kept");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		enter(&s, wrong[i]);
		CU_ASSERT(terminal_has(s.terminal, "usage: connect HOST [PORT], connect HOST:PORT, connect SOCKET-PATH, connect URL"));
		enter(&s, "clear");
	}
	enter(&s, "client getname");
	CU_ASSERT(terminal_has(s.terminal, "\"kept\""));
	snprintf(line, sizeof(line), "connect %s", s.f.address);
	enter(&s, line);
	enter(&s, "client getname");
	CU_ASSERT(terminal_has(s.terminal, "(nil)"));
	snprintf(line, sizeof(line), "connect %s\r", server_socket_path(s.f.server));
	snprintf(prompt, sizeof(prompt), "unix:%s> ", server_socket_path(s.f.server));
	terminal_type(s.terminal, line);
	CU_ASSERT(terminal_waits_at(s.terminal, prompt));
	terminal_type(s.terminal, "ping\r");
	CU_ASSERT(terminal_shows(s.terminal, "PONG"));
	get_up(&s);
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
	/* Arrow up, past the last quit. */
	terminal_type(s.terminal, "\033[A\033[A");
	CU_ASSERT(terminal_shows(s.terminal, "set remembered 1"));
	terminal_type(s.terminal, "\r");
	CU_ASSERT(terminal_shows(s.terminal, "OK"));
	get_up(&s);
}

/* With arrow up, past `lines` newer lines; the cursor may be anywhere in the line then. */
static void recall(struct sitting *s, int lines)
{
	while (lines-- >= 0)
		terminal_type(s->terminal, "\033[A");
	CU_ASSERT(terminal_shows(s->terminal, "set ml \"one"));
	terminal_type(s->terminal, "\r");
	CU_ASSERT(terminal_shows(s->terminal, "OK"));
	enter(s, "get ml");
	CU_ASSERT(terminal_shows(s->terminal, "\"one\\ntwo\""));
}

static void a_recalled_line_is_whole_that_was_typed_as_several(void)
{
	struct sitting s = sit_down(NULL, 80);

	terminal_type(s.terminal, "set ml \"one\r");
	CU_ASSERT(terminal_waits_at(s.terminal, "... "));
	terminal_type(s.terminal, "two\"\r");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	enter(&s, "del ml");
	enter(&s, "clear");
	/* Past del and clear. */
	recall(&s, 2);
	get_up(&s);
	s = sit_down(NULL, 80);
	/* From the file; get and quit were added later. */
	recall(&s, 2);
	get_up(&s);
}

static void characters_are_kept_where_the_environment_names_no_language(void)
{
	struct fixture f = fixture_start("");
	const char *argv[] = {"env", "-u", "LC_ALL", "-u", "LC_CTYPE", "-u", "LANG", fixture_cli(), "-addr", f.address, NULL};
	struct terminal *t = terminal_start(argv, home, 24, 80);
	char prompt[72];

	snprintf(prompt, sizeof(prompt), "%s> ", f.address);
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "echo caf\xc3\xa9\r");
	CU_ASSERT(terminal_shows(t, "\"caf\xc3\xa9\""));
	terminal_type(t, "\033[200~echo th\xc3\xa9\n\033[201~");
	CU_ASSERT(terminal_shows(t, "\"th\xc3\xa9\""));
	terminal_type(t, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
	CU_ASSERT(fixture_stop(&f));
}

static void several_lines_are_pasted_at_once(void)
{
	struct sitting s = sit_down(NULL, 80);
	char line[128];

	terminal_type(s.terminal, "\033[200~set a 1\nset b \"two\nlines\"\nmget a b\nget rest\033[201~");
	CU_ASSERT(terminal_shows(s.terminal, "1) \"1\""));
	CU_ASSERT(terminal_shows(s.terminal, "2) \"two\\nlines\""));
	/* A pasted line without a line end waits for one. */
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
	CU_ASSERT(terminal_shows(s.terminal, "summary: Adds an integer to the value of a key."));
	enter(&s, "help config get");
	CU_ASSERT(terminal_shows(s.terminal, "CONFIG GET parameter"));
	enter(&s, "help nonsense");
	CU_ASSERT(terminal_shows(s.terminal, "No help for \"nonsense\"."));
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

/* Authenticates; then the options for database and protocol are in effect: CONFIG GET shows the protocol, INCR the database. */
static void log_in_at(const char *address, const char *shown, const char *option, const char *value, const char *wanted)
{
	const char *argv[] = {fixture_cli(), "-addr", address, option, value, NULL};
	struct terminal *t = terminal_start(argv, home, 24, 80);

	CU_ASSERT(terminal_waits_at(t, shown));
	terminal_type(t, "auth secret\r");
	CU_ASSERT(terminal_waits_at(t, shown));
	terminal_type(t, "config get port\r");
	CU_ASSERT(terminal_shows(t, wanted));
	CU_ASSERT(terminal_waits_at(t, shown));
	terminal_type(t, "incr typed\r");
	CU_ASSERT(terminal_waits_at(t, shown));
	terminal_type(t, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
}

static void a_password_can_be_typed_whatever_the_options_want(void)
{
	struct server *server = server_start("--requirepass secret");
	char address[64], url[80], prompt[80], fifth[80];

	snprintf(address, sizeof(address), "127.0.0.1:%u", server_port(server));
	snprintf(url, sizeof(url), "redis://%s/5", address);
	snprintf(prompt, sizeof(prompt), "%s> ", address);
	snprintf(fifth, sizeof(fifth), "%s[5]> ", address);
	log_in_at(address, prompt, "-2", NULL, "1) \"port\"");
	log_in_at(address, prompt, "-3", NULL, "1# \"port\" => \"");
	log_in_at(address, prompt, "--json", NULL, "{\"port\":\"");
	log_in_at(address, fifth, "-n", "5", "1) \"port\"");
	log_in_at(url, fifth, NULL, NULL, "1) \"port\"");
	for (int db = 0; db <= 5; db += 5) {
		qc_client *c qc_defer(qc_close) = qc_dial(address, .password = "secret", .db = db);
		qc_string typed qc_auto = qc_get(c, ctx, "typed");
		GOOD_FATAL(typed);
		CU_ASSERT_STRING_EQUAL(typed.data, db ? "2" : "3");
	}
	CU_ASSERT(server_stop(&server));
}

static void what_was_typed_is_done_again_after_a_lost_connection(void)
{
	struct server *server = server_start("--requirepass secret");
	char address[64], prompt[80], line[96];
	const char *argv[] = {fixture_cli(), "-addr", address, "-n", "5", NULL};

	snprintf(address, sizeof(address), "127.0.0.1:%u", server_port(server));
	snprintf(prompt, sizeof(prompt), "%s[7]> ", address);
	qc_client *killer qc_defer(qc_close) = qc_dial(address, .password = "secret");
	GOOD_FATAL(*killer);
	struct terminal *t = terminal_start(argv, home, 24, 80);
	CU_ASSERT(terminal_shows(t, "[5]> "));
	terminal_type(t, "hello 3 auth default secret\r");
	CU_ASSERT(terminal_shows(t, "=> "));
	terminal_type(t, "select 7\r");
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "client id\r");
	CU_ASSERT(terminal_waits_at(t, prompt));
	qc_result killed qc_auto = qc_do(killer, ctx, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
	GOOD(killed);
	terminal_type(t, "config get port\r");
	CU_ASSERT(terminal_shows(t, "Reconnected"));
	CU_ASSERT(terminal_shows(t, "1# \"port\" => \""));
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "incr seventh\r");
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
	snprintf(line, sizeof(line), "redis://:secret@%s/7", address);
	qc_client *seventh qc_defer(qc_close) = qc_dial(line);
	qc_string counted qc_auto = qc_get(seventh, ctx, "seventh");
	GOOD(counted);
	CU_ASSERT(server_stop(&server));
}

/* A queued one, at the prompt. */
static void queue_line(struct sitting *s, const char *line)
{
	char prompt[96];

	snprintf(prompt, sizeof(prompt), "%s(TX)> ", s->f.address);
	terminal_type(s->terminal, "multi\r");
	CU_ASSERT(terminal_waits_at(s->terminal, prompt));
	terminal_type(s->terminal, line);
	CU_ASSERT(terminal_waits_at(s->terminal, prompt));
	CU_ASSERT(terminal_has(s->terminal, "QUEUED"));
}

static void a_select_in_a_transaction_counts_when_it_is_executed(void)
{
	struct sitting s = sit_down(NULL, 80);

	if (fixture_has(&s.f, "MULTI", "SELECT in a transaction")) {
		queue_line(&s, "select 5\r");
		enter(&s, "discard");
		/* There is no such database: one reply of EXEC is an error. */
		queue_line(&s, "select 5000\r");
		enter(&s, "exec");
		queue_line(&s, "select 5\r");
		snprintf(s.prompt, sizeof(s.prompt), "%s[5]> ", s.f.address);
		enter(&s, "exec");
	}
	get_up(&s);
}

static void connect_takes_a_url_with_login_and_database(void)
{
	struct sitting s = sit_down("-2", 100);
	struct server *other = server_start("--requirepass secret");
	char line[160], fifth[96], plain[96];

	snprintf(fifth, sizeof(fifth), "127.0.0.1:%u[5]> ", server_port(other));
	snprintf(plain, sizeof(plain), "127.0.0.1:%u> ", server_port(other));
	snprintf(line, sizeof(line), "connect redis://:secret@127.0.0.1:%u/5\r", server_port(other));
	terminal_type(s.terminal, line);
	CU_ASSERT(terminal_waits_at(s.terminal, fifth));
	terminal_type(s.terminal, "set here 5\r");
	CU_ASSERT(terminal_shows(s.terminal, "OK"));
	/* Without a database in the URL it is 0. */
	snprintf(line, sizeof(line), "connect valkey://secret@127.0.0.1:%u\r", server_port(other));
	terminal_type(s.terminal, line);
	CU_ASSERT(terminal_waits_at(s.terminal, plain));
	terminal_type(s.terminal, "exists here\r");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 0"));
	get_up(&s);
	CU_ASSERT(server_stop(&other));
}

static void a_password_is_used_again_after_a_server_without_one(void)
{
	struct server *other = server_start("--requirepass secret");
	struct sitting s = sit_down("-a=secret", 100);
	char line[160];

	enter(&s, "ping");
	snprintf(line, sizeof(line), "connect 127.0.0.1:%u\r", server_port(other));
	terminal_type(s.terminal, line);
	snprintf(line, sizeof(line), "127.0.0.1:%u> ", server_port(other));
	CU_ASSERT(terminal_waits_at(s.terminal, line));
	terminal_type(s.terminal, "echo served\r");
	CU_ASSERT(terminal_shows(s.terminal, "\"served\""));
	get_up(&s);
	CU_ASSERT(server_stop(&other));
}

static void info_is_shown_as_text(void)
{
	struct sitting s = sit_down(NULL, 80);

	enter(&s, "info clients");
	CU_ASSERT(terminal_has(s.terminal, "connected_clients:"));
	CU_ASSERT(!terminal_has(s.terminal, "\\r\\n"));
	get_up(&s);
}

static void a_subscription_in_a_transaction_waits_for_exec(void)
{
	static const char what[] = "SUBSCRIBE in a transaction";
	struct sitting s = sit_down(NULL, 80);

	if (fixture_has(&s.f, "MULTI", what) && fixture_has(&s.f, "SUBSCRIBE", what)) {
		queue_line(&s, "subscribe news\r");
		enter(&s, "discard");
		CU_ASSERT(terminal_has(s.terminal, "OK"));
		queue_line(&s, "subscribe news\r");
		terminal_type(s.terminal, "exec\r");
		CU_ASSERT(terminal_shows(s.terminal, "Reading messages"));
		terminal_type(s.terminal, "\003");
		CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
		enter(&s, "echo on");
		CU_ASSERT(terminal_has(s.terminal, "\"on\""));
	}
	get_up(&s);
}

static void a_reply_goes_to_a_program_of_the_shell(void)
{
	struct sitting s = sit_down(NULL, 80);

	GOOD(qc_mset(s.f.client, ctx, "one", "1", "two", "2", "three", "3"));
	enter(&s, "keys * | sort | tail -n 1 | sed 's/^/last: /'");
	CU_ASSERT(terminal_shows(s.terminal, "last: two"));
	/* A bar in quotes or inside a word is no pipe. */
	enter(&s, "echo 'a | b'");
	CU_ASSERT(terminal_shows(s.terminal, "\"a | b\""));
	enter(&s, "echo a|b");
	CU_ASSERT(terminal_shows(s.terminal, "\"a|b\""));
	/* A program that reads nothing ends only itself. */
	enter(&s, "debug stringmatch-len 1 a | true");
	enter(&s, "mget one two | exit 3");
	enter(&s, "get one | no-such-program-here");
	CU_ASSERT(terminal_shows(s.terminal, "no-such-program-here"));
	enter(&s, "echo on");
	CU_ASSERT(terminal_shows(s.terminal, "\"on\""));
	/* Ctrl-C ends an endless command and the program that receives it. */
	terminal_type(s.terminal, "monitor | sed 's/^/seen: /'\r");
	CU_ASSERT(terminal_shows(s.terminal, "Reading messages"));
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	enter(&s, "echo again");
	CU_ASSERT(terminal_shows(s.terminal, "\"again\""));
	get_up(&s);
}

static void a_long_reply_goes_through_the_pager(void)
{
	struct sitting s = {.f = fixture_start("")};
	const char *argv[] = {"env", "QCACHE_PAGER=tail -n 2 | sed 's/^/paged: /'", fixture_cli(), "-addr", s.f.address, NULL};

	for (int i = 0; i < 40; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%02d", i);
		GOOD(qc_set(s.f.client, ctx, key, "v"));
	}
	snprintf(s.prompt, sizeof(s.prompt), "%s> ", s.f.address);
	s.terminal = terminal_start(argv, home, 24, 80);
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	enter(&s, "keys *");
	CU_ASSERT(terminal_shows(s.terminal, "paged: "));
	CU_ASSERT(terminal_has(s.terminal, "40) "));
	CU_ASSERT(!terminal_has(s.terminal, "30) "));
	enter(&s, "clear");
	enter(&s, "keys k00");
	CU_ASSERT(terminal_has(s.terminal, "1) \"k00\""));
	CU_ASSERT(!terminal_has(s.terminal, "paged: "));
	get_up(&s);
}

static void what_can_not_be_undone_is_asked_before(void)
{
	struct sitting s = sit_down(NULL, 120);

	enter(&s, "set kept 1");
	terminal_type(s.terminal, "flushall\r");
	CU_ASSERT(terminal_shows(s.terminal, "flushall deletes all keys of all databases at"));
	terminal_type(s.terminal, "n\r");
	CU_ASSERT(terminal_shows(s.terminal, "(not run)"));
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	enter(&s, "get kept");
	CU_ASSERT(terminal_shows(s.terminal, "\"1\""));
	/* A pasted line after it is no answer, and isn't run. */
	terminal_type(s.terminal, "\033[200~flushall\nyes\ndel kept\n\033[201~");
	CU_ASSERT(terminal_shows(s.terminal, "Go on? (y/N)"));
	terminal_type(s.terminal, "\003");
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	enter(&s, "exists kept");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 1"));
	terminal_type(s.terminal, "FLUSHALL\r");
	CU_ASSERT(terminal_shows(s.terminal, "FLUSHALL deletes all keys of all databases at"));
	terminal_type(s.terminal, "y\r");
	CU_ASSERT(terminal_shows(s.terminal, "OK"));
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	enter(&s, "exists kept");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 0"));
	get_up(&s);
	s = sit_down("-yes", 120);
	enter(&s, "set kept 1");
	enter(&s, "flushdb");
	enter(&s, "exists kept");
	CU_ASSERT(terminal_shows(s.terminal, "(integer) 0"));
	get_up(&s);
}

static void keys_among_many_are_asked_before(void)
{
	struct sitting s = sit_down(NULL, 120);
	qc_pipeline *p qc_defer(qc_pipeline_close) = qc_pipeline_open(s.f.client);

	enter(&s, "keys *");
	CU_ASSERT(terminal_shows(s.terminal, "(empty array)"));
	for (int i = 0; i < 10001; i++)
		qc_add(p, "SET", i, "v");
	qc_results set qc_auto_results = qc_run(p, ctx);
	GOOD(set);
	terminal_type(s.terminal, "keys *\r");
	CU_ASSERT(terminal_shows(s.terminal, "keys reads all 10001 keys"));
	terminal_type(s.terminal, "\r");
	CU_ASSERT(terminal_shows(s.terminal, "(not run)"));
	CU_ASSERT(terminal_waits_at(s.terminal, s.prompt));
	get_up(&s);
}

static const struct suite_case cases[] = {
	CASE(a_session_reads_as_people_know_it),
	CASE(the_prompt_shows_database_and_transaction),
	CASE(tab_completes_commands_and_subcommands),
	CASE(hints_stand_at_the_right_as_one_types),
	CASE(the_colour_of_a_hint_ends_with_it),
	CASE(control_c_throws_a_line_away),
	CASE(a_server_that_comes_back_is_found_again),
	CASE(connect_leaves_a_connection_only_for_an_address),
	CASE(history_is_kept_between_runs_but_for_secrets),
	CASE(a_recalled_line_is_whole_that_was_typed_as_several),
	CASE(characters_are_kept_where_the_environment_names_no_language),
	CASE(several_lines_are_pasted_at_once),
	CASE(the_window_may_change_its_size),
	CASE(help_tells_what_a_command_takes),
	CASE(monitor_and_subscriptions_are_shown_live),
	CASE(maps_are_shown_in_resp3),
	CASE(a_password_can_be_typed_whatever_the_options_want),
	CASE(what_was_typed_is_done_again_after_a_lost_connection),
	CASE(a_select_in_a_transaction_counts_when_it_is_executed),
	CASE(connect_takes_a_url_with_login_and_database),
	CASE(a_password_is_used_again_after_a_server_without_one),
	CASE(info_is_shown_as_text),
	CASE(a_subscription_in_a_transaction_waits_for_exec),
	CASE(a_reply_goes_to_a_program_of_the_shell),
	CASE(a_long_reply_goes_through_the_pager),
	CASE(what_can_not_be_undone_is_asked_before),
	CASE(keys_among_many_are_asked_before),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	scratch_create(home, sizeof(home));
	int status = suite_main("command line", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	scratch_remove(home);
	return status;
}

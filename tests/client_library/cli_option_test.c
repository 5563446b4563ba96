/*
 * The options of qcache-cli, including those of redis-cli.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_library/cli_shell.h"
#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "client_library/terminal.h"
#include "support/process.h"

static qc_context *ctx;
static char home[64];

static bool gives(const struct fixture *f, const char *line, int status, const char *wanted)
{
	return cli_shell_gives(home, f->address, line, status, wanted);
}

static void no_option_of_redis_cli_is_unknown(void)
{
	static const char *const options[] = {
		"-h h", "-p 1", "-t 1", "-s /s", "-a p", "--user u", "--pass p", "--askpass", "-u redis://h", "-r 1", "-i 1", "-n 1", "-2", "-3",
		"-4", "-6", "-x", "-X t", "-d ,", "-D ,", "-c", "-e", "--tls", "--sni h", "--cacert f", "--cacertdir d", "--insecure",
		"--cert f", "--key f", "--tls-ciphers l", "--tls-ciphersuites l", "--raw", "--no-raw", "--quoted-input", "--csv", "--json",
		"--quoted-json", "--show-pushes no", "--stat", "--latency", "--latency-history", "--latency --latency-percentiles 50",
		"--latency-dist", "--mono",
		"--vset-recall k", "--vset-recall-count 1", "--vset-recall-ele 1", "--vset-recall-ef 1", "--lru-test 5", "--replica",
		"--slave", "--rdb f", "--functions-rdb f", "--pipe", "--pipe-timeout 1", "--bigkeys", "--memkeys", "--memkeys-samples 1",
		"--keystats", "--keystats-samples 1", "--cursor 1", "--top 1", "--hotkeys", "--scan", "--pattern p", "--count 1",
		"--quoted-pattern p", "--type set", "--intrinsic-latency 1", "--eval f", "--ldb", "--ldb-sync-mode", "--cluster info",
		"--cluster-replicas 1", "--verbose", "--no-auth-warning", "--name n", "--uri redis://h",
	};
	char line[160];

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		int status;
		/* The last option is certainly wrong, so nothing is run. */
		snprintf(line, sizeof(line), "$PROGRAM %s --wrong-option", options[i]);
		char *output = cli_shell(home, "none", line, &status);
		bool is_known = strstr(output, "unknown option --wrong-option") || !strstr(output, "unknown option");
		if (!is_known)
			fprintf(stderr, "%s: %s\n", options[i], output);
		CU_ASSERT(is_known);
		CU_ASSERT_EQUAL(status, 2);
		free(output);
	}
}

static void what_the_server_can_not_do_is_refused_with_the_reason(void)
{
	struct fixture none = {.address = "none"};

	CU_ASSERT(gives(&none, "$PROGRAM --replica", 2,
			"qcache-cli: --replica: the server does not stream commands to replicas yet (see qcache-cli --help)\n"));
	CU_ASSERT(gives(&none, "$PROGRAM --cluster info :7000", 2,
			"qcache-cli: --cluster: cluster management is not supported (see qcache-cli --help)\n"));
	CU_ASSERT(gives(&none, "$PROGRAM --cluster-yes", 2,
			"qcache-cli: --cluster-yes: cluster management is not supported (see qcache-cli --help)\n"));
}

static void a_port_stands_beside_a_url_or_a_socket(void)
{
	struct fixture f = fixture_start("");
	char line[256];
	uint16_t port = server_port(f.server);

	snprintf(line, sizeof(line),
		 "$PROGRAM -u redis://127.0.0.1 -p %u echo 1; $PROGRAM -u redis://127.0.0.1:1/0 -p %u echo 2; "
		 "$PROGRAM -p %u -s %s echo 3; $PROGRAM -p %u -u valkey://no-such-host.invalid:1 -h 127.0.0.1 echo 4",
		 port, port, 1U, server_socket_path(f.server), port);
	CU_ASSERT(gives(&f, line, 0, "1\n2\n3\n4\n"));
	/* If the machine knows the name. */
	snprintf(line, sizeof(line), "if getent ahostsv4 localhost >known; then $PROGRAM -4 -h localhost -p %u echo 5; else echo 5; fi", port);
	CU_ASSERT(gives(&f, line, 0, "5\n"));
	CU_ASSERT(gives(&f, "$PROGRAM -u valkey://$ADDR/3 set in-three 1; $CLI -n 3 exists in-three; $CLI exists in-three", 0, "OK\n1\n0\n"));
	CU_ASSERT(gives(&f, "$CLI -name teller client getname", 0, "teller\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void options_of_tls_want_tls(void)
{
	struct fixture none = {.address = "127.0.0.1:1"};

	CU_ASSERT(gives(&none, "$CLI -cacert ca.crt -a secret ping", 2,
			"qcache-cli: -cacert needs -tls or a rediss:// address (see qcache-cli --help)\n"));
	CU_ASSERT(gives(&none, "$CLI -insecure ping", 2,
			"qcache-cli: -insecure needs -tls or a rediss:// address (see qcache-cli --help)\n"));
	CU_ASSERT(gives(&none, "$PROGRAM -tls -s /tmp/none.sock ping", 2,
			"qcache-cli: -tls: a unix socket cannot use TLS (see qcache-cli --help)\n"));
	/* -tls adds TLS to a redis:// address, so that no password is sent unencrypted. */
	CU_ASSERT(gives(&none, "$PROGRAM -tls -u redis://:pw@127.0.0.1:1 -cacert none.crt ping 2>&1 | cut -c1-30", 0,
			"Could not connect: none.crt: e\n"));
}

static void a_password_from_the_environment_does_not_harm_where_none_is_wanted(void)
{
	struct fixture f = fixture_start("");
	char warning[160];

	snprintf(warning, sizeof(warning), "Warning: %s has no password; the given one is not used.\nPONG\n", f.address);
	CU_ASSERT(gives(&f, "REDISCLI_AUTH=x $CLI ping", 0, warning));
	CU_ASSERT(gives(&f, "$CLI -a x ping", 0, warning));
	CU_ASSERT(gives(&f, "$PROGRAM -u redis://x@$ADDR ping", 0, warning));
	CU_ASSERT(gives(&f, "$PROGRAM -u redis://x@$ADDR,redis://x@$ADDR/1 ping 2>&1 | tail -1", 0, "PONG\n"));
	CU_ASSERT(gives(&f, "REDISCLI_AUTH=x $CLI -scan; echo $?", 0, strcpy(strstr(warning, "PONG"), "0\n") ? warning : ""));
	CU_ASSERT(fixture_stop(&f));
	f = (struct fixture){.server = server_start("--requirepass secret")};
	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", server_port(f.server));
	CU_ASSERT(gives(&f, "REDISCLI_AUTH=wrong $CLI ping 2>/dev/null", 3, ""));
	CU_ASSERT(gives(&f, "$PROGRAM -u redis://secret@$ADDR ping", 0, "PONG\n"));
	CU_ASSERT(gives(&f, "echo secret | $CLI -askpass ping", 0, "PONG\n"));
	CU_ASSERT(gives(&f, "printf 'secret\\nvalue' | $CLI -askpass -x set k; $CLI -a secret get k", 0, "OK\nvalue\n"));
	CU_ASSERT(gives(&f, "$CLI -askpass -a secret ping", 2,
			"qcache-cli: -askpass and -a cannot be combined (see qcache-cli --help)\n"));
	CU_ASSERT(server_stop(&f.server));
}

static void a_password_that_is_asked_for_is_not_shown(void)
{
	struct server *server = server_start("--requirepass secret");
	char address[64];
	const char *argv[] = {fixture_cli(), "-addr", address, "-askpass", "ping", NULL};

	snprintf(address, sizeof(address), "127.0.0.1:%u", server_port(server));
	struct terminal *t = terminal_start(argv, home, 24, 80);
	CU_ASSERT(terminal_shows(t, "Password: "));
	terminal_type(t, "secret\r");
	CU_ASSERT(terminal_shows(t, "PONG"));
	CU_ASSERT(!terminal_has(t, "secret"));
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
	CU_ASSERT(server_stop(&server));
}

static void arguments_come_from_standard_input_and_in_quotes(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(gives(&f, "printf v1 | $CLI -X TAG set TAG k; $CLI get v1", 0, "OK\nk\n"));
	CU_ASSERT(gives(&f, "echo v | $CLI -X TAG set k v", 2,
			"qcache-cli: -X needs a command with the argument TAG (see qcache-cli --help)\n"));
	CU_ASSERT(gives(&f, "$CLI --quoted-input set '\"a\\x00b\"' \"'it is'\"; $CLI --no-raw keys 'a*'; "
			    "$CLI --quoted-input get '\"a\\x00b\"'", 0, "OK\n1) \"a\\x00b\"\nit is\n"));
	CU_ASSERT(gives(&f, "$CLI --quoted-input get '\"open'", 2,
			"qcache-cli: -quoted-input needs one word with balanced quotes in each argument, not \"open (see qcache-cli --help)\n"));
	CU_ASSERT(gives(&f, "$CLI --no-raw --scan --quoted-pattern '\"a\\x00*\"'", 0, "\"a\\x00b\"\n"));
	if (fixture_has(&f, "EVAL", "-eval")) {
		CU_ASSERT(gives(&f, "echo 'return {KEYS[1],KEYS[2],ARGV[1]}' >s.lua; $CLI -eval s.lua k1 k2 , a1", 0, "k1\nk2\na1\n"));
		CU_ASSERT(gives(&f, "echo 'return #KEYS' | $CLI -eval - a b c", 0, "3\n"));
	}
	CU_ASSERT(gives(&f, "$CLI -eval none.lua", 1, "qcache-cli: none.lua: No such file or directory\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void replies_have_the_form_that_was_asked_for(void)
{
	struct fixture f = fixture_start("");

	GOOD(qc_mset(f.client, ctx, "a", "1", "b", "2"));
	CU_ASSERT(gives(&f, "$CLI -d , mget a b; $CLI -D '' get a; $CLI -d '' -D '|' mget a b", 0, "1,2\n112|"));
	CU_ASSERT(gives(&f, "$CLI -D '' incr nosuch; $CLI -D '!' get", 1, "1ERR wrong number of arguments for 'get' command!"));
	GOOD(qc_set(f.client, ctx, "u", "h\xc3\xa9\n\xff\""));
	CU_ASSERT(gives(&f, "$CLI -quoted-json get u; $CLI -json get u", 0,
			"\"h\\\\xc3\\\\xa9\\\\n\\\\xff\\\\\\\"\"\n\"h\xc3\xa9\\n\\u00ff\\\"\"\n"));
	CU_ASSERT(fixture_stop(&f));
}

/* Sends a message with the first reply. */
static void push_and_answer(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	while (fake_read(fd, word, sizeof(word))) {
		if (strcmp(word, "hello") == 0)
			fake_send_text(fd, "%1\r\n+proto\r\n:3\r\n");
		else if (strcmp(word, "unsubscribe") == 0)
			fake_send_text(fd, ">3\r\n+unsubscribe\r\n$1\r\nx\r\n:0\r\n");
		else
			fake_send_text(fd, ">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n+PONG\r\n");
	}
}

static void pushes_are_shown(void)
{
	struct fake *fake = fake_start(push_and_answer, NULL);
	struct fixture f = {.server = NULL};
	char prompt[80];
	const char *argv[] = {fixture_cli(), "-3", "-addr", f.address, NULL};

	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", fake_port(fake));
	snprintf(prompt, sizeof(prompt), "%s> ", f.address);
	struct terminal *t = terminal_start(argv, home, 24, 80);
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "ping\r");
	CU_ASSERT(terminal_shows(t, "-> 1) invalidate"));
	CU_ASSERT(terminal_shows(t, "   2) 1) \"a\""));
	CU_ASSERT(terminal_shows(t, "PONG"));
	CU_ASSERT(terminal_waits_at(t, prompt));
	/* Here the push is the reply. */
	terminal_type(t, "unsubscribe x\r");
	CU_ASSERT(terminal_shows(t, "1) unsubscribe"));
	CU_ASSERT(terminal_waits_at(t, prompt));
	terminal_type(t, "\004");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
	CU_ASSERT(gives(&f, "$CLI -3 ping", 0, "PONG\n"));
	CU_ASSERT(gives(&f, "$CLI -3 -show-pushes yes ping", 0, "invalidate\na\nPONG\n"));
	CU_ASSERT(gives(&f, "$CLI -show-pushes maybe ping", 2,
			"qcache-cli: -show-pushes needs yes or no, not \"maybe\" (see qcache-cli --help)\n"));
	fake_stop(&fake);
}

/* A node of a cluster, and its reply to GET: a redirection, or (if empty) the value. */
struct node {
	struct fake *fake;
	const char *_Atomic answer; /* to GET; NULL: a redirection to this node itself */
	atomic_int asked;
};

static void be_node(struct fake *fake, int fd, unsigned number, void *data)
{
	struct node *node = data;
	char word[32], itself[64];

	(void)number;
	snprintf(itself, sizeof(itself), "-MOVED 5 127.0.0.1:%u\r\n", fake_port(fake));
	while (fake_read(fd, word, sizeof(word))) {
		node->asked += strcmp(word, "asking") == 0;
		const char *answer = node->answer;
		fake_send_text(fd, strcmp(word, "get") != 0 ? "+OK\r\n" : answer ? answer : itself);
	}
}

static void a_cluster_is_followed_when_asked_for(void)
{
	struct node here = {.answer = "+here\r\n"}, ask = {.fake = NULL}, moved = {.fake = NULL}, circle = {.answer = NULL};
	char asks_here[64], moves_to_ask[64], moves_here[64];
	struct fixture f = {.server = NULL};

	here.fake = fake_start(be_node, &here);
	snprintf(asks_here, sizeof(asks_here), "-ASK 5 127.0.0.1:%u\r\n", fake_port(here.fake));
	snprintf(moves_here, sizeof(moves_here), "-MOVED 5 :%u\r\n", fake_port(here.fake));
	ask.answer = asks_here;
	ask.fake = fake_start(be_node, &ask);
	/* An empty host means the present one. */
	snprintf(moves_to_ask, sizeof(moves_to_ask), "-MOVED 5 :%u\r\n", fake_port(ask.fake));
	moved.answer = moves_to_ask;
	moved.fake = fake_start(be_node, &moved);
	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", fake_port(moved.fake));
	CU_ASSERT(gives(&f, "$CLI -c get k", 0, "here\n"));
	CU_ASSERT_EQUAL(here.asked, 1);
	CU_ASSERT_EQUAL(ask.asked, 0);
	CU_ASSERT(gives(&f, "$CLI get k | cut -c1-9", 0, "MOVED 5 :\n"));
	/* An IPv6 address has no brackets in a redirection. If it fails, the next command goes to the present node again. */
	moved.answer = "-MOVED 5 ::1:1\r\n";
	CU_ASSERT(gives(&f, "printf 'get k\\nping\\n' | $CLI -c 2>&1 | grep -o 'MOVED 5\\|^OK\\|Could not connect: .::1.:1'", 0,
			"Could not connect: [::1]:1\nMOVED 5\nOK\n"));
	moved.answer = moves_here;
	snprintf(f.address, sizeof(f.address), "localhost:%u,127.0.0.1:%u", fake_port(moved.fake), fake_port(moved.fake));
	CU_ASSERT(gives(&f, "$CLI -c get k", 0, "here\n"));
	/* A circle of redirections ends. */
	circle.fake = fake_start(be_node, &circle);
	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", fake_port(circle.fake));
	CU_ASSERT(gives(&f, "$CLI -c get k 2>&1 | cut -c1-7", 0, "MOVED 5\n"));
	fake_stop(&circle.fake);
	fake_stop(&moved.fake);
	fake_stop(&ask.fake);
	fake_stop(&here.fake);
}

/* Refuses a long argument as servers do, and closes before all of it has arrived. */
static void refuse_length(struct fake *fake, int fd, unsigned number, void *data)
{
	char some[64];

	(void)fake, (void)number, (void)data;
	if (recv(fd, some, sizeof(some), 0) > 0)
		fake_send_text(fd, "-ERR Protocol error: invalid bulk length\r\n");
}

static void the_error_of_a_server_that_takes_no_more_is_shown(void)
{
	struct fake *fake = fake_start(refuse_length, NULL);
	struct fixture f = {.server = NULL};

	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", fake_port(fake));
	CU_ASSERT(gives(&f, "head -c 30000000 /dev/zero | $CLI -x set k 2>&1 | grep -o 'the server said: .*'", 0,
			"the server said: ERR Protocol error: invalid bulk length\n"));
	fake_stop(&fake);
}

static void keys_are_measured_for_programs_too(void)
{
	struct fixture f = fixture_start("");

	GOOD(qc_mset(f.client, ctx, "small", "x", "large", "0123456789", "middle", "12345"));
	CU_ASSERT(gives(&f, "$CLI -bigkeys -top 2 2>/dev/null", 0,
			"3 keys\nstring  3 keys, 16 bytes, average 5.33; largest: \"large\" with 10\n\n"
			"The largest by elements:\n   1            10  string  \"large\"\n   2             5  string  \"middle\"\n"));
	CU_ASSERT(gives(&f, "$CLI -bigkeys -json -top 1 2>/dev/null", 0,
			"{\"keys\":3,\"cursor\":\"0\",\"types\":{\"string\":{\"elements\":{\"keys\":3,\"total\":16,\"largest\":"
			"{\"key\":\"large\",\"elements\":10}}}},\"top\":[{\"key\":\"large\",\"elements\":10,\"type\":\"string\"}]}\n"));
	CU_ASSERT(gives(&f, "$CLI -bigkeys -pattern 'm*' 2>/dev/null | head -1", 0, "1 keys\n"));
	if (fixture_has(&f, "MEMORY", "-keystats")) {
		CU_ASSERT(gives(&f, "$CLI -keystats -samples 5 2>&1 | head -1 | cut -c1-35", 0, "qcache-cli: unknown option -samples\n"));
		CU_ASSERT(gives(&f, "$CLI -keystats-samples 5 | grep -c 'The largest by memory\\|Keys by memory\\|(100.0%)'", 0, "3\n"));
		CU_ASSERT(gives(&f, "$CLI -keystats -top 0 -json | grep -c '^{\"keys\":3,.*\"elements\":.*\"memory\":.*\"top\":\\[\\],"
				    "\"sizes\":\\[{\"up_to\":'", 0, "1\n"));
		CU_ASSERT(gives(&f, "$CLI -memkeys-samples 1 -memkeys | head -1", 0, "3 keys\n"));
	}
	if (fixture_has(&f, "OBJECT", "-hotkeys")) {
		qc_result lfu qc_auto = qc_do(f.client, ctx, "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
		GOOD(lfu);
		CU_ASSERT(gives(&f, "$CLI -r 50 get middle >/dev/null; $CLI -hotkeys -top 1 2>/dev/null | tail -1 | grep -c '   1 .*\"middle\"'",
				0, "1\n"));
	}
	CU_ASSERT(fixture_stop(&f));
}

static void scanning_goes_on_from_a_cursor(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(gives(&f, "seq 1 1000 | sed 's/.*/set k& v/' | $CLI -pipe >/dev/null; "
			    "c=$($CLI scan 0 count 10 | head -1); $CLI scan 0 count 10 | tail -n +2 >first; "
			    "$CLI -scan -cursor $c -count 100 >rest; cat first rest | sort -u | wc -l", 0, "1000\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void more_tools_of_redis_cli_measure(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(gives(&f, "$CLI -latency-history -r 2 -i 0.05 | grep -c 'min .* max .* avg .* samples'", 0, "2\n"));
	CU_ASSERT(gives(&f, "$CLI -lru-test 100 -r 1 | grep -c 'gets/s, hits: .*%), misses: '", 0, "1\n"));
	CU_ASSERT(gives(&f, "$CLI -intrinsic-latency 1 | tail -1 | grep -c 'clock reads, .* us on average'", 0, "1\n"));
	if (fixture_has(&f, "FUNCTION", "-functions-rdb"))
		CU_ASSERT(gives(&f, "$CLI -functions-rdb f.rdb >/dev/null; head -c 5 f.rdb", 0, "REDIS"));
	CU_ASSERT(fixture_stop(&f));
}

static void live_views_show_what_has_come(void)
{
	struct fixture f = fixture_start("--slowlog-log-slower-than 0");

	GOOD(qc_set(f.client, ctx, "slow", "two words"));
	CU_ASSERT(gives(&f, "$CLI -slowlog -r 1 | grep -c ' ms  127.0.0.1:[0-9]*  SET slow \"two words\"'", 0, "1\n"));
	CU_ASSERT(gives(&f, "$CLI -slowlog -json -r 2 -i 0.05 | grep -c ',\"command\":.\"SET\",\"slow\",\"two words\".}'", 0, "1\n"));
	if (server_is_reference()) {
		CU_ASSERT(gives(&f, "$CLI -actors", 1, "qcache-cli: -actors: the server reports no actors\n"));
	} else {
		CU_ASSERT(gives(&f, "$CLI -actors -r 2 -i 0.05 | grep -c '^actor  *mailbox  *messages/s\\|^store  *STORE_REQUESTS \\|^store  *[0-9]'",
				0, "6\n"));
		CU_ASSERT(gives(&f, "$CLI -actors -r 1 -i 0.05 -json | grep -c '^{\"seconds\":.*\"store\":{\"mailbox\":.*\"turns\":.{\"actor\"'", 0,
				"1\n"));
	}
	CU_ASSERT(fixture_stop(&f));
}

static void options_come_from_a_file_of_profiles(void)
{
	struct fixture f = fixture_start("");
	char line[512];

	snprintf(line, sizeof(line), "printf '[default]\nn = 3\nno-raw = yes\n[here]\naddr = %s\nd = ,\nno-raw = no\n[other]\nn = 4\n' >p.ini",
		 f.address);
	CU_ASSERT(gives(&f, line, 0, ""));
	CU_ASSERT(gives(&f, "export QCACHE_CLI_CONFIG=p.ini; $CLI set k v; $CLI -n 0 exists k; $CLI -profile here get k; "
			    "$PROGRAM -profile here -n 3 -raw exists k; $CLI -profile other exists k", 0,
			"OK\n(integer) 0\n\"v\"\n1\n(integer) 0\n"));
	CU_ASSERT(gives(&f, "QCACHE_CLI_CONFIG= $CLI -raw -n 3 get k; env -u QCACHE_CLI_CONFIG XDG_CONFIG_HOME=/none $CLI -n 3 get k", 0, "v\nv\n"));
	CU_ASSERT(gives(&f, "export QCACHE_CLI_CONFIG=p.ini; $CLI -profile nobody ping", 2,
			"qcache-cli: p.ini has no profile [nobody] (see qcache-cli --help)\n"));
	CU_ASSERT(gives(&f, "export QCACHE_CLI_CONFIG=none.ini; $CLI ping; $CLI -profile x ping", 2,
			"PONG\nqcache-cli: -profile x: none.ini: No such file or directory (see qcache-cli --help)\n"));
	CU_ASSERT(gives(&f, "export QCACHE_CLI_CONFIG=q.ini; printf '[default]\nbigkeys = yes\n' >q.ini; $CLI ping; "
			    "printf '[default]\nfrob = 1\n' >q.ini; $CLI ping; printf '[default]\njson = maybe\n' >q.ini; $CLI ping; "
			    "printf 'n = 1\n' >q.ini; $CLI ping; printf '[default]\nnonsense\n' >q.ini; $CLI ping", 2,
			"qcache-cli: q.ini: [default] bigkeys: cannot be set in a file (see qcache-cli --help)\n"
			"qcache-cli: q.ini: [default] frob: no such option (see qcache-cli --help)\n"
			"qcache-cli: q.ini: [default] json: needs yes or no (see qcache-cli --help)\n"
			"qcache-cli: q.ini: [] n: comes before the first section (see qcache-cli --help)\n"
			"qcache-cli: q.ini: line 2 is neither a [section] nor name = value (see qcache-cli --help)\n"));
	CU_ASSERT(gives(&f, "export QCACHE_CLI_CONFIG=s.ini; printf '[default]\na = x\n' >s.ini; chmod 644 s.ini; "
			    "$CLI ping 2>&1 | head -1; chmod 600 s.ini; $CLI ping 2>&1 | tail -1", 0,
			"Warning: s.ini contains a password and is readable by others; run chmod 600 on it.\nPONG\n"));
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(no_option_of_redis_cli_is_unknown),
	CASE(what_the_server_can_not_do_is_refused_with_the_reason),
	CASE(a_port_stands_beside_a_url_or_a_socket),
	CASE(options_of_tls_want_tls),
	CASE(a_password_from_the_environment_does_not_harm_where_none_is_wanted),
	CASE(a_password_that_is_asked_for_is_not_shown),
	CASE(arguments_come_from_standard_input_and_in_quotes),
	CASE(replies_have_the_form_that_was_asked_for),
	CASE(pushes_are_shown),
	CASE(a_cluster_is_followed_when_asked_for),
	CASE(the_error_of_a_server_that_takes_no_more_is_shown),
	CASE(keys_are_measured_for_programs_too),
	CASE(scanning_goes_on_from_a_cursor),
	CASE(more_tools_of_redis_cli_measure),
	CASE(live_views_show_what_has_come),
	CASE(options_come_from_a_file_of_profiles),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	scratch_create(home, sizeof(home));
	int status = suite_main("command line options", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	scratch_remove(home);
	return status;
}

/*
 * qcache-cli as used by scripts: without a terminal, for output and exit status; and its tools.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_library/cli_shell.h"
#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "support/process.h"

static qc_context *ctx;
static char home[64];

static bool script_gives(struct fixture *f, const char *line, int wanted_status, const char *wanted)
{
	return cli_shell_gives(home, f->address, line, wanted_status, wanted);
}

static void scripts_get_plain_output_and_a_status(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "$CLI set foo bar", 0, "OK\n"));
	CU_ASSERT(script_gives(&f, "$CLI get foo", 0, "bar\n"));
	CU_ASSERT(script_gives(&f, "$CLI get none", 0, "\n"));
	CU_ASSERT(script_gives(&f, "$CLI -no-raw get none", 0, "(nil)\n"));
	CU_ASSERT(script_gives(&f, "$CLI incr foo", 1, "ERR value is not an integer or out of range\n"));
	CU_ASSERT(script_gives(&f, "$CLI -e incr foo 2>/dev/null", 1, ""));
	CU_ASSERT(script_gives(&f, "$CLI -e incr foo 2>&1 >/dev/null", 1, "ERR value is not an integer or out of range\n"));
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
	CU_ASSERT(script_gives(&f, "$CLI -r x ping", 2,
			       "qcache-cli: -r needs a number from -1 to 1000000000, not \"x\" (see qcache-cli --help)\n"));
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

	snprintf(line, sizeof(line), "%s -p %u -a secret ping; %s -u redis://:secret@127.0.0.1:%u ping", fixture_cli(), server_port(f.server),
		 fixture_cli(), server_port(f.server));
	CU_ASSERT(script_gives(&f, line, 0, "PONG\nPONG\n"));
	snprintf(line, sizeof(line), "REDISCLI_AUTH=secret %s -s %s ping; $CLI --user default --pass secret ping", fixture_cli(),
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
			       "x.csv: line 3: expected key,value or key,value,seconds\nLast reply received from server.\n"
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
			       "2 keys\nstring  2 keys, 11 bytes, average 5.50; largest: \"large\" with 10\n"));
	if (fixture_has(&f, "MEMORY", "the largest keys by memory"))
		CU_ASSERT(script_gives(&f, "$CLI -memkeys | head -1", 0, "2 keys\n"));
	CU_ASSERT(script_gives(&f, "$CLI -latency -i 0.1 | grep -c 'min .* max .* avg .* samples'", 0, "1\n"));
	CU_ASSERT(script_gives(&f, "$CLI -latency -json -i 0.1 | grep -Ec '^.\"min\":[0-9.]+,\"max\":[0-9.]+,\"avg\":[0-9.]+,"
				   "\"count\":[0-9]+.$'", 0, "1\n"));
	CU_ASSERT(script_gives(&f, "$CLI -latency -csv -i 0.1 | grep -Ec '^([0-9.]+,){3}[0-9]+$'", 0, "1\n"));
	CU_ASSERT(script_gives(&f, "$CLI -latency -latency-percentiles 50,99.9 -i 0.1 | grep -Ec 'samples.*, p50 [0-9.]+ ms, p99.9 [0-9.]+ ms$'",
			       0, "1\n"));
	CU_ASSERT(script_gives(&f, "$CLI -latency-history -latency-percentiles 0,100 -csv -r 1 -i 0.1 | "
			       "awk -F, 'NF == 6 && $1 == $5 && $2 == $6 && $1 > 0'  | wc -l", 0, "1\n"));
	CU_ASSERT(script_gives(&f, "$CLI -latency -latency-percentiles 50,99.9 -json -i 0.1 | "
			       "python3 -c 'import json; p = json.load(open(0))[\"percentiles\"]; print(sorted(p), p[\"50\"] <= p[\"99.9\"])'",
			       0, "['50', '99.9'] True\n"));
	CU_ASSERT(script_gives(&f, "$CLI -latency-dist -i 0.1 | grep -c '(100.0%)'", 0, "1\n"));
	CU_ASSERT(script_gives(&f, "$CLI -stat -r 2 -i 0.05 | cut -c1-6; $CLI -stat -r 1 | wc -l", 0, "keys  \n2     \n2     \n2\n"));
	CU_ASSERT(script_gives(&f, "$CLI -rdb got.rdb >/dev/null; head -c 5 got.rdb", 0, "REDIS"));
	CU_ASSERT(fixture_stop(&f));
}

/* No server: only the address matters. */
static struct fixture at_fake(struct fake *fake)
{
	struct fixture f = {.server = NULL};

	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", fake_port(fake));
	return f;
}

static void an_import_from_a_pipe_in_odd_pieces_loses_nothing(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "seq 1 3000 | while read i; do printf '*3\r\n$3\r\nSET\r\n$%d\r\nkey:%d\r\n$1\r\nv\r\n' "
				   "$((4 + ${#i})) $i; done >p.resp; "
				   "{ dd bs=100 count=1; dd bs=8000 count=1; dd bs=7900 count=1; cat; } <p.resp 2>/dev/null | "
				   "$CLI -import - | tail -1; $CLI dbsize", 0, "errors: 0, replies: 3000\n3000\n"));
	CU_ASSERT(script_gives(&f, "{ printf 'ca,'; printf '1\ncb,2\n'; } | $CLI -import - | tail -1; $CLI mget ca cb", 0,
			       "errors: 0, replies: 2\n1\n2\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void an_import_of_a_broken_file_fails(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "printf 'a,1\nb,\"2\n\n\nc,3\nd,4\n' >open.csv; "
				   "$CLI -import open.csv 2>&1 >out; echo $?; tail -1 out; $CLI exists b c d", 0,
			       "open.csv: line 2: unterminated quote\n1\nerrors: 1, replies: 1\n0\n"));
	CU_ASSERT(script_gives(&f, "$CLI -import /tmp", 1, "qcache-cli: /tmp: Is a directory\n"));
	CU_ASSERT(script_gives(&f, "$CLI -pipe </tmp 2>&1 >out; echo $?; tail -1 out", 0,
			       "qcache-cli: standard input: Is a directory\n1\nerrors: 1, replies: 0\n"));
	CU_ASSERT(script_gives(&f, "$CLI </tmp", 1, "qcache-cli: standard input: Is a directory\n"));
	CU_ASSERT(script_gives(&f, "$CLI -x set k </tmp", 1, "qcache-cli: standard input: Is a directory\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void an_import_that_is_refused_comes_to_an_end(void)
{
	struct fixture f = {.server = server_start("--requirepass secret")};

	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", server_port(f.server));
	CU_ASSERT(script_gives(&f, "printf 'a,1\n\nb,2\n' >ab.csv; $CLI -import ab.csv 2>&1 >out; echo $?; tail -1 out", 0,
			       "ab.csv: line 1, key \"a\": NOAUTH Authentication required.\n"
			       "ab.csv: line 3, key \"b\": NOAUTH Authentication required.\n"
			       "qcache-cli: the ECHO after the last command was refused: NOAUTH Authentication required.\n"
			       "1\nerrors: 2, replies: 2\n"));
	CU_ASSERT(script_gives(&f, "printf 'get a\n*1\r\n$4\r\nPING\r\n' | $CLI -pipe 2>&1 >out | wc -l; tail -1 out", 0,
			       "3\nerrors: 2, replies: 2\n"));
	CU_ASSERT(server_stop(&f.server));
}

static void stay_silent(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	while (fake_read(fd, word, sizeof(word)))
		;
}

static void a_server_that_stops_answering_is_not_awaited_for_ever(void)
{
	struct fake *fake = fake_start(stay_silent, NULL);
	struct fixture f = at_fake(fake);

	CU_ASSERT(script_gives(&f, "printf '*1\r\n$4\r\nPING\r\n' | $CLI -pipe -pipe-timeout 1 2>&1 >out; echo $?; tail -1 out", 0,
			       "qcache-cli: no reply for 1 s\n1\nerrors: 0, replies: 0\n"));
	fake_stop(&fake);
}

static void what_is_no_resp_or_no_whole_command_fails(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "printf '*x\r\n' >bad.resp; $CLI -import bad.resp 2>&1 >out | head -1; tail -1 out; "
				   "$CLI -import bad.resp >out 2>&1", 1,
			       "ERR Protocol error: invalid multibulk length\nerrors: 1, replies: 1\n"));
	CU_ASSERT(script_gives(&f, "printf '*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$9\r\nha' | $CLI -pipe 2>&1 >out; "
				   "echo $?; tail -1 out", 0,
			       "qcache-cli: the input ends inside a command\n1\nerrors: 0, replies: 1\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void errors_of_an_import_name_line_and_key(void)
{
	struct fixture f = fixture_start("");

	/* With a byte order mark, as spreadsheets write it. */
	CU_ASSERT(script_gives(&f, "printf '\357\273\277\"a\",\"two\nlines\"\nb,2,x\nc,3\n' >bom.csv; "
				   "$CLI -import bom.csv 2>&1 >out; echo $?; $CLI mget a b c", 0,
			       "bom.csv: line 3, key \"b\": ERR value is not an integer or out of range\n1\ntwo\nlines\n\n3\n"));
	/* What only begins like a byte order mark is part of the key. */
	CU_ASSERT(script_gives(&f, "printf '\357\273x,1\n' | $CLI -import - >out; printf '\357\273x' | $CLI -x get", 0, "1\n"));
	CU_ASSERT(fixture_stop(&f));
}

/* Closes the first connection after SET in a transaction, and then creates a file. */
static void lose_transaction(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32], path[96];

	(void)fake, (void)data;
	while (fake_read(fd, word, sizeof(word))) {
		fake_send_text(fd, strcmp(word, "set") == 0 && number == 0 ? "+QUEUED\r\n" : "+OK\r\n");
		if (strcmp(word, "set") == 0 && number == 0)
			break;
	}
	shutdown(fd, SHUT_RDWR);
	snprintf(path, sizeof(path), "%s/closed", home);
	fclose(fopen(path, "w"));
}

static void a_script_ends_where_its_transaction_is_lost(void)
{
	struct fake *fake = fake_start(lose_transaction, NULL);
	struct fixture f = at_fake(fake);

	CU_ASSERT(script_gives(&f, "(printf 'multi\nset a 1\n'; until test -e closed; do :; done; "
				   "printf 'set b 2\nset c 3\nexec\n') | $CLI", 3,
			       "OK\nQUEUED\nThe server has closed the connection; the transaction is lost.\n"));
	CU_ASSERT_EQUAL(fake_connections(fake), 1);
	fake_stop(&fake);
}

static void a_tool_that_is_refused_says_so(void)
{
	static const char *const tools[] = {"-stat -r 2", "-latency", "-latency-dist", "-bigkeys", "-memkeys", "-scan"};
	struct fixture f = {.server = server_start("--requirepass secret")};
	char line[64];

	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", server_port(f.server));
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		snprintf(line, sizeof(line), "$CLI %s", tools[i]);
		CU_ASSERT(script_gives(&f, line, 1, "qcache-cli: NOAUTH Authentication required.\n"));
	}
	CU_ASSERT(server_stop(&f.server));
}

#define HUNDRED "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

static void a_password_of_300_characters_is_taken_from_a_url(void)
{
	struct fixture f = {.server = server_start("--requirepass " HUNDRED HUNDRED HUNDRED), .address = "none"};
	char line[512];

	snprintf(line, sizeof(line), "${CLI%%%% -addr*} -u redis://:" HUNDRED HUNDRED HUNDRED "@127.0.0.1:%u ping",
		 server_port(f.server));
	CU_ASSERT(script_gives(&f, line, 0, "PONG\n"));
	CU_ASSERT(server_stop(&f.server));
}

static void passwords_stay_out_of_errors_about_addresses(void)
{
	struct fixture none = {.address = "none"};

	CU_ASSERT(script_gives(&none, "${CLI% -addr*} -u redis://:se%zzcret@127.0.0.1:1 ping", 2,
			       "Could not connect: address: invalid %-escape in \"...\"\n"));
	CU_ASSERT(script_gives(&none, "${CLI% -addr*} -u redis://:sec/ret@127.0.0.1:1 ping", 2,
			       "Could not connect: address: \"...\" is not a port\n"));
	CU_ASSERT(script_gives(&none, "${CLI% -addr*} -u me:secret@localhost ping", 2,
			       "qcache-cli: an address with a user or a password must begin with redis:// (see qcache-cli --help)\n"));
}

static void a_port_that_is_none_is_a_wrong_command_line(void)
{
	struct fixture none = {.address = "none"};

	CU_ASSERT(script_gives(&none, "${CLI% -addr*} -p abc ping", 2,
			       "qcache-cli: -p needs a number from 1 to 65535, not \"abc\" (see qcache-cli --help)\n"));
	CU_ASSERT(script_gives(&none, "${CLI% -addr*} -p 70000 ping", 2,
			       "qcache-cli: -p needs a number from 1 to 65535, not \"70000\" (see qcache-cli --help)\n"));
	CU_ASSERT(script_gives(&none, "${CLI% -addr*} -addr localhost:abc ping", 2,
			       "Could not connect: address: \"abc\" is not a port\n"));
	CU_ASSERT(script_gives(&none, "${CLI% -addr*} -addr localhost:abc -stat", 2,
			       "Could not connect: address: \"abc\" is not a port\n"));
}

static void options_that_do_not_go_together_are_refused_by_name(void)
{
	static const struct { const char *options, *refusal; } cases[] = {
		{"-import f -pipe", "-import and -pipe cannot be combined"},
		{"--scan --stat", "-scan and -stat cannot be combined"},
		{"--pattern x*", "-pattern applies only to -bigkeys, -memkeys, -keystats, -hotkeys, -scan"},
		{"-count 5 ping", "-count applies only to -bigkeys, -memkeys, -keystats, -hotkeys, -scan"},
		{"-pipe -type set", "-type cannot be combined with -pipe"},
		{"-stat -json", "-json cannot be combined with -stat"},
		{"-pipe -i 1", "-i cannot be combined with -pipe"},
		{"-bigkeys -csv", "-csv cannot be combined with -bigkeys"},
		{"--latncy", "unknown option --latncy; did you mean -latency?"},
		{"--tls=yes ping", "--tls takes no value"},
		{"--scan --count=0", "--count needs a number from 1 to 1000000000, not \"0\""},
		{"-latency -latency-percentiles 50,101", "-latency-percentiles needs percentages such as 50,99.9, not \"50,101\""},
		{"-latency -latency-percentiles 50,", "-latency-percentiles needs percentages such as 50,99.9, not \"50,\""},
		{"-latency-percentiles 50 ping", "-latency-percentiles applies only to -latency, -latency-history"},
		{"-i=-1 ping", "-i needs a number of seconds, 0 or more, not \"-1\""},
	};
	struct fixture none = {.address = "none"};
	char line[160], refusal[160];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "$CLI %s", cases[i].options);
		snprintf(refusal, sizeof(refusal), "qcache-cli: %s (see qcache-cli --help)\n", cases[i].refusal);
		CU_ASSERT(script_gives(&none, line, 2, refusal));
	}
}

static void values_may_be_attached_to_their_options(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "ADDR=${CLI#*-addr }; CLI=${CLI% -addr*}; $CLI --addr=$ADDR ping; $CLI -addr=$ADDR ping; "
				   "$CLI -h=127.0.0.1 -p=${ADDR#*:} --repeat=2 echo a=b", 0, "PONG\nPONG\na=b\na=b\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void an_empty_variable_is_no_password(void)
{
	struct fixture f = {.server = server_start("--requirepass secret")};

	snprintf(f.address, sizeof(f.address), "127.0.0.1:%u", server_port(f.server));
	CU_ASSERT(script_gives(&f, "QCACHE_AUTH= REDISCLI_AUTH=secret $CLI ping; QCACHE_AUTH= REDISCLI_AUTH= $CLI ping", 1,
			       "PONG\nNOAUTH Authentication required.\n"));
	CU_ASSERT(server_stop(&f.server));
}

static void a_script_that_ends_inside_of_a_transaction_fails(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "MULTI", "transactions in scripts")) {
		CU_ASSERT(script_gives(&f, "printf 'multi\nset a 1\n' | $CLI", 1,
				       "OK\nQUEUED\n"
				       "qcache-cli: the input ends inside a transaction, which is not executed\n"));
		CU_ASSERT(script_gives(&f, "printf 'set s x\nmulti\nincr s\nset t 1\nexec\n' | $CLI", 1,
				       "OK\nOK\nQUEUED\nQUEUED\nERR value is not an integer or out of range\nOK\n"));
		CU_ASSERT(script_gives(&f, "printf 'multi\nset a 1\n' | $CLI -pipe 2>&1 >out", 1,
				       "qcache-cli: the input ends inside a transaction, which is not executed\n"));
		CU_ASSERT(script_gives(&f, "printf 'multi\nset t 2\nexec\n' | $CLI", 0, "OK\nQUEUED\nOK\n"));
	}
	CU_ASSERT(fixture_stop(&f));
}

static void a_live_view_ended_by_control_c_is_fine(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "$CLI monitor >seen & p=$!; until test -s seen; do :; done; kill -INT $p; wait $p; "
				   "echo $?; cat seen", 0, "0\nOK\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void output_that_can_not_be_written_is_an_error(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "$CLI ping 2>&1 >/dev/full", 1, "qcache-cli: standard output: No space left on device\n"));
	CU_ASSERT(script_gives(&f, "$CLI --version 2>&1 >/dev/full", 1, "qcache-cli: standard output: No space left on device\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void scanned_keys_are_csv_when_asked_for(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "$CLI set 'a\"b' 1; $CLI --scan --csv; $CLI --csv keys '*'; $CLI --scan --json", 0,
			       "OK\n\"a\"\"b\"\n\"a\"\"b\"\n\"a\\\"b\"\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void texts_for_people_are_printed_as_they_are(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(script_gives(&f, "for v in 2 3; do $CLI -$v -no-raw INFO server | grep -c '^redis_version:7'; "
				   "$CLI -$v -no-raw client list | grep -c ^id=; done; $CLI -no-raw echo '# Server'", 0,
			       "1\n2\n1\n2\n\"# Server\"\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void fail_once(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	for (int i = 0; fake_read(fd, word, sizeof(word)); i++)
		fake_send_text(fd, i == 0 ? "-ERR not yet\r\n" : "+fine\r\n");
}

static void the_status_of_a_repeated_command_is_its_worst(void)
{
	struct fake *fake = fake_start(fail_once, NULL);
	struct fixture f = at_fake(fake);

	CU_ASSERT(script_gives(&f, "$CLI -r 3 ping", 1, "ERR not yet\nfine\nfine\n"));
	fake_stop(&fake);
}

/* An old server, which knows no REPLCONF. Answers SYNC, without a length, in pieces; each is sent after the previous one has been received. */
static void send_snapshot(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32], c = 0;

	(void)fake, (void)number;
	if (!fake_read(fd, word, sizeof(word)))
		return;
	fake_send_text(fd, "-ERR unknown command 'REPLCONF'\r\n");
	while (c != '\n')
		if (read(fd, &c, 1) != 1)
			return;
	for (const char *const *piece = data; *piece; piece++)
		fake_send_text(fd, *piece);
}

#define MARK "0123456789abcdef0123456789abcdef01234567"

static void a_snapshot_goes_to_a_pipe(void)
{
	static const char *const by_length[] = {"\n", "$5\r\nhe", "llo", NULL};
	static const char *const by_mark[] = {"$EOF:" MARK "\r\n", "hello", "0123456789abcdef", "0123456789abcdef01234567", NULL};
	/* Bytes directly after the snapshot, such as commands for a replica, are not part of it. */
	static const char *const by_mark_with_more[] = {"$EOF:" MARK "\r\nhello" MARK "*1\r\n$4\r\nPING\r\n", NULL};
	static const char *const *const ways[] = {by_length, by_mark, by_mark_with_more};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct fake *fake = fake_start(send_snapshot, (void *)ways[i]);
		struct fixture f = at_fake(fake);
		CU_ASSERT(script_gives(&f, "{ $CLI -rdb - 2>said; echo \" $?\"; } | cat; cat said; test ! -e ./-", 0,
				       "hello 0\n5 bytes\n"));
		CU_ASSERT(script_gives(&f, "{ $CLI -rdb /dev/stdout; echo $?; } | cat", 0, "hello5 bytes\n0\n"));
		CU_ASSERT(script_gives(&f, "$CLI -rdb f.rdb && cat f.rdb", 0, "5 bytes\nhello"));
		CU_ASSERT(script_gives(&f, "$CLI -rdb /nowhere/f.rdb", 1,
				       "qcache-cli: /nowhere/f.rdb: No such file or directory\n"));
		fake_stop(&fake);
	}
}

static void answer_null(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	while (fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, "$-1\r\n");
}

static void figures_of_a_server_that_tells_none_are_left_out(void)
{
	struct fake *fake = fake_start(answer_null, NULL);
	struct fixture f = at_fake(fake);

	CU_ASSERT(script_gives(&f, "$CLI -stat -r 2 -i 0.01 | tail -1 | cut -c1-21", 0, "0         -         -\n"));
	fake_stop(&fake);
}

static const struct suite_case cases[] = {
	CASE(scripts_get_plain_output_and_a_status),
	CASE(all_ways_to_say_where_the_server_is),
	CASE(masses_are_loaded),
	CASE(the_tools_measure),
	CASE(an_import_from_a_pipe_in_odd_pieces_loses_nothing),
	CASE(an_import_of_a_broken_file_fails),
	CASE(an_import_that_is_refused_comes_to_an_end),
	CASE(a_server_that_stops_answering_is_not_awaited_for_ever),
	CASE(what_is_no_resp_or_no_whole_command_fails),
	CASE(errors_of_an_import_name_line_and_key),
	CASE(a_script_ends_where_its_transaction_is_lost),
	CASE(a_tool_that_is_refused_says_so),
	CASE(a_password_of_300_characters_is_taken_from_a_url),
	CASE(passwords_stay_out_of_errors_about_addresses),
	CASE(a_port_that_is_none_is_a_wrong_command_line),
	CASE(a_script_that_ends_inside_of_a_transaction_fails),
	CASE(a_live_view_ended_by_control_c_is_fine),
	CASE(output_that_can_not_be_written_is_an_error),
	CASE(scanned_keys_are_csv_when_asked_for),
	CASE(texts_for_people_are_printed_as_they_are),
	CASE(options_that_do_not_go_together_are_refused_by_name),
	CASE(values_may_be_attached_to_their_options),
	CASE(an_empty_variable_is_no_password),
	CASE(the_status_of_a_repeated_command_is_its_worst),
	CASE(a_snapshot_goes_to_a_pipe),
	CASE(figures_of_a_server_that_tells_none_are_left_out),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	scratch_create(home, sizeof(home));
	int status = suite_main("command line in scripts", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	scratch_remove(home);
	return status;
}

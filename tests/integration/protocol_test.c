/*
 * Bytes that are not a request get Redis's error text, and the connection closes. Requests are answered wherever their bytes are cut, as
 * arrays and inline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"
#include "support/wire.h"
#include "transport/resp_parser.h"

/* The longest line; one more byte is refused. */
#define LINE_MAX_BYTES 65536
#define PASSWORD "secret"

static struct server *server;

static void expect_refusal(const char *sent, size_t len, const char *answer)
{
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_send(peer, sent, len));
	CU_ASSERT(peer_expect_text(peer, answer));
	CU_ASSERT(peer_expect_closed(peer));
	peer_close(&peer);
}

static void every_protocol_error_has_its_text_and_closes(void)
{
	static const struct {
		const char *sent, *answer;
	} errors[] = {
		{ "*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*1.5\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "* 1\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*+1\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*9223372036854775807\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*9223372036854775808\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*99999999999999999999999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*1\r\n+3\r\n", "-ERR Protocol error: expected '$', got '+'\r\n" },
		{ "*2\r\n$4\r\nECHO\r\nhello\r\n", "-ERR Protocol error: expected '$', got 'h'\r\n" },
		{ "*1\r\n*1\r\n", "-ERR Protocol error: expected '$', got '*'\r\n" },
		{ "*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
		{ "*1\r\n$\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
		{ "*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
		{ "*1\r\n$-9223372036854775808\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
		{ "*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
		{ "*1\r\n$18446744073709551617\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
		{ "echo \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n" },
		{ "echo 'a\n", "-ERR Protocol error: unbalanced quotes in request\r\n" },
		{ "echo \"a\"b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n" },
	};
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		expect_refusal(errors[i].sent, strlen(errors[i].sent), errors[i].answer);
}

static void a_line_without_end_is_refused_once_it_is_too_long(void)
{
	static const struct {
		const char *begin, *answer;
	} lines[] = {
		{ "", "-ERR Protocol error: too big inline request\r\n" },
		{ "*", "-ERR Protocol error: too big mbulk count string\r\n" },
		{ "*1\r\n$", "-ERR Protocol error: too big bulk count string\r\n" },
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t begin = strlen(lines[i].begin), len = begin + LINE_MAX_BYTES + 1;
		char *line = malloc(len);
		memcpy(line, lines[i].begin, begin);
		memset(line + begin, '1', len - begin);
		expect_refusal(line, len, lines[i].answer);
		free(line);
	}
}

static void replies_before_an_error_arrive_and_nothing_after_it_is_done(void)
{
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_send_text(peer, "SET before 1\r\nGET before\r\n*1\r\n?\r\nSET after 1\r\n"));
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n$1\r\n1\r\n-ERR Protocol error: expected '$', got '?'\r\n"));
	CU_ASSERT(peer_expect_closed(peer));
	peer_close(&peer);
	peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "after"));
	peer_close(&peer);
}

static void empty_requests_are_passed_over(void)
{
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_exchange(peer, "\r\n\n*0\r\n*-1\r\n*-10\r\n\r\nPING\r\n", "+PONG\r\n"));
	CU_ASSERT_FALSE(peer_has_input(peer));
	peer_close(&peer);
}

static void a_request_cut_at_every_byte_is_answered(void)
{
	static const char answer[] = "+OK\r\n$5\r\na\r\nb\r\r\n$3\r\nx y\r\n+PONG\r\n";
	/* The value is "a\r\nb\r": its length counts, not its line ends. */
	static const char exact[] = "*3\r\n$3\r\nSET\r\n$3\r\ncut\r\n$5\r\na\r\nb\r\r\n*2\r\n$3\r\nGET\r\n$3\r\ncut\r\nECHO \"x y\"\r\nPING\n";
	for (size_t cut = 1; cut < sizeof(exact) - 1; cut++) {
		struct peer *peer = peer_connect(server);
		CU_ASSERT(peer_send(peer, exact, cut));
		/* Another connection's reply shows that the server has read the first part. */
		struct peer *other = peer_connect(server);
		CU_ASSERT(GIVES(other, "+PONG\r\n", "PING"));
		CU_ASSERT(peer_send(peer, exact + cut, sizeof(exact) - 1 - cut));
		CU_ASSERT(peer_expect_text(peer, answer));
		peer_close(&other);
		peer_close(&peer);
	}
}

static void requests_that_come_byte_by_byte_are_answered(void)
{
	static const char text[] = "*3\r\n$3\r\nSET\r\n$4\r\nbyte\r\n$2\r\n\r\n\r\n*2\r\n$3\r\nGET\r\n$4\r\nbyte\r\nget byte\n";
	struct peer *peer = peer_connect(server);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		CU_ASSERT(peer_send(peer, text + i, 1));
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n$2\r\n\r\n\r\n$2\r\n\r\n\r\n"));
	peer_close(&peer);
}

static void commands_typed_by_hand_are_understood(void)
{
	static const struct {
		const char *typed, *answer;
	} lines[] = {
		{ "PING\r\n", "+PONG\r\n" },
		{ "ping\n", "+PONG\r\n" },
		{ "   pInG   \r\n", "+PONG\r\n" },
		{ "echo hello\n", "$5\r\nhello\r\n" },
		{ "\techo\thello\r\n", "$5\r\nhello\r\n" },
		{ "echo \"hello world\"\r\n", "$11\r\nhello world\r\n" },
		{ "echo 'hello world'\r\n", "$11\r\nhello world\r\n" },
		{ "echo \"\\n\\r\\t\\b\\a\\x41\\\\\\\"\\q\"\r\n", "$9\r\n\n\r\t\b\aA\\\"q\r\n" },
		{ "echo 'it\\'s \\n'\r\n", "$7\r\nit's \\n\r\n" },
		{ "echo \"\"\r\n", "$0\r\n\r\n" },
		{ "echo ''\n", "$0\r\n\r\n" },
		{ "set typed 'v 1'\nget typed\n", "+OK\r\n$3\r\nv 1\r\n" },
		{ "*1\r\n$4\r\nPING\r\nping\r\n*1\r\n$4\r\nPING\r\n", "+PONG\r\n+PONG\r\n+PONG\r\n" },
	};
	struct peer *peer = peer_connect(server);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		CU_ASSERT(peer_exchange(peer, lines[i].typed, lines[i].answer));
	peer_close(&peer);
}

/* The array form typed into telnet or netcat, which send "\n". */
static void an_array_typed_with_bare_line_ends_is_understood(void)
{
	ONLY_OURS();
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_exchange(peer, "*3\n$3\nSET\n$4\nname\n$4\nJohn\n", "+OK\r\n"));
	CU_ASSERT(peer_exchange(peer, "*2\n$3\nGET\n$4\nname\n", "$4\r\nJohn\r\n"));
	CU_ASSERT(peer_exchange(peer, "*2\r\n$3\r\nGET\r\n$4\r\nname\r\n", "$4\r\nJohn\r\n"));
	peer_close(&peer);
}

static void a_browser_that_posts_to_us_is_cut_off(void)
{
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_send_text(peer, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nSET browser 1\r\n"));
	CU_ASSERT(peer_drain_until_closed(peer));
	peer_close(&peer);
	peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "browser"));
	peer_close(&peer);
}

static void a_command_of_a_million_arguments_is_served(void)
{
	enum { KEYS = 1000000 };
	char *text = malloc(64 + (size_t)KEYS * 8);
	size_t len = (size_t)sprintf(text, "*%d\r\n$6\r\nEXISTS\r\n", KEYS + 1);
	for (int i = 0; i < KEYS; i++) {
		memcpy(text + len, "$1\r\nm\r\n", 7);
		len += 7;
	}
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "m", "1"));
	CU_ASSERT(peer_send(peer, text, len));
	CU_ASSERT(peer_expect_text(peer, ":1000000\r\n"));
	free(text);
	peer_close(&peer);
}

static void replies_of_a_deep_pipeline_come_in_order(void)
{
	enum { DEPTH = 100000 };
	char *text = malloc((size_t)DEPTH * 40), *answer = malloc((size_t)DEPTH * 40);
	size_t len = 0, answer_len = 0;
	for (int i = 0; i < DEPTH; i++) {
		len += (size_t)sprintf(text + len, "*2\r\n$4\r\nECHO\r\n$8\r\n%08d\r\n", i);
		answer_len += (size_t)sprintf(answer + answer_len, "$8\r\n%08d\r\n", i);
	}
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_send(peer, text, len));
	CU_ASSERT(peer_expect(peer, answer, answer_len));
	free(text);
	free(answer);
	peer_close(&peer);
}

static void a_client_that_closes_its_side_still_gets_its_replies(void)
{
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_send_text(peer, "SET half 1\r\nINCR half\r\nGET half\r\nPI"));
	peer_half_close(peer);
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n:2\r\n$1\r\n2\r\n"));
	CU_ASSERT(peer_expect_closed(peer));
	peer_close(&peer);
}

static void server_starts(void)
{
	server = server_start("--timeout 0");
}

static void server_stops(void)
{
	CU_ASSERT(server_stop(&server));
}

static void server_with_a_password_starts(void)
{
	server = server_start("--requirepass %s", PASSWORD);
}

static void unauthenticated_clients_have_smaller_limits(void)
{
	static const char eleven[] = "*11\r\n", huge[] = "*1\r\n$16385\r\n";
	expect_refusal(eleven, sizeof(eleven) - 1, "-ERR Protocol error: unauthenticated multibulk length\r\n");
	expect_refusal(huge, sizeof(huge) - 1, "-ERR Protocol error: unauthenticated bulk length\r\n");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_exchange(peer, "SET a b\r\nPING\r\n",
				"-NOAUTH Authentication required.\r\n-NOAUTH Authentication required.\r\n"));
	CU_ASSERT(GIVES(peer, "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "AUTH", "wrong"));
	peer_close(&peer);
}

static void the_limits_go_with_the_password(void)
{
	static const char begin[] = "AUTH " PASSWORD "\r\n*12\r\n$3\r\nDEL\r\n";
	struct peer *peer = peer_connect(server);
	/* Both in one send: the limits at the time when the request is executed count. */
	CU_ASSERT(peer_send_text(peer, begin));
	for (int i = 0; i < 11; i++)
		CU_ASSERT(peer_send_text(peer, "$1\r\nk\r\n"));
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n:0\r\n"));
	char *value = malloc(20001);
	memset(value, 'x', 20000);
	value[20000] = '\0';
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "large", value));
	free(value);
	CU_ASSERT(GIVES(peer, "+RESET\r\n", "RESET"));
	CU_ASSERT(GIVES(peer, "-NOAUTH Authentication required.\r\n", "GET", "large"));
	CU_ASSERT(peer_exchange(peer, "*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"));
	CU_ASSERT(peer_expect_closed(peer));
	peer_close(&peer);
}

static void the_limits_go_when_the_password_goes(void)
{
	enum { LEN = 20000 };
	static char value[LEN + 1];
	struct peer *peer = peer_connect(server), *admin = peer_connect(server);
	memset(value, 'x', LEN);
	CU_ASSERT(GIVES(admin, "+OK\r\n", "AUTH", PASSWORD));
	CU_ASSERT(GIVES(peer, "-NOAUTH Authentication required.\r\n", "GET", "a"));
	CU_ASSERT(GIVES(admin, "+OK\r\n", "CONFIG", "SET", "requirepass", ""));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "a", value));
	CU_ASSERT(GIVES(admin, "+OK\r\n", "CONFIG", "SET", "requirepass", PASSWORD));
	peer_close(&peer);
	peer_close(&admin);
}

/* A longer one locked everybody out: no unauthenticated client may send such a bulk. */
static void the_longest_password_can_be_given(void)
{
	static char password[RESP_UNAUTHENTICATED_BULK_MAX + 2];
	ONLY_OURS();
	struct peer *admin = peer_connect(server), *peer = peer_connect(server);
	memset(password, 'p', RESP_UNAUTHENTICATED_BULK_MAX + 1);
	CU_ASSERT(GIVES(admin, "+OK\r\n", "AUTH", PASSWORD));
	CU_ASSERT(GIVES(admin, "-ERR CONFIG SET failed (possibly related to argument 'requirepass') - argument must have at most 16384 bytes\r\n",
			"CONFIG", "SET", "requirepass", password));
	password[RESP_UNAUTHENTICATED_BULK_MAX] = '\0';
	CU_ASSERT(GIVES(admin, "+OK\r\n", "CONFIG", "SET", "requirepass", password));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "AUTH", password));
	CU_ASSERT(GIVES(peer, "+RESET\r\n", "RESET"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "AUTH", "default", password));
	CU_ASSERT(GIVES(peer, "+RESET\r\n", "RESET"));
	const char *greeting = COMMAND(peer, "HELLO", "2", "AUTH", "default", password);
	CU_ASSERT(greeting && greeting[0] == '*');
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "requirepass", PASSWORD));
	peer_close(&admin);
	peer_close(&peer);
}

/* The key has the largest size for an unauthenticated client, and the value is larger. The AUTH before it decides. */
static void a_request_that_waits_to_be_judged_comes_whole(void)
{
	enum { KEY = 16384, VALUE = 20000 };
	static char key[KEY], value[VALUE];
	memset(key, 'k', KEY);
	memset(value, 'v', VALUE);
	const char *words[] = { "SET", key, value };
	size_t lens[] = { 3, KEY, VALUE }, len, half = 17000;
	char *text = wire_command(3, words, lens, &len);
	struct peer *peer = peer_connect_unix(server), *admin = peer_connect_unix(server);
	CU_ASSERT(GIVES(admin, "+OK\r\n", "AUTH", PASSWORD));
	CU_ASSERT(peer_send_text(admin, "DEBUG SLEEP 0.2\r\n"));
	CU_ASSERT(peer_await_taken(admin));
	CU_ASSERT(peer_send_text(peer, "AUTH " PASSWORD "\r\n"));
	CU_ASSERT(peer_send(peer, text, half));
	CU_ASSERT(peer_await_taken(peer));
	CU_ASSERT(peer_send(peer, text + half, len - half));
	CU_ASSERT(peer_exchange(peer, "PING\r\n", "+OK\r\n+OK\r\n+PONG\r\n"));
	CU_ASSERT(peer_expect_text(admin, "+OK\r\n"));
	CU_ASSERT(GIVES(admin, "+OK\r\n", "FLUSHALL"));
	peer_close(&peer);
	peer_close(&admin);
	free(text);
}

/* The bytes of the previous request were parsed again, though they were freed. */
static void an_error_in_a_later_piece_of_a_request_is_answered(void)
{
	static const char *const pieces[][3] = {
		{ "*3\r\n$3\r\nSET\r\n", "x\r\n", "-ERR Protocol error: expected '$', got 'x'\r\n" },
		{ "*3\r\n$3\r\nSET\r\n$1\r\na\r\n", "$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
		{ "*2\r\n$20000\r\nabc", "*1\r\n", NULL },
	};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct peer *peer = peer_connect_unix(server);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "AUTH", PASSWORD));
		CU_ASSERT(peer_send_text(peer, pieces[i][0]));
		CU_ASSERT(peer_await_taken(peer));
		CU_ASSERT(peer_send_text(peer, pieces[i][1]));
		if (pieces[i][2]) {
			CU_ASSERT(peer_expect_text(peer, pieces[i][2]));
			CU_ASSERT(peer_expect_closed(peer));
		}
		peer_close(&peer);
	}
}

static void the_last_of_several_log_ins_and_outs_counts(void)
{
	static char value[20001];
	struct peer *peer = peer_connect(server);
	memset(value, 'x', 20000);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "AUTH", PASSWORD));
	CU_ASSERT(peer_exchange(peer, "RESET\r\nAUTH " PASSWORD "\r\n", "+RESET\r\n+OK\r\n"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "a", value));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "a"));
	peer_close(&peer);
}

static void hello_can_bring_the_password(void)
{
	struct peer *peer = peer_connect(server);
	const char *reply = COMMAND(peer, "HELLO", "3");
	CU_ASSERT(reply && strncmp(reply, "-NOAUTH HELLO must be called with the client already authenticated", 66) == 0);
	CU_ASSERT(GIVES(peer, "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "HELLO", "3", "AUTH",
			"default", "wrong"));
	reply = COMMAND(peer, "HELLO", "3", "AUTH", "default", PASSWORD);
	CU_ASSERT(reply && reply[0] == '%');
	CU_ASSERT(GIVES(peer, "_\r\n", "GET", "absent"));
	peer_close(&peer);
}

static void the_password_is_shown_as_its_digest(void)
{
	static const char rule[] = "user default on #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b ~* &* +@all";
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "AUTH", PASSWORD));
	const char *reply = COMMAND(peer, "ACL", "LIST");
	CU_ASSERT(reply && strstr(reply, rule) != NULL);
	peer_close(&peer);
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(every_protocol_error_has_its_text_and_closes),
	CASE(a_line_without_end_is_refused_once_it_is_too_long),
	CASE(replies_before_an_error_arrive_and_nothing_after_it_is_done),
	CASE(empty_requests_are_passed_over),
	CASE(a_request_cut_at_every_byte_is_answered),
	CASE(requests_that_come_byte_by_byte_are_answered),
	CASE(commands_typed_by_hand_are_understood),
	CASE(an_array_typed_with_bare_line_ends_is_understood),
	CASE(a_browser_that_posts_to_us_is_cut_off),
	CASE(a_command_of_a_million_arguments_is_served),
	CASE(replies_of_a_deep_pipeline_come_in_order),
	CASE(a_client_that_closes_its_side_still_gets_its_replies),
	CASE(server_stops),
	CASE(server_with_a_password_starts),
	CASE(unauthenticated_clients_have_smaller_limits),
	CASE(the_limits_go_when_the_password_goes),
	CASE(the_longest_password_can_be_given),
	CASE(a_request_that_waits_to_be_judged_comes_whole),
	CASE(an_error_in_a_later_piece_of_a_request_is_answered),
	CASE(the_last_of_several_log_ins_and_outs_counts),
	CASE(the_limits_go_with_the_password),
	CASE(hello_can_bring_the_password),
	CASE(the_password_is_shown_as_its_digest),
	CASE(server_stops),
};

SUITE_MAIN("protocol", cases)

/*
 * A CONFIG SET takes effect at once for the next client or command, and of several changes in one CONFIG SET all happen or none.
 */
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"
#include "support/directive.h"

#define MEGABYTE (1024 * 1024)
/* More descriptors than any system lets a process have. */
#define TOO_MANY_CLIENTS "100000000"

/* ---- one directive: how a new client is treated under two values ---- */

/* A new client's first reply. */
static bool newcomer_is_told(struct server *server, const char *send, const char *begin)
{
	struct peer *peer = peer_connect(server);
	if (*send)
		peer_send_text(peer, send);
	const char *reply = peer_reply(peer);
	bool is_told = reply && strncmp(reply, begin, strlen(begin)) == 0;
	peer_close(&peer);
	return is_told;
}

static bool a_newcomer_is_served(struct server *server)
{
	return newcomer_is_told(server, "PING\r\n", "+PONG\r\n");
}

static bool a_newcomer_is_one_too_many(struct server *server)
{
	return newcomer_is_told(server, "", "-ERR max number of clients reached\r\n");
}

static bool a_newcomer_needs_a_password(struct server *server)
{
	return newcomer_is_told(server, "PING\r\n", "-NOAUTH ");
}

static bool a_write_finds_no_room(struct server *server)
{
	return newcomer_is_told(server, "SET key value\r\n", "-OOM ");
}

static bool a_write_finds_room(struct server *server)
{
	return newcomer_is_told(server, "SET key value\r\n", "+OK\r\n");
}

static bool nothing_is_slow(struct server *server)
{
	return newcomer_is_told(server, "SLOWLOG LEN\r\n", ":0\r\n");
}

static bool something_is_slow(struct server *server)
{
	return newcomer_is_told(server, "SLOWLOG LEN\r\n", ":") && !nothing_is_slow(server);
}

static bool two_megabytes_are_refused(struct server *server)
{
	return newcomer_is_told(server, "*2\r\n$4\r\nECHO\r\n$2097152\r\n", "-ERR Protocol error: invalid bulk length\r\n");
}

static bool send_two_megabytes(struct peer *peer)
{
	static char bytes[2 * MEGABYTE];
	memset(bytes, 'x', sizeof(bytes));
	return peer_send_text(peer, "*2\r\n$4\r\nECHO\r\n$2097152\r\n") && peer_send(peer, bytes, sizeof(bytes)) &&
	       peer_send_text(peer, "\r\n");
}

static bool two_megabytes_are_taken(struct server *server)
{
	struct peer *peer = peer_connect(server);
	bool taken = send_two_megabytes(peer) && peer_reply(peer) && peer_reply_length(peer) > 2 * MEGABYTE;
	peer_close(&peer);
	return taken;
}

static bool two_megabytes_break_the_connection(struct server *server)
{
	struct peer *peer = peer_connect(server);
	send_two_megabytes(peer); /* may be cut off on the way */
	bool broken = peer_drain_until_closed(peer) && !peer_has_reply(peer);
	peer_close(&peer);
	return broken;
}

/* The last column but two of the kernel's table: "02:" and the time left in hundredths of a second when probes are due. */
static long keepalive_timer(struct server *server, struct peer *peer)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	getsockname(peer_fd(peer), (struct sockaddr *)&address, &len);
	char *table = file_text("/proc/net/tcp"), ends[64];
	snprintf(ends, sizeof(ends), "0100007F:%04X 0100007F:%04X ", server_port(server), ntohs(address.sin_port));
	const char *line = strstr(table, ends);
	unsigned timer = 0;
	unsigned long left = 0;
	if (line)
		sscanf(line + strlen(ends), "%*s %*s %x:%lx", &timer, &left);
	free(table);
	return !line ? -1 : timer == 2 ? (long)left : 0;
}

static long keepalive_of_newcomer(struct server *server)
{
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	/* For a moment it may be the retransmission timer of the reply. */
	int64_t deadline = deadline_after(PATIENCE_MS / 10);
	long left = 0;
	while ((left = keepalive_timer(server, peer)) == 0 && deadline_left_ms(deadline) > 0)
		;
	peer_close(&peer);
	return left;
}

static bool newcomers_are_probed_soon(struct server *server)
{
	long left = keepalive_of_newcomer(server);
	return left > 0 && left <= 100 * 100;
}

static bool newcomers_are_probed_late(struct server *server)
{
	return keepalive_of_newcomer(server) > 100 * 100;
}

/* Later than the system's default of two hours. */
static bool newcomers_are_probed_as_late_as_can_be(struct server *server)
{
	return keepalive_of_newcomer(server) > 7200 * 100;
}

static bool a_newcomer_is_closed_when_idle(struct server *server)
{
	struct peer *peer = peer_connect(server);
	bool closed = GIVES(peer, "+PONG\r\n", "PING") && peer_expect_closed(peer);
	peer_close(&peer);
	return closed;
}

static const struct {
	const char *name, *first;
	bool (*shows_first)(struct server *server);
	const char *second;
	bool (*shows_second)(struct server *server);
} effects[] = {
	{ "maxclients", "1", a_newcomer_is_one_too_many, "5", a_newcomer_is_served },
	{ "requirepass", "secret", a_newcomer_needs_a_password, "", a_newcomer_is_served },
	{ "proto-max-bulk-len", "1mb", two_megabytes_are_refused, "3mb", two_megabytes_are_taken },
	{ "client-query-buffer-limit", "1mb", two_megabytes_break_the_connection, "1gb", two_megabytes_are_taken },
	{ "maxmemory", "1", a_write_finds_no_room, "0", a_write_finds_room },
	{ "slowlog-log-slower-than", "-1", nothing_is_slow, "0", something_is_slow },
	{ "tcp-keepalive", "100", newcomers_are_probed_soon, "200", newcomers_are_probed_late },
	{ "timeout", "1", a_newcomer_is_closed_when_idle, "0", a_newcomer_is_served },
};

static void what_is_set_shows_at_the_next_client(void)
{
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		struct server *server = server_start("--tcp-keepalive 0");
		struct peer *peer = peer_connect(server);
		bool is_first = set_directive(peer, effects[i].name, effects[i].first) && effects[i].shows_first(server);
		/* `timeout` has closed the client meanwhile: another one goes on. */
		if (strcmp(effects[i].name, "timeout") == 0) {
			peer_close(&peer);
			peer = peer_connect(server);
		}
		bool is_second = set_directive(peer, effects[i].name, effects[i].second) && effects[i].shows_second(server);
		if (!is_first || !is_second)
			fprintf(stderr, "%s: %s %s, %s %s\n", effects[i].name, effects[i].first, is_first ? "shows" : "doesn't show",
				effects[i].second, is_second ? "shows" : "doesn't show");
		CU_ASSERT(is_first && is_second);
		peer_close(&peer);
		CU_ASSERT(server_stop(&server));
	}
}

/* Every client but the one that asks, at once and behind it in its pipeline. */
static void a_limit_holds_for_all_who_are_connected(void)
{
	struct server *server = server_start(" ");
	struct peer *peers[8];
	for (int i = 0; i < 8; i++) {
		peers[i] = peer_connect(server);
		CU_ASSERT(GIVES(peers[i], "+PONG\r\n", "PING"));
	}
	CU_ASSERT(set_directive(peers[0], "proto-max-bulk-len", "1mb"));
	for (int i = 0; i < 8; i++) {
		CU_ASSERT(peer_send_text(peers[i], "*2\r\n$4\r\nECHO\r\n$1048577\r\n"));
		CU_ASSERT(peer_expect_text(peers[i], "-ERR Protocol error: invalid bulk length\r\n"));
		peer_close(&peers[i]);
	}
	CU_ASSERT(server_stop(&server));
}

static bool store_a_megabyte(struct peer *peer)
{
	static char value[MEGABYTE];
	memset(value, 'v', sizeof(value));
	return peer_send_text(peer, "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$1048576\r\n") && peer_send(peer, value, sizeof(value)) &&
	       peer_exchange(peer, "\r\n", "+OK\r\n");
}

/* Requests this many megabytes before reading. Returns how many come. */
static int megabytes_that_come(struct peer *peer, int asked)
{
	int come = 0;
	for (int i = 0; i < asked; i++)
		peer_send_text(peer, "GET v\r\n");
	while (come < asked && peer_has_reply(peer) && peer_reply(peer))
		come++;
	return come;
}

/* More than the sockets' buffers can hold. */
#define UNREAD_MEGABYTES 64

static void an_output_limit_closes_a_client_that_does_not_read(void)
{
	struct server *server = server_start(" ");
	struct peer *control = peer_connect_unix(server), *reader = peer_connect_unix(server);
	CU_ASSERT(store_a_megabyte(control));
	CU_ASSERT_EQUAL(megabytes_that_come(reader, UNREAD_MEGABYTES), UNREAD_MEGABYTES);
	CU_ASSERT(set_directive(control, "client-output-buffer-limit", "normal 2mb 0 0"));
	CU_ASSERT(megabytes_that_come(reader, UNREAD_MEGABYTES) < UNREAD_MEGABYTES);
	peer_close(&reader);
	CU_ASSERT(set_directive(control, "client-output-buffer-limit", "normal 0 0 0"));
	reader = peer_connect_unix(server);
	CU_ASSERT_EQUAL(megabytes_that_come(reader, UNREAD_MEGABYTES), UNREAD_MEGABYTES);
	peer_close(&reader);
	peer_close(&control);
	CU_ASSERT(server_stop(&server));
}

/* Seconds times 1000 overflowed 64 bits, into the past. */
static void the_longest_soft_limit_closes_no_client_at_once(void)
{
	struct server *server = server_start(" ");
	struct peer *control = peer_connect_unix(server), *reader = peer_connect_unix(server);
	CU_ASSERT(store_a_megabyte(control));
	const char *reply = COMMAND(control, "CONFIG", "SET", "client-output-buffer-limit", "normal 0 1 9223372036854775807");
	CU_ASSERT(reply && strncmp(reply, "-ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit')", 82) == 0);
	CU_ASSERT(set_directive(control, "client-output-buffer-limit", "normal 0 1 2147483647"));
	CU_ASSERT_EQUAL(megabytes_that_come(reader, UNREAD_MEGABYTES), UNREAD_MEGABYTES);
	peer_close(&reader);
	peer_close(&control);
	CU_ASSERT(server_stop(&server));
}

static void what_changes_nothing_is_kept_and_named_once(void)
{
	ONLY_OURS();
	struct server *server = server_start("--hz 20 --lazyfree-lazy-expire yes --activerehashing no");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(server_wait_log(server, "change nothing here: activerehashing, lazyfree-lazy-expire, hz\n"));
	CU_ASSERT(directive_is(peer, "hz", "20"));
	CU_ASSERT(set_directive(peer, "activedefrag", "yes"));
	CU_ASSERT(directive_is(peer, "activedefrag", "yes"));
	CU_ASSERT(server_wait_log(server, "Ready to accept connections"));
	char *log = server_log(server);
	const char *warning = strstr(log, "change nothing here");
	CU_ASSERT(warning && !strstr(warning + 1, "change nothing here"));
	free(log);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* ---- the log, the directory, the process ---- */

static void loglevel_says_what_is_logged(void)
{
	ONLY_OURS();
	struct server *server = server_start(" ");
	struct peer *peer = peer_connect_unix(server);
	char port[2][8], line[2][48];
	for (int i = 0; i < 2; i++) {
		snprintf(port[i], sizeof(port[i]), "%u", free_port());
		snprintf(line[i], sizeof(line[i]), "Listening on 127.0.0.1:%s", port[i]);
	}
	CU_ASSERT(set_directive(peer, "loglevel", "warning"));
	CU_ASSERT(set_directive(peer, "port", port[0]));
	CU_ASSERT(set_directive(peer, "loglevel", "notice"));
	CU_ASSERT(set_directive(peer, "port", port[1]));
	char *log = server_log(server);
	CU_ASSERT(strstr(log, line[0]) == NULL);
	CU_ASSERT(strstr(log, line[1]) != NULL);
	free(log);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void verbose_tells_who_comes_and_goes(void)
{
	struct server *server = server_start("--loglevel verbose");
	struct peer *peer = peer_connect(server), *killer = peer_connect(server);
	CU_ASSERT(server_wait_log(server, "Accepted 127.0.0.1:"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "SETNAME", "guest"));
	peer_close(&peer);
	CU_ASSERT(server_wait_log(server, "Client closed connection id="));
	CU_ASSERT(server_wait_log(server, "name=guest "));
	peer = peer_connect(server);
	CU_ASSERT(peer_send_text(peer, "*x\r\n"));
	CU_ASSERT(server_wait_log(server, "Protocol error"));
	peer_close(&peer);
	if (!server_is_reference()) {
		CU_ASSERT(set_directive(killer, "maxclients", "1"));
		CU_ASSERT(a_newcomer_is_one_too_many(server));
		CU_ASSERT(server_wait_log(server, ": ERR max number of clients reached"));
	}
	peer_close(&killer);
	CU_ASSERT(server_stop(&server));
}

static bool works_in(struct server *server, const char *directory)
{
	char link[64], at[512];
	snprintf(link, sizeof(link), "/proc/%d/cwd", (int)server_pid(server));
	ssize_t len = readlink(link, at, sizeof(at) - 1);
	at[len > 0 ? len : 0] = '\0';
	return strcmp(at, directory) == 0;
}

static void dir_moves_the_process(void)
{
	struct server *server = server_start("--enable-protected-configs yes");
	struct peer *peer = peer_connect(server);
	char below[160];
	snprintf(below, sizeof(below), "%s/below", server_directory(server));
	CU_ASSERT_EQUAL(mkdir(below, 0700), 0);
	CU_ASSERT(set_directive(peer, "dir", "below"));
	CU_ASSERT(works_in(server, below));
	CU_ASSERT(directive_is(peer, "dir", below));
	CU_ASSERT(GIVES(peer, "-ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory\r\n", "CONFIG",
			"SET", "dir", "nowhere"));
	CU_ASSERT(works_in(server, below));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void the_longest_keepalive_is_the_longest_that_the_system_has(void)
{
	ONLY_OURS();
	struct server *server = server_start("--tcp-keepalive 2147483647");
	CU_ASSERT(newcomers_are_probed_as_late_as_can_be(server));
	CU_ASSERT(server_stop(&server));
}

static void more_clients_than_the_system_allows_are_refused(void)
{
	struct server *server = server_start("--maxclients 100");
	struct peer *peer = peer_connect(server);
	const char *reply = COMMAND(peer, "CONFIG", "SET", "maxclients", TOO_MANY_CLIENTS);
	static const char begin[] = "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not "
				    "able to handle the specified number of clients, try with ";
	CU_ASSERT(reply && strncmp(reply, begin, strlen(begin)) == 0);
	CU_ASSERT(reply && atol(reply + strlen(begin)) >= 100);
	CU_ASSERT(directive_is(peer, "maxclients", "100"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static size_t open_descriptors(struct server *server)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)server_pid(server));
	DIR *directory = opendir(path);
	size_t count = 0;
	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count - 2; /* . and .. */
}

/* With the most clients allowed, the descriptors suffice. */
static void the_server_itself_needs_no_more_than_is_kept_for_it(void)
{
	ONLY_OURS();
	static const int reactors[] = { 1, 4, 32 };
	for (size_t i = 0; i < sizeof(reactors) / sizeof(reactors[0]); i++) {
		struct server *server = server_start("--io-threads %d --maxclients 100", reactors[i]);
		struct peer *peer = peer_connect(server);
		const char *reply = COMMAND(peer, "CONFIG", "SET", "maxclients", TOO_MANY_CLIENTS);
		const char *fitting = reply ? strstr(reply, "try with ") : NULL;
		struct rlimit limit;
		CU_ASSERT_EQUAL(prlimit(server_pid(server), RLIMIT_NOFILE, NULL, &limit), 0);
		CU_ASSERT(fitting && open_descriptors(server) - 1 <= limit.rlim_cur - (rlim_t)atoll(fitting + strlen("try with ")));
		peer_close(&peer);
		CU_ASSERT(server_stop(&server));
	}
}

static void maxclients_raises_the_limit_of_descriptors(void)
{
	struct server *server = server_start("--maxclients 10");
	struct rlimit limit, low = { 64, 4096 };
	if (prlimit(server_pid(server), RLIMIT_NOFILE, &low, &limit) != 0)
		CU_FAIL("the server's limit can't be lowered");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(set_directive(peer, "maxclients", "2000"));
	CU_ASSERT_EQUAL(prlimit(server_pid(server), RLIMIT_NOFILE, NULL, &limit), 0);
	CU_ASSERT(limit.rlim_cur >= 2000);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* ---- several at once ---- */

static void several_directives_change_together(void)
{
	struct server *server = server_start("--enable-protected-configs yes");
	struct peer *peer = peer_connect(server);
	char port[8];
	snprintf(port, sizeof(port), "%u", free_port());
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "port", port, "bind", "127.0.0.1 127.0.0.2", "dir", "/", "maxclients", "3",
			"timeout", "77", "loglevel", "verbose"));
	CU_ASSERT(is_served_at((uint16_t)atoi(port)));
	CU_ASSERT(works_in(server, "/"));
	CU_ASSERT(directive_is(peer, "port", port) && directive_is(peer, "bind", "127.0.0.1 127.0.0.2"));
	CU_ASSERT(directive_is(peer, "maxclients", "3") && directive_is(peer, "timeout", "77"));
	CU_ASSERT(directive_is(peer, "loglevel", "verbose"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* Each line fails at its last pair, each in another step. %s is a port in use. */
static const struct {
	const char *pairs, *argument;
} failing[] = {
	{ "port NEW dir / maxclients 50 timeout 9 nonsense 1", NULL },
	{ "port NEW dir / maxclients 50 timeout 9 databases 3", "databases" },
	{ "port NEW dir / maxclients 50 timeout 9 timeout 10", "timeout" },
	{ "port NEW dir / maxclients 50 timeout 9 loglevel loud", "loglevel" },
	{ "port NEW dir / timeout 9 requirepass x maxclients " TOO_MANY_CLIENTS, "maxclients" },
	{ "port NEW maxclients 50 timeout 9 requirepass x dir /proc/nowhere", "dir" },
	{ "dir / maxclients 50 timeout 9 requirepass x port TAKEN", "port" },
	{ "dir / maxclients 50 timeout 9 requirepass x bind 203.0.113.9", "bind" },
	{ "dir / maxclients 50 timeout 9 port NEW bind 203.0.113.9", "port" },
	{ "dir / maxclients 50 timeout 9 bind 203.0.113.9 port NEW", "bind" },
	{ "dir / timeout 9 bind \"127.0.0.2 203.0.113.9\"", "bind" },
};

/* A listener of this test. */
static int occupy(uint16_t *out_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 1) == 0);
	CU_ASSERT(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
	*out_port = ntohs(address.sin_port);
	return fd;
}

static void fill_in(char *out, size_t size, const char *pairs, uint16_t new_port, uint16_t taken_port)
{
	size_t len = (size_t)snprintf(out, size, "CONFIG SET ");
	for (const char *at = pairs; *at && len < size - 8;) {
		if (strncmp(at, "NEW", 3) == 0 || strncmp(at, "TAKEN", 5) == 0) {
			len += (size_t)snprintf(out + len, size - len, "%u", *at == 'N' ? new_port : taken_port);
			at += *at == 'N' ? 3 : 5;
		} else {
			out[len++] = *at++;
		}
	}
	snprintf(out + len, size - len, "\r\n");
}

static void one_that_fails_leaves_all_as_they_were(void)
{
	struct server *server = server_start("--enable-protected-configs yes --maxclients 40");
	struct peer *peer = peer_connect(server);
	uint16_t taken_port, new_port = free_port();
	int taken = occupy(&taken_port);
	char port[8], text[256], begin[128];
	snprintf(port, sizeof(port), "%u", server_port(server));
	for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
		fill_in(text, sizeof(text), failing[i].pairs, new_port, taken_port);
		snprintf(begin, sizeof(begin), "-ERR CONFIG SET failed (possibly related to argument '%s') - ", failing[i].argument);
		if (!failing[i].argument)
			snprintf(begin, sizeof(begin), "-ERR Unknown option or number of arguments for CONFIG SET - 'nonsense'\r\n");
		peer_send_text(peer, text);
		const char *reply = peer_reply(peer);
		bool is_refused = reply && strncmp(reply, begin, strlen(begin)) == 0;
		if (!is_refused)
			fprintf(stderr, "%s gives %s", text, reply ? reply : "nothing\n");
		CU_ASSERT(is_refused);
		CU_ASSERT(directive_is(peer, "port", port) && directive_is(peer, "bind", "127.0.0.1"));
		CU_ASSERT(directive_is(peer, "dir", server_directory(server)) && works_in(server, server_directory(server)));
		CU_ASSERT(directive_is(peer, "maxclients", "40") && directive_is(peer, "timeout", "0"));
		CU_ASSERT(directive_is(peer, "requirepass", "") && directive_is(peer, "loglevel", "notice"));
		CU_ASSERT(is_served_at(server_port(server)));
		CU_ASSERT(nobody_listens_at(new_port));
	}
	close(taken);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static const struct suite_case cases[] = {
	CASE(what_is_set_shows_at_the_next_client),
	CASE(a_limit_holds_for_all_who_are_connected),
	CASE(an_output_limit_closes_a_client_that_does_not_read),
	CASE(the_longest_soft_limit_closes_no_client_at_once),
	CASE(what_changes_nothing_is_kept_and_named_once),
	CASE(loglevel_says_what_is_logged),
	CASE(verbose_tells_who_comes_and_goes),
	CASE(dir_moves_the_process),
	CASE(the_longest_keepalive_is_the_longest_that_the_system_has),
	CASE(more_clients_than_the_system_allows_are_refused),
	CASE(the_server_itself_needs_no_more_than_is_kept_for_it),
	CASE(maxclients_raises_the_limit_of_descriptors),
	CASE(several_directives_change_together),
	CASE(one_that_fails_leaves_all_as_they_were),
};

SUITE_MAIN("CONFIG SET", cases)

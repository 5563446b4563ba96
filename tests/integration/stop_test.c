/*
 * Stopping: earlier requests are answered as long as there is time, and a stopped server leaves no files.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"
#include "support/directive.h"

/* Stops when all requests are answered, however long that takes on this machine. */
#define PATIENT "--shutdown-timeout 1000"

/* A connection whose hundred commands wait for the sleeping store; the server has read all of them. */
static struct peer *pipeline_in_flight(struct server *server, const char *sleep)
{
	struct peer *peer = peer_connect_unix(server);
	char text[4096];
	snprintf(text, sizeof(text), "DEBUG SLEEP %s\r\n", sleep);
	for (int i = 0; i < 100; i++)
		strcat(text, "INCR n\r\n");
	CU_ASSERT(peer_send_text(peer, text));
	CU_ASSERT(peer_await_taken(peer));
	return peer;
}

/* Work for minutes in short commands; the peer has its first reply. */
static struct peer *slow_work(struct server *server)
{
	enum { COMMANDS = 6000 };
	static const char command[] = "KEYS *x*1*y*\r\n";
	struct peer *peer = peer_connect(server);
	char *text = calloc(COMMANDS, sizeof(command));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "50000"));
	for (int i = 0; i < COMMANDS; i++)
		memcpy(text + i * (sizeof(command) - 1), command, sizeof(command) - 1);
	CU_ASSERT(peer_send_text(peer, text));
	CU_ASSERT(peer_expect_text(peer, "*0\r\n"));
	free(text);
	return peer;
}

static void sigterm_lets_commands_under_way_finish(void)
{
	struct server *server = server_start(PATIENT);
	struct peer *idle = peer_connect(server);
	CU_ASSERT(GIVES(idle, "+PONG\r\n", "PING"));
	struct peer *peer = pipeline_in_flight(server, "0.3");
	kill(server_pid(server), SIGTERM);
	char answer[4096] = "+OK\r\n";
	for (int i = 1; i <= 100; i++)
		sprintf(answer + strlen(answer), ":%d\r\n", i);
	CU_ASSERT(peer_expect_text(peer, answer));
	CU_ASSERT(peer_expect_closed(peer));
	CU_ASSERT(peer_expect_closed(idle));
	peer_close(&peer);
	peer_close(&idle);
	CU_ASSERT(server_await_stop(&server));
}

/* The first command blocks the others in their session, and they are too many for one turn. */
static void sigterm_lets_what_waits_in_a_session_finish(void)
{
	enum { COMMANDS = 200 };
	static const char command[] = "KEYS nothing*\r\n";
	char text[COMMANDS * sizeof(command) + 64] = "CONFIG SET timeout 0\r\n";
	struct server *server = server_start(PATIENT);
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "20000"));
	for (int i = 0; i < COMMANDS; i++)
		strcat(text, command);
	strcat(text, "SET last v\r\n");
	CU_ASSERT(peer_send_text(peer, text));
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n"));
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(peer_expect_times(peer, "*0\r\n", COMMANDS));
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n"));
	CU_ASSERT(peer_expect_closed(peer));
	peer_close(&peer);
	CU_ASSERT(server_await_stop(&server));
}

static void sigterm_waits_for_nobody_who_waits_for_ever(void)
{
	struct server *server = server_start(PATIENT);
	struct peer *waiter = peer_connect_unix(server);
	CU_ASSERT(peer_send_text(waiter, "WAIT 1 0\r\n"));
	CU_ASSERT(peer_await_taken(waiter));
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(peer_expect_closed(waiter));
	peer_close(&waiter);
	CU_ASSERT(server_await_stop(&server));
}

/* All clients write and read as fast as they can when the signal comes. Each gets complete replies in order, then the end. */
static void sigterm_cuts_no_reply(void)
{
	enum { CLIENTS = 20, COMMANDS = 20000 };
	struct server *server = server_start(PATIENT);
	struct peer *peers[CLIENTS];
	char *text = malloc((size_t)COMMANDS * 16);
	size_t len = 0;
	for (int i = 0; i < COMMANDS; i++)
		len += (size_t)sprintf(text + len, "ECHO %08d\r\n", i);
	for (int i = 0; i < CLIENTS; i++) {
		peers[i] = peer_connect(server);
		CU_ASSERT(peer_send(peers[i], text, len));
	}
	CU_ASSERT(peer_expect_text(peers[0], "$8\r\n00000000\r\n"));
	kill(server_pid(server), SIGTERM);
	for (int i = 0; i < CLIENTS; i++) {
		char answer[32];
		int next = i == 0 ? 1 : 0;
		const char *reply;
		while (next < COMMANDS && peer_has_reply(peers[i]) && (reply = peer_reply(peers[i]))) {
			snprintf(answer, sizeof(answer), "$8\r\n%08d\r\n", next++);
			CU_ASSERT_STRING_EQUAL(reply, answer);
		}
		CU_ASSERT(peer_expect_closed(peers[i]));
		peer_close(&peers[i]);
	}
	free(text);
	CU_ASSERT(server_await_stop(&server));
}

static void a_second_sigint_waits_for_nobody(void)
{
	ONLY_OURS();
	char directory[64], pidfile[96];
	scratch_create(directory, sizeof(directory));
	snprintf(pidfile, sizeof(pidfile), "%s/pid", directory);
	struct server *server = server_start("--pidfile %s --shutdown-timeout 1000", pidfile);
	struct peer *peer = slow_work(server);
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(server_wait_log(server, "Received SIGTERM"));
	kill(server_pid(server), SIGINT);
	int status = 0;
	CU_ASSERT(process_wait(server_pid(server), PATIENCE_MS, &status));
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CU_ASSERT(peer_drain_until_closed(peer));
	CU_ASSERT_NOT_EQUAL(access(pidfile, F_OK), 0);
	CU_ASSERT_NOT_EQUAL(access(server_socket_path(server), F_OK), 0);
	peer_close(&peer);
	server_forget(&server);
	scratch_remove(directory);
}

/* It may be the first signal, delivered twice. */
static void a_second_sigterm_changes_nothing(void)
{
	ONLY_OURS();
	struct server *server = server_start(PATIENT);
	struct peer *peer = pipeline_in_flight(server, "0.3");
	kill(server_pid(server), SIGTERM);
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n:1\r\n:2\r\n"));
	CU_ASSERT(peer_drain_until_closed(peer));
	peer_close(&peer);
	CU_ASSERT(server_await_stop(&server));
}

static void debug_sleep_does_not_delay_a_stop(void)
{
	ONLY_OURS();
	struct server *server = server_start("--shutdown-timeout 1000");
	struct peer *peer = pipeline_in_flight(server, "1000");
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n:1\r\n:2\r\n"));
	CU_ASSERT(peer_drain_until_closed(peer));
	peer_close(&peer);
	CU_ASSERT(server_await_stop(&server));
}

/* How long a stop takes just after many replies, whose last ACK comes late, while the client keeps its side open. */
static int64_t stop_beside_resting_client_ms(void)
{
	struct server *server = server_start(PATIENT);
	struct peer *peer = peer_connect(server);
	for (int i = 0; i < 100; i++)
		CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	int64_t begin_ms = monotonic_ms();
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(server_await_stop(&server));
	int64_t lasted_ms = monotonic_ms() - begin_ms;
	peer_close(&peer);
	return lasted_ms;
}

/* A busy machine may be late once, but not each time. */
static void clients_that_leave_their_side_open_do_not_delay_a_stop(void)
{
	ONLY_OURS();
	int64_t least_ms = INT64_MAX;
	for (int i = 0; i < 3 && least_ms >= 4000; i++) {
		int64_t ms = stop_beside_resting_client_ms();
		least_ms = ms < least_ms ? ms : least_ms;
	}
	CU_ASSERT(least_ms < 4000);
}

/* The stop ends long before the work would, and the log says that it was dropped. */
static void what_cannot_be_answered_in_time_is_dropped_and_told(void)
{
	ONLY_OURS();
	struct server *server = server_start("--shutdown-timeout 1");
	struct peer *control = peer_connect(server);
	CU_ASSERT(set_directive(control, "shutdown-timeout", "2"));
	struct peer *peer = slow_work(server);
	int64_t begin_ms = monotonic_ms();
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(peer_drain_until_closed(peer));
	CU_ASSERT(monotonic_ms() - begin_ms >= 1900);
	CU_ASSERT(server_wait_log(server, " requests of 1 clients are dropped"));
	peer_close(&peer);
	peer_close(&control);
	CU_ASSERT(server_await_stop(&server));
}

static void without_time_for_it_nobody_is_answered_any_more(void)
{
	ONLY_OURS();
	struct server *server = server_start("--shutdown-timeout 0");
	struct peer *peer = slow_work(server);
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(peer_drain_until_closed(peer));
	CU_ASSERT(server_wait_log(server, " requests of 1 clients are dropped"));
	peer_close(&peer);
	CU_ASSERT(server_await_stop(&server));
}

/* A hundred megabytes of replies wait for a client that doesn't read. */
static struct peer *deaf_client(struct server *server, struct peer *other)
{
	struct peer *deaf = peer_connect(server);
	char *value = calloc(1, (1 << 20) + 1), text[1024] = "";
	memset(value, 'v', 1 << 20);
	CU_ASSERT(GIVES(other, "+OK\r\n", "SET", "key", value));
	for (int i = 0; i < 100; i++)
		strcat(text, "GET key\r\n");
	CU_ASSERT(peer_send_text(deaf, text));
	CU_ASSERT(COMES_TO_SHOW(other, "cmdstat_get:calls=100,", "INFO", "commandstats"));
	free(value);
	return deaf;
}

static void a_client_that_takes_nothing_does_not_keep_the_server(void)
{
	ONLY_OURS();
	struct server *server = server_start("--shutdown-timeout 1");
	struct peer *other = peer_connect(server), *deaf = deaf_client(server, other);
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(peer_expect_closed(other));
	CU_ASSERT(server_wait_log(server, "bytes of replies that they have not taken"));
	peer_close(&other);
	CU_ASSERT(server_await_stop(&server));
	peer_close(&deaf);
}

/* The time to stop is not over for long. */
static void a_client_that_goes_on_taking_nothing_is_given_up_and_told(void)
{
	ONLY_OURS();
	struct server *server = server_start(PATIENT);
	struct peer *other = peer_connect(server), *deaf = deaf_client(server, other);
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(peer_expect_closed(other));
	CU_ASSERT(server_wait_log(server, "bytes of its replies and 0 of its requests are dropped"));
	peer_close(&other);
	CU_ASSERT(server_await_stop(&server));
	peer_close(&deaf);
}

static void shutdown_now_waits_for_no_client(void)
{
	ONLY_OURS();
	struct server *server = server_start("--shutdown-timeout 1000");
	struct peer *other = peer_connect(server), *deaf = deaf_client(server, other);
	CU_ASSERT(peer_send_text(other, "SHUTDOWN NOW\r\n"));
	CU_ASSERT(peer_expect_closed(other));
	CU_ASSERT(server_wait_log(server, "bytes of replies that they have not taken"));
	peer_close(&other);
	CU_ASSERT(server_await_stop(&server));
	peer_close(&deaf);
}

static void signals_that_redis_survives_are_survived(void)
{
	static const int signals[] = { SIGHUP, SIGPIPE, SIGALRM, SIGCHLD, SIGURG, SIGWINCH, SIGCONT };
	struct server *server = server_start("--timeout 0");
	struct peer *peer = peer_connect(server);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		kill(server_pid(server), signals[i]);
		CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	}
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void signals_that_end_redis_end_it(void)
{
	static const int signals[] = { SIGUSR1, SIGUSR2, SIGQUIT };
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct server *server = server_start("--timeout 0");
		int status = 0;
		kill(server_pid(server), signals[i]);
		CU_ASSERT(process_wait(server_pid(server), PATIENCE_MS, &status));
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
		server_forget(&server);
	}
}

static void sigint_stops_as_sigterm_does(void)
{
	struct server *server = server_start("--timeout 0");
	kill(server_pid(server), SIGINT);
	CU_ASSERT(server_await_stop(&server));
}

static void shutdown_stops_the_server(void)
{
	static const char *const forms[] = { "SHUTDOWN", "SHUTDOWN NOSAVE", "shutdown nosave now force" };
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct server *server = server_start("--timeout 0");
		struct peer *peer = peer_connect(server), *other = peer_connect(server);
		CU_ASSERT(GIVES(other, "+PONG\r\n", "PING"));
		CU_ASSERT(peer_send_text(peer, forms[i]));
		CU_ASSERT(peer_send_text(peer, "\r\n"));
		CU_ASSERT(peer_expect_closed(peer));
		CU_ASSERT(peer_expect_closed(other));
		peer_close(&peer);
		peer_close(&other);
		CU_ASSERT(server_await_stop(&server));
	}
}

static void what_follows_shutdown_is_not_answered(void)
{
	struct server *server = server_start("--timeout 0");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_send_text(peer, "PING\r\nSHUTDOWN NOSAVE\r\nPING\r\nSET key value\r\n"));
	CU_ASSERT(peer_expect_text(peer, "+PONG\r\n"));
	CU_ASSERT(peer_expect_closed(peer));
	peer_close(&peer);
	CU_ASSERT(server_await_stop(&server));
}

static void a_shutdown_that_is_refused_says_why_in_the_log(void)
{
	ONLY_OURS();
	char obstacle[128];
	struct server *server = server_start("--timeout 0");
	struct peer *peer = peer_connect(server);
	snprintf(obstacle, sizeof(obstacle), "%s/dump.rdb", server_directory(server));
	CU_ASSERT_EQUAL(mkdir(obstacle, 0755), 0);
	CU_ASSERT(GIVES(peer, "-ERR Errors trying to SHUTDOWN. Check logs.\r\n", "SHUTDOWN", "SAVE"));
	CU_ASSERT(server_wait_log(server, "can't exit"));
	CU_ASSERT(server_wait_log(server, "dump.rdb: Is a directory"));
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void a_stopped_server_leaves_no_socket_behind(void)
{
	char directory[64], path[96];
	scratch_create(directory, sizeof(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	struct server *server = server_start("--unixsocket %s", path);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	CU_ASSERT(server_stop(&server));
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
	scratch_remove(directory);
}

#ifndef QCACHE_CHECKED
/* Freeing two million keys takes about as long as making them. Only checked builds do it. */
static void keys_are_not_freed_one_by_one(void)
{
	struct rusage ended_before, ended;
	struct server *server = server_start("--timeout 0");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "2000000"));
	peer_close(&peer);
	int64_t worked_ms = server_processor_ms(server);
	getrusage(RUSAGE_CHILDREN, &ended_before);
	CU_ASSERT(server_stop(&server));
	getrusage(RUSAGE_CHILDREN, &ended);
	/* In the system's mode it gives pages back, whichever way it ends. */
	int64_t user_ms = (ended.ru_utime.tv_sec - ended_before.ru_utime.tv_sec) * 1000 +
			  (ended.ru_utime.tv_usec - ended_before.ru_utime.tv_usec) / 1000;
	CU_ASSERT(user_ms - worked_ms < worked_ms / 10);
}
#endif

static const struct suite_case cases[] = {
	CASE(sigterm_lets_commands_under_way_finish),
	CASE(sigterm_lets_what_waits_in_a_session_finish),
	CASE(sigterm_waits_for_nobody_who_waits_for_ever),
	CASE(sigterm_cuts_no_reply),
	CASE(a_second_sigint_waits_for_nobody),
	CASE(a_second_sigterm_changes_nothing),
	CASE(debug_sleep_does_not_delay_a_stop),
	CASE(what_cannot_be_answered_in_time_is_dropped_and_told),
	CASE(without_time_for_it_nobody_is_answered_any_more),
	CASE(a_client_that_takes_nothing_does_not_keep_the_server),
	CASE(a_client_that_goes_on_taking_nothing_is_given_up_and_told),
	CASE(clients_that_leave_their_side_open_do_not_delay_a_stop),
	CASE(shutdown_now_waits_for_no_client),
	CASE(signals_that_redis_survives_are_survived),
	CASE(signals_that_end_redis_end_it),
	CASE(sigint_stops_as_sigterm_does),
	CASE(shutdown_stops_the_server),
	CASE(what_follows_shutdown_is_not_answered),
	CASE(a_shutdown_that_is_refused_says_why_in_the_log),
	CASE(a_stopped_server_leaves_no_socket_behind),
#ifndef QCACHE_CHECKED
	CASE(keys_are_not_freed_one_by_one),
#endif
};

SUITE_MAIN("stop", cases)

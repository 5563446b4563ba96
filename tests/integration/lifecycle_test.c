/*
 * Starting: messages about a bad configuration, the process title, and daemons.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"

static void on_one_cpu_threads_do_not_interrupt_each_other(void)
{
	ONLY_OURS();
	cpu_set_t cpus;
	int first = 0;
	CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	while (!CPU_ISSET(first, &cpus))
		first++;
	struct server *one = server_start("--server_cpulist %d", first), *any = server_start("--timeout 0");
	CU_ASSERT_EQUAL(sched_getscheduler(server_pid(one)), SCHED_BATCH);
	CU_ASSERT_EQUAL(sched_getscheduler(server_pid(any)), CPU_COUNT(&cpus) == 1 ? SCHED_BATCH : SCHED_OTHER);
	CU_ASSERT(server_stop(&one));
	CU_ASSERT(server_stop(&any));
}

/* Runs the program with a file of this text. Returns its output; the caller frees it. */
static char *run_with_file(const char *text, char *out_path, size_t size, int *out_status)
{
	char directory[64];
	scratch_create(directory, sizeof(directory));
	snprintf(out_path, size, "%s/server.conf", directory);
	FILE *file = fopen(out_path, "we");
	fputs(text, file);
	fclose(file);
	const char *argv[] = { server_program(), out_path, NULL };
	char *output = process_run(argv, out_status);
	scratch_remove(directory);
	return output;
}

static void a_wrong_file_is_refused_with_file_and_line(void)
{
	ONLY_OURS();
	static const struct {
		const char *text, *where, *what;
	} files[] = {
		{ "port 0\nmaxcleints 10\n", ":2", "maxcleints" },
		{ "# a comment\n\ntimeout soon\n", ":3", "timeout" },
		{ "port 70000\n", ":1", "port" },
		{ "loglevel \"notice\n", ":1", "" },
		{ "maxclients\n", ":1", "maxclients" },
		{ "cluster-enabled yes\n", ":1", "cluster-enabled" },
		{ "include /nowhere/at/all.conf\n", "", "/nowhere/at/all.conf" },
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[96], where[128];
		int status = 0;
		char *output = run_with_file(files[i].text, path, sizeof(path), &status);
		snprintf(where, sizeof(where), "%s%s", path, files[i].where);
		CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		CU_ASSERT(strstr(output, where) != NULL);
		CU_ASSERT(strstr(output, files[i].what) != NULL);
		char *first_line_end = strchr(output, '\n');
		CU_ASSERT(first_line_end != NULL && first_line_end[1] == '\0');
		if (!strstr(output, where) || !strstr(output, files[i].what))
			fprintf(stderr, "%s\n", output);
		free(output);
	}
}

static void a_wrong_option_is_refused_by_name(void)
{
	ONLY_OURS();
	static const char *const options[][2] = { { "--prot", "1" }, { "--timeout", "x" }, { "-nonsense", "1" }, { "--maxclients", "" } };
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *argv[] = { server_program(), options[i][0], options[i][1], NULL };
		int status = 0;
		char *output = process_run(argv, &status);
		CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		CU_ASSERT(strstr(output, options[i][0] + strspn(options[i][0], "-")) != NULL);
		free(output);
	}
}

static void a_socket_path_too_long_is_refused_with_the_numbers(void)
{
	ONLY_OURS();
	char path[128] = "/tmp/";
	memset(path + 5, 'x', 120 - 5);
	const char *argv[] = { server_program(), "--port", "0", "--unixsocket", path, NULL };
	int status = 0;
	char *output = process_run(argv, &status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CU_ASSERT(strstr(output, "the path has 120 bytes, and at most 107 are possible") != NULL);
	free(output);
}

#define DEBIANS_FILE "/etc/redis/redis.conf"

/* Except for its address, directory and log, which belong to the service. */
static void debians_own_file_starts_the_server(void)
{
	if (access(DEBIANS_FILE, R_OK) != 0)
		SKIP("there is no " DEBIANS_FILE " that may be read");
	struct server *server = server_start(DEBIANS_FILE " --daemonize no --logfile '' --pidfile ''");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n", "CONFIG", "GET", "appendonly"));
	char *log = server_log(server);
	CU_ASSERT_PTR_NULL(strstr(log, "change nothing here"));
	free(log);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void a_taken_port_is_reported(void)
{
	struct server *server = server_start("--timeout 0");
	char port[8];
	snprintf(port, sizeof(port), "%u", server_port(server));
	const char *argv[] = { server_program(), "--port", port, "--bind", "127.0.0.1", "--save", "", NULL };
	int status = 0;
	char *output = process_run(argv, &status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CU_ASSERT(strstr(output, port) != NULL && strstr(output, "in use") != NULL);
	free(output);
	CU_ASSERT(server_stop(&server));
}

static void a_file_and_its_includes_configure_the_server(void)
{
	char directory[64], main_path[96], included_path[96];
	scratch_create(directory, sizeof(directory));
	snprintf(main_path, sizeof(main_path), "%s/main.conf", directory);
	snprintf(included_path, sizeof(included_path), "%s/included.conf", directory);
	FILE *file = fopen(main_path, "we");
	fprintf(file, "# the main file\nmaxclients 77\ninclude %s\nrequirepass \"pass word\"\n", included_path);
	fclose(file);
	file = fopen(included_path, "we");
	fprintf(file, "TIMEOUT 123\n");
	fclose(file);
	struct server *server = server_start("%s --tcp-keepalive 55", main_path);
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "AUTH", "pass word"));
	CU_ASSERT(GIVES(peer, "*2\r\n$10\r\nmaxclients\r\n$2\r\n77\r\n", "CONFIG", "GET", "maxclients"));
	CU_ASSERT(GIVES(peer, "*2\r\n$7\r\ntimeout\r\n$3\r\n123\r\n", "CONFIG", "GET", "timeout"));
	CU_ASSERT(GIVES(peer, "*2\r\n$13\r\ntcp-keepalive\r\n$2\r\n55\r\n", "CONFIG", "GET", "tcp-keepalive"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "timeout", "321"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "REWRITE"));
	char *text = file_text(main_path);
	CU_ASSERT(strstr(text, "timeout 321\n") != NULL);
	CU_ASSERT(strstr(text, "# the main file\n") != NULL);
	free(text);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(directory);
}

static void a_daemon_tells_when_it_is_ready_and_where_it_is(void)
{
	char directory[64], pidfile[96], logfile[96], port[8];
	scratch_create(directory, sizeof(directory));
	snprintf(pidfile, sizeof(pidfile), "%s/pid", directory);
	snprintf(logfile, sizeof(logfile), "%s/log", directory);
	uint16_t number = free_port();
	snprintf(port, sizeof(port), "%u", number);
	const char *argv[] = { server_program(), "--daemonize", "yes", "--pidfile", pidfile, "--logfile", logfile, "--dir",
			       directory, "--port", port, "--bind", "127.0.0.1", "--save", "", NULL };
	int status = -1;
	char *output = process_run(argv, &status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	/* Redis's parent doesn't wait until the child is ready. Ours does, so the first try succeeds. */
	struct peer *peer = peer_connect_to("127.0.0.1", number);
	int64_t deadline = deadline_after(PATIENCE_MS);
	while (!peer && server_is_reference() && deadline_left_ms(deadline) > 0)
		peer = peer_connect_to("127.0.0.1", number);
	CU_ASSERT(peer != NULL);
	char *pid_text = file_text(pidfile), *log = file_text(logfile);
	pid_t pid = (pid_t)atoi(pid_text);
	CU_ASSERT(pid > 1);
	CU_ASSERT(strstr(log, "eady to accept connections") != NULL);
	if (peer)
		CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	peer_close(&peer);
	if (pid > 1) {
		kill(pid, SIGTERM);
		CU_ASSERT(process_wait_gone(pid, PATIENCE_MS));
		CU_ASSERT_NOT_EQUAL(access(pidfile, F_OK), 0);
	}
	free(pid_text);
	free(log);
	free(output);
	scratch_remove(directory);
}

static void a_daemon_that_cannot_start_tells_its_parent(void)
{
	ONLY_OURS();
	struct server *server = server_start("--timeout 0");
	char port[8];
	snprintf(port, sizeof(port), "%u", server_port(server));
	const char *argv[] = { server_program(), "--daemonize", "yes", "--port", port, "--bind", "127.0.0.1", NULL };
	int status = -1;
	char *output = process_run(argv, &status), expected[128];
	snprintf(expected, sizeof(expected), "qcache-server: can't listen on 127.0.0.1:%s: Address already in use\n", port);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CU_ASSERT_STRING_EQUAL(output, expected);
	free(output);
	CU_ASSERT(server_stop(&server));
}

static void nothing_to_listen_at_is_no_start(void)
{
	static const char *const where[][2] = { { "--port", "0" }, { "--bind", "" } };
	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		const char *argv[] = { server_program(), where[i][0], where[i][1], NULL };
		int status = -1;
		char *output = process_run(argv, &status);
		CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		if (!server_is_reference())
			CU_ASSERT(strstr(output, "qcache-server: there is nothing to listen on") != NULL);
		free(output);
	}
}

static void a_manager_that_is_not_there_is_missed_in_the_log(void)
{
	ONLY_OURS();
	struct server *server = server_start("--supervised systemd");
	CU_ASSERT(server_wait_log(server, "NOTIFY_SOCKET is not in the environment"));
	CU_ASSERT(server_stop(&server));
	server = server_start("--supervised upstart");
	CU_ASSERT(server_wait_log(server, "UPSTART_JOB is not in the environment"));
	CU_ASSERT(server_stop(&server));
}

static void limits_of_the_system_are_told_with_their_numbers(void)
{
	ONLY_OURS();
	struct server *server = server_start("--tcp-backlog 2147483647");
	CU_ASSERT(server_wait_log(server, "tcp-backlog is 2147483647, but the system limits it to "));
	CU_ASSERT(server_stop(&server));
	/* More than any process may have. */
	server = server_start("--maxclients 4294967295");
	CU_ASSERT(server_wait_log(server, "maxclients lowered from 4294967295 to "));
	CU_ASSERT(server_wait_log(server, ": the system allows no more than "));
	CU_ASSERT(server_stop(&server));
}

static void the_log_says_what_listens_where(void)
{
	ONLY_OURS();
	struct server *server = server_start("--io-threads 2");
	char *log = server_log(server), where[32];
	snprintf(where, sizeof(where), "127.0.0.1:%u", server_port(server));
	CU_ASSERT(strstr(log, where) != NULL);
	CU_ASSERT(strstr(log, server_socket_path(server)) != NULL);
	CU_ASSERT(strstr(log, "2 reactor") != NULL);
	free(log);
	CU_ASSERT(server_stop(&server));
}

/* The arguments as in ps, separated by blanks; the caller frees the text. */
static char *shown_arguments(const struct server *server)
{
	char path[64], *text = calloc(1, 4097);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)server_pid(server));
	FILE *file = fopen(path, "re");
	CU_ASSERT_FATAL(text && file);
	size_t len = fread(text, 1, 4096, file);
	fclose(file);
	for (size_t i = 0; i < len; i++)
		text[i] = text[i] ? text[i] : ' ';
	return text;
}

static void a_password_among_the_arguments_is_not_shown(void)
{
	struct server *server = server_start("--requirepass secret");
	char *shown = shown_arguments(server), expected[300];
	snprintf(expected, sizeof(expected), "%s 127.0.0.1:%u ", server_program(), server_port(server));
	CU_ASSERT_PTR_NULL(strstr(shown, "secret"));
	CU_ASSERT_EQUAL(strncmp(shown, expected, strlen(expected)), 0);
	free(shown);
	CU_ASSERT(server_stop(&server));
}

static void without_a_title_the_arguments_are_shown(void)
{
	struct server *server = server_start("--set-proc-title no");
	char *shown = shown_arguments(server);
	CU_ASSERT_PTR_NOT_NULL(strstr(shown, "--set-proc-title no "));
	free(shown);
	CU_ASSERT(server_stop(&server));
}

static const struct suite_case cases[] = {
	CASE(on_one_cpu_threads_do_not_interrupt_each_other),
	CASE(a_wrong_file_is_refused_with_file_and_line),
	CASE(a_wrong_option_is_refused_by_name),
	CASE(a_socket_path_too_long_is_refused_with_the_numbers),
	CASE(debians_own_file_starts_the_server),
	CASE(a_taken_port_is_reported),
	CASE(a_file_and_its_includes_configure_the_server),
	CASE(a_daemon_tells_when_it_is_ready_and_where_it_is),
	CASE(a_daemon_that_cannot_start_tells_its_parent),
	CASE(nothing_to_listen_at_is_no_start),
	CASE(a_manager_that_is_not_there_is_missed_in_the_log),
	CASE(limits_of_the_system_are_told_with_their_numbers),
	CASE(the_log_says_what_listens_where),
	CASE(a_password_among_the_arguments_is_not_shown),
	CASE(without_a_title_the_arguments_are_shown),
};

SUITE_MAIN("lifecycle", cases)

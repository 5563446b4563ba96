/*
 * The files of a server: pidfile, socket and log. Their place when `dir` changes, and that files of others stay unharmed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"
#include "support/directive.h"

static char scratch[64];

static const char *in_scratch(const char *name)
{
	return scratch_file(scratch, name);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static bool file_holds(const char *path, const char *expected)
{
	char *text = file_text(path);
	bool holds = strcmp(text, expected) == 0;
	free(text);
	return holds;
}

static bool is_there(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0;
}

/* Runs the server with this option and no port. Returns its output; the caller frees it. */
static char *output_with(const char *option, const char *value, int *out_status)
{
	const char *argv[] = { server_program(), "--port", "0", option, value, NULL };
	return process_run(argv, out_status);
}

static bool has_failed(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* ---- where they are ---- */

static void relative_names_mean_where_the_server_began(void)
{
	ONLY_OURS();
	scratch_create(scratch, sizeof(scratch));
	CU_ASSERT_EQUAL_FATAL(mkdir(in_scratch("first"), 0700), 0);
	CU_ASSERT_EQUAL_FATAL(mkdir(in_scratch("second"), 0700), 0);
	write_file(in_scratch("second/pid"), "not ours\n");
	write_file(in_scratch("second/sock"), "not ours\n");
	struct server *server = server_start("--dir %s --pidfile pid --unixsocket sock --enable-protected-configs yes", in_scratch("first"));
	CU_ASSERT(is_there(in_scratch("first/pid")));
	CU_ASSERT(is_there(in_scratch("first/sock")));
	struct peer *peer = peer_connect(server);
	CU_ASSERT(set_directive(peer, "dir", in_scratch("second")));
	CU_ASSERT(directive_is(peer, "pidfile", "pid"));
	CU_ASSERT(directive_is(peer, "unixsocket", "sock"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	CU_ASSERT(!is_there(in_scratch("first/pid")));
	CU_ASSERT(!is_there(in_scratch("first/sock")));
	CU_ASSERT(file_holds(in_scratch("second/pid"), "not ours\n"));
	CU_ASSERT(file_holds(in_scratch("second/sock"), "not ours\n"));
	scratch_remove(scratch);
}

static void a_server_that_cannot_start_leaves_the_pidfile_of_another_alone(void)
{
	scratch_create(scratch, sizeof(scratch));
	struct server *server = server_start("--pidfile %s", in_scratch("pid"));
	char port[8], expected[32];
	snprintf(port, sizeof(port), "%u", server_port(server));
	snprintf(expected, sizeof(expected), "%d\n", (int)server_pid(server));
	const char *argv[] = { server_program(), "--port", port, "--bind", "127.0.0.1", "--pidfile", in_scratch("pid"), NULL };
	int status = 0;
	free(process_run(argv, &status));
	CU_ASSERT(has_failed(status));
	CU_ASSERT(file_holds(in_scratch("pid"), expected));
	CU_ASSERT(server_stop(&server));
	CU_ASSERT(!is_there(in_scratch("pid")));
	scratch_remove(scratch);
}

/* ---- what is not theirs ---- */

static void a_device_stays_what_it_is(void)
{
	ONLY_OURS();
	scratch_create(scratch, sizeof(scratch));
	struct stat before, after;
	if (mknod(in_scratch("null"), S_IFCHR | 0640, makedev(1, 3)) != 0 || stat(in_scratch("null"), &before) != 0)
		SKIP("to make a device needs root");
	struct server *server = server_start("--pidfile %s --logfile %s --loglevel debug", in_scratch("null"), "''");
	CU_ASSERT(server_stop(&server));
	const char *argv[] = { server_program(), "--port", "0", "--unixsocket", in_scratch("sock"), "--logfile", in_scratch("null"),
			       "--pidfile", in_scratch("null"), NULL };
	pid_t pid = process_start(argv, in_scratch("output"));
	int64_t deadline = deadline_after(PATIENCE_MS);
	while (!is_there(in_scratch("sock")) && deadline_left_ms(deadline) > 0)
		;
	kill(pid, SIGTERM);
	int status = 0;
	CU_ASSERT(process_wait(pid, PATIENCE_MS, &status));
	CU_ASSERT_EQUAL(lstat(in_scratch("null"), &after), 0);
	CU_ASSERT_EQUAL(after.st_mode, before.st_mode);
	CU_ASSERT_EQUAL(after.st_rdev, before.st_rdev);
	scratch_remove(scratch);
}

static void a_link_is_not_written_through(void)
{
	ONLY_OURS();
	scratch_create(scratch, sizeof(scratch));
	write_file(in_scratch("precious"), "text");
	CU_ASSERT_EQUAL_FATAL(symlink("precious", in_scratch("pid")), 0);
	struct server *server = server_start("--pidfile %s", in_scratch("pid"));
	CU_ASSERT(server_wait_log(server, "Can't write pidfile"));
	CU_ASSERT(server_stop(&server));
	CU_ASSERT(file_holds(in_scratch("precious"), "text"));
	CU_ASSERT(is_there(in_scratch("pid")));
	scratch_remove(scratch);
}

static void a_file_in_the_place_of_the_socket_stays(void)
{
	ONLY_OURS();
	scratch_create(scratch, sizeof(scratch));
	write_file(in_scratch("file"), "text");
	int status = 0;
	char *output = output_with("--unixsocket", in_scratch("file"), &status);
	CU_ASSERT(has_failed(status));
	CU_ASSERT(strstr(output, "can't listen on ") != NULL && strstr(output, "/file: File exists") != NULL);
	CU_ASSERT(file_holds(in_scratch("file"), "text"));
	free(output);
	scratch_remove(scratch);
}

static int bind_socket(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Like a system's log socket. */
static void a_socket_of_another_kind_stays(void)
{
	ONLY_OURS();
	scratch_create(scratch, sizeof(scratch));
	int fd = bind_socket(in_scratch("log"), SOCK_DGRAM), status = 0;
	char *output = output_with("--unixsocket", in_scratch("log"), &status);
	CU_ASSERT(has_failed(status));
	CU_ASSERT(strstr(output, "in use") != NULL);
	CU_ASSERT(is_there(in_scratch("log")));
	free(output);
	close(fd);
	scratch_remove(scratch);
}

static void a_socket_that_nobody_listens_on_any_more_is_replaced(void)
{
	scratch_create(scratch, sizeof(scratch));
	close(bind_socket(in_scratch("sock"), SOCK_STREAM));
	struct server *server = server_start("--unixsocket %s", in_scratch("sock"));
	struct peer *peer = peer_connect_unix(server);
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

/* Another process has taken the name: its file must keep its mode and must not be removed. */
static void what_has_taken_the_sockets_place_stays(void)
{
	ONLY_OURS();
	scratch_create(scratch, sizeof(scratch));
	struct server *server = server_start("--unixsocket %s --unixsocketperm 700", in_scratch("sock"));
	CU_ASSERT_EQUAL(unlink(in_scratch("sock")), 0);
	write_file(in_scratch("sock"), "text");
	CU_ASSERT(server_stop(&server));
	CU_ASSERT(file_holds(in_scratch("sock"), "text"));
	scratch_remove(scratch);
}

static const struct suite_case cases[] = {
	CASE(relative_names_mean_where_the_server_began),
	CASE(a_server_that_cannot_start_leaves_the_pidfile_of_another_alone),
	CASE(a_device_stays_what_it_is),
	CASE(a_link_is_not_written_through),
	CASE(a_file_in_the_place_of_the_socket_stays),
	CASE(a_socket_of_another_kind_stays),
	CASE(a_socket_that_nobody_listens_on_any_more_is_replaced),
	CASE(what_has_taken_the_sockets_place_stays),
};

SUITE_MAIN("files", cases)

#include "actors/runtime/cpus.h"
#include "actors/runtime/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/runtime/owned_file.h"
#include "support/deadline.h"
#include "support/process.h"
#include "support/suite.h"

static char scratch[256];

/* Runs `body` in a child, so that its changes to the process don't last. Returns the exit status. */
static int in_child(int (*body)(void))
{
	int status;
	pid_t child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0)
		_exit(body());
	CU_ASSERT_TRUE_FATAL(process_wait(child, PATIENCE_MS, &status));
	CU_ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void cpu_lists_are_parsed(void)
{
	cpu_set_t cpus;
	CU_ASSERT_TRUE(cpus_parse("", &cpus));
	CU_ASSERT_EQUAL(CPU_COUNT(&cpus), 0);
	CU_ASSERT_TRUE(cpus_parse("0,2-3", &cpus));
	CU_ASSERT_EQUAL(CPU_COUNT(&cpus), 3);
	CU_ASSERT_TRUE(CPU_ISSET(0, &cpus) && CPU_ISSET(2, &cpus) && CPU_ISSET(3, &cpus));
	CU_ASSERT_TRUE(cpus_parse("0-6:2,11", &cpus));
	CU_ASSERT_EQUAL(CPU_COUNT(&cpus), 5);
	CU_ASSERT_TRUE(CPU_ISSET(6, &cpus) && CPU_ISSET(11, &cpus) && !CPU_ISSET(5, &cpus));
	CU_ASSERT_TRUE(cpus_parse("1023", &cpus));

	static const char *const bad[] = { "x",   "0-",  "-1",    "0,",      ",0",  "0,,1",    "3-2", "0-4:0", "0-4:",
					   "0:2", "0 1", "1024",  "0-99999", "1.5", "9999999", " 0",  "0-2-4", "4294967296" };
	CPU_ZERO(&cpus);
	CPU_SET(7, &cpus);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(cpus_parse(bad[i], &cpus));
	CU_ASSERT_TRUE(CPU_COUNT(&cpus) == 1 && CPU_ISSET(7, &cpus));
}

static int bind_to_one_cpu(void)
{
	cpu_set_t before, after;
	char list[32];
	int cpu = 0;
	if (sched_getaffinity(0, sizeof(before), &before) != 0)
		return 1;
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	if (!cpus_bind(""))
		return 2;
	snprintf(list, sizeof(list), "%d", cpu);
	if (!cpus_bind(list) || sched_getaffinity(0, sizeof(after), &after) != 0)
		return 3;
	if (CPU_COUNT(&after) != 1 || !CPU_ISSET(cpu, &after) || !cpus_are_one())
		return 4;
	return cpus_bind("1023") || cpus_bind("0-") ? 5 : 0;
}

static void a_thread_is_bound_to_its_cpus(void)
{
	CU_ASSERT_EQUAL(in_child(bind_to_one_cpu), 0);
}

static void the_pidfile_comes_and_goes(void)
{
	char path[300], expected[32];
	scratch_create(scratch, sizeof(scratch));
	snprintf(path, sizeof(path), "%s/pid", scratch);
	snprintf(expected, sizeof(expected), "%d\n", (int)getpid());
	CU_ASSERT_TRUE(process_write_pidfile(path));
	CU_ASSERT_TRUE(process_write_pidfile(path));
	char *text = file_text(path);
	CU_ASSERT_STRING_EQUAL(text, expected);
	free(text);
	struct owned_file file = owned_file_at(scratch, "pid");
	owned_file_remove(&file);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	owned_file_remove(&file);
	CU_ASSERT_FALSE(process_write_pidfile("/no/such/directory/pid"));
	CU_ASSERT_EQUAL(errno, ENOENT);
	CU_ASSERT_FALSE(process_write_pidfile("/dev/full"));
	scratch_remove(scratch);
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

static void a_pidfile_does_no_harm_to_what_is_not_ours(void)
{
	char target[300], link[300], fifo[300];
	scratch_create(scratch, sizeof(scratch));
	snprintf(target, sizeof(target), "%s/target", scratch);
	snprintf(link, sizeof(link), "%s/link", scratch);
	snprintf(fifo, sizeof(fifo), "%s/fifo", scratch);
	write_file(target, "precious");
	CU_ASSERT_EQUAL_FATAL(symlink(target, link), 0);
	CU_ASSERT_FALSE(process_write_pidfile(link));
	CU_ASSERT_TRUE(file_holds(target, "precious"));
	CU_ASSERT_EQUAL_FATAL(mkfifo(fifo, 0600), 0);
	CU_ASSERT_FALSE(process_write_pidfile(fifo));
	CU_ASSERT_FALSE(process_write_pidfile(scratch));
	if (geteuid() == 0) {
		CU_ASSERT_EQUAL_FATAL(chown(target, 65534, 65534), 0);
		CU_ASSERT_FALSE(process_write_pidfile(target));
		CU_ASSERT_TRUE(file_holds(target, "precious"));
		CU_ASSERT_PTR_NULL(owned_file_at("/", target).path);
	}
	CU_ASSERT_TRUE(process_write_pidfile("/dev/null"));
	CU_ASSERT_PTR_NULL(owned_file_at("/", "/dev/null").path);
	CU_ASSERT_PTR_NULL(owned_file_at(scratch, "link").path);
	CU_ASSERT_PTR_NULL(owned_file_at(scratch, "fifo").path);
	scratch_remove(scratch);
}

/* Another server, started with the same pidfile, has replaced it. */
static void a_file_that_has_been_replaced_is_not_removed(void)
{
	char path[300], other[300];
	scratch_create(scratch, sizeof(scratch));
	snprintf(path, sizeof(path), "%s/pid", scratch);
	snprintf(other, sizeof(other), "%s/other", scratch);
	write_file(path, "1\n");
	struct owned_file file = owned_file_at(scratch, "pid");
	write_file(other, "2\n");
	CU_ASSERT_EQUAL(rename(other, path), 0);
	owned_file_remove(&file);
	CU_ASSERT_TRUE(file_holds(path, "2\n"));
	scratch_remove(scratch);
}

static int raise_descriptors(void)
{
	struct rlimit limit = { 128, 500 };
	int64_t told_limit;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1;
	if (process_raise_descriptor_limit(10, 1, &told_limit) != 10 || getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur != 128)
		return 2;
	if (process_raise_descriptor_limit(200, 1, &told_limit) != 200 || getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur != 200 + PROCESS_RESERVED_DESCRIPTORS)
		return 3;
	/* Gives up the right to exceed the hard limit. */
	if (geteuid() == 0 && setuid(65534) != 0)
		return 4;
	if (process_raise_descriptor_limit(10000, 1, &told_limit) != 500 - PROCESS_RESERVED_DESCRIPTORS)
		return 5;
	if (process_raise_descriptor_limit(10000, 5, &told_limit) != 500 - PROCESS_RESERVED_DESCRIPTORS - 4 * PROCESS_DESCRIPTORS_PER_REACTOR ||
	    told_limit != 500)
		return 8;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur != 500)
		return 6;
	limit = (struct rlimit){ 20, 20 };
	return setrlimit(RLIMIT_NOFILE, &limit) != 0 || process_raise_descriptor_limit(1, 1, &told_limit) != 0 ? 7 : 0;
}

static void descriptors_are_raised_as_far_as_they_go(void)
{
	CU_ASSERT_EQUAL(in_child(raise_descriptors), 0);
}

/* The daemon writes its pid to one pipe, and lives until the test closes the other. */
static int told[2], lifeline[2];

static bool is_null_device(int fd)
{
	char target[64];
	char name[32];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(name, target, sizeof(target));
	return len == 9 && memcmp(target, "/dev/null", 9) == 0;
}

static int become_daemon(void)
{
	char byte;
	pid_t pid;
	if (!process_daemonise())
		return 2;
	close(lifeline[1]);
	if (!is_null_device(0) || !is_null_device(1) || is_null_device(2) || getsid(0) == getpid())
		return 3;
	process_report_ready(SUPERVISED_NO);
	pid = is_null_device(2) ? getpid() : -1;
	if (write(told[1], &pid, sizeof(pid)) != sizeof(pid))
		return 4;
	return (int)read(lifeline[0], &byte, 1);
}

static int become_daemon_and_die(void)
{
	return process_daemonise() ? 0 : 2;
}

static void a_daemon_is_on_its_own_and_its_parent_waits_until_it_is_ready(void)
{
	pid_t pid = 0;
	CU_ASSERT_EQUAL_FATAL(pipe(told), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(lifeline), 0);
	CU_ASSERT_EQUAL_FATAL(in_child(become_daemon), 0);
	close(told[1]);
	close(lifeline[0]);
	CU_ASSERT_EQUAL(read(told[0], &pid, sizeof(pid)), sizeof(pid));
	CU_ASSERT_TRUE_FATAL(pid > 0);
	CU_ASSERT_NOT_EQUAL(getsid(pid), getsid(0));
	close(lifeline[1]);
	CU_ASSERT_TRUE(process_wait_gone(pid, PATIENCE_MS));
	close(told[0]);
}

static void a_daemon_that_does_not_get_ready_fails_its_parent(void)
{
	CU_ASSERT_EQUAL(in_child(become_daemon_and_die), 1);
}

/* A service manager's socket with this name; '@' begins an abstract name. */
static int listen_as_manager(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	size_t len = strlen(name);
	CU_ASSERT_FATAL(len < sizeof(address.sun_path));
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	CU_ASSERT_FATAL(fd >= 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, size), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void check_told(int manager, const char *expected)
{
	char text[128] = "";
	CU_ASSERT_TRUE(recv(manager, text, sizeof(text) - 1, 0) > 0);
	CU_ASSERT_PTR_EQUAL(strstr(text, expected), text);
}

static void the_service_manager_is_told(void)
{
	char name[300];
	scratch_create(scratch, sizeof(scratch));
	snprintf(name, sizeof(name), "%s/notify", scratch);
	int manager = listen_as_manager(name);
	CU_ASSERT_EQUAL(process_supervisor(SUPERVISED_SYSTEMD), SUPERVISED_SYSTEMD);
	CU_ASSERT_EQUAL(process_supervisor(SUPERVISED_AUTO), SUPERVISED_SYSTEMD);
	CU_ASSERT_EQUAL(process_supervisor(SUPERVISED_UPSTART), SUPERVISED_NO);
	CU_ASSERT_EQUAL(process_supervisor(SUPERVISED_NO), SUPERVISED_NO);
	process_report_ready(SUPERVISED_SYSTEMD);
	check_told(manager, "READY=1\n");
	process_report_stopping(SUPERVISED_NO);
	process_report_stopping(SUPERVISED_AUTO);
	check_told(manager, "STOPPING=1\n");
	close(manager);

	snprintf(name, sizeof(name), "@qcache-test-%d", (int)getpid());
	manager = listen_as_manager(name);
	process_report_ready(SUPERVISED_AUTO);
	check_told(manager, "READY=1\n");
	close(manager);
	unsetenv("NOTIFY_SOCKET");
	CU_ASSERT_EQUAL(process_supervisor(SUPERVISED_SYSTEMD), SUPERVISED_NO);
	scratch_remove(scratch);
}

static int stop_as_under_upstart(void)
{
	setenv("UPSTART_JOB", "qcache", 1);
	if (process_supervisor(SUPERVISED_AUTO) != SUPERVISED_UPSTART || process_supervisor(SUPERVISED_SYSTEMD) != SUPERVISED_NO)
		return 1;
	process_report_ready(SUPERVISED_UPSTART);
	return 0;
}

static void upstart_is_told_by_stopping(void)
{
	int status = -1;
	pid_t child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0)
		_exit(stop_as_under_upstart());
	CU_ASSERT_EQUAL(waitpid(child, &status, WUNTRACED), child);
	CU_ASSERT_TRUE(WIFSTOPPED(status));
	kill(child, SIGCONT);
	CU_ASSERT_TRUE(process_wait(child, PATIENCE_MS, &status));
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const struct suite_case cases[] = {
	CASE(cpu_lists_are_parsed),
	CASE(a_thread_is_bound_to_its_cpus),
	CASE(the_pidfile_comes_and_goes),
	CASE(a_pidfile_does_no_harm_to_what_is_not_ours),
	CASE(a_file_that_has_been_replaced_is_not_removed),
	CASE(descriptors_are_raised_as_far_as_they_go),
	CASE(a_daemon_is_on_its_own_and_its_parent_waits_until_it_is_ready),
	CASE(a_daemon_that_does_not_get_ready_fails_its_parent),
	CASE(the_service_manager_is_told),
	CASE(upstart_is_told_by_stopping),
};

SUITE_MAIN("process", cases)

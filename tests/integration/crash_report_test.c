/*
 * The report of a crashed server in its log, which crash-log-enabled switches.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"

/* These sanitizers print better reports, and ours are off. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REPORTS_ARE_OURS 0
#else
#define REPORTS_ARE_OURS 1
#endif

/* Finds a thread by name; NULL is the main thread. */
static pid_t thread_named(struct server *server, const char *name)
{
	char path[300], comm[32] = "";
	snprintf(path, sizeof(path), "/proc/%d/task", (int)server_pid(server));
	DIR *threads = opendir(path);
	pid_t found = name ? 0 : server_pid(server);
	for (struct dirent *entry; threads && !found && (entry = readdir(threads));) {
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/comm", (int)server_pid(server), entry->d_name);
		FILE *file = fopen(path, "r");
		if (file && fscanf(file, "%31s", comm) == 1 && strcmp(comm, name) == 0)
			found = (pid_t)atoi(entry->d_name);
		if (file)
			fclose(file);
	}
	if (threads)
		closedir(threads);
	CU_ASSERT_FATAL(found > 0);
	return found;
}

/* Waits until the thread waits for work; before that it doesn't belong to an actor. */
static void await_at_work(struct server *server, pid_t thread)
{
	char path[64], where[64] = "";
	snprintf(path, sizeof(path), "/proc/%d/task/%d/wchan", (int)server_pid(server), (int)thread);
	for (int64_t deadline = deadline_after(PATIENCE_MS); !strstr(where, "poll") && deadline_left_ms(deadline) > 0;) {
		FILE *file = fopen(path, "r");
		if (file && !fgets(where, sizeof(where), file))
			where[0] = '\0';
		if (file)
			fclose(file);
	}
	CU_ASSERT(strstr(where, "poll") != NULL);
}

/* Sends SIGSEGV to a thread of a server and returns the log; the caller frees it. */
static char *log_after_crash(struct server *server, const char *thread)
{
	int status = 0;
	static const struct rlimit no_core = { 0, 0 };
	prlimit(server_pid(server), RLIMIT_CORE, &no_core, NULL);
	pid_t victim = thread_named(server, thread);
	await_at_work(server, victim);
	CU_ASSERT_EQUAL(tgkill(server_pid(server), victim, SIGSEGV), 0);
	CU_ASSERT(process_wait(server_pid(server), PATIENCE_MS, &status));
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	char *log = server_log(server);
	server_forget(&server);
	return log;
}

static void a_crash_report_names_the_actor_and_what_it_did(void)
{
	ONLY_OURS();
	static const struct {
		const char *thread, *line;
	} crashes[] = {
		{ NULL, ", actor supervisor, message in hand events\n" },
		{ "reactor-1", ", actor reactor-1, message in hand events\n" },
		{ "reaper", ", actor reaper, message in hand events\n" },
	};
	for (size_t i = 0; REPORTS_ARE_OURS && i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		struct server *server = server_start("--io-threads 2");
		char *log = log_after_crash(server, crashes[i].thread);
		CU_ASSERT(strstr(log, " stopped by SIGSEGV, sent by process ") != NULL);
		if (!strstr(log, crashes[i].line))
			fprintf(stderr, "no \"%s\" in\n%s", crashes[i].line, log);
		CU_ASSERT(strstr(log, crashes[i].line) != NULL);
		CU_ASSERT(strstr(log, "end of the crash report\n") != NULL);
		free(log);
	}
}

static void a_crash_leaves_a_report_when_wanted(void)
{
	ONLY_OURS();
	if (!REPORTS_ARE_OURS)
		return; /* the sanitizer's are better */
	for (int reports = 0; reports < 2; reports++) {
		struct server *server = server_start("--crash-log-enabled %s", reports ? "no" : "yes");
		struct peer *peer = peer_connect(server);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "crash-log-enabled", reports ? "yes" : "no"));
		char *log = log_after_crash(server, NULL);
		CU_ASSERT_EQUAL(strstr(log, " stopped by SIGSEGV, sent by process ") != NULL, reports);
		CU_ASSERT_EQUAL(strstr(log, "end of the crash report\n") != NULL, reports);
		free(log);
		peer_close(&peer);
	}
}

static const struct suite_case cases[] = {
	CASE(a_crash_report_names_the_actor_and_what_it_did),
	CASE(a_crash_leaves_a_report_when_wanted),
};

SUITE_MAIN("crash report", cases)

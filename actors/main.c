#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/config/config.h"
#include "actors/runtime/cgroup.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/runtime/cpus.h"
#include "actors/runtime/printable.h"
#include "actors/runtime/process.h"
#include "actors/server.h"
#include "actors/runtime/version.h"

static void print_reason(const char *reason)
{
	char shown[LOG_LINE_BYTES];
	printable_escape(reason, shown, sizeof(shown));
	fprintf(stderr, "qcache-server: %s\n", shown);
}

/* Reports why the server doesn't start, on stderr and, if that is a file, in the log. */
static int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int refuse(const char *format, ...)
{
	char reason[LOG_LINE_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	print_reason(reason);
	if (log_descriptor() != STDOUT_FILENO)
		log_event(LOG_WARNING, "Can't start: %s", reason);
	return 1;
}

static void on_ready(void *context)
{
	const struct config *config = context;
	process_report_ready((enum supervision)config->supervised);
}

static bool fit_clients(struct config *config)
{
	int64_t limit, fitting = process_raise_descriptor_limit(config->maxclients, config->io_threads, &limit);
	if (fitting >= config->maxclients)
		return true;
	if (fitting == 0) {
		refuse("the system allows %lld open files, too few for even one client", (long long)limit);
		return false;
	}
	log_event(LOG_WARNING, "maxclients lowered from %lld to %lld: the system allows no more than %lld open files",
		  (long long)config->maxclients, (long long)fitting, (long long)limit);
	config->maxclients = fitting;
	return true;
}

static void warn_of_inert(const struct config *config)
{
	char names[LOG_LINE_BYTES - 256];
	config_print_inert(config, names, sizeof(names));
	if (names[0])
		log_event(LOG_WARNING, "Directives that are accepted and change nothing here: %s", names);
}

static void check_backlog(const struct config *config)
{
	int64_t most = process_backlog_max();
	if (config->port && most < config->tcp_backlog)
		log_event(LOG_WARNING, "tcp-backlog is %lld, but the system limits it to %lld (/proc/sys/net/core/somaxconn)",
			  (long long)config->tcp_backlog, (long long)most);
}

/* Beyond the cgroup's limit the kernel would kill the process. */
static void check_memory(struct config *config)
{
	config->cgroup_limit = cgroup_memory_limit(CGROUP_FILE, CGROUP_MOUNTINFO_FILE);
	if (config_exceeds_cgroup(config))
		log_event(LOG_WARNING, "The control group (cgroup) of this process allows %llu bytes of the machine's %llu, and maxmemory is "
				       "%llu: the system kills the process when it exceeds that limit. Set maxmemory below it",
			  (unsigned long long)config->cgroup_limit, (unsigned long long)machine_memory(),
			  (unsigned long long)config->maxmemory);
}

/*
 * Exits without freeing anything and without waiting for the threads that are left: the system frees memory faster. Checked builds free
 * everything, so that a leak shows.
 */
static void leave(struct server **server, int status)
{
#ifdef QCACHE_CHECKED
	server_destroy(server);
#endif
	log_event(LOG_NOTICE, "qcache is now stopped, bye bye");
#ifndef QCACHE_CHECKED
	_exit(status);
#endif
}

static int serve(struct config *config)
{
	struct config_error error;
	log_event(LOG_NOTICE, "qcache %s starting, pid %d", QCACHE_VERSION, getpid());
	warn_of_inert(config);
	if (!fit_clients(config))
		return 1;
	check_backlog(config);
	check_memory(config);
	struct server *server = server_create(config, NULL, 0, &error);
	if (!server)
		return refuse("%s", error.text);
	int status = 0;
	if (!server_run(server, on_ready, config, &error)) {
		if (log_descriptor() != STDOUT_FILENO)
			print_reason(error.text);
		status = 1;
	}
	leave(&server, status);
	return status;
}

/* All of this precedes the first NNG call, since NNG's threads inherit it. */
static int set_up_and_serve(struct config *config, char **argv)
{
	bool is_daemon = config->daemonize && process_supervisor((enum supervision)config->supervised) == SUPERVISED_NO;
	if (is_daemon && !process_daemonise())
		return refuse("can't become a daemon: %s", strerror(errno));
	if (config->dir[0] && !process_enter_directory(config->dir))
		return refuse("can't enter directory %s: %s", config->dir, strerror(errno));
	if (!log_open(config->logfile, (enum log_level)config->loglevel))
		return refuse("can't open log file %s: %s", config->logfile, strerror(errno));
	process_report_supervision((enum supervision)config->supervised);
	if (!cpus_bind(config->server_cpulist))
		return refuse("can't bind to CPUs %s: %s", config->server_cpulist, strerror(errno));
	if (!cpus_share_one())
		log_event(LOG_WARNING, "Can't set the scheduling policy of the threads: %s", strerror(errno));
	if (config->set_proc_title && !process_prepare_title(argv))
		log_event(LOG_WARNING, "Can't prepare the process title: %s", strerror(errno));
	if (config->crash_log_enabled && CRASH_REPORTS_ARE_OURS)
		crash_install(QCACHE_VERSION);
	return serve(config);
}

static void print_refusals(char *refusals)
{
	for (char *line; (line = strsep(&refusals, "\n")) && *line;)
		print_reason(line);
}

int main(int argc, char **argv)
{
	struct config config;
	char *refusals;
	int status = 0;
	switch (config_load(&config, argc, argv, &refusals)) {
	case CONFIG_LOADED:
		status = set_up_and_serve(&config, argv);
		break;
	case CONFIG_REFUSED:
		print_refusals(refusals);
		status = 1;
		break;
	case CONFIG_SHOW_VERSION:
		printf("qcache-server %s\n", QCACHE_VERSION);
		break;
	case CONFIG_SHOW_HELP:
		config_print_help(stdout);
		break;
	}
	config_fini(&config);
	free(refusals);
	log_close();
	return status;
}

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/config/config.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/process.h"
#include "actors/server.h"
#include "actors/runtime/version.h"

static int refuse(const char *what, const char *name)
{
	fprintf(stderr, "qcache-server: %s %s: %s\n", what, name, strerror(errno));
	return 1;
}

static void on_ready(void *context)
{
	const struct config *config = context;
	process_report_ready((enum supervision)config->supervised);
}

static bool fit_clients(struct config *config)
{
	int64_t fitting = process_raise_descriptor_limit(config->maxclients, config->io_threads);
	if (fitting >= config->maxclients)
		return true;
	if (fitting == 0) {
		log_event(LOG_WARNING, "The system allows too few open files for even one client");
		return false;
	}
	log_event(LOG_WARNING, "maxclients lowered from %lld to %lld: the system allows no more open files",
		  (long long)config->maxclients, (long long)fitting);
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

static int serve(struct config *config)
{
	log_event(LOG_NOTICE, "qcache %s starting, pid %d", QCACHE_VERSION, getpid());
	warn_of_inert(config);
	if (!fit_clients(config))
		return 1;
	struct server *server = server_create(config, NULL, 0);
	if (!server)
		return 1;
	server_run(server, on_ready, config);
	server_destroy(&server);
	log_event(LOG_NOTICE, "qcache is now stopped, bye bye");
	return 0;
}

/* All of this comes before the first NNG call, whose threads inherit it. */
static int set_up_and_serve(struct config *config, char **argv)
{
	bool is_daemon = config->daemonize && !process_is_supervised((enum supervision)config->supervised);
	if (is_daemon && !process_daemonise())
		return refuse("can't become a daemon", "");
	if (config->dir[0] && !process_enter_directory(config->dir))
		return refuse("can't enter directory", config->dir);
	if (!log_open(config->logfile, (enum log_level)config->loglevel))
		return refuse("can't open log file", config->logfile);
	if (!process_bind_to_cpus(config->server_cpulist))
		return refuse("can't bind to CPUs", config->server_cpulist);
	if (!process_share_one_cpu())
		log_event(LOG_WARNING, "Can't choose how threads share the CPU: %s", strerror(errno));
	if (config->set_proc_title && !process_prepare_title(argv))
		log_event(LOG_WARNING, "Can't set the title: %s", strerror(errno));
	bool has_pidfile = config->pidfile[0] != '\0';
	if (has_pidfile && !process_write_pidfile(config->pidfile))
		log_event(LOG_WARNING, "Can't write pidfile %s: %s", config->pidfile, strerror(errno));
	if (config->crash_log_enabled && CRASH_REPORTS_ARE_OURS)
		crash_install(QCACHE_VERSION);
	int status = serve(config);
	if (has_pidfile)
		process_remove_pidfile(config->pidfile);
	return status;
}

static void print_refusals(char *refusals)
{
	for (char *line; (line = strsep(&refusals, "\n")) && *line;)
		fprintf(stderr, "qcache-server: %s\n", line);
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
		fputs(config_help, stdout);
		break;
	}
	config_fini(&config);
	free(refusals);
	log_close();
	return status;
}

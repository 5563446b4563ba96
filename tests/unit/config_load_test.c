/* Loading configurations from files and command lines, and the refusals. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/config/config.h"
#include "actors/runtime/log.h"
#include "support/config_file.h"
#include "support/suite.h"
#include "transport/resp_parser.h"

static void options_take_the_forms_of_redis(void)
{
	struct config config;
	CU_ASSERT_EQUAL(LOAD(&config, "--port", "7000", "--bind", "127.0.0.1", "-::1", "--TIMEOUT", "5"),
			CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 7000);
	CU_ASSERT_EQUAL(config.bind.count, 2);
	CU_ASSERT_STRING_EQUAL(config.bind.items[1], "-::1");
	CU_ASSERT_EQUAL(config.timeout, 5);
	CU_ASSERT_STRING_EQUAL(config.config_file, "");
	config_fini(&config);

	CU_ASSERT_EQUAL(LOAD(&config, "--port 7001", "--save", "--requirepass", "--secret", "--timeout", "3"),
			CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 7001);
	CU_ASSERT_STRING_EQUAL(config.requirepass, "--secret");
	CU_ASSERT_EQUAL(config.timeout, 3);
	config_fini(&config);

	CU_ASSERT_EQUAL(LOAD(&config, "--list-max-listpack-size", "-2", "--save", "", "--appendonly", "no"),
			CONFIG_LOADED);
	config_fini(&config);
}

static void options_take_the_forms_that_people_know(void)
{
	struct config config;
	CU_ASSERT_EQUAL(LOAD(&config, "-port", "7000", "-maxclients", "9"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 7000);
	CU_ASSERT_EQUAL(config.maxclients, 9);
	config_fini(&config);

	CU_ASSERT_EQUAL(LOAD(&config, "--listenAddr", ":5001"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 5001);
	CU_ASSERT_EQUAL(config.bind.count, 2);
	CU_ASSERT_STRING_EQUAL(config.bind.items[0], "*");
	CU_ASSERT_STRING_EQUAL(config.bind.items[1], "-::*");
	config_fini(&config);

	CU_ASSERT_EQUAL(LOAD(&config, "-listenAddr", "localhost:5002"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 5002);
	CU_ASSERT_STRING_EQUAL(config.bind.items[0], "localhost");
	config_fini(&config);

	CU_ASSERT_EQUAL(LOAD(&config, "-listenaddr", "[::1]:5003"), CONFIG_LOADED);
	CU_ASSERT_STRING_EQUAL(config.bind.items[0], "::1");
	config_fini(&config);

	CU_ASSERT_STRING_EQUAL(REFUSAL("-listenAddr", "5001"), "option -listenAddr: argument must be HOST:PORT or :PORT");
	CU_ASSERT_STRING_EQUAL(REFUSAL("-listenAddr", "::1:5"),
			       "option -listenAddr: argument must be HOST:PORT or [IPV6]:PORT");
	CU_ASSERT_STRING_EQUAL(REFUSAL("-listenAddr", ":70000"),
			       "option -listenAddr: argument must be between 0 and 65535 inclusive");
	CU_ASSERT_EQUAL(LOAD(&config, "-persist", "-dbfile", "data.db"), CONFIG_LOADED);
	CU_ASSERT_STRING_EQUAL(config.dbfilename, "data.db");
	CU_ASSERT_EQUAL(config.save.count, 2);
	CU_ASSERT_STRING_EQUAL(config.save.items[0], "60");
	CU_ASSERT_STRING_EQUAL(config.save.items[1], "1");
	config_fini(&config);
	CU_ASSERT_STRING_EQUAL(REFUSAL("-dbfile", "data/data.db"), "option -dbfile: dbfilename can't be a path, just a filename");
}

static void a_bad_option_is_named(void)
{
	CU_ASSERT_STRING_EQUAL(REFUSAL("--prot", "7000"), "option --prot: unknown directive; did you mean port?");
	CU_ASSERT_STRING_EQUAL(REFUSAL("-maxcleints", "1"), "option -maxcleints: unknown directive; did you mean maxclients?");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--port=7000"), "option --port=7000: unknown directive; did you mean port?");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--nothing-like-it", "1"), "option --nothing-like-it: unknown directive");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--port"), "option --port: wrong number of arguments");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--port", "1", "2"), "option --port: wrong number of arguments");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--port", "x"), "option --port: argument couldn't be parsed into an integer");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--port", "1", "-tiemout", "2"),
			       "option -tiemout: unknown directive; did you mean timeout?");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--cluster-enabled", "yes"),
			       "option --cluster-enabled: not supported: only the default, no, is accepted");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--save", "3600"), "option --save: Invalid save parameters");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--user", "default on"), "option --user: access control lists are not supported");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--server_cpulist", "0-"),
			       "option --server_cpulist: argument must be a list of CPUs below 1024, like 0,2-3 or 0-6:2");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--unixsocketperm", "888"),
			       "option --unixsocketperm: argument couldn't be parsed as an octal number");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--unixsocketperm", "7777"),
			       "option --unixsocketperm: argument must be between 0 and 777 inclusive");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--"), "option --: the name is missing");
	CU_ASSERT_STRING_EQUAL(REFUSAL("-- ", "x"), "option --: the name is missing");
	CU_ASSERT_STRING_EQUAL(REFUSAL("--port \"7", "x"), "option --port: Unbalanced quotes in configuration line");
	CU_ASSERT_STRING_EQUAL(REFUSAL("/no/such/file"), "/no/such/file: No such file or directory");
}

static void a_password_that_no_client_could_give_is_refused(void)
{
	static char password[RESP_UNAUTHENTICATED_BULK_MAX + 2];
	struct config config;
	memset(password, 'p', RESP_UNAUTHENTICATED_BULK_MAX + 1);
	CU_ASSERT_STRING_EQUAL(REFUSAL("--requirepass", password), "option --requirepass: argument must have at most 16384 bytes");
	password[RESP_UNAUTHENTICATED_BULK_MAX] = '\0';
	CU_ASSERT_EQUAL(LOAD(&config, "--requirepass", password), CONFIG_LOADED);
	config_fini(&config);
}

static void version_and_help_are_asked_for(void)
{
	struct config config;
	static const char *const asked[][2] = { { "--version", "v" }, { "-v", "v" }, { "-version", "v" },
						{ "--help", "h" },    { "-h", "h" },  { "-help", "h" } };
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		enum config_load_status status = LOAD(&config, asked[i][0]);
		CU_ASSERT_EQUAL(status, *asked[i][1] == 'v' ? CONFIG_SHOW_VERSION : CONFIG_SHOW_HELP);
		config_fini(&config);
	}
	char *help = NULL;
	size_t len;
	FILE *out = open_memstream(&help, &len);
	config_print_help(out);
	fclose(out);
	CU_ASSERT_PTR_NOT_NULL(strstr(help, "\n  --port 7000              listen on this TCP port (6379)\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(help, "\n  --help, -h               print this\n"));
	free(help);
}

static void check_options_over_file(void)
{
	struct config config;
	file_write("q.conf", "# a comment\n\n  port 1\t\r\nTimeout 2\r\nrequirepass \"a \\\"b\\x41\"\n"
			     "client-output-buffer-limit normal 1 2 3\nclient-output-buffer-limit pubsub 4 5 6\nmaxclients 3");
	CU_ASSERT_EQUAL_FATAL(LOAD(&config, "q.conf", "--port", "9"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 9);
	CU_ASSERT_EQUAL(config.timeout, 2);
	CU_ASSERT_EQUAL(config.maxclients, 3);
	CU_ASSERT_STRING_EQUAL(config.requirepass, "a \"bA");
	CU_ASSERT_EQUAL(config.client_output_buffer_limit[CLIENT_CLASS_NORMAL].soft_seconds, 3);
	CU_ASSERT_EQUAL(config.client_output_buffer_limit[CLIENT_CLASS_REPLICA].hard_bytes, 256 << 20);
	CU_ASSERT_EQUAL(config.client_output_buffer_limit[CLIENT_CLASS_PUBSUB].hard_bytes, 4);
	char expected[300];
	snprintf(expected, sizeof(expected), "%s/q.conf", scratch_path());
	CU_ASSERT_STRING_EQUAL(config.config_file, expected);
	config_fini(&config);
}

static void options_go_before_the_file(void)
{
	in_scratch(check_options_over_file);
}

static void check_save_points(void)
{
	struct config config;
	file_write("q.conf", "save 900 1\nsave 300 10 60 100\n");
	CU_ASSERT_EQUAL(LOAD(&config, "q.conf", "--save", "5", "1"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.save.count, 8);
	CU_ASSERT_STRING_EQUAL(config.save.items[0], "900");
	CU_ASSERT_STRING_EQUAL(config.save.items[7], "1");
	config_fini(&config);

	file_write("q.conf", "save 900 1\nsave \"\"\nsave 300 10\n");
	CU_ASSERT_EQUAL(LOAD(&config, "q.conf"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.save.count, 2);
	CU_ASSERT_STRING_EQUAL(config.save.items[0], "300");
	config_fini(&config);

	CU_ASSERT_EQUAL(LOAD(&config, "q.conf", "--save", "--port", "7000"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.save.count, 0);
	config_fini(&config);
}

static void save_points_add_up(void)
{
	in_scratch(check_save_points);
}

static void check_file_errors(void)
{
	CU_ASSERT_STRING_EQUAL(file_refusal("port 1\n\n# x\nprot 2\n"), "q.conf:4: prot: unknown directive; did you mean port?");
	CU_ASSERT_STRING_EQUAL(file_refusal("port 70000"), "q.conf:1: port: argument must be between 0 and 65535 inclusive");
	CU_ASSERT_STRING_EQUAL(file_refusal("port 1 # not a comment\n"), "q.conf:1: port: wrong number of arguments");
	CU_ASSERT_STRING_EQUAL(file_refusal("\nrequirepass \"x\n"), "q.conf:2: Unbalanced quotes in configuration line");
	CU_ASSERT_STRING_EQUAL(file_refusal("requirepass \"x\"y\n"), "q.conf:1: Unbalanced quotes in configuration line");
	CU_ASSERT_STRING_EQUAL(file_refusal("requirepass \"\\x00\"\n"), "q.conf:1: a NUL byte in a value");
	CU_ASSERT_STRING_EQUAL(file_refusal("save 3600 1 300 100 60\n"), "q.conf:1: save: Invalid save parameters");
	CU_ASSERT_STRING_EQUAL(file_refusal("save\n"), "q.conf:1: save: wrong number of arguments");
	CU_ASSERT_STRING_EQUAL(file_refusal("rename-command FLUSHALL x\n"),
			       "q.conf:1: rename-command: commands can't be renamed");
	CU_ASSERT_STRING_EQUAL(file_refusal("dir nowhere\n"), "q.conf:1: dir: No such file or directory");
	CU_ASSERT_STRING_EQUAL(file_refusal("save \"\"\nappendonly no\n\"port\" '1'\n"), "");

	file_put("q.conf", "port 1\nport \0002\n", 15);
	CU_ASSERT_STRING_EQUAL(REFUSAL("q.conf"), "q.conf:2: a NUL byte in the line");
	size_t len = 70000;
	char *line = malloc(len + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	memset(line, '#', len);
	line[len] = '\0';
	CU_ASSERT_STRING_EQUAL(file_refusal(line), "q.conf:1: the line has 70000 bytes, and at most 65536 are possible");
	line[60000] = '\0';
	CU_ASSERT_STRING_EQUAL(file_refusal(line), "");
	memset(line, 'x', 60000);
	CU_ASSERT_PTR_NOT_NULL(strstr(REFUSAL("q.conf", line), "xxx: not an option"));
	free(line);
	CU_ASSERT_STRING_EQUAL(REFUSAL("."), ".: Is a directory");
}

static void an_error_in_a_file_has_its_line(void)
{
	in_scratch(check_file_errors);
}

static void check_includes(void)
{
	struct config config;
	CU_ASSERT_EQUAL(mkdir("d", 0700), 0);
	file_write("a.conf", "port 1\ninclude b.conf\ninclude d/*.conf\ninclude none/*.conf\n");
	file_write("b.conf", "port 2\ntimeout 2\n");
	file_write("d/1.conf", "maxclients 3\n");
	file_write("d/2.conf", "databases 4\n");
	CU_ASSERT_EQUAL_FATAL(LOAD(&config, "a.conf"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 2);
	CU_ASSERT_EQUAL(config.timeout, 2);
	CU_ASSERT_EQUAL(config.maxclients, 3);
	CU_ASSERT_EQUAL(config.databases, 4);
	config_fini(&config);

	file_write("b.conf", "\nport x\n");
	char expected[600];
	snprintf(expected, sizeof(expected), "%s/b.conf:2: port: argument couldn't be parsed into an integer", scratch_path());
	CU_ASSERT_STRING_EQUAL(REFUSAL("a.conf"), expected);
	snprintf(expected, sizeof(expected), "q.conf:1: include: %s/none.conf: No such file or directory", scratch_path());
	CU_ASSERT_STRING_EQUAL(file_refusal("include none.conf\n"), expected);
	snprintf(expected, sizeof(expected), "%s/q.conf:1: include: files are nested more than 16 deep", scratch_path());
	CU_ASSERT_STRING_EQUAL(file_refusal("include q.conf\n"), expected);
}

static void includes_are_followed_and_bounded(void)
{
	in_scratch(check_includes);
}

static void check_dir(void)
{
	struct config config;
	char expected[300];
	CU_ASSERT_EQUAL(mkdir("d", 0700), 0);
	CU_ASSERT_EQUAL(mkdir("d/e", 0700), 0);
	file_write("d/more.conf", "port 5\ndir e\n");
	file_write("q.conf", "dir ./d\ninclude more.conf\n");
	CU_ASSERT_EQUAL_FATAL(LOAD(&config, "q.conf"), CONFIG_LOADED);
	snprintf(expected, sizeof(expected), "%s/d/e", scratch_path());
	CU_ASSERT_STRING_EQUAL(config.dir, expected);
	CU_ASSERT_STRING_EQUAL(config.start_dir, scratch_path());
	CU_ASSERT_EQUAL(config.port, 5);
	config_fini(&config);
}

static void names_are_relative_to_the_dir_so_far(void)
{
	in_scratch(check_dir);
}

static void check_stdin(void)
{
	struct config config;
	file_write("q.conf", "port 1\ntimeout 1\n");
	file_write("in.conf", "timeout 2\nmaxclients 2\n");
	int before = dup(STDIN_FILENO), in = open("in.conf", O_RDONLY);
	CU_ASSERT_FATAL(before >= 0 && in >= 0);
	dup2(in, STDIN_FILENO);
	CU_ASSERT_EQUAL(LOAD(&config, "q.conf", "--maxclients", "3", "-"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 1);
	CU_ASSERT_EQUAL(config.timeout, 2);
	CU_ASSERT_EQUAL(config.maxclients, 3);
	config_fini(&config);
	lseek(STDIN_FILENO, 0, SEEK_SET);
	CU_ASSERT_EQUAL(LOAD(&config, "-", "--port", "4"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 4);
	CU_ASSERT_EQUAL(config.maxclients, 2);
	config_fini(&config);
	file_write("in.conf", "\nprot 1\n");
	lseek(STDIN_FILENO, 0, SEEK_SET);
	CU_ASSERT_STRING_EQUAL(REFUSAL("-"), "stdin:2: prot: unknown directive; did you mean port?");
	dup2(before, STDIN_FILENO);
	close(before);
	close(in);
}

static void a_dash_reads_stdin(void)
{
	in_scratch(check_stdin);
}

/* The active lines of Debian 12's redis.conf for Redis 7.0.15, except `dir`, which must exist. */
static const char debian_file[] =
	"bind 127.0.0.1 -::1\nprotected-mode yes\nport 6379\ntcp-backlog 511\ntimeout 0\ntcp-keepalive 300\n"
	"daemonize yes\npidfile /run/redis/redis-server.pid\nloglevel notice\nlogfile /var/log/redis/redis-server.log\n"
	"databases 16\nalways-show-logo no\nset-proc-title yes\n"
	"proc-title-template \"{title} {listen-addr} {server-mode}\"\n"
	"stop-writes-on-bgsave-error yes\nrdbcompression yes\nrdbchecksum yes\ndbfilename dump.rdb\n"
	"rdb-del-sync-files no\ndir .\nreplica-serve-stale-data yes\nreplica-read-only yes\nrepl-diskless-sync yes\n"
	"repl-diskless-sync-delay 5\nrepl-diskless-sync-max-replicas 0\nrepl-diskless-load disabled\n"
	"repl-disable-tcp-nodelay no\nreplica-priority 100\nacllog-max-len 128\nlazyfree-lazy-eviction no\n"
	"lazyfree-lazy-expire no\nlazyfree-lazy-server-del no\nreplica-lazy-flush no\nlazyfree-lazy-user-del no\n"
	"lazyfree-lazy-user-flush no\noom-score-adj no\noom-score-adj-values 0 200 800\ndisable-thp yes\nappendonly no\n"
	"appendfilename \"appendonly.aof\"\nappenddirname \"appendonlydir\"\nappendfsync everysec\n"
	"no-appendfsync-on-rewrite no\nauto-aof-rewrite-percentage 100\nauto-aof-rewrite-min-size 64mb\n"
	"aof-load-truncated yes\naof-use-rdb-preamble yes\naof-timestamp-enabled no\n \nslowlog-log-slower-than 10000\n"
	"slowlog-max-len 128\nlatency-monitor-threshold 0\nnotify-keyspace-events \"\"\nhash-max-listpack-entries 512\n"
	"hash-max-listpack-value 64\nlist-max-listpack-size -2\nlist-compress-depth 0\nset-max-intset-entries 512\n"
	"zset-max-listpack-entries 128\nzset-max-listpack-value 64\nhll-sparse-max-bytes 3000\n"
	"stream-node-max-bytes 4096\nstream-node-max-entries 100\nactiverehashing yes\n"
	"client-output-buffer-limit normal 0 0 0\nclient-output-buffer-limit replica 256mb 64mb 60\n"
	"client-output-buffer-limit pubsub 32mb 8mb 60\nhz 10\ndynamic-hz yes\naof-rewrite-incremental-fsync yes\n"
	"rdb-save-incremental-fsync yes\njemalloc-bg-thread yes\n";

static void check_debian(void)
{
	struct config config;
	file_write("redis.conf", debian_file);
	/* As in its service unit. */
	CU_ASSERT_EQUAL_FATAL(LOAD(&config, "redis.conf", "--supervised", "systemd", "--daemonize", "no"),
			      CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.supervised, SUPERVISED_SYSTEMD);
	CU_ASSERT_FALSE(config.daemonize);
	CU_ASSERT_EQUAL(config.bind.count, 2);
	CU_ASSERT_STRING_EQUAL(config.pidfile, "/run/redis/redis-server.pid");
	CU_ASSERT_STRING_EQUAL(config.logfile, "/var/log/redis/redis-server.log");
	CU_ASSERT_EQUAL(config.loglevel, LOG_NOTICE);
	config_fini(&config);
}

static void debians_redis_conf_loads(void)
{
	in_scratch(check_debian);
}

static void a_daemon_has_a_pidfile(void)
{
	struct config config;
	CU_ASSERT_EQUAL(LOAD(&config, "--daemonize", "yes"), CONFIG_LOADED);
	CU_ASSERT_STRING_EQUAL(config.pidfile, "/var/run/qcache.pid");
	config_fini(&config);
	CU_ASSERT_EQUAL(LOAD(&config, "--daemonize", "no"), CONFIG_LOADED);
	CU_ASSERT_STRING_EQUAL(config.pidfile, "");
	config_fini(&config);
}

static const struct suite_case cases[] = {
	CASE(options_take_the_forms_of_redis),
	CASE(options_take_the_forms_that_people_know),
	CASE(a_bad_option_is_named),
	CASE(a_password_that_no_client_could_give_is_refused),
	CASE(version_and_help_are_asked_for),
	CASE(options_go_before_the_file),
	CASE(an_error_in_a_file_has_its_line),
	CASE(save_points_add_up),
	CASE(includes_are_followed_and_bounded),
	CASE(names_are_relative_to_the_dir_so_far),
	CASE(a_dash_reads_stdin),
	CASE(debians_redis_conf_loads),
	CASE(a_daemon_has_a_pidfile),
};

SUITE_MAIN("config_load", cases)

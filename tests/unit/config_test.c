/* CONFIG GET and CONFIG SET: every directive, its text and bounds, and setting all or none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/config/config.h"
#include "actors/runtime/log.h"
#include "support/suite.h"

struct shown {
	char name[64];
	char value[1024];
	int count;
};

static void note_last(void *context, const char *name, const char *value)
{
	struct shown *shown = context;
	snprintf(shown->name, sizeof(shown->name), "%s", name);
	snprintf(shown->value, sizeof(shown->value), "%s", value);
	shown->count++;
}

static struct shown get(const struct config *config, const char *pattern)
{
	struct shown shown = { .count = 0 };
	struct slice slice = slice_of(pattern, strlen(pattern));
	config_get(config, &slice, 1, note_last, &shown);
	return shown;
}

static struct config_pair pair(const char *name, const char *value)
{
	return (struct config_pair){ slice_of(name, strlen(name)), slice_of(value, strlen(value)) };
}

/* Sets one directive. Returns the error, or NULL. */
static const char *set(struct config *config, const char *name, const char *value)
{
	static struct config_error error;
	struct config_changes changes;
	struct config_pair one = pair(name, value);
	return config_set(config, &one, 1, CONFIG_FROM_AFAR, &changes, &error) ? NULL : error.text;
}

#define CHECK_SHOWN(config, name, expected) CU_ASSERT_STRING_EQUAL(get(config, name).value, expected)
#define CHECK_SET(config, name, value) CU_ASSERT_PTR_NULL(set(config, name, value))
#define CHECK_REFUSED(config, name, value, reason) \
	do { \
		const char *refusal = set(config, name, value); \
		CU_ASSERT_PTR_NOT_NULL_FATAL(refusal); \
		CU_ASSERT_STRING_EQUAL(refusal, "ERR CONFIG SET failed (possibly related to argument '" name "') - " reason); \
	} while (0)

static void a_new_config_has_the_built_in_values(void)
{
	struct config config;
	config_init(&config);
	CU_ASSERT_EQUAL(config.port, 6379);
	CHECK_SHOWN(&config, "bind", "127.0.0.1 -::1");
	CU_ASSERT_EQUAL(config.shutdown_timeout, 10);
	CU_ASSERT_EQUAL(config.maxclients, 10000);
	CU_ASSERT_EQUAL(config.databases, 16);
	CU_ASSERT_EQUAL(config.loglevel, LOG_NOTICE);
	CU_ASSERT_EQUAL(config.supervised, SUPERVISED_NO);
	CU_ASSERT_EQUAL(config.enable_debug_command, PROTECTED_USE_NO);
	CU_ASSERT_TRUE(config.protected_mode);
	CU_ASSERT_EQUAL(config.proto_max_bulk_len, 512 << 20);
	CU_ASSERT_EQUAL(config.client_output_buffer_limit[CLIENT_CLASS_PUBSUB].soft_seconds, 60);
	CHECK_SHOWN(&config, "save", "");
	CHECK_SHOWN(&config, "appendonly", "no");
	CHECK_SHOWN(&config, "client-output-buffer-limit",
		    "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
	CHECK_SHOWN(&config, "oom-score-adj-values", "0 200 800");
	CHECK_SHOWN(&config, "unixsocketperm", "0");
	CHECK_SHOWN(&config, "auto-aof-rewrite-min-size", "67108864");
	config_fini(&config);
}

struct everything {
	struct config *config;
	int count;
};

static void set_again(void *context, const char *name, const char *value)
{
	struct everything *everything = context;
	const char *refusal = set(everything->config, name, value);
	bool is_fixed = refusal && strstr(refusal, "immutable");
	bool is_protected = refusal && strstr(refusal, "protected");
	if (refusal && !is_fixed && !is_protected)
		fprintf(stderr, "%s: %s\n", name, refusal);
	CU_ASSERT_TRUE(!refusal || is_fixed || is_protected);
	everything->count++;
}

/* `config` changes meanwhile, so the texts must come from a copy. */
static void every_directive_takes_the_value_that_it_shows(void)
{
	struct config config, shown;
	config_init(&config);
	config_init(&shown);
	struct everything everything = { &config, 0 };
	struct slice all = slice_of("*", 1);
	config_get(&shown, &all, 1, set_again, &everything);
	/* Redis 7.0.15 shows 192 names, aliases included. Ours: aof-ballast-size, snapshot-memory-limit; of a later Redis: aof-load-corrupt-tail-max-size. */
	CU_ASSERT_EQUAL(everything.count, 192 + 3);
	config_fini(&config);
	config_fini(&shown);
}

static void values_come_back_in_the_form_that_redis_shows(void)
{
	struct config config;
	config_init(&config);
	CHECK_SET(&config, "timeout", "7");
	CHECK_SHOWN(&config, "timeout", "7");
	CHECK_SET(&config, "protected-mode", "NO");
	CHECK_SHOWN(&config, "protected-mode", "no");
	CHECK_SET(&config, "loglevel", "Warning");
	CHECK_SHOWN(&config, "loglevel", "warning");
	CU_ASSERT_EQUAL(config.loglevel, LOG_WARNING);
	CHECK_SET(&config, "client-query-buffer-limit", "2mb");
	CHECK_SHOWN(&config, "client-query-buffer-limit", "2097152");
	CHECK_SET(&config, "client-query-buffer-limit", "2M");
	CHECK_SHOWN(&config, "client-query-buffer-limit", "2000000");
	CHECK_SET(&config, "requirepass", "two words");
	CHECK_SHOWN(&config, "requirepass", "two words");
	CHECK_SET(&config, "client-output-buffer-limit", "replica 1mb 2kb 3 normal 1 2 3");
	CHECK_SHOWN(&config, "client-output-buffer-limit", "normal 1 2 3 slave 1048576 2048 3 pubsub 33554432 8388608 60");
	config_fini(&config);
}

static void refusals_have_the_texts_of_redis(void)
{
	struct config config;
	config_init(&config);
	CHECK_REFUSED(&config, "timeout", "abc", "argument couldn't be parsed into an integer");
	CHECK_REFUSED(&config, "timeout", "", "argument couldn't be parsed into an integer");
	CHECK_REFUSED(&config, "timeout", " 7", "argument couldn't be parsed into an integer");
	CHECK_REFUSED(&config, "timeout", "-1", "argument must be between 0 and 2147483647 inclusive");
	CHECK_REFUSED(&config, "timeout", "99999999999999999999", "argument couldn't be parsed into an integer");
	CHECK_REFUSED(&config, "maxclients", "0", "argument must be between 1 and 4294967295 inclusive");
	CHECK_REFUSED(&config, "protected-mode", "maybe", "argument must be 'yes' or 'no'");
	CHECK_REFUSED(&config, "loglevel", "loud",
		      "argument(s) must be one of the following: debug, verbose, notice, warning");
	CHECK_REFUSED(&config, "proto-max-bulk-len", "-1", "argument must be a memory value");
	CHECK_REFUSED(&config, "proto-max-bulk-len", "1tb", "argument must be a memory value");
	CHECK_REFUSED(&config, "proto-max-bulk-len", "1", "argument must be between 1048576 and 536870912 inclusive");
	CHECK_REFUSED(&config, "client-query-buffer-limit", "99999999999gb",
		      "argument must be between 1048576 and 9223372036854775807 inclusive");
	CHECK_REFUSED(&config, "client-output-buffer-limit", "normal 0 0",
		      "Wrong number of arguments in buffer limit configuration.");
	CHECK_REFUSED(&config, "client-output-buffer-limit", "nobody 0 0 0",
		      "Invalid client class specified in buffer limit configuration.");
	CHECK_REFUSED(&config, "client-output-buffer-limit", "normal 0 0 -1",
		      "Error in hard, soft or soft_seconds setting in buffer limit configuration. soft_seconds must be between 0 and "
		      "2147483647 inclusive");
	CHECK_REFUSED(&config, "databases", "3", "can't set immutable config");
	CHECK_REFUSED(&config, "dir", "/", "can't set protected config");
	CU_ASSERT_STRING_EQUAL(set(&config, "prot", "1"),
			       "ERR Unknown option or number of arguments for CONFIG SET - 'prot'");
	CU_ASSERT_STRING_EQUAL(set(&config, "include", "x"),
			       "ERR Unknown option or number of arguments for CONFIG SET - 'include'");
	config_fini(&config);
}

static void a_refusal_is_one_line_whatever_the_client_sent(void)
{
	struct config config;
	config_init(&config);
	const char *refusal = set(&config, "a\r\nb\x01", "1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(refusal);
	CU_ASSERT_PTR_NULL(strpbrk(refusal, "\r\n\x01"));

	char *name = calloc(1, 100001);
	CU_ASSERT_PTR_NOT_NULL_FATAL(name);
	memset(name, 'x', 100000);
	refusal = set(&config, name, "1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(refusal);
	CU_ASSERT_TRUE(strlen(refusal) < 512);
	CU_ASSERT_PTR_NOT_NULL(set(&config, "", "1"));
	free(name);

	struct config_changes changes;
	struct config_error error;
	struct config_pair nul = { slice_of("requirepass", 11), slice_of("a\0b", 3) };
	CU_ASSERT_FALSE(config_set(&config, &nul, 1, CONFIG_FROM_AFAR, &changes, &error));
	CHECK_SHOWN(&config, "requirepass", "");
	config_fini(&config);
}

static void a_long_text_comes_back_whole(void)
{
	struct config config;
	config_init(&config);
	char password[1000];
	memset(password, 'p', sizeof(password) - 1);
	password[sizeof(password) - 1] = '\0';
	CHECK_SET(&config, "requirepass", password);
	CHECK_SHOWN(&config, "requirepass", password);
	config_fini(&config);
}

static void save_points_are_set_as_a_whole(void)
{
	struct config config;
	config_init(&config);
	CHECK_SHOWN(&config, "save", "");
	CHECK_SET(&config, "save", "3600 1  300 100");
	CHECK_SHOWN(&config, "save", "3600 1 300 100");
	CHECK_SET(&config, "save", "60 0");
	CHECK_SHOWN(&config, "save", "60 0");
	CHECK_REFUSED(&config, "save", "60", "Invalid save parameters");
	CHECK_REFUSED(&config, "save", "0 1", "Invalid save parameters");
	CHECK_REFUSED(&config, "save", "60 1 x 1", "Invalid save parameters");
	CHECK_SHOWN(&config, "save", "60 0");
	CHECK_SET(&config, "save", "");
	CHECK_SHOWN(&config, "save", "");
	config_fini(&config);
}

static void an_unsupported_directive_takes_its_default_only(void)
{
	struct config config;
	config_init(&config);
	CHECK_SET(&config, "tls-cluster", "no");
	CHECK_SET(&config, "hash-max-listpack-value", "64b");
	CHECK_SET(&config, "tls-port", "0");
	CHECK_REFUSED(&config, "tls-port", "2", "not supported: only the default, 0, is accepted");
	CHECK_REFUSED(&config, "maxmemory", "abc", "argument must be a memory value");
	CHECK_REFUSED(&config, "tls-cluster", "yes", "not supported: only the default, no, is accepted");
	CHECK_SHOWN(&config, "maxmemory", "0");
	config_fini(&config);
}

static void set_takes_all_pairs_or_none(void)
{
	struct config config;
	struct config_changes changes;
	struct config_error error;
	config_init(&config);
	struct config_pair good[] = { pair("timeout", "5"), pair("maxclients", "10000"), pair("requirepass", "x") };
	CU_ASSERT_TRUE(config_set(&config, good, 3, CONFIG_FROM_AFAR, &changes, &error));
	CU_ASSERT_TRUE(config_has_changed(&changes, DIRECTIVE_timeout));
	CU_ASSERT_TRUE(config_has_changed(&changes, DIRECTIVE_requirepass));
	CU_ASSERT_FALSE(config_has_changed(&changes, DIRECTIVE_maxclients));
	CU_ASSERT_FALSE(config_has_changed(&changes, DIRECTIVE_port));
	CU_ASSERT_EQUAL(config.timeout, 5);

	struct config_pair last_is_bad[] = { pair("timeout", "6"), pair("requirepass", "y"), pair("maxclients", "x") };
	CU_ASSERT_FALSE(config_set(&config, last_is_bad, 3, CONFIG_FROM_AFAR, &changes, &error));
	CU_ASSERT_EQUAL(config.timeout, 5);
	CU_ASSERT_STRING_EQUAL(config.requirepass, "x");

	struct config_pair twice[] = { pair("timeout", "6"), pair("TIMEOUT", "7") };
	CU_ASSERT_FALSE(config_set(&config, twice, 2, CONFIG_FROM_AFAR, &changes, &error));
	CU_ASSERT_STRING_EQUAL(error.text,
			       "ERR CONFIG SET failed (possibly related to argument 'TIMEOUT') - duplicate parameter");
	struct config_pair alias[] = { pair("replica-priority", "100"), pair("slave-priority", "100") };
	CU_ASSERT_FALSE(config_set(&config, alias, 2, CONFIG_FROM_AFAR, &changes, &error));
	CU_ASSERT_EQUAL(config.timeout, 5);
	config_fini(&config);
}

static void protected_directives_open_to_whom_the_config_says(void)
{
	struct config config;
	struct config_changes changes;
	struct config_error error;
	struct config_pair dir = pair("dir", "/usr/../tmp/.");
	config_init(&config);
	config.enable_protected_configs = PROTECTED_USE_LOCAL;
	CU_ASSERT_FALSE(config_set(&config, &dir, 1, CONFIG_FROM_AFAR, &changes, &error));
	CU_ASSERT_TRUE(config_set(&config, &dir, 1, CONFIG_FROM_HERE, &changes, &error));
	CU_ASSERT_STRING_EQUAL(config.dir, "/tmp");
	CU_ASSERT_TRUE(config_has_changed(&changes, DIRECTIVE_dir));
	config.enable_protected_configs = PROTECTED_USE_YES;
	dir = pair("dir", "/dev/null");
	CU_ASSERT_FALSE(config_set(&config, &dir, 1, CONFIG_FROM_AFAR, &changes, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "Not a directory"));
	dir = pair("dir", "/no/such/place");
	CU_ASSERT_FALSE(config_set(&config, &dir, 1, CONFIG_FROM_AFAR, &changes, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "No such file or directory"));
	CU_ASSERT_STRING_EQUAL(config.dir, "/tmp");
	config_fini(&config);
}

static void get_finds_names_aliases_and_patterns_once(void)
{
	struct config config;
	config_init(&config);
	CU_ASSERT_STRING_EQUAL(get(&config, "MaxClients").name, "MaxClients");
	CU_ASSERT_STRING_EQUAL(get(&config, "MAXCL*").name, "maxclients");
	CU_ASSERT_STRING_EQUAL(get(&config, "slave-priority").name, "slave-priority");
	CU_ASSERT_EQUAL(get(&config, "*-priority").count, 2);
	CU_ASSERT_EQUAL(get(&config, "no-such").count, 0);
	CU_ASSERT_EQUAL(get(&config, "").count, 0);
	CU_ASSERT_EQUAL(get(&config, "key-load-delay").count, 1);
	CU_ASSERT_EQUAL(get(&config, "key-load-del*").count, 0);

	struct slice patterns[] = { slice_of("port", 4), slice_of("por*", 4), slice_of("PORT", 4), slice_of("p\0*", 3) };
	struct shown shown = { .count = 0 };
	config_get(&config, patterns, 4, note_last, &shown);
	CU_ASSERT_EQUAL(shown.count, 1);
	config_fini(&config);
}

static void secrets_are_known(void)
{
	CU_ASSERT_TRUE(config_is_secret(slice_of("requirepass", 11)));
	CU_ASSERT_TRUE(config_is_secret(slice_of("MASTERAUTH", 10)));
	CU_ASSERT_FALSE(config_is_secret(slice_of("port", 4)));
	CU_ASSERT_TRUE(config_is_secret(slice_of("requirepas", 10))); /* a misspelt directive may be followed by the password */
}

static void a_copy_lives_by_itself(void)
{
	struct config config, copy;
	config_init(&config);
	CHECK_SET(&config, "requirepass", "x");
	config_copy(&copy, &config);
	CHECK_SET(&config, "requirepass", "y");
	config_fini(&config);
	CHECK_SHOWN(&copy, "requirepass", "x");
	CHECK_SHOWN(&copy, "bind", "127.0.0.1 -::1");
	config_fini(&copy);
}

static const struct suite_case cases[] = {
	CASE(a_new_config_has_the_built_in_values),
	CASE(every_directive_takes_the_value_that_it_shows),
	CASE(values_come_back_in_the_form_that_redis_shows),
	CASE(refusals_have_the_texts_of_redis),
	CASE(a_refusal_is_one_line_whatever_the_client_sent),
	CASE(a_long_text_comes_back_whole),
	CASE(save_points_are_set_as_a_whole),
	CASE(an_unsupported_directive_takes_its_default_only),
	CASE(set_takes_all_pairs_or_none),
	CASE(protected_directives_open_to_whom_the_config_says),
	CASE(get_finds_names_aliases_and_patterns_once),
	CASE(secrets_are_known),
	CASE(a_copy_lives_by_itself),
};

SUITE_MAIN("config", cases)

#include "actors/store/slowlog.h"

#include <stdio.h>
#include <string.h>

#include "actors/store/session.h"
#include "support/suite.h"

static struct session session = { .address = "127.0.0.1:4711" };

static struct resp_arg arg_of(const char *text)
{
	return (struct resp_arg){ .data = (const uint8_t *)text, .len = strlen(text) };
}

static void add(struct slowlog *log, const struct resp_arg *argv, uint32_t argc, uint64_t secrets, uint64_t max)
{
	struct call call = { .session = &session, .argv = argv, .argc = argc, .secrets = secrets, .now_ms = 1500 };
	slowlog_add(log, &call, 42, max);
}

static void call_oneself(char *name)
{
	session.name = name;
	session.name_bytes = name ? strlen(name) + 1 : 0;
}

static bool is_text(struct slice slice, const char *text)
{
	return slice_equal(slice, slice_of(text, strlen(text)));
}

static void an_entry_tells_who_what_when_and_how_long(void)
{
	struct slowlog log = { 0 };
	const struct resp_arg argv[] = { arg_of("GET"), arg_of("key") };
	call_oneself("me");
	add(&log, argv, 2, 0, 10);
	call_oneself(NULL);
	const struct slow_entry *entry = log.newest;
	CU_ASSERT_EQUAL(entry->id, 0);
	CU_ASSERT_EQUAL(entry->when_s, 1);
	CU_ASSERT_EQUAL(entry->duration_us, 42);
	CU_ASSERT_EQUAL_FATAL(entry->argc, 2);
	CU_ASSERT(is_text(entry->argv[0], "GET") && is_text(entry->argv[1], "key"));
	CU_ASSERT(is_text(entry->address, "127.0.0.1:4711") && is_text(entry->name, "me"));
	slowlog_trim(&log, 0);
}

static void the_newest_stay_and_ids_go_on(void)
{
	struct slowlog log = { 0 };
	const struct resp_arg argv[] = { arg_of("PING") };
	for (int i = 0; i < 10; i++)
		add(&log, argv, 1, 0, 3);
	CU_ASSERT_EQUAL(log.count, 3);
	CU_ASSERT_EQUAL(log.newest->id, 9);
	CU_ASSERT_EQUAL(log.newest->older->id, 8);
	CU_ASSERT_EQUAL(log.oldest->id, 7);
	CU_ASSERT_PTR_EQUAL(log.newest->older->older, log.oldest);
	slowlog_trim(&log, 0);
	CU_ASSERT_EQUAL(log.count, 0);
	CU_ASSERT_PTR_NULL(log.newest);
	CU_ASSERT_PTR_NULL(log.oldest);
	add(&log, argv, 1, 0, 3);
	CU_ASSERT_EQUAL(log.newest->id, 10);
	add(&log, argv, 1, 0, 0);
	CU_ASSERT_EQUAL(log.count, 0);
}

static void long_arguments_are_cut_and_many_are_counted(void)
{
	struct slowlog log = { 0 };
	char text[SLOWLOG_ARG_BYTES_MAX + 73];
	struct resp_arg argv[SLOWLOG_ARGS_MAX + 8];
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < SLOWLOG_ARGS_MAX + 8; i++)
		argv[i] = (struct resp_arg){ .data = (const uint8_t *)text, .len = i == 1 ? sizeof(text) : SLOWLOG_ARG_BYTES_MAX };
	add(&log, argv, SLOWLOG_ARGS_MAX + 8, 0, 10);
	const struct slow_entry *entry = log.newest;
	CU_ASSERT_EQUAL_FATAL(entry->argc, SLOWLOG_ARGS_MAX);
	CU_ASSERT_EQUAL(entry->argv[0].len, SLOWLOG_ARG_BYTES_MAX);
	CU_ASSERT(memcmp(entry->argv[1].data, text, SLOWLOG_ARG_BYTES_MAX) == 0);
	CU_ASSERT(is_text(slice_of(entry->argv[1].data + SLOWLOG_ARG_BYTES_MAX, entry->argv[1].len - SLOWLOG_ARG_BYTES_MAX),
			  "... (73 more bytes)"));
	CU_ASSERT(is_text(entry->argv[SLOWLOG_ARGS_MAX - 1], "... (9 more arguments)"));
	add(&log, argv, SLOWLOG_ARGS_MAX, 0, 10);
	CU_ASSERT_EQUAL(log.newest->argv[SLOWLOG_ARGS_MAX - 1].len, SLOWLOG_ARG_BYTES_MAX);
	slowlog_trim(&log, 0);
}

static void a_long_name_is_cut_as_arguments_are(void)
{
	struct slowlog log = { 0 };
	const struct resp_arg argv[] = { arg_of("PING") };
	char name[SLOWLOG_ARG_BYTES_MAX + 1000 + 1], cut[SLOWLOG_ARG_BYTES_MAX + 48];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	call_oneself(name);
	add(&log, argv, 1, 0, 10);
	call_oneself(NULL);
	snprintf(cut, sizeof(cut), "%.*s... (1000 more bytes)", SLOWLOG_ARG_BYTES_MAX, name);
	CU_ASSERT(is_text(log.newest->name, cut));
	CU_ASSERT(is_text(log.newest->argv[0], "PING"));
	slowlog_trim(&log, 0);
}

static void secrets_are_not_kept(void)
{
	struct slowlog log = { 0 };
	const struct resp_arg argv[] = { arg_of("AUTH"), arg_of("user"), arg_of("open sesame"), arg_of("") };
	add(&log, argv, 4, secrets_bit(2), 10);
	CU_ASSERT(is_text(log.newest->argv[1], "user"));
	CU_ASSERT(is_text(log.newest->argv[2], "(redacted)"));
	CU_ASSERT(is_text(log.newest->argv[3], ""));
	slowlog_trim(&log, 0);
}

static const struct suite_case cases[] = {
	CASE(an_entry_tells_who_what_when_and_how_long),
	CASE(the_newest_stay_and_ids_go_on),
	CASE(long_arguments_are_cut_and_many_are_counted),
	CASE(a_long_name_is_cut_as_arguments_are),
	CASE(secrets_are_not_kept),
};
SUITE_MAIN("slowlog", cases)

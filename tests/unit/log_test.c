#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "support/process.h"
#include "support/suite.h"

#define THREADS 4
#define LINES_EACH 500

static char scratch[256], path[300];

static void begin(enum log_level level)
{
	scratch_create(scratch, sizeof(scratch));
	snprintf(path, sizeof(path), "%s/log", scratch);
	CU_ASSERT_TRUE_FATAL(log_open(path, level));
}

/* The log's text; the caller frees it. */
static char *end(void)
{
	log_close();
	char *text = file_text(path);
	scratch_remove(scratch);
	return text;
}

static int count(const char *text, const char *part)
{
	int found = 0;
	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		found++;
	return found;
}

static void a_line_has_the_form_of_redis(void)
{
	begin(LOG_NOTICE);
	log_event(LOG_WARNING, "port %d", 6379);
	char *text = end();
	int pid, day, year, hour, minute, second, ms, len = 0;
	char role, month[4], mark;
	CU_ASSERT_EQUAL(sscanf(text, "%d:%c %d %3s %d %d:%d:%d.%3d %c port 6379\n%n", &pid, &role, &day, month, &year,
			       &hour, &minute, &second, &ms, &mark, &len),
			10);
	CU_ASSERT_EQUAL(pid, getpid());
	CU_ASSERT_EQUAL(role, 'M');
	CU_ASSERT_EQUAL(mark, '#');
	CU_ASSERT_TRUE(year >= 2024);
	CU_ASSERT_EQUAL((size_t)len, strlen(text));
	free(text);
}

static void levels_below_the_one_in_force_are_left_out(void)
{
	begin(LOG_NOTICE);
	log_event(LOG_DEBUG, "one");
	log_event(LOG_VERBOSE, "two");
	log_event(LOG_NOTICE, "three");
	log_set_level(LOG_WARNING);
	log_event(LOG_NOTICE, "four");
	log_set_level(LOG_DEBUG);
	log_event(LOG_DEBUG, "five");
	char *text = end();
	CU_ASSERT_EQUAL(count(text, "\n"), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " * three\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " . five\n"));
	free(text);
}

static void one_event_is_one_line_whatever_is_in_it(void)
{
	begin(LOG_NOTICE);
	log_event(LOG_NOTICE, "name %s", "a\r\nb\t\x1b[2J\x7f\xc3\xa9\x9b\xc2\x9b");
	char *text = end();
	CU_ASSERT_EQUAL(count(text, "\n"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "name a\\r\\nb\\t\\x1b[2J\\x7f\xc3\xa9\\x9b\\xc2\\x9b\n"));
	free(text);
}

static void a_long_event_is_cut(void)
{
	char long_text[3 * LOG_LINE_BYTES];
	begin(LOG_NOTICE);
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	log_event(LOG_NOTICE, "%s", long_text);
	memset(long_text, '\n', sizeof(long_text) - 1);
	log_event(LOG_NOTICE, "%s", long_text);
	char *text = end();
	CU_ASSERT_EQUAL(count(text, "\n"), 2);
	CU_ASSERT_TRUE(strlen(text) <= 2 * LOG_LINE_BYTES);
	CU_ASSERT_TRUE(strlen(text) > 2 * LOG_LINE_BYTES - 8);
	free(text);
}

static void *write_lines(void *context)
{
	for (int i = 0; i < LINES_EACH; i++)
		log_event(LOG_NOTICE, "thread %d line %d end", *(int *)context, i);
	return NULL;
}

static void lines_of_several_threads_do_not_mix(void)
{
	pthread_t threads[THREADS];
	int names[THREADS];
	begin(LOG_NOTICE);
	for (int i = 0; i < THREADS; i++) {
		names[i] = i;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, write_lines, &names[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	char *text = end();
	int lines = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		CU_ASSERT_EQUAL(count(line, "thread "), 1);
		CU_ASSERT_EQUAL(strcmp(line + strlen(line) - 4, " end"), 0);
	}
	CU_ASSERT_EQUAL(lines, THREADS * LINES_EACH);
	free(text);
}

static void a_log_that_can_not_be_opened_leaves_the_old_one(void)
{
	begin(LOG_NOTICE);
	CU_ASSERT_FALSE(log_open("/no/such/directory/log", LOG_NOTICE));
	log_event(LOG_NOTICE, "still here");
	char *text = end();
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "still here\n"));
	free(text);
}

static void lost_lines_are_counted_in_the_next_one(void)
{
	CU_ASSERT_TRUE_FATAL(log_open("/dev/full", LOG_NOTICE));
	log_event(LOG_NOTICE, "lost one");
	log_event(LOG_NOTICE, "lost two");
	log_event(LOG_NOTICE, "lost three");
	begin(LOG_NOTICE);
	log_event(LOG_NOTICE, "back");
	log_event(LOG_NOTICE, "again");
	char *text = end();
	CU_ASSERT_EQUAL(count(text, "\n"), 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " # 3 lines could not be written to the log\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " * back\n"));
	free(text);
}

static void a_file_that_is_moved_away_gets_a_successor(void)
{
	char moved[310];
	begin(LOG_NOTICE);
	snprintf(moved, sizeof(moved), "%s.1", path);
	log_event(LOG_NOTICE, "before");
	CU_ASSERT_EQUAL_FATAL(rename(path, moved), 0);
	log_event(LOG_NOTICE, "after");
	log_event(LOG_NOTICE, "later");
	char *former = file_text(moved), *text = end();
	CU_ASSERT_EQUAL(count(former, "\n"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(former, " before\n"));
	CU_ASSERT_EQUAL(count(text, "\n"), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " after\n"));
	free(former);
	free(text);
}

static void a_relative_name_stays_where_it_was_when_the_directory_changes(void)
{
	char here[4096];
	scratch_create(scratch, sizeof(scratch));
	snprintf(path, sizeof(path), "%s/log", scratch);
	CU_ASSERT_FATAL(getcwd(here, sizeof(here)) != NULL && chdir(scratch) == 0);
	CU_ASSERT_TRUE_FATAL(log_open("log", LOG_NOTICE));
	CU_ASSERT_EQUAL_FATAL(chdir(here), 0);
	unlink(path);
	log_event(LOG_NOTICE, "made anew");
	char *text = end();
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " made anew\n"));
	free(text);
}

/* The line is in the old file, wherever that is now, and on stderr. */
static void without_a_successor_lines_show_on_stderr(void)
{
	char moved[310], errors[310];
	begin(LOG_NOTICE);
	snprintf(moved, sizeof(moved), "%s.1", path);
	snprintf(errors, sizeof(errors), "%s/stderr", scratch);
	int kept = dup(STDERR_FILENO), shown = open(errors, O_WRONLY | O_CREAT, 0600);
	CU_ASSERT_FATAL(kept >= 0 && shown >= 0 && rename(path, moved) == 0 && mkdir(path, 0700) == 0);
	dup2(shown, STDERR_FILENO);
	log_event(LOG_NOTICE, "homeless");
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(shown);
	char *former = file_text(moved), *text = file_text(errors);
	CU_ASSERT_PTR_NOT_NULL(strstr(former, " homeless\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " homeless\n"));
	free(former);
	free(text);
	log_close();
	rmdir(path);
	scratch_remove(scratch);
}

static void a_server_has_a_level_of_its_own(void)
{
	_Atomic int of_the_server = LOG_VERBOSE;
	begin(LOG_WARNING);
	log_event(LOG_VERBOSE, "one");
	log_use_level(&of_the_server);
	log_event(LOG_VERBOSE, "two");
	of_the_server = LOG_WARNING;
	log_event(LOG_VERBOSE, "three");
	log_use_level(NULL);
	log_event(LOG_WARNING, "four");
	char *text = end();
	CU_ASSERT_EQUAL(count(text, "\n"), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " - two\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " # four\n"));
	free(text);
}

static const struct suite_case cases[] = {
	CASE(a_line_has_the_form_of_redis),
	CASE(levels_below_the_one_in_force_are_left_out),
	CASE(one_event_is_one_line_whatever_is_in_it),
	CASE(a_server_has_a_level_of_its_own),
	CASE(a_long_event_is_cut),
	CASE(lines_of_several_threads_do_not_mix),
	CASE(a_log_that_can_not_be_opened_leaves_the_old_one),
	CASE(lost_lines_are_counted_in_the_next_one),
	CASE(a_file_that_is_moved_away_gets_a_successor),
	CASE(a_relative_name_stays_where_it_was_when_the_directory_changes),
	CASE(without_a_successor_lines_show_on_stderr),
};

SUITE_MAIN("log", cases)

/* Bad configurations: reading any text or kind of file ends, and says what is wrong. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/config/config.h"
#include "support/config_file.h"
#include "support/suite.h"

#define MEGABYTE (1024 * 1024)

/* ---- all that is wrong at once, and what is right in the end ---- */

static void check_all_at_once(void)
{
	file_write("more.conf", "prot 1\nport 7000\n");
	file_write("q.conf", "tls-cluster yes\n# fine\nport x\ninclude more.conf\nuser default on\n\"open\ncluster-enabled yes\nhz 20\n");
	char expected[1024];
	snprintf(expected, sizeof(expected),
		 "q.conf:1: tls-cluster: not supported: only the default, no, is accepted\n"
		 "q.conf:3: port: argument couldn't be parsed into an integer\n"
		 "%s/more.conf:1: prot: unknown directive; did you mean port?\n"
		 "q.conf:5: user: access control lists are not supported\n"
		 "q.conf:6: Unbalanced quotes in configuration line\n"
		 "q.conf:7: cluster-enabled: not supported: only the default, no, is accepted\n"
		 "option --tls-port: not supported: only the default, 0, is accepted\n"
		 "option --timeout: argument must be between 0 and 2147483647 inclusive",
		 scratch_path());
	CU_ASSERT_STRING_EQUAL(REFUSAL("q.conf", "--tls-port", "7", "--timeout", "-1"), expected);
}

static void all_that_is_refused_is_told_at_once(void)
{
	in_scratch(check_all_at_once);
}

static void check_taken_back(void)
{
	CU_ASSERT_STRING_EQUAL(file_refusal("tls-cluster yes\ntls-cluster no\n"), "");
	CU_ASSERT_STRING_EQUAL(file_refusal("save 900 1\nsave 300 10\nsave \"\"\n"), "");
	CU_ASSERT_STRING_EQUAL(file_refusal("replicaof 127.0.0.1 6380\nslaveof No One\n"), "");
	CU_ASSERT_STRING_EQUAL(file_refusal("tls-cluster no\ntls-cluster yes\n"),
			       "q.conf:2: tls-cluster: not supported: only the default, no, is accepted");

	file_write("more.conf", "tls-cluster no\n");
	CU_ASSERT_STRING_EQUAL(file_refusal("tls-cluster yes\ninclude more.conf\n"), "");
	file_write("q.conf", "tls-cluster yes\nsave 900 1\n");
	CU_ASSERT_STRING_EQUAL(REFUSAL("q.conf", "--tls-cluster", "no", "--save"), "");
	CU_ASSERT_STRING_EQUAL(file_refusal("dir /nonexistent\ndir .\n"), "");
	CU_ASSERT_STRING_EQUAL(file_refusal("dir .\ndir /nonexistent\n"), "q.conf:2: dir: No such file or directory");
	/* A refusal that no later line can drop stays. */
	CU_ASSERT_STRING_EQUAL(file_refusal("port x\nport 7000\n"), "q.conf:1: port: argument couldn't be parsed into an integer");
}

static void what_is_taken_back_further_down_does_not_count(void)
{
	in_scratch(check_taken_back);
}

static void check_many(void)
{
	char *text = calloc(1, 3 * 100000 + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	for (int i = 0; i < 100000; i++)
		memcpy(text + 3 * i, "x\n\n", 3);
	const char *refusals = file_refusal(text);
	const char *last = strrchr(refusals, '\n');
	CU_ASSERT(strncmp(refusals, "q.conf:1: x: unknown directive\nq.conf:3: ", 41) == 0);
	CU_ASSERT_STRING_EQUAL(last ? last : "", "\nq.conf:201: x: there are more than 100 errors, the rest is not read");
	free(text);
}

static void of_very_many_wrong_lines_the_first_are_told(void)
{
	in_scratch(check_many);
}

/* ---- texts ---- */

#define WHOLE(text) text, sizeof(text) - 1

static const struct {
	const char *text;
	size_t len;
	const char *refusal;
} texts[] = {
	{ WHOLE(""), "" },
	{ WHOLE("\n"), "" },
	{ WHOLE("port 7000"), "" },
	{ WHOLE("port 7000\r\ntimeout 5\r\n\r\n# x\r\n"), "" },
	{ WHOLE(" \t\v\f\rport\t7000\v\f\n"), "q.conf:1: port: argument couldn't be parsed into an integer" },
	{ WHOLE("\"\" 1\n"), "q.conf:1: : unknown directive" },
	{ WHOLE("\0\0\0\0"), "q.conf:1: a NUL byte in the line" },
	{ WHOLE("port 1\n# \0\nport\0 2\n"), "q.conf:2: a NUL byte in the line\nq.conf:3: a NUL byte in the line" },
	{ WHOLE("requirepass \"\\x00\"\n"), "q.conf:1: a NUL byte in a value" },
	{ WHOLE("\xef\xbb\xbfport 7000\nport 7001\n"),
	  "q.conf:1: the file begins with a byte order mark (EF BB BF): save it without one" },
	{ WHOLE("\xff\xfep\0o\0r\0t\0"), "q.conf:1: a NUL byte in the line" },
	{ WHOLE("\xff\xfe\n"), "q.conf:1: ??: unknown directive" },
	{ WHOLE("p\x01rt 1\n"), "q.conf:1: p?rt: unknown directive; did you mean port?" },
	{ WHOLE("requirepass '\n"), "q.conf:1: Unbalanced quotes in configuration line" },
	{ WHOLE("requirepass \"\\"), "q.conf:1: Unbalanced quotes in configuration line" },
	{ WHOLE("bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"), "q.conf:1: bind: 17 words, and at most 16 are possible" },
	{ WHOLE("include\n"), "q.conf:1: include: wrong number of arguments" },
};

static void check_texts(void)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		file_put("q.conf", texts[i].text, texts[i].len);
		const char *refusal = REFUSAL("q.conf");
		if (strcmp(refusal, texts[i].refusal) != 0)
			fprintf(stderr, "text %zu: \"%s\", not \"%s\"\n", i, refusal, texts[i].refusal);
		CU_ASSERT_STRING_EQUAL(refusal, texts[i].refusal);
	}
}

static void odd_texts_are_taken_or_refused_with_their_line(void)
{
	in_scratch(check_texts);
}

static void check_long(void)
{
	size_t len = 17 * MEGABYTE;
	char *text = malloc(len + 1), *value = text + strlen("masterauth ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, 'x', len);
	memcpy(text, "masterauth ", strlen("masterauth "));
	text[MEGABYTE] = '\0';
	CU_ASSERT_STRING_EQUAL(file_refusal(text), "q.conf:1: the line has 1048576 bytes, and at most 65536 are possible");
	text[64 * 1024] = '\0';
	CU_ASSERT_STRING_EQUAL(file_refusal(text), "");
	/* In a file each of these bytes takes four. */
	memset(value, '\x01', 20000);
	value[20000] = '\0';
	CU_ASSERT_STRING_EQUAL(file_refusal(text), "q.conf:1: masterauth: the value takes a line of 80013 bytes in a file, and at most "
						   "65536 are possible");
	memset(text, '\n', len);
	text[len] = '\0';
	CU_ASSERT_STRING_EQUAL(file_refusal(text), "q.conf: the file has more than 16777216 bytes");
	free(text);
}

static void a_line_or_file_too_long_is_refused_with_the_numbers(void)
{
	in_scratch(check_long);
}

/* ---- files ---- */

static void check_kinds(void)
{
	CU_ASSERT_STRING_EQUAL(REFUSAL("."), ".: Is a directory");
	CU_ASSERT_EQUAL(mkfifo("pipe", 0600), 0);
	char expected[512];
	snprintf(expected, sizeof(expected), "q.conf:1: include: %s/pipe: Not a regular file", scratch_path());
	CU_ASSERT_STRING_EQUAL(file_refusal("include pipe\n"), expected);
	snprintf(expected, sizeof(expected), "q.conf:1: include: %s/.: Not a regular file", scratch_path());
	CU_ASSERT_STRING_EQUAL(file_refusal("include .\n"), expected);
	CU_ASSERT_STRING_EQUAL(file_refusal("include /dev/zero\n"), "q.conf:1: include: /dev/zero: Not a regular file");
}

static void what_is_no_file_is_not_included(void)
{
	in_scratch(check_kinds);
}

static void *write_into_pipe(void *context)
{
	int fd = open("pipe", O_WRONLY);
	if (fd < 0 || write(fd, "port 7000\n", 10) != 10)
		abort();
	close(fd);
	return NULL;
}

static void check_pipe(void)
{
	struct config config;
	struct config_error error;
	pthread_t writer;
	CU_ASSERT_EQUAL(mkfifo("pipe", 0600), 0);
	pthread_create(&writer, NULL, write_into_pipe, NULL);
	CU_ASSERT_EQUAL(LOAD(&config, "pipe"), CONFIG_LOADED);
	pthread_join(writer, NULL);
	CU_ASSERT_EQUAL(config.port, 7000);
	/* There is no writer any more: a rewrite must not wait for one. */
	CU_ASSERT_FALSE(config_rewrite(&config, &error));
	CU_ASSERT_STRING_EQUAL(error.text, "ERR Rewriting config file: Not a regular file");
	config_fini(&config);
}

static void a_pipe_is_read_at_the_start_and_not_rewritten(void)
{
	in_scratch(check_pipe);
}

static void check_unreadable(void)
{
	file_write("q.conf", "port 7000\n");
	CU_ASSERT_EQUAL(chmod("q.conf", 0), 0);
	CU_ASSERT_EQUAL(chmod(".", 0755), 0);
	uid_t before = geteuid();
	if (before == 0)
		CU_ASSERT_EQUAL(seteuid(65534), 0);
	CU_ASSERT_STRING_EQUAL(REFUSAL("q.conf"), "q.conf: Permission denied");
	if (before == 0)
		CU_ASSERT_EQUAL(seteuid(before), 0);
}

static void a_file_that_may_not_be_read_is_refused(void)
{
	in_scratch(check_unreadable);
}

static void check_cycles(void)
{
	char expected[512];
	snprintf(expected, sizeof(expected), "%s/b.conf:1: include: files are nested more than 16 deep", scratch_path());
	file_write("a.conf", "include b.conf\ninclude b.conf\n");
	file_write("b.conf", "include a.conf\ninclude a.conf\n");
	CU_ASSERT_STRING_EQUAL(REFUSAL("b.conf"), expected);
	/* No cycle, but 2^15 files to read. */
	for (char name[] = "a.conf"; name[0] < 'p'; name[0]++) {
		char text[64];
		snprintf(text, sizeof(text), "include %c.conf\ninclude %c.conf\n", name[0] + 1, name[0] + 1);
		file_write(name, text);
	}
	file_write("p.conf", "port 7000\n");
	const char *refusal = REFUSAL("a.conf");
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal, ": include: more than 1000 files are included"));
	CU_ASSERT_PTR_NULL(strchr(refusal, '\n'));
}

static void includes_without_end_are_refused(void)
{
	in_scratch(check_cycles);
}

static void check_patterns(void)
{
	struct config config;
	CU_ASSERT_EQUAL(mkdir("d[1]*", 0700), 0);
	file_write("d[1]*/a.conf", "port 7000\n");
	file_write("d[1]*/b.conf", "timeout 5\n");
	file_write("d[1]*/c[1].conf", "databases 3\n");
	file_write("q.conf", "dir d[1]*\ninclude a.conf\ninclude [b]*.conf\ninclude c\\[1\\].conf\ninclude none*\n");
	CU_ASSERT_EQUAL_FATAL(LOAD(&config, "q.conf"), CONFIG_LOADED);
	CU_ASSERT_EQUAL(config.port, 7000);
	CU_ASSERT_EQUAL(config.timeout, 5);
	CU_ASSERT_EQUAL(config.databases, 3);
	config_fini(&config);
}

static void a_directory_with_wildcards_in_its_name_is_itself(void)
{
	in_scratch(check_patterns);
}

static const struct suite_case cases[] = {
	CASE(all_that_is_refused_is_told_at_once),
	CASE(what_is_taken_back_further_down_does_not_count),
	CASE(of_very_many_wrong_lines_the_first_are_told),
	CASE(odd_texts_are_taken_or_refused_with_their_line),
	CASE(a_line_or_file_too_long_is_refused_with_the_numbers),
	CASE(what_is_no_file_is_not_included),
	CASE(a_pipe_is_read_at_the_start_and_not_rewritten),
	CASE(a_file_that_may_not_be_read_is_refused),
	CASE(includes_without_end_are_refused),
	CASE(a_directory_with_wildcards_in_its_name_is_itself),
};

SUITE_MAIN("config text", cases)

/*
 * The programs in client/examples do what they say. QCACHE_EXAMPLES is the folder they were built in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "client_library/fixture.h"
#include "client_library/terminal.h"
#include "support/process.h"

static qc_context *ctx;

/* $E is the folder of the examples, $A the server's address. */
static bool gives(struct fixture *f, const char *line, const char *wanted)
{
	char script[1024];
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	int status = -1;

	snprintf(script, sizeof(script), "E='%s'; A='%s'; %s", getenv("QCACHE_EXAMPLES"), f->address, line);
	char *output = process_run(argv, &status);
	bool fine = status == 0 && strcmp(output, wanted) == 0;
	if (!fine)
		fprintf(stderr, "%s\n  gives (wait status %#x): %s\n  not: %s\n", line, (unsigned)status, output, wanted);
	free(output);
	return fine;
}

static void hello(void)
{
	struct fixture f = fixture_start("");

	CU_ASSERT(gives(&f, "$E/hello $A; $E/hello $A", "foo = bar\ncounter = 1\nfoo = bar\ncounter = 2\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void the_rate_limiter_lets_so_many_pass(void)
{
	struct fixture f = fixture_start("");

	/* The window is longer than the test. */
	CU_ASSERT(gives(&f, "$E/rate_limiter $A ann 2 1000000000 3; $E/rate_limiter $A bob 2 1000000000 1",
			"ann: allowed\nann: allowed\nann: too many requests\nbob: allowed\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void the_job_queue_loses_no_job(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "BLMOVE", "the job queue")) {
		CU_ASSERT(gives(&f, "$E/job_queue $A add one two three; $E/job_queue $A work w1 2",
				"3 jobs waiting\nw1: one\nw1: two\n"));
		/* A worker that died with a job. */
		qc_result moved qc_auto = qc_do(f.client, ctx, "LMOVE", "jobs", "jobs:w1", "RIGHT", "LEFT");
		GOOD(moved);
		CU_ASSERT(gives(&f, "$E/job_queue $A work w1 1", "again: three\nw1: three\n"));
	}
	CU_ASSERT(fixture_stop(&f));
}

static void the_leaderboard_keeps_the_best(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "ZADD", "the leaderboard"))
		CU_ASSERT(gives(&f, "$E/leaderboard $A board ann 10 bob 7.5 ann 4 bob 12",
				" 1. bob          12\n 2. ann          10\n"));
	CU_ASSERT(fixture_stop(&f));
}

static void the_chat_carries_what_is_typed(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "SUBSCRIBE", "the chat")) {
		char program[512];
		snprintf(program, sizeof(program), "%s/chat", getenv("QCACHE_EXAMPLES"));
		const char *ann_argv[] = {program, f.address, "room", "ann", NULL}, *bob_argv[] = {program, f.address, "room", "bob", NULL};
		struct terminal *ann = terminal_start(ann_argv, "/nowhere", 24, 80), *bob = terminal_start(bob_argv, "/nowhere", 24, 80);
		CU_ASSERT(terminal_shows(ann, "(connected)"));
		CU_ASSERT(terminal_shows(bob, "(connected)"));
		terminal_type(ann, "hello\r");
		CU_ASSERT(terminal_shows(bob, "ann: hello"));
		terminal_type(bob, "hi\r");
		CU_ASSERT(terminal_shows(ann, "bob: hi"));
		terminal_type(ann, "\004");
		terminal_type(bob, "\004");
		CU_ASSERT_EQUAL(terminal_stop(&ann), 0);
		CU_ASSERT_EQUAL(terminal_stop(&bob), 0);
	}
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(hello),
	CASE(the_rate_limiter_lets_so_many_pass),
	CASE(the_job_queue_loses_no_job),
	CASE(the_leaderboard_keeps_the_best),
	CASE(the_chat_carries_what_is_typed),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	if (!getenv("QCACHE_EXAMPLES")) {
		fprintf(stderr, "QCACHE_EXAMPLES must name a folder\n");
		return 1;
	}
	return suite_main("client examples", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

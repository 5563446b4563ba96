/*
 * A test program is a table of cases and SUITE_MAIN. A case's name says the behaviour:
 * get_of_absent_key_reports_absent. Run with no argument for all cases, or with names to run only those.
 *
 * The last line of the output is "N passed, N failed, N skipped", counted in cases; tests/support/run.py adds them up.
 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <CUnit/CUnit.h>

struct suite_case {
	const char *name;
	void (*run)(void);
};

#define CASE(function) { #function, function }

/*
 * The case can't be run here, for the reason given; it returns after this. Prints "skipped: NAME: REASON". Where CI
 * is set nothing may be skipped: it counts as failed.
 */
void suite_skip(const char *name, const char *reason);
#define SKIP(reason) do { suite_skip(__func__, reason); return; } while (0)
/* The case is about what redis-server does otherwise. */
#define ONLY_OURS() do { if (server_is_reference()) SKIP("redis-server does otherwise"); } while (0)

/* Runs the cases and prints CUnit's summary; the exit status for main: 0 when every assertion held. */
int suite_main(const char *suite, const struct suite_case *cases, int count, int argc, char **argv);

#define SUITE_MAIN(suite, cases) \
	int main(int argc, char **argv) \
	{ \
		return suite_main(suite, cases, (int)(sizeof(cases) / sizeof((cases)[0])), argc, argv); \
	}

#endif

/*
 * A test program is a table of cases and SUITE_MAIN. A case is named after its behaviour: get_of_absent_key_reports_absent. Without
 * arguments a program runs all cases; with names it runs only those.
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
 * Skips the case, which can't run here for this reason. Prints "skipped: NAME: REASON". With CI set it counts as failed. The case returns
 * after this.
 */
void suite_skip(const char *name, const char *reason);
#define SKIP(reason) do { suite_skip(__func__, reason); return; } while (0)
/* redis-server behaves differently in this case. */
#define ONLY_OURS() do { if (server_is_reference()) SKIP("redis-server does otherwise"); } while (0)

/* Runs the cases and prints CUnit's summary; the exit status for main: 0 when every assertion held. */
int suite_main(const char *suite, const struct suite_case *cases, int count, int argc, char **argv);

#define SUITE_MAIN(suite, cases) \
	int main(int argc, char **argv) \
	{ \
		return suite_main(suite, cases, (int)(sizeof(cases) / sizeof((cases)[0])), argc, argv); \
	}

#endif

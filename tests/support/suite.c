#include "support/suite.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int skipped;

static int is_chosen(const char *name, int argc, char **argv)
{
	if (argc < 2)
		return 1;
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return 0;
}

void suite_skip(const char *name, const char *reason)
{
	printf("\nskipped: %s: %s\n", name, reason);
	if (getenv("CI")) {
		CU_FAIL("no case may be skipped here");
		return;
	}
	skipped++;
}

int suite_main(const char *suite_name, const struct suite_case *cases, int count, int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS) {
		fprintf(stderr, "%s: CUnit: %s\n", suite_name, CU_get_error_msg());
		return 1;
	}
	CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
	for (int i = 0; suite && i < count; i++)
		if (is_chosen(cases[i].name, argc, argv))
			CU_add_test(suite, cases[i].name, cases[i].run);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	int failed = CU_basic_run_tests() != CUE_SUCCESS || CU_get_number_of_tests_run() == 0 ||
		     CU_get_number_of_failures() > 0;
	unsigned ran = CU_get_number_of_tests_run(), bad = CU_get_number_of_tests_failed();
	printf("\n%u passed, %u failed, %d skipped\n", ran - bad - (unsigned)skipped, bad, skipped);
	CU_cleanup_registry();
	return failed;
}

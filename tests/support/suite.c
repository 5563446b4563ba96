#include "support/suite.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

static int is_chosen(const char *name, int argc, char **argv)
{
	if (argc < 2)
		return 1;
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return 0;
}

int suite_main(const char *suite_name, const struct suite_case *cases, int count, int argc, char **argv)
{
	if (CU_initialize_registry() != CUE_SUCCESS) {
		fprintf(stderr, "%s: CUnit: %s\n", suite_name, CU_get_error_msg());
		return 1;
	}
	CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
	for (int i = 0; suite && i < count; i++)
		if (is_chosen(cases[i].name, argc, argv))
			CU_add_test(suite, cases[i].name, cases[i].run);
	CU_basic_set_mode(CU_BRM_NORMAL);
	int failed = CU_basic_run_tests() != CUE_SUCCESS || CU_get_number_of_tests_run() == 0 ||
		     CU_get_number_of_failures() > 0;
	CU_cleanup_registry();
	return failed;
}

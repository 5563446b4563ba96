/*
 * Compiles the C++ header with each standard from C++11 on, with warnings as errors, and a program that uses it. QCACHE_INCLUDE and
 * QCACHE_LINK are the compiler options, QCACHE_PROGRAM is the source of the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_library/fixture.h"
#include "support/process.h"

static char *shell(int *out_status, const char *format, const char *a, const char *b, const char *c)
{
	char script[2048];
	const char *argv[] = {"/bin/sh", "-c", script, NULL};

	snprintf(script, sizeof(script), format, a, b, c);
	return process_run(argv, out_status);
}

static bool has_compiler(void)
{
	int status = -1;

	free(shell(&status, "command -v g++%s%s%s", "", "", ""));
	return status == 0;
}

static void the_header_compiles_by_every_standard(void)
{
	static const char *const standards[] = {"c++11", "c++14", "c++17", "c++20"};

	if (!has_compiler())
		SKIP("there is no g++");
	for (size_t i = 0; i < sizeof(standards) / sizeof(standards[0]); i++) {
		int status = -1;
		char *said = shell(&status, "g++ -std=%s -fsyntax-only -Wall -Wextra -Wpedantic -Werror %s %s", standards[i],
				   getenv("QCACHE_INCLUDE"), getenv("QCACHE_PROGRAM"));
		CU_ASSERT_EQUAL(status, 0);
		CU_ASSERT_STRING_EQUAL(said, "");
		fputs(said, stderr);
		free(said);
	}
}

static void a_program_uses_it(void)
{
	struct fixture f = fixture_start("");
	char directory[64], options[1024];
	int status = -1;

	if (!has_compiler()) {
		fixture_stop(&f);
		SKIP("there is no g++");
	}
	scratch_create(directory, sizeof(directory));
	snprintf(options, sizeof(options), "%s -o %s/program %s %s", getenv("QCACHE_INCLUDE"), directory, getenv("QCACHE_PROGRAM"),
		 getenv("QCACHE_LINK"));
	char *said = shell(&status, "g++ -std=c++20 %s -lssl -lcrypto -pthread && %s/program %s", options, directory, f.address);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_STRING_EQUAL(said, "");
	fputs(said, stderr);
	free(said);
	scratch_remove(directory);
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(the_header_compiles_by_every_standard),
	CASE(a_program_uses_it),
};

SUITE_MAIN("client in C++", cases)

/*
 * What the public header lets a program say: the compiler gets it, with warnings as errors. QCACHE_INCLUDE holds the compiler options that
 * find the headers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/process.h"
#include "support/suite.h"

/* Compiles a function with this body, from line 4 on. Returns the compiler's output, which the caller frees. */
static char *compile(const char *compiler, const char *const lines[], size_t count, int *out_status)
{
	char directory[64], script[1024];

	scratch_create(directory, sizeof(directory));
	snprintf(script, sizeof(script), "%s/program.c", directory);
	FILE *file = fopen(script, "w");
	if (!file)
		abort();
	fprintf(file, "#include <qcache.h>\nvoid program(qc_client *c, qc_context *ctx);\nvoid program(qc_client *c, qc_context *ctx) {\n");
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%s\n", lines[i]);
	if (fprintf(file, "}\n") < 0 || fclose(file) != 0)
		abort();
	snprintf(script, sizeof(script), "%s -fsyntax-only -Wall -Wextra -Wpedantic -Werror %s %s/program.c", compiler,
		 getenv("QCACHE_INCLUDE"), directory);
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	char *said = process_run(argv, out_status);
	scratch_remove(directory);
	return said;
}

static void what_is_no_argument_does_not_compile(void)
{
	static const char *const lines[] = {
		"qc_set(c, ctx, \"k\", (const unsigned char *)\"abc\");", "qc_set(c, ctx, \"k\", (signed char *)0);",
		"qc_set(c, ctx, \"k\", (char)c->err.text[0]);",           "qc_set(c, ctx, \"k\", 1.5L);",
		"qc_set(c, ctx, \"k\", (const void *)c);",                "qc_set(c, ctx, \"k\", (int *)0);",
		"qc_set(c, ctx, \"k\", c);",                              "qc_add((qc_pipeline *)c, \"SET\", \"k\", &ctx);",
	};
	int status = 0;
	char *said = compile("gcc -std=gnu11", lines, sizeof(lines) / sizeof(lines[0]), &status);

	CU_ASSERT(status != 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char place[32];
		snprintf(place, sizeof(place), "program.c:%zu:", i + 4);
		const char *at = strstr(said, place);
		CU_ASSERT_PTR_NOT_NULL(at);
		if (!at)
			fprintf(stderr, "it compiles: %s\n", lines[i]);
	}
	free(said);
}

static void calls_without_options_are_no_matter_for_pedants(void)
{
	static const char *const lines[] = {
		"qc_set(c, ctx, \"k\", \"v\");", "qc_set(c, ctx, \"k\", NULL, .nx = true, .ex = 7);", "qc_incr(c, ctx, \"k\");",
		"qc_string pong = qc_ping(c, ctx); qc_release(&pong);",
		"qc_result none = qc_do(c, ctx, \"X\", 'x', 1u, 2L, 3ul, 4LL, 5ull, (short)6, true, 1.5f, (uint8_t)7, (int8_t)8);",
		"qc_release(&none);",
		"qc_iterator_close(qc_iterate(c)); qc_unsubscribe(qc_psubscribe(c, ctx, \"x*\")); qc_close(qc_dial(\"x\"));",
	};
	static const char *const compilers[] = {"gcc -std=gnu11", "gcc -std=c11", "gcc -std=c17"};

	for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++) {
		int status = 0;
		char *said = compile(compilers[i], lines, sizeof(lines) / sizeof(lines[0]), &status);
		CU_ASSERT_EQUAL(status, 0);
		CU_ASSERT_STRING_EQUAL(said, "");
		fputs(said, stderr);
		free(said);
	}
}

static const struct suite_case cases[] = {
	CASE(what_is_no_argument_does_not_compile),
	CASE(calls_without_options_are_no_matter_for_pedants),
};

int main(int argc, char **argv)
{
	if (!getenv("QCACHE_INCLUDE")) {
		fprintf(stderr, "QCACHE_INCLUDE must say where the headers are\n");
		return 1;
	}
	return suite_main("client header", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

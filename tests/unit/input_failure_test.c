/*
 * Each allocation of a reactor fails once while a connection opens and sends requests. The connection must be closed or not accepted,
 * nothing may be left of it, and the next one must be served.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/allocation.h"
#include "support/reactor_bench.h"
#include "support/suite.h"

enum { LARGE = 300000, MOST_ALLOCATIONS = 200 };

static struct reactor_bench *bench;

static void begin(void)
{
	if (!bench)
		bench = reactor_bench_create();
}

/* Each text of the list is one read of the socket; NULL ends it. */
static void send_pieces(const char *const *pieces, struct buffer *transcript)
{
	for (; *pieces && reactor_bench_is_open(bench); pieces++)
		reactor_bench_send(bench, *pieces, strlen(*pieces), transcript);
}

/* One connection with the n-th allocation refused. False when there were fewer. */
static bool serve_refused(const char *const *pieces, uint64_t n, const struct buffer *expected)
{
	struct buffer transcript = { 0 };
	buffer_reserve(&transcript, 4 * LARGE); /* the test's own transcript must not fail */
	allocation_fail_nth(n, NULL);
	bool is_taken = reactor_bench_open(bench);
	if (is_taken)
		send_pieces(pieces, &transcript);
	bool has_failed = allocation_has_failed(), is_whole = is_taken && reactor_bench_is_open(bench);
	allocation_fail_nth(0, NULL);
	if (is_whole)
		CU_ASSERT(transcript.len == expected->len && memcmp(transcript.data, expected->data, expected->len) == 0);
	CU_ASSERT(is_whole || has_failed);
	CU_ASSERT(reactor_bench_close(bench));
	buffer_fini(&transcript);
	return has_failed;
}

static struct buffer serve(const char *const *pieces)
{
	struct buffer transcript = { 0 };
	CU_ASSERT(reactor_bench_open(bench));
	send_pieces(pieces, &transcript);
	CU_ASSERT(reactor_bench_is_open(bench));
	CU_ASSERT(reactor_bench_close(bench));
	return transcript;
}

static void refuse_each(const char *const *pieces, uint64_t least)
{
	begin();
	struct buffer expected = serve(pieces);
	uint64_t n = 1;
	while (n < MOST_ALLOCATIONS && serve_refused(pieces, n, &expected))
		n++;
	CU_ASSERT(n > least && n < MOST_ALLOCATIONS);
	struct buffer again = serve(pieces);
	CU_ASSERT(again.len == expected.len);
	buffer_fini(&again);
	buffer_fini(&expected);
}

static void connection_that_finds_no_memory_is_not_taken(void)
{
	static const char *const pieces[] = { "PING\r\n", NULL };
	refuse_each(pieces, 2);
}

static void requests_in_pieces_that_find_no_memory_end_their_connection(void)
{
	static const char *const pieces[] = {
		"*3\r\n$3\r\nSET\r\n", "$1\r\n", "a", "\r\n$5\r\nva", "lue\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET", "\r\n$1\r\na\r\nECHO x", " y\r\nPI",
		"NG\r\n", NULL
	};
	refuse_each(pieces, 5);
}

static char *large_request(void)
{
	char *text = malloc(2 * LARGE + 200), *at = text;
	for (int i = 0; i < 2; i++) {
		at += sprintf(at, i ? "\r\n$%d\r\n" : "*3\r\n$4\r\nMSET\r\n$%d\r\n", LARGE);
		memset(at, 'v', LARGE);
		at += LARGE;
	}
	strcpy(at, "\r\n");
	return text;
}

static void large_values_that_find_no_memory_end_their_connection(void)
{
	char *text = large_request();
	const char *const pieces[] = { "*1\r\n$4\r\nPING\r\n", text, "*1\r\n$4\r\nPING\r\n", NULL };
	refuse_each(pieces, 8);
	free(text);
}

static void many_arguments_that_find_no_memory_end_their_connection(void)
{
	enum { ARGUMENTS = 30000 };
	char *text = malloc(ARGUMENTS * 8 + 64), *at = text + sprintf(text, "*%d\r\n", ARGUMENTS);
	for (int i = 0; i < ARGUMENTS; i++)
		at += sprintf(at, "$1\r\nx\r\n");
	const char *const pieces[] = { text, "PING\r\n", NULL };
	refuse_each(pieces, 5);
	free(text);
}

static void protocol_error_that_finds_no_memory_ends_its_connection(void)
{
	struct buffer transcript = { 0 };
	begin();
	buffer_reserve(&transcript, 4096);
	for (uint64_t n = 1; n < 10; n++) {
		CU_ASSERT_FATAL(reactor_bench_open(bench));
		allocation_fail_nth(n, NULL);
		reactor_bench_send(bench, "*1\r\n!\r\n", 7, &transcript);
		allocation_fail_nth(0, NULL);
		CU_ASSERT_FALSE(reactor_bench_is_open(bench));
		CU_ASSERT(reactor_bench_close(bench));
	}
	buffer_fini(&transcript);
}

static void the_reactor_leaves_nothing_behind(void)
{
	begin();
	reactor_bench_destroy(&bench);
}

static const struct suite_case cases[] = {
	CASE(connection_that_finds_no_memory_is_not_taken),
	CASE(requests_in_pieces_that_find_no_memory_end_their_connection),
	CASE(large_values_that_find_no_memory_end_their_connection),
	CASE(many_arguments_that_find_no_memory_end_their_connection),
	CASE(protocol_error_that_finds_no_memory_ends_its_connection),
	CASE(the_reactor_leaves_nothing_behind),
};

SUITE_MAIN("input without memory", cases)

#include "actors/reactor/output.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/allocation.h"
#include "support/suite.h"

#define BLOB_BYTES 300000u

/* Two ends of a socket with small buffers; bytes that arrive at the far end are collected. */
struct pair {
	int near, far;
	uint8_t *got;
	size_t got_len;
};

static struct pair make_pair(void)
{
	int fds[2], small = 4096;
	struct pair pair = { .got = malloc(8u << 20) };
	if (!pair.got || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		abort();
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	pair.near = fds[0];
	pair.far = fds[1];
	return pair;
}

static void drain(struct pair *pair)
{
	ssize_t n;
	while ((n = read(pair->far, pair->got + pair->got_len, 65536)) > 0)
		pair->got_len += (size_t)n;
}

static void close_pair(struct pair *pair)
{
	close(pair->near);
	if (pair->far >= 0)
		close(pair->far);
	free(pair->got);
}

static struct blob *make_blob(void)
{
	struct blob *blob = blob_create(BLOB_BYTES);
	blob->len = BLOB_BYTES;
	for (uint32_t i = 0; i < BLOB_BYTES; i++)
		blob->data[i] = (uint8_t)(i * 7 + i / 251);
	return blob;
}

/* "a" BLOB "bc" (a part without text) BLOB "d", and then a long text. */
static void everything_arrives_in_order_through_a_narrow_socket(void)
{
	struct pair pair = make_pair();
	struct output output = { 0 };
	struct output_counts counts = { 0 };
	struct blob *blob = make_blob();
	struct reply_part parts[] = {
		{ .text_len = 1, .blob = blob }, { .text_len = 2 }, { .text_len = 0, .blob = blob }, { .text_len = 1 },
	};
	enum output_status status = output_write_parts(&output, pair.near, parts, 4, (const uint8_t *)"abcd", &counts);
	CU_ASSERT_EQUAL(status, OUTPUT_WAITING);
	CU_ASSERT_EQUAL(output.bytes + counts.bytes, 2 * BLOB_BYTES + 4);
	struct reply_part more = { .text_len = BLOB_BYTES };
	CU_ASSERT_EQUAL(output_write_parts(&output, pair.near, &more, 1, blob->data, &counts), OUTPUT_WAITING);
	while (status == OUTPUT_WAITING) {
		drain(&pair);
		status = output_flush(&output, pair.near, &counts);
	}
	drain(&pair);
	CU_ASSERT_EQUAL(status, OUTPUT_EMPTY);
	CU_ASSERT_EQUAL(output.bytes, 0);
	CU_ASSERT_EQUAL(output.pieces, 0);
	CU_ASSERT_EQUAL_FATAL(pair.got_len, 3 * BLOB_BYTES + 4);
	CU_ASSERT_EQUAL(pair.got[0], 'a');
	CU_ASSERT_EQUAL(memcmp(pair.got + 1, blob->data, BLOB_BYTES), 0);
	CU_ASSERT_EQUAL(memcmp(pair.got + 1 + BLOB_BYTES, "bc", 2), 0);
	CU_ASSERT_EQUAL(memcmp(pair.got + 3 + BLOB_BYTES, blob->data, BLOB_BYTES), 0);
	CU_ASSERT_EQUAL(pair.got[3 + 2 * BLOB_BYTES], 'd');
	CU_ASSERT_EQUAL(memcmp(pair.got + 4 + 2 * BLOB_BYTES, blob->data, BLOB_BYTES), 0);
	CU_ASSERT_EQUAL(counts.bytes, pair.got_len);
	CU_ASSERT_EQUAL(atomic_load(&blob->holders), 1);
	blob_release(&blob);
	output_fini(&output);
	close_pair(&pair);
}

static void small_replies_leave_in_one_call(void)
{
	struct pair pair = make_pair();
	struct output output = { 0 };
	struct output_counts counts = { 0 };
	struct reply_part parts[] = { { .text_len = 5 }, { .text_len = 4 }, { .text_len = 0 }, { .text_len = 3 } };
	CU_ASSERT_EQUAL(output_write_parts(&output, pair.near, parts, 4, (const uint8_t *)"+OK\r\n:1\r\n$-1", &counts),
			OUTPUT_EMPTY);
	drain(&pair);
	CU_ASSERT_EQUAL(counts.calls, 1);
	CU_ASSERT_EQUAL(pair.got_len, 12);
	output_fini(&output);
	close_pair(&pair);
}

static void nothing_to_say_is_no_call(void)
{
	struct pair pair = make_pair();
	struct output output = { 0 };
	struct output_counts counts = { 0 };
	struct reply_part part = { .flags = REPLY_GO_ON };
	CU_ASSERT_EQUAL(output_write_parts(&output, pair.near, &part, 1, NULL, &counts), OUTPUT_EMPTY);
	CU_ASSERT_EQUAL(counts.calls, 0);
	close_pair(&pair);
}

static void a_peer_that_is_gone_is_noticed_and_raises_no_signal(void)
{
	struct pair pair = make_pair();
	struct output output = { 0 };
	struct output_counts counts = { 0 };
	close(pair.far);
	pair.far = -1;
	struct reply_part part = { .text_len = 3 };
	CU_ASSERT_EQUAL(output_write_parts(&output, pair.near, &part, 1, (const uint8_t *)"abc", &counts), OUTPUT_BROKEN);
	close_pair(&pair);
}

/* Output for a full socket takes an allocation for each piece; each of them fails once. */
static void without_memory_for_what_waits_it_says_so_and_holds_nothing(void)
{
	struct blob *blob = make_blob();
	const struct reply_part parts[] = { { .text_len = 1, .blob = blob }, { .text_len = 2, .blob = blob }, { .text_len = 1 } };
	enum output_status status = OUTPUT_NO_MEMORY;
	for (uint64_t n = 1; status == OUTPUT_NO_MEMORY && n < 20; n++) {
		struct pair pair = make_pair();
		struct output output = { 0 };
		struct output_counts counts = { 0 };
		allocation_fail_nth(n, NULL);
		status = output_write_parts(&output, pair.near, parts, 3, (const uint8_t *)"abcd", &counts);
		CU_ASSERT_EQUAL(status, allocation_has_failed() ? OUTPUT_NO_MEMORY : OUTPUT_WAITING);
		allocation_fail_nth(0, NULL);
		CU_ASSERT(output.bytes + counts.bytes <= 2 * BLOB_BYTES + 4);
		output_fini(&output);
		CU_ASSERT_EQUAL(output.taken_bytes, 0);
		CU_ASSERT_EQUAL(atomic_load(&blob->holders), 1);
		close_pair(&pair);
	}
	CU_ASSERT_EQUAL(status, OUTPUT_WAITING);
	blob_release(&blob);
}

/* A failed addition leaves the batch unchanged. */
static void a_batch_without_memory_takes_nothing(void)
{
	struct request_batch *batch = request_batch_create(64);
	struct reply_batch *replies = reply_batch_create();
	struct connection_reports *reports = NULL;
	struct blob *blob = make_blob();
	allocation_fail_nth(1, NULL);
	CU_ASSERT_PTR_NULL(request_batch_add(batch));
	allocation_fail_nth(1, NULL);
	CU_ASSERT_FALSE(request_batch_reserve_runs(batch, 1));
	allocation_fail_nth(1, NULL);
	CU_ASSERT_FALSE(request_batch_take_blobs(batch, &blob, 1));
	allocation_fail_nth(1, NULL);
	CU_ASSERT_PTR_NULL(reply_batch_add(replies));
	for (uint64_t n = 1; n <= 2; n++) {
		allocation_fail_nth(n, NULL);
		CU_ASSERT_FALSE(connection_reports_add(&reports, &(struct connection_report){ .state = REPORT_GONE }));
	}
	CU_ASSERT_EQUAL(batch->count + batch->run_count + batch->blob_count + batch->taken_bytes + replies->count + reports->count, 0);
	for (uint64_t n = 1; n <= 3; n++) {
		allocation_fail_nth(n, NULL);
		CU_ASSERT_PTR_NULL(request_batch_create(64));
	}
	allocation_fail_nth(0, NULL);
	CU_ASSERT_TRUE(request_batch_take_blobs(batch, &blob, 1));
	request_batch_destroy(&batch);
	reply_batch_destroy(&replies);
	connection_reports_destroy(&reports);
}

static const struct suite_case cases[] = {
	CASE(everything_arrives_in_order_through_a_narrow_socket),
	CASE(small_replies_leave_in_one_call),
	CASE(nothing_to_say_is_no_call),
	CASE(a_peer_that_is_gone_is_noticed_and_raises_no_signal),
	CASE(without_memory_for_what_waits_it_says_so_and_holds_nothing),
	CASE(a_batch_without_memory_takes_nothing),
};

SUITE_MAIN("output", cases)

#include "actors/reactor/gate.h"

#include <stdlib.h>

#include "support/suite.h"

static struct reply_batch *make_batch(const char *text)
{
	struct reply_batch *batch = reply_batch_create();
	if (!batch)
		abort();
	buffer_append(&batch->text, text, strlen(text));
	return batch;
}

static void hold(struct gate *gate, uint64_t sequence, const char *text)
{
	CU_ASSERT_FALSE_FATAL(gate_passes(gate, sequence));
	gate_hold(gate, sequence, make_batch(text));
}

/* The texts of all batches that pass now. */
static void expect_to_pass(struct gate *gate, const char *expected)
{
	struct buffer texts = { 0 };
	for (struct reply_batch *batch; (batch = gate_take(gate)); reply_batch_destroy(&batch))
		buffer_append(&texts, batch->text.data, batch->text.len);
	CU_ASSERT_EQUAL(texts.len, strlen(expected));
	CU_ASSERT_TRUE(texts.len == strlen(expected) && memcmp(texts.data ? texts.data : (const uint8_t *)"", expected, texts.len) == 0);
	buffer_fini(&texts);
}

static void replies_that_wait_for_nothing_pass(void)
{
	struct gate gate;
	gate_init(&gate);
	CU_ASSERT_TRUE(gate_passes(&gate, 0));
	CU_ASSERT_FALSE(gate_passes(&gate, 1));
	gate_fini(&gate);
}

static void replies_pass_once_the_mark_has_reached_them(void)
{
	struct gate gate;
	gate_init(&gate);
	hold(&gate, 5, "five");
	gate_set_mark(&gate, 4);
	expect_to_pass(&gate, "");
	gate_set_mark(&gate, 5);
	expect_to_pass(&gate, "five");
	CU_ASSERT_TRUE(gate_passes(&gate, 5));
	CU_ASSERT_FALSE(gate_passes(&gate, 6));
	gate_fini(&gate);
}

static void what_waits_for_nothing_does_not_overtake_what_waits(void)
{
	struct gate gate;
	gate_init(&gate);
	gate_set_mark(&gate, 6);
	hold(&gate, 7, "seven ");
	hold(&gate, 0, "zero ");
	hold(&gate, 9, "nine ");
	hold(&gate, 8, "eight ");
	expect_to_pass(&gate, "");
	gate_set_mark(&gate, 7);
	expect_to_pass(&gate, "seven zero ");
	gate_set_mark(&gate, 8);
	expect_to_pass(&gate, "");
	CU_ASSERT_FALSE(gate_passes(&gate, 0));
	gate_set_mark(&gate, 9);
	expect_to_pass(&gate, "nine eight ");
	CU_ASSERT_TRUE(gate_passes(&gate, 9));
	gate_fini(&gate);
}

static void a_mark_never_goes_back(void)
{
	struct gate gate;
	gate_init(&gate);
	gate_set_mark(&gate, 10);
	gate_set_mark(&gate, 3);
	CU_ASSERT_TRUE(gate_passes(&gate, 10));
	gate_fini(&gate);
}

static void memory_is_counted_while_replies_wait(void)
{
	struct gate gate;
	gate_init(&gate);
	struct reply_batch *batch = make_batch("a text");
	CU_ASSERT_PTR_NOT_NULL_FATAL(reply_batch_add(batch));
	gate_hold(&gate, 1, batch);
	CU_ASSERT_EQUAL(gate.taken_bytes, sizeof(*batch) + batch->text.capacity + batch->capacity * sizeof(struct reply_part));
	gate_set_mark(&gate, 1);
	expect_to_pass(&gate, "a text");
	CU_ASSERT_EQUAL(gate.taken_bytes, 0);
	gate_fini(&gate);
}

static void the_end_destroys_what_waits(void)
{
	struct gate gate;
	gate_init(&gate);
	hold(&gate, 1, "one");
	hold(&gate, 2, "two");
	gate_fini(&gate);
	CU_ASSERT_PTR_NULL(gate.first);
	CU_ASSERT_EQUAL(gate.taken_bytes, 0);
}

static const struct suite_case cases[] = {
	CASE(replies_that_wait_for_nothing_pass),
	CASE(replies_pass_once_the_mark_has_reached_them),
	CASE(what_waits_for_nothing_does_not_overtake_what_waits),
	CASE(a_mark_never_goes_back),
	CASE(memory_is_counted_while_replies_wait),
	CASE(the_end_destroys_what_waits),
};

SUITE_MAIN("gate", cases)

/*
 * Every type of effect, applied to data that it fits and to data that it doesn't fit.
 */
#include "actors/bus/effect_apply.h"

#include <stdbool.h>

#include "storage/memory.h"
#include "support/suite.h"

#define DATABASES 3

static struct databases databases;
static uint32_t discarded;

static void discard(void *context, struct keyspace *keyspace)
{
	keyspace_destroy(&keyspace);
	discarded++;
}

static const struct effect_target target = { .databases = &databases, .is_exact = true, .discard = discard };

static void forget_all(void)
{
	databases_fini(&databases);
	CU_ASSERT_TRUE(databases_init(&databases, DATABASES));
	discarded = 0;
}

static struct slice text(const char *words)
{
	return slice_of(words, strlen(words));
}

static enum apply_status apply(const struct effect *effect)
{
	return effect_apply(&target, effect);
}

static void given(uint32_t database, const char *key, const char *value, int64_t when_ms)
{
	CU_ASSERT_EQUAL(apply(&(struct effect){
				.type = EFFECT_SET, .database = database, .key = text(key), .value = text(value), .number = when_ms }),
			APPLY_DONE);
}

static const struct entry *find(uint32_t database, const char *key)
{
	return keyspace_find_any(databases_read(&databases, database), text(key), keyspace_hash(text(key)));
}

static bool holds(uint32_t database, const char *key, const char *value, int64_t when_ms)
{
	const struct entry *entry = find(database, key);
	return entry && slice_equal(entry_string(entry), text(value)) && keyspace_expiry_ms(databases_read(&databases, database), entry) == when_ms;
}

/* ---- values ---- */

static void set_gives_value_and_time_to_live(void)
{
	given(1, "a", "old", 500);
	given(1, "a", "new", NO_EXPIRY);
	CU_ASSERT_TRUE(holds(1, "a", "new", NO_EXPIRY));
	given(1, "a", "newer", 700);
	CU_ASSERT_TRUE(holds(1, "a", "newer", 700));
	CU_ASSERT_PTR_NULL(find(0, "a"));
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_SET, .database = DATABASES, .key = text("a") }), APPLY_MISFIT);
	forget_all();
}

static void a_large_value_is_held_and_not_copied(void)
{
	struct blob *blob = blob_create(BLOB_MIN_BYTES);
	blob->len = BLOB_MIN_BYTES;
	memset(blob->data, 'x', blob->len);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_SET, .key = text("a"), .blob = blob, .number = 7 }), APPLY_DONE);
	CU_ASSERT_PTR_EQUAL(entry_blob(find(0, "a")), blob);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_COPY, .key = text("a"), .other_key = text("b") }), APPLY_DONE);
	CU_ASSERT_PTR_EQUAL(entry_blob(find(0, "b")), blob);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_RENAME, .key = text("a"), .other_key = text("c") }), APPLY_DONE);
	CU_ASSERT_PTR_EQUAL(entry_blob(find(0, "c")), blob);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_APPEND, .key = text("c"), .value = text("y"), .result = BLOB_MIN_BYTES + 1 }),
			APPLY_DONE);
	CU_ASSERT_EQUAL(entry_string(find(0, "c")).len, BLOB_MIN_BYTES + 1);
	CU_ASSERT_EQUAL(entry_string(find(0, "b")).len, BLOB_MIN_BYTES);
	forget_all();
	CU_ASSERT_FALSE(blob_is_shared(blob));
	blob_release(&blob);
}

static void incrby_adds_and_must_come_to_the_result(void)
{
	struct effect effect = { .type = EFFECT_INCRBY, .key = text("n"), .number = -5, .result = -5 };
	CU_ASSERT_EQUAL(apply(&effect), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "n", "-5", NO_EXPIRY));
	given(0, "n", "12", 900);
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	effect.result = 7;
	CU_ASSERT_EQUAL(apply(&effect), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "n", "7", 900));
	given(0, "n", "no number", NO_EXPIRY);
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	forget_all();
}

static void incrbyfloat_sets_the_sum(void)
{
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_INCRBYFLOAT, .key = text("f"), .value = text("1.5"), .number = 80 }),
			APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "f", "1.5", 80));
	CU_ASSERT_EQUAL(entry_string_origin(find(0, "f")), STRING_COMPUTED);
	forget_all();
}

static void append_puts_behind_and_keeps_the_time_to_live(void)
{
	struct effect effect = { .type = EFFECT_APPEND, .key = text("a"), .value = text("bc"), .result = 2 };
	CU_ASSERT_EQUAL(apply(&effect), APPLY_DONE);
	CU_ASSERT_EQUAL(entry_string_origin(find(0, "a")), STRING_GIVEN);
	given(0, "a", "x", 300);
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	effect.result = 3;
	CU_ASSERT_EQUAL(apply(&effect), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "a", "xbc", 300));
	CU_ASSERT_EQUAL(entry_string_origin(find(0, "a")), STRING_PATCHED);
	forget_all();
}

static void setrange_writes_over_and_fills_a_gap(void)
{
	struct effect effect = { .type = EFFECT_SETRANGE, .key = text("a"), .value = text("XY"), .number = 1, .result = 4 };
	given(0, "a", "abcd", 300);
	CU_ASSERT_EQUAL(apply(&effect), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "a", "aXYd", 300));
	effect.number = 6;
	effect.result = 8;
	CU_ASSERT_EQUAL(apply(&effect), APPLY_DONE);
	CU_ASSERT_TRUE(slice_equal(entry_string(find(0, "a")), slice_of("aXYd\0\0XY", 8)));
	effect.number = -1;
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	effect.number = UINT32_MAX;
	effect.result = (int64_t)UINT32_MAX + 2; /* as 32 bits: 1 */
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	forget_all();
}

/* ---- keys ---- */

static void removals_of_all_kinds_remove(void)
{
	const enum effect_type removals[] = { EFFECT_DEL, EFFECT_EXPIRED, EFFECT_EVICTED };
	for (size_t i = 0; i < sizeof(removals) / sizeof(removals[0]); i++) {
		given(2, "a", "v", 5);
		CU_ASSERT_EQUAL(apply(&(struct effect){ .type = removals[i], .database = 2, .key = text("a") }), APPLY_DONE);
		CU_ASSERT_PTR_NULL(find(2, "a"));
		CU_ASSERT_EQUAL(apply(&(struct effect){ .type = removals[i], .database = 2, .key = text("a") }), APPLY_MISFIT);
	}
	forget_all();
}

static void rename_moves_value_and_time_over_what_was_there(void)
{
	struct effect effect = { .type = EFFECT_RENAME, .database = 1, .key = text("a"), .other_key = text("b") };
	given(1, "a", "v", 400);
	given(1, "b", "w", 600);
	CU_ASSERT_EQUAL(apply(&effect), APPLY_DONE);
	CU_ASSERT_PTR_NULL(find(1, "a"));
	CU_ASSERT_TRUE(holds(1, "b", "v", 400));
	CU_ASSERT_EQUAL(keyspace_expiring_count(databases_read(&databases, 1)), 1);
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	effect.key = text("b");
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	forget_all();
}

static void move_takes_a_key_to_another_database(void)
{
	struct effect effect = { .type = EFFECT_MOVE, .key = text("a"), .number = 2 };
	given(0, "a", "v", 400);
	CU_ASSERT_EQUAL(apply(&effect), APPLY_DONE);
	CU_ASSERT_PTR_NULL(find(0, "a"));
	CU_ASSERT_TRUE(holds(2, "a", "v", 400));
	given(0, "a", "v", NO_EXPIRY);
	effect.number = DATABASES;
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	effect.number = 0;
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	effect.number = 2; /* where the key is taken */
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	CU_ASSERT_TRUE(holds(0, "a", "v", NO_EXPIRY));
	forget_all();
}

static void copy_leaves_the_original(void)
{
	struct effect effect = { .type = EFFECT_COPY, .key = text("a"), .other_key = text("b"), .number = 1 };
	given(0, "a", "v", 400);
	given(1, "b", "w", NO_EXPIRY);
	CU_ASSERT_EQUAL(apply(&effect), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "a", "v", 400));
	CU_ASSERT_TRUE(holds(1, "b", "v", 400));
	effect.key = text("absent");
	CU_ASSERT_EQUAL(apply(&effect), APPLY_MISFIT);
	forget_all();
}

static void expire_and_persist_change_the_time_to_live(void)
{
	struct effect expire = { .type = EFFECT_EXPIRE, .key = text("a"), .number = 123 };
	struct effect persist = { .type = EFFECT_PERSIST, .key = text("a") };
	CU_ASSERT_EQUAL(apply(&expire), APPLY_MISFIT);
	CU_ASSERT_EQUAL(apply(&persist), APPLY_MISFIT);
	given(0, "a", "v", NO_EXPIRY);
	CU_ASSERT_EQUAL(apply(&expire), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "a", "v", 123));
	CU_ASSERT_EQUAL(apply(&persist), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "a", "v", NO_EXPIRY));
	forget_all();
}

/* ---- databases ---- */

static void flushes_discard_and_a_swap_changes_places(void)
{
	for (uint32_t i = 0; i < DATABASES; i++)
		given(i, "a", (const char *[]){ "zero", "one", "two" }[i], NO_EXPIRY);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_SWAPDB, .database = 0, .number = 2 }), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "a", "two", NO_EXPIRY) && holds(2, "a", "zero", NO_EXPIRY));
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_SWAPDB, .database = 0, .number = DATABASES }), APPLY_MISFIT);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_SWAPDB, .database = 0, .number = -1 }), APPLY_MISFIT);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_FLUSHDB, .database = 1 }), APPLY_DONE);
	CU_ASSERT_EQUAL(discarded, 1);
	CU_ASSERT_PTR_NULL(find(1, "a"));
	CU_ASSERT_PTR_NOT_NULL(find(2, "a"));
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_FLUSHALL }), APPLY_DONE);
	for (uint32_t i = 0; i < DATABASES; i++)
		CU_ASSERT_PTR_NULL(find(i, "a"));
	forget_all();
}

static void a_snapshot_changes_nothing(void)
{
	given(0, "a", "v", 5);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_SNAPSHOT, .number = 7 }), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "a", "v", 5));
	forget_all();
}

/* ---- effects of another server's log ---- */

static const struct effect_target lenient = { .databases = &databases, .discard = discard };

static void of_another_server_a_misfit_changes_nothing(void)
{
	static const struct effect misfits[] = {
		{ .type = EFFECT_DEL }, { .type = EFFECT_PERSIST }, { .type = EFFECT_EXPIRE, .number = 5 },
		{ .type = EFFECT_INCRBY, .number = 1, .result = 7 }, { .type = EFFECT_MOVE, .number = 1 },
	};
	given(0, "text", "x", NO_EXPIRY);
	for (size_t i = 0; i < sizeof(misfits) / sizeof(misfits[0]); i++) {
		struct effect effect = misfits[i];
		effect.key = text("absent");
		CU_ASSERT_EQUAL(effect_apply(&target, &effect), APPLY_MISFIT);
		CU_ASSERT_EQUAL(effect_apply(&lenient, &effect), APPLY_DONE);
		CU_ASSERT_PTR_NULL(find(0, "absent"));
	}
	CU_ASSERT_EQUAL(effect_apply(&lenient, &(struct effect){ .type = EFFECT_SET, .database = DATABASES, .key = text("a") }), APPLY_MISFIT);
	forget_all();
}

static void what_a_log_does_not_tell_is_left_to_the_data(void)
{
	given(0, "n", "5", 900);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_INCRBY, .key = text("n"), .number = 2, .result = RESULT_UNKNOWN }), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "n", "7", 900));
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_APPEND, .key = text("n"), .value = text(".5"), .result = RESULT_UNKNOWN }),
			APPLY_DONE);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_ADDFLOAT, .key = text("n"), .value = text("-0.25") }), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "n", "7.25", 900));
	CU_ASSERT_EQUAL(entry_string_origin(find(0, "n")), STRING_COMPUTED);
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_SET, .key = text("n"), .value = text("v"), .number = EXPIRY_KEPT }), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "n", "v", 900));
	CU_ASSERT_EQUAL(apply(&(struct effect){ .type = EFFECT_ADDFLOAT, .key = text("n"), .value = text("1") }), APPLY_MISFIT);
	forget_all();
}

/* Each guard on an absent key, one that stays, and one that expires at 100. */
static void a_guard_that_fails_ends_its_frame(void)
{
	static const struct {
		enum guard guard;
		int64_t operand;
		bool holds[3];
	} guards[] = {
		{ GUARD_ABSENT, 0, { true, false, false } },         { GUARD_PRESENT, 0, { false, true, true } },
		{ GUARD_EXPIRES, 0, { false, false, true } },        { GUARD_STAYS, 0, { true, true, false } },
		{ GUARD_EXPIRES_BEFORE, 101, { false, false, true } }, { GUARD_EXPIRES_BEFORE, 100, { false, false, false } },
		{ GUARD_EXPIRES_AFTER, 99, { true, true, true } },   { GUARD_EXPIRES_AFTER, 100, { true, true, false } },
	};
	given(0, "stays", "v", NO_EXPIRY);
	given(0, "expires", "v", 100);
	for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
		for (size_t key = 0; key < 3; key++) {
			struct frame_writer writer = { .first_sequence = 1 };
			struct frame_reader reader;
			struct frame frame;
			frame_begin(&writer, NULL);
			frame_append(&writer, &(struct effect){ .type = EFFECT_GUARD, .number = guards[i].guard, .result = guards[i].operand,
								.key = text((const char *[]){ "absent", "stays", "expires" }[key]) });
			frame_append(&writer, &(struct effect){ .type = EFFECT_SET, .key = text("set"), .number = NO_EXPIRY });
			frame_end(&writer);
			frame_reader_init(&reader, &writer);
			CU_ASSERT_TRUE(frame_next(&reader, &frame));
			CU_ASSERT_EQUAL(frame_apply(&lenient, &reader), APPLY_DONE);
			CU_ASSERT_EQUAL(find(0, "set") != NULL, guards[i].holds[key]);
			apply(&(struct effect){ .type = EFFECT_DEL, .key = text("set") });
			frame_writer_fini(&writer);
		}
	}
	forget_all();
}

/* ---- frames and memory ---- */

static void a_frame_is_applied_in_order(void)
{
	struct frame_writer writer = { .first_sequence = 1 };
	struct frame_reader reader;
	struct frame frame;
	given(0, "a", "old", 10);
	frame_begin(&writer, NULL);
	frame_append(&writer, &(struct effect){ .type = EFFECT_EXPIRED, .key = text("a") });
	frame_append(&writer, &(struct effect){ .type = EFFECT_INCRBY, .key = text("a"), .number = 3, .result = 3 });
	frame_end(&writer);
	frame_reader_init(&reader, &writer);
	CU_ASSERT_TRUE(frame_next(&reader, &frame));
	CU_ASSERT_EQUAL(frame_apply(&target, &reader), APPLY_DONE);
	CU_ASSERT_TRUE(holds(0, "a", "3", NO_EXPIRY));
	frame_writer_fini(&writer);
	forget_all();
}

static void without_memory_an_effect_can_be_applied_again(void)
{
	const struct effect effects[] = {
		{ .type = EFFECT_SET, .key = text("new"), .value = text("v"), .number = 99 },
		{ .type = EFFECT_APPEND, .key = text("a"), .value = text("a much longer text than the one before it was"), .result = 46 },
		{ .type = EFFECT_COPY, .key = text("a"), .other_key = text("c"), .number = 1 },
		{ .type = EFFECT_EXPIRE, .key = text("b"), .number = 88 },
		{ .type = EFFECT_MOVE, .key = text("b"), .number = 1 },
		{ .type = EFFECT_RENAME, .key = text("a"), .other_key = text("another name that is long") },
	};
	given(0, "a", "v", 77);
	given(0, "b", "v", NO_EXPIRY);
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		enum apply_status status = APPLY_NO_MEMORY;
		for (uint64_t n = 1; status == APPLY_NO_MEMORY && n < 100; n++) {
			memory_fail_nth(n);
			status = apply(&effects[i]);
		}
		memory_fail_nth(0);
		CU_ASSERT_EQUAL(status, APPLY_DONE);
	}
	CU_ASSERT_TRUE(holds(0, "new", "v", 99));
	CU_ASSERT_TRUE(holds(0, "another name that is long", "va much longer text than the one before it was", 77));
	CU_ASSERT_TRUE(holds(1, "c", "va much longer text than the one before it was", 77));
	CU_ASSERT_TRUE(holds(1, "b", "v", 88));
	forget_all();
}

static const struct suite_case cases[] = {
	CASE(set_gives_value_and_time_to_live),
	CASE(a_large_value_is_held_and_not_copied),
	CASE(incrby_adds_and_must_come_to_the_result),
	CASE(incrbyfloat_sets_the_sum),
	CASE(append_puts_behind_and_keeps_the_time_to_live),
	CASE(setrange_writes_over_and_fills_a_gap),
	CASE(removals_of_all_kinds_remove),
	CASE(rename_moves_value_and_time_over_what_was_there),
	CASE(move_takes_a_key_to_another_database),
	CASE(copy_leaves_the_original),
	CASE(expire_and_persist_change_the_time_to_live),
	CASE(flushes_discard_and_a_swap_changes_places),
	CASE(a_snapshot_changes_nothing),
	CASE(of_another_server_a_misfit_changes_nothing),
	CASE(what_a_log_does_not_tell_is_left_to_the_data),
	CASE(a_guard_that_fails_ends_its_frame),
	CASE(a_frame_is_applied_in_order),
	CASE(without_memory_an_effect_can_be_applied_again),
};

int main(int argc, char **argv)
{
	memory_init();
	keyspace_seed_hash();
	if (!databases_init(&databases, DATABASES))
		return 1;
	int status = suite_main("effect_apply", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	databases_fini(&databases);
	return status;
}

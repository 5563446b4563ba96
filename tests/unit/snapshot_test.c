/*
 * A snapshot has each key once, as it was at the cut, whatever changes while it is taken. The model of the cut is a plain table.
 */
#include "actors/store/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "storage/memory.h"
#include "storage/types/string.h"
#include "storage/value.h"
#include "support/allocation.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"
#include "transport/buffer.h"

#define DATABASES 5
#define NAMES 120
#define NOW_MS 500
#define LARGE (BLOB_MIN_BYTES + 100)
#define ROUNDS 150

/* ---- the model: what each key is ---- */

struct state {
	uint32_t copies;
	int64_t expiry_ms;
	uint64_t value; /* a hash of its encoding */
};

struct model {
	struct state keys[DATABASES][NAMES];
};

static bool append(void *context, const void *data, size_t len)
{
	buffer_append(context, data, len);
	return true;
}

static uint64_t hash_and_free(struct buffer *encoding)
{
	uint64_t hash = keyspace_hash(slice_of(encoding->data, encoding->len));
	buffer_fini(encoding);
	return hash;
}

static struct slice name_of(uint64_t number)
{
	return keys_numbered(number);
}

static uint64_t number_of(struct slice name)
{
	char text[17] = "";
	memcpy(text, name.data, 16);
	return strtoull(text, NULL, 10);
}

static void note(struct model *model, uint32_t database, struct slice key, int64_t expiry_ms, struct buffer *encoding)
{
	struct state *state = &model->keys[database][number_of(key)];
	state->copies++;
	state->expiry_ms = expiry_ms;
	state->value = hash_and_free(encoding);
}

/* ---- the world: databases, a snapshot, what it has emitted ---- */

static struct databases databases;
static struct keyspace *all_before;
static struct snapshot snapshot;
static struct model at_cut, emitted;
static struct random chance;

static void open_world(uint64_t seed)
{
	all_before = keys_create();
	chance.state = seed;
	CU_ASSERT_FATAL(databases_init(&databases, DATABASES));
	snapshot_init(&snapshot, &databases);
}

static void close_world(void)
{
	snapshot_fini(&snapshot);
	databases_fini(&databases);
	keys_destroy(&all_before);
}

struct visited {
	uint32_t database;
	const struct keyspace *keyspace;
};

static void note_visited(void *context, struct entry *entry)
{
	const struct visited *visited = context;
	struct buffer encoding = { 0 };
	struct rdb_writer writer = { .write = append, .context = &encoding };
	int64_t expiry_ms = keyspace_expiry_ms(visited->keyspace, entry);
	if (expiry_ms != NO_EXPIRY && expiry_ms <= NOW_MS && !snapshot.options.keeps_expired)
		return;
	entry_encode(entry, &writer);
	note(&at_cut, visited->database, entry_key(entry), expiry_ms, &encoding);
}

static void begin(bool keeps_expired)
{
	memset(&emitted, 0, sizeof(emitted));
	CU_ASSERT_FATAL(snapshot_begin(&snapshot, &(struct snapshot_options){ .now_ms = NOW_MS, .keeps_expired = keeps_expired }));
	memset(&at_cut, 0, sizeof(at_cut));
	for (uint32_t i = 0; i < DATABASES; i++) {
		struct visited visited = { i, databases_read(&databases, i) };
		uint64_t cursor = 0;
		do {
			cursor = keyspace_scan(visited.keyspace, cursor, note_visited, &visited);
		} while (cursor != 0);
	}
}

static void note_records(const struct snapshot_batch *batch)
{
	struct rdb_pieces_reader reader;
	struct rdb_record record;
	rdb_pieces_reader_init(&reader, &batch->pieces);
	while (rdb_pieces_next(&reader, &record)) {
		struct buffer encoding = { 0 };
		struct rdb_writer writer = { .write = append, .context = &encoding };
		rdb_pieces_write_value(&reader, &writer);
		note(&emitted, record.database, record.key, record.expiry_ms, &encoding);
	}
}

/* As the writer does. */
static void take_batches(enum snapshot_want want)
{
	struct snapshot_batch *batch;
	while ((batch = snapshot_take(&snapshot, want))) {
		note_records(batch);
		rdb_pieces_clear(&batch->pieces);
		snapshot_give(&snapshot, batch);
	}
}

static uint32_t differences(void)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < DATABASES; i++)
		for (uint32_t j = 0; j < NAMES; j++)
			found += memcmp(&at_cut.keys[i][j], &emitted.keys[i][j], sizeof(struct state)) != 0;
	return found;
}

/* ---- changes of all kinds ---- */

static uint32_t draw_database(void)
{
	return (uint32_t)random_below(&chance, DATABASES);
}

static struct entry *find(uint32_t database, uint64_t number)
{
	return keyspace_find_any(databases_read(&databases, database), name_of(number), keyspace_hash(name_of(number)));
}

static void set_some(uint32_t database, uint64_t number)
{
	static uint8_t bytes[LARGE];
	static const size_t lengths[] = { 0, 1, 8, 9, 60, 255, 256, 1000, LARGE };
	struct entry *entry;
	struct keyspace *keyspace = databases_own(&databases, database);
	size_t len = lengths[random_below(&chance, sizeof(lengths) / sizeof(lengths[0]))];
	memset(bytes, (int)random_below(&chance, 256), sizeof(bytes));
	keyspace_set_string(keyspace, name_of(number), keyspace_hash(name_of(number)), slice_of(bytes, len), KEYSPACE_KEEP_TTL, 0, &entry);
	if (random_below(&chance, 3) == 0 && (entry = find(database, number)))
		keyspace_set_expiry(keyspace, &entry, 1 + (int64_t)random_below(&chance, 2 * NOW_MS));
}

static void patch(uint32_t database, uint64_t number)
{
	struct string_patch what = { .bytes = text("patched"), .offset = random_below(&chance, 300), .origin = STRING_PATCHED };
	string_apply_patch(databases_own(&databases, database), name_of(number), keyspace_hash(name_of(number)), find(database, number),
			   &what);
}

static void put_elsewhere(uint32_t database, struct entry *entry, bool moves)
{
	uint32_t to = draw_database();
	struct slice name = name_of(random_below(&chance, NAMES));
	struct keyspace *from = databases_own(&databases, database), *target = databases_own(&databases, to);
	if (from == target && number_of(entry_key(entry)) == number_of(name))
		return;
	if (moves)
		keyspace_move(from, entry, target, name, keyspace_hash(name));
	else
		keyspace_copy(from, entry, target, name, keyspace_hash(name));
}

static void throw_away(struct keyspace *keyspace)
{
	struct garbage *garbage = calloc(1, sizeof(*garbage));
	garbage->keyspace = keyspace;
	if (!snapshot_keep(&snapshot, garbage))
		garbage_destroy(&garbage);
}

static void flush(uint32_t database)
{
	struct keyspace *keyspace = databases_give(&databases, database);
	if (keyspace)
		throw_away(keyspace);
}

static void change_database(void)
{
	switch (random_below(&chance, 3)) {
	case 0: databases_swap(&databases, draw_database(), draw_database()); return;
	case 1: flush(draw_database()); return;
	case 2: databases_tidy(&databases, DATABASES); return;
	}
}

static void change_entry(uint32_t database, struct entry *entry)
{
	struct keyspace *keyspace = databases_own(&databases, database);
	switch (random_below(&chance, 6)) {
	case 0: keyspace_rewrite_string(keyspace, entry, text("12345678")); return;
	case 1: keyspace_set_expiry(keyspace, &entry, 1 + (int64_t)random_below(&chance, 2 * NOW_MS)); return;
	case 2: keyspace_clear_expiry(keyspace, &entry); return;
	case 3: keyspace_remove_entry(keyspace, entry); return;
	case 4: put_elsewhere(database, entry, true); return;
	case 5: put_elsewhere(database, entry, false); return;
	}
}

static void change_some(void)
{
	uint32_t database = draw_database();
	uint64_t number = random_below(&chance, NAMES), drawn = random_below(&chance, 40);
	struct entry *entry = find(database, number);
	if (drawn == 0)
		change_database();
	else if (drawn < 12)
		set_some(database, number);
	else if (drawn < 18)
		patch(database, number);
	else if (entry)
		change_entry(database, entry);
}

static void change_several(uint64_t most)
{
	for (uint64_t i = random_below(&chance, most); i > 0; i--)
		change_some();
}

static void free_flushed(void)
{
	struct garbage *garbage = snapshot_take_garbage(&snapshot);
	garbage_destroy(&garbage);
}

/* One slice: a few buckets. */
static void walk_a_little(void)
{
	snapshot_walk(&snapshot, SIZE_MAX, 0);
	free_flushed();
}

static void finish(void)
{
	while (snapshot_is_walking(&snapshot)) {
		walk_a_little();
		change_several(8);
		take_batches(SNAPSHOT_WANTS_FULL);
	}
	take_batches(SNAPSHOT_WANTS_FULL);
	CU_ASSERT_EQUAL(snapshot_queued_bytes(&snapshot), 0);
	snapshot_end(&snapshot);
}

static void abort_on_the_way(void)
{
	for (uint64_t i = random_below(&chance, 6); i > 0; i--) {
		walk_a_little();
		change_several(8);
	}
	snapshot_end(&snapshot);
	while (snapshot_is_walking(&snapshot)) {
		walk_a_little();
		change_several(8);
	}
	CU_ASSERT_PTR_NULL(snapshot_take(&snapshot, SNAPSHOT_WANTS_ANY));
}

/* ---- cases ---- */

static void each_key_is_there_once_as_it_was_at_the_cut(void)
{
	open_world(random_seed("snapshot"));
	for (int i = 0; i < ROUNDS; i++) {
		change_several(60);
		begin(random_below(&chance, 2));
		change_several(20); /* before the first step of the walk */
		finish();
		CU_ASSERT_EQUAL(differences(), 0);
		CU_ASSERT_FALSE(snapshot.has_failed);
	}
	close_world();
}

static void snapshots_are_right_after_any_number_of_aborted_ones(void)
{
	open_world(random_seed("snapshot"));
	for (int i = 0; i < ROUNDS; i++) {
		change_several(60);
		for (uint64_t aborted = random_below(&chance, 6); aborted > 0; aborted--) {
			begin(false);
			abort_on_the_way();
		}
		begin(false);
		finish();
		CU_ASSERT_EQUAL(differences(), 0);
	}
	close_world();
}

static void without_memory_it_fails_and_the_data_stay(void)
{
	bool has_failed = true;
	for (uint64_t n = 1; has_failed; n++) {
		open_world(17);
		for (uint64_t i = 0; i < NAMES; i++)
			set_some(0, i);
		begin(true);
		allocation_fail_nth(n, NULL);
		snapshot_walk(&snapshot, SIZE_MAX, UINT64_MAX);
		has_failed = allocation_has_failed();
		allocation_fail_nth(0, NULL);
		CU_ASSERT_EQUAL(snapshot.has_failed, has_failed);
		CU_ASSERT_FALSE(snapshot_is_walking(&snapshot));
		if (has_failed)
			CU_ASSERT_PTR_NULL(snapshot_take(&snapshot, SNAPSHOT_WANTS_ANY));
		CU_ASSERT_EQUAL(keyspace_count(databases_read(&databases, 0)), NAMES);
		begin(true);
		finish();
		CU_ASSERT_EQUAL(differences(), 0);
		close_world();
	}
}

static void without_memory_for_its_list_it_does_not_begin(void)
{
	open_world(17);
	set_some(0, 1);
	allocation_fail_nth(1, NULL);
	CU_ASSERT_FALSE(snapshot_begin(&snapshot, &(struct snapshot_options){ .now_ms = NOW_MS }));
	allocation_fail_nth(0, NULL);
	CU_ASSERT_FALSE(snapshot_is_walking(&snapshot));
	CU_ASSERT(keyspace_is_emitted(databases_read(&databases, 0), find(0, 1)));
	close_world();
}

static void a_walk_stops_when_the_queue_is_long_enough(void)
{
	open_world(17);
	for (uint64_t i = 0; i < NAMES; i++)
		set_some(0, i);
	begin(true);
	snapshot_walk(&snapshot, 100, UINT64_MAX);
	CU_ASSERT(snapshot_is_walking(&snapshot));
	CU_ASSERT(snapshot_queued_bytes(&snapshot) >= 100);
	CU_ASSERT(snapshot.keys < NAMES / 2);
	finish();
	close_world();
}

static void a_batch_that_may_grow_is_taken_only_on_request(void)
{
	open_world(17);
	for (uint64_t i = 0; i < NAMES; i++)
		set_some(0, i);
	begin(true);
	snapshot_walk(&snapshot, 1, UINT64_MAX);
	CU_ASSERT_PTR_NULL(snapshot_take(&snapshot, SNAPSHOT_WANTS_FULL));
	struct snapshot_batch *batch = snapshot_take(&snapshot, SNAPSHOT_WANTS_ANY);
	CU_ASSERT_PTR_NOT_NULL(batch);
	CU_ASSERT_EQUAL(snapshot_queued_bytes(&snapshot), 0);
	snapshot_batch_destroy(&batch);
	close_world();
}

static void a_large_value_is_held_and_not_copied(void)
{
	static uint8_t bytes[4 << 20];
	struct entry *entry;
	open_world(17);
	keyspace_set_string(databases_own(&databases, 0), name_of(1), keyspace_hash(name_of(1)), slice_of(bytes, sizeof(bytes)),
			    KEYSPACE_DROP_TTL, 0, &entry);
	begin(true);
	snapshot_walk(&snapshot, SIZE_MAX, UINT64_MAX);
	CU_ASSERT(blob_is_shared(entry_blob(find(0, 1))));
	CU_ASSERT(snapshot_queued_bytes(&snapshot) >= sizeof(bytes));
	struct snapshot_batch *batch = snapshot_take(&snapshot, SNAPSHOT_WANTS_FULL);
	CU_ASSERT(batch->pieces.capacity < 10000);
	snapshot_batch_destroy(&batch);
	CU_ASSERT_FALSE(blob_is_shared(entry_blob(find(0, 1))));
	close_world();
}

static void the_use_of_a_key_is_noted_when_asked_for(void)
{
	struct access_settings frequency = { ACCESS_LFU, 10, 1 };
	struct rdb_pieces_reader reader;
	struct rdb_record record;
	open_world(17);
	access_configure(databases.storage.access, &frequency);
	access_end_conversion(databases.storage.access);
	set_some(3, 1);
	CU_ASSERT_FATAL(snapshot_begin(&snapshot, &(struct snapshot_options){ .keeps_expired = true, .usage = RDB_FREQUENCY }));
	snapshot_walk(&snapshot, SIZE_MAX, UINT64_MAX);
	struct snapshot_batch *batch = snapshot_take(&snapshot, SNAPSHOT_WANTS_FULL);
	rdb_pieces_reader_init(&reader, &batch->pieces);
	CU_ASSERT(rdb_pieces_next(&reader, &record));
	CU_ASSERT_EQUAL(record.usage, RDB_FREQUENCY);
	CU_ASSERT(record.usage_value > 0);
	CU_ASSERT_EQUAL(record.database, 3);
	snapshot_batch_destroy(&batch);
	close_world();
}

static const struct suite_case cases[] = {
	CASE(each_key_is_there_once_as_it_was_at_the_cut),
	CASE(snapshots_are_right_after_any_number_of_aborted_ones),
	CASE(without_memory_it_fails_and_the_data_stay),
	CASE(without_memory_for_its_list_it_does_not_begin),
	CASE(a_walk_stops_when_the_queue_is_long_enough),
	CASE(a_batch_that_may_grow_is_taken_only_on_request),
	CASE(a_large_value_is_held_and_not_copied),
	CASE(the_use_of_a_key_is_noted_when_asked_for),
};

SUITE_MAIN("snapshot", cases)

/*
 * Each keyspace of the cut has its place among the tables as its tag. A keyspace that is created later has the tag 0, but none of its
 * entries is ever emitted.
 *
 * What holds: when no walk is going on, every entry has the current epoch. While one is, the tables before `at`, and the part of its
 * keyspace that the cursor has passed, have no entry of another epoch.
 */
#include "actors/store/snapshot.h"

#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "storage/access.h"

/* Reading the clock takes as long as copying a small entry. */
#define BUCKETS_A_LOOK 4
#define BYTES_A_LOOK ((size_t)32 << 10)
#define SPARE_BATCHES 8

static struct change_watch *watch_of(const struct snapshot *snapshot)
{
	return &snapshot->databases->storage.watch;
}

/* ---- the queue ---- */

static void destroy_all(struct snapshot_batch **chain)
{
	while (*chain) {
		struct snapshot_batch *batch = *chain;
		*chain = batch->next;
		snapshot_batch_destroy(&batch);
	}
}

static void drop_batches(struct snapshot *snapshot)
{
	destroy_all(&snapshot->first);
	destroy_all(&snapshot->spare);
	snapshot->last = NULL;
	snapshot->queued = (struct snapshot_bytes){ 0 };
}

static struct snapshot_batch *take_spare(struct snapshot *snapshot)
{
	struct snapshot_batch *batch = snapshot->spare;
	if (!batch)
		return snapshot_batch_create();
	snapshot->spare = batch->next;
	batch->next = NULL;
	return batch;
}

/* The batch for the next record; NULL without memory. */
static struct snapshot_batch *open_batch(struct snapshot *snapshot)
{
	if (snapshot->last && snapshot_batch_bytes(snapshot->last) < SNAPSHOT_BATCH_BYTES)
		return snapshot->last;
	struct snapshot_batch *batch = take_spare(snapshot);
	if (!batch)
		return NULL;
	*(snapshot->last ? &snapshot->last->next : &snapshot->first) = batch;
	snapshot->last = batch;
	return batch;
}

struct snapshot_batch *snapshot_take(struct snapshot *snapshot, enum snapshot_want want)
{
	struct snapshot_batch *batch = snapshot->first;
	bool may_grow = batch == snapshot->last && want == SNAPSHOT_WANTS_FULL && snapshot_is_walking(snapshot);
	if (!batch || (may_grow && snapshot_batch_bytes(batch) < SNAPSHOT_BATCH_BYTES))
		return NULL;
	snapshot->first = batch->next;
	if (!snapshot->first)
		snapshot->last = NULL;
	batch->next = NULL;
	batch->bytes = (struct snapshot_bytes){ batch->pieces.bytes, batch->pieces.blob_bytes };
	snapshot->queued.copied -= batch->bytes.copied;
	snapshot->queued.held -= batch->bytes.held;
	return batch;
}

static uint32_t count_spare(const struct snapshot *snapshot)
{
	uint32_t count = 0;
	for (const struct snapshot_batch *batch = snapshot->spare; batch; batch = batch->next)
		count++;
	return count;
}

void snapshot_give(struct snapshot *snapshot, struct snapshot_batch *batch)
{
	if (!snapshot->is_emitting || batch->pieces.capacity > 2 * SNAPSHOT_BATCH_BYTES || count_spare(snapshot) == SPARE_BATCHES) {
		snapshot_batch_destroy(&batch);
		return;
	}
	batch->next = snapshot->spare;
	snapshot->spare = batch;
}

/* ---- emitting ---- */

static uint32_t usage_of(const struct snapshot *snapshot, const struct entry *entry)
{
	const struct access *access = snapshot->databases->storage.access;
	switch (snapshot->options.usage) {
	case RDB_USAGE_UNKNOWN: return 0;
	case RDB_IDLE_SECONDS: return (uint32_t)(access_idle_ms(access, entry, snapshot->options.monotonic_ms) / 1000);
	case RDB_FREQUENCY: return access_frequency(access, entry);
	}
	__builtin_unreachable();
}

static bool is_skipped(const struct snapshot *snapshot, int64_t expiry_ms)
{
	return expiry_ms != NO_EXPIRY && expiry_ms <= snapshot->options.now_ms && !snapshot->options.keeps_expired;
}

static bool add(struct snapshot *snapshot, const struct rdb_record *record, const struct entry *entry)
{
	struct snapshot_batch *batch = open_batch(snapshot);
	if (!batch)
		return false;
	struct snapshot_bytes before = { batch->pieces.bytes, batch->pieces.blob_bytes };
	bool is_added = rdb_pieces_add(&batch->pieces, record, entry);
	snapshot->queued.copied += batch->pieces.bytes - before.copied;
	snapshot->queued.held += batch->pieces.blob_bytes - before.held;
	return is_added;
}

static void emit(void *context, const struct keyspace *keyspace, const struct entry *entry)
{
	struct snapshot *snapshot = context;
	struct rdb_record record = {
		.key = entry_key(entry),
		.expiry_ms = keyspace_expiry_ms(keyspace, entry),
		.database = snapshot->tables[keyspace_tag(keyspace)].count.database,
		.usage = (uint8_t)snapshot->options.usage,
		.usage_value = usage_of(snapshot, entry),
	};
	if (is_skipped(snapshot, record.expiry_ms))
		return;
	if (add(snapshot, &record, entry)) {
		snapshot->keys++;
		return;
	}
	snapshot_end(snapshot);
	snapshot->has_failed = true;
}

/* ---- tables ---- */

static void forget_tables(struct snapshot *snapshot)
{
	free(snapshot->tables);
	snapshot->tables = NULL;
	snapshot->table_count = snapshot->at = 0;
}

/* Nothing of the table is needed any more. */
static void leave_table(struct snapshot *snapshot, struct snapshot_table *table)
{
	struct garbage *flushed = table->flushed;
	table->keyspace = NULL;
	table->flushed = NULL;
	if (!flushed)
		return;
	flushed->next = snapshot->garbage;
	snapshot->garbage = flushed;
}

static struct snapshot_table *find_table(const struct snapshot *snapshot, const struct keyspace *keyspace)
{
	uint32_t tag = keyspace_tag(keyspace);
	if (tag >= snapshot->table_count || snapshot->tables[tag].keyspace != keyspace)
		return NULL;
	return &snapshot->tables[tag];
}

/* An empty keyspace, and one that was only to be marked, may go at once. The owner offers the others to snapshot_keep(). */
static void on_flush(void *context, const struct keyspace *keyspace)
{
	struct snapshot *snapshot = context;
	struct snapshot_table *table = find_table(snapshot, keyspace);
	if (table && (!snapshot->is_emitting || keyspace_count(keyspace) == 0))
		leave_table(snapshot, table);
}

bool snapshot_keep(struct snapshot *snapshot, struct garbage *garbage)
{
	struct snapshot_table *table = find_table(snapshot, garbage->keyspace);
	if (table)
		table->flushed = garbage;
	return table != NULL;
}

struct garbage *snapshot_take_garbage(struct snapshot *snapshot)
{
	struct garbage *garbage = snapshot->garbage;
	snapshot->garbage = NULL;
	return garbage;
}

/* ---- begin, walk, abort ---- */

void snapshot_init(struct snapshot *snapshot, struct databases *databases)
{
	*snapshot = (struct snapshot){ .databases = databases };
	databases->storage.watch = (struct change_watch){ .flush = on_flush, .context = snapshot };
}

void snapshot_fini(struct snapshot *snapshot)
{
	snapshot_end(snapshot);
	garbage_destroy(&snapshot->garbage);
	forget_tables(snapshot);
	*watch_of(snapshot) = (struct change_watch){ .epoch = watch_of(snapshot)->epoch };
}

static void add_table(struct snapshot *snapshot, uint32_t number)
{
	struct keyspace *keyspace = snapshot->databases->keyspaces[number];
	keyspace_set_tag(keyspace, snapshot->table_count);
	snapshot->tables[snapshot->table_count++] = (struct snapshot_table){
		.keyspace = keyspace,
		.count = { .database = number, .keys = keyspace_count(keyspace), .expiring = keyspace_expiring_count(keyspace) },
	};
}

bool snapshot_begin(struct snapshot *snapshot, const struct snapshot_options *options)
{
	const struct databases *databases = snapshot->databases;
	if (snapshot_is_walking(snapshot))
		crash_broken_invariant("a snapshot begins before the walk of the last is over");
	struct snapshot_table *tables = malloc((databases->in_use_count + 1) * sizeof(*tables));
	if (!tables)
		return false;
	forget_tables(snapshot);
	drop_batches(snapshot);
	snapshot->tables = tables;
	for (uint32_t i = 0; i < databases->in_use_count; i++)
		add_table(snapshot, databases->in_use[i]);
	snapshot->cursor = snapshot->keys = 0;
	snapshot->has_failed = false;
	snapshot->options = *options;
	snapshot->is_emitting = true;
	watch_of(snapshot)->emit = emit;
	watch_of(snapshot)->epoch = (watch_of(snapshot)->epoch + 1) & 3;
	return true;
}

static void visit(void *context, struct entry *entry)
{
	keyspace_emit(context, entry);
}

static void walk_bucket(struct snapshot *snapshot)
{
	struct snapshot_table *table = &snapshot->tables[snapshot->at];
	if (table->keyspace)
		snapshot->cursor = keyspace_scan(table->keyspace, snapshot->cursor, visit, table->keyspace);
	if (table->keyspace && snapshot->cursor != 0)
		return;
	leave_table(snapshot, table);
	snapshot->cursor = 0;
	snapshot->at++;
}

void snapshot_walk(struct snapshot *snapshot, size_t most_bytes, uint64_t until_ns)
{
	size_t looked_bytes = snapshot_queued_bytes(snapshot);
	for (uint32_t buckets = 1; snapshot_is_walking(snapshot) && snapshot_queued_bytes(snapshot) < most_bytes; buckets++) {
		walk_bucket(snapshot);
		if (buckets % BUCKETS_A_LOOK != 0 && snapshot_queued_bytes(snapshot) - looked_bytes < BYTES_A_LOOK)
			continue;
		looked_bytes = snapshot_queued_bytes(snapshot);
		if (monotonic_ns() >= until_ns)
			break;
	}
}

void snapshot_end(struct snapshot *snapshot)
{
	snapshot->is_emitting = false;
	watch_of(snapshot)->emit = NULL;
	drop_batches(snapshot);
	/* Entries of flushed keyspaces need no mark: nobody sees them again. */
	for (uint32_t i = snapshot->at; i < snapshot->table_count; i++)
		if (snapshot->tables[i].flushed)
			leave_table(snapshot, &snapshot->tables[i]);
}

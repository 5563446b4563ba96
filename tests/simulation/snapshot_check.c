#include "simulation/snapshot_check.h"

#include <stdio.h>
#include <string.h>

#include "actors/persistence/snapshot_batch.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/messages.h"
#include "actors/store/state.h"
#include "storage/formats/rdb_file.h"
#include "storage/value.h"

/* ---- fingerprints ---- */

struct fingerprint {
	uint64_t sum;
	uint32_t database;
	const struct keyspace *keyspace;
	int64_t now_ms;
};

static bool append(void *context, const void *data, size_t len)
{
	buffer_append(context, data, len);
	return true;
}

static void add_entry(void *context, struct entry *entry)
{
	struct fingerprint *print = context;
	struct buffer text = { 0 };
	struct rdb_writer writer = { .write = append, .context = &text };
	int64_t expiry_ms = keyspace_expiry_ms(print->keyspace, entry);
	if (expiry_ms != NO_EXPIRY && expiry_ms <= print->now_ms)
		return;
	buffer_append(&text, &print->database, sizeof(print->database));
	buffer_append(&text, &expiry_ms, sizeof(expiry_ms));
	rdb_write_string(&writer, entry_key(entry));
	entry_encode(entry, &writer);
	print->sum += keyspace_hash(slice_of(text.data, text.len));
	buffer_fini(&text);
}

uint64_t snapshot_check_fingerprint(const struct databases *databases, int64_t now_ms)
{
	struct fingerprint print = { .now_ms = now_ms };
	for (uint32_t i = 0; i < databases->in_use_count; i++) {
		uint64_t cursor = 0;
		print.database = databases->in_use[i];
		print.keyspace = databases_read(databases, print.database);
		do {
			cursor = keyspace_scan(print.keyspace, cursor, add_entry, &print);
		} while (cursor != 0);
	}
	return print.sum;
}

/* ---- files ---- */

struct source {
	struct slice bytes;
	size_t at;
};

static int read_source(void *context, void *data, size_t len, size_t *out_len)
{
	struct source *source = context;
	size_t left = source->bytes.len - source->at;
	*out_len = len < left ? len : left;
	memcpy(data, source->bytes.data + source->at, *out_len);
	source->at += *out_len;
	return 0;
}

static void take_record(struct rdb_file_reader *reader, const struct rdb_record *record, struct databases *databases)
{
	struct value value;
	struct entry *entry;
	struct keyspace *keyspace = databases_own(databases, record->database);
	uint64_t hash = keyspace_hash(record->key);
	if (keyspace_find_any(keyspace, record->key, hash))
		crash_broken_invariant("key %.*s is twice in the snapshot", (int)record->key.len, record->key.data);
	if (!value_decode(&reader->values, record->type, &value))
		crash_broken_invariant("a value in the snapshot can't be read: %s", reader->values.error);
	if (keyspace_put_value(keyspace, record->key, hash, &value, record->expiry_ms, &entry) != KEYSPACE_OK)
		crash_out_of_memory("a snapshot");
}

uint64_t snapshot_check_bytes(struct slice bytes, struct databases *databases)
{
	struct source source = { bytes, 0 };
	struct rdb_item item;
	enum rdb_item_kind kind;
	struct rdb_file_reader *reader = rdb_file_reader_create(read_source, &source);
	while ((kind = rdb_file_next(reader, &item)) != RDB_ITEM_END) {
		if (kind == RDB_ITEM_ERROR)
			crash_broken_invariant("the snapshot is damaged: %s at %llu", reader->values.error,
					       (unsigned long long)reader->values.error_offset);
		if (kind == RDB_ITEM_RECORD)
			take_record(reader, &item.record, databases);
	}
	rdb_file_reader_destroy(&reader);
	return snapshot_check_fingerprint(databases, INT64_MIN);
}

uint64_t snapshot_check_file(struct simulated_disk *disk, const char *path, struct databases *databases)
{
	struct buffer bytes = { 0 };
	if (!simulated_disk_get(disk, path, &bytes))
		crash_broken_invariant("there is no snapshot at %s", path);
	uint64_t fingerprint = snapshot_check_bytes(slice_of(bytes.data, bytes.len), databases);
	buffer_fini(&bytes);
	return fingerprint;
}

/* ---- the node's messages ---- */

void snapshot_check_init(struct snapshot_check *check, const struct store *store, struct simulated_disk *disk)
{
	*check = (struct snapshot_check){ .store = store, .disk = disk };
}

void snapshot_check_fini(struct snapshot_check *check)
{
	buffer_fini(&check->bytes);
}

static void on_begin(struct snapshot_check *check, const struct snapshot_plan *plan)
{
	int64_t now_ms = plan->purpose == SNAPSHOT_TO_FILE && !plan->history_id[0] ? plan->cut_ms : INT64_MIN;
	check->is_for_replicas = plan->purpose == SNAPSHOT_TO_REPLICAS;
	check->bytes.len = 0;
	check->at_cut = snapshot_check_fingerprint(&check->store->databases, now_ms);
	snprintf(check->path, sizeof(check->path), "%s%s%s", plan->directory, plan->directory[0] ? "/" : "", plan->name);
	check->begun++;
}

static uint64_t load(const struct snapshot_check *check, struct databases *databases)
{
	if (check->is_for_replicas)
		return snapshot_check_bytes(slice_of(check->bytes.data, check->bytes.len), databases);
	return snapshot_check_file(check->disk, check->path, databases);
}

static void on_bytes(struct snapshot_check *check, const struct blob *blob)
{
	buffer_append(&check->bytes, blob->data, blob->len);
}

static void on_done(struct snapshot_check *check)
{
	struct databases loaded;
	check->completed++;
	if (!check->disk)
		return;
	if (!databases_init(&loaded, check->store->databases.count))
		crash_out_of_memory("a snapshot");
	if (load(check, &loaded) != check->at_cut)
		crash_broken_invariant("the snapshot is not what there was at its cut");
	databases_fini(&loaded);
}

void snapshot_check_message(struct snapshot_check *check, enum channel_event event, const struct message *message)
{
	if (event != CHANNEL_POSTED)
		return;
	if (message->type == SNAPSHOT_BEGIN)
		on_begin(check, PAYLOAD(SNAPSHOT_BEGIN, *message));
	else if (message->type == STORE_SNAPSHOT_BYTES)
		on_bytes(check, PAYLOAD(STORE_SNAPSHOT_BYTES, *message));
	else if (message->type == STORE_SNAPSHOT_DONE)
		on_done(check);
	else if (message->type == STORE_SNAPSHOT_FAILED)
		check->failed++;
}

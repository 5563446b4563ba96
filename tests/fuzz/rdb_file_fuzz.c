/*
 * Any bytes as an RDB file, in reads of any size. What is loaded must be the same when it is saved and loaded again; what isn't has an
 * error with its place. Checksums are ignored, so that damage gets past them.
 */
#include <stdlib.h>

#include "fuzz/rdb_bytes.h"
#include "storage/formats/rdb_file.h"
#include "storage/formats/rdb_load.h"
#include "storage/load_batch.h"

enum { DATABASES = 16, NOW_MS = 1000 };

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

/* Loads into the databases; false if the input is refused. */
static bool load(struct input input, struct databases *databases)
{
	size_t len = (size_t)(input.end - input.at);
	struct rdb_load_options options = { .read = take, .context = &input, .file_bytes = len, .databases = DATABASES,
					    .now_ms = NOW_MS, .ignores_checksum = true };
	struct rdb_load *load = rdb_load_create(&options);
	enum rdb_load_status status;
	enum load_status taken = LOAD_DONE;
	struct load_batch *batch;
	while (taken == LOAD_DONE && (status = rdb_load_next(load, &batch)) == RDB_LOAD_BATCH) {
		taken = load_batch_take(batch, databases, 1);
		check(taken == LOAD_DONE || batch->entries[batch->taken].offset < len);
		load_batch_destroy(&batch);
	}
	uint64_t offset;
	if (status == RDB_LOAD_ERROR)
		check(rdb_load_error(load, &offset) && offset <= len);
	rdb_load_destroy(&load);
	return taken == LOAD_DONE && status == RDB_LOAD_END;
}

/* ---- saving ---- */

struct save {
	struct rdb_pieces pieces;
	const struct keyspace *keyspace;
	uint32_t database;
};

static void visit(void *context, struct entry *entry)
{
	struct save *save = context;
	struct rdb_record record = { .key = entry_key(entry), .database = save->database,
				     .expiry_ms = keyspace_expiry_ms(save->keyspace, entry) };
	check(rdb_pieces_add(&save->pieces, &record, entry));
}

static void save(const struct databases *databases, bool compresses)
{
	struct rdb_file_options options = { .write = keep, .compresses = compresses, .is_summed = true };
	struct rdb_file_head head = { .redis_version = "7.0.15" };
	struct rdb_file_writer *writer = rdb_file_writer_create(&options);
	struct save save = { .database = 0 };
	file.len = 0;
	rdb_file_begin(writer, &head);
	for (uint32_t i = 0; i < databases->in_use_count; i++) {
		uint64_t cursor = 0;
		save.database = databases->in_use[i];
		save.keyspace = databases_read(databases, save.database);
		do
			cursor = keyspace_scan(save.keyspace, cursor, visit, &save);
		while (cursor);
	}
	rdb_file_add(writer, &save.pieces);
	rdb_pieces_fini(&save.pieces);
	check(rdb_file_end(writer));
	rdb_file_writer_destroy(&writer);
}

struct comparison {
	const struct keyspace *from, *to;
};

static void compare(void *context, struct entry *entry)
{
	struct comparison *comparison = context;
	struct slice key = entry_key(entry);
	const struct entry *other = keyspace_find_any(comparison->to, key, keyspace_hash(key));
	check(other && slice_equal(entry_string(entry), entry_string(other)) &&
	      keyspace_expiry_ms(comparison->from, entry) == keyspace_expiry_ms(comparison->to, other));
}

static void check_again(const struct databases *databases, bool compresses)
{
	struct databases again;
	check(databases_init(&again, DATABASES));
	save(databases, compresses);
	check(load((struct input){ file.bytes, file.bytes + file.len, SIZE_MAX }, &again));
	for (uint32_t i = 0; i < DATABASES; i++) {
		struct comparison comparison = { databases_read(databases, i), databases_read(&again, i) };
		uint64_t cursor = 0;
		check(keyspace_count(comparison.from) == keyspace_count(comparison.to));
		do
			cursor = keyspace_scan(comparison.from, cursor, compare, &comparison);
		while (cursor);
	}
	databases_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_ready;
	struct databases databases;
	if (size == 0)
		return 0;
	if (!is_ready) {
		memory_init();
		keyspace_seed_hash_repeatably(1);
		is_ready = true;
	}
	check(databases_init(&databases, DATABASES));
	if (load((struct input){ data + 1, data + size, (size_t)data[0] + 1 }, &databases))
		check_again(&databases, data[0] & 1);
	databases_fini(&databases);
	return 0;
}

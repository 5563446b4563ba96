#include "rdb_load.h"

#include <stdlib.h>
#include <string.h>

#include "rdb_file.h"
#include "storage/load_batch.h"
#include "storage/number.h"

/* A type, an empty key and an empty value. */
#define RECORD_MIN_BYTES 3u

struct rdb_load {
	struct rdb_load_options options;
	struct rdb_load_figures figures;
	struct rdb_file_reader *reader;
	struct load_batch *batch;  /* NULL, or begun */
	uint32_t sized_database;   /* of the last hint, which all batches repeat */
	uint64_t expected_keys;
	char history_id[41];
	bool has_history_offset;
	bool is_at_end;
};

struct rdb_load *rdb_load_create(const struct rdb_load_options *options)
{
	struct rdb_load *load = malloc(sizeof(*load));
	struct rdb_file_reader *reader = rdb_file_reader_create(options->read, options->context);
	if (!load || !reader) {
		free(load);
		rdb_file_reader_destroy(&reader);
		return NULL;
	}
	*load = (struct rdb_load){ .options = *options, .reader = reader };
	reader->ignores_checksum = options->ignores_checksum;
	return load;
}

void rdb_load_destroy(struct rdb_load **load)
{
	if (!*load)
		return;
	load_batch_destroy(&(*load)->batch);
	rdb_file_reader_destroy(&(*load)->reader);
	free(*load);
	*load = NULL;
}

static bool refuse_without_memory(struct rdb_load *load)
{
	load->reader->values.has_no_memory = true;
	return rdb_refuse(&load->reader->values, rdb_offset(&load->reader->values), "no memory");
}

static bool is_named(const struct rdb_item *item, const char *name)
{
	return slice_equal(item->name, slice_of(name, strlen(name)));
}

static void note_history(struct rdb_load *load, const struct rdb_item *item)
{
	if (is_named(item, "repl-id") && item->value.len == sizeof(load->history_id) - 1)
		memcpy(load->history_id, item->value.data, item->value.len);
}

static bool note_field(struct rdb_load *load, const struct rdb_item *item)
{
	int64_t number;
	note_history(load, item);
	if (!number_is_text_of(item->value, &number) || number < 0)
		return true;
	if (is_named(item, "aof-base") || is_named(item, "aof-preamble")) /* the latter before Redis 7 */
		load->figures.is_aof_base = number > 0;
	if (is_named(item, "qcache-sequence")) {
		load->figures.has_sequence = true;
		load->figures.sequence = (uint64_t)number;
	}
	if (is_named(item, "repl-offset")) {
		load->has_history_offset = true;
		load->figures.history.offset = (uint64_t)number;
	}
	return true;
}

static bool check_database(struct rdb_load *load, const struct rdb_item *item)
{
	return item->number < load->options.databases ||
	       rdb_refusef(&load->reader->values, item->offset, "database %llu, but the server has only %u",
			   (unsigned long long)item->number, load->options.databases);
}

/* The rest of the file bounds the number of keys, whatever the file says. */
static bool note_size(struct rdb_load *load, const struct rdb_item *item)
{
	uint64_t most = load->options.file_bytes > item->offset ? (load->options.file_bytes - item->offset) / RECORD_MIN_BYTES : 0;
	load->expected_keys = item->number < most ? item->number : most;
	load->sized_database = item->record.database;
	return true;
}

static struct load_batch *begin_batch(const struct rdb_load *load)
{
	struct load_batch *batch = load_batch_create();
	if (batch) {
		batch->sized_database = load->sized_database;
		batch->expected_keys = load->expected_keys;
	}
	return batch;
}

static bool has_batch(struct rdb_load *load)
{
	if (!load->batch)
		load->batch = begin_batch(load);
	return load->batch || refuse_without_memory(load);
}

static bool add_value(struct rdb_load *load, const struct rdb_item *item, struct value *value)
{
	if (!load_batch_add(load->batch, &item->record, item->offset, value)) {
		value_release(value);
		return refuse_without_memory(load);
	}
	load->figures.keys++;
	return true;
}

static bool is_expired(const struct rdb_load *load, const struct rdb_record *record)
{
	return !load->options.keeps_expired && !load->history_id[0] && record->expiry_ms != NO_EXPIRY && record->expiry_ms <= load->options.now_ms;
}

static bool read_value(struct rdb_load *load, const struct rdb_item *item)
{
	struct value value;
	if (!has_batch(load) || !value_decode(&load->reader->values, item->record.type, &value))
		return false;
	if (!is_expired(load, &item->record))
		return add_value(load, item, &value);
	value_release(&value);
	load->batch->expired_keys++;
	return true;
}

static bool end(struct rdb_load *load, const struct rdb_item *item)
{
	load->figures.has_checksum = item->has_checksum;
	load->is_at_end = true;
	if (load->has_history_offset)
		memcpy(load->figures.history.id, load->history_id, sizeof(load->history_id));
	return true;
}

/* Reads an item; false for an error. */
static bool read_item(struct rdb_load *load)
{
	struct rdb_item item;
	switch (rdb_file_next(load->reader, &item)) {
	case RDB_ITEM_FIELD: return note_field(load, &item);
	case RDB_ITEM_DATABASE: return check_database(load, &item);
	case RDB_ITEM_SIZE: return note_size(load, &item);
	case RDB_ITEM_RECORD: return read_value(load, &item);
	case RDB_ITEM_END: return end(load, &item);
	case RDB_ITEM_ERROR: break;
	}
	return false;
}

static bool is_batch_ready(const struct rdb_load *load)
{
	return load->batch && (load->is_at_end || load_batch_is_full(load->batch));
}

enum rdb_load_status rdb_load_next(struct rdb_load *load, struct load_batch **out_batch)
{
	while (!is_batch_ready(load)) {
		if (load->is_at_end)
			return RDB_LOAD_END;
		if (!read_item(load))
			return RDB_LOAD_ERROR;
	}
	*out_batch = load->batch;
	load->batch = NULL;
	return RDB_LOAD_BATCH;
}

void rdb_load_get_figures(const struct rdb_load *load, struct rdb_load_figures *out_figures)
{
	*out_figures = load->figures;
	out_figures->offset = rdb_offset(&load->reader->values);
	out_figures->version = load->reader->version;
}

const char *rdb_load_error(const struct rdb_load *load, uint64_t *out_offset)
{
	*out_offset = load->reader->values.error_offset;
	return load->reader->values.error;
}

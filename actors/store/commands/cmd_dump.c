/*
 * DUMP and RESTORE: a value as bytes, in Redis's format.
 */
#include "actors/store/commands/handlers.h"
#include "storage/access.h"
#include "storage/formats/dump.h"

/* ---- DUMP ---- */

void cmd_dump(struct call *call)
{
	const struct entry *entry = call_find(call, 1);
	if (!entry) {
		reply_null(call);
		return;
	}
	struct blob *payload = dump_encode(entry, store_config(call->store)->rdbcompression);
	if (!payload)
		reply_no_memory(call);
	else if (payload->len < BLOB_MIN_BYTES)
		reply_bulk(call, slice_of(payload->data, payload->len));
	else
		reply_blob(call, payload);
	blob_release(&payload);
}

/* ---- RESTORE ---- */

#define NOT_GIVEN (-1)
#define IDLE_MAX_S (INT64_MAX / 1000)

struct restore_options {
	bool replaces, is_absolute;
	int64_t idle_s, frequency; /* or NOT_GIVEN; at most one is given */
};

/* False: the error reply has been written. */
static bool parse_idle_time(struct call *call, uint32_t index, struct restore_options *options)
{
	if (!call_arg_int64(call, index, &options->idle_s))
		return false;
	if (options->idle_s < 0)
		reply_error(call, "ERR Invalid IDLETIME value, must be >= 0");
	return options->idle_s >= 0;
}

static bool parse_frequency(struct call *call, uint32_t index, struct restore_options *options)
{
	if (!call_arg_int64(call, index, &options->frequency))
		return false;
	bool is_valid = options->frequency >= 0 && options->frequency <= 255;
	if (!is_valid)
		reply_error(call, "ERR Invalid FREQ value, must be >= 0 and <= 255");
	return is_valid;
}

static bool parse_option(struct call *call, uint32_t *index, struct restore_options *options)
{
	bool has_value = *index + 1 < call->argc;
	if (call_arg_is(call, *index, "REPLACE"))
		return options->replaces = true;
	if (call_arg_is(call, *index, "ABSTTL"))
		return options->is_absolute = true;
	if (call_arg_is(call, *index, "IDLETIME") && has_value && options->frequency == NOT_GIVEN)
		return parse_idle_time(call, ++*index, options);
	if (call_arg_is(call, *index, "FREQ") && has_value && options->idle_s == NOT_GIVEN)
		return parse_frequency(call, ++*index, options);
	reply_syntax_error(call);
	return false;
}

static bool parse_options(struct call *call, struct restore_options *options)
{
	*options = (struct restore_options){ .idle_s = NOT_GIVEN, .frequency = NOT_GIVEN };
	for (uint32_t i = 4; i < call->argc; i++)
		if (!parse_option(call, &i, options))
			return false;
	return true;
}

/* The expiry time, or NO_EXPIRY. False: the error reply has been written. */
static bool read_ttl(struct call *call, const struct restore_options *options, int64_t *out_when_ms)
{
	int64_t ttl_ms;
	if (!call_arg_int64(call, 2, &ttl_ms))
		return false;
	int64_t base_ms = options->is_absolute ? 0 : call->now_ms;
	bool is_valid = ttl_ms >= 0 && expiry_from_number(ttl_ms, 1, base_ms, out_when_ms);
	if (!is_valid)
		reply_error(call, "ERR Invalid TTL value, must be >= 0");
	if (ttl_ms == 0)
		*out_when_ms = NO_EXPIRY;
	return is_valid;
}

/* False: the error reply has been written. */
static bool decode(struct call *call, struct rdb_reader *reader, struct value *out_value)
{
	switch (dump_decode(reader, call_arg(call, 3), out_value)) {
	case DUMP_OK: return true;
	case DUMP_UNVERIFIED: reply_error(call, "ERR DUMP payload version or checksum are wrong"); return false;
	case DUMP_MALFORMED: reply_error(call, "ERR Bad data format"); return false;
	case DUMP_NO_MEMORY: break;
	}
	reply_no_memory(call);
	return false;
}

static void set_usage(const struct call *call, const struct restore_options *options, struct entry *entry)
{
	struct access *access = store_databases(call->store)->storage.access;
	if (options->idle_s != NOT_GIVEN)
		access_set_idle(access, entry, options->idle_s < IDLE_MAX_S ? options->idle_s * 1000 : IDLE_MAX_S * 1000,
				store_monotonic_ms(call->store));
	if (options->frequency != NOT_GIVEN)
		access_set_frequency(access, entry, (unsigned)options->frequency);
}

/* Takes the value over. */
static void store_value(struct call *call, struct value *value, int64_t when_ms, const struct restore_options *options)
{
	struct keyspace *keyspace = call_own_keyspace(call);
	struct entry *entry;
	if (!keyspace || keyspace_put_value(keyspace, call_arg(call, 1), call_hash(call, 1), value, when_ms, &entry) != KEYSPACE_OK) {
		value_release(value);
		reply_no_memory(call);
		return;
	}
	set_usage(call, options, entry);
	call_effect_value(call, EFFECT_SET, call->session->database, 1, entry);
	reply_ok(call);
}

void cmd_restore(struct call *call)
{
	struct restore_options options;
	struct rdb_reader reader;
	struct value value;
	int64_t when_ms;
	if (!parse_options(call, &options))
		return;
	const struct entry *former = call_find(call, 1);
	if (former && !options.replaces) {
		reply_error(call, "BUSYKEY Target key name already exists.");
		return;
	}
	if (!read_ttl(call, &options, &when_ms) || !decode(call, &reader, &value))
		return;
	if (when_ms == NO_EXPIRY || when_ms > call->now_ms) {
		store_value(call, &value, when_ms, &options);
		return;
	}
	value_release(&value);
	if (former)
		call_remove(call, 1);
	reply_ok(call);
}

/* The payload itself is not stored. A small value needs nothing beyond what its argument has already. */
void need_of_restore(const struct call *call, struct memory_need *need)
{
	size_t len = dump_string_len(call_arg(call, 3));
	const struct entry *former = keyspace_find(call_keyspace(call), call_arg(call, 1), call_hash(call, 1), call->now_ms);
	size_t freed = former ? entry_freed_bytes(former) : 0;
	need->values = len;
	need->growth = len >= BLOB_MIN_BYTES && len > freed ? len - freed : 0;
}

/*
 * Iterating over the keys of a database.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/store/commands/handlers.h"
#include "storage/value.h"
#include "storage/glob.h"
#include "transport/array.h"
#include "transport/decimal.h"

/* Entries found by a scan. They stay valid: nothing changes the keyspace before the reply is written. */
struct found_keys {
	const struct call *call;
	const struct keyspace *keyspace;
	struct slice pattern;  /* data NULL: any */
	uint32_t type_index;   /* argument with the requested type; 0: any */
	struct entry **items;
	size_t count, capacity;
	size_t visited;
	bool out_of_memory;
};

static bool is_wanted(const struct found_keys *found, const struct entry *entry)
{
	int64_t when_ms = keyspace_expiry_ms(found->keyspace, entry);
	if (when_ms != NO_EXPIRY && when_ms <= found->call->now_ms)
		return false;
	if (found->pattern.data && !glob_matches(found->pattern, entry_key(entry), GLOB_EXACT_CASE))
		return false;
	return found->type_index == 0 || call_arg_is(found->call, found->type_index, entry_type_name(entry_type(entry)));
}

static void collect_key(void *context, struct entry *entry)
{
	struct found_keys *found = context;
	found->visited++;
	if (found->out_of_memory || !is_wanted(found, entry))
		return;
	if (array_reserve(&found->items, &found->capacity, found->count + 1, sizeof(*found->items), 64))
		found->items[found->count++] = entry;
	else
		found->out_of_memory = true;
}

static void reply_found_keys(struct call *call, const struct found_keys *found)
{
	reply_array(call, found->count);
	for (size_t i = 0; i < found->count && !reply_is_cut(call); i++)
		reply_bulk(call, entry_key(found->items[i]));
}

/* "*" matches everything, so no pattern is needed. */
static struct slice pattern_or_any(struct slice pattern)
{
	return slice_equal(pattern, slice_of("*", 1)) ? slice_of(NULL, 0) : pattern;
}

void cmd_keys(struct call *call)
{
	struct found_keys found = {
		.call = call, .keyspace = call_keyspace(call), .pattern = pattern_or_any(call_arg(call, 1))
	};
	uint64_t cursor = 0;
	do
		cursor = keyspace_scan(found.keyspace, cursor, collect_key, &found);
	while (cursor != 0);
	if (found.out_of_memory)
		reply_no_memory(call);
	else
		reply_found_keys(call, &found);
	free(found.items);
}

/* Parsed by strtoul(), including a sign, as in Redis. */
static bool parse_cursor(struct call *call, uint64_t *out_cursor)
{
	char text[64], *end;
	struct slice arg = call_arg(call, 1);
	bool is_plain = arg.len < sizeof(text) && !(arg.len > 0 && strchr(" \t\n\v\f\r", arg.data[0]));
	if (is_plain) {
		memcpy(text, arg.data, arg.len);
		text[arg.len] = '\0';
		errno = 0;
		*out_cursor = strtoull(text, &end, 10);
		if (*end == '\0' && errno != ERANGE)
			return true;
	}
	reply_error(call, "ERR invalid cursor");
	return false;
}

static bool parse_count(struct call *call, uint32_t index, int64_t *out_count)
{
	if (!call_arg_int64(call, index, out_count))
		return false;
	if (*out_count >= 1)
		return true;
	reply_syntax_error(call);
	return false;
}

static bool parse_scan_options(struct call *call, struct found_keys *found, int64_t *out_count)
{
	*out_count = 10;
	for (uint32_t i = 2; i < call->argc; i += 2) {
		bool has_value = i + 1 < call->argc;
		if (has_value && call_arg_is(call, i, "COUNT")) {
			if (!parse_count(call, i + 1, out_count))
				return false;
		} else if (has_value && call_arg_is(call, i, "MATCH")) {
			found->pattern = pattern_or_any(call_arg(call, i + 1));
		} else if (has_value && call_arg_is(call, i, "TYPE")) {
			found->type_index = i + 1;
		} else {
			reply_syntax_error(call);
			return false;
		}
	}
	return true;
}

void cmd_scan(struct call *call)
{
	struct found_keys found = { .call = call, .keyspace = call_keyspace(call) };
	char text[DECIMAL_MAX_BYTES];
	uint64_t cursor;
	int64_t count;
	if (!parse_cursor(call, &cursor) || !parse_scan_options(call, &found, &count))
		return;
	/* In a sparse table many buckets are empty: visit at most ten per requested key. */
	int64_t steps_left = count > INT64_MAX / 10 ? INT64_MAX : 10 * count;
	do
		cursor = keyspace_scan(found.keyspace, cursor, collect_key, &found);
	while (cursor != 0 && --steps_left > 0 && found.visited < (uint64_t)count);
	if (found.out_of_memory) {
		reply_no_memory(call);
	} else {
		reply_array(call, 2);
		reply_bulk(call, slice_of(text, decimal_format_uint64(text, cursor)));
		reply_found_keys(call, &found);
	}
	free(found.items);
}

/* ---- RANDOMKEY ---- */

/* Expired keys are soon removed and therefore few: if there is a live key, a few tries find one. */
#define RANDOM_TRIES 100

void cmd_randomkey(struct call *call)
{
	const struct keyspace *keyspace = call_keyspace(call);
	for (int i = 0; i < RANDOM_TRIES; i++) {
		struct entry *entry = keyspace_random(keyspace, store_random, call->store);
		if (!entry)
			break;
		int64_t when_ms = keyspace_expiry_ms(keyspace, entry);
		if (when_ms == NO_EXPIRY || when_ms > call->now_ms) {
			reply_bulk(call, entry_key(entry));
			return;
		}
	}
	reply_null(call);
}

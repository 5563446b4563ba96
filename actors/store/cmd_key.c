#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/store/handlers.h"
#include "storage/glob.h"
#include "transport/decimal.h"

const char *entry_type_name(const struct entry *entry)
{
	switch (entry_type(entry)) {
	case ENTRY_STRING:
		return "string";
	}
	abort();
}

/* ---- there or not ---- */

static bool remove_key(struct call *call, uint32_t index)
{
	if (!call_find(call, index))
		return false;
	keyspace_remove(call_keyspace(call), call_arg(call, index), call_hash(call, index));
	call_effect(call, &(struct effect){ .type = EFFECT_DEL, .key = call_arg(call, index) });
	return true;
}

void cmd_del(struct call *call)
{
	int64_t removed = 0;
	for (uint32_t i = 1; i < call->argc; i++)
		removed += remove_key(call, i);
	reply_integer(call, removed);
}

void cmd_exists(struct call *call)
{
	int64_t found = 0;
	for (uint32_t i = 1; i < call->argc; i++)
		found += call_find(call, i) != NULL;
	reply_integer(call, found);
}

void cmd_type(struct call *call)
{
	struct entry *entry = call_find(call, 1);
	reply_simple(call, entry ? entry_type_name(entry) : "none");
}

void cmd_dbsize(struct call *call)
{
	reply_integer(call, (int64_t)keyspace_count(call_keyspace(call)));
}

/* ---- times to live ---- */

enum expire_flags {
	EXPIRE_NX = 1 << 0,
	EXPIRE_XX = 1 << 1,
	EXPIRE_GT = 1 << 2,
	EXPIRE_LT = 1 << 3,
};

static bool parse_expire_flags(struct call *call, uint32_t *out_flags)
{
	static const char *const words[] = { "NX", "XX", "GT", "LT" };
	uint32_t flags = 0;
	for (uint32_t i = 3; i < call->argc; i++) {
		uint32_t known = 0;
		while (known < 4 && !call_arg_is(call, i, words[known]))
			known++;
		if (known == 4) {
			struct slice option = call_arg(call, i);
			int len = (int)strnlen((const char *)option.data, option.len);
			reply_errorf(call, "ERR Unsupported option %.*s", len, option.data);
			return false;
		}
		flags |= 1u << known;
	}
	*out_flags = flags;
	if ((flags & EXPIRE_NX) && (flags & ~(uint32_t)EXPIRE_NX))
		reply_error(call, "ERR NX and XX, GT or LT options at the same time are not compatible");
	else if ((flags & EXPIRE_GT) && (flags & EXPIRE_LT))
		reply_error(call, "ERR GT and LT options at the same time are not compatible");
	else
		return true;
	return false;
}

/* A key without a time to live counts as one that lives for ever. */
static bool expire_flags_allow(uint32_t flags, int64_t present_ms, int64_t when_ms)
{
	bool has_expiry = present_ms != NO_EXPIRY;
	return !((flags & EXPIRE_NX) && has_expiry) && !((flags & EXPIRE_XX) && !has_expiry) &&
	       !((flags & EXPIRE_GT) && (!has_expiry || when_ms <= present_ms)) &&
	       !((flags & EXPIRE_LT) && has_expiry && when_ms >= present_ms);
}

/* A time that has come already removes the key. */
static void expire_entry(struct call *call, struct entry *entry, int64_t when_ms)
{
	if (when_ms <= call->now_ms) {
		remove_key(call, 1);
	} else if (keyspace_set_expiry(call_keyspace(call), &entry, when_ms) == KEYSPACE_OK) {
		call_effect(call, &(struct effect){ .type = EFFECT_EXPIRE, .key = call_arg(call, 1), .number = when_ms });
	} else {
		reply_no_memory(call);
		return;
	}
	reply_integer(call, 1);
}

static void expire_generic(struct call *call, int64_t unit_ms, int64_t base_ms)
{
	uint32_t flags;
	int64_t number, when_ms;
	if (!parse_expire_flags(call, &flags) || !call_arg_int64(call, 2, &number))
		return;
	if (!expiry_from_number(number, unit_ms, base_ms, &when_ms)) {
		reply_invalid_expiry(call);
		return;
	}
	struct entry *entry = call_find(call, 1);
	if (!entry || !expire_flags_allow(flags, keyspace_expiry_ms(call_keyspace(call), entry), when_ms))
		reply_integer(call, 0);
	else
		expire_entry(call, entry, when_ms);
}

void cmd_expire(struct call *call)
{
	expire_generic(call, 1000, call->now_ms);
}

void cmd_pexpire(struct call *call)
{
	expire_generic(call, 1, call->now_ms);
}

void cmd_expireat(struct call *call)
{
	expire_generic(call, 1000, 0);
}

void cmd_pexpireat(struct call *call)
{
	expire_generic(call, 1, 0);
}

/* -2 without the key, -1 without a time to live; seconds are rounded to the nearest. */
static void reply_time_left(struct call *call, int64_t unit_ms)
{
	struct entry *entry = call_find(call, 1);
	int64_t when_ms = entry ? keyspace_expiry_ms(call_keyspace(call), entry) : NO_EXPIRY;
	if (!entry)
		reply_integer(call, -2);
	else if (when_ms == NO_EXPIRY)
		reply_integer(call, -1);
	else
		reply_integer(call, (when_ms - call->now_ms + unit_ms / 2) / unit_ms);
}

void cmd_ttl(struct call *call)
{
	reply_time_left(call, 1000);
}

void cmd_pttl(struct call *call)
{
	reply_time_left(call, 1);
}

void cmd_persist(struct call *call)
{
	struct entry *entry = call_find(call, 1);
	if (!entry || !entry_has_expiry(entry)) {
		reply_integer(call, 0);
		return;
	}
	if (keyspace_clear_expiry(call_keyspace(call), &entry) != KEYSPACE_OK) {
		reply_no_memory(call);
		return;
	}
	call_effect(call, &(struct effect){ .type = EFFECT_PERSIST, .key = call_arg(call, 1) });
	reply_integer(call, 1);
}

/* ---- walking over keys ---- */

/* Entries that a walk has found; they stay valid since nothing changes the keyspace before the reply is written. */
struct found_keys {
	const struct call *call;
	const struct keyspace *keyspace;
	struct slice pattern;  /* data NULL: any */
	uint32_t type_index;   /* argument with the type wanted; 0: any */
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
	return found->type_index == 0 || call_arg_is(found->call, found->type_index, entry_type_name(entry));
}

static void collect_key(void *context, struct entry *entry)
{
	struct found_keys *found = context;
	found->visited++;
	if (found->out_of_memory || !is_wanted(found, entry))
		return;
	if (found->count == found->capacity) {
		size_t capacity = found->capacity ? 2 * found->capacity : 64;
		struct entry **items = realloc(found->items, capacity * sizeof(struct entry *));
		if (!items) {
			found->out_of_memory = true;
			return;
		}
		found->items = items;
		found->capacity = capacity;
	}
	found->items[found->count++] = entry;
}

static void reply_found_keys(struct call *call, const struct found_keys *found)
{
	reply_array(call, found->count);
	for (size_t i = 0; i < found->count; i++)
		reply_bulk(call, entry_key(found->items[i]));
}

/* "*" alone needs no comparing. */
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

/* As strtoul reads it, sign included, since that is what clients could always send. */
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
	/* In a sparse table many buckets are empty: look at ten for each key asked for, and no more. */
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

/* ---- whole databases ---- */

/* False: the error is written. Keys are always freed elsewhere, so ASYNC and SYNC come to the same. */
static bool check_flush_type(struct call *call)
{
	if (call->argc == 1 || (call->argc == 2 && (call_arg_is(call, 1, "ASYNC") || call_arg_is(call, 1, "SYNC"))))
		return true;
	reply_syntax_error(call);
	return false;
}

void cmd_flushdb(struct call *call)
{
	if (!check_flush_type(call))
		return;
	if (store_flush(call->store, call->session->database) != KEYSPACE_OK) {
		reply_no_memory(call);
		return;
	}
	call_effect(call, &(struct effect){ .type = EFFECT_FLUSHDB });
	reply_ok(call);
}

/* Databases that were emptied before memory ran out are told of one by one. */
void cmd_flushall(struct call *call)
{
	uint32_t count = store_database_count(call->store), done = 0;
	if (!check_flush_type(call))
		return;
	while (done < count && store_flush(call->store, done) == KEYSPACE_OK)
		done++;
	if (done == count) {
		call_effect(call, &(struct effect){ .type = EFFECT_FLUSHALL });
		reply_ok(call);
		return;
	}
	for (uint32_t database = 0; database < done; database++)
		call_effect_in(call, database, &(struct effect){ .type = EFFECT_FLUSHDB });
	reply_no_memory(call);
}

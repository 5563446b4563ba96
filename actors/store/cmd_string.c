#include <stdlib.h>
#include <string.h>

#include "actors/store/handlers.h"
#include "transport/decimal.h"

/* ---- what the commands below have in common ---- */

/* The call's entry under key `index`; NULL without one. False: it is of another type, and the error is written. */
static bool find_string(struct call *call, uint32_t index, struct entry **out_entry)
{
	struct entry *entry = call_find(call, index);
	if (entry && entry_type(entry) != ENTRY_STRING) {
		reply_wrong_type(call);
		return false;
	}
	*out_entry = entry;
	return true;
}

/* Stores argument `value_index`, without copying it when it came in a blob of its own. */
static enum keyspace_status store_arg(struct call *call, uint32_t key_index, uint32_t value_index,
				      enum keyspace_ttl ttl, struct entry **out_entry)
{
	const struct resp_arg *value = &call->argv[value_index];
	struct keyspace *keyspace = call_keyspace(call);
	struct slice key = call_arg(call, key_index);
	uint64_t hash = call_hash(call, key_index);
	if (value->is_large)
		return keyspace_set_blob(keyspace, key, hash, blob_from_data(value->data), ttl, call->now_ms, out_entry);
	return keyspace_set_string(keyspace, key, hash, call_arg(call, value_index), ttl, call->now_ms, out_entry);
}

void call_effect_set(struct call *call, uint32_t key_index, const struct entry *entry)
{
	struct effect effect = {
		.type = EFFECT_SET,
		.key = call_arg(call, key_index),
		.blob = entry_blob(entry),
		.number = keyspace_expiry_ms(call_keyspace(call), entry),
	};
	if (!effect.blob)
		effect.value = entry_string(entry);
	call_effect(call, &effect);
}

/* ---- SET ---- */

enum set_flags {
	SET_NX = 1 << 0,
	SET_XX = 1 << 1,
	SET_GET = 1 << 2,
	SET_KEEPTTL = 1 << 3,
	SET_EX = 1 << 4,
	SET_PX = 1 << 5,
	SET_EXAT = 1 << 6,
	SET_PXAT = 1 << 7,
};
#define SET_EXPIRES (SET_EX | SET_PX | SET_EXAT | SET_PXAT)

struct set_options {
	uint32_t flags;
	uint32_t expiry_index; /* argument that holds the number; 0 without one */
};

/* Which word may stand beside which: `excludes` are the flags that must not have been given before. */
static const struct {
	const char *word;
	uint32_t flag, excludes;
	bool takes_number;
} set_words[] = {
	{ "NX", SET_NX, SET_XX, false },
	{ "XX", SET_XX, SET_NX, false },
	{ "GET", SET_GET, 0, false },
	{ "KEEPTTL", SET_KEEPTTL, SET_EXPIRES, false },
	{ "EX", SET_EX, SET_KEEPTTL | (SET_EXPIRES & ~SET_EX), true },
	{ "PX", SET_PX, SET_KEEPTTL | (SET_EXPIRES & ~SET_PX), true },
	{ "EXAT", SET_EXAT, SET_KEEPTTL | (SET_EXPIRES & ~SET_EXAT), true },
	{ "PXAT", SET_PXAT, SET_KEEPTTL | (SET_EXPIRES & ~SET_PXAT), true },
};
#define SET_WORDS (sizeof(set_words) / sizeof(set_words[0]))

/* One option at `*index`, which is moved to its last argument. */
static bool parse_set_option(const struct call *call, uint32_t *index, struct set_options *options)
{
	for (size_t i = 0; i < SET_WORDS; i++) {
		if (!call_arg_is(call, *index, set_words[i].word))
			continue;
		if (options->flags & set_words[i].excludes)
			return false;
		options->flags |= set_words[i].flag;
		if (!set_words[i].takes_number)
			return true;
		options->expiry_index = ++*index;
		return *index < call->argc;
	}
	return false;
}

/* False: the error is written. `SET key value 60` is short for `SET key value EX 60`. */
static bool parse_set_options(struct call *call, struct set_options *options)
{
	int64_t seconds;
	if (call->argc == 4 && decimal_parse_int64(call->argv[3].data, call->argv[3].len, &seconds)) {
		*options = (struct set_options){ SET_EX, 3 };
		return true;
	}
	*options = (struct set_options){ 0, 0 };
	for (uint32_t i = 3; i < call->argc; i++) {
		if (!parse_set_option(call, &i, options)) {
			reply_syntax_error(call);
			return false;
		}
	}
	return true;
}

void reply_invalid_expiry(struct call *call)
{
	char name[64];
	command_full_name(call->command, name, sizeof(name));
	reply_errorf(call, "ERR invalid expire time in '%s' command", name);
}

bool expiry_from_number(int64_t number, int64_t unit_ms, int64_t base_ms, int64_t *out_when_ms)
{
	int64_t ms;
	return !__builtin_mul_overflow(number, unit_ms, &ms) && !__builtin_add_overflow(ms, base_ms, out_when_ms);
}

/* The time that the options ask for; NO_EXPIRY when they ask for none. False: the error is written. */
static bool read_expiry(struct call *call, const struct set_options *options, int64_t *out_when_ms)
{
	int64_t number;
	*out_when_ms = NO_EXPIRY;
	if (options->expiry_index == 0)
		return true;
	if (!call_arg_int64(call, options->expiry_index, &number))
		return false;
	int64_t unit_ms = options->flags & (SET_EX | SET_EXAT) ? 1000 : 1;
	int64_t base_ms = options->flags & (SET_EX | SET_PX) ? call->now_ms : 0;
	if (number > 0 && expiry_from_number(number, unit_ms, base_ms, out_when_ms))
		return true;
	reply_invalid_expiry(call);
	return false;
}

/* A value whose time is over before it is stored: what was there goes, and nothing comes. */
static void store_nothing(struct call *call)
{
	if (keyspace_remove(call_keyspace(call), call_arg(call, 1), call_hash(call, 1)))
		call_effect(call, &(struct effect){ .type = EFFECT_DEL, .key = call_arg(call, 1) });
}

/*
 * Stores the value and its time to live. Running out of memory between the two would leave a key that never goes, so the
 * key goes instead; an entry that has a time to live keeps room for the new one, so that it is only for others.
 */
static bool set_with_expiry(struct call *call, enum keyspace_ttl ttl, int64_t when_ms)
{
	struct entry *entry;
	if (when_ms != NO_EXPIRY && when_ms <= call->now_ms) {
		store_nothing(call);
		return true;
	}
	if (store_arg(call, 1, 2, when_ms == NO_EXPIRY ? ttl : KEYSPACE_KEEP_TTL, &entry) != KEYSPACE_OK)
		return false;
	if (when_ms != NO_EXPIRY && keyspace_set_expiry(call_keyspace(call), &entry, when_ms) != KEYSPACE_OK) {
		keyspace_remove_entry(call_keyspace(call), entry);
		call_effect(call, &(struct effect){ .type = EFFECT_DEL, .key = call_arg(call, 1) });
		return false;
	}
	call_effect_set(call, 1, entry);
	return true;
}

/* A former value, kept until the new one is in its place, so that the reply can still be an error. */
struct former {
	bool is_there;
	struct blob *blob;
	struct slice value; /* owned, when not in the blob */
};

static bool former_keep(struct former *former, const struct entry *entry)
{
	*former = (struct former){ .is_there = entry != NULL };
	if (!entry)
		return true;
	former->blob = entry_blob(entry);
	if (former->blob) {
		blob_hold(former->blob);
		return true;
	}
	struct slice value = entry_string(entry);
	uint8_t *copy = malloc(value.len ? value.len : 1);
	if (!copy)
		return false;
	memcpy(copy, value.data, value.len);
	former->value = slice_of(copy, value.len);
	return true;
}

static void former_reply(struct former *former, struct call *call)
{
	if (!former->is_there)
		reply_null(call);
	else if (former->blob)
		reply_blob(call, former->blob);
	else
		reply_bulk(call, former->value);
}

static void former_drop(struct former *former)
{
	blob_release(&former->blob);
	free((void *)former->value.data);
}

/* SET ... GET: the reply is the former value, whether the new one was stored or not. */
static void set_and_get(struct call *call, const struct entry *entry, bool stores, enum keyspace_ttl ttl, int64_t when_ms)
{
	struct former former;
	if (!former_keep(&former, entry) || (stores && !set_with_expiry(call, ttl, when_ms)))
		reply_no_memory(call);
	else
		former_reply(&former, call);
	former_drop(&former);
}

static void set_generic(struct call *call, const struct set_options *options)
{
	int64_t when_ms;
	struct entry *entry = NULL;
	if (!read_expiry(call, options, &when_ms))
		return;
	if (options->flags & (SET_NX | SET_XX | SET_GET))
		entry = call_find(call, 1);
	if ((options->flags & SET_GET) && entry && entry_type(entry) != ENTRY_STRING) {
		reply_wrong_type(call);
		return;
	}
	bool stores = !((options->flags & SET_NX) && entry) && !((options->flags & SET_XX) && !entry);
	enum keyspace_ttl ttl = options->flags & SET_KEEPTTL ? KEYSPACE_KEEP_TTL : KEYSPACE_DROP_TTL;
	if (options->flags & SET_GET)
		set_and_get(call, entry, stores, ttl, when_ms);
	else if (!stores)
		reply_null(call);
	else if (!set_with_expiry(call, ttl, when_ms))
		reply_no_memory(call);
	else
		reply_ok(call);
}

void cmd_set(struct call *call)
{
	struct set_options options;
	if (parse_set_options(call, &options))
		set_generic(call, &options);
}

/* ---- several keys, and reading ---- */

void cmd_get(struct call *call)
{
	struct entry *entry;
	if (!find_string(call, 1, &entry))
		return;
	if (entry)
		reply_entry(call, entry);
	else
		reply_null(call);
}

void cmd_mget(struct call *call)
{
	reply_array(call, call->argc - 1);
	for (uint32_t i = 1; i < call->argc; i++) {
		struct entry *entry = call_find(call, i);
		if (entry && entry_type(entry) == ENTRY_STRING)
			reply_entry(call, entry);
		else
			reply_null(call);
	}
}

void cmd_mset(struct call *call)
{
	struct entry *entry;
	if (call->argc % 2 == 0) {
		reply_wrong_arity(call);
		return;
	}
	for (uint32_t i = 1; i < call->argc; i += 2) {
		if (store_arg(call, i, i + 1, KEYSPACE_DROP_TTL, &entry) != KEYSPACE_OK) {
			reply_no_memory(call);
			return;
		}
		call_effect_set(call, i, entry);
	}
	reply_ok(call);
}

/* ---- counters ---- */

struct entry *call_find_to_change(struct call *call, uint32_t index)
{
	struct entry *entry = call_find(call, index);
	struct slice key = call_arg(call, index);
	uint64_t hash = call_hash(call, index);
	if (entry || !keyspace_find_any(call_keyspace(call), key, hash))
		return entry;
	keyspace_remove(call_keyspace(call), key, hash);
	call_effect(call, &(struct effect){ .type = EFFECT_EXPIRED, .key = key });
	store_counters(call->store)->expired_keys++;
	return NULL;
}

/* The number that the key holds, 0 without the key. False: the error is written. */
static bool read_counter(struct call *call, int64_t *out_value)
{
	*out_value = 0;
	struct entry *entry = call_find_to_change(call, 1);
	if (!entry)
		return true;
	if (entry_type(entry) != ENTRY_STRING) {
		reply_wrong_type(call);
		return false;
	}
	struct slice text = entry_string(entry);
	if (decimal_parse_int64(text.data, text.len, out_value))
		return true;
	reply_error(call, "ERR value is not an integer or out of range");
	return false;
}

static void add_to_counter(struct call *call, int64_t delta)
{
	int64_t value;
	char text[DECIMAL_MAX_BYTES];
	struct entry *entry;
	if (!read_counter(call, &value))
		return;
	if (__builtin_add_overflow(value, delta, &value)) {
		reply_error(call, "ERR increment or decrement would overflow");
		return;
	}
	struct slice written = slice_of(text, decimal_format_int64(text, value));
	if (keyspace_set_string(call_keyspace(call), call_arg(call, 1), call_hash(call, 1), written, KEYSPACE_KEEP_TTL,
				call->now_ms, &entry) != KEYSPACE_OK) {
		reply_no_memory(call);
		return;
	}
	call_effect(call, &(struct effect){
				  .type = EFFECT_INCRBY, .key = call_arg(call, 1), .number = delta, .result = value });
	reply_integer(call, value);
}

void cmd_incr(struct call *call)
{
	add_to_counter(call, 1);
}

void cmd_decr(struct call *call)
{
	add_to_counter(call, -1);
}

void cmd_incrby(struct call *call)
{
	int64_t delta;
	if (call_arg_int64(call, 2, &delta))
		add_to_counter(call, delta);
}

void cmd_decrby(struct call *call)
{
	int64_t delta;
	if (!call_arg_int64(call, 2, &delta))
		return;
	if (delta == INT64_MIN)
		reply_error(call, "ERR decrement would overflow");
	else
		add_to_counter(call, -delta);
}

/*
 * Keys, whatever their values are.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "actors/store/commands/handlers.h"
#include "storage/access.h"
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

void call_remove(struct call *call, uint32_t index)
{
	keyspace_remove(call_keyspace(call), call_arg(call, index), call_hash(call, index));
	call_effect(call, &(struct effect){ .type = EFFECT_DEL, .key = call_arg(call, index) });
}

void cmd_del(struct call *call)
{
	int64_t removed = 0;
	for (uint32_t i = 1; i < call->argc; i++) {
		if (!call_find(call, i))
			continue;
		call_remove(call, i);
		removed++;
	}
	reply_integer(call, removed);
}

void cmd_exists(struct call *call)
{
	int64_t found = 0;
	for (uint32_t i = 1; i < call->argc; i++)
		found += call_peek(call, i) != NULL;
	reply_integer(call, found);
}

void cmd_touch(struct call *call)
{
	int64_t found = 0;
	for (uint32_t i = 1; i < call->argc; i++) {
		struct entry *entry = call_peek(call, i);
		if (entry)
			access_touch(entry); /* whatever CLIENT NO-TOUCH says */
		found += entry != NULL;
	}
	reply_integer(call, found);
}

void cmd_type(struct call *call)
{
	struct entry *entry = call_peek(call, 1);
	reply_simple(call, entry ? entry_type_name(entry) : "none");
}

/* ---- another name, another database ---- */

/* Where a copy of a value goes. */
struct destination {
	uint32_t database, key_index;
	enum effect_type effect;
};

static bool is_there(struct call *call, const struct destination *to)
{
	return keyspace_find(store_keyspace(call->store, to->database), call_arg(call, to->key_index),
			     call_hash(call, to->key_index), call->now_ms);
}

static enum keyspace_status store_copy(struct keyspace *keyspace, struct slice key, uint64_t hash, const struct entry *from,
				       int64_t now_ms, struct entry **out_entry)
{
	struct blob *blob = entry_blob(from);
	enum string_origin origin = entry_string_origin(from);
	if (blob)
		return keyspace_set_blob(keyspace, key, hash, blob, KEYSPACE_DROP_TTL, now_ms, out_entry);
	enum keyspace_status status =
		keyspace_set_string(keyspace, key, hash, entry_string(from), KEYSPACE_DROP_TTL, now_ms, out_entry);
	if (status == KEYSPACE_OK)
		entry_note_string_origin(*out_entry, origin);
	return status;
}

/* Value and time to live of `from`, which is not valid afterwards, go to another place as well. False without memory. */
static bool copy_to(struct call *call, const struct entry *from, int64_t when_ms, const struct destination *to)
{
	struct keyspace *keyspace = store_keyspace(call->store, to->database);
	struct entry *copy;
	if (store_copy(keyspace, call_arg(call, to->key_index), call_hash(call, to->key_index), from, call->now_ms, &copy) !=
	    KEYSPACE_OK)
		return false;
	if (when_ms != NO_EXPIRY && keyspace_set_expiry(keyspace, &copy, when_ms) != KEYSPACE_OK) {
		/* Without its time to live the copy would stay for ever: it goes. */
		keyspace_remove_entry(keyspace, copy);
		call_effect_in(call, to->database,
			       &(struct effect){ .type = EFFECT_DEL, .key = call_arg(call, to->key_index) });
		return false;
	}
	call_effect_value(call, to->effect, to->database, to->key_index, copy);
	return true;
}

/* The same, and key 1 of this database is no more; `leaves` tells of that. Writes the reply: 1 or an error. */
static bool move_to(struct call *call, const struct entry *from, enum effect_type leaves, const struct destination *to)
{
	if (!copy_to(call, from, keyspace_expiry_ms(call_keyspace(call), from), to)) {
		reply_no_memory(call);
		return false;
	}
	keyspace_remove(call_keyspace(call), call_arg(call, 1), call_hash(call, 1));
	call_effect(call, &(struct effect){ .type = leaves, .key = call_arg(call, 1) });
	return true;
}

/* The entry to be renamed. NULL: the error is written. */
static struct entry *find_to_rename(struct call *call)
{
	struct entry *entry = call_find(call, 1);
	if (!entry)
		reply_error(call, "ERR no such key");
	return entry;
}

void cmd_rename(struct call *call)
{
	struct destination to = { call->session->database, 2, EFFECT_RENAME_TO };
	struct entry *entry = find_to_rename(call);
	if (!entry)
		return;
	if (slice_equal(call_arg(call, 1), call_arg(call, 2)) || move_to(call, entry, EFFECT_RENAME_FROM, &to))
		reply_ok(call);
}

void cmd_renamenx(struct call *call)
{
	struct destination to = { call->session->database, 2, EFFECT_RENAME_TO };
	struct entry *entry = find_to_rename(call);
	if (!entry)
		return;
	if (is_there(call, &to))
		reply_integer(call, 0);
	else if (move_to(call, entry, EFFECT_RENAME_FROM, &to))
		reply_integer(call, 1);
}

void cmd_move(struct call *call)
{
	struct destination to = { .key_index = 1, .effect = EFFECT_MOVE_TO };
	if (!call_arg_database(call, 2, &to.database))
		return;
	if (to.database == call->session->database) {
		reply_error(call, "ERR source and destination objects are the same");
		return;
	}
	struct entry *entry = call_find(call, 1);
	if (!entry || is_there(call, &to))
		reply_integer(call, 0);
	else if (move_to(call, entry, EFFECT_MOVE_FROM, &to))
		reply_integer(call, 1);
}

static bool parse_copy_options(struct call *call, uint32_t *out_database, bool *out_replaces)
{
	*out_database = call->session->database;
	*out_replaces = false;
	for (uint32_t i = 3; i < call->argc; i++) {
		if (call_arg_is(call, i, "REPLACE")) {
			*out_replaces = true;
		} else if (call_arg_is(call, i, "DB") && i + 1 < call->argc) {
			if (!call_arg_database(call, ++i, out_database))
				return false;
		} else {
			reply_syntax_error(call);
			return false;
		}
	}
	return true;
}

void cmd_copy(struct call *call)
{
	struct destination to = { .key_index = 2, .effect = EFFECT_COPY_TO };
	bool replaces;
	if (!parse_copy_options(call, &to.database, &replaces))
		return;
	if (to.database == call->session->database && slice_equal(call_arg(call, 1), call_arg(call, 2))) {
		reply_error(call, "ERR source and destination objects are the same");
		return;
	}
	struct entry *entry = call_find_to_read(call, 1);
	if (!entry || (!replaces && is_there(call, &to)))
		reply_integer(call, 0);
	else if (copy_to(call, entry, keyspace_expiry_ms(call_keyspace(call), entry), &to))
		reply_integer(call, 1);
	else
		reply_no_memory(call);
}

/* ---- OBJECT ---- */

/* The names of Redis's encodings, by the rules that it follows when a string is set, and when it is changed. */
#define EMBEDDED_MAX 44

const char *entry_encoding_name(const struct entry *entry)
{
	struct slice value = entry_string(entry);
	enum string_origin origin = entry_string_origin(entry);
	int64_t number;
	if (origin == STRING_GIVEN && decimal_parse_int64(value.data, value.len, &number))
		return "int";
	return origin != STRING_PATCHED && value.len <= EMBEDDED_MAX ? "embstr" : "raw";
}

void cmd_object_encoding(struct call *call)
{
	struct entry *entry = call_peek(call, 2);
	if (entry)
		reply_text(call, entry_encoding_name(entry));
	else
		reply_null(call);
}

void cmd_object_refcount(struct call *call)
{
	if (call_peek(call, 2))
		reply_integer(call, 1);
	else
		reply_null(call);
}

#define SWITCHING_TAKES_TIME \
	" Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."

void cmd_object_freq(struct call *call)
{
	struct entry *entry = call_peek(call, 2);
	if (!entry)
		reply_null(call);
	else if (access_kind() == ACCESS_LRU)
		reply_error(call, "ERR An LFU maxmemory policy is not selected, access frequency not tracked." SWITCHING_TAKES_TIME);
	else
		reply_integer(call, entry_frequency(entry));
}

void cmd_object_idletime(struct call *call)
{
	struct entry *entry = call_peek(call, 2);
	if (!entry)
		reply_null(call);
	else if (access_kind() == ACCESS_LFU)
		reply_error(call, "ERR An LFU maxmemory policy is selected, idle time not tracked." SWITCHING_TAKES_TIME);
	else
		reply_integer(call, entry_idle_ms(entry, call->now_ms) / 1000);
}

/*
 * Commands for keys of any type.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "actors/store/commands/handlers.h"
#include "storage/access.h"
#include "storage/value.h"

/* ---- existence ---- */

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

static struct access *access_of(const struct call *call)
{
	return store_databases(call->store)->storage.access;
}

void cmd_touch(struct call *call)
{
	int64_t found = 0;
	for (uint32_t i = 1; i < call->argc; i++) {
		struct entry *entry = call_peek(call, i);
		if (entry)
			access_touch(access_of(call), entry); /* despite CLIENT NO-TOUCH */
		found += entry != NULL;
	}
	reply_integer(call, found);
}

void cmd_type(struct call *call)
{
	struct entry *entry = call_peek(call, 1);
	reply_simple(call, entry ? entry_type_name(entry_type(entry)) : "none");
}

/* ---- renaming, moving and copying ---- */

struct destination {
	uint32_t database, key_index;
};

static bool is_there(struct call *call, const struct destination *to)
{
	return keyspace_find(store_keyspace(call->store, to->database), call_arg(call, to->key_index),
			     call_hash(call, to->key_index), call->now_ms);
}

/* Moves the entry with its time to live; it is invalid afterwards. False if out of memory: the error reply has been written. */
static bool move_to(struct call *call, struct entry *entry, const struct destination *to, struct effect effect)
{
	struct keyspace *target = store_own_keyspace(call->store, to->database);
	if (!target || keyspace_move(call_own_keyspace(call), entry, target, call_arg(call, to->key_index),
				     call_hash(call, to->key_index)) != KEYSPACE_OK) {
		reply_no_memory(call);
		return false;
	}
	effect.key = call_arg(call, 1);
	call_effect(call, &effect);
	return true;
}

static bool rename_to(struct call *call, struct entry *entry)
{
	struct destination to = { call->session->database, 2 };
	return move_to(call, entry, &to, (struct effect){ .type = EFFECT_RENAME, .other_key = call_arg(call, 2) });
}

/* The entry to rename. NULL: the error reply has been written. */
static struct entry *find_to_rename(struct call *call)
{
	struct entry *entry = call_find(call, 1);
	if (!entry)
		reply_error(call, "ERR no such key");
	return entry;
}

void cmd_rename(struct call *call)
{
	struct entry *entry = find_to_rename(call);
	if (!entry)
		return;
	if (slice_equal(call_arg(call, 1), call_arg(call, 2)) || rename_to(call, entry))
		reply_ok(call);
}

void cmd_renamenx(struct call *call)
{
	struct destination to = { call->session->database, 2 };
	struct entry *entry = find_to_rename(call);
	if (!entry)
		return;
	if (is_there(call, &to))
		reply_integer(call, 0);
	else if (rename_to(call, entry))
		reply_integer(call, 1);
}

void cmd_move(struct call *call)
{
	struct destination to = { .key_index = 1 };
	if (!call_arg_database(call, 2, &to.database))
		return;
	if (to.database == call->session->database) {
		reply_error(call, "ERR source and destination objects are the same");
		return;
	}
	call_expire(call, to.database, 1);
	struct entry *entry = call_find(call, 1);
	if (!entry || is_there(call, &to))
		reply_integer(call, 0);
	else if (move_to(call, entry, &to, (struct effect){ .type = EFFECT_MOVE, .number = to.database }))
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

/* False if out of memory: the error reply has been written. */
static bool copy_to(struct call *call, const struct entry *entry, const struct destination *to)
{
	struct slice key = call_arg(call, to->key_index);
	struct keyspace *target = store_own_keyspace(call->store, to->database);
	if (!target ||
	    keyspace_copy(call_keyspace(call), entry, target, key, call_hash(call, to->key_index)) != KEYSPACE_OK) {
		reply_no_memory(call);
		return false;
	}
	call_effect(call, &(struct effect){
				  .type = EFFECT_COPY, .key = call_arg(call, 1), .other_key = key, .number = to->database });
	return true;
}

void cmd_copy(struct call *call)
{
	struct destination to = { .key_index = 2 };
	bool replaces;
	if (!parse_copy_options(call, &to.database, &replaces))
		return;
	if (to.database == call->session->database && slice_equal(call_arg(call, 1), call_arg(call, 2))) {
		reply_error(call, "ERR source and destination objects are the same");
		return;
	}
	call_expire(call, to.database, 2);
	struct entry *entry = call_find_to_read(call, 1);
	if (!entry || (!replaces && is_there(call, &to)))
		reply_integer(call, 0);
	else if (copy_to(call, entry, &to))
		reply_integer(call, 1);
}

/* ---- OBJECT ---- */

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
	else if (access_kind(access_of(call)) == ACCESS_LRU)
		reply_error(call, "ERR An LFU maxmemory policy is not selected, access frequency not tracked." SWITCHING_TAKES_TIME);
	else
		reply_integer(call, access_frequency(access_of(call), entry));
}

void cmd_object_idletime(struct call *call)
{
	struct entry *entry = call_peek(call, 2);
	if (!entry)
		reply_null(call);
	else if (access_kind(access_of(call)) == ACCESS_LFU)
		reply_error(call, "ERR An LFU maxmemory policy is selected, idle time not tracked." SWITCHING_TAKES_TIME);
	else
		reply_integer(call, access_idle_ms(access_of(call), entry, store_monotonic_ms(call->store)) / 1000);
}

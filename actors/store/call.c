#include "actors/store/call.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/store/state.h"
#include "storage/access.h"
#include "transport/decimal.h"

/* ---- arguments ---- */

bool call_arg_is(const struct call *call, uint32_t index, const char *word)
{
	struct slice arg = call_arg(call, index);
	for (size_t i = 0; i < arg.len; i++, word++) {
		uint8_t a = arg.data[i], b = (uint8_t)*word;
		a |= (uint8_t)(a >= 'A' && a <= 'Z') << 5;
		b |= (uint8_t)(b >= 'A' && b <= 'Z') << 5;
		if (a != b || b == 0)
			return false;
	}
	return *word == '\0';
}

bool call_arg_int64(struct call *call, uint32_t index, int64_t *out_value)
{
	struct slice arg = call_arg(call, index);
	if (decimal_parse_int64(arg.data, arg.len, out_value))
		return true;
	reply_error(call, "ERR value is not an integer or out of range");
	return false;
}

bool call_arg_timeout_ms(struct call *call, uint32_t index, int64_t *out_timeout_ms)
{
	int64_t timeout_ms;
	struct slice arg = call_arg(call, index);
	if (!decimal_parse_int64(arg.data, arg.len, &timeout_ms)) {
		reply_error(call, "ERR timeout is not an integer or out of range");
		return false;
	}
	if (timeout_ms < 0) {
		reply_error(call, "ERR timeout is negative");
		return false;
	}
	*out_timeout_ms = timeout_ms;
	return true;
}

/* ---- keys ---- */

const struct keyspace *call_keyspace(const struct call *call)
{
	return store_keyspace(call->store, call->session->database);
}

struct keyspace *call_own_keyspace(struct call *call)
{
	return store_own_keyspace(call->store, call->session->database);
}

enum keyspace_status call_set_string(struct call *call, uint32_t key_index, struct slice value, enum keyspace_ttl ttl,
				     struct entry **out_entry)
{
	struct keyspace *keyspace = call_own_keyspace(call);
	if (!keyspace)
		return KEYSPACE_NO_MEMORY;
	return keyspace_set_string(keyspace, call_arg(call, key_index), call_hash(call, key_index), value, ttl, call->now_ms,
				   out_entry);
}

enum keyspace_status call_set_blob(struct call *call, uint32_t key_index, struct blob *value, enum keyspace_ttl ttl,
				   struct entry **out_entry)
{
	struct keyspace *keyspace = call_own_keyspace(call);
	if (!keyspace)
		return KEYSPACE_NO_MEMORY;
	return keyspace_set_blob(keyspace, call_arg(call, key_index), call_hash(call, key_index), value, ttl, call->now_ms,
				 out_entry);
}

uint64_t call_hash(const struct call *call, uint32_t arg_index)
{
	if (call->hash && (int32_t)arg_index == call->command->first_key)
		return call->hash;
	return keyspace_hash(call_arg(call, arg_index));
}

static void count_read(struct store *store, const struct entry *entry)
{
	if (entry)
		store->stats.counters.keyspace_hits++;
	else
		store->stats.counters.keyspace_misses++;
}

struct entry *call_peek(struct call *call, uint32_t arg_index)
{
	struct entry *entry = keyspace_find(call_keyspace(call), call_arg(call, arg_index), call_hash(call, arg_index),
					    call->now_ms);
	if (call->command->flags & COMMAND_READONLY)
		count_read(call->store, entry);
	return entry;
}

struct entry *call_find(struct call *call, uint32_t arg_index)
{
	struct entry *entry = call_peek(call, arg_index);
	if (entry && !(call->session->flags & SESSION_NO_TOUCH))
		access_touch(call->store->databases.storage.access, entry);
	return entry;
}

struct entry *call_find_to_read(struct call *call, uint32_t arg_index)
{
	struct entry *entry = call_find(call, arg_index);
	if (!(call->command->flags & COMMAND_READONLY))
		count_read(call->store, entry);
	return entry;
}

static bool accept_string(struct call *call, struct entry *entry, struct entry **out_entry)
{
	if (entry && entry_type(entry) != ENTRY_STRING) {
		reply_wrong_type(call);
		return false;
	}
	*out_entry = entry;
	return true;
}

bool call_find_string(struct call *call, uint32_t index, struct entry **out_entry)
{
	return accept_string(call, call_find(call, index), out_entry);
}

bool call_read_string(struct call *call, uint32_t index, struct entry **out_entry)
{
	return accept_string(call, call_find_to_read(call, index), out_entry);
}

void call_remove(struct call *call, uint32_t index)
{
	keyspace_remove(call_own_keyspace(call), call_arg(call, index), call_hash(call, index));
	call_effect(call, &(struct effect){ .type = EFFECT_DEL, .key = call_arg(call, index) });
}

/* ---- expired keys ---- */

void store_expire(struct store *store, uint32_t database, struct entry *entry)
{
	store_effect(store, database, &(struct effect){ .type = EFFECT_EXPIRED, .key = entry_key(entry) });
	keyspace_remove_entry(store_own_keyspace(store, database), entry);
	store->stats.counters.expired_keys++;
}

/* A fast check that is usually false: the cron removes expired keys within a turn or two. */
static bool has_expired_keys(const struct store *store, uint32_t database)
{
	int64_t first_ms = keyspace_next_expiry_ms(store_keyspace(store, database));
	return first_ms != NO_EXPIRY && first_ms <= store->turn.now_ms;
}

void store_expire_key(struct store *store, uint32_t database, struct slice key, uint64_t hash)
{
	const struct keyspace *keyspace = store_keyspace(store, database);
	if (!has_expired_keys(store, database) || keyspace_find(keyspace, key, hash, store->turn.now_ms))
		return;
	struct entry *entry = keyspace_find_any(keyspace, key, hash);
	if (entry)
		store_expire(store, database, entry);
}

void call_expire(struct call *call, uint32_t database, uint32_t key_index)
{
	store_expire_key(call->store, database, call_arg(call, key_index), call_hash(call, key_index));
}

static void expire_keys_of(struct call *call, const struct key_spec *spec)
{
	int64_t last = spec->last < 0 ? (int64_t)call->argc + spec->last : spec->last;
	for (int64_t i = spec->first; i > 0 && i <= last; i += spec->step)
		call_expire(call, call->session->database, (uint32_t)i);
}

void call_expire_keys(struct call *call)
{
	if (!has_expired_keys(call->store, call->session->database))
		return;
	for (uint32_t i = 0; i < call->command->key_spec_count; i++)
		expire_keys_of(call, &call->command->key_specs[i]);
}

static bool has_unemitted_key(const struct call *call, const struct keyspace *keyspace, const struct key_spec *spec)
{
	int64_t last = spec->last < 0 ? (int64_t)call->argc + spec->last : spec->last;
	for (int64_t i = spec->first; i > 0 && i <= last; i += spec->step) {
		const struct entry *entry = keyspace_find_any(keyspace, call_arg(call, (uint32_t)i), call_hash(call, (uint32_t)i));
		if (entry && !keyspace_is_emitted(keyspace, entry))
			return true;
	}
	return false;
}

/* In whatever database: COPY and MOVE reach others. */
bool call_waits_for_snapshot(const struct call *call)
{
	const struct databases *databases = &call->store->databases;
	if (!(call->command->flags & COMMAND_WRITE) || !store_snapshot_is_full(call->store))
		return false;
	for (uint32_t i = 0; i < databases->in_use_count; i++)
		for (uint32_t k = 0; k < call->command->key_spec_count; k++)
			if (has_unemitted_key(call, databases_read(databases, databases->in_use[i]), &call->command->key_specs[k]))
				return true;
	return false;
}

/* ---- effects ---- */

bool call_effects_are_taken(const struct call *call)
{
	return call->store->bus.wanted & BUS_FRAMES;
}

void call_count_effect(struct call *call, enum effect_type type)
{
	store_count_effect(call->store, type);
}

void call_effect_in(struct call *call, uint32_t database, const struct effect *effect)
{
	store_effect(call->store, database, effect);
}

void call_effect(struct call *call, const struct effect *effect)
{
	store_effect(call->store, call->session->database, effect);
}

void call_effect_value(struct call *call, enum effect_type type, uint32_t database, uint32_t key_index,
		       const struct entry *entry)
{
	if (!call_effects_are_taken(call)) {
		call_count_effect(call, type);
		return;
	}
	struct effect effect = {
		.type = type,
		.key = call_arg(call, key_index),
		.blob = entry_blob(entry),
		.number = keyspace_expiry_ms(store_keyspace(call->store, database), entry),
	};
	if (!effect.blob)
		effect.value = entry_string(entry);
	call_effect_in(call, database, &effect);
}

/* ---- replies ---- */

void lines_add(struct lines *lines, const char *format, ...)
{
	char line[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	buffer_append(&lines->text, line, strlen(line) + 1);
	lines->count++;
}

void lines_reply(struct lines *lines, struct call *call)
{
	if (lines->text.failed) {
		reply_no_memory(call);
	} else {
		const char *line = (const char *)lines->text.data;
		reply_array(call, lines->count);
		for (size_t i = 0; i < lines->count; i++, line += strlen(line) + 1)
			reply_simple(call, line);
	}
	buffer_fini(&lines->text);
}

void reply_subcommand_error(struct call *call)
{
	const struct command *command = call->command->parent ? call->command->parent : call->command;
	struct slice name = call_arg(call, 1);
	char container[32];
	snprintf(container, sizeof(container), "%s", command->name);
	for (char *c = container; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	reply_errorf(call, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.",
		     (int)strnlen((const char *)name.data, name.len < 128 ? name.len : 128), name.data, container);
}

void reply_gathered(struct call *call, struct buffer *text)
{
	if (text->failed)
		reply_no_memory(call);
	else
		reply_verbatim(call, "txt", slice_of(text->data, text->len));
	buffer_fini(text);
}

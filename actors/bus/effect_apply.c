#include "actors/bus/effect_apply.h"

#include <math.h>

#include "storage/types/string.h"
#include "transport/decimal.h"

/* A time at which no key has expired. */
#define BEFORE_ALL_TIMES INT64_MIN

static enum apply_status status_of(enum keyspace_status status)
{
	return status == KEYSPACE_OK ? APPLY_DONE : APPLY_NO_MEMORY;
}

/* The database and key of an effect, and the key's entry if there is one. */
struct place {
	struct keyspace *keyspace;
	struct slice key;
	uint64_t hash;
	struct entry *entry;
};

static enum apply_status find_place(const struct effect_target *target, uint32_t database, struct slice key, struct place *out_place)
{
	struct keyspace *keyspace = databases_own(target->databases, database);
	if (!keyspace)
		return APPLY_NO_MEMORY;
	uint64_t hash = keyspace_hash(key);
	*out_place = (struct place){ keyspace, key, hash, keyspace_find_any(keyspace, key, hash) };
	return APPLY_DONE;
}

/* ---- values ---- */

static enum apply_status set(struct place *at, const struct effect *effect, enum string_origin origin)
{
	bool expires = effect->number != NO_EXPIRY && effect->number != EXPIRY_KEPT;
	/* Keep the entry's expiry node for the new time, if it has one. */
	enum keyspace_ttl ttl = effect->number == NO_EXPIRY ? KEYSPACE_DROP_TTL : KEYSPACE_KEEP_TTL;
	enum keyspace_status status =
		effect->blob ? keyspace_set_blob(at->keyspace, at->key, at->hash, effect->blob, ttl, BEFORE_ALL_TIMES, &at->entry) :
			       keyspace_set_string(at->keyspace, at->key, at->hash, effect->value, ttl, BEFORE_ALL_TIMES, &at->entry);
	if (status == KEYSPACE_OK && expires)
		status = keyspace_set_expiry(at->keyspace, &at->entry, effect->number);
	if (status == KEYSPACE_OK)
		entry_note_string_origin(at->entry, origin);
	return status_of(status);
}

static bool is_string_or_absent(const struct place *at)
{
	return !at->entry || entry_type(at->entry) == ENTRY_STRING;
}

static bool comes_to(const struct effect *effect, int64_t result)
{
	return effect->result == RESULT_UNKNOWN || effect->result == result;
}

static enum apply_status add_to_counter(struct place *at, const struct effect *effect)
{
	char text[DECIMAL_MAX_BYTES];
	int64_t before = 0, after;
	struct slice old = at->entry && is_string_or_absent(at) ? entry_string(at->entry) : slice_of("0", 1);
	if (!is_string_or_absent(at) || !decimal_parse_int64(old.data, old.len, &before) ||
	    __builtin_add_overflow(before, effect->number, &after) || !comes_to(effect, after))
		return APPLY_MISFIT;
	struct slice written = slice_of(text, decimal_format_int64(text, after));
	return status_of(keyspace_set_string(at->keyspace, at->key, at->hash, written, KEYSPACE_KEEP_TTL, BEFORE_ALL_TIMES,
					     &at->entry));
}

static enum apply_status add_fraction(struct place *at, const struct effect *effect)
{
	char text[DECIMAL_LONG_DOUBLE_ROOM];
	long double before, added;
	struct slice old = at->entry && is_string_or_absent(at) ? entry_string(at->entry) : slice_of("0", 1);
	if (!is_string_or_absent(at) || !decimal_parse_long_double(old.data, old.len, &before) ||
	    !decimal_parse_long_double(effect->value.data, effect->value.len, &added) || !isfinite(before + added))
		return APPLY_MISFIT;
	struct effect sum = { .number = EXPIRY_KEPT, .value = slice_of(text, decimal_format_long_double(text, before + added)) };
	return set(at, &sum, STRING_COMPUTED);
}

static enum apply_status patch(struct place *at, const struct effect *effect, size_t offset, enum string_origin origin)
{
	struct string_patch what = { .bytes = effect->value, .offset = offset, .origin = origin };
	size_t old_len = at->entry ? entry_string(at->entry).len : 0;
	size_t len = string_patched_len(&what, old_len);
	if (!comes_to(effect, (int64_t)len) || len > STRING_MAX_BYTES)
		return APPLY_MISFIT;
	return status_of(string_apply_patch(at->keyspace, at->key, at->hash, at->entry, &what));
}

static enum apply_status append(struct place *at, const struct effect *effect)
{
	if (!is_string_or_absent(at))
		return APPLY_MISFIT;
	return at->entry ? patch(at, effect, entry_string(at->entry).len, STRING_PATCHED) : patch(at, effect, 0, STRING_GIVEN);
}

static enum apply_status set_range(struct place *at, const struct effect *effect)
{
	if (!is_string_or_absent(at) || effect->number < 0 || effect->number > UINT32_MAX)
		return APPLY_MISFIT;
	return patch(at, effect, (size_t)effect->number, STRING_PATCHED);
}

/* ---- keys ---- */

static enum apply_status remove_key(struct place *at)
{
	if (!at->entry)
		return APPLY_MISFIT;
	keyspace_remove_entry(at->keyspace, at->entry);
	return APPLY_DONE;
}

static enum keyspace_status move(struct place *from, struct place *to)
{
	return keyspace_move(from->keyspace, from->entry, to->keyspace, to->key, to->hash);
}

static enum keyspace_status copy(struct place *from, struct place *to)
{
	return keyspace_copy(from->keyspace, from->entry, to->keyspace, to->key, to->hash);
}

struct transfer {
	uint32_t database;
	struct slice key;
	bool replaces;
	enum keyspace_status (*how)(struct place *from, struct place *to);
};

static enum apply_status transfer(const struct effect_target *target, struct place *from, const struct transfer *what)
{
	struct place to;
	if (!from->entry)
		return APPLY_MISFIT;
	enum apply_status status = find_place(target, what->database, what->key, &to);
	if (status != APPLY_DONE)
		return status;
	bool is_taken = to.entry && (!what->replaces || to.entry == from->entry);
	return is_taken ? APPLY_MISFIT : status_of(what->how(from, &to));
}

static enum apply_status set_expiry(struct place *at, int64_t when_ms)
{
	if (!at->entry || when_ms == NO_EXPIRY)
		return APPLY_MISFIT;
	return status_of(keyspace_set_expiry(at->keyspace, &at->entry, when_ms));
}

static enum apply_status persist(struct place *at)
{
	if (!at->entry)
		return APPLY_MISFIT;
	return status_of(keyspace_clear_expiry(at->keyspace, &at->entry));
}

/* ---- databases ---- */

static void flush(const struct effect_target *target, uint32_t database)
{
	struct keyspace *flushed = databases_give(target->databases, database);
	if (flushed)
		target->discard(target->context, flushed);
}

static bool database_exists(const struct effect_target *target, int64_t number)
{
	return number >= 0 && number < target->databases->count;
}

/* MOVE, COPY and SWAPDB have another database in their number. */
static bool databases_exist(const struct effect_target *target, const struct effect *effect)
{
	bool has_other = effect->type == EFFECT_MOVE || effect->type == EFFECT_COPY || effect->type == EFFECT_SWAPDB;
	return database_exists(target, effect->database) && (!has_other || database_exists(target, effect->number));
}

/* ---- guards ---- */

static bool guard_holds(const struct place *at, const struct effect *effect)
{
	int64_t when_ms = at->entry ? keyspace_expiry_ms(at->keyspace, at->entry) : NO_EXPIRY;
	switch ((enum guard)effect->number) {
	case GUARD_ABSENT: return !at->entry;
	case GUARD_PRESENT: return at->entry;
	case GUARD_EXPIRES: return when_ms != NO_EXPIRY;
	case GUARD_STAYS: return when_ms == NO_EXPIRY;
	case GUARD_EXPIRES_BEFORE: return when_ms != NO_EXPIRY && when_ms < effect->result;
	case GUARD_EXPIRES_AFTER: return when_ms == NO_EXPIRY || when_ms > effect->result;
	}
	return false;
}

static enum apply_status apply(const struct effect_target *target, const struct effect *effect)
{
	struct place at;
	enum apply_status status = find_place(target, effect->database, effect->key, &at);
	if (status != APPLY_DONE)
		return status;
	switch (effect->type) {
	case EFFECT_SET: return set(&at, effect, STRING_GIVEN);
	case EFFECT_INCRBYFLOAT: return set(&at, effect, STRING_COMPUTED);
	case EFFECT_INCRBY: return add_to_counter(&at, effect);
	case EFFECT_APPEND: return append(&at, effect);
	case EFFECT_SETRANGE: return set_range(&at, effect);
	case EFFECT_DEL:
	case EFFECT_EXPIRED:
	case EFFECT_EVICTED: return remove_key(&at);
	case EFFECT_RENAME: return transfer(target, &at, &(struct transfer){ effect->database, effect->other_key, true, move });
	case EFFECT_MOVE: return transfer(target, &at, &(struct transfer){ (uint32_t)effect->number, effect->key, false, move });
	case EFFECT_COPY: return transfer(target, &at, &(struct transfer){ (uint32_t)effect->number, effect->other_key, true, copy });
	case EFFECT_EXPIRE: return set_expiry(&at, effect->number);
	case EFFECT_PERSIST: return persist(&at);
	case EFFECT_SWAPDB: databases_swap(target->databases, effect->database, (uint32_t)effect->number); return APPLY_DONE;
	case EFFECT_FLUSHDB: flush(target, effect->database); return APPLY_DONE;
	case EFFECT_FLUSHALL:
		for (uint32_t database = 0; database < target->databases->count; database++)
			flush(target, database);
		return APPLY_DONE;
	case EFFECT_SNAPSHOT: return APPLY_DONE;
	case EFFECT_GUARD: return guard_holds(&at, effect) ? APPLY_DONE : APPLY_GUARDED;
	case EFFECT_ADDFLOAT: return add_fraction(&at, effect);
	case EFFECT_TYPES: break;
	}
	return APPLY_MISFIT;
}

enum apply_status effect_apply(const struct effect_target *target, const struct effect *effect)
{
	/* Also where misfits are let pass: to leave out a database that this server lacks would lose its keys. */
	if (!databases_exist(target, effect))
		return APPLY_MISFIT;
	enum apply_status status = apply(target, effect);
	return status == APPLY_MISFIT && !target->is_exact ? APPLY_DONE : status;
}

enum apply_status frame_apply(const struct effect_target *target, struct frame_reader *reader)
{
	enum apply_status status = APPLY_DONE;
	struct effect effect;
	while (status == APPLY_DONE && frame_next_effect(reader, &effect))
		status = effect_apply(target, &effect);
	return status == APPLY_GUARDED ? APPLY_DONE : status;
}

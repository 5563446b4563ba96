#include "actors/bus/effect_apply.h"

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

static enum apply_status find_place(const struct effect_target *target, uint64_t database, struct slice key, struct place *out_place)
{
	if (database >= target->databases->count)
		return APPLY_MISFIT;
	struct keyspace *keyspace = databases_own(target->databases, (uint32_t)database);
	if (!keyspace)
		return APPLY_NO_MEMORY;
	uint64_t hash = keyspace_hash(key);
	*out_place = (struct place){ keyspace, key, hash, keyspace_find_any(keyspace, key, hash) };
	return APPLY_DONE;
}

/* ---- values ---- */

static enum apply_status set(struct place *at, const struct effect *effect, enum string_origin origin)
{
	bool expires = effect->number != NO_EXPIRY;
	/* Keep the entry's expiry node for the new time, if it has one. */
	enum keyspace_ttl ttl = expires ? KEYSPACE_KEEP_TTL : KEYSPACE_DROP_TTL;
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

static enum apply_status add_to_counter(struct place *at, const struct effect *effect)
{
	char text[DECIMAL_MAX_BYTES];
	int64_t before = 0, after;
	struct slice old = at->entry && is_string_or_absent(at) ? entry_string(at->entry) : slice_of("0", 1);
	if (!is_string_or_absent(at) || !decimal_parse_int64(old.data, old.len, &before) ||
	    __builtin_add_overflow(before, effect->number, &after) || after != effect->result)
		return APPLY_MISFIT;
	struct slice written = slice_of(text, decimal_format_int64(text, after));
	return status_of(keyspace_set_string(at->keyspace, at->key, at->hash, written, KEYSPACE_KEEP_TTL, BEFORE_ALL_TIMES,
					     &at->entry));
}

static enum apply_status patch(struct place *at, const struct effect *effect, size_t offset, enum string_origin origin)
{
	struct string_patch what = { .bytes = effect->value, .offset = offset, .origin = origin };
	size_t old_len = at->entry ? entry_string(at->entry).len : 0;
	size_t len = string_patched_len(&what, old_len);
	if (len != (size_t)effect->result || len > STRING_MAX_BYTES)
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

typedef enum keyspace_status transfer(struct place *from, struct place *to);

static enum keyspace_status move(struct place *from, struct place *to)
{
	return keyspace_move(from->keyspace, from->entry, to->keyspace, to->key, to->hash);
}

static enum keyspace_status copy(struct place *from, struct place *to)
{
	return keyspace_copy(from->keyspace, from->entry, to->keyspace, to->key, to->hash);
}

static enum apply_status transfer_to(const struct effect_target *target, struct place *from, uint64_t database, struct slice key,
				     transfer *how)
{
	struct place to;
	if (!from->entry)
		return APPLY_MISFIT;
	enum apply_status status = find_place(target, database, key, &to);
	if (status != APPLY_DONE)
		return status;
	return to.entry == from->entry ? APPLY_MISFIT : status_of(how(from, &to));
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

static enum apply_status swap(const struct effect_target *target, uint32_t a, int64_t b)
{
	if (b < 0 || b >= target->databases->count)
		return APPLY_MISFIT;
	databases_swap(target->databases, a, (uint32_t)b);
	return APPLY_DONE;
}

enum apply_status effect_apply(const struct effect_target *target, const struct effect *effect)
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
	case EFFECT_RENAME: return transfer_to(target, &at, effect->database, effect->other_key, move);
	case EFFECT_MOVE: return transfer_to(target, &at, (uint64_t)effect->number, effect->key, move);
	case EFFECT_COPY: return transfer_to(target, &at, (uint64_t)effect->number, effect->other_key, copy);
	case EFFECT_EXPIRE: return set_expiry(&at, effect->number);
	case EFFECT_PERSIST: return persist(&at);
	case EFFECT_SWAPDB: return swap(target, effect->database, effect->number);
	case EFFECT_FLUSHDB: flush(target, effect->database); return APPLY_DONE;
	case EFFECT_FLUSHALL:
		for (uint32_t database = 0; database < target->databases->count; database++)
			flush(target, database);
		return APPLY_DONE;
	case EFFECT_SNAPSHOT: return APPLY_DONE;
	case EFFECT_TYPES: break;
	}
	return APPLY_MISFIT;
}

enum apply_status frame_apply(const struct effect_target *target, struct frame_reader *reader)
{
	enum apply_status status = APPLY_DONE;
	struct effect effect;
	while (status == APPLY_DONE && frame_next_effect(reader, &effect))
		status = effect_apply(target, &effect);
	return status;
}

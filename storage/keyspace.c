/*
 * A keyspace is a table of entries and an index of those that expire.
 *
 * A change first allocates all memory that it needs (a new entry, a node in the index, a slot), then does what can't
 * fail; so KEYSPACE_NO_MEMORY leaves everything unchanged. If the size class stays the same, the entry is rewritten
 * in place; otherwise a new entry takes its slot and, if it expires, its node.
 */
#include "keyspace.h"

#include <assert.h>

#include "access.h"
#include "change.h"
#include "expiry.h"
#include "table.h"
#include "value_forms.h"

/* How many times to live the average is taken of. */
#define TTL_SAMPLE 64u

static struct memory *memory_of(const struct keyspace *keyspace)
{
	return &keyspace->storage->memory;
}

struct keyspace *keyspace_create(struct storage *storage)
{
	struct keyspace *keyspace = (struct keyspace *)memory_alloc(&storage->memory, sizeof(*keyspace));
	if (!keyspace)
		return NULL;
	keyspace->storage = storage;
	keyspace->tag = 0;
	keyspace->conversion = (struct conversion){ .generation = access_generation(storage->access), .is_done = true };
	expiry_init(&keyspace->expiry, &storage->memory);
	if (!table_init(&keyspace->table, &storage->memory)) {
		memory_free(&storage->memory, keyspace, sizeof(*keyspace));
		return NULL;
	}
	return keyspace;
}

static void destroy_as(struct keyspace **keyspace, enum memory_freer freer)
{
	if (!*keyspace)
		return;
	table_fini(&(*keyspace)->table, freer);
	expiry_fini(&(*keyspace)->expiry, freer);
	memory_free_as(memory_of(*keyspace), *keyspace, sizeof(**keyspace), freer);
	*keyspace = NULL;
}

void keyspace_destroy(struct keyspace **keyspace)
{
	destroy_as(keyspace, FREED_BY_OWNER);
}

void keyspace_destroy_elsewhere(struct keyspace **keyspace)
{
	destroy_as(keyspace, FREED_ELSEWHERE);
}

void keyspace_set_tag(struct keyspace *keyspace, uint32_t tag)
{
	keyspace->tag = tag;
}

uint32_t keyspace_tag(const struct keyspace *keyspace)
{
	return keyspace->tag;
}

void keyspace_reserve(struct keyspace *keyspace, uint64_t keys, uint64_t most)
{
	table_reserve(&keyspace->table, keys, most);
}

void keyspace_prefetch_directory(const struct keyspace *keyspace, uint64_t hash)
{
	table_prefetch_directory(&keyspace->table, hash);
}

void keyspace_prefetch_bucket(const struct keyspace *keyspace, uint64_t hash)
{
	table_prefetch_bucket(&keyspace->table, hash);
}

void keyspace_prefetch_entry(const struct keyspace *keyspace, uint64_t hash)
{
	table_prefetch_entry(&keyspace->table, hash);
}

static bool is_expired(const struct keyspace *keyspace, const struct entry *entry, int64_t now_ms)
{
	return entry_has_expiry(entry) && keyspace_expiry_ms(keyspace, entry) <= now_ms;
}

struct entry *keyspace_find_any(const struct keyspace *keyspace, struct slice key, uint64_t hash)
{
	struct table_slot slot = table_find(&keyspace->table, key, hash);
	return slot.bucket ? table_entry(slot) : NULL;
}

struct entry *keyspace_find(const struct keyspace *keyspace, struct slice key, uint64_t hash, int64_t now_ms)
{
	struct entry *entry = keyspace_find_any(keyspace, key, hash);
	return entry && !is_expired(keyspace, entry, now_ms) ? entry : NULL;
}

static enum keyspace_status add(struct keyspace *keyspace, const struct entry_parts *parts, uint64_t hash,
				struct entry **out_entry)
{
	size_t bytes = entry_bytes_for(parts);
	struct entry *entry = (struct entry *)memory_alloc(memory_of(keyspace), bytes);
	if (!entry)
		return KEYSPACE_NO_MEMORY;
	entry_write(entry, parts);
	if (!table_add(&keyspace->table, entry, hash)) {
		memory_free(memory_of(keyspace), entry, bytes);
		return KEYSPACE_NO_MEMORY;
	}
	entry->clock = access_of_new(keyspace->storage->access, hash);
	*out_entry = entry;
	return KEYSPACE_OK;
}

/* The block for an entry of `bytes`: that of `entry` if the size class is the same, else a new one or NULL. */
static struct entry *block_for(const struct keyspace *keyspace, struct entry *entry, size_t bytes)
{
	if (memory_size_class(bytes) == memory_size_class(entry_bytes(entry)))
		return entry;
	return (struct entry *)memory_alloc(memory_of(keyspace), bytes);
}

/* Replaces the entry in the slot; the change must be announced. parts->key is that entry's own key. */
static enum keyspace_status overwrite(struct keyspace *keyspace, struct table_slot slot,
				      const struct entry_parts *parts, struct entry **out_entry)
{
	struct entry *old = table_entry(slot);
	enum entry_form old_form = entry_form(old);
	uint8_t old_address[sizeof(void *)];
	size_t old_bytes = entry_bytes(old);
	uint16_t clock = old->clock;
	bool expires = entry_has_expiry(old);
	uint32_t place = expires ? entry_place(old) : 0;
	struct entry *entry = block_for(keyspace, old, entry_bytes_for(parts));
	if (!entry)
		return KEYSPACE_NO_MEMORY;

	change_assert_announced(keyspace, old);
	if (value_forms[old_form]->release) /* then its part is an address */
		memcpy(old_address, entry_part(old).data, sizeof(old_address));
	if (expires && !parts->has_expiry)
		expiry_remove(&keyspace->expiry, place);
	entry_write(entry, parts);
	entry->clock = clock;
	if (parts->has_expiry) {
		entry_set_place(entry, place);
		expiry_at(&keyspace->expiry, place)->entry = entry;
	}
	if (entry != old) {
		table_move(slot, entry);
		memory_free(memory_of(keyspace), old, old_bytes);
	}
	entry_release_part(old_form, slice_of(old_address, sizeof(old_address)), FREED_BY_OWNER);
	*out_entry = entry;
	return KEYSPACE_OK;
}

/* The most common change: a plain small string becomes another of the same size class. */
static bool overwrite_in_place(const struct keyspace *keyspace, struct entry *entry, const struct entry_parts *parts)
{
	size_t header_and_key = NARROW_HEADER_BYTES + entry->key_len;
	if ((entry->marks & ~MARK_EPOCH) > FORM_EMBEDDED_LAST || parts->form != FORM_STRING || entry_is_wide(entry) ||
	    parts->value.len > NARROW_VALUE_MAX ||
	    memory_size_class(header_and_key + parts->value.len) != memory_size_class(header_and_key + entry->rest[0]))
		return false;
	change_assert_announced(keyspace, entry);
	entry->marks = (uint8_t)((entry->marks & MARK_EPOCH) | FORM_STRING);
	entry->rest[0] = (uint8_t)parts->value.len;
	if (parts->value.len)
		memmove((uint8_t *)entry + header_and_key, parts->value.data, parts->value.len);
	return true;
}

bool keyspace_rewrite_string(struct keyspace *keyspace, struct entry *entry, struct slice value)
{
	struct entry_parts parts = { .value = value, .form = FORM_STRING };
	change_before(keyspace, entry);
	if (!overwrite_in_place(keyspace, entry, &parts))
		return false;
	access_touch_overwritten(keyspace->storage->access, entry);
	return true;
}

static enum keyspace_status set(struct keyspace *keyspace, struct entry_parts *parts, uint64_t hash,
				enum keyspace_ttl ttl, int64_t now_ms, struct entry **out_entry)
{
	struct table_slot slot = table_find(&keyspace->table, parts->key, hash);
	parts->epoch = change_epoch(keyspace);
	if (!slot.bucket)
		return add(keyspace, parts, hash, out_entry);
	struct entry *old = table_entry(slot);
	change_before(keyspace, old);
	access_touch_overwritten(keyspace->storage->access, old);
	if (overwrite_in_place(keyspace, old, parts)) {
		*out_entry = old;
		return KEYSPACE_OK;
	}
	parts->key = entry_key(old);
	parts->has_expiry = ttl == KEYSPACE_KEEP_TTL && entry_has_expiry(old) && !is_expired(keyspace, old, now_ms);
	return overwrite(keyspace, slot, parts, out_entry);
}

static enum keyspace_status set_large_string(struct keyspace *keyspace, struct slice key, uint64_t hash,
					     struct slice value, enum keyspace_ttl ttl, int64_t now_ms,
					     struct entry **out_entry)
{
	struct blob *blob = blob_create((uint32_t)value.len);
	if (!blob)
		return KEYSPACE_NO_MEMORY;
	memcpy(blob->data, value.data, value.len);
	blob->len = (uint32_t)value.len;
	enum keyspace_status status = keyspace_set_blob(keyspace, key, hash, blob, ttl, now_ms, out_entry);
	blob_release(&blob);
	return status;
}

enum keyspace_status keyspace_set_string(struct keyspace *keyspace, struct slice key, uint64_t hash,
					 struct slice value, enum keyspace_ttl ttl, int64_t now_ms,
					 struct entry **out_entry)
{
	if (value.len >= BLOB_MIN_BYTES)
		return set_large_string(keyspace, key, hash, value, ttl, now_ms, out_entry);
	struct entry_parts parts = { .key = key, .value = value, .form = FORM_STRING };
	return set(keyspace, &parts, hash, ttl, now_ms, out_entry);
}

enum keyspace_status keyspace_set_blob(struct keyspace *keyspace, struct slice key, uint64_t hash,
				       struct blob *value, enum keyspace_ttl ttl, int64_t now_ms,
				       struct entry **out_entry)
{
	struct entry_parts parts = { .key = key, .value = slice_of(&value, sizeof(value)), .form = FORM_STRING_BLOB };
	enum keyspace_status status = set(keyspace, &parts, hash, ttl, now_ms, out_entry);
	if (status == KEYSPACE_OK)
		blob_keep(value);
	return status;
}

static struct blob *copy_blob(const struct blob *blob, uint32_t capacity)
{
	struct blob *copy = blob_create(capacity);
	if (!copy)
		return NULL;
	memcpy(copy->data, blob->data, blob->len);
	copy->len = blob->len;
	return copy;
}

struct blob *keyspace_own_blob(struct keyspace *keyspace, struct entry *entry, uint32_t room)
{
	change_before(keyspace, entry); /* first: the snapshot may take a hold of the blob */
	struct blob *blob = entry_blob(entry), *own = blob;
	uint32_t capacity = room > blob->capacity ? blob_full_capacity(room) : blob->capacity;
	bool is_shared = blob_is_shared(blob);
	if (is_shared)
		own = copy_blob(blob, capacity);
	else if (capacity != blob->capacity)
		own = blob_resize(blob, capacity);
	if (!own)
		return NULL;
	change_assert_announced(keyspace, entry);
	entry_set_blob(entry, own);
	if (is_shared) {
		struct blob *created = own;
		blob_keep(own);
		blob_release(&created);
		blob_drop(&blob);
	}
	return own;
}

static void remove_slot(struct keyspace *keyspace, struct table_slot slot)
{
	struct entry *entry = table_entry(slot);
	change_before(keyspace, entry);
	if (entry_has_expiry(entry))
		expiry_remove(&keyspace->expiry, entry_place(entry));
	table_remove(&keyspace->table, slot);
	entry_free(memory_of(keyspace), entry, FREED_BY_OWNER);
}

bool keyspace_remove(struct keyspace *keyspace, struct slice key, uint64_t hash)
{
	struct table_slot slot = table_find(&keyspace->table, key, hash);
	if (slot.bucket)
		remove_slot(keyspace, slot);
	return slot.bucket != NULL;
}

void keyspace_remove_entry(struct keyspace *keyspace, struct entry *entry)
{
	remove_slot(keyspace, table_slot_of(&keyspace->table, entry, keyspace_hash(entry_key(entry))));
}

int64_t keyspace_expiry_ms(const struct keyspace *keyspace, const struct entry *entry)
{
	return entry_has_expiry(entry) ? expiry_at(&keyspace->expiry, entry_place(entry))->when_ms : NO_EXPIRY;
}

/* Adds or removes the bytes for a place, which may move the entry. False without memory. */
static bool set_has_expiry(struct keyspace *keyspace, struct entry **entry, bool has_expiry)
{
	struct entry *old = *entry;
	size_t old_bytes = entry_bytes(old);
	change_assert_announced(keyspace, old);
	struct entry *moved = block_for(keyspace, old, has_expiry ? old_bytes + sizeof(uint32_t) : old_bytes - sizeof(uint32_t));
	if (!moved)
		return false;
	entry_copy_with_expiry(moved, old, has_expiry);
	if (moved != old) {
		table_move(table_slot_of(&keyspace->table, old, keyspace_hash(entry_key(moved))), moved);
		memory_free(memory_of(keyspace), old, old_bytes);
	}
	*entry = moved;
	return true;
}

enum keyspace_status keyspace_set_expiry(struct keyspace *keyspace, struct entry **entry, int64_t when_ms)
{
	assert(when_ms != NO_EXPIRY);
	change_before(keyspace, *entry);
	if (entry_has_expiry(*entry)) {
		expiry_change(&keyspace->expiry, entry_place(*entry), when_ms);
		return KEYSPACE_OK;
	}
	if (!expiry_reserve(&keyspace->expiry) || !set_has_expiry(keyspace, entry, true))
		return KEYSPACE_NO_MEMORY;
	expiry_add(&keyspace->expiry, *entry, when_ms);
	return KEYSPACE_OK;
}

enum keyspace_status keyspace_clear_expiry(struct keyspace *keyspace, struct entry **entry)
{
	if (!entry_has_expiry(*entry))
		return KEYSPACE_OK;
	change_before(keyspace, *entry);
	uint32_t place = entry_place(*entry);
	if (!set_has_expiry(keyspace, entry, false))
		return KEYSPACE_NO_MEMORY;
	expiry_remove(&keyspace->expiry, place);
	return KEYSPACE_OK;
}

int64_t keyspace_next_expiry_ms(const struct keyspace *keyspace)
{
	const struct expiry_node *first = expiry_first(&keyspace->expiry);
	return first ? first->when_ms : NO_EXPIRY;
}

struct entry *keyspace_first_expired(const struct keyspace *keyspace, int64_t now_ms)
{
	const struct expiry_node *first = expiry_first(&keyspace->expiry);
	return first && first->when_ms <= now_ms ? first->entry : NULL;
}

uint64_t keyspace_count(const struct keyspace *keyspace)
{
	return keyspace->table.count;
}

uint64_t keyspace_expiring_count(const struct keyspace *keyspace)
{
	return keyspace->expiry.count;
}

int64_t keyspace_average_ttl_ms(const struct keyspace *keyspace, int64_t now_ms)
{
	uint32_t count = keyspace->expiry.count, step = count / TTL_SAMPLE + 1, samples = 0;
	/* A sum of 64-bit times may not fit into 64 bits. */
	__int128 sum = 0;

	for (uint32_t i = 0; i < count; i += step, samples++) {
		int64_t when_ms = expiry_nth(&keyspace->expiry, i)->when_ms;
		sum += when_ms > now_ms ? (__int128)when_ms - now_ms : 0;
	}
	return samples ? (int64_t)(sum / samples) : 0;
}

size_t keyspace_entry_bytes(const struct keyspace *keyspace, const struct entry *entry, uint64_t hash)
{
	uint64_t bucket = *table_bucket(&keyspace->table, table_bucket_number(&keyspace->table, hash));
	size_t shared = sizeof(bucket) + memory_size_class(bucket_bytes(bucket_room(bucket)));
	size_t place = entry_has_expiry(entry) ? sizeof(struct expiry_node) : 0;
	return entry_used_bytes(entry) + shared / bucket_count(bucket) + place;
}

uint64_t keyspace_scan(const struct keyspace *keyspace, uint64_t cursor, keyspace_visit *visit, void *context)
{
	return table_scan(&keyspace->table, cursor, visit, context);
}

struct entry *keyspace_random(const struct keyspace *keyspace, uint64_t (*random)(void *), void *context)
{
	return table_random(&keyspace->table, random, context);
}

void keyspace_get_shape(const struct keyspace *keyspace, struct keyspace_shape *out_shape)
{
	table_get_shape(&keyspace->table, out_shape);
	out_shape->index_bytes += expiry_used_bytes(&keyspace->expiry);
}

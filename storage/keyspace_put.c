/*
 * Storing an existing value under a key: moved or copied from another key, or decoded.
 *
 * As in keyspace.c, all memory is allocated before anything changes: a node in the target's expiry index, the new entry, and last the slot.
 */
#include "keyspace.h"

#include "access.h"
#include "change.h"
#include "expiry.h"
#include "table.h"
#include "value_forms.h"

struct item {
	struct slice key;
	uint64_t hash;
	const struct value *value;
	int64_t expiry_ms;
};

/* Frees an entry after another has taken its slot. */
static void free_replaced(struct keyspace *keyspace, struct entry *entry)
{
	change_assert_announced(keyspace, entry);
	if (entry_has_expiry(entry))
		expiry_remove(&keyspace->expiry, entry_place(entry));
	entry_free(&keyspace->storage->memory, entry, FREED_BY_OWNER);
}

/* Puts a new entry into the slot, replacing the one that is there. */
static void replace(struct keyspace *to, struct table_slot slot, const struct entry *entry)
{
	struct entry *replaced = table_entry(slot);
	change_before(to, replaced);
	table_move(slot, entry);
	free_replaced(to, replaced);
}

/* Creates the target's entry; `slot` is where its key was found, or empty. NULL without memory. Doesn't set its place. */
static struct entry *put(struct keyspace *to, struct table_slot slot, const struct entry_parts *parts, uint64_t hash)
{
	size_t bytes = entry_bytes_for(parts);
	struct entry *entry = (struct entry *)memory_alloc(&to->storage->memory, bytes);
	if (!entry)
		return NULL;
	entry_write(entry, parts);
	if (slot.bucket) {
		replace(to, slot, entry);
	} else if (!table_add(&to->table, entry, hash)) {
		memory_free(&to->storage->memory, entry, bytes);
		return NULL;
	}
	return entry;
}

static struct entry *put_until(struct keyspace *keyspace, struct table_slot slot, struct entry_parts *parts, uint64_t hash, int64_t when_ms)
{
	parts->epoch = change_epoch(keyspace);
	parts->has_expiry = when_ms != NO_EXPIRY;
	if (parts->has_expiry && !expiry_reserve(&keyspace->expiry))
		return NULL;
	struct entry *entry = put(keyspace, slot, parts, hash);
	if (entry && parts->has_expiry)
		expiry_add(&keyspace->expiry, entry, when_ms);
	return entry;
}

static enum keyspace_status put_value(struct keyspace *keyspace, struct table_slot slot, const struct item *item,
				      struct entry **out_entry)
{
	struct entry_parts parts = { .key = item->key, .value = item->value->part, .form = (enum entry_form)item->value->form };
	struct entry *entry = put_until(keyspace, slot, &parts, item->hash, item->expiry_ms);
	if (!entry)
		return KEYSPACE_NO_MEMORY;
	entry->clock = access_of_new(keyspace->storage->access, item->hash);
	*out_entry = entry;
	return KEYSPACE_OK;
}

enum keyspace_status keyspace_put_value(struct keyspace *keyspace, struct slice key, uint64_t hash, const struct value *value,
					int64_t when_ms, struct entry **out_entry)
{
	struct item item = { key, hash, value, when_ms };
	return put_value(keyspace, table_find(&keyspace->table, key, hash), &item, out_entry);
}

enum keyspace_status keyspace_add_value(struct keyspace *keyspace, struct slice key, uint64_t hash, const struct value *value,
					int64_t when_ms, struct entry **out_entry)
{
	struct item item = { key, hash, value, when_ms };
	struct table_slot slot = table_find(&keyspace->table, key, hash);
	return slot.bucket ? KEYSPACE_EXISTS : put_value(keyspace, slot, &item, out_entry);
}

enum keyspace_status keyspace_move(struct keyspace *from, struct entry *entry, struct keyspace *to, struct slice key, uint64_t hash)
{
	change_before(from, entry);
	struct entry_parts parts = { .key = key, .value = entry_part(entry), .form = entry_form(entry) };
	struct entry *moved = put_until(to, table_find(&to->table, key, hash), &parts, hash, keyspace_expiry_ms(from, entry));
	if (!moved)
		return KEYSPACE_NO_MEMORY;
	moved->clock = access_of_moved(to->storage->access, entry, hash);
	if (entry_has_expiry(entry))
		expiry_remove(&from->expiry, entry_place(entry));
	table_remove(&from->table, table_slot_of(&from->table, entry, keyspace_hash(entry_key(entry))));
	memory_free(&from->storage->memory, entry, entry_bytes(entry)); /* not entry_free(): the new entry owns the value */
	return KEYSPACE_OK;
}

enum keyspace_status keyspace_copy(const struct keyspace *from, const struct entry *entry, struct keyspace *to, struct slice key,
				   uint64_t hash)
{
	const struct value_form *form = value_forms[entry_form(entry)];
	struct value value = { .form = (uint8_t)entry_form(entry), .part = entry_part(entry) };
	struct entry *made;
	if (form->copy) {
		if (!form->copy(entry_part(entry), value.address))
			return KEYSPACE_NO_MEMORY;
		value.part = slice_of(value.address, sizeof(value.address));
	}
	enum keyspace_status status = keyspace_put_value(to, key, hash, &value, keyspace_expiry_ms(from, entry), &made);
	if (status != KEYSPACE_OK)
		value_release(&value);
	return status;
}

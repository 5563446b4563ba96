/*
 * Values that get another key: moved or copied, with their time to live.
 *
 * As in keyspace.c all memory is got before anything changes: a place in the target's expiry index, the new entry, and last the slot.
 */
#include "keyspace.h"

#include "access.h"
#include "change.h"
#include "expiry.h"
#include "table.h"
#include "value_forms.h"

/* It has lost its slot. */
static void free_replaced(struct keyspace *keyspace, struct entry *entry)
{
	change_assert_announced(keyspace, entry);
	if (entry_has_expiry(entry))
		expiry_remove(&keyspace->expiry, entry_place(entry));
	entry_free(entry, FREED_BY_OWNER);
}

/* The target's new entry in its slot; whatever had the key is gone. NULL without memory. Its place is not set. */
static struct entry *put(struct keyspace *to, const struct entry_parts *parts, uint64_t hash)
{
	size_t bytes = entry_bytes_for(parts);
	struct entry *entry = (struct entry *)memory_alloc(bytes);
	if (!entry)
		return NULL;
	entry_write(entry, parts);
	struct table_slot slot = table_find(&to->table, parts->key, hash);
	if (slot.bucket) {
		struct entry *replaced = table_entry(slot);
		change_before(to, replaced);
		table_move(slot, entry);
		free_replaced(to, replaced);
	} else if (!table_add(&to->table, entry, hash)) {
		memory_free(entry, bytes);
		return NULL;
	}
	return entry;
}

/* A second entry, with the value whose part is given and the time to live of `entry`. NULL without memory. */
static struct entry *put_like(const struct keyspace *from, const struct entry *entry, struct slice part, struct keyspace *to,
			      struct slice key, uint64_t hash)
{
	struct entry_parts parts = {
		.key = key,
		.value = part,
		.form = entry_form(entry),
		.has_expiry = entry_has_expiry(entry),
		.epoch = change_epoch(to),
	};
	int64_t when_ms = keyspace_expiry_ms(from, entry);
	if (parts.has_expiry && !expiry_reserve(&to->expiry))
		return NULL;
	struct entry *made = put(to, &parts, hash);
	if (made && parts.has_expiry)
		expiry_add(&to->expiry, made, when_ms);
	return made;
}

enum keyspace_status keyspace_move(struct keyspace *from, struct entry *entry, struct keyspace *to, struct slice key, uint64_t hash)
{
	change_before(from, entry);
	struct entry *moved = put_like(from, entry, entry_part(entry), to, key, hash);
	if (!moved)
		return KEYSPACE_NO_MEMORY;
	moved->clock = access_of_moved(entry, hash);
	if (entry_has_expiry(entry))
		expiry_remove(&from->expiry, entry_place(entry));
	table_remove(&from->table, table_slot_of(&from->table, entry, keyspace_hash(entry_key(entry))));
	memory_free(entry, entry_bytes(entry)); /* and not what the value's part refers to, which has moved */
	return KEYSPACE_OK;
}

enum keyspace_status keyspace_copy(const struct keyspace *from, const struct entry *entry, struct keyspace *to, struct slice key,
				   uint64_t hash)
{
	const struct value_form *form = value_forms[entry_form(entry)];
	uint8_t address[sizeof(void *)];
	struct slice part = entry_part(entry);
	if (form->copy) {
		if (!form->copy(part, address))
			return KEYSPACE_NO_MEMORY;
		part = slice_of(address, sizeof(address));
	}
	struct entry *copy = put_like(from, entry, part, to, key, hash);
	if (!copy) {
		entry_release_part(entry_form(entry), part, FREED_BY_OWNER);
		return KEYSPACE_NO_MEMORY;
	}
	copy->clock = access_of_new(hash);
	return KEYSPACE_OK;
}

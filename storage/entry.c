/*
 * Narrow: a key of at most 254 and a value of at most 255 bytes.
 *
 *      0       2       3         4           5
 *      +-------+-------+---------+-----------+ - - - - +-----+-------+
 *      | clock | marks | key len | value len | place 4 | key | value |
 *      +-------+-------+---------+-----------+ - - - - +-----+-------+
 *
 * Wide: all others.
 *
 *      0       2       3         4           8           12
 *      +-------+-------+---------+-----------+-----------+ - - - - +-----+-------+
 *      | clock | marks |   255   | key len   | value len | place 4 | key | value |
 *      +-------+-------+---------+-----------+-----------+ - - - - +-----+-------+
 *
 *      marks:   7 6        5        4          3 2 1 0
 *               snapshot   column   expiry     form
 *
 * The place is present if the expiry mark is set: the position of the entry's node in the expiry index. Only the node holds the
 * time. The value is a string's bytes, or the eight bytes of a blob's address. Numbers
 * are in the machine's order and not aligned.
 *
 * What holds: the allocation's size follows from the header alone (entry_bytes) and is stored nowhere else. So
 * code that changes a length or a mark must keep the size class of the allocation.
 */
#include "entry.h"

#include "entry_layout.h"
#include "value_forms.h"

static bool is_narrow(const struct entry_parts *parts)
{
	return parts->key.len <= NARROW_KEY_MAX && parts->value.len <= NARROW_VALUE_MAX;
}

size_t entry_bytes_for(const struct entry_parts *parts)
{
	size_t header = is_narrow(parts) ? NARROW_HEADER_BYTES : WIDE_HEADER_BYTES;
	size_t place = parts->has_expiry ? sizeof(uint32_t) : 0;
	return header + place + parts->key.len + parts->value.len;
}

void entry_write(struct entry *entry, const struct entry_parts *parts)
{
	bool narrow = is_narrow(parts);
	size_t header = narrow ? NARROW_HEADER_BYTES : WIDE_HEADER_BYTES;
	uint8_t *key = (uint8_t *)entry + header + (parts->has_expiry ? sizeof(uint32_t) : 0);
	uint8_t *value = key + parts->key.len;

	/* The key first: the header may overwrite its old position. */
	if (parts->key.len && key != parts->key.data)
		memmove(key, parts->key.data, parts->key.len);
	if (parts->value.len && value != parts->value.data)
		memcpy(value, parts->value.data, parts->value.len);
	entry->clock = 0;
	entry->marks = (uint8_t)(parts->form | (parts->has_expiry ? MARK_EXPIRY : 0) | parts->epoch << EPOCH_SHIFT);
	if (narrow) {
		entry->key_len = (uint8_t)parts->key.len;
		entry->rest[0] = (uint8_t)parts->value.len;
	} else {
		entry->key_len = KEY_LEN_IS_WIDE;
		entry_store_u32(entry, 4, (uint32_t)parts->key.len);
		entry_store_u32(entry, 8, (uint32_t)parts->value.len);
	}
}

void entry_copy_with_expiry(struct entry *target, const struct entry *source, bool has_expiry)
{
	size_t header = entry_header_bytes(source);
	size_t from = header + entry_place_bytes(source);
	size_t to = header + (has_expiry ? sizeof(uint32_t) : 0);

	memmove((uint8_t *)target + to, (const uint8_t *)source + from, entry_key_len(source) + entry_value_len(source));
	memmove(target, source, header);
	target->marks = (uint8_t)(has_expiry ? target->marks | MARK_EXPIRY : target->marks & ~MARK_EXPIRY);
}

void entry_release_part(enum entry_form form, struct slice part, enum memory_freer freer)
{
	if (value_forms[form]->release)
		value_forms[form]->release(part, freer);
}

void entry_free(struct memory *memory, struct entry *entry, enum memory_freer freer)
{
	entry_release_part(entry_form(entry), entry_part(entry), freer);
	memory_free_as(memory, entry, entry_bytes(entry), freer);
}

enum entry_type entry_type(const struct entry *entry)
{
	return value_forms[entry_form(entry)]->type;
}

struct slice entry_key(const struct entry *entry)
{
	size_t offset = entry_header_bytes(entry) + entry_place_bytes(entry);
	return slice_of((const uint8_t *)entry + offset, entry_key_len(entry));
}

struct slice entry_string(const struct entry *entry)
{
	if (entry_form(entry) <= FORM_EMBEDDED_LAST)
		return entry_part(entry);
	const struct blob *blob = entry_blob(entry);
	return slice_of(blob->data, blob->len);
}

struct blob *entry_blob(const struct entry *entry)
{
	struct blob *blob = NULL;
	if (entry_form(entry) == FORM_STRING_BLOB)
		memcpy(&blob, entry_part(entry).data, sizeof(blob));
	return blob;
}

_Static_assert((int)FORM_STRING_PATCHED == (int)STRING_PATCHED && (int)FORM_STRING_COMPUTED == (int)STRING_COMPUTED,
	       "the forms of embedded strings are numbered as the origins");

enum string_origin entry_string_origin(const struct entry *entry)
{
	return entry_form(entry) <= FORM_EMBEDDED_LAST ? (enum string_origin)entry_form(entry) : STRING_GIVEN;
}

void entry_note_string_origin(struct entry *entry, enum string_origin origin)
{
	if (entry_form(entry) <= FORM_EMBEDDED_LAST)
		entry->marks = (uint8_t)((entry->marks & ~MARK_FORM) | origin);
}

size_t entry_used_bytes(const struct entry *entry)
{
	const struct value_form *form = value_forms[entry_form(entry)];
	return memory_size_class(entry_bytes(entry)) + (form->used_bytes ? form->used_bytes(entry_part(entry)) : 0);
}

size_t entry_freed_bytes(const struct entry *entry)
{
	const struct value_form *form = value_forms[entry_form(entry)];
	const struct blob *blob = entry_blob(entry);
	if (!form->used_bytes || (blob && blob_is_kept_by_several(blob)))
		return 0;
	return form->used_bytes(entry_part(entry));
}

bool entry_has_expiry(const struct entry *entry)
{
	return entry->marks & MARK_EXPIRY;
}

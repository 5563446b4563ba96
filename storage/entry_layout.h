/*
 * The memory layout of an entry. For the files of storage/ that create, change and free entries; all other code
 * reads entries through entry.h. The layout is drawn in entry.c.
 */
#ifndef STORAGE_ENTRY_LAYOUT_H
#define STORAGE_ENTRY_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "blob.h"
#include "memory.h"
#include "slice.h"

/* The type of the value and how it is stored, in four bits: see value.h. */
enum entry_form {
	FORM_STRING,          /* embedded bytes; so are the next two, which record the string's origin */
	FORM_STRING_PATCHED,
	FORM_STRING_COMPUTED,
	FORM_STRING_BLOB,     /* the address of a blob, which the entry holds */
	ENTRY_FORMS
};
#define FORM_EMBEDDED_LAST FORM_STRING_COMPUTED

#define MARK_FORM 0x0fu
#define MARK_EXPIRY 0x10u /* the place in the expiry index follows the header */
/* 0x20 is reserved for an extra column. */
#define MARK_EPOCH 0xc0u  /* epoch of the last snapshot done with the entry: change.h */
#define EPOCH_SHIFT 6

#define KEY_LEN_IS_WIDE 255u
#define NARROW_KEY_MAX 254u
#define NARROW_VALUE_MAX 255u
#define NARROW_HEADER_BYTES 5u
#define WIDE_HEADER_BYTES 12u

struct entry {
	uint16_t clock; /* recency and frequency: access.h */
	uint8_t marks;
	uint8_t key_len; /* KEY_LEN_IS_WIDE: both lengths follow, 32 bits each */
	uint8_t rest[];
};

/* The content for a new entry. `value` is the embedded part: a string's bytes or a blob's address. */
struct entry_parts {
	struct slice key;
	struct slice value;
	enum entry_form form;
	bool has_expiry;
	uint8_t epoch;
};

static inline uint32_t entry_load_u32(const struct entry *entry, size_t offset)
{
	uint32_t value;
	memcpy(&value, (const uint8_t *)entry + offset, sizeof(value));
	return value;
}

static inline void entry_store_u32(struct entry *entry, size_t offset, uint32_t value)
{
	memcpy((uint8_t *)entry + offset, &value, sizeof(value));
}

static inline bool entry_is_wide(const struct entry *entry)
{
	return entry->key_len == KEY_LEN_IS_WIDE;
}

static inline enum entry_form entry_form(const struct entry *entry)
{
	return (enum entry_form)(entry->marks & MARK_FORM);
}

static inline uint8_t entry_epoch(const struct entry *entry)
{
	return entry->marks >> EPOCH_SHIFT;
}

static inline void entry_set_epoch(struct entry *entry, uint8_t epoch)
{
	entry->marks = (uint8_t)((entry->marks & ~MARK_EPOCH) | epoch << EPOCH_SHIFT);
}

static inline size_t entry_header_bytes(const struct entry *entry)
{
	return entry_is_wide(entry) ? WIDE_HEADER_BYTES : NARROW_HEADER_BYTES;
}

static inline size_t entry_place_bytes(const struct entry *entry)
{
	return entry->marks & MARK_EXPIRY ? sizeof(uint32_t) : 0;
}

static inline size_t entry_key_len(const struct entry *entry)
{
	return entry_is_wide(entry) ? entry_load_u32(entry, 4) : entry->key_len;
}

/* The length of the embedded part. */
static inline size_t entry_value_len(const struct entry *entry)
{
	return entry_is_wide(entry) ? entry_load_u32(entry, 8) : entry->rest[0];
}

static inline const uint8_t *entry_key_data(const struct entry *entry)
{
	return (const uint8_t *)entry + entry_header_bytes(entry) + entry_place_bytes(entry);
}

static inline size_t entry_bytes(const struct entry *entry)
{
	return entry_header_bytes(entry) + entry_place_bytes(entry) + entry_key_len(entry) + entry_value_len(entry);
}

/* memcmp() == 0 for len >= 8, inline: for short keys the call would cost more than the comparison. */
static inline bool entry_bytes_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint64_t x, y;
	for (size_t i = 0; i < len; i += 8) {
		size_t at = i + 8 <= len ? i : len - 8;
		memcpy(&x, a + at, 8);
		memcpy(&y, b + at, 8);
		if (x != y)
			return false;
	}
	return true;
}

static inline bool entry_key_is(const struct entry *entry, struct slice key)
{
	if (entry_key_len(entry) != key.len)
		return false;
	if (key.len >= 8 && key.len <= 64)
		return entry_bytes_equal(entry_key_data(entry), key.data, key.len);
	return key.len == 0 || memcmp(entry_key_data(entry), key.data, key.len) == 0;
}

/* The part of the value that lies in the entry. */
static inline struct slice entry_part(const struct entry *entry)
{
	return slice_of(entry_key_data(entry) + entry_key_len(entry), entry_value_len(entry));
}

/* The place in the expiry index; only for an entry with a time to live. */
static inline uint32_t entry_place(const struct entry *entry)
{
	return entry_load_u32(entry, entry_header_bytes(entry));
}

static inline void entry_set_place(struct entry *entry, uint32_t place)
{
	entry_store_u32(entry, entry_header_bytes(entry), place);
}

/* Only for an entry that holds a blob. */
static inline void entry_set_blob(struct entry *entry, struct blob *blob)
{
	memcpy((uint8_t *)entry + entry_bytes(entry) - sizeof(blob), &blob, sizeof(blob));
}

/* Bytes to allocate for an entry of these parts. */
size_t entry_bytes_for(const struct entry_parts *parts);

/*
 * Writes an entry, except its place. parts->key may be the key of the old entry at `entry`; the value may not point into
 * that, unless its position stays the same.
 */
void entry_write(struct entry *entry, const struct entry_parts *parts);

/* Copies `source` to `target`, which may be the same, and adds or removes the bytes for the place. */
void entry_copy_with_expiry(struct entry *target, const struct entry *source, bool has_expiry);

/* Releases what the value's part refers to; the entry is gone or has another value. */
void entry_release_part(enum entry_form form, struct slice part, enum memory_freer freer);
/* The same, and frees the entry. */
void entry_free(struct memory *memory, struct entry *entry, enum memory_freer freer);

#endif

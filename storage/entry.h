/*
 * An entry is one allocation that holds a key and, when it is small, its value.
 *
 * Callers read entries through the functions here and change them through keyspace.h only. Returned
 * slices point into the entry and are valid as long as the entry is (see keyspace.h).
 */
#ifndef STORAGE_ENTRY_H
#define STORAGE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "slice.h"

struct entry;

/* Numbered as Redis numbers them in its digests. */
enum entry_type {
	ENTRY_STRING,
	ENTRY_TYPES
};

enum entry_type entry_type(const struct entry *entry);
struct slice entry_key(const struct entry *entry);

/* The string value, embedded or in a blob. The entry's type must be ENTRY_STRING. */
struct slice entry_string(const struct entry *entry);
/* The blob that holds the value, borrowed; NULL when the value is embedded. */
struct blob *entry_blob(const struct entry *entry);

/*
 * How an embedded string got its value. Only OBJECT ENCODING depends on it, to return the same name as Redis. A new value is
 * STRING_GIVEN until another origin is noted; a string in a blob is always STRING_GIVEN.
 */
enum string_origin {
	STRING_GIVEN,    /* set as a whole */
	STRING_PATCHED,  /* changed in part */
	STRING_COMPUTED, /* the result of INCRBYFLOAT */
};
enum string_origin entry_string_origin(const struct entry *entry);
void entry_note_string_origin(struct entry *entry, enum string_origin origin);

/* The memory of the entry and its value, in size classes. */
size_t entry_used_bytes(const struct entry *entry);

/* The memory that overwriting the value frees: none for a value in the entry itself, or in a blob that other entries hold. */
size_t entry_freed_bytes(const struct entry *entry);

bool entry_has_expiry(const struct entry *entry);

#endif

/*
 * An entry is one allocation that holds a key and, when it is small, its value.
 *
 * Callers read entries through the functions here and change them through keyspace.h only. What is
 * returned points into the entry and lives as long as the entry does (see keyspace.h).
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
 * How an embedded string came to be what it is; nothing here depends on it, but Redis's names of encodings do. A new value is
 * STRING_GIVEN until something else is noted; one in a blob is STRING_GIVEN, whatever is noted.
 */
enum string_origin {
	STRING_GIVEN,    /* as a whole */
	STRING_PATCHED,  /* changed in part */
	STRING_COMPUTED, /* as the text of a number that may have a fraction */
};
enum string_origin entry_string_origin(const struct entry *entry);
void entry_note_string_origin(struct entry *entry, enum string_origin origin);

/* The memory that it takes with its value, in size classes. */
size_t entry_used_bytes(const struct entry *entry);

bool entry_has_expiry(const struct entry *entry);

#endif

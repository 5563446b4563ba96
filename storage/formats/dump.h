/*
 * The payload of DUMP and RESTORE: the type and encoding of a value as in an RDB file, the version in 2 bytes, and the CRC-64 of all that.
 * Both numbers are little-endian.
 *
 * Nothing here allocates from the keyspace's arena.
 */
#ifndef STORAGE_FORMATS_DUMP_H
#define STORAGE_FORMATS_DUMP_H

#include <stdbool.h>
#include <stddef.h>

#include "rdb.h"
#include "storage/value.h"

/* NULL without memory. With `compresses`, strings below BLOB_MIN_BYTES are compressed: longer ones would take too much of a turn. */
struct blob *dump_encode(const struct entry *entry, bool compresses);

enum dump_status {
	DUMP_OK,
	DUMP_UNVERIFIED, /* the version is newer, or the checksum is wrong */
	DUMP_MALFORMED,  /* not a value of a known type and nothing else */
	DUMP_NO_MEMORY,
};

/* The caller stores or releases the value, which is valid as long as payload and reader, in which errors are. */
enum dump_status dump_decode(struct rdb_reader *reader, struct slice payload, struct value *out_value);

/* The length of the string in the payload, without checking that; of an integer a bound; 0 if it is no string. */
size_t dump_string_len(struct slice payload);

#endif

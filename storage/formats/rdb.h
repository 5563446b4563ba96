/*
 * The encoding of values in RDB files and in DUMP's replies, version 10 as Redis 7.0 writes it; what older and newer servers write is
 * read as far as it is known. Source: Redis 7.0's rdb.h, as a format.
 *
 * A length is 6 bits behind 00, 14 behind 01 (the high ones first), 32 big-endian behind 0x80, or 64 behind 0x81. Behind 11 there is a string
 * in another form: an integer of 8, 16 or 32 bits, little-endian, whose text it is, or compressed by LZF (both lengths, the bytes). Else a
 * string is a length and the bytes.
 *
 * A writer gives bytes to a function; a failure is sticky, so that it needs to be asked for once. A reader takes them from one, and
 * trusts no length: memory grows with what has really come. Any thread; nothing here allocates from the keyspace's arena.
 */
#ifndef STORAGE_FORMATS_RDB_H
#define STORAGE_FORMATS_RDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/blob.h"
#include "storage/slice.h"

#define RDB_VERSION 10
/* What a string may be long: as much as a value. */
#define RDB_STRING_MAX_BYTES ((uint64_t)512 << 20)

/* Types of values, by the number that precedes a key. */
enum rdb_type {
	RDB_STRING = 0,
	RDB_LIST = 1,
	RDB_SET = 2,
	RDB_ZSET = 3,
	RDB_HASH = 4,
	RDB_ZSET_2 = 5,
	RDB_MODULE_PRE_GA = 6,
	RDB_MODULE_2 = 7,
	RDB_HASH_ZIPMAP = 9,
	RDB_LIST_ZIPLIST = 10,
	RDB_SET_INTSET = 11,
	RDB_ZSET_ZIPLIST = 12,
	RDB_HASH_ZIPLIST = 13,
	RDB_LIST_QUICKLIST = 14,
	RDB_STREAM_LISTPACKS = 15,
	RDB_HASH_LISTPACK = 16,
	RDB_ZSET_LISTPACK = 17,
	RDB_LIST_QUICKLIST_2 = 18,
	RDB_STREAM_LISTPACKS_2 = 19,
	RDB_SET_LISTPACK = 20,
	RDB_STREAM_LISTPACKS_3 = 21,
};

/* ---- writing ---- */

struct rdb_writer {
	/* Takes bytes; false when it can't. */
	bool (*write)(void *context, const void *data, size_t len);
	void *context;
	bool compresses; /* strings above 20 bytes that become shorter by it */
	bool has_failed;
	uint64_t bytes;  /* written so far */
};

void rdb_write(struct rdb_writer *writer, const void *data, size_t len);
void rdb_write_byte(struct rdb_writer *writer, uint8_t byte);
void rdb_write_length(struct rdb_writer *writer, uint64_t length);
/* As an integer where the text is one of 32 bits. */
void rdb_write_string(struct rdb_writer *writer, struct slice string);

/* ---- reading ---- */

struct rdb_reader {
	/* Reads up to `len` bytes; how many there were, 0 at the end. */
	size_t (*read)(void *context, void *data, size_t len);
	void *context;
	uint64_t offset;         /* of what is read next */
	const char *error;       /* what is wrong with what was read, NULL: nothing */
	uint64_t error_offset;   /* where that begins */
	bool has_no_memory;      /* the error is ours, not the file's */
	uint8_t text[BLOB_MIN_BYTES]; /* the last string, when it is small */
};

/* False, with the error set, when it could not be read as a whole: then nothing further is. */
bool rdb_read(struct rdb_reader *reader, void *data, size_t len);
bool rdb_read_length(struct rdb_reader *reader, uint64_t *out_length);
/*
 * A string: `*out_string` is valid until the next read, or as long as `*out_blob`, which holds one of BLOB_MIN_BYTES or more and is the
 * caller's to release; NULL for others.
 */
bool rdb_read_string(struct rdb_reader *reader, struct slice *out_string, struct blob **out_blob);
/* Notes that what began at `offset` is wrong, and returns false. */
bool rdb_refuse(struct rdb_reader *reader, uint64_t offset, const char *error);

#endif

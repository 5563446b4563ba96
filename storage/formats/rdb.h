/*
 * The encoding of values in RDB files and in DUMP's replies, version 10 as Redis 7.0 writes it. Encodings of older and newer servers are
 * read as far as they are known. Source of the format: Redis 7.0's rdb.h.
 *
 * A length is 6 bits after the bits 00, 14 bits after 01 (high ones first), 32 bits big-endian after 0x80, or 64 after 0x81. The bits 11
 * begin a string in a special form: as an integer of 8, 16 or 32 bits, little-endian, or compressed by LZF (both lengths, the bytes). Any
 * other string is a length and the bytes.
 *
 * A writer passes bytes to a function. A reader has bytes in a buffer, which a function fills. A failure is sticky, so callers check once.
 * No length is trusted: memory is allocated only as bytes arrive. Any thread; nothing here allocates from the keyspace's arena.
 */
#ifndef STORAGE_FORMATS_RDB_H
#define STORAGE_FORMATS_RDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/blob.h"
#include "storage/slice.h"

#define RDB_VERSION 10
/* The longest string, which is also the longest value. */
#define RDB_STRING_MAX_BYTES ((uint64_t)512 << 20)

/* Types of values: the number that precedes a key. */
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
	RDB_HASH_METADATA_PRE_GA = 22, /* of Valkey 9, too, a hash with expiring fields */
	RDB_HASH_LISTPACK_EX_PRE_GA = 23,
	RDB_HASH_METADATA = 24,
	RDB_HASH_LISTPACK_EX = 25,
	RDB_STREAM_LISTPACKS_4 = 26,
	RDB_STREAM_LISTPACKS_5 = 27,
};

/* ---- writing ---- */

struct rdb_writer {
	/* Writes bytes; false if it fails. */
	bool (*write)(void *context, const void *data, size_t len);
	/* NULL, or takes each string as it is instead of its encoding. The string is that of the blob unless the blob is NULL. */
	bool (*write_string)(void *context, struct slice string, struct blob *blob);
	void *context;
	bool compresses;        /* compress strings above 20 bytes if they get shorter */
	size_t compress_below;  /* but not strings of this length or longer; 0: all */
	bool has_failed;
	uint64_t bytes;  /* written so far, without strings that write_string() took */
};

void rdb_write(struct rdb_writer *writer, const void *data, size_t len);
void rdb_write_byte(struct rdb_writer *writer, uint8_t byte);
void rdb_write_length(struct rdb_writer *writer, uint64_t length);
/* Writes an integer if the string is the text of one with up to 32 bits. */
void rdb_write_string(struct rdb_writer *writer, struct slice string);
void rdb_write_blob(struct rdb_writer *writer, struct blob *blob);

/* ---- reading ---- */

struct rdb_reader {
	const uint8_t *at, *end;      /* bytes that are in memory and to be read */
	uint64_t end_offset;          /* the input's offset at `end` */

	/* Reads up to `len` bytes; *out_len is 0 at the input's end only. Returns 0 or an errno value. NULL: all input is in memory. */
	int (*read)(void *context, void *data, size_t len, size_t *out_len);
	void *context;
	uint8_t *buffer;              /* where read() writes to */
	size_t buffer_bytes;

	bool is_summed;               /* rdb_checksum() is wanted */
	uint64_t sum;                 /* the checksum of all bytes before `summed` */
	const uint8_t *summed;

	const char *error;            /* what is wrong with the input; NULL: nothing */
	uint64_t error_offset;        /* where the error is */
	bool has_no_memory;           /* the error is a lack of memory, not the input's fault */
	char error_text[160];         /* for an error that is composed */
	uint8_t text[BLOB_MIN_BYTES]; /* the last string, if it was small and in a special form */
};

/* Reads from memory, which must stay valid. */
void rdb_reader_init(struct rdb_reader *reader, struct slice input);
/* Reads from a function through a buffer of BLOB_MIN_BYTES or more. Both are borrowed. */
void rdb_reader_init_from(struct rdb_reader *reader, int (*read)(void *context, void *data, size_t len, size_t *out_len), void *context,
			  uint8_t *buffer, size_t buffer_bytes);

/* The offset of the next byte to read. */
static inline uint64_t rdb_offset(const struct rdb_reader *reader)
{
	return reader->end_offset - (uint64_t)(reader->end - reader->at);
}

/* The CRC-64 of all bytes read so far. */
uint64_t rdb_checksum(struct rdb_reader *reader);

/* False, with the error set, if not all bytes could be read; all later reads fail too. */
bool rdb_read(struct rdb_reader *reader, void *data, size_t len);
/* Reads `width` bytes, 8 at most, little-endian. */
bool rdb_read_number(struct rdb_reader *reader, unsigned width, uint64_t *out_value);
bool rdb_read_length(struct rdb_reader *reader, uint64_t *out_length);
/*
 * Reads a string. One of BLOB_MIN_BYTES or more comes in `*out_blob`, which the caller releases and which keeps `*out_string` valid. For
 * others `*out_blob` is NULL and `*out_string` is valid until the next read.
 */
bool rdb_read_string(struct rdb_reader *reader, struct slice *out_string, struct blob **out_blob);

/* Reads only the beginning of a string: its length, before compression. An integer's is a bound. */
bool rdb_read_string_length(struct rdb_reader *reader, uint64_t *out_length);

/* Reads the number that identifies a module and refuses its data, `what`, at `offset`, by the module's name. Returns false. */
bool rdb_refuse_module(struct rdb_reader *reader, uint64_t offset, const char *what);

/* Sets the error for the input at `offset`, unless one is set; returns false. `error` must stay valid. */
bool rdb_refuse(struct rdb_reader *reader, uint64_t offset, const char *error);
/* The same with a text that is composed. */
bool rdb_refusef(struct rdb_reader *reader, uint64_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif

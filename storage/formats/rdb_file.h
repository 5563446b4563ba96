/*
 * RDB files: written as version 10, as Redis 7.0 does; read from any version of Redis or Valkey, as far as they contain only what is known.
 *
 *      REDIS0010  AUX name value...  { SELECTDB number  RESIZEDB keys expiring  { EXPIRETIME_MS  IDLE | FREQ  type key value }... }...
 *      EOF  checksum
 *
 * Each name in capitals is an opcode of one byte. The checksum is the CRC-64 of everything before it, in 8 bytes; 0 if none was computed,
 * and absent before version 5. Source of the format: Redis 7.0's rdb.h and rdb.c, Valkey's rdb.h.
 *
 * Any thread.
 */
#ifndef STORAGE_FORMATS_RDB_FILE_H
#define STORAGE_FORMATS_RDB_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "rdb.h"
#include "rdb_pieces.h"

/* ---- writing ---- */

struct rdb_file_options {
	/* Takes the file's bytes in order, in large amounts; false if it fails. */
	bool (*write)(void *context, const void *data, size_t len);
	void *context;
	bool compresses;
	bool is_summed;
};

/* What a file says about itself. */
struct rdb_file_head {
	const char *redis_version;
	int64_t created_s;        /* Unix time */
	uint64_t used_memory;     /* bytes */
	bool is_aof_base;
	uint64_t sequence;        /* of the last frame whose effects are in the file */
	const char *history_id;   /* of the history that replicas follow; "" or NULL: none. rdb_file_place() tells where in it */
};

struct rdb_file_writer;

/* NULL without memory. */
struct rdb_file_writer *rdb_file_writer_create(const struct rdb_file_options *options);
void rdb_file_writer_destroy(struct rdb_file_writer **writer);

/* Call in this order: begin, any fields, records, end. A failure is sticky and reported by rdb_file_end(). */
void rdb_file_begin(struct rdb_file_writer *writer, const struct rdb_file_head *head);
/* A field that other servers skip unless they know its name. */
void rdb_file_field(struct rdb_file_writer *writer, const char *name, struct slice value);
/* The file's place in its history. Anywhere before the end: it may not be known earlier. */
void rdb_file_place(struct rdb_file_writer *writer, uint64_t offset);
/* The database of the next records and how many keys to expect there, so that the reader can prepare its table. */
void rdb_file_select(struct rdb_file_writer *writer, uint32_t database, uint64_t keys, uint64_t expiring_keys);
/* Writes all records. Their databases may alternate, and need no rdb_file_select(). */
void rdb_file_add(struct rdb_file_writer *writer, const struct rdb_pieces *pieces);
/* For the records that follow. */
void rdb_file_set_compression(struct rdb_file_writer *writer, bool compresses);
/* False if anything failed. */
bool rdb_file_end(struct rdb_file_writer *writer);
bool rdb_file_has_failed(const struct rdb_file_writer *writer);
/* Bytes and records written so far. */
uint64_t rdb_file_bytes(const struct rdb_file_writer *writer);
uint64_t rdb_file_records(const struct rdb_file_writer *writer);

/* ---- reading ---- */

enum rdb_item_kind {
	RDB_ITEM_FIELD,     /* name, value */
	RDB_ITEM_DATABASE,  /* number: the database of the next records */
	RDB_ITEM_SIZE,      /* number: how many keys its writer counted in record.database. Not to be trusted */
	RDB_ITEM_RECORD,    /* record: its value follows */
	RDB_ITEM_END,       /* has_checksum: there was one, and it is right */
	RDB_ITEM_ERROR,     /* the reader's values have the error */
};

struct rdb_item {
	uint64_t offset;          /* where it begins */
	uint64_t number;
	struct slice name, value;
	struct rdb_record record;
	bool has_checksum;
};

struct rdb_file_reader {
	struct rdb_reader values; /* for value_decode(); it also has the error */
	unsigned version;
	bool ignores_checksum;    /* the caller may set it */
	/* private */
	uint32_t database;
	struct blob *kept_blob, *value_blob;
	uint8_t *buffer;
	uint8_t kept[BLOB_MIN_BYTES];
};

/* Reads by the function (rdb.h). NULL without memory. */
struct rdb_file_reader *rdb_file_reader_create(int (*read)(void *context, void *data, size_t len, size_t *out_len), void *context);
void rdb_file_reader_destroy(struct rdb_file_reader **reader);

/*
 * Reads the next item. What *out_item points to is valid until the next call. After RDB_ITEM_RECORD the caller reads the value by
 * value_decode(); a type that it can't read is an error already. After RDB_ITEM_END and RDB_ITEM_ERROR don't call again.
 */
enum rdb_item_kind rdb_file_next(struct rdb_file_reader *reader, struct rdb_item *out_item);

#endif

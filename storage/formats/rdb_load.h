/*
 * Loads an RDB file: reads and decodes it, and makes batches of entries for the owner of the data (load_batch.h).
 *
 * Any thread. Batches may be taken while the next ones are made.
 */
#ifndef STORAGE_FORMATS_RDB_LOAD_H
#define STORAGE_FORMATS_RDB_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_batch;

struct rdb_load_options {
	int (*read)(void *context, void *data, size_t len, size_t *out_len); /* rdb.h */
	void *context;
	uint64_t file_bytes;     /* 0 if unknown: then tables can't be sized in advance */
	uint32_t databases;      /* how many the server has */
	int64_t now_ms;          /* wall clock */
	bool keeps_expired;      /* the base of a log: its commands apply to all keys. Else expired keys are skipped, unless the file
	                          * tells its history */
	bool ignores_checksum;
};

/* Where the data are in the history that replicas follow. A file that tells it has all keys, also the expired ones: replicas have them too. */
struct rdb_history {
	char id[41];             /* 40 hexadecimal digits; "" if the file does not tell */
	uint64_t offset;
};

/* What has been read so far. */
struct rdb_load_figures {
	uint64_t offset;         /* bytes of the file */
	uint64_t keys;           /* in batches */
	unsigned version;
	bool has_checksum;       /* known at the end */
	bool is_aof_base;
	bool has_sequence;
	uint64_t sequence;       /* of the last frame whose effects are in the file */
	struct rdb_history history; /* known at the end */
};

struct rdb_load;

/* NULL without memory. */
struct rdb_load *rdb_load_create(const struct rdb_load_options *options);
void rdb_load_destroy(struct rdb_load **load);

enum rdb_load_status { RDB_LOAD_BATCH, RDB_LOAD_END, RDB_LOAD_ERROR };

/* Reads until a batch is full; the caller destroys it. After RDB_LOAD_END and RDB_LOAD_ERROR don't call again. */
enum rdb_load_status rdb_load_next(struct rdb_load *load, struct load_batch **out_batch);

void rdb_load_get_figures(const struct rdb_load *load, struct rdb_load_figures *out_figures);
/* After RDB_LOAD_ERROR: what is wrong and where; valid until the load is destroyed. */
const char *rdb_load_error(const struct rdb_load *load, uint64_t *out_offset);

#endif

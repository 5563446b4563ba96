/*
 * What a path leads to: which files to read, in which order, and as what.
 *
 *   DIR                 the log in it, or in one of its directories: the server's `dir`, or its `appenddirname`
 *   NAME.manifest       the same log
 *   an RDB file         also with commands after it, as old append-only files have them
 *   a file of commands  a part of a log of ours or of Redis, or an append-only file of an old Redis
 */
#ifndef ACTORS_CHECK_SOURCE_H
#define ACTORS_CHECK_SOURCE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/persistence/disk.h"
#include "actors/persistence/manifest.h"

struct source_file {
	char path[PATH_MAX];
	char name[MANIFEST_NAME_BYTES + 1];
	struct manifest_part part;  /* of a file without a manifest: what it says itself */
	uint64_t bytes;
	bool is_named;              /* by a manifest */
	bool is_last;
	bool is_rdb;                /* or begins with an RDB */
	bool has_end;               /* the part ends where the next one begins, with this sequence */
	uint64_t end_sequence;
};

struct check_source {
	bool is_log;                /* a directory with a manifest */
	char directory[PATH_MAX];   /* of the log */
	char manifest_path[PATH_MAX];
	struct manifest manifest;
	struct source_file *files;
	size_t count;
	uint64_t bytes;             /* of all files */
};

#define SOURCE_ERROR_BYTES (2 * PATH_MAX)

/* False: nothing can be read, for this reason. Without memory the process stops. */
bool source_open(const struct disk *disk, const char *path, struct check_source *out_source, char error[SOURCE_ERROR_BYTES]);
void source_close(struct check_source *source);

#endif

/*
 * The state of parts.h, and what its files share: parts_open.c opens the directory, parts_change.c changes it, parts_space.c looks after its space,
 * parts.c has the rest.
 */
#ifndef ACTORS_PERSISTENCE_PARTS_STATE_H
#define ACTORS_PERSISTENCE_PARTS_STATE_H

#include "actors/persistence/parts.h"

#define PARTS_PATH_BYTES 4096

struct path {
	char text[PARTS_PATH_BYTES];
};

struct parts {
	const struct disk *disk;
	struct path parent, directory;
	struct path temporary_base;
	char file_name[MANIFEST_NAME_BYTES + 1];
	int lock_fd;
	struct manifest manifest; /* durable, if it is settled */
	struct manifest waiting;  /* increments that enter with the next base */
	bool is_unsettled;
	size_t history_deleted;   /* files of the manifest's history whose names are gone */
	int64_t last_number;      /* of all increments so far */
	uint64_t ballast_bytes;
	bool has_ballast;
};

/* Sets the error, "TEXT: reason", and returns false. */
bool parts_fail(struct parts_error *out_error, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "DIRECTORY/PREFIX NAME SUFFIX" without the blanks. */
struct path parts_join(const char *directory, const char *prefix, const char *name, const char *suffix);
/* The paths of a file in the log's directory, and of one named "PREFIX FILE_NAME SUFFIX". */
struct path parts_path(const struct parts *parts, const char *name);
struct path parts_named(const struct parts *parts, const char *prefix, const char *suffix);
#define MANIFEST_SUFFIX ".manifest"
#define TEMPORARY_PREFIX "temp-" /* Redis's */

/* Opens the file, syncs it and closes it. An errno value, or 0. */
int parts_sync_file(struct parts *parts, const char *path);
/* Whether the file is there; if so, or if it is absent, the error is 0. */
bool parts_find(struct parts *parts, const char *path, int *out_error);
bool parts_sync_directory(struct parts *parts, const char *path, struct parts_error *out_error);

/* Makes this the manifest, durably; takes what it points to, also after a failure. */
bool parts_change_manifest(struct parts *parts, struct manifest *manifest, struct parts_error *out_error);

#endif

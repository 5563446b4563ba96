/*
 * RDB files of whole databases, without a server.
 */
#ifndef TESTS_SUPPORT_RDB_FILES_H
#define TESTS_SUPPORT_RDB_FILES_H

#include <stdbool.h>

#include "storage/databases.h"
#include "storage/formats/rdb_load.h"

struct rdb_files_how {
	bool compresses, is_summed;
	bool has_usage; /* with the keys' idle times */
};

/* Writes all databases to a new file. Returns NULL, or what went wrong. */
const char *rdb_files_save(const struct databases *databases, const char *path, const struct rdb_files_how *how);

/* Adds what is in the file to the databases, expired keys too. Returns NULL, or what is wrong, until the next call. */
const char *rdb_files_load(struct databases *databases, const char *path, struct rdb_load_figures *out_figures);

#endif

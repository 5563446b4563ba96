/*
 * What the server keeps on disk, as it is found at the start: the directory of the log with appendonly, otherwise an RDB file, if there is
 * one. As in Redis, with appendonly the RDB file is not looked at.
 *
 * Opened before the actors exist; from then on the AOF actor owns it.
 */
#ifndef ACTORS_PERSISTENCE_DATA_FILES_H
#define ACTORS_PERSISTENCE_DATA_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"
#include "actors/persistence/aof.h"
#include "actors/persistence/disk.h"
#include "actors/persistence/parts.h"

struct data_file {
	char *path;                       /* as a message names it */
	const struct manifest_part *part; /* NULL: the RDB file */
	uint64_t bytes;
};

struct data_files {
	const struct disk *disk;
	struct parts *parts;              /* NULL without appendonly */
	bool parts_are_borrowed;
	struct data_file *items;           /* in the order in which they are loaded */
	uint32_t count;
	uint64_t bytes;                   /* of all */
};

/* With appendonly it locks the log's directory. NULL: out_error says why the server can't start with it. */
struct data_files *data_files_open(const struct disk *disk, const struct config *config, struct config_error *out_error);
void data_files_close(struct data_files **files);

/*
 * Finds the RDB file, or the files of the log that is open, while the server runs. NULL: out_error says why there is nothing to load. Closing
 * the outcome leaves the log open.
 */
struct data_files *data_files_find_again(const struct data_files *files, enum data_source source, const struct config *config,
					 struct config_error *out_error);
/* For reading; the caller closes it. False: out_error says why not. */
bool data_files_open_file(const struct data_files *files, const struct data_file *file, int *out_fd, struct config_error *out_error);

/* Opens and locks the log's directory, or closes it, at run time. False: out_error says why it can't. */
bool data_files_open_log(struct data_files *files, const struct config *config, struct config_error *out_error);
void data_files_close_log(struct data_files *files);

static inline uint64_t data_files_bytes(const struct data_files *files)
{
	return files->bytes;
}

#endif

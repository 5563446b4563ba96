/*
 * The AOF actor: keeps the data in an append-only file, and loads them at the start.
 *
 * It takes every frame of the command bus, gathers frames into groups, and appends each group to a part of the log. It alone says what is
 * durable: the mark is the last frame that a sync has confirmed, and only this actor moves it. Its turns may block on the disk; then frames
 * wait in its mailbox, for as long as there is credit.
 *
 * appendfsync:
 *   always    each group is synced before the mark moves past it; replies wait for that in their reactors
 *   everysec  the SYNCER syncs once a second, while the AOF writes on
 *   no        the system writes when it likes; a sync happens only when someone asks (WAITAOF), and at the end
 *
 * When the disk is full or a write fails, the group is kept in memory, the store refuses writes, and the AOF tries again every second.
 *
 * Order of calls: data_files_open(), aof_create(), then the runtime is opened; aof_destroy() after runtime_stop().
 */
#ifndef ACTORS_PERSISTENCE_AOF_H
#define ACTORS_PERSISTENCE_AOF_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"

/* Where data are loaded from, while the server runs. */
enum data_source {
	DATA_FROM_RDB,
	DATA_FROM_SAVE, /* the RDB file that was just written, with the keys that have expired */
	DATA_FROM_LOG,
};

struct aof;
struct data_files;
struct runtime;

/* Takes the files. Out of memory is fatal. */
struct aof *aof_create(struct runtime *runtime, const struct config *config, struct data_files *files);
void aof_destroy(struct aof **aof);
/* There are data, or a log is to be begun: the store must wait until AOF_LOAD has been answered. */
bool aof_must_load(const struct aof *aof);

/* The payload of STORE_AOF_FIGURES. */
struct aof_figures {
	uint64_t written, durable;        /* sequences */
	uint64_t bytes, base_bytes;       /* of all files of the log; of its base */
	uint64_t parts;
	uint64_t buffered_bytes;          /* in memory, to be written */
	uint64_t delayed_syncs;           /* times that writing waited for a sync */
	uint64_t sync_usec;               /* what a sync takes, averaged */
	uint64_t groups, group_frames;    /* written: groups, and frames in them */
	bool sync_is_pending;
	int error;                        /* errno of the last write or sync; 0 if it went well */
};

#endif

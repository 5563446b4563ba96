/*
 * The snapshot writer: an actor that turns records into RDB files. It encodes, compresses and checksums them, so that neither the store nor
 * the log has to.
 *
 * The store posts SNAPSHOT_BEGIN, any number of SNAPSHOT_RECORDS, then SNAPSHOT_END; or SNAPSHOT_ABORT instead, or after it. Each SNAPSHOT_BEGIN
 * is answered once, by STORE_SNAPSHOT_DONE or STORE_SNAPSHOT_FAILED, and each batch returns with STORE_SNAPSHOT_CREDIT.
 *
 * A snapshot for replicas is no file. Its bytes go to the store with STORE_SNAPSHOT_BYTES, at most once for each message from the store, before
 * the answer to that message.
 */
#ifndef ACTORS_PERSISTENCE_SNAPSHOT_WRITER_H
#define ACTORS_PERSISTENCE_SNAPSHOT_WRITER_H

#include "actors/persistence/snapshot_batch.h"
#include "actors/persistence/snapshot_file.h"
#include "actors/runtime/actor.h"

struct rdb_file_writer;

struct snapshot_writer {
	struct actor *actor;
	const struct disk *disk;
	struct snapshot_plan *plan;     /* of the file that is being written; NULL without one */
	struct snapshot_file file;
	struct blob *bytes;             /* for replicas: written, and not given to the store yet */
	struct rdb_file_writer *rdb;
	bool is_stopping;
};

void snapshot_writer_init(struct snapshot_writer *writer, struct runtime *runtime, const struct disk *disk);
/* When no turn can run any more. */
void snapshot_writer_fini(struct snapshot_writer *writer);

#endif

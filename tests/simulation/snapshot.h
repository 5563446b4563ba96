/*
 * A snapshot of a node's data, as a writer would take it: what was emitted before changes and by the walk must be what there was when it
 * began. So a command that changes an entry and doesn't announce it (storage/change.h) is found out.
 */
#ifndef TESTS_SIMULATION_SNAPSHOT_H
#define TESTS_SIMULATION_SNAPSHOT_H

#include "actors/store/data_digest.h"
#include "storage/databases.h"

#define SNAPSHOT_KEYSPACES_MAX 16

struct snapshot {
	struct databases *databases;
	struct keyspace *keyspaces[SNAPSHOT_KEYSPACES_MAX]; /* still to be walked through */
	uint32_t count;
	uint64_t cursor;  /* in the last of them */
	bool is_under_way;
	uint64_t emitted_count;
	struct data_digest former, emitted;
};

/* Nobody else watches the data, which must not have gone when a step is made. The snapshot stays where it is. */
void snapshot_init(struct snapshot *snapshot, struct databases *databases);
/* Begins one, or goes on with it. False: it has come to its end, and isn't what there was. */
bool snapshot_step(struct snapshot *snapshot);

#endif

/*
 * Compares each snapshot's file, or what replicas get of it, with the data as they were at the cut: the same keys in the same databases, with the same values and times
 * to live, and nothing else. A difference is a broken invariant.
 */
#ifndef TESTS_SIMULATION_SNAPSHOT_CHECK_H
#define TESTS_SIMULATION_SNAPSHOT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "simulation/channel.h"
#include "simulation/disk.h"
#include "storage/databases.h"
#include "transport/buffer.h"

struct store;

struct snapshot_check {
	const struct store *store;
	struct simulated_disk *disk; /* NULL: files are not looked at */
	uint64_t at_cut;           /* a fingerprint of the data */
	char path[64];             /* of the file */
	bool is_for_replicas;
	struct buffer bytes;       /* for them */
	uint32_t begun, completed, failed;
};

void snapshot_check_init(struct snapshot_check *check, const struct store *store, struct simulated_disk *disk);
void snapshot_check_fini(struct snapshot_check *check);
/* For every message of the store's node. */
void snapshot_check_message(struct snapshot_check *check, enum channel_event event, const struct message *message);

/* Loads the file into empty databases and returns their fingerprint. A broken file is a broken invariant. */
uint64_t snapshot_check_bytes(struct slice bytes, struct databases *databases);
uint64_t snapshot_check_file(struct simulated_disk *disk, const char *path, struct databases *databases);
/* Equal data have equal fingerprints. Keys that have expired at `now_ms` are left out, unless that is INT64_MIN. */
uint64_t snapshot_check_fingerprint(const struct databases *databases, int64_t now_ms);

#endif

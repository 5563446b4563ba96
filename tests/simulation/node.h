/*
 * A node of the simulated world: the real store, observer, reaper, snapshot writer and replication actor between doubles of reactors, supervisor, worker and
 * subscribers, with a disk of its own. Several may live at once; all share the scheduler.
 *
 * At every post the node checks that the subscriber has credit, and each snapshot's file is compared with the data of its cut.
 */
#ifndef TESTS_SIMULATION_NODE_H
#define TESTS_SIMULATION_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"
#include "actors/stop_order.h"
#include "actors/persistence/snapshot_writer.h"
#include "actors/replication/replication.h"
#include "simulation/channel.h"
#include "simulation/disk.h"
#include "simulation/reactor_double.h"
#include "simulation/recorder.h"
#include "simulation/snapshot_check.h"

#define NODE_SUBSCRIBERS_MAX 4

struct node_options {
	uint32_t reactors;
	uint32_t recorders;
	int64_t credit_bytes[NODE_SUBSCRIBERS_MAX]; /* of each recorder; 0: BUS_CREDIT_BYTES */
	/* Of each recorder. The first and third run as subscribers that may block, the others on the pool. */
	bool is_optional[NODE_SUBSCRIBERS_MAX], joins_later[NODE_SUBSCRIBERS_MAX];
	int64_t maxmemory;                          /* 0: no limit; else only keys with a TTL are evicted */
	const struct disk *disk;                    /* with it there is an AOF, and appendonly is yes; NULL: nothing is kept */
	struct simulated_disk *checked_disk;        /* the same: the files of snapshots on it are compared; NULL: they are not */
	bool is_off;                                /* with the disk: appendonly is no, and can be switched on */
	int appendfsync;                            /* enum appendfsync */
	uint64_t ballast_bytes;                     /* aof-ballast-size */
	uint64_t corrupt_tail_max_bytes;            /* aof-load-corrupt-tail-max-size */
	char *out_refusal;                          /* 512 bytes for why the disk's files are refused, or NULL */
	uint64_t snapshot_memory_limit;             /* 0: the default */
	bool is_quiet;                              /* it logs not even warnings */
	bool saves;                                 /* it has a save point: after a second with one change */
};

struct node {
	uint32_t number;
	struct config config;
	struct runtime *runtime;
	struct actor *supervisor;
	struct store *store;
	struct observer *observer;
	struct reaper *reaper;
	struct data_files *files;  /* these three only with a disk; the AOF owns the first */
	struct aof *aof;
	struct syncer *syncer;
	bool has_loaded;           /* the store has the data */
	char refusal[512];         /* why the data can't be loaded; "" if they can */
	struct reactor_double **reactors;
	uint32_t reactor_count;
	struct recorder **recorders;
	uint32_t recorder_count;
	struct stop_order stop;
	uint32_t shutdowns_failed;
	struct snapshot_writer snapshot_writer;
	struct replication_actor replication;
	struct simulated_disk *disk;
	struct snapshot_check snapshot_check;
	struct node *next;
};

/* After scheduler_begin(). With a disk, the node loads the data when the scheduler goes on. NULL: the files are refused. */
struct node *node_create(const struct node_options *options);
/* As the supervisor does when a signal comes: the store may save the data first. */
void node_signal(struct node *node, int number);
/* Begins a stop. The node has stopped once shutdown-timeout has passed and the scheduler has settled. */
void node_stop(struct node *node);
/* As SHUTDOWN NOW: does not wait for clients. */
void node_stop_now(struct node *node);
bool node_has_stopped(const struct node *node);
/* Destroys a node, stopped or not, with the messages that are under way. */
void node_destroy(struct node **node);

#endif

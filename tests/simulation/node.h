/*
 * A node of the simulated world: the real store, observer and reaper between doubles of reactors, supervisor, worker and
 * subscribers. Several may live at once; all share the scheduler.
 *
 * On every post the node checks from outside that no subscriber is posted to without credit.
 */
#ifndef TESTS_SIMULATION_NODE_H
#define TESTS_SIMULATION_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"
#include "actors/stop_order.h"
#include "simulation/channel.h"
#include "simulation/reactor_double.h"
#include "simulation/recorder.h"
#include "simulation/snapshot.h"

#define NODE_SUBSCRIBERS_MAX 4

struct node_options {
	uint32_t reactors;
	uint32_t recorders;
	int64_t credit_bytes[NODE_SUBSCRIBERS_MAX]; /* of each recorder; 0: BUS_CREDIT_BYTES */
	/* Of each recorder. The first and third have the host of those that may block, the others that of the pool. */
	bool is_optional[NODE_SUBSCRIBERS_MAX], joins_later[NODE_SUBSCRIBERS_MAX];
	int64_t maxmemory;                          /* 0: without a limit; with one only keys that expire are evicted */
};

struct node {
	uint32_t number;
	struct config config;
	struct runtime *runtime;
	struct actor *supervisor;
	struct store *store;
	struct observer *observer;
	struct reaper *reaper;
	struct reactor_double **reactors;
	uint32_t reactor_count;
	struct recorder **recorders;
	uint32_t recorder_count;
	struct stop_order stop;
	struct snapshot snapshot; /* of the store's data; it makes a step when the test says so */
	struct node *next;
};

/* After scheduler_begin(). */
struct node *node_create(const struct node_options *options);
/* The supervisor begins to stop the node; it has stopped when the scheduler has settled and the drain's time has passed. */
void node_stop(struct node *node);
/* As SHUTDOWN NOW: nothing that is under way is waited for. */
void node_stop_now(struct node *node);
bool node_has_stopped(const struct node *node);
/* Whether it has stopped or not: what is still under way is thrown away. */
void node_destroy(struct node **node);

#endif

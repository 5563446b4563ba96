/*
 * A node that keeps an append-only file on a simulated disk of its own, for tests that decide what the disk does. One at a time.
 *
 * The functions check with CUnit that the node starts, loads, stops, and leaves no descriptor open.
 */
#ifndef TESTS_SIMULATION_LOG_NODE_H
#define TESTS_SIMULATION_LOG_NODE_H

#include "simulation/disk.h"
#include "simulation/node.h"

extern struct simulated_disk *log_disk;
/* Why the files were refused when log_node_create() returned NULL. */
extern char log_refusal[512];

/* A node on the disk as it is, which has not loaded yet; NULL: the files are refused. The disk and the ballast are set here. */
struct node *log_node_create(struct node_options options);
/* The same, loaded. */
struct node *log_node_start(struct node_options options);
/* A world with an empty disk, and a node on it. */
struct node *log_node_begin(struct node_options options);
void log_node_stop(struct node **node);
/* The disk goes too. */
void log_node_end(struct node **node);
/* The power fails. The node ends without the disk, and another one starts on what is left. */
struct node *log_node_cut_power(struct node **node, enum disk_fate fate, struct node_options options);

/* What comes back, now. */
#define ASK(who, ...) ({ \
	struct client *asking_ = (who); \
	client_send(asking_, __VA_ARGS__, NULL); \
	scheduler_settle(); \
	client_take(asking_); \
})
#define GIVES(who, reply, ...) CU_ASSERT_STRING_EQUAL(ASK(who, __VA_ARGS__), reply)

#define MISCONF "-MISCONF Errors writing to the AOF file: "

#endif

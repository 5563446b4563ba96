#include "simulation/log_node.h"

#include "simulation/scheduler.h"
#include "support/suite.h"

/* Enough for what these tests write. */
#define BALLAST_BYTES 100000

struct simulated_disk *log_disk;
char log_refusal[512];

struct node *log_node_create(struct node_options options)
{
	options.disk = simulated_disk_functions(log_disk);
	options.ballast_bytes = BALLAST_BYTES;
	options.out_refusal = log_refusal;
	return node_create(&options);
}

struct node *log_node_start(struct node_options options)
{
	struct node *node = log_node_create(options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(node->refusal, "");
	CU_ASSERT_TRUE_FATAL(node->has_loaded);
	return node;
}

struct node *log_node_begin(struct node_options options)
{
	scheduler_begin(1, TRACE_QUIETLY);
	log_disk = simulated_disk_create(1);
	return log_node_start(options);
}

void log_node_stop(struct node **node)
{
	node_stop(*node);
	scheduler_advance_ms(20000);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(*node));
	node_destroy(node);
	CU_ASSERT_EQUAL(simulated_disk_open_descriptors(log_disk), 0);
}

void log_node_end(struct node **node)
{
	log_node_stop(node);
	simulated_disk_destroy(&log_disk);
}

struct node *log_node_cut_power(struct node **node, enum disk_fate fate, struct node_options options)
{
	simulated_disk_cut(log_disk);
	node_stop_now(*node);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(*node));
	node_destroy(node);
	simulated_disk_restart(log_disk, fate);
	return log_node_start(options);
}

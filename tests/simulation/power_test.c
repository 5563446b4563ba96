/*
 * Power cuts: a node with the real store, AOF and gate on the simulated disk. Clients run a short workload, and the power is cut before each
 * of the disk's calls, in all four fates. Then the node starts anew on what is left of the disk; the end of the log may be garbage
 * (aof-load-corrupt-tail-max-size). It must start, and its data must be what they were after some frame: nothing is there
 * without everything before it. With appendfsync always it holds everything that any client had been told, as the result of its own write or
 * of another's.
 *
 * The log is also rewritten meanwhile, or switched on and off.
 *
 * The same workload is played with each call of the disk failing once; then nothing at all may be lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "simulation/disk.h"
#include "simulation/node.h"
#include "support/suite.h"

#define CLIENTS 3
#define ROUNDS 6
#define FRAMES_MAX 256

/* What the world knew before the cut. */
static struct {
	char digests[FRAMES_MAX][DIGEST_HEX_BYTES]; /* the data after each frame; [0]: without data */
	uint64_t frames;
	int64_t told[CLIENTS];                      /* the highest value of each counter that any client was told */
	int64_t promised[CLIENTS];                  /* the same, as long as appendonly was on */
} history;

/* What happens to the log meanwhile. */
enum course { COURSE_PLAIN, COURSE_REWRITTEN, COURSE_SWITCHED, COURSES };

struct world {
	struct simulated_disk *disk;
	struct node *node;
	struct client *clients[CLIENTS];
	enum appendfsync appendfsync;
	uint64_t ballast_bytes;
	enum course course;
	bool is_on;                 /* appendonly */
};

static char refusal[512];

/* ---- the workload ---- */

static void note_frame(void *context, const struct frame *frame, const struct effect *effect)
{
	if (frame->sequence >= FRAMES_MAX)
		abort();
	recorder_digest(context, history.digests[frame->sequence]);
	history.frames = frame->sequence;
}

static struct node *start_node(struct world *world, uint32_t recorders)
{
	return node_create(&(struct node_options){
		.is_off = !world->is_on, .reactors = 1, .recorders = recorders, .disk = simulated_disk_functions(world->disk), .appendfsync = world->appendfsync,
		.ballast_bytes = world->ballast_bytes, .corrupt_tail_max_bytes = 4096, .out_refusal = refusal });
}

/* What was told while the log was off counts once it is on again. */
static void note_promises(const struct world *world)
{
	if (world->is_on)
		memcpy(history.promised, history.told, sizeof(history.promised));
}

/* In rounds 1 and 4 it is switched on, in round 3 off; or rewritten in each other. */
static void change_log(struct world *world, int round)
{
	struct client *client = client_open(world->node->reactors[0]);
	if (world->course == COURSE_REWRITTEN && round % 2 == 1)
		client_send(client, "BGREWRITEAOF", NULL);
	if (world->course != COURSE_SWITCHED || !strchr("134", '0' + round))
		return;
	client_send(client, "CONFIG", "SET", "appendonly", round == 3 ? "no" : "yes", NULL);
	scheduler_settle();
	world->is_on = round == 3 ? false : world->is_on || strcmp(client_take(client), "+OK\r\n") == 0;
	note_promises(world);
}

/* The replies are ":n" to INCR, and "$1" "n" to GET. */
static void note_told(struct client *client, uint32_t counter)
{
	const char *text = client_take(client);
	int64_t value;
	const char *number = text[0] == '$' && text[1] != '-' ? strchr(text, '\n') : text;
	if (text[0] && number && sscanf(number + 1, "%" SCNd64, &value) == 1 && value > history.told[counter])
		history.told[counter] = value;
}

/* Each client counts, and in the next round looks at its neighbour's counter. */
static void play_round(struct world *world, int round)
{
	for (uint32_t i = 0; i < CLIENTS; i++) {
		char key[8];
		uint32_t counter = round % 2 ? (i + 1) % CLIENTS : i;
		snprintf(key, sizeof(key), "c%u", counter);
		if (!client_may_send(world->clients[i]))
			continue;
		client_send(world->clients[i], round % 2 ? "GET" : "INCR", key, NULL);
		if (round % 3 == 2)
			scheduler_settle(); /* sometimes alone in its group, sometimes with others */
		note_told(world->clients[i], counter);
	}
	scheduler_settle();
	for (uint32_t i = 0; i < CLIENTS; i++)
		note_told(world->clients[i], round % 2 ? (i + 1) % CLIENTS : i);
	note_promises(world);
}

static void begin(struct world *world, enum appendfsync appendfsync, enum course course)
{
	scheduler_begin(1, TRACE_QUIETLY);
	memset(&history, 0, sizeof(history));
	memset(history.digests[0], '0', DIGEST_HEX_BYTES - 1);
	*world = (struct world){ .disk = simulated_disk_create(1), .appendfsync = appendfsync, .course = course,
				.is_on = course != COURSE_SWITCHED };
}

/* May end early: the power may be cut while the node starts. */
static void play(struct world *world)
{
	world->node = start_node(world, 1);
	if (!world->node)
		return;
	world->node->recorders[0]->on_effect = note_frame;
	world->node->recorders[0]->context = world->node->recorders[0];
	scheduler_settle();
	for (uint32_t i = 0; i < CLIENTS; i++)
		world->clients[i] = client_open(world->node->reactors[0]);
	for (int round = 0; round < ROUNDS; round++) {
		change_log(world, round);
		play_round(world, round);
		scheduler_advance_ms(600);
		scheduler_settle();
	}
}

/* With a disk that is cut nothing of this reaches it. */
static void end_node(struct world *world)
{
	if (!world->node)
		return;
	node_stop_now(world->node);
	scheduler_advance_ms(1000);
	scheduler_settle();
	node_destroy(&world->node);
}

/* ---- the oracle ---- */

static int64_t counter_of(struct client *client, uint32_t counter)
{
	char key[8];
	int64_t value = 0;
	snprintf(key, sizeof(key), "c%u", counter);
	client_send(client, "GET", key, NULL);
	scheduler_settle();
	const char *text = client_take(client);
	if (text[0] == '$' && text[1] != '-')
		sscanf(strchr(text, '\n') + 1, "%" SCNd64, &value);
	return value;
}

static bool is_in_history(const char *digest)
{
	for (uint64_t i = 0; i <= history.frames; i++)
		if (strcmp(history.digests[i], digest) == 0)
			return true;
	return false;
}

static void fail_at(const struct world *world, uint64_t call, int fate, const char *what)
{
	static const char *const policies[] = { "everysec", "always", "no" };
	static const char *const courses[COURSES] = { "plain", "rewritten", "switched" };
	printf("\n%s, %s, call %" PRIu64 ", fate %d: %s\n", policies[world->appendfsync], courses[world->course], call, fate, what);
	CU_FAIL("see above");
}

/* The node starts anew on what there is. */
static void check_data(struct world *world, uint64_t call, int fate, bool must_have_all)
{
	char digest[DIGEST_HEX_BYTES] = "", text[600];
	world->is_on = true;
	world->node = start_node(world, 0);
	if (world->node)
		scheduler_settle();
	if (!world->node || !world->node->has_loaded) {
		snprintf(text, sizeof(text), "doesn't start: %s", world->node ? world->node->refusal : refusal);
		fail_at(world, call, fate, text);
		end_node(world);
		return;
	}
	struct client *client = client_open(world->node->reactors[0]);
	client_send(client, "DEBUG", "DIGEST", NULL);
	scheduler_settle();
	sscanf(client_take(client), "+%40s", digest);
	if (!is_in_history(digest))
		fail_at(world, call, fate, "the data are no prefix");
	for (uint32_t i = 0; must_have_all && i < CLIENTS; i++)
		if (counter_of(client, i) < history.promised[i])
			fail_at(world, call, fate, "something that a client was told is lost");
	/* It goes on: what is written now is there as well after another start. */
	client_send(client, "INCR", "again", NULL);
	scheduler_settle();
	if (strcmp(client_take(client), ":1\r\n") != 0)
		fail_at(world, call, fate, "no more writes");
	end_node(world);
	world->node = start_node(world, 0);
	if (world->node) {
		scheduler_settle();
		client = client_open(world->node->reactors[0]);
		client_send(client, "GET", "again", NULL);
		scheduler_settle();
	}
	if (!world->node || strcmp(client_take(client), "$1\r\n1\r\n") != 0)
		fail_at(world, call, fate, "lost after another start");
	end_node(world);
}

/* ---- cuts ---- */

static uint64_t count_calls(enum appendfsync appendfsync, enum course course)
{
	struct world world;
	begin(&world, appendfsync, course);
	play(&world);
	uint64_t calls = simulated_disk_calls(world.disk);
	end_node(&world);
	simulated_disk_destroy(&world.disk);
	return calls;
}

static void cut(enum appendfsync appendfsync, enum course course, uint64_t call, enum disk_fate fate)
{
	struct world world;
	begin(&world, appendfsync, course);
	simulated_disk_cut_at(world.disk, call);
	play(&world);
	if (!simulated_disk_is_cut(world.disk))
		simulated_disk_cut(world.disk);
	end_node(&world);
	simulated_disk_restart(world.disk, fate);
	check_data(&world, call, fate, appendfsync == APPENDFSYNC_ALWAYS);
	simulated_disk_destroy(&world.disk);
}

static void cut_at_every_call(enum appendfsync appendfsync, enum course course)
{
	uint64_t calls = count_calls(appendfsync, course);
	CU_ASSERT_TRUE(calls > 20);
	for (uint64_t call = 1; call <= calls + 1; call++)
		for (int fate = 0; fate < DISK_FATES; fate++)
			cut(appendfsync, course, call, (enum disk_fate)fate);
}

static void with_always_a_power_cut_loses_nothing_that_anybody_was_told(void)
{
	for (int course = 0; course < COURSES; course++)
		cut_at_every_call(APPENDFSYNC_ALWAYS, (enum course)course);
}

static void with_everysec_a_power_cut_leaves_a_prefix(void)
{
	for (int course = 0; course < COURSES; course++)
		cut_at_every_call(APPENDFSYNC_EVERYSEC, (enum course)course);
}

static void without_syncs_a_power_cut_leaves_a_prefix(void)
{
	for (int course = 0; course < COURSES; course++)
		cut_at_every_call(APPENDFSYNC_NO, (enum course)course);
}

/* ---- failures ---- */

static void fail_call(enum appendfsync appendfsync, enum course course, uint64_t call, int error, enum disk_fate fate)
{
	struct world world;
	begin(&world, appendfsync, course);
	world.ballast_bytes = 4096;
	simulated_disk_fail_call(world.disk, call, error);
	play(&world);
	bool has_started = world.node && world.node->has_loaded;
	scheduler_advance_ms(3000);
	scheduler_settle();
	simulated_disk_cut(world.disk);
	end_node(&world);
	simulated_disk_restart(world.disk, fate);
	if (has_started)
		check_data(&world, call, fate, appendfsync == APPENDFSYNC_ALWAYS);
	simulated_disk_destroy(&world.disk);
}

/* One fate each: there are many. */
static void fail_every_call(enum appendfsync appendfsync, enum course course)
{
	static const int errors[] = { EIO, ENOSPC, DISK_SHORT_WRITE };
	uint64_t calls = count_calls(appendfsync, course);
	for (uint64_t call = 1; call <= calls; call++)
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			fail_call(appendfsync, course, call, errors[i], (enum disk_fate)((call + i) % DISK_FATES));
}

static void with_always_a_failing_call_and_a_power_cut_lose_nothing_that_anybody_was_told(void)
{
	for (int course = 0; course < COURSES; course++)
		fail_every_call(APPENDFSYNC_ALWAYS, (enum course)course);
}

static void with_everysec_a_failing_call_and_a_power_cut_leave_a_prefix(void)
{
	for (int course = 0; course < COURSES; course++)
		fail_every_call(APPENDFSYNC_EVERYSEC, (enum course)course);
}

static const struct suite_case cases[] = {
	CASE(with_always_a_power_cut_loses_nothing_that_anybody_was_told),
	CASE(with_everysec_a_power_cut_leaves_a_prefix),
	CASE(without_syncs_a_power_cut_leaves_a_prefix),
	CASE(with_always_a_failing_call_and_a_power_cut_lose_nothing_that_anybody_was_told),
	CASE(with_everysec_a_failing_call_and_a_power_cut_leave_a_prefix),
};

int main(int argc, char **argv)
{
	log_open("/dev/null", LOG_WARNING);
	return suite_main("power", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

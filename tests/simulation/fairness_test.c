/*
 * Fairness between clients whose commands are slow and clients whose commands are quick.
 *
 * APPENDs to the key "slow" and INCRs of the key "quick" take fixed times: the clock moves on at its first reading after one of them, which
 * is the one that ends the command. Nothing else takes time.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/store/state.h"
#include "simulation/node.h"
#include "support/suite.h"

/* Quick clients send on until all slow commands are done, or have starved for long. */
enum { SLOW_CLIENTS = 4, SLOW_COMMANDS = 60, QUICK_CLIENTS_MAX = 12, QUICK_COMMANDS_MAX = 20000 };

#define US 1000u
#define MS (1000u * US)
#define SLOW_NS (200u * US)
#define QUICK_NS (20u * US)
/* A turn begins no further command after half a millisecond. Clients that are set aside have half of it, or half of it more. */
#define TURN_NS (500u * US)
#define LONGEST_TURN_NS (TURN_NS + TURN_NS / 2 + 2 * SLOW_NS)
/* However many messages wait, clients that are set aside go on after this time. */
#define SET_ASIDE_NS (20u * MS)

static struct world {
	struct node *node;
	struct client *slow[SLOW_CLIENTS], *quick[QUICK_CLIENTS_MAX];
	uint64_t quick_came_ns[QUICK_CLIENTS_MAX];  /* when its command came to the reactor, or will come */
	uint32_t quick_count;
	uint64_t way_ns;                            /* from an answer to the next command of a quick client */
	uint64_t slow_wanted;                       /* commands that all slow clients send together */
	uint64_t slow_done, quick_done;             /* commands whose time has passed */
	uint64_t slow_answered, slow_answered_ns;   /* by all slow clients together, and when that changed last */
	uint64_t first_wait_ns, longest_wait_ns;    /* of a quick client; the longest without each client's first */
	uint64_t longest_pause_ns, widest_gap;      /* of all slow clients; between them in answers */
} world;

/* ---- time ---- */

static struct slice value_of(const char *key)
{
	struct slice name = slice_of(key, strlen(key));
	const struct entry *entry = keyspace_find_any(databases_read(&world.node->store->databases, 0), name, keyspace_hash(name));
	return entry ? entry_string(entry) : slice_of("", 0);
}

static uint64_t number_in(struct slice text)
{
	uint64_t number = 0;
	for (size_t i = 0; i < text.len; i++)
		number = 10 * number + text.data[i] - '0';
	return number;
}

static uint64_t cost_of_commands(void *context)
{
	uint64_t slow = value_of("slow").len - world.slow_done, quick = number_in(value_of("quick")) - world.quick_done;
	world.slow_done += slow;
	world.quick_done += quick;
	return slow * SLOW_NS + quick * QUICK_NS;
}

/* ---- clients ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool slow_are_done(void)
{
	return world.slow_answered == world.slow_wanted;
}

static void note_slow(void)
{
	uint64_t all = 0, least = UINT64_MAX, most = 0, now_ns = scheduler_now_ns();
	for (int i = 0; i < SLOW_CLIENTS; i++) {
		uint64_t answered = world.slow[i]->answered;
		all += answered;
		least = answered < least ? answered : least;
		most = larger(most, answered);
	}
	if (all == world.slow_answered)
		return;
	world.widest_gap = larger(world.widest_gap, most - least);
	world.longest_pause_ns = larger(world.longest_pause_ns, now_ns - world.slow_answered_ns);
	world.slow_answered = all;
	world.slow_answered_ns = now_ns;
}

static void on_received(struct client *client)
{
	note_slow();
	for (uint32_t i = 0; i < world.quick_count; i++) {
		if (world.quick[i] != client || client->answered < client->sent)
			continue;
		uint64_t wait_ns = scheduler_now_ns() - world.quick_came_ns[i];
		uint64_t *longest = client->answered == 1 ? &world.first_wait_ns : &world.longest_wait_ns;
		*longest = larger(*longest, wait_ns);
		world.quick_came_ns[i] = scheduler_now_ns() + world.way_ns;
	}
}

static void begin(uint32_t quick_clients, uint64_t way_ns)
{
	scheduler_begin(1, TRACE_QUIETLY);
	world = (struct world){ .node = node_create(&(struct node_options){ .reactors = 1 }), .quick_count = quick_clients, .way_ns = way_ns };
	struct reactor_double *reactor = world.node->reactors[0];
	for (int i = 0; i < SLOW_CLIENTS; i++)
		world.slow[i] = client_open(reactor);
	for (uint32_t i = 0; i < quick_clients; i++)
		world.quick[i] = client_open(reactor);
	scheduler_settle();
	reactor->on_received = on_received;
	scheduler_set_reading_cost(cost_of_commands, NULL);
	world.slow_answered_ns = scheduler_now_ns();
	for (uint32_t i = 0; i < quick_clients; i++)
		world.quick_came_ns[i] = scheduler_now_ns();
}

static void send_slow(int commands)
{
	world.slow_wanted = SLOW_CLIENTS * (uint64_t)commands;
	for (int i = 0; i < SLOW_CLIENTS; i++)
		for (int n = 0; n < commands; n++)
			client_send(world.slow[i], "APPEND", "slow", "x", NULL);
}

static void send_quick(void)
{
	for (uint32_t i = 0; i < world.quick_count && !slow_are_done(); i++) {
		const struct client *client = world.quick[i];
		if (client->sent == client->answered && client->sent < QUICK_COMMANDS_MAX && world.quick_came_ns[i] <= scheduler_now_ns())
			client_send(world.quick[i], "INCR", "quick", NULL);
	}
}

/* All actors but the store do whatever they can. */
static void step_others(struct mailbox *store)
{
	mailbox_set_pace(store, 0);
	scheduler_settle();
	mailbox_set_pace(store, 100);
}

static void play(void)
{
	struct mailbox *store = runtime_actor(world.node->runtime, ACTOR_STORE, 0)->mailbox;
	do {
		step_others(store);
		send_quick();
		step_others(store);
	} while (scheduler_step());
	CU_ASSERT(slow_are_done());
}

static void end(void)
{
	scheduler_set_reading_cost(NULL, NULL);
	node_stop(world.node);
	scheduler_settle();
	scheduler_advance_ms(10000);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(world.node));
	node_destroy(&world.node);
}

/* ---- cases ---- */

static void a_quick_client_waits_for_one_turn_of_each_slow_client_and_then_for_one_turn(void)
{
	begin(1, 100 * US);
	send_slow(SLOW_COMMANDS);
	send_quick(); /* in the same batch, behind them */
	play();
	CU_ASSERT(world.first_wait_ns <= SLOW_CLIENTS * LONGEST_TURN_NS);
	CU_ASSERT(world.longest_wait_ns <= LONGEST_TURN_NS);
	CU_ASSERT(world.quick[0]->answered >= 20); /* while the slow commands take 48 ms */
	end();
}

static void slow_clients_take_turns(void)
{
	begin(1, 100 * US);
	send_slow(SLOW_COMMANDS);
	send_quick();
	play();
	CU_ASSERT(world.widest_gap <= 2 * LONGEST_TURN_NS / SLOW_NS);
	CU_ASSERT(world.longest_pause_ns <= 2 * LONGEST_TURN_NS);
	end();
}

static void slow_clients_go_on_though_messages_wait_all_the_time(void)
{
	begin(QUICK_CLIENTS_MAX, 0);
	world.node->reactors[0]->batch_requests_max = 1;
	send_slow(SLOW_COMMANDS / 3);
	play();
	CU_ASSERT(world.longest_pause_ns > SET_ASIDE_NS / 2);
	CU_ASSERT(world.longest_pause_ns <= SET_ASIDE_NS + LONGEST_TURN_NS);
	CU_ASSERT(world.longest_wait_ns <= LONGEST_TURN_NS + QUICK_CLIENTS_MAX * QUICK_NS);
	end();
}

static const struct suite_case cases[] = {
	CASE(a_quick_client_waits_for_one_turn_of_each_slow_client_and_then_for_one_turn),
	CASE(slow_clients_take_turns),
	CASE(slow_clients_go_on_though_messages_wait_all_the_time),
};

SUITE_MAIN("fairness", cases)

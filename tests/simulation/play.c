#include "simulation/play.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/clock.h"
#include "actors/store/state.h"
#include "simulation/node.h"
#include "simulation/player.h"

#define NODES_MAX 2
#define PLAYERS_MAX 10 /* at a time, on each node */
#define ACTIONS 800
/* Long enough for all pauses, sleeps and waits of ACTIONS one after another. */
#define PATIENCE_ROUNDS 1000
#define PATIENCE_STEP_MS 50
/* Later than any key's time to live plus a pause that delays its expiry. */
#define LAST_EXPIRY_MS 1000

struct play {
	struct play_result *result;
	struct node *nodes[NODES_MAX];
	struct player *players[NODES_MAX];
	uint32_t present[NODES_MAX]; /* players that have not left */
	uint32_t node_count;
	struct simulated_disk *disks[NODES_MAX]; /* of a node that keeps an append-only file */
	int64_t longest_ms;          /* of a step of time */
	bool is_interrupted;         /* stopped before the players are done */
};

static struct play *current;

static void fail(struct play *play, const char *format, ...)
{
	va_list arguments;
	if (play->result->failure[0])
		return;
	va_start(arguments, format);
	vsnprintf(play->result->failure, sizeof(play->result->failure), format, arguments);
	va_end(arguments);
	scheduler_note("failure: %s", play->result->failure);
}

static uint64_t one_of(uint32_t count, const uint64_t *choices)
{
	return choices[scheduler_draw(count)];
}
#define ONE_OF(...) one_of(sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), (uint64_t[]){ __VA_ARGS__ })

/* ---- checks during the play ---- */

static void on_received(struct client *client)
{
	const char *wrong = player_receive(client->context);
	if (wrong)
		fail(current, "%s", wrong);
}

static struct player *find_player(struct play *play, uint32_t node, uint64_t id)
{
	struct player *player = play->players[node];
	while (player && player->client->ref.id != id)
		player = player->next;
	return player;
}

/* The values of a client's own key are rising numbers. */
static void on_effect(void *context, const struct frame *frame, const struct effect *effect)
{
	const struct node *node = context;
	char key[32], value[32];
	uint64_t id;
	snprintf(key, sizeof(key), "%.*s", (int)effect->key.len, (const char *)effect->key.data);
	snprintf(value, sizeof(value), "%.*s", (int)effect->value.len, (const char *)effect->value.data);
	if (effect->type != EFFECT_SET || sscanf(key, "own:%" SCNu64, &id) != 1)
		return;
	struct player *player = find_player(current, node->number, id);
	uint64_t serial = strtoull(value, NULL, 10);
	if (!player || serial <= player->own_seen)
		fail(current, "the bus brings value %" PRIu64 " of %s behind %" PRIu64, serial, key, player ? player->own_seen : 0);
	else
		player->own_seen = serial;
	if (player)
		player->own_effects++;
}

/* ---- the world ---- */

/* With one the node keeps an append-only file. */
static struct simulated_disk *draw_disk(struct node_options *options)
{
	if (scheduler_draw(2))
		return NULL;
	struct simulated_disk *disk = simulated_disk_create(scheduler_seed());
	options->disk = simulated_disk_functions(disk);
	options->checked_disk = disk;
	options->appendfsync = (int)scheduler_draw(3);
	options->ballast_bytes = 1000;
	return disk;
}

static struct node *draw_node(struct simulated_disk **out_disk)
{
	struct node_options options = { .reactors = 1 + (uint32_t)scheduler_draw(3), .recorders = 1 + (uint32_t)scheduler_draw(2) };
	for (uint32_t i = 0; i < options.recorders; i++)
		options.credit_bytes[i] = (int64_t)ONE_OF(4096, 8192, 16384, 0);
	options.is_optional[1] = scheduler_draw(2);
	options.maxmemory = (int64_t)ONE_OF(0, 0, 200000, 500000);
	options.snapshot_memory_limit = ONE_OF(0, 0, 100, 3000, 30000);
	options.saves = scheduler_draw(2);
	options.is_quiet = true; /* its disk may fail all the time */
	*out_disk = draw_disk(&options);
	struct node *node = node_create(&options);
	scheduler_settle(); /* it loads */
	uint64_t batch_requests_max = ONE_OF(1, 3, 10, 1000);
	for (uint32_t i = 0; i < node->reactor_count; i++) {
		node->reactors[i]->batch_requests_max = (uint32_t)batch_requests_max;
		node->reactors[i]->on_received = on_received;
		mailbox_set_pace(node->reactors[i]->actor->mailbox, (unsigned)ONE_OF(100, 100, 20));
	}
	for (uint32_t i = 0; i < node->recorder_count; i++) {
		mailbox_set_pace(node->recorders[i]->subscriber.actor->mailbox, (unsigned)ONE_OF(100, 30, 3));
		node->recorders[i]->reads_text = scheduler_draw(2);
	}
	mailbox_set_pace(runtime_actor(node->runtime, ACTOR_OBSERVER, 0)->mailbox, (unsigned)ONE_OF(100, 30, 3));
	mailbox_set_pace(runtime_actor(node->runtime, ACTOR_REAPER, 0)->mailbox, (unsigned)ONE_OF(100, 3));
	mailbox_set_pace(node->snapshot_writer.actor->mailbox, (unsigned)ONE_OF(100, 20, 1));
	if (*out_disk) {
		mailbox_set_pace(runtime_actor(node->runtime, ACTOR_AOF, 0)->mailbox, (unsigned)ONE_OF(100, 30, 3));
		mailbox_set_pace(runtime_actor(node->runtime, ACTOR_SYNCER, 0)->mailbox, (unsigned)ONE_OF(100, 20, 1));
	}
	if (!*out_disk && scheduler_draw(4) == 0)
		simulated_disk_set_capacity(node->disk, ONE_OF(0, 100, 1000, 20000));
	node->recorders[0]->on_effect = on_effect;
	node->recorders[0]->context = node;
	return node;
}

static void enter(struct play *play, uint32_t at)
{
	struct node *node = play->nodes[at];
	struct reactor_double *reactor = node->reactors[scheduler_draw(node->reactor_count)];
	if (reactor->is_stopping || node->stop.has_begun)
		return;
	struct player *player = player_create(reactor);
	player->may_wait_for_ever = play->is_interrupted;
	player->next = play->players[at];
	play->players[at] = player;
	play->present[at]++;
}

static struct player *draw_player(struct play *play, uint32_t at)
{
	if (play->present[at] == 0)
		return NULL;
	uint64_t left = scheduler_draw(play->present[at]);
	struct player *player = play->players[at];
	for (; player->has_left || left > 0; player = player->next)
		left -= !player->has_left;
	return player;
}

static void act(struct play *play)
{
	uint32_t at = (uint32_t)scheduler_draw(play->node_count);
	struct player *player = draw_player(play, at);
	uint64_t drawn = scheduler_draw(100);
	if (!player || (drawn < 4 && play->present[at] < PLAYERS_MAX)) {
		enter(play, at);
	} else if (drawn < 7) {
		player_leave(player);
		play->present[at]--;
	} else {
		player_act(player);
	}
}

static void go_on(struct play *play)
{
	for (uint64_t steps = scheduler_draw(8); steps > 0; steps--)
		scheduler_step();
	if (scheduler_draw(10) == 0)
		scheduler_advance_ms(1 + (int64_t)scheduler_draw((uint64_t)play->longest_ms));
}

/* ---- checks at the end ---- */

static bool is_owed(const struct player *player)
{
	return !player->client->is_gone && !player->client->is_closing && player->client->answered < player->client->sent;
}

static bool is_anybody_owed(const struct play *play)
{
	for (uint32_t i = 0; i < play->node_count; i++)
		for (const struct player *player = play->players[i]; player; player = player->next)
			if (is_owed(player))
				return true;
	return false;
}

static void settle(struct play *play)
{
	scheduler_settle();
	for (int rounds = 0; rounds < PATIENCE_ROUNDS && is_anybody_owed(play); rounds++) {
		scheduler_advance_ms(PATIENCE_STEP_MS);
		scheduler_settle();
	}
}

static void check_player(struct play *play, const struct player *player)
{
	const struct client *client = player->client;
	bool has_all = !client->is_closing && !client->is_gone;
	if (is_owed(player))
		fail(play, "client %" PRIu64 " still waits for %" PRIu64 " replies", client->ref.id, client->sent - client->answered);
	if (has_all && (player_owed(player) > 0 || client->is_held))
		fail(play, "client %" PRIu64 " misses %u replies, held: %d", client->ref.id, player_owed(player), client->is_held);
	if (has_all && (player->own_effects != player->own_sets || player->own_seen != player->own_acked))
		fail(play, "the bus brings %" PRIu64 " of %" PRIu64 " values of client %" PRIu64, player->own_effects, player->own_sets,
		     client->ref.id);
	if (player->own_acked > player->own_seen)
		fail(play, "client %" PRIu64 " was told of value %" PRIu64 " and the bus was not", client->ref.id, player->own_acked);
}

static void check_node(struct play *play, const struct node *node)
{
	for (uint32_t i = 0; i < node->reactor_count; i++)
		if (node->reactors[i]->batches_out > 0)
			fail(play, "%u batches of reactor %u are not home", node->reactors[i]->batches_out, i);
}

/* After the last expiry of any key. */
static void check_data(struct play *play, const struct node *node)
{
	char replayed[DIGEST_HEX_BYTES];
	struct client *client = client_open(node->reactors[0]);
	node->reactors[0]->on_received = NULL;
	client_send(client, "DEBUG", "DIGEST", NULL);
	scheduler_settle();
	/* The last command of a client that has gone may be DEBUG SLEEP. */
	for (int rounds = 0; rounds < PATIENCE_ROUNDS && client->answered < client->sent; rounds++) {
		scheduler_advance_ms(PATIENCE_STEP_MS);
		scheduler_settle();
	}
	const char *digest = client_take(client);
	for (uint32_t i = 0; i < node->recorder_count; i++) {
		if (node->recorders[i]->subscriber.cursor.last != node->recorders[0]->last_sequence)
			fail(play, "recorder %u of node %u has not been told of all frames", i, node->number);
		recorder_digest(node->recorders[i], replayed);
		if (node->recorders[i]->subscriber.missed == 0 && !strstr(digest, replayed))
			fail(play, "the data of node %u and what recorder %u makes of its effects differ", node->number, i);
	}
	node->reactors[0]->on_received = on_received;
	client_break_off(client);
}

static void check_all(struct play *play)
{
	for (uint32_t i = 0; i < play->node_count; i++) {
		check_node(play, play->nodes[i]);
		check_data(play, play->nodes[i]);
		for (const struct player *player = play->players[i]; player; player = player->next)
			check_player(play, player);
	}
}

static void check_stop(struct play *play, const struct node *node)
{
	if (!node_has_stopped(node))
		fail(play, "node %u has not stopped: step %u misses %u answers", node->number, node->stop.step, node->stop.answers_missing);
	for (uint32_t i = 0; i < node->reactor_count; i++)
		if (node->reactors[i]->connections || node->reactors[i]->filling->count)
			fail(play, "reactor %u of node %u has stopped before its clients", i, node->number);
	for (uint32_t kind = 0; kind < ACTOR_KINDS; kind++)
		for (uint32_t i = 0; i < runtime_count(node->runtime, (enum actor_kind)kind); i++)
			if (actor_mailbox_depth(runtime_actor(node->runtime, (enum actor_kind)kind, i)) > 0)
				fail(play, "%s of node %u has stopped before its mailbox was empty",
				     runtime_actor(node->runtime, (enum actor_kind)kind, i)->name, node->number);
}

/* ---- stopping ---- */

static bool have_stopped(const struct play *play)
{
	for (uint32_t i = 0; i < play->node_count; i++)
		if (!node_has_stopped(play->nodes[i]))
			return false;
	return true;
}

/* Whatever was acknowledged is in the file. Keys may have expired since. */
static void check_saved(struct play *play, struct node *node)
{
	struct databases loaded;
	int64_t now_ms = wall_clock_us() / 1000;
	if (!databases_init(&loaded, (uint32_t)node->config.databases))
		abort();
	snapshot_check_file(node->snapshot_check.disk, node->config.dbfilename, &loaded);
	if (snapshot_check_fingerprint(&loaded, now_ms) != snapshot_check_fingerprint(&node->store->databases, now_ms))
		fail(play, "the last snapshot of node %u is not what it had in the end", node->number);
	databases_fini(&loaded);
}

/* One that can't save refuses to stop. */
static void stop_those_that_refused(struct play *play)
{
	for (uint32_t i = 0; i < play->node_count; i++)
		if (play->nodes[i]->shutdowns_failed > 0 && !play->nodes[i]->stop.has_begun)
			node_stop(play->nodes[i]);
}

static void begin_stop(struct play *play, struct node *node)
{
	if (play->is_interrupted && scheduler_draw(3) == 0)
		node_stop_now(node);
	else if (scheduler_draw(2) == 0)
		node_signal(node, SIGTERM);
	else
		node_stop(node);
}

static void stop(struct play *play)
{
	for (uint32_t i = 0; i < play->node_count; i++) {
		begin_stop(play, play->nodes[i]);
		for (uint64_t steps = scheduler_draw(20); steps > 0; steps--)
			scheduler_step();
	}
	scheduler_settle();
	for (int rounds = 0; rounds < PATIENCE_ROUNDS && !have_stopped(play); rounds++) {
		stop_those_that_refused(play);
		scheduler_advance_ms(PATIENCE_STEP_MS);
		scheduler_settle();
	}
	for (uint32_t i = 0; i < play->node_count; i++) {
		if (play->nodes[i]->store->shutdown.holds_writes && play->nodes[i]->config.maxmemory == 0)
			check_saved(play, play->nodes[i]);
		check_stop(play, play->nodes[i]);
		check_node(play, play->nodes[i]);
	}
}

/* What the log tells is what there was at the end. Keys may have expired since. */
static void check_restart(struct play *play, struct simulated_disk *disk, uint64_t fingerprint, int64_t now_ms)
{
	struct node *node = node_create(&(struct node_options){ .reactors = 1, .disk = simulated_disk_functions(disk), .is_quiet = true });
	scheduler_settle();
	if (!node || !node->has_loaded)
		fail(play, "a node does not start again: %s", node ? node->refusal : "its files are refused");
	else if (snapshot_check_fingerprint(&node->store->databases, now_ms) != fingerprint)
		fail(play, "a node that starts again has other data than before");
	if (node)
		node_destroy(&node);
}

static void end_node(struct play *play, uint32_t at)
{
	int64_t now_ms = wall_clock_us() / 1000;
	uint64_t fingerprint = snapshot_check_fingerprint(&play->nodes[at]->store->databases, now_ms);
	node_destroy(&play->nodes[at]);
	if (play->disks[at]) {
		check_restart(play, play->disks[at], fingerprint, now_ms);
		simulated_disk_destroy(&play->disks[at]);
	}
}

static void end(struct play *play)
{
	scheduler_set_reading_ns(0); /* time stands still */
	for (uint32_t i = 0; i < play->node_count; i++) {
		for (struct player *player = play->players[i], *next; player; player = next) {
			next = player->next;
			player_destroy(&player);
		}
		end_node(play, i);
	}
}

void play(uint64_t seed, enum tracing tracing, struct play_result *out_result)
{
	*out_result = (struct play_result){ .failure = "" };
	struct play play = { .result = out_result };
	current = &play;
	scheduler_begin(seed, tracing);
	scheduler_set_reading_ns(ONE_OF(0, 1000, 20000, 100000));
	play.longest_ms = (int64_t)ONE_OF(5, 20, 100);
	play.is_interrupted = scheduler_draw(2);
	play.node_count = 1 + (uint32_t)scheduler_draw(NODES_MAX);
	for (uint32_t i = 0; i < play.node_count; i++)
		play.nodes[i] = draw_node(&play.disks[i]);
	for (int i = 0; i < ACTIONS; i++) {
		act(&play);
		go_on(&play);
	}
	if (!play.is_interrupted) {
		settle(&play);
		scheduler_advance_ms(LAST_EXPIRY_MS);
		scheduler_settle();
		check_all(&play);
	}
	stop(&play);
	end(&play);
	out_result->digest = scheduler_digest();
}

/*
 * Saving: the real store and the real writer on a simulated disk. The node compares every file with the data of its cut by itself
 * (snapshot_check.h); the cases here lead snapshots into their phases, and say what clients are told.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/crash.h"
#include "actors/store/state.h"
#include "simulation/node.h"
#include "support/allocation.h"
#include "support/suite.h"

#define FILE_PATH "dump.rdb"
#define KEYS 1500

/* Short enough that a walk through KEYS keys takes several turns. */
#define READING_NS 100000

struct scene {
	struct node *node;
	struct client *client, *other;
};

static void open_scene(struct scene *scene, const struct node_options *options)
{
	scheduler_begin(1, TRACE_QUIETLY);
	scene->node = node_create(options);
	scene->client = client_open(scene->node->reactors[0]);
	scene->other = client_open(scene->node->reactors[0]);
}

static void open_plain(struct scene *scene)
{
	open_scene(scene, &(struct node_options){ .reactors = 1 });
}

static void close_scene(struct scene *scene)
{
	if (!scene->node->stop.has_begun)
		node_stop(scene->node);
	scheduler_settle();
	scheduler_advance_ms(10000);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(scene->node));
	CU_ASSERT_EQUAL(simulated_disk_open_descriptors(scene->node->disk), 0);
	node_destroy(&scene->node);
}

#define SEND(scene, ...) client_send((scene)->client, __VA_ARGS__, NULL)
/* Sends a request to be answered at once, and tells whether this was the answer. */
#define GIVES(scene, answer, ...) (SEND(scene, __VA_ARGS__), scheduler_settle(), strcmp(client_take((scene)->client), answer) == 0)

static void hold_writer(struct scene *scene)
{
	mailbox_set_pace(scene->node->snapshot_writer.actor->mailbox, 0);
}

static void let_writer_go(struct scene *scene)
{
	mailbox_set_pace(scene->node->snapshot_writer.actor->mailbox, 100);
	scheduler_settle();
}

static bool info_has(struct scene *scene, const char *line)
{
	SEND(scene, "INFO", "persistence");
	scheduler_settle();
	return strstr(client_take(scene->client), line) != NULL;
}

static const struct snapshot_check *check_of(const struct scene *scene)
{
	return &scene->node->snapshot_check;
}

static const struct saving *saving_of(const struct scene *scene)
{
	return &scene->node->store->saving;
}

/* How many keys the file holds. */
static uint64_t keys_in_file(const struct scene *scene)
{
	struct databases loaded;
	uint64_t keys = 0;
	CU_ASSERT_FATAL(databases_init(&loaded, 16));
	snapshot_check_file(scene->node->disk, FILE_PATH, &loaded);
	for (uint32_t i = 0; i < loaded.in_use_count; i++)
		keys += keyspace_count(databases_read(&loaded, loaded.in_use[i]));
	databases_fini(&loaded);
	return keys;
}

/* The next snapshot will not come to its end, for want of credit. */
static void hold_on_the_way(struct scene *scene)
{
	scene->node->store->config.snapshot_memory_limit = 3000;
	hold_writer(scene);
}

/* ---- SAVE, BGSAVE, LASTSAVE ---- */

static void bgsave_answers_at_once_and_saves_all(void)
{
	struct scene scene;
	open_plain(&scene);
	SEND(&scene, "MSET", "a", "1", "b", "text");
	hold_writer(&scene);
	scheduler_settle();
	client_take(scene.client);
	CU_ASSERT(GIVES(&scene, "+Background saving started\r\n", "BGSAVE"));
	CU_ASSERT(info_has(&scene, "rdb_bgsave_in_progress:1\r\n"));
	CU_ASSERT(GIVES(&scene, "-ERR Background save already in progress\r\n", "BGSAVE"));
	CU_ASSERT(GIVES(&scene, "-ERR Background save already in progress\r\n", "BGSAVE", "SCHEDULE"));
	CU_ASSERT(GIVES(&scene, "-ERR Background save already in progress\r\n", "SAVE"));
	CU_ASSERT(GIVES(&scene, "-ERR syntax error\r\n", "BGSAVE", "NOW"));
	let_writer_go(&scene);
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	CU_ASSERT_EQUAL(keys_in_file(&scene), 2);
	CU_ASSERT(info_has(&scene, "rdb_bgsave_in_progress:0\r\n"));
	close_scene(&scene);
}

static void save_keeps_its_client_waiting_and_nobody_else(void)
{
	struct scene scene;
	open_plain(&scene);
	hold_writer(&scene);
	client_send(scene.other, "SAVE", NULL);
	client_send(scene.other, "PING", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(scene.other), "");
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "key", "value"));
	let_writer_go(&scene);
	CU_ASSERT_STRING_EQUAL(client_take(scene.other), "+OK\r\n+PONG\r\n");
	CU_ASSERT_EQUAL(keys_in_file(&scene), 0);
	close_scene(&scene);
}

static void lastsave_is_the_time_of_the_last_success(void)
{
	struct scene scene;
	char before[32], now[32];
	open_plain(&scene);
	SEND(&scene, "LASTSAVE");
	scheduler_settle();
	snprintf(before, sizeof(before), "%s", client_take(scene.client));
	scheduler_advance_ms(5000);
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SAVE"));
	SEND(&scene, "LASTSAVE");
	scheduler_settle();
	snprintf(now, sizeof(now), "%s", client_take(scene.client));
	CU_ASSERT_EQUAL(strtoll(now + 1, NULL, 10) - strtoll(before + 1, NULL, 10), 5);
	scheduler_advance_ms(5000);
	simulated_disk_fail_all(scene.node->disk, CALL_SYNC, EIO);
	SEND(&scene, "SAVE");
	scheduler_settle();
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(scene.client), "-ERR can't sync temp-qcache-"));
	CU_ASSERT(GIVES(&scene, now, "LASTSAVE"));
	simulated_disk_fail_all(scene.node->disk, CALL_SYNC, 0);
	close_scene(&scene);
}

static void changes_are_keys_changed_since_the_cut(void)
{
	struct scene scene;
	open_plain(&scene);
	SEND(&scene, "MSET", "a", "1", "b", "2", "c", "3");
	SEND(&scene, "DEL", "a", "b", "nothing");
	SEND(&scene, "GET", "c");
	SEND(&scene, "SET", "d", "1", "NX");
	SEND(&scene, "SET", "d", "1", "NX");
	CU_ASSERT(info_has(&scene, "rdb_changes_since_last_save:6\r\n"));
	hold_writer(&scene);
	SEND(&scene, "BGSAVE");
	SEND(&scene, "INCR", "d");
	SEND(&scene, "FLUSHDB");
	scheduler_settle();
	let_writer_go(&scene);
	client_take(scene.client);
	CU_ASSERT(info_has(&scene, "rdb_changes_since_last_save:4\r\n")); /* a flush counts its keys, and itself */
	close_scene(&scene);
}

static void what_has_expired_at_the_cut_is_left_out(void)
{
	struct scene scene;
	open_plain(&scene);
	SEND(&scene, "DEBUG", "SET-ACTIVE-EXPIRE", "0");
	SEND(&scene, "SET", "soon", "1", "PX", "10");
	SEND(&scene, "SET", "later", "1", "PX", "100000");
	SEND(&scene, "SET", "never", "1");
	scheduler_settle();
	scheduler_advance_ms(20);
	client_take(scene.client);
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SAVE"));
	CU_ASSERT_EQUAL(keys_in_file(&scene), 2);
	close_scene(&scene);
}

/* ---- every command, in every phase ---- */

enum phase {
	AT_THE_CUT,   /* before the first step of the walk */
	ON_THE_WAY,   /* some keys have been emitted, and others haven't */
	WHEN_FULL,    /* former states have reached their limit */
	AFTER_WALK,   /* the writer is still at work */
	WHEN_FAILED,  /* the walk only marks */
	PHASES
};

static const char *const command_lines[][6] = {
	{ "SET k1 other" },
	{ "SET k1 other PX 100000" },
	{ "SETRANGE big 20000 part" },
	{ "APPEND big end" },
	{ "APPEND k1 more", "APPEND k1 more" },
	{ "INCR number", "INCR number" },
	{ "GETDEL k1", "SET k1 new" },
	{ "GETEX k1 PX 100000", "PERSIST k1" },
	{ "EXPIRE k1 100", "EXPIRE ttl 5000", "PERSIST ttl" },
	{ "PEXPIREAT k1 1" },
	{ "DEL k1 k2 k3 big" },
	{ "UNLINK k1 k2 nothing" },
	{ "MSET k1 1 k2 2 new 3" },
	{ "MSETNX new1 1 new2 2" },
	{ "RENAME k1 k2" },
	{ "RENAME k1 new", "RENAME k2 k1", "RENAME new k2" },
	{ "RENAME big k1", "APPEND k1 end" },
	{ "RENAMENX k1 new", "RENAMENX k2 k3" },
	{ "COPY k1 k2 REPLACE" },
	{ "COPY big new", "APPEND big end" },
	{ "COPY k1 k1 DB 3 REPLACE", "SELECT 3", "COPY k2 k2 DB 0 REPLACE", "SELECT 0" },
	{ "COPY k1 k1 DB 7", "SELECT 7", "SET k1 other", "SELECT 0" },
	{ "MOVE own 3", "SELECT 3", "MOVE own3 0", "SELECT 0" },
	{ "MOVE big 7", "SELECT 7", "APPEND big end", "MOVE big 0", "SELECT 0" },
	{ "SWAPDB 0 3" },
	{ "SWAPDB 0 3", "SET k1 other", "SWAPDB 0 7", "SWAPDB 3 7" },
	{ "SWAPDB 0 7", "FLUSHDB", "SET k1 other" },
	{ "FLUSHDB" },
	{ "FLUSHDB", "MSET k1 1 k2 2", "SWAPDB 0 3", "FLUSHDB" },
	{ "SELECT 3", "FLUSHDB", "SELECT 0", "MOVE k1 3", "RENAME k2 k1" },
	{ "FLUSHALL" },
	{ "FLUSHALL", "MSET k1 1 k2 2", "FLUSHDB" },
	{ "SWAPDB 0 3", "FLUSHALL", "SET k1 other", "SWAPDB 3 0" },
	{ "DEBUG POPULATE 100", "DEL key:7" },
};
#define COMMAND_LINES (sizeof(command_lines) / sizeof(command_lines[0]))

static void send_line(struct scene *scene, const char *line)
{
	char copy[128];
	const char *words[8];
	uint32_t count = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	client_send_words(scene->client, count, words);
}

static void send_lines(struct scene *scene, const char *const *lines)
{
	for (int i = 0; i < 6 && lines[i]; i++)
		send_line(scene, lines[i]);
}

static void fill(struct scene *scene)
{
	static char big[30001];
	char count[16];
	memset(big, 'b', sizeof(big) - 1);
	snprintf(count, sizeof(count), "%d", KEYS);
	SEND(scene, "DEBUG", "POPULATE", count, "filler");
	SEND(scene, "MSET", "k1", "one", "k2", "two", "k3", "three", "own", "0", "number", "7", "big", big);
	SEND(scene, "SET", "ttl", "1", "PX", "500000");
	SEND(scene, "SELECT", "3");
	SEND(scene, "DEBUG", "POPULATE", count, "other");
	SEND(scene, "MSET", "k1", "uno", "k2", "due", "own3", "3");
	SEND(scene, "SELECT", "0");
	for (int i = 0; i < 20; i++) { /* POPULATE goes on in later turns */
		scheduler_settle();
		scheduler_advance_ms(5);
	}
	client_take(scene->client);
}

static bool is_on_the_way(const struct snapshot *snapshot)
{
	return snapshot_is_walking(snapshot) && snapshot->keys > KEYS / 2;
}

/* Leads a snapshot to the phase; then the lines have been sent. */
static void reach(struct scene *scene, enum phase phase, const char *const *lines)
{
	const struct snapshot *snapshot = &saving_of(scene)->snapshot;
	if (phase != WHEN_FAILED)
		hold_writer(scene);
	else
		simulated_disk_fail_all(scene->node->disk, CALL_LOCK, EACCES);
	scene->node->store->config.snapshot_memory_limit = phase == WHEN_FULL ? 3000 : 64 << 20;
	SEND(scene, "BGSAVE");
	if (phase == AT_THE_CUT)
		send_lines(scene, lines);
	if (phase == ON_THE_WAY || phase == WHEN_FAILED)
		for (int steps = 0; steps < 10000 && !(phase == ON_THE_WAY ? is_on_the_way(snapshot) : scene->node->snapshot_check.failed > 0); steps++)
			scheduler_step();
	else
		scheduler_settle();
	if (phase == ON_THE_WAY || phase == WHEN_FULL)
		CU_ASSERT(snapshot_is_walking(snapshot) && snapshot->is_emitting);
	if (phase == WHEN_FULL)
		CU_ASSERT(store_snapshot_is_full(scene->node->store) || snapshot_queued_bytes(snapshot) + saving_of(scene)->out.copied > 1000);
	if (phase != AT_THE_CUT)
		send_lines(scene, lines);
	scheduler_settle();
}

static void play_in_phase(const char *const *lines, enum phase phase)
{
	struct scene scene;
	open_plain(&scene);
	fill(&scene);
	scheduler_set_reading_ns(READING_NS);
	reach(&scene, phase, lines);
	simulated_disk_fail_all(scene.node->disk, CALL_LOCK, 0);
	let_writer_go(&scene);
	scheduler_advance_ms(100);
	scheduler_settle();
	CU_ASSERT_EQUAL(scene.client->answered, scene.client->sent);
	uint32_t completed = check_of(&scene)->completed;
	CU_ASSERT(phase == WHEN_FAILED ? completed == 0 : completed >= 1); /* more with FLUSHALL, which begins it anew */
	client_take(scene.client);
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SAVE"));
	CU_ASSERT_EQUAL(check_of(&scene)->completed, completed + 1);
	scheduler_set_reading_ns(0);
	close_scene(&scene);
}

static void every_command_in_every_phase_leaves_the_cut_as_it_was(void)
{
	for (size_t i = 0; i < COMMAND_LINES; i++)
		for (int phase = 0; phase < PHASES; phase++)
			play_in_phase(command_lines[i], (enum phase)phase);
}

/* ---- the limit ---- */

static void beyond_the_limit_only_writes_to_keys_not_emitted_wait(void)
{
	struct scene scene;
	open_plain(&scene);
	fill(&scene);
	hold_on_the_way(&scene);
	CU_ASSERT(GIVES(&scene, "+Background saving started\r\n", "BGSAVE"));
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "big", "small")); /* its former state exceeds the limit */
	CU_ASSERT(store_snapshot_is_full(scene.node->store));
	client_send(scene.other, "DEL", "k1", "k2", "k3", "own", "number", NULL);
	client_send(scene.other, "PING", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(scene.other), "");
	CU_ASSERT(GIVES(&scene, "$3\r\none\r\n", "GET", "k1"));
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "new", "1"));
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "new", "2"));
	CU_ASSERT(GIVES(&scene, "$5\r\nsmall\r\n", "GETSET", "big", "again"));
	let_writer_go(&scene);
	CU_ASSERT_STRING_EQUAL(client_take(scene.other), ":5\r\n+PONG\r\n");
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	close_scene(&scene);
}

static void copies_over_keys_of_other_databases_wait_too(void)
{
	struct scene scene;
	open_plain(&scene);
	fill(&scene);
	hold_on_the_way(&scene);
	CU_ASSERT(GIVES(&scene, "+Background saving started\r\n", "BGSAVE"));
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "big", "small"));
	CU_ASSERT(store_snapshot_is_full(scene.node->store));
	CU_ASSERT(GIVES(&scene, ":1\r\n", "COPY", "big", "new", "DB", "3"));
	CU_ASSERT(GIVES(&scene, "", "COPY", "big", "own3", "DB", "3", "REPLACE"));
	let_writer_go(&scene);
	CU_ASSERT_STRING_EQUAL(client_take(scene.client), ":1\r\n");
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	close_scene(&scene);
}

static void writes_that_wait_go_on_when_the_snapshot_fails(void)
{
	struct scene scene;
	open_plain(&scene);
	fill(&scene);
	hold_on_the_way(&scene);
	SEND(&scene, "BGSAVE");
	SEND(&scene, "SET", "big", "small");
	SEND(&scene, "DEL", "k1", "k2", "k3");
	scheduler_settle();
	CU_ASSERT_NOT_EQUAL(scene.client->answered, scene.client->sent);
	simulated_disk_fail_all(scene.node->disk, CALL_PWRITEV, ENOSPC);
	let_writer_go(&scene);
	CU_ASSERT_EQUAL(scene.client->answered, scene.client->sent);
	simulated_disk_fail_all(scene.node->disk, CALL_PWRITEV, 0);
	close_scene(&scene);
}

static void expired_keys_wait_for_room_too(void)
{
	struct scene scene;
	open_plain(&scene);
	fill(&scene);
	SEND(&scene, "SET", "soon", "1", "PX", "50");
	hold_on_the_way(&scene);
	SEND(&scene, "BGSAVE");
	SEND(&scene, "SET", "big", "small");
	scheduler_settle();
	client_take(scene.client);
	CU_ASSERT(store_snapshot_is_full(scene.node->store));
	scheduler_advance_ms(100);
	CU_ASSERT(GIVES(&scene, "$-1\r\n", "GET", "soon"));
	uint64_t expired = scene.node->store->stats.counters.expired_keys;
	let_writer_go(&scene);
	CU_ASSERT_EQUAL(scene.node->store->stats.counters.expired_keys, expired + 1);
	close_scene(&scene);
}

static void the_writer_is_given_no_more_batches_than_its_edge_has_slots_for(void)
{
	struct scene scene;
	open_plain(&scene);
	SEND(&scene, "DEBUG", "POPULATE", "3000", "large", "4000");
	for (int i = 0; i < 10; i++) {
		scheduler_settle();
		scheduler_advance_ms(5);
	}
	hold_writer(&scene);
	SEND(&scene, "BGSAVE");
	scheduler_settle();
	CU_ASSERT(snapshot_is_walking(&saving_of(&scene)->snapshot));
	CU_ASSERT(saving_of(&scene)->batches_out <= SNAPSHOT_BATCHES_MAX);
	CU_ASSERT(saving_of(&scene)->waiting_bytes_max <= SNAPSHOT_BATCHES_MAX * SNAPSHOT_BATCH_BYTES + 100000);
	let_writer_go(&scene);
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	close_scene(&scene);
}

/* ---- flushes ---- */

static void flushall_begins_the_snapshot_anew(void)
{
	struct scene scene;
	open_plain(&scene);
	fill(&scene);
	hold_on_the_way(&scene);
	client_send(scene.other, "SAVE", NULL);
	scheduler_settle();
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT_STRING_EQUAL(client_take(scene.other), "");
	let_writer_go(&scene);
	CU_ASSERT_STRING_EQUAL(client_take(scene.other), "+OK\r\n");
	CU_ASSERT_EQUAL(check_of(&scene)->begun, 2);
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	CU_ASSERT_EQUAL(keys_in_file(&scene), 0);
	close_scene(&scene);
}

static bool is_turn_of_store(void)
{
	const char *actor = crash_context_in_hand.actor;
	return actor && strcmp(actor, "store") == 0;
}

/* Nothing else happens that would begin another turn. */
static void a_client_is_told_when_the_new_snapshot_can_not_begin(void)
{
	struct scene scene;
	open_plain(&scene);
	fill(&scene);
	hold_on_the_way(&scene);
	client_send(scene.other, "SAVE", NULL);
	scheduler_settle();
	SEND(&scene, "FLUSHALL");
	scheduler_settle();
	allocation_fail_nth(1, is_turn_of_store);
	let_writer_go(&scene);
	CU_ASSERT(allocation_has_failed());
	allocation_fail_nth(0, NULL);
	CU_ASSERT_STRING_EQUAL(client_take(scene.other), "-ERR out of memory\r\n");
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 0);
	close_scene(&scene);
}

static void flushall_saves_if_there_are_save_points(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1, .saves = true });
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	close_scene(&scene);
}

static void a_flushed_database_is_kept_until_it_is_saved(void)
{
	struct scene scene;
	open_plain(&scene);
	fill(&scene);
	scheduler_set_reading_ns(READING_NS);
	hold_on_the_way(&scene);
	SEND(&scene, "BGSAVE");
	scheduler_settle();
	client_take(scene.client);
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "FLUSHDB"));
	CU_ASSERT(GIVES(&scene, ":0\r\n", "DBSIZE"));
	CU_ASSERT_EQUAL(store_garbage_keys(scene.node->store), 0);
	CU_ASSERT(memory_used_bytes(&scene.node->store->databases.storage.memory) > 2 * KEYS * 32);
	let_writer_go(&scene);
	CU_ASSERT_EQUAL(keys_in_file(&scene), 2 * KEYS + 10);
	CU_ASSERT(memory_used_bytes(&scene.node->store->databases.storage.memory) < 2 * KEYS * 32);
	scheduler_set_reading_ns(0);
	close_scene(&scene);
}

/* ---- save points ---- */

static void a_save_point_needs_its_time_and_its_changes(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1 });
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "CONFIG", "SET", "save", "10 3"));
	SEND(&scene, "MSET", "a", "1", "b", "2");
	scheduler_settle();
	scheduler_advance_ms(60000);
	scheduler_settle();
	CU_ASSERT_EQUAL(check_of(&scene)->begun, 0);
	SEND(&scene, "SET", "c", "3");
	scheduler_settle();
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	SEND(&scene, "MSET", "a", "1", "b", "2", "c", "3");
	scheduler_settle();
	scheduler_advance_ms(9900);
	scheduler_settle();
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	scheduler_advance_ms(200);
	scheduler_settle();
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 2);
	close_scene(&scene);
}

static void a_save_that_fails_refuses_writes_until_one_succeeds(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1, .saves = true });
	simulated_disk_fail_all(scene.node->disk, CALL_RENAME, EROFS);
	SEND(&scene, "SET", "a", "1");
	scheduler_settle();
	scheduler_advance_ms(1100);
	scheduler_settle();
	client_take(scene.client);
	CU_ASSERT_EQUAL(check_of(&scene)->failed, 1);
	CU_ASSERT(info_has(&scene, "rdb_last_bgsave_status:err\r\n"));
	SEND(&scene, "SET", "a", "2");
	SEND(&scene, "PING");
	SEND(&scene, "GET", "a");
	scheduler_settle();
	const char *got = client_take(scene.client);
	CU_ASSERT(strncmp(got, "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", 97) == 0);
	CU_ASSERT(strstr(got + 1, "-MISCONF ") != NULL && strstr(got, "\r\n$1\r\n1\r\n") != NULL);
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "CONFIG", "SET", "stop-writes-on-bgsave-error", "no"));
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "a", "2"));
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "CONFIG", "SET", "stop-writes-on-bgsave-error", "yes"));
	simulated_disk_fail_all(scene.node->disk, CALL_RENAME, 0);
	scheduler_advance_ms(3000);
	scheduler_settle();
	CU_ASSERT_EQUAL(check_of(&scene)->begun, 1); /* not again so soon */
	scheduler_advance_ms(2000);
	scheduler_settle();
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "a", "3"));
	close_scene(&scene);
}

static void an_overdue_snapshot_shows(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1, .saves = true });
	hold_writer(&scene);
	scheduler_advance_ms(3600000); /* nothing has changed: nothing is due */
	SEND(&scene, "SET", "a", "1");
	scheduler_settle();
	scheduler_advance_ms(1100);
	scheduler_settle();
	client_take(scene.client);
	CU_ASSERT(info_has(&scene, "rdb_save_overdue_sec:0\r\n"));
	scheduler_advance_ms(60000);
	CU_ASSERT_FALSE(saving_of(&scene)->lateness_is_known);
	scheduler_advance_ms(2000);
	scheduler_settle();
	CU_ASSERT(saving_of(&scene)->lateness_is_known); /* the timer, and not a client, has begun this turn */
	CU_ASSERT_FALSE(info_has(&scene, "rdb_save_overdue_sec:0\r\n"));
	let_writer_go(&scene);
	CU_ASSERT(info_has(&scene, "rdb_save_overdue_sec:0\r\n"));
	close_scene(&scene);
}

/* ---- shutting down ---- */

static void a_shutdown_saves_what_was_acknowledged(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1, .saves = true });
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "a", "1"));
	hold_writer(&scene);
	client_send(scene.other, "SHUTDOWN", NULL);
	scheduler_settle();
	CU_ASSERT_FALSE(scene.node->stop.has_begun);
	CU_ASSERT(GIVES(&scene, "$1\r\n1\r\n", "GET", "a"));
	SEND(&scene, "SET", "late", "1");
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(scene.client), "");
	let_writer_go(&scene);
	CU_ASSERT(scene.node->stop.has_begun);
	CU_ASSERT_TRUE(node_has_stopped(scene.node)); /* it waits for nobody whose write is not carried out */
	CU_ASSERT_STRING_EQUAL(client_take(scene.client), "");
	CU_ASSERT_EQUAL(keys_in_file(&scene), 1);
	close_scene(&scene);
}

/* It began before, and has turns of its own. */
static void a_long_command_waits_for_the_outcome_of_a_shutdown(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1, .saves = true });
	hold_writer(&scene);
	SEND(&scene, "DEBUG", "POPULATE", "20000");
	scheduler_settle();
	client_send(scene.other, "SHUTDOWN", NULL);
	for (int i = 0; i < 10; i++) {
		scheduler_settle();
		scheduler_advance_ms(5);
	}
	CU_ASSERT_STRING_EQUAL(client_take(scene.client), "");
	client_send(client_open(scene.node->reactors[0]), "SHUTDOWN", "ABORT", NULL);
	for (int i = 0; i < 10; i++) {
		scheduler_settle();
		scheduler_advance_ms(5);
	}
	CU_ASSERT_STRING_EQUAL(client_take(scene.client), "+OK\r\n");
	let_writer_go(&scene);
	close_scene(&scene);
}

static void a_shutdown_takes_no_older_snapshot_for_its_own(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1, .saves = true });
	hold_writer(&scene);
	SEND(&scene, "BGSAVE");
	SEND(&scene, "SET", "a", "1");
	scheduler_settle();
	client_send(scene.other, "SHUTDOWN", NULL);
	scheduler_settle();
	let_writer_go(&scene);
	CU_ASSERT_TRUE(node_has_stopped(scene.node));
	CU_ASSERT_EQUAL(keys_in_file(&scene), 1);
	close_scene(&scene);
}

static void a_shutdown_whose_save_fails_is_refused_unless_forced(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1, .saves = true });
	simulated_disk_set_capacity(scene.node->disk, 10);
	CU_ASSERT(GIVES(&scene, "-ERR Errors trying to SHUTDOWN. Check logs.\r\n", "SHUTDOWN"));
	CU_ASSERT(GIVES(&scene, "-ERR Errors trying to SHUTDOWN. Check logs.\r\n", "SHUTDOWN", "SAVE", "NOW"));
	CU_ASSERT_FALSE(scene.node->stop.has_begun);
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "CONFIG", "SET", "save", ""));
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "a", "1"));
	SEND(&scene, "SHUTDOWN", "SAVE", "FORCE");
	scheduler_settle();
	CU_ASSERT(scene.node->stop.has_begun);
	close_scene(&scene);
}

static void a_shutdown_that_saves_can_be_aborted(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1, .saves = true });
	CU_ASSERT(GIVES(&scene, "-ERR No shutdown in progress.\r\n", "SHUTDOWN", "ABORT"));
	hold_writer(&scene);
	client_send(scene.other, "SHUTDOWN", NULL);
	scheduler_settle();
	SEND(&scene, "SHUTDOWN", "ABORT");
	SEND(&scene, "SET", "a", "1");
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(scene.client), "+OK\r\n+OK\r\n");
	CU_ASSERT_STRING_EQUAL(client_take(scene.other), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
	let_writer_go(&scene);
	CU_ASSERT_FALSE(scene.node->stop.has_begun);
	CU_ASSERT_EQUAL(check_of(&scene)->completed, 1);
	close_scene(&scene);
}

static void shutdown_nosave_does_not_wait_for_a_save(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1, .saves = true });
	hold_on_the_way(&scene);
	fill(&scene);
	client_send(scene.other, "SHUTDOWN", NULL);
	scheduler_settle();
	SEND(&scene, "SHUTDOWN", "NOSAVE");
	scheduler_settle();
	CU_ASSERT(scene.node->stop.has_begun);
	let_writer_go(&scene);
	CU_ASSERT_FALSE(simulated_disk_has(scene.node->disk, FILE_PATH));
	close_scene(&scene);
}

static void a_signal_saves_as_the_directive_says(void)
{
	struct scene scene;
	open_scene(&scene, &(struct node_options){ .reactors = 1 });
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "a", "1"));
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "CONFIG", "SET", "shutdown-on-sigterm", "save"));
	simulated_disk_set_capacity(scene.node->disk, 10);
	node_signal(scene.node, SIGTERM);
	scheduler_settle();
	CU_ASSERT_EQUAL(scene.node->shutdowns_failed, 1);
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "a", "2"));
	simulated_disk_set_capacity(scene.node->disk, 100000);
	node_signal(scene.node, SIGTERM);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(scene.node));
	CU_ASSERT_EQUAL(keys_in_file(&scene), 1);
	close_scene(&scene);
}

static void without_save_points_nothing_is_saved_at_the_end(void)
{
	struct scene scene;
	open_plain(&scene);
	CU_ASSERT(GIVES(&scene, "+OK\r\n", "SET", "a", "1"));
	node_signal(scene.node, SIGINT);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(scene.node));
	CU_ASSERT_FALSE(simulated_disk_has(scene.node->disk, FILE_PATH));
	close_scene(&scene);
}

static void a_stop_drops_a_snapshot_and_its_file(void)
{
	struct scene scene;
	char temporary[64];
	open_plain(&scene);
	fill(&scene);
	hold_on_the_way(&scene);
	SEND(&scene, "BGSAVE");
	scheduler_settle();
	CU_ASSERT(snapshot_is_walking(&saving_of(&scene)->snapshot));
	mailbox_set_pace(scene.node->snapshot_writer.actor->mailbox, 1);
	for (int i = 0; i < 300; i++)
		scheduler_step();
	snprintf(temporary, sizeof(temporary), "temp-qcache-%d.rdb", (int)getpid());
	CU_ASSERT(simulated_disk_has(scene.node->disk, temporary));
	node_stop_now(scene.node);
	mailbox_set_pace(scene.node->snapshot_writer.actor->mailbox, 100);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(scene.node));
	CU_ASSERT_FALSE(simulated_disk_has(scene.node->disk, temporary));
	close_scene(&scene);
}

static const struct suite_case cases[] = {
	CASE(bgsave_answers_at_once_and_saves_all),
	CASE(save_keeps_its_client_waiting_and_nobody_else),
	CASE(lastsave_is_the_time_of_the_last_success),
	CASE(changes_are_keys_changed_since_the_cut),
	CASE(what_has_expired_at_the_cut_is_left_out),
	CASE(every_command_in_every_phase_leaves_the_cut_as_it_was),
	CASE(beyond_the_limit_only_writes_to_keys_not_emitted_wait),
	CASE(copies_over_keys_of_other_databases_wait_too),
	CASE(writes_that_wait_go_on_when_the_snapshot_fails),
	CASE(expired_keys_wait_for_room_too),
	CASE(the_writer_is_given_no_more_batches_than_its_edge_has_slots_for),
	CASE(flushall_begins_the_snapshot_anew),
	CASE(a_client_is_told_when_the_new_snapshot_can_not_begin),
	CASE(flushall_saves_if_there_are_save_points),
	CASE(a_flushed_database_is_kept_until_it_is_saved),
	CASE(a_save_point_needs_its_time_and_its_changes),
	CASE(a_save_that_fails_refuses_writes_until_one_succeeds),
	CASE(an_overdue_snapshot_shows),
	CASE(a_shutdown_saves_what_was_acknowledged),
	CASE(a_long_command_waits_for_the_outcome_of_a_shutdown),
	CASE(a_shutdown_takes_no_older_snapshot_for_its_own),
	CASE(a_shutdown_whose_save_fails_is_refused_unless_forced),
	CASE(a_shutdown_that_saves_can_be_aborted),
	CASE(shutdown_nosave_does_not_wait_for_a_save),
	CASE(a_signal_saves_as_the_directive_says),
	CASE(without_save_points_nothing_is_saved_at_the_end),
	CASE(a_stop_drops_a_snapshot_and_its_file),
};

SUITE_MAIN("saving", cases)

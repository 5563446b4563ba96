/*
 * The command bus of a whole server that runs in this process with a journal as subscriber: order, density, atomicity, credit,
 * back-pressure, and nothing lost. QCACHE_IO_THREADS is the number of reactors.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/runtime/actor.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/log.h"
#include "actors/server.h"
#include "support/journal.h"
#include "support/suite.h"
#include "transport/bus.h"
#include "transport/resp_reader.h"

#define WRITERS 4
#define WRITES 4000
#define PIPELINE 50

/* ---- a server with a journal ---- */

struct bench {
	char directory[64], path[96];
	struct config config;
	struct journal *journal;
	struct server *server;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t is_ready_now;
	bool is_ready;
};

static void on_ready(void *context)
{
	struct bench *bench = context;
	pthread_mutex_lock(&bench->lock);
	bench->is_ready = true;
	pthread_cond_signal(&bench->is_ready_now);
	pthread_mutex_unlock(&bench->lock);
}

static void *run_server(void *context)
{
	struct bench *bench = context;
	struct config_error error;
	server_run(bench->server, on_ready, bench, &error);
	return NULL;
}

static void start(struct bench *bench, int64_t credit_bytes)
{
	const char *threads = getenv("QCACHE_IO_THREADS");
	char *refusals;
	struct config_error error;
	*bench = (struct bench){ .lock = PTHREAD_MUTEX_INITIALIZER, .is_ready_now = PTHREAD_COND_INITIALIZER };
	strcpy(bench->directory, "/tmp/qcache-bus.XXXXXX");
	if (!mkdtemp(bench->directory))
		abort();
	snprintf(bench->path, sizeof(bench->path), "%s/socket", bench->directory);
	char *argv[] = { "qcache-server", "--port", "0", "--unixsocket", bench->path, "--io-threads",
			 (char *)(threads ? threads : "1"), "--loglevel", "warning", "--enable-debug-command", "yes", NULL };
	if (config_load(&bench->config, 11, argv, &refusals) != CONFIG_LOADED) {
		fprintf(stderr, "%s", refusals);
		abort();
	}
	log_set_level(LOG_WARNING);
	bench->journal = journal_create(credit_bytes);
	struct server_subscriber subscriber = {
		.interest = BUS_FRAMES,
		.credit_bytes = credit_bytes,
		.may_block = true,
		.bind = journal_bind,
		.context = bench->journal,
	};
	bench->server = server_create(&bench->config, &subscriber, 1, &error);
	if (!bench->server)
		abort();
	pthread_create(&bench->thread, NULL, run_server, bench);
	pthread_mutex_lock(&bench->lock);
	while (!bench->is_ready)
		pthread_cond_wait(&bench->is_ready_now, &bench->lock);
	pthread_mutex_unlock(&bench->lock);
}

static void join(struct bench *bench)
{
	pthread_join(bench->thread, NULL);
	server_destroy(&bench->server);
}

static void clean(struct bench *bench)
{
	journal_destroy(&bench->journal);
	config_fini(&bench->config);
	rmdir(bench->directory);
}

static void stop(struct bench *bench)
{
	server_ask_to_stop(bench->server);
	join(bench);
	clean(bench);
}

/* ---- a client ---- */

struct client {
	int fd;
	struct resp_reader *reader;
};

static struct client dial(const struct bench *bench)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct client client = { .fd = socket(AF_UNIX, SOCK_STREAM, 0), .reader = resp_reader_create() };
	strcpy(address.sun_path, bench->path);
	if (client.fd < 0 || !client.reader || connect(client.fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		abort();
	return client;
}

static void hang_up(struct client *client)
{
	close(client->fd);
	resp_reader_destroy(&client->reader);
}

static void say(struct client *client, const char *text)
{
	size_t len = strlen(text);
	for (size_t sent = 0; sent < len;) {
		ssize_t n = write(client->fd, text + sent, len - sent);
		if (n <= 0)
			abort();
		sent += (size_t)n;
	}
}

/* The next reply; the caller frees it. Stops the program when none comes, or it isn't RESP. */
static struct resp_reply *hear(struct client *client)
{
	struct resp_reply *reply = NULL;
	while (resp_reader_next(client->reader, &reply) != RESP_READ_REPLY) {
		struct pollfd wait = { .fd = client->fd, .events = POLLIN };
		if (poll(&wait, 1, 60000) != 1) {
			fprintf(stderr, "no reply within 60 s\n");
			abort();
		}
		ssize_t n = read(client->fd, resp_reader_room(client->reader, 16384), 16384);
		if (n <= 0)
			abort();
		resp_reader_fed(client->reader, (size_t)n);
	}
	return reply;
}

static int64_t hear_integer(struct client *client)
{
	struct resp_reply *reply = hear(client);
	int64_t value = reply->type == RESP_TYPE_INTEGER ? reply->integer : INT64_MIN;
	resp_reply_free(reply);
	return value;
}

static bool hear_text(struct client *client, const char *expected)
{
	struct resp_reply *reply = hear(client);
	bool is_expected = reply->text && strcmp(reply->text, expected) == 0;
	resp_reply_free(reply);
	return is_expected;
}

static bool hear_null(struct client *client)
{
	struct resp_reply *reply = hear(client);
	bool is_null = reply->type == RESP_TYPE_NULL;
	resp_reply_free(reply);
	return is_null;
}

static int64_t blocked_clients(struct client *client)
{
	say(client, "INFO clients\r\n");
	struct resp_reply *reply = hear(client);
	char *at = reply->text ? strstr(reply->text, "blocked_clients:") : NULL;
	int64_t count = at ? atoll(at + strlen("blocked_clients:")) : -1;
	resp_reply_free(reply);
	return count;
}

/* Asks until so many are parked; each answer is an event of the server's own. */
static bool await_blocked(struct client *client, int64_t count)
{
	int64_t until = monotonic_ms() + 60000;
	while (blocked_clients(client) != count)
		if (monotonic_ms() > until)
			return false;
	return true;
}

/* ---- cases ---- */

struct writer {
	struct bench *bench;
	pthread_t thread;
	int64_t results[WRITES];
};

static void *write_counter(void *context)
{
	struct writer *writer = context;
	struct client client = dial(writer->bench);
	char pipeline[PIPELINE * 16] = "";
	for (int i = 0; i < PIPELINE; i++)
		strcat(pipeline, "INCR counter\r\n");
	for (int i = 0; i < WRITES; i += PIPELINE) {
		say(&client, pipeline);
		for (int j = 0; j < PIPELINE; j++)
			writer->results[i + j] = hear_integer(&client);
	}
	hang_up(&client);
	return NULL;
}

static struct writer *start_writers(struct bench *bench)
{
	struct writer *writers = calloc(WRITERS, sizeof(*writers));
	for (int i = 0; i < WRITERS; i++) {
		writers[i].bench = bench;
		pthread_create(&writers[i].thread, NULL, write_counter, &writers[i]);
	}
	return writers;
}

/* Each number from 1 to the end has gone to one writer, and each writer got its numbers in rising order. */
static void check_results(struct writer *writers)
{
	bool *seen = calloc(WRITERS * WRITES + 1, sizeof(bool));
	int wrong = 0;
	for (int w = 0; w < WRITERS; w++)
		for (int i = 0; i < WRITES; i++) {
			int64_t result = writers[w].results[i];
			bool is_new = result >= 1 && result <= WRITERS * WRITES && !seen[result];
			wrong += !is_new || (i > 0 && result <= writers[w].results[i - 1]);
			if (is_new)
				seen[result] = true;
		}
	CU_ASSERT_EQUAL(wrong, 0);
	free(seen);
	free(writers);
}

static void check_counter_frames(struct journal *journal)
{
	int wrong = 0;
	CU_ASSERT_TRUE(journal_await(journal, WRITERS * WRITES));
	CU_ASSERT_EQUAL(journal_count(journal), WRITERS * WRITES);
	CU_ASSERT_EQUAL(journal_frames(journal), WRITERS * WRITES);
	CU_ASSERT_EQUAL(journal_gaps(journal), 0);
	for (uint64_t i = 0; i < journal_count(journal); i++) {
		struct journal_entry entry = journal_at(journal, i);
		wrong += entry.type != EFFECT_INCRBY || entry.sequence != i + 1 || entry.number != 1 ||
			 entry.result != (int64_t)i + 1 || entry.key_hash != journal_key_hash("counter");
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void frames_are_dense_and_in_the_order_of_execution(void)
{
	struct bench bench;
	start(&bench, 0);
	struct writer *writers = start_writers(&bench);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	check_counter_frames(bench.journal);
	check_results(writers);
	stop(&bench);
}

static void all_effects_of_a_command_are_one_frame(void)
{
	struct bench bench;
	start(&bench, 0);
	struct client client = dial(&bench);
	say(&client, "SET a 1\r\nMSET a 1 b 22 c 333\r\nGET a\r\nDEL a b nothing\r\nDEL nothing\r\nSET d 4 PX 100000\r\n");
	CU_ASSERT_TRUE(hear_text(&client, "OK"));
	CU_ASSERT_TRUE(hear_text(&client, "OK"));
	CU_ASSERT_TRUE(hear_text(&client, "1"));
	CU_ASSERT_EQUAL(hear_integer(&client), 2);
	CU_ASSERT_EQUAL(hear_integer(&client), 0);
	CU_ASSERT_TRUE(hear_text(&client, "OK"));
	CU_ASSERT_TRUE(journal_await(bench.journal, 7));
	const uint64_t sequences[] = { 1, 2, 2, 2, 3, 3, 4 };
	const enum effect_type types[] = { EFFECT_SET, EFFECT_SET, EFFECT_SET, EFFECT_SET, EFFECT_DEL, EFFECT_DEL, EFFECT_SET };
	for (int i = 0; i < 7; i++) {
		CU_ASSERT_EQUAL(journal_at(bench.journal, (uint64_t)i).sequence, sequences[i]);
		CU_ASSERT_EQUAL(journal_at(bench.journal, (uint64_t)i).type, types[i]);
	}
	CU_ASSERT_EQUAL(journal_at(bench.journal, 3).value_len, 3);
	CU_ASSERT_TRUE(journal_at(bench.journal, 6).number > wall_clock_ms());
	hang_up(&client);
	stop(&bench);
	CU_PASS("stopped");
}

/* Credit for one message: the first write takes it, and the next ones wait until the journal returns it. */
static void without_credit_writes_wait_and_reads_go_on(void)
{
	struct bench bench;
	start(&bench, 1);
	struct client writer = dial(&bench), reader = dial(&bench);
	journal_hold(bench.journal);
	say(&writer, "SET key old\r\n");
	CU_ASSERT_TRUE(hear_text(&writer, "OK"));
	say(&writer, "SET key new\r\nGET key\r\nSET key newer\r\nGET key\r\n");
	CU_ASSERT_TRUE(await_blocked(&reader, 1));
	say(&reader, "GET key\r\nPING\r\n");
	CU_ASSERT_TRUE(hear_text(&reader, "old"));
	CU_ASSERT_TRUE(hear_text(&reader, "PONG"));
	journal_let_go(bench.journal);
	CU_ASSERT_TRUE(hear_text(&writer, "OK"));
	CU_ASSERT_TRUE(hear_text(&writer, "new"));
	CU_ASSERT_TRUE(hear_text(&writer, "OK"));
	CU_ASSERT_TRUE(hear_text(&writer, "newer"));
	CU_ASSERT_TRUE(journal_await(bench.journal, 3));
	CU_ASSERT_EQUAL(journal_gaps(bench.journal), 0);
	hang_up(&writer);
	hang_up(&reader);
	stop(&bench);
}

/* The server executes accepted commands, though their client is gone. */
static void a_writer_that_leaves_while_it_waits_has_written(void)
{
	struct bench bench;
	start(&bench, 1);
	struct client first = dial(&bench), second = dial(&bench), reader = dial(&bench);
	journal_hold(bench.journal);
	say(&first, "SET key 1\r\n");
	CU_ASSERT_TRUE(hear_text(&first, "OK"));
	say(&second, "SET key 2\r\nSET other 3\r\n");
	CU_ASSERT_TRUE(await_blocked(&reader, 1));
	hang_up(&second);
	struct client next = dial(&bench); /* it may get the slot of the client that left */
	say(&next, "PING\r\n");
	CU_ASSERT_TRUE(hear_text(&next, "PONG"));
	journal_let_go(bench.journal);
	CU_ASSERT_TRUE(await_blocked(&reader, 0));
	say(&next, "PING\r\n");
	CU_ASSERT_TRUE(hear_text(&next, "PONG"));
	hang_up(&next);
	CU_ASSERT_TRUE(journal_await(bench.journal, 3));
	CU_ASSERT_EQUAL(journal_gaps(bench.journal), 0);
	say(&first, "MGET key other\r\n");
	struct resp_reply *reply = hear(&first);
	CU_ASSERT_EQUAL(reply->count, 2);
	CU_ASSERT_STRING_EQUAL(reply->children[0].text, "2");
	CU_ASSERT_STRING_EQUAL(reply->children[1].text, "3");
	resp_reply_free(reply);
	hang_up(&first);
	hang_up(&reader);
	stop(&bench);
}

/* Overload: the journal takes one message for each read that is answered, to the end. */
static void under_overload_nothing_is_lost_and_nothing_stands_still(void)
{
	struct bench bench;
	start(&bench, 2 * BUS_MESSAGE_MIN_BYTES);
	struct client reader = dial(&bench);
	journal_hold(bench.journal);
	struct writer *writers = start_writers(&bench);
	while (journal_count(bench.journal) < WRITERS * WRITES) {
		say(&reader, "PING\r\n");
		CU_ASSERT_TRUE_FATAL(hear_text(&reader, "PONG"));
		journal_let_take(bench.journal, 1);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	journal_let_go(bench.journal);
	check_counter_frames(bench.journal);
	check_results(writers);
	hang_up(&reader);
	stop(&bench);
}

static void without_credit_expired_keys_are_hidden_and_removed_later(void)
{
	struct bench bench;
	start(&bench, 1);
	struct client client = dial(&bench);
	journal_hold(bench.journal);
	say(&client, "SET brief 1 PX 30\r\n");
	CU_ASSERT_TRUE(hear_text(&client, "OK"));
	int64_t until = monotonic_ms() + 60000;
	bool is_gone = false;
	while (!is_gone && monotonic_ms() < until) {
		say(&client, "GET brief\r\n");
		is_gone = hear_null(&client);
	}
	CU_ASSERT_TRUE(is_gone);
	say(&client, "DBSIZE\r\n");
	CU_ASSERT_EQUAL(hear_integer(&client), 1);
	journal_let_go(bench.journal);
	CU_ASSERT_TRUE(journal_await(bench.journal, 2));
	CU_ASSERT_EQUAL(journal_at(bench.journal, 1).type, EFFECT_EXPIRED);
	say(&client, "DBSIZE\r\n");
	CU_ASSERT_EQUAL(hear_integer(&client), 0);
	hang_up(&client);
	stop(&bench);
}

/* Effects recorded since `*seen`, which moves on, once `more` of them are there. */
static uint64_t await_more(struct bench *bench, uint64_t *seen, uint64_t more)
{
	uint64_t first = *seen;
	CU_ASSERT_TRUE_FATAL(journal_await(bench->journal, first + more));
	*seen = journal_count(bench->journal);
	return first;
}

/* No other command removes it before. */
static void whatever_a_command_writes_a_key_whose_time_is_over_leaves_first(void)
{
	static const struct {
		const char *line;
		uint64_t effects; /* with EXPIRED */
	} commands[] = {
		{ "SET k v", 2 }, { "SET k v KEEPTTL", 2 }, { "SET k v NX GET", 2 }, { "SET k v XX", 1 }, { "SETNX k v", 2 },
		{ "SETEX k 100 v", 2 }, { "GETSET k v", 2 }, { "MSET other v k v", 3 }, { "MSETNX k v", 2 }, { "APPEND k v", 2 },
		{ "SETRANGE k 3 v", 2 }, { "INCR k", 2 }, { "INCRBYFLOAT k 1", 2 }, { "DEL other k", 2 }, { "GETDEL k", 1 },
		{ "GETEX k PERSIST", 1 }, { "EXPIRE k 100", 1 }, { "PERSIST k", 1 }, { "RENAME other k", 2 }, { "RENAMENX other k", 2 },
		{ "COPY other k", 2 }, { "MOVE k 1", 1 }, { "SORT absent STORE k", 1 },
	};
	struct bench bench;
	uint64_t seen = 0;
	start(&bench, 0);
	struct client client = dial(&bench);
	say(&client, "DEBUG SET-ACTIVE-EXPIRE 0\r\n");
	CU_ASSERT_TRUE(hear_text(&client, "OK"));
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char text[128];
		say(&client, "FLUSHALL\r\nSET other w\r\nSET k v PX 1\r\n");
		for (int n = 0; n < 3; n++)
			CU_ASSERT_TRUE(hear_text(&client, "OK"));
		for (bool is_gone = false; !is_gone;) {
			say(&client, "GET k\r\n");
			is_gone = hear_null(&client);
		}
		await_more(&bench, &seen, 3);
		snprintf(text, sizeof(text), "%s\r\n", commands[i].line);
		say(&client, text);
		uint64_t first = await_more(&bench, &seen, commands[i].effects);
		struct journal_entry expired = journal_at(bench.journal, first);
		CU_ASSERT_EQUAL(expired.type, EFFECT_EXPIRED);
		CU_ASSERT_EQUAL(expired.key_hash, journal_key_hash("k"));
		CU_ASSERT_EQUAL(journal_at(bench.journal, seen - 1).sequence, expired.sequence);
		CU_ASSERT_EQUAL(seen - first, commands[i].effects);
		resp_reply_free(hear(&client));
	}
	hang_up(&client);
	stop(&bench);
}

static void without_credit_eviction_pauses_and_goes_on_later(void)
{
	enum { KEYS = 300 };
	struct bench bench;
	start(&bench, 1);
	struct client client = dial(&bench);
	for (int i = 0; i < KEYS; i++) {
		char text[64];
		snprintf(text, sizeof(text), "SET key:%d value\r\n", i);
		say(&client, text);
		CU_ASSERT_TRUE(hear_text(&client, "OK"));
	}
	CU_ASSERT_TRUE(journal_await(bench.journal, KEYS));
	journal_hold(bench.journal);
	say(&client, "SET last value\r\n");
	CU_ASSERT_TRUE(hear_text(&client, "OK"));
	say(&client, "CONFIG SET maxmemory-policy allkeys-lru maxmemory 1\r\nDBSIZE\r\n");
	CU_ASSERT_TRUE(hear_text(&client, "OK"));
	CU_ASSERT_EQUAL(hear_integer(&client), KEYS + 1);
	say(&client, "DBSIZE\r\n");
	CU_ASSERT_EQUAL(hear_integer(&client), KEYS + 1);
	journal_let_go(bench.journal);
	CU_ASSERT_TRUE(journal_await(bench.journal, 2 * (KEYS + 1)));
	for (uint64_t i = 0; i < 2 * (KEYS + 1); i++)
		CU_ASSERT_EQUAL(journal_at(bench.journal, i).type, i <= KEYS ? EFFECT_SET : EFFECT_EVICTED);
	CU_ASSERT_EQUAL(journal_gaps(bench.journal), 0);
	say(&client, "DBSIZE\r\n");
	CU_ASSERT_EQUAL(hear_integer(&client), 0);
	hang_up(&client);
	stop(&bench);
}

static void stopping_gives_the_journal_all_that_was_done(void)
{
	struct bench bench;
	start(&bench, 0);
	struct client client = dial(&bench);
	journal_hold(bench.journal);
	for (int i = 1; i <= 100; i++) {
		say(&client, "INCR counter\r\n");
		CU_ASSERT_EQUAL_FATAL(hear_integer(&client), i);
	}
	server_ask_to_stop(bench.server);
	struct pollfd end = { .fd = client.fd, .events = POLLIN };
	CU_ASSERT_EQUAL(poll(&end, 1, 60000), 1); /* the connection is closed: the stop has begun */
	journal_let_go(bench.journal);
	join(&bench);
	CU_ASSERT_EQUAL(journal_count(bench.journal), 100);
	CU_ASSERT_EQUAL(journal_gaps(bench.journal), 0);
	hang_up(&client);
	clean(&bench);
}

static struct bench refused;

static void remove_refused(int number)
{
	unlink(refused.path);
	rmdir(refused.directory);
}

/* Its edges have fewer slots than this credit allows messages. The server must refuse to start, or a mailbox could overflow later. */
static void a_subscriber_with_more_credit_than_its_edges_hold_is_refused(void)
{
	int status = 0;
	pid_t child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		signal(SIGABRT, remove_refused);
		start(&refused, BUS_CREDIT_BYTES + 1);
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static const struct suite_case cases[] = {
	CASE(a_subscriber_with_more_credit_than_its_edges_hold_is_refused),
	CASE(frames_are_dense_and_in_the_order_of_execution),
	CASE(all_effects_of_a_command_are_one_frame),
	CASE(without_credit_writes_wait_and_reads_go_on),
	CASE(a_writer_that_leaves_while_it_waits_has_written),
	CASE(under_overload_nothing_is_lost_and_nothing_stands_still),
	CASE(without_credit_expired_keys_are_hidden_and_removed_later),
	CASE(whatever_a_command_writes_a_key_whose_time_is_over_leaves_first),
	CASE(without_credit_eviction_pauses_and_goes_on_later),
	CASE(stopping_gives_the_journal_all_that_was_done),
};

SUITE_MAIN("bus", cases)

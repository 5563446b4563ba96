/*
 * Each allocation in the store's turns fails once, each in its own process. A reply becomes an error, or its client is closed, and other
 * clients are served. An allocation that no turn can do without stops the server with a message that says what it was for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/runtime/crash.h"
#include "simulation/node.h"
#include "support/allocation.h"
#include "support/suite.h"

#define LARGE_BYTES 1500000u
/* No scenario allocates more often. */
#define ALLOCATIONS_MAX 400

enum outcome {
	SERVED,   /* nothing was refused */
	UNNOTICED,
	REFUSED,  /* an error instead of a reply, or a closed client */
	STOPPED,  /* the whole server, with a reason */
	WRONG,
};

struct scene {
	struct node *node;
	struct client *client, *other;
};

static bool is_turn_of_store(void)
{
	const char *actor = crash_context_in_hand.actor;
	return actor && strcmp(actor, "store") == 0;
}

static void send_large(struct client *client)
{
	char *value = malloc(LARGE_BYTES + 1);
	memset(value, 'v', LARGE_BYTES);
	value[LARGE_BYTES] = '\0';
	client_send(client, "SET", "large", value, NULL);
	free(value);
}

static void prepare(struct scene *scene)
{
	static char value[4000];
	memset(value, 's', sizeof(value) - 1);
	scheduler_begin(1, TRACE_QUIETLY);
	scene->node = node_create(&(struct node_options){ .reactors = 1 });
	scene->client = client_open(scene->node->reactors[0]);
	scene->other = client_open(scene->node->reactors[0]);
	client_send(scene->client, "SET", "small", value, NULL);
	send_large(scene->client);
	scheduler_settle();
	client_take(scene->client);
}

/* A long text, a part of a long value, a value held as a blob, a text built in parts, and a command behind them. */
static void ask_for_much(struct client *client)
{
	const char *words[402] = { "MGET", "large" };
	for (int i = 2; i < 402; i++)
		words[i] = "small";
	client_send_words(client, 402, words);
	client_send(client, "GETRANGE", "large", "1", "1400000", NULL);
	client_send(client, "GET", "large", NULL);
	client_send(client, "KEYS", "*", NULL);
	client_send(client, "CLIENT", "LIST", NULL);
	client_send(client, "ECHO", "end", NULL);
}

/* A snapshot, changes while it is taken, and another one in its place. */
static void save(struct client *client)
{
	client_send(client, "BGSAVE", NULL);
	client_send(client, "SET", "small", "smaller", NULL);
	client_send(client, "FLUSHALL", NULL);
	client_send(client, "ECHO", "end", NULL); /* one of the two may be refused */
	client_send(client, "ECHO", "end", NULL);
}

/* Commands behind a blocked one. */
static void let_some_wait(struct client *client)
{
	client_send(client, "WAIT", "1", "100", NULL);
	client_send(client, "APPEND", "waiting", "a", NULL);
	send_large(client);
	client_send(client, "CLIENT", "SETNAME", "name", NULL);
	client_send(client, "ECHO", "end", NULL);
}

static bool is_served(struct client *client)
{
	client_send(client, "PING", NULL);
	scheduler_settle();
	return strcmp(client_take(client), "+PONG\r\n") == 0;
}

static enum outcome play(uint64_t n, void (*ask)(struct client *))
{
	struct scene scene;
	prepare(&scene);
	ask(scene.client);
	allocation_fail_nth(n, is_turn_of_store);
	scheduler_settle();
	scheduler_advance_ms(100);
	scheduler_settle();
	bool has_failed = allocation_has_failed();
	allocation_fail_nth(0, NULL);
	const char *got = client_take(scene.client);
	bool is_refused = scene.client->is_closing || strstr(got, "-OOM") || strstr(got, "-ERR");
	bool is_whole = strstr(got, "$3\r\nend\r\n") != NULL && scene.client->answered == scene.client->sent;
	if (!is_served(scene.other) || !(is_whole || scene.client->is_closing)) {
		fprintf(stderr, "%llu of %llu answered, the last bytes: %s\n", (unsigned long long)scene.client->answered,
			(unsigned long long)scene.client->sent, strlen(got) > 100 ? got + strlen(got) - 100 : got);
		return WRONG;
	}
	return is_refused ? REFUSED : has_failed ? UNNOTICED : SERVED;
}

/* Runs in its own process, which may be stopped; its output goes to `said`. */
static int play_apart(uint64_t n, void (*ask)(struct client *), char *said, size_t size)
{
	int ends[2], status = 0;
	if (pipe(ends) != 0)
		abort();
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		_exit(play(n, ask));
	}
	close(ends[1]);
	size_t len = 0;
	for (ssize_t got; len + 1 < size && (got = read(ends[0], said + len, size - 1 - len)) > 0;)
		len += (size_t)got;
	said[len] = '\0';
	close(ends[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : STOPPED;
}

/* Returns how often the outcome was an error or a closed client. */
static int refuse_each(void (*ask)(struct client *))
{
	static char said[65536];
	int refused = 0;
	for (uint64_t n = 1; n < ALLOCATIONS_MAX; n++) {
		int outcome = play_apart(n, ask, said, sizeof(said));
		refused += outcome == REFUSED;
		CU_ASSERT_NOT_EQUAL(outcome, WRONG);
		if (outcome == STOPPED && !strstr(said, "no memory for"))
			CU_FAIL("it stopped and did not say why");
		if (outcome == WRONG)
			fprintf(stderr, "allocation %llu: %.300s\n", (unsigned long long)n, said);
		if (outcome == SERVED)
			return refused;
	}
	CU_FAIL("never went through");
	return 0;
}

static void a_reply_without_memory_becomes_an_error_or_ends_its_client(void)
{
	CU_ASSERT(refuse_each(ask_for_much) >= 3);
}

static void a_command_that_cannot_wait_for_want_of_memory_ends_its_client(void)
{
	CU_ASSERT(refuse_each(let_some_wait) >= 3);
}

static void a_snapshot_without_memory_fails_and_its_client_is_told(void)
{
	CU_ASSERT(refuse_each(save) >= 1);
}

static const struct suite_case cases[] = {
	CASE(a_reply_without_memory_becomes_an_error_or_ends_its_client),
	CASE(a_command_that_cannot_wait_for_want_of_memory_ends_its_client),
	CASE(a_snapshot_without_memory_fails_and_its_client_is_told),
};
SUITE_MAIN("no memory", cases)

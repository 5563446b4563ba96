/*
 * kill -9 at random moments under load, again and again on the same data.
 *
 * Some clients write, pipelined: each appends numbered tokens to one string that all share, and counts them in a counter of its own. A
 * reader looks how long the string is. After the kill the server starts anew. The string must hold each client's tokens in order without a
 * gap, and each counter must agree with it: nothing is there without what came before. With appendfsync always it must hold every token
 * that was acknowledged, where it was acknowledged, and everything that the reader saw.
 *
 * QCACHE_KILLS: how many for each appendfsync; `scons campaign` asks for many.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/random.h"
#include "support/server.h"
#include "support/suite.h"

#define WRITERS 6
#define PIPELINE 8
#define TOKEN_BYTES 8
#define KILLS 4

/* A client: writers send APPEND and INCR in turn, the reader STRLEN. */
struct client {
	int fd;
	unsigned number;
	uint64_t sent, answered;      /* commands */
	uint64_t tokens_acknowledged;
	uint64_t longest;             /* length of the string in any reply */
	char input[256];
	size_t input_len;
	bool is_gone;
};

struct round {
	unsigned number;
	struct client writers[WRITERS], reader;
};

static char scratch[64];
static struct random dice;

/* ---- load ---- */

static void begin_client(struct client *client, const struct server *server, unsigned number)
{
	struct peer *peer = peer_connect(server);
	*client = (struct client){ .fd = dup(peer_fd(peer)), .number = number };
	peer_close(&peer);
	fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

static size_t print_command(const struct client *client, const struct round *round, char *out, size_t size)
{
	if (client->number == WRITERS)
		return (size_t)snprintf(out, size, "STRLEN log:%u\r\n", round->number);
	if (client->sent % 2 == 1)
		return (size_t)snprintf(out, size, "INCR count:%u:%u\r\n", round->number, client->number);
	return (size_t)snprintf(out, size, "APPEND log:%u %02u%06u\r\n", round->number, client->number, (unsigned)(client->sent / 2 + 1));
}

static void fill_pipeline(struct client *client, const struct round *round)
{
	char text[64];
	while (!client->is_gone && client->sent - client->answered < PIPELINE) {
		size_t len = print_command(client, round, text, sizeof(text));
		ssize_t sent = send(client->fd, text, len, MSG_NOSIGNAL);
		if (sent != (ssize_t)len) { /* a small command in an empty socket goes as a whole, or not at all */
			client->is_gone |= errno != EAGAIN;
			return;
		}
		client->sent++;
	}
}

/* ":123": of APPEND and STRLEN the length, of INCR the count. */
static void take_reply(struct client *client, const char *line)
{
	bool is_length = client->number == WRITERS || client->answered % 2 == 0;
	uint64_t value = strtoull(line + 1, NULL, 10);
	if (line[0] != ':') {
		fprintf(stderr, "unexpected reply: %s\n", line);
		abort();
	}
	client->answered++;
	if (!is_length)
		return;
	client->tokens_acknowledged++;
	if (value > client->longest)
		client->longest = value;
}

static void take_input(struct client *client)
{
	ssize_t n = recv(client->fd, client->input + client->input_len, sizeof(client->input) - 1 - client->input_len, 0);
	client->is_gone |= n == 0 || (n < 0 && errno != EAGAIN);
	if (n <= 0)
		return;
	client->input_len += (size_t)n;
	client->input[client->input_len] = '\0';
	char *line = client->input;
	for (char *end; (end = strstr(line, "\r\n")); line = end + 2)
		take_reply(client, line);
	client->input_len -= (size_t)(line - client->input);
	memmove(client->input, line, client->input_len + 1);
}

static void run_load(struct round *round, int64_t for_ms)
{
	struct client *clients[WRITERS + 1];
	struct pollfd fds[WRITERS + 1];
	for (unsigned i = 0; i <= WRITERS; i++) {
		clients[i] = i < WRITERS ? &round->writers[i] : &round->reader;
		fds[i] = (struct pollfd){ .fd = clients[i]->fd, .events = POLLIN };
	}
	int64_t end_ms = monotonic_ms() + for_ms;
	while (monotonic_ms() < end_ms) {
		for (unsigned i = 0; i <= WRITERS; i++)
			fill_pipeline(clients[i], round);
		if (poll(fds, WRITERS + 1, 10) > 0)
			for (unsigned i = 0; i <= WRITERS; i++)
				if (fds[i].revents)
					take_input(clients[i]);
	}
}

/* What the server had sent before it was killed. */
static void take_the_rest(struct client *client)
{
	struct pollfd fd = { .fd = client->fd, .events = POLLIN };
	while (!client->is_gone && poll(&fd, 1, PATIENCE_MS) > 0)
		take_input(client);
	close(client->fd);
}

/* ---- the oracle ---- */

/* How many tokens of each client the string holds. False: one is missing or out of place. */
static bool count_tokens(const char *text, size_t len, uint64_t out_counts[WRITERS])
{
	memset(out_counts, 0, WRITERS * sizeof(*out_counts));
	for (size_t at = 0; at + TOKEN_BYTES <= len; at += TOKEN_BYTES) {
		unsigned writer, number;
		if (sscanf(text + at, "%2u%6u", &writer, &number) != 2 || writer >= WRITERS || number != ++out_counts[writer])
			return false;
	}
	return len % TOKEN_BYTES == 0;
}

static uint64_t counter_of(struct peer *peer, const struct round *round, unsigned writer)
{
	char key[32];
	snprintf(key, sizeof(key), "count:%u:%u", round->number, writer);
	const char *reply = COMMAND(peer, "GET", key);
	const char *digits = reply && reply[1] != '-' ? strchr(reply, '\n') : NULL;
	return digits ? strtoull(digits + 1, NULL, 10) : 0;
}

/* The string, with its length. */
static char *read_string(struct peer *peer, const struct round *round, size_t *out_len)
{
	char key[32];
	snprintf(key, sizeof(key), "log:%u", round->number);
	const char *reply = COMMAND(peer, "GET", key);
	const char *text = reply && reply[1] != '-' ? strchr(reply, '\n') + 1 : "";
	*out_len = *text ? strtoull(reply + 1, NULL, 10) : 0;
	return strndup(text, *out_len);
}

static void check_round(struct peer *peer, const struct round *round, bool must_have_all)
{
	uint64_t counts[WRITERS];
	size_t len;
	char *text = read_string(peer, round, &len);
	CU_ASSERT(count_tokens(text, len, counts));
	for (unsigned i = 0; i < WRITERS; i++) {
		const struct client *writer = &round->writers[i];
		uint64_t counter = counter_of(peer, round, i);
		CU_ASSERT(counter == counts[i] || counter + 1 == counts[i]);
		CU_ASSERT(counts[i] <= (writer->sent + 1) / 2);
		if (must_have_all)
			CU_ASSERT(counts[i] >= writer->tokens_acknowledged && writer->longest <= len);
	}
	if (must_have_all)
		CU_ASSERT(round->reader.longest <= len);
	free(text);
}

/* ---- rounds ---- */

static struct server *start(const char *appendfsync)
{
	return server_start("--dir %s --appendonly yes --appendfsync %s --aof-ballast-size 1mb --auto-aof-rewrite-min-size 4kb "
			    "--auto-aof-rewrite-percentage 10", scratch, appendfsync);
}

static void save_if_due(const struct server *server, const struct round *round)
{
	struct peer *peer = peer_connect(server);
	if (round->number % 2 == 1)
		CU_ASSERT(GIVES(peer, "+Background saving started\r\n", "BGSAVE"));
	peer_close(&peer);
}

static void kill_under_load(struct server **server, struct round *round)
{
	save_if_due(*server, round);
	for (unsigned i = 0; i < WRITERS; i++)
		begin_client(&round->writers[i], *server, i);
	begin_client(&round->reader, *server, WRITERS);
	run_load(round, 5 + (int64_t)random_below(&dice, 200));
	server_kill(server);
	for (unsigned i = 0; i < WRITERS; i++)
		take_the_rest(&round->writers[i]);
	take_the_rest(&round->reader);
}

static void kill_again_and_again(const char *appendfsync)
{
	const char *wanted = getenv("QCACHE_KILLS");
	int kills = wanted ? atoi(wanted) : KILLS;
	bool must_have_all = strcmp(appendfsync, "always") == 0;
	uint64_t acknowledged = 0;
	scratch_create(scratch, sizeof(scratch));
	dice.state = random_seed("kill_test");
	struct server *server = start(appendfsync);
	struct peer *peer;
	for (int i = 0; i < kills; i++) {
		struct round round = { .number = (unsigned)i };
		kill_under_load(&server, &round);
		server = start(appendfsync);
		peer = peer_connect(server);
		check_round(peer, &round, must_have_all);
		for (unsigned n = 0; n < WRITERS; n++)
			acknowledged += round.writers[n].answered;
		peer_close(&peer);
	}
	peer = peer_connect(server);
	/* Each kill may have come before the end of a rewriting. */
	COMMAND(peer, "BGREWRITEAOF");
	CU_ASSERT(info_comes_to(peer, "persistence", "aof_rewrite_scheduled", 0));
	CU_ASSERT(info_comes_to(peer, "persistence", "aof_rewrite_in_progress", 0));
	CU_ASSERT(info_number(COMMAND(peer, "INFO", "persistence"), "aof_base_size") > 0);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	printf("%d kills with appendfsync %s, %llu replies\n", kills, appendfsync, (unsigned long long)acknowledged);
	scratch_remove(scratch);
}

static void with_always_a_kill_loses_nothing_that_anybody_was_told(void)
{
	ONLY_OURS();
	kill_again_and_again("always");
}

static void with_everysec_a_kill_leaves_a_prefix(void)
{
	ONLY_OURS();
	kill_again_and_again("everysec");
}

static void without_syncs_a_kill_leaves_a_prefix(void)
{
	ONLY_OURS();
	kill_again_and_again("no");
}

static const struct suite_case cases[] = {
	CASE(with_always_a_kill_loses_nothing_that_anybody_was_told),
	CASE(with_everysec_a_kill_leaves_a_prefix),
	CASE(without_syncs_a_kill_leaves_a_prefix),
};

SUITE_MAIN("kill", cases)

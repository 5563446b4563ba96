#include "simulation/player.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/scheduler.h"
#include "transport/resp_reader.h"

/* Keys shared by all players. */
#define SHARED_KEYS 6
#define WORD_BYTES 32
#define OWN_VALUE_MAX 20000

enum expected_reply { EXPECT_ANY, EXPECT_OK, EXPECT_INTEGER, EXPECT_ECHO, EXPECT_OWN, EXPECT_OWN_SET };

struct expectation {
	enum expected_reply reply;
	uint64_t serial;
};

struct player *player_create(struct reactor_double *reactor)
{
	struct player *player = calloc(1, sizeof(*player));
	if (!player || !(player->reader = resp_reader_create()))
		abort();
	player->client = client_open(reactor);
	player->client->context = player;
	return player;
}

void player_destroy(struct player **player)
{
	resp_reader_destroy(&(*player)->reader);
	free((*player)->expected);
	free(*player);
	*player = NULL;
}

/* ---- sending ---- */

static void expect(struct player *player, enum expected_reply reply, uint64_t serial)
{
	if (player->expected_count == player->expected_capacity) {
		player->expected_capacity = player->expected_capacity ? 2 * player->expected_capacity : 64;
		player->expected = realloc(player->expected, player->expected_capacity * sizeof(*player->expected));
		if (!player->expected)
			abort();
	}
	player->expected[player->expected_count++] = (struct expectation){ .reply = reply, .serial = serial };
}

uint32_t player_owed(const struct player *player)
{
	return player->expected_count - player->expected_first;
}

static void number(char out[WORD_BYTES], uint64_t value)
{
	snprintf(out, WORD_BYTES, "%" PRIu64, value);
}

static void draw_number(char out[WORD_BYTES], uint64_t end)
{
	number(out, scheduler_draw(end));
}

static void draw_key(char out[WORD_BYTES])
{
	snprintf(out, WORD_BYTES, "shared:%d", (int)scheduler_draw(SHARED_KEYS));
}

static void own_key(const struct player *player, char out[WORD_BYTES])
{
	snprintf(out, WORD_BYTES, "own:%" PRIu64, player->client->ref.id);
}

/* A number, sometimes followed by so many blanks that it exceeds a subscriber's credit, or becomes a blob. */
static void set_own(struct player *player)
{
	static const int lengths[] = { 0, 0, 0, 6000, OWN_VALUE_MAX };
	char key[WORD_BYTES], value[OWN_VALUE_MAX + 1];
	own_key(player, key);
	snprintf(value, sizeof(value), "%-*" PRIu64, lengths[scheduler_draw(5)], ++player->serial);
	client_send(player->client, "SET", key, value, NULL);
	expect(player, EXPECT_OWN_SET, player->serial);
}

static void get_own(struct player *player)
{
	char key[WORD_BYTES];
	own_key(player, key);
	client_send(player->client, "GET", key, NULL);
	expect(player, EXPECT_OWN, 0);
}

static void echo(struct player *player)
{
	char value[WORD_BYTES];
	number(value, ++player->serial);
	client_send(player->client, "ECHO", value, NULL);
	expect(player, EXPECT_ECHO, player->serial);
}

/* Commands on shared keys, and commands that make others wait. "K": a shared key, "N": a number below `below`. */
static const struct {
	unsigned weight;
	enum expected_reply reply;
	uint64_t below;
	const char *words[6];
} commands[] = {
	{ 10, EXPECT_OK, 1000, { "SET", "K", "N" } },
	{ 4, EXPECT_OK, 300, { "SET", "K", "value", "PX", "N1" } },
	{ 8, EXPECT_ANY, 0, { "GET", "K" } },
	{ 6, EXPECT_INTEGER, 0, { "DEL", "K", "K" } },
	{ 4, EXPECT_INTEGER, 200, { "PEXPIRE", "K", "N" } },
	{ 2, EXPECT_INTEGER, 0, { "PERSIST", "K" } },
	{ 6, EXPECT_ANY, 0, { "RENAME", "K", "K" } },
	{ 6, EXPECT_OK, 1000, { "MSET", "K", "N", "K", "N" } },
	{ 4, EXPECT_ANY, 0, { "INCR", "K" } },
	{ 3, EXPECT_INTEGER, 10, { "APPEND", "K", "N" } },
	{ 3, EXPECT_ANY, 20000, { "SETRANGE", "K", "N", "part" } },
	{ 3, EXPECT_INTEGER, 0, { "COPY", "K", "K", "DB", "1", "REPLACE" } },
	{ 2, EXPECT_INTEGER, 0, { "MOVE", "K", "1" } },
	{ 2, EXPECT_OK, 0, { "SWAPDB", "1", "2" } },
	{ 1, EXPECT_OK, 0, { "SWAPDB", "9", "2" } },
	{ 3, EXPECT_ANY, 0, { "BGSAVE" } },
	{ 1, EXPECT_ANY, 0, { "BGSAVE", "SCHEDULE" } },
	{ 2, EXPECT_ANY, 0, { "SAVE" } },
	{ 1, EXPECT_ANY, 0, { "BGREWRITEAOF" } },
	{ 2, EXPECT_INTEGER, 1000, { "DELIFEQ", "K", "N" } },
	{ 1, EXPECT_INTEGER, 0, { "DELETE", "K", "K" } },
	{ 2, EXPECT_INTEGER, 60, { "CLIENT", "UNBLOCK", "N" } },
	{ 2, EXPECT_OK, 80, { "CLIENT", "PAUSE", "N", "WRITE" } },
	{ 1, EXPECT_OK, 80, { "CLIENT", "PAUSE", "N", "ALL" } },
	{ 2, EXPECT_OK, 0, { "CLIENT", "UNPAUSE" } },
	{ 4, EXPECT_INTEGER, 120, { "WAIT", "1", "N1" } },
	{ 2, EXPECT_ANY, 120, { "WAITAOF", "0", "1", "N1" } },
	{ 1, EXPECT_OK, 20, { "DEBUG", "SLEEP", "S" } },
	{ 1, EXPECT_OK, 200, { "DEBUG", "POPULATE", "N" } },
	{ 2, EXPECT_ANY, 0, { "CLIENT", "LIST" } },
	{ 2, EXPECT_ANY, 0, { "INFO", "commandstats" } },
	{ 1, EXPECT_OK, 60000, { "CONFIG", "SET", "port", "N1" } },
	{ 1, EXPECT_ANY, 0, { "CONFIG", "REWRITE" } },
	{ 1, EXPECT_OK, 60000, { "CONFIG", "SET", "slowlog-log-slower-than", "N" } },
	{ 1, EXPECT_INTEGER, 60, { "CLIENT", "KILL", "ID", "N1" } },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void fill_in(char out[WORD_BYTES], const char *word, uint64_t below)
{
	if (strcmp(word, "K") == 0)
		draw_key(out);
	else if (strcmp(word, "N") == 0)
		draw_number(out, below);
	else if (strcmp(word, "N1") == 0)
		number(out, 1 + scheduler_draw(below));
	else if (strcmp(word, "S") == 0)
		snprintf(out, WORD_BYTES, "0.%03d", (int)scheduler_draw(below));
	else
		snprintf(out, WORD_BYTES, "%s", word);
}

static uint32_t draw_command(void)
{
	unsigned total = 0;
	uint32_t at = 0;
	for (size_t i = 0; i < COMMANDS; i++)
		total += commands[i].weight;
	uint64_t drawn = scheduler_draw(total);
	while (drawn >= commands[at].weight)
		drawn -= commands[at++].weight;
	return at;
}

static void send_command(struct player *player)
{
	char words[6][WORD_BYTES];
	const char *sent[6];
	uint32_t count = 0, at = draw_command();
	for (; count < 6 && commands[at].words[count]; count++) {
		fill_in(words[count], commands[at].words[count], commands[at].below);
		sent[count] = words[count];
	}
	client_send_words(player->client, count, sent);
	expect(player, commands[at].reply, 0);
}

/* A table full of keys for the reaper. */
static void fill_and_flush(struct player *player)
{
	static const char *const steps[][3] = {
		{ "SELECT", "9", NULL }, { "SET", "key", "value" }, { "FLUSHDB", NULL, NULL }, { "SELECT", "0", NULL }
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint32_t count = 0;
		while (count < 3 && steps[i][count])
			count++;
		client_send_words(player->client, count, steps[i]);
		expect(player, EXPECT_OK, 0);
	}
}

static void monitor(struct player *player)
{
	client_send(player->client, "MONITOR", NULL);
	expect(player, EXPECT_OK, 0);
	player->is_monitor = true;
}

static void quit(struct player *player)
{
	client_send(player->client, "QUIT", NULL);
	expect(player, EXPECT_OK, 0);
}

void player_act(struct player *player)
{
	if (!client_may_send(player->client) || player->is_monitor)
		return;
	if (player->may_wait_for_ever && scheduler_draw(60) == 0) {
		client_send(player->client, "WAIT", "1", "0", NULL);
		expect(player, EXPECT_INTEGER, 0); /* of CLIENT UNBLOCK, perhaps */
		return;
	}
	switch (scheduler_draw(40)) {
	case 0: fill_and_flush(player); return;
	case 1: player_owed(player) ? echo(player) : monitor(player); return;
	case 2: scheduler_draw(4) ? echo(player) : quit(player); return;
	case 3: case 4: case 5: case 6: echo(player); return;
	case 7: case 8: case 9: case 10: case 11: case 12: set_own(player); return;
	case 13: case 14: case 15: case 16: get_own(player); return;
	default: send_command(player); return;
	}
}

void player_leave(struct player *player)
{
	player->has_left = true;
	if (scheduler_draw(2))
		client_end(player->client);
	else
		client_break_off(player->client);
}

/* ---- receiving ---- */

static bool is_number(const struct resp_reply *reply, uint64_t value)
{
	char *end = reply->text;
	return reply->type == RESP_TYPE_BULK && strtoull(reply->text, &end, 10) == value && end[strspn(end, " ")] == '\0';
}

static bool is_ok(const struct resp_reply *reply)
{
	return reply->type == RESP_TYPE_SIMPLE && strcmp(reply->text, "OK") == 0;
}

static bool is_refused(const struct resp_reply *reply)
{
	return reply->type == RESP_TYPE_ERROR && (strncmp(reply->text, "OOM ", 4) == 0 || strncmp(reply->text, "MISCONF ", 8) == 0);
}

static bool note_own(struct player *player, uint64_t serial)
{
	player->own_acked = serial;
	player->own_sets++;
	return true;
}

static bool meets(struct player *player, const struct resp_reply *reply, const struct expectation *expected)
{
	switch (expected->reply) {
	case EXPECT_ANY: return true;
	case EXPECT_OK: return is_ok(reply) || is_refused(reply);
	case EXPECT_INTEGER: return reply->type == RESP_TYPE_INTEGER || is_refused(reply);
	case EXPECT_ECHO: return is_number(reply, expected->serial);
	case EXPECT_OWN: return player->own_acked ? is_number(reply, player->own_acked) : reply->type == RESP_TYPE_NULL;
	case EXPECT_OWN_SET: return is_refused(reply) || (is_ok(reply) && note_own(player, expected->serial));
	}
	return false;
}

static const char *judge(struct player *player, const struct resp_reply *reply)
{
	static char text[256];
	scheduler_note("client %" PRIu64 " has a reply of type %d, %.40s", player->client->ref.id, reply->type,
		       reply->text ? reply->text : "");
	if (player_owed(player) == 0 && player->is_monitor && reply->type == RESP_TYPE_SIMPLE)
		return NULL;
	/* A connection that reaches the store after it has dropped its clients is refused, whatever the client has sent. */
	if (player->expected_first == 0 && reply->type == RESP_TYPE_ERROR && strcmp(reply->text, "ERR the server is shutting down") == 0)
		return NULL;
	if (player_owed(player) == 0)
		snprintf(text, sizeof(text), "client %" PRIu64 " has a reply that it has not asked for", player->client->ref.id);
	else if (!meets(player, reply, &player->expected[player->expected_first++]))
		snprintf(text, sizeof(text), "client %" PRIu64 " expects (%d, %" PRIu64 ") and has a reply of type %d, \"%.100s\"",
			 player->client->ref.id, player->expected[player->expected_first - 1].reply,
			 player->expected[player->expected_first - 1].serial, reply->type, reply->text ? reply->text : "");
	else
		return NULL;
	return text;
}

const char *player_receive(struct player *player)
{
	struct buffer *received = &player->client->received;
	const char *wrong = NULL;
	uint8_t *room = resp_reader_room(player->reader, received->len + 1);
	struct resp_reply *reply;
	enum resp_read_status status;
	if (!room)
		abort();
	if (received->len)
		memcpy(room, received->data, received->len);
	resp_reader_fed(player->reader, received->len);
	received->len = 0;
	while ((status = resp_reader_next(player->reader, &reply)) == RESP_READ_REPLY) {
		const char *judgement = judge(player, reply);
		wrong = wrong ? wrong : judgement;
		resp_reply_free(reply);
	}
	return status == RESP_READ_MORE ? wrong : "what has been received is not RESP";
}

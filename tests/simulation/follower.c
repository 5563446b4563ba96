#include "simulation/follower.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/bus/effect_apply.h"
#include "actors/runtime/crash.h"
#include "simulation/snapshot_check.h"
#include "support/log_frames.h"

void follower_init(struct follower *follower, uint32_t databases)
{
	*follower = (struct follower){ .client = NULL };
	if (!databases_init(&follower->databases, databases))
		abort();
}

void follower_fini(struct follower *follower)
{
	buffer_fini(&follower->input);
	databases_fini(&follower->databases);
}

void follower_digest(const struct follower *follower, char out[DIGEST_HEX_BYTES])
{
	data_digest_of(&follower->databases, out);
}

void follower_connect(struct follower *follower, struct reactor_double *reactor)
{
	char offset[24];
	snprintf(offset, sizeof(offset), "%lld", follower->id[0] ? (long long)follower->offset + 1 : -1);
	follower->client = client_open(reactor);
	follower->state = FOLLOWER_ASKS;
	follower->input.len = 0;
	client_send(follower->client, "REPLCONF", "capa", "eof", "capa", "psync2", NULL);
	client_send(follower->client, "PSYNC", follower->id[0] ? follower->id : "?", offset, NULL);
}

static void use(struct follower *follower, size_t len)
{
	memmove(follower->input.data, follower->input.data + len, follower->input.len - len);
	follower->input.len -= len;
}

static void acknowledge(struct follower *follower)
{
	char offset[24];
	snprintf(offset, sizeof(offset), "%llu", (unsigned long long)follower->offset);
	if (client_may_send(follower->client))
		client_send(follower->client, "REPLCONF", "ACK", offset, NULL);
}

/* ---- the answer ---- */

static void begin_to_load(struct follower *follower, const char *line)
{
	unsigned long long offset;
	if (sscanf(line, "+FULLRESYNC %40s %llu", follower->next_id, &offset) != 2)
		crash_broken_invariant("a replica can't understand %s", line);
	follower->id[0] = '\0'; /* until it is loaded there is nothing to go on with */
	follower->offset = offset;
}

static void go_on(struct follower *follower)
{
	follower->state = FOLLOWER_FOLLOWS;
	follower->continuations++;
}

static void take_line(struct follower *follower, const char *line)
{
	if (strncmp(line, "+FULLRESYNC ", 12) == 0)
		begin_to_load(follower, line);
	else if (sscanf(line, "$EOF:%40s", follower->end_mark) == 1)
		follower->state = FOLLOWER_LOADS;
	else if (sscanf(line, "+CONTINUE %40s", follower->id) == 1)
		go_on(follower);
	else if (strcmp(line, "+OK") != 0 && line[0] != '\0')
		crash_broken_invariant("a replica can't understand %s", line);
}

static bool read_line(struct follower *follower)
{
	const uint8_t *end = follower->input.len ? memchr(follower->input.data, '\n', follower->input.len) : NULL;
	char line[256] = "";
	if (!end)
		return false;
	size_t len = (size_t)(end - follower->input.data);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn((const char *)follower->input.data, "\r\n"), (const char *)follower->input.data);
	use(follower, len + 1);
	take_line(follower, line);
	return true;
}

/* ---- the snapshot ---- */

/* As Redis does, it looks for the mark at the end of what has come: nothing may follow. */
static bool load(struct follower *follower)
{
	size_t len = follower->input.len;
	uint32_t databases = follower->databases.count;
	if (len < 40 || memcmp(follower->input.data + len - 40, follower->end_mark, 40) != 0)
		return false;
	databases_fini(&follower->databases);
	if (!databases_init(&follower->databases, databases))
		abort();
	snapshot_check_bytes(slice_of(follower->input.data, len - 40), &follower->databases);
	follower->input.len = 0;
	aof_parser_init(&follower->parser, true, 0);
	follower->snapshots++;
	memcpy(follower->id, follower->next_id, sizeof(follower->id));
	follower->state = FOLLOWER_FOLLOWS;
	acknowledge(follower);
	return true;
}

/* ---- the stream ---- */

/* The number after a '*' or '$' at `at`; `*at` moves behind its line. -1 if it is not complete. */
static long read_header(const struct buffer *input, size_t *at)
{
	const uint8_t *begin = input->data + *at, *end = *at < input->len ? memchr(begin, '\n', input->len - *at) : NULL;
	if (!end)
		return -1;
	*at = (size_t)(end - input->data) + 1;
	return strtol((const char *)begin + 1, NULL, 10);
}

/* The end of the command at `at`; 0 if it is not complete. */
static size_t command_end(const struct buffer *input, size_t at)
{
	long words = read_header(input, &at);
	for (; words > 0; words--) {
		long len = read_header(input, &at);
		at += len < 0 ? 0 : (size_t)len + 2;
		if (len < 0 || at > input->len)
			return 0;
	}
	return words < 0 ? 0 : at;
}

static bool is_command(struct slice text, const char *word)
{
	return memmem(text.data, text.len < 40 ? text.len : 40, word, strlen(word)) != NULL;
}

/* The length of the first command, or transaction; 0 if it is not complete. */
static size_t unit_length(const struct buffer *input)
{
	size_t begin = 0, end = command_end(input, 0);
	bool is_transaction = end > 0 && is_command(slice_of(input->data, end), "\r\nMULTI\r\n");
	while (is_transaction && end > 0 && !is_command(slice_of(input->data + begin, end - begin), "\r\nEXEC\r\n")) {
		begin = end;
		end = command_end(input, begin);
	}
	return end;
}

static void discard(void *context, struct keyspace *keyspace)
{
	keyspace_destroy(&keyspace);
}

static void apply(struct follower *follower, struct slice text)
{
	struct effect_target target = { .databases = &follower->databases, .is_exact = true, .discard = discard };
	struct frame_writer parsed = { .first_sequence = 1 };
	if (!log_parse(&follower->parser, text, &parsed) || !log_apply(&target, &parsed))
		crash_broken_invariant("a replica can't apply %.*s: %s", (int)text.len, (const char *)text.data, follower->parser.error);
	frame_writer_fini(&parsed);
}

static bool apply_one(struct follower *follower)
{
	size_t len = unit_length(&follower->input);
	struct slice text = slice_of(follower->input.data, len);
	bool is_asked = len > 0 && is_command(text, "\r\nGETACK\r\n");
	if (len == 0)
		return false;
	if (!is_asked && !is_command(text, "\r\nPING\r\n"))
		apply(follower, text);
	follower->offset += len;
	use(follower, len);
	if (is_asked)
		acknowledge(follower);
	return true;
}

bool follower_read(struct follower *follower)
{
	struct buffer *received = &follower->client->received;
	bool has_news = received->len > 0;
	buffer_append(&follower->input, received->data, received->len);
	received->len = 0;
	while (follower->state == FOLLOWER_ASKS && read_line(follower))
		;
	if (follower->state == FOLLOWER_LOADS)
		load(follower);
	while (follower->state == FOLLOWER_FOLLOWS && apply_one(follower))
		;
	return has_news;
}

void follower_settle(struct follower *follower)
{
	do
		scheduler_settle();
	while (follower_read(follower));
}

/*
 * Our server with a recorder on its command bus. When the server has stopped, the frames are replayed into empty keyspaces and their digest
 * is printed: "replayed N frames: DIGEST". It must equal the last DEBUG DIGEST. Their text is written to "appendonly.aof" in the server's
 * directory, where redis-server finds it.
 *
 * Arguments are those of qcache-server. Those of the process (daemonize, pidfile, logfile) are ignored.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/bus/effect_apply.h"
#include "actors/bus/subscriber.h"
#include "actors/bus/turn_message.h"
#include "actors/config/config.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/server.h"
#include "actors/store/data_digest.h"
#include "support/log_frames.h"

/* ---- recording: the messages are kept ---- */

struct recorder {
	struct subscriber subscriber;
	struct bus_message **messages;
	size_t count, capacity;
};

static void record(void *context, const struct bus_message *message)
{
	struct recorder *recorder = context;
	if (!(message->holds & BUS_FRAMES))
		return;
	if (recorder->count == recorder->capacity) {
		recorder->capacity = recorder->capacity ? 2 * recorder->capacity : 1024;
		recorder->messages = realloc(recorder->messages, recorder->capacity * sizeof(*recorder->messages));
		if (!recorder->messages)
			abort();
	}
	struct bus_message *held = (struct bus_message *)message;
	atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
	recorder->messages[recorder->count++] = held;
}

static void bind_recorder(struct actor *actor, void *context)
{
	struct recorder *recorder = context;
	subscriber_bind(&recorder->subscriber, actor,
			&(struct subscriber_options){ .interest = BUS_FRAMES, .take = record, .context = recorder });
}

/* ---- replaying ---- */

static void destroy(void *context, struct keyspace *keyspace)
{
	keyspace_destroy(&keyspace);
}

/* Returns the number of frames. Ends the program at one that can't be applied. */
static unsigned long long replay(const struct recorder *recorder, const struct effect_target *target)
{
	unsigned long long frames = 0;
	for (size_t i = 0; i < recorder->count; i++) {
		struct frame_reader reader;
		struct frame frame;
		frame_reader_init(&reader, &((struct turn_message *)recorder->messages[i])->frames);
		for (; frame_next(&reader, &frame); frames++) {
			enum apply_status status = frame_apply(target, &reader);
			if (status == APPLY_DONE)
				continue;
			printf("frame %llu can't be applied: %s\n", (unsigned long long)frame.sequence,
			       status == APPLY_MISFIT ? "it does not fit the data" : "no memory");
			exit(1);
		}
	}
	return frames;
}

static void print_digest(const struct effect_target *target, unsigned long long frames)
{
	char hex[DIGEST_HEX_BYTES];
	data_digest_of(target->databases, hex);
	printf("replayed %llu frames: %s\n", frames, hex);
}

/* ---- text ---- */

static void write_text(const struct aof_text *text, FILE *file)
{
	struct iovec piece;
	for (uint64_t offset = 0; aof_text_vector(text, offset, &piece, 1) == 1; offset += piece.iov_len)
		if (fwrite(piece.iov_base, 1, piece.iov_len, file) != piece.iov_len)
			abort();
}

static void write_log(const struct recorder *recorder, const char *directory)
{
	struct aof_renderer renderer;
	struct aof_text text = { .referenced_bytes = 0 };
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/appendonly.aof", directory);
	FILE *file = fopen(path, "w");
	if (!file)
		abort();
	aof_renderer_init(&renderer);
	for (size_t i = 0; i < recorder->count; i++) {
		log_render(&((struct turn_message *)recorder->messages[i])->frames, &renderer, &text);
		write_text(&text, file);
		aof_text_clear(&text);
	}
	aof_text_fini(&text);
	if (fclose(file) != 0)
		abort();
}

static void replay_all(struct recorder *recorder, uint32_t count)
{
	struct databases databases;
	struct effect_target target = { .databases = &databases, .is_exact = true, .discard = destroy };
	if (!databases_init(&databases, count))
		abort();
	print_digest(&target, replay(recorder, &target));
	databases_fini(&databases);
	for (size_t i = 0; i < recorder->count; i++)
		bus_message_release(recorder->messages[i]);
	free(recorder->messages);
}

int main(int argc, char **argv)
{
	struct config config;
	char *refusals = NULL;
	struct recorder recorder = { .count = 0 };
	if (config_load(&config, argc, argv, &refusals) != CONFIG_LOADED || !log_open("", (enum log_level)config.loglevel)) {
		fprintf(stderr, "%s", refusals ? refusals : "");
		free(refusals);
		return 1;
	}
	struct config_error error;
	struct server_subscriber subscriber = { .interest = BUS_FRAMES, .bind = bind_recorder, .context = &recorder };
	struct server *server = server_create(&config, &subscriber, 1, &error);
	if (!server) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	server_run(server, NULL, NULL, &error);
	server_destroy(&server);
	write_log(&recorder, config.dir);
	replay_all(&recorder, (uint32_t)config.databases);
	config_fini(&config);
	log_close();
	return 0;
}

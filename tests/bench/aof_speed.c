/*
 * The time in ns that one SET of a key of 16 and a value of 64 bytes takes on its way into the append-only file: as text. Prints the best and the
 * median of its rounds. One thread, everything in the cache, so that only the code counts.
 *
 *   aof_speed [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "actors/persistence/aof_render.h"
#include "storage/keyspace.h"

#define FRAMES 64 /* of a turn */
#define REPEATS 5000
#define MOST_ROUNDS 1001

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void write_frames(struct frame_writer *frames, int64_t when_ms)
{
	char key[32], value[64];
	memset(value, 'x', sizeof(value));
	for (int i = 0; i < FRAMES; i++) {
		snprintf(key, sizeof(key), "key:%012d", i);
		frame_begin(frames, NULL);
		frame_append(frames, &(struct effect){ .type = EFFECT_SET, .key = slice_of(key, 16), .value = slice_of(value, sizeof(value)),
						       .number = when_ms });
		frame_end(frames);
	}
}

static void render(const struct frame_writer *frames, struct aof_renderer *renderer, struct aof_text *text)
{
	struct frame_reader reader;
	struct frame frame;
	frame_reader_init(&reader, frames);
	while (frame_next(&reader, &frame))
		aof_render_frame(renderer, &reader, &frame, text);
}

static int compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static void measure(const char *name, int64_t when_ms, int rounds)
{
	static double times[MOST_ROUNDS];
	struct frame_writer frames = { .first_sequence = 1 };
	struct aof_renderer renderer;
	struct aof_text text = { .referenced_bytes = 0 };
	aof_renderer_init(&renderer);
	write_frames(&frames, when_ms);
	for (int round = 0; round < rounds; round++) {
		double begin = now_ns();
		for (int i = 0; i < REPEATS; i++) {
			render(&frames, &renderer, &text);
			aof_text_clear(&text);
		}
		times[round] = (now_ns() - begin) / REPEATS / FRAMES;
	}
	qsort(times, (size_t)rounds, sizeof(*times), compare);
	printf("%-20s best %5.1f ns, median %5.1f ns\n", name, times[0], times[rounds / 2]);
	aof_text_fini(&text);
	frame_writer_fini(&frames);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 21;
	rounds = rounds < 1 ? 1 : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
	measure("render SET", NO_EXPIRY, rounds);
	measure("render SET PXAT", 1700000000000, rounds);
	return 0;
}

/*
 * The time in ns that one SET of a key of 16 and a value of 64 bytes takes on its way into the append-only file and back: from frames to
 * text, and from text to frames. Prints the best and the median of its rounds. One thread, everything in the cache, so that only the code counts.
 *
 *   aof_speed [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "actors/persistence/aof_parse.h"
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

static void parse(const struct buffer *text, struct aof_parser *parser, struct resp_args *args, struct frame_writer *frames)
{
	static const struct resp_limits limits = {
		.max_args = INT32_MAX, .max_bulk_bytes = 512u << 20, .max_inline_bytes = 65536, .large_bulk_bytes = 32768,
	};
	struct resp_parser resp;
	resp_parser_init(&resp);
	for (size_t at = 0; at < text->len; at += resp.consumed) {
		args->count = 0;
		if (resp_parse(&resp, &limits, text->data + at, text->len - at, args) != RESP_REQUEST ||
		    !aof_parse_command(parser, args->items, (uint32_t)args->count, frames))
			exit(1);
	}
}

static int compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double times_of_render[MOST_ROUNDS], times_of_parse[MOST_ROUNDS];

static void print(const char *name, double *times, int rounds)
{
	qsort(times, (size_t)rounds, sizeof(*times), compare);
	printf("%-16s best %5.1f ns, median %5.1f ns\n", name, times[0], times[rounds / 2]);
}

static void measure(int64_t when_ms, int rounds)
{
	struct frame_writer frames = { .first_sequence = 1 }, parsed = { .first_sequence = 1 };
	struct aof_renderer renderer;
	struct aof_parser parser;
	struct resp_args args = { 0 };
	struct aof_text text = { .referenced_bytes = 0 };
	aof_renderer_init(&renderer);
	aof_parser_init(&parser, true, 0);
	write_frames(&frames, when_ms);
	for (int round = 0; round < rounds; round++) {
		double begin = now_ns();
		for (int i = 0; i < REPEATS; i++) {
			aof_text_clear(&text);
			render(&frames, &renderer, &text);
		}
		double middle = now_ns();
		for (int i = 0; i < REPEATS; i++) {
			parsed.bytes.len = 0;
			parse(&text.bytes, &parser, &args, &parsed);
		}
		times_of_render[round] = (middle - begin) / REPEATS / FRAMES;
		times_of_parse[round] = (now_ns() - middle) / REPEATS / FRAMES;
	}
	print(when_ms == NO_EXPIRY ? "render SET" : "render SET PXAT", times_of_render, rounds);
	print(when_ms == NO_EXPIRY ? "parse SET" : "parse SET PXAT", times_of_parse, rounds);
	resp_args_fini(&args);
	aof_text_fini(&text);
	frame_writer_fini(&parsed);
	frame_writer_fini(&frames);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 21;
	rounds = rounds < 1 ? 1 : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
	measure(NO_EXPIRY, rounds);
	measure(1700000000000, rounds);
	return 0;
}

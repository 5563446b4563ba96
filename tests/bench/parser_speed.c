/*
 * The time that the codec takes for a request or a reply in ns, with the pipelines of redis-benchmark -P 64. Prints the best and the median
 * of its rounds. One thread, everything in the cache, so that only the code counts.
 *
 *   parser_speed [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "transport/buffer.h"
#include "transport/resp_parser.h"
#include "transport/resp_reader.h"
#include "transport/resp_writer.h"

#define PIPELINE 64
#define REPEATS 2000
#define MOST_ROUNDS 1001

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "parser_speed: %s\n", what);
	exit(1);
}

static void write_request(struct buffer *out, const char *command, int keys, bool has_values)
{
	char key[32], value[64];
	memset(value, 'x', sizeof(value));
	resp_write_array(out, 1 + (size_t)(has_values ? keys * 2 : keys));
	resp_write_bulk(out, command, strlen(command));
	for (int i = 0; i < keys; i++) {
		int len = snprintf(key, sizeof(key), "key:%012d", i);
		resp_write_bulk(out, key, (size_t)len);
		if (has_values)
			resp_write_bulk(out, value, sizeof(value));
	}
}

/* Parses the pipeline as the reactor does: all requests of a window into one vector. */
static void parse_pipeline(const struct buffer *pipeline, struct resp_args *args)
{
	static const struct resp_limits limits = {
		.max_args = INT32_MAX, .max_bulk_bytes = 512u << 20, .max_inline_bytes = 65536, .large_bulk_bytes = 32768,
	};
	struct resp_parser parser;
	resp_parser_init(&parser);
	args->count = 0;
	size_t at = 0, requests = 0;
	while (resp_parse(&parser, &limits, pipeline->data + at, pipeline->len - at, args) == RESP_REQUEST) {
		at += parser.consumed;
		requests++;
	}
	if (requests != PIPELINE || at != pipeline->len)
		fail("the pipeline was not parsed");
}

static void read_pipeline(const struct buffer *pipeline, struct resp_reader *reader)
{
	uint8_t *room = resp_reader_room(reader, pipeline->len);
	if (!room)
		fail("out of memory");
	memcpy(room, pipeline->data, pipeline->len);
	resp_reader_fed(reader, pipeline->len);
	struct resp_reply *reply;
	size_t replies = 0;
	while (resp_reader_next(reader, &reply) == RESP_READ_REPLY) {
		resp_reply_free(reply);
		replies++;
	}
	if (replies != PIPELINE)
		fail("the replies were not read");
}

static int compare(const void *left, const void *right)
{
	double difference = *(const double *)left - *(const double *)right;
	return (difference > 0) - (difference < 0);
}

static void report(const char *name, double *times, int rounds, size_t bytes)
{
	qsort(times, (size_t)rounds, sizeof(*times), compare);
	printf("%-28s best %7.1f ns  median %7.1f ns  %5zu bytes each\n", name, times[0], times[rounds / 2],
	       bytes / PIPELINE);
}

static void measure_requests(const char *command, int keys, bool has_values, int rounds)
{
	struct buffer pipeline = { 0 };
	struct resp_args args = { 0 };
	double times[MOST_ROUNDS];
	for (int i = 0; i < PIPELINE; i++)
		write_request(&pipeline, command, keys, has_values);
	if (pipeline.failed)
		fail("out of memory");
	for (int round = 0; round < rounds; round++) {
		double start = now_ns();
		for (int i = 0; i < REPEATS; i++)
			parse_pipeline(&pipeline, &args);
		times[round] = (now_ns() - start) / REPEATS / PIPELINE;
	}
	char name[64];
	snprintf(name, sizeof(name), "parse %s, %d key%s", command, keys, keys == 1 ? "" : "s");
	report(name, times, rounds, pipeline.len);
	resp_args_fini(&args);
	buffer_fini(&pipeline);
}

static void write_value(struct buffer *out)
{
	char value[64];
	memset(value, 'x', sizeof(value));
	resp_write_bulk(out, value, sizeof(value));
}

static void write_ten_values(struct buffer *out)
{
	resp_write_array(out, 10);
	for (int i = 0; i < 10; i++)
		write_value(out);
}

static void write_ok(struct buffer *out)
{
	resp_write_simple(out, "OK");
}

static void write_integer(struct buffer *out)
{
	resp_write_integer(out, 123456);
}

static void measure_replies(const char *what, void (*write)(struct buffer *out), int rounds)
{
	struct buffer pipeline = { 0 };
	struct resp_reader *reader = resp_reader_create();
	double writing[MOST_ROUNDS], reading[MOST_ROUNDS];
	for (int round = 0; round < rounds; round++) {
		double start = now_ns();
		for (int i = 0; i < REPEATS; i++) {
			pipeline.len = 0;
			for (int j = 0; j < PIPELINE; j++)
				write(&pipeline);
		}
		double between = now_ns();
		for (int i = 0; i < REPEATS; i++)
			read_pipeline(&pipeline, reader);
		writing[round] = (between - start) / REPEATS / PIPELINE;
		reading[round] = (now_ns() - between) / REPEATS / PIPELINE;
	}
	char name[64];
	snprintf(name, sizeof(name), "write %s", what);
	report(name, writing, rounds, pipeline.len);
	snprintf(name, sizeof(name), "read %s", what);
	report(name, reading, rounds, pipeline.len);
	resp_reader_destroy(&reader);
	buffer_fini(&pipeline);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 11;
	if (rounds < 1 || rounds > MOST_ROUNDS)
		fail("ROUNDS is from 1 to 1001");
	measure_requests("SET", 1, true, rounds);
	measure_requests("GET", 1, false, rounds);
	measure_requests("MSET", 10, true, rounds);
	measure_replies("simple string", write_ok, rounds);
	measure_replies("integer", write_integer, rounds);
	measure_replies("bulk of 64 bytes", write_value, rounds);
	measure_replies("array of 10 such bulks", write_ten_values, rounds);
	return 0;
}

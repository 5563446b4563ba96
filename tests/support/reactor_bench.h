/*
 * A reactor without loop and store, which the test drives, with one connection at a time. Bytes sent are read at once; the requests are
 * written to a transcript in the form of request_feed(), and counted as answered.
 *
 * The calling thread acts as the reactor's. In the end no memory and no counts of the connection may be left.
 */
#ifndef TESTS_SUPPORT_REACTOR_BENCH_H
#define TESTS_SUPPORT_REACTOR_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/store/settings.h"
#include "transport/buffer.h"

struct reactor_bench;

/* Its runtime is expensive: make one per process. */
struct reactor_bench *reactor_bench_create(void);
void reactor_bench_destroy(struct reactor_bench **bench);

/* The settings for the next connection, at first Redis's defaults without a password. */
struct settings *reactor_bench_settings(struct reactor_bench *bench);

/* False: the reactor did not accept the connection. */
bool reactor_bench_open(struct reactor_bench *bench);
/* The server has neither closed the connection nor refused the rest of its input. */
bool reactor_bench_is_open(const struct reactor_bench *bench);
/* Sends the bytes, has them read in pieces of up to 64 KB, and appends the requests to the transcript. */
void reactor_bench_send(struct reactor_bench *bench, const void *data, size_t len, struct buffer *transcript);
/* Breaks the connection off. True when all of its counts are back at 0 and no blob is left. */
bool reactor_bench_close(struct reactor_bench *bench);

#endif

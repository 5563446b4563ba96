/*
 * A reactor in the test's hand, with one connection at a time: no loop runs and there is no store. What is sent is read at once, and
 * the requests that come of it are written down as request_feed() does, and counted as answered.
 *
 * The calling thread acts for the reactor. At the end nothing may be left of the connection, neither memory nor counts.
 */
#ifndef TESTS_SUPPORT_REACTOR_BENCH_H
#define TESTS_SUPPORT_REACTOR_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/store/settings.h"
#include "transport/buffer.h"

struct reactor_bench;

/* One for the life of the process will do: the runtime in it is dear. */
struct reactor_bench *reactor_bench_create(void);
void reactor_bench_destroy(struct reactor_bench **bench);

/* The settings of the next connection. Redis's defaults, without a password, until then. */
struct settings *reactor_bench_settings(struct reactor_bench *bench);

/* False: the reactor has not taken it. */
bool reactor_bench_open(struct reactor_bench *bench);
/* The server has neither closed the connection nor refused the rest of its input. */
bool reactor_bench_is_open(const struct reactor_bench *bench);
/* Reads what is sent, up to 64 KB a call, and writes down what comes of it. */
void reactor_bench_send(struct reactor_bench *bench, const void *data, size_t len, struct buffer *transcript);
/* Breaks the connection off. True when all that was counted for it is given back, and no blob is left. */
bool reactor_bench_close(struct reactor_bench *bench);

#endif

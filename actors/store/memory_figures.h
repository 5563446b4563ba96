/*
 * Where the memory goes, as INFO and MEMORY tell it.
 */
#ifndef ACTORS_STORE_MEMORY_FIGURES_H
#define ACTORS_STORE_MEMORY_FIGURES_H

#include "actors/store/figures.h"
#include "actors/store/store.h"
#include "storage/memory.h"

/* What takes system calls and locks to find out: read anew when it is needed and MEMORY_READING_MS old. */
struct memory_reading {
	int64_t ends_ms;       /* monotonic; 0: read now */
	size_t resident_bytes; /* of the whole process, as the system counts; 0 when it doesn't tell */
	struct memory_figures allocator;
};
#define MEMORY_READING_MS 100

struct memory_use {
	size_t used_bytes, peak_bytes; /* what store_used_bytes() tells */
	size_t uncounted_bytes;        /* of used_bytes, what doesn't count against maxmemory */
	size_t startup_bytes;          /* with no key */
	size_t overhead_bytes;         /* of used_bytes, what holds no key and no value: startup, tables, clients */
	size_t dataset_bytes;          /* the rest */
	double dataset_percent;        /* of what was added since the start */
	uint64_t keys;
	struct memory_reading reading;
};

void memory_use_get(struct store *store, struct memory_use *out_use);
/* Buffers and what else is held for connections. */
size_t memory_of_clients(struct store *store, const struct connection_figures *figures);
/* What the allocator has given out, also for what used_bytes leaves out, like buffers; used_bytes where it doesn't tell. */
size_t memory_allocated_bytes(const struct memory_use *use);
/* 0 when the second is 0. */
double memory_ratio(size_t a, size_t b);

#endif

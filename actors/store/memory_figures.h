/*
 * Memory usage by purpose, for INFO and MEMORY.
 */
#ifndef ACTORS_STORE_MEMORY_FIGURES_H
#define ACTORS_STORE_MEMORY_FIGURES_H

#include "actors/store/figures.h"
#include "actors/store/store.h"
#include "storage/memory.h"

/* Figures that need system calls and locks; cached for MEMORY_READING_MS. */
struct memory_reading {
	int64_t ends_ms;       /* monotonic: valid until then */
	size_t resident_bytes; /* of the whole process; 0 if unknown */
	struct memory_figures allocator;
};
#define MEMORY_READING_MS 100

struct memory_use {
	size_t used_bytes, peak_bytes; /* by store_used_bytes() */
	size_t uncounted_bytes;        /* part of used_bytes that does not count against maxmemory */
	size_t startup_bytes;          /* empty databases */
	size_t overhead_bytes;         /* part of used_bytes that holds no keys and values: startup, tables, clients */
	size_t dataset_bytes;          /* the rest of used_bytes */
	double dataset_percent;        /* dataset_bytes in percent of used_bytes without startup_bytes */
	uint64_t keys;
	struct memory_reading reading;
};

void memory_use_get(struct store *store, struct memory_use *out_use);
/* Memory for connections in store and reactors. */
size_t memory_of_clients(struct store *store, const struct connection_figures *figures);
/* Allocated memory by the allocator's figures, which include what used_bytes leaves out, such as buffers; used_bytes if unknown. */
size_t memory_allocated_bytes(const struct memory_use *use);
/* a / b; 0 when b is 0. */
double memory_ratio(size_t a, size_t b);

#endif

#include "actors/store/memory_figures.h"

#include <stdio.h>
#include <unistd.h>

static size_t resident_bytes(void)
{
	unsigned long long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static const struct memory_reading *read_memory(struct store *store)
{
	struct memory_reading *reading = store_memory_reading(store);
	if (store_monotonic_ms(store) >= reading->ends_ms) {
		reading->ends_ms = store_monotonic_ms(store) + MEMORY_READING_MS;
		reading->resident_bytes = resident_bytes();
		memory_get_figures(&reading->allocator);
	}
	return reading;
}

double memory_ratio(size_t a, size_t b)
{
	return b ? (double)a / (double)b : 0;
}

size_t memory_allocated_bytes(const struct memory_use *use)
{
	size_t allocated = use->reading.allocator.allocated;
	return allocated > use->used_bytes ? allocated : use->used_bytes;
}

void memory_use_get(struct store *store, struct memory_use *out_use)
{
	struct memory_use use = {
		.used_bytes = store_used_bytes(store),
		.peak_bytes = store_counters(store)->peak_memory_bytes,
		.startup_bytes = store_startup_bytes(store),
		.reading = *read_memory(store),
	};
	size_t counted_bytes = store_counted_bytes(store);
	use.uncounted_bytes = use.used_bytes > counted_bytes ? use.used_bytes - counted_bytes : 0;
	if (use.peak_bytes < use.used_bytes)
		use.peak_bytes = use.used_bytes;
	use.overhead_bytes = use.startup_bytes + store_client_bytes(store);
	const struct databases *databases = store_databases(store);
	for (uint32_t i = 0; i < databases->in_use_count; i++) {
		const struct keyspace *keyspace = databases_read(databases, databases->in_use[i]);
		struct keyspace_shape shape;
		keyspace_get_shape(keyspace, &shape);
		use.overhead_bytes += shape.index_bytes;
		use.keys += keyspace_count(keyspace);
	}
	if (use.overhead_bytes > use.used_bytes)
		use.overhead_bytes = use.used_bytes;
	use.dataset_bytes = use.used_bytes - use.overhead_bytes;
	if (use.used_bytes > use.startup_bytes)
		use.dataset_percent = memory_ratio(use.dataset_bytes, use.used_bytes - use.startup_bytes) * 100;
	*out_use = use;
}

size_t memory_of_clients(struct store *store, const struct connection_figures *figures)
{
	size_t bytes = 0;
	for (size_t i = 0; i < figures->count; i++) {
		const struct connection_figure *figure = &figures->items[i];
		bytes += connection_figure_memory(figure);
	}
	for (const struct session *session = store_first_session(store); session; session = session->next)
		bytes += session_own_bytes(session) + session->waiting_bytes;
	return bytes;
}

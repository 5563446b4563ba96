#include <inttypes.h>
#include <stdio.h>

#include "actors/store/figures.h"
#include "actors/store/commands/handlers.h"
#include "actors/store/memory_figures.h"
#include "storage/memory.h"

/* ---- MEMORY USAGE ---- */

/* SAMPLES limits how many elements of a large value are measured. It has no effect on strings. */
static bool parse_samples(struct call *call)
{
	for (uint32_t i = 3; i < call->argc; i += 2) {
		int64_t samples;
		if (!call_arg_is(call, i, "SAMPLES") || i + 1 == call->argc) {
			reply_syntax_error(call);
			return false;
		}
		if (!call_arg_int64(call, i + 1, &samples))
			return false;
		if (samples < 0) {
			reply_syntax_error(call);
			return false;
		}
	}
	return true;
}

void cmd_memory_usage(struct call *call)
{
	if (!parse_samples(call))
		return;
	const struct keyspace *keyspace = call_keyspace(call);
	uint64_t hash = call_hash(call, 2);
	const struct entry *entry = keyspace_find_any(keyspace, call_arg(call, 2), hash);
	if (entry)
		reply_integer(call, (int64_t)keyspace_entry_bytes(keyspace, entry, hash));
	else
		reply_null(call);
}

/* ---- MEMORY STATS ---- */

static void number(struct call *call, const char *name, uint64_t value)
{
	reply_text(call, name);
	reply_integer(call, (int64_t)value);
}

static void fraction(struct call *call, const char *name, double value)
{
	reply_text(call, name);
	reply_double(call, value);
}

static uint32_t used_databases(struct call *call)
{
	const struct databases *databases = store_databases(call->store);
	uint32_t used = 0;
	for (uint32_t i = 0; i < databases->in_use_count; i++)
		used += keyspace_count(databases_read(databases, databases->in_use[i])) > 0;
	return used;
}

static void reply_databases(struct call *call)
{
	const struct databases *databases = store_databases(call->store);
	for (uint32_t i = 0; i < databases->in_use_count; i++) {
		const struct keyspace *keyspace = databases_read(databases, databases->in_use[i]);
		struct keyspace_shape shape;
		char name[16];
		if (keyspace_count(keyspace) == 0)
			continue;
		keyspace_get_shape(keyspace, &shape);
		snprintf(name, sizeof(name), "db.%u", databases->in_use[i]);
		reply_text(call, name);
		reply_map(call, 3);
		number(call, "overhead.hashtable.main", shape.index_bytes);
		number(call, "overhead.hashtable.expires", 0); /* included in hashtable.main */
		number(call, "overhead.hashtable.slot-to-keys", 0);
	}
}

static void reply_use(struct call *call, const struct memory_use *use)
{
	number(call, "overhead.total", use->overhead_bytes);
	number(call, "keys.count", use->keys);
	number(call, "keys.bytes-per-key", use->keys ? (use->used_bytes - use->startup_bytes) / use->keys : 0);
	number(call, "dataset.bytes", use->dataset_bytes);
	fraction(call, "dataset.percentage", use->dataset_percent);
	fraction(call, "peak.percentage", use->peak_bytes ? (double)use->used_bytes * 100 / (double)use->peak_bytes : 0);
}

static void reply_allocator(struct call *call, const struct memory_use *use)
{
	const struct memory_figures *figures = &use->reading.allocator;
	number(call, "allocator.allocated", figures->allocated);
	number(call, "allocator.active", figures->active);
	number(call, "allocator.resident", figures->resident);
	fraction(call, "allocator-fragmentation.ratio", memory_ratio(figures->active, figures->allocated));
	number(call, "allocator-fragmentation.bytes", figures->active - figures->allocated);
	fraction(call, "allocator-rss.ratio", memory_ratio(figures->resident, figures->active));
	number(call, "allocator-rss.bytes", figures->resident - figures->active);
	fraction(call, "rss-overhead.ratio", memory_ratio(use->reading.resident_bytes, figures->resident));
	number(call, "rss-overhead.bytes", use->reading.resident_bytes - figures->resident);
	size_t allocated = memory_allocated_bytes(use);
	fraction(call, "fragmentation", memory_ratio(use->reading.resident_bytes, allocated));
	number(call, "fragmentation.bytes", use->reading.resident_bytes - allocated);
}

static void resume_stats(struct call *call, enum wake_reason reason, void *answer)
{
	struct memory_use use;
	if (reason == WAKE_CLOSED)
		return;
	memory_use_get(call->store, &use);
	reply_map(call, 27 + used_databases(call));
	number(call, "peak.allocated", use.peak_bytes);
	number(call, "total.allocated", use.used_bytes);
	number(call, "startup.allocated", use.startup_bytes);
	number(call, "replication.backlog", 0);
	number(call, "clients.slaves", 0);
	number(call, "clients.normal", memory_of_clients(call->store, answer));
	number(call, "cluster.links", 0);
	number(call, "aof.buffer", 0);
	number(call, "lua.caches", 0);
	number(call, "functions.caches", 0);
	reply_databases(call);
	reply_use(call, &use);
	reply_allocator(call, &use);
}

void cmd_memory_stats(struct call *call)
{
	store_ask_figures(call, resume_stats, NULL);
}

/* ---- MEMORY DOCTOR, PURGE, MALLOC-STATS ---- */

/* Below JUDGED_BYTES ratios mean nothing. All thresholds are those of Redis. */
#define JUDGED_BYTES (5u << 20)
#define PEAK_RATIO 1.5
#define FRAGMENTATION_RATIO 1.4
#define FRAGMENTATION_BYTES (10u << 20)

void cmd_memory_doctor(struct call *call)
{
	struct buffer text = { 0 };
	struct memory_use use;
	const struct config *config = store_config(call->store);
	memory_use_get(call->store, &use);
	if (config_exceeds_cgroup(config))
		buffer_printf(&text, "The control group (cgroup) of the process allows %llu bytes, but maxmemory is %llu: lower maxmemory, "
				     "or the system may kill the process.\n",
			      (unsigned long long)config->cgroup_limit, (unsigned long long)config->maxmemory);
	if (use.used_bytes < JUDGED_BYTES) {
		buffer_printf(&text, "The server uses %zu bytes: too few for a diagnosis.\n", use.used_bytes);
		reply_gathered(call, &text);
		return;
	}
	if (memory_ratio(use.peak_bytes, use.used_bytes) > PEAK_RATIO)
		buffer_printf(&text, "Peak memory was %zu bytes, but only %zu are used now: the process may still hold memory from then. "
				     "MEMORY PURGE returns unused memory to the system.\n", use.peak_bytes, use.used_bytes);
	if (memory_ratio(use.reading.allocator.active, use.reading.allocator.allocated) > FRAGMENTATION_RATIO &&
	    use.reading.allocator.active - use.reading.allocator.allocated > FRAGMENTATION_BYTES)
		buffer_printf(&text, "Memory is fragmented: allocations of %zu bytes occupy pages of %zu bytes. The usual cause is that many "
				     "values have changed their size or were removed.\n",
			      use.reading.allocator.allocated, use.reading.allocator.active);
	if (text.len == 0)
		buffer_printf(&text, "No memory problems found.\n");
	reply_gathered(call, &text);
}

void cmd_memory_purge(struct call *call)
{
	memory_purge();
	store_memory_reading(call->store)->ends_ms = 0;
	reply_ok(call);
}

static void append_report(void *context, const char *text)
{
	buffer_append(context, text, strlen(text));
}

void cmd_memory_malloc_stats(struct call *call)
{
	struct buffer text = { 0 };
	memory_report(append_report, &text);
	reply_gathered(call, &text);
}

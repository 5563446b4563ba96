/*
 * Counting and timing commands. The stopwatch is read once per command: the end of one is the beginning of the next. So the time of a
 * command includes what the turn does for it before and after, and some prefetching for others.
 *
 * A command that blocks is counted when it has replied, with the time that the store spent on it, without the time that it waited.
 */
#include <stdlib.h>

#include "actors/runtime/crash.h"
#include "actors/store/state.h"

#define NS_PER_MS 1000000u
#define NS_PER_US 1000u

void store_begin_timing(struct store *store)
{
	store->turn.timing_began_ticks = stopwatch_now(&store->turn.stopwatch);
}

/* The thread may have moved to a core whose counter is a little behind. */
static inline uint64_t end_timing_ns(struct store *store)
{
	uint64_t now = stopwatch_now(&store->turn.stopwatch);
	uint64_t ticks = now > store->turn.timing_began_ticks ? now - store->turn.timing_began_ticks : 0;
	store->turn.timing_began_ticks = now;
	return stopwatch_ns(&store->turn.stopwatch, ticks);
}

static __attribute__((noinline)) void make_histogram(struct command_count *count)
{
	count->latency = calloc(1, sizeof(*count->latency));
	if (!count->latency)
		crash_out_of_memory("a latency histogram");
}

static inline void add_latency(struct command_count *count, uint64_t ns)
{
	if (__builtin_expect(!count->latency, 0))
		make_histogram(count);
	histogram_add(count->latency, ns);
}

static __attribute__((noinline)) void log_slow_call(struct store *store, const struct call *call, uint64_t ns)
{
	const struct config *config = &store->config;
	if (config->slowlog_log_slower_than >= 0 && ns / NS_PER_US >= (uint64_t)config->slowlog_log_slower_than &&
	    !(call->command->flags & COMMAND_SKIP_SLOWLOG))
		slowlog_add(&store->stats.slowlog, call, ns / NS_PER_US, (uint64_t)config->slowlog_max_len);
	store_note_latency(store, call->command->flags & COMMAND_FAST ? LATENCY_FAST_COMMAND : LATENCY_COMMAND, ns);
}

static void count_finished(struct store *store, const struct call *call, uint64_t ns)
{
	struct command_count *count = &store->stats.tally->commands[call->command->number];
	count->calls++;
	count->failed += call->failed;
	count->ns += ns;
	if (store->config.latency_tracking)
		add_latency(count, ns);
	if (__builtin_expect(ns >= store->stats.attention_ns, 0))
		log_slow_call(store, call, ns);
}

void store_count_call(struct store *store, const struct call *call)
{
	uint64_t ns = end_timing_ns(store) + call->slept_ns;
	if (call->postponed)
		return;
	if (!call->command)
		return;
	store->stats.tally_has_news = true;
	if (call->rejected) {
		store->stats.tally->commands[call->command->number].rejected++;
		return;
	}
	store->stats.totals[RATE_COMMANDS]++;
	if (call->session->flags & SESSION_BLOCKED)
		call->session->spent_ns = ns;
	else
		count_finished(store, call, ns);
}

void store_count_resumed_call(struct store *store, const struct call *call)
{
	uint64_t ns = end_timing_ns(store) + call->session->spent_ns;
	store->stats.tally_has_news = true;
	if (call->session->flags & SESSION_BLOCKED)
		call->session->spent_ns = ns;
	else
		count_finished(store, call, ns);
}

void store_note_latency(struct store *store, enum latency_event event, uint64_t ns)
{
	int64_t threshold_ms = store->config.latency_monitor_threshold;
	if (threshold_ms > 0 && ns / NS_PER_MS >= (uint64_t)threshold_ms)
		latency_add(&store->stats.latency, event, store->turn.now_ms / 1000, store->turn.monotonic_ms / 1000, ns / NS_PER_MS);
}

static uint64_t threshold_ns(int64_t units, uint64_t ns_per_unit)
{
	uint64_t ns;
	return __builtin_mul_overflow((uint64_t)units, ns_per_unit, &ns) ? UINT64_MAX : ns;
}

void store_update_thresholds(struct store *store)
{
	const struct config *config = &store->config;
	uint64_t slow_ns = UINT64_MAX, event_ns = UINT64_MAX;
	if (config->slowlog_log_slower_than >= 0)
		slow_ns = threshold_ns(config->slowlog_log_slower_than, NS_PER_US);
	if (config->latency_monitor_threshold > 0)
		event_ns = threshold_ns(config->latency_monitor_threshold, NS_PER_MS);
	store->stats.attention_ns = slow_ns < event_ns ? slow_ns : event_ns;
	slowlog_trim(&store->stats.slowlog, (uint64_t)config->slowlog_max_len);
}

/* ---- by the second ---- */

#define RATE_MS 1000

/* Called at the start of a turn, so that the turn's commands count for the new second, not for an idle time before. */
void store_roll_rates(struct store *store)
{
	int64_t second_ms = store->turn.monotonic_ms - store->turn.monotonic_ms % RATE_MS;
	if (second_ms == store->stats.rates_since_ms)
		return;
	bool follows = second_ms == store->stats.rates_since_ms + RATE_MS;
	for (int i = 0; i < RATES; i++) {
		store->stats.second_before[i] = follows ? store->stats.totals[i] - store->stats.totals_then[i] : 0;
		store->stats.totals_then[i] = store->stats.totals[i];
	}
	store->stats.rates_since_ms = second_ms;
}

uint64_t store_total(const struct store *store, enum rate rate)
{
	return store->stats.totals[rate];
}

/* The average over the previous second and the elapsed part of the current one. */
uint64_t store_per_second(const struct store *store, enum rate rate)
{
	uint64_t elapsed_ms = RATE_MS + (uint64_t)(store->turn.monotonic_ms - store->stats.rates_since_ms);
	return (store->stats.second_before[rate] + store->stats.totals[rate] - store->stats.totals_then[rate]) * 1000 / elapsed_ms;
}

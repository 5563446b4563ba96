#include <inttypes.h>

#include "actors/observer/observer.h"
#include "actors/store/commands/handlers.h"

/* ---- samples of events ---- */

static const struct latency_series *series_of(struct call *call, uint32_t index, enum latency_event *out_event)
{
	if (!latency_event_find(call_arg(call, index), out_event))
		return NULL;
	const struct latency_series *series = &store_latency(call->store)->series[*out_event];
	return series->count ? series : NULL;
}

void cmd_latency_latest(struct call *call)
{
	const struct latency *latency = store_latency(call->store);
	size_t count = 0;
	for (int event = 0; event < LATENCY_EVENTS; event++)
		count += latency->series[event].count > 0;
	reply_array(call, count);
	for (int event = 0; event < LATENCY_EVENTS; event++) {
		const struct latency_series *series = &latency->series[event];
		if (series->count == 0)
			continue;
		const struct latency_sample *last = latency_at(series, series->count - 1);
		reply_array(call, 4);
		reply_text(call, latency_event_name((enum latency_event)event));
		reply_integer(call, last->when_s);
		reply_integer(call, last->ms);
		reply_integer(call, series->all_time_max_ms);
	}
}

void cmd_latency_history(struct call *call)
{
	enum latency_event event;
	const struct latency_series *series = series_of(call, 2, &event);
	uint32_t count = series ? series->count : 0;
	reply_array(call, count);
	for (uint32_t i = 0; i < count; i++) {
		reply_array(call, 2);
		reply_integer(call, latency_at(series, i)->when_s);
		reply_integer(call, latency_at(series, i)->ms);
	}
}

static int64_t reset_series(struct latency_series *series)
{
	int64_t had_samples = series->count > 0;
	latency_clear(series);
	return had_samples;
}

void cmd_latency_reset(struct call *call)
{
	struct latency *latency = store_latency(call->store);
	int64_t resets = 0;
	enum latency_event event;
	for (int i = 0; i < LATENCY_EVENTS && call->argc == 2; i++)
		resets += reset_series(&latency->series[i]);
	for (uint32_t i = 2; i < call->argc; i++)
		if (latency_event_find(call_arg(call, i), &event))
			resets += reset_series(&latency->series[event]);
	reply_integer(call, resets);
}

/* ---- LATENCY GRAPH ---- */

#define GRAPH_COLUMNS 80
#define GRAPH_ROWS 6

struct extremes {
	uint32_t low_ms, high_ms;
	uint64_t sum_ms;
};

static struct extremes find_extremes(const struct latency_series *series, uint32_t first)
{
	struct extremes found = { .low_ms = UINT32_MAX };
	for (uint32_t i = first; i < series->count; i++) {
		uint32_t ms = latency_at(series, i)->ms;
		if (ms < found.low_ms)
			found.low_ms = ms;
		if (ms > found.high_ms)
			found.high_ms = ms;
		found.sum_ms += ms;
	}
	return found;
}

/* The height of a sample's bar, 1 to GRAPH_ROWS. */
static uint32_t bar_height(uint32_t ms, const struct extremes *extremes)
{
	uint64_t span = extremes->high_ms - extremes->low_ms;
	return span ? 1 + (uint32_t)((uint64_t)(ms - extremes->low_ms) * (GRAPH_ROWS - 1) / span) : GRAPH_ROWS;
}

/* Draws a column per sample, the newest on the right. */
static void draw_bars(const struct latency_series *series, uint32_t first, const struct extremes *extremes, struct buffer *out)
{
	for (uint32_t row = GRAPH_ROWS; row > 0; row--) {
		for (uint32_t i = first; i < series->count; i++)
			buffer_append(out, bar_height(latency_at(series, i)->ms, extremes) >= row ? "#" : " ", 1);
		buffer_append(out, "\n", 1);
	}
}

void cmd_latency_graph(struct call *call)
{
	enum latency_event event;
	struct buffer text = { 0 };
	const struct latency_series *series = series_of(call, 2, &event);
	if (!series) {
		struct slice name = call_arg(call, 2);
		reply_errorf(call, "ERR No samples available for event '%.*s'", (int)strnlen((const char *)name.data, name.len),
			     name.data);
		return;
	}
	uint32_t first = series->count > GRAPH_COLUMNS ? series->count - GRAPH_COLUMNS : 0;
	struct extremes extremes = find_extremes(series, first);
	int64_t now_s = store_monotonic_ms(call->store) / 1000;
	buffer_printf(&text, "%s - high %u ms, low %u ms (all time high %u ms)\n", latency_event_name(event), extremes.high_ms,
		      extremes.low_ms, series->all_time_max_ms);
	draw_bars(series, first, &extremes, &text);
	buffer_printf(&text, "%u samples, the first %" PRId64 " s ago, the last %" PRId64 " s ago\n", series->count - first,
		      now_s - latency_at(series, first)->at_s, now_s - latency_at(series, series->count - 1)->at_s);
	reply_gathered(call, &text);
}

/* ---- LATENCY DOCTOR ---- */

static void describe_event(const struct latency_series *series, enum latency_event event, struct buffer *out)
{
	static const char *const advice[LATENCY_EVENTS] = {
		[LATENCY_COMMAND] = "SLOWLOG GET lists the commands. Usual causes are commands that read many keys (KEYS, "
				    "LCS, DEBUG).",
		[LATENCY_FAST_COMMAND] = "These commands are always quick: check whether the machine lacks CPU time or "
					 "swaps.",
		[LATENCY_EVICTION_CYCLE] = "Keys are written faster than they can be evicted: raise maxmemory.",
		[LATENCY_EXPIRE_CYCLE] = "Very many keys expire at the same moment: spread their expiry times.",
	};
	struct extremes extremes = find_extremes(series, 0);
	buffer_printf(out, "%s: %u times, %" PRIu64 " ms on average, %u ms at most (%u ms ever). %s\n",
		      latency_event_name(event), series->count, extremes.sum_ms / series->count, extremes.high_ms,
		      series->all_time_max_ms, advice[event]);
}

void cmd_latency_doctor(struct call *call)
{
	const struct latency *latency = store_latency(call->store);
	struct buffer text = { 0 };
	int64_t threshold_ms = store_config(call->store)->latency_monitor_threshold;
	for (int event = 0; event < LATENCY_EVENTS; event++)
		if (latency->series[event].count)
			describe_event(&latency->series[event], (enum latency_event)event, &text);
	if (text.len == 0 && threshold_ms == 0)
		buffer_printf(&text, "The latency monitor is off. Turn it on with CONFIG SET latency-monitor-threshold <milliseconds>.\n");
	else if (text.len == 0)
		buffer_printf(&text, "No event has taken %" PRId64 " ms or more since the samples were last reset.\n", threshold_ms);
	reply_gathered(call, &text);
}

/* ---- LATENCY HISTOGRAM ---- */

/* The bounds double, from 2^10 ns to above the largest value of the histogram. The reply gives them in microseconds of 1000 ns. */
#define FIRST_BOUND_LOG 10

static const struct histogram *histogram_of(const struct observations *seen, const struct command *command)
{
	return seen->commands[command->number].latency;
}

static uint64_t bound_us(uint32_t bound_log)
{
	return histogram_bucket_top_ns(histogram_bucket((uint64_t)1 << bound_log)) / 1000;
}

/* Replies only with bounds whose cumulative count is larger than at the bound before. */
static uint32_t reply_bounds(struct call *call, const struct histogram *histogram, bool writes)
{
	uint64_t total = histogram_count(histogram), before = 0;
	uint32_t told = 0;
	for (uint32_t log = FIRST_BOUND_LOG; log <= HISTOGRAM_TOP_LOG && before < total; log++) {
		uint64_t below = log == HISTOGRAM_TOP_LOG ? total : histogram_count_below(histogram, (uint64_t)1 << log);
		if (below == before)
			continue;
		before = below;
		told++;
		if (!writes)
			continue;
		reply_integer(call, (int64_t)bound_us(log));
		reply_integer(call, (int64_t)below);
	}
	return told;
}

static uint32_t reply_histogram(struct call *call, const struct observations *seen, const struct command *command, bool writes)
{
	const struct histogram *histogram = histogram_of(seen, command);
	char name[64];
	if (!histogram)
		return 0;
	if (!writes)
		return 1;
	command_full_name(command, name, sizeof(name));
	reply_text(call, name);
	reply_map(call, 2);
	reply_text(call, "calls");
	reply_integer(call, (int64_t)histogram_count(histogram));
	reply_text(call, "histogram_usec");
	reply_map(call, reply_bounds(call, histogram, false));
	reply_bounds(call, histogram, true);
	return 1;
}

/* For a container, replies with all its subcommands. */
static uint32_t reply_named(struct call *call, const struct observations *seen, struct slice name, bool writes)
{
	const struct command *command = command_find_full(name);
	if (!command)
		return 0;
	uint32_t told = reply_histogram(call, seen, command, writes);
	for (uint32_t i = 0; i < command->subcommand_count; i++)
		told += reply_histogram(call, seen, &command->subcommands[i], writes);
	return told;
}

/* Called twice: to count the entries, then to write them. */
static uint32_t reply_histograms(struct call *call, const struct observations *seen, bool writes)
{
	uint32_t told = 0;
	for (uint32_t i = 0; i < command_count() && call->argc == 2; i++)
		told += reply_histogram(call, seen, command_at(i), writes);
	for (uint32_t i = 2; i < call->argc && !reply_is_cut(call); i++)
		told += reply_named(call, seen, call_arg(call, i), writes);
	return told;
}

static void resume_histogram(struct call *call, enum wake_reason reason, void *answer)
{
	if (reason == WAKE_CLOSED)
		return;
	reply_map(call, reply_histograms(call, answer, false));
	reply_histograms(call, answer, true);
}

void cmd_latency_histogram(struct call *call)
{
	store_ask_observations(call, resume_histogram, NULL);
}

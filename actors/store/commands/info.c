/*
 * INFO: which sections are wanted, and the numbers that they need from other actors: the AOF, the reactors (bytes through the sockets) and
 * the observer (calls per command). INFO asks for them one after the other, then writes all sections at once.
 */
#include "actors/store/commands/info_sections.h"

#include <stdlib.h>

#include "actors/store/commands/handlers.h"
#include "actors/store/memory_figures.h"

/* ---- which sections ---- */

enum section_flags {
	SECTION_DEFAULT = 1 << 0, /* part of INFO and INFO default */
	SECTION_ALL = 1 << 1,     /* part of INFO all and INFO everything */
	SECTION_FIGURES = 1 << 2, /* needs the reactors' figures */
	SECTION_OBSERVED = 1 << 3,/* needs the observer's counts */
	SECTION_AOF = 1 << 4,     /* needs the figures of the append-only file */
};

static const struct section {
	const char *name, *title;
	uint32_t flags;
	void (*write)(struct info *info);
} sections[] = {
	{ "server", "Server", SECTION_DEFAULT | SECTION_ALL, info_write_server },
	{ "clients", "Clients", SECTION_DEFAULT | SECTION_ALL | SECTION_FIGURES, info_write_clients },
	{ "memory", "Memory", SECTION_DEFAULT | SECTION_ALL | SECTION_FIGURES | SECTION_AOF, info_write_memory },
	{ "persistence", "Persistence", SECTION_DEFAULT | SECTION_ALL | SECTION_AOF, info_write_persistence },
	{ "stats", "Stats", SECTION_DEFAULT | SECTION_ALL | SECTION_FIGURES, info_write_stats },
	{ "replication", "Replication", SECTION_DEFAULT | SECTION_ALL, info_write_replication },
	{ "cpu", "CPU", SECTION_DEFAULT | SECTION_ALL, info_write_cpu },
	{ "modules", "Modules", SECTION_DEFAULT | SECTION_ALL, info_write_modules },
	{ "commandstats", "Commandstats", SECTION_ALL | SECTION_OBSERVED, info_write_commandstats },
	{ "errorstats", "Errorstats", SECTION_DEFAULT | SECTION_ALL, info_write_errorstats },
	{ "latencystats", "Latencystats", SECTION_ALL | SECTION_OBSERVED, info_write_latencystats },
	{ "events", "Events", SECTION_ALL | SECTION_OBSERVED, info_write_events },
	{ "actors", "Actors", SECTION_ALL, info_write_actors },
	{ "cluster", "Cluster", SECTION_DEFAULT | SECTION_ALL, info_write_cluster },
	{ "keyspace", "Keyspace", SECTION_DEFAULT | SECTION_ALL, info_write_keyspace },
};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

/* A bit for each section named by the arguments. Unknown names are ignored. */
static uint32_t wanted_sections(const struct call *call)
{
	uint32_t wanted = 0;
	for (uint32_t i = 1; i < call->argc || i == 1; i++) {
		bool is_default = call->argc == 1 || call_arg_is(call, i, "default");
		bool is_all = !is_default && (call_arg_is(call, i, "all") || call_arg_is(call, i, "everything"));
		for (uint32_t n = 0; n < SECTIONS; n++)
			if ((is_default && (sections[n].flags & SECTION_DEFAULT)) ||
			    (is_all && (sections[n].flags & SECTION_ALL)) ||
			    (!is_default && !is_all && call_arg_is(call, i, sections[n].name)))
				wanted |= 1u << n;
	}
	return wanted;
}

static bool any_needs(uint32_t wanted, enum section_flags flag)
{
	for (uint32_t n = 0; n < SECTIONS; n++)
		if ((wanted & 1u << n) && (sections[n].flags & flag))
			return true;
	return false;
}

static void write_sections(struct info *info)
{
	uint32_t wanted = wanted_sections(info->call);
	const char *gap = "";
	for (uint32_t n = 0; n < SECTIONS; n++) {
		if (!(wanted & 1u << n))
			continue;
		buffer_printf(&info->text, "%s# %s\r\n", gap, sections[n].title);
		sections[n].write(info);
		gap = "\r\n";
	}
}

/* ---- asking ---- */

/* The reactors' answers, kept while the observer is asked. */
struct info_totals {
	struct connection_figures sums;
	uint64_t longest_input, longest_output, client_bytes;
};

static struct info_totals sum_figures(struct store *store, const struct connection_figures *figures)
{
	struct info_totals totals = { .sums = *figures, .client_bytes = memory_of_clients(store, figures) };
	totals.sums.items = NULL;
	for (size_t i = 0; i < figures->count; i++) {
		const struct connection_figure *figure = &figures->items[i];
		if (figure->input_bytes > totals.longest_input)
			totals.longest_input = figure->input_bytes;
		if (figure->output_bytes > totals.longest_output)
			totals.longest_output = figure->output_bytes;
	}
	return totals;
}

static void reply_info(struct call *call, const struct info_totals *totals, const struct observations *observations)
{
	struct info info = {
		.call = call,
		.store = call->store,
		.config = store_config(call->store),
		.totals = totals->sums,
		.longest_input = totals->longest_input,
		.longest_output = totals->longest_output,
		.client_bytes = totals->client_bytes,
		.observations = observations,
	};
	write_sections(&info);
	reply_gathered(call, &info.text);
}

static void resume_with_observations(struct call *call, enum wake_reason reason, void *answer)
{
	struct info_totals *totals = call->session->state;
	if (reason != WAKE_CLOSED)
		reply_info(call, totals, answer);
	free(totals);
}

/* Passes copies of the totals to the resume function. */
static void ask_observer(struct call *call, const struct info_totals *totals)
{
	struct info_totals *kept = malloc(sizeof(*kept));
	if (!kept) {
		reply_no_memory(call);
		return;
	}
	*kept = *totals;
	store_ask_observations(call, resume_with_observations, kept);
}

static void finish_info(struct call *call, const struct info_totals *totals)
{
	if (any_needs(wanted_sections(call), SECTION_OBSERVED))
		ask_observer(call, totals);
	else
		reply_info(call, totals, NULL);
}

static void resume_with_figures(struct call *call, enum wake_reason reason, void *answer)
{
	if (reason == WAKE_CLOSED)
		return;
	struct info_totals totals = sum_figures(call->store, answer);
	finish_info(call, &totals);
}

static void begin_info(struct call *call)
{
	static const struct info_totals nothing;
	if (any_needs(wanted_sections(call), SECTION_FIGURES))
		store_ask_figures(call, resume_with_figures, NULL);
	else
		finish_info(call, &nothing);
}

static void resume_with_aof(struct call *call, enum wake_reason reason, void *answer)
{
	if (reason != WAKE_CLOSED)
		begin_info(call);
}

void cmd_info(struct call *call)
{
	if (!any_needs(wanted_sections(call), SECTION_AOF) || !store_ask_aof(call, resume_with_aof))
		begin_info(call);
}

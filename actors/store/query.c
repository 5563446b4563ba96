/*
 * Questions to other actors. The asking session is blocked until the answer arrives. All sessions that ask in one turn share an answer. A
 * session that asks while a question is pending waits for the next one, so that its answer includes everything that happened before.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "actors/store/figures.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"
#include "transport/array.h"

void store_ask_figures(struct call *call, session_resume *resume, void *state)
{
	session_block(call, BLOCKED_TO_ASK_FIGURES, INT64_MAX, resume, state);
}

static void ask_reactors(struct store *store)
{
	store->query.figures_missing = store->reactor_count;
	for (uint32_t i = 0; i < store->reactor_count; i++)
		actor_post(store->actor, store->reactors[i].actor, REACTOR_DESCRIBE, 0, NULL);
}

/* Adds one reactor's figures to the ones received before; takes `more`. */
static void gather(struct store *store, struct connection_figures *more)
{
	struct connection_figures *all = store->query.figures;
	if (!all) {
		store->query.figures = more;
		return;
	}
	size_t capacity = all->count;
	if (!array_reserve(&all->items, &capacity, all->count + more->count, sizeof(*all->items), 1))
		crash_out_of_memory("the figures of connections");
	memcpy(all->items + all->count, more->items, more->count * sizeof(*all->items));
	all->count += more->count;
	all->batch_bytes += more->batch_bytes;
	all->reads += more->reads;
	all->writes += more->writes;
	all->input_bytes += more->input_bytes;
	all->output_bytes += more->output_bytes;
	connection_figures_destroy(&more);
}

static int compare_figures(const void *a, const void *b)
{
	uint64_t left = ((const struct connection_figure *)a)->id, right = ((const struct connection_figure *)b)->id;
	return left < right ? -1 : left > right;
}

static void destroy_figures(void *answer)
{
	struct connection_figures *figures = answer;
	connection_figures_destroy(&figures);
}

void store_on_figures(struct store *store, struct connection_figures *figures)
{
	gather(store, figures);
	if (--store->query.figures_missing > 0)
		return;
	struct connection_figures *all = store->query.figures;
	store->query.figures = NULL;
	qsort(all->items, all->count, sizeof(*all->items), compare_figures);
	blocked_answer(store, BLOCKED_FIGURES, all, destroy_figures);
}

void store_ask_observations(struct call *call, session_resume *resume, void *state)
{
	session_block(call, BLOCKED_TO_ASK_OBSERVATIONS, INT64_MAX, resume, state);
}

static bool may_ask_observer(const struct store *store)
{
	return !store->query.observations_are_asked && bus_has_credit(store->bus.bus, BUS_TALLY);
}

/* The current counts are sent first, on the same channel, so that the answer includes them. Without credit for them the question waits. */
static void ask_observer(struct store *store)
{
	store->query.observations_are_asked = true;
	store_give_tally(store);
	store_publish(store);
	actor_post(store->actor, store->bus.links[store->bus.observer].actor, OBSERVER_DESCRIBE, 0, NULL);
}

void store_post_questions(struct store *store)
{
	if (!store->query.figures_missing && blocked_move(store, BLOCKED_TO_ASK_FIGURES, BLOCKED_FIGURES))
		ask_reactors(store);
	if (may_ask_observer(store) && blocked_move(store, BLOCKED_TO_ASK_OBSERVATIONS, BLOCKED_OBSERVATIONS))
		ask_observer(store);
}

static void destroy_observations(void *answer)
{
	struct observations *observations = answer;
	observations_destroy(&observations);
}

void store_on_observations(struct store *store, struct observations *observations)
{
	store->query.observations_are_asked = false;
	blocked_answer(store, BLOCKED_OBSERVATIONS, observations, destroy_observations);
}

static void describe_bus(const struct store *store, struct buffer *out)
{
	buffer_printf(out, "bus_sequence:%llu\r\n", (unsigned long long)bus_sequence(store->bus.bus));
	for (uint32_t i = 0; i < store->bus.link_count; i++)
		buffer_printf(out, "bus_%s:credit=%lld\r\n", store->bus.links[i].actor->name,
			      (long long)bus_credit_bytes(store->bus.bus, store->bus.links[i].number));
}

void store_describe_actors(struct store *store, struct buffer *out)
{
	for (uint32_t kind = 0; kind < ACTOR_KINDS; kind++)
		for (uint32_t i = 0; i < runtime_count(store->runtime, (enum actor_kind)kind); i++)
			actor_describe(runtime_actor(store->runtime, (enum actor_kind)kind, i), out);
	buffer_printf(out, "batches:count=%llu,requests=%llu,requests_per_batch=%.2f,max_requests=%llu\r\n",
		      (unsigned long long)store->stats.batches, (unsigned long long)store->stats.batch_requests,
		      store->stats.batches ? (double)store->stats.batch_requests / (double)store->stats.batches : 0.0,
		      (unsigned long long)store->stats.batch_requests_max);
	describe_bus(store, out);
}

/*
 * What the command bus is told of a turn: frames when somebody takes them, commands when somebody watches, counts now and then.
 * What nobody wants is not made; the sequence counts every frame all the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/store/state.h"

static struct turn_message *publication(struct store *store)
{
	if (!store->publication)
		store->publication = turn_message_create();
	if (!store->publication)
		crash_broken_invariant("no memory for the command bus");
	return store->publication;
}

/* ---- frames ---- */

void store_frame_begin(struct store *store)
{
	store->frame_effects = 0;
}

void store_frame_end(struct store *store)
{
	if (store->frame_effects == 0)
		return;
	uint64_t sequence = bus_next_sequence(store->bus);
	if (!(store->wanted & BUS_FRAMES))
		return;
	struct bus_message *head = &store->publication->head;
	frame_end(&store->publication->frames);
	if (!(head->holds & BUS_FRAMES))
		head->first_sequence = store->publication->frames.first_sequence = sequence;
	head->last_sequence = sequence;
	head->holds |= BUS_FRAMES;
}

/* The writer with a frame open. Nothing is made for a command before its first effect. */
static struct frame_writer *open_frame(struct store *store)
{
	struct frame_writer *writer = &publication(store)->frames;
	if (store->frame_effects == 0) {
		writer->time_ms = store->now_ms;
		frame_begin(writer, NULL);
	}
	return writer;
}

void store_effect(struct store *store, uint32_t database, const struct effect *effect)
{
	actor_assert_turn(store->actor);
	if (store->wanted & BUS_FRAMES) {
		struct effect record = *effect;
		record.database = database;
		frame_append(open_frame(store), &record);
	}
	store->tally->events[effect->type]++;
	store->frame_effects++;
}

bool call_effects_are_taken(const struct call *call)
{
	return call->store->wanted & BUS_FRAMES;
}

void call_count_effect(struct call *call, enum effect_type type)
{
	call->store->tally->events[type]++;
	call->store->frame_effects++;
}

void call_effect_in(struct call *call, uint32_t database, const struct effect *effect)
{
	store_effect(call->store, database, effect);
}

void call_effect(struct call *call, const struct effect *effect)
{
	store_effect(call->store, call->session->database, effect);
}

/* ---- commands, for MONITOR: once they have been executed, in the database where that has left the session ---- */

/* "127.0.0.1:60866"; "unix:/path", which in CLIENT LIST is "/path:0". */
static struct slice shown_address(const struct session *session, char *room, size_t size)
{
	size_t len = strlen(session->address);
	if (!(session->flags & SESSION_UNIX_SOCKET))
		return slice_of(session->address, len);
	snprintf(room, size, "unix:%.*s", (int)len - 2, session->address);
	return slice_of(room, strlen(room));
}

/* Watching holds up no command: what the observer has no credit for it is not told, but for how many there were. */
static bool observer_takes_more(const struct store *store)
{
	size_t bytes = store->publication ? store->publication->commands.len : 0;
	return bus_credit_bytes(store->bus, store->observer) > (int64_t)bytes;
}

static void tell_missed(struct store *store)
{
	struct turn_message *message = publication(store);
	if (store->commands_missed == 0 || message->commands.len > 0)
		return;
	message->commands_missed += store->commands_missed;
	message->head.holds |= BUS_COMMANDS;
	store->commands_missed = 0;
}

static void tell_command(struct store *store, const struct session *session, const struct call *call)
{
	char unix_path[128]; /* longer than the path of a socket may be */
	struct turn_message *message = publication(store);
	size_t before = message->commands.len;
	struct command_record record = {
		.time_us = wall_clock_us(),
		.database = session->database,
		.argc = call->argc,
		.address = shown_address(session, unix_path, sizeof(unix_path)),
	};
	command_record_append(&message->commands, &record, call->argv, call->secrets);
	if (!message->commands.failed) {
		message->head.holds |= BUS_COMMANDS;
		return;
	}
	message->commands.len = before; /* a record is whole or not there */
	message->commands.failed = false;
	store->commands_missed++;
}

void store_feed_command(struct store *store, const struct session *session, const struct call *call)
{
	if (call->command->flags & (COMMAND_SKIP_MONITOR | COMMAND_ADMIN))
		return;
	if (!observer_takes_more(store)) {
		store->commands_missed++;
		return;
	}
	tell_missed(store);
	tell_command(store, session, call);
}

void store_update_interest(struct store *store)
{
	bus_set_interest(store->bus, store->observer, BUS_TALLY | (store->first_monitor ? BUS_COMMANDS : 0));
	store->wanted = 0;
	if (!store->first_monitor)
		store->commands_missed = 0;
	for (uint32_t interest = BUS_FRAMES; interest <= BUS_TALLY; interest <<= 1)
		if (bus_is_wanted(store->bus, (enum bus_interest)interest))
			store->wanted |= interest;
}

/* ---- counts ---- */

static struct tally *create_tally(void)
{
	struct tally *tally = tally_create(command_count());
	if (!tally)
		crash_broken_invariant("no memory for counts");
	return tally;
}

void store_give_tally(struct store *store)
{
	if (store->tally) {
		struct turn_message *message = publication(store);
		if (message->tally) /* once a turn is enough: what comes now goes with the next */
			return;
		message->tally = store->tally;
		message->head.holds |= BUS_TALLY;
	}
	store->tally = create_tally();
}

void store_reset_counters(struct store *store)
{
	struct store_counters *counters = &store->counters;
	actor_reset_counts(store->actor);
	*counters = (struct store_counters){
		.peak_memory_bytes = counters->peak_memory_bytes,
		.commands_before = store->totals[RATE_COMMANDS],
		.reads_before = counters->reads_before,
		.writes_before = counters->writes_before,
		.input_bytes_before = counters->input_bytes_before,
		.output_bytes_before = counters->output_bytes_before,
	};
	store->error_kinds = 0;
	store->tally_has_news = true;
	tally_destroy(&store->tally);
	store->tally = create_tally();
	store->tally->starts_anew = true;
}

/* ---- the turn's message ---- */

void store_publish(struct store *store)
{
	if (store->commands_missed && observer_takes_more(store))
		tell_missed(store);
	struct turn_message *message = store->publication;
	if (!message)
		return;
	store->publication = NULL;
	size_t bytes = message->frames.bytes.len + message->commands.len;
	for (size_t i = 0; i < message->frames.blob_count; i++)
		bytes += message->frames.blobs[i]->len;
	message->head.bytes = bytes > BUS_MESSAGE_MIN_BYTES ? bytes : BUS_MESSAGE_MIN_BYTES;
	if (message->head.holds)
		bus_publish(store->bus, &message->head);
	else
		bus_message_release(&message->head);
}

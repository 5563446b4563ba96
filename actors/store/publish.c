/*
 * Publishing on the command bus: the frames of a turn, the commands for MONITOR, and counts. What no subscriber wants is not built, but the
 * sequence number counts every frame.
 */
#include <stdio.h>
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/store/state.h"

static struct turn_message *publication(struct store *store)
{
	if (!store->bus.publication)
		store->bus.publication = turn_message_create();
	if (!store->bus.publication)
		crash_out_of_memory("the command bus");
	return store->bus.publication;
}

/* ---- frames ---- */

void store_frame_begin(struct store *store)
{
	store->bus.frame_effects = 0;
}

void store_frame_end(struct store *store)
{
	if (store->bus.frame_effects == 0)
		return;
	uint64_t sequence = bus_next_sequence(store->bus.bus);
	if (!(store->bus.wanted & BUS_FRAMES))
		return;
	struct bus_message *head = &store->bus.publication->head;
	frame_end(&store->bus.publication->frames);
	if (!(head->holds & BUS_FRAMES))
		head->first_sequence = store->bus.publication->frames.first_sequence = sequence;
	head->last_sequence = sequence;
	head->holds |= BUS_FRAMES;
}

/* The writer, with an open frame. A frame begins with the first effect of a command. */
static struct frame_writer *open_frame(struct store *store)
{
	struct frame_writer *writer = &publication(store)->frames;
	if (store->bus.frame_effects == 0) {
		writer->time_ms = store->turn.now_ms;
		frame_begin(writer, NULL);
	}
	return writer;
}

/* A key that has expired or was evicted doesn't ask for a snapshot, as in Redis. */
static bool is_change(enum effect_type type)
{
	return type != EFFECT_EXPIRED && type != EFFECT_EVICTED && type != EFFECT_SNAPSHOT;
}

void store_count_effect(struct store *store, enum effect_type type)
{
	store->stats.tally->events[type]++;
	store->bus.frame_effects++;
	store->saving.changes += is_change(type);
}

void store_effect(struct store *store, uint32_t database, const struct effect *effect)
{
	actor_assert_turn(store->actor);
	if (store->bus.wanted & BUS_FRAMES) {
		struct effect record = *effect;
		record.database = database;
		frame_append(open_frame(store), &record);
	}
	store_count_effect(store, effect->type);
}

/* ---- commands for MONITOR: after their execution, with the session's database at that time ---- */

/* "127.0.0.1:60866", or "unix:/path" where CLIENT LIST shows "/path:0". */
static struct slice shown_address(const struct session *session, char *out, size_t size)
{
	size_t len = strlen(session->address);
	if (!(session->flags & SESSION_UNIX_SOCKET))
		return slice_of(session->address, len);
	snprintf(out, size, "unix:%.*s", (int)len - 2, session->address);
	return slice_of(out, strlen(out));
}

/* MONITOR delays no command: without credit for commands those who want them are only told how many they missed. */
static bool commands_have_credit(const struct store *store)
{
	size_t bytes = store->bus.publication ? store->bus.publication->commands.len : 0;
	return bus_least_credit_bytes(store->bus.bus, BUS_COMMANDS) > (int64_t)bytes;
}

static void publish_missed(struct store *store)
{
	struct turn_message *message = publication(store);
	if (store->bus.commands_missed == 0 || message->commands.len > 0)
		return;
	message->commands_missed += store->bus.commands_missed;
	message->head.holds |= BUS_COMMANDS;
	store->bus.commands_missed = 0;
}

static void append_command(struct store *store, const struct session *session, const struct call *call)
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
	message->commands.len = before; /* remove the incomplete record */
	message->commands.failed = false;
	store->bus.commands_missed++;
}

void store_publish_command(struct store *store, const struct session *session, const struct call *call)
{
	if (call->command->flags & (COMMAND_SKIP_MONITOR | COMMAND_ADMIN))
		return;
	if (!commands_have_credit(store)) {
		store->bus.commands_missed++;
		return;
	}
	publish_missed(store);
	append_command(store, session, call);
}

void store_update_interest(struct store *store)
{
	bus_set_interest(store->bus.bus, store->bus.observer, BUS_TALLY | (store->sessions.first_monitor ? BUS_COMMANDS : 0));
	store->bus.wanted = 0;
	if (!store->sessions.first_monitor)
		store->bus.commands_missed = 0;
	for (uint32_t interest = BUS_FRAMES; interest <= BUS_TALLY; interest <<= 1)
		if (bus_is_wanted(store->bus.bus, (enum bus_interest)interest))
			store->bus.wanted |= interest;
}

/* ---- counts ---- */

static struct tally *create_tally(void)
{
	struct tally *tally = tally_create(command_count());
	if (!tally)
		crash_out_of_memory("the command counters");
	return tally;
}

void store_give_tally(struct store *store)
{
	if (store->stats.tally) {
		struct turn_message *message = publication(store);
		if (message->tally) /* once a turn; later counts go into the next message */
			return;
		message->tally = store->stats.tally;
		message->head.holds |= BUS_TALLY;
	}
	store->stats.tally = create_tally();
}

void store_reset_counters(struct store *store)
{
	struct store_counters *counters = &store->stats.counters;
	actor_reset_counts(store->actor);
	*counters = (struct store_counters){
		.peak_memory_bytes = counters->peak_memory_bytes,
		.commands_before = store->stats.totals[RATE_COMMANDS],
		.reads_before = counters->reads_before,
		.writes_before = counters->writes_before,
		.input_bytes_before = counters->input_bytes_before,
		.output_bytes_before = counters->output_bytes_before,
	};
	store->stats.error_kinds = 0;
	store->stats.tally_has_news = true;
	tally_destroy(&store->stats.tally);
	store->stats.tally = create_tally();
	store->stats.tally->starts_anew = true;
}

/* ---- the turn's message ---- */

void store_publish(struct store *store)
{
	if (store->bus.commands_missed && commands_have_credit(store))
		publish_missed(store);
	struct turn_message *message = store->bus.publication;
	if (!message)
		return;
	store->bus.publication = NULL;
	size_t bytes = message->frames.bytes.len + message->commands.len;
	for (size_t i = 0; i < message->frames.blob_count; i++)
		bytes += message->frames.blobs[i]->len;
	message->head.bytes = bytes > BUS_MESSAGE_MIN_BYTES ? bytes : BUS_MESSAGE_MIN_BYTES;
	if (message->head.holds)
		bus_publish(store->bus.bus, &message->head);
	else
		bus_message_release(&message->head);
}

#include "observer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/bus/subscriber.h"
#include "actors/bus/turn_message.h"

/* Memory for escapes, four bytes each, is reserved for this many bytes at a time. */
#define ESCAPED_AT_ONCE 4096u

struct observer {
	struct subscriber subscriber;
	struct observations *seen;
};

static struct observations *observations_create(uint32_t command_count)
{
	struct observations *made = calloc(1, sizeof(*made) + command_count * sizeof(made->commands[0]));
	if (!made)
		crash_out_of_memory("the observer's counts");
	made->command_count = command_count;
	return made;
}

static void forget(struct observations *seen)
{
	memset(seen->events, 0, sizeof(seen->events));
	for (uint32_t i = 0; i < seen->command_count; i++) {
		free(seen->commands[i].latency);
		seen->commands[i] = (struct command_count){ 0 };
	}
}

void observations_destroy(struct observations **observations)
{
	if (*observations)
		forget(*observations);
	free(*observations);
	*observations = NULL;
}

static void take_tally(struct observations *seen, const struct tally *tally)
{
	if (tally->starts_anew)
		forget(seen);
	for (uint32_t i = 0; i < EFFECT_TYPES; i++)
		seen->events[i] += tally->events[i];
	for (uint32_t i = 0; i < tally->command_count; i++)
		command_count_merge(&seen->commands[i], &tally->commands[i]);
}

/* Writes one byte, escaped if it isn't printable: up to four bytes. Returns how many. */
static size_t escape(uint8_t byte, uint8_t out[4])
{
	static const char hex[] = "0123456789abcdef";
	static const uint8_t letters[256] = { ['\\'] = '\\', ['"'] = '"', ['\n'] = 'n', ['\r'] = 'r',
					      ['\t'] = 't',  ['\a'] = 'a', ['\b'] = 'b' };
	bool is_plain = byte >= 0x20 && byte < 0x7f && !letters[byte];
	out[0] = is_plain ? byte : '\\';
	out[1] = letters[byte] ? letters[byte] : 'x';
	out[2] = (uint8_t)hex[byte >> 4];
	out[3] = (uint8_t)hex[byte & 15];
	return is_plain ? 1 : letters[byte] ? 2 : 4;
}

/* Appends an argument in double quotes. */
static void append_quoted(struct buffer *out, struct slice text)
{
	buffer_append(out, "\"", 1);
	for (size_t at = 0, end; at < text.len; at = end) {
		end = text.len - at > ESCAPED_AT_ONCE ? at + ESCAPED_AT_ONCE : text.len;
		if (!buffer_reserve(out, 4 * (end - at)))
			return;
		for (size_t i = at; i < end; i++)
			out->len += escape(text.data[i], out->data + out->len);
	}
	buffer_append(out, "\"", 1);
}

/* +1339518083.107412 [0 127.0.0.1:60866] "keys" "*" */
static void append_line(struct buffer *out, const struct command_record *record, struct slice *at)
{
	buffer_printf(out, "+%lld.%06lld [%u %.*s]", (long long)(record->time_us / 1000000),
		      (long long)(record->time_us % 1000000), record->database, (int)record->address.len,
		      (const char *)record->address.data);
	for (uint32_t i = 0; i < record->argc; i++) {
		buffer_append(out, " ", 1);
		append_quoted(out, command_record_next_arg(at));
	}
	buffer_append(out, "\r\n", 2);
}

/* Has the form of a command, so that clients can parse it. */
static void append_missed(struct buffer *out, uint64_t count)
{
	int64_t now_us = wall_clock_us();
	buffer_printf(out, "+%lld.%06lld [0 monitor:0] \"#\" \"%llu commands are not shown: MONITOR could not keep up\"\r\n",
		      (long long)(now_us / 1000000), (long long)(now_us % 1000000), (unsigned long long)count);
}

static void show_commands(struct observer *observer, const struct turn_message *message)
{
	const struct buffer *commands = &message->commands;
	struct slice at = slice_of(commands->data, commands->len);
	struct command_record record;
	struct buffer lines = { 0 };
	if (message->commands_missed)
		append_missed(&lines, message->commands_missed);
	while (command_record_next(&at, &record))
		append_line(&lines, &record, &at);
	struct blob *blob = lines.failed || lines.len > UINT32_MAX ? NULL : blob_create((uint32_t)lines.len);
	if (blob) {
		memcpy(blob->data, lines.data, lines.len);
		blob->len = (uint32_t)lines.len;
	} else {
		log_event(LOG_WARNING, "MONITOR misses commands: no memory for %zu bytes of them", commands->len);
	}
	buffer_fini(&lines);
	actor_post(observer->subscriber.actor, observer->subscriber.store, STORE_MONITOR_LINES,
		   subscriber_take_credit(&observer->subscriber), blob);
}

static void take(void *context, const struct bus_message *head)
{
	struct observer *observer = context;
	actor_assert_turn(observer->subscriber.actor);
	const struct turn_message *message = (const struct turn_message *)head;
	if (head->holds & BUS_TALLY)
		take_tally(observer->seen, message->tally);
	if (head->holds & BUS_COMMANDS)
		show_commands(observer, message);
}

static void on_describe(struct observer *observer)
{
	const struct observations *seen = observer->seen;
	struct observations *copy = observations_create(seen->command_count);
	memcpy(copy->events, seen->events, sizeof(copy->events));
	for (uint32_t i = 0; i < seen->command_count; i++)
		command_count_merge(&copy->commands[i], &seen->commands[i]);
	actor_post(observer->subscriber.actor, observer->subscriber.store, STORE_OBSERVATIONS, 0, copy);
}

static void observer_turn(void *state, struct message message)
{
	struct observer *observer = state;
	switch ((enum to_observer)message.type) {
	case OBSERVER_FRAMES: subscriber_on_frames(&observer->subscriber, PAYLOAD(OBSERVER_FRAMES, message)); return;
	case OBSERVER_DESCRIBE: on_describe(observer); return;
	case OBSERVER_STOP: subscriber_on_stop(&observer->subscriber); return;
	}
}

struct observer *observer_create(struct runtime *runtime, uint32_t command_count)
{
	struct observer *observer = calloc(1, sizeof(*observer));
	if (!observer)
		crash_out_of_memory("the observer");
	observer->seen = observations_create(command_count);
	subscriber_init(&observer->subscriber, runtime_actor(runtime, ACTOR_OBSERVER, 0), &(struct subscriber_options){
		.interest = BUS_TALLY | BUS_COMMANDS, .take = take, .context = observer });
	actor_bind(observer->subscriber.actor, observer_turn, observer);
	return observer;
}

void observer_destroy(struct observer **observer)
{
	observations_destroy(&(*observer)->seen);
	free(*observer);
	*observer = NULL;
}

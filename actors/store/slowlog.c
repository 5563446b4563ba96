#include "actors/store/slowlog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/store/session.h"

static const char redacted[] = "(redacted)";

/* Enough for "... (18446744073709551615 more arguments)". */
#define NOTE_BYTES 48

static struct slice shown_arg(const struct call *call, uint32_t index)
{
	if (secrets_hide(call->secrets, index))
		return slice_of(redacted, sizeof(redacted) - 1);
	return call_arg(call, index);
}

static uint32_t shown_argc(const struct call *call)
{
	return call->argc < SLOWLOG_ARGS_MAX ? call->argc : SLOWLOG_ARGS_MAX;
}

/* An upper bound on the bytes of copy_cut(). */
static size_t bytes_of_cut(struct slice text)
{
	return (text.len < SLOWLOG_ARG_BYTES_MAX ? text.len : SLOWLOG_ARG_BYTES_MAX) + NOTE_BYTES;
}

static size_t bytes_of_args(const struct call *call)
{
	size_t bytes = 0;
	for (uint32_t i = 0; i < shown_argc(call); i++)
		bytes += bytes_of_cut(shown_arg(call, i));
	return bytes;
}

/* Copies the text to *at, cut to its maximum length, and advances *at. */
static struct slice copy_cut(char **at, struct slice text)
{
	char *begin = *at;
	size_t len = text.len < SLOWLOG_ARG_BYTES_MAX ? text.len : SLOWLOG_ARG_BYTES_MAX;
	if (len)
		memcpy(begin, text.data, len);
	*at += len;
	if (text.len > len)
		*at += snprintf(*at, NOTE_BYTES, "... (%zu more bytes)", text.len - len);
	return slice_of(begin, (size_t)(*at - begin));
}

static struct slice copy_whole(char **at, struct slice text)
{
	char *begin = *at;
	if (text.len)
		memcpy(begin, text.data, text.len);
	*at += text.len;
	return slice_of(begin, text.len);
}

static void copy_args(struct slow_entry *entry, char **at, const struct call *call)
{
	uint32_t whole = call->argc > SLOWLOG_ARGS_MAX ? SLOWLOG_ARGS_MAX - 1 : call->argc;
	for (uint32_t i = 0; i < whole; i++)
		entry->argv[i] = copy_cut(at, shown_arg(call, i));
	if (whole == call->argc)
		return;
	char *begin = *at;
	*at += snprintf(begin, NOTE_BYTES, "... (%u more arguments)", call->argc - whole);
	entry->argv[whole] = slice_of(begin, (size_t)(*at - begin));
}

static void link_newest(struct slowlog *log, struct slow_entry *entry)
{
	entry->older = log->newest;
	*(log->newest ? &log->newest->newer : &log->oldest) = entry;
	log->newest = entry;
	log->count++;
}

void slowlog_add(struct slowlog *log, const struct call *call, uint64_t duration_us, uint64_t max)
{
	const struct session *session = call->session;
	struct slice address = slice_of(session->address, strlen(session->address));
	struct slice name = slice_of(session->name, session->name ? session->name_bytes - 1 : 0);
	uint32_t argc = shown_argc(call);
	size_t bytes = argc * sizeof(struct slice) + bytes_of_args(call) + address.len + bytes_of_cut(name);
	struct slow_entry *entry = malloc(sizeof(*entry) + bytes);
	if (!entry)
		return;
	*entry = (struct slow_entry){ .id = log->next_id++, .when_s = call->now_ms / 1000, .duration_us = duration_us };
	entry->argc = argc;
	entry->argv = (struct slice *)(entry + 1);
	char *at = (char *)(entry->argv + argc);
	copy_args(entry, &at, call);
	entry->address = copy_whole(&at, address);
	entry->name = copy_cut(&at, name);
	link_newest(log, entry);
	slowlog_trim(log, max);
}

void slowlog_trim(struct slowlog *log, uint64_t max)
{
	while (log->count > max) {
		struct slow_entry *entry = log->oldest;
		log->oldest = entry->newer;
		*(entry->newer ? &entry->newer->older : &log->newest) = NULL;
		log->count--;
		free(entry);
	}
}

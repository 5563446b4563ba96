#include <stdlib.h>

#include "actors/store/figures.h"
#include "actors/store/commands/handlers.h"

/* ---- CONFIG GET ---- */

static void count_directive(void *context, const char *name, const char *value)
{
	(*(size_t *)context)++;
}

static void reply_directive(void *context, const char *name, const char *value)
{
	struct call *call = context;
	reply_text(call, name);
	reply_text(call, value);
}

void cmd_config_get(struct call *call)
{
	size_t patterns = call->argc - 2, found = 0;
	struct slice *items = malloc(patterns * sizeof(*items));
	if (!items) {
		reply_no_memory(call);
		return;
	}
	for (size_t i = 0; i < patterns; i++)
		items[i] = call_arg(call, (uint32_t)i + 2);
	config_get(store_config(call->store), items, patterns, count_directive, &found);
	reply_map(call, found);
	config_get(store_config(call->store), items, patterns, reply_directive, call);
	free(items);
}

/* ---- CONFIG SET ---- */

static void set_pairs(struct call *call, const struct config_pair *pairs, size_t count)
{
	struct config next;
	struct config_changes changes;
	struct config_error error;
	enum config_origin origin = session_is_local(call->session) ? CONFIG_FROM_HERE : CONFIG_FROM_AFAR;
	config_copy(&next, store_config(call->store));
	if (config_set(&next, pairs, count, origin, &changes, &error)) {
		store_config_set(call, &next, &changes);
		return;
	}
	config_fini(&next);
	reply_error(call, error.text);
}

static void resume_set(struct call *call, enum wake_reason reason, void *answer)
{
	if (reason != WAKE_CLOSED)
		cmd_config_set(call);
}

void cmd_config_set(struct call *call)
{
	size_t count = (call->argc - 2) / 2;
	for (uint32_t i = 2; i + 1 < call->argc; i += 2)
		if (config_is_secret(call_arg(call, i)))
			call_hide_arg(call, i + 1);
	if (call->argc % 2 != 0) {
		reply_syntax_error(call);
		return;
	}
	if (store_config_is_changing(call->store)) {
		session_block(call, BLOCKED_CONFIG_CHANGE, INT64_MAX, resume_set, NULL);
		return;
	}
	struct config_pair *pairs = malloc(count * sizeof(*pairs));
	if (!pairs) {
		reply_no_memory(call);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t at = (uint32_t)i * 2 + 2;
		pairs[i] = (struct config_pair){ call_arg(call, at), call_arg(call, at + 1) };
	}
	set_pairs(call, pairs, count);
	free(pairs);
}

/* ---- the rest ---- */

static void resume_rewrite(struct call *call, enum wake_reason reason, void *answer)
{
	if (reason != WAKE_CLOSED)
		cmd_config_rewrite(call);
}

void cmd_config_rewrite(struct call *call)
{
	if (store_config_is_changing(call->store))
		session_block(call, BLOCKED_CONFIG_CHANGE, INT64_MAX, resume_rewrite, NULL);
	else
		store_rewrite(call);
}

/* The reactors' counters are not reset: their current values are subtracted later. */
static void resume_resetstat(struct call *call, enum wake_reason reason, void *answer)
{
	const struct connection_figures *figures = answer;
	struct store_counters *counters = store_counters(call->store);
	if (reason == WAKE_CLOSED)
		return;
	store_reset_counters(call->store);
	counters->reads_before = figures->reads;
	counters->writes_before = figures->writes;
	counters->input_bytes_before = figures->input_bytes;
	counters->output_bytes_before = figures->output_bytes;
	reply_ok(call);
}

void cmd_config_resetstat(struct call *call)
{
	store_ask_figures(call, resume_resetstat, NULL);
}

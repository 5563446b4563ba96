/*
 * Tools that read all keys and measure each: -bigkeys, -memkeys, -keystats, -hotkeys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/key_stats.h"
#include "client/cli/scan.h"
#include "client/cli/tools.h"

/* The number of keys that -keystats and -hotkeys list without -top. */
#define TOP_DEFAULT 10

struct walk {
	struct session *session;
	struct key_stats stats;
	struct progress progress;
	qc_error err;
};

/* Whether the server knows the command. */
static qc_error ask_known(struct session *s, const char *command, bool *out_known)
{
	qc_result info qc_auto = CALL(s, "COMMAND", "INFO", command);

	*out_known = qc_reply_count(qc_reply_at(info.reply, 0)) > 0;
	return info.err;
}

static void add_measure(struct walk *w, qc_pipeline *p, enum measure m, const struct key_type *type, const qc_reply *key)
{
	qc_arg name = qc_bytes(qc_reply_text(key), qc_reply_len(key));
	long samples = w->session->options->samples;

	if (m == MEASURE_ELEMENTS)
		qc_add(p, type->command ? type->command : "EXISTS", name);
	else if (m == MEASURE_FREQUENCY)
		qc_add(p, "OBJECT", "FREQ", name);
	else if (samples >= 0)
		qc_add(p, "MEMORY", "USAGE", name, "SAMPLES", samples);
	else
		qc_add(p, "MEMORY", "USAGE", name);
}

static void note(struct walk *w, struct key_type *type, enum measure m, const qc_reply *key, const qc_reply *size)
{
	qc_error err = qc_reply_err(size);

	/* The key may have been deleted or have changed its type meanwhile. */
	if (qc_reply_type(size) == QC_NULL || qc_has_code(err, "WRONGTYPE") || strstr(err.text, "no such key"))
		return;
	if (err.kind != QC_OK && m == MEASURE_ELEMENTS && type->command && strstr(err.text, "unknown command")) {
		type->is_left_out = true;
		return;
	}
	if (err.kind != QC_OK) {
		w->err = err;
		return;
	}
	uint64_t value = qc_reply_type(size) == QC_INTEGER ? (uint64_t)qc_reply_int(size) : qc_reply_len(size);
	key_stats_note(&w->stats, type, m, qc_reply_text(key), qc_reply_len(key), value);
}

/* Asks for the types of the keys, in one round trip. */
static qc_error find_types(struct walk *w, const qc_reply *keys, struct key_type **out)
{
	qc_pipeline *p qc_defer(qc_pipeline_close) = qc_pipeline_open(w->session->pinned);

	for (size_t i = 0; i < qc_reply_count(keys); i++)
		qc_add(p, "TYPE", qc_bytes(qc_reply_text(qc_reply_at(keys, i)), qc_reply_len(qc_reply_at(keys, i))));
	qc_results names qc_auto_results = qc_run(p, interrupt_begin());
	qc_error err = names.err;
	for (size_t i = 0; i < names.count && err.kind == QC_OK; i++) {
		const char *name = qc_reply_text(names.replies[i]);
		out[i] = key_stats_type(&w->stats, name ? name : "");
		err = qc_reply_err(names.replies[i]);
	}
	return err;
}

/* Asks for their measures, in another round trip. */
static void measure(struct walk *w, const qc_reply *keys, struct key_type **types)
{
	qc_pipeline *p qc_defer(qc_pipeline_close) = qc_pipeline_open(w->session->pinned);
	size_t at = 0;

	for (size_t i = 0; i < qc_reply_count(keys); i++)
		for (size_t m = 0; m < MEASURES; m++)
			if (w->stats.measures[m])
				add_measure(w, p, (enum measure)m, types[i], qc_reply_at(keys, i));
	qc_results sizes qc_auto_results = qc_run(p, interrupt_begin());
	w->err = sizes.err;
	for (size_t i = 0; i < qc_reply_count(keys); i++)
		for (size_t m = 0; m < MEASURES; m++)
			if (w->stats.measures[m] && w->err.kind == QC_OK)
				note(w, types[i], (enum measure)m, qc_reply_at(keys, i), sizes.replies[at++]);
}

static void walk(struct walk *w, struct scan *scan)
{
	const qc_reply *keys;

	while (w->err.kind == QC_OK && (keys = scan_next(scan))) {
		size_t count = qc_reply_count(keys);
		struct key_type **types = checked(calloc(count + 1, sizeof(*types)));
		if (count)
			w->err = find_types(w, keys, types);
		if (count && w->err.kind == QC_OK)
			measure(w, keys, types);
		free(types);
		w->stats.looked_at += count;
		progress_show(&w->progress, w->stats.looked_at, w->stats.looked_at);
	}
	if (w->err.kind == QC_OK)
		w->err = scan->err;
}

static int finish(struct walk *w, struct scan *scan)
{
	bool cancelled = interrupt_end(), ok = w->err.kind == QC_OK || cancelled;

	progress_end(&w->progress);
	if (ok) {
		key_stats_print(&w->stats, scan->cursor, &w->session->style, &w->session->out);
		print(&w->session->out);
	}
	scan_fini(scan);
	key_stats_fini(&w->stats);
	if (ok)
		return EXIT_OK;
	fprintf(stderr, "qcache-cli: %s\n", w->err.text);
	return w->err.kind == QC_SERVER ? EXIT_FAILED : EXIT_NO_CONNECTION;
}

/* `measured` ends with MEASURES. The first measure ranks the keys. */
static int measure_keys(struct session *s, const enum measure *measured, size_t top)
{
	struct walk w = {.session = s, .err = {.kind = QC_OK}};
	qc_result size qc_auto = CALL(s, "DBSIZE");
	struct scan scan;
	bool knows_length;

	/* DBSIZE may be forbidden to a user who may still read each key. */
	if (qc_failed(size) && size.err.kind != QC_SERVER)
		return give_up(size.err);
	qc_error err = ask_known(s, "STRLEN", &knows_length);
	if (err.kind != QC_OK)
		return give_up(err);
	if (!knows_length && (measured[0] == MEASURE_ELEMENTS || measured[1] == MEASURE_ELEMENTS))
		fputs("the server has no STRLEN: strings are read to find their length\n", stderr);
	key_stats_init(&w.stats, s->options->top >= 0 ? (size_t)s->options->top : top);
	/* GET reports the length with the value. */
	if (!knows_length)
		w.stats.types[0].command = "GET";
	w.stats.ranked = *measured;
	for (; *measured != MEASURES; measured++)
		w.stats.measures[*measured] = true;
	w.stats.shows_classes = s->options->tool == TOOL_KEYSTATS;
	progress_start(&w.progress, "keys", (uint64_t)qc_reply_int(size.reply));
	scan_init(&scan, s);
	walk(&w, &scan);
	return finish(&w, &scan);
}

int tool_bigkeys(struct session *s)
{
	return measure_keys(s, (const enum measure[]){MEASURE_ELEMENTS, MEASURES}, 0);
}

/* Tools that rank by memory, if the server has MEMORY USAGE. */
static int measure_memory(struct session *s, const enum measure *measured, size_t top)
{
	bool known;
	qc_error err = ask_known(s, "MEMORY", &known);

	if (err.kind != QC_OK)
		return give_up(err);
	if (known)
		return measure_keys(s, measured, top);
	fprintf(stderr, "qcache-cli: %s: the server has no MEMORY USAGE\n", s->options->tool == TOOL_MEMKEYS ? "-memkeys" : "-keystats");
	return EXIT_FAILED;
}

int tool_memkeys(struct session *s)
{
	return measure_memory(s, (const enum measure[]){MEASURE_MEMORY, MEASURES}, 0);
}

int tool_keystats(struct session *s)
{
	return measure_memory(s, (const enum measure[]){MEASURE_MEMORY, MEASURE_ELEMENTS, MEASURES}, TOP_DEFAULT);
}

int tool_hotkeys(struct session *s)
{
	return measure_keys(s, (const enum measure[]){MEASURE_FREQUENCY, MEASURES}, TOP_DEFAULT);
}

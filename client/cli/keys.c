/*
 * Tools that walk over all keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/tools.h"

/* Keys that are asked about at once. */
#define BATCH 64

struct type {
	const char *name, *command, *unit;
	uint64_t keys, total, most;
	char *biggest; /* its key, shown */
	size_t biggest_len;
	bool is_left_out; /* the server can't say */
};

static struct type types[] = {
	{.name = "string", .command = "STRLEN", .unit = "bytes"}, {.name = "list", .command = "LLEN", .unit = "items"},
	{.name = "set", .command = "SCARD", .unit = "members"},   {.name = "hash", .command = "HLEN", .unit = "fields"},
	{.name = "zset", .command = "ZCARD", .unit = "members"},  {.name = "stream", .command = "XLEN", .unit = "entries"},
	{.name = "other", .command = NULL, .unit = "keys"},
};
#define TYPES (sizeof(types) / sizeof(types[0]))

struct walk {
	struct session *session;
	bool by_memory;
	struct text keys[BATCH];
	size_t batch;
	uint64_t looked_at;
	struct progress progress;
	qc_error err;
};

static struct type *type_of(const char *name)
{
	for (size_t i = 0; i + 1 < TYPES; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return &types[TYPES - 1];
}

static void note(struct walk *w, struct type *type, const struct text *key, const qc_reply *size)
{
	qc_error err = qc_reply_err(size);
	uint64_t value;

	/* A key may be gone meanwhile, or be of another type. */
	if (qc_reply_type(size) == QC_NULL || qc_has_code(err, "WRONGTYPE"))
		return;
	if (err.kind != QC_OK && type->command && strstr(err.text, "unknown command")) {
		type->is_left_out = true;
		return;
	}
	if (err.kind != QC_OK) {
		w->err = err;
		return;
	}
	value = qc_reply_type(size) == QC_INTEGER ? (uint64_t)qc_reply_int(size) : qc_reply_len(size);
	type->keys++;
	type->total += value;
	if (type->biggest && value <= type->most)
		return;
	type->most = value;
	free(type->biggest);
	type->biggest = checked(malloc(key->len + 1));
	memcpy(type->biggest, key->data, key->len + 1);
	type->biggest_len = key->len;
}

/* Does the server know the command? */
static qc_error ask_known(struct session *s, const char *command, bool *out_known)
{
	qc_result info qc_auto = CALL(s, "COMMAND", "INFO", command);

	*out_known = qc_reply_count(qc_reply_at(info.reply, 0)) > 0;
	return info.err;
}

static void run_batch(struct walk *w, qc_results *out, const struct type **of)
{
	qc_pipeline *p qc_defer(qc_pipeline_close) = qc_pipeline_open(w->session->line);

	for (size_t i = 0; i < w->batch; i++) {
		qc_arg key = qc_bytes(w->keys[i].data, w->keys[i].len);
		if (!of)
			qc_add(p, "TYPE", key);
		else if (w->by_memory)
			qc_add(p, "MEMORY", "USAGE", key);
		else
			qc_add(p, of[i]->command ? of[i]->command : "EXISTS", key);
	}
	*out = qc_run(p, interrupt_begin());
}

static void measure_batch(struct walk *w)
{
	const struct type *of[BATCH];
	qc_results names qc_auto_results = {.err = {.kind = QC_OK}}, sizes qc_auto_results = {.err = {.kind = QC_OK}};

	run_batch(w, &names, NULL);
	w->err = names.err;
	for (size_t i = 0; i < names.count && w->err.kind == QC_OK; i++) {
		const char *name = qc_reply_text(names.replies[i]);
		of[i] = type_of(name ? name : "");
		w->err = qc_reply_err(names.replies[i]);
	}
	if (w->err.kind == QC_OK)
		run_batch(w, &sizes, of);
	if (w->err.kind == QC_OK)
		w->err = sizes.err;
	for (size_t i = 0; i < sizes.count && w->err.kind == QC_OK; i++)
		note(w, (struct type *)of[i], &w->keys[i], sizes.replies[i]);
	w->looked_at += w->batch;
	w->batch = 0;
	progress_show(&w->progress, w->looked_at, w->looked_at);
}

static void walk(struct walk *w)
{
	const struct options *o = w->session->options;
	qc_iterator *it = qc_iterate(w->session->line, .match = o->pattern, .type = o->type, .count = o->count ? o->count : BATCH);

	while (w->err.kind == QC_OK && qc_advance(it, interrupt_begin())) {
		struct text *key = &w->keys[w->batch++];
		text_clear(key);
		text_add(key, it->data, it->len);
		if (w->batch == BATCH)
			measure_batch(w);
	}
	if (w->err.kind == QC_OK)
		w->err = it->err;
	if (w->err.kind == QC_OK && w->batch)
		measure_batch(w);
	qc_iterator_close(it);
}

static void summarise(struct walk *w)
{
	struct text *out = &w->session->out;

	text_printf(out, "%llu keys\n", (unsigned long long)w->looked_at);
	for (size_t i = 0; i < TYPES; i++) {
		struct type *t = &types[i];
		const char *unit = w->by_memory ? "bytes of memory" : t->unit;
		if (t->is_left_out)
			text_printf(out, "%-7s left out: the server has no %s\n", t->name, t->command);
		if (t->keys == 0)
			continue;
		text_printf(out, "%-7s %llu keys, %llu %s, %.2f on average; the largest: ", t->name, (unsigned long long)t->keys,
			    (unsigned long long)t->total, unit, (double)t->total / (double)t->keys);
		text_quote(out, t->biggest, t->biggest_len);
		text_printf(out, " with %llu\n", (unsigned long long)t->most);
	}
	print(out);
}

static int finish(struct walk *w)
{
	bool cancelled = interrupt_end();

	progress_end(&w->progress);
	for (size_t i = 0; i < BATCH; i++)
		text_fini(&w->keys[i]);
	if (w->err.kind == QC_OK || cancelled)
		summarise(w);
	for (size_t i = 0; i < TYPES; i++)
		free(types[i].biggest);
	if (w->err.kind == QC_OK || cancelled)
		return EXIT_FINE;
	fprintf(stderr, "qcache-cli: %s\n", w->err.text);
	return w->err.kind == QC_SERVER ? EXIT_FAILED : EXIT_NO_CONNECTION;
}

static int measure_keys(struct session *s, bool by_memory)
{
	struct walk w = {.session = s, .by_memory = by_memory, .err = {.kind = QC_OK}};
	qc_result size qc_auto = CALL(s, "DBSIZE");

	/* Who may not ask how many there are may still look at each. */
	if (qc_failed(size) && size.err.kind != QC_SERVER)
		return give_up(size.err);
	progress_start(&w.progress, "keys", (uint64_t)qc_reply_int(size.reply));
	walk(&w);
	return finish(&w);
}

int tool_bigkeys(struct session *s)
{
	bool known;
	qc_error err = ask_known(s, "STRLEN", &known);

	if (err.kind != QC_OK)
		return give_up(err);
	if (!known) {
		/* The value itself tells its length. */
		fputs("the server has no STRLEN: strings are fetched to know their length\n", stderr);
		types[0].command = "GET";
	}
	return measure_keys(s, false);
}

int tool_memkeys(struct session *s)
{
	bool known;
	qc_error err = ask_known(s, "MEMORY", &known);

	if (err.kind != QC_OK)
		return give_up(err);
	if (!known) {
		fputs("qcache-cli: -memkeys: the server has no MEMORY USAGE\n", stderr);
		return EXIT_FAILED;
	}
	return measure_keys(s, true);
}

int tool_scan(struct session *s)
{
	const struct options *o = s->options;
	enum outcome connected = session_connect(s);

	if (connected != OUTCOME_FINE)
		return outcome_status(connected);
	qc_iterator *it = qc_iterate(s->line, .match = o->pattern, .type = o->type, .count = o->count);
	while (qc_advance(it, interrupt_begin())) {
		format_string(&s->out, it->data, it->len, s->format);
		text_puts(&s->out, "\n");
		if (s->out.len > 65536)
			print(&s->out);
	}
	print(&s->out);
	qc_error err = it->err;
	qc_iterator_close(it);
	if (interrupt_end() || err.kind == QC_OK)
		return EXIT_FINE;
	fprintf(stderr, "qcache-cli: %s\n", err.text);
	return err.kind == QC_SERVER ? EXIT_FAILED : EXIT_NO_CONNECTION;
}

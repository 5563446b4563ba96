/*
 * -lru-test simulates a cache: 80 % of the reads ask for 20 % of the keys; missing keys are set. It fills the server with keys lru:N.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/cli/tools.h"

#define PIPELINE 250
/* Exponent of a power law: the hottest part u^EXPONENT of the keys gets the part u of the reads. log(0.2)/log(0.8) gives 80 and 20. */
#define EXPONENT 7.212567438

static long draw_key(const struct options *o)
{
	long key = (long)((double)o->keys * pow(drand48(), EXPONENT));

	return key < o->keys ? key : o->keys - 1;
}

static void add_get(qc_pipeline *p, long key)
{
	char name[40];

	snprintf(name, sizeof(name), "lru:%ld", key);
	qc_add(p, "GET", name);
}

static void add_set(qc_pipeline *p, long key)
{
	char name[40];

	snprintf(name, sizeof(name), "lru:%ld", key);
	qc_add(p, "SET", name, "val");
}

static qc_error first_error(const qc_results *results)
{
	qc_error err = results->err;

	for (size_t i = 0; i < results->count && err.kind == QC_OK; i++)
		err = qc_reply_err(results->replies[i]);
	return err;
}

/* Reads a few keys, and sets the missing ones. */
static qc_error run_round(struct session *s, uint64_t *hits, uint64_t *misses)
{
	qc_pipeline *p qc_defer(qc_pipeline_close) = qc_pipeline_open(s->pinned);
	long keys[PIPELINE];

	for (size_t i = 0; i < PIPELINE; i++)
		add_get(p, keys[i] = draw_key(s->options));
	qc_results got qc_auto_results = qc_run(p, interrupt_begin());
	qc_error err = first_error(&got);
	uint64_t missed = 0;
	for (size_t i = 0; i < got.count && err.kind == QC_OK; i++) {
		bool is_missing = qc_reply_type(got.replies[i]) == QC_NULL;
		missed += is_missing;
		*hits += !is_missing;
		if (is_missing)
			add_set(p, keys[i]);
	}
	*misses += missed;
	if (err.kind != QC_OK || missed == 0)
		return err;
	qc_results set qc_auto_results = qc_run(p, interrupt_begin());
	return first_error(&set);
}

/* Prints one line per second, until Ctrl-C or as often as -r says. */
int tool_lru_test(struct session *s)
{
	enum outcome connected = session_connect(s);
	qc_error err = {.kind = QC_OK};

	if (connected != OUTCOME_OK)
		return outcome_status(connected);
	for (long left = s->options->repeat; left != 0 && err.kind == QC_OK; left -= left > 0) {
		uint64_t hits = 0, misses = 0;
		int64_t began = clock_us();
		while (err.kind == QC_OK && clock_us() - began < 1000000 && !interrupt_is_pending())
			err = run_round(s, &hits, &misses);
		double all = (double)(hits + misses), seconds = (double)(clock_us() - began) / 1e6;
		if (all > 0)
			text_printf(&s->out, "%.0f gets/s, hits: %llu (%.2f%%), misses: %llu (%.2f%%)\n", all / seconds,
				    (unsigned long long)hits, (double)hits * 100 / all, (unsigned long long)misses,
				    (double)misses * 100 / all);
		print(&s->out);
		if (interrupt_is_pending())
			break;
	}
	bool cancelled = interrupt_end();
	if (err.kind == QC_OK || cancelled)
		return EXIT_OK;
	fprintf(stderr, "qcache-cli: %s\n", err.text);
	return err.kind == QC_SERVER ? EXIT_FAILED : EXIT_NO_CONNECTION;
}

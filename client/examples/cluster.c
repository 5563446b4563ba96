/*
 * Page views in a cluster: one pipeline over all nodes, a transaction on the keys of one page, and a command for every primary.
 *
 *	cluster ADDRESS[,ADDRESS ...] PAGE [PAGE ...]
 */
#include <qcache.h>
#include <stdio.h>

/* The braces put all keys of a page into one slot. */
static const char *key_of(char key[64], const char *what, const char *page)
{
	snprintf(key, 64, "%s:{%s}", what, page);
	return key;
}

static void count_views(qc_client *c, qc_context *ctx, char **pages, int count)
{
	qc_pipeline *pipeline qc_defer(qc_pipeline_close) = qc_pipeline_open(c);
	char key[64];

	for (int i = 0; i < count; i++)
		qc_add(pipeline, "INCR", key_of(key, "views", pages[i]));
	qc_results views qc_auto_results = qc_must(qc_run(pipeline, ctx));
	for (int i = 0; i < count; i++)
		printf("%s: %lld\n", pages[i], (long long)qc_must(qc_results_int(&views, (size_t)i)).value);
}

static void reset(qc_client *c, qc_context *ctx, const char *page)
{
	qc_pipeline *both qc_defer(qc_pipeline_close) = qc_pipeline_open(c);
	char key[64];

	qc_add(both, "SET", key_of(key, "views", page), 0);
	qc_add(both, "INCR", key_of(key, "resets", page));
	qc_results done qc_auto_results = qc_must(qc_run_multi(both, ctx));
	printf("%s: reset %lld\n", page, (long long)qc_must(qc_results_int(&done, 1)).value);
}

static qc_error add_keys(qc_client *node, qc_context *ctx, void *total)
{
	qc_int size = qc_dbsize(node, ctx);

	*(int64_t *)total += size.value;
	return size.err;
}

int main(int argc, char **argv)
{
	qc_context *ctx qc_defer(qc_context_free) = qc_context_with_timeout(qc_background(), 5000);
	qc_client *c qc_defer(qc_close) = qc_dial(argc > 1 ? argv[1] : "localhost:7000", .cluster = true);
	int64_t keys = 0;

	if (qc_failed(*c))
		qc_fatal(c->err);
	if (argc < 3)
		return 2;
	count_views(c, ctx, argv + 2, argc - 2);
	reset(c, ctx, argv[2]);
	qc_must(qc_each_primary(c, ctx, add_keys, &keys));
	printf("%lld keys\n", (long long)keys);
	return 0;
}

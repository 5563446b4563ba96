/*
 * Jobs that are not lost when a worker dies: each moves to the worker's own list while it is in hand, and leaves that when it is done.
 *
 *	job_queue ADDRESS add JOB...
 *	job_queue ADDRESS work NAME [JOBS]      stops after so many; for ever without
 */
#include <qcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(qc_client *c, qc_context *ctx, int count, char **jobs)
{
	qc_pipeline *p qc_defer(qc_pipeline_close) = qc_pipeline_open(c);
	for (int i = 0; i < count; i++)
		qc_add(p, "LPUSH", "jobs", jobs[i]);
	qc_results added qc_auto_results = qc_must(qc_run(p, ctx));
	printf("%lld jobs waiting\n", (long long)qc_results_int(&added, added.count - 1).value);
}

/* Jobs that a worker of this name had when it died come first. */
static void recover(qc_client *c, qc_context *ctx, const char *mine)
{
	for (;;) {
		qc_result job qc_auto = qc_must(qc_do(c, ctx, "LMOVE", mine, "jobs", "RIGHT", "RIGHT"));
		if (qc_reply_type(job.reply) == QC_NULL)
			return;
		printf("again: %s\n", qc_reply_text(job.reply));
	}
}

static void work(qc_client *c, qc_context *ctx, const char *name, long count)
{
	char mine[128];
	snprintf(mine, sizeof(mine), "jobs:%s", name);
	recover(c, ctx, mine);
	for (long done = 0; count < 0 || done < count; done++) {
		/* Waits until the context ends: for a command that blocks, the client's time limit comes on top of the command's own time. */
		qc_result job qc_auto = qc_must(qc_do(c, ctx, "BLMOVE", "jobs", mine, "RIGHT", "LEFT", 0));
		printf("%s: %s\n", name, qc_reply_text(job.reply));
		qc_result gone qc_auto = qc_must(qc_do(c, ctx, "LREM", mine, 1, qc_reply_text(job.reply)));
	}
}

int main(int argc, char **argv)
{
	if (argc < 4)
		qc_fatal(qc_errorf(QC_INVALID, "ADDRESS add JOB... or ADDRESS work NAME [JOBS]"));
	qc_client *c qc_defer(qc_close) = qc_dial(argv[1]);
	if (qc_failed(*c))
		qc_fatal(c->err);
	if (strcmp(argv[2], "add") == 0)
		add(c, qc_background(), argc - 3, argv + 3);
	else
		work(c, qc_background(), argv[3], argc > 4 ? atol(argv[4]) : -1);
	return 0;
}

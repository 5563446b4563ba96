/*
 * At most so many requests of a user in a window of time: a counter that expires with its window.
 *
 *	rate_limiter ADDRESS USER LIMIT WINDOW_SECONDS REQUESTS
 */
#include <qcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct limiter {
	qc_client *client;
	int64_t limit, window_s;
};

/* Counts a request. *out_left is how many more are allowed. */
static qc_error allow(struct limiter *limiter, qc_context *ctx, const char *user, int64_t *out_left)
{
	char key[128];
	snprintf(key, sizeof(key), "rate:%s:%lld", user, (long long)(time(NULL) / limiter->window_s));

	/* Both in one round trip. The key contains the number of the window, so each window has a counter of its own. */
	qc_pipeline *p qc_defer(qc_pipeline_close) = qc_pipeline_open(limiter->client);
	qc_add(p, "INCR", key);
	qc_add(p, "EXPIRE", key, limiter->window_s);
	qc_results results qc_auto_results = qc_run(p, ctx);
	if (qc_failed(results))
		return qc_wrap(results.err, "rate of %s", user);

	qc_int used = qc_results_int(&results, 0);
	*out_left = limiter->limit - used.value;
	return used.err;
}

int main(int argc, char **argv)
{
	if (argc != 6)
		qc_fatal(qc_errorf(QC_INVALID, "ADDRESS USER LIMIT WINDOW_SECONDS REQUESTS"));
	qc_client *c qc_defer(qc_close) = qc_dial(argv[1]);
	if (qc_failed(*c))
		qc_fatal(c->err);

	struct limiter limiter = {c, atoll(argv[3]), atoll(argv[4])};
	for (int i = 0; i < atoi(argv[5]); i++) {
		qc_context *ctx qc_defer(qc_context_free) = qc_context_with_timeout(qc_background(), 1000);
		int64_t left = 0;
		qc_error err = allow(&limiter, ctx, argv[2], &left);
		if (err.kind != QC_OK)
			qc_fatal(err);
		printf("%s: %s\n", argv[2], left >= 0 ? "allowed" : "too many requests");
	}
	return 0;
}

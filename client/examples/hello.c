/*
 * Dial, set, get, count, close.
 *
 *	hello [ADDRESS]
 */
#include <qcache.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	qc_context *ctx qc_defer(qc_context_free) = qc_context_with_timeout(qc_background(), 5000);
	qc_client *c qc_defer(qc_close) = qc_dial(argc > 1 ? argv[1] : "localhost:6379");
	if (qc_failed(*c))
		qc_fatal(c->err);

	qc_status set = qc_set(c, ctx, "foo", "bar");
	if (qc_failed(set))
		qc_fatal(set.err);

	qc_string val qc_auto = qc_get(c, ctx, "foo");
	if (qc_failed(val))
		qc_fatal(val.err);
	printf("foo = %s\n", val.data);

	qc_int n = qc_incr(c, ctx, "counter");
	if (qc_failed(n))
		qc_fatal(n.err);
	printf("counter = %lld\n", (long long)n.value);
	return 0;
}

#include "client/async.h"

#include <stdlib.h>

#include "client/client.h"
#include "client/error.h"

void async_close_socket(struct async *a)
{
	struct dial *dial = a->dial;
	struct conn *conn = a->conn;

	/* Unwatch before closing: the descriptor number may be reused at once. */
	a->dial = NULL;
	a->conn = NULL;
	async_watch(a);
	dial_destroy(&dial);
	conn_close(&conn);
	a->write_wants = a->read_wants = 0;
	a->out.len = a->out_sent = 0;
	if (a->out.failed)
		buffer_fini(&a->out);
}

void async_disown(struct async *a)
{
	qc_error err = qc_errorf(QC_NETWORK, "the command belongs to the parent process, which gets the reply");

	dial_disown(&a->dial);
	if (a->conn && a->conn->tls)
		tls_disown(a->conn->tls);
	async_close_socket(a);
	a->state = RESTING;
	a->dials = 0;
	async_fail_all(a, &err);
}

static void pause_before_dial(struct async *a)
{
	a->state = PAUSING;
	a->pause_ns = monotonic_ns() + back_off_ns(&a->settings, a->dials);
}

/* Whether a later dial may succeed, however many have failed. */
static bool may_pass(const qc_error *err)
{
	return err->kind == QC_NETWORK || err->kind == QC_TIMEOUT || qc_has_code(*err, "LOADING");
}

/* Whether to give up. A refusal by the server is final. Other errors may be accidents, and are retried a few times. */
static bool is_hopeless(const qc_error *err, bool tried_enough)
{
	return !may_pass(err) && (err->kind == QC_SERVER || tried_enough);
}

void async_lost(struct async *a, qc_error err)
{
	bool was_ready = a->state == READY;
	int tries = a->settings.retries < 0 ? 1 : a->settings.retries + 1;

	a->handle.err = err;
	async_close_socket(a);
	a->state = RESTING;
	a->dials = was_ready ? 0 : a->dials + 1;
	async_fail_sent(a, &err);
	if (was_ready)
		async_restart_waiting(a);
	if (was_ready && !a->closed)
		async_tell_push(a, (qc_result){.err = err, .reply = NULL});
	if (a->closed)
		return;
	if (is_hopeless(&err, a->dials >= tries)) {
		a->dials = 0;
		async_fail_all(a, &err);
	}
	if (a->dials >= tries && !a->entries)
		a->dials = 0;
	if (!a->closed && (a->entries || was_ready || a->dials > 0))
		pause_before_dial(a);
}

void async_dial(struct async *a)
{
	a->state = DIALLING;
	qc_error err = dial_start(&a->settings, a->tls_context, a->address_index, &a->dial);
	if (err.kind != QC_OK)
		async_lost(a, err);
	else
		async_advance(a);
}

void async_advance(struct async *a)
{
	qc_error err;

	switch (dial_advance(a->dial, &err)) {
	case DIAL_GOES_ON:
		return;
	case DIAL_FAILED:
		async_lost(a, err);
		return;
	case DIAL_DONE:
		break;
	}
	struct dial *dial = a->dial;
	a->conn = dial_take(dial);
	a->address_index = a->conn->address_index;
	a->dial = NULL;
	async_watch(a);
	dial_destroy(&dial);
	async_become_ready(a);
}

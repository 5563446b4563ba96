/*
 * A request runs in rounds. A round groups the pending commands by node, sends every node its group, and then reads all replies, so that
 * the nodes work in parallel. Each reply is stored at the place of its command.
 *
 * A command stays pending if its node redirects it (MOVED, ASK), if it refuses it for the moment (TRYAGAIN, CLUSTERDOWN, LOADING), or if
 * the exchange failed and may be repeated. The next round starts at once if there were only redirections, otherwise after a pause.
 *
 * A round takes its connections in the order of the addresses of the pools. Otherwise calls that each hold one connection and wait for
 * another could wait for each other.
 */
#include <stdlib.h>

#include "client/client.h"
#include "client/cluster.h"
#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"

/* After a slot has moved, nodes may disagree for a moment. The first redirections are followed at once, and some more after pauses. */
#define REDIRECTIONS_AT_ONCE 3
#define REDIRECTIONS_MAX 8

/* The exchange with one node in a round. */
struct leg {
	struct leg *next;
	struct pool *node; /* held */
	struct conn *conn; /* NULL before and after the exchange, and if there is none */
	const struct address *peer;
	qc_error err;
	bool only_reads, has_sent, may_repeat;
};

/* A command or transaction. */
struct errand {
	const struct part *part;
	struct resp_reply **replies;
	struct pool *node; /* the target of a redirection, held; NULL: the node is found by the slot */
	struct leg *leg;   /* in this round */
	bool asks;         /* send ASKING before it */
	bool is_done;
};

struct run {
	struct cluster *cluster;
	struct pool *seeds;
	const struct settings *settings;
	qc_context *context;
	struct request *request;
	struct errand *errands;
	size_t count;
	struct leg *legs;
	qc_error err;      /* a failure of the whole request */
	qc_error failure;  /* the last failure after which another round makes sense */
	bool is_pending, must_pause, lacks_replies;
	bool is_hopeless;  /* a node that no other can stand in for is down */
};

/* Grouping */

/* Finds or makes the leg. Takes ownership of the hold on the node. NULL without memory. */
static struct leg *leg_to(struct run *r, struct pool *node)
{
	struct leg **at = &r->legs;

	while (*at && (uintptr_t)(*at)->node < (uintptr_t)node)
		at = &(*at)->next;
	if (*at && (*at)->node == node) {
		pool_let_go(node);
		return *at;
	}
	struct leg *leg = calloc(1, sizeof(*leg));
	if (!leg) {
		pool_let_go(node);
		return NULL;
	}
	leg->node = node;
	leg->only_reads = true;
	leg->next = *at;
	*at = leg;
	return leg;
}

static void drop_legs(struct run *r)
{
	for (struct leg *next; r->legs; r->legs = next) {
		next = r->legs->next;
		pool_let_go(r->legs->node);
		free(r->legs);
	}
}

static qc_error find_node(struct run *r, struct errand *e, struct pool **out_node)
{
	qc_error err = no_error();

	*out_node = e->node;
	e->node = NULL;
	if (!*out_node)
		err = cluster_route(r->cluster, r->context, e->part->slot, e->part->flags & QC_COMMAND_READONLY, out_node);
	/* After a failure, a node that has been down for longer than the retries take is not tried again. */
	if (err.kind == QC_OK && r->failure.kind != QC_OK && pool_is_down(*out_node)) {
		pool_let_go(*out_node);
		r->is_hopeless = true;
		err = r->failure;
	}
	return err;
}

/* All commands without keys go to one node, which keeps them in order. */
static qc_error group(struct run *r)
{
	struct leg *anywhere = NULL;
	struct pool *node;

	for (size_t i = 0; i < r->count; i++) {
		struct errand *e = &r->errands[i];
		bool is_for_any = e->part->slot == SLOT_ANY && !e->node;
		if (e->is_done)
			continue;
		e->leg = is_for_any ? anywhere : NULL;
		qc_error err = e->leg ? no_error() : find_node(r, e, &node);
		if (err.kind != QC_OK)
			return err;
		if (!e->leg && !(e->leg = leg_to(r, node)))
			return error_no_memory();
		anywhere = is_for_any ? e->leg : anywhere;
		e->leg->only_reads &= (e->part->flags & QC_COMMAND_READONLY) != 0;
	}
	return no_error();
}

/* The exchange */

static void take_connections(struct run *r)
{
	for (struct leg *leg = r->legs; leg; leg = leg->next) {
		leg->err = pool_take(leg->node, r->context, &leg->conn);
		leg->may_repeat = leg->err.kind == QC_NETWORK;
		if (!leg->conn)
			continue;
		leg->peer = leg->conn->peer;
		leg->conn->out.len = 0;
	}
}

static qc_error write_errand(const struct run *r, const struct errand *e, struct buffer *out)
{
	static const char asking[] = "*1\r\n$6\r\nASKING\r\n";

	if (e->asks)
		buffer_append(out, asking, sizeof(asking) - 1);
	if (!r->request->data)
		return request_write(out, r->request->args);
	buffer_append(out, (const char *)r->request->data + e->part->at, e->part->len);
	return out->failed ? error_no_memory() : no_error();
}

static void write_all(struct run *r)
{
	for (size_t i = 0; i < r->count; i++) {
		struct errand *e = &r->errands[i];
		if (e->is_done || e->leg->err.kind != QC_OK)
			continue;
		e->leg->err = write_errand(r, e, &e->leg->conn->out);
		e->leg->conn->broken |= e->leg->conn->out.failed;
	}
}

static void send_all(struct run *r, int64_t deadline_ns)
{
	for (struct leg *leg = r->legs; leg; leg = leg->next) {
		if (leg->err.kind != QC_OK)
			continue;
		leg->err = conn_send(leg->conn, r->context, deadline_ns, leg->conn->out.data, leg->conn->out.len);
		leg->has_sent = leg->conn->bytes_sent > 0;
	}
	/* Waiting for one node uses up the time for the others: see is_prompt. */
	for (struct leg *leg = r->legs; leg && r->legs->next; leg = leg->next)
		if (leg->conn)
			leg->conn->is_prompt = false;
}

static qc_error read_errand(const struct run *r, struct errand *e, int64_t deadline_ns)
{
	struct resp_reply *asked = NULL;
	qc_error err = e->asks ? conn_reply(e->leg->conn, r->context, deadline_ns, &asked) : no_error();

	/* If ASKING was refused, the command will be redirected again. */
	resp_reply_free(asked);
	replies_free(e->replies, e->part->replies);
	for (size_t i = 0; i < e->part->replies && err.kind == QC_OK; i++)
		err = conn_reply(e->leg->conn, r->context, deadline_ns, &e->replies[i]);
	return err;
}

static void read_all(struct run *r, int64_t deadline_ns)
{
	for (size_t i = 0; i < r->count; i++) {
		struct errand *e = &r->errands[i];
		if (!e->is_done && e->leg->err.kind == QC_OK)
			e->leg->err = read_errand(r, e, deadline_ns);
	}
}

static void give_connections(struct run *r)
{
	for (struct leg *leg = r->legs; leg; leg = leg->next) {
		if (!leg->conn)
			continue;
		leg->may_repeat = request_is_safe(leg->only_reads, &leg->err, !leg->has_sent);
		conn_end_exchange(leg->conn);
		pool_give(leg->node, leg->conn);
		leg->conn = NULL;
	}
}

/* Judging the result */

/* `node`: where it failed, or NULL. A call with a deadline may never see more of a dead node than that deadline. */
static void judge_failure(struct run *r, const struct pool *node, const qc_error *err, bool may_repeat)
{
	if (err->kind == QC_NETWORK || err->kind == QC_TIMEOUT || err->kind == QC_DEADLINE)
		cluster_mark_stale(r->cluster, node);
	if (!may_repeat) {
		r->err = *err;
		return;
	}
	r->failure = *err;
	r->is_pending = r->must_pause = r->lacks_replies = true;
}

/* False if the reply is final. */
static bool judge_reply(struct run *r, struct errand *e, const struct resp_reply *reply)
{
	struct redirection to;
	bool elsewhere;

	if (reply->type != RESP_TYPE_ERROR)
		return false;
	if (redirection_read(reply->text, &to)) {
		qc_error err = cluster_follow(r->cluster, &to, e->leg->peer, &e->node);
		e->asks = to.is_ask;
		if (err.kind != QC_OK)
			r->err = err;
		r->is_pending = true;
		return true;
	}
	if (!reply_is_refusal(reply, &elsewhere))
		return false;
	cluster_mark_stale(r->cluster, NULL);
	r->is_pending = r->must_pause = true;
	return true;
}

static void judge(struct run *r, struct errand *e)
{
	e->asks = false;
	if (e->leg->err.kind != QC_OK) {
		judge_failure(r, e->leg->node, &e->leg->err, e->leg->may_repeat);
		return;
	}
	/* If a command of a transaction was refused, none was executed. */
	for (size_t i = 0; i < e->part->replies; i++)
		if (judge_reply(r, e, e->replies[i]))
			return;
	e->is_done = true;
}

/* *attempts counts the rounds that sent anything. */
static void exchange(struct run *r, int *attempts)
{
	int64_t deadline_ns = deadline_after_ms(time_limit_ms(r->settings->timeout_ms, r->request->wait_ms));
	bool has_sent = false;

	send_all(r, deadline_ns);
	read_all(r, deadline_ns);
	for (const struct leg *leg = r->legs; leg; leg = leg->next)
		has_sent |= leg->has_sent;
	*attempts += has_sent;
}

/* True if commands are still pending. */
static bool run_round(struct run *r, int *attempts)
{
	qc_error err = group(r);

	r->is_pending = r->must_pause = r->lacks_replies = false;
	r->err = r->failure = no_error();
	if (err.kind != QC_OK) {
		judge_failure(r, NULL, &err, err.kind == QC_NETWORK && !r->is_hopeless && !pool_is_down(r->seeds));
		return r->is_pending;
	}
	take_connections(r);
	write_all(r);
	exchange(r, attempts);
	give_connections(r);
	for (size_t i = 0; i < r->count && r->err.kind == QC_OK; i++)
		if (!r->errands[i].is_done)
			judge(r, &r->errands[i]);
	return r->is_pending && r->err.kind == QC_OK;
}

/* The pause before the next round is that of a retry with this number; 0: there is none. */
static int count_round(const struct run *r, int *tries, int *redirections)
{
	if (r->must_pause) {
		pool_count_retry(r->seeds);
		return ++*tries;
	}
	return ++*redirections > REDIRECTIONS_AT_ONCE ? *redirections - REDIRECTIONS_AT_ONCE : 0;
}

static qc_error run_rounds(struct run *r, int *attempts)
{
	int retries = r->settings->retries < 0 ? 0 : r->settings->retries, tries = 0, redirections = 0;

	while (run_round(r, attempts)) {
		bool is_last = r->must_pause ? tries == retries : redirections == REDIRECTIONS_MAX;
		/* The replies of commands that are still refused are final then. */
		if (is_last)
			return r->lacks_replies ? r->failure : no_error();
		drop_legs(r);
		int pause = count_round(r, &tries, &redirections);
		qc_error ended = pause ? back_off(r->settings, r->context, pause) : no_error();
		if (ended.kind != QC_OK)
			return r->failure.kind != QC_OK ? qc_wrap(ended, "%s", r->failure.text) : ended;
	}
	return r->err;
}

static qc_error run_parts(struct run *r, const struct part *parts, int *attempts)
{
	struct resp_reply **replies = r->request->replies;

	for (size_t i = 0; i < r->count; i++) {
		r->errands[i].part = &parts[i];
		r->errands[i].replies = replies;
		replies += parts[i].replies;
	}
	qc_error err = run_rounds(r, attempts);
	drop_legs(r);
	for (size_t i = 0; i < r->count; i++)
		if (r->errands[i].node)
			pool_let_go(r->errands[i].node);
	if (err.kind != QC_OK)
		replies_free(r->request->replies, r->request->count);
	return err;
}

qc_error cluster_run(struct pool *seeds, qc_context *context, struct request *request, int *attempts)
{
	struct run r = {.cluster = seeds->cluster, .seeds = seeds, .settings = &seeds->settings, .context = context, .request = request};
	struct part one = {.replies = 1, .flags = request->flags};
	struct errand only = {.part = NULL};
	qc_error err = request->data ? no_error() : slot_of_command(request->args, &one.slot);

	pool_enter(seeds);
	r.count = request->data ? request->part_count : 1;
	r.errands = r.count == 1 ? &only : calloc(r.count, sizeof(*r.errands));
	if (err.kind == QC_OK && !r.errands)
		err = error_no_memory();
	if (err.kind == QC_OK)
		err = run_parts(&r, request->data ? request->parts : &one, attempts);
	if (r.errands != &only)
		free(r.errands);
	return err;
}

#include "client/cluster.h"
#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/subscription.h"

static const struct { const char *word; enum qc_message_type type; size_t parts; } kinds[] = {
	{"message", QC_MESSAGE, 3},          {"pmessage", QC_MESSAGE, 4},         {"smessage", QC_MESSAGE, 3},
	{"subscribe", QC_SUBSCRIBED, 3},     {"psubscribe", QC_SUBSCRIBED, 3},    {"ssubscribe", QC_SUBSCRIBED, 3},
	{"unsubscribe", QC_UNSUBSCRIBED, 3}, {"punsubscribe", QC_UNSUBSCRIBED, 3}, {"sunsubscribe", QC_UNSUBSCRIBED, 3},
};

/* Takes ownership of the reply. False if it can be ignored: the reply to a PING. */
static bool read_message(struct resp_reply *reply, qc_message *out)
{
	qc_reply *root = reply_public(reply);
	const char *word = qc_reply_text(qc_reply_at(root, 0));

	*out = subscription_no_message(qc_reply_err(root));
	out->reply = root;
	if (qc_failed(*out))
		return true;
	for (size_t i = 0; word && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(word, kinds[i].word) != 0 || qc_reply_count(root) != kinds[i].parts)
			continue;
		const qc_reply *pattern = kinds[i].parts == 4 ? qc_reply_at(root, 1) : NULL;
		const qc_reply *channel = qc_reply_at(root, pattern ? 2 : 1), *data = qc_reply_at(root, kinds[i].parts - 1);
		out->type = kinds[i].type;
		out->pattern = pattern ? qc_reply_text(pattern) : NULL;
		out->channel = qc_reply_text(channel) ? qc_reply_text(channel) : "";
		out->channel_len = qc_reply_len(channel);
		out->data = out->type == QC_MESSAGE ? qc_reply_text(data) : "";
		out->len = out->type == QC_MESSAGE ? qc_reply_len(data) : 0;
		return true;
	}
	qc_release(out);
	return false;
}

/* Takes the bytes to send, and makes the context of the next read, which ends when there are more. */
static qc_context *begin_read(struct subscription *s, struct buffer *out)
{
	pthread_mutex_lock(&s->lock);
	if (qc_context_err(s->reading).kind != QC_OK) {
		qc_context_free(s->reading);
		s->reading = qc_context_with_cancel(s->life);
	}
	struct buffer swap = *out;
	*out = s->outbox;
	s->outbox = swap;
	s->outbox.len = 0;
	qc_context *reading = s->reading;
	pthread_mutex_unlock(&s->lock);
	return reading;
}

/* The connection */

qc_error subscription_dial(struct subscription *s, qc_context *context)
{
	struct cluster *cluster = s->pool->cluster;
	qc_error err = no_error();

	if (cluster)
		err = cluster_route(cluster, context, s->slot, false, &s->node);
	else
		pool_hold(s->node = s->pool);
	if (err.kind == QC_OK)
		err = pool_dial(s->node, context, &s->conn);
	if (err.kind != QC_OK && cluster)
		cluster_mark_stale(cluster, s->node);
	if (!s->conn && s->node)
		pool_let_go(s->node);
	s->node = s->conn ? s->node : NULL;
	return err;
}

void subscription_hang_up(struct subscription *s)
{
	conn_close(&s->conn);
	if (s->node)
		pool_let_go(s->node);
	s->node = NULL;
}

/*
 * In a cluster, the slot of a shard channel may move. A node that loses the slot unsubscribes its channels; a node that no longer has it
 * redirects SSUBSCRIBE. Both end the connection. The next one goes to the new node.
 */
static qc_error check_moved(struct subscription *s, const qc_message *message)
{
	const char *word = qc_reply_text(qc_reply_at(message->reply, 0));
	qc_arg name = qc_bytes(message->channel, message->channel_len);
	struct redirection to;
	struct pool *node;

	if (!s->pool->cluster || s->slot == SLOT_ANY)
		return no_error();
	if (redirection_read(message->err.text, &to)) {
		if (cluster_follow(s->pool->cluster, &to, s->conn->peer, &node).kind == QC_OK)
			pool_let_go(node);
		return message->err;
	}
	if (message->type != QC_UNSUBSCRIBED || strcmp(word, "sunsubscribe") != 0)
		return no_error();
	pthread_mutex_lock(&s->lock);
	bool is_wanted = *subscription_find_name(s, SHARDS, &name) != NULL;
	pthread_mutex_unlock(&s->lock);
	if (!is_wanted)
		return no_error();
	cluster_mark_stale(s->pool->cluster, NULL);
	return qc_errorf(QC_NETWORK, "the slot of channel %.*s has moved to another node", (int)name.len, message->channel);
}

/* Puts the message into the ring, unless it ends the connection. */
static qc_error take_message(struct subscription *s, qc_message message)
{
	qc_error moved = check_moved(s, &message);

	if (moved.kind == QC_OK)
		subscription_put(s, message);
	else
		qc_release(&message);
	return moved;
}

/* Reads messages until the connection fails or the subscription ends. */
static qc_error serve(struct subscription *s)
{
	bool pinged = false;

	for (;;) {
		struct resp_reply *reply;
		qc_message message;
		qc_context *reading = begin_read(s, &s->conn->out);
		qc_error err = conn_send(s->conn, s->life, deadline_after_ms(s->health_ms), s->conn->out.data, s->conn->out.len);
		s->conn->out.len = 0;
		if (err.kind == QC_OK)
			err = conn_next(s->conn, reading, deadline_after_ms(s->health_ms), &reply);
		if (err.kind == QC_OK) {
			pinged = false;
			if (read_message(reply, &message))
				err = take_message(s, message);
			if (err.kind == QC_OK)
				continue;
			return err;
		}
		if (qc_context_err(s->life).kind != QC_OK)
			return err;
		if (err.kind == QC_TIMEOUT && !pinged) {
			pinged = true;
			err = request_write(&s->conn->out, QC_LIST("PING"));
			if (err.kind == QC_OK)
				err = conn_send(s->conn, s->life, deadline_after_ms(s->health_ms), s->conn->out.data, s->conn->out.len);
			s->conn->out.len = 0;
		} else if (err.kind == QC_CANCELLED) {
			continue;
		}
		if (err.kind != QC_OK)
			return err;
	}
}

/* Replaces the outbox by commands for all names. */
static qc_error write_all(struct subscription *s)
{
	qc_error err = no_error();

	pthread_mutex_lock(&s->lock);
	s->outbox.len = 0;
	for (struct name *n = s->names; n && err.kind == QC_OK; n = n->next)
		err = request_write(&s->outbox, QC_LIST(subscribe_words[n->kind], qc_bytes(n->text, n->len)));
	if (s->outbox.failed)
		buffer_fini(&s->outbox);
	pthread_mutex_unlock(&s->lock);
	return err;
}

void *subscription_run(void *context)
{
	struct subscription *s = context;

	for (int attempt = 1; qc_context_err(s->life).kind == QC_OK;) {
		qc_error err = no_error();
		if (!s->conn)
			err = subscription_dial(s, s->life);
		if (s->conn && err.kind == QC_OK)
			err = write_all(s);
		if (err.kind == QC_OK) {
			attempt = 1;
			err = serve(s);
			if (qc_context_err(s->life).kind == QC_OK)
				subscription_put(s, subscription_disconnected(err));
		}
		subscription_hang_up(s);
		if (back_off(&s->pool->settings, s->life, attempt++).kind != QC_OK)
			break;
	}
	return NULL;
}

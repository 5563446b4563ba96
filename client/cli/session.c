#include "client/cli/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

void print(struct text *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = write(STDOUT_FILENO, text->data + done, text->len - done);
		if (n < 0 && errno != EINTR)
			exit(errno == EPIPE ? 0 : 1);
		done += n > 0 ? (size_t)n : 0;
	}
	text_clear(text);
}

void session_init(struct session *s, const struct options *options)
{
	*s = (struct session){.options = options, .db = options->connection.db, .protocol = options->connection.protocol};
	s->format = options->format;
	if (s->format == FORMAT_AUTO)
		s->format = isatty(STDOUT_FILENO) ? FORMAT_STANDARD : FORMAT_RAW;
	s->colour = s->format == FORMAT_STANDARD && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

void session_drop(struct session *s)
{
	if (s->line)
		qc_close(s->line);
	if (s->client)
		qc_close(s->client);
	s->line = s->client = NULL;
	s->in_multi = false;
}

void session_fini(struct session *s)
{
	session_drop(s);
	words_fini(&s->auth);
	text_fini(&s->out);
}

bool session_is_connected(const struct session *s)
{
	return s->line != NULL;
}

/* What was typed on the connection before has made it what it was. */
static qc_error restore(struct session *s, qc_context *context)
{
	qc_result hello = {.reply = NULL}, auth = {.reply = NULL}, select = {.reply = NULL};
	qc_error err = {.kind = QC_OK};

	if (s->auth.count)
		auth = qc_do_args(s->line, context, (qc_args){s->auth.items, s->auth.count});
	if (s->protocol != s->options->connection.protocol)
		hello = qc_do(s->line, context, "HELLO", s->protocol);
	if (s->db != s->options->connection.db)
		select = qc_do(s->line, context, "SELECT", s->db);
	err = qc_failed(auth) ? auth.err : qc_failed(hello) ? hello.err : select.err;
	qc_release(&hello);
	qc_release(&auth);
	qc_release(&select);
	return err;
}

bool session_connect(struct session *s)
{
	qc_context *context = interrupt_begin();

	session_drop(s);
	s->client = qc_open(&s->options->connection);
	qc_error err = s->client->err;
	if (err.kind == QC_OK) {
		s->line = qc_pin(s->client, context);
		err = s->line->err;
	}
	if (err.kind == QC_OK)
		err = restore(s, context);
	/* A password may still be typed: AUTH. */
	bool keep = err.kind == QC_OK || (s->is_interactive && qc_has_code(err, "NOAUTH") && s->line);
	if (err.kind != QC_OK)
		fprintf(stderr, "Could not connect%s%s: %s\n", err.kind == QC_SERVER ? " to " : "",
			err.kind == QC_SERVER ? s->options->shown : "", err.text);
	if (!keep)
		session_drop(s);
	interrupt_end();
	return keep;
}

/* Has the server closed it while nobody looked? */
static bool is_dead(struct session *s)
{
	int fd = qc_pinned_fd(s->line);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	return fd < 0 || (poll(&p, 1, 0) == 1 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
}

static bool ensure_connected(struct session *s)
{
	if (s->line && !is_dead(s))
		return true;
	bool was = s->line != NULL, lost_multi = s->in_multi;
	if (was && s->is_interactive)
		fprintf(stderr, "The server has closed the connection%s.\n", lost_multi ? "; the transaction is lost" : "");
	if (!session_connect(s))
		return false;
	if (was && s->is_interactive)
		fprintf(stderr, "Connected again to %s.\n", s->options->shown);
	return !lost_multi;
}

qc_result session_call(struct session *s, qc_args args)
{
	qc_result result = {.err = {.kind = QC_NETWORK}, .reply = NULL};

	if (!s->line && !session_connect(s))
		return result;
	result = qc_do_args(s->line, interrupt_begin(), args);
	if (qc_failed(result) && result.err.kind != QC_SERVER) {
		if (result.err.kind != QC_CANCELLED)
			fprintf(stderr, "%s\n", result.err.text);
		session_drop(s);
	}
	return result;
}

/* What a command that has succeeded does to the connection. */
static void note_state(struct session *s, const struct words *w)
{
	if (words_is(w, 0, "select") && w->count == 2) {
		s->db = atoi(w->owned[1]);
	} else if (words_is(w, 0, "auth")) {
		words_clear(&s->auth);
		for (size_t i = 0; i < w->count; i++)
			words_add(&s->auth, w->owned[i], w->items[i].len);
	} else if (words_is(w, 0, "multi")) {
		s->in_multi = true;
	} else if (words_is(w, 0, "exec") || words_is(w, 0, "discard")) {
		s->in_multi = false;
	} else if (words_is(w, 0, "hello") && w->count > 1) {
		s->protocol = atoi(w->owned[1]);
	} else if (words_is(w, 0, "reset")) {
		s->in_multi = false;
		s->db = 0;
		s->protocol = 2;
	}
}

static bool is_stream(const struct words *w)
{
	static const char *const words[] = {"monitor", "subscribe", "psubscribe", "ssubscribe", "sync", "psync"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words_is(w, 0, words[i]))
			return true;
	return false;
}

static void show(struct session *s, const qc_reply *reply)
{
	format_reply(&s->out, reply, s->format, s->colour);
	print(&s->out);
}

static enum outcome show_error(struct session *s, const qc_error *err)
{
	if (err->kind == QC_SERVER) {
		format_error(&s->out, err->text, s->format, s->colour);
		print(&s->out);
		return OUTCOME_FAILED;
	}
	if (err->kind == QC_CANCELLED) {
		fputs("(cancelled)\n", stderr);
		return OUTCOME_CANCELLED;
	}
	fprintf(stderr, "Error: %s\n", err->text);
	return err->kind == QC_INVALID ? OUTCOME_FAILED : OUTCOME_LOST;
}

/* Shows what comes until Ctrl-C or the end of the connection, which is then of no further use. */
static enum outcome stream(struct session *s, const struct words *w)
{
	qc_context *context = interrupt_begin();
	qc_status sent = qc_send(s->line, context, (qc_args){w->items, w->count});
	qc_error err = sent.err;
	enum outcome outcome = OUTCOME_FINE;
	bool first = true;

	if (s->is_interactive)
		fputs("Reading messages... (press Ctrl-C to stop)\n", stderr);
	while (err.kind == QC_OK) {
		qc_result message qc_auto = qc_receive(s->line, context);
		err = message.err;
		if (err.kind != QC_OK)
			break;
		show(s, message.reply);
		if (first && qc_reply_type(message.reply) == QC_ERROR) {
			outcome = OUTCOME_FAILED;
			break;
		}
		first = false;
	}
	if (err.kind != QC_OK && err.kind != QC_CANCELLED)
		outcome = show_error(s, &err);
	session_drop(s);
	interrupt_end();
	if (s->is_interactive)
		session_connect(s);
	return outcome;
}

static enum outcome call(struct session *s, const struct words *w)
{
	qc_result result qc_auto = qc_do_args(s->line, interrupt_begin(), (qc_args){w->items, w->count});

	if (result.err.kind == QC_OK) {
		show(s, result.reply);
		note_state(s, w);
		return OUTCOME_FINE;
	}
	if (words_is(w, 0, "exec") && result.err.kind == QC_SERVER)
		s->in_multi = false;
	enum outcome outcome = show_error(s, &result.err);
	if (result.err.kind == QC_SERVER || result.err.kind == QC_INVALID)
		return outcome;
	/* The connection may still bring the answer to this: it can't be used for the next. */
	session_drop(s);
	return outcome;
}

/* SHUTDOWN and QUIT are answered by the end of the connection. */
static bool ends_connection(const struct words *w)
{
	return words_is(w, 0, "shutdown") || words_is(w, 0, "quit");
}

enum outcome session_run(struct session *s, const struct words *w)
{
	enum outcome outcome = OUTCOME_LOST;

	if (!ensure_connected(s)) {
		return s->line ? OUTCOME_FAILED : OUTCOME_LOST;
	} else if (is_stream(w)) {
		outcome = stream(s, w);
	} else if (ends_connection(w)) {
		qc_result result qc_auto = qc_do_args(s->line, interrupt_begin(), (qc_args){w->items, w->count});
		outcome = qc_failed(result) && result.err.kind != QC_NETWORK ? show_error(s, &result.err) : OUTCOME_FINE;
		if (result.reply)
			show(s, result.reply);
		if (outcome == OUTCOME_FINE)
			session_drop(s);
	} else {
		outcome = call(s, w);
	}
	if (interrupt_end() && outcome == OUTCOME_LOST)
		outcome = OUTCOME_CANCELLED;
	return outcome;
}

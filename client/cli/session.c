#include "client/cli/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/cli/tty.h"

void session_init(struct session *s, struct options *options)
{
	*s = (struct session){.options = options};
	s->state.db = s->state.actual_db = options->connection.db;
	s->state.protocol = s->state.actual_protocol = options->connection.protocol;
	s->style = options->style;
	if (s->style.format == FORMAT_AUTO)
		s->style.format = isatty(STDOUT_FILENO) ? FORMAT_STANDARD : FORMAT_RAW;
	s->style.has_colour = s->style.format == FORMAT_STANDARD && tty_is_smart(STDOUT_FILENO) && !getenv("NO_COLOR");
	s->style.is_readable = isatty(STDOUT_FILENO);
	s->pager = options->pager;
	s->shows_pushes = options->pushes == PUSHES_SHOWN || (options->pushes == PUSHES_AUTO && isatty(STDOUT_FILENO));
}

static void close_connection(struct session *s)
{
	if (s->pinned)
		qc_close(s->pinned);
	if (s->client)
		qc_close(s->client);
	s->pinned = s->client = NULL;
}

void session_drop(struct session *s)
{
	close_connection(s);
	state_forget_multi(&s->state);
}

void session_fini(struct session *s)
{
	session_drop(s);
	state_fini(&s->state);
	text_fini(&s->out);
}

bool session_is_connected(const struct session *s)
{
	return s->pinned != NULL;
}

static qc_error ask(struct session *s, qc_context *context, qc_args args)
{
	qc_result result qc_auto = qc_do_args(s->pinned, context, args);

	return result.err;
}

/* Brings the connection to the wanted protocol and database. */
static qc_error apply_state(struct session *s, qc_context *context)
{
	struct state *state = &s->state;
	qc_error err = {.kind = QC_OK};

	if (state->protocol != state->actual_protocol)
		err = ask(s, context, QC_LIST("HELLO", state->protocol));
	if (err.kind != QC_OK)
		return err;
	state->actual_protocol = state->protocol;
	if (state->db != state->actual_db)
		err = ask(s, context, QC_LIST("SELECT", state->db));
	if (err.kind == QC_OK)
		state->actual_db = state->db;
	return err;
}

/* Opens a connection: applies the options, then the AUTH typed on the previous connection. */
static qc_error open_connection(struct session *s, qc_context *context, const qc_options *options)
{
	struct words *auth = &s->state.auth;

	close_connection(s);
	s->client = qc_open_with(context, options);
	if (qc_failed(*s->client))
		return s->client->err;
	s->pinned = qc_pin(s->client, context);
	if (qc_failed(*s->pinned))
		return s->pinned->err;
	s->state.actual_db = options->db;
	s->state.actual_protocol = options->protocol;
	qc_error err = {.kind = QC_OK};
	if (auth->count)
		err = ask(s, context, (qc_args){auth->items, auth->count});
	return err.kind == QC_OK ? apply_state(s, context) : err;
}

/* Hides quoted parts in an error about an address that contains a password. */
static void hide_password(const struct session *s, qc_error *err)
{
	char *quote = strchr(err->text, '"'), *end = strrchr(err->text, '"');
	char rest[sizeof(err->text)];

	if (err->kind != QC_INVALID || !quote || !strchr(s->options->address.data, '@'))
		return;
	/* Without a second quote, the text was cut. */
	snprintf(rest, sizeof(rest), "%s", end > quote ? end + 1 : "");
	snprintf(quote, sizeof(err->text) - (size_t)(quote - err->text), "\"...\"%s", rest);
}

static enum outcome report_failure(struct session *s, qc_error err, bool is_open)
{
	if (err.kind == QC_CANCELLED) {
		fputs("(cancelled)\n", stderr);
		return OUTCOME_CANCELLED;
	}
	hide_password(s, &err);
	if (is_open)
		fprintf(stderr, "%s: %s\n", s->options->shown, err.text);
	else
		fprintf(stderr, "Could not connect%s%s: %s\n", err.kind == QC_SERVER ? " to " : "",
			err.kind == QC_SERVER ? s->options->shown : "", err.text);
	return is_open ? OUTCOME_OK : err.kind == QC_INVALID ? OUTCOME_WRONG : OUTCOME_LOST;
}

/* Whether the server has no password set, in the words of Redis 6 and later, or of earlier versions. */
static bool says_no_password(const qc_error *err)
{
	return err->kind == QC_SERVER &&
	       (strstr(err->text, "without any password configured") || strstr(err->text, "no password is set"));
}

static qc_error open_without_password(struct session *s, qc_context *context, const qc_options *options)
{
	struct text address = {NULL, 0, 0};
	qc_options anonymous = *options;

	options_write_anonymous(&address, options->address);
	anonymous.address = address.data;
	anonymous.password = anonymous.user = NULL;
	qc_error err = open_connection(s, context, &anonymous);
	text_fini(&address);
	return err;
}

/* A password may be meant for several servers, as one in the environment is. A server without one is used without it. */
static qc_error open_with_password(struct session *s, qc_context *context, const qc_options *options)
{
	bool has_password = options->password || strchr(options->address, '@');

	if (s->wants_no_password)
		return open_without_password(s, context, options);
	qc_error err = open_connection(s, context, options);
	if (!has_password || !says_no_password(&err))
		return err;
	fprintf(stderr, "Warning: %s has no password; the given one is not used.\n", s->options->shown);
	s->wants_no_password = true;
	return open_without_password(s, context, options);
}

enum outcome session_connect(struct session *s)
{
	qc_context *context = interrupt_begin();
	qc_options options = s->options->connection;
	enum outcome outcome = OUTCOME_OK;

	session_drop(s);
	qc_error err = open_with_password(s, context, &options);
	/* The user may still type AUTH, or has typed it: then the options for database and protocol are applied afterwards. */
	if (!s->pinned && qc_has_code(err, "NOAUTH") && (s->is_interactive || s->state.auth.count)) {
		options.db = 0;
		options.protocol = 2;
		err = open_connection(s, context, &options);
	}
	if (err.kind != QC_OK) {
		bool is_open = s->pinned && s->is_interactive && qc_has_code(err, "NOAUTH");
		outcome = report_failure(s, err, is_open);
		if (!is_open)
			session_drop(s);
	}
	interrupt_end();
	return outcome;
}

/* Whether the server has closed the connection since the last command. */
static bool is_dead(struct session *s)
{
	int fd = qc_pinned_fd(s->pinned);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	if (fd < 0)
		return true;
	if (poll(&p, 1, 0) != 1)
		return false;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/*
 * Called before a command. Commands of a lost transaction must not run outside it, nor after a lost WATCH. Then this returns OUTCOME_LOST,
 * even if it has reconnected.
 */
static enum outcome ensure_connected(struct session *s)
{
	bool was = s->pinned != NULL;
	const char *lost = state_loss(&s->state);

	if (was && !is_dead(s))
		return OUTCOME_OK;
	if (was && (s->is_interactive || lost))
		fprintf(stderr, "The server has closed the connection%s%s.\n", lost ? "; " : "", lost ? lost : "");
	if (lost && !s->is_interactive) {
		session_drop(s);
		return OUTCOME_LOST;
	}
	enum outcome outcome = session_connect(s);
	if (outcome != OUTCOME_OK)
		return outcome;
	if (was && s->is_interactive)
		fprintf(stderr, "Reconnected to %s%s.\n", s->options->shown, lost ? "; the command was not run" : "");
	return lost ? OUTCOME_LOST : OUTCOME_OK;
}

qc_result session_call(struct session *s, qc_args args)
{
	static const enum qc_kind kinds[] = {[OUTCOME_LOST] = QC_NETWORK, [OUTCOME_CANCELLED] = QC_CANCELLED,
					     [OUTCOME_WRONG] = QC_INVALID};
	qc_result result = {.err = {.kind = QC_OK}, .reply = NULL};

	if (!s->pinned)
		result.err.kind = kinds[session_connect(s)];
	if (qc_failed(result))
		return result;
	result = qc_do_args(s->pinned, interrupt_begin(), args);
	if (qc_failed(result) && result.err.kind != QC_SERVER) {
		if (result.err.kind != QC_CANCELLED)
			fprintf(stderr, "%s\n", result.err.text);
		session_drop(s);
	}
	return result;
}

static bool is_stream(const struct words *w)
{
	static const char *const words[] = {"monitor", "subscribe", "psubscribe", "ssubscribe", "sync", "psync"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words_is(w, 0, words[i]))
			return true;
	return false;
}

/* Text with more lines than the terminal goes through the pager, if there is one. */
static bool wants_pager(const struct session *s)
{
	size_t columns, rows, lines = 0;

	if (!s->pager || !*s->pager || !s->is_interactive || !tty_is_smart(STDOUT_FILENO))
		return false;
	tty_size(&columns, &rows);
	for (size_t i = 0; i < s->out.len && lines < rows; i++)
		lines += s->out.data[i] == '\n';
	return lines >= rows;
}

/* Prints s->out. False if Ctrl-C has stopped it. */
static bool show_out(struct session *s)
{
	if (wants_pager(s) && output_to_program(s->pager)) {
		print_until_interrupt(&s->out);
		output_back();
		return true;
	}
	if (print_until_interrupt(&s->out))
		return true;
	/* Ctrl-C may have cut a colour sequence. */
	text_puts(&s->out, s->style.has_colour ? "\033[0m\n" : "\n");
	print(&s->out);
	fputs("(cancelled: output truncated)\n", stderr);
	return false;
}

static bool show(struct session *s, const qc_reply *reply)
{
	format_reply(&s->out, reply, &s->style);
	return show_out(s);
}

/* Prints the reply to this command. */
static bool show_answer(struct session *s, const struct words *w, const qc_reply *reply)
{
	bool is_text = qc_reply_type(reply) == QC_BULK && format_is_text(w->owned[0], w->count > 1 ? w->owned[1] : NULL);

	if (s->style.format != FORMAT_STANDARD || !is_text)
		return show(s, reply);
	format_text(&s->out, reply);
	return show_out(s);
}

static enum outcome show_error(struct session *s, const qc_error *err)
{
	if (err->kind == QC_SERVER) {
		format_error(&s->out, err->text, &s->style);
		if (s->options->errors_apart)
			print_to_stderr(&s->out);
		else
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

/* Reports what is lost with the connection. */
static void report_loss(const struct session *s)
{
	const char *lost = state_loss(&s->state);

	if (lost)
		fprintf(stderr, "Connection closed; %s.\n", lost);
}

/* Prints messages until Ctrl-C or the end of the connection. The connection cannot be used for commands afterwards. */
static enum outcome print_messages(struct session *s)
{
	qc_context *context = interrupt_begin();
	qc_error err = {.kind = QC_OK};
	enum outcome outcome = OUTCOME_OK;

	if (s->is_interactive)
		fputs("Reading messages... (press Ctrl-C to stop)\n", stderr);
	while (err.kind == QC_OK) {
		qc_result message qc_auto = qc_receive(s->pinned, context);
		err = message.err;
		if (err.kind != QC_OK || !show(s, message.reply))
			break;
	}
	if (err.kind != QC_OK && err.kind != QC_CANCELLED)
		outcome = show_error(s, &err);
	report_loss(s);
	session_drop(s);
	interrupt_end();
	if (s->is_interactive)
		session_connect(s);
	return outcome;
}

/* The reply to the failed command may still arrive on this connection, so it is closed. */
static void close_after_error(struct session *s, enum outcome outcome)
{
	session_drop(s);
	if (outcome != OUTCOME_CANCELLED || !s->is_interactive)
		return;
	interrupt_end();
	session_connect(s);
}

/* Applies the database and protocol that had to wait for AUTH. If the server refuses them, the connection keeps the old ones, and the
 * prompt shows it. */
static enum outcome apply_state_late(struct session *s)
{
	qc_error err = apply_state(s, interrupt_begin());

	if (err.kind == QC_OK)
		return OUTCOME_OK;
	enum outcome outcome = show_error(s, &err);
	s->state.db = s->state.actual_db;
	s->state.protocol = s->state.actual_protocol;
	if (err.kind != QC_SERVER)
		close_after_error(s, outcome);
	return outcome;
}

/* Whether a command run by EXEC has failed. */
static bool has_error(const qc_reply *replies)
{
	for (size_t i = 0; i < qc_reply_count(replies); i++)
		if (qc_reply_type(qc_reply_at(replies, i)) == QC_ERROR)
			return true;
	return false;
}

/* In RESP3 subscribing commands are answered by a push, whose first element is the name of the command. */
static bool is_answer(const struct words *w, const qc_reply *reply)
{
	enum qc_reply_type type = qc_reply_type(reply);
	const char *kind = qc_reply_text(qc_reply_at(reply, 0));

	return type == QC_PUSH ? kind && words_is(w, 0, kind) : type != QC_ATTRIBUTE;
}

/* Sends the command and waits for its reply. Push messages that arrive before it are printed. */
static qc_result ask_for(struct session *s, const struct words *w)
{
	qc_context *context = interrupt_begin();
	qc_result out = {.err = qc_send(s->pinned, context, (qc_args){w->items, w->count}).err, .reply = NULL};

	while (!qc_failed(out)) {
		out = qc_receive(s->pinned, context);
		if (qc_failed(out) || is_answer(w, out.reply))
			break;
		if (s->shows_pushes && qc_reply_type(out.reply) == QC_PUSH) {
			format_push(&s->out, out.reply, &s->style);
			print(&s->out);
		}
		qc_release(&out);
	}
	return out;
}

static enum outcome fail(struct session *s, const struct words *w, const qc_error *err)
{
	enum outcome outcome = show_error(s, err);

	if (err->kind == QC_INVALID)
		return outcome;
	/* The outcome of the EXEC itself is unknown. */
	if (!words_is(w, 0, "exec"))
		report_loss(s);
	close_after_error(s, outcome);
	return outcome;
}

/* Handles the reply of a command. */
static enum outcome take_answer(struct session *s, const struct words *w, const qc_reply *reply)
{
	qc_error refused = qc_reply_err(reply);

	if (refused.kind != QC_OK) {
		if (s->state.in_multi && words_is(w, 0, "exec"))
			state_forget_multi(&s->state);
		return show_error(s, &refused);
	}
	bool whole = show_answer(s, w, reply), is_queued = state_is_queued(&s->state, reply);
	state_note(&s->state, w, reply);
	if (s->state.is_subscribed || (is_stream(w) && !is_queued))
		return print_messages(s);
	if (!whole)
		return OUTCOME_CANCELLED;
	if (!state_is_applied(&s->state))
		return apply_state_late(s);
	return words_is(w, 0, "exec") && has_error(reply) ? OUTCOME_FAILED : OUTCOME_OK;
}

/* Whether the reply is a redirection to follow, such as "MOVED 3999 127.0.0.1:6381". */
static bool is_redirection(const struct session *s, const qc_reply *reply)
{
	const char *text = qc_reply_type(reply) == QC_ERROR ? qc_reply_text(reply) : "";

	return s->options->follows && !s->state.in_multi && (strncmp(text, "MOVED ", 6) == 0 || strncmp(text, "ASK ", 4) == 0);
}

/* Connects to another node of the cluster, and stays there. */
static bool follow(struct session *s, const char *redirection)
{
	bool is_ask = strncmp(redirection, "ASK ", 4) == 0;
	const char *slot = strchr(redirection, ' ') + 1;
	char here[sizeof(s->options->shown)];

	snprintf(here, sizeof(here), "%s", s->options->shown);
	if (!options_set_endpoint(s->options, strrchr(redirection, ' ') + 1))
		return false;
	if (session_connect(s) != OUTCOME_OK) {
		/* This node will name another one, once the cluster has replaced the dead one. */
		if (options_set_server(s->options, here, NULL))
			session_connect(s);
		return false;
	}
	if (s->is_interactive)
		fprintf(stderr, "-> Redirected to slot [%.*s] located at %s\n", (int)strcspn(slot, " "), slot, s->options->shown);
	qc_error err = is_ask ? ask(s, interrupt_begin(), QC_LIST("ASKING")) : (qc_error){.kind = QC_OK};
	return err.kind == QC_OK;
}

/* The cluster may change while redirections are followed. */
#define REDIRECTIONS_MOST 16

static enum outcome call(struct session *s, const struct words *w)
{
	qc_result result qc_auto = ask_for(s, w);

	for (int i = 0; i < REDIRECTIONS_MOST && !qc_failed(result) && is_redirection(s, result.reply); i++) {
		if (!follow(s, qc_reply_text(result.reply)))
			break;
		qc_release(&result);
		result = ask_for(s, w);
	}
	return qc_failed(result) ? fail(s, w, &result.err) : take_answer(s, w, result.reply);
}

/* The server closes the connection after these commands. */
static bool ends_connection(const struct words *w)
{
	return words_is(w, 0, "shutdown") || words_is(w, 0, "quit");
}

enum outcome session_run(struct session *s, const struct words *w)
{
	enum outcome outcome = ensure_connected(s);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (ends_connection(w)) {
		qc_result result qc_auto = qc_do_args(s->pinned, interrupt_begin(), (qc_args){w->items, w->count});
		outcome = qc_failed(result) && result.err.kind != QC_NETWORK ? show_error(s, &result.err) : OUTCOME_OK;
		if (result.reply)
			show(s, result.reply);
		if (outcome == OUTCOME_OK)
			session_drop(s);
	} else {
		outcome = call(s, w);
	}
	if (interrupt_end() && outcome == OUTCOME_LOST)
		outcome = OUTCOME_CANCELLED;
	return outcome;
}

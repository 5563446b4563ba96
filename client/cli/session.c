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
	s->state.db = s->state.line_db = options->connection.db;
	s->state.protocol = s->state.line_protocol = options->connection.protocol;
	s->style = options->style;
	if (s->style.format == FORMAT_AUTO)
		s->style.format = isatty(STDOUT_FILENO) ? FORMAT_STANDARD : FORMAT_RAW;
	s->style.has_colour = s->style.format == FORMAT_STANDARD && tty_is_smart(STDOUT_FILENO) && !getenv("NO_COLOR");
	s->style.is_readable = isatty(STDOUT_FILENO);
	s->pager = options->pager;
	s->shows_pushes = options->pushes == PUSHES_SHOWN || (options->pushes == PUSHES_AUTO && isatty(STDOUT_FILENO));
}

void session_drop(struct session *s)
{
	if (s->line)
		qc_close(s->line);
	if (s->client)
		qc_close(s->client);
	s->line = s->client = NULL;
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
	return s->line != NULL;
}

static qc_error ask(struct session *s, qc_context *context, qc_args args)
{
	qc_result result qc_auto = qc_do_args(s->line, context, args);

	return result.err;
}

/* Brings the connection to the protocol and the database in which it ought to be. */
static qc_error settle(struct session *s, qc_context *context)
{
	struct state *state = &s->state;
	qc_error err = {.kind = QC_OK};

	if (state->protocol != state->line_protocol)
		err = ask(s, context, QC_LIST("HELLO", state->protocol));
	if (err.kind != QC_OK)
		return err;
	state->line_protocol = state->protocol;
	if (state->db != state->line_db)
		err = ask(s, context, QC_LIST("SELECT", state->db));
	if (err.kind == QC_OK)
		state->line_db = state->db;
	return err;
}

/* A line, with what the options say done on it, and what was typed on the one before. */
static qc_error open_line(struct session *s, qc_context *context, const qc_options *options)
{
	struct words *auth = &s->state.auth;

	if (s->client)
		qc_close(s->client);
	s->client = qc_open_with(context, options);
	if (qc_failed(*s->client))
		return s->client->err;
	s->line = qc_pin(s->client, context);
	if (qc_failed(*s->line))
		return s->line->err;
	s->state.line_db = options->db;
	s->state.line_protocol = options->protocol;
	qc_error err = {.kind = QC_OK};
	if (auth->count)
		err = ask(s, context, (qc_args){auth->items, auth->count});
	return err.kind == QC_OK ? settle(s, context) : err;
}

/* An address with a password in it: errors that quote a part of it may quote that. */
static void conceal(const struct session *s, qc_error *err)
{
	char *quote = strchr(err->text, '"'), *end = strrchr(err->text, '"');
	char rest[sizeof(err->text)];

	if (err->kind != QC_INVALID || !quote || !strchr(s->options->address.data, '@'))
		return;
	/* An open quote is a text that was cut. */
	snprintf(rest, sizeof(rest), "%s", end > quote ? end + 1 : "");
	snprintf(quote, sizeof(err->text) - (size_t)(quote - err->text), "\"...\"%s", rest);
}

static enum outcome say_why_not(struct session *s, qc_error err, bool is_open)
{
	if (err.kind == QC_CANCELLED) {
		fputs("(cancelled)\n", stderr);
		return OUTCOME_CANCELLED;
	}
	conceal(s, &err);
	if (is_open)
		fprintf(stderr, "%s: %s\n", s->options->shown, err.text);
	else
		fprintf(stderr, "Could not connect%s%s: %s\n", err.kind == QC_SERVER ? " to " : "",
			err.kind == QC_SERVER ? s->options->shown : "", err.text);
	return is_open ? OUTCOME_FINE : err.kind == QC_INVALID ? OUTCOME_WRONG : OUTCOME_LOST;
}

/* Is there no password to be given? As servers have said it since there are users, and before. */
static bool says_no_password(const qc_error *err)
{
	return err->kind == QC_SERVER &&
	       (strstr(err->text, "without any password configured") || strstr(err->text, "no password is set"));
}

/* A password that stands in the environment for all servers is no reason to fail at one that has none. */
static qc_error open_door(struct session *s, qc_context *context, qc_options *options)
{
	if (s->wants_no_password)
		options->password = options->user = NULL;
	qc_error err = open_line(s, context, options);
	if (!options->password || !says_no_password(&err))
		return err;
	fprintf(stderr, "Warning: %s wants no password; the one that was given is not used.\n", s->options->shown);
	s->wants_no_password = true;
	options->password = options->user = NULL;
	return open_line(s, context, options);
}

enum outcome session_connect(struct session *s)
{
	qc_context *context = interrupt_begin();
	qc_options options = s->options->connection;
	enum outcome outcome = OUTCOME_FINE;

	session_drop(s);
	qc_error err = open_door(s, context, &options);
	/* A password may still be typed: AUTH. Or it was, and what the options say must wait for it. */
	if (!s->line && qc_has_code(err, "NOAUTH") && (s->is_interactive || s->state.auth.count)) {
		options.db = 0;
		options.protocol = 2;
		err = open_line(s, context, &options);
	}
	if (err.kind != QC_OK) {
		bool is_open = s->line && s->is_interactive && qc_has_code(err, "NOAUTH");
		outcome = say_why_not(s, err, is_open);
		if (!is_open)
			session_drop(s);
	}
	interrupt_end();
	return outcome;
}

/* Has the server closed it while nobody looked? */
static bool is_dead(struct session *s)
{
	int fd = qc_pinned_fd(s->line);
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
 * Before a command. What was meant for a transaction that is lost must not run outside of it, nor one whose watched keys may have
 * changed unseen: LOST then, also if connected again.
 */
static enum outcome ensure_connected(struct session *s)
{
	bool was = s->line != NULL;
	const char *lost = state_at_stake(&s->state);

	if (was && !is_dead(s))
		return OUTCOME_FINE;
	if (was && (s->is_interactive || lost))
		fprintf(stderr, "The server has closed the connection%s%s.\n", lost ? "; " : "", lost ? lost : "");
	if (lost && !s->is_interactive) {
		session_drop(s);
		return OUTCOME_LOST;
	}
	enum outcome outcome = session_connect(s);
	if (outcome != OUTCOME_FINE)
		return outcome;
	if (was && s->is_interactive)
		fprintf(stderr, "Connected again to %s%s.\n", s->options->shown, lost ? "; the command was not run" : "");
	return lost ? OUTCOME_LOST : OUTCOME_FINE;
}

qc_result session_call(struct session *s, qc_args args)
{
	static const enum qc_kind kinds[] = {[OUTCOME_LOST] = QC_NETWORK, [OUTCOME_CANCELLED] = QC_CANCELLED,
					     [OUTCOME_WRONG] = QC_INVALID};
	qc_result result = {.err = {.kind = QC_OK}, .reply = NULL};

	if (!s->line)
		result.err.kind = kinds[session_connect(s)];
	if (qc_failed(result))
		return result;
	result = qc_do_args(s->line, interrupt_begin(), args);
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

/* More lines than the terminal has go through the pager, if there is one. */
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

/* What `out` holds. False when Ctrl-C has ended it. */
static bool show_out(struct session *s)
{
	if (wants_pager(s) && output_to_program(s->pager)) {
		print_until_interrupt(&s->out);
		output_back();
		return true;
	}
	if (print_until_interrupt(&s->out))
		return true;
	/* It may have stopped within a colour, or within the sequence for one. */
	text_puts(&s->out, s->style.has_colour ? "\033[0m\n" : "\n");
	print(&s->out);
	fputs("(cancelled: the rest is not shown)\n", stderr);
	return false;
}

static bool show(struct session *s, const qc_reply *reply)
{
	format_reply(&s->out, reply, &s->style);
	return show_out(s);
}

/* The same for the answer to this command. */
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

/* Whatever ends the connection: what goes with it is said. */
static void say_what_is_lost(const struct session *s)
{
	const char *lost = state_at_stake(&s->state);

	if (lost)
		fprintf(stderr, "The connection is given up; %s.\n", lost);
}

/* Shows what comes until Ctrl-C or the end of the connection, which is then of no further use. */
static enum outcome listen_on(struct session *s)
{
	qc_context *context = interrupt_begin();
	qc_error err = {.kind = QC_OK};
	enum outcome outcome = OUTCOME_FINE;

	if (s->is_interactive)
		fputs("Reading messages... (press Ctrl-C to stop)\n", stderr);
	while (err.kind == QC_OK) {
		qc_result message qc_auto = qc_receive(s->line, context);
		err = message.err;
		if (err.kind != QC_OK || !show(s, message.reply))
			break;
	}
	if (err.kind != QC_OK && err.kind != QC_CANCELLED)
		outcome = show_error(s, &err);
	say_what_is_lost(s);
	session_drop(s);
	interrupt_end();
	if (s->is_interactive)
		session_connect(s);
	return outcome;
}

/* The connection may still bring the answer to what has failed on it: it can't be used for the next. */
static void lose_line(struct session *s, enum outcome outcome)
{
	session_drop(s);
	if (outcome != OUTCOME_CANCELLED || !s->is_interactive)
		return;
	interrupt_end();
	session_connect(s);
}

/* What had to wait for a password. When it is refused the connection stays where it is, and the prompt says so. */
static enum outcome settle_late(struct session *s)
{
	qc_error err = settle(s, interrupt_begin());

	if (err.kind == QC_OK)
		return OUTCOME_FINE;
	enum outcome outcome = show_error(s, &err);
	s->state.db = s->state.line_db;
	s->state.protocol = s->state.line_protocol;
	if (err.kind != QC_SERVER)
		lose_line(s, outcome);
	return outcome;
}

/* Of the commands that EXEC has run, has one failed? */
static bool has_error(const qc_reply *replies)
{
	for (size_t i = 0; i < qc_reply_count(replies); i++)
		if (qc_reply_type(qc_reply_at(replies, i)) == QC_ERROR)
			return true;
	return false;
}

/* In RESP3 these are answered by a push, whose first element is the command's name. */
static bool is_answer(const struct words *w, const qc_reply *reply)
{
	enum qc_reply_type type = qc_reply_type(reply);
	const char *kind = qc_reply_text(qc_reply_at(reply, 0));

	return type == QC_PUSH ? kind && words_is(w, 0, kind) : type != QC_ATTRIBUTE;
}

/* Sends it, and waits for the answer; what comes unasked before it is shown. */
static qc_result ask_for(struct session *s, const struct words *w)
{
	qc_context *context = interrupt_begin();
	qc_result out = {.err = qc_send(s->line, context, (qc_args){w->items, w->count}).err, .reply = NULL};

	while (!qc_failed(out)) {
		out = qc_receive(s->line, context);
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
	/* What became of EXEC itself isn't known. */
	if (!words_is(w, 0, "exec"))
		say_what_is_lost(s);
	lose_line(s, outcome);
	return outcome;
}

/* What came of a command that has been answered. */
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
		return listen_on(s);
	if (!whole)
		return OUTCOME_CANCELLED;
	if (!state_is_settled(&s->state))
		return settle_late(s);
	return words_is(w, 0, "exec") && has_error(reply) ? OUTCOME_FAILED : OUTCOME_FINE;
}

/* Where the answer sends one: "MOVED 3999 127.0.0.1:6381". An empty host is the one that says it. */
static bool read_redirection(const struct session *s, const qc_reply *reply, struct text *out_target)
{
	const char *text = qc_reply_type(reply) == QC_ERROR ? qc_reply_text(reply) : "";
	bool is_redirection = strncmp(text, "MOVED ", 6) == 0 || strncmp(text, "ASK ", 4) == 0;
	const char *last = strrchr(text, ' ');

	if (!s->options->follows || !is_redirection || s->state.in_multi)
		return false;
	text_clear(out_target);
	if (last[1] == ':')
		text_add(out_target, s->options->shown, strcspn(s->options->shown, ":"));
	text_puts(out_target, last + 1);
	return true;
}

/* Goes to another node of the cluster, and stays there. */
static bool follow(struct session *s, const qc_reply *reply, const char *target)
{
	bool is_ask = strncmp(qc_reply_text(reply), "ASK ", 4) == 0;

	if (!options_aim(s->options, target, NULL) || session_connect(s) != OUTCOME_FINE)
		return false;
	if (s->is_interactive)
		fprintf(stderr, "-> Redirected to %s\n", s->options->shown);
	qc_error err = is_ask ? ask(s, interrupt_begin(), QC_LIST("ASKING")) : (qc_error){.kind = QC_OK};
	return err.kind == QC_OK;
}

/* As clusters change while one follows them. */
#define REDIRECTIONS_MOST 16

static enum outcome call(struct session *s, const struct words *w)
{
	struct text target = {NULL, 0, 0};
	qc_result result qc_auto = ask_for(s, w);
	enum outcome outcome;

	for (int i = 0; i < REDIRECTIONS_MOST && !qc_failed(result) && read_redirection(s, result.reply, &target); i++) {
		if (!follow(s, result.reply, target.data))
			break;
		qc_release(&result);
		result = ask_for(s, w);
	}
	outcome = qc_failed(result) ? fail(s, w, &result.err) : take_answer(s, w, result.reply);
	text_fini(&target);
	return outcome;
}

/* SHUTDOWN and QUIT are answered by the end of the connection. */
static bool ends_connection(const struct words *w)
{
	return words_is(w, 0, "shutdown") || words_is(w, 0, "quit");
}

enum outcome session_run(struct session *s, const struct words *w)
{
	enum outcome outcome = ensure_connected(s);

	if (outcome != OUTCOME_FINE)
		return outcome;
	if (ends_connection(w)) {
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

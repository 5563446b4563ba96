/*
 * The server may send fewer replies than commands (CLIENT REPLY OFF), and may refuse the ECHO. So the commands sent are counted: an error
 * after all of them have been answered is the reply to the ECHO. Loading also ends when no reply arrives for a while.
 */
#include "client/cli/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(struct load *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct load *l, const char *format, ...)
{
	va_list args;

	progress_end(&l->progress);
	fputs("qcache-cli: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\n", stderr);
	l->has_failed = true;
}

static void note_reply(struct load *l, const char *error)
{
	l->replies++;
	l->errors += error != NULL;
	if (error)
		progress_end(&l->progress);
	if (l->note)
		l->note(l->note_data, error);
	else if (error)
		fprintf(stderr, "%s\n", error);
	if (error && strncmp(error, "ERR Protocol error", 18) == 0)
		l->is_refused = true;
}

/* Whether this is the reply to the ECHO. Any reply other than the mark is reported as a failure. */
static bool is_last(struct load *l, enum qc_reply_type type, const char *text)
{
	if (type == QC_BULK && strcmp(text, l->mark) == 0)
		return true;
	if (l->replies < l->sent.commands)
		return false;
	if (type == QC_ERROR)
		fail(l, "the ECHO after the last command was refused: %s", text);
	else if (type == QC_SIMPLE && strcmp(text, "QUEUED") == 0)
		fail(l, "the input ends inside a transaction, which is not executed");
	else
		return false;
	return true;
}

static void take_reply(struct load *l, const qc_reply *reply)
{
	enum qc_reply_type type = qc_reply_type(reply);
	const char *text = qc_reply_text(reply);

	/* not a reply to a command */
	if (type == QC_PUSH)
		return;
	if (l->is_marked && is_last(l, type, text))
		l->is_done = true;
	else
		note_reply(l, type == QC_ERROR ? text : NULL);
}

/* False if the context has ended before the last reply. */
static bool take_replies(struct load *l, qc_context *context)
{
	while (l->err.kind == QC_OK && !l->is_done) {
		qc_result reply qc_auto = qc_receive(l->session->pinned, context);
		if (qc_is(reply.err, QC_DEADLINE))
			return false;
		l->err = reply.err;
		if (reply.err.kind == QC_OK)
			take_reply(l, reply.reply);
	}
	return true;
}

void load_send(struct load *l, const void *data, size_t len)
{
	if (l->err.kind != QC_OK || len == 0)
		return;
	tally_add(&l->sent, data, len);
	qc_error err = qc_send_raw(l->session->pinned, interrupt_begin(), data, len).err;
	/* Even if sending failed: a reply may say why. */
	take_replies(l, l->no_wait);
	if (l->err.kind == QC_OK)
		l->err = err;
}

int load_start(struct load *l, struct session *s, const char *what, int fd)
{
	unsigned char random[LOAD_MARK_BYTES];
	struct stat stat;

	*l = (struct load){.session = s, .err = {.kind = QC_OK}};
	enum outcome connected = session_connect(s);
	if (connected != OUTCOME_OK)
		return outcome_status(connected);
	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		fputs("qcache-cli: cannot get random numbers\n", stderr);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(l->mark + 2 * i, 3, "%02x", random[i]);
	l->no_wait = qc_context_with_timeout(qc_background(), 0);
	bool is_file = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
	progress_start(&l->progress, what, is_file ? (uint64_t)stat.st_size : 0);
	return EXIT_OK;
}

/* After an incomplete command the ECHO would be parsed as part of it. */
static void send_mark(struct load *l)
{
	char end[128];

	if (l->sent.state == TALLY_LINE)
		load_send(l, "\r\n", 2);
	if (tally_is_inside(&l->sent)) {
		if (l->sent.state != TALLY_BROKEN)
			fail(l, "the input ends inside a command");
		return;
	}
	int len = snprintf(end, sizeof(end), "*2\r\n$4\r\nECHO\r\n$%zu\r\n%s\r\n", strlen(l->mark), l->mark);
	/* The ECHO is not counted. */
	l->is_marked = true;
	if (l->err.kind == QC_OK)
		l->err = qc_send_raw(l->session->pinned, interrupt_begin(), end, (size_t)len).err;
}

/* Whether a reply is still to come. Without the ECHO only the count tells; after invalid RESP the server closes the connection. */
static bool is_awaited(const struct load *l)
{
	if (l->err.kind != QC_OK || l->is_done)
		return false;
	return l->is_marked || l->sent.state == TALLY_BROKEN || l->replies < l->sent.commands;
}

/* Until the last reply, or until none has arrived for -pipe-timeout. */
static void await_replies(struct load *l)
{
	long seconds = l->session->options->pipe_timeout_s;

	while (is_awaited(l)) {
		uint64_t before = l->replies;
		qc_context *soon = seconds ? qc_context_with_timeout(interrupt_begin(), seconds * 1000) : NULL;
		qc_result reply qc_auto = qc_receive(l->session->pinned, soon ? soon : interrupt_begin());
		if (soon)
			qc_context_free(soon);
		if (qc_is(reply.err, QC_DEADLINE)) {
			fail(l, "no reply for %ld s", seconds);
			return;
		}
		l->err = reply.err;
		if (reply.err.kind == QC_OK)
			take_reply(l, reply.reply);
		if (is_awaited(l) && l->replies > before)
			take_replies(l, l->no_wait);
	}
}

static int load_status(const struct load *l, uint64_t unreadable, bool cancelled)
{
	if (cancelled)
		return EXIT_CANCELLED;
	if (l->err.kind != QC_OK && !l->is_refused)
		return EXIT_NO_CONNECTION;
	return l->err.kind != QC_OK || l->errors || unreadable || l->has_failed ? EXIT_FAILED : EXIT_OK;
}

int load_finish(struct load *l, uint64_t unreadable)
{
	puts("All data transferred. Waiting for the last reply...");
	fflush(stdout);
	send_mark(l);
	await_replies(l);
	progress_end(&l->progress);
	qc_context_free(l->no_wait);
	bool cancelled = interrupt_end() && l->err.kind != QC_OK;
	if (l->err.kind != QC_OK)
		fprintf(stderr, "qcache-cli: %s\n", cancelled ? "cancelled" : l->err.text);
	else if (!l->has_failed)
		puts("Last reply received from server.");
	printf("errors: %llu, replies: %llu\n", (unsigned long long)(l->errors + unreadable), (unsigned long long)l->replies);
	return load_status(l, unreadable, cancelled);
}

ssize_t load_read(int fd, char *out, size_t size, const char *path)
{
	ssize_t n;

	do
		n = read(fd, out, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		fprintf(stderr, "qcache-cli: %s: %s\n", path, strerror(errno));
	return n;
}

int load_bytes(struct session *s, int fd, const char *path, const char *first, size_t first_len)
{
	char *chunk = checked(malloc(LOAD_CHUNK));
	struct load l;
	ssize_t n = 0;
	int status = load_start(&l, s, "replies", fd);

	if (status != EXIT_OK) {
		free(chunk);
		return status;
	}
	load_send(&l, first, first_len);
	l.bytes = first_len;
	while (l.err.kind == QC_OK && (n = load_read(fd, chunk, LOAD_CHUNK, path)) > 0) {
		load_send(&l, chunk, (size_t)n);
		l.bytes += (size_t)n;
		progress_show(&l.progress, l.bytes, l.replies);
	}
	free(chunk);
	return load_finish(&l, n < 0);
}

int tool_pipe(struct session *s)
{
	return load_bytes(s, STDIN_FILENO, "standard input", NULL, 0);
}

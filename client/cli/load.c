/*
 * Mass loading: commands leave as fast as the server takes them, and replies are read as they come. An ECHO of a random text at the
 * end tells when the last one is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/tools.h"

#define CHUNK 65536
#define MARK_BYTES 20
#define STANDARD_INPUT "standard input"

struct load {
	struct session *session;
	qc_context *no_wait; /* has ended: whoever reads under it takes what is there */
	uint64_t replies, errors, bytes;
	struct progress progress;
	char mark[2 * MARK_BYTES + 1];
	bool is_done;
	qc_error err;
};

static void take_reply(struct load *l, const qc_reply *reply)
{
	const char *text = qc_reply_text(reply);

	if (qc_reply_type(reply) == QC_BULK && strcmp(text, l->mark) == 0) {
		l->is_done = true;
		return;
	}
	l->replies++;
	if (qc_reply_type(reply) == QC_ERROR) {
		l->errors++;
		progress_end(&l->progress);
		fprintf(stderr, "%s\n", text);
	}
}

static void take_replies(struct load *l, qc_context *context)
{
	while (l->err.kind == QC_OK && !l->is_done) {
		qc_result reply qc_auto = qc_receive(l->session->line, context);
		if (qc_is(reply.err, QC_DEADLINE))
			return;
		l->err = reply.err;
		if (reply.err.kind == QC_OK)
			take_reply(l, reply.reply);
	}
}

static void send_bytes(struct load *l, const void *data, size_t len)
{
	if (l->err.kind != QC_OK || len == 0)
		return;
	l->err = qc_send_raw(l->session->line, interrupt_begin(), data, len).err;
	take_replies(l, l->no_wait);
}

/* The exit status when it can't; said then. */
static int load_start(struct load *l, struct session *s, const char *what, int fd)
{
	unsigned char random[MARK_BYTES];
	struct stat stat;

	*l = (struct load){.session = s, .err = {.kind = QC_OK}};
	enum outcome connected = session_connect(s);
	if (connected != OUTCOME_FINE)
		return outcome_status(connected);
	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		fputs("qcache-cli: no random numbers\n", stderr);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(l->mark + 2 * i, 3, "%02x", random[i]);
	l->no_wait = qc_context_with_timeout(qc_background(), 0);
	bool is_file = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
	progress_start(&l->progress, what, is_file ? (uint64_t)stat.st_size : 0);
	return EXIT_FINE;
}

/* Waits for the last reply, and says what became of it all. */
static int load_finish(struct load *l, uint64_t unreadable)
{
	char end[128];

	puts("All data transferred. Waiting for the last reply...");
	fflush(stdout);
	/* A line end first: what was sent may have stopped in the middle of a line. */
	int len = snprintf(end, sizeof(end), "\r\n*2\r\n$4\r\nECHO\r\n$%zu\r\n%s\r\n", strlen(l->mark), l->mark);
	send_bytes(l, end, (size_t)len);
	take_replies(l, interrupt_begin());
	progress_end(&l->progress);
	qc_context_free(l->no_wait);
	bool cancelled = interrupt_end();
	if (l->err.kind != QC_OK)
		fprintf(stderr, "qcache-cli: %s\n", cancelled ? "cancelled" : l->err.text);
	else
		puts("Last reply received from server.");
	printf("errors: %llu, replies: %llu\n", (unsigned long long)(l->errors + unreadable), (unsigned long long)l->replies);
	if (l->err.kind != QC_OK)
		return cancelled ? EXIT_CANCELLED : EXIT_NO_CONNECTION;
	return l->errors || unreadable ? EXIT_FAILED : EXIT_FINE;
}

/* What there is, as read(2) has it; -1 has been said. */
static ssize_t read_some(int fd, char *out, size_t size, const char *path)
{
	ssize_t n;

	do
		n = read(fd, out, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		fprintf(stderr, "qcache-cli: %s: %s\n", path, strerror(errno));
	return n;
}

static int load_bytes(struct session *s, int fd, const char *path, const char *first, size_t first_len)
{
	char *chunk = checked(malloc(CHUNK));
	struct load l;
	ssize_t n = 0;
	int status = load_start(&l, s, "replies", fd);

	if (status != EXIT_FINE) {
		free(chunk);
		return status;
	}
	send_bytes(&l, first, first_len);
	l.bytes = first_len;
	while (l.err.kind == QC_OK && (n = read_some(fd, chunk, CHUNK, path)) > 0) {
		send_bytes(&l, chunk, (size_t)n);
		l.bytes += (size_t)n;
		progress_show(&l.progress, l.bytes, l.replies);
	}
	free(chunk);
	return load_finish(&l, n < 0);
}

int tool_pipe(struct session *s)
{
	return load_bytes(s, STDIN_FILENO, STANDARD_INPUT, NULL, 0);
}

/* CSV, as RFC 4180 has it: fields in quotes may hold commas, line ends, and quotes that are doubled. */

struct table {
	FILE *file;
	const char *path;
	uint64_t line;      /* of what is read next */
	/* The row in hand. */
	struct text fields[3];
	size_t count;       /* may be more than there is room for: then the row is wrong */
	uint64_t began;     /* its line */
	uint64_t open_line; /* of the quote that the file's end has left open; 0 */
	bool is_broken;
};

static int next_char(struct table *t)
{
	int c = getc(t->file);

	t->line += c == '\n';
	return c;
}

static void add_char(struct table *t, char c)
{
	if (t->count < 3)
		text_add(&t->fields[t->count], &c, 1);
}

/* Behind the opening quote; returns what stands behind the closing one. */
static int read_quoted(struct table *t)
{
	uint64_t began = t->line;
	int c;

	while ((c = next_char(t)) != EOF) {
		if (c == '"' && (c = next_char(t)) != '"')
			return c;
		add_char(t, (char)c);
	}
	t->open_line = began;
	return c;
}

/* One field up to a comma, a line end, or the end; returns what ended it. */
static int read_field(struct table *t)
{
	int c = next_char(t);

	if (t->count < 3)
		text_add(&t->fields[t->count], "", 0);
	if (c == '"') {
		c = read_quoted(t);
		t->is_broken |= c != ',' && c != '\n' && c != '\r' && c != EOF;
	}
	for (; c != ',' && c != '\n' && c != EOF; c = next_char(t))
		if (c != '\r')
			add_char(t, (char)c);
	t->count++;
	return c;
}

/* False at the end of the file, or with errno when it can't be read on: half a row is none. */
static bool read_row(struct table *t)
{
	int c;

	t->count = 0;
	t->began = t->line;
	t->open_line = 0;
	t->is_broken = false;
	for (size_t i = 0; i < 3; i++)
		text_clear(&t->fields[i]);
	do
		c = read_field(t);
	while (c == ',');
	if (ferror(t->file))
		return false;
	return c != EOF || t->count > 1 || t->fields[0].len > 0 || t->open_line;
}

/* Says what is wrong with the row, if anything is. */
static bool is_pair(const struct table *t)
{
	if (t->open_line)
		fprintf(stderr, "%s: line %llu: the quote is never closed\n", t->path, (unsigned long long)t->open_line);
	else if (t->is_broken || t->count < 2 || t->count > 3)
		fprintf(stderr, "%s: line %llu is not key,value or key,value,seconds\n", t->path, (unsigned long long)t->began);
	else
		return true;
	return false;
}

static void write_argument(struct text *out, const char *data, size_t len)
{
	text_printf(out, "$%zu\r\n", len);
	text_add(out, data, len);
	text_puts(out, "\r\n");
}

static void write_set(struct text *out, const struct table *row)
{
	bool has_ttl = row->count == 3 && row->fields[2].len;

	text_puts(out, has_ttl ? "*5\r\n" : "*3\r\n");
	write_argument(out, "SET", 3);
	write_argument(out, row->fields[0].data, row->fields[0].len);
	write_argument(out, row->fields[1].data, row->fields[1].len);
	if (!has_ttl)
		return;
	write_argument(out, "EX", 2);
	write_argument(out, row->fields[2].data, row->fields[2].len);
}

static int import_csv(struct session *s, FILE *file, const char *path)
{
	struct table table = {.file = file, .path = path, .line = 1};
	struct text out = {NULL, 0, 0};
	uint64_t number = 0, wrong = 0;
	struct load l;
	int status = load_start(&l, s, "rows", fileno(file));

	if (status != EXIT_FINE)
		return status;
	while (l.err.kind == QC_OK && read_row(&table)) {
		number++;
		if (table.count == 1 && table.fields[0].len == 0 && !table.open_line)
			continue;
		if (!is_pair(&table)) {
			wrong++;
			continue;
		}
		write_set(&out, &table);
		if (out.len < CHUNK)
			continue;
		send_bytes(&l, out.data, out.len);
		text_clear(&out);
		progress_show(&l.progress, (uint64_t)ftell(file), number);
	}
	if (ferror(file)) {
		fprintf(stderr, "qcache-cli: %s: line %llu: %s\n", path, (unsigned long long)table.line, strerror(errno));
		wrong++;
	}
	send_bytes(&l, out.data, out.len);
	for (size_t i = 0; i < 3; i++)
		text_fini(&table.fields[i]);
	text_fini(&out);
	return load_finish(&l, wrong);
}

static int import_from(struct session *s, FILE *file, const char *path)
{
	int fd = fileno(file);
	char first;
	/* Past the stream, which would take more than this from a pipe: RESP is read by read(2), too. */
	ssize_t n = read_some(fd, &first, 1, path);

	if (n < 0)
		return EXIT_FAILED;
	if (n == 1 && first == '*')
		return load_bytes(s, fd, path, &first, 1);
	if (n == 1)
		ungetc((unsigned char)first, file);
	return import_csv(s, file, path);
}

int tool_import(struct session *s, const char *path)
{
	if (strcmp(path, "-") == 0)
		return import_from(s, stdin, STANDARD_INPUT);
	FILE *file = fopen(path, "re");
	if (!file) {
		fprintf(stderr, "qcache-cli: %s: %s\n", path, strerror(errno));
		return EXIT_FAILED;
	}
	int status = import_from(s, file, path);
	fclose(file);
	return status;
}

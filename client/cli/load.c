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

static bool load_start(struct load *l, struct session *s, const char *what, int fd)
{
	unsigned char random[MARK_BYTES];
	struct stat stat;

	*l = (struct load){.session = s, .err = {.kind = QC_OK}};
	if (session_connect(s) != OUTCOME_FINE)
		return false;
	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		fputs("qcache-cli: no random numbers\n", stderr);
		return false;
	}
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(l->mark + 2 * i, 3, "%02x", random[i]);
	l->no_wait = qc_context_with_timeout(qc_background(), 0);
	bool is_file = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
	progress_start(&l->progress, what, is_file ? (uint64_t)stat.st_size : 0);
	return true;
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
	if (l->err.kind != QC_OK && !cancelled)
		return EXIT_NO_CONNECTION;
	return l->err.kind != QC_OK || l->errors || unreadable ? EXIT_FAILED : EXIT_FINE;
}

static int load_bytes(struct session *s, int fd, const char *first, size_t first_len)
{
	char *chunk = checked(malloc(CHUNK));
	struct load l;
	ssize_t n;

	if (!load_start(&l, s, "replies", fd)) {
		free(chunk);
		return EXIT_NO_CONNECTION;
	}
	send_bytes(&l, first, first_len);
	l.bytes = first_len;
	while (l.err.kind == QC_OK && (n = read(fd, chunk, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			perror("qcache-cli");
			break;
		}
		send_bytes(&l, chunk, (size_t)n);
		l.bytes += (size_t)n;
		progress_show(&l.progress, l.bytes, l.replies);
	}
	free(chunk);
	return load_finish(&l, 0);
}

int tool_pipe(struct session *s)
{
	return load_bytes(s, STDIN_FILENO, NULL, 0);
}

/* CSV, as RFC 4180 has it: fields in quotes may hold commas, line ends, and quotes that are doubled. */

struct row {
	struct text fields[3];
	size_t count; /* may be more than there is room for: then the row is wrong */
	bool is_broken;
};

static void add_char(struct row *row, char c)
{
	if (row->count < 3)
		text_add(&row->fields[row->count], &c, 1);
}

/* One field up to a comma, a line end, or the end; returns what ended it. */
static int read_field(FILE *file, struct row *row)
{
	int c = getc(file);

	if (row->count < 3)
		text_add(&row->fields[row->count], "", 0);
	if (c == '"') {
		for (c = getc(file); c != EOF; c = getc(file)) {
			if (c == '"' && (c = getc(file)) != '"')
				break;
			add_char(row, (char)c);
		}
		row->is_broken |= c != ',' && c != '\n' && c != '\r' && c != EOF;
	}
	for (; c != ',' && c != '\n' && c != EOF; c = getc(file))
		if (c != '\r')
			add_char(row, (char)c);
	row->count++;
	return c;
}

/* False at the end of the file. */
static bool read_row(FILE *file, struct row *row)
{
	int c;

	row->count = 0;
	row->is_broken = false;
	for (size_t i = 0; i < 3; i++)
		text_clear(&row->fields[i]);
	do
		c = read_field(file, row);
	while (c == ',');
	return c != EOF || row->count > 1 || row->fields[0].len > 0;
}

static void write_argument(struct text *out, const char *data, size_t len)
{
	text_printf(out, "$%zu\r\n", len);
	text_add(out, data, len);
	text_puts(out, "\r\n");
}

static void write_set(struct text *out, const struct row *row)
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
	struct row row = {.count = 0};
	struct text out = {NULL, 0, 0};
	uint64_t number = 0, wrong = 0;
	struct load l;

	if (!load_start(&l, s, "rows", fileno(file)))
		return EXIT_NO_CONNECTION;
	while (l.err.kind == QC_OK && read_row(file, &row)) {
		number++;
		if (row.count == 1 && row.fields[0].len == 0)
			continue;
		if (row.is_broken || row.count < 2 || row.count > 3) {
			fprintf(stderr, "%s: row %llu is not key,value or key,value,seconds\n", path, (unsigned long long)number);
			wrong++;
			continue;
		}
		write_set(&out, &row);
		if (out.len < CHUNK)
			continue;
		send_bytes(&l, out.data, out.len);
		text_clear(&out);
		progress_show(&l.progress, (uint64_t)ftell(file), number);
	}
	send_bytes(&l, out.data, out.len);
	for (size_t i = 0; i < 3; i++)
		text_fini(&row.fields[i]);
	text_fini(&out);
	return load_finish(&l, wrong);
}

int tool_import(struct session *s, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	int first, status;

	if (!file) {
		fprintf(stderr, "qcache-cli: %s: %s\n", path, strerror(errno));
		return EXIT_FAILED;
	}
	first = getc(file);
	if (first != EOF)
		ungetc(first, file);
	if (first == '*') {
		/* RESP from here on needs no reading of ours; what the stream has taken is given back. */
		char head[BUFSIZ];
		size_t len = fread(head, 1, sizeof(head), file);
		int fd = fileno(file);
		bool rewound = lseek(fd, 0, SEEK_SET) == 0;
		status = load_bytes(s, fd, rewound ? NULL : head, rewound ? 0 : len);
	} else {
		status = import_csv(s, file, path);
	}
	if (file != stdin)
		fclose(file);
	return status;
}

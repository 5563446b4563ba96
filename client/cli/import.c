/*
 * Loads files: RESP if the first byte is "*", otherwise CSV. A CSV row becomes a SET. The line and key of each row are kept until its reply
 * arrives, so that an error can name them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/load.h"

#define BOM "\xef\xbb\xbf"
#define BOM_BYTES 3

/* CSV as in RFC 4180: quoted fields may contain commas, line ends, and doubled quotes. */

struct table {
	FILE *file;
	const char *path;
	const char *ahead;  /* bytes that were read to detect the format and are not used yet */
	size_t ahead_len;
	uint64_t line;      /* line number of the next byte */
	/* The current row. */
	struct text fields[3];
	size_t count;       /* may exceed the array: then the row is invalid */
	uint64_t began;     /* its line number */
	uint64_t open_line; /* line number of a quote that is still open at the end of the file; 0 if none */
	bool is_broken;
};

static int next_char(struct table *t)
{
	int c = t->ahead_len ? (unsigned char)*t->ahead++ : getc(t->file);

	t->ahead_len -= t->ahead_len > 0;
	t->line += c == '\n';
	return c;
}

static void add_char(struct table *t, char c)
{
	if (t->count < 3)
		text_add(&t->fields[t->count], &c, 1);
}

/* Reads up to the closing quote. Returns the character after it. */
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

/* Reads one field up to a comma, a line end, or the end of the file. Returns which of them ended it. */
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

/* False at the end of the file, and with errno set after a read error: half a row is discarded. */
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

/* Prints what is wrong with the row, if anything. */
static bool is_pair(const struct table *t)
{
	if (t->open_line)
		fprintf(stderr, "%s: line %llu: unterminated quote\n", t->path, (unsigned long long)t->open_line);
	else if (t->is_broken || t->count < 2 || t->count > 3)
		fprintf(stderr, "%s: line %llu: expected key,value or key,value,seconds\n", t->path, (unsigned long long)t->began);
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

/* Rows sent and not answered yet, oldest first: `text` from `at` on holds the line number and key of each. */
struct origins {
	const char *path;
	struct text text;
	size_t at;
};

struct origin {
	uint64_t line;
	size_t key_len;
};

/* Drops used bytes when there are enough of them to make the move worthwhile. */
#define USED_MAX (1 << 20)

static void push_origin(struct origins *o, const struct table *row)
{
	struct origin origin = {.line = row->began, .key_len = row->fields[0].len};

	text_add(&o->text, &origin, sizeof(origin));
	text_add(&o->text, row->fields[0].data, row->fields[0].len);
}

static void drop_used(struct origins *o)
{
	if (o->at < o->text.len && (o->at < USED_MAX || o->at < o->text.len / 2))
		return;
	o->text.len -= o->at;
	memmove(o->text.data, o->text.data + o->at, o->text.len);
	o->at = 0;
}

/* A load_note: each row has one reply. */
static void take_origin(void *data, const char *error)
{
	struct origins *o = data;
	struct text key = {NULL, 0, 0};
	struct origin origin;

	if (o->at == o->text.len)
		return;
	memcpy(&origin, o->text.data + o->at, sizeof(origin));
	o->at += sizeof(origin);
	if (error) {
		text_quote(&key, o->text.data + o->at, origin.key_len, false);
		fprintf(stderr, "%s: line %llu, key %s: %s\n", o->path, (unsigned long long)origin.line, key.data, error);
		text_fini(&key);
	}
	o->at += origin.key_len;
	drop_used(o);
}

static bool is_blank(const struct table *row)
{
	return row->count == 1 && row->fields[0].len == 0 && !row->open_line;
}

/* Returns the number of invalid rows. */
static uint64_t send_rows(struct load *l, struct table *t, struct origins *origins)
{
	struct text out = {NULL, 0, 0};
	uint64_t number = 0, wrong = 0;

	while (l->err.kind == QC_OK && read_row(t)) {
		number++;
		if (is_blank(t))
			continue;
		if (!is_pair(t)) {
			wrong++;
			continue;
		}
		write_set(&out, t);
		push_origin(origins, t);
		if (out.len < LOAD_CHUNK)
			continue;
		load_send(l, out.data, out.len);
		text_clear(&out);
		progress_show(&l->progress, (uint64_t)ftell(t->file), number);
	}
	if (ferror(t->file)) {
		fprintf(stderr, "qcache-cli: %s: line %llu: %s\n", t->path, (unsigned long long)t->line, strerror(errno));
		wrong++;
	}
	load_send(l, out.data, out.len);
	text_fini(&out);
	return wrong;
}

static int import_csv(struct session *s, struct table *t)
{
	struct origins origins = {.path = t->path};
	struct load l;
	int status = load_start(&l, s, "rows", fileno(t->file));

	if (status != EXIT_OK)
		return status;
	l.note = take_origin;
	l.note_data = &origins;
	status = load_finish(&l, send_rows(&l, t, &origins));
	for (size_t i = 0; i < 3; i++)
		text_fini(&t->fields[i]);
	text_fini(&origins.text);
	return status;
}

/*
 * Reads the first byte, or a byte order mark if it begins like one. -1 after an error, which has been printed. Doesn't use stdio, which
 * would read ahead from a pipe: RESP is read by read(2), too.
 */
static ssize_t read_ahead(int fd, char out[BOM_BYTES], const char *path)
{
	ssize_t len = 0, n;

	do {
		n = load_read(fd, out + len, 1, path);
		len += n > 0;
	} while (n > 0 && len < BOM_BYTES && memcmp(out, BOM, (size_t)len) == 0);
	return n < 0 ? -1 : len;
}

static int import_from(struct session *s, FILE *file, const char *path)
{
	char ahead[BOM_BYTES];
	int fd = fileno(file);
	ssize_t n = read_ahead(fd, ahead, path);

	if (n < 0)
		return EXIT_FAILED;
	if (n == 1 && *ahead == '*')
		return load_bytes(s, fd, path, ahead, 1);
	bool is_bom = n == BOM_BYTES && memcmp(ahead, BOM, BOM_BYTES) == 0;
	struct table table = {.file = file, .path = path, .line = 1, .ahead = ahead, .ahead_len = is_bom ? 0 : (size_t)n};
	return import_csv(s, &table);
}

int tool_import(struct session *s)
{
	const char *path = s->options->file;

	if (strcmp(path, "-") == 0)
		return import_from(s, stdin, "standard input");
	FILE *file = fopen(path, "re");
	if (!file) {
		fprintf(stderr, "qcache-cli: %s: %s\n", path, strerror(errno));
		return EXIT_FAILED;
	}
	int status = import_from(s, file, path);
	fclose(file);
	return status;
}

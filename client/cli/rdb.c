/*
 * Fetches a snapshot as a replica does: SYNC is answered by "$length" and that many bytes, or by "$EOF:mark" and bytes up to the mark.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/tools.h"

#define CHUNK 65536
#define MARK_BYTES 40

struct fetch {
	struct session *session;
	char *chunk;
	size_t at, len; /* the part of the chunk that is not used yet */
	qc_error err;
};

static bool fill(struct fetch *f)
{
	qc_int got = qc_receive_raw(f->session->pinned, interrupt_begin(), f->chunk, CHUNK);

	f->err = got.err;
	f->at = 0;
	f->len = got.err.kind == QC_OK ? (size_t)got.value : 0;
	return f->len > 0;
}

/* Reads the first line that isn't empty. Empty lines only say that the server is still preparing the snapshot. */
static bool read_line(struct fetch *f, char *out, size_t size)
{
	size_t len = 0;

	for (;;) {
		if (f->at == f->len && !fill(f))
			return false;
		char c = f->chunk[f->at++];
		if (c == '\n' && len) {
			out[len] = 0;
			return true;
		}
		if (c != '\n' && c != '\r' && len + 1 < size)
			out[len++] = c;
	}
}

/* Copies `length` bytes. False with errno or f->err set. */
static bool copy_length(struct fetch *f, int fd, uint64_t length, struct progress *progress, uint64_t *done)
{
	while (*done < length) {
		if (f->at == f->len && !fill(f))
			return false;
		size_t n = f->len - f->at;
		if (n > length - *done)
			n = (size_t)(length - *done);
		if (!write_all(fd, f->chunk + f->at, n))
			return false;
		f->at += n;
		*done += n;
		progress_show(progress, *done, *done);
	}
	return true;
}

/* Copies up to the mark. Bytes that may be part of the mark are held back, since a pipe cannot be truncated afterwards. */
static bool copy_held(struct fetch *f, struct text *held, int fd, const char *mark, struct progress *progress, uint64_t *done)
{
	const char *found = NULL;

	while (!found) {
		if (f->at == f->len && !fill(f))
			return false;
		text_add(held, f->chunk + f->at, f->len - f->at);
		f->at = f->len;
		found = memmem(held->data, held->len, mark, MARK_BYTES);
		size_t keep = held->len < MARK_BYTES ? held->len : MARK_BYTES - 1;
		size_t sure = found ? (size_t)(found - held->data) : held->len - keep;
		if (!write_all(fd, held->data, sure))
			return false;
		held->len -= sure;
		memmove(held->data, held->data + sure, held->len);
		*done += sure;
		progress_show(progress, *done, *done);
	}
	return true;
}

static bool copy_to_mark(struct fetch *f, int fd, const char *mark, struct progress *progress, uint64_t *done)
{
	struct text held = {NULL, 0, 0};
	bool ok = copy_held(f, &held, fd, mark, progress, done);
	int number = errno;

	text_fini(&held);
	errno = number;
	return ok;
}

/* A pipe or terminal cannot be synced. */
static bool sync_file(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL;
}

static int give_up_saving(const struct fetch *f, const char *path, int number)
{
	bool by_server = f->err.kind != QC_OK;

	fprintf(stderr, "qcache-cli: %s: %s\n", path, by_server ? f->err.text : strerror(number));
	if (!by_server || f->err.kind == QC_SERVER)
		return EXIT_FAILED;
	return f->err.kind == QC_CANCELLED ? EXIT_CANCELLED : EXIT_NO_CONNECTION;
}

/* Saves to the file, or to standard output for "-". */
static int save(struct fetch *f, const char *head, const char *path)
{
	bool has_mark = strncmp(head, "$EOF:", 5) == 0 && strlen(head) == 5 + MARK_BYTES;
	char *end;
	uint64_t length = has_mark || *head != '$' ? 0 : strtoull(head + 1, &end, 10);

	if (!has_mark && (*head != '$' || *end)) {
		fprintf(stderr, "qcache-cli: -rdb: the server sent no snapshot: %s\n", *head == '-' ? head + 1 : head);
		return EXIT_FAILED;
	}
	bool to_stdout = strcmp(path, "-") == 0;
	int fd = to_stdout ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return give_up_saving(f, path, errno);
	struct progress progress;
	uint64_t done = 0;
	progress_start(&progress, "bytes", length);
	bool ok = has_mark ? copy_to_mark(f, fd, head + 5, &progress, &done) : copy_length(f, fd, length, &progress, &done);
	ok = ok && sync_file(fd);
	int number = errno;
	progress_end(&progress);
	if (!to_stdout)
		close(fd);
	if (!ok)
		return give_up_saving(f, path, number);
	fprintf(to_stdout ? stderr : stdout, "%llu bytes\n", (unsigned long long)done);
	return EXIT_OK;
}

/* A snapshot may end with a mark instead of having a length. Servers that don't know this word send the length. */
static qc_error offer_mark(struct session *s)
{
	qc_result offered qc_auto = qc_do(s->pinned, interrupt_begin(), "REPLCONF", "capa", "eof");

	return offered.err.kind == QC_SERVER ? (qc_error){.kind = QC_OK} : offered.err;
}

/* Asks for functions only, which needs Redis 7. Returns the server's error. */
static qc_error ask_for_functions(struct session *s)
{
	qc_result only qc_auto = qc_do(s->pinned, interrupt_begin(), "REPLCONF", "rdb-filter-only", "functions");

	return only.err;
}

static int fetch(struct session *s, bool functions_only)
{
	static const char sync[] = "SYNC\r\n";
	struct fetch f = {.session = s, .err = {.kind = QC_OK}};
	char head[256];
	int status;

	enum outcome connected = session_connect(s);
	if (connected != OUTCOME_OK)
		return outcome_status(connected);
	f.err = offer_mark(s);
	if (functions_only && f.err.kind == QC_OK)
		f.err = ask_for_functions(s);
	f.chunk = checked(malloc(CHUNK));
	if (f.err.kind == QC_OK)
		f.err = qc_send_raw(s->pinned, interrupt_begin(), sync, sizeof(sync) - 1).err;
	if (f.err.kind == QC_OK && read_line(&f, head, sizeof(head)))
		status = save(&f, head, s->options->file);
	else
		status = give_up_saving(&f, s->options->file, 0);
	free(f.chunk);
	interrupt_end();
	return status;
}

int tool_rdb(struct session *s)
{
	return fetch(s, false);
}

int tool_functions_rdb(struct session *s)
{
	return fetch(s, true);
}

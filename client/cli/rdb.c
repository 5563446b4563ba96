/*
 * A snapshot as a replica gets it: SYNC, then "$length" and so many bytes, or "$EOF:mark" and bytes up to the mark.
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
	size_t at, len; /* of the chunk: what is read and not yet used */
	qc_error err;
};

static bool fill(struct fetch *f)
{
	qc_int got = qc_receive_raw(f->session->line, interrupt_begin(), f->chunk, CHUNK);

	f->err = got.err;
	f->at = 0;
	f->len = got.err.kind == QC_OK ? (size_t)got.value : 0;
	return f->len > 0;
}

/* The first line that isn't empty: empty ones say that the server is still at work. */
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

static bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return false;
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* All up to `length`, or to the mark when there is one. False with errno, or with f->err. */
static bool copy(struct fetch *f, int fd, uint64_t length, const char *mark)
{
	char tail[MARK_BYTES];
	size_t tail_len = 0;
	struct progress progress;
	uint64_t done = 0;

	progress_start(&progress, "bytes", length);
	while (mark ? !(tail_len == MARK_BYTES && memcmp(tail, mark, MARK_BYTES) == 0) : done < length) {
		if (f->at == f->len && !fill(f))
			return false;
		size_t n = f->len - f->at;
		if (!mark && n > length - done)
			n = (size_t)(length - done);
		if (!write_all(fd, f->chunk + f->at, n))
			return false;
		size_t keep = n >= MARK_BYTES ? 0 : tail_len + n > MARK_BYTES ? MARK_BYTES - n : tail_len, from = n > MARK_BYTES ? MARK_BYTES : n;
		memmove(tail, tail + tail_len - keep, keep);
		memcpy(tail + keep, f->chunk + f->at + n - from, from);
		tail_len = keep + from;
		f->at += n;
		done += n;
		progress_show(&progress, done, done);
	}
	progress_end(&progress);
	if (mark && ftruncate(fd, (off_t)(done - MARK_BYTES)) < 0)
		return false;
	printf("%llu bytes\n", (unsigned long long)(mark ? done - MARK_BYTES : done));
	return true;
}

/* To the file, or "-". */
static int save(struct fetch *f, const char *head, const char *path)
{
	bool has_mark = strncmp(head, "$EOF:", 5) == 0 && strlen(head) == 5 + MARK_BYTES;
	char *end;
	uint64_t length = has_mark || *head != '$' ? 0 : strtoull(head + 1, &end, 10);

	if (!has_mark && (*head != '$' || *end)) {
		fprintf(stderr, "qcache-cli: -rdb: the server sends no snapshot: %s\n", *head == '-' ? head + 1 : head);
		return EXIT_FAILED;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool fine = fd >= 0 && copy(f, fd, length, has_mark ? head + 5 : NULL) && fsync(fd) == 0;
	int number = errno;
	if (fd >= 0)
		close(fd);
	if (!fine)
		fprintf(stderr, "qcache-cli: %s: %s\n", path, f->err.kind != QC_OK ? f->err.text : strerror(number));
	return fine ? EXIT_FINE : f->err.kind != QC_OK ? EXIT_NO_CONNECTION : EXIT_FAILED;
}

int tool_rdb(struct session *s, const char *path)
{
	static const char sync[] = "SYNC\r\n";
	struct fetch f = {.session = s, .err = {.kind = QC_OK}};
	char head[256];
	int status = EXIT_NO_CONNECTION;

	if (session_connect(s) != OUTCOME_FINE)
		return EXIT_NO_CONNECTION;
	f.chunk = checked(malloc(CHUNK));
	f.err = qc_send_raw(s->line, interrupt_begin(), sync, sizeof(sync) - 1).err;
	if (f.err.kind == QC_OK && read_line(&f, head, sizeof(head)))
		status = save(&f, head, path);
	else
		fprintf(stderr, "qcache-cli: %s\n", f.err.text);
	free(f.chunk);
	interrupt_end();
	return status;
}

/*
 * The output of a connection that the kernel hasn't taken yet: texts and blobs, in order.
 *
 * output_write_parts() first writes straight from the reply batch, and copies only what the socket doesn't take. Blobs are held, not
 * copied. The reactor's thread only.
 */
#ifndef ACTORS_REACTOR_OUTPUT_H
#define ACTORS_REACTOR_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/store/batch.h"

struct output_piece {
	struct output_piece *next;
	struct blob *blob;   /* held; NULL: the text behind this struct */
	size_t len, sent;    /* bytes; sent < len */
	size_t capacity;     /* of the text */
	uint8_t text[];
};

struct output {
	struct output_piece *first, *last;
	size_t bytes;        /* not yet taken by the kernel */
	size_t taken_bytes;  /* of memory, for pieces; blobs count elsewhere */
	uint32_t pieces;
};

enum output_status {
	OUTPUT_EMPTY,   /* all is sent */
	OUTPUT_WAITING, /* the socket is full */
	OUTPUT_BROKEN,  /* the peer is gone */
	OUTPUT_NO_MEMORY,
};

/* Write system calls and the bytes that they took. */
struct output_counts {
	uint64_t calls, bytes;
};

/* Sends `count` consecutive parts of one connection; the first one's text begins at `text`. The parts keep their blobs. */
enum output_status output_write_parts(struct output *output, int fd, const struct reply_part *parts, size_t count,
				      const uint8_t *text, struct output_counts *counts);

/* Sends waiting output. */
enum output_status output_flush(struct output *output, int fd, struct output_counts *counts);

/* Copies bytes to the end of the output. False without memory. */
bool output_add_text(struct output *output, const uint8_t *text, size_t len);

void output_fini(struct output *output);

#endif

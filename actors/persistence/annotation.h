/*
 * The annotation of a group: the line that stands before the group's frames in a part of the log. Redis skips lines that begin with '#'.
 *
 *	#qc:g id=0123456789abcdef first=1 last=7 bytes=512 crc=89abcdef\r\n
 *
 * `bytes` counts the frames without the annotation. So a reader can tell a torn group (the file ends inside it) from a damaged one (it is
 * whole, and its checksum is another). The checksum covers the annotation itself and the frames. It is chained: each begins with that
 * of the group before, the first with the part's id. So a group that is missing, doubled, swapped or from another part shows.
 *
 *	crc = annotation_seed(id);                      the first group of a part; later ones begin with the last group's crc
 *	crc = annotation_chain(crc, &annotation);       all but its crc
 *	crc = crc32c(crc, frames, bytes);               in any number of pieces
 *	annotation.crc = crc;
 */
#ifndef ACTORS_PERSISTENCE_ANNOTATION_H
#define ACTORS_PERSISTENCE_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANNOTATION_PREFIX "#qc:g "
/* The longest line, with its end; Redis reads such a line into 1,024 bytes. A NUL isn't counted. */
#define ANNOTATION_MAX_BYTES 127

struct annotation {
	uint64_t id;          /* of the part */
	uint64_t first, last; /* sequences of the group's frames; first <= last */
	uint64_t bytes;
	uint32_t crc;
};

uint32_t annotation_seed(uint64_t id);
uint32_t annotation_chain(uint32_t crc, const struct annotation *annotation);

/* Writes the line and a NUL; returns the line's length. */
size_t annotation_print(const struct annotation *annotation, char out[ANNOTATION_MAX_BYTES + 1]);
/*
 * `line` is a whole line with its "\r\n". False unless it is what annotation_print() would write for the annotation that it holds. Order and
 * checksum are for the caller to judge.
 */
bool annotation_parse(const char *line, size_t len, struct annotation *out_annotation);

#endif

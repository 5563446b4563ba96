/*
 * The manifest: which files make up the log, in the grammar of Redis 7.0. One line a file:
 *
 *	file appendonly.aof.2.base.rdb seq 2 type b qcache-sequence 4711
 *	file appendonly.aof.5.incr.aof seq 5 type i qcache-id 0123456789abcdef qcache-sequence 4711
 *
 * A line is pairs of a key, in any case, and a value, split by the quoting rules of inline commands. Unknown keys are skipped, and
 * lines that begin with '#'. Redis skips our keys in turn, and drops them when it writes the manifest anew: such a part counts as its own.
 *
 * Stricter than Redis, which never writes these: a key twice in a line, a file named twice, a `seq` that is no plain number above 0, a NUL,
 * a comment longer than a line may be, more than MANIFEST_PARTS_MAX files.
 *
 * Fatal without memory. Any thread.
 */
#ifndef ACTORS_PERSISTENCE_MANIFEST_H
#define ACTORS_PERSISTENCE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/buffer.h"

#define MANIFEST_NAME_BYTES 255
/* Redis's limit, with the newline. */
#define MANIFEST_LINE_BYTES 1024
#define MANIFEST_PARTS_MAX 4096

enum part_type {
	PART_BASE = 'b',      /* the data at some time: RDB, or commands */
	PART_INCREMENT = 'i', /* the commands since */
	PART_HISTORY = 'h',   /* replaced by a base, to be deleted */
};

struct manifest_part {
	char name[MANIFEST_NAME_BYTES + 1]; /* of the file, without a directory */
	enum part_type type;
	int64_t number;    /* Redis's `seq`, above 0; that of increments rises */
	bool has_id;       /* the part is annotated and checksummed (annotation.h) */
	uint64_t id;
	bool has_sequence;
	uint64_t sequence; /* of a base: of the last frame that it holds; of an increment: of the frame before its first */
};

/* The base and the increments are loaded in this order. */
struct manifest {
	struct manifest_part *parts;
	size_t count, capacity;
};

struct manifest_error {
	unsigned line;        /* from 1; 0: the text as a whole */
	const char *reason;
};

/* False: the manifest is empty, and the error is set. */
bool manifest_parse(const void *text, size_t len, struct manifest *out_manifest, struct manifest_error *out_error);
/*
 * Appends the text, which manifest_parse() takes. Without parts it is a comment, since Redis refuses an empty file. False: a name makes a line
 * too long.
 */
bool manifest_print(const struct manifest *manifest, struct buffer *out);
void manifest_fini(struct manifest *manifest);

void manifest_add(struct manifest *manifest, const struct manifest_part *part);
void manifest_copy(struct manifest *out_manifest, const struct manifest *from);
/* NULL: there is none. Valid until the manifest is changed. */
const struct manifest_part *manifest_base(const struct manifest *manifest);
const struct manifest_part *manifest_last_increment(const struct manifest *manifest);

#endif

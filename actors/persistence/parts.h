/*
 * The directory of the log: its base, its increments and the manifest that names them.
 *
 * The manifest changes only when what it names is durable, and a file is deleted only when no manifest that a power cut could leave names
 * it. So whatever fails, and wherever the power is cut, the directory can be loaded and names one consistent state: the one before a
 * change or the one after it.
 *
 * Order of calls: parts_open; the caller loads the base and the increments of parts_manifest() in their order; parts_resume or parts_roll,
 * to go on writing; at the end parts_close. Files being written belong to the caller, who writes, syncs and closes them.
 *
 * A function that returns false has set the error, and nothing has changed but for what its comment says. The exception: when a changed
 * manifest could neither be made durable nor be replaced by the former one, it is unknown which of them a power cut would leave. Then
 * parts_is_settled() is false, and the former one is in force here. parts_settle() writes it anew, and every change of the manifest that succeeds
 * settles the directory too. Until then acknowledge nothing that was written to a part.
 *
 * All functions may block. The owner's thread only.
 */
#ifndef ACTORS_PERSISTENCE_PARTS_H
#define ACTORS_PERSISTENCE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/persistence/disk.h"
#include "actors/persistence/manifest.h"

#define PARTS_ERROR_BYTES 1024
/* In the log's directory: locked by the server that uses it. */
#define PARTS_LOCK_NAME "qcache.lock"

struct parts_error {
	int error;        /* an errno value; 0: what is in the directory is refused */
	bool lost_former; /* parts_roll() could not sync the increment before: give it up, as after any failed sync */
	char text[PARTS_ERROR_BYTES]; /* what failed, on which file, and why */
};

struct parts_options {
	const struct disk *disk;
	const char *directory;      /* `dir`; the log's directory is in it */
	const char *directory_name; /* `appenddirname` */
	const char *file_name;      /* `appendfilename` */
	uint64_t ballast_bytes;     /* `aof-ballast-size`; 0: none */
};

/* An increment that is being written. */
struct open_part {
	int fd;
	uint64_t bytes;
	struct manifest_part part;
};

struct parts;

/*
 * Creates the directory if it is absent, locks it for this server, takes over a log of one file that an old Redis left in `dir`, reads
 * the manifest, checks that all files are there and removes temporary ones. NULL: the error says why not.
 */
struct parts *parts_open(const struct parts_options *options, struct parts_error *out_error);
/* Unlocks the directory. */
void parts_close(struct parts **parts);

/* Valid until the next change. It names no part that waits for its base. */
const struct manifest *parts_manifest(const struct parts *parts);
/* Opens a file of the manifest for reading; the caller closes it. */
bool parts_open_file(struct parts *parts, const struct manifest_part *part, int *out_fd, uint64_t *out_bytes, struct parts_error *out_error);

/* ---- increments ---- */

/*
 * Opens the last increment, of which there must be one, for appending at `end_bytes`: what comes after it is cut off. When this returns, all
 * before it is durable.
 */
bool parts_resume(struct parts *parts, uint64_t end_bytes, struct open_part *out_part, struct parts_error *out_error);

enum part_entry {
	PART_ENTERS_NOW,       /* into the manifest, after the last increment */
	PART_ENTERS_WITH_BASE, /* with the next base; so do those that follow until then, whatever they ask for */
};

/*
 * Begins a new increment, empty and with an id. `sequence` is that of the frame before its first. `former` (NULL: none) is the increment
 * before it, which is synced first, since a part without the end of the one before it can't be loaded; the caller closes it.
 */
bool parts_roll(struct parts *parts, const struct open_part *former, uint64_t sequence, enum part_entry entry, struct open_part *out_part,
		struct parts_error *out_error);
/* Deletes the parts that wait for a base which will not come. The caller has closed them. */
void parts_abandon(struct parts *parts);

/* ---- bases ---- */

/* Where to write a new base: a path in the log's directory. parts_open() removes what an interrupted server left there. */
const char *parts_temporary_base(const struct parts *parts);

struct new_base {
	const char *format;   /* "rdb" or "aof" */
	uint64_t sequence;    /* of the last frame that it holds */
	int64_t first_number; /* of the first increment that is loaded after it */
};

/*
 * Makes the file at parts_temporary_base() the base. Parts that wait for it enter the manifest; the former base and increments before
 * `first_number` become history. After a failure the file is gone, unless the directory is unsettled.
 */
bool parts_install_base(struct parts *parts, const struct new_base *base, struct parts_error *out_error);

bool parts_has_history(const struct parts *parts);
/*
 * Deletes some of the history, in steps that take the disk about as long as PARTS_STEP_BYTES: call it until parts_has_history() is false, or
 * again later after an error.
 */
#define PARTS_STEP_BYTES ((uint64_t)64 << 20)
bool parts_delete_history(struct parts *parts, struct parts_error *out_error);

/* ---- after a failure ---- */

bool parts_is_settled(const struct parts *parts);
bool parts_settle(struct parts *parts, struct parts_error *out_error);

/* ---- space ---- */

/* The ballast is a file of `ballast_bytes` in the log's directory. Deleting it makes room for what was executed when the disk is full. */
bool parts_make_ballast(struct parts *parts, struct parts_error *out_error);
bool parts_release_ballast(struct parts *parts, struct parts_error *out_error);
/* As far as this process has made it. */
bool parts_has_ballast(const struct parts *parts);
bool parts_free_space(const struct parts *parts, uint64_t *out_bytes, struct parts_error *out_error);

#endif

/*
 * The inside of a reader of commands (aof_read.h): shared by aof_read.c and aof_read_group.c only.
 */
#ifndef ACTORS_PERSISTENCE_AOF_READ_STATE_H
#define ACTORS_PERSISTENCE_AOF_READ_STATE_H

#include "actors/persistence/aof_parse.h"
#include "actors/persistence/aof_read.h"
#include "actors/persistence/file_window.h"

/* What a step comes to. All but the first two end the reading. */
enum step {
	STEP_ON,
	STEP_FULL,     /* enough frames for this call */
	STEP_END,
	STEP_PREAMBLE,
	STEP_TORN,     /* from here on `problem_at` and `reason` are set */
	STEP_DAMAGED,
	STEP_LATER,
	STEP_REFUSED,
};

struct aof_reader {
	struct aof_read_options options;
	int open_error;
	struct file_window window;
	struct resp_parser resp;
	struct resp_args args;
	size_t large_args;       /* of `args`: blobs that are held */
	struct aof_parser parser;
	uint64_t limit;          /* what may be parsed ends here: the group that was verified, or the file */
	uint32_t chain;          /* of ours: the checksum with which that of the next group begins */
	uint64_t frames_left;    /* of ours: how many the group may still have */
	/* The group, or of another server the command or transaction, that is being read: it is given up as a whole. */
	uint64_t unit_at;
	struct frame_mark unit_mark;
	uint64_t frame_at;       /* where the current frame begins */
	size_t step_bytes;       /* large values in this step */
	struct aof_read_figures figures;
	uint64_t problem_at;
	char reason[300];
	char error[700];
};

/* Returns the step, after setting what is wrong at the offset. */
enum step aof_read_problem(struct aof_reader *reader, enum step step, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* For an errno value of the file layer. */
enum step aof_read_disk_problem(struct aof_reader *reader, int error);

/* Begins the next group of a part of ours, at the window's beginning: STEP_ON if it is whole and right. */
enum step aof_read_group(struct aof_reader *reader);

#endif

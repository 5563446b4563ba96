/*
 * Reads all files of a source and finds out what is in them and where they break. Changes nothing.
 */
#ifndef ACTORS_CHECK_EXAMINE_H
#define ACTORS_CHECK_EXAMINE_H

#include "actors/check/check_options.h"
#include "actors/check/contents.h"
#include "actors/check/source.h"
#include "actors/persistence/aof_read.h"

/* The RDB in a file. */
struct rdb_report {
	bool is_there;
	unsigned version;
	char writer[64];      /* "redis 7.0.15" */
	int64_t created_s;    /* 0: it doesn't say */
	bool is_whole, has_checksum, has_sequence;
	uint64_t sequence, keys, bytes;
};

struct file_report {
	struct rdb_report rdb;
	bool has_commands;
	struct aof_read_figures commands;
};

enum verdict {
	VERDICT_WHOLE,
	VERDICT_TORN,    /* a server may cut the end off */
	VERDICT_DAMAGED, /* no server starts with this */
};

struct problem {
	enum verdict verdict;
	size_t file;
	uint64_t offset;
	char reason[512];
	bool can_be_cut;  /* what is before `offset` can be kept */
};

struct examination {
	const struct disk *disk;
	const struct check_options *options;
	struct check_source *source;
	struct contents contents;
	bool keeps_contents;      /* the keys are counted with the effects of all commands */
	bool needs_contents;
	struct file_report *files; /* by the source's files */
	struct problem problem;
	bool has_reached_time;    /* reading ended at `options->until_s`, in this file */
	size_t time_file;
};

/* False without memory, or if a file can't be read: `problem.reason` says why. Call examination_fini() in any case. */
bool examine(struct examination *examination, const struct disk *disk, const struct check_options *options, struct check_source *source);
void examination_fini(struct examination *examination);

#endif

/*
 * The state of the AOF actor, for the files of this room only.
 *
 * A turn takes one message and then runs the phases: write the group, sync, tell the mark, tell the store, stop, arm the timer. Handlers
 * only change the state; what follows from it is done by the phases (aof.c).
 */
#ifndef ACTORS_PERSISTENCE_AOF_STATE_H
#define ACTORS_PERSISTENCE_AOF_STATE_H

#include "actors/bus/subscriber.h"
#include "actors/persistence/aof.h"
#include "actors/persistence/group.h"
#include "actors/persistence/data_files.h"
#include "actors/persistence/part_writer.h"
#include "actors/runtime/actor.h"

/* The sync that the SYNCER is working on, and when to begin the next: aof_sync.c. */
struct syncing {
	bool is_out;
	uint64_t began_ns;         /* monotonic: the last one */
	uint64_t bytes, sequence;  /* of the part; of its last frame then */
	uint64_t wanted;           /* sync at once, until this frame is durable */
	uint64_t delayed;          /* times that writing waited for it */
	bool delays;               /* it does now */
};

/* The pace of group commit: aof_write.c. */
struct pace {
	uint64_t sync_ns;          /* what a sync takes, averaged */
	uint64_t expected;         /* frames that the last sync made durable, and those that came during it */
	size_t older;              /* messages in the mailbox that came during it */
	uint64_t waits_until_ns;   /* the group waits for more frames; 0 if it doesn't */
	uint64_t groups, frames;   /* written so far */
};

/* Where the log goes on in a new part: aof_cut.c. */
struct cut {
	bool is_pending;           /* the old part must be completed first */
	uint64_t sequence;         /* the frame that ends it */
	struct held_message *first, *last; /* what came after it */
};

/* Rewriting the log: aof_rewrite.c. */
struct rewrite {
	bool is_asked;             /* the store was asked for it, and has not begun */
	bool is_prepared;          /* a base is being written */
	bool is_cut;               /* the part that follows the base has begun: */
	uint64_t sequence;         /*   behind this frame */
	int64_t first_number;      /*   with this number */
	uint64_t bytes_before, parts_before; /* increments before that part */
	struct base_file *file;    /* it is written, and to be installed */
	uint64_t bytes_after;      /* of the log when it was rewritten last, or loaded */
	uint64_t clean_up_at_ns;   /* monotonic: delete more of the history; 0: there is none */
	bool clean_up_has_failed;
};

/* What has gone wrong: aof_trouble.c. */
struct trouble {
	int error;                 /* 0: nothing; else writes are refused */
	uint64_t retry_at_ns;      /* monotonic; 0: nothing is to be tried again */
	bool holds_group;          /* the group could not be committed, and waits for the next attempt */
	bool part_is_lost;         /* a sync of the part has failed: nothing may be written to it */
	bool has_gap;              /* frames are missing on disk: nothing is written before the next cut */
	bool gave_ballast;         /* the ballast has been given up */
};

/* What the store knows of it, whatever becomes of the log. */
struct told {
	int error;
	bool is_out;               /* STORE_AOF_STATE was posted and not taken yet */
};

/* What others know of the mark: marks.c. */
struct marks {
	uint64_t *told;            /* by reactor */
	bool *is_out;              /* REACTOR_DURABLE was posted and not taken yet, by reactor */
	uint32_t reactors;
	uint64_t asked;            /* AOF_SYNC to be answered when this frame is durable; 0: none */
	bool settings_are_asked;   /* AOF_SETTINGS is to be answered, with `always` when the frame below is durable */
	uint64_t settings_from;
};

/* Loading again while the server runs: aof_reload.c. */
struct reload {
	struct config *config;     /* NULL: it is not asked for */
	enum data_source source;
	struct data_files *files;  /* NULL: it has not begun */
};

/* New settings: aof_settings.c. */
struct settings {
	struct config *config;     /* NULL: there are none to be taken */
	uint64_t last;             /* the last frame that came before them */
};

/* The log's files, for INFO. */
struct sizes {
	uint64_t base, increments; /* bytes; of the increments without the one that is written to */
	uint64_t parts;            /* increments, with that one */
};

/* Where loading has ended: in the last increment, or there was none. */
struct aof_end {
	bool is_increment;
	bool is_ours;              /* to the end: redis-server has appended nothing */
	uint64_t bytes;            /* of what was loaded; the rest is to be cut off */
	uint64_t file_bytes;
	uint32_t crc;              /* of the last group */
};

struct aof {
	struct actor *actor, *store, *syncer;
	const struct disk *disk;
	struct data_files *files;
	struct loader *loader;     /* NULL when nothing is being loaded */
	struct reload reload;
	struct settings settings;
	struct config config;
	struct subscriber subscriber;
	struct part_writer part;
	struct group group;
	uint64_t written;          /* the last frame in the part */
	uint64_t mark;             /* the last durable frame */
	uint64_t synced;           /* the last frame that is durable as soon as the manifest names its part */
	bool waits_for_base;       /* it doesn't yet: the part enters it with the next base */
	struct pace pace;
	struct syncing syncing;
	struct trouble trouble;
	struct told told;
	struct marks marks;
	struct cut cut;
	struct rewrite rewrite;
	struct sizes sizes;
	uint64_t armed_ns;         /* the timer; 0: it is not armed */
	bool is_closing;           /* appendonly was switched off: the log is to be completed and closed */
	bool is_stopping, has_stopped;
};

static inline bool aof_is_always(const struct aof *aof)
{
	return aof->config.appendfsync == APPENDFSYNC_ALWAYS;
}

/* The last frame that has come. */
static inline uint64_t aof_last(const struct aof *aof)
{
	return aof->group.frames ? aof->group.last : aof->written;
}

/* The last frame that is in a part and synced. */
static inline uint64_t aof_durable(const struct aof *aof)
{
	return aof->synced > aof->mark ? aof->synced : aof->mark;
}

/* aof_cut.c */
void aof_take_frames(void *aof, const struct bus_message *message);
/* The phase: begins the new part once the old one is durable. */
void aof_make_cut(struct aof *aof);
/* Forgets what was held back. */
void aof_drop_held(struct aof *aof);

/* aof_rewrite.c */
/* The phase: asks the store for a new base if one is needed. */
void aof_ask_for_rewrite(struct aof *aof);
void rewrite_prepare(struct aof *aof, uint64_t data_bytes);
void rewrite_drop(struct aof *aof);
void rewrite_on_written(struct aof *aof, struct base_file *file);
/* The phase: puts the new base into the manifest, once the part that follows it has begun. */
void aof_install_base(struct aof *aof);
/* The phase: deletes some of what the log no longer needs. */
void aof_clean_up(struct aof *aof);

/* aof_write.c */
/* The phase: writes the group, if it need not wait. */
void aof_write(struct aof *aof);
/* Writes the group and, unless appendfsync is no longer in force, makes it durable. False: it is kept, and trouble has begun. */
bool aof_commit(struct aof *aof);
/* Syncs the part, in this turn. */
int aof_sync_part(struct aof *aof);
/* Moves the mark: the only place. */
void aof_set_mark(struct aof *aof, uint64_t sequence);

/* aof_sync.c */
void aof_on_synced(struct aof *aof, int error);
/* The phase: gives the SYNCER work. */
void aof_begin_sync(struct aof *aof);
/* Writing waits for a sync that takes too long. */
bool aof_sync_is_overdue(struct aof *aof);
/* When the next sync is due; 0: not before something else happens. */
uint64_t aof_sync_due_ns(const struct aof *aof);

/* aof_trouble.c */
/* A group could not be committed: makes it possible that a second attempt succeeds. */
void trouble_prepare_retry(struct aof *aof, int error);
void trouble_begin(struct aof *aof, int error);
/* A sync has failed, and what it covered is no longer in memory. */
void trouble_cut_short(struct aof *aof, int error);
/* All that was executed is written: the trouble is over, if the ballast is back. */
void trouble_may_end(struct aof *aof);
/* The log has no gap any more. */
void trouble_is_healed(struct aof *aof);
/* The timer: tries again. */
void trouble_retry(struct aof *aof);
/* The phase: tells the store. */
void trouble_tell(struct aof *aof);

/* aof_settings.c */
/* `last`: the last frame that came. */
void aof_on_settings(struct aof *aof, struct config *config, uint64_t last);
/* The phase: puts them in force. */
void aof_take_settings(struct aof *aof);
void settings_fini(struct settings *settings);
/* The phase: closes a log that was switched off. */
void aof_close_log(struct aof *aof);

/* aof_parts.c */
/* Opens the log for writing, where loading has ended. False: the server can't start. */
bool aof_open(struct aof *aof, const struct aof_end *end, struct parts_error *out_error);
void aof_begin_part(struct aof *aof, const struct open_part *part);
/* Closes the part, which is complete. */
void aof_leave_part(struct aof *aof);
/* Begins a new part in place of one whose sync has failed. */
int aof_roll(struct aof *aof);
/* Makes sure that it is known which manifest is in force: before that nothing is durable. */
int aof_settle(struct aof *aof);
/* Makes the ballast, or says that it can't. */
void aof_warn_without_ballast(struct aof *aof);
/* False: there is none. */
bool aof_give_ballast(struct aof *aof);
int aof_take_ballast(struct aof *aof);
void aof_finish(struct aof *aof);
void aof_count_files(const struct aof *aof, struct aof_figures *out_figures);

/* loader.c */
void loader_begin(struct aof *aof, const struct data_files *files, const struct config *config);
void loader_on_taken(struct aof *aof, struct config_error *misfit);
void loader_fini(struct aof *aof);

/* aof_reload.c */
void aof_on_reload(struct aof *aof, enum data_source source, struct config *config);
/* The phase: begins, once all that was executed is in the log. */
void aof_begin_reload(struct aof *aof);
void reload_end(struct aof *aof);

/* marks.c */
void marks_init(struct marks *marks, struct runtime *runtime);
void marks_fini(struct marks *marks);
/* The phase: tells reactors and store. */
void marks_tell(struct aof *aof);
void marks_on_taken(struct aof *aof, uint32_t actor_number);

#endif

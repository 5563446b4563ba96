/*
 * The store's side of the append-only file, and of loading it. Private to the store's runtime; store.h has what handlers need.
 */
#ifndef ACTORS_STORE_DURABILITY_H
#define ACTORS_STORE_DURABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"
#include "actors/persistence/aof.h"

struct load_batch;
struct store;
struct load_frames;
struct rdb_history;
struct subscriber_link;

/* CONFIG SET appendonly yes, in steps. */
enum log_switch {
	SWITCH_NONE,
	SWITCH_IS_WANTED,
	SWITCH_OPENS,                    /* the AOF opens its directory */
	SWITCH_MAKES_BASE,
};

struct durability {
	struct subscriber_link *link;    /* the AOF actor's on the bus; NULL: there is none */
	bool is_gated;                   /* appendfsync always: replies wait until what they tell is durable */
	struct config_error *refusal;    /* why the AOF can't write; NULL: it can */
	uint64_t durable;                /* the last frame known to be durable */
	bool sync_is_wanted;             /* for replies that wait, though appendfsync is no longer always */
	bool sync_is_asked;              /* AOF_SYNC was posted and not answered yet */
	enum log_switch switching;
	const struct config *wanted;     /* by CONFIG SET appendonly yes; NULL: nothing is being switched */
	bool is_attached;                /* the AOF takes frames */
	bool settings_have_changed;      /* since they were last posted to the AOF */
	bool settings_are_out;           /* AOF_SETTINGS was posted and not answered yet */
	bool figures_are_asked;
	struct aof_figures figures;      /* the last that came */
};

struct loading {
	bool is_on;
	uint64_t total_bytes, loaded_bytes; /* of all files */
	int64_t began_ms, began_monotonic_ms;
	uint64_t keys, expired_keys;        /* in RDB files: loaded, skipped */
	uint64_t sequence;                  /* of the last frame loaded */
};

/* durability.c */
/* Called at creation, after the bus: finds the AOF among the subscribers. */
void durability_init(struct store *store);
void durability_fini(struct store *store);
/* The AOF takes frames from now on, if there is a log. */
void durability_attach(struct store *store);
/* The AOF has a log, or can begin one. */
bool durability_has_log(const struct store *store);
/* CONFIG SET appendonly yes: store_on_appendonly() tells how it ends. */
void durability_switch_on(struct store *store, const struct config *next);
void durability_on_switch_failed(struct store *store, struct config_error *error);
void durability_on_first_base(struct store *store, bool is_done);
/* What REACTOR_REPLIES carries: the frame that must be durable before the replies leave. */
uint64_t durability_sequence(const struct store *store);
/* Whether the AOF is in the way of all writes. */
bool durability_refuses_writes(const struct store *store);
/* The configuration has changed. */
void durability_config_changed(struct store *store, const struct config_changes *changes);
bool durability_settings_are_taken(const struct store *store);
/* The phase: asks the AOF. */
void durability_post(struct store *store);
void durability_on_settings_taken(struct store *store);
void durability_on_state(struct store *store, struct config_error *refusal);
void durability_on_durable(struct store *store, uint64_t sequence);
void durability_on_figures(struct store *store, struct aof_figures *figures);

/* loading.c */
void loading_on_entries(struct store *store, uint64_t loaded_bytes, struct load_batch *batch);
void loading_on_frames(struct store *store, uint64_t loaded_bytes, struct load_frames *frames);
/* Takes the history. */
void loading_on_end(struct store *store, uint64_t sequence, struct rdb_history *history);

#endif

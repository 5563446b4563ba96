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

struct durability {
	struct subscriber_link *link;    /* the AOF actor's on the bus; NULL: there is none */
	bool is_gated;                   /* appendfsync always: replies wait until what they tell is durable */
	struct config_error *refusal;    /* why the AOF can't write; NULL: it can */
	uint64_t durable;                /* the last frame known to be durable */
	bool sync_is_asked;              /* AOF_SYNC was posted and not answered yet */
	bool settings_have_changed;      /* since they were last posted to the AOF */
	bool settings_are_out;           /* AOF_SETTINGS was posted and not answered yet */
	bool figures_are_asked;
	struct aof_figures figures;      /* the last that came */
};

struct loading {
	bool is_on;
	uint64_t total_bytes, loaded_bytes; /* of all files */
	int64_t began_ms, began_monotonic_ms;
	uint64_t sequence;                  /* of the last frame loaded */
};

/* durability.c */
/* Called at creation, after the bus: finds the AOF among the subscribers. */
void durability_init(struct store *store);
void durability_fini(struct store *store);
/* The AOF takes frames from now on. */
void durability_begin(struct store *store);
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

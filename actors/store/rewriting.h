/*
 * Rewriting the append-only file: a snapshot becomes its base.
 *
 * It may be wanted by a client (BGREWRITEAOF), by the AOF (the log has grown, or has a gap), or because appendonly is being switched on. The
 * steps: the AOF says where the base is to be written; the snapshot begins, with a frame on the bus at which the log goes on in a new part;
 * the writer writes it; the AOF puts it into the manifest. After a failure the next attempt that no client asks for waits, each time longer.
 */
#ifndef ACTORS_STORE_REWRITING_H
#define ACTORS_STORE_REWRITING_H

#include <stdbool.h>
#include <stdint.h>

struct base_file;
struct config_error;
struct snapshot_result;
struct store;

enum rewrite_step { REWRITE_IDLE, REWRITE_PREPARES, REWRITE_SAVES, REWRITE_INSTALLS };

struct rewriting {
	enum rewrite_step step;
	bool is_wanted;               /* begins when nothing else is in the way */
	bool switches_on;             /* the one that is under way: the log has no base yet */
	int64_t not_before_ms;        /* monotonic, as all times here: unless a client asks */
	struct base_file *file;       /* where to write the base, while it is written */
	int64_t began_ms;
	int64_t last_duration_ms;     /* -1 before the first */
	bool has_failed;              /* the last one */
	uint64_t rewrites, failures;  /* since the start; one after the other */
};

void rewriting_init(struct store *store);
void rewriting_fini(struct store *store);
/* The phase: begins what is wanted. */
void rewriting_go_on(struct store *store);
bool rewriting_is_under_way(const struct store *store);
/* When it is to begin; INT64_MAX if nothing is wanted, or it waits for something else than time. */
int64_t rewriting_due_ms(const struct store *store);
/* Gives up what is under way: the log is switched off, or the server stops. */
void rewriting_stop(struct store *store);

void rewriting_on_saved(struct store *store, const struct snapshot_result *result);
void rewriting_on_save_failed(struct store *store, const char *reason);

/* Messages of the AOF. */
void rewriting_on_asked(struct store *store);
void rewriting_on_prepared(struct store *store, struct base_file *file);
void rewriting_on_installed(struct store *store);
void rewriting_on_failed(struct store *store, struct config_error *error);

#endif

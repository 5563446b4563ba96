/*
 * The store as seen by command handlers: databases, configuration, statistics, sessions.
 *
 * Handlers run inside a turn of the store. The clock is read once a turn and passed in the call.
 */
#ifndef ACTORS_STORE_STORE_H
#define ACTORS_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"
#include "actors/bus/effect.h"
#include "actors/persistence/aof.h"
#include "actors/store/call.h"
#include "actors/store/commands/command.h"
#include "actors/store/latency.h"
#include "actors/store/reply.h"
#include "actors/store/session.h"
#include "actors/store/slowlog.h"
#include "storage/databases.h"

struct store;

/* A database, for reading and for writing. NULL if out of memory, which cannot happen for a database that has entries. */
const struct keyspace *store_keyspace(const struct store *store, uint32_t database);
struct keyspace *store_own_keyspace(struct store *store, uint32_t database);
/* All databases: their maximum number, and which are in use. */
const struct databases *store_databases(const struct store *store);

/* 64 random bits, not for secrets. */
uint64_t store_random(void *store);

/* Empties a database in constant time; the reaper frees the keys. */
enum keyspace_status store_flush(struct store *store, uint32_t database);
/* Empties all databases; if out of memory, none. */
enum keyspace_status store_flush_all(struct store *store);

void store_swap(struct store *store, uint32_t a, uint32_t b);

/* Used memory: data, garbage not yet freed, large requests and values in flight, and memory for clients. */
size_t store_used_bytes(const struct store *store);
/* The part of used memory that counts against maxmemory: of what is in flight, only the excess over a free amount. */
size_t store_counted_bytes(const struct store *store);
/* Would a value of `bytes` fit below maxmemory if all keys were evicted? */
bool store_could_hold(const struct store *store, size_t bytes);
/* The part of used memory for clients: sessions, incomplete and queued requests, unread replies. */
size_t store_client_bytes(const struct store *store);

/* The bus accepts frames now. For commands that make frames after their first turn. */
bool store_has_credit(const struct store *store);

struct config *store_config(struct store *store);
/* The configuration has changed: informs the reactors, and puts log level and thresholds into effect. */
void store_config_changed(struct store *store);
/* CONFIG SET: puts `next` into effect as a whole or not at all, takes its contents, and replies, usually in a later turn. `changes` is the
 * difference from the current configuration. Do not call while store_config_is_changing(); block on BLOCKED_CONFIG_CHANGE instead. */
void store_config_set(struct call *call, struct config *next, const struct config_changes *changes);
/* CONFIG REWRITE: the worker writes the file, then the call is answered. Do not call while store_config_is_changing(). */
void store_rewrite(struct call *call);
bool store_config_is_changing(const struct store *store);

int64_t store_monotonic_ms(const struct store *store); /* read once a turn */
int64_t store_started_ms(const struct store *store);   /* wall clock; use store_uptime_ms() for durations */
int64_t store_uptime_ms(const struct store *store);

/* Counters for INFO; CONFIG RESETSTAT clears them. */
struct store_counters {
	uint64_t connections_received, connections_rejected;
	uint64_t keyspace_hits, keyspace_misses;
	uint64_t expired_keys, evicted_keys, error_replies;
	uint64_t protocol_errors, auth_failures;
	uint64_t peak_memory_bytes;
	uint64_t reaped_keys;           /* freed by the reaper */
	uint64_t expiry_ns;             /* time spent on active expiry */
	uint64_t expiry_slices_cut;     /* expiry slices that ended before all expired keys were removed */
	uint64_t excess_ms;             /* time with memory above maxmemory, without the current period */
	/* Values at the last RESETSTAT of counters that are never reset: the reactors' figures, and store_total(). */
	uint64_t reads_before, writes_before, input_bytes_before, output_bytes_before, commands_before;
};
struct store_counters *store_counters(struct store *store);
/* Resets the counters except peak memory, the observer's counts and the error counts. */
void store_reset_counters(struct store *store);

/* Error replies by code ("WRONGTYPE"), in order of first appearance. */
struct error_count {
	char code[32];
	uint64_t count;
};
const struct error_count *store_error_counts(const struct store *store, size_t *out_count);

/* See slowlog.h and latency.h. */
struct slowlog *store_slowlog(struct store *store);
struct latency *store_latency(struct store *store);
/* See memory_figures.h. */
struct memory_reading *store_memory_reading(struct store *store);

/* Keys that the reaper has not freed yet. */
uint64_t store_garbage_keys(const struct store *store);
/* The sequence of the last frame on the bus. */
uint64_t store_sequence(const struct store *store);
/* How long memory has been above maxmemory; 0 when it isn't. */
int64_t store_excess_ms(const struct store *store);

/* Rates per second, averaged over the previous and the current second. */
enum rate { RATE_COMMANDS, RATE_READ_BYTES, RATE_WRITTEN_BYTES, RATES };
uint64_t store_per_second(const struct store *store, enum rate rate);
/* Since the server started; store_reset_counters() does not reset it. */
uint64_t store_total(const struct store *store, enum rate rate);

/* Memory used by the empty databases. */
size_t store_startup_bytes(const struct store *store);

/* 40 hexadecimal digits, unique to this run of the server. */
const char *store_run_id(const struct store *store);
/* The replication id, which can be changed. */
const char *store_replication_id(const struct store *store);
void store_change_replication_id(struct store *store);
/* The replicas and their stream: actors/store/replication.h. */
struct replication *store_replication(struct store *store);

uint64_t store_session_count(const struct store *store);
struct session *store_first_session(struct store *store);

/* Asks every reactor for the figures of its connections. Blocks the session until all have answered, then resumes it with one
 * `struct connection_figures *` (actors/store/figures.h). */
void store_ask_figures(struct call *call, session_resume *resume, void *state);
/* The same for the observer's counts: resumes with a `struct observations *` (actors/observer/observer.h). */
void store_ask_observations(struct call *call, session_resume *resume, void *state);
/* Appends the lines of INFO actors: mailbox depth, batch sizes, turn times, credit. */
void store_describe_actors(struct store *store, struct buffer *out);

/* Why this command may not run now, as an error reply: the data are being loaded, or can't be kept on disk. NULL: it may. */
const char *store_refusal(const struct store *store, const struct command *command);

/* The append-only file. The last frame known to be durable. */
uint64_t store_durable_sequence(const struct store *store);
/* Blocks the session until more is durable: resumes with WAKE_ANSWER when all frames so far are, maybe earlier. */
void store_wait_durable(struct call *call, int64_t deadline_ms, session_resume *resume, void *state);
/* Blocks the session until store_aof_figures() has the present figures, or for a short time. False: there is no append-only file. */
bool store_ask_aof(struct call *call, session_resume *resume);
/* NULL: there is no append-only file. */
const struct aof_figures *store_aof_figures(const struct store *store);

/* The data are being read from disk. */
bool store_is_loading(const struct store *store);
struct loading_figures {
	uint64_t total_bytes, loaded_bytes; /* of the files */
	uint64_t keys, expired_keys;        /* in RDB files: loaded, skipped */
	int64_t began_ms;                   /* wall clock */
	int64_t eta_ms;                     /* until the end, at the pace so far */
};
void store_get_loading(const struct store *store, struct loading_figures *out_figures);

/* CLIENT PAUSE: commands wait until `until_ms` (monotonic) or the end of the pause. See pause.c. */
enum pause_mode { PAUSE_NONE, PAUSE_WRITES, PAUSE_ALL };
void store_pause(struct store *store, enum pause_mode mode, int64_t until_ms);
void store_end_pause(struct store *store);
/* Must this command wait for the end of a pause? */
bool store_pause_holds(const struct store *store, const struct command *command);

/* DEBUG SET-ACTIVE-EXPIRE: whether expired keys are removed without being accessed. */
void store_set_active_expiry(struct store *store, bool is_on);

/* DEBUG SLEEP: until `until_ms` (monotonic) nothing is executed and no reply is sent. No effect once shutdown has begun. */
void store_freeze(struct store *store, int64_t until_ms);

/* ---- saving: saving.c, shutdown.c ---- */

enum save_time {
	SAVE_NOW,          /* not if the log writes its base */
	SAVE_WHEN_POSSIBLE,
};
enum save_outcome {
	SAVE_BEGINS,
	SAVE_IS_SCHEDULED, /* after the log's base */
	SAVE_IS_UNDER_WAY, /* already: nothing changes */
	SAVE_MUST_WAIT,    /* the log writes its base: nothing changes */
	SAVE_FAILS,        /* there is no memory to begin it */
};
/* A session that blocks on BLOCKED_SAVE is resumed when the snapshot has ended, with the reason (a text) if that is a failure. */
enum save_outcome store_request_save(struct store *store, enum save_time time);

/* The same for BGREWRITEAOF; SAVE_FAILS: there is no append-only file. */
enum save_outcome store_request_rewrite(struct store *store);
struct rewriting_figures {
	bool is_under_way, is_wanted, has_failed;
	uint64_t rewrites, failures;   /* since the start; one after the other */
	int64_t last_s, current_s;     /* -1: there is none */
};
void store_rewriting_figures(const struct store *store, struct rewriting_figures *out_figures);

struct saving_figures {
	uint64_t changes, saves;
	bool is_saving, has_failed;    /* now; the last one */
	int64_t saved_wall_ms;         /* when the last one was complete; before the first, the start */
	int64_t last_s, current_s;     /* how long it took, and takes; -1: there is none */
	int64_t overdue_s;             /* so much later than a save point asks for; 0: not late */
	uint64_t keys, keys_at_cut;    /* of the snapshot under way */
	uint64_t waiting_bytes, waiting_bytes_max, last_waiting_bytes_max;
};
void store_saving_figures(const struct store *store, struct saving_figures *out_figures);

struct shutdown_options {
	bool saves, saves_not;         /* neither: if there are save points */
	bool is_now;                   /* without sending pending replies */
	bool is_forced;                /* also if saving fails */
};
/* Sessions blocked on BLOCKED_SHUTDOWN are resumed if it fails. */
void store_shut_down(struct store *store, const struct shutdown_options *options);
/* False: none is in progress, or it can't be aborted any more. */
bool store_abort_shutdown(struct store *store);

/*
 * Loading all data again. First, prepare: writes wait from then on, and the caller saves the data if that is the source. The outcome is an
 * error reply that says why it can't be done; NULL: it can. Then cancel, or begin: sessions on BLOCKED_RELOAD are resumed with NULL, or with
 * the reason why the data are as they were.
 */
const char *store_prepare_reload(struct store *store, enum data_source source);
void store_cancel_reload(struct store *store);
void store_begin_reload(struct store *store);

/* Writes must wait: a shutdown would lose them, or loading again. For commands that write in a later turn, or without the flag for it. */
bool store_holds_writes(const struct store *store);

#endif

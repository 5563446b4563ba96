/*
 * The store actor's state, for its own files (turn, session, reply, handlers). Nobody else includes this.
 *
 * One turn takes one message. Handlers run inside the turn; the clock is read once a turn and handed down in the call.
 */
#ifndef ACTORS_STORE_STORE_H
#define ACTORS_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"
#include "actors/bus/effect.h"
#include "actors/store/call.h"
#include "actors/store/commands/command.h"
#include "actors/store/latency.h"
#include "actors/store/reply.h"
#include "actors/store/session.h"
#include "actors/store/slowlog.h"
#include "storage/databases.h"

struct store;

/* A database: to be read, and to be changed. NULL without memory, but never when an entry is there. */
const struct keyspace *store_keyspace(const struct store *store, uint32_t database);
struct keyspace *store_own_keyspace(struct store *store, uint32_t database);
/* The numbered databases: how many there may be, and which are in use. */
const struct databases *store_databases(const struct store *store);

/* Random bits from the store's own generator. */
uint64_t store_random(void *store);

/* Empties a database: its keys go to the reaper, whatever their number. */
enum keyspace_status store_flush(struct store *store, uint32_t database);
/* All databases, or without memory none. */
enum keyspace_status store_flush_all(struct store *store);

/* Two databases change places. */
void store_swap(struct store *store, uint32_t a, uint32_t b);

/* The data, what waits at the reaper, large requests and values under way, and what is kept for clients. */
size_t store_used_bytes(const struct store *store);
/* Of that, what counts against maxmemory: what is under way only as far as it is too much. */
size_t store_counted_bytes(const struct store *store);
/* Could a value of so many bytes be held under maxmemory, if all keys were evicted? */
bool store_could_hold(const struct store *store, size_t bytes);
/* Of that, what is kept for clients: themselves, their requests not yet whole or not yet executed, replies that they have not taken. */
size_t store_client_bytes(const struct store *store);

/* The bus can take more frames now. For a command that makes them beyond its first turn. */
bool store_has_credit(const struct store *store);

struct config *store_config(struct store *store);
/* A new configuration is in force: tells the reactors and whoever else needs to know. */
void store_config_changed(struct store *store);
/* CONFIG SET has made `next` out of the configuration, with these changes: takes its contents, puts all of it in force or nothing, and
 * replies, as a rule later. Not while another is under way: who comes meanwhile waits on BLOCKED_CONFIG_CHANGE. */
void store_config_set(struct call *call, struct config *next, const struct config_changes *changes);
/* CONFIG REWRITE: the supervisor writes the file, then the reply is given. Not while the like is under way, as above. */
void store_rewrite(struct call *call);
bool store_config_is_changing(const struct store *store);

int64_t store_monotonic_ms(const struct store *store); /* read once a turn */
int64_t store_started_ms(const struct store *store);   /* wall clock: a date, not to be subtracted from another */
int64_t store_uptime_ms(const struct store *store);

/* Counters for INFO; CONFIG RESETSTAT clears them. */
struct store_counters {
	uint64_t connections_received, connections_rejected;
	uint64_t keyspace_hits, keyspace_misses;
	uint64_t expired_keys, evicted_keys, error_replies;
	uint64_t protocol_errors, auth_failures;
	uint64_t peak_memory_bytes;
	uint64_t reaped_keys;           /* freed by the reaper */
	uint64_t expiry_ns;             /* spent on removing keys whose time was over */
	uint64_t expiry_slices_cut;     /* that ended before the work was done */
	uint64_t excess_ms;             /* of times that are over, with memory above maxmemory */
	/* What was there at the last RESETSTAT, by the reactors' figures and by store_total(): they count from the start. */
	uint64_t reads_before, writes_before, input_bytes_before, output_bytes_before, commands_before;
};
struct store_counters *store_counters(struct store *store);
/* Sets them back to 0, but for the peak of memory and what was before; the observer's counts and those of errors, too. */
void store_reset_counters(struct store *store);

/* Error replies by code ("WRONGTYPE"), in the order in which they came up first. */
struct error_count {
	char code[32];
	uint64_t count;
};
const struct error_count *store_error_counts(const struct store *store, size_t *out_count);

/* What took long; see slowlog.h and latency.h. */
struct slowlog *store_slowlog(struct store *store);
struct latency *store_latency(struct store *store);
/* See memory_figures.h. */
struct memory_reading *store_memory_reading(struct store *store);

/* Keys that wait to be freed by the reaper. */
uint64_t store_garbage_keys(const struct store *store);
/* Commands that have changed something, since the start; with what left of itself. */
uint64_t store_changes(const struct store *store);
/* For how long memory has been above maxmemory; 0 when it isn't. */
int64_t store_excess_ms(const struct store *store);

/* Commands a second, of the last second or two. */
enum rate { RATE_COMMANDS, RATE_READ_BYTES, RATE_WRITTEN_BYTES, RATES };
uint64_t store_per_second(const struct store *store, enum rate rate);
/* Since the start, whatever store_reset_counters() has done. */
uint64_t store_total(const struct store *store, enum rate rate);

/* Memory in use by the keyspaces before there was a key. */
size_t store_startup_bytes(const struct store *store);

/* 40 hexadecimal digits that no other run of the server has. */
const char *store_run_id(const struct store *store);
/* The same for replication, where the id may be changed. */
const char *store_replication_id(const struct store *store);
void store_change_replication_id(struct store *store);

/* Sessions. */
uint64_t store_session_count(const struct store *store);
struct session *store_first_session(struct store *store);

/* Asks every reactor for the figures of its connections' buffers; the call's session is blocked until all have answered and
 * then resumed with a `struct connection_figures *` (actors/store/figures.h) that holds them all. */
void store_ask_figures(struct call *call, session_resume *resume, void *state);
/* Asks the observer for its counts: resumed with a `struct observations *` (actors/observer/observer.h). */
void store_ask_observations(struct call *call, session_resume *resume, void *state);
/* A text of lines "actor:..." for INFO actors: mailbox depth, batch sizes, turn times, credit. */
void store_describe_actors(struct store *store, struct buffer *out);

/* Commands wait until a time (monotonic), or until the pause is ended: see pause.c. */
enum pause_mode { PAUSE_NONE, PAUSE_WRITES, PAUSE_ALL };
void store_pause(struct store *store, enum pause_mode mode, int64_t until_ms);
void store_end_pause(struct store *store);
/* Must this command wait for the end of a pause? */
bool store_holds_back(const struct store *store, const struct command *command);

/* DEBUG SET-ACTIVE-EXPIRE: whether expired keys are removed before somebody comes upon them. */
void store_set_active_expiry(struct store *store, bool is_on);

/* Nothing more is executed and no reply leaves before `until_ms` (monotonic), as if the store slept: DEBUG SLEEP. Not once a stop has begun. */
void store_freeze(struct store *store, int64_t until_ms);

/* Starts the stop of the whole server; `is_now`: what clients are still owed is dropped. */
void store_shut_down(struct store *store, bool is_now);

#endif

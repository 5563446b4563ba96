/*
 * The store actor's state, private to the store's runtime. Command handlers use store.h. Actors that post to the store use store_actor.h,
 * batch.h, figures.h and settings.h. turn.c lists the phases of a turn.
 */
#ifndef ACTORS_STORE_STATE_H
#define ACTORS_STORE_STATE_H

#include "actors/runtime/actor.h"
#include "actors/observer/observer.h"
#include "actors/store/blocked.h"
#include "actors/store/durability.h"
#include "actors/store/memory_figures.h"
#include "actors/store/replication.h"
#include "actors/store/rewriting.h"
#include "actors/store/saving.h"
#include "actors/store/session_index.h"
#include "actors/store/stopwatch.h"
#include "actors/store/store_actor.h"
#include "actors/store/store.h"
#include "actors/bus/turn_message.h"
#include "storage/eviction.h"
#include "transport/bus.h"

#define ERROR_KINDS_MAX 64

/* Once a reactor has this much reply text, the text is sent before more is written. Buffers up to this size are reused. */
#define TEXT_BYTES_MAX ((size_t)768 << 10)
/* A longer run of text in one reply is sent as a blob: it grows no buffer and is not copied again. */
#define TEXT_PIECE_BYTES ((size_t)256 << 10)

/* The store's side of one reactor. */
struct reactor_side {
	struct actor *actor;
	size_t output_bytes;            /* unsent output of its connections, as of its last batch */
	size_t input_bytes;             /* incomplete requests and the connections themselves, as of its last batch */
	uint64_t read_bytes, written_bytes; /* totals, as of its last batch */
	struct session **sessions;      /* by slot */
	size_t session_capacity;
	struct reply_batch *open;       /* collects this turn's replies; NULL when there are none */
	struct request_batch *backlog_first, *backlog_last; /* batches not completely executed */
	size_t part_begins;             /* offset of the last part's text in the open batch */
	bool is_out[MESSAGE_TYPES];     /* unsolicited messages posted and not yet acknowledged, by type */
	bool settings_have_changed;     /* since they were last posted */
};

/* Deadlines of blocked sessions: a binary heap by time. */
struct deadlines {
	struct session **items;
	size_t count, capacity;
};

/* Sessions blocked on one topic, in the order in which they blocked. */
struct blocked_list {
	struct session *first, *last;
};

/* A CONFIG SET that waits for the supervisor. */
struct config_change {
	struct config next;
	struct config_changes changes;
	struct config_error error;      /* why not; of appendonly only */
	bool is_done;                   /* the supervisor's answer */
};

struct subscriber_link {
	struct store *store;
	struct actor *actor;
	const struct subscriber_kind *kind;
	uint32_t number;                /* on the bus */
};

/* All sessions, and the progress of the check for idle clients. */
struct sessions {
	struct session *first, *last;   /* in order of id */
	struct session_index index;
	struct session *first_monitor;
	uint64_t count;
	size_t bytes;                   /* including client names, which have no maximum length */
	int64_t idle_check_due_ms;      /* monotonic */
	struct session *idle_cursor;    /* next session to check; NULL between two checks */
};

/* Blocked sessions: blocked.c. */
struct blocked {
	struct blocked_list lists[BLOCKED_TOPICS];
	struct deadlines deadlines;
	uint64_t count;
	size_t waiting_bytes;           /* requests queued in sessions, without blobs */
	void *answer;                   /* for the sessions woken in this turn; NULL without */
	void (*destroy_answer)(void *answer);
};

/* The command bus, and what will be published: publish.c, subscribers.c. */
struct bus_side {
	struct bus *bus;
	struct subscriber_link *links;
	uint32_t link_count;
	uint32_t observer;              /* index of the observer's link */
	struct turn_message *publication; /* NULL until this turn has something to publish */
	uint32_t wanted;                /* enum bus_interest, of all subscribers together */
	uint64_t commands_missed;       /* commands not shown to MONITOR, and not yet reported to it */
	uint32_t frame_effects;         /* effects in the current frame */
};

/* maxmemory, and garbage for the reaper. */
struct memory_side {
	struct eviction eviction;
	uint64_t slice_ends_ns;         /* end of this turn's eviction slice; 0 before it begins */
	bool slice_is_over;
	int64_t due_ms;                 /* monotonic: when to evict again */
	int64_t excess_since_ms;        /* monotonic: since when memory is above maxmemory; 0 when it isn't */
	size_t startup_bytes;
	struct memory_reading reading;
	struct garbage *garbage;        /* not yet given to the reaper */
	bool reaper_is_busy;
	uint64_t garbage_keys;          /* keys not yet freed */
	uint64_t given_keys;            /* of these, the ones that the reaper has */
};

/* The current turn. */
struct turn {
	int64_t now_ms, monotonic_ms;
	struct stopwatch stopwatch;
	uint64_t timing_began_ticks;    /* start of the command being timed */
	uint64_t began_ticks;
	uint64_t ends_ticks;            /* after this no command begins */
	bool some_are_set_aside;        /* sessions set aside by an earlier turn are waiting */
	struct buffer discarded;        /* replies that are not sent */
};

/* What may be executed when. */
struct execution {
	size_t backlog_bytes;           /* requests in the backlog that arrived in pieces, without blobs */
	uint32_t first_reactor;         /* its batches are executed first in the next turn */
	int64_t frozen_until_ms;        /* monotonic; nothing is executed before this time */
	bool never_freezes;             /* shutdown has begun */
	enum pause_mode pause_mode;
	int64_t pause_until_ms;         /* monotonic */
	int64_t set_aside_ran_ms;       /* monotonic: when connections that are set aside had their time last */
};

struct cron {
	int64_t armed_ms;               /* monotonic; INT64_MAX while the timer is not armed */
	bool is_unfinished;
	bool expiry_is_off;
};

struct statistics {
	struct tally *tally;            /* counts not yet sent to the observer */
	int64_t tally_given_ms;
	bool tally_has_news;            /* the tally is not empty */
	uint64_t totals[RATES];         /* since the server started */
	int64_t rates_since_ms;         /* monotonic: start of the current second */
	uint64_t totals_then[RATES];    /* totals at that time */
	uint64_t second_before[RATES];  /* counts of the previous second */
	struct store_counters counters;
	struct error_count errors[ERROR_KINDS_MAX];
	size_t error_kinds;
	uint64_t batches, batch_requests, batch_requests_max;
	uint64_t attention_ns;          /* a call this long concerns the slow log or the latency monitor */
	struct slowlog slowlog;
	struct latency latency;
};

/* Pending questions to other actors: query.c. */
struct query {
	struct connection_figures *figures; /* received so far */
	uint32_t figures_missing;       /* reactors that have not answered yet */
	bool observations_are_asked;    /* the observer has not answered yet */
};

struct identity {
	uint64_t random[4];
	char run_id[41];                /* 40 hexadecimal digits, new at each start */
	char replication_id[REPLICATION_ID_LENGTH + 1];
	int64_t started_ms, started_monotonic_ms;
};

/* shutdown.c */
struct shutdown {
	bool is_saving;                 /* it waits for a snapshot */
	bool holds_writes;              /* from then on: they would be acknowledged and not saved */
	bool is_asked;                  /* the supervisor has been told to stop the server */
	bool is_now, is_forced;
	bool is_by_supervisor;          /* which waits for an answer */
};

/* reloading.c */
struct reloading {
	bool is_on;                     /* writes wait */
	bool is_to_be_asked;            /* the AOF will be, at the end of this turn */
	enum data_source source;
	struct former_database {        /* the data before, while others are being loaded */
		uint32_t number;
		struct garbage *garbage;
	} *former;
	uint32_t former_count;
};

struct store {
	struct actor *actor, *reaper, *supervisor, *worker, *snapshot_writer;
	struct runtime *runtime;
	struct config config;
	struct config_change *config_change; /* NULL when none is in progress */
	bool config_is_being_written;   /* by the worker */
	bool is_stopping, is_dropping;
	struct databases databases;
	struct reactor_side *reactors;
	uint32_t reactor_count;
	struct sessions sessions;
	struct blocked blocked;
	struct execution execution;
	struct turn turn;
	struct bus_side bus;
	struct durability durability;
	struct loading loading;
	struct reloading reloading;
	struct memory_side memory;
	struct cron cron;
	struct query query;
	struct saving saving;
	struct replication replication;
	struct rewriting rewriting;
	struct shutdown shutdown;
	struct statistics stats;
	struct identity identity;
};

/* turn.c, inbox.c */
void store_turn(void *state, struct message message);
/* Handles the message, without executing commands. */
void store_take(struct store *store, struct message message);

/* unread.c */
/* Counts `bytes` more of replies to the session; `part` is the part that they belong to. */
void session_count_sent(const struct store *store, struct session *session, struct reply_part *part, size_t bytes);
/* May a reply grow by `more` bytes, `copied` of them in new memory? If not, the session is killed. */
bool session_may_send(struct store *store, struct session *session, size_t more, size_t copied);
/* Takes the reports. */
void store_on_reports(struct store *store, struct reactor_side *from, struct connection_reports *reports);

/* session.c */
struct session *session_open(struct store *store, const struct request *request);
/* The two steps of execute_end(): the first ends output to the session, the second frees it. */
void session_begin_end(const struct store *store, struct session *session);
void session_close(struct store *store, struct session *session);
struct session *session_at(const struct store *store, struct connection_ref connection);

/* reply.c */
/* Replies to the batch's reactor use the empty reply batch that the request batch carries. */
void store_borrow_replies(struct store *store, struct request_batch *batch);
/* The last part of the open reply batch, which goes to the connection. Valid until the next call. */
struct reply_part *store_part(struct store *store, struct connection_ref connection);
/* The buffer that the session's replies are written to. Valid until the next call. */
struct buffer *store_text(struct store *store, struct session *session);
/* Sends the blob after the text written so far; the caller keeps its reference. Returns the blob's part, valid until the next call. */
struct reply_part *store_send_blob(struct store *store, struct session *session, struct blob *blob);
void store_post_replies(struct store *store, uint32_t reactor, struct request_batch *home);
void store_post_pushes(struct store *store);
/* Counts an error reply. The text begins with the error code. */
void store_count_error(struct store *store, const char *text);

/* call.c */
/* Removes an expired entry, with an effect in the current frame. */
void store_expire(struct store *store, uint32_t database, struct entry *entry);

/* subscribers.c */
void store_subscribe_all(struct store *store, const struct store_subscription *subscriptions, uint32_t count);
void store_on_credit(struct store *store, const struct message *message);
void store_on_wants(struct store *store, const struct message *message);

/* publish.c */
void store_frame_begin(struct store *store);
void store_frame_end(struct store *store);
/* Counts an effect of the current frame without writing it. */
void store_count_effect(struct store *store, enum effect_type type);
void store_effect(struct store *store, uint32_t database, const struct effect *effect);
void store_publish_command(struct store *store, const struct session *session, const struct call *call);
void store_publish(struct store *store);
void store_give_tally(struct store *store);
void store_update_interest(struct store *store);

/* maxmemory.c */
enum memory_outcome {
	MEMORY_ENOUGH,
	MEMORY_LATER, /* the turn's eviction slice is over, or memory is about to be freed */
	MEMORY_FULL,  /* nothing can be evicted */
};
/*
 * Evicts until memory is below maxmemory, within the turn's eviction slice. `call` is the admitted call of the command that needs
 * memory, or NULL: what it will write is counted, and the first of its keys is not evicted. If that could never fit below maxmemory, nothing
 * is evicted. Do not call while a frame is open.
 */
enum memory_outcome store_evict(struct store *store, const struct call *call);
/* Gives the turn a new eviction slice. Its time starts with the first eviction, or the first call of store_eviction_slice_is_over(). */
void store_begin_eviction_slice(struct store *store);
bool store_eviction_slice_is_over(struct store *store);
/* Sets the time of the next eviction, according to the outcome of the last. */
void store_plan_eviction(struct store *store, enum memory_outcome outcome);
/* Large values and copies in requests and replies in flight, and memory for clients. */
size_t store_in_flight_bytes(const struct store *store);
/* Puts the eviction policy and its parameters into effect. */
void store_apply_memory_settings(struct store *store);

/* command_stats.c */
/* Starts timing what is executed next. */
void store_begin_timing(struct store *store);
/* Counts a call, times it, and starts timing the next. */
void store_count_call(struct store *store, const struct call *call);
/* The same for a command that was blocked. */
void store_count_resumed_call(struct store *store, const struct call *call);
/* Reads the thresholds of slow log and latency monitor from the configuration. */
void store_update_thresholds(struct store *store);
/* Called in each turn: starts a new second of the rates if one has begun. */
void store_roll_rates(struct store *store);
/* Records an event in the latency monitor if it took long enough. */
void store_note_latency(struct store *store, enum latency_event event, uint64_t ns);

/* pause.c */
bool store_is_paused(const struct store *store);
/* Nothing holds commands any more. */
bool store_pause_is_over(const struct store *store);

/* saving.c */
/* Once the store has everything else. */
void store_saving_init(struct store *store);
void store_saving_fini(struct store *store);
/* A turn's share of a snapshot: begins one that is wanted or due, walks, gives records to the writer. */
void store_go_on_saving(struct store *store);
/* There is more to do in another turn. */
bool store_saving_is_behind(const struct store *store);
/* So many former states wait that no more may be made. A message of the writer's begins the turn in which this ends. */
bool store_snapshot_is_full(const struct store *store);
/* It is full, and a change of the entry would make another one. */
bool store_snapshot_holds(const struct store *store, const struct keyspace *keyspace, const struct entry *entry);
/* What waits for the writer. */
struct snapshot_bytes store_snapshot_bytes(const struct store *store);
/* Why writes are refused, as an error reply; NULL: they are not. */
const char *saving_refusal(const struct store *store);
/* The data are those on disk. */
void store_saving_on_loaded(struct store *store);
/* The data are about to be removed as a whole. */
void store_saving_on_flush_all(struct store *store);
/* A snapshot of the data as they are now, and no other. */
void store_save_last(struct store *store);
/* No replica waits for it any more. */
void store_abort_snapshot_for_replicas(struct store *store);
/* Drops the snapshot that is under way. */
void store_saving_stop(struct store *store);
/* Gives up the base of the log that is wanted or being written. */
void store_saving_drop_base(struct store *store);
void store_on_snapshot_credit(struct store *store, struct snapshot_batch *batch);
/* Both take the result. */
void store_on_snapshot_done(struct store *store, struct snapshot_result *result);
void store_on_snapshot_failed(struct store *store, struct snapshot_result *result);

/* save_points.c */
/* Reads them from the configuration. */
void store_apply_save_points(struct store *store);
/* Wants a snapshot if one is due. */
void store_check_save_points(struct store *store);
/* When to check again (monotonic); INT64_MAX: not before something changes. */
int64_t store_next_save_ms(const struct store *store);
/* How long a snapshot has been due, if it is overdue; else 0. */
int64_t store_save_overdue_ms(const struct store *store);

/* reloading.c */
/* The phase: asks the AOF. */
void store_post_reload(struct store *store);
/* The AOF's answers. */
void store_on_reloaded(struct store *store);
void store_on_reload_failed(struct store *store, struct config_error *error);
void store_reloading_fini(struct store *store);

/* shutdown.c */
/* A signal, as the supervisor tells: 0 for none. */
void store_on_signal(struct store *store, int number);
/* The last snapshot was written, or could not be. */
void store_on_saved(struct store *store, bool is_saved);

/* cron.c */
/* Gives it to the reaper later in this turn. */
void store_add_garbage(struct store *store, struct garbage *garbage);
/* Removes expired keys and closes idle clients. */
void store_cron(struct store *store);
/* Gives garbage to the reaper; records peak memory, and time above maxmemory. */
void store_update_memory(struct store *store);
/* For the next deadline; at once when commands wait for nothing but the next turn. */
void store_arm_timer(struct store *store, bool is_behind);

/* config_set.c */
void store_on_listening(struct store *store, bool is_done);
/* Takes the error; NULL on success. */
void store_on_rewritten(struct store *store, struct config_error *error);
void store_on_settings_taken(struct store *store);
/* CONFIG SET appendonly yes has ended. `error`: why it failed; NULL if it didn't. */
void store_on_appendonly(struct store *store, const char *error);

/* query.c */
/* Sends the questions of this turn to other actors. */
void store_post_questions(struct store *store);
void store_on_figures(struct store *store, struct connection_figures *figures);
void store_on_observations(struct store *store, struct observations *observations);

#endif

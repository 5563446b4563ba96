/*
 * The store actor's state, for the files that make up its runtime. Handlers use store.h; who posts to the store, store_actor.h, batch.h,
 * figures.h and settings.h. A turn's phases stand in turn.c.
 */
#ifndef ACTORS_STORE_STATE_H
#define ACTORS_STORE_STATE_H

#include "actors/runtime/actor.h"
#include "actors/observer/observer.h"
#include "actors/store/blocked.h"
#include "actors/store/memory_figures.h"
#include "actors/store/session_index.h"
#include "actors/store/stopwatch.h"
#include "actors/store/store_actor.h"
#include "actors/store/store.h"
#include "actors/bus/turn_message.h"
#include "storage/eviction.h"
#include "transport/bus.h"

#define ERROR_KINDS_MAX 64

/* With so much text for a reactor it leaves before more is written: a buffer of that size is used again, one that grows is not. */
#define TEXT_BYTES_MAX ((size_t)768 << 10)
/* Of one reply, a run of text that is longer goes as a blob, so that it need neither grow a buffer nor be copied again. */
#define TEXT_PIECE_BYTES ((size_t)256 << 10)

#define OUT_BIT(message_type) ((uint64_t)1 << (message_type))
_Static_assert(MESSAGE_TYPES <= 64, "OUT_BIT needs a bit for every message type");

/* What a reactor is owed. */
struct reactor_side {
	struct actor *actor;
	size_t output_bytes;            /* that its connections keep, when it last posted a batch */
	size_t input_bytes;             /* the same of what they have not asked to the end, and of themselves */
	uint64_t read_bytes, written_bytes; /* all in all by then */
	struct session **sessions;      /* by slot */
	uint32_t session_capacity;
	struct reply_batch *open;       /* gathers this turn's replies; NULL when there are none */
	struct request_batch *backlog_first, *backlog_last; /* not wholly executed */
	size_t part_begins;             /* where the text of the open batch's last part begins */
	uint64_t out;                   /* OUT_BITs: posted unasked and not taken yet */
	bool settings_have_changed;     /* since they were last posted */
};

/* Deadlines of blocked sessions: a binary heap by time. */
struct deadlines {
	struct session **items;
	size_t count, capacity;
};

/* Sessions blocked on one topic, in the order in which they began to wait. */
struct blocked_list {
	struct session *first, *last;
};

/* A CONFIG SET that waits for the supervisor. */
struct config_change {
	struct config next;
	struct config_changes changes;
	bool is_done;                   /* what the answer says */
};

struct subscriber_link {
	struct store *store;
	struct actor *actor;
	const struct subscriber_kind *kind;
	uint32_t number;                /* on the bus */
};

/* All sessions, and the round of the check for idle ones. */
struct sessions {
	struct session *first, *last;   /* in order of id */
	struct session_index index;
	struct session *first_monitor;
	uint64_t count;
	size_t bytes;                   /* with their names, whose length nothing bounds */
	int64_t idle_check_due_ms;      /* monotonic */
	struct session *idle_cursor;    /* where the check goes on; NULL between two rounds */
};

/* Sessions that wait: blocked.c. */
struct blocked {
	struct blocked_list lists[BLOCKED_TOPICS];
	struct deadlines deadlines;
	uint64_t count;
	size_t waiting_bytes;           /* of the requests that wait in sessions, without blobs */
	void *answer;                   /* for those who are woken in this turn; NULL */
	void (*destroy_answer)(void *answer);
};

/* The command bus, and what it is to be given: publish.c, subscribers.c. */
struct bus_side {
	struct bus *bus;
	struct subscriber_link *links;
	uint32_t link_count;
	uint32_t observer;              /* its number among them */
	struct turn_message *publication; /* NULL until this turn has something to publish */
	uint32_t wanted;                /* enum bus_interest: by anyone */
	uint64_t commands_missed;       /* that MONITOR is to be told of but was not shown */
	uint32_t frame_effects;         /* of the frame under way */
};

/* maxmemory, and what the reaper frees. */
struct memory_side {
	struct eviction eviction;
	uint64_t slice_ends_ns;         /* this turn's slice for eviction; 0 before it begins */
	bool slice_is_over;
	int64_t due_ms;                 /* monotonic: when to evict again */
	int64_t excess_since_ms;        /* monotonic: memory is above maxmemory; 0 when it isn't */
	size_t startup_bytes;
	struct memory_reading reading;
	struct garbage *garbage;        /* waits for the reaper */
	bool reaper_is_busy;
	uint64_t garbage_keys;          /* that wait for the reaper, or are with it: */
	uint64_t given_keys;
};

/* The turn under way. */
struct turn {
	int64_t now_ms, monotonic_ms;
	struct stopwatch watch;
	uint64_t lap_ticks;             /* when what is being timed began */
	uint64_t began_ticks;
	uint64_t ends_ticks;            /* no command begins from then on */
	bool some_are_set_aside;        /* since before this turn */
	struct buffer discarded;        /* replies that nobody wants */
};

/* What is executed when. */
struct execution {
	size_t backlog_bytes;           /* of requests in the backlog that came in pieces, without blobs */
	uint32_t first_reactor;         /* whose batches are executed first in the next turn */
	int64_t frozen_until_ms;        /* monotonic; nothing is executed before */
	bool never_freezes;             /* a stop has begun */
	enum pause_mode pause_mode;
	int64_t pause_until_ms;         /* monotonic */
};

struct cron {
	int64_t armed_ms;               /* monotonic; INT64_MAX when no tick is to come */
	bool is_unfinished;
	bool expiry_is_off;
};

struct statistics {
	struct tally *tally;            /* counts since the observer was last told */
	int64_t tally_given_ms;
	bool tally_has_news;            /* something has been counted since */
	uint64_t totals[RATES];         /* since the start */
	int64_t rates_since_ms;         /* monotonic: when the second under way began */
	uint64_t totals_then[RATES];    /* at that time */
	uint64_t second_before[RATES];  /* what came in the second before */
	struct store_counters counters;
	struct error_count errors[ERROR_KINDS_MAX];
	size_t error_kinds;
	uint64_t batches, batch_requests, batch_requests_max;
	uint64_t attention_ns;          /* a call of at least this length is for the slow log or the latency monitor */
	struct slowlog slowlog;
	struct latency latency;
};

/* Questions that are out: query.c. */
struct query {
	struct connection_figures *figures; /* gathered so far */
	uint32_t figures_missing;
	bool observations_are_asked;    /* and the answer has not come */
};

struct identity {
	uint64_t random[4];
	char run_id[41];                /* 40 hexadecimal digits, another at each start */
	char replication_id[41];
	int64_t started_ms, started_monotonic_ms;
};

struct store {
	struct actor *actor, *reaper, *supervisor, *worker;
	struct runtime *runtime;
	struct config config;
	struct config_change *config_change; /* NULL when none is under way */
	bool config_is_being_written;   /* the worker is at it */
	bool is_stopping, is_dropping, shutdown_is_asked;
	struct databases databases;
	struct reactor_side *reactors;
	uint32_t reactor_count;
	struct sessions sessions;
	struct blocked blocked;
	struct execution execution;
	struct turn turn;
	struct bus_side bus;
	struct memory_side memory;
	struct cron cron;
	struct query query;
	struct statistics stats;
	struct identity identity;
};

/* turn.c, inbox.c */
void store_turn(void *state, struct message message);
/* What the message brings. */
void store_take(struct store *store, struct message message);
/* There is something to be executed that only waits for the next turn. */
bool store_is_behind(struct store *store);

/* unread.c */
/* `bytes` more go to the session, at the end of this part. */
void session_count_sent(const struct store *store, struct session *session, struct reply_part *part, size_t bytes);
/* May a reply grow by `more` bytes, of which `copied` take memory of their own? If that is too much the session is killed. */
bool session_may_send(struct store *store, struct session *session, size_t more, size_t copied);
/* Takes the reports. */
void store_on_reports(struct store *store, struct reactor_side *from, struct connection_reports *reports);

/* session.c */
struct session *session_open(struct store *store, const struct request *request);
/* Two steps, for execute_end(): nothing more is written for it; it is freed. */
void session_begin_end(const struct store *store, struct session *session);
void session_close(struct store *store, struct session *session);
struct session *session_at(const struct store *store, struct connection_ref connection);

/* reply.c */
/* Replies to the batch's reactor may go where the batch has room for them. */
void store_borrow_replies(struct store *store, struct request_batch *batch);
/* The part of the open batch that goes to the connection, at its end. Valid until the next call. */
struct reply_part *store_part(struct store *store, struct connection_ref connection);
/* Where the session's replies go now. */
struct buffer *store_text(struct store *store, struct session *session);
/* Sends the blob behind what has been written; the caller keeps its hold. */
void store_send_blob(struct store *store, struct session *session, struct blob *blob);
void store_post_replies(struct store *store, uint32_t reactor, struct request_batch *home);
void store_post_pushes(struct store *store);
/* Counts an error reply; its text begins with its code. */
void store_count_error(struct store *store, const char *text);

/* call.c */
/* An entry whose time has come leaves: with an effect, in the frame under way. */
void store_expire(struct store *store, uint32_t database, struct entry *entry);

/* subscribers.c */
void store_subscribe_all(struct store *store, const struct store_subscription *subscriptions, uint32_t count);
void store_on_credit(struct store *store, const struct message *message);
void store_on_wants(struct store *store, const struct message *message);

/* publish.c: what the bus is told */
void store_frame_begin(struct store *store);
void store_frame_end(struct store *store);
void store_effect(struct store *store, uint32_t database, const struct effect *effect);
void store_publish_command(struct store *store, const struct session *session, const struct call *call);
void store_publish(struct store *store);
void store_give_tally(struct store *store);
void store_update_interest(struct store *store);

/* maxmemory.c */
enum room {
	ROOM_ENOUGH,
	ROOM_LATER, /* this turn has spent enough on it, or room is about to come */
	ROOM_NONE,  /* nothing may be evicted */
};
/*
 * Evicts until memory is below maxmemory, within the turn's slice; nothing for a command whose arguments there could never be room for.
 * `args` are those of the command that needs room. Not while a frame is open.
 */
enum room store_make_room(struct store *store, struct args_size args);
/* The turn's slice of time for it begins with the first eviction, or when it is first asked whether it is over. */
void store_begin_room_slice(struct store *store);
bool store_room_slice_is_over(struct store *store);
/* When to go on with it, by how far it got. */
void store_plan_room(struct store *store, enum room room);
/* Large values and copies under way, in requests and replies, and what the reactors keep for clients. */
size_t store_passing_bytes(const struct store *store);
/* Policy and what belongs to it have changed. */
void store_apply_memory_settings(struct store *store);

/* command_stats.c: how often and how long; a lap is the time since the last one ended */
void store_begin_lap(struct store *store);
void store_account(struct store *store, const struct call *call);
/* Of a command that was blocked. */
void store_account_resumed(struct store *store, const struct call *call);
/* Directives that say what is watched may have changed. */
void store_watch_changed(struct store *store);
/* In each turn: begins another second over which commands are counted. */
void store_roll_rates(struct store *store);
/* Something on the store's own account took so long. */
void store_watch_event(struct store *store, enum latency_event event, uint64_t ns);

/* pause.c */
bool store_is_paused(const struct store *store);
/* Wakes those who waited for the end of a pause, if it has come. */
void store_wake_paused(struct store *store);

/* cron.c */
/* Expired keys leave, idle clients are closed. */
void store_cron(struct store *store);
/* What was thrown away goes to the reaper; peak and excess are noted. */
void store_account_memory(struct store *store);
void store_arm_timer(struct store *store);

/* config_set.c */
void store_on_listening(struct store *store, bool is_done);
/* NULL: it is done; else takes the error. */
void store_on_rewritten(struct store *store, struct config_error *error);
void store_on_settings_taken(struct store *store);

/* query.c */
/* At the turn's end, what it has been asked to ask. */
void store_post_questions(struct store *store);
void store_on_figures(struct store *store, struct connection_figures *figures);
void store_on_observations(struct store *store, struct observations *observations);

#endif

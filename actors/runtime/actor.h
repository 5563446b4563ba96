/*
 * The actor runtime: the actors (topology.def), the messages that they may post (messages.def), and the one
 * function that runs every turn.
 *
 * A turn is one message handled by one actor. Turns of one actor never overlap, and each sees the effects of the one before.
 * On a POOL host a turn runs on the thread of NNG's pool that received the message. On a LOOP host it runs on the actor's
 * own thread, between the callbacks of its libev loop, which belong to the actor too.
 *
 * Order of calls: runtime_create, actor_bind for every actor, runtime_open (checks messages against topology, opens
 * mailboxes and channels), then actor_run on its own thread for every LOOP actor; at the end actor_leave in a turn of each LOOP
 * actor, join the threads, runtime_stop, runtime_destroy.
 *
 * Fatal (broken invariant): a message that messages.def does not allow, an edge without slots, a full channel.
 */
#ifndef ACTORS_RUNTIME_ACTOR_H
#define ACTORS_RUNTIME_ACTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/runtime/messages.h"
#include "transport/buffer.h"

struct ev_loop;

enum actor_kind {
#define ACTOR(kind, host, name, meaning) ACTOR_##kind,
#define EDGE(sender, receiver, slots)
#include "topology.def"
#undef ACTOR
#undef EDGE
	ACTOR_KINDS
};

/* The slots of each edge: SLOTS_STORE_REACTOR and so on. */
enum edge_slots {
#define ACTOR(kind, host, name, meaning)
#define EDGE(sender, receiver, slots) SLOTS_##sender##_##receiver = slots,
#include "topology.def"
#undef ACTOR
#undef EDGE
};

/*
 * Counts of an actor's turns. Only the actor writes them; any thread may read them (INFO). The atomics are relaxed: a reader
 * sees each number whole and recent, but not all numbers at the same instant.
 */
struct turn_count {
	_Atomic uint64_t turns;
	_Atomic uint64_t ns;     /* spent in them, wall clock */
	_Atomic uint64_t max_ns; /* the longest */
	_Atomic uint64_t long_turns; /* longer than 2 ms */
	_Atomic uint64_t max_cpu_ns; /* the same in CPU time */
	_Atomic uint64_t long_cpu_turns;
};

struct actor {
	enum actor_kind kind;
	uint32_t number;            /* among all actors */
	uint32_t index;             /* among those of its kind */
	char name[24];              /* "reactor-0" */
	void (*turn)(void *state, struct message message);
	void *state;

	/* private to the runtime from here on */
	struct runtime *runtime;
	struct mailbox *mailbox;
	struct channel **channels;    /* by receiver's number; NULL where no edge is */
	_Atomic uint64_t *posted;     /* messages, by receiver's number */
	_Atomic uint64_t received;
	struct turn_count counts[MESSAGE_TYPES];
	struct turn_count loop_count; /* LOOP: iterations with their callbacks */
	struct ev_loop *loop;
	struct loop_host *host;
};

struct runtime;

/* `counts` says how many actors of each kind to create. Fatal without memory. */
struct runtime *runtime_create(const uint32_t counts[ACTOR_KINDS]);
struct actor *runtime_actor(struct runtime *runtime, enum actor_kind kind, uint32_t index);
uint32_t runtime_count(const struct runtime *runtime, enum actor_kind kind);
/* The slots of the edge between two kinds; 0 without one. */
uint32_t runtime_edge_slots(enum actor_kind sender, enum actor_kind receiver);
void actor_bind(struct actor *actor, void (*turn)(void *state, struct message message), void *state);
/* The lowest level that its actors log (enum log_level); LOG_NOTICE at first. Any thread. */
void runtime_set_log_level(struct runtime *runtime, int level);
void runtime_open(struct runtime *runtime);
/*
 * Call it when every LOOP actor has left its loop. Waits for running turns, then closes mailboxes and channels. Messages left in a
 * mailbox go to `discard`. Afterwards no turn runs, and actors' states may be destroyed.
 */
void runtime_stop(struct runtime *runtime, mailbox_discard *discard);
void runtime_destroy(struct runtime **runtime);

/* Runs a LOOP actor's loop on the calling thread until actor_leave(). */
void actor_run(struct actor *actor);
/* In the actor's own turn: ends actor_run() when this iteration is over. */
void actor_leave(struct actor *actor);

/*
 * Posts a message and gives `payload` away, which has the type that messages.def names. Only in a turn of `self` (or, for a LOOP host, on
 * its thread). The macro calls the function of the message type: post_REAPER_STOP(self, to, number, NULL).
 */
#define actor_post(self, to, type, number, payload) post_##type(self, to, number, payload)
void actor_post_untyped(struct actor *self, struct actor *to, uint32_t type, uint64_t number, void *payload);

#define MESSAGE(name, sender, receiver, gives, meaning)                                                          \
	static inline void post_##name(struct actor *self, struct actor *to, uint64_t number, struct gives *payload) \
	{                                                                                                        \
		actor_post_untyped(self, to, NUMBER_OF_##name, number, payload);                                \
	}
#include "actors/runtime/messages.def"
#undef MESSAGE

/*
 * The timer of a LOOP actor, one each. When the monotonic clock reaches `at_ns` the actor has a turn with a message {type, sender: itself}, once.
 * The catalogue must have `type` from its kind to its kind. Arming replaces what was armed; after disarming no such turn follows. Only in
 * a turn of `self` or on its thread. Precise to what the kernel's timers are, not to libev's millisecond.
 */
void actor_arm_timer(struct actor *self, uint32_t type, uint64_t at_ns);
void actor_disarm_timer(struct actor *self);

/* The post_ function of a message without payload. */
typedef void post_order(struct actor *self, struct actor *to, uint64_t number, struct none *nothing);

/* Its turns run on its own thread, which ends after actor_leave(). */
bool actor_has_thread(const struct actor *actor);

/* Messages posted to the actor and not yet received. */
uint64_t actor_mailbox_depth(const struct actor *actor);
/* Appends the lines of INFO for one actor. */
void actor_describe(const struct actor *actor, struct buffer *out);
/* In the actor's own turn. */
void actor_reset_counts(struct actor *actor);

/* Checked builds stop unless this thread is inside a turn of `actor`. */
#ifdef QCACHE_CHECKED
void actor_assert_turn(const struct actor *actor);
#else
static inline void actor_assert_turn(const struct actor *actor)
{
	(void)actor;
}
#endif

#endif

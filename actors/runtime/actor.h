/*
 * The actor runtime: who there is (topology.def), what they may say to each other (messages.def), and the one
 * place through which every turn goes.
 *
 * A turn is one message taken by one actor. Turns of one actor never overlap and each sees what the one before did.
 * On a POOL host a turn runs on whichever of NNG's threads received the message; on a LOOP host on the actor's
 * own thread, between the callbacks of its libev loop, which belong to the actor too.
 *
 * Order of calls: runtime_create, actor_bind for every actor, runtime_open (checks catalogue against topology, opens
 * mailboxes and channels), then actor_run on a thread of its own for every LOOP actor; at the end actor_leave in each LOOP
 * actor's turn, join the threads, runtime_stop, runtime_destroy.
 *
 * Diagnostics: a message that the catalogue does not allow, an edge without room, a full channel: broken invariant, stops.
 */
#ifndef ACTORS_ACTOR_H
#define ACTORS_ACTOR_H

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

/* Room on each edge: SLOTS_STORE_REACTOR and so on. */
enum edge_slots {
#define ACTOR(kind, host, name, meaning)
#define EDGE(sender, receiver, slots) SLOTS_##sender##_##receiver = slots,
#include "topology.def"
#undef ACTOR
#undef EDGE
};

/*
 * Counts of an actor's turns. Written by the actor alone, read by anyone (INFO) at any time: relaxed atomics, so a reader
 * sees each number whole and recent, not all of the same instant.
 */
struct turn_count {
	_Atomic uint64_t turns;
	_Atomic uint64_t ns;     /* spent in them, wall clock */
	_Atomic uint64_t max_ns; /* the longest */
	_Atomic uint64_t long_turns; /* above 2 ms */
	_Atomic uint64_t max_cpu_ns; /* the same without the time in which the thread did not run */
	_Atomic uint64_t long_cpu_turns;
};

struct actor {
	enum actor_kind kind;
	uint32_t number;            /* among all actors */
	uint32_t index;             /* among those of its kind */
	char name[24];              /* "reactor-0" */
	void (*turn)(void *state, struct message message);
	void *state;

	/* the runtime's own from here on */
	struct runtime *runtime;
	struct mailbox *mailbox;
	struct channel **channels;    /* by number of the receiver; NULL where nothing may be said */
	_Atomic uint64_t *posted;     /* messages, by number of the receiver */
	_Atomic uint64_t received;
	struct turn_count counts[MESSAGE_TYPES];
	struct turn_count loop_count; /* LOOP: iterations with their callbacks */
	struct ev_loop *loop;
	struct loop_host *host;
};

struct runtime;

/* `counts` says how many there are of each kind. Fatal without memory. */
struct runtime *runtime_create(const uint32_t counts[ACTOR_KINDS]);
struct actor *runtime_actor(struct runtime *runtime, enum actor_kind kind, uint32_t index);
uint32_t runtime_count(const struct runtime *runtime, enum actor_kind kind);
void actor_bind(struct actor *actor, void (*turn)(void *state, struct message message), void *state);
/* What its actors log: enum log_level. LOG_NOTICE at first. Any thread. */
void runtime_set_log_level(struct runtime *runtime, int level);
void runtime_open(struct runtime *runtime);
/*
 * Every LOOP actor has left its loop: waits for turns that run, closes mailboxes and channels. What is left in a mailbox goes to
 * `discard`. No turn is taken any more; states may be destroyed.
 */
void runtime_stop(struct runtime *runtime, mailbox_discard *discard);
void runtime_destroy(struct runtime **runtime);

/* Runs a LOOP actor's loop on the calling thread until actor_leave(). */
void actor_run(struct actor *actor);
/* In the actor's own turn: ends actor_run() when this iteration is over. */
void actor_leave(struct actor *actor);

/*
 * Gives `payload` away, of the type that messages.def names for `type`. Only in a turn of `self` (or, for a LOOP host, on its thread).
 * A function for each type stands behind it: post_REAPER_STOP(self, to, number, NULL).
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

/* A post_ function of a message that gives nothing away. */
typedef void post_order(struct actor *self, struct actor *to, uint64_t number, struct none *nothing);

/* Its turns run on a thread of its own, which leaves with actor_leave(). */
bool actor_has_thread(const struct actor *actor);

/* Messages posted to the actor and not yet taken. */
uint64_t actor_mailbox_depth(const struct actor *actor);
/* "actor:name=store,depth=0,..." lines for one actor. */
void actor_describe(const struct actor *actor, struct buffer *out);
/* In the actor's own turn. */
void actor_reset_counts(struct actor *actor);

/* In checked builds: stops unless this thread is inside a turn of `actor`. */
#ifdef QCACHE_CHECKED
void actor_assert_turn(const struct actor *actor);
#else
static inline void actor_assert_turn(const struct actor *actor)
{
	(void)actor;
}
#endif

#endif

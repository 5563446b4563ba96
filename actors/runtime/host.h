/*
 * A host is where an actor's turns run; private to the runtime. host.c has two: a POOL actor's turn runs in the callback of its
 * mailbox, on NNG's threads; a LOOP actor's on a thread of its own, in a libev loop. The simulation links a third, which
 * runs every turn in its scheduler.
 */
#ifndef ACTORS_HOST_H
#define ACTORS_HOST_H

#include "actors/runtime/actor.h"

enum host_kind { HOST_POOL, HOST_LOOP };

/* ---- what a host does for actor.c; and actor_run(), actor_leave() ---- */

/* Makes what the actor needs of its host before it may be bound. */
void host_init(struct actor *actor, enum host_kind kind);
void host_fini(struct actor *actor);
/* What its mailbox calls with each message: has the turn taken, and rearms the mailbox behind it. The context is the actor. */
mailbox_receive *host_receive(const struct actor *actor);
/* The actor has posted. */
void host_note_post(struct actor *actor);
/* When all turns are over: a message that the mailbox has handed over and that has had no turn. False without one. */
bool host_take_arrived(struct actor *actor, struct message *out_message);

/* ---- what actor.c does for hosts ---- */

/* The one place through which every turn of every actor goes: checks, runs and counts it. The thread acts for the actor until
 * actor_exit(). */
void actor_take_turn(struct actor *actor, struct message message);
/* This thread acts for the actor, outside of its turns: in callbacks of its loop. */
void actor_enter(const struct actor *actor);
void actor_exit(void);

/* When something began that is to be counted as a turn. */
struct moment {
	uint64_t ns;     /* monotonic; 0: none */
	uint64_t cpu_ns; /* what the thread had used of its CPU then, or up to CPU_READING_NS before */
};

struct moment moment_now(void);
void count_turn(struct turn_count *count, struct moment began);

#endif

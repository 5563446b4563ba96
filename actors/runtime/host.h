/*
 * A host is where an actor's turns run; private to the runtime. host.c has two: a POOL actor's turns run in the callback of its
 * mailbox, on NNG's threads; a LOOP actor's turns run on its own thread, in a libev loop. The simulation links a third, which
 * runs every turn in its scheduler.
 */
#ifndef ACTORS_RUNTIME_HOST_H
#define ACTORS_RUNTIME_HOST_H

#include "actors/runtime/actor.h"

enum host_kind { HOST_POOL, HOST_LOOP };

/* ---- called by actor.c; a host also implements actor_run() and actor_leave() ---- */

/* Creates the host's part of the actor; before actor_bind(). */
void host_init(struct actor *actor, enum host_kind kind);
void host_fini(struct actor *actor);
/* The callback of the actor's mailbox: it runs the turn and then rearms the mailbox. Its context is the actor. */
mailbox_receive *host_receive(const struct actor *actor);
/* The actor has posted. */
void host_note_post(struct actor *actor);
/* The actor's timer (actor.h); called on its thread. When it is due the host calls actor_take_timer_turn(). */
void host_arm_timer(struct actor *actor, uint32_t type, uint64_t at_ns);
void host_disarm_timer(struct actor *actor);
/* After the last turn: takes a message that the mailbox has delivered and no turn has handled. False without one. */
bool host_take_arrived(struct actor *actor, struct message *out_message);

/* ---- called by hosts ---- */

/* Checks, runs and counts a turn; every turn of every actor goes through here. The thread acts for the actor until actor_exit(). */
void actor_take_turn(struct actor *actor, struct message message);
/* The same for the actor's timer, which is a message that the actor has posted to itself. */
void actor_take_timer_turn(struct actor *actor, uint32_t type);
/* The thread acts for the actor from now on, outside of turns: for callbacks of its loop. */
void actor_enter(const struct actor *actor);
void actor_exit(void);

/* When a turn, or a loop iteration, began. */
struct moment {
	uint64_t ns;     /* monotonic; 0: none */
	uint64_t cpu_ns; /* the thread's CPU time then, or up to CPU_READING_NS before */
};

struct moment moment_now(void);
void count_turn(struct turn_count *count, struct moment began);

#endif

/*
 * Stands for a reactor: speaks its messages and keeps its rules, but its connections are clients of the test instead of
 * sockets. One batch is under way and the next one gathers; a full one goes at once, up to REACTOR_BATCHES_MAX; what comes unasked is
 * answered with STORE_TAKEN; the timer is kept; a connection's end is recorded once and last, and its slot is used again. What the
 * store is to know of connections ahead of requests it is told by reports, one message of them at a time.
 *
 * A client's bytes go in whole requests. What it receives is kept until it is taken.
 */
#ifndef TESTS_SIMULATION_REACTOR_DOUBLE_H
#define TESTS_SIMULATION_REACTOR_DOUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/runtime/actor.h"
#include "actors/store/batch.h"
#include "simulation/scheduler.h"
#include "transport/buffer.h"

struct client {
	struct reactor_double *reactor;
	struct connection_ref ref;
	uint64_t sent, answered;    /* requests */
	bool is_held;               /* the store has asked not to read on */
	bool is_ended;              /* its end is recorded: nothing may be sent */
	bool is_closing;            /* the store has closed it */
	bool is_gone;               /* the reactor has forgotten it */
	bool reads_nothing;         /* all that it is sent stays with the reactor */
	uint64_t delivered_bytes;   /* replies that have come */
	struct buffer received;
	struct client *next;
	void *context;              /* the test's */
};

struct reactor_double {
	struct actor *actor, *store;
	struct request_batch *filling;
	uint32_t batch_requests_max; /* a batch is full with so many */
	uint32_t batches_out;
	int64_t tick_ms;             /* monotonic; INT64_MAX without one */
	int64_t drain_until_ms;      /* monotonic; INT64_MAX while not stopping */
	int64_t drain_ms;            /* how long clients have when the server stops: shutdown-timeout */
	struct client *clients;      /* all that there ever were */
	struct client **slots;
	uint32_t slot_count;
	uint32_t connections;
	uint64_t next_id, id_step;
	bool is_stopping, stop_is_answered;
	struct connection_reports *reports; /* not posted yet */
	bool reports_are_out;
	struct source flush, tick, drain, stop;
	void (*on_received)(struct client *client); /* after each delivery; may be NULL */
};

struct reactor_double *reactor_double_create(struct runtime *runtime, uint32_t index);
void reactor_double_destroy(struct reactor_double **reactor);

/* NULL when the reactor stops. The client lives as long as the reactor. */
struct client *client_open(struct reactor_double *reactor);
/* Room for a request in a batch, and nothing that forbids the client to send. */
bool client_may_send(const struct client *client);
/* One request of the words given, up to NULL. */
void client_send(struct client *client, ...) __attribute__((sentinel));
void client_send_words(struct client *client, uint32_t count, const char *const *words);
/* Tells the store about the client. */
void client_report(struct client *client, enum report_state state);
/* The client has sent all and waits for the rest; or it is gone at once. */
void client_end(struct client *client);
void client_break_off(struct client *client);

/* What has been received since the last call, as a text that lives until the next call. */
const char *client_take(struct client *client);

#endif

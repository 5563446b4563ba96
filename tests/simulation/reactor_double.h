/*
 * Replaces a reactor: it has the same messages and rules, but its connections are clients of the test instead of sockets. While one batch
 * is under way the next one gathers; a full one is posted at once, up to REACTOR_BATCHES_MAX. Messages that aren't replies are answered
 * with STORE_TAKEN. It keeps the timer. The end of a connection is recorded once, as its last record, and its slot is reused. Reports tell
 * the store about connections ahead of requests, one message of them at a time.
 *
 * A client sends whole requests. What it receives is kept until client_take().
 */
#ifndef TESTS_SIMULATION_REACTOR_DOUBLE_H
#define TESTS_SIMULATION_REACTOR_DOUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/reactor/gate.h"
#include "actors/runtime/actor.h"
#include "actors/store/batch.h"
#include "simulation/scheduler.h"
#include "transport/buffer.h"

struct client {
	struct reactor_double *reactor;
	struct connection_ref ref;
	uint64_t sent, answered;    /* requests */
	bool is_held;               /* the store has asked to pause reading */
	bool is_ended;              /* its end is recorded: it may not send */
	bool is_closing;            /* the store has closed it */
	bool is_gone;               /* the reactor has forgotten it */
	bool reads_nothing;         /* it reads nothing: its replies stay with the reactor */
	uint64_t delivered_bytes;   /* replies that have come */
	struct buffer received;
	struct client *next;
	void *context;              /* the test's */
};

struct reactor_double {
	struct actor *actor, *store;
	struct request_batch *filling;
	uint32_t batch_requests_max; /* requests in a full batch */
	uint32_t batches_out;
	int64_t tick_ms;             /* monotonic; INT64_MAX without one */
	int64_t drain_until_ms;      /* monotonic; INT64_MAX while not stopping */
	int64_t drain_ms;            /* shutdown-timeout */
	struct client *clients;      /* all clients so far */
	struct client **slots;
	uint32_t slot_count;
	uint32_t connections;
	uint64_t next_id, id_step;
	bool is_stopping, stop_is_answered;
	struct gate gate;            /* the real one */
	struct connection_reports *reports; /* not posted yet */
	bool reports_are_out;
	struct source flush, tick, drain, stop;
	void (*on_received)(struct client *client); /* after each delivery; may be NULL */
};

struct reactor_double *reactor_double_create(struct runtime *runtime, uint32_t index);
void reactor_double_destroy(struct reactor_double **reactor);

/* NULL when the reactor stops. The client lives as long as the reactor. */
struct client *client_open(struct reactor_double *reactor);
/* Whether the client may send, and the batch has room for a request. */
bool client_may_send(const struct client *client);
/* Sends one request of these words, up to NULL. */
void client_send(struct client *client, ...) __attribute__((sentinel));
void client_send_words(struct client *client, uint32_t count, const char *const *words);
/* Tells the store about the client. */
void client_report(struct client *client, enum report_state state);
/* The client closes its sending side; or it disconnects. */
void client_end(struct client *client);
void client_break_off(struct client *client);

/* Bytes received since the last call; the text lives until the next call. */
const char *client_take(struct client *client);

#endif

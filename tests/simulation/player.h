/*
 * A client that sends random commands and knows what each reply must be. Replies come in order, one for each request. A GET of its own key
 * gives the value last SET with OK; an ECHO returns its argument. Writes may be refused at maxmemory.
 */
#ifndef TESTS_SIMULATION_PLAYER_H
#define TESTS_SIMULATION_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "simulation/reactor_double.h"

struct expectation;

struct player {
	struct client *client;
	struct resp_reader *reader;
	struct expectation *expected;
	uint32_t expected_count, expected_capacity, expected_first;
	uint64_t serial;               /* of the last numbered thing sent */
	uint64_t own_acked, own_seen;  /* values of its own key: the last one answered with OK, and the last one in an effect */
	uint64_t own_sets, own_effects; /* how many of each */
	bool is_monitor, has_left;
	bool may_wait_for_ever;
	struct player *next;
};

struct player *player_create(struct reactor_double *reactor);
void player_destroy(struct player **player);

/* Sends one or a few random requests, if the client may send. */
void player_act(struct player *player);
/* Ends the connection in a random way. */
void player_leave(struct player *player);
/* Checks what the client has received. Returns what is wrong, else NULL; the text lives until the next call. */
const char *player_receive(struct player *player);
/* Replies that are still to come. */
uint32_t player_owed(const struct player *player);

#endif

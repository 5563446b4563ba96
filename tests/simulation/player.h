/*
 * A client that does things at random and knows what each reply must be. Its replies come in order, one for each request: what it
 * was told is SET under a key of its own it finds there; what it has sent to ECHO comes back. What writes may be refused for want
 * of memory.
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
	uint64_t serial;               /* of the last thing sent that bears one */
	uint64_t own_acked, own_seen;  /* values of its own key: the last one that it was told is set, and that an effect has brought */
	uint64_t own_sets, own_effects; /* how many of each */
	bool is_monitor, has_left;
	bool may_wait_for_ever;
	struct player *next;
};

struct player *player_create(struct reactor_double *reactor);
void player_destroy(struct player **player);

/* Sends one or a few requests, as the seed says, if the client may send. */
void player_act(struct player *player);
/* Ends the connection, in one way or the other. */
void player_leave(struct player *player);
/* The client has received something. What is wrong with it, NULL if nothing is; the text lives until the next call. */
const char *player_receive(struct player *player);
/* Replies that are still owed. */
uint32_t player_owed(const struct player *player);

#endif

/*
 * Limits on what one turn executes, so that the store reads its mailbox and sends replies every half millisecond.
 */
#ifndef ACTORS_STORE_TURN_LIMITS_H
#define ACTORS_STORE_TURN_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct store;

/* Starts the time of a turn. */
void turn_limits_begin(struct store *store);
/* The maximum length of a turn, in the stopwatch's ticks. */
uint64_t turn_ticks(const struct store *store);
/* Until turn_grant_half(), the turn's time ends after half of its length. */
void turn_limit_to_half(struct store *store);
/* Extends the turn's time by half of its length from now, or to its full length if that is later. */
void turn_grant_half(struct store *store);

/* The store is frozen by DEBUG SLEEP. */
bool store_is_frozen(const struct store *store);
/* Uses the time of the last command's end and does not read the clock. */
bool turn_has_time(const struct store *store);
/* Nobody waits, and the turn has not reached its maximum length. Reads the clock. */
bool turn_may_do_more(const struct store *store);
/* The reply text for the reactor has not reached TEXT_BYTES_MAX. */
bool turn_has_output_space(const struct store *store, uint32_t reactor);
/* Another command of a client of this reactor may begin in this turn. */
bool turn_may_go_on(const struct store *store, uint32_t reactor);

#endif

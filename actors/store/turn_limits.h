/*
 * How much one turn may execute: so that mailboxes are looked at, and replies leave, every half millisecond.
 */
#ifndef ACTORS_STORE_TURN_LIMITS_H
#define ACTORS_STORE_TURN_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct store;

/* The clock of what a turn may execute starts. */
void turn_limits_begin(struct store *store);
/* The length of a turn, in the stopwatch's ticks. */
uint64_t turn_ticks(const struct store *store);
/* Until turn_grant_half(): what begins now may take half of the turn. */
void turn_limit_to_half(struct store *store);
/* What begins from now on may take half of a turn, or what is left of this one if that is more. */
void turn_grant_half(struct store *store);

/* The store is not frozen: DEBUG SLEEP. */
bool store_is_free(const struct store *store);
/* A lap ends with each command: asking costs no look at the clock. */
bool turn_has_time(const struct store *store);
/* A reactor that is owed much text gets it before more is written. */
bool turn_has_text(const struct store *store, uint32_t reactor);
/* Another command of a client of that reactor may begin in this turn. */
bool turn_may_go_on(const struct store *store, uint32_t reactor);

#endif

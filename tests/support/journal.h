/*
 * A subscriber of the command bus that records every effect and can be made slow. It stands for actors that write to disks and peers, in
 * tests of order, density, atomicity, credit and back-pressure.
 *
 * While held, it blocks in its current message, as a stalled disk would, and returns no credit. Any thread may call all functions except
 * journal_bind(), which the server calls.
 */
#ifndef TESTS_SUPPORT_JOURNAL_H
#define TESTS_SUPPORT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/bus/effect.h"
#include "actors/server.h"

struct journal;

/* `credit_bytes` as in struct server_subscriber. */
struct journal *journal_create(int64_t credit_bytes);
void journal_destroy(struct journal **journal);

/* For server_create(); `context` is the journal. This subscriber may block. */
void journal_bind(struct actor *actor, void *context);

/* Holds the journal until it is let go, or for all but so many messages. */
void journal_hold(struct journal *journal);
void journal_let_go(struct journal *journal);
void journal_let_take(struct journal *journal, uint64_t messages);

/* The record. Effects are numbered from 0, in order. */
struct journal_entry {
	uint64_t sequence;      /* of its frame */
	enum effect_type type;
	uint32_t database;
	int64_t number, result;
	uint64_t key_hash;      /* of the key's bytes */
	size_t value_len;
};
uint64_t journal_count(struct journal *journal);
struct journal_entry journal_at(struct journal *journal, uint64_t index);
uint64_t journal_frames(struct journal *journal);
uint64_t journal_messages(struct journal *journal);
/* How often a sequence did not follow the one before. */
uint64_t journal_gaps(struct journal *journal);

/* Waits until so many effects are recorded; false after PATIENCE_MS. */
bool journal_await(struct journal *journal, uint64_t effects);

uint64_t journal_key_hash(const char *key);

#endif

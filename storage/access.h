/*
 * How lately and how often entries have been used, in the 16 bits that each has for it.
 *
 * What the bits mean depends on the kind of memory that eviction asks for:
 *
 *      ACCESS_LRU    15                       1 0
 *                   | tick of the last use     |used |   an age counts half as much again while it has never been used
 *      ACCESS_LFU    15             8 7             0
 *                   | decay period   | count         |   the count grows with its logarithm, as Redis's does
 *      ACCESS_LRFU   15                   3 2       0
 *                   | tick of the last use | count   |   the count is halved with every 1024 ticks
 *
 * A tick is a share of the keys' number in uses (a hundredth or so), or a second or more when there are few: so the order of
 * uses is told apart whether they come at ten a second or at a million. Numbers wrap; who is too old to be told from new is
 * found and marked by a sweep in time (access_sweep_due).
 *
 * A change of kind leaves the bits of the former one, which mean nothing under the new. They are written anew step by step
 * (access_convert()), as of keys that are new just then; until all are, no key is told from another.
 *
 * All keyspaces of one owner share one `struct access` (storage.h); only the owner calls. After access_create() nothing allocates
 * but the history of ACCESS_LRFU (ghosts.h).
 */
#ifndef STORAGE_ACCESS_H
#define STORAGE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "entry.h"
#include "memory.h"

enum access_kind { ACCESS_LRU, ACCESS_LFU, ACCESS_LRFU };

struct access_settings {
	enum access_kind kind;
	uint64_t log_factor;    /* ACCESS_LFU: the more, the slower the count grows */
	uint64_t decay_minutes; /* ACCESS_LFU: the count loses one in so long; 0: never */
};

struct access;

/* NULL without memory. What it has in `memory` it gives back. */
struct access *access_create(struct memory *memory);
void access_destroy(struct access **access);

void access_configure(struct access *access, const struct access_settings *settings);
enum access_kind access_kind(const struct access *access);

/* Since the last change of kind, access_convert() has not been called for all entries that there are. */
bool access_is_converting(const struct access *access);
/* Another with each change of kind. */
uint32_t access_generation(const struct access *access);
void access_convert(const struct access *access, struct entry *entry);
void access_end_conversion(struct access *access);

/* At the beginning of each turn: `keys` is how many there are in all keyspaces. `now_ms` is monotonic, here and below. */
void access_advance(struct access *access, uint64_t keys, int64_t now_ms);
/* How many of all `buckets` are due to be swept (access_sweep()), not more than `most`. What is told is taken as done. */
uint64_t access_sweep_due(struct access *access, uint64_t buckets, uint64_t most);
/* There is more to be swept than access_sweep_due() has told. */
bool access_sweep_is_due(const struct access *access);
/* Marks an entry whose bits would soon be taken for new ones. */
void access_sweep(const struct access *access, struct entry *entry);

/* The entry has been found for somebody who uses it. */
void access_touch(struct access *access, struct entry *entry);
/* It is being overwritten: counts as a use unless it has just been found for the same purpose. */
void access_touch_overwritten(struct access *access, struct entry *entry);
/* The bits of a new entry, which may have a history. */
uint16_t access_of_new(struct access *access, uint64_t hash);
/* The bits of an entry that takes the place of another with the same value, and has the key of this hash. */
uint16_t access_of_moved(struct access *access, const struct entry *from, uint64_t hash);

/* The more, the better it is evicted. */
uint32_t access_coldness(const struct access *access, const struct entry *entry);
/* It is going to be evicted: remembered, where the kind has a history. */
void access_forget(struct access *access, const struct entry *entry, uint64_t hash);

/* For OBJECT IDLETIME: about how long ago the last use was; seconds exact when traffic is moderate. ACCESS_LFU doesn't know: 0. */
int64_t access_idle_ms(const struct access *access, const struct entry *entry, int64_t now_ms);
/* For OBJECT FREQ: 0 to 255 under ACCESS_LFU, 0 to 7 under ACCESS_LRFU, 0 otherwise. */
unsigned access_frequency(const struct access *access, const struct entry *entry);

#endif

/*
 * How recently and how often entries have been used, in the 16-bit `clock` of each entry.
 *
 * The meaning of the bits depends on the kind of statistics that the eviction policy uses:
 *
 *      ACCESS_LRU    15                       1 0
 *                   | tick of the last use     |used |   age counts 1.5 times until the first use
 *      ACCESS_LFU    15             8 7             0
 *                   | decay period   | count         |   logarithmic, like Redis's
 *      ACCESS_LRFU   15                   3 2       0
 *                   | tick of the last use | count   |   halved every 1024 ticks
 *
 * A tick lasts for a number of uses proportional to the number of keys (about a hundredth), or for a second or more when uses are few.
 * So the order of uses is visible at ten uses per second and at a million. Ticks wrap; a periodic sweep marks entries with a tick
 * that would soon look new (access_sweep_due).
 *
 * After a change of kind, entries still have bits of the former kind, which mean nothing. access_convert() replaces them step by step
 * with those of a new key. Until all are converted, all entries count as equally cold.
 *
 * All keyspaces of one owner share one `struct access` (storage.h); only the owner calls. After access_create() only
 * the history of ACCESS_LRFU (ghosts.h) allocates memory.
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
	uint64_t log_factor;    /* ACCESS_LFU: the higher, the slower the count grows */
	uint64_t decay_minutes; /* ACCESS_LFU: the count drops by one in this time; 0: never */
};

struct access;

/* NULL without memory. access_destroy() returns what was taken from `memory`. */
struct access *access_create(struct memory *memory);
void access_destroy(struct access **access);

void access_configure(struct access *access, const struct access_settings *settings);
enum access_kind access_kind(const struct access *access);

/* True after a change of kind until access_end_conversion(): some entries may not be converted. */
bool access_is_converting(const struct access *access);
/* Changes with each change of kind. */
uint32_t access_generation(const struct access *access);
void access_convert(const struct access *access, struct entry *entry);
void access_end_conversion(struct access *access);

/* At the beginning of each turn; `keys` counts those of all keyspaces. `now_ms` is monotonic, here and below. */
void access_advance(struct access *access, uint64_t keys, int64_t now_ms);
/* How many of all `buckets` are due for access_sweep(), at most `most`. The caller must sweep them: they count as done. */
uint64_t access_sweep_due(struct access *access, uint64_t buckets, uint64_t most);
/* More buckets are due than access_sweep_due() has returned. */
bool access_sweep_is_due(const struct access *access);
/* Marks an entry if its tick would soon look new. */
void access_sweep(const struct access *access, struct entry *entry);

/* A command has found the entry and uses it. */
void access_touch(struct access *access, struct entry *entry);
/* The entry is overwritten. Counts as a use unless the same command has already counted one. */
void access_touch_overwritten(struct access *access, struct entry *entry);
/* The bits for a new entry; ACCESS_LRFU looks the key up in its history. */
uint16_t access_of_new(struct access *access, uint64_t hash);
/* The bits for an entry with the key of this hash that takes over the value of `from`. */
uint16_t access_of_moved(struct access *access, const struct entry *from, uint64_t hash);

/* The entry with the highest coldness is the best to evict. */
uint32_t access_coldness(const struct access *access, const struct entry *entry);
/* The entry is about to be evicted: adds it to the history, if the kind has one. */
void access_forget(struct access *access, const struct entry *entry, uint64_t hash);

/* For OBJECT IDLETIME: time since the last use, exact to seconds under moderate traffic; 0 for ACCESS_LFU, which doesn't know it. */
int64_t access_idle_ms(const struct access *access, const struct entry *entry, int64_t now_ms);
/* For OBJECT FREQ: 0 to 255 under ACCESS_LFU, 0 to 7 under ACCESS_LRFU, 0 otherwise. */
unsigned access_frequency(const struct access *access, const struct entry *entry);

/*
 * Sets what the two report, as far as the kind knows it: an entry comes from a dump or another server. Long idle times are rounded; times
 * before the server's start are possible.
 */
void access_set_idle(const struct access *access, struct entry *entry, int64_t idle_ms, int64_t now_ms);
void access_set_frequency(const struct access *access, struct entry *entry, unsigned frequency);

#endif

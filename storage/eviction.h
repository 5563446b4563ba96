/*
 * Chooses the entry to evict when memory is short.
 *
 * The policies that use recency or frequency walk through all keyspaces, one bucket at a time, and
 * keep the coldest entries seen in a pool. The victim is the coldest entry in the pool that still exists and has not been
 * used since. So every entry is examined once per round; random sampling could miss some for ever.
 *
 * Order of calls: eviction_configure(), then eviction_choose() as often as memory is short; the caller removes each victim before
 * the next call. Only the owner of the keyspaces calls. Nothing here allocates.
 */
#ifndef STORAGE_EVICTION_H
#define STORAGE_EVICTION_H

#include <stdbool.h>
#include <stdint.h>

#include "databases.h"

/* The directive's values, in its order. */
enum eviction_policy {
	EVICT_VOLATILE_LRU,
	EVICT_VOLATILE_LFU,
	EVICT_VOLATILE_RANDOM,
	EVICT_VOLATILE_TTL, /* the entry that expires first */
	EVICT_ALLKEYS_LRU,
	EVICT_ALLKEYS_LFU,
	EVICT_ALLKEYS_RANDOM,
	EVICT_NOTHING,
	EVICT_ALLKEYS_LRFU, /* age weighted by uses, with a history of evicted keys: access.h */
};

#define EVICTION_POOL 32u
/* More samples cost time and find no better victim. */
#define EVICTION_SAMPLES_MAX 64u

struct eviction_candidate {
	uint64_t hash;
	const struct entry *entry; /* may be freed: compared, never read */
	uint32_t database;
	uint32_t coldness;
};

/* The position of a walk through all keyspaces. */
struct eviction_hand {
	uint32_t database;
	uint64_t at; /* bucket number, or index in the expiry heap */
};

struct eviction {
	enum eviction_policy policy;
	uint32_t samples;          /* entries to examine per eviction, at most EVICTION_SAMPLES_MAX */
	int64_t to_look_at;        /* entries still to examine; negative after a long bucket */
	struct eviction_hand hand, sweep;
	uint64_t keys, buckets;    /* in all keyspaces, at the last count */
	uint32_t turns_to_count;   /* until the next count: many keyspaces are not counted in every turn */
	uint32_t pooled;
	struct eviction_candidate pool[EVICTION_POOL]; /* the coldest last */
};

struct eviction_victim {
	uint32_t database;
	struct entry *entry;
};

/* Also configures `access`, which belongs to the keyspaces, for the policy. */
void eviction_configure(struct eviction *eviction, struct access *access, enum eviction_policy policy, uint64_t samples, uint64_t lfu_log_factor,
			uint64_t lfu_decay_minutes);

/* False: nothing but `spared` (or NULL) can be evicted under this policy. `random` is a source of 64 random bits. */
bool eviction_choose(struct eviction *eviction, const struct databases *databases, const struct entry *spared,
		     uint64_t (*random)(void *), void *context, struct eviction_victim *out_victim);

/*
 * Call once per turn. Advances the clock of `access` and sweeps a share of the buckets (access.h), at most 64; converts as many after
 * a change of kind.
 */
void eviction_tick(struct eviction *eviction, const struct databases *databases, int64_t monotonic_ms);
/* More than one turn's share is due: schedule another turn soon, even if it has nothing else to do. */
bool eviction_is_behind(const struct databases *databases);

#endif

/*
 * Which entry is to leave when memory is short.
 *
 * The policies that go by recency or frequency look at entries a bucket at a time, walking through all keyspaces in turn, and
 * keep the coldest that they have met in a pool; the victim is the coldest of the pool that is still there and has not been
 * used since. So every entry is looked at once a round, and no chance decides who never is.
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
	EVICT_VOLATILE_TTL, /* who expires first */
	EVICT_ALLKEYS_LRU,
	EVICT_ALLKEYS_LFU,
	EVICT_ALLKEYS_RANDOM,
	EVICT_NOTHING,
	EVICT_ALLKEYS_LRFU, /* age weighed by uses, with a history of what has been evicted: access.h */
};

#define EVICTION_POOL 32u
/* More make a victim no better, only dearer. */
#define EVICTION_SAMPLES_MAX 64u

struct eviction_candidate {
	uint64_t hash;
	const struct entry *entry; /* may be gone: only compared */
	uint32_t database;
	uint32_t coldness;
};

/* Where a walk through all keyspaces is. */
struct eviction_hand {
	uint32_t database;
	uint64_t at; /* number of a bucket, or place among those that expire */
};

struct eviction {
	enum eviction_policy policy;
	uint32_t samples;          /* entries looked at for one that is evicted, at most EVICTION_SAMPLES_MAX */
	int64_t to_look_at;        /* entries owed to the pool; negative after a long bucket */
	struct eviction_hand hand, sweep;
	uint64_t keys, buckets;    /* in all keyspaces, when they were counted last */
	uint32_t turns_to_count;   /* until they are counted again: many keyspaces aren't asked in every turn */
	uint32_t pooled;
	struct eviction_candidate pool[EVICTION_POOL]; /* the coldest last */
};

struct eviction_victim {
	uint32_t database;
	struct entry *entry;
};

/* Also tells `access`, of the keyspaces that it is for, what to keep of each use. */
void eviction_configure(struct eviction *eviction, struct access *access, enum eviction_policy policy, uint64_t samples, uint64_t lfu_log_factor,
			uint64_t lfu_decay_minutes);

/* False: nothing can be evicted under this policy. `random` is a source of 64 random bits. */
bool eviction_choose(struct eviction *eviction, const struct databases *databases,
		     uint64_t (*random)(void *), void *context, struct eviction_victim *out_victim);

/*
 * Once a turn: keeps the clock going and sweeps a share of the buckets (access.h), 64 at most; converts as many after a change
 * of kind.
 */
void eviction_tick(struct eviction *eviction, const struct databases *databases, int64_t monotonic_ms);
/* More than a turn's share is due: another turn is wanted soon, even if there is nothing else for it to do. */
bool eviction_is_behind(const struct databases *databases);

#endif

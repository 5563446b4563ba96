/*
 * The pool holds addresses of entries that may have been freed since. An address is valid only if the bucket of its
 * hash has it in a slot. If another entry of the same bucket now has that address, its own bits decide.
 */
#include "eviction.h"

#include <string.h>

#include "access.h"
#include "draw.h"
#include "entry_layout.h"
#include "keyspace_layout.h"

/* Nodes of the expiry index examined together, so that their entries are prefetched. */
#define NODES_A_LOOK 8u
/*
 * ACCESS_LFU examines three fifths of the samples. New keys have the lowest count and are evicted when the hand first reaches them, so the
 * hand must be slow enough for them to be used before. Three fifths did better than five on every trace tried; two did the same.
 */
#define LFU_LOOKS 3u
#define SWEEP_BUCKETS_A_TURN 64u
/* A million keys take about two thousand turns: a tenth of a second of work. */
#define CONVERTED_BUCKETS_A_TURN 64u
/* With more keyspaces than this, keys are not counted in every turn. */
#define KEYSPACES_A_TURN 32u

void eviction_configure(struct eviction *eviction, struct access *access, enum eviction_policy policy, uint64_t samples, uint64_t lfu_log_factor,
			uint64_t lfu_decay_minutes)
{
	struct access_settings settings = { ACCESS_LRU, lfu_log_factor, lfu_decay_minutes };
	if (policy == EVICT_VOLATILE_LFU || policy == EVICT_ALLKEYS_LFU)
		settings.kind = ACCESS_LFU;
	else if (policy == EVICT_ALLKEYS_LRFU)
		settings.kind = ACCESS_LRFU;
	access_configure(access, &settings);
	eviction->policy = policy;
	eviction->samples = samples < EVICTION_SAMPLES_MAX ? (uint32_t)samples : EVICTION_SAMPLES_MAX;
	if (settings.kind == ACCESS_LFU)
		eviction->samples = (eviction->samples * LFU_LOOKS + 4) / 5;
	eviction->to_look_at = 0;
	eviction->pooled = 0;
}

static bool goes_by_expiry(const struct eviction *eviction)
{
	return eviction->policy <= EVICT_VOLATILE_TTL;
}

/* ---- the pool ---- */

/* Removes an entry that is offered again, since its coldness has changed. */
static void withdraw(struct eviction *eviction, const struct entry *entry)
{
	struct eviction_candidate *pool = eviction->pool;
	for (uint32_t i = 0; i < eviction->pooled; i++) {
		if (pool[i].entry != entry)
			continue;
		eviction->pooled--;
		memmove(&pool[i], &pool[i + 1], (eviction->pooled - i) * sizeof(*pool));
		return;
	}
}

static void offer(struct eviction *eviction, const struct keyspace *keyspace, uint32_t database, const struct entry *entry)
{
	struct eviction_candidate *pool = eviction->pool;
	uint32_t coldness = access_coldness(keyspace->storage->access, entry);
	if (eviction->pooled == EVICTION_POOL && coldness <= pool[0].coldness)
		return;
	withdraw(eviction, entry);
	bool is_full = eviction->pooled == EVICTION_POOL;
	uint32_t at = eviction->pooled;
	while (at > 0 && pool[at - 1].coldness > coldness)
		at--;
	if (is_full) { /* the warmest leaves */
		at--;
		memmove(&pool[0], &pool[1], at * sizeof(*pool));
	} else {
		memmove(&pool[at + 1], &pool[at], (eviction->pooled - at) * sizeof(*pool));
		eviction->pooled++;
	}
	pool[at] = (struct eviction_candidate){ keyspace_hash(entry_key(entry)), entry, database, coldness };
}

static struct entry *find_candidate(const struct keyspace *keyspace, const struct eviction_candidate *candidate)
{
	uint64_t bucket = *table_bucket(&keyspace->table, table_bucket_number(&keyspace->table, candidate->hash));
	for (unsigned i = 0; i < bucket_count(bucket); i++)
		if (bucket_entry(bucket, i) == candidate->entry)
			return bucket_entry(bucket, i);
	return NULL;
}

/* The coldest entry that still exists and was not used since, other than `spared`. False when the pool is empty. */
static bool take_coldest(struct eviction *eviction, const struct databases *databases, const struct entry *spared,
			 struct eviction_victim *out_victim)
{
	while (eviction->pooled) {
		const struct eviction_candidate *candidate = &eviction->pool[--eviction->pooled];
		struct entry *entry = find_candidate(databases_read(databases, candidate->database), candidate);
		if (!entry || entry == spared || access_coldness(databases->storage.access, entry) < candidate->coldness ||
		    (goes_by_expiry(eviction) && !entry_has_expiry(entry)))
			continue;
		access_forget(databases->storage.access, entry, candidate->hash);
		*out_victim = (struct eviction_victim){ candidate->database, entry };
		return true;
	}
	return false;
}

/* ---- filling the pool ---- */

/* Prefetches the slots of the bucket after the next, and the entries of the next one. */
static void prefetch_buckets(const struct table *table, uint64_t number)
{
	if (number + 2 < table->buckets)
		__builtin_prefetch(bucket_slots(*table_bucket(table, number + 2)));
	if (number + 1 >= table->buckets)
		return;
	uint64_t next = *table_bucket(table, number + 1);
	for (unsigned i = 0; i < bucket_count(next); i++)
		__builtin_prefetch(bucket_entry(next, i));
}

static unsigned look_at_bucket(struct eviction *eviction, const struct keyspace *keyspace, uint32_t database)
{
	uint64_t number = eviction->hand.at++;
	uint64_t bucket = *table_bucket(&keyspace->table, number);
	prefetch_buckets(&keyspace->table, number);
	for (unsigned i = 0; i < bucket_count(bucket); i++)
		offer(eviction, keyspace, database, bucket_entry(bucket, i));
	return bucket_count(bucket);
}

static unsigned look_at_nodes(struct eviction *eviction, const struct keyspace *keyspace, uint32_t database)
{
	uint64_t left = keyspace->expiry.count - eviction->hand.at;
	unsigned count = left < NODES_A_LOOK ? (unsigned)left : NODES_A_LOOK;
	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(expiry_nth(&keyspace->expiry, (uint32_t)eviction->hand.at + i)->entry);
	for (unsigned i = 0; i < count; i++)
		offer(eviction, keyspace, database, expiry_nth(&keyspace->expiry, (uint32_t)eviction->hand.at++)->entry);
	return count;
}

static uint64_t places(const struct eviction *eviction, const struct keyspace *keyspace)
{
	if (goes_by_expiry(eviction))
		return keyspace->expiry.count;
	return keyspace->table.count ? keyspace->table.buckets : 0;
}

/* Moves the hand to the start of the next database in use; the first follows the last. */
static void go_on(struct eviction_hand *hand, const struct databases *databases)
{
	uint32_t place = databases_place(databases, hand->database + 1);
	if (databases->in_use_count)
		hand->database = databases->in_use[place < databases->in_use_count ? place : 0];
	hand->at = 0;
}

/* Moves the hand to a valid position. False: no keyspace has one. */
static bool move_hand(struct eviction *eviction, const struct databases *databases)
{
	struct eviction_hand *hand = &eviction->hand;
	for (uint32_t i = 0; i <= databases->in_use_count; i++) {
		if (hand->at < places(eviction, databases_read(databases, hand->database)))
			return true;
		go_on(hand, databases);
	}
	return false;
}

static bool choose_coldest(struct eviction *eviction, const struct databases *databases, const struct entry *spared,
			   struct eviction_victim *out_victim)
{
	eviction->to_look_at += eviction->samples;
	for (;;) {
		while (eviction->to_look_at > 0 || !eviction->pooled) {
			if (!move_hand(eviction, databases))
				return false;
			uint32_t database = eviction->hand.database;
			const struct keyspace *keyspace = databases_read(databases, database);
			eviction->to_look_at -= goes_by_expiry(eviction) ? look_at_nodes(eviction, keyspace, database) :
									   look_at_bucket(eviction, keyspace, database);
		}
		if (take_coldest(eviction, databases, spared, out_victim))
			return true;
	}
}

/* ---- policies without a pool ---- */

static uint64_t eligible(const struct eviction *eviction, const struct databases *databases, uint32_t place)
{
	const struct keyspace *keyspace = databases_read(databases, databases->in_use[place]);
	return goes_by_expiry(eviction) ? keyspace->expiry.count : keyspace->table.count;
}

/* Is there a key to evict besides `spared`? */
static bool has_candidate(const struct eviction *eviction, const struct databases *databases, const struct entry *spared)
{
	uint64_t wanted = spared && (!goes_by_expiry(eviction) || entry_has_expiry(spared)) ? 2 : 1;
	for (uint32_t i = 0; i < databases->in_use_count; i++) {
		uint64_t found = eligible(eviction, databases, i);
		if (found >= wanted)
			return true;
		wanted -= found;
	}
	return false;
}

static bool choose_first_to_expire(const struct databases *databases, const struct entry *spared, struct eviction_victim *out_victim)
{
	int64_t first_ms = INT64_MAX;
	bool is_found = false;
	for (uint32_t i = 0; i < databases->in_use_count; i++) {
		uint32_t database = databases->in_use[i];
		const struct expiry_node *node = expiry_first_but(&databases_read(databases, database)->expiry, spared);
		if (!node || (is_found && node->when_ms >= first_ms))
			continue;
		first_ms = node->when_ms;
		*out_victim = (struct eviction_victim){ database, node->entry };
		is_found = true;
	}
	return is_found;
}

static void choose_any(const struct eviction *eviction, const struct databases *databases, uint64_t (*random)(void *), void *context,
		       struct eviction_victim *out_victim)
{
	uint64_t total = 0;
	uint32_t place = 0;
	for (uint32_t i = 0; i < databases->in_use_count; i++)
		total += eligible(eviction, databases, i);
	uint64_t nth = draw_below(random(context), total);
	while (nth >= eligible(eviction, databases, place))
		nth -= eligible(eviction, databases, place++);
	out_victim->database = databases->in_use[place];
	const struct keyspace *keyspace = databases_read(databases, out_victim->database);
	out_victim->entry = goes_by_expiry(eviction) ? expiry_nth(&keyspace->expiry, (uint32_t)nth)->entry :
						       table_random(&keyspace->table, random, context);
}

bool eviction_choose(struct eviction *eviction, const struct databases *databases, const struct entry *spared,
		     uint64_t (*random)(void *), void *context, struct eviction_victim *out_victim)
{
	if (!has_candidate(eviction, databases, spared))
		return false;
	switch (eviction->policy) {
	case EVICT_NOTHING:
		return false;
	case EVICT_VOLATILE_TTL:
		return choose_first_to_expire(databases, spared, out_victim);
	case EVICT_VOLATILE_RANDOM:
	case EVICT_ALLKEYS_RANDOM:
		do
			choose_any(eviction, databases, random, context, out_victim);
		while (out_victim->entry == spared);
		return true;
	case EVICT_VOLATILE_LRU:
	case EVICT_VOLATILE_LFU:
	case EVICT_ALLKEYS_LRU:
	case EVICT_ALLKEYS_LFU:
	case EVICT_ALLKEYS_LRFU:
		return choose_coldest(eviction, databases, spared, out_victim);
	}
	__builtin_unreachable();
}

/* ---- once per turn ---- */

static void sweep_bucket(const struct access *access, const struct table *table, uint64_t number)
{
	uint64_t bucket = *table_bucket(table, number);
	prefetch_buckets(table, number);
	for (unsigned i = 0; i < bucket_count(bucket); i++)
		access_sweep(access, bucket_entry(bucket, i));
}

static void convert_entry(void *context, struct entry *entry)
{
	access_convert(context, entry);
}

/*
 * Visits buckets in scan order, which misses no entry though the table grows and shrinks meanwhile. The cursor is in the keyspace,
 * so SWAPDB doesn't matter. False: the turn's share is used up before the keyspace is done.
 */
static bool convert_keyspace(struct keyspace *keyspace, unsigned *buckets_left)
{
	struct conversion *conversion = &keyspace->conversion;
	struct access *access = keyspace->storage->access;
	if (conversion->generation != access_generation(access))
		*conversion = (struct conversion){ .generation = access_generation(access) };
	for (; !conversion->is_done && *buckets_left > 0; (*buckets_left)--) {
		conversion->cursor = table_scan(&keyspace->table, conversion->cursor, convert_entry, access);
		conversion->is_done = conversion->cursor == 0;
	}
	return conversion->is_done;
}

static void convert(const struct databases *databases)
{
	unsigned buckets_left = CONVERTED_BUCKETS_A_TURN;
	for (uint32_t i = 0; i < databases->in_use_count; i++)
		if (!convert_keyspace(databases->keyspaces[databases->in_use[i]], &buckets_left))
			return;
	access_end_conversion(databases->storage.access);
}

static void count_keys(struct eviction *eviction, const struct databases *databases)
{
	if (eviction->turns_to_count > 0) {
		eviction->turns_to_count--;
		return;
	}
	eviction->turns_to_count = databases->in_use_count / KEYSPACES_A_TURN;
	eviction->keys = eviction->buckets = 0;
	for (uint32_t i = 0; i < databases->in_use_count; i++) {
		const struct table *table = &databases_read(databases, databases->in_use[i])->table;
		eviction->keys += table->count;
		eviction->buckets += table->buckets;
	}
}

/* The hand may be in the empty keyspace: it has one bucket. */
static void sweep_next(struct eviction_hand *hand, const struct databases *databases)
{
	if (hand->at >= databases_read(databases, hand->database)->table.buckets)
		go_on(hand, databases);
	sweep_bucket(databases->storage.access, &databases_read(databases, hand->database)->table, hand->at++);
}

void eviction_tick(struct eviction *eviction, const struct databases *databases, int64_t now_ms)
{
	struct access *access = databases->storage.access;
	count_keys(eviction, databases);
	access_advance(access, eviction->keys, now_ms);
	if (access_is_converting(access))
		convert(databases);
	for (uint64_t due = access_sweep_due(access, eviction->buckets, SWEEP_BUCKETS_A_TURN); due > 0; due--)
		sweep_next(&eviction->sweep, databases);
}

bool eviction_is_behind(const struct databases *databases)
{
	return access_sweep_is_due(databases->storage.access) || access_is_converting(databases->storage.access);
}

/*
 * The pool holds addresses of entries that may have been freed since: an address is believed only when the bucket of its
 * hash has it in a slot. If another entry has come to lie there, with a hash of the same bucket, it is judged by its own bits.
 */
#include "eviction.h"

#include <string.h>

#include "access.h"
#include "draw.h"
#include "entry_layout.h"
#include "keyspace_layout.h"

/* Of those that expire, so many are looked at together. */
#define NODES_A_LOOK 8u
/*
 * Fifths of the samples that ACCESS_LFU looks at. New keys have the lowest count, so the first look at one is the last: the hand
 * must come round slowly enough for a key to be used again before. Three do better than five on every trace tried, two the same.
 */
#define LFU_LOOKS 3u
#define SWEEP_BUCKETS_A_TURN 64u
/* So a million keys take some two thousand turns, a tenth of a second's work. */
#define CONVERTED_BUCKETS_A_TURN 64u
/* Of so many the numbers of keys are asked in every turn. */
#define KEYSPACES_A_TURN 32u

void eviction_configure(struct eviction *eviction, enum eviction_policy policy, uint64_t samples, uint64_t lfu_log_factor,
			uint64_t lfu_decay_minutes)
{
	struct access_settings settings = { ACCESS_LRU, lfu_log_factor, lfu_decay_minutes };
	if (policy == EVICT_VOLATILE_LFU || policy == EVICT_ALLKEYS_LFU)
		settings.kind = ACCESS_LFU;
	else if (policy == EVICT_ALLKEYS_LRFU)
		settings.kind = ACCESS_LRFU;
	access_configure(&settings);
	eviction->conversion = (struct eviction_hand){ 0 };
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

/* Ages grow: who is met again is judged anew. */
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

static void offer(struct eviction *eviction, uint32_t database, const struct entry *entry)
{
	struct eviction_candidate *pool = eviction->pool;
	uint32_t coldness = access_coldness(entry);
	if (eviction->pooled == EVICTION_POOL && coldness <= pool[0].coldness)
		return;
	withdraw(eviction, entry);
	bool is_full = eviction->pooled == EVICTION_POOL;
	uint32_t at = eviction->pooled;
	while (at > 0 && pool[at - 1].coldness > coldness)
		at--;
	if (is_full) { /* the warmest makes room */
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

/* The coldest that is there and as cold as it was. False when the pool has run out. */
static bool take_coldest(struct eviction *eviction, struct keyspace *const *keyspaces, struct eviction_victim *out_victim)
{
	while (eviction->pooled) {
		const struct eviction_candidate *candidate = &eviction->pool[--eviction->pooled];
		struct entry *entry = find_candidate(keyspaces[candidate->database], candidate);
		if (!entry || access_coldness(entry) < candidate->coldness ||
		    (goes_by_expiry(eviction) && !entry_has_expiry(entry)))
			continue;
		access_forget(entry, candidate->hash);
		*out_victim = (struct eviction_victim){ candidate->database, entry };
		return true;
	}
	return false;
}

/* ---- looking ---- */

/* Behind the hand by one and by two: what the next looks will need comes from memory meanwhile. */
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
		offer(eviction, database, bucket_entry(bucket, i));
	return bucket_count(bucket);
}

static unsigned look_at_nodes(struct eviction *eviction, const struct keyspace *keyspace, uint32_t database)
{
	uint64_t left = keyspace->expiry.count - eviction->hand.at;
	unsigned count = left < NODES_A_LOOK ? (unsigned)left : NODES_A_LOOK;
	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(expiry_nth(&keyspace->expiry, (uint32_t)eviction->hand.at + i)->entry);
	for (unsigned i = 0; i < count; i++)
		offer(eviction, database, expiry_nth(&keyspace->expiry, (uint32_t)eviction->hand.at++)->entry);
	return count;
}

static uint64_t places(const struct eviction *eviction, const struct keyspace *keyspace)
{
	if (goes_by_expiry(eviction))
		return keyspace->expiry.count;
	return keyspace->table.count ? keyspace->table.buckets : 0;
}

/* Moves the hand to a place that there is. False: there is none in any keyspace. */
static bool move_hand(struct eviction *eviction, struct keyspace *const *keyspaces, uint32_t count)
{
	struct eviction_hand *hand = &eviction->hand;
	for (uint32_t i = 0; i <= count; i++) {
		if (hand->database < count && hand->at < places(eviction, keyspaces[hand->database]))
			return true;
		hand->database = hand->database + 1 < count ? hand->database + 1 : 0;
		hand->at = 0;
	}
	return false;
}

static bool choose_coldest(struct eviction *eviction, struct keyspace *const *keyspaces, uint32_t count,
			   struct eviction_victim *out_victim)
{
	eviction->to_look_at += eviction->samples;
	for (;;) {
		while (eviction->to_look_at > 0 || !eviction->pooled) {
			if (!move_hand(eviction, keyspaces, count))
				return false;
			uint32_t database = eviction->hand.database;
			const struct keyspace *keyspace = keyspaces[database];
			eviction->to_look_at -= goes_by_expiry(eviction) ? look_at_nodes(eviction, keyspace, database) :
									   look_at_bucket(eviction, keyspace, database);
		}
		if (take_coldest(eviction, keyspaces, out_victim))
			return true;
	}
}

/* ---- the simple ones ---- */

static bool choose_first_to_expire(struct keyspace *const *keyspaces, uint32_t count, struct eviction_victim *out_victim)
{
	int64_t first_ms = INT64_MAX;
	bool is_found = false;
	for (uint32_t i = 0; i < count; i++) {
		const struct expiry_node *node = expiry_first(&keyspaces[i]->expiry);
		if (!node || (is_found && node->when_ms >= first_ms))
			continue;
		first_ms = node->when_ms;
		*out_victim = (struct eviction_victim){ i, node->entry };
		is_found = true;
	}
	return is_found;
}

static uint64_t eligible(const struct eviction *eviction, const struct keyspace *keyspace)
{
	return goes_by_expiry(eviction) ? keyspace->expiry.count : keyspace->table.count;
}

static bool choose_any(const struct eviction *eviction, struct keyspace *const *keyspaces, uint32_t count,
		       uint64_t (*random)(void *), void *context, struct eviction_victim *out_victim)
{
	uint64_t total = 0;
	uint32_t database = 0;
	for (uint32_t i = 0; i < count; i++)
		total += eligible(eviction, keyspaces[i]);
	if (total == 0)
		return false;
	uint64_t nth = draw_below(random(context), total);
	while (nth >= eligible(eviction, keyspaces[database]))
		nth -= eligible(eviction, keyspaces[database++]);
	const struct keyspace *keyspace = keyspaces[database];
	out_victim->database = database;
	out_victim->entry = goes_by_expiry(eviction) ? expiry_nth(&keyspace->expiry, (uint32_t)nth)->entry :
						       table_random(&keyspace->table, random, context);
	return true;
}

bool eviction_choose(struct eviction *eviction, struct keyspace *const *keyspaces, uint32_t count,
		     uint64_t (*random)(void *), void *context, struct eviction_victim *out_victim)
{
	switch (eviction->policy) {
	case EVICT_NOTHING:
		return false;
	case EVICT_VOLATILE_TTL:
		return choose_first_to_expire(keyspaces, count, out_victim);
	case EVICT_VOLATILE_RANDOM:
	case EVICT_ALLKEYS_RANDOM:
		return choose_any(eviction, keyspaces, count, random, context, out_victim);
	case EVICT_VOLATILE_LRU:
	case EVICT_VOLATILE_LFU:
	case EVICT_ALLKEYS_LRU:
	case EVICT_ALLKEYS_LFU:
	case EVICT_ALLKEYS_LRFU:
		return choose_coldest(eviction, keyspaces, count, out_victim);
	}
	__builtin_unreachable();
}

/* ---- the clock ---- */

static void sweep_bucket(const struct table *table, uint64_t number)
{
	uint64_t bucket = *table_bucket(table, number);
	prefetch_buckets(table, number);
	for (unsigned i = 0; i < bucket_count(bucket); i++)
		access_sweep(bucket_entry(bucket, i));
}

static void convert_entry(void *context, struct entry *entry)
{
	access_convert(entry);
}

/* Buckets in the order of a scan, which misses no entry though the table grows and shrinks meanwhile. */
static void convert(struct eviction *eviction, struct keyspace *const *keyspaces, uint32_t count)
{
	struct eviction_hand *hand = &eviction->conversion;
	for (unsigned i = 0; i < CONVERTED_BUCKETS_A_TURN && hand->database < count; i++) {
		hand->at = table_scan(&keyspaces[hand->database]->table, hand->at, convert_entry, NULL);
		hand->database += hand->at == 0;
	}
	if (hand->database >= count)
		access_end_conversion();
}

static void count_keys(struct eviction *eviction, struct keyspace *const *keyspaces, uint32_t count)
{
	if (eviction->turns_to_count > 0) {
		eviction->turns_to_count--;
		return;
	}
	eviction->turns_to_count = count / KEYSPACES_A_TURN;
	eviction->keys = eviction->buckets = 0;
	for (uint32_t i = 0; i < count; i++) {
		eviction->keys += keyspaces[i]->table.count;
		eviction->buckets += keyspaces[i]->table.buckets;
	}
}

void eviction_tick(struct eviction *eviction, struct keyspace *const *keyspaces, uint32_t count, int64_t now_ms)
{
	struct eviction_hand *hand = &eviction->sweep;
	count_keys(eviction, keyspaces, count);
	access_advance(eviction->keys, now_ms);
	if (access_is_converting())
		convert(eviction, keyspaces, count);
	for (uint64_t due = access_sweep_due(eviction->buckets, SWEEP_BUCKETS_A_TURN); due > 0; due--) {
		while (hand->database >= count || hand->at >= keyspaces[hand->database]->table.buckets) {
			hand->database = hand->database + 1 < count ? hand->database + 1 : 0;
			hand->at = 0;
		}
		sweep_bucket(&keyspaces[hand->database]->table, hand->at++);
	}
}

bool eviction_is_behind(void)
{
	return access_sweep_is_due() || access_is_converting();
}

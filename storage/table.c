/*
 * Linear hashing: with base = 2^L, buckets below `buckets - base` have been split in this round and take L + 1 bits
 * of the hash, as do those from `base` on, which they were split into; the others take L bits.
 *
 *      0          buckets - base          base             buckets
 *      | L + 1 bits    |  L bits           |  L + 1 bits    |
 *
 * The directory of buckets is in chunks and each bucket's slots are an allocation of their own, hardly larger than
 * needed, so growing by a bucket moves the slots of one bucket and nothing else:
 *
 *      directory.list    chunk of buckets     slots            entry
 *      +---+            +---------+         +-------+        +------
 *      | ------------->| bucket -------->  | slot -------->  |
 *      | . |            | bucket  |         | slot  |        +------
 *      +---+            +---------+         +-------+
 *
 * To split a bucket one more bit of each hash is needed. From 2^16 buckets on it is in the slot's tag; in a smaller
 * table the keys are hashed anew, which keeps all 16 bits of the tag for telling keys apart.
 *
 * What can fail: memory for a split or a merge, which is then left to the next change; for a longer slot array,
 * which refuses the addition; for a shorter one, which leaves the longer one.
 *
 * What holds: every entry is in the bucket of its hash; `rooms` counts the buckets by room; the directory has the
 * chunks that `buckets` needs and no more, since splits begin at twice the load at which merges do.
 */
#include "table.h"

#include <string.h>

#include "entry_layout.h"

/*
 * Entries to a bucket on average, above which one is split and below which one is merged. While a round lasts,
 * buckets not yet split have up to twice as many and split ones half. Measured at 8, 12 and 16: memory differs by less than
 * half a byte a key, and the shortest walks along a bucket are the fastest.
 */
#define SPLIT_LOAD 8u
#define MERGE_LOAD 4u

const uint8_t bucket_room_slots[BUCKET_ROOMS] = { 0,  1,  2,  4,  6,  8,  10, 12, 14, 16,  20,  24,  28,
						  32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 255 };

uint64_t *table_bucket(const struct table *table, uint64_t number)
{
	uint64_t *chunk = (uint64_t *)table->directory.list[number / DIRECTORY_CHUNK_BUCKETS];
	return &chunk[number % DIRECTORY_CHUNK_BUCKETS];
}

uint64_t table_bucket_number(const struct table *table, uint64_t hash)
{
	uint64_t number = hash & (2 * table->base - 1);
	return number < table->buckets ? number : number & (table->base - 1);
}

static uint64_t *bucket_of(const struct table *table, uint64_t hash)
{
	return table_bucket(table, table_bucket_number(table, hash));
}

bool table_init(struct table *table)
{
	*table = (struct table){ .buckets = 1, .base = 1, .rooms = { 1 } };
	if (!chunks_grow(&table->directory, DIRECTORY_CHUNK_BYTES)) {
		chunks_fini(&table->directory, DIRECTORY_CHUNK_BYTES, FREED_BY_OWNER);
		return false;
	}
	*table_bucket(table, 0) = 0;
	return true;
}

/* Gives the bucket other room, at least for what it holds. */
static bool set_room(struct table *table, uint64_t *bucket, unsigned room)
{
	unsigned old_room = bucket_room(*bucket), count = bucket_count(*bucket);
	uint64_t *old = bucket_slots(*bucket), *slots = NULL;

	if (room) {
		slots = (uint64_t *)memory_alloc(bucket_room_bytes(room));
		if (!slots)
			return false;
		if (old)
			memcpy(slots, old, count * sizeof(*slots));
	}
	if (old)
		memory_free(old, bucket_room_bytes(old_room));
	table->rooms[old_room]--;
	table->rooms[room]++;
	*bucket = bucket_word(slots, count, room);
	return true;
}

/* Best effort: without memory the bucket keeps what it has. */
static void trim(struct table *table, uint64_t *bucket)
{
	unsigned room = bucket_room_for(bucket_count(*bucket));
	if (room < bucket_room(*bucket))
		(void)set_room(table, bucket, room);
}

static bool tag_has_bit(uint64_t bit)
{
	return bit >> 16 && !(bit >> 32);
}

static bool hash_has_bit(uint64_t slot, uint64_t bit)
{
	if (tag_has_bit(bit))
		return slot >> 32 & bit;
	return keyspace_hash(entry_key(slot_entry(slot))) & bit;
}

/* Puts the slots whose hash lacks the bit first; how many there are. */
static unsigned partition(uint64_t *slots, unsigned count, uint64_t bit)
{
	unsigned low = 0;
	if (!tag_has_bit(bit))
		for (unsigned i = 0; i < count; i++)
			__builtin_prefetch(slot_entry(slots[i]));
	while (low < count) {
		if (!hash_has_bit(slots[low], bit)) {
			low++;
			continue;
		}
		uint64_t moved = slots[low];
		slots[low] = slots[--count];
		slots[count] = moved;
	}
	return low;
}

/* Makes sure that the directory has a word for bucket number `buckets`. */
static bool reserve_bucket(struct table *table)
{
	if (table->buckets < (uint64_t)table->directory.count * DIRECTORY_CHUNK_BUCKETS)
		return true;
	return chunks_grow(&table->directory, DIRECTORY_CHUNK_BYTES);
}

/* False when there is no memory; then the bucket's slots may have changed places, no more. */
static bool split(struct table *table)
{
	if (!reserve_bucket(table))
		return false;
	uint64_t *low = table_bucket(table, table->buckets - table->base);
	uint64_t *high = table_bucket(table, table->buckets);
	unsigned count = bucket_count(*low);
	unsigned kept = partition(bucket_slots(*low), count, table->base);
	unsigned room = bucket_room_for(count - kept);
	uint64_t *slots = NULL;

	if (room) {
		slots = (uint64_t *)memory_alloc(bucket_room_bytes(room));
		if (!slots)
			return false;
		memcpy(slots, bucket_slots(*low) + kept, (count - kept) * sizeof(*slots));
	}
	*high = bucket_word(slots, count - kept, room);
	*low = bucket_word(bucket_slots(*low), kept, bucket_room(*low));
	table->rooms[room]++;
	trim(table, low);
	if (++table->buckets == 2 * table->base)
		table->base = table->buckets;
	return true;
}

static void drop_last_bucket(struct table *table, uint64_t *last)
{
	if (bucket_slots(*last))
		memory_free(bucket_slots(*last), bucket_room_bytes(bucket_room(*last)));
	table->rooms[bucket_room(*last)]--;
	table->buckets--;
	if (table->buckets <= (uint64_t)(table->directory.count - 1) * DIRECTORY_CHUNK_BUCKETS)
		chunks_shrink(&table->directory, DIRECTORY_CHUNK_BYTES);
}

/* Moves the last bucket's entries back to where they were split from. False when they don't fit there. */
static bool merge(struct table *table)
{
	uint64_t base = table->buckets == table->base ? table->base / 2 : table->base;
	uint64_t *last = table_bucket(table, table->buckets - 1);
	uint64_t *low = table_bucket(table, table->buckets - 1 - base);
	unsigned count = bucket_count(*low), moved = bucket_count(*last);

	if (count + moved > bucket_room_slots[BUCKET_ROOMS - 1])
		return false;
	if (count + moved > bucket_room_slots[bucket_room(*low)] && !set_room(table, low, bucket_room_for(count + moved)))
		return false;
	if (moved)
		memcpy(bucket_slots(*low) + count, bucket_slots(*last), moved * sizeof(uint64_t));
	*low += moved * BUCKET_COUNT_ONE;
	drop_last_bucket(table, last);
	table->base = base;
	return true;
}

/* Two at most: one keeps pace, the other catches up after a lack of memory. */
static void grow(struct table *table)
{
	for (int i = 0; i < 2 && table->count > table->buckets * SPLIT_LOAD; i++)
		if (!split(table))
			return;
}

static void shrink(struct table *table)
{
	for (int i = 0; i < 2 && table->buckets > 1 && table->count < table->buckets * MERGE_LOAD; i++)
		if (!merge(table))
			return;
}

void table_prefetch_bucket(const struct table *table, uint64_t hash)
{
	/* Waits for the word, but nothing behind the call does: a batch's words are fetched side by side. */
	const uint64_t *slots = bucket_slots(*bucket_of(table, hash));
	__builtin_prefetch(slots);
	__builtin_prefetch(slots + 8);
}

void table_prefetch_entry(const struct table *table, uint64_t hash)
{
	uint64_t bucket = *bucket_of(table, hash), tag = slot_tag(hash);
	const uint64_t *slots = bucket_slots(bucket);
	unsigned count = bucket_count(bucket);

	for (unsigned i = 0; i < count; i++) {
		if ((slots[i] ^ tag) > BUCKET_ADDRESS)
			continue;
		__builtin_prefetch(slot_entry(slots[i]));
		__builtin_prefetch((const char *)slot_entry(slots[i]) + 64);
		return;
	}
}

uint64_t *table_find(const struct table *table, struct slice key, uint64_t hash)
{
	uint64_t bucket = *bucket_of(table, hash), tag = slot_tag(hash);
	uint64_t *slot = bucket_slots(bucket), *end = slot + bucket_count(bucket);

	for (; slot < end; slot++)
		if ((*slot ^ tag) <= BUCKET_ADDRESS && entry_key_is(slot_entry(*slot), key))
			return slot;
	return NULL;
}

uint64_t *table_slot_of(const struct table *table, const struct entry *entry, uint64_t hash)
{
	uint64_t *slot = bucket_slots(*bucket_of(table, hash));
	while (slot_entry(*slot) != entry)
		slot++;
	return slot;
}

void slot_set_entry(uint64_t *slot, const struct entry *entry)
{
	*slot = (*slot & ~BUCKET_ADDRESS) | (uintptr_t)entry;
}

/* The bucket for a hash with a slot to spare; NULL when there is no memory. */
static uint64_t *bucket_with_room(struct table *table, uint64_t hash)
{
	uint64_t *bucket = bucket_of(table, hash);

	if (bucket_count(*bucket) < bucket_room_slots[bucket_room(*bucket)])
		return bucket;
	/* As long as can be: only splits that were refused before can have brought it there. Catch up with them. */
	while (bucket_room(*bucket) + 1 == BUCKET_ROOMS) {
		if (table->count <= table->buckets * SPLIT_LOAD || !split(table))
			return NULL;
		bucket = bucket_of(table, hash);
	}
	return set_room(table, bucket, bucket_room(*bucket) + 1) ? bucket : NULL;
}

bool table_add(struct table *table, const struct entry *entry, uint64_t hash)
{
	uint64_t *bucket = bucket_with_room(table, hash);
	if (!bucket)
		return false;
	bucket_slots(*bucket)[bucket_count(*bucket)] = slot_of(entry, hash);
	*bucket += BUCKET_COUNT_ONE;
	table->count++;
	grow(table);
	return true;
}

void table_remove(struct table *table, uint64_t *slot, uint64_t hash)
{
	uint64_t *bucket = bucket_of(table, hash);
	unsigned count = bucket_count(*bucket) - 1, room = bucket_room(*bucket);

	*slot = bucket_slots(*bucket)[count];
	*bucket -= BUCKET_COUNT_ONE;
	table->count--;
	/* A slot or two to spare, lest a key that comes and goes move the bucket each time. */
	if (count == 0 || count + 2 <= bucket_room_slots[room - 1])
		trim(table, bucket);
	shrink(table);
}

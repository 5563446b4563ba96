/*
 * Linear hashing: with base = 2^L, buckets below `buckets - base` have been split in this round and use L + 1 bits
 * of the hash, as do the buckets from `base` on, which received the other half; the rest use L bits.
 *
 *      0          buckets - base          base             buckets
 *      | L + 1 bits    |  L bits           |  L + 1 bits    |
 *
 * The directory of buckets is in chunks, and each bucket's slots are a separate allocation, little larger than
 * needed. So growing by a bucket moves the slots of one bucket and nothing else:
 *
 *      directory.list    chunk of buckets     slots            entry
 *      +---+            +---------+         +-------+        +------
 *      | ------------->| bucket -------->  | slot -------->  |
 *      | . |            | bucket  |         | slot  |        +------
 *      +---+            +---------+         +-------+
 *
 * Splitting a bucket needs one more bit of each hash. From 2^16 buckets on, that bit is in the slot's tag. In a smaller
 * table the keys are hashed again, so that all 16 bits of the tag help to tell keys apart.
 *
 * What can fail without memory: a split or a merge, which the next change then tries again; a longer slot array,
 * so that table_add() fails; a shorter slot array, so that the longer one stays.
 *
 * What holds: every entry is in the bucket of its hash; `rooms` counts the buckets by room; the directory has the
 * chunks that `buckets` needs, and at most one more, left by a failed split. Splits begin at twice the load of
 * merges, so a count that varies a little moves nothing.
 */
#include "table.h"

#include <string.h>

#include "entry_layout.h"

/*
 * Average entries per bucket, above which a bucket is split and below which one is merged. During a round,
 * unsplit buckets have up to twice as many entries as split ones. Measured at 8, 12 and 16: memory differs by half a
 * byte per key, and a lookup takes a sixth longer at 12 (a second cache line, a second group of tags).
 */
#define SPLIT_LOAD 8u
#define MERGE_LOAD 4u

const uint8_t bucket_rooms[BUCKET_ROOMS] = { 0,  4,  6,  8,  10, 12, 14,  16,  20,  24,  28,  32,
					     40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, BUCKET_MAX_ROOM };

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

bool table_init(struct table *table, struct memory *memory)
{
	*table = (struct table){ .buckets = 1, .base = 1, .rooms = { 1 } };
	chunks_init(&table->directory, memory);
	if (!chunks_grow(&table->directory, DIRECTORY_CHUNK_BYTES)) {
		chunks_fini(&table->directory, DIRECTORY_CHUNK_BYTES, FREED_BY_OWNER);
		return false;
	}
	*table_bucket(table, 0) = 0;
	return true;
}

/* Updates the number of buckets with this room. */
static void count_room(struct table *table, unsigned room, int64_t change)
{
	table->rooms[bucket_room_number(room)] += (uint64_t)change;
}

/* Copies `count` slots; the target must have room. */
static void copy_slots(uint64_t to, unsigned to_slot, uint64_t from, unsigned from_slot, unsigned count)
{
	if (count == 0)
		return;
	memcpy(bucket_slots(to) + 2 * to_slot, bucket_slots(from) + 2 * from_slot, 2 * (size_t)count);
	memcpy(bucket_slots(to) + 2 * bucket_room(to) + 6 * to_slot,
	       bucket_slots(from) + 2 * bucket_room(from) + 6 * from_slot, 6 * (size_t)count);
}

/* Creates an empty bucket. False without memory. */
static bool make_bucket(struct table *table, unsigned room, uint64_t *out_bucket)
{
	void *slots = room ? memory_alloc(table->directory.memory, bucket_bytes(room)) : NULL;
	if (room && !slots)
		return false;
	count_room(table, room, 1);
	*out_bucket = bucket_word(slots, 0, room);
	return true;
}

static void free_bucket(struct table *table, uint64_t bucket)
{
	count_room(table, bucket_room(bucket), -1);
	if (bucket_room(bucket))
		memory_free(table->directory.memory, bucket_slots(bucket), bucket_bytes(bucket_room(bucket)));
}

/* Changes the bucket's room to one not below its count. False without memory. */
static bool set_room(struct table *table, uint64_t *bucket, unsigned room)
{
	uint64_t made;
	if (!make_bucket(table, room, &made))
		return false;
	copy_slots(made, 0, *bucket, 0, bucket_count(*bucket));
	made += bucket_count(*bucket) * BUCKET_COUNT_ONE;
	free_bucket(table, *bucket);
	*bucket = made;
	return true;
}

static unsigned room_for(unsigned slots)
{
	return bucket_rooms[bucket_room_number(slots)];
}

/* Shrinks the room to the count; without memory it stays. */
static void trim(struct table *table, uint64_t *bucket)
{
	unsigned room = room_for(bucket_count(*bucket));
	if (room < bucket_room(*bucket))
		(void)set_room(table, bucket, room);
}

static bool tag_has_bit(uint64_t bit)
{
	return bit >> 16 && !(bit >> 32);
}

static bool hash_has_bit(uint64_t bucket, unsigned slot, uint64_t bit)
{
	if (tag_has_bit(bit))
		return bucket_tag(bucket, slot) & bit >> 16;
	return keyspace_hash(entry_key(bucket_entry(bucket, slot))) & bit;
}

static void swap_slots(uint64_t bucket, unsigned a, unsigned b)
{
	struct entry *entry = bucket_entry(bucket, a);
	uint16_t tag = bucket_tag(bucket, a);
	bucket_set(bucket, a, bucket_entry(bucket, b), bucket_tag(bucket, b));
	bucket_set(bucket, b, entry, tag);
}

/* Moves the slots with this hash bit clear to the front; returns how many. */
static unsigned partition(uint64_t bucket, uint64_t bit)
{
	unsigned low = 0, high = bucket_count(bucket);
	if (!tag_has_bit(bit))
		for (unsigned i = 0; i < high; i++)
			__builtin_prefetch(bucket_entry(bucket, i));
	while (low < high) {
		if (!hash_has_bit(bucket, low, bit))
			low++;
		else
			swap_slots(bucket, low, --high);
	}
	return low;
}

/* Makes sure that the directory has a word for one more bucket. */
static bool reserve_bucket(struct table *table)
{
	if (table->buckets < (uint64_t)table->directory.count * DIRECTORY_CHUNK_BUCKETS)
		return true;
	return chunks_grow(&table->directory, DIRECTORY_CHUNK_BYTES);
}

/* False without memory; then the slots may be in another order, and nothing else has changed. */
static bool split(struct table *table)
{
	if (!reserve_bucket(table))
		return false;
	uint64_t *low = table_bucket(table, table->buckets - table->base);
	uint64_t *high = table_bucket(table, table->buckets);
	unsigned kept = partition(*low, table->base);
	unsigned moved = bucket_count(*low) - kept;

	if (!make_bucket(table, room_for(moved), high))
		return false;
	copy_slots(*high, 0, *low, kept, moved);
	*high += moved * BUCKET_COUNT_ONE;
	*low -= moved * BUCKET_COUNT_ONE;
	trim(table, low);
	if (++table->buckets == 2 * table->base)
		table->base = table->buckets;
	return true;
}

static void drop_last_bucket(struct table *table)
{
	table->buckets--;
	free_bucket(table, *table_bucket(table, table->buckets));
	if (table->buckets <= (uint64_t)(table->directory.count - 1) * DIRECTORY_CHUNK_BUCKETS)
		chunks_shrink(&table->directory, DIRECTORY_CHUNK_BYTES);
}

/* Moves the last bucket's entries back to the bucket they were split from. False if they don't fit there. */
static bool merge(struct table *table)
{
	uint64_t base = table->buckets == table->base ? table->base / 2 : table->base;
	uint64_t last = *table_bucket(table, table->buckets - 1);
	uint64_t *low = table_bucket(table, table->buckets - 1 - base);
	unsigned count = bucket_count(*low) + bucket_count(last);

	if (count > BUCKET_MAX_ROOM || (count > bucket_room(*low) && !set_room(table, low, room_for(count))))
		return false;
	copy_slots(*low, bucket_count(*low), last, 0, bucket_count(last));
	*low += bucket_count(last) * BUCKET_COUNT_ONE;
	drop_last_bucket(table);
	table->base = base;
	return true;
}

/* At most two splits: one keeps pace, the other catches up after a lack of memory. */
static void grow(struct table *table)
{
	for (int i = 0; i < 2 && table->count > table->buckets * SPLIT_LOAD; i++)
		if (!split(table))
			return;
}

void table_reserve(struct table *table, uint64_t keys, uint64_t most)
{
	for (; most > 0 && keys / SPLIT_LOAD > table->buckets; most--)
		if (!split(table))
			return;
}

static void shrink(struct table *table)
{
	for (int i = 0; i < 2 && table->buckets > 1 && table->count < table->buckets * MERGE_LOAD; i++)
		if (!merge(table))
			return;
}

/*
 * GCC considers a function that only prefetches free of effects and drops calls that it doesn't inline. An
 * empty asm statement, which it must not remove, keeps the calls.
 */
#define KEEP_CALLS() __asm__ volatile("")

void table_prefetch_directory(const struct table *table, uint64_t hash)
{
	KEEP_CALLS();
	__builtin_prefetch(bucket_of(table, hash));
}

void table_prefetch_bucket(const struct table *table, uint64_t hash)
{
	KEEP_CALLS();
	uintptr_t slots = (uintptr_t)bucket_slots(*bucket_of(table, hash)); /* 0 in an empty bucket */
	__builtin_prefetch((const void *)slots);
	__builtin_prefetch((const void *)(slots + 64));
}

void table_prefetch_entry(const struct table *table, uint64_t hash)
{
	KEEP_CALLS();
	uint64_t bucket = *bucket_of(table, hash);
	uint32_t matches = bucket_count(bucket) ? bucket_matches(bucket, 0, tag_of(hash)) : 0;
	if (matches == 0)
		return;
	const char *entry = (const char *)bucket_entry(bucket, (unsigned)__builtin_ctz(matches));
	__builtin_prefetch(entry);
	__builtin_prefetch(entry + 64);
}

struct table_slot table_find(const struct table *table, struct slice key, uint64_t hash)
{
	uint64_t *bucket = bucket_of(table, hash);
	unsigned count = bucket_count(*bucket);

	for (unsigned first = 0; first < count; first += TAG_GROUP)
		for (uint32_t matches = bucket_matches(*bucket, first, tag_of(hash)); matches; matches &= matches - 1) {
			unsigned number = first + (unsigned)__builtin_ctz(matches);
			if (entry_key_is(bucket_entry(*bucket, number), key))
				return (struct table_slot){ bucket, number };
		}
	return (struct table_slot){ NULL, 0 };
}

struct table_slot table_slot_of(const struct table *table, const struct entry *entry, uint64_t hash)
{
	struct table_slot slot = { bucket_of(table, hash), 0 };
	while (table_entry(slot) != entry)
		slot.number++;
	return slot;
}

/* The bucket of a hash, with a free slot; NULL without memory. */
static uint64_t *bucket_with_room(struct table *table, uint64_t hash)
{
	uint64_t *bucket = bucket_of(table, hash);

	if (bucket_count(*bucket) < bucket_room(*bucket))
		return bucket;
	/* The largest room: only failed splits can have filled it. Split now. */
	while (bucket_count(*bucket) == BUCKET_MAX_ROOM) {
		if (table->count <= table->buckets * SPLIT_LOAD || !split(table))
			return NULL;
		bucket = bucket_of(table, hash);
	}
	return set_room(table, bucket, room_for(bucket_count(*bucket) + 1)) ? bucket : NULL;
}

bool table_add(struct table *table, const struct entry *entry, uint64_t hash)
{
	uint64_t *bucket = bucket_with_room(table, hash);
	if (!bucket)
		return false;
	bucket_set(*bucket, bucket_count(*bucket), entry, tag_of(hash));
	*bucket += BUCKET_COUNT_ONE;
	table->count++;
	grow(table);
	return true;
}

void table_remove(struct table *table, struct table_slot slot)
{
	uint64_t *bucket = slot.bucket;
	unsigned last = bucket_count(*bucket) - 1;

	bucket_set(*bucket, slot.number, bucket_entry(*bucket, last), bucket_tag(*bucket, last));
	*bucket -= BUCKET_COUNT_ONE;
	table->count--;
	/* Keep a spare slot or two, so that a key added and removed repeatedly doesn't reallocate each time. */
	if (last == 0 || room_for(last + 2) < bucket_room(*bucket))
		trim(table, bucket);
	shrink(table);
}

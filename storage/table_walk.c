/*
 * Functions that visit many buckets: scan, random entry, shape, table_fini().
 *
 * Scan: regard each hash, with its bits reversed, as a point between 0 and 2^64. A bucket that uses d bits then contains
 * exactly the points of one interval of length 2^(64-d), whatever the table's size. A split halves an interval; a merge
 * joins two. A scan moves from 0 upwards, and its cursor is the point that it has reached. A step visits the whole bucket with the
 * cursor in its interval, and moves the cursor to the interval's end. So all keys at points below the cursor have
 * been visited, if they existed all the time, however often the table has grown and shrunk between the steps.
 * Cursors are returned with their bits reversed again, so that they are small numbers.
 */
#include "table.h"

#include <string.h>

#include "draw.h"
#include "entry_layout.h"

/* About one slot in ten is in use; this many misses in a row don't happen by chance. */
#define MAX_DRAWS 1024

/* Buckets examined for the longest one. */
#define SHAPE_SAMPLE 1024u

static uint64_t reverse_bits(uint64_t x)
{
	x = (x >> 1 & 0x5555555555555555u) | (x & 0x5555555555555555u) << 1;
	x = (x >> 2 & 0x3333333333333333u) | (x & 0x3333333333333333u) << 2;
	x = (x >> 4 & 0x0f0f0f0f0f0f0f0fu) | (x & 0x0f0f0f0f0f0f0f0fu) << 4;
	return __builtin_bswap64(x);
}

/* The length of a bucket's interval; 0 stands for 2^64. */
static uint64_t interval_of(const struct table *table, uint64_t number)
{
	bool is_split = number >= table->base || number < table->buckets - table->base;
	unsigned bits = (unsigned)__builtin_ctzll(table->base) + is_split;
	return bits ? UINT64_C(1) << (64 - bits) : 0;
}

uint64_t table_scan(const struct table *table, uint64_t cursor, keyspace_visit *visit, void *context)
{
	uint64_t number = table_bucket_number(table, cursor);
	uint64_t bucket = *table_bucket(table, number);

	for (unsigned i = 0; i < bucket_count(bucket); i++) {
		__builtin_prefetch(bucket_entry(bucket, i));
		__builtin_prefetch((const char *)bucket_entry(bucket, i) + 64);
	}
	for (unsigned i = 0; i < bucket_count(bucket); i++)
		visit(context, bucket_entry(bucket, i));
	return reverse_bits(reverse_bits(number) + interval_of(table, number));
}

static unsigned longest_room(const struct table *table)
{
	unsigned number = BUCKET_ROOMS - 1;
	while (number && table->rooms[number] == 0)
		number--;
	return bucket_rooms[number];
}

/* The n-th entry, n < count, found by counting. */
static struct entry *entry_nth(const struct table *table, uint64_t n)
{
	uint64_t number = 0;
	uint64_t bucket = *table_bucket(table, number);
	while (n >= bucket_count(bucket)) {
		n -= bucket_count(bucket);
		bucket = *table_bucket(table, ++number);
	}
	return bucket_entry(bucket, (unsigned)n);
}

/* Draws among all slots as if each bucket were as long as the longest, until it draws a slot in use. */
struct entry *table_random(const struct table *table, uint64_t (*random)(void *), void *context)
{
	unsigned longest = longest_room(table);
	if (table->count == 0)
		return NULL;
	for (int i = 0; i < MAX_DRAWS; i++) {
		uint64_t bucket = *table_bucket(table, draw_below(random(context), table->buckets));
		uint64_t slot = draw_below(random(context), longest);
		if (slot < bucket_count(bucket))
			return bucket_entry(bucket, (unsigned)slot);
	}
	return entry_nth(table, draw_below(random(context), table->count));
}

void table_get_shape(const struct table *table, struct keyspace_shape *out_shape)
{
	uint64_t slots = 0, bytes = chunks_used_bytes(&table->directory, DIRECTORY_CHUNK_BYTES);
	uint64_t step = table->buckets / SHAPE_SAMPLE + 1;
	uint32_t longest = 0;

	for (unsigned i = 1; i < BUCKET_ROOMS; i++) {
		slots += table->rooms[i] * bucket_rooms[i];
		bytes += table->rooms[i] * memory_size_class(bucket_bytes(bucket_rooms[i]));
	}
	for (uint64_t i = 0; i < table->buckets; i += step) {
		uint32_t count = bucket_count(*table_bucket(table, i));
		longest = count > longest ? count : longest;
	}
	*out_shape = (struct keyspace_shape){
		.buckets = table->buckets, .slots = slots, .index_bytes = bytes, .longest_bucket = longest
	};
}

static void free_all_of(struct memory *memory, uint64_t bucket, enum memory_freer freer)
{
	for (unsigned i = 0; i < bucket_count(bucket); i++)
		entry_free(memory, bucket_entry(bucket, i), freer);
	if (bucket_room(bucket))
		memory_free_as(memory, bucket_slots(bucket), bucket_bytes(bucket_room(bucket)), freer);
}

void table_fini(struct table *table, enum memory_freer freer)
{
	for (uint64_t i = 0; i < table->buckets; i++)
		free_all_of(table->directory.memory, *table_bucket(table, i), freer);
	chunks_fini(&table->directory, DIRECTORY_CHUNK_BYTES, freer);
}

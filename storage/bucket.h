/*
 * A bucket of the table: a 64-bit word with the address of its slots, their number (room) and how many are in use (count).
 *
 *      bucket   63    56 55    48 47                                    0
 *              | room   | count  | address of the slots, 0 without room  |
 *
 *      slots     0               2 * room                         8 * room
 *              | tag 0 | tag 1 | ... | address 0 | address 1 | ...       |
 *                16 bits              48 bits
 *
 * A slot is a tag (bits 16 to 31 of the key's hash) and the address of an entry; user-space addresses have at most 48
 * bits on x86-64 and on arm64. Slots in use come first, in no order. The room is one of a short list of numbers, each
 * of which fills a size class of the allocator. Tags lie together so that sixteen can be compared at once; the smallest room is
 * large enough that reading sixteen tags stays within the allocation. Private to table*.c and eviction.c.
 */
#ifndef STORAGE_BUCKET_H
#define STORAGE_BUCKET_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "entry.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "addresses are kept in six bytes, the low ones first");

#define BUCKET_ADDRESS ((UINT64_C(1) << 48) - 1)
#define BUCKET_COUNT_ONE (UINT64_C(1) << 48)

/* Tags that are compared at once. */
#define TAG_GROUP 16u

/* The possible rooms, in order: 0, 4, 6, 8... The last is 255, since 256 doesn't fit into eight bits. */
#define BUCKET_ROOMS 24u
#define BUCKET_MAX_ROOM 255u
extern const uint8_t bucket_rooms[BUCKET_ROOMS];

static inline uint64_t bucket_word(const void *slots, unsigned count, unsigned room)
{
	return (uintptr_t)slots | (uint64_t)count << 48 | (uint64_t)room << 56;
}

static inline uint8_t *bucket_slots(uint64_t bucket)
{
	return (uint8_t *)(uintptr_t)(bucket & BUCKET_ADDRESS);
}

static inline unsigned bucket_count(uint64_t bucket)
{
	return bucket >> 48 & 0xff;
}

static inline unsigned bucket_room(uint64_t bucket)
{
	return (unsigned)(bucket >> 56);
}

static inline size_t bucket_bytes(unsigned room)
{
	return (size_t)room * 8;
}

/* The index of the smallest room for `slots` slots; of the largest room if none is enough. */
static inline unsigned bucket_room_number(unsigned slots)
{
	unsigned number = 0;
	while (number < BUCKET_ROOMS - 1 && bucket_rooms[number] < slots)
		number++;
	return number;
}

static inline uint16_t tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 16);
}

static inline uint16_t bucket_tag(uint64_t bucket, unsigned slot)
{
	uint16_t tag;
	memcpy(&tag, bucket_slots(bucket) + slot * sizeof(tag), sizeof(tag));
	return tag;
}

static inline struct entry *bucket_entry(uint64_t bucket, unsigned slot)
{
	/* Read eight bytes that end with the address: bytes after it may be outside the allocation. */
	uint64_t address;
	memcpy(&address, bucket_slots(bucket) + 2 * bucket_room(bucket) + 6 * slot - 2, sizeof(address));
	return (struct entry *)(uintptr_t)(address >> 16);
}

static inline void bucket_set_entry(uint64_t bucket, unsigned slot, const struct entry *entry)
{
	uint64_t address = (uintptr_t)entry;
	memcpy(bucket_slots(bucket) + 2 * bucket_room(bucket) + 6 * slot, &address, 6);
}

static inline void bucket_set(uint64_t bucket, unsigned slot, const struct entry *entry, uint16_t tag)
{
	memcpy(bucket_slots(bucket) + slot * sizeof(tag), &tag, sizeof(tag));
	bucket_set_entry(bucket, slot, entry);
}

/* Bit i is set if tags[i] equals the tag. */
static inline uint32_t tags_equal(const uint8_t *tags, uint16_t tag)
{
#ifdef __SSE2__
	__m128i wanted = _mm_set1_epi16((short)tag);
	__m128i low = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(const void *)tags), wanted);
	__m128i high = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(const void *)(tags + 16)), wanted);
	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high));
#else
	uint32_t equal = 0;
	for (unsigned i = 0; i < TAG_GROUP; i++) {
		uint16_t one;
		memcpy(&one, tags + i * sizeof(one), sizeof(one));
		equal |= (uint32_t)(one == tag) << i;
	}
	return equal;
#endif
}

/*
 * A bit for each of up to TAG_GROUP slots from `first` on (a multiple of TAG_GROUP below the count): set if the slot has the
 * tag. In a long bucket the last group may reach past the tags, but never past the slots.
 */
static inline uint32_t bucket_matches(uint64_t bucket, unsigned first, uint16_t tag)
{
	unsigned left = bucket_count(bucket) - first;
	uint32_t in_use = left >= TAG_GROUP ? 0xffff : (1u << left) - 1;
	return tags_equal(bucket_slots(bucket) + first * sizeof(tag), tag) & in_use;
}

#endif

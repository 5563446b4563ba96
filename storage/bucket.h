/*
 * A bucket of the table: a word that says where its slots are, how many are in use and how much room there is.
 *
 *      bucket   63    56 55    48 47                                   0
 *              | room   | count  | address of the slots, 0 when room is 0 |
 *
 *      slot     63             48 47                                   0
 *              | bits 16-31 of   | address of the entry                   |
 *              | the key's hash  |                                        |
 *
 * Addresses of user space have at most 48 bits on x86-64 and on arm64. The room is a number of a size in a short list, all of
 * which fill a size class of the allocator; slots in use come first, in no order. Private to table*.c.
 */
#ifndef STORAGE_BUCKET_H
#define STORAGE_BUCKET_H

#include <stddef.h>
#include <stdint.h>

#include "entry.h"

#define BUCKET_ADDRESS ((UINT64_C(1) << 48) - 1)
#define BUCKET_COUNT_ONE (UINT64_C(1) << 48)

/* Slots of each room: eight bytes each, so all but the first fill a size class. The last would be 256, which a count of eight bits can't say. */
#define BUCKET_ROOMS 26u
extern const uint8_t bucket_room_slots[BUCKET_ROOMS];

static inline uint64_t bucket_word(const uint64_t *slots, unsigned count, unsigned room)
{
	return (uintptr_t)slots | (uint64_t)count << 48 | (uint64_t)room << 56;
}

static inline uint64_t *bucket_slots(uint64_t bucket)
{
	return (uint64_t *)(uintptr_t)(bucket & BUCKET_ADDRESS);
}

static inline unsigned bucket_count(uint64_t bucket)
{
	return bucket >> 48 & 0xff;
}

static inline unsigned bucket_room(uint64_t bucket)
{
	return (unsigned)(bucket >> 56);
}

static inline size_t bucket_room_bytes(unsigned room)
{
	return (size_t)bucket_room_slots[room] * sizeof(uint64_t);
}

/* The smallest room for `count` slots. */
static inline unsigned bucket_room_for(unsigned count)
{
	unsigned room = 0;
	while (bucket_room_slots[room] < count)
		room++;
	return room;
}

/* The tag of a hash, where it lies in a slot. */
static inline uint64_t slot_tag(uint64_t hash)
{
	return hash << 32 & ~BUCKET_ADDRESS;
}

static inline uint64_t slot_of(const struct entry *entry, uint64_t hash)
{
	return (uintptr_t)entry | slot_tag(hash);
}

static inline struct entry *slot_entry(uint64_t slot)
{
	return (struct entry *)(uintptr_t)(slot & BUCKET_ADDRESS);
}

#endif

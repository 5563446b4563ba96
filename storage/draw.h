/*
 * Random bits made into a number of a range. Private to storage/.
 */
#ifndef STORAGE_DRAW_H
#define STORAGE_DRAW_H

#include <stdint.h>

/* A number below `end` (> 0), from 64 random bits; all alike but for one part in 2^64 / end. */
static inline uint64_t draw_below(uint64_t bits, uint64_t end)
{
	return (uint64_t)((unsigned __int128)bits * end >> 64);
}

#endif

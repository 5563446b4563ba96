/*
 * A random number in a range. Private to storage/.
 */
#ifndef STORAGE_DRAW_H
#define STORAGE_DRAW_H

#include <stdint.h>

/* A number below `end` (> 0), from 64 random bits. Uniform except for a bias of at most end / 2^64. */
static inline uint64_t draw_below(uint64_t bits, uint64_t end)
{
	return (uint64_t)((unsigned __int128)bits * end >> 64);
}

#endif

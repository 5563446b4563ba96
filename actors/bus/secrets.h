/*
 * Which arguments of a command hold secrets and are shown to nobody: a bit for each, and the last bit for all from that place on, so
 * that a command of any length hides at least what it must.
 */
#ifndef ACTORS_SECRETS_H
#define ACTORS_SECRETS_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t secrets_bit(uint32_t index)
{
	return (uint64_t)1 << (index < 63 ? index : 63);
}

static inline bool secrets_hide(uint64_t secrets, uint32_t index)
{
	return secrets & secrets_bit(index);
}

#endif

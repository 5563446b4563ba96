/*
 * The arguments of a command that hold secrets and must not be shown: one bit per argument. The last bit stands for argument 63 and
 * all after it.
 */
#ifndef ACTORS_BUS_SECRETS_H
#define ACTORS_BUS_SECRETS_H

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

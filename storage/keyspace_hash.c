/*
 * XXH3 with a random secret: fast on short keys, and without the secret a client can't tell which keys share a
 * bucket. The secret is as long as XXH3's default (192 bytes), so that keys of all lengths use all of it.
 */
#define XXH_INLINE_ALL
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#include "keyspace.h"

#define SECRET_BYTES 192u

static uint8_t secret[SECRET_BYTES] __attribute__((aligned(64)));

void keyspace_seed_hash(void)
{
	/* getrandom() returns up to 256 bytes completely or fails. */
	if (getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret))
		return;
	perror("keyspace: no entropy for the hash's key");
	abort();
}

void keyspace_seed_hash_repeatably(uint64_t seed)
{
	for (uint64_t i = 0; i < SECRET_BYTES / sizeof(uint64_t); i++) {
		uint64_t word = XXH64(&i, sizeof(i), seed);
		memcpy(secret + i * sizeof(word), &word, sizeof(word));
	}
}

uint64_t keyspace_hash(struct slice key)
{
	return XXH3_64bits_withSecret(key.data, key.len, secret, SECRET_BYTES);
}

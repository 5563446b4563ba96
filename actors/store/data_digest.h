/*
 * Fingerprints of data: the same data give the same one whatever the order of the keys, and the same as Redis 7.0 gives
 * (DEBUG DIGEST and DIGEST-VALUE), so that two servers can be compared.
 *
 * A digest starts as zero. A part is *added* by xor of its SHA-1, so that the order of parts doesn't matter; it is *mixed* in
 * by adding it and taking the SHA-1 of the whole, so that the order does. A value's digest is its type (32 bits, big-endian)
 * and its bytes, mixed, and a mark added when it expires; a key's is its name, mixed, and on with the value's; the digest of all
 * data is, for each database that is not empty, its number mixed in and the digests of its keys added.
 */
#ifndef ACTORS_STORE_DATA_DIGEST_H
#define ACTORS_STORE_DATA_DIGEST_H

#include <openssl/sha.h>
#include <stdint.h>

#include "storage/keyspace.h"

#define DIGEST_HEX_BYTES (2 * SHA_DIGEST_LENGTH + 1)

struct data_digest {
	uint8_t bytes[SHA_DIGEST_LENGTH];
};

void data_digest_mix_value(struct data_digest *digest, const struct entry *entry);
/* A database that is not empty. */
void data_digest_mix_database(struct data_digest *digest, uint32_t number, const struct keyspace *keyspace);
void data_digest_hex(const struct data_digest *digest, char out[DIGEST_HEX_BYTES]);

#endif

/*
 * Digests of data for comparing two servers (DEBUG DIGEST and DIGEST-VALUE). Equal data have equal digests, whatever the order of keys.
 * The digests are the same as those of Redis 7.0.
 *
 * A digest starts as zero. *Adding* a part means xor with its SHA-1: the order of added parts does not matter. *Mixing* a part means adding
 * it and then taking the SHA-1 of the digest: the order of mixed parts matters.
 *
 *   value     mix the type (32 bits, big-endian), mix the bytes, add a mark if the key has a time to live
 *   key       mix the key's name, then continue as for the value
 *   all data  for each database that is not empty: mix its number (32 bits, big-endian), add the digests of its keys
 */
#ifndef ACTORS_STORE_DATA_DIGEST_H
#define ACTORS_STORE_DATA_DIGEST_H

#include <openssl/sha.h>
#include <stdint.h>

#include "storage/databases.h"

#define DIGEST_HEX_BYTES (2 * SHA_DIGEST_LENGTH + 1)

struct data_digest {
	uint8_t bytes[SHA_DIGEST_LENGTH];
};

void data_digest_mix_value(struct data_digest *digest, const struct entry *entry);
/* A key and its value; the order does not matter. */
void data_digest_add_entry(struct data_digest *digest, const struct entry *entry);
/* The database must not be empty. */
void data_digest_mix_database(struct data_digest *digest, uint32_t number, const struct keyspace *keyspace);
/* The digest of all data, as DEBUG DIGEST replies with it. */
void data_digest_of(const struct databases *databases, char out[DIGEST_HEX_BYTES]);
void data_digest_hex(const struct data_digest *digest, char out[DIGEST_HEX_BYTES]);

#endif

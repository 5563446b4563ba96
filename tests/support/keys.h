/*
 * A keyspace for tests, with calls that compute the hash and take strings. Times are small numbers on the test's clock.
 */
#ifndef TESTS_SUPPORT_KEYS_H
#define TESTS_SUPPORT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/keyspace.h"
#include "storage/storage.h"

/* The storage of all keyspaces of keys_create(). */
struct storage *keys_storage(void);

/* Makes a keyspace. The first call also starts the allocator and seeds the hash. */
struct keyspace *keys_create(void);

/* Destroys it and asserts that as many bytes and blobs are in use as before keys_create(). */
void keys_destroy(struct keyspace **keyspace);

struct slice text(const char *bytes);

enum keyspace_status keys_set(struct keyspace *keyspace, struct slice key, struct slice value);
enum keyspace_status keys_set_expiring(struct keyspace *keyspace, struct slice key, struct slice value, int64_t when_ms);
struct entry *keys_find(struct keyspace *keyspace, struct slice key, int64_t now_ms);
bool keys_remove(struct keyspace *keyspace, struct slice key);

/* Whether the key is there at that time with that value. */
bool keys_has(struct keyspace *keyspace, struct slice key, struct slice value, int64_t now_ms);

/* A key of 16 digits, in a buffer of its own for each of the last eight calls. */
struct slice keys_numbered(uint64_t number);

#endif

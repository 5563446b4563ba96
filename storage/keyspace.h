/*
 * One numbered database: keys, their values and their times to live.
 *
 * The table grows and shrinks one bucket at a time, as part of insertions and removals: no
 * call here takes time proportional to the number of keys, except keyspace_destroy().
 *
 * Keys are found by a 64-bit keyed hash that the caller computes once (keyspace_hash) and passes along,
 * so that a batch can be hashed and prefetched before it is executed. The hash's key is random and
 * process-wide: a client can't choose keys that collide.
 *
 * Time: `now_ms` and expiry times are wall-clock milliseconds since 1970; NO_EXPIRY is "never". A key is
 * expired when its time is <= now_ms. An expired key is hidden from keyspace_find() at once and stays in
 * the table (and in keyspace_count()) until it is removed.
 *
 * Only the owner (the store actor) calls. A `struct entry *` is valid until the next call that
 * changes the keyspace. Keys are at most 512 MB, values at most 512 MB.
 *
 * Outcomes: KEYSPACE_NO_MEMORY leaves everything as it was.
 */
#ifndef STORAGE_KEYSPACE_H
#define STORAGE_KEYSPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "entry.h"
#include "slice.h"

#define NO_EXPIRY INT64_MIN

struct keyspace;
struct storage;

enum keyspace_status {
	KEYSPACE_OK,
	KEYSPACE_NO_MEMORY,
	KEYSPACE_EXISTS,    /* only where the key must be absent */
};

enum keyspace_ttl { KEYSPACE_DROP_TTL, KEYSPACE_KEEP_TTL };

/* Chooses the hash's key. Once per process, before any keyspace_hash(). Fatal without entropy. */
void keyspace_seed_hash(void);
/* The same from a seed, for tests that must be repeatable. */
void keyspace_seed_hash_repeatably(uint64_t seed);
uint64_t keyspace_hash(struct slice key);

/* NULL without memory. The storage must outlive the keyspace. */
struct keyspace *keyspace_create(struct storage *storage);
/* A number for the owner's own use; 0 at first. */
void keyspace_set_tag(struct keyspace *keyspace, uint32_t tag);
uint32_t keyspace_tag(const struct keyspace *keyspace);
/* For a snapshot's walk: emits the entry unless it was emitted in this epoch. */
void keyspace_emit(const struct keyspace *keyspace, struct entry *entry);
/* This epoch's snapshot needs nothing more of the entry: it was emitted, or created since. */
bool keyspace_is_emitted(const struct keyspace *keyspace, const struct entry *entry);
/* Announces that the owner is about to give the keyspace away or to destroy it, with all entries. */
void keyspace_before_flush(const struct keyspace *keyspace);
/* Frees everything; proportional to the number of keys. Owner's turn only. */
void keyspace_destroy(struct keyspace **keyspace);
/* The same for the reaper: any thread, on a keyspace that its owner has given away. */
void keyspace_destroy_elsewhere(struct keyspace **keyspace);

/*
 * Grows the table for `keys` entries, by at most `most` steps of constant time. A hint: without memory it does less, and the table grows
 * with its entries.
 */
void keyspace_reserve(struct keyspace *keyspace, uint64_t keys, uint64_t most);

/* Prefetch the directory's word, the bucket it points to, and the entry: call in this order, with other work in between. */
void keyspace_prefetch_directory(const struct keyspace *keyspace, uint64_t hash);
void keyspace_prefetch_bucket(const struct keyspace *keyspace, uint64_t hash);
void keyspace_prefetch_entry(const struct keyspace *keyspace, uint64_t hash);

/* NULL when the key is absent or expired. */
struct entry *keyspace_find(const struct keyspace *keyspace, struct slice key, uint64_t hash, int64_t now_ms);

/* Also finds an expired key that is still in the table. */
struct entry *keyspace_find_any(const struct keyspace *keyspace, struct slice key, uint64_t hash);

/*
 * Sets `key` to the string `value`, whether the key exists or not and whatever its type. `key` and `value` may
 * point into entries of this keyspace, but `value` not into this key's own entry.
 * KEYSPACE_KEEP_TTL keeps the time to live of an existing, unexpired key. A value of BLOB_MIN_BYTES or more
 * is copied into a new blob; keyspace_set_blob() takes a hold of the given blob instead.
 */
enum keyspace_status keyspace_set_string(struct keyspace *keyspace, struct slice key, uint64_t hash,
					 struct slice value, enum keyspace_ttl ttl, int64_t now_ms, struct entry **out_entry);
enum keyspace_status keyspace_set_blob(struct keyspace *keyspace, struct slice key, uint64_t hash,
				       struct blob *value, enum keyspace_ttl ttl, int64_t now_ms, struct entry **out_entry);

/*
 * Overwrites the string of an unexpired entry in place; the time to live stays. False if it can't be done in place; then nothing
 * has changed and the caller uses keyspace_set_string().
 */
bool keyspace_rewrite_string(struct keyspace *keyspace, struct entry *entry, struct slice value);

/*
 * The blob of an entry that has one, for the caller to write to: with a capacity of at least `room` bytes (not below its length) and no
 * other holder. A shared blob is copied first. A blob that must grow fills its size class: that takes no more memory, and size
 * classes are far enough apart to make repeated appends cheap. NULL without memory; then the entry has not changed.
 */
struct blob *keyspace_own_blob(struct keyspace *keyspace, struct entry *entry, uint32_t room);

/*
 * Moves or copies the value and time to live of an entry to another key, in this keyspace or another. An existing value of that key is
 * replaced, expired or not; the key must not be the entry's own. A move removes the source entry. A copy shares a blob.
 */
enum keyspace_status keyspace_move(struct keyspace *from, struct entry *entry, struct keyspace *to, struct slice key, uint64_t hash);
enum keyspace_status keyspace_copy(const struct keyspace *from, const struct entry *entry, struct keyspace *to, struct slice key,
				   uint64_t hash);

/* True if the key was in the table, expired or not. A caller that needs to know which calls keyspace_find() first. */
bool keyspace_remove(struct keyspace *keyspace, struct slice key, uint64_t hash);
/* Removes an entry; computes its hash again. */
void keyspace_remove_entry(struct keyspace *keyspace, struct entry *entry);

/* Times to live. Setting (any value but NO_EXPIRY) or clearing one may move the entry: *entry is updated. */
int64_t keyspace_expiry_ms(const struct keyspace *keyspace, const struct entry *entry);
enum keyspace_status keyspace_set_expiry(struct keyspace *keyspace, struct entry **entry, int64_t when_ms);
enum keyspace_status keyspace_clear_expiry(struct keyspace *keyspace, struct entry **entry);

/* The earliest expiry time in the keyspace; NO_EXPIRY if no key has one. */
int64_t keyspace_next_expiry_ms(const struct keyspace *keyspace);
/* The entry with that time if it is <= now_ms, else NULL. */
struct entry *keyspace_first_expired(const struct keyspace *keyspace, int64_t now_ms);

uint64_t keyspace_count(const struct keyspace *keyspace);
uint64_t keyspace_expiring_count(const struct keyspace *keyspace);
/* The mean remaining time to live, in ms, estimated from a sample; 0 if no key has one. */
int64_t keyspace_average_ttl_ms(const struct keyspace *keyspace, int64_t now_ms);

/* The memory of an entry: itself, its value, its share of the bucket, and its expiry node. */
size_t keyspace_entry_bytes(const struct keyspace *keyspace, const struct entry *entry, uint64_t hash);

/*
 * One step of a scan: calls `visit` for every entry of one bucket (usually 4 to 16), expired ones
 * included, and returns the cursor of the next step. A scan begins with cursor 0 and ends when 0 is returned. Every key that
 * exists during the whole scan is visited at least once, even if the table grows and shrinks between the
 * steps. A key added or removed meanwhile may or may not be visited. After a shrink a key may be visited more than once.
 * `visit` must not change the keyspace.
 */
typedef void keyspace_visit(void *context, struct entry *entry);
uint64_t keyspace_scan(const struct keyspace *keyspace, uint64_t cursor, keyspace_visit *visit, void *context);

/* A random key, each with equal probability, expired ones included; NULL if empty. `random` returns 64 random bits. */
struct entry *keyspace_random(const struct keyspace *keyspace, uint64_t (*random)(void *), void *context);

/* For DEBUG and INFO. */
struct keyspace_shape {
	uint64_t buckets;
	uint64_t slots;          /* in all buckets, used or not */
	uint64_t index_bytes;    /* buckets, their directory, and the expiry index */
	uint32_t longest_bucket; /* entries in the longest of about a thousand buckets */
};
void keyspace_get_shape(const struct keyspace *keyspace, struct keyspace_shape *out_shape);

#endif

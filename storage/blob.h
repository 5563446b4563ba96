/*
 * A blob is a large string that several holders share: the keyspace, requests under way, output queues.
 *
 * A shared blob is immutable: bytes may be written only while there is exactly one holder. The count
 * is atomic, so a holder may be on any thread; the last one to release the blob frees it. Blobs are allocated outside
 * the keyspace's arena, since reactors create and free them.
 *
 * Entries use blob_keep() and blob_drop(); all other holders (requests and replies in flight) use blob_hold() and blob_release(). A blob
 * counts as kept while an entry holds it.
 *
 * Pointers into `data` stay valid while the caller holds the blob, except across blob_resize().
 */
#ifndef STORAGE_BLOB_H
#define STORAGE_BLOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of at least this many bytes are kept as blobs rather than inside their entry. */
#define BLOB_MIN_BYTES 16384u

struct blob {
	_Atomic uint32_t holders;
	uint32_t len; /* bytes in use; at most 512 MB by the protocol's limit */
	uint32_t capacity;
	_Atomic uint32_t keepers; /* holders that are entries */
	uint8_t data[];
};

/* Creates a blob with one holder and length 0. NULL without memory. */
struct blob *blob_create(uint32_t capacity);

/* Changes the capacity (not below len) of a blob with one holder; may move it. NULL: no memory, nothing has changed. */
struct blob *blob_resize(struct blob *blob, uint32_t capacity);

/* The memory of a blob, which is a size class; and the capacity that fills the size class of `room` bytes. */
size_t blob_bytes(const struct blob *blob);
uint32_t blob_full_capacity(uint32_t room);

struct blob *blob_hold(struct blob *blob);

/* True when there is a holder beside the caller. If not, the caller may write. */
bool blob_is_shared(const struct blob *blob);

/* Gives up one hold and clears the pointer. Does nothing if *blob is NULL. */
void blob_release(struct blob **blob);

/* blob_hold() and blob_release() for entries. */
struct blob *blob_keep(struct blob *blob);
void blob_drop(struct blob **blob);

/* Do several entries hold it? Only the owner of the entries may ask. */
bool blob_is_kept_by_several(const struct blob *blob);

/* The blob that contains the data array `data`. */
struct blob *blob_from_data(const uint8_t *data);

/* The memory of all blobs, in size classes. Any thread. */
size_t blob_used_bytes(void);
/* The memory of kept blobs. Any thread. */
size_t blob_kept_bytes(void);

#endif

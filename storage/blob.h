/*
 * A blob is a large string that several holders share: the keyspace, requests under way, output queues.
 *
 * Immutable once it is shared: bytes may be written only while there is exactly one holder. The count
 * is atomic, so a holder may live on any thread; the last one to release it frees it. Blobs live outside
 * the keyspace's arena, since reactors create and free them.
 *
 * Two kinds of hold: an entry's is kept and dropped, all others (requests and replies under way) are held and released. A blob
 * counts as kept while it has a hold of the first kind.
 *
 * `data` pointers handed out stay valid while the caller holds the blob, except across blob_resize().
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
	_Atomic uint32_t keepers; /* those of the holders that are entries */
	uint8_t data[];
};

/* One holder, length 0. NULL when there is no memory. */
struct blob *blob_create(uint32_t capacity);

/* Changes the capacity (not below len) of a blob with one holder; may move it. NULL: unchanged. */
struct blob *blob_resize(struct blob *blob, uint32_t capacity);

struct blob *blob_hold(struct blob *blob);

/* Does anybody but the caller hold it? If not, the caller may write. */
bool blob_is_shared(const struct blob *blob);

/* Gives up one hold and clears the pointer. NULL in *blob is allowed and does nothing. */
void blob_release(struct blob **blob);

/* The same for an entry's hold. */
struct blob *blob_keep(struct blob *blob);
void blob_drop(struct blob **blob);

/* The blob whose data array starts at `data`. */
struct blob *blob_from_data(const uint8_t *data);

/* Bytes taken by all blobs alive, in size classes. Any thread. */
size_t blob_used_bytes(void);
/* Of them, those that are kept. Any thread. */
size_t blob_kept_bytes(void);

#endif

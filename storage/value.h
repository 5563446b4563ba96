/*
 * What a value can do, whatever its form: the interface by which keyspaces and the rest of the program handle values that they know
 * nothing of. A form is a way to keep a type of value: in the entry, or elsewhere with its address in the entry. A new form is a member
 * of `enum entry_form`, a `struct value_form` in its type's file, and a line in value.c; nothing else learns of it.
 *
 * The *part* of a value is what lies of it in the entry: all of its bytes, or the 8 bytes of an address, not aligned.
 */
#ifndef STORAGE_VALUE_H
#define STORAGE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "formats/rdb.h"
#include "keyspace.h"
#include "memory.h"
#include "slice.h"

/*
 * Where a value gives its content for a fingerprint, as Redis does for DEBUG DIGEST. Things whose order matters are mixed in one after
 * the other; those of a set are added, each a group of its own: its slices mixed, and the outcome added.
 */
struct digest_sink {
	void *context;
	void (*mix)(void *context, struct slice content);
	void (*add)(void *context, const struct slice *group, size_t count);
};

struct value_form {
	enum entry_type type;
	enum rdb_type rdb_type; /* as which it is encoded */
	/* The name that OBJECT ENCODING has for the way in which Redis would keep the value. */
	const char *(*encoding_name)(struct slice part);
	/* The content, into the sink. */
	void (*digest)(struct slice part, const struct digest_sink *sink);

	/* Writes what stands behind the key in an RDB file. */
	void (*encode)(struct slice part, struct rdb_writer *writer);

	/* The following are NULL for what lies in the entry wholly. */
	/* Memory that the value takes outside of its entry, in size classes. */
	size_t (*used_bytes)(struct slice part);
	/* Lets go of what the part refers to. It may be large: `freer` tells on whose time. */
	void (*release)(struct slice part, enum memory_freer freer);
	/* Makes a second value that is equal; its part, as long as this one, goes to `out_part`. False without memory. */
	bool (*copy)(struct slice part, uint8_t *out_part);
};

/* "string": what TYPE answers. */
const char *entry_type_name(enum entry_type type);
const char *entry_encoding_name(const struct entry *entry);
void entry_digest(const struct entry *entry, const struct digest_sink *sink);
enum rdb_type entry_rdb_type(const struct entry *entry);
void entry_encode(const struct entry *entry, struct rdb_writer *writer);

/* A value that is in no entry yet. */
struct value {
	uint8_t form;                   /* enum entry_form */
	struct slice part;              /* in `address`, or borrowed: of a decoded one, valid until the next read */
	uint8_t address[sizeof(void *)];
};

/*
 * Reads a value of an RDB type. False: the reader has the error; a type that is not known is refused by its name. Any thread. The value
 * is the caller's to put into a keyspace or to release.
 */
bool value_decode(struct rdb_reader *reader, uint8_t rdb_type, struct value *out_value);
void value_release(struct value *value);

/*
 * Gives the value to a key, with a time to live unless `when_ms` is NO_EXPIRY; whatever the key was is gone. Without memory the value is
 * still the caller's.
 */
enum keyspace_status keyspace_put_value(struct keyspace *keyspace, struct slice key, uint64_t hash, const struct value *value,
					int64_t when_ms, struct entry **out_entry);

#endif

/*
 * The interface of values: keyspaces and the rest of the program use it without knowing the value's type.
 * A form is a way to store a type of value: in the entry, or elsewhere with its address in the entry. A new form needs a member
 * of `enum entry_form`, a `struct value_form` in its type's file, and a line in value.c; no other code changes.
 *
 * The *part* of a value is what lies in the entry: all of its bytes, or the 8 bytes of an address, not aligned.
 */
#ifndef STORAGE_VALUE_H
#define STORAGE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "storage/formats/rdb.h"
#include "keyspace.h"
#include "memory.h"
#include "slice.h"

/*
 * Receives a value's content for a fingerprint, as Redis computes it for DEBUG DIGEST. Ordered content is mixed in, one slice after
 * the other. Elements of a set are added, each as a group: its slices are mixed, and the result is added.
 */
struct digest_sink {
	void *context;
	void (*mix)(void *context, struct slice content);
	void (*add)(void *context, const struct slice *group, size_t count);
};

struct value_form {
	enum entry_type type;
	enum rdb_type rdb_type; /* of its encoding */
	/* The reply of OBJECT ENCODING: the encoding that Redis would use. */
	const char *(*encoding_name)(struct slice part);
	/* Gives the content to the sink. */
	void (*digest)(struct slice part, const struct digest_sink *sink);

	/* Writes the value as it follows the key in an RDB file. */
	void (*encode)(struct slice part, struct rdb_writer *writer);

	/* The following are NULL for a value that lies entirely in its entry. */
	/* The value's memory outside of its entry, in size classes. */
	size_t (*used_bytes)(struct slice part);
	/* Releases what the part refers to. `freer` says which thread does it: the owner's or another one. */
	void (*release)(struct slice part, enum memory_freer freer);
	/* Makes an equal value and writes its part, which has the same length, to `out_part`. False without memory. */
	bool (*copy)(struct slice part, uint8_t *out_part);
};

/* The reply of TYPE: "string". */
const char *entry_type_name(enum entry_type type);
const char *entry_encoding_name(const struct entry *entry);
void entry_digest(const struct entry *entry, const struct digest_sink *sink);
enum rdb_type entry_rdb_type(const struct entry *entry);
void entry_encode(const struct entry *entry, struct rdb_writer *writer);

/* A value that is not in an entry yet. */
struct value {
	uint8_t form;                   /* enum entry_form */
	struct slice part;              /* in `address`, or borrowed; of a decoded value, valid until the next read */
	uint8_t address[sizeof(void *)];
};

/* False: values of the RDB type can't be decoded, and the reader has an error that names the type, at `offset`. Any thread. */
bool value_accepts(struct rdb_reader *reader, uint64_t offset, uint8_t rdb_type);
/* Reads a value of an RDB type. False: the reader has the error. Any thread. The caller puts the value into a keyspace or releases it. */
bool value_decode(struct rdb_reader *reader, uint8_t rdb_type, struct value *out_value);
void value_release(struct value *value);
enum entry_type value_type(const struct value *value);
/* The value's memory outside of its part, in size classes. */
size_t value_used_bytes(const struct value *value);

/*
 * Sets a key to the value, with a time to live unless `when_ms` is NO_EXPIRY; a former value is replaced. Without memory the caller still
 * owns the value.
 */
enum keyspace_status keyspace_put_value(struct keyspace *keyspace, struct slice key, uint64_t hash, const struct value *value,
					int64_t when_ms, struct entry **out_entry);

/* The same for a key that must be absent, expired or not; KEYSPACE_EXISTS if it is there. */
enum keyspace_status keyspace_add_value(struct keyspace *keyspace, struct slice key, uint64_t hash, const struct value *value,
					int64_t when_ms, struct entry **out_entry);

#endif

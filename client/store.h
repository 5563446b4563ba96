/*
 * The replies in a client-side cache, by key and command. Bounded in bytes: the least recently used key is dropped first. Any thread.
 *
 * A reply is kept only if its key hasn't changed since the request: the invalidation may arrive before the reply. A ticket records the
 * state of the key at the request.
 */
#ifndef CLIENT_STORE_H
#define CLIENT_STORE_H

#include "client/qcache.h"
#include "transport/resp_reader.h"

struct store;

struct ticket {
	struct stored_key *key; /* NULL: the reply won't be kept */
	uint64_t changes;       /* of the key, at the time of the request */
	uint64_t flushes;
};

/* NULL if out of memory. */
struct store *store_create(size_t max_bytes);
void store_destroy(struct store **store);

/* Nothing is kept while it is closed, which it is at first. Opening and closing drop all replies. */
void store_set_open(struct store *store, bool is_open);
/* Returns a copy of the reply kept for this command (its bytes). Otherwise NULL, and a ticket for store_put(). */
struct resp_reply *store_find(struct store *store, qc_arg key, const void *command, size_t len, struct ticket *out_ticket);
/* Gives back the ticket with a reply, which is copied, or with NULL. */
void store_put(struct store *store, const struct ticket *ticket, const void *command, size_t len, const struct resp_reply *reply);
/* The key has changed; NULL means all keys. */
void store_forget(struct store *store, const qc_arg *key);
qc_cache_stats store_stats(struct store *store);

#endif

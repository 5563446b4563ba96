/*
 * What a client-side cache holds: by each key, the replies to the commands that read it; bounded in bytes, the least recently used key
 * goes first. Any thread.
 *
 * A reply is kept only if its key hasn't changed since it was asked for: the server's word of a change may come before the reply.
 * So who asks holds a ticket meanwhile.
 */
#ifndef CLIENT_STORE_H
#define CLIENT_STORE_H

#include "client/qcache.h"
#include "transport/resp_reader.h"

struct store;

struct ticket {
	struct stored_key *key; /* NULL: the reply isn't to be kept */
	uint64_t changes;       /* of the key, when it was asked for */
	uint64_t flushes;
};

/* NULL without memory. */
struct store *store_create(size_t max_bytes);
void store_destroy(struct store **store);

/* Nothing is kept while it is closed, as at first; opening and closing drop all. */
void store_set_open(struct store *store, bool is_open);
/* The reply that is kept for this command (its bytes), as a copy; else NULL, and a ticket for store_put(). */
struct resp_reply *store_find(struct store *store, qc_arg key, const void *command, size_t len, struct ticket *out_ticket);
/* Gives the ticket back, with a reply to be copied, or NULL. */
void store_put(struct store *store, const struct ticket *ticket, const void *command, size_t len, const struct resp_reply *reply);
/* The key has changed; NULL: all have. */
void store_forget(struct store *store, const qc_arg *key);
qc_cache_stats store_stats(struct store *store);

#endif

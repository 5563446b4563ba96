/*
 * A reader must never see an older value after a newer one. But invalidations may be late, and replies can overtake each other. So if a
 * reply is not kept, or differs from the kept one, all other tickets of the key become invalid: replies requested earlier are not kept
 * either.
 */
#include "client/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "client/request.h"

/* Enough for a cache of small replies of the default size. A larger cache has longer chains. */
#define BUCKETS 16384

struct stored_reply {
	SLIST_ENTRY(stored_reply) link;
	struct resp_reply *reply;
	size_t bytes, len;
	uint8_t command[];
};

struct stored_key {
	TAILQ_ENTRY(stored_key) by_use; /* most recently used first */
	SLIST_ENTRY(stored_key) in_bucket;
	SLIST_HEAD(, stored_reply) replies;
	uint64_t changes;
	size_t tickets; /* while there are tickets, the key must not be freed */
	uint64_t hash;
	size_t len;
	uint8_t name[];
};

struct store {
	pthread_mutex_t lock;
	bool is_open;
	size_t max_bytes;
	TAILQ_HEAD(keys, stored_key) keys;
	SLIST_HEAD(bucket, stored_key) buckets[BUCKETS];
	qc_cache_stats stats;
};

struct store *store_create(size_t max_bytes)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	pthread_mutex_init(&store->lock, NULL);
	store->max_bytes = max_bytes;
	TAILQ_INIT(&store->keys);
	return store;
}

/* FNV-1a */
static uint64_t hash_of(const uint8_t *name, size_t len)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ name[i]) * 1099511628211u;
	return hash;
}

static struct stored_key *find_key(struct store *store, const qc_arg *name, uint64_t hash)
{
	struct stored_key *key;

	SLIST_FOREACH(key, &store->buckets[hash % BUCKETS], in_bucket)
		if (key->hash == hash && key->len == name->len && memcmp(key->name, arg_data(name), key->len) == 0)
			return key;
	return NULL;
}

static struct stored_key *find_or_add(struct store *store, const qc_arg *name)
{
	uint64_t hash = hash_of(arg_data(name), name->len);
	struct stored_key *key = find_key(store, name, hash);

	if (key) {
		TAILQ_REMOVE(&store->keys, key, by_use);
	} else {
		key = calloc(1, sizeof(*key) + name->len);
		if (!key)
			return NULL;
		key->hash = hash;
		key->len = name->len;
		memcpy(key->name, arg_data(name), name->len);
		SLIST_INSERT_HEAD(&store->buckets[hash % BUCKETS], key, in_bucket);
		store->stats.keys++;
		store->stats.bytes += sizeof(*key) + key->len;
	}
	TAILQ_INSERT_HEAD(&store->keys, key, by_use);
	return key;
}

static void drop_replies(struct store *store, struct stored_key *key)
{
	while (!SLIST_EMPTY(&key->replies)) {
		struct stored_reply *reply = SLIST_FIRST(&key->replies);
		SLIST_REMOVE_HEAD(&key->replies, link);
		store->stats.bytes -= reply->bytes;
		resp_reply_free(reply->reply);
		free(reply);
	}
	key->changes++;
}

/* A key with tickets stays, without replies. */
static void drop_key(struct store *store, struct stored_key *key)
{
	drop_replies(store, key);
	if (key->tickets > 0)
		return;
	SLIST_REMOVE(&store->buckets[key->hash % BUCKETS], key, stored_key, in_bucket);
	TAILQ_REMOVE(&store->keys, key, by_use);
	store->stats.keys--;
	store->stats.bytes -= sizeof(*key) + key->len;
	free(key);
}

static void drop_all(struct store *store)
{
	struct stored_key *key, *next;

	for (key = TAILQ_FIRST(&store->keys); key; key = next) {
		next = TAILQ_NEXT(key, by_use);
		drop_key(store, key);
	}
	store->stats.flushes++;
}

void store_destroy(struct store **store)
{
	if (!*store)
		return;
	drop_all(*store);
	pthread_mutex_destroy(&(*store)->lock);
	free(*store);
	*store = NULL;
}

void store_set_open(struct store *store, bool is_open)
{
	pthread_mutex_lock(&store->lock);
	if (store->is_open != is_open)
		drop_all(store);
	store->is_open = is_open;
	pthread_mutex_unlock(&store->lock);
}

static struct stored_reply *find_reply(struct stored_key *key, const void *command, size_t len)
{
	struct stored_reply *reply;

	SLIST_FOREACH(reply, &key->replies, link)
		if (reply->len == len && memcmp(reply->command, command, len) == 0)
			return reply;
	return NULL;
}

struct resp_reply *store_find(struct store *store, qc_arg name, const void *command, size_t len, struct ticket *out_ticket)
{
	struct resp_reply *copy = NULL;

	*out_ticket = (struct ticket){.key = NULL};
	pthread_mutex_lock(&store->lock);
	struct stored_key *key = store->is_open ? find_or_add(store, &name) : NULL;
	struct stored_reply *found = key ? find_reply(key, command, len) : NULL;
	if (found)
		copy = resp_reply_copy(found->reply, NULL);
	if (key && !copy) {
		key->tickets++;
		*out_ticket = (struct ticket){key, key->changes, store->stats.flushes};
	}
	*(copy ? &store->stats.hits : &store->stats.misses) += 1;
	pthread_mutex_unlock(&store->lock);
	return copy;
}

static void evict(struct store *store)
{
	struct stored_key *key = TAILQ_LAST(&store->keys, keys), *more_recent;

	for (; key && store->stats.bytes > store->max_bytes; key = more_recent) {
		more_recent = TAILQ_PREV(key, keys, by_use);
		store->stats.evictions++;
		drop_key(store, key);
	}
}

static bool is_equal(const struct resp_reply *a, const struct resp_reply *b)
{
	bool equal = a->type == b->type && a->integer == b->integer && a->len == b->len && a->count == b->count &&
		     (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);

	for (size_t i = 0; equal && i < a->count; i++)
		equal = is_equal(&a->children[i], &b->children[i]);
	return equal;
}

static void add_reply(struct store *store, struct stored_key *key, const void *command, size_t len, const struct resp_reply *from)
{
	struct stored_reply *reply = malloc(sizeof(*reply) + len);
	size_t bytes;

	if (!reply)
		return;
	reply->reply = resp_reply_copy(from, &bytes);
	if (!reply->reply) {
		free(reply);
		return;
	}
	reply->len = len;
	reply->bytes = bytes + sizeof(*reply) + len;
	memcpy(reply->command, command, len);
	SLIST_INSERT_HEAD(&key->replies, reply, link);
	store->stats.bytes += reply->bytes;
}

void store_put(struct store *store, const struct ticket *ticket, const void *command, size_t len, const struct resp_reply *reply)
{
	struct stored_key *key = ticket->key;

	if (!key)
		return;
	pthread_mutex_lock(&store->lock);
	key->tickets--;
	bool is_current = store->is_open && key->changes == ticket->changes && store->stats.flushes == ticket->flushes;
	const struct stored_reply *kept = find_reply(key, command, len);
	if (!reply || !is_current || (kept && !is_equal(kept->reply, reply)))
		drop_key(store, key);
	else if (!kept)
		add_reply(store, key, command, len, reply);
	evict(store);
	pthread_mutex_unlock(&store->lock);
}

void store_forget(struct store *store, const qc_arg *name)
{
	pthread_mutex_lock(&store->lock);
	if (!name) {
		drop_all(store);
	} else {
		struct stored_key *key = find_key(store, name, hash_of(arg_data(name), name->len));
		store->stats.invalidations++;
		if (key)
			drop_key(store, key);
	}
	pthread_mutex_unlock(&store->lock);
}

qc_cache_stats store_stats(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	qc_cache_stats stats = store->stats;
	pthread_mutex_unlock(&store->lock);
	return stats;
}

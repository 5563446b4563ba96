/*
 * What handlers share beside arguments and replies.
 */
#include "actors/store/state.h"

void store_expire(struct store *store, uint32_t database, struct entry *entry)
{
	store_effect(store, database, &(struct effect){ .type = EFFECT_EXPIRED, .key = entry_key(entry) });
	keyspace_remove_entry(store_own_keyspace(store, database), entry);
	store->counters.expired_keys++;
}

/* As a rule nothing is: a key whose time has come leaves within a turn or two. */
static bool has_expired_keys(const struct store *store, uint32_t database)
{
	int64_t first_ms = keyspace_next_expiry_ms(store_keyspace(store, database));
	return first_ms != NO_EXPIRY && first_ms <= store->now_ms;
}

void store_expire_key(struct store *store, uint32_t database, struct slice key, uint64_t hash)
{
	const struct keyspace *keyspace = store_keyspace(store, database);
	if (!has_expired_keys(store, database) || keyspace_find(keyspace, key, hash, store->now_ms))
		return;
	struct entry *entry = keyspace_find_any(keyspace, key, hash);
	if (entry)
		store_expire(store, database, entry);
}

void call_expire(struct call *call, uint32_t database, uint32_t key_index)
{
	store_expire_key(call->store, database, call_arg(call, key_index), call_hash(call, key_index));
}

static void expire_keys_of(struct call *call, const struct key_spec *spec)
{
	int64_t last = spec->last < 0 ? (int64_t)call->argc + spec->last : spec->last;
	for (int64_t i = spec->first; i > 0 && i <= last; i += spec->step)
		call_expire(call, call->session->database, (uint32_t)i);
}

void call_expire_keys(struct call *call)
{
	if (!has_expired_keys(call->store, call->session->database))
		return;
	for (uint32_t i = 0; i < call->command->key_spec_count; i++)
		expire_keys_of(call, &call->command->key_specs[i]);
}

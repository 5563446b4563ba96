#include "simulation/snapshot.h"

#include <string.h>

static void add_former(void *context, struct entry *entry)
{
	struct snapshot *snapshot = context;
	data_digest_add_entry(&snapshot->former, entry);
}

static void emit(void *context, const struct keyspace *keyspace, const struct entry *entry)
{
	struct snapshot *snapshot = context;
	data_digest_add_entry(&snapshot->emitted, entry);
	snapshot->emitted_count++;
}

struct walk {
	const struct keyspace *keyspace;
};

static void emit_visited(void *context, struct entry *entry)
{
	keyspace_emit(((struct walk *)context)->keyspace, entry);
}

static uint64_t walk_on(const struct keyspace *keyspace, uint64_t cursor)
{
	struct walk walk = { keyspace };
	return keyspace_scan(keyspace, cursor, emit_visited, &walk);
}

static void take_out(struct snapshot *snapshot, uint32_t at)
{
	if (at == snapshot->count - 1)
		snapshot->cursor = 0;
	snapshot->count--;
	memmove(&snapshot->keyspaces[at], &snapshot->keyspaces[at + 1], (snapshot->count - at) * sizeof(snapshot->keyspaces[0]));
}

/* What leaves as a whole is emitted as a whole. */
static void flush(void *context, const struct keyspace *keyspace)
{
	struct snapshot *snapshot = context;
	for (uint32_t i = 0; i < snapshot->count; i++)
		if (snapshot->keyspaces[i] == keyspace) {
			for (uint64_t cursor = walk_on(keyspace, 0); cursor != 0;)
				cursor = walk_on(keyspace, cursor);
			take_out(snapshot, i);
			return;
		}
}

void snapshot_init(struct snapshot *snapshot, struct databases *databases)
{
	*snapshot = (struct snapshot){ .databases = databases };
	databases->storage.watch = (struct change_watch){ .emit = emit, .flush = flush, .context = snapshot };
}

static void begin(struct snapshot *snapshot)
{
	struct databases *databases = snapshot->databases;
	snapshot->is_under_way = true;
	snapshot->former = snapshot->emitted = (struct data_digest){ 0 };
	snapshot->cursor = 0;
	for (uint32_t i = 0; i < databases->in_use_count && i < SNAPSHOT_KEYSPACES_MAX; i++) {
		struct keyspace *keyspace = snapshot->keyspaces[snapshot->count++] = databases->keyspaces[databases->in_use[i]];
		uint64_t cursor = 0;
		do {
			cursor = keyspace_scan(keyspace, cursor, add_former, snapshot);
		} while (cursor != 0);
	}
	databases->storage.watch.epoch = (databases->storage.watch.epoch + 1) & 3;
}

bool snapshot_step(struct snapshot *snapshot)
{
	if (!snapshot->is_under_way) {
		begin(snapshot);
		return true;
	}
	if (snapshot->count > 0) {
		snapshot->cursor = walk_on(snapshot->keyspaces[snapshot->count - 1], snapshot->cursor);
		if (snapshot->cursor == 0)
			take_out(snapshot, snapshot->count - 1);
		return true;
	}
	snapshot->is_under_way = false;
	return memcmp(&snapshot->former, &snapshot->emitted, sizeof(snapshot->former)) == 0;
}

#include "change.h"

void change_emit(const struct keyspace *keyspace, struct entry *entry)
{
	if (keyspace->storage->watch.emit)
		keyspace->storage->watch.emit(keyspace->storage->watch.context, keyspace, entry);
	entry_set_epoch(entry, change_epoch(keyspace));
}

void keyspace_emit(const struct keyspace *keyspace, struct entry *entry)
{
	change_before(keyspace, entry);
}

bool keyspace_is_emitted(const struct keyspace *keyspace, const struct entry *entry)
{
	return entry_epoch(entry) == change_epoch(keyspace);
}

void keyspace_before_flush(const struct keyspace *keyspace)
{
	if (keyspace->storage->watch.flush)
		keyspace->storage->watch.flush(keyspace->storage->watch.context, keyspace);
}

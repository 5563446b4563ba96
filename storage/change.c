#include "change.h"

void change_emit(const struct keyspace *keyspace, struct entry *entry)
{
	if (keyspace->watch->emit)
		keyspace->watch->emit(keyspace->watch->context, keyspace, entry);
	entry_set_epoch(entry, change_epoch(keyspace));
}

void keyspace_emit(const struct keyspace *keyspace, struct entry *entry)
{
	change_before(keyspace, entry);
}

void keyspace_before_flush(const struct keyspace *keyspace)
{
	if (keyspace->watch->flush)
		keyspace->watch->flush(keyspace->watch->context, keyspace);
}

void keyspace_set_watch(struct keyspace *keyspace, const struct change_watch *watch)
{
	keyspace->watch = watch;
}

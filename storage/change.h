/*
 * Every change of an entry is announced before it is made, so that a snapshot can save the former state.
 *
 * A snapshot has an epoch, a number of two bits. Each entry stores the epoch of the last snapshot that is done with it: that has emitted
 * the entry, or that began before the entry was created. Code that changes an entry calls change_before() first. Without a running
 * snapshot all entries have the current epoch, and the call costs one comparison. A new snapshot increments the current epoch, so all
 * entries are behind. Each is emitted once: before its first change, or when the snapshot's walk reaches it (by change_before()
 * too). Two bits are enough, since a walk visits all entries before the next one begins, even if its snapshot was aborted.
 *
 * Changes are: a new value, a write to part of a value, a time to live set, changed or removed, a new key, and removal for any
 * reason. An access is not a change. A flush is announced as a whole, by keyspace_before_flush(). SWAPDB needs no announcement: a snapshot
 * identifies keyspaces by the numbers that they had when it began.
 *
 * Private to storage/, except `struct change_watch` (storage.h).
 */
#ifndef STORAGE_CHANGE_H
#define STORAGE_CHANGE_H

#include <stdlib.h>

#include "entry_layout.h"
#include "keyspace_layout.h"

static inline uint8_t change_epoch(const struct keyspace *keyspace)
{
	return keyspace->storage->watch.epoch;
}

void change_emit(const struct keyspace *keyspace, struct entry *entry);

static inline void change_before(const struct keyspace *keyspace, struct entry *entry)
{
	if (__builtin_expect(entry_epoch(entry) != change_epoch(keyspace), 0))
		change_emit(keyspace, entry);
}

/* Called where an entry is changed: checked builds stop if the change was not announced. */
static inline void change_assert_announced(const struct keyspace *keyspace, const struct entry *entry)
{
#ifdef QCACHE_CHECKED
	if (entry_epoch(entry) != change_epoch(keyspace))
		abort();
#endif
}

#endif

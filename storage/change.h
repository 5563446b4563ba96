/*
 * The one way to change: every change of an entry is announced before it is made, so that a snapshot can take the former state.
 *
 * A snapshot is an epoch, a number of two bits. Each entry has the epoch of the last snapshot that is done with it: that has emitted it,
 * or had begun when the entry was made. Whatever changes an entry calls change_before() first. As long as no snapshot is under way all
 * entries have the current epoch, and that is one comparison. When a snapshot begins the current epoch is the next one, so all
 * entries are behind; each is emitted once, before its first change or when the snapshot's walk comes to it (change_before()
 * again), whichever is earlier. Two bits are enough, since a walk reaches the end before the next one begins, emitting or not.
 *
 * Changes are: a new value, a part of a value written, a time to live set, changed or taken away, another key, and removal, whatever
 * causes them. How lately an entry has been used is no change. A flush is announced as a whole, change_before_flush(). Databases
 * that change places lose nothing: a snapshot knows their keyspaces by what they were when it began.
 *
 * Private to storage/, but for `struct change_watch` (storage.h).
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

/* Where an entry is really changed: checked builds stop when that has not been announced. */
static inline void change_assert_announced(const struct keyspace *keyspace, const struct entry *entry)
{
#ifdef QCACHE_CHECKED
	if (entry_epoch(entry) != change_epoch(keyspace))
		abort();
#endif
}

#endif

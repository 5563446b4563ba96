/*
 * The keyspace's allocator: one jemalloc arena with one thread cache, used by whichever thread runs the
 * owner's turn. Builds with sanitizers use the C library's malloc behind the same calls.
 *
 * All calls but memory_free_elsewhere() belong to the owner of the data (the store actor); turns follow
 * each other with a happens-before edge, so no lock is needed. memory_free_elsewhere() is for the reaper
 * and may run on any thread at any time; what it frees counts as used until it has been freed.
 *
 * Outcomes: memory_alloc() returns NULL when there is no memory (ordinary: the caller replies with an
 * out-of-memory error and its state is unchanged).
 */
#ifndef STORAGE_MEMORY_H
#define STORAGE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Creates the arena and starts the allocator's own thread, which gives unused pages back to the system.
 * Called once, before any other call here and after the last fork() (the thread does not survive one);
 * fatal (abort) when either can't be had.
 */
void memory_init(void);

/*
 * What one owner has taken. It frees through the same one, or has others do so; it must outlive them.
 */
struct memory {
	unsigned cache;                         /* the allocator's, of this owner's own */
	int flags;                              /* for the allocator: the arena and the cache */
	_Atomic size_t taken_bytes;             /* less what the owner has freed */
	_Atomic size_t freed_elsewhere_bytes;
};

/* Fatal (abort) when the allocator has no other cache. */
void memory_open(struct memory *memory);
/* All has been freed; checked builds stop otherwise. */
void memory_close(struct memory *memory);

/*
 * Uninitialised memory of the size class of `bytes` (> 0), all of which may be used. Aligned to 16; to 8 when it is 8 bytes
 * or fewer.
 */
void *memory_alloc(struct memory *memory, size_t bytes);

/* What a request of `bytes` (> 0) really takes: the size class it is rounded up to. */
size_t memory_size_class(size_t bytes);

/* `bytes` is what was asked for, or any number of the same size class. */
void memory_free(struct memory *memory, void *block, size_t bytes);
void memory_free_elsewhere(struct memory *memory, void *block, size_t bytes);

/* One of the two, for code that serves both: the owner within its turn, or whom the data were given to. */
enum memory_freer { FREED_BY_OWNER, FREED_ELSEWHERE };
void memory_free_as(struct memory *memory, void *block, size_t bytes, enum memory_freer freer);

/* Bytes in use by the owner, in size classes, with what still waits at the reaper. Any thread. */
size_t memory_used_bytes(const struct memory *memory);

/* What the whole process has from the allocator, in bytes; all 0 where the allocator doesn't tell. */
struct memory_figures {
	size_t allocated; /* in size classes */
	size_t active;    /* pages with something in them */
	size_t resident;  /* with the allocator's own and what is kept for later */
};
void memory_get_figures(struct memory_figures *out_figures);
/* Gives pages that are kept for later back to the system; may take milliseconds. */
void memory_purge(void);
/* "jemalloc-5.3.0"; "libc". */
const char *memory_allocator_name(void);
/* The allocator's own report, in pieces. */
void memory_report(void (*write)(void *context, const char *text), void *context);

/*
 * Test seam: the n-th allocation from now on (1 = the next) and none other returns NULL; 0 switches it
 * off. Compiled into all builds: one predictable branch. Allocations that don't come from the arena (blobs)
 * take part by asking memory_refuses() whether it is their turn to fail.
 */
void memory_fail_nth(uint64_t n);
bool memory_refuses(void);

#endif

/*
 * The keyspace's allocator: one jemalloc arena, and a thread cache per owner, used by the thread that runs the
 * owner's turn. Builds with sanitizers use the C library's malloc behind the same calls.
 *
 * Only the owner of the data (the store actor) calls, except memory_free_elsewhere(). Each turn happens before the
 * next one, so no lock is needed. memory_free_elsewhere() is for the reaper
 * and may run on any thread; memory counts as used until it is freed.
 *
 * memory_alloc() returns NULL without memory. That is an ordinary outcome: the caller replies with an
 * out-of-memory error and its state is unchanged.
 */
#ifndef STORAGE_MEMORY_H
#define STORAGE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Creates the arena and starts the allocator's own thread, which returns unused pages to the system.
 * Call it once, before any other call here and after the last fork() (the thread does not survive one).
 * Fatal (abort) if either fails.
 */
void memory_init(void);

/*
 * The memory of one owner. Memory is freed through the struct that it was allocated from, which must outlive it.
 */
struct memory {
	unsigned cache;                         /* the owner's thread cache */
	int flags;                              /* jemalloc's flags for arena and cache */
	_Atomic size_t taken_bytes;             /* allocated less freed by the owner */
	_Atomic size_t freed_elsewhere_bytes;
};

/* Fatal (abort) if the allocator can't create another cache. */
void memory_open(struct memory *memory);
/* Everything must be freed by then; checked builds stop otherwise. */
void memory_close(struct memory *memory);

/*
 * Uninitialised memory of the size class of `bytes` (> 0); all of it may be used. Aligned to 16, or to 8 if `bytes` is at most 8.
 */
void *memory_alloc(struct memory *memory, size_t bytes);

/* The size class to which `bytes` (> 0) is rounded up. */
size_t memory_size_class(size_t bytes);

/* `bytes` is the size that was allocated, or any size of the same class. */
void memory_free(struct memory *memory, void *block, size_t bytes);
void memory_free_elsewhere(struct memory *memory, void *block, size_t bytes);

/* Selects one of the two, for code that serves both: the owner in its turn, or an actor to which the data were given. */
enum memory_freer { FREED_BY_OWNER, FREED_ELSEWHERE };
void memory_free_as(struct memory *memory, void *block, size_t bytes, enum memory_freer freer);

/* The owner's memory in use, in size classes, including what the reaper has not freed yet. Any thread. */
size_t memory_used_bytes(const struct memory *memory);

/* The allocator's figures for the whole process, in bytes; all 0 if it has none. */
struct memory_figures {
	size_t allocated; /* in size classes */
	size_t active;    /* pages in use */
	size_t resident;  /* with the allocator's metadata and free pages that it keeps */
};
void memory_get_figures(struct memory_figures *out_figures);
/* Returns free pages to the system; may take milliseconds. */
void memory_purge(void);
/* "jemalloc-5.3.0"; "libc". */
const char *memory_allocator_name(void);
/* The allocator's own report, written piece by piece. */
void memory_report(void (*write)(void *context, const char *text), void *context);

/*
 * For tests: only the n-th allocation from now on (1 = the next) returns NULL; 0 switches this
 * off. Compiled into all builds: one predictable branch. Allocations outside the arena (blobs)
 * take part by calling memory_refuses(), which is true when they must fail.
 */
void memory_fail_nth(uint64_t n);
bool memory_refuses(void);

#endif

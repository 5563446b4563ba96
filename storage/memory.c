#include "memory.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef QCACHE_SYSTEM_MALLOC

static void backend_init(void)
{
}

static void open_cache(struct memory *memory)
{
}

static void close_cache(struct memory *memory)
{
}

static void *backend_alloc(int flags, size_t bytes)
{
	return malloc(bytes);
}

static void backend_free(int flags, void *block, size_t bytes)
{
	free(block);
}

static void backend_free_elsewhere(void *block, size_t bytes)
{
	free(block);
}

void memory_get_figures(struct memory_figures *out_figures)
{
	*out_figures = (struct memory_figures){ 0 };
}

const char *memory_allocator_name(void)
{
	return "libc";
}

void memory_purge(void)
{
}

void memory_report(void (*write)(void *context, const char *text), void *context)
{
	write(context, "The C library's malloc is in use, which makes no report.\n");
}

#else

#include <jemalloc/jemalloc.h>

/*
 * Read by jemalloc when the program is loaded. Small classes use slabs of 16 pages instead of 1 to 7: that halves the
 * allocator's metadata (1.8 bytes per key, measured). Big blobs must not use jemalloc's separate arena for huge blocks,
 * which returns every page to the system as soon as it is free.
 */
const char *malloc_conf __attribute__((used)) = "oversize_threshold:0,slab_sizes:1-512:16";

/* One arena for all owners; the allocator locks it when a cache is empty. One thread at a time uses a cache. */
static unsigned arena;
static int elsewhere_flags;

static void control(const char *name, void *out, size_t *out_len, void *value, size_t value_len)
{
	int error = mallctl(name, out, out_len, value, value_len);
	if (error == 0)
		return;
	fprintf(stderr, "memory: jemalloc refuses %s: error %d\n", name, error);
	abort();
}

static void backend_init(void)
{
	size_t len = sizeof(arena);
	/* One thread is enough to return pages; jemalloc would start one per core. */
	size_t threads = 1;
	bool on = true;

	control("arenas.create", &arena, &len, NULL, 0);
	control("max_background_threads", NULL, NULL, &threads, sizeof(threads));
	control("background_thread", NULL, NULL, &on, sizeof(on));
	elsewhere_flags = MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE;
}

static void open_cache(struct memory *memory)
{
	size_t len = sizeof(memory->cache);
	control("tcache.create", &memory->cache, &len, NULL, 0);
	memory->flags = MALLOCX_ARENA(arena) | MALLOCX_TCACHE(memory->cache);
}

static void close_cache(struct memory *memory)
{
	control("tcache.destroy", NULL, NULL, &memory->cache, sizeof(memory->cache));
}

/* jemalloc updates its figures when the epoch is set. */
void memory_get_figures(struct memory_figures *out_figures)
{
	uint64_t epoch = 1;
	size_t len = sizeof(size_t);
	control("epoch", NULL, NULL, &epoch, sizeof(epoch));
	control("stats.allocated", &out_figures->allocated, &len, NULL, 0);
	control("stats.active", &out_figures->active, &len, NULL, 0);
	control("stats.resident", &out_figures->resident, &len, NULL, 0);
}

#define TEXT_OF(x) #x
#define TEXT_OF_VALUE(x) TEXT_OF(x)

const char *memory_allocator_name(void)
{
	return "jemalloc-" TEXT_OF_VALUE(JEMALLOC_VERSION_MAJOR) "." TEXT_OF_VALUE(JEMALLOC_VERSION_MINOR) "."
		TEXT_OF_VALUE(JEMALLOC_VERSION_BUGFIX);
}

void memory_purge(void)
{
	char name[40];
	snprintf(name, sizeof(name), "arena.%u.purge", MALLCTL_ARENAS_ALL);
	control(name, NULL, NULL, NULL, 0);
}

void memory_report(void (*write)(void *context, const char *text), void *context)
{
	malloc_stats_print(write, context, NULL);
}

static void *backend_alloc(int flags, size_t bytes)
{
	return mallocx(bytes, flags);
}

static void backend_free(int flags, void *block, size_t bytes)
{
	sdallocx(block, bytes, flags);
}

static void backend_free_elsewhere(void *block, size_t bytes)
{
	sdallocx(block, bytes, elsewhere_flags);
}

#endif

static _Atomic uint64_t refuse_in;

void memory_init(void)
{
	backend_init();
}

void memory_open(struct memory *memory)
{
	*memory = (struct memory){ 0 };
	open_cache(memory);
}

void memory_close(struct memory *memory)
{
#ifdef QCACHE_CHECKED
	if (memory_used_bytes(memory) != 0)
		abort();
#endif
	close_cache(memory);
}

/*
 * Used memory is taken_bytes - freed_elsewhere_bytes. The first has one writer, so it needs
 * no read-modify-write; the second has several. Both are relaxed: they are only statistics and order nothing.
 */
static void count_taken(struct memory *memory, size_t bytes)
{
	size_t now = atomic_load_explicit(&memory->taken_bytes, memory_order_relaxed);
	atomic_store_explicit(&memory->taken_bytes, now + bytes, memory_order_relaxed);
}

bool memory_refuses(void)
{
	/* Relaxed: set and used by one thread of a test; outside of tests it is always 0. */
	uint64_t n = atomic_load_explicit(&refuse_in, memory_order_relaxed);
	if (__builtin_expect(n == 0, 1))
		return false;
	atomic_store_explicit(&refuse_in, n - 1, memory_order_relaxed);
	return n == 1;
}

void memory_fail_nth(uint64_t n)
{
	atomic_store_explicit(&refuse_in, n, memory_order_relaxed);
}

void *memory_alloc(struct memory *memory, size_t bytes)
{
	if (memory_refuses())
		return NULL;
	size_t taken = memory_size_class(bytes);
	void *block = backend_alloc(memory->flags, taken);
	if (block)
		count_taken(memory, taken);
	return block;
}

/* jemalloc's classes: 8, then multiples of 16 up to 128, then four to each doubling. */
size_t memory_size_class(size_t bytes)
{
	if (bytes <= 8)
		return 8;
	size_t step = 16;
	if (bytes > 128)
		step = (size_t)1 << (61 - __builtin_clzl(bytes - 1));
	return (bytes + step - 1) & ~(step - 1);
}

void memory_free(struct memory *memory, void *block, size_t bytes)
{
	backend_free(memory->flags, block, bytes);
	count_taken(memory, -memory_size_class(bytes));
}

void memory_free_elsewhere(struct memory *memory, void *block, size_t bytes)
{
	backend_free_elsewhere(block, bytes);
	atomic_fetch_add_explicit(&memory->freed_elsewhere_bytes, memory_size_class(bytes), memory_order_relaxed);
}

void memory_free_as(struct memory *memory, void *block, size_t bytes, enum memory_freer freer)
{
	if (freer == FREED_BY_OWNER)
		memory_free(memory, block, bytes);
	else
		memory_free_elsewhere(memory, block, bytes);
}

size_t memory_used_bytes(const struct memory *memory)
{
	/* Read `freed` first, so that it counts no block that `taken` doesn't. Not exact while others free. */
	size_t freed = atomic_load_explicit(&memory->freed_elsewhere_bytes, memory_order_acquire);
	size_t taken = atomic_load_explicit(&memory->taken_bytes, memory_order_relaxed);
	return taken > freed ? taken - freed : 0;
}

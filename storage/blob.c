#include "blob.h"

#include <assert.h>
#include <stdlib.h>

#include "memory.h"

/* Relaxed throughout: these numbers serve reports and limits and order nothing. */
static _Atomic size_t used_bytes, kept_bytes;

static size_t bytes_for(uint32_t capacity)
{
	return sizeof(struct blob) + (size_t)capacity;
}

size_t blob_bytes(const struct blob *blob)
{
	return memory_size_class(bytes_for(blob->capacity));
}

uint32_t blob_full_capacity(uint32_t room)
{
	return (uint32_t)(memory_size_class(bytes_for(room)) - sizeof(struct blob));
}

bool blob_is_kept_by_several(const struct blob *blob)
{
	return atomic_load_explicit(&blob->keepers, memory_order_relaxed) > 1;
}

static void count(_Atomic size_t *counter, size_t change)
{
	atomic_fetch_add_explicit(counter, change, memory_order_relaxed);
}

struct blob *blob_create(uint32_t capacity)
{
	struct blob *blob = memory_refuses() ? NULL : (struct blob *)malloc(bytes_for(capacity));
	if (!blob)
		return NULL;
	atomic_init(&blob->holders, 1);
	blob->len = 0;
	blob->capacity = capacity;
	atomic_init(&blob->keepers, 0);
	count(&used_bytes, blob_bytes(blob));
	return blob;
}

struct blob *blob_resize(struct blob *blob, uint32_t capacity)
{
	assert(atomic_load_explicit(&blob->holders, memory_order_relaxed) == 1);
	assert(capacity >= blob->len);
	size_t before = blob_bytes(blob);
	struct blob *moved = memory_refuses() ? NULL : (struct blob *)realloc(blob, bytes_for(capacity));
	if (!moved)
		return NULL;
	moved->capacity = capacity;
	count(&used_bytes, blob_bytes(moved) - before);
	if (atomic_load_explicit(&moved->keepers, memory_order_relaxed))
		count(&kept_bytes, blob_bytes(moved) - before);
	return moved;
}

struct blob *blob_hold(struct blob *blob)
{
	/* Relaxed: the caller has a hold, so the count can't reach 0 meanwhile. */
	atomic_fetch_add_explicit(&blob->holders, 1, memory_order_relaxed);
	return blob;
}

bool blob_is_shared(const struct blob *blob)
{
	/* Acquire: reads by former holders, before their release, happen before the caller's writes. */
	return atomic_load_explicit(&blob->holders, memory_order_acquire) != 1;
}

void blob_release(struct blob **blob)
{
	struct blob *held = *blob;
	if (!held)
		return;
	*blob = NULL;
	/*
	 * The free must come after every other holder's last access: each of them releases with
	 * its decrement, and the last one acquires with its own. Reading 1 (with acquire) also makes us the last, without
	 * a locked instruction, since only a holder could increment the count.
	 */
	if (atomic_load_explicit(&held->holders, memory_order_acquire) != 1 &&
	    atomic_fetch_sub_explicit(&held->holders, 1, memory_order_acq_rel) != 1)
		return;
	count(&used_bytes, -blob_bytes(held));
	free(held);
}

struct blob *blob_keep(struct blob *blob)
{
	/* Relaxed: `holders` does the ordering. The capacity can't change meanwhile, since the caller has another hold. */
	if (atomic_fetch_add_explicit(&blob->keepers, 1, memory_order_relaxed) == 0)
		count(&kept_bytes, blob_bytes(blob));
	return blob_hold(blob);
}

void blob_drop(struct blob **blob)
{
	if (!*blob)
		return;
	if (atomic_fetch_sub_explicit(&(*blob)->keepers, 1, memory_order_relaxed) == 1)
		count(&kept_bytes, -blob_bytes(*blob));
	blob_release(blob);
}

struct blob *blob_from_data(const uint8_t *data)
{
	return (struct blob *)(uintptr_t)(data - offsetof(struct blob, data));
}

size_t blob_used_bytes(void)
{
	return atomic_load_explicit(&used_bytes, memory_order_relaxed);
}

size_t blob_kept_bytes(void)
{
	return atomic_load_explicit(&kept_bytes, memory_order_relaxed);
}

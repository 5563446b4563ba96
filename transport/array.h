/*
 * Growth of arrays that are kept as a pointer and a capacity.
 */
#ifndef TRANSPORT_ARRAY_H
#define TRANSPORT_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* For array_reserve(). */
bool array_grow(void *items_at, size_t *capacity, size_t needed, size_t item_bytes, size_t first);

/*
 * Makes room for `needed` items in an array from malloc(), which may move; `items_at` is the address of its pointer. An empty array gets
 * room for `first` items (not 0), and its capacity doubles from then on. New items are not initialised. False without memory: nothing has
 * changed.
 */
static inline bool array_reserve(void *items_at, size_t *capacity, size_t needed, size_t item_bytes, size_t first)
{
	return needed <= *capacity || array_grow(items_at, capacity, needed, item_bytes, first);
}

#endif

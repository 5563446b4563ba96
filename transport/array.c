#include "array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* No object is larger than half of the address space; up to here a capacity can be doubled. */
#define LARGEST_BYTES (SIZE_MAX / 2)

bool array_grow(void *items_at, size_t *capacity, size_t needed, size_t item_bytes, size_t first)
{
	if (needed > LARGEST_BYTES / item_bytes)
		return false;
	size_t grown = *capacity < first ? first : *capacity;
	while (grown < needed)
		grown *= 2;
	void *items; /* by memcpy(), since it has another type */
	memcpy(&items, items_at, sizeof(items));
	items = realloc(items, grown * item_bytes);
	if (!items)
		return false;
	memcpy(items_at, &items, sizeof(items));
	*capacity = grown;
	return true;
}

/*
 * Places are numbered from ROOT, so that the four children of a place are adjacent and begin at a multiple of
 * four: they share one cache line of 64 bytes.
 *
 *      place      3    4 5 6 7    8 9 10 11   12 13 14 15   ...
 *      parent     -    3 3 3 3    4 4  4  4    5  5  5  5
 *
 * What holds: a node's time is not before its parent's; entry_place(node.entry) is the node's place, for every
 * node; chunks cover all places in use and at most one chunk more, so that a count that varies around a chunk's end
 * does not allocate and free each time.
 */
#include "expiry.h"

#include "entry_layout.h"

#define ROOT 3u

/* 64 KB per chunk: for a million nodes the list of chunks has 2 KB. */
#define CHUNK_NODES 4096u
#define CHUNK_BYTES (CHUNK_NODES * sizeof(struct expiry_node))

/* Places have 32 bits, and each level of the heap takes two of them. */
#define MAX_DEPTH 16u
#define MAX_COUNT (UINT32_MAX - ROOT - CHUNK_NODES)

static uint32_t parent_of(uint32_t place)
{
	return place / 4 + 2;
}

static uint32_t first_child_of(uint32_t place)
{
	return 4 * (place - 2);
}

static uint32_t end_place(const struct expiry_index *index)
{
	return ROOT + index->count;
}

struct expiry_node *expiry_at(const struct expiry_index *index, uint32_t place)
{
	struct expiry_node *chunk = (struct expiry_node *)index->chunks.list[place / CHUNK_NODES];
	return &chunk[place % CHUNK_NODES];
}

static void put(struct expiry_index *index, uint32_t place, struct expiry_node node)
{
	*expiry_at(index, place) = node;
	entry_set_place(node.entry, place);
}

/* Puts the node at the free place, or moves it up as far as its time requires. */
static void put_upwards(struct expiry_index *index, uint32_t place, struct expiry_node node)
{
	while (place > ROOT) {
		const struct expiry_node *parent = expiry_at(index, parent_of(place));
		if (parent->when_ms <= node.when_ms)
			break;
		put(index, place, *parent);
		place = parent_of(place);
	}
	put(index, place, node);
}

/* The earliest of the children that begin at `place`. Without branches on the times, which the CPU can't predict. */
static uint32_t earliest_child(const struct expiry_index *index, uint32_t place)
{
	const struct expiry_node *children = expiry_at(index, place);
	uint32_t count = end_place(index) - place < 4 ? end_place(index) - place : 4;
	uint32_t best = 0;
	int64_t best_ms = children[0].when_ms;
	for (uint32_t i = 1; i < count; i++) {
		bool earlier = children[i].when_ms < best_ms;
		best = earlier ? i : best;
		best_ms = earlier ? children[i].when_ms : best_ms;
	}
	return place + best;
}

static bool has_children(const struct expiry_index *index, uint32_t place)
{
	/* In 64 bits, since the product may exceed 32. */
	return 4 * ((uint64_t)place - 2) < end_place(index);
}

/* Prefetches the children of the four nodes at `place`, for the step after the next. */
static void prefetch_children(const struct expiry_index *index, uint32_t place)
{
	for (uint32_t i = place; i < place + 4 && has_children(index, i); i++)
		__builtin_prefetch(expiry_at(index, first_child_of(i)));
}

/*
 * Puts the node at the free place, or moves it down as far as its time requires. The entries of the nodes that
 * move up are far apart in memory: they are prefetched on the way down and get their new places afterwards, which waits
 * for memory once instead of at each level.
 */
static void put_downwards(struct expiry_index *index, uint32_t place, struct expiry_node node)
{
	uint32_t moved[MAX_DEPTH];
	unsigned count = 0;

	while (has_children(index, place)) {
		prefetch_children(index, first_child_of(place));
		uint32_t child = earliest_child(index, first_child_of(place));
		if (expiry_at(index, child)->when_ms >= node.when_ms)
			break;
		*expiry_at(index, place) = *expiry_at(index, child);
		__builtin_prefetch(expiry_at(index, place)->entry, 1);
		moved[count++] = place;
		place = child;
	}
	for (unsigned i = 0; i < count; i++)
		entry_set_place(expiry_at(index, moved[i])->entry, moved[i]);
	put(index, place, node);
}

static void put_where_it_belongs(struct expiry_index *index, uint32_t place, struct expiry_node node)
{
	if (place > ROOT && expiry_at(index, parent_of(place))->when_ms > node.when_ms)
		put_upwards(index, place, node);
	else
		put_downwards(index, place, node);
}

void expiry_init(struct expiry_index *index, struct memory *memory)
{
	*index = (struct expiry_index){ 0 };
	chunks_init(&index->chunks, memory);
}

bool expiry_reserve(struct expiry_index *index)
{
	if (index->count >= MAX_COUNT)
		return false;
	while ((uint64_t)index->chunks.count * CHUNK_NODES <= end_place(index))
		if (!chunks_grow(&index->chunks, CHUNK_BYTES))
			return false;
	return true;
}

void expiry_add(struct expiry_index *index, struct entry *entry, int64_t when_ms)
{
	index->count++;
	put_upwards(index, end_place(index) - 1, (struct expiry_node){ when_ms, entry });
}

void expiry_remove(struct expiry_index *index, uint32_t place)
{
	index->count--;
	uint32_t last = end_place(index);
	if (place != last)
		put_where_it_belongs(index, place, *expiry_at(index, last));
	if ((uint64_t)(index->chunks.count - 1) * CHUNK_NODES > last + CHUNK_NODES)
		chunks_shrink(&index->chunks, CHUNK_BYTES);
}

void expiry_change(struct expiry_index *index, uint32_t place, int64_t when_ms)
{
	put_where_it_belongs(index, place, (struct expiry_node){ when_ms, expiry_at(index, place)->entry });
}

struct expiry_node *expiry_first(const struct expiry_index *index)
{
	return index->count ? expiry_at(index, ROOT) : NULL;
}

struct expiry_node *expiry_first_but(const struct expiry_index *index, const struct entry *entry)
{
	struct expiry_node *first = expiry_first(index);
	if (!first || first->entry != entry)
		return first;
	return has_children(index, ROOT) ? expiry_at(index, earliest_child(index, first_child_of(ROOT))) : NULL;
}

struct expiry_node *expiry_nth(const struct expiry_index *index, uint32_t n)
{
	return expiry_at(index, ROOT + n);
}

void expiry_fini(struct expiry_index *index, enum memory_freer freer)
{
	chunks_fini(&index->chunks, CHUNK_BYTES, freer);
	index->count = 0;
}

size_t expiry_used_bytes(const struct expiry_index *index)
{
	return chunks_used_bytes(&index->chunks, CHUNK_BYTES);
}

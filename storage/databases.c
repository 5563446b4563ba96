#include "databases.h"

#include <stdlib.h>
#include <string.h>

/* These arrays don't count as used memory: they are not data, and pages of `in_use` are allocated when written. */
bool databases_init(struct databases *databases, uint32_t count)
{
	*databases = (struct databases){ .count = count };
	if (!storage_init(&databases->storage))
		return false;
	databases->keyspaces = malloc(count * sizeof(struct keyspace *));
	databases->empty = keyspace_create(&databases->storage);
	databases->in_use = malloc(count * sizeof(uint32_t));
	if (!databases->keyspaces || !databases->empty || !databases->in_use) {
		databases_fini(databases);
		return false;
	}
	for (uint32_t i = 0; i < count; i++)
		databases->keyspaces[i] = databases->empty;
	return true;
}

void databases_fini(struct databases *databases)
{
	for (uint32_t i = 0; i < databases->in_use_count; i++)
		keyspace_destroy(&databases->keyspaces[databases->in_use[i]]);
	keyspace_destroy(&databases->empty);
	free(databases->keyspaces);
	free(databases->in_use);
	storage_fini(&databases->storage);
	*databases = (struct databases){ 0 };
}

uint32_t databases_place(const struct databases *databases, uint32_t number)
{
	uint32_t low = 0, high = databases->in_use_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (databases->in_use[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_in_use(const struct databases *databases, uint32_t number)
{
	return databases->keyspaces[number] != databases->empty;
}

void databases_put(struct databases *databases, uint32_t number, struct keyspace *keyspace)
{
	uint32_t place = databases_place(databases, number), *at = databases->in_use + place;
	memmove(at + 1, at, (databases->in_use_count - place) * sizeof(*at));
	*at = number;
	databases->in_use_count++;
	databases->keyspaces[number] = keyspace;
}

struct keyspace *databases_create(struct databases *databases, uint32_t number)
{
	struct keyspace *keyspace = keyspace_create(&databases->storage);
	if (!keyspace)
		return NULL;
	databases_put(databases, number, keyspace);
	return keyspace;
}

static struct keyspace *take_out(struct databases *databases, uint32_t number)
{
	struct keyspace *keyspace = databases->keyspaces[number];
	if (!is_in_use(databases, number))
		return NULL;
	uint32_t place = databases_place(databases, number), *at = databases->in_use + place;
	databases->in_use_count--;
	memmove(at, at + 1, (databases->in_use_count - place) * sizeof(*at));
	databases->keyspaces[number] = databases->empty;
	return keyspace;
}

struct keyspace *databases_give(struct databases *databases, uint32_t number)
{
	struct keyspace *keyspace = take_out(databases, number);
	if (keyspace)
		keyspace_before_flush(keyspace);
	return keyspace;
}

void databases_swap(struct databases *databases, uint32_t a, uint32_t b)
{
	struct keyspace *of_a = take_out(databases, a), *of_b = take_out(databases, b);
	if (of_a)
		databases_put(databases, b, of_a);
	if (of_b)
		databases_put(databases, a, of_b);
}

void databases_tidy(struct databases *databases, uint32_t most)
{
	uint32_t left = most < databases->in_use_count ? most : databases->in_use_count;
	for (; left > 0; left--) {
		if (databases->tidied >= databases->in_use_count)
			databases->tidied = 0;
		uint32_t number = databases->in_use[databases->tidied];
		if (keyspace_count(databases->keyspaces[number]) > 0) {
			databases->tidied++;
			continue;
		}
		struct keyspace *keyspace = databases_give(databases, number);
		keyspace_destroy(&keyspace);
	}
}

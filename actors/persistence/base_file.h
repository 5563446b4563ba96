/*
 * A new base for the log: what the AOF, the store and the snapshot writer say about it to each other.
 */
#ifndef ACTORS_PERSISTENCE_BASE_FILE_H
#define ACTORS_PERSISTENCE_BASE_FILE_H

#include <stdint.h>

struct base_file {
	char *directory, *name; /* where it is to be written; the AOF then gives it its name in the log */
	uint64_t sequence;      /* of the last frame that it holds */
	uint64_t bytes;
};

/* Copies the texts. Fatal without memory. */
struct base_file *base_file_create(const char *directory, const char *name);
void base_file_destroy(struct base_file **file);

#endif

/*
 * A disk (actors/persistence/disk.h) with one file, which is in memory and can only be read, under any descriptor.
 */
#ifndef TESTS_SUPPORT_MEMORY_DISK_H
#define TESTS_SUPPORT_MEMORY_DISK_H

#include "actors/persistence/disk.h"
#include "storage/slice.h"

struct memory_disk {
	struct disk functions;
	struct slice file;
	uint64_t fail_at;    /* the read, counted from 1, that gives EIO; 0: none */
	uint64_t reads;
};

struct memory_disk memory_disk_of(struct slice file);

#endif

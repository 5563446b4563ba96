/*
 * The files and directories of the simulated disk: what they are now, what is durable, and the changes between the two, in order.
 */
#ifndef TESTS_SIMULATION_DISK_INODE_H
#define TESTS_SIMULATION_DISK_INODE_H

#include "simulation/disk.h"
#include "support/random.h"

#define DISK_SECTOR_BYTES 512u

struct inode;

/* Bytes of a file; those between `len` and `capacity` mean nothing. */
struct image {
	uint8_t *data;
	size_t len, capacity;
};

struct names {
	struct name {
		char *text;
		struct inode *inode;
	} *items;
	uint32_t count, capacity;
};

struct change;

struct inode {
	struct inode *next; /* of all inodes of the disk */
	bool is_directory, is_locked;
	uint32_t opens;
	struct image now, durable;           /* a file */
	struct names names, durable_names;   /* a directory */
	struct change *first, **last;        /* since the last sync */
	bool is_named;                       /* for simulated_disk_used() */
};

struct inode *inode_create(struct inode **all, bool is_directory);
void inode_destroy(struct inode *inode);

/* Changes of a file. */
void inode_write(struct inode *file, const void *data, size_t len, uint64_t offset);
void inode_resize(struct inode *file, uint64_t bytes);
/* A failed sync: the data of the changes so far will never be durable. */
void inode_lose_changes(struct inode *file);

/* Changes of a directory. `inode` NULL removes the name. */
struct inode *inode_find(const struct inode *directory, const char *name);
void inode_set_name(struct inode *directory, const char *name, struct inode *inode);
void inode_move_name(struct inode *from, const char *name, struct inode *to, const char *new_name);

/* Makes all changes durable. */
void inode_sync(struct inode *inode);
/* Decides what has become durable of the changes, which are forgotten; `now` is what is durable then. Moves must be settled in all directories. */
void inode_meet_fate(struct inode *inode, enum disk_fate fate, struct random *random);
/* After all inodes have met their fate. */
void inode_restart(struct inode *inode);

#endif

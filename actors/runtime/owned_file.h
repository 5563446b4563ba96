/*
 * A file that this process has made and removes at its end: the pidfile, the socket's file. It is known by what it is, not by its name
 * alone: what else has taken the name meanwhile stays, and so does what was never ours to remove (a device, a link, another user's).
 */
#ifndef ACTORS_OWNED_FILE_H
#define ACTORS_OWNED_FILE_H

#include <sys/types.h>

struct owned_file {
	char *path; /* absolute; NULL: none */
	dev_t device;
	ino_t number;
};

/* What now lies at `path`, seen from `dir`, which the process may leave; nothing when it isn't a regular file or socket of this user. */
struct owned_file owned_file_at(const char *dir, const char *path);
/* Removes it, and forgets it. */
void owned_file_remove(struct owned_file *file);

#endif

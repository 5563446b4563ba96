/*
 * A file that this process has created and removes when it ends: the pidfile, the unix socket. It is identified by device and inode, not
 * by its name alone: another file that has taken the name stays, and so does one that is not ours (a device, a link, another user's).
 */
#ifndef ACTORS_RUNTIME_OWNED_FILE_H
#define ACTORS_RUNTIME_OWNED_FILE_H

#include <sys/types.h>

struct owned_file {
	char *path; /* absolute; NULL: none */
	dev_t device;
	ino_t number;
};

/* The file at `path`, relative to `dir`. Empty unless it is a regular file or socket of this user. */
struct owned_file owned_file_at(const char *dir, const char *path);
/* Removes the file if it is still the same one; clears the struct. */
void owned_file_remove(struct owned_file *file);

#endif

/*
 * A small file system, for tests of a full disk. Only this program and its children see it (own_mounts.h).
 */
#ifndef TESTS_SUPPORT_OWN_DISK_H
#define TESTS_SUPPORT_OWN_DISK_H

#include <stdbool.h>
#include <stddef.h>

/* Mounts an empty one of that size on the directory. False: *out_why_not says why it can't. */
bool own_disk_mount(const char *directory, size_t bytes, const char **out_why_not);
void own_disk_make_read_only(const char *directory);
void own_disk_unmount(const char *directory);

#endif

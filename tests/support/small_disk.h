/*
 * A file system with little room, for tests of a full disk. It is mounted for the test program and its children only, and goes with them.
 */
#ifndef TESTS_SUPPORT_SMALL_DISK_H
#define TESTS_SUPPORT_SMALL_DISK_H

#include <stdbool.h>
#include <stddef.h>

/* Mounts one of so many bytes at the directory. Needs root, or a kernel that allows user namespaces. False: *out_why_not has the reason. */
bool small_disk_mount(const char *directory, size_t bytes, const char **out_why_not);

#endif

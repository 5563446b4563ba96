/*
 * What the process's control groups let it have of the machine's memory.
 *
 * Reads files, so it may block: at the start, not in an actor's turn. Format of the files: cgroups(7), proc(5).
 */
#ifndef ACTORS_RUNTIME_CGROUP_H
#define ACTORS_RUNTIME_CGROUP_H

#include <stdint.h>

#define CGROUP_FILE "/proc/self/cgroup"
#define CGROUP_MOUNTINFO_FILE "/proc/self/mountinfo"

/*
 * The least limit, in bytes, of the groups that the first file names and of those above them, as far as they are seen where the
 * second says that versions 1 and 2 are mounted. 0: there is none, or it can't be found.
 */
uint64_t cgroup_memory_limit(const char *cgroup_file, const char *mountinfo_file);

/* The machine's memory in bytes. */
uint64_t machine_memory(void);

#endif

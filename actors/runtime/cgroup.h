/*
 * The memory limit that control groups (cgroups) set for this process.
 *
 * Reads files, so it may block: call it at start, not in a turn. Format of the files: cgroups(7), proc(5).
 */
#ifndef ACTORS_RUNTIME_CGROUP_H
#define ACTORS_RUNTIME_CGROUP_H

#include <stdint.h>

#define CGROUP_FILE "/proc/self/cgroup"
#define CGROUP_MOUNTINFO_FILE "/proc/self/mountinfo"

/*
 * The lowest limit, in bytes, of the groups that `cgroup_file` names and of their parents, as far as these are visible below the mount
 * points that `mountinfo_file` names (cgroup versions 1 and 2). 0: there is no limit, or it can't be found.
 */
uint64_t cgroup_memory_limit(const char *cgroup_file, const char *mountinfo_file);

/* The machine's memory in bytes. */
uint64_t machine_memory(void);

#endif

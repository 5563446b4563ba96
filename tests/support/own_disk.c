#include "support/own_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "support/own_mounts.h"

bool own_disk_mount(const char *directory, size_t bytes, const char **out_why_not)
{
	char options[64];
	snprintf(options, sizeof(options), "size=%zu,mode=0755", bytes);
	*out_why_not = "mounting a file system needs root, or user namespaces";
	return own_mounts_enter() && mount("qcache-test", directory, "tmpfs", 0, options) == 0;
}

void own_disk_make_read_only(const char *directory)
{
	if (mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0)
		abort();
}

void own_disk_unmount(const char *directory)
{
	if (umount2(directory, MNT_DETACH) != 0)
		abort();
}

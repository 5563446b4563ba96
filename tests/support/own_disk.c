#include "support/own_disk.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

/* Once; what is mounted from then on shows in this namespace alone. */
static bool enter_namespace(void)
{
	static bool is_inside;
	is_inside = is_inside || (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	return is_inside;
}

bool own_disk_mount(const char *directory, size_t bytes, const char **out_why_not)
{
	char options[64];
	snprintf(options, sizeof(options), "size=%zu", bytes);
	*out_why_not = "mounting needs root";
	return enter_namespace() && mount("qcache-test", directory, "tmpfs", 0, options) == 0;
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

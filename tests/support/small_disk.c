#include "support/small_disk.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

static bool enter_own_mounts(void)
{
	static bool has_entered;
	if (has_entered)
		return true;
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	has_entered = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return has_entered;
}

bool small_disk_mount(const char *directory, size_t bytes, const char **out_why_not)
{
	char options[64];
	snprintf(options, sizeof(options), "size=%zu,mode=0755", bytes);
	*out_why_not = "mounting a file system needs root, or user namespaces";
	return enter_own_mounts() && mount("tmpfs", directory, "tmpfs", 0, options) == 0;
}

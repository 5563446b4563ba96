#include "support/own_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <unistd.h>

/* In a changed root (chroot) "/" is no mount. The root of the namespace is one, and setns() leads there. */
static bool make_private(void)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int names = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	bool is_private = root >= 0 && here >= 0 && names >= 0 && setns(names, CLONE_NEWNS) == 0 &&
			  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	bool is_back = fchdir(root) == 0 && chroot(".") == 0 && fchdir(here) == 0;
	close(root);
	close(here);
	close(names);
	return is_private && is_back;
}

bool own_mounts_enter(void)
{
	static bool is_inside;
	is_inside = is_inside ||
		    ((unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) && make_private());
	return is_inside;
}

#include "support/own_network.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/own_mounts.h"

static bool set_flags_up(int fd)
{
	struct ifreq request = { .ifr_name = "lo" };
	request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
	return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

static bool add_address(int fd)
{
	struct ifreq request = { .ifr_name = "lo:1" };
	struct sockaddr_in address = { .sin_family = AF_INET };
	inet_pton(AF_INET, OWN_NETWORK_ADDRESS, &address.sin_addr);
	memcpy(&request.ifr_addr, &address, sizeof(address));
	return ioctl(fd, SIOCSIFADDR, &request) == 0;
}

bool own_network_enter(const char **out_why_not)
{
	*out_why_not = "a network namespace needs root";
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	*out_why_not = "the loopback of a network namespace can't be set up";
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_up = set_flags_up(fd) && add_address(fd);
	close(fd);
	return is_up;
}

bool own_network_has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	if (fd >= 0)
		close(fd);
	return has;
}

static bool write_file(const char *path, const char *mode, const char *text)
{
	FILE *file = fopen(path, mode);
	if (!file)
		return false;
	bool is_written = fputs(text, file) >= 0;
	return fclose(file) == 0 && is_written;
}

bool own_network_set_ipv6(bool is_on)
{
	return write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "r+e", is_on ? "0" : "1");
}

bool own_network_replace_file(const char *path, const char *text)
{
	char copy[] = "/tmp/qcache-test-file.XXXXXX";
	int fd = mkstemp(copy);
	if (fd < 0)
		return false;
	close(fd);
	bool is_replaced = write_file(copy, "we", text) && own_mounts_enter() &&
			   mount(copy, path, NULL, MS_BIND, NULL) == 0;
	unlink(copy); /* what is mounted stays */
	return is_replaced;
}

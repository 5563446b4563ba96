/*
 * A private network namespace for the test program and the processes that it starts. Tests then don't depend on the machine's network and
 * host names, and don't disturb them.
 */
#ifndef TESTS_SUPPORT_OWN_NETWORK_H
#define TESTS_SUPPORT_OWN_NETWORK_H

#include <stdbool.h>

/* This machine's address there that isn't the loopback's, from a range reserved for documentation. */
#define OWN_NETWORK_ADDRESS "192.0.2.1"

/* Needs root, or a kernel that allows user namespaces. False: *out_why_not has the reason. */
bool own_network_enter(const char **out_why_not);

/* Whether ::1 can be listened at. */
bool own_network_has_ipv6(void);
/* After own_network_enter(). False when the kernel refuses. */
bool own_network_set_ipv6(bool is_on);

/* Replaces a file (/etc/hosts) by the text, for this program and its children. False without permission. */
bool own_network_replace_file(const char *path, const char *text);

#endif

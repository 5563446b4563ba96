/*
 * A network of the test program's own, and of all that it starts from then on: nothing depends on, or is seen by, the machine's
 * network and names.
 */
#ifndef TESTS_SUPPORT_OWN_NETWORK_H
#define TESTS_SUPPORT_OWN_NETWORK_H

#include <stdbool.h>

/* An address of this machine there that isn't the loopback's, from the range that is kept for documentation. */
#define OWN_NETWORK_ADDRESS "192.0.2.1"

/* Needs to be root, or a kernel that lets users have namespaces. False: *out_why_not tells. */
bool own_network_enter(const char **out_why_not);

/* There is a ::1 that can be listened at. */
bool own_network_has_ipv6(void);
/* Once the network is the program's own. False when the kernel doesn't let it. */
bool own_network_set_ipv6(bool is_on);

/* The text in place of a file (/etc/hosts), for this program and what it starts. False without the right to. */
bool own_network_replace_file(const char *path, const char *text);

#endif

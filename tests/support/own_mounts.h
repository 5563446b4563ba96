/*
 * A private mount namespace: what is mounted from then on shows for this program and its children only, and goes with them.
 */
#ifndef TESTS_SUPPORT_OWN_MOUNTS_H
#define TESTS_SUPPORT_OWN_MOUNTS_H

#include <stdbool.h>

/* Enters it once; later calls do nothing. Needs root, or a kernel that allows user namespaces. False without. One thread only. */
bool own_mounts_enter(void);

#endif

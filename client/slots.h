/*
 * The hash slots of a cluster: the slot of a key, and the slot of a command.
 *
 * The slot of a key is the CRC16 of its bytes modulo 16384. If the key contains a hash tag, which is text in braces, only the tag counts.
 * Source: the Redis Cluster specification, "Key distribution model".
 */
#ifndef CLIENT_SLOTS_H
#define CLIENT_SLOTS_H

#include "client/qcache.h"

#define SLOT_COUNT 16384
/* The slot of a command without keys, which any node can run. */
#define SLOT_ANY (-1)

int slot_of_key(const void *key, size_t len);

/* The slot of all keys of the command. If they are in several slots: QC_SERVER with the code CROSSSLOT, as a server would reply. */
qc_error slot_of_command(qc_args args, int *out_slot);

/* Adds a slot to *slot, which is the only slot so far, or SLOT_ANY. False if they differ. */
bool slot_add(int *slot, int more);
/* `what`: a command, "the transaction". */
qc_error error_crossslot(const char *what);

#endif

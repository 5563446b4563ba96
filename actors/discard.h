/*
 * Frees what a message gives away that nobody will take: for messages that are left in mailboxes when all turns are over.
 */
#ifndef ACTORS_DISCARD_H
#define ACTORS_DISCARD_H

#include "transport/channel.h"

void discard_message(struct message message);

#endif

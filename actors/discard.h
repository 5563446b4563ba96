/*
 * Frees the payload of a message that was posted and never handled, when the runtime stops.
 */
#ifndef ACTORS_DISCARD_H
#define ACTORS_DISCARD_H

#include "transport/channel.h"

void discard_message(struct message message);

#endif

/*
 * Types made from messages.def: an enum of messages for each receiver, and the types of payloads.
 *
 * A turn is a switch over the enum of its receiver, without `default`: the compiler names a missing case, and a case that is
 * not for this receiver. `message.payload` has an incomplete type; PAYLOAD() gives it the type in messages.def. Posting is
 * typed likewise (actor_post()).
 *
 *	switch ((enum to_reaper)message.type) {
 *	case REAPER_FREE: on_free(reaper, PAYLOAD(REAPER_FREE, message)); return;
 *	case REAPER_STOP: on_stop(reaper); return;
 *	}
 */
#ifndef ACTORS_RUNTIME_MESSAGES_H
#define ACTORS_RUNTIME_MESSAGES_H

#include <stdint.h>

#include "actors/runtime/crash.h"
#include "transport/channel.h"

/* The numbers of all message types, in the order of messages.def. */
enum {
#define MESSAGE(name, sender, receiver, gives, meaning) NUMBER_OF_##name,
#include "actors/runtime/messages.def"
#undef MESSAGE
	MESSAGE_TYPES
};

/* The same numbers in an enum for each receiver. */
#define ENUMERATOR(name) name = NUMBER_OF_##name,
enum to_supervisor {
#define TO_SUPERVISOR ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_reactor {
#define TO_REACTOR ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_store {
#define TO_STORE ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_aof {
#define TO_AOF ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_syncer {
#define TO_SYNCER ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_snapshot {
#define TO_SNAPSHOT ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_observer {
#define TO_OBSERVER ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_replication {
#define TO_REPLICATION ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_subscriber {
#define TO_SUBSCRIBER ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_blocking_subscriber {
#define TO_BLOCKING_SUBSCRIBER ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_reaper {
#define TO_REAPER ENUMERATOR
#include "actors/runtime/inboxes.h"
};
enum to_worker {
#define TO_WORKER ENUMERATOR
#include "actors/runtime/inboxes.h"
};
#undef ENUMERATOR

/* "STORE_REQUESTS". */
const char *message_name(uint32_t type);

/* The payload of a message, which must have the type `name`: a `struct request_batch *` for STORE_REQUESTS. */
#define PAYLOAD(name, message) payload_of_##name(message)

#define MESSAGE(name, sender, receiver, gives, meaning)                                                          \
	struct gives;                                                                                            \
	static inline struct gives *payload_of_##name(struct message message)                                   \
	{                                                                                                        \
		if (message.type != NUMBER_OF_##name)                                                           \
			crash_broken_invariant("%s is taken for " #name, message_name(message.type));            \
		return (struct gives *)message.payload;                                                         \
	}
#include "actors/runtime/messages.def"
#undef MESSAGE

#endif

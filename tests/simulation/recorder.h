/*
 * A subscriber that turns what the command bus brings back into data: it checks that frames are whole and, but for those that it is told
 * to have missed, dense, and that each effect fits; it counts them, and shows each effect to the test. It is slow when its mailbox has a slow pace (mailbox_set_pace()).
 */
#ifndef TESTS_SIMULATION_RECORDER_H
#define TESTS_SIMULATION_RECORDER_H

#include <stdint.h>

#include "actors/bus/effect_apply.h"
#include "actors/bus/subscriber.h"
#include "actors/store/data_digest.h"
#include "actors/store/store_actor.h"

struct recorder {
	struct subscriber subscriber;
	uint64_t frames, effects, messages;
	uint64_t last_sequence;
	struct databases databases;
	int64_t credit_bytes;
	/* What the store may still post, as counted from outside (node.c). */
	int64_t credit_left;
	void (*on_effect)(void *context, const struct frame *frame, const struct effect *effect); /* may be NULL */
	void *context;
};

struct recorder *recorder_create(const struct store_subscription *subscription, uint32_t databases);
/* Unless it has missed frames: what DEBUG DIGEST says of the same data. */
void recorder_digest(const struct recorder *recorder, char out[DIGEST_HEX_BYTES]);
void recorder_destroy(struct recorder **recorder);

#endif

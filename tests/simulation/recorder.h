/*
 * A subscriber that applies the effects of the command bus to its own data. It checks that frames are whole, that they are dense except
 * for those that the store says it missed, and that each effect fits the data. It counts effects and shows each one to the test.
 * It may apply them by way of the append-only file's text. mailbox_set_pace() makes it slow.
 */
#ifndef TESTS_SIMULATION_RECORDER_H
#define TESTS_SIMULATION_RECORDER_H

#include <stdint.h>

#include "actors/bus/effect_apply.h"
#include "actors/bus/subscriber.h"
#include "actors/persistence/aof_parse.h"
#include "actors/persistence/aof_render.h"
#include "actors/store/data_digest.h"
#include "actors/store/store_actor.h"

struct recorder {
	struct subscriber subscriber;
	uint64_t frames, effects, messages;
	uint64_t last_sequence;
	struct databases databases;
	int64_t credit_bytes;
	/* Credit that the store has left, as counted in node.c. */
	int64_t credit_left;
	bool reads_text; /* applies what the text of the frames says; set it before the first frame */
	struct aof_renderer renderer;
	struct aof_parser parser;
	void (*on_effect)(void *context, const struct frame *frame, const struct effect *effect); /* may be NULL */
	void *context;
};

struct recorder *recorder_create(const struct store_subscription *subscription, uint32_t databases);
/* The DEBUG DIGEST of its data, if it has missed no frames. */
void recorder_digest(const struct recorder *recorder, char out[DIGEST_HEX_BYTES]);
void recorder_destroy(struct recorder **recorder);

#endif

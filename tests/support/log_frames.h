/*
 * Frames for tests of the append-only file: random ones that fit some data, their text, and the way back.
 */
#ifndef TESTS_SUPPORT_LOG_FRAMES_H
#define TESTS_SUPPORT_LOG_FRAMES_H

#include <stdbool.h>

#include "actors/bus/effect_apply.h"
#include "actors/persistence/aof_parse.h"
#include "actors/persistence/aof_render.h"
#include "actors/store/data_digest.h"
#include "support/random.h"

/* The number of databases that random frames use. */
#define LOG_DATABASES 4
#define LOG_DIGEST_BYTES (DIGEST_HEX_BYTES + 17)

/* Databases that effects are applied to. */
struct log_data {
	struct databases databases;
	struct effect_target target;
};

void log_data_init(struct log_data *data, bool is_exact);
void log_data_fini(struct log_data *data);
/* The digest of the data, and a fingerprint of all times to live. */
void log_data_digest(const struct log_data *data, char out[LOG_DIGEST_BYTES]);

/*
 * Appends a random frame that fits the data, and applies it to them. There are all kinds of effects that the store makes, alone and in
 * transactions, on a few keys. Keys and values have bytes of all values; some values are blobs.
 */
void log_draw_frame(struct random *random, struct log_data *data, struct frame_writer *out);

/* Appends the text of all frames. */
void log_render(const struct frame_writer *frames, struct aof_renderer *renderer, struct aof_text *out);

/* The whole text in one piece; the caller frees it with buffer_fini(). */
struct buffer log_gather(const struct aof_text *text);

/* Appends the frames of the text's commands. False: the parser's error is set, by it or for what is not a command. Lines with '#' are skipped. */
bool log_parse(struct aof_parser *parser, struct slice text, struct frame_writer *out);

/* Applies all frames. False at the first one that doesn't fit. */
bool log_apply(const struct effect_target *target, const struct frame_writer *frames);

#endif

/*
 * Statistics of keys: for each type the number of keys, elements and bytes, and the largest key; the largest keys of all; the distribution
 * of sizes.
 */
#ifndef CLIENT_CLI_KEY_STATS_H
#define CLIENT_CLI_KEY_STATS_H

#include <stdint.h>

#include "client/cli/format.h"

/* What is known of one key. */
enum measure { MEASURE_ELEMENTS, MEASURE_MEMORY, MEASURE_FREQUENCY, MEASURES };

struct key_size {
	struct text key; /* a copy, owned while this key is the largest of something */
	uint64_t value;
};

struct key_type {
	const char *name, *command, *unit; /* the command that returns the number of elements; NULL if there is none */
	uint64_t keys[MEASURES], total[MEASURES];
	struct key_size largest[MEASURES];
	bool is_left_out; /* the server lacks the command */
};

#define KEY_TYPES 7
/* Size classes: up to 2^n. */
#define KEY_CLASSES 64

struct key_rank {
	struct key_size size;
	const struct key_type *type;
};

struct key_stats {
	struct key_type types[KEY_TYPES];
	bool measures[MEASURES];   /* the measures taken */
	enum measure ranked;       /* the measure that ranks the largest keys */
	struct key_rank *top;      /* largest first */
	size_t top_count, top_most;
	uint64_t classes[KEY_CLASSES + 1]; /* number of keys whose rank measure is at most 2^n */
	bool shows_classes;
	uint64_t looked_at;
};

void key_stats_init(struct key_stats *stats, size_t top_most);
void key_stats_fini(struct key_stats *stats);
/* The last entry is for unknown types. */
struct key_type *key_stats_type(struct key_stats *stats, const char *name);
void key_stats_note(struct key_stats *stats, struct key_type *type, enum measure measure, const char *key, size_t len, uint64_t value);
/* `cursor`: where SCAN would continue, "0" at the end. */
void key_stats_print(const struct key_stats *stats, const char *cursor, const struct style *style, struct text *out);

#endif

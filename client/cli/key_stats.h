/*
 * What is counted of keys: by type how many, how many elements and bytes, and which is the largest; the largest of all; how sizes
 * are spread.
 */
#ifndef CLIENT_CLI_KEY_STATS_H
#define CLIENT_CLI_KEY_STATS_H

#include <stdint.h>

#include "client/cli/format.h"

/* What is known of a key. */
enum measure { MEASURE_ELEMENTS, MEASURE_MEMORY, MEASURE_FREQUENCY, MEASURES };

struct key_size {
	struct text key; /* its own copy, while it is the largest of something */
	uint64_t value;
};

struct key_type {
	const char *name, *command, *unit; /* command: what tells the elements; NULL: nothing does */
	uint64_t keys[MEASURES], total[MEASURES];
	struct key_size largest[MEASURES];
	bool is_left_out; /* the server can't say */
};

#define KEY_TYPES 7
/* Classes of size: up to 2^n. */
#define KEY_CLASSES 64

struct key_rank {
	struct key_size size;
	const struct key_type *type;
};

struct key_stats {
	struct key_type types[KEY_TYPES];
	bool measures[MEASURES];   /* which are taken */
	enum measure ranked;       /* by which the largest of all are found */
	struct key_rank *top;      /* the largest first */
	size_t top_count, top_most;
	uint64_t classes[KEY_CLASSES + 1]; /* of what is ranked: keys of up to 2^n */
	bool shows_classes;
	uint64_t looked_at;
};

void key_stats_init(struct key_stats *stats, size_t top_most);
void key_stats_fini(struct key_stats *stats);
/* The one for all that isn't known is the last. */
struct key_type *key_stats_type(struct key_stats *stats, const char *name);
void key_stats_note(struct key_stats *stats, struct key_type *type, enum measure measure, const char *key, size_t len, uint64_t value);
/* `cursor`: where SCAN would go on, "0" at the end. */
void key_stats_print(const struct key_stats *stats, const char *cursor, const struct style *style, struct text *out);

#endif

/*
 * The keys that files hold: counted as they pass by, or kept, so that commands can be applied to them.
 *
 * Kept, they take as much memory as in a server. Without memory functions return CONTENTS_NO_MEMORY, and what is there is of no use.
 */
#ifndef ACTORS_CHECK_CONTENTS_H
#define ACTORS_CHECK_CONTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/persistence/load_frames.h"
#include "actors/store/data_digest.h"
#include "storage/databases.h"
#include "storage/formats/rdb_pieces.h"
#include "storage/value.h"

/* The highest number that is counted, and one. */
#define CONTENTS_DATABASES 65536u

struct database_counts {
	uint64_t keys, expiring, expired;
	uint64_t types[ENTRY_TYPES];
};

struct contents {
	bool are_kept;
	int64_t now_ms;                 /* keys with an earlier time have expired */
	struct databases databases;
	struct database_counts *counts; /* by database */
};

enum contents_status { CONTENTS_DONE, CONTENTS_NO_MEMORY, CONTENTS_NO_DATABASE, CONTENTS_DUPLICATE, CONTENTS_MISFIT };

/* Must not be moved. False without memory. */
bool contents_init(struct contents *contents, bool are_kept, int64_t now_ms);
void contents_fini(struct contents *contents);

/* Takes the value over, or releases it. */
enum contents_status contents_add(struct contents *contents, const struct rdb_record *record, struct value *value);
/* Only if they are kept. Of a frame that doesn't fit *out_offset is where it begins. */
enum contents_status contents_apply(struct contents *contents, const struct load_frames *frames, uint64_t *out_offset);

/* At the end: completes the counts. */
void contents_count(struct contents *contents);
/* Only if they are kept: what DEBUG DIGEST would reply. */
void contents_digest(const struct contents *contents, char out[DIGEST_HEX_BYTES]);

#endif

#include "actors/check/contents.h"

#include <stdlib.h>

#include "actors/bus/effect_apply.h"

bool contents_init(struct contents *contents, bool are_kept, int64_t now_ms)
{
	*contents = (struct contents){ .are_kept = are_kept, .now_ms = now_ms };
	contents->counts = calloc(CONTENTS_DATABASES, sizeof(*contents->counts));
	if (contents->counts && (!are_kept || databases_init(&contents->databases, CONTENTS_DATABASES)))
		return true;
	free(contents->counts);
	return false;
}

void contents_fini(struct contents *contents)
{
	if (contents->are_kept)
		databases_fini(&contents->databases);
	free(contents->counts);
	*contents = (struct contents){ .are_kept = false };
}

static void count(struct contents *contents, uint32_t database, enum entry_type type, int64_t expiry_ms)
{
	struct database_counts *counts = &contents->counts[database];
	counts->keys++;
	counts->types[type]++;
	counts->expiring += expiry_ms != NO_EXPIRY;
	counts->expired += expiry_ms != NO_EXPIRY && expiry_ms <= contents->now_ms;
}

/* ---- records ---- */

static enum contents_status keep(struct contents *contents, const struct rdb_record *record, struct value *value)
{
	struct keyspace *keyspace = databases_own(&contents->databases, record->database);
	struct entry *entry;
	if (!keyspace)
		return CONTENTS_NO_MEMORY;
	switch (keyspace_add_value(keyspace, record->key, keyspace_hash(record->key), value, record->expiry_ms, &entry)) {
	case KEYSPACE_OK: return CONTENTS_DONE;
	case KEYSPACE_EXISTS: return CONTENTS_DUPLICATE;
	case KEYSPACE_NO_MEMORY: break;
	}
	return CONTENTS_NO_MEMORY;
}

enum contents_status contents_add(struct contents *contents, const struct rdb_record *record, struct value *value)
{
	enum contents_status status = CONTENTS_NO_DATABASE;
	if (record->database < CONTENTS_DATABASES) {
		status = contents->are_kept ? keep(contents, record, value) : CONTENTS_DONE;
		if (!contents->are_kept)
			count(contents, record->database, value_type(value), record->expiry_ms);
	}
	if (status != CONTENTS_DONE || !contents->are_kept)
		value_release(value);
	return status;
}

/* ---- frames ---- */

static void discard(void *context, struct keyspace *keyspace)
{
	keyspace_destroy(&keyspace);
}

enum contents_status contents_apply(struct contents *contents, const struct load_frames *frames, uint64_t *out_offset)
{
	struct effect_target target = { .databases = &contents->databases, .is_exact = frames->is_exact, .discard = discard };
	struct frame_reader reader;
	struct frame frame;
	frame_reader_init(&reader, &frames->frames);
	for (size_t i = 0; frame_next(&reader, &frame); i++) {
		*out_offset = frames->offsets[i];
		switch (frame_apply(&target, &reader)) {
		case APPLY_DONE:
		case APPLY_GUARDED: break;
		case APPLY_NO_MEMORY: return CONTENTS_NO_MEMORY;
		case APPLY_MISFIT: return CONTENTS_MISFIT;
		}
	}
	return CONTENTS_DONE;
}

/* ---- at the end ---- */

struct walk {
	struct contents *contents;
	uint32_t database;
};

static void count_entry(void *context, struct entry *entry)
{
	struct walk *walk = context;
	const struct keyspace *keyspace = databases_read(&walk->contents->databases, walk->database);
	count(walk->contents, walk->database, entry_type(entry), keyspace_expiry_ms(keyspace, entry));
}

void contents_count(struct contents *contents)
{
	for (uint32_t i = 0; contents->are_kept && i < contents->databases.in_use_count; i++) {
		struct walk walk = { .contents = contents, .database = contents->databases.in_use[i] };
		uint64_t cursor = 0;
		do {
			cursor = keyspace_scan(databases_read(&contents->databases, walk.database), cursor, count_entry, &walk);
		} while (cursor != 0);
	}
}

void contents_digest(const struct contents *contents, char out[DIGEST_HEX_BYTES])
{
	data_digest_of(&contents->databases, out);
}

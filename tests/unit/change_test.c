/*
 * A snapshot emits the data as they were when it began, whatever changes while it is under way.
 */
#include <stdlib.h>

#include "storage/keyspace.h"
#include "storage/types/string.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

#define NAMES 400
#define SNAPSHOTS 60
#define CHANGES_A_STEP 3
#define LARGE (BLOB_MIN_BYTES + 100)

/* ---- what there is, as text: NAMES of them ---- */

struct state {
	bool is_there;
	int64_t when_ms;
	uint64_t value_hash;
	size_t value_len;
};

static uint64_t number_of(struct slice key)
{
	return strtoull((const char *)key.data, NULL, 10);
}

static struct state state_of(const struct keyspace *keyspace, const struct entry *entry)
{
	struct slice value = entry_string(entry);
	return (struct state){ true, keyspace_expiry_ms(keyspace, entry), keyspace_hash(value), value.len };
}

static struct slice name_of(uint64_t number)
{
	return keys_numbered(number);
}

static struct entry *find(struct keyspace *keyspace, uint64_t number)
{
	return keyspace_find_any(keyspace, name_of(number), keyspace_hash(name_of(number)));
}

static void take_all(struct keyspace *keyspace, struct state *states)
{
	for (uint64_t i = 0; i < NAMES; i++) {
		struct entry *entry = find(keyspace, i);
		states[i] = entry ? state_of(keyspace, entry) : (struct state){ 0 };
	}
}

/* ---- a snapshot ---- */

struct snapshot {
	struct state former[NAMES], emitted[NAMES];
	uint32_t doubled;
	struct blob *held[NAMES]; /* as if the snapshot had not reached them yet */
	uint32_t held_count;
};

static void emit(void *context, const struct keyspace *keyspace, const struct entry *entry)
{
	struct snapshot *snapshot = context;
	char name[17] = "";
	memcpy(name, entry_key(entry).data, 16);
	struct state *state = &snapshot->emitted[number_of(slice_of(name, 16))];
	snapshot->doubled += state->is_there;
	*state = state_of(keyspace, entry);
	if (entry_blob(entry))
		snapshot->held[snapshot->held_count++] = blob_hold(entry_blob(entry));
}

static void begin(struct snapshot *snapshot, struct keyspace *keyspace)
{
	take_all(keyspace, snapshot->former);
	memset(snapshot->emitted, 0, sizeof(snapshot->emitted));
	keys_storage()->watch.epoch = (keys_storage()->watch.epoch + 1) & 3;
}

static void release_held(struct snapshot *snapshot)
{
	while (snapshot->held_count)
		blob_release(&snapshot->held[--snapshot->held_count]);
}

static bool states_equal(const struct state *a, const struct state *b)
{
	return a->is_there == b->is_there &&
	       (!a->is_there || (a->when_ms == b->when_ms && a->value_hash == b->value_hash && a->value_len == b->value_len));
}

static uint32_t differences(const struct snapshot *snapshot)
{
	uint32_t found = 0;
	for (uint64_t i = 0; i < NAMES; i++)
		found += !states_equal(&snapshot->former[i], &snapshot->emitted[i]);
	return found;
}

/* ---- changes of all kinds ---- */

static void set_some(struct keyspace *keyspace, struct random *random, uint64_t number)
{
	static uint8_t bytes[LARGE];
	const size_t lengths[] = { 0, 1, 8, 9, 60, 255, 256, 1000, LARGE };
	struct entry *entry;
	size_t len = lengths[random_below(random, sizeof(lengths) / sizeof(lengths[0]))];
	bytes[0] = (uint8_t)random_below(random, 256);
	keyspace_set_string(keyspace, name_of(number), keyspace_hash(name_of(number)), slice_of(bytes, len),
			    random_below(random, 2) ? KEYSPACE_KEEP_TTL : KEYSPACE_DROP_TTL, 0, &entry);
}

static void patch(struct keyspace *keyspace, struct random *random, uint64_t number)
{
	struct entry *entry = find(keyspace, number);
	struct string_patch what = { .bytes = text("patched"), .offset = random_below(random, 300), .origin = STRING_PATCHED };
	string_apply_patch(keyspace, name_of(number), keyspace_hash(name_of(number)), entry, &what);
}

static void change_some(struct keyspace *keyspace, struct random *random)
{
	uint64_t number = random_below(random, NAMES), other = random_below(random, NAMES);
	struct entry *entry = find(keyspace, number);
	switch (random_below(random, entry ? 9 : 2)) {
	case 0: set_some(keyspace, random, number); return;
	case 1: patch(keyspace, random, number); return;
	case 2: keyspace_rewrite_string(keyspace, entry, text("12345678")); return;
	case 3: keyspace_set_expiry(keyspace, &entry, (int64_t)random_below(random, 1000) + 1); return;
	case 4: keyspace_clear_expiry(keyspace, &entry); return;
	case 5: keyspace_remove_entry(keyspace, entry); return;
	case 6: keyspace_remove(keyspace, name_of(number), keyspace_hash(name_of(number))); return;
	case 7:
		if (number != other)
			keyspace_move(keyspace, entry, keyspace, name_of(other), keyspace_hash(name_of(other)));
		return;
	case 8:
		if (number != other)
			keyspace_copy(keyspace, entry, keyspace, name_of(other), keyspace_hash(name_of(other)));
		return;
	}
}

static void change_several(struct keyspace *keyspace, struct random *random)
{
	for (uint64_t i = random_below(random, 2 * CHANGES_A_STEP); i > 0; i--)
		change_some(keyspace, random);
}

struct walk {
	struct keyspace *keyspace;
};

static void visit(void *context, struct entry *entry)
{
	keyspace_emit(((struct walk *)context)->keyspace, entry);
}

/* Runs to the end, with changes between the steps. */
static void walk_through(struct keyspace *keyspace, struct random *random)
{
	struct walk walk = { keyspace };
	uint64_t cursor = 0;
	do {
		cursor = keyspace_scan(keyspace, cursor, visit, &walk);
		change_several(keyspace, random);
	} while (cursor != 0);
}

static void end(struct keyspace **keyspace)
{
	keys_destroy(keyspace);
	keys_storage()->watch = (struct change_watch){ 0 };
}

static void a_snapshot_is_what_there_was_when_it_began(void)
{
	struct random random = { random_seed("change") };
	struct keyspace *keyspace = keys_create();
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	keys_storage()->watch.context = snapshot;
	keys_storage()->watch.emit = emit;
	for (int i = 0; i < SNAPSHOTS; i++) {
		change_several(keyspace, &random);
		begin(snapshot, keyspace);
		walk_through(keyspace, &random);
		CU_ASSERT_EQUAL(differences(snapshot), 0);
		CU_ASSERT_EQUAL(snapshot->doubled, 0);
		release_held(snapshot);
	}
	end(&keyspace);
	free(snapshot);
}

static void a_walk_that_nobody_watches_still_marks(void)
{
	struct random random = { random_seed("change") };
	struct keyspace *keyspace = keys_create();
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	keys_storage()->watch.context = snapshot;
	for (int i = 0; i < 8; i++) { /* aborted ones: more of them than epochs */
		keys_storage()->watch.emit = NULL;
		begin(snapshot, keyspace);
		walk_through(keyspace, &random);
		keys_storage()->watch.emit = emit;
		begin(snapshot, keyspace);
		walk_through(keyspace, &random);
		CU_ASSERT_EQUAL(differences(snapshot), 0);
		release_held(snapshot);
	}
	end(&keyspace);
	free(snapshot);
}

static void note_flush(void *context, const struct keyspace *keyspace)
{
	*(const struct keyspace **)context = keyspace;
}

static void a_flush_is_announced_as_a_whole(void)
{
	const struct keyspace *flushed = NULL;
	struct keyspace *keyspace = keys_create();
	keyspace_before_flush(keyspace);
	keys_storage()->watch = (struct change_watch){ .flush = note_flush, .context = &flushed };
	keyspace_before_flush(keyspace);
	CU_ASSERT_PTR_EQUAL(flushed, keyspace);
	end(&keyspace);
}

static const struct suite_case cases[] = {
	CASE(a_snapshot_is_what_there_was_when_it_began),
	CASE(a_walk_that_nobody_watches_still_marks),
	CASE(a_flush_is_announced_as_a_whole),
};

SUITE_MAIN("change", cases)

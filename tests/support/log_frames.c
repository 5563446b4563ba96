#include "support/log_frames.h"

#include <stdio.h>
#include <stdlib.h>

#include "actors/runtime/crash.h"
#include "storage/types/string.h"
#include "transport/decimal.h"

#define KEYS 12
#define KEY_BYTES_MAX 64
#define VALUE_BYTES_MAX 200
#define EFFECTS_MAX 5
/* Far in the future, so that no server that loads a file finds keys expired. */
#define FIRST_EXPIRY_MS 4000000000000
#define EXPIRIES 1000000000

/* ---- data ---- */

static void discard(void *context, struct keyspace *keyspace)
{
	keyspace_destroy(&keyspace);
}

void log_data_init(struct log_data *data, bool is_exact)
{
	if (!databases_init(&data->databases, LOG_DATABASES))
		abort();
	data->target = (struct effect_target){ .databases = &data->databases, .is_exact = is_exact, .discard = discard };
}

void log_data_fini(struct log_data *data)
{
	databases_fini(&data->databases);
}

struct expiries {
	const struct keyspace *keyspace;
	uint64_t sum, database;
};

static void add_expiry(void *context, struct entry *entry)
{
	struct expiries *expiries = context;
	uint64_t when_ms = (uint64_t)keyspace_expiry_ms(expiries->keyspace, entry);
	expiries->sum += (keyspace_hash(entry_key(entry)) + expiries->database) * when_ms;
}

void log_data_digest(const struct log_data *data, char out[LOG_DIGEST_BYTES])
{
	struct expiries expiries = { .sum = 0 };
	data_digest_of(&data->databases, out);
	for (; expiries.database < LOG_DATABASES; expiries.database++) {
		uint64_t cursor = 0;
		expiries.keyspace = databases_read(&data->databases, (uint32_t)expiries.database);
		do {
			cursor = keyspace_scan(expiries.keyspace, cursor, add_expiry, &expiries);
		} while (cursor != 0);
	}
	snprintf(out + DIGEST_HEX_BYTES - 1, 18, " %016llx", (unsigned long long)expiries.sum);
}

/* ---- random frames ---- */

struct draw {
	struct random *random;
	struct log_data *data;
	uint8_t key[KEY_BYTES_MAX], other_key[KEY_BYTES_MAX], value[VALUE_BYTES_MAX];
	struct blob *blob;
	struct effect effect;
};

static uint64_t below(struct draw *draw, uint64_t end)
{
	return random_below(draw->random, end);
}

/* One of KEYS keys; some are empty, long, or have bytes of all values. */
static struct slice draw_key(struct draw *draw, uint8_t out[KEY_BYTES_MAX])
{
	struct random of_key = { .state = below(draw, KEYS) };
	size_t len = of_key.state % 5 == 0 ? random_below(&of_key, KEY_BYTES_MAX) : (size_t)(of_key.state % 3);
	memset(out, 'k', len);
	if (len > 0)
		out[0] = (uint8_t)random_next(&of_key);
	if (len > 1)
		out[1] = (uint8_t)random_next(&of_key);
	return slice_of(out, len);
}

static struct slice draw_bytes(struct draw *draw, size_t least)
{
	size_t len = least + below(draw, VALUE_BYTES_MAX - least);
	for (size_t i = 0; i < len; i++)
		draw->value[i] = (uint8_t)random_next(draw->random);
	return slice_of(draw->value, len);
}

static int64_t draw_time(struct draw *draw)
{
	return FIRST_EXPIRY_MS + (int64_t)below(draw, EXPIRIES);
}

static void draw_value(struct draw *draw, struct effect *effect)
{
	if (below(draw, 8) == 0) {
		effect->value = slice_of(draw->value, (size_t)snprintf((char *)draw->value, VALUE_BYTES_MAX, "%d", (int)below(draw, 100)));
	} else if (below(draw, 20) == 0) {
		draw->blob = effect->blob = blob_create(BLOB_MIN_BYTES);
		effect->blob->len = BLOB_MIN_BYTES;
		memset(effect->blob->data, (int)below(draw, 256), BLOB_MIN_BYTES);
	} else {
		effect->value = draw_bytes(draw, 0);
	}
}

static const struct keyspace *keyspace_of(struct draw *draw, int64_t database)
{
	return databases_read(&draw->data->databases, (uint32_t)database);
}

static struct entry *find(struct draw *draw, int64_t database, struct slice key)
{
	return keyspace_find_any(keyspace_of(draw, database), key, keyspace_hash(key));
}

static int64_t length_at(struct draw *draw)
{
	struct entry *entry = find(draw, draw->effect.database, draw->effect.key);
	return entry ? (int64_t)entry_string(entry).len : 0;
}

/* Each completes an effect that has a type, database and key. False if none of its type fits. */

static bool draw_set(struct draw *draw)
{
	draw->effect.number = below(draw, 3) ? NO_EXPIRY : draw_time(draw);
	draw_value(draw, &draw->effect);
	return true;
}

static bool draw_incrbyfloat(struct draw *draw)
{
	struct entry *entry = find(draw, draw->effect.database, draw->effect.key);
	draw->effect.value = slice_of("3.0625", 6);
	draw->effect.number = entry ? keyspace_expiry_ms(keyspace_of(draw, draw->effect.database), entry) : NO_EXPIRY;
	return true;
}

static bool draw_incrby(struct draw *draw)
{
	struct entry *entry = find(draw, draw->effect.database, draw->effect.key);
	int64_t before = 0;
	if (entry && !decimal_parse_int64(entry_string(entry).data, entry_string(entry).len, &before))
		return false;
	draw->effect.number = (int64_t)below(draw, 2000) - 1000;
	return !__builtin_add_overflow(before, draw->effect.number, &draw->effect.result);
}

static bool draw_append(struct draw *draw)
{
	draw->effect.value = draw_bytes(draw, 0);
	draw->effect.result = length_at(draw) + (int64_t)draw->effect.value.len;
	return true;
}

static bool draw_setrange(struct draw *draw)
{
	int64_t len = length_at(draw);
	draw->effect.value = draw_bytes(draw, 1);
	draw->effect.number = (int64_t)below(draw, 300);
	int64_t end = draw->effect.number + (int64_t)draw->effect.value.len;
	draw->effect.result = end > len ? end : len;
	return true;
}

static bool draw_present(struct draw *draw)
{
	return find(draw, draw->effect.database, draw->effect.key);
}

static bool draw_rename(struct draw *draw)
{
	draw->effect.other_key = draw_key(draw, draw->other_key);
	return draw_present(draw) && !slice_equal(draw->effect.key, draw->effect.other_key);
}

static bool draw_move(struct draw *draw)
{
	draw->effect.number = (int64_t)below(draw, LOG_DATABASES);
	return draw_present(draw) && draw->effect.number != draw->effect.database && !find(draw, draw->effect.number, draw->effect.key);
}

static bool draw_copy(struct draw *draw)
{
	draw->effect.number = (int64_t)below(draw, LOG_DATABASES);
	draw->effect.other_key = draw_key(draw, draw->other_key);
	return draw_present(draw) &&
	       (draw->effect.number != draw->effect.database || !slice_equal(draw->effect.key, draw->effect.other_key));
}

static bool draw_expire(struct draw *draw)
{
	draw->effect.number = draw_time(draw);
	return draw_present(draw);
}

static bool draw_database(struct draw *draw)
{
	draw->effect.key = slice_of(NULL, 0);
	return true;
}

static bool draw_swapdb(struct draw *draw)
{
	draw->effect.number = (int64_t)below(draw, LOG_DATABASES);
	return draw_database(draw);
}

static const struct {
	enum effect_type type;
	unsigned weight;
	bool (*complete)(struct draw *draw);
} draws[] = {
	{ EFFECT_SET, 30, draw_set },         { EFFECT_INCRBY, 10, draw_incrby },   { EFFECT_INCRBYFLOAT, 4, draw_incrbyfloat },
	{ EFFECT_APPEND, 10, draw_append },   { EFFECT_SETRANGE, 8, draw_setrange }, { EFFECT_DEL, 5, draw_present },
	{ EFFECT_EXPIRED, 3, draw_present },  { EFFECT_EVICTED, 3, draw_present },  { EFFECT_RENAME, 6, draw_rename },
	{ EFFECT_MOVE, 4, draw_move },        { EFFECT_COPY, 6, draw_copy },        { EFFECT_EXPIRE, 8, draw_expire },
	{ EFFECT_PERSIST, 6, draw_present },  { EFFECT_SWAPDB, 2, draw_swapdb },    { EFFECT_FLUSHDB, 1, draw_database },
	{ EFFECT_FLUSHALL, 1, draw_database }, { EFFECT_SNAPSHOT, 1, draw_database },
};
#define DRAWS (sizeof(draws) / sizeof(draws[0]))

static size_t draw_type(struct draw *draw)
{
	uint64_t total = 0;
	size_t at = 0;
	for (size_t i = 0; i < DRAWS; i++)
		total += draws[i].weight;
	uint64_t drawn = below(draw, total);
	while (drawn >= draws[at].weight)
		drawn -= draws[at++].weight;
	return at;
}

/* False if the draw doesn't fit. */
static bool append_effect(struct draw *draw, struct frame_writer *out)
{
	size_t kind = draw_type(draw);
	draw->effect = (struct effect){ .type = draws[kind].type, .database = (uint32_t)below(draw, LOG_DATABASES) };
	draw->effect.key = draw_key(draw, draw->key);
	if (!draws[kind].complete(draw))
		return false;
	frame_append(out, &draw->effect);
	if (effect_apply(&draw->data->target, &draw->effect) != APPLY_DONE)
		crash_broken_invariant("a random effect %s does not fit", effect_event(draw->effect.type));
	blob_release(&draw->blob);
	return true;
}

void log_draw_frame(struct random *random, struct log_data *data, struct frame_writer *out)
{
	struct draw draw = { .random = random, .data = data };
	uint64_t wanted = below(&draw, 4) ? 1 : 1 + below(&draw, EFFECTS_MAX);
	frame_begin(out, NULL);
	while (wanted > 0)
		wanted -= append_effect(&draw, out);
	frame_end(out);
}

/* ---- text and back ---- */

void log_render(const struct frame_writer *frames, struct aof_renderer *renderer, struct aof_text *out)
{
	struct frame_reader reader;
	struct frame frame;
	frame_reader_init(&reader, frames);
	while (frame_next(&reader, &frame))
		aof_render_frame(renderer, &reader, &frame, out);
}

struct buffer log_gather(const struct aof_text *text)
{
	struct buffer all = { 0 };
	struct iovec piece;
	for (uint64_t offset = 0; aof_text_vector(text, offset, &piece, 1) == 1; offset += piece.iov_len)
		buffer_append(&all, piece.iov_base, piece.iov_len);
	return all;
}

static size_t line_len(const uint8_t *at, size_t len)
{
	const uint8_t *end = memchr(at, '\n', len);
	return end ? (size_t)(end - at) + 1 : len;
}

bool log_parse(struct aof_parser *parser, struct slice text, struct frame_writer *out)
{
	const struct resp_limits limits = { .max_args = INT32_MAX, .max_bulk_bytes = 512u << 20, .max_inline_bytes = 65536,
					    .large_bulk_bytes = UINT32_MAX };
	uint8_t *copy = malloc(text.len + 1), *at = copy, *end = copy + text.len;
	struct resp_parser resp;
	struct resp_args args = { 0 };
	bool is_good = true;
	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	resp_parser_init(&resp);
	while (is_good && at < end) {
		args.count = 0;
		if (*at == '#') {
			at += line_len(at, (size_t)(end - at));
			continue;
		}
		is_good = resp_parse(&resp, &limits, at, (size_t)(end - at), &args) == RESP_REQUEST &&
			  aof_parse_command(parser, args.items, (uint32_t)args.count, out);
		at += resp.consumed;
	}
	resp_args_fini(&args);
	free(copy);
	return is_good;
}

bool log_apply(const struct effect_target *target, const struct frame_writer *frames)
{
	struct frame_reader reader;
	struct frame frame;
	frame_reader_init(&reader, frames);
	while (frame_next(&reader, &frame))
		if (frame_apply(target, &reader) != APPLY_DONE)
			return false;
	return true;
}

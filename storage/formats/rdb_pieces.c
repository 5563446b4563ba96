/*
 * A record is its head, the key, and the pieces of the value. Nothing is aligned.
 *
 *      +------+-----+--------+-------+--------+-------+-----
 *      | head | key | piece  | bytes | piece  | bytes | ...
 *      +------+-----+--------+-------+--------+-------+-----
 *
 * A piece is 32 bits: its kind in the two high bits, and the number of bytes that follow. For a blob it has the blob's number instead, and
 * no bytes follow.
 */
#include "rdb_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "storage/value.h"

#define FIRST_BYTES 4096u
#define FIRST_BLOBS 16u

enum piece_kind { PIECE_RAW, PIECE_STRING, PIECE_BLOB };
#define KIND_SHIFT 30
#define PIECE_MAX ((UINT32_C(1) << KIND_SHIFT) - 1)
_Static_assert(RDB_STRING_MAX_BYTES <= PIECE_MAX, "the longest string is one piece");

struct head {
	uint64_t bytes;     /* of the whole record */
	int64_t expiry_ms;
	uint32_t database, key_len, usage_value;
	uint8_t usage, type;
};

/* Memory for `more` bytes at the end; NULL if there is none. */
static uint8_t *extend(struct rdb_pieces *pieces, size_t more)
{
	size_t needed = pieces->bytes + more, capacity = pieces->capacity ? pieces->capacity : FIRST_BYTES;
	while (capacity < needed)
		capacity *= 2;
	if (capacity != pieces->capacity) {
		uint8_t *data = realloc(pieces->data, capacity);
		if (!data)
			return NULL;
		pieces->data = data;
		pieces->capacity = capacity;
	}
	uint8_t *at = pieces->data + pieces->bytes;
	pieces->bytes = needed;
	return at;
}

static bool add_piece(struct rdb_pieces *pieces, enum piece_kind kind, uint32_t number, const void *bytes, size_t len)
{
	uint32_t piece = (uint32_t)kind << KIND_SHIFT | number;
	uint8_t *at = extend(pieces, sizeof(piece) + len);
	if (!at)
		return false;
	memcpy(at, &piece, sizeof(piece));
	if (len)
		memcpy(at + sizeof(piece), bytes, len);
	return true;
}

static bool reserve_blob(struct rdb_pieces *pieces)
{
	if (pieces->blob_count < pieces->blob_capacity)
		return true;
	size_t capacity = pieces->blob_capacity ? 2 * pieces->blob_capacity : FIRST_BLOBS;
	struct blob **blobs = realloc(pieces->blobs, capacity * sizeof(*blobs));
	if (!blobs)
		return false;
	pieces->blobs = blobs;
	pieces->blob_capacity = capacity;
	return true;
}

static bool take_raw(void *context, const void *data, size_t len)
{
	for (size_t taken = 0; taken < len;) {
		size_t n = len - taken < PIECE_MAX ? len - taken : PIECE_MAX;
		if (!add_piece(context, PIECE_RAW, (uint32_t)n, (const uint8_t *)data + taken, n))
			return false;
		taken += n;
	}
	return true;
}

static bool take_string(void *context, struct slice string, struct blob *blob)
{
	struct rdb_pieces *pieces = context;
	if (!blob)
		return add_piece(pieces, PIECE_STRING, (uint32_t)string.len, string.data, string.len);
	if (!reserve_blob(pieces) || !add_piece(pieces, PIECE_BLOB, (uint32_t)pieces->blob_count, NULL, 0))
		return false;
	pieces->blobs[pieces->blob_count++] = blob_hold(blob);
	pieces->blob_bytes += blob->len;
	return true;
}

/* Releases the blobs from the n-th on. */
static void release_blobs(struct rdb_pieces *pieces, size_t n)
{
	while (pieces->blob_count > n) {
		struct blob *blob = pieces->blobs[--pieces->blob_count];
		pieces->blob_bytes -= blob->len;
		blob_release(&blob);
	}
}

static bool add_head(struct rdb_pieces *pieces, const struct rdb_record *record)
{
	uint8_t *at = extend(pieces, sizeof(struct head) + record->key.len);
	if (at && record->key.len)
		memcpy(at + sizeof(struct head), record->key.data, record->key.len);
	return at != NULL;
}

bool rdb_pieces_add(struct rdb_pieces *pieces, const struct rdb_record *record, const struct entry *entry)
{
	struct rdb_writer writer = { .write = take_raw, .write_string = take_string, .context = pieces };
	size_t began = pieces->bytes, blobs = pieces->blob_count;
	if (!add_head(pieces, record))
		return false;
	entry_encode(entry, &writer);
	if (writer.has_failed) {
		pieces->bytes = began;
		release_blobs(pieces, blobs);
		return false;
	}
	struct head head = {
		.bytes = pieces->bytes - began, .expiry_ms = record->expiry_ms, .database = record->database,
		.key_len = (uint32_t)record->key.len, .usage_value = record->usage_value, .usage = record->usage,
		.type = (uint8_t)entry_rdb_type(entry),
	};
	memcpy(pieces->data + began, &head, sizeof(head));
	pieces->records++;
	return true;
}

void rdb_pieces_clear(struct rdb_pieces *pieces)
{
	release_blobs(pieces, 0);
	pieces->bytes = 0;
	pieces->records = 0;
}

void rdb_pieces_fini(struct rdb_pieces *pieces)
{
	release_blobs(pieces, 0);
	free(pieces->data);
	free(pieces->blobs);
	*pieces = (struct rdb_pieces){ 0 };
}

/* ---- reading ---- */

void rdb_pieces_reader_init(struct rdb_pieces_reader *reader, const struct rdb_pieces *pieces)
{
	*reader = (struct rdb_pieces_reader){ .pieces = pieces };
}

bool rdb_pieces_next(struct rdb_pieces_reader *reader, struct rdb_record *out_record)
{
	struct head head;
	size_t at = reader->next;
	if (at == reader->pieces->bytes)
		return false;
	memcpy(&head, reader->pieces->data + at, sizeof(head));
	*out_record = (struct rdb_record){
		.key = slice_of(reader->pieces->data + at + sizeof(head), head.key_len), .expiry_ms = head.expiry_ms,
		.database = head.database, .usage_value = head.usage_value, .usage = head.usage, .type = head.type,
	};
	reader->at = at + sizeof(head) + head.key_len;
	reader->next = at + head.bytes;
	return true;
}

/* Writes the piece at reader->at and returns how many bytes it has. */
static size_t write_piece(const struct rdb_pieces_reader *reader, struct rdb_writer *writer)
{
	uint32_t piece;
	memcpy(&piece, reader->pieces->data + reader->at, sizeof(piece));
	const uint8_t *bytes = reader->pieces->data + reader->at + sizeof(piece);
	uint32_t number = piece & PIECE_MAX;
	switch ((enum piece_kind)(piece >> KIND_SHIFT)) {
	case PIECE_RAW: rdb_write(writer, bytes, number); break;
	case PIECE_STRING: rdb_write_string(writer, slice_of(bytes, number)); break;
	case PIECE_BLOB: rdb_write_blob(writer, reader->pieces->blobs[number]); return sizeof(piece);
	}
	return sizeof(piece) + number;
}

void rdb_pieces_write_value(struct rdb_pieces_reader *reader, struct rdb_writer *writer)
{
	while (reader->at < reader->next)
		reader->at += write_piece(reader, writer);
}

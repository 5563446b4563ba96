/*
 * The happy path: a reply without children is parsed once and copied into a block. A reply with children
 * is parsed twice: scan() skips over its elements as they arrive, counts the memory they need, and remembers its
 * position between calls. When the last element has arrived, build() parses them again and fills one block of exactly that
 * size. So memory is never allocated for a declared length only, and one free() frees a tree.
 *
 * The block: the replies, parents before their children and siblings side by side, then all texts.
 *
 *   | root | its children ... | grandchildren ... | text NUL text NUL ... |
 *
 * Between two calls, the bytes before `start` belong to returned replies, those between `start` and
 * `scanned` are complete elements of the current reply, and the first `searched` bytes after that contain no '\r'.
 */
#include "resp_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "decimal.h"

/* An empty input buffer larger than this is freed. */
#define KEPT_CAPACITY (256u << 10)
/* Numbers of this many digits can't overflow a uint64. */
#define SAFE_DIGITS 19
/* Larger lengths and counts could overflow sums of sizes; they exceed any memory anyway. */
#define SANE_LENGTH (INT64_MAX / 256)

#define TEXT_OF(macro) TEXT_OF_TOKEN(macro)
#define TEXT_OF_TOKEN(token) #token

enum element_status {
	ELEMENT_WHOLE,
	ELEMENT_PART,
	ELEMENT_BAD, /* reader->error says why */
};

/* An aggregate that is being parsed. */
struct level {
	uint64_t left;           /* children still to come */
	struct resp_reply *next; /* where the next child goes; in build() only */
	bool is_left_out;        /* inside a dropped attribute */
};

struct walk {
	struct level levels[RESP_MAX_DEPTH];
	unsigned depth;
};

struct resp_reader {
	struct buffer in;
	size_t start, scanned, searched;
	struct walk walk;
	size_t replies, text_bytes; /* memory for the current reply, as far as it is scanned */
	const char *error;
	char error_text[64];
};

struct resp_reader *resp_reader_create(void)
{
	return calloc(1, sizeof(struct resp_reader));
}

void resp_reader_destroy(struct resp_reader **reader)
{
	if (*reader) {
		buffer_fini(&(*reader)->in);
		free(*reader);
	}
	*reader = NULL;
}

/* Moves the current reply to the front of the buffer. */
static void close_up(struct resp_reader *reader)
{
	if (reader->start == 0)
		return;
	reader->in.len -= reader->start;
	memmove(reader->in.data, reader->in.data + reader->start, reader->in.len);
	reader->scanned -= reader->start;
	reader->start = 0;
}

uint8_t *resp_reader_room(struct resp_reader *reader, size_t room)
{
	struct buffer *in = &reader->in;
	if (in->failed)
		return NULL;
	if (in->capacity - in->len < room || reader->start == in->len)
		close_up(reader);
	return buffer_reserve(in, room) ? in->data + in->len : NULL;
}

void resp_reader_fed(struct resp_reader *reader, size_t len)
{
	reader->in.len += len;
}

int resp_reader_peek(const struct resp_reader *reader)
{
	return reader->start < reader->in.len ? reader->in.data[reader->start] : -1;
}

const char *resp_reader_error(const struct resp_reader *reader)
{
	return reader->error;
}

static enum element_status refuse(struct resp_reader *reader, const char *error)
{
	reader->error = error;
	return ELEMENT_BAD;
}

/* Reads the number and the line end after a type byte; *in moves past them. */
static inline enum element_status take_number(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
					      int64_t *out_value)
{
	const uint8_t *at = *in;
	bool is_negative = at < end && *at == '-';
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	const uint8_t *first = at;
	uint64_t value = 0;
	for (; at < end && at - first < SAFE_DIGITS; at++) {
		unsigned digit = (unsigned)*at - '0';
		if (digit > 9)
			break;
		value = value * 10 + digit;
	}
	if (at == end)
		return ELEMENT_PART;
	if (*at == '?')
		return refuse(reader, "streamed strings and aggregates are not supported");
	if (at == first || *at != '\r')
		return refuse(reader, "not a number");
	if (at + 1 == end)
		return ELEMENT_PART;
	if (at[1] != '\n')
		return refuse(reader, "not a number");
	if (value > (uint64_t)INT64_MAX + is_negative)
		return refuse(reader, "a number out of range");
	*out_value = (int64_t)(is_negative ? -value : value);
	*in = at + 2;
	return ELEMENT_WHOLE;
}

/* Reads the text up to the line end, for types without a length. */
static enum element_status take_line(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
				     struct resp_reply *out)
{
	const uint8_t *text = *in, *from = text + reader->searched;
	const uint8_t *at = memchr(from, '\r', (size_t)(end - from));
	reader->searched = (size_t)((at ? at : end) - text);
	if (!at || at + 1 == end)
		return ELEMENT_PART;
	if (at[1] != '\n')
		return refuse(reader, "a line that does not end in CR LF");
	reader->searched = 0;
	out->text = (char *)text;
	out->len = (size_t)(at - text);
	*in = at + 2;
	return ELEMENT_WHOLE;
}

/* Reads a length and the text after it. */
static enum element_status take_bulk(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
				     struct resp_reply *out)
{
	int64_t len;
	const uint8_t *text = *in;
	enum element_status status = take_number(reader, &text, end, &len);
	if (status != ELEMENT_WHOLE)
		return status;
	if (len == -1 && out->type == RESP_TYPE_BULK) {
		out->type = RESP_TYPE_NULL;
		*in = text;
		return ELEMENT_WHOLE;
	}
	if (len < 0 || len > SANE_LENGTH)
		return refuse(reader, "a string of impossible length");
	if ((size_t)(end - text) < (size_t)len + 2)
		return ELEMENT_PART;
	if (text[len] != '\r' || text[len + 1] != '\n')
		return refuse(reader, "a string that does not end in CR LF");
	out->text = (char *)text;
	out->len = (size_t)len;
	*in = text + len + 2;
	return ELEMENT_WHOLE;
}

static enum element_status take_verbatim(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
					 struct resp_reply *out)
{
	enum element_status status = take_bulk(reader, in, end, out);
	if (status != ELEMENT_WHOLE)
		return status;
	if (out->len < 4 || out->text[3] != ':')
		return refuse(reader, "a verbatim string without format");
	memcpy(out->format, out->text, 3);
	out->text += 4;
	out->len -= 4;
	return ELEMENT_WHOLE;
}

static enum element_status take_integer(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
					struct resp_reply *out)
{
	return take_number(reader, in, end, &out->integer);
}

static enum element_status take_aggregate(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
					  struct resp_reply *out)
{
	int64_t count;
	enum element_status status = take_number(reader, in, end, &count);
	if (status != ELEMENT_WHOLE)
		return status;
	if (count == -1 && out->type == RESP_TYPE_ARRAY) {
		out->type = RESP_TYPE_NULL;
		return ELEMENT_WHOLE;
	}
	if (count < 0 || count > SANE_LENGTH)
		return refuse(reader, "an aggregate of impossible length");
	bool is_pairs = out->type == RESP_TYPE_MAP || out->type == RESP_TYPE_ATTRIBUTE;
	out->count = (size_t)count << is_pairs;
	return ELEMENT_WHOLE;
}

static enum element_status take_double(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
				       struct resp_reply *out)
{
	enum element_status status = take_line(reader, in, end, out);
	if (status != ELEMENT_WHOLE)
		return status;
	bool is_negative = out->len > 0 && out->text[0] == '-';
	if (out->len == 3u + is_negative && memcmp(out->text + is_negative, "nan", 3) == 0)
		out->number = NAN;
	else if (!decimal_parse_double(out->text, out->len, &out->number))
		return refuse(reader, "not a double");
	return ELEMENT_WHOLE;
}

static enum element_status take_big_number(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
					   struct resp_reply *out)
{
	enum element_status status = take_line(reader, in, end, out);
	if (status != ELEMENT_WHOLE)
		return status;
	size_t sign = out->len > 0 && (out->text[0] == '-' || out->text[0] == '+');
	for (size_t i = sign; i < out->len; i++)
		if (out->text[i] < '0' || out->text[i] > '9')
			return refuse(reader, "not a big number");
	return out->len > sign ? ELEMENT_WHOLE : refuse(reader, "a big number without digits");
}

static enum element_status take_bool(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
				     struct resp_reply *out)
{
	enum element_status status = take_line(reader, in, end, out);
	if (status != ELEMENT_WHOLE)
		return status;
	if (out->len != 1 || (out->text[0] != 't' && out->text[0] != 'f'))
		return refuse(reader, "not a boolean");
	out->integer = out->text[0] == 't';
	out->text = NULL;
	out->len = 0;
	return ELEMENT_WHOLE;
}

static enum element_status take_null(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
				     struct resp_reply *out)
{
	enum element_status status = take_line(reader, in, end, out);
	if (status != ELEMENT_WHOLE)
		return status;
	if (out->len != 0)
		return refuse(reader, "not a null");
	out->text = NULL;
	return ELEMENT_WHOLE;
}

static enum element_status refuse_type(struct resp_reader *reader, uint8_t type)
{
	snprintf(reader->error_text, sizeof(reader->error_text),
		 type > ' ' && type < 0x7f ? "a reply of unknown type '%c'" : "a reply of unknown type \\x%02x", type);
	return refuse(reader, reader->error_text);
}

typedef enum element_status take(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
				 struct resp_reply *out);

/* By the first byte: the type, and the function that reads the rest. */
static const struct {
	take *take;
	enum resp_type type;
} kinds[256] = {
	['+'] = { take_line, RESP_TYPE_SIMPLE },
	['-'] = { take_line, RESP_TYPE_ERROR },
	[':'] = { take_integer, RESP_TYPE_INTEGER },
	['$'] = { take_bulk, RESP_TYPE_BULK },
	['!'] = { take_bulk, RESP_TYPE_ERROR },
	['='] = { take_verbatim, RESP_TYPE_VERBATIM },
	['*'] = { take_aggregate, RESP_TYPE_ARRAY },
	['~'] = { take_aggregate, RESP_TYPE_SET },
	['>'] = { take_aggregate, RESP_TYPE_PUSH },
	['%'] = { take_aggregate, RESP_TYPE_MAP },
	['|'] = { take_aggregate, RESP_TYPE_ATTRIBUTE },
	['_'] = { take_null, RESP_TYPE_NULL },
	['#'] = { take_bool, RESP_TYPE_BOOL },
	[','] = { take_double, RESP_TYPE_DOUBLE },
	['('] = { take_big_number, RESP_TYPE_BIG_NUMBER },
};

/* Reads one element (a reply without its children; its text stays in the input) and moves *in past it. */
static inline enum element_status take_element(struct resp_reader *reader, const uint8_t **in, const uint8_t *end,
					       struct resp_reply *out)
{
	if (*in == end)
		return ELEMENT_PART;
	uint8_t type = **in;
	if (!kinds[type].take)
		return refuse_type(reader, type);
	*out = (struct resp_reply){ .type = kinds[type].type };
	const uint8_t *rest = *in + 1;
	enum element_status status = kinds[type].take(reader, &rest, end, out);
	if (status == ELEMENT_WHOLE)
		*in = rest;
	return status;
}

static bool is_left_out(const struct walk *walk, const struct resp_reply *element)
{
	return walk->depth > 0 &&
	       (walk->levels[walk->depth - 1].is_left_out || element->type == RESP_TYPE_ATTRIBUTE);
}

/*
 * Moves past `element`, into its children if it has any. The reply is complete when the depth is 0. False: too
 * deep.
 */
static inline bool walk_past(struct walk *walk, const struct resp_reply *element, struct resp_reply *children)
{
	bool left_out = is_left_out(walk, element);
	/* An attribute doesn't count as a child of its aggregate. */
	if (walk->depth > 0 && element->type != RESP_TYPE_ATTRIBUTE)
		walk->levels[walk->depth - 1].left--;
	if (element->count > 0) {
		if (walk->depth == RESP_MAX_DEPTH)
			return false;
		walk->levels[walk->depth++] =
			(struct level){ .left = element->count, .next = children, .is_left_out = left_out };
	}
	while (walk->depth > 0 && walk->levels[walk->depth - 1].left == 0)
		walk->depth--;
	return true;
}

/* Scans the current reply as far as it has arrived; `last` is the last element. */
static enum element_status scan(struct resp_reader *reader, struct resp_reply *last)
{
	const uint8_t *in = reader->in.data + reader->scanned, *end = reader->in.data + reader->in.len;
	enum element_status status;
	do {
		status = take_element(reader, &in, end, last);
		if (status != ELEMENT_WHOLE)
			break;
		if (!is_left_out(&reader->walk, last)) {
			reader->replies++;
			reader->text_bytes += last->text ? last->len + 1 : 0;
		}
		if (!walk_past(&reader->walk, last, NULL))
			return refuse(reader, "a reply nested more than " TEXT_OF(RESP_MAX_DEPTH) " deep");
	} while (reader->walk.depth > 0);
	reader->scanned = (size_t)(in - reader->in.data);
	return status;
}

/* Copies `element` into the block and its text to *text, which moves past it. */
static void place_reply(struct resp_reply *place, const struct resp_reply *element, char **text)
{
	*place = *element;
	if (!element->text)
		return;
	memcpy(*text, element->text, element->len);
	(*text)[element->len] = '\0';
	place->text = *text;
	*text += element->len + 1;
}

/* Parses the scanned reply again, which can't fail, and fills the block. */
static void build(struct resp_reader *reader, struct resp_reply *block, char *text)
{
	const uint8_t *in = reader->in.data + reader->start, *end = reader->in.data + reader->scanned;
	struct resp_reply *vacant = block + 1;
	struct walk walk;
	walk.depth = 0;
	do {
		struct resp_reply element;
		take_element(reader, &in, end, &element);
		if (!is_left_out(&walk, &element)) {
			struct resp_reply *place = walk.depth > 0 ? walk.levels[walk.depth - 1].next++ : block;
			element.children = element.count > 0 ? vacant : NULL;
			vacant += element.count;
			place_reply(place, &element, &text);
		}
		walk_past(&walk, &element, element.children);
	} while (walk.depth > 0);
}

/* Frees a large buffer at once, since the next bytes may come much later. */
static void give_back_room(struct resp_reader *reader)
{
	if (reader->start < reader->in.len || reader->in.capacity <= KEPT_CAPACITY)
		return;
	buffer_fini(&reader->in);
	reader->start = reader->scanned = 0;
}

static enum resp_read_status give(struct resp_reader *reader, const struct resp_reply *last,
				  struct resp_reply **out_reply)
{
	size_t replies = reader->replies;
	struct resp_reply *block = malloc(replies * sizeof(*block) + reader->text_bytes);
	if (!block) {
		reader->in.failed = true;
		return RESP_READ_NO_MEMORY;
	}
	char *text = (char *)(block + replies);
	if (replies == 1)
		place_reply(block, last, &text);
	else
		build(reader, block, text);
	reader->start = reader->scanned;
	reader->replies = 0;
	reader->text_bytes = 0;
	give_back_room(reader);
	*out_reply = block;
	return RESP_READ_REPLY;
}

enum resp_read_status resp_reader_next(struct resp_reader *reader, struct resp_reply **out_reply)
{
	if (reader->error)
		return RESP_READ_PROTOCOL;
	if (reader->in.failed)
		return RESP_READ_NO_MEMORY;
	if (reader->scanned == reader->in.len)
		return RESP_READ_MORE;
	struct resp_reply last;
	switch (scan(reader, &last)) {
	case ELEMENT_PART:
		return RESP_READ_MORE;
	case ELEMENT_BAD:
		return RESP_READ_PROTOCOL;
	case ELEMENT_WHOLE:
		break;
	}
	return give(reader, &last, out_reply);
}

/* Depth is bounded by RESP_MAX_DEPTH, so these may call themselves. */
static void measure(const struct resp_reply *reply, size_t *nodes, size_t *text_bytes)
{
	*nodes += reply->count;
	*text_bytes += reply->text ? reply->len + 1 : 0;
	for (size_t i = 0; i < reply->count; i++)
		measure(&reply->children[i], nodes, text_bytes);
}

static void copy_into(struct resp_reply *to, const struct resp_reply *from, struct resp_reply **nodes, char **text)
{
	*to = *from;
	if (from->text) {
		to->text = memcpy(*text, from->text, from->len + 1);
		*text += from->len + 1;
	}
	to->children = from->count ? *nodes : NULL;
	*nodes += from->count;
	for (size_t i = 0; i < from->count; i++)
		copy_into(&to->children[i], &from->children[i], nodes, text);
}

struct resp_reply *resp_reply_copy(const struct resp_reply *reply, size_t *out_bytes)
{
	size_t nodes = 1, text_bytes = 0;

	measure(reply, &nodes, &text_bytes);
	struct resp_reply *block = malloc(nodes * sizeof(*block) + text_bytes), *next = block + 1;
	char *text = (char *)(block + nodes);
	if (out_bytes)
		*out_bytes = nodes * sizeof(*block) + text_bytes;
	if (block)
		copy_into(block, reply, &next, &text);
	return block;
}

void resp_reply_free(struct resp_reply *reply)
{
	free(reply);
}

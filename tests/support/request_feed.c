#include "support/request_feed.h"

#include <stdbool.h>
#include <stdlib.h>

struct feed {
	const uint8_t *stream;
	size_t len, offset;
	uint8_t *memory;         /* one allocation; the window ends where it ends */
	size_t start, end;       /* the window within it */
	struct resp_parser parser;
	struct resp_args args;
	const struct resp_limits *limits;
	struct buffer *transcript;
};

static void *must_allocate(size_t size)
{
	void *memory = malloc(size ? size : 1);
	if (!memory)
		abort();
	return memory;
}

static void receive(struct feed *feed, size_t piece)
{
	size_t kept = feed->end - feed->start;
	size_t left = feed->len - feed->offset;
	if (piece > left)
		piece = left;
	uint8_t *moved = must_allocate(kept + piece);
	if (kept) {
		memcpy(moved, feed->memory + feed->start, kept);
		resp_args_rebase(&feed->args, 0, feed->memory + feed->start, moved);
	}
	if (piece)
		memcpy(moved + kept, feed->stream + feed->offset, piece);
	free(feed->memory);
	feed->memory = moved;
	feed->start = 0;
	feed->end = kept + piece;
	feed->offset += piece;
}

static void forget_args(struct feed *feed)
{
	for (size_t i = 0; i < feed->args.count; i++)
		if (feed->args.items[i].is_large)
			free((void *)feed->args.items[i].data);
	feed->args.count = 0;
}

static void write_down(struct feed *feed)
{
	buffer_printf(feed->transcript, "%zu", feed->args.count);
	for (size_t i = 0; i < feed->args.count; i++) {
		const struct resp_arg *arg = &feed->args.items[i];
		buffer_printf(feed->transcript, " %u:", arg->len);
		buffer_append(feed->transcript, arg->data, arg->len);
	}
	buffer_append(feed->transcript, "\n", 1);
}

/* Takes the bulk's bytes from the window, then from the stream. False when the stream ends first. */
static bool take_large(struct feed *feed)
{
	size_t from = feed->start + feed->parser.consumed, in_window = feed->end - from;
	size_t rest = feed->parser.large_len - in_window;
	if (rest > feed->len - feed->offset)
		return false;
	uint8_t *bulk = must_allocate(feed->parser.large_len);
	memcpy(bulk, feed->memory + from, in_window);
	memcpy(bulk + in_window, feed->stream + feed->offset, rest);
	feed->offset += rest;
	feed->end = from;
	if (resp_large_bulk_done(&feed->parser, bulk, &feed->args) != RESP_INCOMPLETE)
		abort();
	return true;
}

/* False when nothing can follow: an error, or a large bulk that is incomplete at the end. */
static bool parse(struct feed *feed)
{
	for (;;) {
		switch (resp_parse(&feed->parser, feed->limits, feed->memory + feed->start, feed->end - feed->start,
				   &feed->args)) {
		case RESP_REQUEST:
			write_down(feed);
			forget_args(feed);
			feed->start += feed->parser.consumed;
			break;
		case RESP_EMPTY:
			feed->start += feed->parser.consumed;
			break;
		case RESP_INCOMPLETE:
			return true;
		case RESP_LARGE_BULK:
			if (!take_large(feed))
				return false;
			break;
		case RESP_ERROR:
			buffer_printf(feed->transcript, "%s\n", feed->parser.error);
			return false;
		case RESP_NO_MEMORY:
			abort();
		}
	}
}

void request_feed(const void *stream, size_t len, const struct resp_limits *limits, feed_piece *piece, void *context,
		  struct buffer *transcript)
{
	struct feed feed = { .stream = stream, .len = len, .limits = limits, .transcript = transcript };
	resp_parser_init(&feed.parser);
	while (feed.offset < feed.len) {
		receive(&feed, piece(context));
		if (!parse(&feed))
			break;
	}
	forget_args(&feed);
	resp_args_fini(&feed.args);
	free(feed.memory);
}

struct resp_limits request_feed_limits(uint32_t large_bulk_bytes)
{
	return (struct resp_limits){
		.max_args = INT32_MAX,
		.max_bulk_bytes = 512u << 20,
		.max_inline_bytes = 65536,
		.large_bulk_bytes = large_bulk_bytes,
	};
}

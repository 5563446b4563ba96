#include "support/reply_text.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const names[] = {
	[RESP_TYPE_SIMPLE] = "simple",	       [RESP_TYPE_ERROR] = "error",   [RESP_TYPE_INTEGER] = "integer",
	[RESP_TYPE_BULK] = "bulk",	       [RESP_TYPE_ARRAY] = "array",   [RESP_TYPE_NULL] = "null",
	[RESP_TYPE_DOUBLE] = "double",	       [RESP_TYPE_BOOL] = "bool",     [RESP_TYPE_BIG_NUMBER] = "big",
	[RESP_TYPE_VERBATIM] = "verbatim",     [RESP_TYPE_MAP] = "map",	      [RESP_TYPE_SET] = "set",
	[RESP_TYPE_PUSH] = "push",	       [RESP_TYPE_ATTRIBUTE] = "attribute",
};

static void content(const struct resp_reply *reply, struct buffer *out)
{
	switch (reply->type) {
	case RESP_TYPE_INTEGER:
	case RESP_TYPE_BOOL:
		buffer_printf(out, " %" PRId64, reply->integer);
		break;
	case RESP_TYPE_DOUBLE:
		buffer_printf(out, " %s=%g", reply->text, reply->number);
		break;
	case RESP_TYPE_VERBATIM:
		buffer_printf(out, " %s:", reply->format);
		buffer_append(out, reply->text, reply->len + 1);
		out->len -= 1;
		break;
	default:
		if (reply->text) {
			buffer_append(out, " ", 1);
			/* Reads the NUL too, to check that it is there. */
			buffer_append(out, reply->text, reply->len + 1);
			out->len -= 1;
		}
	}
}

void reply_text(const struct resp_reply *reply, struct buffer *out)
{
	buffer_printf(out, "%s", names[reply->type]);
	content(reply, out);
	if (reply->type < RESP_TYPE_MAP && reply->type != RESP_TYPE_ARRAY)
		return;
	buffer_append(out, "[", 1);
	for (size_t i = 0; i < reply->count; i++) {
		if (i > 0)
			buffer_append(out, ", ", 2);
		reply_text(&reply->children[i], out);
	}
	buffer_append(out, "]", 1);
}

/* Appends all complete replies; false at an error. */
static bool drain(struct resp_reader *reader, struct buffer *out)
{
	struct resp_reply *reply;
	enum resp_read_status status;
	while ((status = resp_reader_next(reader, &reply)) == RESP_READ_REPLY) {
		reply_text(reply, out);
		buffer_append(out, "\n", 1);
		resp_reply_free(reply);
	}
	if (status == RESP_READ_NO_MEMORY)
		abort();
	if (status == RESP_READ_PROTOCOL)
		buffer_printf(out, "error: %s\n", resp_reader_error(reader));
	return status == RESP_READ_MORE;
}

void reply_text_of_stream(const void *stream, size_t len, size_t piece, struct buffer *out)
{
	struct resp_reader *reader = resp_reader_create();
	const uint8_t *next = stream;
	while (len > 0) {
		size_t now = piece < len ? piece : len;
		uint8_t *room = resp_reader_room(reader, now);
		if (!room)
			abort();
		memcpy(room, next, now);
		resp_reader_fed(reader, now);
		next += now;
		len -= now;
		if (!drain(reader, out))
			break;
	}
	resp_reader_destroy(&reader);
}

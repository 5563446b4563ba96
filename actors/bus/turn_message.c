#include "turn_message.h"

#include <stdlib.h>

#include "actors/bus/secrets.h"
#include "transport/resp_parser.h"

static void turn_message_destroy(struct bus_message *head)
{
	struct turn_message *message = (struct turn_message *)head;
	frame_writer_fini(&message->frames);
	buffer_fini(&message->commands);
	tally_destroy(&message->tally);
	free(message);
}

struct turn_message *turn_message_create(void)
{
	struct turn_message *message = calloc(1, sizeof(*message));
	if (!message)
		return NULL;
	atomic_init(&message->head.holders, 1);
	message->head.destroy = turn_message_destroy;
	return message;
}

static void append_bytes(struct buffer *out, struct slice bytes)
{
	uint64_t len = bytes.len;
	buffer_append(out, &len, sizeof(len));
	buffer_append(out, bytes.data, bytes.len);
}

static struct slice take_bytes(struct slice *at)
{
	uint64_t len;
	memcpy(&len, at->data, sizeof(len));
	struct slice bytes = slice_of(at->data + sizeof(len), len);
	*at = slice_of(bytes.data + len, at->len - sizeof(len) - len);
	return bytes;
}

void command_record_append(struct buffer *out, const struct command_record *record, const struct resp_arg *argv,
			   uint64_t secrets)
{
	static const char redacted[] = "(redacted)";
	struct command_record head = *record;
	head.address = slice_of(NULL, 0);
	buffer_append(out, &head, sizeof(head));
	append_bytes(out, record->address);
	for (uint32_t i = 0; i < record->argc; i++)
		append_bytes(out, secrets_hide(secrets, i) ? slice_of(redacted, sizeof(redacted) - 1) :
							       slice_of(argv[i].data, argv[i].len));
}

bool command_record_next(struct slice *at, struct command_record *out_record)
{
	if (at->len == 0)
		return false;
	memcpy(out_record, at->data, sizeof(*out_record));
	*at = slice_of(at->data + sizeof(*out_record), at->len - sizeof(*out_record));
	out_record->address = take_bytes(at);
	return true;
}

struct slice command_record_next_arg(struct slice *at)
{
	return take_bytes(at);
}

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/store/commands/handlers.h"

void lines_add(struct lines *lines, const char *format, ...)
{
	char line[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	buffer_append(&lines->text, line, strlen(line) + 1);
	lines->count++;
}

void lines_reply(struct lines *lines, struct call *call)
{
	if (lines->text.failed) {
		reply_no_memory(call);
	} else {
		const char *line = (const char *)lines->text.data;
		reply_array(call, lines->count);
		for (size_t i = 0; i < lines->count; i++, line += strlen(line) + 1)
			reply_simple(call, line);
	}
	buffer_fini(&lines->text);
}

void reply_subcommand_error(struct call *call)
{
	const struct command *command = call->command->parent ? call->command->parent : call->command;
	struct slice name = call_arg(call, 1);
	char container[32];
	snprintf(container, sizeof(container), "%s", command->name);
	for (char *c = container; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	reply_errorf(call, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.",
		     (int)strnlen((const char *)name.data, name.len < 128 ? name.len : 128), name.data, container);
}

void reply_gathered(struct call *call, struct buffer *text)
{
	if (text->failed)
		reply_no_memory(call);
	else
		reply_verbatim(call, "txt", slice_of(text->data, text->len));
	buffer_fini(text);
}

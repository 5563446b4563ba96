#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/store/handlers.h"

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

void reply_gathered(struct call *call, struct buffer *text)
{
	if (text->failed)
		reply_no_memory(call);
	else
		reply_verbatim(call, "txt", slice_of(text->data, text->len));
	buffer_fini(text);
}

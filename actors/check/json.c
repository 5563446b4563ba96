#include "actors/check/json.h"

#include <inttypes.h>
#include <string.h>

#include "actors/runtime/printable.h"

static void begin(struct json *json, const char *name)
{
	if (json->depth > 0)
		fprintf(json->out, "%s\n%*s", json->is_empty ? "" : ",", (int)json->depth * 2, "");
	json->is_empty = false;
	if (name)
		fprintf(json->out, "\"%s\": ", name);
}

void json_open(struct json *json, const char *name, char bracket)
{
	begin(json, name);
	putc(bracket, json->out);
	json->depth++;
	json->is_empty = true;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	if (!json->is_empty)
		fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
	putc(bracket, json->out);
	json->is_empty = false;
	if (json->depth == 0)
		putc('\n', json->out);
}

/* Writes the character at `text` and returns its length. */
static size_t put_character(struct json *json, const char *text, size_t left)
{
	unsigned char byte = (unsigned char)*text;
	size_t len = printable_length(text, left);
	if (byte == '"' || byte == '\\')
		fprintf(json->out, "\\%c", byte);
	else if (len > 0)
		fwrite(text, 1, len, json->out);
	else if (byte < 0x80)
		fprintf(json->out, "\\u%04x", byte);
	else
		fputs("\\ufffd", json->out);
	return len ? len : 1;
}

void json_string(struct json *json, const char *name, const char *text)
{
	begin(json, name);
	putc('"', json->out);
	for (size_t left = strlen(text); left > 0;) {
		size_t len = put_character(json, text, left);
		text += len;
		left -= len;
	}
	putc('"', json->out);
}

void json_number(struct json *json, const char *name, uint64_t number)
{
	begin(json, name);
	fprintf(json->out, "%" PRIu64, number);
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin(json, name);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *name)
{
	begin(json, name);
	fputs("null", json->out);
}

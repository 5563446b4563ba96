#include "actors/persistence/manifest.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "actors/runtime/crash.h"
#include "transport/decimal.h"
#include "transport/array.h"
#include "transport/resp_inline.h"

/* ---- parts ---- */

void manifest_fini(struct manifest *manifest)
{
	free(manifest->parts);
	*manifest = (struct manifest){ 0 };
}

void manifest_add(struct manifest *manifest, const struct manifest_part *part)
{
	if (!array_reserve(&manifest->parts, &manifest->capacity, manifest->count + 1, sizeof(*manifest->parts), 8))
		crash_out_of_memory("the log's manifest");
	manifest->parts[manifest->count++] = *part;
}

void manifest_copy(struct manifest *out_manifest, const struct manifest *from)
{
	*out_manifest = (struct manifest){ 0 };
	for (size_t i = 0; i < from->count; i++)
		manifest_add(out_manifest, &from->parts[i]);
}

static const struct manifest_part *last_of(const struct manifest *manifest, enum part_type type)
{
	for (size_t i = manifest->count; i > 0; i--)
		if (manifest->parts[i - 1].type == type)
			return &manifest->parts[i - 1];
	return NULL;
}

const struct manifest_part *manifest_base(const struct manifest *manifest)
{
	return last_of(manifest, PART_BASE);
}

const struct manifest_part *manifest_last_increment(const struct manifest *manifest)
{
	return last_of(manifest, PART_INCREMENT);
}

/* ---- parsing ---- */

struct word {
	const char *text;
	size_t len;
};

/* Each takes the value of a pair. They return what is wrong with it, or NULL. */

static const char *take_name(struct manifest_part *part, struct word value)
{
	if (value.len == 0 || value.len > MANIFEST_NAME_BYTES)
		return "a file name is empty or longer than 255 bytes";
	if (memchr(value.text, '\0', value.len))
		return "a file name has a NUL byte";
	if (memchr(value.text, '/', value.len) || memchr(value.text, '\\', value.len))
		return "a file name is a path";
	memcpy(part->name, value.text, value.len);
	part->name[value.len] = '\0';
	if (strcmp(part->name, ".") == 0 || strcmp(part->name, "..") == 0)
		return "a file name is a path";
	return NULL;
}

static const char *take_number(struct manifest_part *part, struct word value)
{
	return decimal_parse_int64(value.text, value.len, &part->number) && part->number > 0 ? NULL : "\"seq\" is not a number above 0";
}

/* As in Redis, only the first letter counts. */
static const char *take_type(struct manifest_part *part, struct word value)
{
	char letter = value.len ? value.text[0] : '\0';
	if (letter != PART_BASE && letter != PART_INCREMENT && letter != PART_HISTORY)
		return "unknown type of file";
	part->type = (enum part_type)letter;
	return NULL;
}

static const char *take_id(struct manifest_part *part, struct word value)
{
	static const char digits[] = "0123456789abcdef";
	part->id = 0;
	for (size_t i = 0; i < value.len && value.len == 16; i++) {
		const char *digit = memchr(digits, value.text[i], 16);
		if (!digit)
			return "\"qcache-id\" is not 16 hexadecimal digits";
		part->id = part->id << 4 | (uint64_t)(digit - digits);
	}
	part->has_id = true;
	return value.len == 16 ? NULL : "\"qcache-id\" is not 16 hexadecimal digits";
}

static const char *take_sequence(struct manifest_part *part, struct word value)
{
	part->has_sequence = true;
	return decimal_parse_uint64(value.text, value.len, &part->sequence) ? NULL : "\"qcache-sequence\" is not a number";
}

static const struct pair {
	const char *key;
	const char *(*take)(struct manifest_part *part, struct word value);
} pairs[] = {
	{ "file", take_name }, { "seq", take_number }, { "type", take_type }, { "qcache-id", take_id }, { "qcache-sequence", take_sequence },
};

enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]), REQUIRED_PAIRS = 1 << 0 | 1 << 1 | 1 << 2 };

static const char *take_pair(struct manifest_part *part, struct word key, struct word value, unsigned *seen)
{
	for (unsigned i = 0; i < PAIRS; i++) {
		if (strlen(pairs[i].key) != key.len || strncasecmp(pairs[i].key, key.text, key.len) != 0)
			continue;
		if (*seen & 1u << i)
			return "a key comes twice";
		*seen |= 1u << i;
		return pairs[i].take(part, value);
	}
	return NULL;
}

static struct word word_at(const struct resp_args *words, size_t i)
{
	return (struct word){ (const char *)words->items[i].data, words->items[i].len };
}

static const char *take_words(const struct resp_args *words, struct manifest_part *out_part)
{
	unsigned seen = 0;
	if (words->count % 2 != 0)
		return "a key has no value";
	for (size_t i = 0; i < words->count; i += 2) {
		const char *wrong = take_pair(out_part, word_at(words, i), word_at(words, i + 1), &seen);
		if (wrong)
			return wrong;
	}
	return (seen & REQUIRED_PAIRS) == REQUIRED_PAIRS ? NULL : "\"file\", \"seq\" or \"type\" is missing";
}

/* Splits the line in place. */
static const char *parse_line(char *line, size_t len, struct manifest_part *out_part)
{
	struct resp_args words = { 0 };
	enum resp_status status = resp_split_inline((uint8_t *)line, len, &words);
	if (status == RESP_NO_MEMORY)
		crash_out_of_memory("the log's manifest");
	*out_part = (struct manifest_part){ 0 };
	const char *wrong = status == RESP_ERROR ? "unbalanced quotes" : status == RESP_EMPTY ? "an empty line" : take_words(&words, out_part);
	resp_args_fini(&words);
	return wrong;
}

static const char *check_place(const struct manifest *manifest, const struct manifest_part *part)
{
	const struct manifest_part *last = manifest_last_increment(manifest);
	if (manifest->count == MANIFEST_PARTS_MAX)
		return "too many files";
	if (part->type == PART_BASE && manifest_base(manifest))
		return "a second base";
	if (part->type == PART_INCREMENT && last && part->number <= last->number)
		return "\"seq\" does not rise";
	for (size_t i = 0; i < manifest->count; i++)
		if (strcmp(manifest->parts[i].name, part->name) == 0)
			return "a file comes twice";
	return NULL;
}

/* `line` has `len` bytes and then a newline, unless it is the last. */
static const char *take_line(struct manifest *manifest, const char *line, size_t len, bool is_ended)
{
	char copy[MANIFEST_LINE_BYTES];
	struct manifest_part part;
	if (len >= MANIFEST_LINE_BYTES)
		return "the line is too long";
	if (memchr(line, '\0', len))
		return "a NUL byte";
	if (len > 0 && line[0] == '#')
		return NULL;
	if (!is_ended)
		return "the line has no end";
	memcpy(copy, line, len);
	const char *wrong = parse_line(copy, len, &part);
	if (!wrong)
		wrong = check_place(manifest, &part);
	if (!wrong)
		manifest_add(manifest, &part);
	return wrong;
}

bool manifest_parse(const void *text, size_t len, struct manifest *out_manifest, struct manifest_error *out_error)
{
	const char *at = text, *end = at + len;
	*out_manifest = (struct manifest){ 0 };
	*out_error = (struct manifest_error){ 0, len == 0 ? "the file is empty" : NULL };
	while (at < end && !out_error->reason) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		out_error->line++;
		out_error->reason = take_line(out_manifest, at, (size_t)(stop - at), newline != NULL);
		at = newline ? newline + 1 : end;
	}
	if (!out_error->reason)
		return true;
	manifest_fini(out_manifest);
	return false;
}

/* ---- printing ---- */

static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\';
}

static void print_quoted(const char *name, struct buffer *out)
{
	buffer_append(out, "\"", 1);
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;
		if (is_plain(c) || c == ' ' || c == '\'')
			buffer_append(out, name, 1);
		else if (c == '"')
			buffer_append(out, "\\\"", 2);
		else
			buffer_printf(out, "\\x%02x", c);
	}
	buffer_append(out, "\"", 1);
}

static void print_name(const char *name, struct buffer *out)
{
	size_t plain = 0;
	while (is_plain((unsigned char)name[plain]))
		plain++;
	if (plain > 0 && !name[plain])
		buffer_append(out, name, plain);
	else
		print_quoted(name, out);
}

static bool print_part(const struct manifest_part *part, struct buffer *out)
{
	size_t start = out->len;
	buffer_append(out, "file ", 5);
	print_name(part->name, out);
	buffer_printf(out, " seq %" PRId64 " type %c", part->number, (char)part->type);
	if (part->has_id)
		buffer_printf(out, " qcache-id %016" PRIx64, part->id);
	if (part->has_sequence)
		buffer_printf(out, " qcache-sequence %" PRIu64, part->sequence);
	buffer_append(out, "\n", 1);
	return out->len - start <= MANIFEST_LINE_BYTES;
}

bool manifest_print(const struct manifest *manifest, struct buffer *out)
{
	static const enum part_type order[] = { PART_BASE, PART_HISTORY, PART_INCREMENT }; /* as Redis does */
	bool fits = true;
	if (manifest->count == 0)
		buffer_printf(out, "# no files yet\n");
	for (size_t type = 0; type < sizeof(order) / sizeof(order[0]); type++)
		for (size_t i = 0; i < manifest->count; i++)
			if (manifest->parts[i].type == order[type])
				fits &= print_part(&manifest->parts[i], out);
	if (out->failed)
		crash_out_of_memory("the log's manifest");
	return fits;
}

#include "client/cli/tally.h"

#include <ctype.h>

/* More than any server accepts, as number of arguments or length of one. */
#define NUMBER_MAX INT32_MAX

static void begin_command(struct tally *t, char c)
{
	if (c == '\n')
		return;
	t->state = c == '*' ? TALLY_ARGUMENTS : TALLY_LINE;
	t->number = 0;
	t->is_negative = false;
	t->has_text = !isspace((unsigned char)c);
}

static void take_line(struct tally *t, char c)
{
	t->has_text |= !isspace((unsigned char)c);
	if (c != '\n')
		return;
	/* An empty line gets no reply. */
	t->commands += t->has_text;
	t->state = TALLY_BETWEEN;
}

/* True at the end of the number's line. */
static bool take_digit(struct tally *t, char c)
{
	if (isdigit((unsigned char)c) && t->number <= NUMBER_MAX)
		t->number = t->number * 10 + (c - '0');
	else if (c == '-')
		t->is_negative = true;
	else if (c != '\r' && c != '\n')
		t->state = TALLY_BROKEN;
	return c == '\n';
}

static void take_arguments(struct tally *t, char c)
{
	if (!take_digit(t, c))
		return;
	/* An empty array gets no reply. */
	t->arguments = t->is_negative ? 0 : t->number;
	t->state = t->arguments ? TALLY_MARK : TALLY_BETWEEN;
}

static void take_length(struct tally *t, char c)
{
	if (!take_digit(t, c))
		return;
	t->bytes = t->number + 2;
	t->state = t->is_negative ? TALLY_BROKEN : TALLY_BYTES;
}

static void begin_length(struct tally *t, char c)
{
	t->state = c == '$' ? TALLY_LENGTH : TALLY_BROKEN;
	t->number = 0;
}

/* The number of these bytes that belong to the current argument. */
static size_t skip_bytes(struct tally *t, size_t len)
{
	size_t n = (uint64_t)t->bytes < len ? (size_t)t->bytes : len;

	t->bytes -= (int64_t)n;
	if (t->bytes)
		return n;
	t->arguments--;
	t->commands += t->arguments == 0;
	t->state = t->arguments ? TALLY_MARK : TALLY_BETWEEN;
	return n;
}

void tally_add(struct tally *t, const char *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		switch (t->state) {
		case TALLY_BETWEEN:
			begin_command(t, data[at++]);
			break;
		case TALLY_LINE:
			take_line(t, data[at++]);
			break;
		case TALLY_ARGUMENTS:
			take_arguments(t, data[at++]);
			break;
		case TALLY_MARK:
			begin_length(t, data[at++]);
			break;
		case TALLY_LENGTH:
			take_length(t, data[at++]);
			break;
		case TALLY_BYTES:
			at += skip_bytes(t, len - at);
			break;
		case TALLY_BROKEN:
			return;
		}
	}
}

bool tally_is_inside(const struct tally *t)
{
	return t->state != TALLY_BETWEEN && t->state != TALLY_LINE;
}

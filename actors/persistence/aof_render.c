/*
 * A command is a few steps. Each step writes fixed text and then a field of the effect as a bulk string:
 *
 *   "*3\r\n$3\r\nSET\r\n" key, "" value
 */
#include "actors/persistence/aof_render.h"

#include "storage/keyspace.h"
#include "transport/decimal.h"

#define STEPS_MAX 4
/* The longest fixed text of a step; a longer one does not compile. */
#define STEP_TEXT_MAX 24
/* "$<length>\r\n" before a field and "\r\n" after it. */
#define BULK_FRAME_MAX (1 + DECIMAL_MAX_BYTES + 2 + 2)
/* A command without its strings. */
#define COMMAND_OVERHEAD_MAX (STEPS_MAX * (STEP_TEXT_MAX + BULK_FRAME_MAX + DECIMAL_MAX_BYTES))

enum field { NO_FIELD, KEY, OTHER_KEY, VALUE, NUMBER, DATABASE };

struct step {
	char text[STEP_TEXT_MAX];
	uint8_t len, field;
};
#define STEP(text, field) { text, sizeof(text) - 1, field }

struct form {
	struct step steps[STEPS_MAX];
	uint8_t count; /* 0: no text */
};
#define FORM(...) { { __VA_ARGS__ }, sizeof((struct step[]){ __VA_ARGS__ }) / sizeof(struct step) }

#define DEL FORM(STEP("*2\r\n$3\r\nDEL\r\n", KEY))
#define SET FORM(STEP("*3\r\n$3\r\nSET\r\n", KEY), STEP("", VALUE))

static const struct form forms[EFFECT_TYPES] = {
	[EFFECT_SET] = SET,
	[EFFECT_INCRBY] = FORM(STEP("*3\r\n$6\r\nINCRBY\r\n", KEY), STEP("", NUMBER)),
	[EFFECT_INCRBYFLOAT] = SET, /* the sum, as Redis writes it: another machine may add differently */
	[EFFECT_APPEND] = FORM(STEP("*3\r\n$6\r\nAPPEND\r\n", KEY), STEP("", VALUE)),
	[EFFECT_SETRANGE] = FORM(STEP("*4\r\n$8\r\nSETRANGE\r\n", KEY), STEP("", NUMBER), STEP("", VALUE)),
	[EFFECT_DEL] = DEL,
	[EFFECT_RENAME] = FORM(STEP("*3\r\n$6\r\nRENAME\r\n", KEY), STEP("", OTHER_KEY)),
	[EFFECT_MOVE] = FORM(STEP("*3\r\n$4\r\nMOVE\r\n", KEY), STEP("", NUMBER)),
	[EFFECT_COPY] = FORM(STEP("*6\r\n$4\r\nCOPY\r\n", KEY), STEP("", OTHER_KEY), STEP("$2\r\nDB\r\n", NUMBER),
			     STEP("$7\r\nREPLACE\r\n", NO_FIELD)),
	[EFFECT_EXPIRE] = FORM(STEP("*3\r\n$9\r\nPEXPIREAT\r\n", KEY), STEP("", NUMBER)),
	[EFFECT_PERSIST] = FORM(STEP("*2\r\n$7\r\nPERSIST\r\n", KEY)),
	[EFFECT_EXPIRED] = DEL,
	[EFFECT_EVICTED] = DEL,
	[EFFECT_FLUSHDB] = FORM(STEP("*1\r\n$7\r\nFLUSHDB\r\n", NO_FIELD)),
	[EFFECT_SWAPDB] = FORM(STEP("*3\r\n$6\r\nSWAPDB\r\n", DATABASE), STEP("", NUMBER)),
	[EFFECT_FLUSHALL] = FORM(STEP("*1\r\n$8\r\nFLUSHALL\r\n", NO_FIELD)),
};
static const struct form set_until = FORM(STEP("*5\r\n$3\r\nSET\r\n", KEY), STEP("", VALUE), STEP("$4\r\nPXAT\r\n", NUMBER));
static const struct form select_database = FORM(STEP("*2\r\n$6\r\nSELECT\r\n", DATABASE));
static const struct form multi = FORM(STEP("*1\r\n$5\r\nMULTI\r\n", NO_FIELD));
static const struct form exec = FORM(STEP("*1\r\n$4\r\nEXEC\r\n", NO_FIELD));

/* ---- each returns the end of what it wrote; the caller has reserved memory ---- */

static uint8_t *put_text(uint8_t *at, const void *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static uint8_t *put_bulk_head(uint8_t *at, size_t len)
{
	*at++ = '$';
	at += decimal_format_uint64((char *)at, len);
	return put_text(at, "\r\n", 2);
}

static uint8_t *put_bulk(uint8_t *at, struct slice string)
{
	at = put_bulk_head(at, string.len);
	if (string.len)
		at = put_text(at, string.data, string.len);
	return put_text(at, "\r\n", 2);
}

static uint8_t *put_number(uint8_t *at, int64_t number)
{
	char digits[DECIMAL_MAX_BYTES];
	return put_bulk(at, slice_of(digits, decimal_format_int64(digits, number)));
}

/* A blob is referred to. It comes between bytes, so those before it must be in the text by then. */
static uint8_t *put_value(struct aof_text *out, uint8_t *at, const struct effect *effect)
{
	if (!effect->blob)
		return put_bulk(at, effect->value);
	aof_text_written_to(out, put_bulk_head(at, effect->blob->len));
	aof_text_refer(out, effect->blob);
	return put_text(out->bytes.data + out->bytes.len, "\r\n", 2);
}

static uint8_t *put_field(struct aof_text *out, uint8_t *at, enum field field, const struct effect *effect)
{
	switch (field) {
	case KEY: return put_bulk(at, effect->key);
	case OTHER_KEY: return put_bulk(at, effect->other_key);
	case VALUE: return put_value(out, at, effect);
	case NUMBER: return put_number(at, effect->number);
	case DATABASE: return put_number(at, effect->database);
	case NO_FIELD: break;
	}
	return at;
}

/* ---- commands ---- */

static void render(const struct form *form, const struct effect *effect, struct aof_text *out)
{
	size_t strings = effect->key.len + effect->other_key.len + (effect->blob ? 0 : effect->value.len);
	uint8_t *at = aof_text_reserve(out, COMMAND_OVERHEAD_MAX + strings);
	for (const struct step *step = form->steps, *end = step + form->count; step < end; step++)
		at = put_field(out, put_text(at, step->text, step->len), (enum field)step->field, effect);
	aof_text_written_to(out, at);
}

static bool sets_expiring_value(const struct effect *effect)
{
	return (effect->type == EFFECT_SET || effect->type == EFFECT_INCRBYFLOAT) && effect->number != NO_EXPIRY;
}

static void render_effect(struct aof_renderer *renderer, const struct effect *effect, struct aof_text *out)
{
	const struct form *form = sets_expiring_value(effect) ? &set_until : &forms[effect->type];
	if (form->count == 0)
		return;
	if (effect->database != renderer->database) {
		render(&select_database, effect, out);
		renderer->database = effect->database;
	}
	render(form, effect, out);
}

void aof_renderer_init(struct aof_renderer *renderer)
{
	*renderer = (struct aof_renderer){ .database = -1, .time_s = -1 };
}

void aof_render_frame(struct aof_renderer *renderer, struct frame_reader *reader, const struct frame *frame, struct aof_text *out)
{
	static const struct effect nothing;
	struct effect effect;
	if (frame->effects > 1)
		render(&multi, &nothing, out);
	while (frame_next_effect(reader, &effect))
		render_effect(renderer, &effect, out);
	if (frame->effects > 1)
		render(&exec, &nothing, out);
}

void aof_render_timestamp(struct aof_renderer *renderer, int64_t time_ms, struct aof_text *out)
{
	int64_t time_s = time_ms / 1000;
	if (time_s == renderer->time_s)
		return;
	renderer->time_s = time_s;
	uint8_t *at = put_text(aof_text_reserve(out, 4 + DECIMAL_MAX_BYTES + 2), "#TS:", 4);
	at += decimal_format_int64((char *)at, time_s);
	aof_text_written_to(out, put_text(at, "\r\n", 2));
}

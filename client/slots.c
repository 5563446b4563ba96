#include "client/slots.h"

#include <stdio.h>

#include "client/error.h"
#include "client/request.h"
#include "client/table.h"
#include "transport/decimal.h"

/* CRC-16/XMODEM: polynomial 0x1021, initial value 0, not reflected. Takes 4 bits at a time, to keep the table small. */
static uint16_t crc16(const uint8_t *data, size_t len)
{
	static const uint16_t halves[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
					    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
	uint16_t crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc = (uint16_t)(crc << 4) ^ halves[(crc >> 12) ^ (data[i] >> 4)];
		crc = (uint16_t)(crc << 4) ^ halves[(crc >> 12) ^ (data[i] & 15)];
	}
	return crc;
}

int slot_of_key(const void *key, size_t len)
{
	const uint8_t *open = memchr(key, '{', len), *begin = key;

	if (open) {
		const uint8_t *tag = open + 1, *close = memchr(tag, '}', len - (size_t)(tag - begin));
		/* An empty tag does not count. */
		if (close && close > tag)
			return crc16(tag, (size_t)(close - tag)) % SLOT_COUNT;
	}
	return crc16(begin, len) % SLOT_COUNT;
}

bool slot_add(int *slot, int more)
{
	if (*slot == SLOT_ANY)
		*slot = more;
	return more == SLOT_ANY || more == *slot;
}

qc_error error_crossslot(const char *what)
{
	char text[160];

	snprintf(text, sizeof(text), "CROSSSLOT %s has keys in several slots of the cluster; keys with the same {tag} are in one slot", what);
	return error_server(text, strlen(text));
}

/* State of a walk over the keys of a command. */
struct walk {
	qc_args args;
	int slot;
	bool is_split;
};

static void add(struct walk *w, size_t index)
{
	if (index >= w->args.count || arg_is_missing(&w->args.items[index]))
		return;
	const qc_arg *key = &w->args.items[index];
	w->is_split |= !slot_add(&w->slot, slot_of_key(arg_data(key), key->len));
}

static bool is_word(const qc_arg *arg, const char *word)
{
	return !arg_is_missing(arg) && text_spells(arg_data(arg), arg->len, word);
}

static void add_counted(struct walk *w, size_t count_at)
{
	uint64_t count = 0;

	/* The server refuses an invalid number. */
	if (count_at >= w->args.count || arg_is_missing(&w->args.items[count_at]) ||
	    !decimal_parse_uint64(arg_data(&w->args.items[count_at]), w->args.items[count_at].len, &count))
		return;
	for (size_t i = count_at + 1; i < w->args.count && i - count_at <= count; i++)
		add(w, i);
}

static void add_stored(struct walk *w)
{
	for (size_t i = 2; i + 1 < w->args.count; i++)
		if (is_word(&w->args.items[i], "STORE") || is_word(&w->args.items[i], "STOREDIST"))
			add(w, i + 1);
}

/* STREAMS is followed by the keys, and then by as many IDs. */
static void add_streams(struct walk *w)
{
	size_t first = 1;

	while (first < w->args.count && !is_word(&w->args.items[first], "STREAMS"))
		first++;
	first++;
	for (size_t i = first; i < w->args.count && i < first + (w->args.count - first) / 2; i++)
		add(w, i);
}

static void add_all(struct walk *w, const struct command_keys *keys)
{
	size_t last = keys->last < 0 ? w->args.count - (size_t)-keys->last : (size_t)keys->last;

	for (size_t i = (size_t)keys->first; keys->first && i <= last && i < w->args.count; i += keys->step)
		add(w, i);
	if (keys->count_at)
		add_counted(w, keys->count_at);
	if (keys->word == KEY_WORD_STORE)
		add_stored(w);
	else if (keys->word == KEY_WORD_STREAMS)
		add_streams(w);
}

/* For commands that are not in the table, such as those of modules. */
static const struct command_keys first_argument = {.first = 1, .last = 1, .step = 1};

qc_error slot_of_command(qc_args args, int *out_slot)
{
	struct walk w = {.args = args, .slot = SLOT_ANY};
	const qc_table_entry *entry = request_entry(args);
	char name[32];

	add_all(&w, entry ? table_keys(entry) : &first_argument);
	*out_slot = w.slot;
	if (!w.is_split)
		return no_error();
	request_name(args, name, sizeof(name));
	return error_crossslot(name);
}

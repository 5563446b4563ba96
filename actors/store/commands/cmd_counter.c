/*
 * Commands for numbers stored as strings.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/store/commands/handlers.h"
#include "transport/decimal.h"

/* ---- integers ---- */

/* The number in an entry, 0 without an entry. False: the error reply has been written. */
static bool read_counter(struct call *call, const struct entry *entry, int64_t *out_value)
{
	*out_value = 0;
	if (!entry)
		return true;
	if (entry_type(entry) != ENTRY_STRING) {
		reply_wrong_type(call);
		return false;
	}
	struct slice text = entry_string(entry);
	if (decimal_parse_int64(text.data, text.len, out_value))
		return true;
	reply_error(call, "ERR value is not an integer or out of range");
	return false;
}

static bool write_counter(struct call *call, struct entry *entry, int64_t value)
{
	char text[DECIMAL_MAX_BYTES];
	struct slice written = slice_of(text, decimal_format_int64(text, value));
	if (entry && keyspace_rewrite_string(call_own_keyspace(call), entry, written))
		return true;
	return call_set_string(call, 1, written, KEYSPACE_KEEP_TTL, &entry) == KEYSPACE_OK;
}

static void add_to_counter(struct call *call, int64_t delta)
{
	int64_t value;
	struct entry *entry = call_find(call, 1);
	if (!read_counter(call, entry, &value))
		return;
	if (__builtin_add_overflow(value, delta, &value)) {
		reply_error(call, "ERR increment or decrement would overflow");
		return;
	}
	if (!write_counter(call, entry, value)) {
		reply_no_memory(call);
		return;
	}
	if (call_effects_are_taken(call))
		call_effect(call, &(struct effect){
					  .type = EFFECT_INCRBY, .key = call_arg(call, 1), .number = delta, .result = value });
	else
		call_count_effect(call, EFFECT_INCRBY);
	reply_integer(call, value);
}

void cmd_incr(struct call *call)
{
	add_to_counter(call, 1);
}

void cmd_decr(struct call *call)
{
	add_to_counter(call, -1);
}

void cmd_incrby(struct call *call)
{
	int64_t delta;
	if (call_arg_int64(call, 2, &delta))
		add_to_counter(call, delta);
}

void cmd_decrby(struct call *call)
{
	int64_t delta;
	if (!call_arg_int64(call, 2, &delta))
		return;
	if (delta == INT64_MIN)
		reply_error(call, "ERR decrement would overflow");
	else
		add_to_counter(call, -delta);
}

/* ---- floating-point numbers ---- */

/* The sum of the number in the key, 0 without the key, and the argument. False: the error reply has been written. */
static bool add_fraction(struct call *call, long double *out_sum)
{
	long double value, delta;
	struct entry *entry;
	if (!call_find_string(call, 1, &entry))
		return false;
	struct slice present = entry ? entry_string(entry) : slice_of("0", 1), added = call_arg(call, 2);
	if (!decimal_parse_long_double(present.data, present.len, &value) ||
	    !decimal_parse_long_double(added.data, added.len, &delta)) {
		reply_error(call, "ERR value is not a valid float");
		return false;
	}
	*out_sum = value + delta;
	if (!isnan(*out_sum) && !isinf(*out_sum))
		return true;
	reply_error(call, "ERR increment would produce NaN or Infinity");
	return false;
}

void cmd_incrbyfloat(struct call *call)
{
	long double sum;
	char text[DECIMAL_LONG_DOUBLE_ROOM];
	struct entry *entry;
	if (!add_fraction(call, &sum))
		return;
	struct slice written = slice_of(text, decimal_format_long_double(text, sum));
	if (call_set_string(call, 1, written, KEYSPACE_KEEP_TTL, &entry) != KEYSPACE_OK) {
		reply_no_memory(call);
		return;
	}
	entry_note_string_origin(entry, STRING_COMPUTED);
	call_effect_value(call, EFFECT_INCRBYFLOAT, call->session->database, 1, entry);
	reply_bulk(call, written);
}

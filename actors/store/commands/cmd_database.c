/*
 * Commands for whole databases.
 */
#include <limits.h>

#include "actors/store/commands/handlers.h"
#include "transport/decimal.h"

bool call_arg_database(struct call *call, uint32_t index, uint32_t *out_database)
{
	int64_t number;
	if (!call_arg_int64(call, index, &number))
		return false;
	if (number < INT_MIN || number > INT_MAX) {
		reply_errorf(call, "ERR value is out of range, value must between %d and %d", INT_MIN, INT_MAX);
		return false;
	}
	if (number < 0 || number >= store_databases(call->store)->count) {
		reply_error(call, "ERR DB index is out of range");
		return false;
	}
	*out_database = (uint32_t)number;
	return true;
}

void cmd_select(struct call *call)
{
	if (call_arg_database(call, 1, &call->session->database))
		reply_ok(call);
}

void cmd_dbsize(struct call *call)
{
	reply_integer(call, (int64_t)keyspace_count(call_keyspace(call)));
}

/* False: the error reply has been written. The reaper always frees the keys, so ASYNC and SYNC do the same. */
static bool check_flush_type(struct call *call)
{
	if (call->argc == 1 || (call->argc == 2 && (call_arg_is(call, 1, "ASYNC") || call_arg_is(call, 1, "SYNC"))))
		return true;
	reply_syntax_error(call);
	return false;
}

void cmd_flushdb(struct call *call)
{
	if (!check_flush_type(call))
		return;
	if (store_flush(call->store, call->session->database) != KEYSPACE_OK) {
		reply_no_memory(call);
		return;
	}
	call_effect(call, &(struct effect){ .type = EFFECT_FLUSHDB });
	reply_ok(call);
}

void cmd_flushall(struct call *call)
{
	if (!check_flush_type(call))
		return;
	if (store_flush_all(call->store) != KEYSPACE_OK) {
		reply_no_memory(call);
		return;
	}
	call_effect(call, &(struct effect){ .type = EFFECT_FLUSHALL });
	reply_ok(call);
}

/* ---- SWAPDB ---- */

static bool parse_swapped(struct call *call, uint32_t index, const char *error, int64_t *out_number)
{
	struct slice arg = call_arg(call, index);
	if (decimal_parse_int64(arg.data, arg.len, out_number) && *out_number >= INT_MIN && *out_number <= INT_MAX)
		return true;
	reply_error(call, error);
	return false;
}

void cmd_swapdb(struct call *call)
{
	int64_t a, b, count = store_databases(call->store)->count;
	if (!parse_swapped(call, 1, "ERR invalid first DB index", &a) ||
	    !parse_swapped(call, 2, "ERR invalid second DB index", &b))
		return;
	if (a < 0 || b < 0 || a >= count || b >= count) {
		reply_error(call, "ERR DB index is out of range");
		return;
	}
	if (a != b) {
		store_swap(call->store, (uint32_t)a, (uint32_t)b);
		call_effect_in(call, (uint32_t)a, &(struct effect){ .type = EFFECT_SWAPDB, .number = b });
	}
	reply_ok(call);
}

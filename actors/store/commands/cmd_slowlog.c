#include "actors/store/commands/handlers.h"
#include "transport/decimal.h"

#define SHOWN_UNLESS_ASKED 10

static void reply_entry_of_log(struct call *call, const struct slow_entry *entry)
{
	reply_array(call, 6);
	reply_integer(call, (int64_t)entry->id);
	reply_integer(call, entry->when_s);
	reply_integer(call, (int64_t)entry->duration_us);
	reply_array(call, entry->argc);
	for (uint32_t i = 0; i < entry->argc; i++)
		reply_bulk(call, entry->argv[i]);
	reply_bulk(call, entry->address);
	reply_bulk(call, entry->name);
}

void cmd_slowlog_get(struct call *call)
{
	const struct slowlog *log = store_slowlog(call->store);
	int64_t wanted = SHOWN_UNLESS_ASKED;
	if (call->argc > 3) {
		reply_subcommand_error(call);
		return;
	}
	if (call->argc == 3) {
		struct slice arg = call_arg(call, 2);
		if (!decimal_parse_int64(arg.data, arg.len, &wanted) || wanted < -1) {
			reply_error(call, "ERR count should be greater than or equal to -1");
			return;
		}
	}
	uint64_t count = wanted < 0 || (uint64_t)wanted > log->count ? log->count : (uint64_t)wanted;
	const struct slow_entry *entry = log->newest;
	reply_array(call, count);
	for (uint64_t i = 0; i < count; i++, entry = entry->older)
		reply_entry_of_log(call, entry);
}

void cmd_slowlog_len(struct call *call)
{
	reply_integer(call, (int64_t)store_slowlog(call->store)->count);
}

void cmd_slowlog_reset(struct call *call)
{
	slowlog_trim(store_slowlog(call->store), 0);
	reply_ok(call);
}

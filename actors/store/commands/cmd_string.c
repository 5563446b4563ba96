/*
 * Commands that read strings or change part of a string.
 */
#include <string.h>

#include "actors/store/commands/handlers.h"
#include "storage/types/string.h"
#include "transport/decimal.h"

/* ---- reading ---- */

void cmd_get(struct call *call)
{
	struct entry *entry;
	if (!call_find_string(call, 1, &entry))
		return;
	if (entry)
		reply_entry(call, entry);
	else
		reply_null(call);
}

void cmd_mget(struct call *call)
{
	reply_array(call, call->argc - 1);
	for (uint32_t i = 1; i < call->argc && !reply_is_cut(call); i++) {
		struct entry *entry = call_find(call, i);
		if (entry && entry_type(entry) == ENTRY_STRING)
			reply_entry(call, entry);
		else
			reply_null(call);
	}
}

void cmd_strlen(struct call *call)
{
	struct entry *entry;
	if (call_find_string(call, 1, &entry))
		reply_integer(call, entry ? (int64_t)entry_string(entry).len : 0);
}

void cmd_getdel(struct call *call)
{
	struct entry *entry;
	if (!call_read_string(call, 1, &entry))
		return;
	if (!entry) {
		reply_null(call);
		return;
	}
	reply_entry(call, entry);
	call_remove(call, 1);
}

void cmd_delifeq(struct call *call)
{
	struct entry *entry;
	if (!call_find_string(call, 1, &entry))
		return;
	bool removes = entry && slice_equal(entry_string(entry), call_arg(call, 2));
	if (removes)
		call_remove(call, 1);
	reply_integer(call, removes);
}

/* ---- a range ---- */

/* As in Redis: negative positions count from the end, and the range is cut to the string. */
static struct slice range_of(struct slice text, int64_t start, int64_t end)
{
	int64_t len = (int64_t)text.len;
	if (start < 0 && end < 0 && start > end)
		return slice_of(NULL, 0);
	start = start < 0 ? start + len : start;
	end = end < 0 ? end + len : end;
	start = start < 0 ? 0 : start;
	end = end < 0 ? 0 : end;
	end = end >= len ? len - 1 : end;
	if (len == 0 || start > end)
		return slice_of(NULL, 0);
	return slice_of(text.data + start, (size_t)(end - start + 1));
}

void cmd_getrange(struct call *call)
{
	int64_t start, end;
	struct entry *entry;
	if (!call_arg_int64(call, 2, &start) || !call_arg_int64(call, 3, &end) || !call_find_string(call, 1, &entry))
		return;
	struct slice range = entry ? range_of(entry_string(entry), start, end) : slice_of(NULL, 0);
	if (entry && entry_blob(entry) && range.len == entry_string(entry).len)
		reply_entry(call, entry);
	else
		reply_bulk(call, range);
}

/* ---- writing a part ---- */

static bool is_too_long(const struct call *call, uint64_t offset, uint64_t more)
{
	return offset + more > (uint64_t)store_config(call->store)->proto_max_bulk_len;
}

static void reply_too_long(struct call *call)
{
	reply_error(call, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
}

/* Before APPEND and SETRANGE, which write argument `bytes_index`. A negative offset is the end. What they will refuse needs nothing. */
static void need_of_patch(const struct call *call, int64_t offset, uint32_t bytes_index, struct memory_need *need)
{
	const struct entry *entry = keyspace_find(call_keyspace(call), call_arg(call, 1), call_hash(call, 1), call->now_ms);
	struct string_patch patch = { .bytes = call_arg(call, bytes_index) };
	*need = (struct memory_need){ 0 };
	if (entry && entry_type(entry) != ENTRY_STRING)
		return;
	patch.offset = offset >= 0 ? (size_t)offset : entry ? entry_string(entry).len : 0;
	if (patch.bytes.len == 0 || is_too_long(call, patch.offset, patch.bytes.len))
		return;
	need->growth = string_patch_growth(&patch, entry);
	need->values = need->growth + (entry ? entry_freed_bytes(entry) : 0);
}

void need_of_append(const struct call *call, struct memory_need *need)
{
	need_of_patch(call, -1, 2, need);
}

void need_of_setrange(const struct call *call, struct memory_need *need)
{
	int64_t offset;
	if (decimal_parse_int64(call->argv[2].data, call->argv[2].len, &offset) && offset >= 0)
		need_of_patch(call, offset, 3, need);
	else
		*need = (struct memory_need){ 0 };
}

/* APPEND and SETRANGE after their checks. The patch's bytes are argument `bytes_index`. */
static void write_part(struct call *call, const struct string_patch *patch, struct entry *entry, uint32_t bytes_index,
		       struct effect *effect)
{
	size_t len = string_patched_len(patch, entry ? entry_string(entry).len : 0);
	struct keyspace *keyspace = call_own_keyspace(call);
	if (!keyspace || string_apply_patch(keyspace, call_arg(call, 1), call_hash(call, 1), entry, patch) != KEYSPACE_OK) {
		reply_no_memory(call);
		return;
	}
	effect->key = call_arg(call, 1);
	if (call->argv[bytes_index].is_large)
		effect->blob = blob_from_data(patch->bytes.data);
	else
		effect->value = patch->bytes;
	effect->result = (int64_t)len;
	call_effect(call, effect);
	reply_integer(call, (int64_t)len);
}

void cmd_append(struct call *call)
{
	struct string_patch patch = { .bytes = call_arg(call, 2) };
	struct entry *entry;
	if (!call_find_string(call, 1, &entry))
		return;
	patch.origin = entry ? STRING_PATCHED : STRING_GIVEN;
	patch.offset = entry ? entry_string(entry).len : 0;
	if (entry && is_too_long(call, patch.offset, patch.bytes.len))
		reply_too_long(call);
	else
		write_part(call, &patch, entry, 2, &(struct effect){ .type = EFFECT_APPEND });
}

void cmd_setrange(struct call *call)
{
	struct string_patch patch = { .bytes = call_arg(call, 3), .origin = STRING_PATCHED };
	struct entry *entry;
	int64_t offset;
	if (!call_arg_int64(call, 2, &offset))
		return;
	if (offset < 0) {
		reply_error(call, "ERR offset is out of range");
		return;
	}
	if (!call_find_string(call, 1, &entry))
		return;
	if (patch.bytes.len == 0) {
		reply_integer(call, entry ? (int64_t)entry_string(entry).len : 0);
		return;
	}
	if (is_too_long(call, (uint64_t)offset, patch.bytes.len)) {
		reply_too_long(call);
		return;
	}
	patch.offset = (size_t)offset;
	write_part(call, &patch, entry, 3, &(struct effect){ .type = EFFECT_SETRANGE, .number = offset });
}

/*
 * Commands that set and return times to live.
 */
#include <string.h>

#include "actors/store/commands/handlers.h"

/* ---- setting ---- */

enum expire_flags {
	EXPIRE_NX = 1 << 0,
	EXPIRE_XX = 1 << 1,
	EXPIRE_GT = 1 << 2,
	EXPIRE_LT = 1 << 3,
};

static bool parse_expire_flags(struct call *call, uint32_t *out_flags)
{
	static const char *const words[] = { "NX", "XX", "GT", "LT" };
	uint32_t flags = 0;
	for (uint32_t i = 3; i < call->argc; i++) {
		uint32_t known = 0;
		while (known < 4 && !call_arg_is(call, i, words[known]))
			known++;
		if (known == 4) {
			struct slice option = call_arg(call, i);
			int len = (int)strnlen((const char *)option.data, option.len);
			reply_errorf(call, "ERR Unsupported option %.*s", len, option.data);
			return false;
		}
		flags |= 1u << known;
	}
	*out_flags = flags;
	if ((flags & EXPIRE_NX) && (flags & ~(uint32_t)EXPIRE_NX))
		reply_error(call, "ERR NX and XX, GT or LT options at the same time are not compatible");
	else if ((flags & EXPIRE_GT) && (flags & EXPIRE_LT))
		reply_error(call, "ERR GT and LT options at the same time are not compatible");
	else
		return true;
	return false;
}

/* For GT and LT, a key without a time to live counts as infinite. */
static bool expire_flags_allow(uint32_t flags, int64_t present_ms, int64_t when_ms)
{
	bool has_expiry = present_ms != NO_EXPIRY;
	return !((flags & EXPIRE_NX) && has_expiry) && !((flags & EXPIRE_XX) && !has_expiry) &&
	       !((flags & EXPIRE_GT) && (!has_expiry || when_ms <= present_ms)) &&
	       !((flags & EXPIRE_LT) && has_expiry && when_ms >= present_ms);
}

/* A time in the past removes the key. */
static void expire_entry(struct call *call, struct entry *entry, int64_t when_ms)
{
	if (when_ms <= call->now_ms) {
		call_remove(call, 1);
	} else if (keyspace_set_expiry(call_own_keyspace(call), &entry, when_ms) == KEYSPACE_OK) {
		call_effect(call, &(struct effect){ .type = EFFECT_EXPIRE, .key = call_arg(call, 1), .number = when_ms });
	} else {
		reply_no_memory(call);
		return;
	}
	reply_integer(call, 1);
}

static void expire_generic(struct call *call, int64_t unit_ms, int64_t base_ms)
{
	uint32_t flags;
	int64_t number, when_ms;
	if (!parse_expire_flags(call, &flags) || !call_arg_int64(call, 2, &number))
		return;
	if (!expiry_from_number(number, unit_ms, base_ms, &when_ms)) {
		reply_invalid_expiry(call);
		return;
	}
	struct entry *entry = call_find(call, 1);
	if (!entry || !expire_flags_allow(flags, keyspace_expiry_ms(call_keyspace(call), entry), when_ms))
		reply_integer(call, 0);
	else
		expire_entry(call, entry, when_ms);
}

void cmd_expire(struct call *call)
{
	expire_generic(call, 1000, call->now_ms);
}

void cmd_pexpire(struct call *call)
{
	expire_generic(call, 1, call->now_ms);
}

void cmd_expireat(struct call *call)
{
	expire_generic(call, 1000, 0);
}

void cmd_pexpireat(struct call *call)
{
	expire_generic(call, 1, 0);
}

/* ---- reading ---- */

/* Replies -2 without the key, -1 without a time to live. Seconds are rounded to the nearest. */
static void reply_expiry(struct call *call, int64_t unit_ms, int64_t base_ms)
{
	struct entry *entry = call_peek(call, 1);
	int64_t when_ms = entry ? keyspace_expiry_ms(call_keyspace(call), entry) : NO_EXPIRY;
	if (!entry)
		reply_integer(call, -2);
	else if (when_ms == NO_EXPIRY)
		reply_integer(call, -1);
	else
		reply_integer(call, (when_ms - base_ms) / unit_ms + ((when_ms - base_ms) % unit_ms >= (unit_ms + 1) / 2));
}

void cmd_ttl(struct call *call)
{
	reply_expiry(call, 1000, call->now_ms);
}

void cmd_pttl(struct call *call)
{
	reply_expiry(call, 1, call->now_ms);
}

void cmd_expiretime(struct call *call)
{
	reply_expiry(call, 1000, 0);
}

void cmd_pexpiretime(struct call *call)
{
	reply_expiry(call, 1, 0);
}

void cmd_persist(struct call *call)
{
	struct entry *entry = call_find(call, 1);
	if (!entry || !entry_has_expiry(entry)) {
		reply_integer(call, 0);
		return;
	}
	if (keyspace_clear_expiry(call_own_keyspace(call), &entry) != KEYSPACE_OK) {
		reply_no_memory(call);
		return;
	}
	call_effect(call, &(struct effect){ .type = EFFECT_PERSIST, .key = call_arg(call, 1) });
	reply_integer(call, 1);
}

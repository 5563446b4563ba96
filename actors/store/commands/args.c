#include "actors/store/reply.h"
#include "transport/decimal.h"

bool call_arg_is(const struct call *call, uint32_t index, const char *word)
{
	struct slice arg = call_arg(call, index);
	for (size_t i = 0; i < arg.len; i++, word++) {
		uint8_t a = arg.data[i], b = (uint8_t)*word;
		a |= (uint8_t)(a >= 'A' && a <= 'Z') << 5;
		b |= (uint8_t)(b >= 'A' && b <= 'Z') << 5;
		if (a != b || b == 0)
			return false;
	}
	return *word == '\0';
}

bool call_arg_int64(struct call *call, uint32_t index, int64_t *out_value)
{
	struct slice arg = call_arg(call, index);
	if (decimal_parse_int64(arg.data, arg.len, out_value))
		return true;
	reply_error(call, "ERR value is not an integer or out of range");
	return false;
}

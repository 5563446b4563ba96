#include "number.h"

/* The digits of INT64_MIN. */
#define DIGITS_MAX 19

bool number_is_text_of(struct slice text, int64_t *out_value)
{
	uint64_t magnitude = 0;
	bool is_negative = text.len > 0 && text.data[0] == '-';
	size_t digits = text.len - is_negative;
	if (digits == 0 || digits > DIGITS_MAX || (text.data[is_negative] == '0' && (digits > 1 || is_negative)))
		return false;
	for (size_t i = is_negative; i < text.len; i++) {
		unsigned digit = (unsigned)text.data[i] - '0';
		if (digit > 9)
			return false;
		magnitude = magnitude * 10 + digit;
	}
	if (magnitude > (uint64_t)INT64_MAX + is_negative)
		return false;
	*out_value = (int64_t)(is_negative ? -magnitude : magnitude);
	return true;
}

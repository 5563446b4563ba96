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

size_t number_as_text(int64_t value, uint8_t *out_text)
{
	uint8_t digits[DIGITS_MAX];
	uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
	size_t count = 0, len = 0;
	do
		digits[count++] = (uint8_t)('0' + magnitude % 10);
	while (magnitude /= 10);
	if (value < 0)
		out_text[len++] = '-';
	while (count)
		out_text[len++] = digits[--count];
	return len;
}

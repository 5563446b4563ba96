/*
 * Any text as a number. An integer must print as the same text. A fraction must be what strtod and strtold read up to its end. A printed
 * number must be read back as the same number.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/number.h"
#include "transport/decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool is_right)
{
	if (!is_right)
		abort();
}

static void check_whole(const char *text, size_t len)
{
	char again[64], written[DECIMAL_MAX_BYTES];
	int64_t value = 0, same = 0;
	uint64_t without_sign = 0;
	errno = 0;
	long long expected = strtoll(text, NULL, 10);
	bool is_whole = errno == 0 && (size_t)snprintf(again, sizeof(again), "%lld", expected) == len && memcmp(again, text, len) == 0;
	must(decimal_parse_int64(text, len, &value) == is_whole);
	must(number_is_text_of(slice_of(text, len), &same) == is_whole);
	if (is_whole) {
		must(value == expected && same == expected);
		must(decimal_format_int64(written, value) == len && memcmp(written, text, len) == 0);
	}
	errno = 0;
	unsigned long long large = strtoull(text, NULL, 10);
	is_whole = errno == 0 && (size_t)snprintf(again, sizeof(again), "%llu", large) == len && memcmp(again, text, len) == 0;
	must(decimal_parse_uint64(text, len, &without_sign) == is_whole);
	if (is_whole)
		must(without_sign == large && decimal_format_uint64(written, large) == len && memcmp(written, text, len) == 0);
}

static bool begins_well(const char *text, size_t len, size_t most)
{
	return len > 0 && len <= most && !isspace((unsigned char)text[0]);
}

static void check_double(const char *text, size_t len)
{
	char *end, written[DECIMAL_DOUBLE_ROOM];
	double value = 0, again = 0;
	errno = 0;
	double expected = strtod(text, &end);
	bool is_out = errno == ERANGE && (isinf(expected) || expected == 0);
	bool is_number = begins_well(text, len, DECIMAL_DOUBLE_MAX_BYTES) && end == text + len && !isnan(expected) && !is_out;
	must(decimal_parse_double(text, len, &value) == is_number);
	if (!is_number)
		return;
	must(value == expected);
	size_t written_len = decimal_format_double(written, value);
	must(written_len < sizeof(written) && decimal_parse_double(written, written_len, &again) && again == value);
}

/* As INCRBYFLOAT does. */
static void check_long_double(const char *text, size_t len)
{
	static char written[DECIMAL_LONG_DOUBLE_ROOM];
	char *end;
	long double value = 0, again = 0;
	errno = 0;
	long double expected = strtold(text, &end);
	bool is_out = errno == ERANGE && (isinf(expected) || expected == 0);
	bool is_number = begins_well(text, len, DECIMAL_DOUBLE_MAX_BYTES) && end == text + len && !isnan(expected) && !is_out;
	must(decimal_parse_long_double(text, len, &value) == is_number);
	if (!is_number)
		return;
	must(value == expected);
	if (isinf(value))
		return;
	size_t written_len = decimal_format_long_double(written, value);
	must(written_len > 0 && written_len < sizeof(written) && decimal_parse_long_double(written, written_len, &again));
	must(fabsl(again - value) <= fabsl(value) * 1e-15L + 1e-17L);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	memcpy(text, data, len);
	text[len] = '\0';
	check_whole(text, len);
	check_double(text, len);
	check_long_double(text, len);
	free(text);
	return 0;
}

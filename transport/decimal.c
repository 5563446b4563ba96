#include "decimal.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 19 digits suffice for every int64 and can't overflow a uint64, which may have one more. */
#define INT64_DIGITS 19
#define UINT64_DIGITS 20

static bool parse_digits(const uint8_t *digits, size_t len, uint64_t *out_value)
{
	if (len == 0 || len > UINT64_DIGITS || (digits[0] == '0' && len > 1))
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)digits[i] - '0';
		if (digit > 9)
			return false;
		if (i >= INT64_DIGITS && (value > UINT64_MAX / 10 || value * 10 > UINT64_MAX - digit))
			return false;
		value = value * 10 + digit;
	}
	*out_value = value;
	return true;
}

bool decimal_parse_uint64(const void *text, size_t len, uint64_t *out_value)
{
	return parse_digits(text, len, out_value);
}

bool decimal_parse_int64(const void *text, size_t len, int64_t *out_value)
{
	const uint8_t *digits = text;
	bool is_negative = len > 0 && digits[0] == '-';
	uint64_t magnitude;
	if (!parse_digits(digits + is_negative, len - is_negative, &magnitude))
		return false;
	if (is_negative && magnitude == 0)
		return false;
	if (magnitude > (uint64_t)INT64_MAX + is_negative)
		return false;
	*out_value = (int64_t)(is_negative ? -magnitude : magnitude);
	return true;
}

/* After setlocale(), strtod() and printf() may use a comma as the decimal point. */
static locale_t c_locale;

static void make_c_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	/* The C locale is built in, so this can't fail. */
	if (!c_locale)
		abort();
}

static locale_t protocol_locale(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_c_locale);
	return c_locale;
}

/* Copies the text and adds a NUL; false if it can't be a number. */
static bool copy_fraction(const void *text, size_t len, char copy[DECIMAL_DOUBLE_MAX_BYTES + 1])
{
	if (len == 0 || len > DECIMAL_DOUBLE_MAX_BYTES)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return !isspace_l((unsigned char)copy[0], protocol_locale());
}

bool decimal_parse_double(const void *text, size_t len, double *out_value)
{
	char copy[DECIMAL_DOUBLE_MAX_BYTES + 1], *end;
	if (!copy_fraction(text, len, copy))
		return false;
	errno = 0;
	double value = strtod_l(copy, &end, protocol_locale());
	if (end != copy + len || isnan(value))
		return false;
	/* strtod() also reports ERANGE for subnormal results, which are valid. */
	if (errno == ERANGE && (isinf(value) || value == 0))
		return false;
	*out_value = value;
	return true;
}

bool decimal_parse_long_double(const void *text, size_t len, long double *out_value)
{
	char copy[DECIMAL_DOUBLE_MAX_BYTES + 1], *end;
	if (!copy_fraction(text, len, copy))
		return false;
	errno = 0;
	long double value = strtold_l(copy, &end, protocol_locale());
	if (end != copy + len || isnan(value) || (errno == ERANGE && (isinf(value) || value == 0)))
		return false;
	*out_value = value;
	return true;
}

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				  "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				  "8081828384858687888990919293949596979899";

static size_t count_digits(uint64_t value)
{
	size_t digits = 1;
	for (; value >= 100; value /= 100)
		digits += 2;
	return digits + (value >= 10);
}

size_t decimal_format_uint64(char *out, uint64_t value)
{
	size_t len = count_digits(value);
	char *end = out + len;
	for (; value >= 100; value /= 100)
		memcpy(end -= 2, digit_pairs + value % 100 * 2, 2);
	if (value >= 10)
		memcpy(out, digit_pairs + value * 2, 2);
	else
		*out = (char)('0' + value);
	return len;
}

size_t decimal_format_int64(char *out, int64_t value)
{
	if (value >= 0)
		return decimal_format_uint64(out, (uint64_t)value);
	*out = '-';
	return 1 + decimal_format_uint64(out + 1, -(uint64_t)value);
}

size_t decimal_format_double(char *out, double value)
{
	locale_t programs = uselocale(protocol_locale());
	/* 17 digits read back as the same double always, 15 nearly always. */
	int len = snprintf(out, DECIMAL_DOUBLE_ROOM, "%.15g", value);
	double back;
	if (!decimal_parse_double(out, (size_t)len, &back) || back != value)
		len = snprintf(out, DECIMAL_DOUBLE_ROOM, "%.17g", value);
	uselocale(programs);
	return (size_t)len;
}

size_t decimal_format_long_double(char *out, long double value)
{
	locale_t programs = uselocale(protocol_locale());
	int len = snprintf(out, DECIMAL_LONG_DOUBLE_ROOM, "%.17Lf", value);
	uselocale(programs);
	while (len > 0 && out[len - 1] == '0')
		len--;
	if (len > 0 && out[len - 1] == '.')
		len--;
	if (len != 2 || memcmp(out, "-0", 2) != 0)
		return (size_t)len;
	out[0] = '0';
	return 1;
}

/*
 * By table, eight bytes per step: tables[k][b] is the checksum of byte b followed by k zero bytes.
 *
 * By carry-less multiplication, where the CPU has it: 16 bytes per step. With bits reflected, a block of two words (a, b) stands for the
 * polynomial a * x^64 + b. Moving it 128 bits onto the next block multiplies it by x^128, so it may be replaced by
 * a * (x^192 mod P) + b * (x^128 mod P), which fits into a block. The product of two reflected words is reflected with one bit too
 * many, that is, multiplied by x: hence x^191 and x^127 below. The last block's checksum, by table, is that of all.
 */
#include "crc64.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define POLYNOMIAL_REFLECTED 0x95ac9329ac4bc9b5u
#define BLOCK_BYTES 16u
/* Below this the table is faster. */
#define FOLD_MIN_BYTES 64u

static uint64_t tables[8][256];
static bool can_fold;
static uint64_t fold_factors[2];
static pthread_once_t are_made = PTHREAD_ONCE_INIT;

/* The polynomial times x, modulo P. */
static uint64_t times_x(uint64_t value)
{
	return value & 1 ? value >> 1 ^ POLYNOMIAL_REFLECTED : value >> 1;
}

static uint64_t power_of_x(unsigned exponent)
{
	uint64_t value = UINT64_C(1) << 63;
	while (exponent--)
		value = times_x(value);
	return value;
}

static void make_tables(void)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint64_t crc = byte;
		for (int bit = 0; bit < 8; bit++)
			crc = times_x(crc);
		tables[0][byte] = crc;
	}
	for (int k = 1; k < 8; k++)
		for (unsigned byte = 0; byte < 256; byte++)
			tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
	fold_factors[0] = power_of_x(191);
	fold_factors[1] = power_of_x(127);
#ifdef __x86_64__
	can_fold = __builtin_cpu_supports("pclmul");
#endif
}

static uint64_t by_table(uint64_t crc, const uint8_t *at, size_t len)
{
	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word = 0;
		for (int k = 7; k >= 0; k--)
			word = word << 8 | at[k];
		word ^= crc;
		crc = 0;
		for (int k = 0; k < 8; k++)
			crc ^= tables[7 - k][word >> 8 * k & 0xff];
	}
	for (; len > 0; len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 0xff];
	return crc;
}

#ifdef __x86_64__
/* `len` is a multiple of BLOCK_BYTES. */
__attribute__((target("pclmul"))) static uint64_t by_folding(uint64_t crc, const uint8_t *at, size_t len)
{
	uint8_t last[BLOCK_BYTES];
	__m128i factors = _mm_loadu_si128((const __m128i *)(const void *)fold_factors);
	__m128i block = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)at), _mm_cvtsi64_si128((long long)crc));
	for (size_t done = BLOCK_BYTES; done < len; done += BLOCK_BYTES) {
		__m128i moved = _mm_xor_si128(_mm_clmulepi64_si128(block, factors, 0x00), _mm_clmulepi64_si128(block, factors, 0x11));
		block = _mm_xor_si128(moved, _mm_loadu_si128((const __m128i *)(const void *)(at + done)));
	}
	_mm_storeu_si128((__m128i *)(void *)last, block);
	return by_table(0, last, sizeof(last));
}
#else
static uint64_t by_folding(uint64_t crc, const uint8_t *at, size_t len)
{
	return by_table(crc, at, len);
}
#endif

uint64_t crc64(uint64_t crc, const void *data, size_t len)
{
	const uint8_t *at = data;
	pthread_once(&are_made, make_tables);
	if (can_fold && len >= FOLD_MIN_BYTES) {
		size_t blocks = len - len % BLOCK_BYTES;
		crc = by_folding(crc, at, blocks);
		at += blocks;
		len -= blocks;
	}
	return by_table(crc, at, len);
}

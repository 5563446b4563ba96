/*
 * The CPU's instruction takes 8 bytes in 3 cycles. Without it a table of 16 takes half a byte per step, some 20 times slower: the CPUs on which
 * speed matters have the instruction.
 */
#include "actors/persistence/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t bytes)
{
	/* [n]: the checksum of the four bits n */
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *at = data;
	crc = ~crc;
	for (; bytes > 0; bytes--) {
		crc ^= *at++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

#if defined(__x86_64__) || defined(__aarch64__)

#if defined(__x86_64__)

#define TARGET "sse4.2"
#define TAKE_WORD(crc, word) ((uint32_t)_mm_crc32_u64(crc, word))
#define TAKE_BYTE(crc, byte) _mm_crc32_u8(crc, byte)

static int has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}

#else

#define TARGET "+crc"
#define TAKE_WORD(crc, word) __crc32cd(crc, word)
#define TAKE_BYTE(crc, byte) __crc32cb(crc, byte)

static int has_instruction(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

#endif

__attribute__((target(TARGET))) static uint32_t by_instruction(uint32_t crc, const void *data, size_t bytes)
{
	const uint8_t *at = data;
	crc = ~crc;
	for (; bytes >= 8; at += 8, bytes -= 8) {
		uint64_t word;
		memcpy(&word, at, 8);
		crc = TAKE_WORD(crc, word);
	}
	for (; bytes > 0; bytes--)
		crc = TAKE_BYTE(crc, *at++);
	return ~crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes)
{
	return has_instruction() ? by_instruction(crc, data, bytes) : crc32c_portable(crc, data, bytes);
}

#else

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes)
{
	return crc32c_portable(crc, data, bytes);
}

#endif

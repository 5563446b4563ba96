/*
 * Eight bytes per step: tables[k][b] is the checksum of byte b followed by k zero bytes.
 */
#include "crc64.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL_REFLECTED 0x95ac9329ac4bc9b5u

static uint64_t tables[8][256];
static pthread_once_t are_made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint64_t crc = byte;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL_REFLECTED : crc >> 1;
		tables[0][byte] = crc;
	}
	for (int k = 1; k < 8; k++)
		for (unsigned byte = 0; byte < 256; byte++)
			tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
}

uint64_t crc64(uint64_t crc, const void *data, size_t len)
{
	const uint8_t *at = data;
	pthread_once(&are_made, make_tables);
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

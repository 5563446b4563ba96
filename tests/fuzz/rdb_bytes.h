/*
 * For the fuzz targets of RDB: bytes that are read in steps of any size, and a file in memory that keeps what is written. Each target is one
 * program of one file, so the functions are defined here.
 */
#ifndef TESTS_FUZZ_RDB_BYTES_H
#define TESTS_FUZZ_RDB_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct input {
	const uint8_t *at, *end;
	size_t step;
};

static int take(void *context, void *data, size_t len, size_t *out_len)
{
	struct input *input = context;
	size_t left = (size_t)(input->end - input->at), n = len < left ? len : left;
	n = n < input->step ? n : input->step;
	if (n)
		memcpy(data, input->at, n);
	input->at += n;
	*out_len = n;
	return 0;
}

static struct {
	uint8_t *bytes;
	size_t len, capacity;
} file;

static bool keep(void *context, const void *data, size_t len)
{
	if (file.len + len > file.capacity) {
		file.capacity = 2 * (file.len + len);
		file.bytes = realloc(file.bytes, file.capacity);
		if (!file.bytes)
			abort();
	}
	memcpy(file.bytes + file.len, data, len);
	file.len += len;
	return true;
}

#endif

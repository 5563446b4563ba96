/*
 * Any bytes as an RDB string, in reads of any size. A string that is read must be the same when written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/formats/rdb.h"

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

static void check_again(struct slice string, bool compresses)
{
	static struct rdb_reader reader;
	struct rdb_writer writer = { .write = keep, .compresses = compresses };
	struct slice again;
	struct blob *blob;
	file.len = 0;
	rdb_write_string(&writer, string);
	rdb_reader_init(&reader, slice_of(file.bytes, file.len));
	if (!rdb_read_string(&reader, &again, &blob) || !slice_equal(string, again) || reader.at != reader.end)
		abort();
	blob_release(&blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rdb_reader reader;
	static uint8_t buffer[BLOB_MIN_BYTES];
	if (size == 0)
		return 0;
	struct input input = { data + 1, data + size, (size_t)data[0] + 1 };
	rdb_reader_init_from(&reader, take, &input, buffer, sizeof(buffer));
	struct slice string;
	struct blob *blob;
	while (rdb_read_string(&reader, &string, &blob)) {
		check_again(string, false);
		check_again(string, true);
		blob_release(&blob);
	}
	if (!reader.error || reader.error_offset >= size)
		abort();
	return 0;
}

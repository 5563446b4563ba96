/*
 * Any bytes as an RDB string, in reads of any size. A string that is read must be the same when written and read again.
 */
#include <stdlib.h>

#include "fuzz/rdb_bytes.h"
#include "storage/formats/rdb.h"

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

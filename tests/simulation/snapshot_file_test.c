/*
 * The file of a snapshot on a disk that fails and loses power: at every call, the former file is there until the new one is, and a new one
 * that was reported is there for good.
 */
#include "actors/persistence/snapshot_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "simulation/disk.h"
#include "support/suite.h"

#define DIRECTORY "/data"
#define PATH DIRECTORY "/dump.rdb"
#define FORMER "the former file"
#define PIECE_BYTES 3000u
#define PIECES 5
/* More calls than writing a file takes. */
#define CALLS_MAX 60

static struct simulated_disk *simulated;

static const struct disk *disk(void)
{
	return simulated_disk_functions(simulated);
}

static void open_disk(uint64_t seed)
{
	log_set_level((enum log_level)(LOG_WARNING + 1)); /* the disk fails all the time */
	simulated = simulated_disk_create(seed);
	disk()->make_directory(disk(), DIRECTORY);
	simulated_disk_put(simulated, PATH, FORMER, strlen(FORMER));
	simulated_disk_settle(simulated);
}

static void close_disk(void)
{
	simulated_disk_destroy(&simulated);
}

static void fill(char *piece, int number)
{
	memset(piece, 'a' + number, PIECE_BYTES);
}

/* Writes a file as the writer does. False: out_error says why not. */
static bool write_file(char *out_error, size_t size)
{
	struct snapshot_file file;
	char piece[PIECE_BYTES];
	bool is_written = snapshot_file_open(&file, disk(), &(struct snapshot_file_options){ DIRECTORY, "dump.rdb", true, false });
	if (is_written) {
		for (int i = 0; i < PIECES && is_written; i++) {
			fill(piece, i);
			is_written = snapshot_file_write(&file, piece, sizeof(piece));
		}
		if (is_written)
			is_written = snapshot_file_finish(&file);
		else
			snapshot_file_abandon(&file);
	}
	snprintf(out_error, size, "%s", file.error);
	return is_written;
}

static bool is_former(const struct buffer *text)
{
	return text->len == strlen(FORMER) && memcmp(text->data, FORMER, text->len) == 0;
}

static bool is_new(const struct buffer *text)
{
	char piece[PIECE_BYTES];
	bool is = text->len == PIECES * PIECE_BYTES;
	for (int i = 0; i < PIECES && is; i++) {
		fill(piece, i);
		is = memcmp(text->data + (size_t)i * PIECE_BYTES, piece, PIECE_BYTES) == 0;
	}
	return is;
}

static bool holds(bool (*is)(const struct buffer *text))
{
	struct buffer text = { 0 };
	bool has = simulated_disk_get(simulated, PATH, &text) && is(&text);
	buffer_fini(&text);
	return has;
}

static void count_names(void *context, const char *name)
{
	++*(int *)context;
}

static int files(void)
{
	int count = 0;
	disk()->list(disk(), DIRECTORY, count_names, &count);
	return count;
}

static void a_temporary_name_stays(void)
{
	struct snapshot_file file;
	open_disk(1);
	CU_ASSERT_TRUE(snapshot_file_open(&file, disk(), &(struct snapshot_file_options){ DIRECTORY, "base", false, true }));
	CU_ASSERT_TRUE(snapshot_file_write(&file, "x", 1));
	CU_ASSERT_TRUE(snapshot_file_finish(&file));
	CU_ASSERT_TRUE(simulated_disk_has(simulated, DIRECTORY "/base"));
	CU_ASSERT_TRUE(holds(is_former));
	CU_ASSERT_TRUE(snapshot_file_open(&file, disk(), &(struct snapshot_file_options){ DIRECTORY, "base", false, true }));
	snapshot_file_abandon(&file);
	CU_ASSERT_EQUAL(files(), 1);
	close_disk();
}

static void a_finished_file_takes_the_place_of_the_former(void)
{
	char error[256];
	open_disk(1);
	CU_ASSERT_TRUE(write_file(error, sizeof(error)));
	CU_ASSERT_STRING_EQUAL(error, "");
	CU_ASSERT_TRUE(holds(is_new));
	CU_ASSERT_EQUAL(files(), 1);
	CU_ASSERT_EQUAL(simulated_disk_open_descriptors(simulated), 0);
	close_disk();
}

/* An error of start_writeback() says nothing about the file. */
static void whatever_call_fails_one_whole_file_is_there(void)
{
	int reported = 0;
	bool has_failed = true;
	for (uint64_t n = 1; n < CALLS_MAX && has_failed; n++) {
		char error[256];
		open_disk(n);
		simulated_disk_fail_call(simulated, n, n % 2 ? ENOSPC : EIO);
		bool is_written = write_file(error, sizeof(error));
		has_failed = simulated_disk_has_failed(simulated);
		simulated_disk_fail_call(simulated, 0, 0);
		reported += !is_written;
		CU_ASSERT_EQUAL(is_written, error[0] == '\0');
		CU_ASSERT(is_written ? holds(is_new) : holds(is_former) || holds(is_new));
		CU_ASSERT_EQUAL(simulated_disk_open_descriptors(simulated), 0);
		CU_ASSERT_EQUAL(files(), 1);
		close_disk();
	}
	CU_ASSERT(reported >= PIECES + 5); /* lock, truncate, writes, sync, rename, sync of the directory */
}

static void short_writes_go_on(void)
{
	bool has_failed = true;
	for (uint64_t n = 1; n < CALLS_MAX && has_failed; n++) {
		char error[256];
		open_disk(n);
		simulated_disk_fail_call(simulated, n, DISK_SHORT_WRITE);
		CU_ASSERT_TRUE(write_file(error, sizeof(error)));
		has_failed = simulated_disk_has_failed(simulated);
		CU_ASSERT_TRUE(holds(is_new));
		close_disk();
	}
}

static void a_full_disk_is_reported_by_its_name(void)
{
	char error[256];
	open_disk(1);
	simulated_disk_set_capacity(simulated, 5000);
	CU_ASSERT_FALSE(write_file(error, sizeof(error)));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "can't write " DIRECTORY "/temp-qcache-"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, ".rdb: No space left on device"));
	CU_ASSERT_TRUE(holds(is_former));
	CU_ASSERT_EQUAL(files(), 1);
	close_disk();
}

static void cut_power(uint64_t call, enum disk_fate fate, bool *out_is_over)
{
	char error[256];
	open_disk(call * DISK_FATES + fate);
	simulated_disk_cut_at(simulated, call);
	bool is_written = write_file(error, sizeof(error));
	*out_is_over = !simulated_disk_is_cut(simulated);
	if (*out_is_over) /* it was written, and then the power is cut */
		simulated_disk_cut(simulated);
	simulated_disk_restart(simulated, fate);
	CU_ASSERT(is_written ? holds(is_new) : holds(is_former) || holds(is_new));
	snapshot_file_clean(disk(), DIRECTORY);
	CU_ASSERT_EQUAL(files(), 1);
	close_disk();
}

static void whenever_power_is_cut_one_whole_file_is_there(void)
{
	for (int fate = 0; fate < DISK_FATES; fate++) {
		bool is_over = false;
		for (uint64_t call = 1; call < CALLS_MAX && !is_over; call++)
			cut_power(call, (enum disk_fate)fate, &is_over);
		CU_ASSERT_TRUE(is_over);
	}
}

static void the_file_of_a_server_that_is_writing_is_not_cleaned_away(void)
{
	struct snapshot_file file;
	open_disk(1);
	simulated_disk_put(simulated, DIRECTORY "/temp-qcache-1.rdb", "x", 1);
	simulated_disk_put(simulated, DIRECTORY "/temp-qcache-.rdb", "x", 1);
	simulated_disk_put(simulated, DIRECTORY "/temp-1.rdb", "x", 1); /* Redis's */
	CU_ASSERT_TRUE(snapshot_file_open(&file, disk(), &(struct snapshot_file_options){ DIRECTORY, "dump.rdb", false, false }));
	CU_ASSERT_EQUAL(files(), 5);
	snapshot_file_clean(disk(), DIRECTORY);
	CU_ASSERT_EQUAL(files(), 4);
	CU_ASSERT_TRUE(snapshot_file_finish(&file));
	CU_ASSERT_EQUAL(files(), 3);
	close_disk();
}

static const struct suite_case cases[] = {
	CASE(a_finished_file_takes_the_place_of_the_former),
	CASE(a_temporary_name_stays),
	CASE(whatever_call_fails_one_whole_file_is_there),
	CASE(short_writes_go_on),
	CASE(a_full_disk_is_reported_by_its_name),
	CASE(whenever_power_is_cut_one_whole_file_is_there),
	CASE(the_file_of_a_server_that_is_writing_is_not_cleaned_away),
};

SUITE_MAIN("snapshot file", cases)

/*
 * The simulated disk itself: what each fate leaves, what each ordered failure does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/disk.h"
#include "support/random.h"
#include "support/suite.h"

/* Enough for every outcome of a choice between two. */
#define TRIES 100

static struct simulated_disk *whole;
static const struct disk *disk;
static int two; /* the descriptor of write_two() */

static void begin(uint64_t seed)
{
	whole = simulated_disk_create(seed);
	disk = simulated_disk_functions(whole);
}

static void end(void)
{
	simulated_disk_destroy(&whole);
}

static int open_as(const char *path, enum disk_open how)
{
	int fd = -1;
	CU_ASSERT_EQUAL(disk->open(disk, path, how, &fd), 0);
	return fd;
}

static void write_text(int fd, const char *text, uint64_t offset)
{
	size_t written = 0;
	CU_ASSERT_EQUAL(disk_write(disk, fd, text, strlen(text), offset, &written), 0);
}

/* What is in the file, up to its first NUL; NULL: there is none. */
static const char *text_of(const char *path)
{
	static char text[4096];
	struct buffer bytes = { 0 };
	if (!simulated_disk_get(whole, path, &bytes))
		return NULL;
	if (bytes.len > 0)
		memcpy(text, bytes.data, bytes.len);
	text[bytes.len] = '\0';
	buffer_fini(&bytes);
	return text;
}

static bool holds(const char *path, const char *expected)
{
	const char *text = text_of(path);
	return expected && text ? strcmp(text, expected) == 0 : !expected && !text;
}

static size_t length_of(const char *path)
{
	struct buffer bytes = { 0 };
	CU_ASSERT_TRUE(simulated_disk_get(whole, path, &bytes));
	size_t len = bytes.len;
	buffer_fini(&bytes);
	return len;
}

/* A durable file with "durable", to which " and more" has been written since. */
static void write_two(uint64_t seed)
{
	begin(seed);
	two = open_as("file", DISK_CREATE);
	write_text(two, "durable", 0);
	CU_ASSERT_EQUAL(disk->sync(disk, two), 0);
	CU_ASSERT_EQUAL(disk->sync_directory(disk, "."), 0);
	write_text(two, " and more", 7);
}

/* ---- the four fates ---- */

static void what_is_synced_is_there_in_every_fate(void)
{
	for (enum disk_fate fate = 0; fate < DISK_FATES; fate++) {
		write_two(1);
		CU_ASSERT_EQUAL(disk->sync(disk, two), 0);
		simulated_disk_cut(whole);
		simulated_disk_restart(whole, fate);
		CU_ASSERT_TRUE(holds("file", "durable and more"));
		end();
	}
}

static void none_leaves_what_was_synced(void)
{
	write_two(1);
	simulated_disk_cut(whole);
	simulated_disk_restart(whole, FATE_NONE);
	CU_ASSERT_TRUE(holds("file", "durable"));
	end();
}

static void all_leaves_what_was_written(void)
{
	write_two(1);
	simulated_disk_cut(whole);
	simulated_disk_restart(whole, FATE_ALL);
	CU_ASSERT_TRUE(holds("file", "durable and more"));
	end();
}

static void metadata_leaves_a_longer_file_without_the_data(void)
{
	bool has_zeros = false, has_garbage = false;
	for (uint64_t seed = 0; seed < TRIES; seed++) {
		write_two(seed);
		simulated_disk_cut(whole);
		simulated_disk_restart(whole, FATE_METADATA);
		CU_ASSERT_EQUAL(length_of("file"), 16);
		CU_ASSERT_NSTRING_EQUAL(text_of("file"), "durable", 7);
		CU_ASSERT_FALSE(holds("file", "durable and more"));
		has_zeros |= holds("file", "durable");
		has_garbage |= !holds("file", "durable");
		end();
	}
	CU_ASSERT_TRUE(has_zeros && has_garbage);
}

/* Two sectors are written after one; each of them may be there, and the size may be any since. */
static void sectors_leaves_any_part(void)
{
	bool seen[2][2] = { { false } }, sizes[3] = { false };
	char text[2 * 512 + 1];
	memset(text, 'x', 512);
	memset(text + 512, 'y', 512);
	text[1024] = '\0';
	for (uint64_t seed = 0; seed < TRIES; seed++) {
		begin(seed);
		int fd = open_as("file", DISK_CREATE);
		disk->sync_directory(disk, "/");
		write_text(fd, text, 0);
		write_text(fd, "z", 1024);
		simulated_disk_cut(whole);
		simulated_disk_restart(whole, FATE_SECTORS);
		size_t len = length_of("file");
		sizes[len == 0 ? 0 : len == 1024 ? 1 : 2] = true;
		CU_ASSERT_TRUE(len == 0 || len == 1024 || len == 1025);
		struct buffer bytes = { 0 };
		simulated_disk_get(whole, "file", &bytes);
		if (len > 0) {
			seen[bytes.data[0] == 'x'][bytes.data[512] == 'y'] = true;
			CU_ASSERT_EQUAL(bytes.data[0], bytes.data[511]);
			CU_ASSERT_EQUAL(bytes.data[512], bytes.data[1023]);
		}
		buffer_fini(&bytes);
		end();
	}
	CU_ASSERT_TRUE(seen[0][0] && seen[0][1] && seen[1][0] && seen[1][1] && sizes[0] && sizes[1] && sizes[2]);
}

static void a_truncation_is_durable_when_it_is_synced(void)
{
	for (int is_synced = 0; is_synced < 2; is_synced++) {
		write_two(1);
		CU_ASSERT_EQUAL(disk->truncate(disk, two, 3), 0);
		CU_ASSERT_TRUE(holds("file", "dur"));
		if (is_synced)
			CU_ASSERT_EQUAL(disk->sync(disk, two), 0);
		simulated_disk_cut(whole);
		simulated_disk_restart(whole, FATE_NONE);
		CU_ASSERT_TRUE(holds("file", is_synced ? "dur" : "durable"));
		end();
	}
}

/* ---- names ---- */

/* Creates "new", renames "old" to "renamed" and removes "gone". */
static void change_names(uint64_t seed)
{
	begin(seed);
	simulated_disk_put(whole, "old", "1", 1);
	simulated_disk_put(whole, "gone", "2", 1);
	int fd = open_as("new", DISK_CREATE);
	write_text(fd, "3", 0);
	CU_ASSERT_EQUAL(disk->sync(disk, fd), 0);
	CU_ASSERT_EQUAL(disk->rename(disk, "old", "renamed"), 0);
	CU_ASSERT_EQUAL(disk->unlink(disk, "gone"), 0);
}

static void names_are_durable_with_their_directory(void)
{
	for (int is_synced = 0; is_synced < 2; is_synced++) {
		change_names(1);
		if (is_synced)
			CU_ASSERT_EQUAL(disk->sync_directory(disk, "."), 0);
		simulated_disk_cut(whole);
		simulated_disk_restart(whole, FATE_NONE);
		CU_ASSERT_TRUE(holds("new", is_synced ? "3" : NULL));
		CU_ASSERT_TRUE(holds("old", is_synced ? NULL : "1"));
		CU_ASSERT_TRUE(holds("renamed", is_synced ? "1" : NULL));
		CU_ASSERT_TRUE(holds("gone", is_synced ? NULL : "2"));
		end();
	}
}

static void each_name_has_a_fate_of_its_own_and_a_rename_is_whole(void)
{
	unsigned seen = 0;
	for (uint64_t seed = 0; seed < TRIES; seed++) {
		change_names(seed);
		simulated_disk_cut(whole);
		simulated_disk_restart(whole, FATE_SECTORS);
		CU_ASSERT_TRUE(simulated_disk_has(whole, "old") != simulated_disk_has(whole, "renamed"));
		unsigned outcome = simulated_disk_has(whole, "new") | simulated_disk_has(whole, "old") << 1 |
				   simulated_disk_has(whole, "gone") << 2;
		seen |= 1u << outcome;
		end();
	}
	CU_ASSERT_EQUAL(seen, 0xff);
}

static void metadata_leaves_names_of_files_without_data(void)
{
	begin(3);
	int fd = open_as("temporary", DISK_CREATE);
	write_text(fd, "manifest", 0);
	CU_ASSERT_EQUAL(disk->rename(disk, "temporary", "manifest"), 0);
	simulated_disk_cut(whole);
	simulated_disk_restart(whole, FATE_METADATA);
	CU_ASSERT_FALSE(simulated_disk_has(whole, "temporary"));
	CU_ASSERT_EQUAL(length_of("manifest"), 8);
	CU_ASSERT_FALSE(holds("manifest", "manifest"));
	end();
}

/* The directory of the new name decides; a file that moves has always one of its names. */
static void a_move_to_another_directory_is_whole(void)
{
	for (int is_synced = 0; is_synced < 2; is_synced++) {
		begin(1);
		CU_ASSERT_EQUAL(disk->make_directory(disk, "folder"), 0);
		CU_ASSERT_EQUAL(disk->sync_directory(disk, "."), 0);
		simulated_disk_put(whole, "file", "1", 1);
		CU_ASSERT_EQUAL(disk->rename(disk, "file", "folder/file"), 0);
		CU_ASSERT_EQUAL(disk->sync_directory(disk, is_synced ? "folder" : "."), 0);
		simulated_disk_cut(whole);
		simulated_disk_restart(whole, FATE_NONE);
		CU_ASSERT_TRUE(holds("file", is_synced ? NULL : "1"));
		CU_ASSERT_TRUE(holds("folder/file", is_synced ? "1" : NULL));
		end();
	}
}

static void a_directory_is_durable_with_its_parent(void)
{
	begin(1);
	CU_ASSERT_EQUAL(disk->make_directory(disk, "folder"), 0);
	simulated_disk_put(whole, "folder/file", "1", 1);
	simulated_disk_cut(whole);
	simulated_disk_restart(whole, FATE_NONE);
	CU_ASSERT_FALSE(simulated_disk_has(whole, "folder"));
	end();
}

/* ---- failures ---- */

static void a_failed_sync_loses_its_changes_for_good(void)
{
	write_two(1);
	simulated_disk_fail_call(whole, 1, EIO);
	CU_ASSERT_EQUAL(disk->sync(disk, two), EIO);
	CU_ASSERT_TRUE(simulated_disk_has_failed(whole));
	CU_ASSERT_TRUE(holds("file", "durable and more")); /* the page cache still has them */
	write_text(two, "!", 16);
	CU_ASSERT_EQUAL(disk->sync(disk, two), 0);
	simulated_disk_cut(whole);
	simulated_disk_restart(whole, FATE_ALL);
	CU_ASSERT_EQUAL(length_of("file"), 17);
	CU_ASSERT_TRUE(holds("file", "durable")); /* then zeros */
	end();
}

static void a_failed_call_does_nothing(void)
{
	begin(1);
	int fd = 7;
	simulated_disk_fail_call(whole, 2, EMFILE);
	CU_ASSERT_EQUAL(disk->make_directory(disk, "folder"), 0);
	CU_ASSERT_EQUAL(disk->open(disk, "file", DISK_CREATE, &fd), EMFILE);
	CU_ASSERT_EQUAL(fd, 7);
	CU_ASSERT_FALSE(simulated_disk_has(whole, "file"));
	fd = open_as("file", DISK_CREATE);
	simulated_disk_fail_call(whole, 1, EIO);
	CU_ASSERT_EQUAL(disk->close(disk, fd), EIO);
	CU_ASSERT_EQUAL(disk->close(disk, fd), EBADF);
	CU_ASSERT_EQUAL(simulated_disk_open_descriptors(whole), 0);
	end();
}

static void one_kind_of_call_fails_until_told_otherwise(void)
{
	write_two(1);
	simulated_disk_fail_all(whole, CALL_SYNC, EIO);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(disk->sync(disk, two), EIO);
	CU_ASSERT_EQUAL(disk->sync_directory(disk, "."), 0);
	simulated_disk_fail_all(whole, CALL_SYNC, 0);
	CU_ASSERT_EQUAL(disk->sync(disk, two), 0);
	end();
}

static void a_short_write_writes_a_part(void)
{
	begin(1);
	int fd = open_as("file", DISK_CREATE);
	size_t written = 0;
	struct iovec pieces[] = { { "abc", 3 }, { "defgh", 5 } };
	simulated_disk_fail_call(whole, 1, DISK_SHORT_WRITE);
	CU_ASSERT_EQUAL(disk->pwritev(disk, fd, pieces, 2, 0, &written), 0);
	CU_ASSERT_EQUAL(written, 4);
	CU_ASSERT_TRUE(holds("file", "abcd"));
	simulated_disk_fail_all(whole, CALL_PWRITEV, DISK_SHORT_WRITE);
	CU_ASSERT_EQUAL(disk_write(disk, fd, "12345678", 8, 4, &written), 0);
	CU_ASSERT_TRUE(holds("file", "abcd12345678"));
	end();
}

static void a_full_disk_takes_what_fits(void)
{
	begin(1);
	int fd = open_as("file", DISK_CREATE);
	size_t written = 0;
	uint64_t bytes = 0;
	simulated_disk_set_capacity(whole, 10);
	CU_ASSERT_EQUAL(disk_write(disk, fd, "0123456789ab", 12, 0, &written), ENOSPC);
	CU_ASSERT_EQUAL(written, 10);
	CU_ASSERT_EQUAL(disk_write(disk, fd, "9876543210", 10, 0, &written), 0);
	CU_ASSERT_EQUAL(disk->free_space(disk, ".", &bytes), 0);
	CU_ASSERT_EQUAL(bytes, 0);
	CU_ASSERT_EQUAL(disk->unlink(disk, "file"), 0);
	CU_ASSERT_EQUAL(disk->free_space(disk, ".", &bytes), 0);
	CU_ASSERT_EQUAL(bytes, 0); /* it is still open */
	CU_ASSERT_EQUAL(disk->close(disk, fd), 0);
	CU_ASSERT_EQUAL(disk->free_space(disk, ".", &bytes), 0);
	CU_ASSERT_EQUAL(bytes, 10);
	fd = open_as("ballast", DISK_CREATE);
	CU_ASSERT_EQUAL(disk->allocate(disk, fd, 11), ENOSPC);
	CU_ASSERT_EQUAL(disk->truncate(disk, fd, 0), 0);
	CU_ASSERT_EQUAL(disk->allocate(disk, fd, 10), 0);
	CU_ASSERT_EQUAL(simulated_disk_used(whole), 10);
	end();
}

static void without_power_nothing_works_until_the_restart(void)
{
	write_two(1);
	int fd = -1;
	simulated_disk_cut_at(whole, 2);
	CU_ASSERT_EQUAL(disk->sync_directory(disk, "."), 0);
	CU_ASSERT_FALSE(simulated_disk_is_cut(whole));
	CU_ASSERT_EQUAL(disk->sync(disk, two), EIO);
	CU_ASSERT_TRUE(simulated_disk_is_cut(whole));
	CU_ASSERT_EQUAL(disk->open(disk, "file", DISK_READ, &fd), EIO);
	simulated_disk_restart(whole, FATE_ALL);
	CU_ASSERT_EQUAL(disk->sync(disk, two), EBADF);
	CU_ASSERT_EQUAL(disk->open(disk, "file", DISK_READ, &fd), 0);
	CU_ASSERT_TRUE(holds("file", "durable and more"));
	end();
}

static void a_lock_is_held_until_its_holder_is_gone(void)
{
	int first = -1, second = -1;
	begin(1);
	CU_ASSERT_EQUAL(disk->lock(disk, "lock", &first), 0);
	CU_ASSERT_EQUAL(disk->lock(disk, "lock", &second), EWOULDBLOCK);
	CU_ASSERT_EQUAL(disk->close(disk, first), 0);
	CU_ASSERT_EQUAL(disk->lock(disk, "lock", &second), 0);
	simulated_disk_kill(whole);
	CU_ASSERT_EQUAL(disk->lock(disk, "lock", &second), 0);
	end();
}

/* ---- random operations against a naive model ---- */

/* One file: its bytes now, and at its last sync. */
struct model {
	char now[3000], durable[3000];
	size_t now_len, durable_len;
};

static void act(struct model *model, struct random *random, int fd)
{
	char data[700];
	size_t len = random_below(random, sizeof(data)), at = random_below(random, 2000), written = 0;
	switch (random_below(random, 4)) {
	case 0:
		CU_ASSERT_EQUAL(disk->sync(disk, fd), 0);
		memcpy(model->durable, model->now, model->durable_len = model->now_len);
		return;
	case 1:
		CU_ASSERT_EQUAL(disk->truncate(disk, fd, at), 0);
		if (at > model->now_len)
			memset(model->now + model->now_len, 0, at - model->now_len);
		model->now_len = at;
		return;
	default:
		memset(data, 'a' + (int)random_below(random, 26), len);
		CU_ASSERT_EQUAL(disk_write(disk, fd, data, len, at, &written), 0);
		if (len && at > model->now_len)
			memset(model->now + model->now_len, 0, at - model->now_len);
		memcpy(model->now + at, data, len);
		if (len && at + len > model->now_len)
			model->now_len = at + len;
		return;
	}
}

static bool equals(const char *path, const char *data, size_t len)
{
	struct buffer bytes = { 0 };
	bool is_equal = simulated_disk_get(whole, path, &bytes) && bytes.len == len &&
			(len == 0 || memcmp(bytes.data, data, len) == 0);
	buffer_fini(&bytes);
	return is_equal;
}

static void random_changes_end_as_the_model_says(void)
{
	struct random random = { random_seed("simulated disk") };
	for (int round = 0; round < 200; round++) {
		static struct model model;
		begin(random_next(&random));
		model.now_len = model.durable_len = 0;
		int fd = open_as("file", DISK_CREATE);
		CU_ASSERT_EQUAL(disk->sync_directory(disk, "."), 0);
		for (int i = 0; i < 20; i++)
			act(&model, &random, fd);
		CU_ASSERT_TRUE(equals("file", model.now, model.now_len));
		bool is_all = random_below(&random, 2);
		simulated_disk_cut(whole);
		simulated_disk_restart(whole, is_all ? FATE_ALL : FATE_NONE);
		CU_ASSERT_TRUE(is_all ? equals("file", model.now, model.now_len) : equals("file", model.durable, model.durable_len));
		end();
	}
}

static const struct suite_case cases[] = {
	CASE(what_is_synced_is_there_in_every_fate),
	CASE(none_leaves_what_was_synced),
	CASE(all_leaves_what_was_written),
	CASE(metadata_leaves_a_longer_file_without_the_data),
	CASE(sectors_leaves_any_part),
	CASE(a_truncation_is_durable_when_it_is_synced),
	CASE(names_are_durable_with_their_directory),
	CASE(each_name_has_a_fate_of_its_own_and_a_rename_is_whole),
	CASE(metadata_leaves_names_of_files_without_data),
	CASE(a_move_to_another_directory_is_whole),
	CASE(a_directory_is_durable_with_its_parent),
	CASE(a_failed_sync_loses_its_changes_for_good),
	CASE(a_failed_call_does_nothing),
	CASE(one_kind_of_call_fails_until_told_otherwise),
	CASE(a_short_write_writes_a_part),
	CASE(a_full_disk_takes_what_fits),
	CASE(without_power_nothing_works_until_the_restart),
	CASE(a_lock_is_held_until_its_holder_is_gone),
	CASE(random_changes_end_as_the_model_says),
};
SUITE_MAIN("simulated disk", cases)

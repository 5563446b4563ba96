/*
 * The real disk, in a directory of its own.
 */
#include "actors/persistence/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/process.h"
#include "support/suite.h"

static const struct disk *disk;
static char room[] = "/tmp/qcache-disk-XXXXXX";

static const char *path_of(const char *name)
{
	return scratch_file(room, name);
}

static int create(const char *name, const char *text)
{
	int fd = -1;
	size_t written = 0;
	CU_ASSERT_EQUAL(disk->open(disk, path_of(name), DISK_CREATE, &fd), 0);
	CU_ASSERT_EQUAL(disk_write(disk, fd, text, strlen(text), 0, &written), 0);
	CU_ASSERT_EQUAL(written, strlen(text));
	return fd;
}

static void must_close(int fd)
{
	CU_ASSERT_EQUAL(disk->close(disk, fd), 0);
}

static void what_is_written_is_read(void)
{
	int fd = create("plain", "0123456789");
	struct iovec pieces[] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	size_t written = 0, read = 99;
	uint64_t bytes = 0;
	char data[32] = "";
	CU_ASSERT_EQUAL(disk->pwritev(disk, fd, pieces, 3, 8, &written), 0);
	CU_ASSERT_EQUAL(written, 5);
	CU_ASSERT_EQUAL(disk->start_writeback(disk, fd, 0, 13), 0);
	CU_ASSERT_EQUAL(disk->sync(disk, fd), 0);
	CU_ASSERT_EQUAL(disk->size(disk, fd, &bytes), 0);
	CU_ASSERT_EQUAL(bytes, 13);
	CU_ASSERT_EQUAL(disk->pread(disk, fd, data, sizeof(data), 4, &read), 0);
	CU_ASSERT_EQUAL(read, 9);
	CU_ASSERT_NSTRING_EQUAL(data, "4567abcde", 9);
	CU_ASSERT_EQUAL(disk->pread(disk, fd, data, 1, 13, &read), 0);
	CU_ASSERT_EQUAL(read, 0);
	CU_ASSERT_EQUAL(disk->truncate(disk, fd, 3), 0);
	CU_ASSERT_EQUAL(disk->size(disk, fd, &bytes), 0);
	CU_ASSERT_EQUAL(bytes, 3);
	must_close(fd);
	CU_ASSERT_EQUAL(disk->unlink(disk, path_of("plain")), 0);
}

static void more_pieces_than_the_kernel_takes_are_written_in_turn(void)
{
	enum { PIECES = 3000 };
	static struct iovec pieces[PIECES];
	int fd = create("many", "");
	size_t written = 0;
	for (int i = 0; i < PIECES; i++)
		pieces[i] = (struct iovec){ "x", 1 };
	CU_ASSERT_EQUAL(disk->pwritev(disk, fd, pieces, PIECES, 0, &written), 0);
	CU_ASSERT_TRUE(written > 0 && written < PIECES);
	must_close(fd);
	CU_ASSERT_EQUAL(disk->unlink(disk, path_of("many")), 0);
}

static void each_way_to_open_has_its_condition(void)
{
	int fd = -1;
	size_t written;
	struct stat status;
	mode_t mask = umask(0027);
	CU_ASSERT_EQUAL(disk->open(disk, path_of("file"), DISK_READ, &fd), ENOENT);
	CU_ASSERT_EQUAL(disk->open(disk, path_of("file"), DISK_WRITE, &fd), ENOENT);
	CU_ASSERT_EQUAL(fd, -1);
	must_close(create("file", "x"));
	CU_ASSERT_EQUAL(disk->open(disk, path_of("file"), DISK_CREATE, &fd), EEXIST);
	CU_ASSERT_EQUAL(stat(path_of("file"), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 0777, 0640);
	CU_ASSERT_EQUAL(disk->make_directory(disk, path_of("folder")), 0);
	CU_ASSERT_EQUAL(stat(path_of("folder"), &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 0777, 0750);
	CU_ASSERT_EQUAL(disk->make_directory(disk, path_of("folder")), EEXIST);
	CU_ASSERT_EQUAL(disk->make_directory(disk, path_of("absent/folder")), ENOENT);
	CU_ASSERT_EQUAL(disk->open(disk, path_of("file"), DISK_READ, &fd), 0);
	CU_ASSERT_EQUAL(disk_write(disk, fd, "x", 1, 0, &written), EBADF);
	CU_ASSERT_EQUAL(written, 0);
	must_close(fd);
	CU_ASSERT_EQUAL(rmdir(path_of("folder")), 0);
	CU_ASSERT_EQUAL(disk->unlink(disk, path_of("file")), 0);
	umask(mask);
}

static void visit(void *context, const char *name)
{
	strcat(context, name);
	strcat(context, ";");
}

static void names_change_and_are_listed(void)
{
	char names[64] = "";
	must_close(create("one", "1"));
	must_close(create("two", "2"));
	CU_ASSERT_EQUAL(disk->rename(disk, path_of("one"), path_of("two")), 0);
	CU_ASSERT_EQUAL(disk->rename(disk, path_of("one"), path_of("two")), ENOENT);
	CU_ASSERT_EQUAL(disk->sync_directory(disk, room), 0);
	CU_ASSERT_EQUAL(disk->sync_directory(disk, path_of("two")), ENOTDIR);
	CU_ASSERT_EQUAL(disk->sync_directory(disk, path_of("absent")), ENOENT);
	CU_ASSERT_EQUAL(disk->list(disk, room, visit, names), 0);
	CU_ASSERT_STRING_EQUAL(names, "two;");
	CU_ASSERT_EQUAL(disk->list(disk, path_of("absent"), visit, names), ENOENT);
	CU_ASSERT_EQUAL(disk->unlink(disk, path_of("two")), 0);
	CU_ASSERT_EQUAL(disk->unlink(disk, path_of("two")), ENOENT);
}

static void space_is_counted_and_allocated(void)
{
	uint64_t bytes = 0;
	struct stat status;
	int fd = create("ballast", "");
	CU_ASSERT_EQUAL(disk->free_space(disk, room, &bytes), 0);
	CU_ASSERT_TRUE(bytes > 0);
	CU_ASSERT_EQUAL(disk->allocate(disk, fd, 1 << 20), 0);
	CU_ASSERT_EQUAL(disk->size(disk, fd, &bytes), 0);
	CU_ASSERT_EQUAL(bytes, 1 << 20);
	CU_ASSERT_EQUAL(fstat(fd, &status), 0);
	CU_ASSERT_TRUE(status.st_blocks * 512 >= 1 << 20);
	must_close(fd);
	CU_ASSERT_EQUAL(disk->unlink(disk, path_of("ballast")), 0);
}

static void a_lock_has_one_holder(void)
{
	int first = -1, second = -1;
	CU_ASSERT_EQUAL(disk->lock(disk, path_of("lock"), &first), 0);
	CU_ASSERT_EQUAL(disk->lock(disk, path_of("lock"), &second), EWOULDBLOCK);
	CU_ASSERT_EQUAL(second, -1);
	must_close(first);
	CU_ASSERT_EQUAL(disk->lock(disk, path_of("lock"), &second), 0);
	must_close(second);
	CU_ASSERT_EQUAL(disk->unlink(disk, path_of("lock")), 0);
	CU_ASSERT_EQUAL(disk->lock(disk, path_of("absent/lock"), &second), ENOENT);
}

/* /dev/full takes no byte. */
static void a_full_disk_says_so(void)
{
	int fd = -1;
	size_t written = 1;
	CU_ASSERT_EQUAL(disk->open(disk, "/dev/full", DISK_WRITE, &fd), 0);
	CU_ASSERT_EQUAL(disk_write(disk, fd, "x", 1, 0, &written), ENOSPC);
	CU_ASSERT_EQUAL(written, 0);
	must_close(fd);
	CU_ASSERT_EQUAL(disk->close(disk, fd), EBADF);
	CU_ASSERT_EQUAL(disk->sync(disk, fd), EBADF);
}

static const struct suite_case cases[] = {
	CASE(what_is_written_is_read),
	CASE(more_pieces_than_the_kernel_takes_are_written_in_turn),
	CASE(each_way_to_open_has_its_condition),
	CASE(names_change_and_are_listed),
	CASE(space_is_counted_and_allocated),
	CASE(a_lock_has_one_holder),
	CASE(a_full_disk_says_so),
};

int main(int argc, char **argv)
{
	disk = disk_real();
	if (!mkdtemp(room))
		return 1;
	int status = suite_main("disk", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	rmdir(room);
	return status;
}

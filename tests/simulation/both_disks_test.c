/*
 * The same random calls to the simulated disk and to a real one: every result and every byte must be the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "simulation/disk.h"
#include "support/random.h"
#include "support/suite.h"

#define DESCRIPTORS 6

static char room[] = "/tmp/qcache-disks-XXXXXX";
static struct simulated_disk *simulated;
static struct random chance;

/* [0]: simulated, [1]: real. Each call is made on both. */
static const struct disk *disks[2];
static struct {
	int fds[2];
	bool is_open;
} files[DESCRIPTORS];

static const char *const names[] = { "a", "b", "folder", "folder/a", "folder/b", "absent/a", "a/b", "." };

static const char *path_of(int which, const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof(paths[0]), "%s/%s", which ? room : ".", name);
	return path;
}

static const char *any_name(void)
{
	return names[random_below(&chance, sizeof(names) / sizeof(names[0]))];
}

static void must_agree(const char *call, const char *name, int simulated_error, int real_error)
{
	if (simulated_error != real_error)
		printf("\n%s %s: simulated %s, real %s\n", call, name, strerror(simulated_error), strerror(real_error));
	CU_ASSERT_EQUAL(simulated_error, real_error);
}

static void open_any(void)
{
	const char *name = any_name();
	/* A directory can be opened for reading; nobody does. */
	enum disk_open how = strcmp(name, "folder") == 0 || strcmp(name, ".") == 0 ? DISK_WRITE : (enum disk_open)random_below(&chance, 3);
	size_t i = random_below(&chance, DESCRIPTORS);
	int errors[2];
	if (files[i].is_open)
		return;
	for (int which = 0; which < 2; which++)
		errors[which] = disks[which]->open(disks[which], path_of(which, name), how, &files[i].fds[which]);
	must_agree("open", name, errors[0], errors[1]);
	files[i].is_open = errors[1] == 0;
}

static void close_any(void)
{
	size_t i = random_below(&chance, DESCRIPTORS);
	if (!files[i].is_open)
		return;
	for (int which = 0; which < 2; which++)
		CU_ASSERT_EQUAL(disks[which]->close(disks[which], files[i].fds[which]), 0);
	files[i].is_open = false;
}

static void write_any(size_t i)
{
	char data[300];
	struct iovec pieces[2] = { { data, random_below(&chance, 150) }, { data + 150, 1 + random_below(&chance, 149) } };
	uint64_t offset = random_below(&chance, 400);
	size_t written[2] = { 0, 0 };
	int errors[2];
	memset(data, 'a' + (int)random_below(&chance, 26), sizeof(data));
	for (int which = 0; which < 2; which++)
		errors[which] = disks[which]->pwritev(disks[which], files[i].fds[which], pieces, 2, offset, &written[which]);
	must_agree("pwritev", "", errors[0], errors[1]);
	CU_ASSERT_EQUAL(written[0], written[1]);
}

static void read_any(size_t i)
{
	char data[2][300] = { "", "" };
	size_t bytes = random_below(&chance, 300), read[2] = { 0, 0 };
	uint64_t offset = random_below(&chance, 600), sizes[2] = { 0, 0 };
	int errors[2];
	for (int which = 0; which < 2; which++) {
		errors[which] = disks[which]->pread(disks[which], files[i].fds[which], data[which], bytes, offset, &read[which]);
		CU_ASSERT_EQUAL(disks[which]->size(disks[which], files[i].fds[which], &sizes[which]), 0);
	}
	must_agree("pread", "", errors[0], errors[1]);
	CU_ASSERT_EQUAL(read[0], read[1]);
	CU_ASSERT_EQUAL(sizes[0], sizes[1]);
	CU_ASSERT_EQUAL(memcmp(data[0], data[1], read[0]), 0);
}

static void resize_any(size_t i)
{
	uint64_t bytes = random_below(&chance, 600);
	bool allocates = random_below(&chance, 2) && bytes > 0;
	int errors[2];
	for (int which = 0; which < 2; which++)
		errors[which] = allocates ? disks[which]->allocate(disks[which], files[i].fds[which], bytes)
					  : disks[which]->truncate(disks[which], files[i].fds[which], bytes);
	must_agree(allocates ? "allocate" : "truncate", "", errors[0], errors[1]);
}

static void sync_any(size_t i)
{
	int errors[2];
	for (int which = 0; which < 2; which++)
		errors[which] = disks[which]->sync(disks[which], files[i].fds[which]);
	must_agree("sync", "", errors[0], errors[1]);
}

static void use_any(void)
{
	static void (*const uses[])(size_t i) = { write_any, write_any, read_any, read_any, resize_any, sync_any };
	size_t i = random_below(&chance, DESCRIPTORS);
	if (files[i].is_open)
		uses[random_below(&chance, sizeof(uses) / sizeof(uses[0]))](i);
}

static void rename_any(void)
{
	const char *from = any_name(), *to = any_name();
	int errors[2];
	if (strcmp(from, "folder") == 0 || strcmp(from, ".") == 0 || strcmp(to, "folder") == 0 || strcmp(to, ".") == 0)
		return; /* directories are not renamed, and no name is that of one */
	for (int which = 0; which < 2; which++)
		errors[which] = disks[which]->rename(disks[which], path_of(which, from), path_of(which, to));
	must_agree("rename", from, errors[0], errors[1]);
}

static void name_any(void)
{
	const char *name = any_name();
	int errors[2];
	if (strcmp(name, ".") == 0)
		return;
	bool makes = random_below(&chance, 2) && strcmp(name, "folder") == 0;
	for (int which = 0; which < 2; which++)
		errors[which] = makes ? disks[which]->make_directory(disks[which], path_of(which, name))
				      : disks[which]->unlink(disks[which], path_of(which, name));
	must_agree(makes ? "make_directory" : "unlink", name, errors[0], errors[1]);
}

static void add_up(void *context, const char *name)
{
	for (unsigned hash = 7; *name; name++)
		*(unsigned *)context += (hash = hash * 31 + (unsigned char)*name);
}

static void list_any(void)
{
	const char *name = any_name();
	unsigned sums[2] = { 0, 0 };
	int errors[2];
	for (int which = 0; which < 2; which++)
		errors[which] = disks[which]->list(disks[which], path_of(which, name), add_up, &sums[which]);
	must_agree("list", name, errors[0], errors[1]);
	CU_ASSERT_EQUAL(sums[0], sums[1]);
	for (int which = 0; which < 2; which++)
		errors[which] = disks[which]->sync_directory(disks[which], path_of(which, name));
	must_agree("sync_directory", name, errors[0], errors[1]);
}

static void lock_any(void)
{
	size_t i = random_below(&chance, DESCRIPTORS);
	const char *name = any_name();
	int errors[2];
	if (files[i].is_open || strcmp(name, ".") == 0)
		return;
	for (int which = 0; which < 2; which++)
		errors[which] = disks[which]->lock(disks[which], path_of(which, name), &files[i].fds[which]);
	must_agree("lock", name, errors[0], errors[1]);
	files[i].is_open = errors[1] == 0;
}

static void both_disks_agree(void)
{
	static void (*const acts[])(void) = { open_any, open_any, use_any, use_any, use_any, use_any, close_any, rename_any, name_any, list_any, lock_any };
	chance.state = random_seed("both disks");
	for (int i = 0; i < 20000 && CU_get_number_of_failures() == 0; i++)
		acts[random_below(&chance, sizeof(acts) / sizeof(acts[0]))]();
}

static const struct suite_case cases[] = {
	CASE(both_disks_agree),
};

int main(int argc, char **argv)
{
	char command[64];
	simulated = simulated_disk_create(1);
	disks[0] = simulated_disk_functions(simulated);
	disks[1] = disk_real();
	if (!mkdtemp(room))
		return 1;
	int status = suite_main("both disks", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	simulated_disk_destroy(&simulated);
	snprintf(command, sizeof(command), "rm -r %s", room);
	return system(command) == 0 ? status : 1;
}

#include "simulation/disk_inode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/fiber.h"
#include "simulation/scheduler.h"

/* Far from those of real files. */
#define FIRST_DESCRIPTOR 1000
#define NAME_MAX_BYTES 255

struct descriptor {
	struct inode *inode;
	bool is_open, is_for_reading, has_lock;
};

struct simulated_disk {
	struct disk functions; /* first: a pointer to it is one to the whole */
	struct random random;
	struct inode *inodes, *root;
	struct descriptor *descriptors;
	int descriptor_count;
	uint64_t calls, capacity;
	uint64_t fail_at, fail_until, cut_at; /* numbers of calls; 0: none */
	int fail_error;
	struct {
		uint64_t after; /* this many more calls */
		int error;
	} failing[DISK_CALLS];
	bool has_failed, is_cut, hangs[DISK_CALLS];
	unsigned hanging;
};

static struct simulated_disk *whole(const struct disk *functions)
{
	return (struct simulated_disk *)(void *)functions;
}

/* ---- what a call meets first ---- */

static const char *const call_names[DISK_CALLS] = {
	"open", "close", "pwritev", "pread", "size", "sync", "start_writeback", "truncate", "allocate",
	"rename", "unlink", "make_directory", "sync_directory", "list", "free_space", "lock",
};

static int ordered_failure(struct simulated_disk *disk, enum disk_call call)
{
	disk->calls++;
	if (disk->calls == disk->cut_at)
		disk->is_cut = true;
	if (disk->is_cut)
		return EIO;
	if (disk->fail_at && disk->calls >= disk->fail_at && disk->calls <= disk->fail_until) {
		disk->has_failed = true;
		return disk->fail_error;
	}
	if (disk->failing[call].after > 0) {
		disk->failing[call].after--;
		return 0;
	}
	return disk->failing[call].error;
}

struct hanging_call {
	const struct simulated_disk *disk;
	enum disk_call call;
};

static bool goes_on(void *context)
{
	const struct hanging_call *hanging = context;
	return !hanging->disk->hangs[hanging->call] || hanging->disk->is_cut;
}

static void wait_while_it_hangs(struct simulated_disk *disk, enum disk_call call)
{
	struct hanging_call hanging = { disk, call };
	if (goes_on(&hanging))
		return;
	scheduler_note("disk: %s hangs", call_names[call]);
	disk->hanging++;
	fiber_wait(goes_on, &hanging);
	disk->hanging--;
}

/* Counts the call; its failure, or 0. */
static int begin_call(struct simulated_disk *disk, enum disk_call call, const char *what)
{
	wait_while_it_hangs(disk, call);
	int error = ordered_failure(disk, call);
	scheduler_note("disk: %s %s%s%s", call_names[call], what, error ? " fails: " : "", error ? strerror(error) : "");
	return error == DISK_SHORT_WRITE && call != CALL_PWRITEV ? 0 : error;
}

/* The open descriptor; NULL: EBADF. */
static struct descriptor *descriptor_of(struct simulated_disk *disk, int fd)
{
	int index = fd - FIRST_DESCRIPTOR;
	return index >= 0 && index < disk->descriptor_count && disk->descriptors[index].is_open ? &disk->descriptors[index] : NULL;
}

static int begin_on_descriptor(struct simulated_disk *disk, enum disk_call call, int fd, struct descriptor **out)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", fd);
	int error = begin_call(disk, call, text);
	*out = descriptor_of(disk, fd);
	return error ? error : *out ? 0 : EBADF;
}

/* ---- paths ---- */

struct place {
	struct inode *directory;
	char name[NAME_MAX_BYTES + 1]; /* "" for the root */
	struct inode *inode;             /* NULL: nothing has this name */
};

/* Follows one part of a path. */
static int step(struct place *place, const char *part, size_t len)
{
	if (len == 0 || (len == 1 && part[0] == '.'))
		return 0;
	if (len == 2 && memcmp(part, "..", 2) == 0)
		abort();
	if (len > NAME_MAX_BYTES)
		return ENAMETOOLONG;
	if (!place->inode)
		return ENOENT;
	if (!place->inode->is_directory)
		return ENOTDIR;
	place->directory = place->inode;
	memcpy(place->name, part, len);
	place->name[len] = '\0';
	place->inode = inode_find(place->directory, place->name);
	return 0;
}

/* Absolute and relative paths begin at the same directory. */
static int find(struct simulated_disk *disk, const char *path, struct place *out)
{
	*out = (struct place){ .directory = disk->root, .inode = disk->root };
	for (const char *at = path;; at++) {
		size_t len = strcspn(at, "/");
		int error = step(out, at, len);
		if (error)
			return error;
		at += len;
		if (!*at)
			return 0;
	}
}

static int find_existing(struct simulated_disk *disk, const char *path, struct place *out)
{
	int error = find(disk, path, out);
	return error ? error : out->inode ? 0 : ENOENT;
}

static int find_file(struct simulated_disk *disk, const char *path, struct place *out)
{
	int error = find_existing(disk, path, out);
	return error ? error : out->inode->is_directory ? EISDIR : 0;
}

static int find_directory(struct simulated_disk *disk, const char *path, struct place *out)
{
	int error = find_existing(disk, path, out);
	return error ? error : out->inode->is_directory ? 0 : ENOTDIR;
}

/* ---- space ---- */

static void mark_named(struct inode *directory)
{
	for (uint32_t i = 0; i < directory->names.count; i++) {
		struct inode *inode = directory->names.items[i].inode;
		inode->is_named = true;
		if (inode->is_directory)
			mark_named(inode);
	}
}

uint64_t simulated_disk_used(const struct simulated_disk *disk)
{
	uint64_t used = 0;
	for (struct inode *inode = disk->inodes; inode; inode = inode->next)
		inode->is_named = false;
	mark_named(disk->root);
	for (const struct inode *inode = disk->inodes; inode; inode = inode->next)
		if (inode->is_named || inode->opens)
			used += inode->now.len;
	return used;
}

static uint64_t room(const struct simulated_disk *disk)
{
	uint64_t used = simulated_disk_used(disk);
	return used < disk->capacity ? disk->capacity - used : 0;
}

/* How many of `len` bytes fit. */
static size_t fitting(const struct simulated_disk *disk, const struct inode *file, uint64_t offset, size_t len)
{
	uint64_t end = offset + len, most = file->now.len + room(disk);
	if (end <= most)
		return len;
	return most > offset ? (size_t)(most - offset) : 0;
}

/* ---- the functions ---- */

static int add_descriptor(struct simulated_disk *disk, struct inode *inode, bool is_for_reading)
{
	disk->descriptors = realloc(disk->descriptors, (size_t)(disk->descriptor_count + 1) * sizeof(*disk->descriptors));
	if (!disk->descriptors)
		abort();
	disk->descriptors[disk->descriptor_count] = (struct descriptor){ .inode = inode, .is_open = true, .is_for_reading = is_for_reading };
	inode->opens++;
	return FIRST_DESCRIPTOR + disk->descriptor_count++;
}

static int simulated_open(const struct disk *functions, const char *path, enum disk_open how, int *out_fd)
{
	struct simulated_disk *disk = whole(functions);
	struct place place;
	int error = begin_call(disk, CALL_OPEN, path);
	if (error || (error = find(disk, path, &place)))
		return error;
	if (how == DISK_CREATE && place.inode)
		return EEXIST;
	if (how == DISK_CREATE)
		inode_set_name(place.directory, place.name, place.inode = inode_create(&disk->inodes, false));
	if (!place.inode || place.inode->is_directory)
		return place.inode ? EISDIR : ENOENT;
	*out_fd = add_descriptor(disk, place.inode, how == DISK_READ);
	return 0;
}

static int simulated_close(const struct disk *functions, int fd)
{
	struct descriptor *descriptor;
	int error = begin_on_descriptor(whole(functions), CALL_CLOSE, fd, &descriptor);
	if (!descriptor)
		return error;
	descriptor->is_open = false;
	descriptor->inode->opens--;
	if (descriptor->has_lock)
		descriptor->inode->is_locked = false;
	return error;
}

static size_t total_of(const struct iovec *pieces, int count)
{
	size_t total = 0;
	for (int i = 0; i < count; i++)
		total += pieces[i].iov_len;
	return total;
}

/* Writes the first `len` bytes of the pieces as one change. */
static void write_pieces(struct inode *file, const struct iovec *pieces, int count, size_t len, uint64_t offset)
{
	struct buffer bytes = { 0 };
	for (int i = 0; i < count && bytes.len < len; i++)
		buffer_append(&bytes, pieces[i].iov_base, pieces[i].iov_len < len - bytes.len ? pieces[i].iov_len : len - bytes.len);
	if (bytes.failed)
		abort();
	inode_write(file, bytes.data, bytes.len, offset);
	buffer_fini(&bytes);
}

static int simulated_pwritev(const struct disk *functions, int fd, const struct iovec *pieces, int count, uint64_t offset,
			     size_t *out_written)
{
	struct simulated_disk *disk = whole(functions);
	struct descriptor *descriptor;
	int error = begin_on_descriptor(disk, CALL_PWRITEV, fd, &descriptor);
	size_t len = total_of(pieces, count);
	if (error == DISK_SHORT_WRITE)
		len = len > 1 ? len / 2 : len;
	else if (error)
		return error;
	if (!descriptor || descriptor->is_for_reading)
		return EBADF;
	size_t fits = fitting(disk, descriptor->inode, offset, len);
	if (fits == 0 && len > 0)
		return ENOSPC;
	write_pieces(descriptor->inode, pieces, count, fits, offset);
	*out_written = fits;
	return 0;
}

static int simulated_pread(const struct disk *functions, int fd, void *data, size_t bytes, uint64_t offset, size_t *out_read)
{
	struct descriptor *descriptor;
	int error = begin_on_descriptor(whole(functions), CALL_PREAD, fd, &descriptor);
	if (error)
		return error;
	const struct image *image = &descriptor->inode->now;
	size_t there = offset < image->len ? image->len - offset : 0;
	*out_read = bytes < there ? bytes : there;
	if (*out_read)
		memcpy(data, image->data + offset, *out_read);
	return 0;
}

static int simulated_size(const struct disk *functions, int fd, uint64_t *out_bytes)
{
	struct descriptor *descriptor;
	int error = begin_on_descriptor(whole(functions), CALL_SIZE, fd, &descriptor);
	if (!error)
		*out_bytes = descriptor->inode->now.len;
	return error;
}

static int simulated_sync(const struct disk *functions, int fd)
{
	struct simulated_disk *disk = whole(functions);
	struct descriptor *descriptor;
	int error = begin_on_descriptor(disk, CALL_SYNC, fd, &descriptor);
	if (!error)
		inode_sync(descriptor->inode);
	else if (descriptor && !disk->is_cut)
		inode_lose_changes(descriptor->inode);
	return error;
}

static int simulated_start_writeback(const struct disk *functions, int fd, uint64_t offset, uint64_t bytes)
{
	struct descriptor *descriptor;
	return begin_on_descriptor(whole(functions), CALL_START_WRITEBACK, fd, &descriptor);
}

static int simulated_truncate(const struct disk *functions, int fd, uint64_t bytes)
{
	struct descriptor *descriptor;
	int error = begin_on_descriptor(whole(functions), CALL_TRUNCATE, fd, &descriptor);
	if (!error && descriptor->is_for_reading)
		error = EINVAL;
	if (!error)
		inode_resize(descriptor->inode, bytes);
	return error;
}

static int simulated_allocate(const struct disk *functions, int fd, uint64_t bytes)
{
	struct simulated_disk *disk = whole(functions);
	struct descriptor *descriptor;
	int error = begin_on_descriptor(disk, CALL_ALLOCATE, fd, &descriptor);
	if (!error && descriptor->is_for_reading)
		error = EBADF;
	if (error || bytes <= descriptor->inode->now.len)
		return error;
	uint64_t most = descriptor->inode->now.len + room(disk);
	inode_resize(descriptor->inode, bytes < most ? bytes : most);
	return bytes <= most ? 0 : ENOSPC;
}

static int simulated_rename(const struct disk *functions, const char *from, const char *to)
{
	struct simulated_disk *disk = whole(functions);
	struct place source, target;
	int error = begin_call(disk, CALL_RENAME, from);
	if (error || (error = find(disk, from, &source)) || (error = find(disk, to, &target)) || (error = find_file(disk, from, &source)))
		return error;
	if (target.inode && target.inode->is_directory)
		return EISDIR;
	if (target.inode != source.inode)
		inode_move_name(source.directory, source.name, target.directory, target.name);
	return 0;
}

static int simulated_unlink(const struct disk *functions, const char *path)
{
	struct simulated_disk *disk = whole(functions);
	struct place place;
	int error = begin_call(disk, CALL_UNLINK, path);
	if (error || (error = find_file(disk, path, &place)))
		return error;
	inode_set_name(place.directory, place.name, NULL);
	return 0;
}

static int simulated_make_directory(const struct disk *functions, const char *path)
{
	struct simulated_disk *disk = whole(functions);
	struct place place;
	int error = begin_call(disk, CALL_MAKE_DIRECTORY, path);
	if (error || (error = find(disk, path, &place)))
		return error;
	if (place.inode)
		return EEXIST;
	inode_set_name(place.directory, place.name, inode_create(&disk->inodes, true));
	return 0;
}

static int simulated_sync_directory(const struct disk *functions, const char *path)
{
	struct simulated_disk *disk = whole(functions);
	struct place place;
	int error = begin_call(disk, CALL_SYNC_DIRECTORY, path);
	if (error || (error = find_directory(disk, path, &place)))
		return error;
	inode_sync(place.inode);
	return 0;
}

static int simulated_list(const struct disk *functions, const char *path, void (*visit)(void *context, const char *name), void *context)
{
	struct simulated_disk *disk = whole(functions);
	struct place place;
	int error = begin_call(disk, CALL_LIST, path);
	if (error || (error = find_directory(disk, path, &place)))
		return error;
	const struct names *names = &place.inode->names;
	uint32_t first = names->count ? (uint32_t)random_below(&disk->random, names->count) : 0;
	for (uint32_t i = 0; i < names->count; i++)
		visit(context, names->items[(first + i) % names->count].text);
	return 0;
}

static int simulated_free_space(const struct disk *functions, const char *path, uint64_t *out_bytes)
{
	struct simulated_disk *disk = whole(functions);
	struct place place;
	int error = begin_call(disk, CALL_FREE_SPACE, path);
	if (error || (error = find_existing(disk, path, &place)))
		return error;
	*out_bytes = room(disk);
	return 0;
}

static int simulated_lock(const struct disk *functions, const char *path, int *out_fd)
{
	struct simulated_disk *disk = whole(functions);
	struct place place;
	int error = begin_call(disk, CALL_LOCK, path);
	if (error || (error = find(disk, path, &place)))
		return error;
	if (place.inode && place.inode->is_directory)
		return EISDIR;
	if (place.inode && place.inode->is_locked)
		return EWOULDBLOCK;
	if (!place.inode)
		inode_set_name(place.directory, place.name, place.inode = inode_create(&disk->inodes, false));
	place.inode->is_locked = true;
	*out_fd = add_descriptor(disk, place.inode, false);
	descriptor_of(disk, *out_fd)->has_lock = true;
	return 0;
}

static const struct disk functions = {
	.open = simulated_open,
	.close = simulated_close,
	.pwritev = simulated_pwritev,
	.pread = simulated_pread,
	.size = simulated_size,
	.sync = simulated_sync,
	.start_writeback = simulated_start_writeback,
	.truncate = simulated_truncate,
	.allocate = simulated_allocate,
	.rename = simulated_rename,
	.unlink = simulated_unlink,
	.make_directory = simulated_make_directory,
	.sync_directory = simulated_sync_directory,
	.list = simulated_list,
	.free_space = simulated_free_space,
	.lock = simulated_lock,
};

/* ---- what tests order ---- */

struct simulated_disk *simulated_disk_create(uint64_t seed)
{
	struct simulated_disk *disk = calloc(1, sizeof(*disk));
	if (!disk)
		abort();
	disk->functions = functions;
	disk->random.state = seed;
	disk->capacity = UINT64_MAX / 2;
	disk->root = inode_create(&disk->inodes, true);
	return disk;
}

void simulated_disk_destroy(struct simulated_disk **disk_at)
{
	struct simulated_disk *disk = *disk_at;
	for (struct inode *inode = disk->inodes, *next; inode; inode = next) {
		next = inode->next;
		inode_destroy(inode);
	}
	free(disk->descriptors);
	free(disk);
	*disk_at = NULL;
}

const struct disk *simulated_disk_functions(struct simulated_disk *disk)
{
	return &disk->functions;
}

uint64_t simulated_disk_calls(const struct simulated_disk *disk)
{
	return disk->calls;
}

void simulated_disk_fail_from(struct simulated_disk *disk, uint64_t n, int error)
{
	disk->fail_at = n ? disk->calls + n : 0;
	disk->fail_until = UINT64_MAX;
	disk->fail_error = error;
	disk->has_failed = false;
}

void simulated_disk_fail_call(struct simulated_disk *disk, uint64_t n, int error)
{
	simulated_disk_fail_from(disk, n, error);
	disk->fail_until = disk->fail_at;
}

bool simulated_disk_has_failed(const struct simulated_disk *disk)
{
	return disk->has_failed;
}

void simulated_disk_fail_all_from(struct simulated_disk *disk, enum disk_call call, uint64_t n, int error)
{
	disk->failing[call].after = n - 1;
	disk->failing[call].error = error;
}

void simulated_disk_fail_all(struct simulated_disk *disk, enum disk_call call, int error)
{
	simulated_disk_fail_all_from(disk, call, 1, error);
}

void simulated_disk_hang(struct simulated_disk *disk, enum disk_call call, bool hangs)
{
	disk->hangs[call] = hangs;
}

unsigned simulated_disk_hanging(const struct simulated_disk *disk)
{
	return disk->hanging;
}

void simulated_disk_cut_at(struct simulated_disk *disk, uint64_t n)
{
	disk->cut_at = n ? disk->calls + n : 0;
}

void simulated_disk_cut(struct simulated_disk *disk)
{
	disk->is_cut = true;
}

bool simulated_disk_is_cut(const struct simulated_disk *disk)
{
	return disk->is_cut;
}

void simulated_disk_kill(struct simulated_disk *disk)
{
	for (int i = 0; i < disk->descriptor_count; i++)
		disk->descriptors[i].is_open = false;
	for (struct inode *inode = disk->inodes; inode; inode = inode->next) {
		inode->opens = 0;
		inode->is_locked = false;
	}
	disk->cut_at = 0;
	disk->is_cut = false;
}

void simulated_disk_restart(struct simulated_disk *disk, enum disk_fate fate)
{
	for (struct inode *inode = disk->inodes; inode; inode = inode->next)
		inode_meet_fate(inode, fate, &disk->random);
	for (struct inode *inode = disk->inodes; inode; inode = inode->next)
		inode_restart(inode);
	simulated_disk_kill(disk);
	memset(disk->failing, 0, sizeof(disk->failing));
	memset(disk->hangs, 0, sizeof(disk->hangs));
	disk->fail_at = 0;
}

void simulated_disk_set_capacity(struct simulated_disk *disk, uint64_t bytes)
{
	disk->capacity = bytes;
}

void simulated_disk_settle(struct simulated_disk *disk)
{
	for (struct inode *inode = disk->inodes; inode; inode = inode->next)
		inode_sync(inode);
}

void simulated_disk_put(struct simulated_disk *disk, const char *path, const void *data, size_t len)
{
	struct place place;
	if (find(disk, path, &place) || place.inode == disk->root)
		abort();
	struct inode *file = inode_create(&disk->inodes, false);
	inode_write(file, data, len, 0);
	inode_sync(file);
	inode_set_name(place.directory, place.name, file);
	inode_sync(place.directory);
}

bool simulated_disk_get(struct simulated_disk *disk, const char *path, struct buffer *out)
{
	struct place place;
	if (find_file(disk, path, &place))
		return false;
	buffer_append(out, place.inode->now.data, place.inode->now.len);
	return true;
}

bool simulated_disk_has(struct simulated_disk *disk, const char *path)
{
	struct place place;
	return find_existing(disk, path, &place) == 0;
}

unsigned simulated_disk_open_descriptors(const struct simulated_disk *disk)
{
	unsigned open = 0;
	for (int i = 0; i < disk->descriptor_count; i++)
		open += disk->descriptors[i].is_open;
	return open;
}

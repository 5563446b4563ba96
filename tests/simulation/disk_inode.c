#include "simulation/disk_inode.h"

#include <stdlib.h>
#include <string.h>

enum change_kind { WRITE, RESIZE, NAME };

struct change {
	struct change *next;
	enum change_kind kind;
	bool is_lost;
	uint64_t size;          /* of the file after it */
	/* WRITE */
	uint64_t offset;
	uint8_t *data;
	size_t len;
	/* NAME: `name` of this directory becomes `inode`; the name from which it was moved goes */
	char *name, *old_name;
	struct inode *inode, *old_directory;
};

static void *checked(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static struct change *add_change(struct inode *inode, struct change change)
{
	struct change *added = checked(malloc(sizeof(*added)));
	*added = change;
	added->next = NULL;
	*inode->last = added;
	inode->last = &added->next;
	return added;
}

static void forget_change(struct inode *inode, struct change **at)
{
	struct change *change = *at;
	*at = change->next;
	if (!*at)
		inode->last = at;
	free(change->data);
	free(change->name);
	free(change->old_name);
	free(change);
}

static void forget_changes(struct inode *inode)
{
	while (inode->first)
		forget_change(inode, &inode->first);
}

/* ---- files ---- */

static void resize(struct image *image, uint64_t bytes)
{
	if (bytes > image->capacity) {
		image->capacity = bytes + bytes / 2;
		image->data = checked(realloc(image->data, image->capacity));
	}
	if (bytes > image->len)
		memset(image->data + image->len, 0, bytes - image->len);
	image->len = bytes;
}

static void write_to(struct image *image, const uint8_t *data, size_t len, uint64_t offset)
{
	if (offset + len > image->len)
		resize(image, offset + len);
	memcpy(image->data + offset, data, len);
}

void inode_write(struct inode *file, const void *data, size_t len, uint64_t offset)
{
	if (len == 0)
		return;
	write_to(&file->now, data, len, offset);
	struct change change = { .kind = WRITE, .offset = offset, .len = len, .size = file->now.len };
	change.data = memcpy(checked(malloc(len)), data, len);
	add_change(file, change);
}

void inode_resize(struct inode *file, uint64_t bytes)
{
	resize(&file->now, bytes);
	add_change(file, (struct change){ .kind = RESIZE, .size = bytes });
}

void inode_lose_changes(struct inode *file)
{
	for (struct change *change = file->first; change; change = change->next)
		change->is_lost = true;
}

/* ---- directories ---- */

static struct name *find_name(const struct names *names, const char *text)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].text, text) == 0)
			return &names->items[i];
	return NULL;
}

static void drop_name(struct names *names, const char *text)
{
	struct name *name = find_name(names, text);
	if (!name)
		return;
	free(name->text);
	*name = names->items[--names->count];
}

static void put_name(struct names *names, const char *text, struct inode *inode)
{
	drop_name(names, text);
	if (!inode)
		return;
	if (names->count == names->capacity) {
		names->capacity = names->capacity * 2 + 8;
		names->items = checked(realloc(names->items, names->capacity * sizeof(*names->items)));
	}
	names->items[names->count++] = (struct name){ checked(strdup(text)), inode };
}

static void fini_names(struct names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		free(names->items[i].text);
	free(names->items);
	*names = (struct names){ 0 };
}

static void copy_names(struct names *to, const struct names *from)
{
	fini_names(to);
	for (uint32_t i = 0; i < from->count; i++)
		put_name(to, from->items[i].text, from->items[i].inode);
}

struct inode *inode_find(const struct inode *directory, const char *name)
{
	const struct name *found = find_name(&directory->names, name);
	return found ? found->inode : NULL;
}

void inode_set_name(struct inode *directory, const char *name, struct inode *inode)
{
	put_name(&directory->names, name, inode);
	add_change(directory, (struct change){ .kind = NAME, .name = checked(strdup(name)), .inode = inode });
}

void inode_move_name(struct inode *from, const char *name, struct inode *to, const char *new_name)
{
	struct inode *inode = inode_find(from, name);
	drop_name(&from->names, name);
	put_name(&to->names, new_name, inode);
	add_change(to, (struct change){ .kind = NAME, .name = checked(strdup(new_name)), .inode = inode,
					.old_directory = from, .old_name = checked(strdup(name)) });
}

/* ---- what becomes durable ---- */

static void forget_old_name(struct inode *directory, const char *text, const struct inode *inode)
{
	const struct name *old = find_name(&directory->durable_names, text);
	if (old && old->inode == inode)
		drop_name(&directory->durable_names, text);
}

/* The old directory may not be durable yet: then it never will be with this name. */
static void forget_old_changes(struct inode *directory, const char *text, const struct inode *inode)
{
	for (struct change **at = &directory->first; *at;)
		if ((*at)->inode == inode && strcmp((*at)->name, text) == 0)
			forget_change(directory, at);
		else
			at = &(*at)->next;
}

static void make_name_durable(struct inode *directory, const struct change *change)
{
	if (change->old_directory)
		forget_old_name(change->old_directory, change->old_name, change->inode);
	if (change->old_directory && change->old_directory != directory)
		forget_old_changes(change->old_directory, change->old_name, change->inode);
	put_name(&directory->durable_names, change->name, change->inode);
}

static void make_durable(struct inode *inode, const struct change *change)
{
	if (change->kind == NAME) {
		make_name_durable(inode, change);
		return;
	}
	if (change->kind == WRITE && !change->is_lost)
		write_to(&inode->durable, change->data, change->len, change->offset);
	resize(&inode->durable, change->size);
}

void inode_sync(struct inode *inode)
{
	for (const struct change *change = inode->first; change; change = change->next)
		make_durable(inode, change);
	forget_changes(inode);
}

/* Sector by sector: zeros, or garbage. */
static void fill(struct image *image, uint64_t from, struct random *random)
{
	for (uint64_t at = from; at < image->len;) {
		uint64_t end = at - at % DISK_SECTOR_BYTES + DISK_SECTOR_BYTES;
		bool is_garbage = random_below(random, 2);
		for (; at < end && at < image->len; at++)
			image->data[at] = is_garbage ? (uint8_t)random_next(random) : 0;
	}
}

static void write_some_sectors(struct image *image, const struct change *change, struct random *random)
{
	for (size_t done = 0, piece; done < change->len; done += piece) {
		uint64_t at = change->offset + done;
		piece = DISK_SECTOR_BYTES - at % DISK_SECTOR_BYTES;
		if (piece > change->len - done)
			piece = change->len - done;
		if (random_below(random, 2))
			write_to(image, change->data + done, piece, at);
	}
}

/* The size after one of the changes, or before all. */
static uint64_t some_size(const struct inode *file, struct random *random)
{
	uint64_t size = file->durable.len, seen = 1;
	for (const struct change *change = file->first; change; change = change->next)
		if (random_below(random, ++seen) == 0)
			size = change->size;
	return size;
}

static void change_some(struct inode *inode, struct random *random)
{
	uint64_t size = inode->is_directory ? 0 : some_size(inode, random);
	for (const struct change *change = inode->first; change; change = change->next)
		if (change->kind == NAME && random_below(random, 2))
			make_durable(inode, change);
		else if (change->kind == WRITE && !change->is_lost)
			write_some_sectors(&inode->durable, change, random);
	if (!inode->is_directory)
		resize(&inode->durable, size);
}

static void change_metadata(struct inode *inode, struct random *random)
{
	uint64_t had = inode->durable.len;
	for (const struct change *change = inode->first; change; change = change->next)
		if (change->kind == NAME)
			make_durable(inode, change);
	if (!inode->is_directory && inode->first) {
		resize(&inode->durable, inode->now.len);
		fill(&inode->durable, had, random);
	}
}

void inode_meet_fate(struct inode *inode, enum disk_fate fate, struct random *random)
{
	switch (fate) {
	case FATE_ALL: inode_sync(inode); break;
	case FATE_SECTORS: change_some(inode, random); break;
	case FATE_METADATA: change_metadata(inode, random); break;
	case FATE_NONE:
	case DISK_FATES: break;
	}
	forget_changes(inode);
}

void inode_restart(struct inode *inode)
{
	copy_names(&inode->names, &inode->durable_names);
	inode->now.len = 0;
	resize(&inode->now, 0);
	if (inode->durable.len)
		write_to(&inode->now, inode->durable.data, inode->durable.len, 0);
	inode->opens = 0;
	inode->is_locked = false;
}

struct inode *inode_create(struct inode **all, bool is_directory)
{
	struct inode *inode = checked(calloc(1, sizeof(*inode)));
	inode->is_directory = is_directory;
	inode->last = &inode->first;
	inode->next = *all;
	*all = inode;
	return inode;
}

void inode_destroy(struct inode *inode)
{
	forget_changes(inode);
	fini_names(&inode->names);
	fini_names(&inode->durable_names);
	free(inode->now.data);
	free(inode->durable.data);
	free(inode);
}

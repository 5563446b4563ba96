/*
 * /proc/self/cgroup names the process's group in each hierarchy by its path from the hierarchy's root. mountinfo says which part of
 * the hierarchy is mounted where. In a container both paths are often "/", or the same: then the mount point is the group.
 */
#include "cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 8192
#define PATH_BYTES 4096

/* Versions 2 and 1; a group may have a limit in either. */
static const struct hierarchy {
	const char *type;       /* of the file system */
	const char *controller; /* NULL: the hierarchy has all controllers */
	const char *limit_file;
} hierarchies[] = {
	{ "cgroup2", NULL, "memory.max" },
	{ "cgroup", "memory", "memory.limit_in_bytes" },
};

/* True when the comma-separated list contains the word. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, word, len) == 0 && (at[len] == '\0' || at[len] == ','))
			return true;
	return false;
}

typedef bool line_reader(const struct hierarchy *hierarchy, char *line, void *out);

/* Stops at the first line for which `take` returns true. */
static bool find_line(const char *file_name, line_reader *take, const struct hierarchy *hierarchy, void *out)
{
	char line[LINE_BYTES];
	bool is_found = false;
	FILE *file = fopen(file_name, "re");
	while (file && !is_found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		is_found = take(hierarchy, line, out);
	}
	if (file)
		fclose(file);
	return is_found;
}

/* "0::/path" of version 2, "4:cpu,memory:/path" of version 1. */
static bool take_group(const struct hierarchy *hierarchy, char *line, void *out)
{
	char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!path)
		return false;
	*path++ = '\0';
	controllers++;
	if (hierarchy->controller ? !has_word(controllers, hierarchy->controller) : controllers[0] != '\0')
		return false;
	snprintf(out, PATH_BYTES, "%s", path);
	return true;
}

struct mount {
	char root[PATH_BYTES]; /* the mounted part of the hierarchy */
	char point[PATH_BYTES];
};

/* "36 35 0:31 /root /mount/point options more - type source options" */
static bool take_mount(const struct hierarchy *hierarchy, char *line, void *out)
{
	struct mount *mount = out;
	char *tail = strstr(line, " - "), type[64], options[1024];
	if (!tail || sscanf(tail, " - %63s %*s %1023s", type, options) != 2 || strcmp(type, hierarchy->type) != 0)
		return false;
	if (hierarchy->controller && !has_word(options, hierarchy->controller))
		return false;
	*tail = '\0';
	return sscanf(line, "%*s %*s %*s %4095s %4095s", mount->root, mount->point) == 2;
}

/* The group's directory; the mount point if the group is outside of the mounted part. */
static void locate(const struct mount *mount, const char *group, char out_directory[2 * PATH_BYTES])
{
	size_t len = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
	bool is_inside = strncmp(group, mount->root, len) == 0 && (group[len] == '/' || group[len] == '\0') && !strstr(group, "/..");
	snprintf(out_directory, 2 * PATH_BYTES, "%s%s", mount->point, is_inside ? group + len : "");
	for (size_t end = strlen(out_directory); end > strlen(mount->point) && out_directory[end - 1] == '/'; end--)
		out_directory[end - 1] = '\0';
}

/* The file holds "max" or a number; without a limit, version 1 writes a number larger than any memory. */
static uint64_t read_limit(const char *directory, const char *name)
{
	char path[2 * PATH_BYTES + 64], text[64] = "";
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "re");
	if (!file)
		return UINT64_MAX;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;
}

static uint64_t hierarchy_limit(const struct hierarchy *hierarchy, const char *cgroup_file, const char *mountinfo_file)
{
	char group[PATH_BYTES], directory[2 * PATH_BYTES];
	struct mount mount;
	uint64_t least = UINT64_MAX;
	if (!find_line(cgroup_file, take_group, hierarchy, group) || !find_line(mountinfo_file, take_mount, hierarchy, &mount))
		return least;
	locate(&mount, group, directory);
	for (;;) {
		uint64_t limit = read_limit(directory, hierarchy->limit_file);
		least = limit < least ? limit : least;
		if (strlen(directory) <= strlen(mount.point))
			return least;
		*strrchr(directory, '/') = '\0';
	}
}

uint64_t cgroup_memory_limit(const char *cgroup_file, const char *mountinfo_file)
{
	uint64_t least = UINT64_MAX;
	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
		uint64_t limit = hierarchy_limit(&hierarchies[i], cgroup_file, mountinfo_file);
		least = limit < least ? limit : least;
	}
	return least < machine_memory() ? least : 0;
}

uint64_t machine_memory(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

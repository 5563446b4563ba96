#include "actors/runtime/owned_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/runtime/crash.h"

static char *absolute(const char *dir, const char *path)
{
	char *whole = NULL;
	if (asprintf(&whole, "%s%s%s", path[0] == '/' ? "" : dir, path[0] == '/' ? "" : "/", path) < 0)
		crash_out_of_memory("a file name");
	return whole;
}

static bool is_ours(const struct stat *status)
{
	return (S_ISREG(status->st_mode) || S_ISSOCK(status->st_mode)) && status->st_uid == geteuid();
}

struct owned_file owned_file_at(const char *dir, const char *path)
{
	struct owned_file file = { .path = absolute(dir, path) };
	struct stat status;
	if (path[0] && lstat(file.path, &status) == 0 && is_ours(&status)) {
		file.device = status.st_dev;
		file.number = status.st_ino;
		return file;
	}
	free(file.path);
	return (struct owned_file){ 0 };
}

void owned_file_remove(struct owned_file *file)
{
	struct stat status;
	if (file->path && lstat(file->path, &status) == 0 && status.st_dev == file->device && status.st_ino == file->number)
		unlink(file->path);
	free(file->path);
	*file = (struct owned_file){ 0 };
}

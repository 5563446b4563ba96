#include "actors/persistence/base_file.h"

#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"

struct base_file *base_file_create(const char *directory, const char *name)
{
	struct base_file *file = calloc(1, sizeof(*file));
	if (file) {
		file->directory = strdup(directory);
		file->name = strdup(name);
	}
	if (!file || !file->directory || !file->name)
		crash_out_of_memory("a base of the append-only file");
	return file;
}

void base_file_destroy(struct base_file **file)
{
	if (*file) {
		free((*file)->directory);
		free((*file)->name);
	}
	free(*file);
	*file = NULL;
}

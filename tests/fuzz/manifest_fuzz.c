/*
 * Any text as the log's manifest. What it is taken for must be read again from what is printed for it.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool is_right)
{
	if (!is_right)
		abort();
}

static void check_order(const struct manifest *manifest)
{
	int64_t last = 0;
	unsigned bases = 0;
	for (size_t i = 0; i < manifest->count; i++) {
		const struct manifest_part *part = &manifest->parts[i];
		must(part->name[0] && !strpbrk(part->name, "/\\") && strcmp(part->name, "..") != 0 && part->number > 0);
		bases += part->type == PART_BASE;
		if (part->type == PART_INCREMENT) {
			must(part->number > last);
			last = part->number;
		}
	}
	must(bases <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct manifest manifest, same;
	struct manifest_error error;
	struct buffer once = { 0 }, twice = { 0 };
	if (!manifest_parse(data, len, &manifest, &error)) {
		must(error.reason != NULL);
		return 0;
	}
	check_order(&manifest);
	if (manifest_print(&manifest, &once)) {
		must(manifest_parse(once.data, once.len, &same, &error) && same.count == manifest.count);
		must(manifest_print(&same, &twice) && twice.len == once.len && memcmp(twice.data, once.data, once.len) == 0);
		manifest_fini(&same);
	}
	manifest_fini(&manifest);
	buffer_fini(&once);
	buffer_fini(&twice);
	return 0;
}

/*
 * Loads an RDB file, saves what is in it to another one, and prints the digest of the data, as DEBUG DIGEST does.
 *
 *   rdb_copy FROM TO [compressed] [unsummed] [usage]
 */
#include <stdio.h>
#include <string.h>

#include "actors/store/data_digest.h"
#include "storage/memory.h"
#include "support/rdb_files.h"

#define DATABASES 16

static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 3; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

static int fail(const char *path, const char *why)
{
	printf("%s: %s\n", path, why);
	return 1;
}

int main(int argc, char **argv)
{
	struct databases databases;
	struct rdb_load_figures figures;
	char hex[DIGEST_HEX_BYTES];
	if (argc < 3)
		return fail(argv[0], "FROM TO [compressed] [unsummed] [usage]");
	struct rdb_files_how how = { .compresses = has_word(argc, argv, "compressed"), .is_summed = !has_word(argc, argv, "unsummed"),
				     .has_usage = has_word(argc, argv, "usage") };
	memory_init();
	keyspace_seed_hash();
	if (!databases_init(&databases, DATABASES))
		return fail(argv[0], "no memory");
	access_advance(databases.storage.access, 0, 1);
	const char *error = rdb_files_load(&databases, argv[1], &figures);
	if (error)
		return fail(argv[1], error);
	error = rdb_files_save(&databases, argv[2], &how);
	if (error)
		return fail(argv[2], error);
	data_digest_of(&databases, hex);
	printf("%s\n", hex);
	databases_fini(&databases);
	return 0;
}

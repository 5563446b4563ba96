/*
 * Reads append-only files of redis-server one after another into empty databases and prints the digest of the data, as DEBUG DIGEST does.
 *
 *   replayed_log FILE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/aof_read.h"
#include "actors/runtime/clock.h"
#include "actors/store/data_digest.h"
#include "storage/memory.h"
#include "support/log_frames.h"

#define DATABASES 16

static void discard(void *context, struct keyspace *keyspace)
{
	keyspace_destroy(&keyspace);
}

static void fail(const char *path, const char *why)
{
	printf("%s: %s\n", path, why);
	exit(1);
}

static void replay(const char *path, const struct effect_target *target)
{
	struct aof_read_options options = { .disk = disk_real(), .name = path, .is_last = true, .until_s = AOF_READ_ALL, .now_ms = wall_clock_ms() };
	int error = options.disk->open(options.disk, path, DISK_READ, &options.fd);
	if (error)
		fail(path, strerror(error));
	struct aof_reader *reader = aof_reader_create(&options);
	if (!reader)
		abort();
	for (enum aof_read_status status = AOF_READ_FRAMES; status == AOF_READ_FRAMES;) {
		struct load_frames *frames = load_frames_create(false);
		status = aof_read(reader, frames);
		if (status != AOF_READ_FRAMES && status != AOF_READ_END)
			fail(path, status == AOF_READ_REFUSED ? aof_reader_error(reader) : "it begins with an RDB");
		if (!log_apply(target, &frames->frames))
			fail(path, "a command does not fit the data");
		load_frames_destroy(&frames);
	}
	aof_reader_destroy(&reader);
	options.disk->close(options.disk, options.fd);
}

int main(int argc, char **argv)
{
	struct databases databases;
	struct effect_target target = { .databases = &databases, .discard = discard };
	char hex[DIGEST_HEX_BYTES];
	memory_init();
	keyspace_seed_hash();
	if (!databases_init(&databases, DATABASES))
		return 1;
	for (int i = 1; i < argc; i++)
		replay(argv[i], &target);
	data_digest_of(&databases, hex);
	printf("%s\n", hex);
	databases_fini(&databases);
	return 0;
}

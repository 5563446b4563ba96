/*
 * Reads append-only files one after another into empty databases and prints the digest of the data, as DEBUG DIGEST does.
 *
 *   replayed_log FILE...
 */
#include <stdio.h>
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/store/data_digest.h"
#include "storage/memory.h"
#include "support/log_frames.h"

#define DATABASES 16
#define PIECE_BYTES 65536

static void discard(void *context, struct keyspace *keyspace)
{
	keyspace_destroy(&keyspace);
}

static struct buffer read_file(const char *path)
{
	struct buffer text = { 0 };
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(1);
	}
	while (!feof(file)) {
		if (ferror(file) || !buffer_reserve(&text, PIECE_BYTES))
			abort();
		text.len += fread(text.data + text.len, 1, PIECE_BYTES, file);
	}
	fclose(file);
	return text;
}

static void replay(const char *path, const struct effect_target *target)
{
	struct aof_parser parser;
	struct frame_writer frames = { .first_sequence = 1 };
	struct buffer text = read_file(path);
	aof_parser_init(&parser, false, wall_clock_us() / 1000);
	if (!log_parse(&parser, slice_of(text.data, text.len), &frames)) {
		printf("%s: command %u is refused: %s\n", path, frames.frames + 1, parser.error);
		exit(1);
	}
	if (!log_apply(target, &frames)) {
		printf("%s: a command does not fit the data\n", path);
		exit(1);
	}
	frame_writer_fini(&frames);
	buffer_fini(&text);
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

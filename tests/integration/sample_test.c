/*
 * The sample configuration starts the server as it is, and changes nothing when all of its directives are uncommented.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"

static char scratch[256];

/* Copies the sample, with its directives commented out or not. Returns how many there are. */
static int copy_sample(const char *path, bool are_in)
{
	const char *sample = getenv("QCACHE_SAMPLE");
	CU_ASSERT_PTR_NOT_NULL_FATAL(sample);
	char *text = file_text(sample), *rest = text;
	FILE *copy = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	int directives = 0;
	for (char *line; (line = strsep(&rest, "\n"));) {
		bool is_directive = line[0] == '#' && isalpha((unsigned char)line[1]);
		directives += is_directive;
		fprintf(copy, "%s\n", line + (is_directive && are_in));
	}
	CU_ASSERT_EQUAL(fclose(copy), 0);
	free(text);
	return directives;
}

/* The test chooses address and directory. */
static char *values_of_server(const char *file)
{
	struct server *server = server_start("%s --port 0 --unixsocket %s/socket --dir %s --bind 127.0.0.1 --io-threads 1", file, scratch,
					     scratch);
	struct peer *peer = peer_connect_unix(server);
	const char *reply = COMMAND(peer, "CONFIG", "GET", "*");
	char *values = strdup(reply ? reply : "nothing");
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	return values;
}

static void the_sample_starts_the_server_and_changes_nothing(void)
{
	ONLY_OURS();
	char path[300];
	scratch_create(scratch, sizeof(scratch));
	snprintf(path, sizeof(path), "%s/q.conf", scratch);
	char *plain = values_of_server("");
	for (int are_in = 0; are_in < 2; are_in++) {
		CU_ASSERT(copy_sample(path, are_in) >= 26);
		char *values = values_of_server(path);
		CU_ASSERT_STRING_EQUAL(values, plain);
		free(values);
	}
	CU_ASSERT(strlen(plain) > 1000);
	free(plain);
	scratch_remove(scratch);
}

static const struct suite_case cases[] = {
	CASE(the_sample_starts_the_server_and_changes_nothing),
};

SUITE_MAIN("sample", cases)

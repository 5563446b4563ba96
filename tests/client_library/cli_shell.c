#include "client_library/cli_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "client_library/fixture.h"
#include "support/process.h"

char *cli_shell(const char *directory, const char *address, const char *line, int *out_status)
{
	char *script = NULL;
	int status = -1;

	if (asprintf(&script, "export QCACHE_CLI_CONFIG=; PROGRAM='%s'; ADDR='%s'; CLI=\"$PROGRAM -addr $ADDR\"; cd '%s'; %s", fixture_cli(), address, directory,
		     line) < 0)
		abort();
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	char *output = process_run(argv, &status);
	*out_status = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	free(script);
	return output;
}

bool cli_shell_gives(const char *directory, const char *address, const char *line, int wanted_status, const char *wanted)
{
	int status;
	char *output = cli_shell(directory, address, line, &status);
	bool fine = status == wanted_status && strcmp(output, wanted) == 0;

	if (!fine)
		fprintf(stderr, "%s\n  gives (%d): %s\n  not (%d): %s\n", line, status, output, wanted_status, wanted);
	free(output);
	return fine;
}

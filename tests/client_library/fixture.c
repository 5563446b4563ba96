#include "client_library/fixture.h"

#include <stdio.h>
#include <stdlib.h>

bool fixture_is_good(qc_error err, const char *file, int line)
{
	if (err.kind == QC_OK)
		return true;
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, qc_kind_name(err.kind), err.text);
	return false;
}

bool fixture_fails(qc_error err, enum qc_kind kind, const char *file, int line)
{
	if (err.kind == kind)
		return true;
	fprintf(stderr, "%s:%d: \"%s\" was expected, it is \"%s\": %s\n", file, line, qc_kind_name(kind),
		qc_kind_name(err.kind), err.text);
	return false;
}

struct fixture fixture_start(const char *directives)
{
	struct fixture fixture = {.server = server_start("%s", directives)};

	snprintf(fixture.address, sizeof(fixture.address), "127.0.0.1:%u", server_port(fixture.server));
	fixture.client = qc_dial(fixture.address);
	if (!fixture_is_good(fixture.client->err, __FILE__, __LINE__))
		abort();
	return fixture;
}

bool fixture_stop(struct fixture *fixture)
{
	qc_close(fixture->client);
	return server_stop(&fixture->server);
}

bool fixture_has(struct fixture *fixture, const char *command, const char *what)
{
	qc_result info qc_auto = qc_do(fixture->client, qc_background(), "COMMAND", "INFO", command);
	bool has = !qc_failed(info) && qc_reply_count(qc_reply_at(info.reply, 0)) > 0;

	if (!has)
		printf("left out: %s (the server has no %s)\n", what, command);
	return has;
}

const char *fixture_cli(void)
{
	const char *path = getenv("QCACHE_CLI");

	if (!path) {
		fprintf(stderr, "QCACHE_CLI must name the program\n");
		abort();
	}
	return path;
}

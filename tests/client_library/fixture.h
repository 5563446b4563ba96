/*
 * A server under test with a client, and what the server supports: a case runs what it has and prints what it leaves out.
 */
#ifndef TESTS_CLIENT_LIBRARY_FIXTURE_H
#define TESTS_CLIENT_LIBRARY_FIXTURE_H

#include "client/qcache.h"
#include "support/server.h"
#include "support/suite.h"

struct fixture {
	struct server *server;
	qc_client *client;
	char address[64]; /* "127.0.0.1:port" */
};

/* Aborts if the client can't connect. */
struct fixture fixture_start(const char *directives);
/* Closes the client and stops the server. False if the server didn't end well. */
bool fixture_stop(struct fixture *fixture);

/* Whether the server has this command (COMMAND INFO). If not, prints "left out: WHAT (the server has no NAME)". */
bool fixture_has(struct fixture *fixture, const char *command, const char *what);

/* The path of qcache-cli, QCACHE_CLI. */
const char *fixture_cli(void);

/* Checks that there is no error; prints it otherwise. */
#define GOOD(result) CU_ASSERT(fixture_is_good((result).err, __FILE__, __LINE__))
#define GOOD_FATAL(result) CU_ASSERT_FATAL(fixture_is_good((result).err, __FILE__, __LINE__))
bool fixture_is_good(qc_error err, const char *file, int line);
/* Checks the kind of error. */
#define FAILS(result, wanted) CU_ASSERT(fixture_fails((result).err, wanted, __FILE__, __LINE__))
bool fixture_fails(qc_error err, enum qc_kind kind, const char *file, int line);

#endif

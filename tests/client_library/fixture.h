/*
 * A server under test and a client on it, and what the server can do: cases run what it has and print what they leave out.
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

/* Aborts when the client can't connect. */
struct fixture fixture_start(const char *directives);
/* Closes the client, stops the server; false when something was wrong with it. */
bool fixture_stop(struct fixture *fixture);

/* Has the server this command (COMMAND INFO)? Prints "left out: WHAT (the server has no NAME)" when not. */
bool fixture_has(struct fixture *fixture, const char *command, const char *what);

/* Where qcache-cli is: QCACHE_CLI. */
const char *fixture_cli(void);

/* No error; prints it when there is one. */
#define GOOD(result) CU_ASSERT(fixture_is_good((result).err, __FILE__, __LINE__))
#define GOOD_FATAL(result) CU_ASSERT_FATAL(fixture_is_good((result).err, __FILE__, __LINE__))
bool fixture_is_good(qc_error err, const char *file, int line);
/* This kind of error. */
#define FAILS(result, wanted) CU_ASSERT(fixture_fails((result).err, wanted, __FILE__, __LINE__))
bool fixture_fails(qc_error err, enum qc_kind kind, const char *file, int line);

#endif

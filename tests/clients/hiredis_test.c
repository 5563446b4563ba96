/*
 * Tests of the server through hiredis's blocking API.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/deadline.h"
#include "support/server.h"
#include "support/suite.h"

static struct server *server;
static redisContext *client;

static redisContext *connect_tcp(void)
{
	struct timeval limit = { .tv_sec = PATIENCE_MS / 1000 * patience() };
	redisContext *context = redisConnectWithTimeout("127.0.0.1", server_port(server), limit);
	if (!context || context->err) {
		fprintf(stderr, "connect: %s\n", context ? context->errstr : "no memory");
		abort();
	}
	redisSetTimeout(context, limit);
	return context;
}

static bool is_status(redisReply *reply, const char *text)
{
	bool same = reply && reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, text) == 0;
	freeReplyObject(reply);
	return same;
}

static bool is_string(redisReply *reply, const char *bytes, size_t len)
{
	bool same = reply && reply->type == REDIS_REPLY_STRING && reply->len == len && memcmp(reply->str, bytes, len) == 0;
	freeReplyObject(reply);
	return same;
}

static bool is_integer(redisReply *reply, long long value)
{
	bool same = reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == value;
	freeReplyObject(reply);
	return same;
}

static bool is_nil(redisReply *reply)
{
	bool nil = reply && reply->type == REDIS_REPLY_NIL;
	freeReplyObject(reply);
	return nil;
}

static bool is_error(redisReply *reply, const char *text)
{
	bool same = reply && reply->type == REDIS_REPLY_ERROR && strcmp(reply->str, text) == 0;
	freeReplyObject(reply);
	return same;
}

static void commands_are_answered_in_their_types(void)
{
	CU_ASSERT(is_status(redisCommand(client, "PING"), "PONG"));
	CU_ASSERT(is_status(redisCommand(client, "SET %s %s", "name", "John Doe"), "OK"));
	CU_ASSERT(is_string(redisCommand(client, "GET name"), "John Doe", 8));
	CU_ASSERT(is_nil(redisCommand(client, "GET absent")));
	CU_ASSERT(is_integer(redisCommand(client, "INCRBY n %d", 42), 42));
	CU_ASSERT(is_error(redisCommand(client, "INCR name"), "ERR value is not an integer or out of range"));
	CU_ASSERT(is_error(redisCommand(client, "NOSUCH a"), "ERR unknown command 'NOSUCH', with args beginning with: 'a' "));
	redisReply *reply = redisCommand(client, "MGET name absent n");
	CU_ASSERT(reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 3);
	CU_ASSERT(reply && reply->element[1]->type == REDIS_REPLY_NIL && strcmp(reply->element[2]->str, "42") == 0);
	freeReplyObject(reply);
}

static void bytes_pass_unharmed(void)
{
	char bytes[256];
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	CU_ASSERT(is_status(redisCommand(client, "SET %b %b", bytes, sizeof(bytes), bytes, sizeof(bytes)), "OK"));
	CU_ASSERT(is_string(redisCommand(client, "GET %b", bytes, sizeof(bytes)), bytes, sizeof(bytes)));
}

static void large_values_pass(void)
{
	enum { LEN = 32 << 20 };
	char *bytes = malloc(LEN);
	memset(bytes, 'l', LEN);
	CU_ASSERT(is_status(redisCommand(client, "SET large %b", bytes, (size_t)LEN), "OK"));
	CU_ASSERT(is_string(redisCommand(client, "GET large"), bytes, LEN));
	CU_ASSERT(is_integer(redisCommand(client, "DEL large"), 1));
	free(bytes);
}

static void pipelines_keep_their_order(void)
{
	enum { COMMANDS = 20000 };
	for (int i = 0; i < COMMANDS; i++)
		CU_ASSERT_EQUAL(redisAppendCommand(client, "ECHO %d", i), REDIS_OK);
	for (int i = 0; i < COMMANDS; i++) {
		void *reply = NULL;
		char text[16];
		CU_ASSERT_EQUAL(redisGetReply(client, &reply), REDIS_OK);
		CU_ASSERT(is_string(reply, text, (size_t)sprintf(text, "%d", i)));
	}
}

static void keys_end_at_their_time(void)
{
	CU_ASSERT(is_status(redisCommand(client, "SET brief v PX 20"), "OK"));
	redisReply *reply;
	bool there = true;
	while (there) {
		reply = redisCommand(client, "GET brief");
		there = reply && reply->type == REDIS_REPLY_STRING;
		freeReplyObject(reply);
	}
	CU_ASSERT(is_integer(redisCommand(client, "PTTL brief"), -2));
	CU_ASSERT(is_integer(redisCommand(client, "EXPIRE n 1000"), 1));
	CU_ASSERT(is_integer(redisCommand(client, "PERSIST n"), 1));
}

static void a_scan_finds_every_key(void)
{
	enum { KEYS = 2000 };
	CU_ASSERT(is_status(redisCommand(client, "FLUSHALL"), "OK"));
	for (int i = 0; i < KEYS; i++)
		CU_ASSERT(is_status(redisCommand(client, "SET scan:%d v", i), "OK"));
	char seen[KEYS] = { 0 }, cursor[32] = "0";
	int found = 0, number;
	do {
		redisReply *reply = redisCommand(client, "SCAN %s MATCH scan:* COUNT 50", cursor);
		CU_ASSERT_FATAL(reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2);
		for (size_t i = 0; i < reply->element[1]->elements; i++)
			if (sscanf(reply->element[1]->element[i]->str, "scan:%d", &number) == 1 && !seen[number])
				found += seen[number] = 1;
		snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
		freeReplyObject(reply);
	} while (strcmp(cursor, "0") != 0);
	CU_ASSERT_EQUAL(found, KEYS);
}

static void a_killed_connection_is_seen_and_made_anew(void)
{
	redisContext *killer = connect_tcp();
	redisReply *id = redisCommand(client, "CLIENT ID");
	CU_ASSERT_FATAL(id && id->type == REDIS_REPLY_INTEGER);
	CU_ASSERT(is_integer(redisCommand(killer, "CLIENT KILL ID %lld", id->integer), 1));
	freeReplyObject(id);
	CU_ASSERT_PTR_NULL(redisCommand(client, "PING"));
	CU_ASSERT(client->err != 0);
	CU_ASSERT_EQUAL(redisReconnect(client), REDIS_OK);
	CU_ASSERT(is_status(redisCommand(client, "PING"), "PONG"));
	redisFree(killer);
}

static void the_unix_socket_serves(void)
{
	redisContext *local = redisConnectUnix(server_socket_path(server));
	CU_ASSERT(local && !local->err);
	CU_ASSERT(is_status(redisCommand(local, "CLIENT SETNAME local"), "OK"));
	CU_ASSERT(is_string(redisCommand(local, "CLIENT GETNAME"), "local", 5));
	redisFree(local);
}

static void server_starts(void)
{
	server = server_start("--timeout 0");
	client = connect_tcp();
}

static void server_stops(void)
{
	redisFree(client);
	CU_ASSERT(server_stop(&server));
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(commands_are_answered_in_their_types),
	CASE(bytes_pass_unharmed),
	CASE(large_values_pass),
	CASE(pipelines_keep_their_order),
	CASE(keys_end_at_their_time),
	CASE(a_scan_finds_every_key),
	CASE(a_killed_connection_is_seen_and_made_anew),
	CASE(the_unix_socket_serves),
	CASE(server_stops),
};

SUITE_MAIN("hiredis", cases)

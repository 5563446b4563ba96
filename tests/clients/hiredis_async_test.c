/*
 * Tests of the server through hiredis's asynchronous API, over libev.
 */
#include <ev.h>
#include <hiredis/adapters/libev.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/deadline.h"
#include "support/server.h"
#include "support/suite.h"

enum { CONNECTIONS = 50, COMMANDS = 2000 };

static struct server *server;

/* A connection that sends numbered ECHOs and expects them back in order. */
struct echoer {
	redisAsyncContext *context;
	int number, next;
	bool is_connected, is_disconnected, failed;
};

static void stop_loop(struct ev_loop *loop, ev_timer *timer, int events)
{
	fprintf(stderr, "too late\n");
	ev_break(loop, EVBREAK_ALL);
}

/* Runs until no connection is left, or the deadline passes. */
static void run_loop(void)
{
	struct ev_loop *loop = ev_default_loop(0);
	ev_timer late;
	ev_timer_init(&late, stop_loop, PATIENCE_MS / 1000.0 * (double)patience(), 0);
	ev_timer_start(loop, &late);
	ev_unref(loop);
	ev_run(loop, 0);
	ev_ref(loop);
	ev_timer_stop(loop, &late);
}

static void on_connected(const redisAsyncContext *context, int status)
{
	((struct echoer *)context->data)->is_connected = status == REDIS_OK;
}

static void on_disconnected(const redisAsyncContext *context, int status)
{
	((struct echoer *)context->data)->is_disconnected = true;
}

static void attach(struct echoer *echoer)
{
	echoer->context = redisAsyncConnect("127.0.0.1", server_port(server));
	if (!echoer->context || echoer->context->err)
		abort();
	echoer->context->data = echoer;
	redisLibevAttach(ev_default_loop(0), echoer->context);
	redisAsyncSetConnectCallback(echoer->context, on_connected);
	redisAsyncSetDisconnectCallback(echoer->context, on_disconnected);
}

static void on_echo(redisAsyncContext *context, void *answer, void *argument)
{
	struct echoer *echoer = context->data;
	redisReply *reply = answer;
	char expected[32];
	snprintf(expected, sizeof(expected), "%d-%d", echoer->number, echoer->next++);
	if (!reply || reply->type != REDIS_REPLY_STRING || strcmp(reply->str, expected) != 0)
		echoer->failed = true;
	if (echoer->next == COMMANDS)
		redisAsyncDisconnect(context);
}

static void many_connections_are_answered_in_their_order(void)
{
	static struct echoer echoers[CONNECTIONS];
	for (int i = 0; i < CONNECTIONS; i++) {
		echoers[i] = (struct echoer){ .number = i };
		attach(&echoers[i]);
		for (int n = 0; n < COMMANDS; n++)
			CU_ASSERT_EQUAL(redisAsyncCommand(echoers[i].context, on_echo, NULL, "ECHO %d-%d", i, n), REDIS_OK);
	}
	run_loop();
	for (int i = 0; i < CONNECTIONS; i++) {
		CU_ASSERT(echoers[i].is_connected && echoers[i].is_disconnected);
		CU_ASSERT_EQUAL(echoers[i].next, COMMANDS);
		CU_ASSERT_FALSE(echoers[i].failed);
	}
}

static void on_value(redisAsyncContext *context, void *answer, void *argument)
{
	redisReply *reply = answer;
	size_t *len = argument;
	*len = reply && reply->type == REDIS_REPLY_STRING ? reply->len : 0;
	redisAsyncDisconnect(context);
}

static void a_large_value_passes(void)
{
	enum { LEN = 16 << 20 };
	char *bytes = malloc(LEN);
	memset(bytes, 'a', LEN);
	struct echoer one = { 0 };
	size_t len = 0;
	attach(&one);
	CU_ASSERT_EQUAL(redisAsyncCommand(one.context, NULL, NULL, "SET large %b", bytes, (size_t)LEN), REDIS_OK);
	CU_ASSERT_EQUAL(redisAsyncCommand(one.context, on_value, &len, "GET large"), REDIS_OK);
	run_loop();
	CU_ASSERT_EQUAL(len, LEN);
	free(bytes);
}

static void on_none(redisAsyncContext *context, void *answer, void *argument)
{
	*(bool *)argument = answer == NULL;
}

static void on_id(redisAsyncContext *context, void *answer, void *argument)
{
	redisReply *reply = answer;
	redisAsyncContext *killer = argument;
	if (reply && reply->type == REDIS_REPLY_INTEGER)
		redisAsyncCommand(killer, NULL, NULL, "CLIENT KILL ID %lld", reply->integer);
	redisAsyncDisconnect(killer);
}

/* The kill is sent when the id is known. Commands without an answer yet get an error. */
static void a_killed_connection_is_seen(void)
{
	struct echoer victim = { 0 }, killer = { 0 };
	bool none = false;
	attach(&victim);
	attach(&killer);
	CU_ASSERT_EQUAL(redisAsyncCommand(victim.context, on_id, killer.context, "CLIENT ID"), REDIS_OK);
	CU_ASSERT_EQUAL(redisAsyncCommand(victim.context, on_none, &none, "WAIT 1 0"), REDIS_OK);
	run_loop();
	CU_ASSERT(victim.is_disconnected && killer.is_disconnected);
	CU_ASSERT(none);
}

static void server_starts(void)
{
	server = server_start("--timeout 0");
}

static void server_stops(void)
{
	CU_ASSERT(server_stop(&server));
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(many_connections_are_answered_in_their_order),
	CASE(a_large_value_passes),
	CASE(a_killed_connection_is_seen),
	CASE(server_stops),
};

SUITE_MAIN("hiredis_async", cases)

/*
 * Calls on a client: results, errors, bytes, addresses, replies, pipelines, transactions, iterators, hooks.
 */
#include <malloc.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>

#include "client/qcache_async.h"
#include "client_library/fixture.h"

static qc_context *ctx;

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);

/* The host names used here, the same on every machine. Replaces the library's name lookup (see SConscript). */
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	if (node && strcmp(node, "no-such-host.invalid") == 0)
		return EAI_NONAME;
	return __real_getaddrinfo(node && strcmp(node, "localhost") == 0 ? "127.0.0.1" : node, service, hints, out);
}

static void the_systems_own_example_reads_alike(void)
{
	struct fixture f = fixture_start("");
	qc_client *c qc_defer(qc_close) = qc_dial(f.address);

	GOOD(*c);
	GOOD(qc_set(c, ctx, "foo", "bar"));
	qc_string val qc_auto = qc_get(c, ctx, "foo");
	GOOD(val);
	CU_ASSERT_STRING_EQUAL(val.data, "bar");
	CU_ASSERT_EQUAL(val.len, 3);
	qc_int n = qc_incr(c, ctx, "counter");
	GOOD(n);
	CU_ASSERT_EQUAL(n.value, 1);
	CU_ASSERT(fixture_stop(&f));
}

static void typed_calls_take_their_options(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = f.client;

	GOOD(qc_set(c, ctx, "k", 42, .ex = 100, .nx = true));
	FAILS(qc_set(c, ctx, "k", 43, .nx = true), QC_NIL);
	CU_ASSERT_EQUAL(qc_ttl(c, ctx, "k").value, 100);
	CU_ASSERT_EQUAL(qc_incrby(c, ctx, "k", -2).value, 40);
	CU_ASSERT_EQUAL(qc_expire(c, ctx, "k", 50, .gt = true).value, 0);
	CU_ASSERT_EQUAL(qc_persist(c, ctx, "k").value, 1);
	/* Zero is not sent, but can be sent with qc_do(). */
	GOOD(qc_set(c, ctx, "k", 40, .ex = 0));
	CU_ASSERT_EQUAL(qc_ttl(c, ctx, "k").value, -1);
	FAILS(qc_do(c, ctx, "SET", "k", 41, "EX", 0), QC_SERVER);
	GOOD(qc_mset(c, ctx, "a", 1, "b", "two", "c", 3.5));
	qc_result all qc_auto = qc_mget(c, ctx, "a", "b", "none", "c");
	GOOD(all);
	CU_ASSERT_EQUAL_FATAL(qc_reply_count(all.reply), 4);
	CU_ASSERT_EQUAL(qc_reply_int(qc_reply_at(all.reply, 0)), 1);
	CU_ASSERT_STRING_EQUAL(qc_reply_text(qc_reply_at(all.reply, 1)), "two");
	CU_ASSERT_EQUAL(qc_reply_type(qc_reply_at(all.reply, 2)), QC_NULL);
	CU_ASSERT_EQUAL(qc_reply_double(qc_reply_at(all.reply, 3)), 3.5);
	CU_ASSERT_EQUAL(qc_del(c, ctx, "a", "b", "none").value, 2);
	qc_string type qc_auto = qc_type(c, ctx, "k");
	CU_ASSERT_STRING_EQUAL(type.data, "string");
	qc_string pong qc_auto = qc_ping(c, ctx, .message = qc_arg("hello"));
	CU_ASSERT_STRING_EQUAL(pong.data, "hello");
	qc_result max qc_auto = qc_config_get(c, ctx, "maxclients");
	CU_ASSERT_PTR_NOT_NULL(qc_reply_get(max.reply, "maxclients"));
	CU_ASSERT(qc_dbsize(c, ctx).value == 2);
	GOOD(qc_flushall(c, ctx, .async = true));
	CU_ASSERT(fixture_stop(&f));
}

static void errors_are_values_of_a_kind(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = f.client;

	qc_string none qc_auto = qc_get(c, ctx, "none");
	FAILS(none, QC_NIL);
	CU_ASSERT_PTR_NULL(none.data);
	GOOD(qc_set(c, ctx, "text", "abc"));
	qc_int n = qc_incr(c, ctx, "text");
	FAILS(n, QC_SERVER);
	CU_ASSERT(qc_has_code(n.err, "ERR"));
	CU_ASSERT(!qc_has_code(n.err, "WRONGTYPE"));
	qc_error wrapped = qc_wrap(n.err, "counting %s", "visits");
	CU_ASSERT(qc_is(wrapped, QC_SERVER) && qc_has_code(wrapped, "ERR"));
	CU_ASSERT_STRING_EQUAL(wrapped.text, "counting visits: ERR value is not an integer or out of range");
	for (int i = 0; i < 40; i++)
		wrapped = qc_wrap(wrapped, "a long way round");
	CU_ASSERT(strlen(wrapped.text) == sizeof(wrapped.text) - 1);
	qc_error fine = n.err;
	fine.kind = QC_OK;
	CU_ASSERT(qc_is(qc_wrap(fine, "nothing"), QC_OK));
	qc_result unknown qc_auto = qc_do(c, ctx, "NOSUCHCOMMAND", "x");
	FAILS(unknown, QC_SERVER);
	FAILS(qc_do(c, ctx), QC_INVALID);
	FAILS(qc_do(c, ctx, "GET", (const char *)NULL), QC_INVALID);
	FAILS(qc_do(c, ctx, (const char *)NULL), QC_INVALID);
	FAILS(qc_set(c, ctx, "k", NULL), QC_INVALID);
	qc_status pointer = qc_set(c, ctx, "k", (void *)&f);
	FAILS(pointer, QC_INVALID);
	CU_ASSERT_STRING_EQUAL(pointer.err.text, "argument 2 is a void pointer, which has no length: see qc_bytes()");
	CU_ASSERT_EQUAL(qc_exists(c, ctx, "k").value, 0);
	FAILS(qc_do(c, ctx, "SELECT", 1), QC_INVALID);
	FAILS(qc_select(c, ctx, 1), QC_INVALID);
	if (fixture_has(&f, "LPUSH", "an error's code of its own")) {
		qc_result pushed qc_auto = qc_do(c, ctx, "LPUSH", "text", "x");
		CU_ASSERT(qc_has_code(pushed.err, "WRONGTYPE"));
	}
	CU_ASSERT(fixture_stop(&f));
}

static void bytes_of_every_value_pass_unharmed(void)
{
	struct fixture f = fixture_start("");
	unsigned char bytes[512];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (size_t len = 0; len < sizeof(bytes); len += 37) {
		GOOD(qc_set(f.client, ctx, qc_bytes(bytes, len), qc_bytes(bytes, len)));
		qc_string back qc_auto = qc_get(f.client, ctx, qc_bytes(bytes, len));
		GOOD_FATAL(back);
		CU_ASSERT(back.len == len && memcmp(back.data, bytes, len) == 0 && back.data[len] == 0);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void numbers_are_written_exactly(void)
{
	struct fixture f = fixture_start("");
	const double numbers[] = {0.1, -2.5e-300, 1e22, 3, 1.0 / 3};

	GOOD(qc_set(f.client, ctx, "n", INT64_MIN));
	CU_ASSERT_EQUAL(qc_incrby(f.client, ctx, "n", INT64_MAX).value, -1);
	GOOD(qc_set(f.client, ctx, "u", UINT64_MAX));
	qc_string u qc_auto = qc_get(f.client, ctx, "u");
	CU_ASSERT_STRING_EQUAL(u.data, "18446744073709551615");
	GOOD(qc_set(f.client, ctx, "b", (bool)true));
	CU_ASSERT_EQUAL(qc_incr(f.client, ctx, "b").value, 2);
	qc_result of_all_types qc_auto = qc_do(f.client, ctx, "MSET", "a", (signed char)-1, "b", (unsigned char)255, "c", (short)-2,
					       "d", (unsigned short)65535, "e", -3L, "f", 4UL, "g", -5LL, "h", 6ULL, "i", 1.5f, "j", 'x');
	GOOD(of_all_types);
	qc_result back qc_auto = qc_mget(f.client, ctx, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j");
	static const char *const written[] = {"-1", "255", "-2", "65535", "-3", "4", "-5", "6", "1.5", "120"};
	CU_ASSERT_EQUAL(qc_reply_count(back.reply), 10);
	for (size_t i = 0; i < qc_reply_count(back.reply); i++)
		CU_ASSERT_STRING_EQUAL(qc_reply_text(qc_reply_at(back.reply, i)), written[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		GOOD(qc_set(f.client, ctx, "d", numbers[i]));
		qc_string d qc_auto = qc_get(f.client, ctx, "d");
		GOOD_FATAL(d);
		CU_ASSERT_EQUAL(strtod(d.data, NULL), numbers[i]);
	}
	CU_ASSERT(fixture_stop(&f));
}

/* More than the buffers of both directions hold: the sender must read meanwhile. */
static void large_values_and_pipelines_pass_without_a_jam(void)
{
	struct fixture f = fixture_start("");
	size_t len = 24 << 20;
	char *large = malloc(len);
	/* However slow the machine is. */
	qc_client *c qc_defer(qc_close) = qc_dial(f.address, .timeout_ms = -1);
	qc_pipeline *p = qc_pipeline_open(c);

	memset(large, 'x', len);
	GOOD(qc_set(c, ctx, "large", qc_bytes(large, len)));
	qc_string back qc_auto = qc_get(c, ctx, "large");
	GOOD(back);
	CU_ASSERT(back.len == len && memcmp(back.data, large, len) == 0);
	for (int i = 0; i < 200; i++) {
		qc_add(p, "ECHO", qc_bytes(large, 200000));
	}
	qc_results echoes qc_auto_results = qc_run(p, ctx);
	GOOD(echoes);
	CU_ASSERT_EQUAL(echoes.count, 200);
	for (size_t i = 0; i < echoes.count; i++)
		CU_ASSERT_EQUAL(qc_reply_len(echoes.replies[i]), 200000);
	qc_pipeline_close(p);
	free(large);
	CU_ASSERT(fixture_stop(&f));
}

/* Memory in use, in pieces and in whole pages. */
static size_t allocated_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void a_large_value_leaves_no_large_buffers_behind(void)
{
	struct fixture f = fixture_start("");
	size_t len = 8 << 20, before;
	char *large = calloc(1, len);

	GOOD(qc_set(f.client, ctx, "small", "x"));
	before = allocated_bytes();
	GOOD(qc_set(f.client, ctx, "large", qc_bytes(large, len)));
	CU_ASSERT(allocated_bytes() < before + len / 2);
	qc_string back = qc_get(f.client, ctx, "large");
	CU_ASSERT_EQUAL(back.len, len);
	qc_release(&back);
	CU_ASSERT(allocated_bytes() < before + len / 2);
	free(large);
	CU_ASSERT(fixture_stop(&f));
}

static void url(char *out, size_t size, const char *format, struct fixture *f)
{
	snprintf(out, size, format, server_port(f->server));
}

static void expect_ping(const char *address)
{
	qc_client *c qc_defer(qc_close) = qc_dial(address);
	qc_string pong qc_auto = qc_ping(c, ctx);

	GOOD(pong);
}

static void urls_say_database_and_time_limits(void)
{
	struct fixture f = fixture_start("");
	char text[256];

	expect_ping(f.address);
	url(text, sizeof(text), "localhost:%u", &f);
	expect_ping(text);
	snprintf(text, sizeof(text), "unix:%s", server_socket_path(f.server));
	expect_ping(text);
	expect_ping(server_socket_path(f.server));
	url(text, sizeof(text), "redis://127.0.0.1:%u/3?timeout=2s&dial_timeout=500ms&client_name=teller", &f);
	qc_client *third qc_defer(qc_close) = qc_dial(text);
	GOOD(qc_set(third, ctx, "only here", 1));
	qc_string name qc_auto = qc_client_getname(third, ctx);
	GOOD(name);
	CU_ASSERT_STRING_EQUAL(name.data, "teller");
	CU_ASSERT_EQUAL(qc_exists(f.client, ctx, "only here").value, 0);
	snprintf(text, sizeof(text), "unix://%s?db=3", server_socket_path(f.server));
	qc_client *socket qc_defer(qc_close) = qc_dial(text);
	CU_ASSERT_EQUAL(qc_exists(socket, ctx, "only here").value, 1);
	qc_client *given qc_defer(qc_close) = qc_dial(f.address, .db = 3, .protocol = 2);
	CU_ASSERT_EQUAL(qc_exists(given, ctx, "only here").value, 1);
	CU_ASSERT(fixture_stop(&f));
}

static void a_wrong_address_is_told_by_name(void)
{
	static const struct { const char *address, *said; } wrong[] = {
		{"localhost:70000", "\"70000\" is not a port"},
		{"localhost:", "\"\" is not a port"},
		{"http://localhost", "http"},
		{"redis://localhost/one", "database"},
		{"redis://localhost?timeout=2h", "2h"},
		{"redis://localhost?frobnicate=1", "frobnicate"},
		{"redis://us%zzer:pw@localhost", "escape"},
		{"[::1", "missing ]"},
		{"unix:", "path"},
		{"localhost:6379,:0", "not a port"},
		{"localhost:6379, ", "empty address"},
		{"localhost:6379,,localhost:6380", "empty address"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		qc_client *c = qc_dial(wrong[i].address);
		FAILS(*c, QC_INVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, wrong[i].said));
		if (!strstr(c->err.text, wrong[i].said))
			fprintf(stderr, "%s: %s\n", wrong[i].address, c->err.text);
		FAILS(qc_set(c, ctx, "k", "v"), QC_INVALID);
		qc_close(c);
	}
	qc_client *nobody = qc_dial("127.0.0.1:1");
	FAILS(*nobody, QC_NETWORK);
	CU_ASSERT_PTR_NOT_NULL(strstr(nobody->err.text, "127.0.0.1:1"));
	qc_close(nobody);
	qc_client *unknown = qc_dial("no-such-host.invalid:6379");
	FAILS(*unknown, QC_NETWORK);
	qc_close(unknown);
	qc_client *options = qc_dial("localhost", .protocol = 4);
	FAILS(*options, QC_INVALID);
	qc_close(options);
	qc_client *user = qc_dial("localhost", .user = "me");
	FAILS(*user, QC_INVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(user->err.text, "without a password"));
	qc_close(user);
}

static void a_password_opens_the_door(void)
{
	struct server *server = server_start("--requirepass secret");
	char address[96];

	snprintf(address, sizeof(address), "redis://:secret@127.0.0.1:%u", server_port(server));
	expect_ping(address);
	snprintf(address, sizeof(address), "redis://default:secret@127.0.0.1:%u", server_port(server));
	expect_ping(address);
	snprintf(address, sizeof(address), "redis://secret@127.0.0.1:%u", server_port(server));
	expect_ping(address);
	snprintf(address, sizeof(address), "valkey://:secret@127.0.0.1:%u/0", server_port(server));
	expect_ping(address);
	snprintf(address, sizeof(address), "redis://default@127.0.0.1:%u", server_port(server));
	qc_client *half = qc_dial(address, .password = "secret");
	GOOD(*half);
	qc_close(half);
	snprintf(address, sizeof(address), "redis://:secret@127.0.0.1:%u?protocol=2", server_port(server));
	expect_ping(address);
	snprintf(address, sizeof(address), "127.0.0.1:%u", server_port(server));
	qc_client *c = qc_dial(address, .password = "secret");
	GOOD(*c);
	qc_close(c);
	c = qc_dial(address, .password = "wrong");
	CU_ASSERT(qc_has_code(c->err, "WRONGPASS"));
	qc_close(c);
	c = qc_dial(address);
	CU_ASSERT(qc_has_code(c->err, "NOAUTH"));
	qc_close(c);
	CU_ASSERT(server_stop(&server));
}

static void replies_are_trees_in_both_versions(void)
{
	struct fixture f = fixture_start("");

	for (int version = 2; version <= 3; version++) {
		qc_client *c qc_defer(qc_close) = qc_dial(f.address, .protocol = version);
		qc_result config qc_auto = qc_do(c, ctx, "CONFIG", "GET", "timeout");
		GOOD_FATAL(config);
		CU_ASSERT_EQUAL(qc_reply_type(config.reply), version == 3 ? QC_MAP : QC_ARRAY);
		CU_ASSERT_EQUAL(qc_reply_count(config.reply), 2);
		CU_ASSERT_STRING_EQUAL(qc_reply_text(qc_reply_get(config.reply, "timeout")), "0");
		CU_ASSERT_PTR_NULL(qc_reply_get(config.reply, "none"));
		CU_ASSERT_PTR_NULL(qc_reply_at(config.reply, 2));
		qc_result info qc_auto = qc_do(c, ctx, "COMMAND", "INFO", "get");
		const qc_reply *get = qc_reply_at(info.reply, 0);
		CU_ASSERT_STRING_EQUAL(qc_reply_text(qc_reply_at(get, 0)), "get");
		CU_ASSERT_EQUAL(qc_reply_int(qc_reply_at(get, 1)), 2);
		qc_string info_text qc_auto = qc_info(c, ctx, .section = QC_LIST("server"));
		GOOD(info_text);
		CU_ASSERT_PTR_NOT_NULL(strstr(info_text.data ? info_text.data : "", "redis_version:"));
	}
	CU_ASSERT_EQUAL(qc_reply_type(NULL), QC_NULL);
	CU_ASSERT_EQUAL(qc_reply_count(NULL), 0);
	CU_ASSERT(fixture_stop(&f));
}

static void a_pinned_client_keeps_its_connection_and_its_state(void)
{
	struct fixture f = fixture_start("");
	qc_client *one = qc_pin(f.client, ctx), *two = qc_pin(f.client, ctx);
	int64_t first = qc_client_id(one, ctx).value;

	GOOD(qc_select(one, ctx, 2));
	GOOD(qc_set(one, ctx, "k", "in two"));
	CU_ASSERT_EQUAL(qc_client_id(one, ctx).value, first);
	CU_ASSERT_NOT_EQUAL(qc_client_id(two, ctx).value, first);
	CU_ASSERT_EQUAL(qc_exists(two, ctx, "k").value, 0);
	qc_close(one);
	qc_close(two);
	/* The changed connection is not reused; the other one is. */
	CU_ASSERT_EQUAL(qc_exists(f.client, ctx, "k").value, 0);
	CU_ASSERT_EQUAL(qc_pool_stats(f.client).total, 1);
	qc_client *again = qc_pin(f.client, ctx), *twice = qc_pin(again, ctx);
	FAILS(*twice, QC_INVALID);
	FAILS(qc_do(again, ctx, "SUBSCRIBE", "news"), QC_INVALID);
	FAILS(qc_send(f.client, ctx, QC_LIST("PING")), QC_INVALID);
	GOOD(qc_send(again, ctx, QC_LIST("PING")));
	qc_result pong qc_auto = qc_receive(again, ctx);
	CU_ASSERT_STRING_EQUAL(qc_reply_text(pong.reply), "PONG");
	qc_close(twice);
	qc_close(again);
	CU_ASSERT(fixture_stop(&f));
}

static void a_pipeline_gives_every_reply_and_every_error(void)
{
	struct fixture f = fixture_start("");
	qc_pipeline *p = qc_pipeline_open(f.client);

	for (int round = 0; round < 2; round++) {
		qc_add(p, "SET", "a", round);
		qc_add(p, "INCR", "a");
		qc_add(p, "NOSUCHCOMMAND");
		qc_add(p, "GET", "a");
		qc_results r qc_auto_results = qc_run(p, ctx);
		GOOD_FATAL(r);
		CU_ASSERT_EQUAL_FATAL(r.count, 4);
		CU_ASSERT_EQUAL(qc_results_int(&r, 1).value, round + 1);
		FAILS(qc_results_int(&r, 2), QC_SERVER);
		FAILS(qc_results_int(&r, 4), QC_INVALID);
		CU_ASSERT_EQUAL(qc_results_string(&r, 3).data[0], '1' + round);
	}
	qc_results none qc_auto_results = qc_run(p, ctx);
	GOOD(none);
	CU_ASSERT_EQUAL(none.count, 0);
	qc_add(p, "GET", (const char *)NULL);
	qc_add(p, "GET", "a");
	qc_results bad qc_auto_results = qc_run(p, ctx);
	FAILS(bad, QC_INVALID);
	FAILS(qc_results_int(&bad, 0), QC_INVALID);
	qc_add(p, "SELECT", 1);
	qc_results stateful qc_auto_results = qc_run(p, ctx);
	FAILS(stateful, QC_INVALID);
	CU_ASSERT_STRING_EQUAL(stateful.err.text, "SELECT needs a connection of its own: see qc_pin()");
	qc_add(p, "GET", "a");
	qc_add(p, "Client", "setname", "me");
	qc_add(p, "subscribe", "news");
	qc_add(p, "SELECT", 1);
	qc_results no_call qc_auto_results = qc_run(p, ctx);
	FAILS(no_call, QC_INVALID);
	CU_ASSERT_STRING_EQUAL(no_call.err.text, "SUBSCRIBE is not a call: see qc_subscribe(), qc_send()");
	/* None of it remains. */
	qc_add(p, "GET", "a");
	qc_results again qc_auto_results = qc_run(p, ctx);
	GOOD(again);
	qc_pipeline_close(p);
	CU_ASSERT(fixture_stop(&f));
}

static void a_transaction_runs_as_one(void)
{
	struct fixture f = fixture_start("");
	qc_pipeline *p = qc_pipeline_open(f.client);

	if (fixture_has(&f, "MULTI", "transactions")) {
		qc_add(p, "SET", "a", 1);
		qc_add(p, "INCR", "a");
		qc_results r qc_auto_results = qc_run_multi(p, ctx);
		GOOD(r);
		CU_ASSERT_EQUAL(r.count, 2);
		CU_ASSERT_EQUAL(qc_results_int(&r, 1).value, 2);
		qc_add(p, "SET", "a", 5);
		qc_add(p, "NOSUCHCOMMAND");
		qc_results aborted qc_auto_results = qc_run_multi(p, ctx);
		CU_ASSERT(qc_has_code(aborted.err, "EXECABORT"));
		CU_ASSERT_PTR_NOT_NULL(strstr(aborted.err.text, "NOSUCHCOMMAND"));
		qc_string a qc_auto = qc_get(f.client, ctx, "a");
		CU_ASSERT_STRING_EQUAL(a.data, "2");
	}
	qc_pipeline_close(p);
	CU_ASSERT(fixture_stop(&f));
}

struct rival {
	qc_client *client;
	int conflicts, calls;
};

/* Doubles a number, while another client changes it the first few times. */
static qc_error double_it(qc_client *tx, qc_context *context, qc_pipeline *queue, void *data)
{
	struct rival *rival = data;
	qc_string now qc_auto = qc_get(tx, context, "n");

	if (qc_failed(now))
		return now.err;
	if (rival->calls++ < rival->conflicts)
		GOOD(qc_incr(rival->client, context, "n"));
	qc_add(queue, "SET", "n", 2 * atoll(now.data));
	return now.err;
}

static qc_error refuse(qc_client *tx, qc_context *context, qc_pipeline *queue, void *data)
{
	(void)tx, (void)context, (void)data;
	qc_add(queue, "SET", "n", "never");
	return qc_errorf(QC_INVALID, "not today");
}

static qc_error misspell(qc_client *tx, qc_context *context, qc_pipeline *queue, void *data)
{
	(void)tx, (void)context, (void)data;
	qc_add(queue, "NOSUCHCOMMAND");
	return qc_errorf(QC_OK, "%s", "");
}

static qc_error look_elsewhere(qc_client *tx, qc_context *context, qc_pipeline *queue, void *data)
{
	(void)data;
	qc_add(queue, "EXISTS", "n");
	return qc_select(tx, context, 1).err;
}

static void a_watched_key_that_changes_makes_it_run_again(void)
{
	struct fixture f = fixture_start("");
	struct rival rival = {.client = f.client, .conflicts = 3};

	if (fixture_has(&f, "WATCH", "watched transactions")) {
		GOOD(qc_set(f.client, ctx, "n", 10));
		qc_results r qc_auto_results = qc_watch(f.client, ctx, double_it, &rival, "n");
		GOOD(r);
		CU_ASSERT_EQUAL(rival.calls, 4);
		qc_string n qc_auto = qc_get(f.client, ctx, "n");
		CU_ASSERT_STRING_EQUAL(n.data, "26");
		qc_results refused qc_auto_results = qc_watch(f.client, ctx, refuse, NULL, "n");
		FAILS(refused, QC_INVALID);
		CU_ASSERT_STRING_EQUAL(refused.err.text, "not today");
		qc_results no_keys qc_auto_results = qc_watch_args(f.client, ctx, refuse, NULL, (qc_args){NULL, 0});
		FAILS(no_keys, QC_SERVER);
		/* The keys are no longer watched, and the connections serve others. */
		CU_ASSERT_EQUAL(qc_pool_stats(f.client).broken, 0);
		uint64_t dialled = qc_pool_stats(f.client).misses;
		for (int i = 0; i < 20; i++) {
			qc_results one qc_auto_results = qc_watch(f.client, ctx, double_it, &rival, "n");
			GOOD(one);
			qc_results none qc_auto_results = qc_watch(f.client, ctx, refuse, NULL, "n");
			FAILS(none, QC_INVALID);
			qc_results aborted qc_auto_results = qc_watch(f.client, ctx, misspell, NULL, "n");
			CU_ASSERT(qc_has_code(aborted.err, "EXECABORT"));
		}
		CU_ASSERT_EQUAL(qc_pool_stats(f.client).misses, dialled);
		/* But not a connection whose state the body has changed. */
		qc_results elsewhere qc_auto_results = qc_watch(f.client, ctx, look_elsewhere, NULL, "n");
		GOOD(elsewhere);
		qc_string here qc_auto = qc_get(f.client, ctx, "n");
		GOOD(here);
		qc_client *impatient qc_defer(qc_close) = qc_dial(f.address, .backoff_min_ms = 1, .backoff_max_ms = 1);
		rival = (struct rival){.client = f.client, .conflicts = 1000};
		qc_results never qc_auto_results = qc_watch(impatient, ctx, double_it, &rival, "n");
		FAILS(never, QC_CONFLICT);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void an_iterator_meets_every_key_once_or_more(void)
{
	struct fixture f = fixture_start("");
	static unsigned char seen[3000];

	for (int i = 0; i < 3000; i++) {
		char key[16];
		snprintf(key, sizeof(key), "key:%d", i);
		GOOD(qc_set(f.client, ctx, key, i));
		seen[i] = 0;
	}
	GOOD(qc_set(f.client, ctx, "other", 1));
	qc_iterator *it = qc_iterate(f.client, .match = "key:*", .count = 70);
	while (qc_advance(it, ctx)) {
		CU_ASSERT_FATAL(it->len > 4 && strncmp(it->data, "key:", 4) == 0);
		seen[atoi(it->data + 4)] = 1;
	}
	GOOD(*it);
	CU_ASSERT_PTR_NULL(memchr(seen, 0, sizeof(seen)));
	CU_ASSERT(!qc_advance(it, ctx));
	qc_iterator_close(it);
	it = qc_iterate(f.client, .command = "KEYS");
	CU_ASSERT(!qc_advance(it, ctx));
	FAILS(*it, QC_INVALID);
	qc_iterator_close(it);
	if (fixture_has(&f, "HSCAN", "iterating over hashes and sorted sets")) {
		qc_release(&(qc_result[]){qc_do(f.client, ctx, "HSET", "h", "f", "v", "g", "w")}[0]);
		qc_release(&(qc_result[]){qc_do(f.client, ctx, "ZADD", "z", 1.5, "m")}[0]);
		it = qc_iterate(f.client, .command = "HSCAN", .key = qc_arg("h"));
		CU_ASSERT_FATAL(qc_advance(it, ctx));
		CU_ASSERT_STRING_EQUAL(it->data, "f");
		CU_ASSERT_STRING_EQUAL(it->value, "v");
		CU_ASSERT_FATAL(qc_advance(it, ctx));
		CU_ASSERT(!qc_advance(it, ctx));
		GOOD(*it);
		qc_iterator_close(it);
		it = qc_iterate(f.client, .command = "zscan", .key = qc_arg("z"));
		CU_ASSERT_FATAL(qc_advance(it, ctx));
		CU_ASSERT_STRING_EQUAL(it->value, "1.5");
		qc_iterator_close(it);
	}
	CU_ASSERT(fixture_stop(&f));
}

struct log {
	char text[256];
};

static void note_before(void *data, const qc_event *event)
{
	struct log *log = data;
	size_t used = strlen(log->text);

	snprintf(log->text + used, sizeof(log->text) - used, "<%s %zu/%zu", event->command, event->commands, event->args.count);
}

static void note_after(void *data, const qc_event *event)
{
	struct log *log = data;
	size_t used = strlen(log->text);

	CU_ASSERT(event->elapsed_ns > 0 && event->attempts == 1);
	snprintf(log->text + used, sizeof(log->text) - used, " %s>", qc_kind_name(event->err->kind));
}

static void hooks_see_every_command(void)
{
	struct fixture f = fixture_start("");
	struct log log = {""};
	qc_hook hooks[] = {{&log, note_before, NULL}, {&log, NULL, note_after}};
	qc_client *c = qc_dial(f.address, .hooks = hooks, .hook_count = 2);
	qc_pipeline *p = qc_pipeline_open(c);

	GOOD(qc_set(c, ctx, "a", "text"));
	FAILS(qc_incr(c, ctx, "a"), QC_SERVER);
	qc_add(p, "GET", "a");
	qc_add(p, "GET", "a");
	qc_results r qc_auto_results = qc_run(p, ctx);
	CU_ASSERT_STRING_EQUAL(log.text, "<SET 1/3 ok><INCR 1/2 server error><pipeline 2/0 ok>");
	if (fixture_has(&f, "MULTI", "transactions seen by hooks")) {
		log.text[0] = 0;
		qc_add(p, "GET", "a");
		qc_results one qc_auto_results = qc_run_multi(p, ctx);
		GOOD(one);
		CU_ASSERT(strstr(log.text, "<pipeline 1/0 ok>") != NULL);
	}
	qc_pipeline_close(p);
	qc_close(c);
	CU_ASSERT(fixture_stop(&f));
}

static void the_table_knows_the_commands(void)
{
	const qc_table_entry *set = qc_table_find("set", NULL), *get = qc_table_find("Config", "gEt");

	CU_ASSERT_FATAL(set && get);
	CU_ASSERT_STRING_EQUAL(set->name, "SET");
	CU_ASSERT(strncmp(set->arguments, "key value [NX|XX", 16) == 0);
	CU_ASSERT(set->flags & QC_COMMAND_WRITE);
	CU_ASSERT_STRING_EQUAL(get->name, "CONFIG GET");
	CU_ASSERT_PTR_NULL(qc_table_find("nosuchcommand", NULL));
	CU_ASSERT_PTR_NULL(qc_table_find("CONFIG", "nope"));
	CU_ASSERT_PTR_NULL(qc_table_find("GET", "k"));
	CU_ASSERT_PTR_NOT_NULL(qc_table_find("CONFIG", NULL));
	for (size_t i = 0; i + 1 < qc_table_count(); i++)
		CU_ASSERT(strcmp(qc_table_at(i)->name, qc_table_at(i + 1)->name) < 0);
	CU_ASSERT_PTR_NULL(qc_table_at(qc_table_count()));
}

/* Each of our commands has an entry, and so a typed call: both come from one list. */
static void the_table_is_the_servers(void)
{
	struct fixture f = fixture_start("");
	qc_result names qc_auto = qc_command_list(f.client, ctx);

	GOOD(names);
	CU_ASSERT(qc_reply_count(names.reply) > 40);
	for (size_t i = 0; !server_is_reference() && i < qc_reply_count(names.reply); i++) {
		char name[64];
		snprintf(name, sizeof(name), "%s", qc_reply_text(qc_reply_at(names.reply, i)));
		char *bar = strchr(name, '|');
		if (bar)
			*bar++ = 0;
		const qc_table_entry *entry = qc_table_find(name, bar);
		CU_ASSERT_PTR_NOT_NULL(entry);
		CU_ASSERT(!bar || (entry && strchr(entry->name, ' ')));
	}
	CU_ASSERT(fixture_stop(&f));
}

static void lists_may_be_long(void)
{
	struct fixture f = fixture_start("");
	qc_arg many[1000];

#define TEN "a", "a", "a", "a", "a", "a", "a", "a", "a", "a"
	GOOD(qc_set(f.client, ctx, "a", 1));
	CU_ASSERT_EQUAL(qc_exists(f.client, ctx, TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN).value, 120);
	for (size_t i = 0; i < 1000; i++)
		many[i] = qc_arg("a");
	CU_ASSERT_EQUAL(qc_exists_call(f.client, ctx, QC_LIST_OF(many)).value, 1000);
	CU_ASSERT(fixture_stop(&f));
}

static void a_closed_or_failed_handle_says_why(void)
{
	qc_client *c = qc_dial("127.0.0.1:1");
	qc_client *pinned = qc_pin(c, ctx);
	qc_pipeline *p = qc_pipeline_open(c);
	qc_iterator *it = qc_iterate(c);
	qc_subscription *s = qc_subscribe(c, ctx, "x");

	FAILS(*pinned, QC_NETWORK);
	qc_add(p, "PING");
	FAILS(qc_run(p, ctx), QC_NETWORK);
	CU_ASSERT(!qc_advance(it, ctx));
	FAILS(*it, QC_NETWORK);
	FAILS(*s, QC_NETWORK);
	qc_message m = qc_next_message(s, ctx);
	CU_ASSERT_EQUAL(m.type, QC_DISCONNECTED);
	CU_ASSERT_EQUAL(m.cause.kind, QC_NETWORK);
	qc_unsubscribe(s);
	qc_iterator_close(it);
	qc_pipeline_close(p);
	qc_close(pinned);
	qc_close(c);
	/* These block forever. */
	c = qc_dial("none://x");
	p = qc_pipeline_open(c);
	s = qc_subscribe(c, ctx, "x");
	FAILS(*p, QC_INVALID);
	FAILS(qc_incr(c, ctx, "x"), QC_INVALID);
	FAILS(qc_next_message(s, ctx), QC_INVALID);
	qc_unsubscribe(s);
	qc_pipeline_close(p);
	qc_close(c);
}

static void set_with_get_gives_the_former_value(void)
{
	struct fixture f = fixture_start("");
	qc_string none qc_auto = qc_set_get(f.client, ctx, "k", "old");
	qc_string old qc_auto = qc_set_get(f.client, ctx, "k", "new", .ex = 100);
	qc_string now qc_auto = qc_get(f.client, ctx, "k");

	FAILS(none, QC_NIL);
	GOOD(old);
	CU_ASSERT_STRING_EQUAL(old.data, "old");
	CU_ASSERT_STRING_EQUAL(now.data, "new");
	CU_ASSERT_EQUAL(qc_ttl(f.client, ctx, "k").value, 100);
	/* Nor is another reply lost. */
	qc_result log qc_auto = qc_acl_log(f.client, ctx);
	CU_ASSERT_EQUAL(qc_reply_type(log.reply), QC_ARRAY);
	CU_ASSERT(fixture_stop(&f));
}

static void what_is_released_is_empty(void)
{
	struct fixture f = fixture_start("");

	GOOD(qc_set(f.client, ctx, "k", "v"));
	qc_string got = qc_get(f.client, ctx, "k");
	GOOD(got);
	qc_release(&got);
	CU_ASSERT_PTR_NULL(got.reply);
	CU_ASSERT_PTR_NULL(got.data);
	CU_ASSERT_EQUAL(got.len, 0);
	qc_release(&got);
	qc_message message = {.reply = NULL, .channel = "c", .channel_len = 1, .pattern = "p", .data = "d", .len = 1};
	qc_release(&message);
	CU_ASSERT(!message.channel && !message.pattern && !message.data && !message.len && !message.channel_len);
	qc_iterator *it = qc_iterate(f.client);
	while (qc_advance(it, ctx))
		CU_ASSERT_PTR_NOT_NULL(it->data);
	CU_ASSERT(!it->data && !it->len);
	qc_iterator_close(it);
	CU_ASSERT(fixture_stop(&f));
}

struct span {
	char text[256];
	char trace; /* its address is a key */
	int opened, closed;
};

/* Like a tracer: a span begins with the trace of the context, and is found again at its end. */
static void open_span(void *data, const qc_event *event)
{
	struct span *span = data;
	const char *trace = qc_context_value(event->context, &span->trace);
	size_t used = strlen(span->text);
	qc_arg words[2];

	CU_ASSERT_PTR_NULL(*event->value);
	*event->value = &span->opened;
	span->opened++;
	used += (size_t)snprintf(span->text + used, sizeof(span->text) - used, "%s %s:", trace ? trace : "-", event->command);
	for (size_t at = 0, n; (n = qc_event_command(event, &at, words, 2)) > 0;)
		used += (size_t)snprintf(span->text + used, sizeof(span->text) - used, " %.*s %zu", (int)words[0].len,
					 (const char *)words[0].data, n);
	snprintf(span->text + used, sizeof(span->text) - used, "; ");
}

static void close_span(void *data, const qc_event *event)
{
	struct span *span = data;

	CU_ASSERT_PTR_EQUAL(*event->value, &span->opened);
	CU_ASSERT(strncmp(event->address, "127.0.0.1:", 10) == 0);
	span->closed++;
}

static void hooks_serve_a_tracer(void)
{
	struct fixture f = fixture_start("");
	struct span spans[2] = {{.text = ""}};
	qc_hook hooks[9] = {
		{&spans[0], open_span, close_span},
		{&spans[1], open_span, close_span},
	};
	qc_context *traced = qc_context_with_value(ctx, &spans[0].trace, "t7");
	qc_context *below = qc_context_with_timeout(traced, 60000);
	qc_client *c = qc_open_with(traced, &(qc_options){.address = f.address, .hooks = hooks, .hook_count = 2,
							       .hook_events = QC_EVENT_CALL | QC_EVENT_DIAL | QC_EVENT_SUBSCRIBE});

	GOOD(qc_set(c, below, "k", "v"));
	qc_pipeline *p = qc_pipeline_open(c);
	qc_add(p, "GET", "k");
	qc_add(p, "MGET", "a", "b", "c");
	qc_results r qc_auto_results = qc_run(p, ctx);
	GOOD(r);
	qc_subscription *s = qc_subscribe(c, below, "news");
	qc_unsubscribe(s);
	CU_ASSERT_STRING_EQUAL(spans[0].text, "t7 dial:; t7 SET:; - pipeline: GET 2 MGET 2; t7 subscribe:; t7 dial:; ");
	CU_ASSERT_STRING_EQUAL(spans[1].text, "- dial:; - SET:; - pipeline: GET 2 MGET 2; - subscribe:; - dial:; ");
	CU_ASSERT(spans[0].opened == 5 && spans[0].closed == 5 && spans[1].closed == 5);
	CU_ASSERT_PTR_NULL(qc_context_value(below, &spans[1].trace));
	qc_pipeline_close(p);
	qc_close(c);
	qc_context_free(traced);
	qc_context_free(below);
	c = qc_open(&(qc_options){.address = f.address, .hooks = hooks, .hook_count = 9});
	FAILS(*c, QC_INVALID);
	qc_close(c);
	CU_ASSERT(fixture_stop(&f));
}

static void the_pool_keeps_few_idle_and_none_for_too_long(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = qc_dial(f.address, .max_idle = 2);
	qc_client *pinned[5];

	for (int i = 0; i < 5; i++)
		pinned[i] = qc_pin(c, ctx);
	CU_ASSERT_EQUAL(qc_pool_stats(c).total, 5);
	for (int i = 0; i < 5; i++)
		qc_close(pinned[i]);
	CU_ASSERT_EQUAL(qc_pool_stats(c).idle, 2);
	CU_ASSERT_EQUAL(qc_pool_stats(c).total, 2);
	CU_ASSERT_EQUAL(qc_pool_stats(c).retired, 3);
	qc_close(c);
	/* A lifetime that is over at the second call. */
	c = qc_dial(f.address, .max_lifetime_ms = 1);
	for (int i = 0; i < 3; i++) {
		usleep(2000);
		GOOD(qc_set(c, ctx, "k", i));
	}
	CU_ASSERT(qc_pool_stats(c).retired >= 3);
	CU_ASSERT_EQUAL(qc_pool_stats(c).stale, 0);
	qc_close(c);
	/* Time spent waiting is counted. */
	c = qc_dial(f.address, .pool_size = 1, .pool_timeout_ms = 20);
	qc_client *only = qc_pin(c, ctx);
	FAILS(qc_set(c, ctx, "k", 1), QC_TIMEOUT);
	CU_ASSERT(qc_pool_stats(c).wait_ns >= 19000000);
	qc_close(only);
	qc_close(c);
	c = qc_dial(f.address, .min_idle = 3, .max_idle = 2);
	FAILS(*c, QC_INVALID);
	qc_close(c);
	CU_ASSERT(fixture_stop(&f));
}

struct pushes {
	int count;
	char last[64];
};

static void note_push(void *data, const qc_reply *push)
{
	struct pushes *pushes = data;

	pushes->count++;
	snprintf(pushes->last, sizeof(pushes->last), "%s %s", qc_reply_text(qc_reply_at(push, 0)),
		 qc_reply_text(qc_reply_at(qc_reply_at(push, 1), 0)));
}

static void pushes_have_a_handler_in_calls_too(void)
{
	struct fixture f = fixture_start("");
	struct pushes pushes = {.count = 0};

	if (fixture_has(&f, "CLIENT|TRACKING", "pushes in calls") && server_is_reference()) {
		/* A single connection, so that the next call finds what has arrived while it was idle. */
		qc_client *c = qc_dial(f.address, .pool_size = 1, .on_push = note_push, .push_data = &pushes);
		qc_client *pinned = qc_pin(c, ctx);
		qc_result tracked qc_auto = qc_do(pinned, ctx, "CLIENT", "TRACKING", "ON");
		GOOD(tracked);
		qc_string none qc_auto = qc_get(pinned, ctx, "k");
		FAILS(none, QC_NIL);
		GOOD(qc_set(f.client, ctx, "k", "v"));
		qc_string now qc_auto = qc_get(pinned, ctx, "k");
		CU_ASSERT_STRING_EQUAL(now.data, "v");
		CU_ASSERT_EQUAL(pushes.count, 1);
		CU_ASSERT_STRING_EQUAL(pushes.last, "invalidate k");
		qc_close(pinned);
		qc_close(c);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void keep_attempts(void *data, const qc_event *event)
{
	*(int *)data = event->attempts;
}

static void hooks_count_no_attempt_for_what_was_never_sent(void)
{
	struct fixture f = fixture_start("");
	int attempts = -1;
	qc_hook hook = {.data = &attempts, .after = keep_attempts};
	qc_client *c = qc_dial(f.address, .hooks = &hook, .hook_count = 1);
	qc_context *ended = qc_context_with_cancel(ctx);

	GOOD(qc_set(c, ctx, "k", "v"));
	CU_ASSERT_EQUAL(attempts, 1);
	qc_cancel(ended);
	FAILS(qc_do(c, ended, "PING"), QC_CANCELLED);
	CU_ASSERT_EQUAL(attempts, 0);
	FAILS(qc_do(c, ctx, "SELECT", 1), QC_INVALID);
	CU_ASSERT_EQUAL(attempts, 0);
	FAILS(qc_do(c, ctx, "GET", NULL), QC_INVALID);
	CU_ASSERT_EQUAL(attempts, 0);
	qc_close(c);
	c = qc_dial("127.0.0.1:1", .hooks = &hook, .hook_count = 1, .backoff_min_ms = 1);
	FAILS(qc_do(c, ctx, "PING"), QC_NETWORK);
	CU_ASSERT_EQUAL(attempts, 0);
	qc_close(c);
	qc_context_free(ended);
	CU_ASSERT(fixture_stop(&f));
}

static void tls_options_without_tls_are_refused(void)
{
	static const qc_options wrong[] = {
		{.address = "127.0.0.1:1", .tls_ca = "ca.crt", .password = "x"},
		{.address = "redis://127.0.0.1:1", .tls_name = "x"},
		{.address = "redis://127.0.0.1:1?tls_ca=ca.crt"},
		{.address = "127.0.0.1:1", .tls_insecure = true},
		{.address = "127.0.0.1:1", .tls_cert = "c", .tls_key = "k"},
		{.address = "unix:/tmp/none", .tls_name = "x"},
		{.address = "rediss://127.0.0.1:1,127.0.0.1:2", .tls_insecure = true},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		qc_client *c = qc_open(&wrong[i]);
		FAILS(*c, QC_INVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, "needs TLS"));
		FAILS(qc_do(c, ctx, "PING"), QC_INVALID);
		qc_close(c);
	}
}

static void times_beyond_every_bound_do_not_overflow(void)
{
	static const int64_t past[] = {INT64_MIN, INT64_MIN / 1000000 - 1, -1};
	struct fixture f = fixture_start("");

	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		qc_context *ended qc_defer(qc_context_free) = qc_context_with_deadline(ctx, past[i]);
		CU_ASSERT(qc_is(qc_context_err(ended), QC_DEADLINE));
	}
	qc_client *c qc_defer(qc_close) = qc_dial(f.address, .timeout_ms = INT64_MAX, .dial_timeout_ms = INT64_MAX,
						  .pool_timeout_ms = INT64_MAX, .idle_timeout_ms = INT64_MAX,
						  .max_lifetime_ms = INT64_MAX, .backoff_min_ms = INT64_MAX,
						  .backoff_max_ms = INT64_MAX);
	for (int i = 0; i < 3; i++)
		GOOD(qc_set(c, ctx, "k", i));
	CU_ASSERT_EQUAL(qc_pool_stats(c).stale, 0);
	qc_client *most qc_defer(qc_close) = qc_dial(f.address, .timeout_ms = INT64_MAX);
	GOOD(qc_set(most, ctx, "k", "v"));
	CU_ASSERT(fixture_stop(&f));
}

static void null_is_the_background_the_defaults_and_nothing_to_release(void)
{
	struct fixture f = fixture_start("");
	qc_context *child = qc_context_with_timeout(NULL, 60000);

	GOOD(qc_set(f.client, NULL, "k", "v"));
	GOOD(qc_set_call(f.client, NULL, qc_arg("k"), qc_arg("w"), NULL));
	qc_string k qc_auto = qc_get(f.client, child, "k");
	CU_ASSERT_STRING_EQUAL(k.data, "w");
	CU_ASSERT(qc_is(qc_context_err(NULL), QC_OK));
	qc_client *pinned = qc_pin(f.client, NULL);
	GOOD(qc_send(pinned, NULL, QC_LIST("PING")));
	qc_result pong qc_auto = qc_receive(pinned, NULL);
	GOOD(pong);
	qc_pipeline *p = qc_pipeline_open(f.client);
	qc_add(p, "PING");
	qc_results ran qc_auto_results = qc_run(p, NULL);
	GOOD(ran);
	qc_iterator *it = qc_iterate_with(f.client, NULL);
	CU_ASSERT(qc_advance(it, NULL));
	qc_client *with qc_defer(qc_close) = qc_open_with(NULL, &(qc_options){.address = f.address});
	GOOD(*with);
	/* Any server at the default address. */
	qc_client *at_default = qc_open(NULL);
	CU_ASSERT(!qc_is(at_default->err, QC_INVALID));
	qc_close(at_default);
	qc_iterator_close(it);
	qc_pipeline_close(p);
	qc_close(pinned);
	qc_context_free(child);
	qc_close(NULL);
	qc_pipeline_close(NULL);
	qc_iterator_close(NULL);
	qc_unsubscribe(NULL);
	qc_async_close(NULL);
	qc_cancel(NULL);
	qc_context_free(NULL);
	qc_release(NULL);
	qc_results_release(NULL);
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(the_systems_own_example_reads_alike),
	CASE(typed_calls_take_their_options),
	CASE(errors_are_values_of_a_kind),
	CASE(bytes_of_every_value_pass_unharmed),
	CASE(numbers_are_written_exactly),
	CASE(large_values_and_pipelines_pass_without_a_jam),
	CASE(a_large_value_leaves_no_large_buffers_behind),
	CASE(urls_say_database_and_time_limits),
	CASE(a_wrong_address_is_told_by_name),
	CASE(a_password_opens_the_door),
	CASE(replies_are_trees_in_both_versions),
	CASE(a_pinned_client_keeps_its_connection_and_its_state),
	CASE(a_pipeline_gives_every_reply_and_every_error),
	CASE(a_transaction_runs_as_one),
	CASE(a_watched_key_that_changes_makes_it_run_again),
	CASE(an_iterator_meets_every_key_once_or_more),
	CASE(hooks_see_every_command),
	CASE(the_table_knows_the_commands),
	CASE(the_table_is_the_servers),
	CASE(lists_may_be_long),
	CASE(a_closed_or_failed_handle_says_why),
	CASE(set_with_get_gives_the_former_value),
	CASE(what_is_released_is_empty),
	CASE(hooks_count_no_attempt_for_what_was_never_sent),
	CASE(hooks_serve_a_tracer),
	CASE(pushes_have_a_handler_in_calls_too),
	CASE(the_pool_keeps_few_idle_and_none_for_too_long),
	CASE(tls_options_without_tls_are_refused),
	CASE(times_beyond_every_bound_do_not_overflow),
	CASE(null_is_the_background_the_defaults_and_nothing_to_release),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client calls", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

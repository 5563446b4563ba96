#include <stdlib.h>
#include <string.h>

#include "actors/store/commands/handlers.h"
#include "actors/runtime/version.h"
#include "transport/decimal.h"

void cmd_ping(struct call *call)
{
	if (call->argc > 2)
		reply_wrong_arity(call);
	else if (call->argc == 2)
		reply_bulk(call, call_arg(call, 1));
	else
		reply_simple(call, "PONG");
}

void cmd_echo(struct call *call)
{
	reply_bulk(call, call_arg(call, 1));
}

void cmd_quit(struct call *call)
{
	reply_ok(call);
	reply_close(call);
}

void cmd_reset(struct call *call)
{
	struct session *session = call->session;
	if (session->flags & SESSION_REPLICA) /* which gets no reply */
		return;
	session_clear_monitor(call);
	session->database = 0;
	session->resp = RESP2;
	session_set_name(call->store, session, slice_of("", 0));
	session->flags &= ~(uint32_t)(SESSION_AUTHENTICATED | SESSION_REPLY_OFF | SESSION_REPLY_SKIP_NEXT);
	if (!store_config(call->store)->requirepass[0])
		session->flags |= SESSION_AUTHENTICATED;
	reply_simple(call, "RESET");
}

/* ---- authentication ---- */

/* Compares every byte of `given`, so that the time does not depend on the position of the first wrong byte. */
static bool is_secret(struct slice given, const char *secret)
{
	size_t len = strlen(secret);
	uint8_t difference = given.len != len;
	for (size_t i = 0; i < given.len; i++)
		difference |= given.data[i] ^ (uint8_t)secret[i < len ? i : len];
	return difference == 0;
}

/* There is one user. If no password is set, any password is accepted. */
static bool may_log_in(struct call *call, struct slice user, struct slice password)
{
	const char *secret = store_config(call->store)->requirepass;
	if (slice_equal(user, slice_of("default", 7)) && (secret[0] == '\0' || is_secret(password, secret)))
		return true;
	store_counters(call->store)->auth_failures++;
	return false;
}

static bool log_in(struct call *call, struct slice user, struct slice password)
{
	if (!may_log_in(call, user, password)) {
		reply_error(call, "WRONGPASS invalid username-password pair or user is disabled.");
		return false;
	}
	call->session->flags |= SESSION_AUTHENTICATED;
	return true;
}

void cmd_auth(struct call *call)
{
	for (uint32_t i = 1; i < call->argc; i++)
		call_hide_arg(call, i);
	if (call->argc > 3) {
		reply_syntax_error(call);
		return;
	}
	if (call->argc == 2 && !store_config(call->store)->requirepass[0]) {
		reply_error(call, "ERR AUTH <password> called without any password configured for the default user. "
				  "Are you sure your configuration is correct?");
		return;
	}
	struct slice user = call->argc == 3 ? call_arg(call, 1) : slice_of("default", 7);
	if (log_in(call, user, call_arg(call, call->argc - 1)))
		reply_ok(call);
}

/* ---- HELLO ---- */

static bool parse_version(struct call *call, enum resp_version *out_version)
{
	int64_t version;
	struct slice arg = call_arg(call, 1);
	if (!decimal_parse_int64(arg.data, arg.len, &version)) {
		reply_error(call, "ERR Protocol version is not an integer or out of range");
		return false;
	}
	if (version != RESP2 && version != RESP3) {
		reply_error(call, "NOPROTO unsupported protocol version");
		return false;
	}
	*out_version = (enum resp_version)version;
	return true;
}

/* Hides the password before parsing, since an error in an earlier option ends the parsing. */
static void hide_hello_passwords(struct call *call)
{
	for (uint32_t i = 1; i < call->argc; i++) {
		if (!call_arg_is(call, i, "AUTH"))
			continue;
		call_hide_arg(call, i + 1);
		call_hide_arg(call, i + 2);
	}
}

/* Options take effect one by one; those before a wrong one stay in effect. */
static bool take_hello_options(struct call *call)
{
	for (uint32_t i = 2; i < call->argc; i++) {
		uint32_t more = call->argc - 1 - i;
		if (more >= 2 && call_arg_is(call, i, "AUTH")) {
			if (!log_in(call, call_arg(call, i + 1), call_arg(call, i + 2)))
				return false;
			i += 2;
		} else if (more >= 1 && call_arg_is(call, i, "SETNAME")) {
			if (!call_set_session_name(call, i + 1))
				return false;
			i++;
		} else {
			struct slice option = call_arg(call, i);
			int len = (int)strnlen((const char *)option.data, option.len);
			reply_errorf(call, "ERR Syntax error in HELLO option '%.*s'", len, option.data);
			return false;
		}
	}
	return true;
}

static void reply_hello(struct call *call)
{
	reply_map(call, 7);
	reply_text(call, "server");
	reply_text(call, "redis");
	reply_text(call, "version");
	reply_text(call, QCACHE_REDIS_VERSION);
	reply_text(call, "proto");
	reply_integer(call, call->session->resp);
	reply_text(call, "id");
	reply_integer(call, (int64_t)call->session->connection.id);
	reply_text(call, "mode");
	reply_text(call, "standalone");
	reply_text(call, "role");
	reply_text(call, "master");
	reply_text(call, "modules");
	reply_array(call, 0);
}

void cmd_hello(struct call *call)
{
	enum resp_version version = call->session->resp;
	hide_hello_passwords(call);
	if (call->argc > 1 && !parse_version(call, &version))
		return;
	if (!take_hello_options(call))
		return;
	if (!(call->session->flags & SESSION_AUTHENTICATED) && store_config(call->store)->requirepass[0]) {
		reply_error(call, "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
				  "<user> <pass> option can be used to authenticate the client and select the "
				  "RESP protocol version at the same time");
		return;
	}
	call->session->resp = version;
	reply_hello(call);
}

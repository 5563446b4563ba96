#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "actors/store/commands/handlers.h"
#include "actors/store/store.h"

/* Errors quote at most this much of a client's input. */
#define SHOWN_BYTES 128

static void reject(struct call *call, const char *text)
{
	call->rejected = true;
	reply_error(call, text);
}

/* The length to print: at most `most`, and only up to a NUL. */
static int shown_len(const struct resp_arg *arg, size_t most)
{
	size_t len = arg->len < most ? arg->len : most;
	return (int)strnlen((const char *)arg->data, len);
}

/* A web page may make a browser send a POST here, with commands in the body. */
static bool is_http(const struct call *call)
{
	return call_arg_is(call, 0, "POST") || call_arg_is(call, 0, "Host:");
}

static void cut_off_browser(struct call *call)
{
	log_event(LOG_WARNING, "Client id=%llu addr=%s closed: it sends HTTP requests, possibly a cross-site attack through a browser",
		  (unsigned long long)call->session->connection.id, call->session->address);
	call->rejected = true;
	session_kill(call->store, call->session);
}

static void reject_unknown_command(struct call *call)
{
	if (is_http(call)) {
		cut_off_browser(call);
		return;
	}
	char args[SHOWN_BYTES + 8] = "", text[3 * SHOWN_BYTES];
	const struct resp_arg *name = &call->argv[0];
	size_t len = 0;
	for (uint32_t i = 1; i < call->argc && len < SHOWN_BYTES; i++) {
		const struct resp_arg *arg = &call->argv[i];
		len += (size_t)snprintf(args + len, sizeof(args) - len, "'%.*s' ", shown_len(arg, SHOWN_BYTES - len), arg->data);
	}
	snprintf(text, sizeof(text), "ERR unknown command '%.*s', with args beginning with: %s", shown_len(name, SHOWN_BYTES),
		 name->data, args);
	call->command = NULL;
	reject(call, text);
}

static void reject_unknown_subcommand(struct call *call)
{
	char container[32], text[2 * SHOWN_BYTES];
	const struct resp_arg *name = &call->argv[1];
	snprintf(container, sizeof(container), "%s", call->command->name);
	for (char *c = container; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	snprintf(text, sizeof(text), "ERR unknown subcommand '%.*s'. Try %s HELP.", shown_len(name, SHOWN_BYTES), name->data,
		 container);
	call->command = NULL;
	reject(call, text);
}

/* Sets call->command. False: there is no such command, and the error reply has been written. */
static bool resolve(struct call *call)
{
	if (!call->command)
		call->command = command_find(call->argv[0].data, call->argv[0].len);
	if (!call->command) {
		reject_unknown_command(call);
		return false;
	}
	if (call->command->subcommand_count == 0 || call->argc == 1)
		return true;
	const struct resp_arg *name = &call->argv[1];
	const struct command *found = command_find_subcommand(call->command, name->data, name->len);
	if (!found) {
		reject_unknown_subcommand(call);
		return false;
	}
	call->command = found;
	return true;
}

static bool is_protected_from(const struct call *call)
{
	if (!(call->command->flags & COMMAND_PROTECTED))
		return false;
	int use = store_config(call->store)->enable_debug_command;
	return use == PROTECTED_USE_NO || (use == PROTECTED_USE_LOCAL && !session_is_local(call->session));
}

static bool needs_authentication(const struct call *call)
{
	return !(call->session->flags & SESSION_AUTHENTICATED) && !(call->command->flags & COMMAND_NO_AUTH) &&
	       store_config(call->store)->requirepass[0];
}

static bool may_run(struct call *call)
{
	if (!command_arity_fits(call->command, call->argc)) {
		call->rejected = true;
		reply_wrong_arity(call);
		return false;
	}
	if (is_protected_from(call)) {
		reject(call, "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", "
			     "you can run it from a local connection, otherwise you need to set this option in the "
			     "configuration file, and then restart the server.");
		return false;
	}
	if (needs_authentication(call)) {
		reject(call, "NOAUTH Authentication required.");
		return false;
	}
	const char *refusal = store_refusal(call->store, call->command);
	if (refusal)
		reject(call, refusal);
	return !refusal;
}

bool command_admit(struct call *call)
{
	struct session *session = call->session;
	bool found = resolve(call);
	session->last_command = call->command;
	session->last_command_ms = store_monotonic_ms(call->store);
	return found && may_run(call);
}

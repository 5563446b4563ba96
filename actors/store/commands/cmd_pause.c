/*
 * CLIENT PAUSE and UNPAUSE; and CLIENT TRACKING and CACHING, which are not supported yet.
 */
#include "actors/store/commands/handlers.h"
#include "transport/decimal.h"

void cmd_client_pause(struct call *call)
{
	enum pause_mode mode = PAUSE_ALL;
	int64_t timeout_ms, until_ms, until_wall_ms;
	if (call->argc > 4) {
		reply_subcommand_error(call);
		return;
	}
	if (call->argc == 4 && call_arg_is(call, 3, "WRITE")) {
		mode = PAUSE_WRITES;
	} else if (call->argc == 4 && !call_arg_is(call, 3, "ALL")) {
		reply_error(call, "ERR CLIENT PAUSE mode must be WRITE or ALL");
		return;
	}
	if (!call_arg_timeout_ms(call, 2, &timeout_ms))
		return;
	/* In Redis, a pause whose end overflows the wall clock does not happen. Here it would never end, so it is refused. */
	if (__builtin_add_overflow(timeout_ms, call->now_ms, &until_wall_ms) ||
	    __builtin_add_overflow(timeout_ms, store_monotonic_ms(call->store), &until_ms)) {
		reply_error(call, "ERR timeout is out of range");
		return;
	}
	store_pause(call->store, mode, until_ms);
	reply_ok(call);
}

void cmd_client_unpause(struct call *call)
{
	store_end_pause(call->store);
	reply_ok(call);
}

void cmd_client_no_touch(struct call *call)
{
	if (call_arg_is(call, 2, "ON")) {
		call->session->flags |= SESSION_NO_TOUCH;
	} else if (call_arg_is(call, 2, "OFF")) {
		call->session->flags &= ~(uint32_t)SESSION_NO_TOUCH;
	} else {
		reply_syntax_error(call);
		return;
	}
	reply_ok(call);
}

/* ---- tracking ---- */

struct tracking_options {
	bool redirects, broadcasts, has_prefix, opts_in, opts_out;
};

static bool parse_redirect(struct call *call, uint32_t index, struct tracking_options *options)
{
	int64_t id;
	if (options->redirects) {
		reply_error(call, "ERR A client can only redirect to a single other client");
		return false;
	}
	if (!call_arg_int64(call, index, &id))
		return false;
	if (!session_find(call->store, (uint64_t)id)) {
		reply_error(call, "ERR The client ID you want redirect to does not exist");
		return false;
	}
	return options->redirects = true;
}

/* False: the error reply has been written. */
static bool parse_tracking_option(struct call *call, uint32_t *index, struct tracking_options *options)
{
	bool has_value = *index + 1 < call->argc;
	if (call_arg_is(call, *index, "REDIRECT") && has_value)
		return parse_redirect(call, ++*index, options);
	if (call_arg_is(call, *index, "PREFIX") && has_value) {
		++*index;
		return options->has_prefix = true;
	}
	if (call_arg_is(call, *index, "BCAST"))
		return options->broadcasts = true;
	if (call_arg_is(call, *index, "OPTIN"))
		return options->opts_in = true;
	if (call_arg_is(call, *index, "OPTOUT"))
		return options->opts_out = true;
	if (call_arg_is(call, *index, "NOLOOP"))
		return true;
	reply_syntax_error(call);
	return false;
}

static void refuse_tracking(struct call *call, const struct tracking_options *options)
{
	if (options->has_prefix && !options->broadcasts)
		reply_error(call, "ERR PREFIX option requires BCAST mode to be enabled");
	else if (options->broadcasts && (options->opts_in || options->opts_out))
		reply_error(call, "ERR OPTIN and OPTOUT are not compatible with BCAST");
	else if (options->opts_in && options->opts_out)
		reply_error(call, "ERR You can't specify both OPTIN mode and OPTOUT mode");
	else
		reply_error(call, "ERR CLIENT TRACKING ON is not supported by this server");
}

void cmd_client_tracking(struct call *call)
{
	struct tracking_options options = { 0 };
	for (uint32_t i = 3; i < call->argc; i++)
		if (!parse_tracking_option(call, &i, &options))
			return;
	if (call_arg_is(call, 2, "ON"))
		refuse_tracking(call, &options);
	else if (call_arg_is(call, 2, "OFF"))
		reply_ok(call);
	else
		reply_syntax_error(call);
}

void cmd_client_caching(struct call *call)
{
	reply_error(call, "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
			  "enabled");
}

#include <stdlib.h>
#include <string.h>

#include "actors/store/figures.h"
#include "actors/store/commands/handlers.h"
#include "transport/decimal.h"

/* ---- this connection ---- */

void cmd_client_id(struct call *call)
{
	reply_integer(call, (int64_t)call->session->connection.id);
}

void cmd_client_getname(struct call *call)
{
	if (call->session->name)
		reply_text(call, call->session->name);
	else
		reply_null(call);
}

/* CLIENT LIST shows names as name=value, so they must be printable and contain no spaces. */
static bool is_fit_for_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] < '!' || name.data[i] > '~')
			return false;
	return true;
}

bool call_set_session_name(struct call *call, uint32_t index)
{
	struct slice name = call_arg(call, index);
	if (!is_fit_for_name(name)) {
		reply_error(call, "ERR Client names cannot contain spaces, newlines or special characters.");
		return false;
	}
	if (session_set_name(call->store, call->session, name))
		return true;
	reply_no_memory(call);
	return false;
}

void cmd_client_setname(struct call *call)
{
	if (call_set_session_name(call, 2))
		reply_ok(call);
}

void cmd_client_no_evict(struct call *call)
{
	if (call_arg_is(call, 2, "ON")) {
		call->session->flags |= SESSION_NO_EVICT;
	} else if (call_arg_is(call, 2, "OFF")) {
		call->session->flags &= ~(uint32_t)SESSION_NO_EVICT;
	} else {
		reply_syntax_error(call);
		return;
	}
	reply_ok(call);
}

/* OFF and SKIP send no reply. */
void cmd_client_reply(struct call *call)
{
	struct session *session = call->session;
	if (call_arg_is(call, 2, "ON")) {
		session->flags &= ~(uint32_t)(SESSION_REPLY_OFF | SESSION_REPLY_SKIP);
		reply_ok(call);
	} else if (call_arg_is(call, 2, "OFF")) {
		session->flags |= SESSION_REPLY_OFF;
	} else if (call_arg_is(call, 2, "SKIP")) {
		if (!(session->flags & SESSION_REPLY_OFF))
			session->flags |= SESSION_REPLY_SKIP_NEXT;
	} else {
		reply_syntax_error(call);
	}
}

/* Key tracking is not supported. */
void cmd_client_getredir(struct call *call)
{
	reply_integer(call, -1);
}

void cmd_client_trackinginfo(struct call *call)
{
	reply_map(call, 3);
	reply_text(call, "flags");
	reply_set(call, 1);
	reply_text(call, "off");
	reply_text(call, "redirect");
	reply_integer(call, -1);
	reply_text(call, "prefixes");
	reply_array(call, 0);
}

/* ---- describing connections ---- */

enum client_type { CLIENT_NORMAL, CLIENT_MASTER, CLIENT_REPLICA, CLIENT_PUBSUB, CLIENT_ANY };

static bool parse_client_type(struct call *call, uint32_t index, enum client_type *out_type)
{
	static const struct {
		const char *word;
		enum client_type type;
	} words[] = {
		{ "normal", CLIENT_NORMAL },
		{ "master", CLIENT_MASTER },
		{ "slave", CLIENT_REPLICA },
		{ "replica", CLIENT_REPLICA },
		{ "pubsub", CLIENT_PUBSUB },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (call_arg_is(call, index, words[i].word)) {
			*out_type = words[i].type;
			return true;
		}
	}
	struct slice type = call_arg(call, index);
	int len = (int)strnlen((const char *)type.data, type.len);
	reply_errorf(call, "ERR Unknown client type '%.*s'", len, type.data);
	return false;
}

static enum client_type client_type(const struct session *session)
{
	return session->flags & SESSION_REPLICA ? CLIENT_REPLICA : CLIENT_NORMAL;
}

static void describe_flags(const struct session *session, char out[8])
{
	char *at = out;
	if (session->flags & SESSION_MONITOR)
		*at++ = 'O';
	if (session->flags & SESSION_REPLICA)
		*at++ = 'S';
	if ((session->flags & SESSION_BLOCKED) && session->topic <= BLOCKED_PAUSE)
		*at++ = 'b'; /* blocked by its command; waiting for another actor's answer does not count */
	if (session->flags & SESSION_UNIX_SOCKET)
		*at++ = 'U';
	if (session->flags & SESSION_NO_EVICT)
		*at++ = 'e';
	if (at == out)
		*at++ = 'N';
	*at = '\0';
}

static void add_client_line(struct call *call, const struct connection_figures *figures, const struct session *session,
			    struct buffer *out)
{
	static const struct connection_figure unknown;
	const struct connection_figure *figure = connection_figures_find(figures, session->connection.id);
	char flags[8], command[64] = "NULL";
	if (!figure)
		figure = &unknown;
	describe_flags(session, flags);
	if (session->last_command)
		command_full_name(session->last_command, command, sizeof(command));
	buffer_printf(out, "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=%s db=%u",
		      (unsigned long long)session->connection.id, session->address, session->local_address, session->fd,
		      session->name ? session->name : "", (long long)(store_monotonic_ms(call->store) - session->opened_ms) / 1000,
		      (long long)(store_monotonic_ms(call->store) - session->last_command_ms) / 1000, flags, session->database);
	buffer_printf(out, " sub=0 psub=0 ssub=0 multi=-1 qbuf=%llu qbuf-free=%llu argv-mem=%llu multi-mem=0 rbs=0 rbp=0",
		      (unsigned long long)figure->input_bytes, (unsigned long long)figure->input_free,
		      (unsigned long long)(figure->args_bytes + session->waiting_bytes));
	buffer_printf(out, " obl=0 oll=%u omem=%llu tot-mem=%llu events=%s cmd=%s user=%s redir=-1 resp=%d\n",
		      figure->output_parts, (unsigned long long)figure->output_bytes,
		      (unsigned long long)(session_own_bytes(session) + session->waiting_bytes + connection_figure_memory(figure)),
		      figure->output_bytes ? "rw" : "r", command, session->user, session->resp);
}

static void resume_client_info(struct call *call, enum wake_reason reason, void *answer)
{
	struct buffer text = { 0 };
	if (reason == WAKE_CLOSED)
		return;
	add_client_line(call, answer, call->session, &text);
	reply_gathered(call, &text);
}

void cmd_client_info(struct call *call)
{
	store_ask_figures(call, resume_client_info, NULL);
}

static bool session_is_there(const struct session *session)
{
	return !(session->flags & SESSION_CLOSING);
}

static void list_by_id(struct call *call, const struct connection_figures *figures, struct buffer *out)
{
	for (uint32_t i = 3; i < call->argc && reply_fits(call, out->len); i++) {
		int64_t id;
		struct slice arg = call_arg(call, i);
		struct session *session = NULL;
		if (decimal_parse_int64(arg.data, arg.len, &id))
			session = session_find(call->store, (uint64_t)id);
		if (session)
			add_client_line(call, figures, session, out);
	}
}

static void list_by_type(struct call *call, const struct connection_figures *figures, enum client_type type,
			 struct buffer *out)
{
	struct session *session = store_first_session(call->store);
	for (; session && reply_fits(call, out->len); session = session->next)
		if (session_is_there(session) && (type == CLIENT_ANY || client_type(session) == type))
			add_client_line(call, figures, session, out);
}

/* The arguments were checked before the session was blocked. */
static void resume_client_list(struct call *call, enum wake_reason reason, void *answer)
{
	struct buffer text = { 0 };
	enum client_type type = CLIENT_ANY;
	if (reason == WAKE_CLOSED)
		return;
	if (call->argc > 2 && call_arg_is(call, 2, "ID"))
		list_by_id(call, answer, &text);
	else if (call->argc == 2 || parse_client_type(call, 3, &type))
		list_by_type(call, answer, type, &text);
	reply_gathered(call, &text);
}

static bool check_list_ids(struct call *call)
{
	for (uint32_t i = 3; i < call->argc; i++) {
		int64_t id;
		struct slice arg = call_arg(call, i);
		if (!decimal_parse_int64(arg.data, arg.len, &id)) {
			reply_error(call, "ERR Invalid client ID");
			return false;
		}
	}
	return true;
}

void cmd_client_list(struct call *call)
{
	enum client_type type;
	bool is_right = call->argc == 2;
	if (call->argc == 4 && call_arg_is(call, 2, "TYPE"))
		is_right = parse_client_type(call, 3, &type);
	else if (call->argc > 3 && call_arg_is(call, 2, "ID"))
		is_right = check_list_ids(call);
	else if (call->argc != 2)
		reply_syntax_error(call);
	if (is_right)
		store_ask_figures(call, resume_client_list, NULL);
}

/* ---- unblocking and closing connections ---- */

/* A session that waits for another actor's answer cannot be unblocked. */
void cmd_client_unblock(struct call *call)
{
	enum wake_reason reason = WAKE_DEADLINE;
	int64_t id;
	if (call->argc == 4 && call_arg_is(call, 3, "ERROR")) {
		reason = WAKE_KILLED;
	} else if (call->argc > 4) {
		reply_subcommand_error(call);
		return;
	} else if (call->argc == 4 && !call_arg_is(call, 3, "TIMEOUT")) {
		reply_error(call, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
		return;
	}
	if (!call_arg_int64(call, 2, &id))
		return;
	struct session *session = session_find(call->store, (uint64_t)id);
	bool is_blocked = session && session_is_blocked(session) && session->topic == BLOCKED_NOTHING &&
			  session->deadline_ms > store_monotonic_ms(call->store);
	if (is_blocked)
		session_unblock(call->store, session, reason);
	reply_integer(call, is_blocked);
}


struct kill_filter {
	int64_t id; /* 0: any */
	enum client_type type;
	uint32_t address_index, local_address_index; /* arguments; 0: any */
	bool skips_me;
};

/* One pair of option and value. False: the error reply has been written. */
static bool parse_kill_option(struct call *call, uint32_t i, struct kill_filter *filter)
{
	struct slice value = call_arg(call, i + 1);
	if (call_arg_is(call, i, "ID")) {
		if (decimal_parse_int64(value.data, value.len, &filter->id) && filter->id >= 1)
			return true;
		reply_error(call, "ERR client-id should be greater than 0");
	} else if (call_arg_is(call, i, "TYPE")) {
		return parse_client_type(call, i + 1, &filter->type);
	} else if (call_arg_is(call, i, "ADDR")) {
		filter->address_index = i + 1;
		return true;
	} else if (call_arg_is(call, i, "LADDR")) {
		filter->local_address_index = i + 1;
		return true;
	} else if (call_arg_is(call, i, "USER")) {
		if (slice_equal(value, slice_of("default", 7)))
			return true;
		int len = (int)strnlen((const char *)value.data, value.len);
		reply_errorf(call, "ERR No such user '%.*s'", len, value.data);
	} else if (call_arg_is(call, i, "SKIPME") && (call_arg_is(call, i + 1, "YES") || call_arg_is(call, i + 1, "NO"))) {
		filter->skips_me = call_arg_is(call, i + 1, "YES");
		return true;
	} else {
		reply_syntax_error(call);
	}
	return false;
}

static bool parse_kill_filter(struct call *call, struct kill_filter *filter)
{
	*filter = (struct kill_filter){ .type = CLIENT_ANY, .skips_me = call->argc > 3 };
	if (call->argc == 3) { /* the old form: only an address */
		filter->address_index = 2;
		return true;
	}
	for (uint32_t i = 2; i < call->argc; i += 2) {
		if (i + 1 == call->argc) {
			reply_syntax_error(call);
			return false;
		}
		if (!parse_kill_option(call, i, filter))
			return false;
	}
	return true;
}

static bool is_address(const struct call *call, uint32_t index, const char *address)
{
	return index == 0 || slice_equal(call_arg(call, index), slice_of(address, strlen(address)));
}

static bool filter_fits(const struct call *call, const struct kill_filter *filter, const struct session *session)
{
	return session_is_there(session) && (filter->id == 0 || session->connection.id == (uint64_t)filter->id) &&
	       (filter->type == CLIENT_ANY || client_type(session) == filter->type) &&
	       is_address(call, filter->address_index, session->address) &&
	       is_address(call, filter->local_address_index, session->local_address) &&
	       !(filter->skips_me && session == call->session);
}

/* Kills the session if the filter matches. The caller's own session is only marked: it is closed after its reply. */
static unsigned kill_if_fits(struct call *call, const struct kill_filter *filter, struct session *session, bool *kills_me)
{
	if (!filter_fits(call, filter, session))
		return 0;
	if (session == call->session)
		*kills_me = true;
	else
		session_kill(call->store, session);
	return 1;
}

static int64_t kill_all_that_fit(struct call *call, const struct kill_filter *filter, bool *kills_me)
{
	int64_t killed = 0;
	struct session *session;
	if (filter->id) {
		session = session_find(call->store, (uint64_t)filter->id);
		return session ? kill_if_fits(call, filter, session, kills_me) : 0;
	}
	for (session = store_first_session(call->store); session; session = session->next)
		killed += kill_if_fits(call, filter, session, kills_me);
	return killed;
}

void cmd_client_kill(struct call *call)
{
	struct kill_filter filter;
	bool kills_me = false;
	if (!parse_kill_filter(call, &filter))
		return;
	int64_t killed = kill_all_that_fit(call, &filter, &kills_me);
	if (call->argc > 3)
		reply_integer(call, killed);
	else if (killed)
		reply_ok(call);
	else
		reply_error(call, "ERR No such client");
	if (kills_me)
		reply_close(call);
}

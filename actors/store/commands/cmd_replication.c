/*
 * What replicas send: SYNC, PSYNC, REPLCONF. And ROLE, which describes them.
 */
#include <string.h>
#include <strings.h>

#include "actors/store/commands/handlers.h"
#include "actors/store/replication.h"
#include "transport/decimal.h"

/* ---- following ---- */

/* NULL: the reply has been written. */
static struct replica *begin_to_follow(struct call *call)
{
	struct replica *replica = replica_of(call->session);
	if (!replica)
		reply_no_memory(call);
	else if (!replica->knows_eof)
		reply_error(call, "ERR snapshots are sent without a file and so without their length: a replica must know this (REPLCONF capa eof)");
	else
		return replica;
	return NULL;
}

static bool is_replica(const struct call *call)
{
	return call->session->flags & SESSION_REPLICA;
}

void cmd_sync(struct call *call)
{
	struct replica *replica = is_replica(call) ? NULL : begin_to_follow(call);
	if (!replica)
		return;
	replica->asked_by_sync = true;
	replica_await_snapshot(call->store, replica);
}

/* PSYNC id offset: whatever can't be served as it was asked begins anew. */
void cmd_psync(struct call *call)
{
	int64_t offset;
	struct slice text = call_arg(call, 2);
	if (call->argc > 3) {
		reply_error(call, "ERR PSYNC FAILOVER is not supported: this server never becomes a replica");
		return;
	}
	struct replica *replica = is_replica(call) ? NULL : begin_to_follow(call);
	if (!replica)
		return;
	bool is_number = decimal_parse_int64(text.data, text.len, &offset);
	if (!is_number || !replica_continue(call->store, replica, call_arg(call, 1), offset))
		replica_await_snapshot(call->store, replica);
}

/* ---- REPLCONF ---- */

typedef bool replconf_option(struct call *call, struct replica *replica, struct slice value);

static bool set_port(struct call *call, struct replica *replica, struct slice value)
{
	int64_t port;
	bool is_port = decimal_parse_int64(value.data, value.len, &port) && port >= 0 && port <= UINT16_MAX;
	if (is_port)
		replica->port = (uint16_t)port;
	else
		reply_error(call, "ERR value is not an integer or out of range");
	return is_port;
}

/* It is shown in INFO, line by line. */
static bool set_address(struct call *call, struct replica *replica, struct slice value)
{
	bool is_fit = value.len < sizeof(replica->address);
	for (size_t i = 0; i < value.len && is_fit; i++)
		is_fit = value.data[i] > ' ' && value.data[i] <= '~' && value.data[i] != ',';
	if (!is_fit) {
		reply_error(call, "ERR REPLCONF ip-address is no address");
		return false;
	}
	memcpy(replica->address, value.data, value.len);
	replica->address[value.len] = '\0';
	return true;
}

static bool is_word(struct slice value, const char *word)
{
	return value.len == strlen(word) && strncasecmp((const char *)value.data, word, value.len) == 0;
}

/* Unknown capabilities are ignored: newer replicas have more. */
static bool add_capability(struct call *call, struct replica *replica, struct slice value)
{
	replica->knows_eof |= is_word(value, "eof");
	replica->knows_psync2 |= is_word(value, "psync2");
	return true;
}

static bool set_only_snapshot(struct call *call, struct replica *replica, struct slice value)
{
	int64_t number;
	bool is_switch = decimal_parse_int64(value.data, value.len, &number) && (number == 0 || number == 1);
	if (is_switch)
		replica->wants_only_snapshot = number;
	else
		reply_error(call, "ERR value is out of range, value must between 0 and 1");
	return is_switch;
}

/* Newer replicas tell their version and more. */
static bool ignore(struct call *call, struct replica *replica, struct slice value)
{
	return true;
}

static const struct {
	const char *name;
	replconf_option *set;
} options[] = {
	{ "listening-port", set_port },
	{ "ip-address", set_address },
	{ "capa", add_capability },
	{ "rdb-only", set_only_snapshot },
	{ "version", ignore },
};

/* False: an error reply has been written. */
static bool set_option(struct call *call, struct replica *replica, uint32_t index)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (call_arg_is(call, index, options[i].name))
			return options[i].set(call, replica, call_arg(call, index + 1));
	int shown = call->argv[index].len < 128 ? (int)call->argv[index].len : 128;
	reply_errorf(call, "ERR Unrecognized REPLCONF option: %.*s", shown, (const char *)call->argv[index].data);
	return false;
}

/* No reply: the acknowledgements of a replica come every second. */
static void acknowledge(struct call *call)
{
	int64_t offset;
	struct slice text = call_arg(call, 2);
	if (is_replica(call) && decimal_parse_int64(text.data, text.len, &offset) && offset >= 0)
		replica_acknowledge(call->store, call->session->replica, (uint64_t)offset);
}

void cmd_replconf(struct call *call)
{
	if (call->argc % 2 == 0) {
		reply_syntax_error(call);
		return;
	}
	if (call->argc >= 3 && call_arg_is(call, 1, "ACK")) {
		acknowledge(call);
		return;
	}
	if (call->argc >= 3 && call_arg_is(call, 1, "GETACK")) /* for masters */
		return;
	struct replica *replica = replica_of(call->session);
	if (!replica) {
		reply_no_memory(call);
		return;
	}
	for (uint32_t i = 1; i < call->argc; i += 2)
		if (!set_option(call, replica, i))
			return;
	reply_ok(call);
}

/* ---- ROLE ---- */

static bool is_online(const struct replica *replica)
{
	return replica->state >= REPLICA_LOADS && replica_is_alive(replica);
}

static void reply_number_as_text(struct call *call, uint64_t number)
{
	char digits[DECIMAL_MAX_BYTES];
	reply_bulk(call, slice_of(digits, decimal_format_uint64(digits, number)));
}

static void reply_replica(struct call *call, const struct replica *replica)
{
	char address[128];
	replica_get_address(replica, address, sizeof(address));
	reply_array(call, 3);
	reply_text(call, address);
	reply_number_as_text(call, replica->port);
	reply_number_as_text(call, replica->acknowledged);
}

void cmd_role(struct call *call)
{
	const struct replication *replication = store_replication(call->store);
	uint32_t count = 0;
	for (const struct replica *replica = replication->first; replica; replica = replica->next)
		count += is_online(replica);
	reply_array(call, 3);
	reply_text(call, "master");
	reply_integer(call, (int64_t)replication->stream.end);
	reply_array(call, count);
	for (const struct replica *replica = replication->first; replica; replica = replica->next)
		if (is_online(replica))
			reply_replica(call, replica);
}

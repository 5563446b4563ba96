#include "client_library/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/deadline.h"

/* How long a node is missed before it is called failed. */
#define NODE_TIMEOUT_MS 2000
#define SLOTS 16384

bool nodes_tell(struct nodes *n, size_t index, qc_args args)
{
	qc_result told qc_auto = qc_do_args(n->admins[index], qc_background(), args);

	return fixture_is_good(told.err, __FILE__, __LINE__);
}

void nodes_address(const struct nodes *n, size_t index, char *out, size_t size)
{
	snprintf(out, size, "127.0.0.1:%u", server_port(n->servers[index]));
}

static void give_up(const char *what)
{
	fprintf(stderr, "the cluster does not come about: %s\n", what);
	abort();
}

/* A replica is named in CLUSTER SLOTS when it has replicated something, and be it a ping: those come every second here. */
static void start_node(struct nodes *n, size_t i, const char *directives, const qc_options *options)
{
	qc_options admin = options ? *options : (qc_options){.address = NULL};
	char address[64], tls[32] = "";

	n->bus_ports[i] = free_port();
	if (strstr(directives, "--tls-")) {
		n->tls_ports[i] = free_port();
		snprintf(tls, sizeof(tls), "--tls-port %u", n->tls_ports[i]);
	}
	n->servers[i] = server_start("--cluster-enabled yes --cluster-port %u --cluster-node-timeout %d --cluster-require-full-coverage no "
				     "--cluster-replica-no-failover yes --repl-diskless-sync-delay 0 --repl-ping-replica-period 1 %s %s",
				     n->bus_ports[i], NODE_TIMEOUT_MS, tls, directives);
	nodes_address(n, i, address, sizeof(address));
	admin.address = address;
	admin.timeout_ms = PATIENCE_MS;
	n->admins[i] = qc_open(&admin);
	qc_result id qc_auto = qc_do(n->admins[i], qc_background(), "CLUSTER", "MYID");
	if (!fixture_is_good(id.err, __FILE__, __LINE__))
		give_up("a node knows no cluster");
	snprintf(n->ids[i], sizeof(n->ids[i]), "%s", qc_reply_text(id.reply));
}

static bool has_text(struct nodes *n, size_t i, qc_args question, const char *text)
{
	qc_result answer qc_auto = qc_do_args(n->admins[i], qc_background(), question);

	return !qc_failed(answer) && qc_reply_text(answer.reply) && strstr(qc_reply_text(answer.reply), text);
}

/* Until this node's answer has the text. */
static void await_text(struct nodes *n, size_t i, qc_args question, const char *text)
{
	int64_t deadline = deadline_after(PATIENCE_MS);

	while (!has_text(n, i, question, text)) {
		if (deadline_left_ms(deadline) == 0)
			give_up(text);
		usleep(10000);
	}
}

/* Does this node name so many replicas, and an owner of every slot? */
static bool knows_all(struct nodes *n, size_t i)
{
	qc_result slots qc_auto = qc_do(n->admins[i], qc_background(), "CLUSTER", "SLOTS");
	size_t replicas = 0;
	int64_t served = 0;

	for (size_t r = 0; r < qc_reply_count(slots.reply); r++) {
		const qc_reply *range = qc_reply_at(slots.reply, r);
		replicas += qc_reply_count(range) - 3;
		served += qc_reply_int(qc_reply_at(range, 1)) - qc_reply_int(qc_reply_at(range, 0)) + 1;
	}
	return served == SLOTS && replicas == n->count - n->primaries;
}

static void await_agreement(struct nodes *n)
{
	int64_t deadline = deadline_after(PATIENCE_MS);

	for (size_t i = 0; i < n->count; i++) {
		while (!knows_all(n, i)) {
			if (deadline_left_ms(deadline) == 0)
				give_up("the nodes disagree");
			usleep(10000);
		}
		await_text(n, i, QC_LIST("CLUSTER", "INFO"), "cluster_state:ok");
		if (i >= n->primaries)
			await_text(n, i, QC_LIST("INFO", "replication"), "master_link_status:up");
	}
}

static void join(struct nodes *n)
{
	char known[32];

	for (size_t i = 0; i < n->count; i++) {
		if (i < n->primaries)
			NODES_TELL(n, i, "CLUSTER", "ADDSLOTSRANGE", SLOTS * i / n->primaries, SLOTS * (i + 1) / n->primaries - 1);
		NODES_TELL(n, i, "CLUSTER", "SET-CONFIG-EPOCH", i + 1);
		/* Each meets all: that is faster than gossip. */
		for (size_t j = 0; j < i; j++)
			NODES_TELL(n, i, "CLUSTER", "MEET", "127.0.0.1", server_port(n->servers[j]), n->bus_ports[j]);
	}
	snprintf(known, sizeof(known), "cluster_known_nodes:%zu", n->count);
	for (size_t i = 0; i < n->count; i++)
		await_text(n, i, QC_LIST("CLUSTER", "INFO"), known);
	for (size_t i = n->primaries; i < n->count; i++) {
		/* Until they have shaken hands, a node has a random name. */
		await_text(n, i, QC_LIST("CLUSTER", "NODES"), n->ids[i - n->primaries]);
		NODES_TELL(n, i, "CLUSTER", "REPLICATE", n->ids[i - n->primaries]);
	}
}

bool nodes_start(struct nodes *n, size_t primaries, size_t replicas, const char *directives, const qc_options *options)
{
	if (!server_is_reference()) {
		printf("left out: clusters (the server has none)\n");
		return false;
	}
	*n = (struct nodes){.primaries = primaries, .count = primaries + replicas};
	for (size_t i = 0; i < n->count; i++)
		start_node(n, i, directives, options);
	join(n);
	await_agreement(n);
	nodes_address(n, 0, n->address, sizeof(n->address));
	return true;
}

bool nodes_stop(struct nodes *n)
{
	bool good = true;

	for (size_t i = 0; i < n->count; i++) {
		qc_close(n->admins[i]);
		good = (!n->servers[i] || server_stop(&n->servers[i])) && good;
	}
	n->count = 0;
	return good;
}

void nodes_kill(struct nodes *n, size_t index)
{
	server_kill(&n->servers[index]);
}

void nodes_allow_failover(struct nodes *n)
{
	for (size_t i = n->primaries; i < n->count; i++)
		NODES_TELL(n, i, "CONFIG", "SET", "cluster-replica-no-failover", "no");
}

int nodes_slot(struct nodes *n, const char *key)
{
	qc_result slot qc_auto = qc_do(n->admins[0], qc_background(), "CLUSTER", "KEYSLOT", key);

	return (int)qc_reply_int(slot.reply);
}

size_t nodes_owner(struct nodes *n, int slot)
{
	qc_result slots qc_auto = qc_do(n->admins[0], qc_background(), "CLUSTER", "SLOTS");

	for (size_t r = 0; r < qc_reply_count(slots.reply); r++) {
		const qc_reply *range = qc_reply_at(slots.reply, r);
		if (slot < qc_reply_int(qc_reply_at(range, 0)) || slot > qc_reply_int(qc_reply_at(range, 1)))
			continue;
		for (size_t i = 0; i < n->count; i++)
			if (strcmp(qc_reply_text(qc_reply_at(qc_reply_at(range, 2), 2)), n->ids[i]) == 0)
				return i;
	}
	give_up("a slot without an owner");
	return 0;
}

void nodes_begin_move(struct nodes *n, int slot, size_t from, size_t to)
{
	NODES_TELL(n, to, "CLUSTER", "SETSLOT", slot, "IMPORTING", n->ids[from]);
	NODES_TELL(n, from, "CLUSTER", "SETSLOT", slot, "MIGRATING", n->ids[to]);
}

void nodes_move_key(struct nodes *n, const char *key, size_t from, size_t to)
{
	NODES_TELL(n, from, "MIGRATE", "127.0.0.1", server_port(n->servers[to]), key, 0, PATIENCE_MS);
}

/* The configuration epoch of `of` as the node at `index` knows it; -1 when it doesn't. */
static long long epoch_of(struct nodes *n, size_t index, size_t of)
{
	qc_result all qc_auto = qc_do(n->admins[index], qc_background(), "CLUSTER", "NODES");
	const char *line = qc_failed(all) ? NULL : qc_reply_text(all.reply);
	long long epoch = -1;

	/* A line: id address flags primary ping pong epoch ... */
	while (line && strncmp(line, n->ids[of], strlen(n->ids[of])) != 0)
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
	if (line)
		sscanf(line, "%*s %*s %*s %*s %*s %*s %lld", &epoch);
	return epoch;
}

/* Else a node could believe the former owner once more, whose claims may still be on their way. */
static void await_epoch(struct nodes *n, size_t of)
{
	int64_t deadline = deadline_after(PATIENCE_MS);

	for (size_t i = 0; i < n->primaries; i++) {
		while (n->servers[i] && epoch_of(n, i, of) != epoch_of(n, of, of)) {
			if (deadline_left_ms(deadline) == 0)
				give_up("a node does not hear of the new owner of a slot");
			usleep(1000);
		}
	}
}

void nodes_end_move(struct nodes *n, int slot, size_t from, size_t to)
{
	qc_result keys qc_auto = qc_do(n->admins[from], qc_background(), "CLUSTER", "GETKEYSINSLOT", slot, 1000);

	for (size_t i = 0; i < qc_reply_count(keys.reply); i++)
		nodes_move_key(n, qc_reply_text(qc_reply_at(keys.reply, i)), from, to);
	/* The new owner first, so that there is one at any time. */
	NODES_TELL(n, to, "CLUSTER", "SETSLOT", slot, "NODE", n->ids[to]);
	await_epoch(n, to);
	for (size_t i = 0; i < n->primaries; i++)
		if (i != to)
			NODES_TELL(n, i, "CLUSTER", "SETSLOT", slot, "NODE", n->ids[to]);
}

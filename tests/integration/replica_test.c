/*
 * Replicas: redis-server as the replica of the server under test. After each case both have the same data by DEBUG DIGEST.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/deadline.h"
#include "support/directive.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/random.h"
#include "support/server.h"
#include "support/suite.h"

#define LARGE_BYTES 300000
#define WRITERS 3
#define PIPELINE 50

static bool has_redis(void)
{
	const char *argv[] = { "redis-server", "--version", NULL };
	int status;
	free(process_run(argv, &status));
	return status == 0;
}
#define NEEDS_REDIS()                                       \
	do {                                                \
		if (!has_redis())                           \
			SKIP("there is no redis-server");   \
	} while (0)

/* ---- a replica ---- */

struct follower {
	pid_t pid;
	char directory[64];
	struct peer *peer;
};

static struct follower follower_start(const struct server *primary, const char *password)
{
	struct follower follower;
	char port[16], primary_port[16], log[128];
	uint16_t number = free_port();
	scratch_create(follower.directory, sizeof(follower.directory));
	snprintf(port, sizeof(port), "%u", number);
	snprintf(primary_port, sizeof(primary_port), "%u", server_port(primary));
	snprintf(log, sizeof(log), "%s/log", follower.directory);
	const char *argv[] = { "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", follower.directory, "--save", "",
			       "--enable-debug-command", "yes", "--masterauth", password, "--replicaof", "127.0.0.1", primary_port, NULL };
	follower.pid = process_start(argv, log);
	follower.peer = NULL;
	for (int64_t deadline = deadline_after(PATIENCE_MS); !follower.peer && deadline_left_ms(deadline) > 0;)
		follower.peer = peer_connect_to("127.0.0.1", number);
	CU_ASSERT_PTR_NOT_NULL_FATAL(follower.peer);
	return follower;
}

static bool follower_comes_up(const struct follower *follower)
{
	return COMES_TO_SHOW(follower->peer, "master_link_status:up", "INFO", "replication");
}

static void follower_stop(struct follower *follower)
{
	peer_close(&follower->peer);
	process_kill(follower->pid);
	scratch_remove(follower->directory);
}

/* Nothing may change meanwhile. */
static void check_in_step(struct peer *primary, const struct follower *follower)
{
	char digest[64];
	CU_ASSERT(follower_comes_up(follower));
	snprintf(digest, sizeof(digest), "%s", COMMAND(primary, "DEBUG", "DIGEST"));
	CU_ASSERT(COMES_TO_GIVE(follower->peer, digest, "DEBUG", "DIGEST"));
}

static int64_t stat_of(struct peer *peer, const char *field)
{
	return info_number(COMMAND(peer, "INFO", "stats"), field);
}

/* ---- writers ---- */

static const char *large_value(void)
{
	static char large[LARGE_BYTES + 1];
	memset(large, 'l', LARGE_BYTES);
	return large;
}

/* Of every kind of effect; %k is a key, %d a database, %n a number. */
static const char *const forms[] = {
	"SET %k value-%n", "SET %k value-%n", "SET %k value-%n EX 10000", "INCRBY number-%k %n", "INCRBYFLOAT float-%k 0.%n", "APPEND %k more%n",
	"SETRANGE %k %n piece", "DEL %k %k %k", "UNLINK %k", "RENAME %k %k", "RENAMENX %k %k", "MOVE %k %d", "COPY %k %k DB %d REPLACE",
	"MSET %k 1 %k 2 %k 3", "GETDEL %k", "EXPIRE %k 5000", "PEXPIREAT %k 99999999999999", "PERSIST %k", "SET %k old PXAT 1", "GETEX %k EX 9000",
	"SELECT %d", "SELECT %d", "SWAPDB %d %d", "SETEX %k 8000 v%n", "SET %k v%n KEEPTTL",
};

static void append_word(char **at, struct random *random, char kind)
{
	switch (kind) {
	case 'k': *at += sprintf(*at, "k%u", (unsigned)random_below(random, 500)); return;
	case 'd': *at += sprintf(*at, "%u", (unsigned)random_below(random, 5)); return;
	case 'n': *at += sprintf(*at, "%u", (unsigned)random_below(random, 300)); return;
	}
}

static void append_command(char **at, struct random *random)
{
	const char *form = forms[random_below(random, sizeof(forms) / sizeof(forms[0]))];
	for (const char *c = form; *c; c++) {
		if (*c == '%')
			append_word(at, random, *++c);
		else
			*(*at)++ = *c;
	}
	*at = stpcpy(*at, "\r\n");
}

static void write_some(struct peer *peer, struct random *random)
{
	char commands[PIPELINE * 100];
	char *at = commands;
	for (int i = 0; i < PIPELINE; i++)
		append_command(&at, random);
	CU_ASSERT_FATAL(peer_send(peer, commands, (size_t)(at - commands)));
	for (int i = 0; i < PIPELINE; i++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(peer_reply(peer));
}

struct writers {
	struct peer *peers[WRITERS];
	struct random random;
};

static struct writers writers_open(const struct server *server)
{
	struct writers writers = { .random = { random_seed("replica") } };
	for (int i = 0; i < WRITERS; i++)
		writers.peers[i] = peer_connect(server);
	return writers;
}

static void writers_write(struct writers *writers, int rounds)
{
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < WRITERS; i++)
			write_some(writers->peers[i], &writers->random);
		CU_ASSERT(GIVES(writers->peers[0], "+OK\r\n", "SET", "large", large_value()));
	}
}

static void writers_close(struct writers *writers)
{
	for (int i = 0; i < WRITERS; i++)
		peer_close(&writers->peers[i]);
}

static struct server *start_primary(const char *directives)
{
	return server_start("--repl-diskless-sync-delay 0 %s", directives);
}

/* ---- full synchronisation ---- */

static void a_replica_comes_into_step_while_several_clients_write(void)
{
	NEEDS_REDIS();
	struct server *server = start_primary("");
	struct peer *peer = peer_connect(server);
	struct writers writers = writers_open(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "100000", "key", "100"));
	struct follower follower = follower_start(server, "");
	for (int64_t deadline = deadline_after(PATIENCE_MS); deadline_left_ms(deadline) > 0;) {
		writers_write(&writers, 1);
		if (strstr(COMMAND(follower.peer, "INFO", "replication"), "master_link_status:up"))
			break;
	}
	writers_write(&writers, 20);
	check_in_step(peer, &follower);
	CU_ASSERT_EQUAL(stat_of(peer, "sync_full"), 1);
	writers_close(&writers);
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
}

static void replicas_that_wait_together_share_a_snapshot(void)
{
	NEEDS_REDIS();
	ONLY_OURS();
	struct server *server = server_start("--repl-diskless-sync-delay 3600 --repl-diskless-sync-max-replicas 2");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "10000", "key", "100"));
	struct follower first = follower_start(server, "");
	CU_ASSERT(info_comes_to(peer, "replication", "connected_slaves", 1));
	CU_ASSERT_PTR_NOT_NULL(strstr(COMMAND(peer, "INFO", "replication"), "state=wait_bgsave"));
	struct follower second = follower_start(server, "");
	check_in_step(peer, &first);
	check_in_step(peer, &second);
	char *log = server_log(server), *begun = strstr(log, "Snapshot for replicas started");
	CU_ASSERT_PTR_NOT_NULL_FATAL(begun);
	CU_ASSERT_PTR_NULL(strstr(begun + 1, "Snapshot for replicas started"));
	free(log);
	peer_close(&peer);
	follower_stop(&first);
	follower_stop(&second);
	CU_ASSERT(server_stop(&server));
}

/* The snapshot goes on with what was flushed; then the stream removes it. */
static void a_flush_during_the_synchronisation_reaches_the_replica(void)
{
	NEEDS_REDIS();
	struct server *server = start_primary("");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "200000", "key", "200"));
	struct follower follower = follower_start(server, "");
	CU_ASSERT(info_comes_to(peer, "replication", "connected_slaves", 1));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "after", "1"));
	check_in_step(peer, &follower);
	CU_ASSERT(GIVES(follower.peer, ":1\r\n", "DBSIZE"));
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
}

static void a_replica_gives_the_password(void)
{
	NEEDS_REDIS();
	struct server *server = start_primary("--requirepass secret");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "AUTH", "secret"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "value"));
	struct follower follower = follower_start(server, "secret");
	check_in_step(peer, &follower);
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
}

/* ---- the stream ---- */

static void large_values_reach_the_replica(void)
{
	NEEDS_REDIS();
	static char huge[20000001];
	memset(huge, 'h', sizeof(huge) - 1);
	struct server *server = start_primary("");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "before", huge));
	struct follower follower = follower_start(server, "");
	CU_ASSERT(follower_comes_up(&follower));
	for (int i = 0; i < 5; i++) {
		char key[16];
		snprintf(key, sizeof(key), "%d", i);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", key, huge));
		CU_ASSERT(GIVES(peer, ":20000004\r\n", "APPEND", key, "tail"));
	}
	check_in_step(peer, &follower);
	CU_ASSERT_EQUAL(stat_of(peer, "sync_full"), 1);
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
}

static void keys_that_expire_or_are_evicted_leave_the_replica(void)
{
	NEEDS_REDIS();
	struct server *server = start_primary("--maxmemory 20mb --maxmemory-policy allkeys-lru");
	struct peer *peer = peer_connect(server);
	struct follower follower = follower_start(server, "");
	CU_ASSERT(follower_comes_up(&follower));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "soon", "1", "PX", "50"));
	CU_ASSERT(COMES_TO_SHOW(peer, "expired_keys:1", "INFO", "stats"));
	CU_ASSERT(COMES_TO_GIVE(follower.peer, ":0\r\n", "DBSIZE"));
	for (int i = 0; i < 200; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", key, large_value()));
	}
	CU_ASSERT(stat_of(peer, "evicted_keys") > 0);
	CU_ASSERT_EQUAL(stat_of(peer, "expired_keys"), 1);
	check_in_step(peer, &follower);
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
}

static void wait_counts_the_replicas_that_have_acknowledged(void)
{
	NEEDS_REDIS();
	struct server *server = start_primary("");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, ":0\r\n", "WAIT", "0", "0"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "WAIT", "1", "10"));
	struct follower first = follower_start(server, ""), second = follower_start(server, "");
	check_in_step(peer, &first);
	check_in_step(peer, &second);
	for (int i = 0; i < 20; i++) {
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "value"));
		CU_ASSERT(GIVES(peer, ":2\r\n", "WAIT", "2", "0"));
	}
	CU_ASSERT_EQUAL(kill(second.pid, SIGSTOP), 0);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "other"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "WAIT", "1", "0"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "WAIT", "2", "200"));
	CU_ASSERT_EQUAL(kill(second.pid, SIGCONT), 0);
	CU_ASSERT(GIVES(peer, ":2\r\n", "WAIT", "2", "0"));
	peer_close(&peer);
	follower_stop(&first);
	follower_stop(&second);
	CU_ASSERT(server_stop(&server));
}

static void without_enough_replicas_writes_are_refused(void)
{
	NEEDS_REDIS();
	struct server *server = start_primary("--min-replicas-to-write 1 --min-replicas-max-lag 5");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "-NOREPLICAS Not enough good replicas to write.\r\n", "SET", "key", "value"));
	CU_ASSERT(GIVES(peer, "$-1\r\n", "GET", "key"));
	struct follower follower = follower_start(server, "");
	CU_ASSERT(info_comes_to(peer, "replication", "min_slaves_good_slaves", 1));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "value"));
	check_in_step(peer, &follower);
	follower_stop(&follower);
	CU_ASSERT(info_comes_to(peer, "replication", "min_slaves_good_slaves", 0));
	CU_ASSERT(GIVES(peer, "-NOREPLICAS Not enough good replicas to write.\r\n", "SET", "key", "value"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* ---- coming back ---- */

/* The link is cut while the replica stands still, so the bytes in between are missed for certain. */
static void cut_and_write(struct peer *peer, const struct follower *follower, struct writers *writers, int rounds)
{
	CU_ASSERT_EQUAL(kill(follower->pid, SIGSTOP), 0);
	CU_ASSERT(GIVES(peer, ":1\r\n", "CLIENT", "KILL", "TYPE", "replica"));
	CU_ASSERT(info_comes_to(peer, "replication", "connected_slaves", 0));
	writers_write(writers, rounds);
	CU_ASSERT_EQUAL(kill(follower->pid, SIGCONT), 0);
}

static void check_return(const char *directives, int64_t partial, int64_t full)
{
	struct server *server = start_primary(directives);
	struct peer *peer = peer_connect(server);
	struct writers writers = writers_open(server);
	struct follower follower = follower_start(server, "");
	CU_ASSERT(follower_comes_up(&follower));
	for (int cut = 0; cut < 3; cut++) {
		writers_write(&writers, 2);
		cut_and_write(peer, &follower, &writers, 2);
		CU_ASSERT(info_comes_to(peer, "stats", partial ? "sync_partial_ok" : "sync_full", cut + (partial ? 1 : 2)));
		check_in_step(peer, &follower);
	}
	CU_ASSERT_EQUAL(stat_of(peer, "sync_partial_ok"), partial);
	CU_ASSERT_EQUAL(stat_of(peer, "sync_full"), full);
	writers_close(&writers);
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
}

static void a_replica_goes_on_where_the_link_was_cut(void)
{
	NEEDS_REDIS();
	check_return("--repl-backlog-size 100mb", 3, 1);
}

static void a_replica_that_missed_more_than_the_backlog_begins_anew(void)
{
	NEEDS_REDIS();
	ONLY_OURS();
	check_return("--repl-backlog-size 20000", 0, 4);
}

static void another_history_begins_anew(void)
{
	NEEDS_REDIS();
	struct server *server = start_primary("");
	struct peer *peer = peer_connect(server);
	struct follower follower = follower_start(server, "");
	CU_ASSERT(follower_comes_up(&follower));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "CHANGE-REPL-ID"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "CLIENT", "KILL", "TYPE", "replica"));
	CU_ASSERT(info_comes_to(peer, "stats", "sync_full", 2));
	check_in_step(peer, &follower);
	CU_ASSERT_EQUAL(stat_of(peer, "sync_partial_err"), 1);
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
}

static void a_replica_that_stands_still_is_dropped_and_recovers(void)
{
	NEEDS_REDIS();
	struct server *server = start_primary("--client-output-buffer-limit replica 4mb 0 0");
	struct peer *peer = peer_connect(server);
	struct writers writers = writers_open(server);
	struct follower follower = follower_start(server, "");
	CU_ASSERT(follower_comes_up(&follower));
	CU_ASSERT_EQUAL(kill(follower.pid, SIGSTOP), 0);
	for (int64_t deadline = deadline_after(PATIENCE_MS); deadline_left_ms(deadline) > 0;) {
		writers_write(&writers, 5);
		if (strstr(COMMAND(peer, "INFO", "replication"), "connected_slaves:0"))
			break;
	}
	writers_write(&writers, 5);
	CU_ASSERT_EQUAL(kill(follower.pid, SIGCONT), 0);
	CU_ASSERT(info_comes_to(peer, "replication", "connected_slaves", 1));
	check_in_step(peer, &follower);
	writers_close(&writers);
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
}

/* ---- the primary loads data ---- */

static struct server *start_in(const char *directory, const char *directives)
{
	return server_start("--dir %s --repl-diskless-sync-delay 0 %s", directory, directives);
}

/* It comes back at another port. */
static bool follow_again(const struct follower *follower, const struct server *primary)
{
	char port[16];
	snprintf(port, sizeof(port), "%u", server_port(primary));
	return GIVES(follower->peer, "+OK\r\n", "REPLICAOF", "127.0.0.1", port) && follower_comes_up(follower);
}

/* What expired while the server was down leaves the replica too. */
static void check_restart(const char *directives, int64_t partial, int64_t full)
{
	char directory[64];
	scratch_create(directory, sizeof(directory));
	struct server *server = start_in(directory, directives);
	struct peer *peer = peer_connect(server);
	struct writers writers = writers_open(server);
	struct follower follower = follower_start(server, "");
	CU_ASSERT(follower_comes_up(&follower));
	writers_write(&writers, 5);
	writers_close(&writers);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "soon", "1", "PX", "1500"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "repl-ping-replica-period", "1"));
	check_in_step(peer, &follower);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	server = start_in(directory, directives);
	peer = peer_connect(server);
	CU_ASSERT(follow_again(&follower, server));
	CU_ASSERT(COMES_TO_GIVE(follower.peer, ":0\r\n", "EXISTS", "soon"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "after"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "WAIT", "1", "0"));
	check_in_step(peer, &follower);
	CU_ASSERT_EQUAL(stat_of(peer, "sync_partial_ok"), partial);
	CU_ASSERT_EQUAL(stat_of(peer, "sync_full"), full);
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
	scratch_remove(directory);
}

static void a_replica_goes_on_after_a_restart_with_a_saved_file(void)
{
	NEEDS_REDIS();
	check_restart("--save 3600 1", 1, 0);
}

static void a_replica_begins_anew_after_a_restart_without_one(void)
{
	NEEDS_REDIS();
	check_restart("", 0, 1);
	check_restart("--appendonly yes --appendfsync always", 0, 1);
}

static void a_replica_goes_on_when_the_same_data_are_loaded_again(void)
{
	NEEDS_REDIS();
	struct server *server = start_primary("");
	struct peer *peer = peer_connect(server);
	struct writers writers = writers_open(server);
	struct follower follower = follower_start(server, "");
	CU_ASSERT(follower_comes_up(&follower));
	for (int i = 0; i < 3; i++) {
		writers_write(&writers, 1);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "short", "x", "PX", "1"));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "RELOAD"));
		writers_write(&writers, 1);
		check_in_step(peer, &follower);
	}
	CU_ASSERT_EQUAL(stat_of(peer, "sync_full"), 1);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "RELOAD", "NOSAVE"));
	CU_ASSERT(COMES_TO_SHOW(peer, "sync_full:2", "INFO", "stats"));
	check_in_step(peer, &follower);
	writers_close(&writers);
	peer_close(&peer);
	follower_stop(&follower);
	CU_ASSERT(server_stop(&server));
}

/* ---- hostile ---- */

static void nonsense_is_refused(void)
{
	ONLY_OURS();
	struct server *server = start_primary("");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(strncmp(COMMAND(peer, "SYNC"), "-ERR snapshots are sent without a file", 38) == 0);
	CU_ASSERT(strncmp(COMMAND(peer, "PSYNC", "?", "-1"), "-ERR snapshots are sent without a file", 38) == 0);
	CU_ASSERT(strncmp(COMMAND(peer, "PSYNC", "?", "-1", "FAILOVER"), "-ERR PSYNC FAILOVER is not supported", 36) == 0);
	CU_ASSERT(GIVES(peer, "-ERR syntax error\r\n", "REPLCONF", "capa"));
	CU_ASSERT(GIVES(peer, "-ERR Unrecognized REPLCONF option: nonsense\r\n", "REPLCONF", "nonsense", "1"));
	CU_ASSERT(GIVES(peer, "-ERR value is not an integer or out of range\r\n", "REPLCONF", "listening-port", "70000"));
	CU_ASSERT(GIVES(peer, "-ERR REPLCONF ip-address is no address\r\n", "REPLCONF", "ip-address", "a\r\nb"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "REPLCONF", "capa", "unknown", "version", "9.9.9"));
	CU_ASSERT(peer_exchange(peer, "REPLCONF ACK 5\r\nREPLCONF GETACK *\r\nPING\r\n", "+PONG\r\n"));
	CU_ASSERT_EQUAL(info_number(COMMAND(peer, "INFO", "replication"), "repl_backlog_active"), 0);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* An unknown history or an impossible offset gives a snapshot. */
static void check_full_answer(const struct server *server, const char *id, const char *offset)
{
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "REPLCONF", "capa", "eof", "capa", "psync2"));
	const char *reply = COMMAND(peer, "PSYNC", id, offset);
	while (reply && reply[0] == '\n')
		reply = peer_reply(peer);
	CU_ASSERT(reply && strncmp(reply, "+FULLRESYNC ", 12) == 0);
	peer_reset(&peer);
}

static void offsets_that_never_were_give_a_snapshot(void)
{
	ONLY_OURS();
	char id[64];
	struct server *server = start_primary("");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "value"));
	check_full_answer(server, "?", "-1");
	const char *at = strstr(COMMAND(peer, "INFO", "replication"), "master_replid:");
	snprintf(id, sizeof(id), "%.40s", at + strlen("master_replid:"));
	check_full_answer(server, id, "0");
	check_full_answer(server, id, "-9223372036854775808");
	check_full_answer(server, id, "9223372036854775807");
	check_full_answer(server, id, "99999999999999999999999");
	check_full_answer(server, "0000000000000000000000000000000000000000", "1");
	check_full_answer(server, "", "");
	CU_ASSERT(GIVES(peer, "$5\r\nvalue\r\n", "GET", "key"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* It neither reads its snapshot nor the stream: memory stays bounded, and everybody else is served. */
static void a_replica_that_never_reads_is_dropped(void)
{
	ONLY_OURS();
	struct server *server = start_primary("--client-output-buffer-limit replica 4mb 0 0 --repl-timeout 3600");
	struct peer *peer = peer_connect(server), *deaf = peer_connect(server);
	struct writers writers = writers_open(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "300000", "key", "300"));
	CU_ASSERT(GIVES(deaf, "+OK\r\n", "REPLCONF", "capa", "eof"));
	CU_ASSERT(peer_send_text(deaf, "PSYNC ? -1\r\n"));
	CU_ASSERT(info_comes_to(peer, "replication", "connected_slaves", 1));
	size_t resident = server_resident_bytes(server);
	for (int64_t deadline = deadline_after(PATIENCE_MS); deadline_left_ms(deadline) > 0;) {
		writers_write(&writers, 2);
		if (strstr(COMMAND(peer, "INFO", "replication"), "connected_slaves:0"))
			break;
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(COMMAND(peer, "INFO", "replication"), "connected_slaves:0"));
	CU_ASSERT(server_resident_bytes(server) < resident + ((size_t)128 << 20));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SAVE"));
	writers_close(&writers);
	peer_close(&deaf);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void a_replica_that_is_not_heard_of_is_dropped(void)
{
	ONLY_OURS();
	struct server *server = start_primary("--repl-timeout 1");
	struct peer *peer = peer_connect(server), *mute = peer_connect(server);
	CU_ASSERT(GIVES(mute, "+OK\r\n", "REPLCONF", "capa", "eof"));
	CU_ASSERT(peer_send_text(mute, "PSYNC ? -1\r\n"));
	CU_ASSERT(COMES_TO_SHOW(peer, "state=online", "INFO", "replication"));
	CU_ASSERT(peer_send_text(mute, "REPLCONF ACK 0\r\n"));
	CU_ASSERT(peer_drain_until_closed(mute));
	CU_ASSERT(server_wait_log(server, "nothing was heard of it"));
	peer_close(&mute);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* Its commands are executed, and it gets no replies among its stream. */
static void a_replica_gets_no_replies(void)
{
	ONLY_OURS();
	struct server *server = start_primary("");
	struct peer *peer = peer_connect(server), *talker = peer_connect(server);
	CU_ASSERT(GIVES(talker, "+OK\r\n", "REPLCONF", "capa", "eof", "rdb-only", "0", "listening-port", "1234"));
	CU_ASSERT(peer_send_text(talker, "SYNC\r\nPING\r\nSET key value\r\nSYNC\r\nPSYNC ? -1\r\nRESET\r\nCLIENT REPLY ON\r\n"));
	for (int i = 0; i < 3000; i++)
		CU_ASSERT(peer_send_text(talker, "REPLCONF ACK 999999999\r\nREPLCONF GETACK *\r\nREPLCONF capa eof\r\n"));
	CU_ASSERT(COMES_TO_GIVE(peer, "$5\r\nvalue\r\n", "GET", "key"));
	CU_ASSERT(peer_expect_text(talker, "$EOF:"));
	CU_ASSERT(COMES_TO_SHOW(peer, "port=1234,state=online", "INFO", "replication"));
	CU_ASSERT_PTR_NOT_NULL(strstr(COMMAND(peer, "CLIENT", "LIST", "TYPE", "replica"), " flags=S "));
	CU_ASSERT_PTR_NOT_NULL(strstr(COMMAND(peer, "ROLE"), "1234"));
	peer_close(&talker);
	CU_ASSERT(info_comes_to(peer, "replication", "connected_slaves", 0));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static const struct suite_case cases[] = {
	CASE(a_replica_comes_into_step_while_several_clients_write),
	CASE(replicas_that_wait_together_share_a_snapshot),
	CASE(a_flush_during_the_synchronisation_reaches_the_replica),
	CASE(a_replica_gives_the_password),
	CASE(large_values_reach_the_replica),
	CASE(keys_that_expire_or_are_evicted_leave_the_replica),
	CASE(wait_counts_the_replicas_that_have_acknowledged),
	CASE(without_enough_replicas_writes_are_refused),
	CASE(a_replica_goes_on_where_the_link_was_cut),
	CASE(a_replica_that_missed_more_than_the_backlog_begins_anew),
	CASE(another_history_begins_anew),
	CASE(a_replica_that_stands_still_is_dropped_and_recovers),
	CASE(a_replica_goes_on_after_a_restart_with_a_saved_file),
	CASE(a_replica_begins_anew_after_a_restart_without_one),
	CASE(a_replica_goes_on_when_the_same_data_are_loaded_again),
	CASE(nonsense_is_refused),
	CASE(offsets_that_never_were_give_a_snapshot),
	CASE(a_replica_that_never_reads_is_dropped),
	CASE(a_replica_that_is_not_heard_of_is_dropped),
	CASE(a_replica_gets_no_replies),
};

SUITE_MAIN("replica", cases)

/*
 * Clients of clusters when something goes wrong: nodes that hang, die or talk nonsense, slots that move under load, fork(). The last case
 * kills a primary of the shared cluster.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_library/fake.h"
#include "client_library/nodes.h"
#include "support/deadline.h"
#include "support/process.h"

static qc_context *ctx;
static struct nodes nodes;

/* Added to the time: clock_gettime() is wrapped (see SConscript). The kernel waits by its own clock, so this is 0 while anything waits. */
static atomic_long skipped_s;

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int status = __real_clock_gettime(clock, out);

	out->tv_sec += skipped_s;
	return status;
}

/* The shared cluster of three primaries and a replica of the first, empty; false if there can be none. */
static bool use_nodes(void)
{
	if (nodes.count == 0 && !nodes_start(&nodes, 3, 1, "", NULL))
		return false;
	for (size_t i = 0; i < nodes.primaries; i++)
		NODES_TELL(&nodes, i, "FLUSHALL");
	return true;
}

/* Nodes that answer as they are told */

struct puppet {
	struct fake *fake;
	char name[256];                  /* see puppet_name() */
	const char *_Atomic slots;       /* the reply to CLUSTER SLOTS */
	const char *_Atomic answers[40]; /* to other commands, one after the other; the last again and again. "": hangs up */
	atomic_uint asked, asked_slots;  /* how many other commands; CLUSTER SLOTS */
};

static void be_puppet(struct fake *fake, int fd, unsigned number, void *data)
{
	struct puppet *p = data;
	char word[32];

	(void)fake, (void)number;
	while (fake_read(fd, word, sizeof(word))) {
		if (strcmp(word, "hello") == 0) {
			fake_send_text(fd, "-ERR unknown command 'HELLO'\r\n");
		} else if (strcmp(word, "cluster") == 0) {
			p->asked_slots++;
			fake_send_text(fd, p->slots);
		} else {
			const char *answer = p->answers[p->asked++];
			if (!p->answers[p->asked])
				p->answers[p->asked] = answer;
			if (!*answer)
				return;
			fake_send_text(fd, answer);
		}
	}
}

static void puppet_start(struct puppet *p)
{
	p->fake = fake_start(be_puppet, p);
}

/* Before it is connected to: all slots are the owner's. `host` as in RESP: "$9\r\n127.0.0.1\r\n". */
static void puppet_name(struct puppet *by, const struct puppet *owner, const char *host)
{
	by->slots = by->name;
	snprintf(by->name, sizeof(by->name), "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n%s:%u\r\n$2\r\nid\r\n", host, fake_port(owner->fake));
}

#define LOCALHOST "$9\r\n127.0.0.1\r\n"

/* A seed that names a node, and the node, which says the same. */
struct pair {
	struct puppet seed, node;
	char address[32];
};

static void pair_start(struct pair *p)
{
	puppet_start(&p->seed);
	puppet_start(&p->node);
	puppet_name(&p->seed, &p->node, LOCALHOST);
	puppet_name(&p->node, &p->node, LOCALHOST);
	snprintf(p->address, sizeof(p->address), "127.0.0.1:%u", fake_port(p->seed.fake));
}

static void pair_stop(struct pair *p)
{
	fake_stop(&p->seed.fake);
	fake_stop(&p->node.fake);
}

static void nonsense_about_slots_is_an_error_and_no_more(void)
{
	static const struct { const char *slots; enum qc_kind kind; } said[] = {
		{"+OK\r\n", QC_NETWORK},
		{"*0\r\n", QC_NETWORK},
		{"-ERR This instance has cluster support disabled\r\n", QC_SERVER},
		{"*1\r\n:1\r\n", QC_PROTOCOL},
		{"*1\r\n*2\r\n:0\r\n:1\r\n", QC_PROTOCOL},
		{"*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n" LOCALHOST ":1\r\n", QC_PROTOCOL},
		{"*1\r\n*3\r\n:-1\r\n:4\r\n*2\r\n" LOCALHOST ":1\r\n", QC_PROTOCOL},
		{"*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n" LOCALHOST ":1\r\n", QC_PROTOCOL},
		{"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n" LOCALHOST ":0\r\n", QC_PROTOCOL},
		{"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n" LOCALHOST ":65536\r\n", QC_PROTOCOL},
		{"*1\r\n*3\r\n:0\r\n:16383\r\n:7\r\n", QC_PROTOCOL},
		{"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$1\r\n?\r\n:1\r\n", QC_NETWORK},
		{"*1\r\n*4\r\n:0\r\n:16383\r\n*2\r\n" LOCALHOST ":1\r\n*1\r\n+x\r\n", QC_PROTOCOL},
	};
	struct puppet seed = {.answers = {""}};
	char address[32];

	puppet_start(&seed);
	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(seed.fake));
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		seed.slots = said[i].slots;
		qc_client *c = qc_dial(address, .cluster = true, .retries = -1);
		FAILS(*c, said[i].kind);
		FAILS(qc_incr(c, ctx, "k"), said[i].kind);
		qc_close(c);
	}
	fake_stop(&seed.fake);
}

static void a_node_that_names_no_host_is_where_it_was_asked(void)
{
	static const char *const hosts[] = {"$0\r\n\r\n", "$-1\r\n", "_\r\n"};
	for (size_t i = 0; i < 3; i++) {
		struct pair p = {.node.answers = {"", ":1\r\n"}};
		char moved[64];
		pair_start(&p);
		puppet_name(&p.seed, &p.node, hosts[i]);
		snprintf(moved, sizeof(moved), "-MOVED 7629 :%u\r\n", fake_port(p.node.fake));
		p.node.answers[0] = moved;
		qc_client *c = qc_dial(p.address, .cluster = true);
		GOOD(*c);
		CU_ASSERT_EQUAL(qc_incr(c, ctx, "k").value, 1);
		CU_ASSERT_EQUAL(qc_pool_stats(c).redirects, 1);
		qc_close(c);
		pair_stop(&p);
	}
}

static void redirections_in_a_circle_end(void)
{
	static const char *const odd[] = {
		"-MOVED\r\n", "-MOVED 1\r\n", "-MOVED 99999 127.0.0.1:1\r\n", "-MOVED 1 127.0.0.1\r\n", "-MOVED 1 127.0.0.1:0\r\n",
		"-MOVED x 127.0.0.1:1\r\n", "-ASK 1 127.0.0.1:65536\r\n", "-ASK 1 :x\r\n",
	};
	struct pair p = {.node.answers = {""}};
	char moved[64];

	pair_start(&p);
	snprintf(moved, sizeof(moved), "-MOVED 7629 127.0.0.1:%u\r\n", fake_port(p.node.fake));
	p.node.answers[0] = moved;
	qc_client *c = qc_dial(p.address, .cluster = true);
	qc_int n = qc_incr(c, ctx, "k");
	CU_ASSERT(qc_has_code(n.err, "MOVED"));
	CU_ASSERT_EQUAL(p.node.asked, 9);
	qc_close(c);
	/* What can't be followed is what the server has said. */
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		p.node.asked = 0;
		p.node.answers[0] = odd[i];
		c = qc_dial(p.address, .cluster = true);
		FAILS(qc_incr(c, ctx, "k"), QC_SERVER);
		CU_ASSERT_EQUAL(p.node.asked, 1);
		qc_close(c);
	}
	pair_stop(&p);
}

static void what_passes_is_waited_for(void)
{
	struct pair p = {.node.answers = {"-CLUSTERDOWN Hash slot not served\r\n", "-LOADING dataset\r\n", ":1\r\n",
					  "+OK\r\n", "-TRYAGAIN Multiple keys\r\n", "+OK\r\n", "+LATE\r\n",
					  "+OK\r\n", "-TRYAGAIN first\r\n", "-EXECABORT discarded\r\n",
					  "+OK\r\n", "+QUEUED\r\n", "*1\r\n:8\r\n",
					  "-CLUSTERDOWN for good\r\n"}};

	pair_start(&p);
	qc_client *c = qc_dial(p.address, .cluster = true, .backoff_min_ms = 1, .backoff_max_ms = 2);
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "k").value, 1);
	CU_ASSERT_EQUAL(qc_pool_stats(c).retries, 2);
	/* Of a pipeline, only what was refused is sent again. */
	qc_pipeline *q = qc_pipeline_open(c);
	for (int i = 0; i < 3; i++)
		qc_add(q, "SET", "k", i);
	qc_results r qc_auto_results = qc_run(q, ctx);
	GOOD_FATAL(r);
	CU_ASSERT_STRING_EQUAL(qc_reply_text(r.replies[0]), "OK");
	CU_ASSERT_STRING_EQUAL(qc_reply_text(r.replies[1]), "LATE");
	CU_ASSERT_STRING_EQUAL(qc_reply_text(r.replies[2]), "OK");
	CU_ASSERT_EQUAL(p.node.asked, 7);
	/* A transaction is sent again as a whole. */
	qc_add(q, "INCR", "k");
	qc_results multi qc_auto_results = qc_run_multi(q, ctx);
	GOOD_FATAL(multi);
	CU_ASSERT_EQUAL(qc_results_int(&multi, 0).value, 8);
	CU_ASSERT_EQUAL(p.node.asked, 13);
	CU_ASSERT(qc_has_code(qc_incr(c, ctx, "k").err, "CLUSTERDOWN"));
	CU_ASSERT_EQUAL(p.node.asked, 17);
	qc_pipeline_close(q);
	qc_close(c);
	pair_stop(&p);
}

static void only_what_changes_nothing_is_sent_to_a_lost_node_again(void)
{
	struct pair p = {.node.answers = {"", "+x\r\n", "", ":3\r\n", ":4\r\n"}};

	pair_start(&p);
	qc_client *c = qc_dial(p.address, .cluster = true, .backoff_min_ms = 1);
	qc_string got qc_auto = qc_get(c, ctx, "k");
	GOOD(got);
	CU_ASSERT_EQUAL(p.node.asked, 2);
	FAILS(qc_incr(c, ctx, "k"), QC_NETWORK);
	CU_ASSERT_EQUAL(p.node.asked, 3);
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "k").value, 3);
	qc_close(c);
	pair_stop(&p);
}

static void an_old_map_is_refreshed(void)
{
	struct pair p = {.node.answers = {":1\r\n"}};

	pair_start(&p);
	qc_client *c = qc_dial(p.address, .cluster = true);
	for (int i = 0; i < 3; i++) {
		GOOD(qc_incr(c, ctx, "k"));
		GOOD(qc_incr(c, ctx, "k"));
		CU_ASSERT_EQUAL(p.seed.asked_slots + p.node.asked_slots, i + 1);
		skipped_s += 60;
	}
	qc_close(c);
	skipped_s = 0;
	pair_stop(&p);
}

struct seen {
	int calls, dials, attempts;
	char dialled[64];
};

static void see(void *data, const qc_event *event)
{
	struct seen *seen = data;

	if (event->kind == QC_EVENT_DIAL)
		snprintf(seen->dialled, sizeof(seen->dialled), "%s", event->address);
	seen->dials += event->kind == QC_EVENT_DIAL;
	seen->calls += event->kind == QC_EVENT_CALL;
	seen->attempts += event->attempts;
}

static void hooks_see_a_call_once_and_each_dial(void)
{
	struct pair p = {.node.answers = {"-TRYAGAIN\r\n", ":1\r\n"}};
	struct seen seen = {.calls = 0};
	char node[64];

	pair_start(&p);
	snprintf(node, sizeof(node), "127.0.0.1:%u", fake_port(p.node.fake));
	qc_hook hook = {.data = &seen, .after = see};
	qc_client *c = qc_dial(p.address, .cluster = true, .backoff_min_ms = 1, .hooks = &hook, .hook_count = 1,
			       .hook_events = QC_EVENT_CALL | QC_EVENT_DIAL);
	GOOD(qc_incr(c, ctx, "k"));
	CU_ASSERT_EQUAL(seen.calls, 1);
	CU_ASSERT_EQUAL(seen.attempts, 2);
	CU_ASSERT_EQUAL(seen.dials, 2);
	CU_ASSERT_STRING_EQUAL(seen.dialled, node);
	qc_close(c);
	pair_stop(&p);
}

static void what_clusters_are_not_supported_by_says_so(void)
{
	struct pair p = {.node.answers = {"+PONG\r\n"}};

	pair_start(&p);
	qc_client *c = qc_dial(p.address, .cluster = true);
	qc_cache *cache = qc_cache_open(c, ctx, NULL);
	FAILS(*cache, QC_INVALID);
	qc_cache_close(cache);
	qc_status select = qc_select(c, ctx, 1);
	FAILS(select, QC_INVALID);
	qc_close(c);
	const qc_options wrong[] = {{.cluster = true, .sentinel = "m"}, {.read_from = QC_READ_REPLICA},
				    {.cluster = true, .read_from = (enum qc_read_from)7}, {.address = "redis://localhost?cluster=2"}};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		c = qc_open(&wrong[i]);
		FAILS(*c, QC_INVALID);
		qc_close(c);
	}
	pair_stop(&p);
}

/* Hanging nodes */

/* Of a hundred keys, those of this node are given by `mine`, others by !mine. */
static void key_of(char *out, size_t size, size_t node, bool mine)
{
	for (int i = 0;; i++) {
		snprintf(out, size, "k%d", i);
		if ((nodes_owner(&nodes, nodes_slot(&nodes, out)) == node) == mine)
			return;
	}
}

static void *cancel_soon(void *context)
{
	usleep(20000);
	qc_cancel(context);
	return NULL;
}

static void a_node_that_hangs_holds_up_nobody_else(void)
{
	char mine[32], other[32];
	pthread_t thread;

	if (!use_nodes())
		return;
	qc_client *c = qc_dial(nodes.address, .cluster = true, .timeout_ms = 4 * PATIENCE_MS, .retries = -1);
	qc_client *hasty = qc_dial(nodes.address, .cluster = true, .timeout_ms = 100, .dial_timeout_ms = 100, .retries = -1);
	key_of(mine, sizeof(mine), 1, true);
	key_of(other, sizeof(other), 1, false);
	GOOD(qc_set(c, ctx, mine, 1));
	GOOD(qc_set(c, ctx, other, 1));
	kill(server_pid(nodes.servers[1]), SIGSTOP);
	qc_pipeline *p = qc_pipeline_open(hasty);
	qc_add(p, "GET", other);
	qc_add(p, "GET", mine);
	qc_results r qc_auto_results = qc_run(p, ctx);
	FAILS(r, QC_TIMEOUT);
	CU_ASSERT(r.count == 0 && !r.replies);
	FAILS(qc_incr(hasty, ctx, mine), QC_TIMEOUT);
	/* Whatever ends the wait for that node, the others are not waited for longer. */
	qc_context *soon = qc_context_with_timeout(ctx, 20), *life = qc_context_with_cancel(ctx);
	FAILS(qc_incr(c, soon, mine), QC_DEADLINE);
	for (int i = 0; i < 10; i++)
		GOOD(qc_incr(c, ctx, other));
	pthread_create(&thread, NULL, cancel_soon, life);
	FAILS(qc_incr(c, life, mine), QC_CANCELLED);
	pthread_join(thread, NULL);
	GOOD(qc_incr(c, ctx, other));
	kill(server_pid(nodes.servers[1]), SIGCONT);
	/* It may have been missed for so long that the cluster takes a moment. */
	int64_t deadline = deadline_after(PATIENCE_MS);
	qc_int n = qc_incr(c, ctx, mine);
	while (qc_has_code(n.err, "CLUSTERDOWN") && deadline_left_ms(deadline) > 0)
		n = qc_incr(c, ctx, mine);
	GOOD(n);
	qc_pipeline_close(p);
	qc_context_free(soon);
	qc_context_free(life);
	qc_close(hasty);
	qc_close(c);
}

/* Slots that move under load */

#define WORKERS 4
#define WORK_KEYS 64
#define MOVES 12

struct work {
	qc_client *client;
	atomic_bool is_over;
	atomic_long increments, rounds, failures;
};

static void increment(struct work *w, int first)
{
	qc_pipeline *p = qc_pipeline_open(w->client);
	char key[32];

	for (int i = 0; i < 16; i++) {
		snprintf(key, sizeof(key), "{w%d}n", (first + i) % WORK_KEYS);
		qc_add(p, "INCR", key);
	}
	qc_results r qc_auto_results = qc_run(p, ctx);
	qc_int one = qc_incr(w->client, ctx, key);
	for (size_t i = 0; i < r.count; i++)
		w->increments += !qc_failed(qc_results_int(&r, i));
	w->increments += !qc_failed(one);
	if (!fixture_is_good(qc_results_err(&r, NULL), __FILE__, __LINE__) || !fixture_is_good(one.err, __FILE__, __LINE__))
		w->failures++;
	qc_pipeline_close(p);
}

static void *work(void *data)
{
	struct work *w = data;

	while (!w->is_over) {
		int round = (int)w->rounds++;
		increment(w, round * 7);
	}
	return NULL;
}

static void await_rounds(struct work *w, long more)
{
	long until = w->rounds + more;
	int64_t deadline = deadline_after(PATIENCE_MS);

	while (w->rounds < until && deadline_left_ms(deadline) > 0)
		usleep(1000);
}

static void threads_go_on_while_slots_move(void)
{
	pthread_t threads[WORKERS];
	int64_t sum = 0;
	char key[32];

	if (!use_nodes())
		return;
	/* A pool smaller than the threads: they wait for the connections of several nodes at once. */
	struct work w = {.client = qc_dial(nodes.address, .cluster = true, .pool_size = 2, .timeout_ms = PATIENCE_MS, .retries = 10)};
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work, &w);
	for (int i = 0; i < MOVES; i++) {
		snprintf(key, sizeof(key), "{w%d}n", i % 4);
		int slot = nodes_slot(&nodes, key);
		size_t from = nodes_owner(&nodes, slot), to = (from + 1) % nodes.primaries;
		nodes_begin_move(&nodes, slot, from, to);
		await_rounds(&w, 3);
		nodes_end_move(&nodes, slot, from, to);
		await_rounds(&w, 3);
	}
	w.is_over = true;
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < WORK_KEYS; i++) {
		snprintf(key, sizeof(key), "{w%d}n", i);
		qc_string n qc_auto = qc_get(w.client, ctx, key);
		sum += n.data ? atol(n.data) : 0;
	}
	/* Each was done, and once. */
	CU_ASSERT_EQUAL(w.failures, 0);
	CU_ASSERT_EQUAL(sum, w.increments);
	CU_ASSERT(qc_pool_stats(w.client).redirects > 0);
	qc_close(w.client);
}

/* fork() */

static bool set_many(qc_client *c, const char *who)
{
	char key[32], value[32];

	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "%s%d", who, i);
		snprintf(value, sizeof(value), "%d", i);
		qc_string back qc_auto = qc_set_get(c, ctx, key, value);
		qc_string now qc_auto = qc_get(c, ctx, key);
		if (!qc_is(back.err, QC_NIL) || qc_failed(now) || strcmp(now.data, value) != 0)
			return false;
	}
	return true;
}

static void a_child_connects_to_all_nodes_anew(void)
{
	int status = -1;

	if (!use_nodes())
		return;
	qc_client *c = qc_dial(nodes.address, .cluster = true);
	qc_client *pinned = qc_pin_key(c, ctx, qc_arg("k"));
	CU_ASSERT(set_many(c, "before"));
	pid_t child = fork();
	if (child == 0) {
		bool good = set_many(c, "child") && qc_is(qc_incr(pinned, ctx, "k").err, QC_INVALID);
		qc_close(pinned);
		qc_close(c);
		_exit(good ? 0 : 1);
	}
	CU_ASSERT(set_many(c, "parent"));
	CU_ASSERT(process_wait(child, PATIENCE_MS, &status) && status == 0);
	GOOD(qc_incr(pinned, ctx, "k"));
	CU_ASSERT_EQUAL(qc_pool_stats(c).broken, 0);
	qc_close(pinned);
	qc_close(c);
}

/* A dead primary */

static void a_replica_takes_over_for_a_dead_primary(void)
{
	char mine[32], other[32];
	int64_t deadline = deadline_after(PATIENCE_MS);
	qc_status set = {.err = {.kind = QC_NETWORK}};
	int refused = 0;

	if (!use_nodes())
		return;
	key_of(mine, sizeof(mine), 0, true);
	key_of(other, sizeof(other), 0, false);
	qc_client *c = qc_dial(nodes.address, .cluster = true, .backoff_max_ms = 50);
	qc_client *reader = qc_dial(nodes.address, .cluster = true, .read_from = QC_READ_ANY);
	GOOD(qc_set(c, ctx, mine, "kept"));
	qc_result synced qc_auto = qc_do(nodes.admins[0], ctx, "WAIT", 1, PATIENCE_MS);
	GOOD(synced);
	nodes_allow_failover(&nodes);
	nodes_kill(&nodes, 0);
	while (qc_failed(set) && deadline_left_ms(deadline) > 0) {
		set = qc_set(c, ctx, mine, "after", .xx = true);
		refused += qc_failed(set);
		/* The others serve on, and the replica, who is asked for reads. */
		GOOD(qc_set(c, ctx, other, refused));
		qc_string kept qc_auto = qc_get(reader, ctx, mine);
		GOOD(kept);
	}
	GOOD(set);
	CU_ASSERT(refused > 0);
	qc_string got qc_auto = qc_get(nodes.admins[nodes.primaries], ctx, mine);
	CU_ASSERT(!qc_failed(got) && strcmp(got.data, "after") == 0);
	/* The first address is dead: another finds the rest. */
	char addresses[80];
	snprintf(addresses, sizeof(addresses), "%s,127.0.0.1:%u", nodes.address, server_port(nodes.servers[1]));
	qc_client *late = qc_dial(addresses, .cluster = true);
	GOOD(*late);
	GOOD(qc_set(late, ctx, mine, "late"));
	qc_close(late);
	qc_close(reader);
	qc_close(c);
}

static const struct suite_case cases[] = {
	CASE(nonsense_about_slots_is_an_error_and_no_more),
	CASE(a_node_that_names_no_host_is_where_it_was_asked),
	CASE(redirections_in_a_circle_end),
	CASE(what_passes_is_waited_for),
	CASE(only_what_changes_nothing_is_sent_to_a_lost_node_again),
	CASE(an_old_map_is_refreshed),
	CASE(hooks_see_a_call_once_and_each_dial),
	CASE(what_clusters_are_not_supported_by_says_so),
	CASE(a_node_that_hangs_holds_up_nobody_else),
	CASE(threads_go_on_while_slots_move),
	CASE(a_child_connects_to_all_nodes_anew),
	CASE(a_replica_takes_over_for_a_dead_primary),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	int status = suite_main("client clusters in trouble", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	return nodes_stop(&nodes) ? status : 1;
}

/*
 * Dials: they outlive their calls, heal a client whose server was down, are few during an outage, and get past an address that drops
 * packets. getaddrinfo() is wrapped at link time (see SConscript), so that names have the addresses that a case needs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/qcache_ev.h"
#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "support/deadline.h"

static qc_context *ctx;

/* The addresses of "several.test": each is 127.0.0.1 with a port of its own. "slow.test" is the last of them, when allowed. */
static uint16_t ports[4];
static size_t port_count;
static atomic_bool may_look_up;
static atomic_uint look_ups;

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out);

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
	bool is_slow = strcmp(host, "slow.test") == 0;

	if ((hints->ai_flags & AI_NUMERICHOST) || (!is_slow && strcmp(host, "several.test") != 0))
		return __real_getaddrinfo(host, port, hints, out);
	look_ups++;
	while (is_slow && !may_look_up)
		usleep(1000);
	for (size_t i = is_slow ? port_count - 1 : 0; i < port_count; i++) {
		char text[8];
		snprintf(text, sizeof(text), "%u", ports[i]);
		if (__real_getaddrinfo("127.0.0.1", text, hints, out) != 0)
			abort();
		out = &(*out)->ai_next;
	}
	return 0;
}

static void fake_address(char *out, size_t size, const struct fake *fake)
{
	snprintf(out, size, "127.0.0.1:%u", fake_port(fake));
}

/* Answers the greeting when allowed, and each command at once. */
static void greet_when_told(struct fake *fake, int fd, unsigned number, void *data)
{
	atomic_bool *may_greet = data;
	char word[32];

	(void)fake, (void)number;
	if (!fake_read(fd, word, sizeof(word)))
		return;
	while (!*may_greet)
		usleep(1000);
	fake_send_text(fd, "-ERR unknown command 'HELLO'\r\n");
	while (fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, ":1\r\n");
}

static void a_dial_outlives_the_call_that_wanted_it(void)
{
	atomic_bool may_greet = false;
	struct fake *fake = fake_start(greet_when_told, &may_greet);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address, .lazy = true, .timeout_ms = PATIENCE_MS);
	GOOD(*c);
	for (int i = 0; i < 10; i++) {
		qc_context *soon = qc_context_with_timeout(ctx, 10);
		FAILS(qc_incr(c, soon, "k"), QC_DEADLINE);
		qc_context_free(soon);
	}
	CU_ASSERT_EQUAL(qc_pool_stats(c).total, 1);
	may_greet = true;
	GOOD(qc_incr(c, ctx, "k"));
	CU_ASSERT_EQUAL(fake_connections(fake), 1);
	qc_close(c);
	fake_stop(&fake);
}

static void a_dial_goes_from_a_call_to_a_pinned_client_and_a_subscription(void)
{
	atomic_bool may_greet = false;
	struct fake *fake = fake_start(greet_when_told, &may_greet);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address, .lazy = true, .timeout_ms = PATIENCE_MS);
	qc_context *soon = qc_context_with_timeout(ctx, 20);
	qc_client *pinned = qc_pin(c, soon);
	FAILS(*pinned, QC_DEADLINE);
	qc_close(pinned);
	qc_subscription *s = qc_subscribe(c, soon, "news");
	FAILS(*s, QC_DEADLINE);
	may_greet = true;
	/* Now the thread of the subscription has it. */
	qc_context *patient = qc_context_with_timeout(ctx, PATIENCE_MS * patience());
	qc_message first = qc_next_message(s, patient);
	CU_ASSERT_EQUAL(first.type, QC_DISCONNECTED);
	CU_ASSERT_EQUAL(first.cause.kind, QC_DEADLINE);
	qc_release(&first);
	qc_unsubscribe(s);
	GOOD(qc_incr(c, ctx, "k"));
	qc_context_free(patient);
	qc_context_free(soon);
	qc_close(c);
	fake_stop(&fake);
}

static void a_parked_dial_is_closed_with_the_client(void)
{
	atomic_bool may_greet = false;
	struct fake *fake = fake_start(greet_when_told, &may_greet);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_context *soon = qc_context_with_timeout(ctx, 10);
	qc_client *c = qc_open_with(soon, &(qc_options){.address = address});
	FAILS(*c, QC_DEADLINE);
	CU_ASSERT_EQUAL(qc_pool_stats(c).total, 1);
	qc_close(c);
	qc_context_free(soon);
	may_greet = true;
	fake_stop(&fake);
}

static void a_client_made_before_its_server_serves_when_that_comes(void)
{
	char address[32];
	uint16_t port = free_port();

	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	qc_client *c = qc_dial(address, .backoff_min_ms = 1, .backoff_max_ms = 4);
	FAILS(*c, QC_NETWORK);
	for (int i = 0; i < 20; i++)
		FAILS(qc_set(c, ctx, "k", i), QC_NETWORK);
	struct server *server = server_start("--port %u", port);
	GOOD(qc_set(c, ctx, "k", 1));
	qc_client *pinned = qc_pin(c, ctx);
	GOOD(*pinned);
	qc_close(pinned);
	qc_close(c);
	CU_ASSERT(server_stop(&server));
	/* And one that didn't even try. */
	c = qc_dial(address, .lazy = true, .retries = -1);
	GOOD(*c);
	FAILS(qc_set(c, ctx, "k", 1), QC_NETWORK);
	qc_close(c);
}

static void stay_mute(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	while (fake_read(fd, word, sizeof(word)))
		;
}

static void the_greeting_is_an_answer_and_bounded_as_one(void)
{
	struct fake *fake = fake_start(stay_mute, NULL);
	char address[32];

	fake_address(address, sizeof(address), fake);
	int64_t began = monotonic_ms();
	qc_client *c = qc_dial(address, .dial_timeout_ms = 10 * PATIENCE_MS * patience(), .timeout_ms = 50);
	FAILS(*c, QC_TIMEOUT);
	CU_ASSERT(monotonic_ms() - began >= 49 && monotonic_ms() - began < PATIENCE_MS * patience());
	qc_close(c);
	fake_stop(&fake);
}

/* Serves one connection, but no command; then it announces that it refuses, so the dial fails. */
static void refuse_later(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)data;
	if (number == 0)
		fake_greet(fd);
	else if (fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, "-WRONGPASS no\r\n");
}

#define CALLERS 16

struct storm {
	qc_client *client;
	atomic_uint refused, others;
	atomic_bool over;
};

static void *call_on(void *data)
{
	struct storm *storm = data;

	while (!storm->over) {
		qc_int n = qc_incr(storm->client, ctx, "k");
		if (qc_has_code(n.err, "WRONGPASS"))
			storm->refused++;
		else
			storm->others++;
	}
	return NULL;
}

/*
 * One caller at a time dials, at least half of a back-off after the last failure; the others fail with its error. The limit of dials
 * depends on the time passed, however long that was.
 */
static void many_callers_make_few_dials_while_no_server_serves(void)
{
	struct fake *fake = fake_start(refuse_later, NULL);
	struct storm storm = {.refused = 0};
	pthread_t threads[CALLERS];
	char address[32];

	fake_address(address, sizeof(address), fake);
	int64_t began = monotonic_ms();
	storm.client = qc_dial(address, .retries = -1, .backoff_min_ms = 100, .backoff_max_ms = 100);
	GOOD(*storm.client);
	CU_ASSERT(qc_failed(qc_incr(storm.client, ctx, "k")));
	FAILS(qc_incr(storm.client, ctx, "k"), QC_SERVER);
	for (int i = 0; i < CALLERS; i++)
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, call_on, &storm), 0);
	while (storm.refused < 10000)
		usleep(10000);
	storm.over = true;
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT(fake_connections(fake) <= 3 + (monotonic_ms() - began) / 50);
	CU_ASSERT_EQUAL(storm.others, 0);
	CU_ASSERT_EQUAL(qc_pool_stats(storm.client).total, 0);
	qc_close(storm.client);
	fake_stop(&fake);
}

/* A socket that neither accepts nor refuses connections: its backlog is full with `others`. */
static int swallow(uint16_t *out_port, int others[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 0) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		abort();
	*out_port = ntohs(address.sin_port);
	for (int i = 0; i < 2; i++) {
		others[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(others[i], (struct sockaddr *)&address, len) < 0 && errno != EINPROGRESS)
			abort();
	}
	return fd;
}

static void answer_all(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, ":1\r\n");
}

struct seen {
	struct ev_loop *loop;
	enum qc_kind kind;
	int ticks;
};

static void on_reply(qc_async *async, qc_result *result, void *data)
{
	struct seen *seen = data;

	(void)async;
	seen->kind = result->err.kind;
	ev_break(seen->loop, EVBREAK_ALL);
}

static void an_address_that_swallows_doesnt_take_the_time_of_the_next(void)
{
	struct fake *fake = fake_start(answer_all, NULL);
	int others[2], fd = swallow(&ports[0], others);
	const int64_t long_ms = 10 * PATIENCE_MS * patience();

	ports[1] = free_port();
	ports[2] = fake_port(fake);
	port_count = 3;
	int64_t began = monotonic_ms();
	qc_client *c = qc_dial("several.test", .dial_timeout_ms = long_ms);
	GOOD(*c);
	GOOD(qc_incr(c, ctx, "k"));
	CU_ASSERT(monotonic_ms() - began < long_ms / 2);
	qc_close(c);
	/* Nor does the asynchronous client wait for it. */
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO), .kind = QC_CLOSED};
	qc_async *a = qc_ev_dial(seen.loop, "several.test", .dial_timeout_ms = long_ms, .timeout_ms = long_ms);
	qc_async_do(a, on_reply, &seen, "INCR", "k");
	ev_run(seen.loop, 0);
	CU_ASSERT_EQUAL(seen.kind, QC_OK);
	CU_ASSERT(monotonic_ms() - began < long_ms / 2);
	qc_async_close(a);
	ev_loop_destroy(seen.loop);
	close(fd);
	close(others[0]);
	close(others[1]);
	fake_stop(&fake);
}

static void one_address_that_swallows_is_a_timeout(void)
{
	int others[2], fd = swallow(&ports[0], others);

	port_count = 1;
	qc_client *c = qc_dial("several.test", .dial_timeout_ms = 50, .retries = -1);
	FAILS(*c, QC_TIMEOUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, "connecting"));
	qc_close(c);
	close(fd);
	close(others[0]);
	close(others[1]);
}

/* By the third tick the lookup may finish. */
static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct seen *seen = timer->data;

	(void)loop, (void)events;
	if (++seen->ticks == 3)
		may_look_up = true;
}

static void a_name_that_is_looked_up_slowly_doesnt_stop_the_loop(void)
{
	struct fake *fake = fake_start(answer_all, NULL);
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO), .kind = QC_CLOSED};
	ev_timer tick;

	ports[0] = fake_port(fake);
	port_count = 1;
	may_look_up = false;
	ev_timer_init(&tick, on_tick, 0.01, 0.01);
	tick.data = &seen;
	ev_timer_start(seen.loop, &tick);
	qc_async *a = qc_ev_dial(seen.loop, "slow.test", .timeout_ms = PATIENCE_MS * patience());
	qc_async_do(a, on_reply, &seen, "INCR", "k");
	ev_run(seen.loop, 0);
	CU_ASSERT_EQUAL(seen.kind, QC_OK);
	CU_ASSERT(seen.ticks >= 3);
	qc_async_close(a);
	ev_timer_stop(seen.loop, &tick);
	ev_loop_destroy(seen.loop);
	fake_stop(&fake);
}

static void a_look_up_that_nobody_waits_for_any_more_ends_by_itself(void)
{
	struct fake *fake = fake_start(answer_all, NULL);

	ports[0] = fake_port(fake);
	port_count = 1;
	may_look_up = false;
	look_ups = 0;
	qc_context *soon = qc_context_with_timeout(ctx, 10);
	qc_client *c = qc_open_with(soon, &(qc_options){.address = "slow.test", .timeout_ms = PATIENCE_MS});
	FAILS(*c, QC_DEADLINE);
	qc_context_free(soon);
	/* It outlives the call, like any dial. */
	may_look_up = true;
	GOOD(qc_incr(c, ctx, "k"));
	CU_ASSERT_EQUAL(look_ups, 1);
	qc_close(c);
	may_look_up = false;
	c = qc_dial("slow.test", .dial_timeout_ms = 10, .retries = -1);
	FAILS(*c, QC_TIMEOUT);
	qc_close(c);
	may_look_up = true;
	fake_stop(&fake);
}

/* An old proxy: it doesn't know HELLO, and closes. */
static void close_at_hello(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number;
	while (fake_read(fd, word, sizeof(word)) && strcmp(word, "hello") != 0) {
		bool is_auth = strcmp(word, "auth") == 0;
		*(int *)data += is_auth;
		fake_send_text(fd, is_auth ? "+OK\r\n" : strcmp(word, "ping") == 0 ? "+PONG\r\n" : ":1\r\n");
	}
}

static void a_proxy_that_closes_at_hello_is_spoken_to_in_resp2(void)
{
	int auths = 0;
	struct fake *fake = fake_start(close_at_hello, &auths);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address);
	GOOD(*c);
	GOOD(qc_incr(c, ctx, "k"));
	CU_ASSERT_EQUAL(fake_connections(fake), 2);
	qc_close(c);
	c = qc_dial(address, .password = "secret");
	GOOD(*c);
	CU_ASSERT_EQUAL(auths, 1);
	qc_close(c);
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO), .kind = QC_CLOSED};
	qc_async *a = qc_ev_dial(seen.loop, address);
	qc_async_do(a, on_reply, &seen, "INCR", "k");
	ev_run(seen.loop, 0);
	CU_ASSERT_EQUAL(seen.kind, QC_OK);
	qc_async_close(a);
	ev_loop_destroy(seen.loop);
	fake_stop(&fake);
}

/* Records what is said on each connection. Expects a password that changes. */
struct listened {
	char said[4][512]; /* by number of the connection; to be read once the fake has stopped */
};

static void listen_to_greetings(struct fake *fake, int fd, unsigned number, void *data)
{
	struct listened *l = data;
	char bytes[512];
	ssize_t len;

	(void)fake;
	if (number >= sizeof(l->said) / sizeof(l->said[0]))
		return;
	char *said = l->said[number];
	while ((len = read(fd, bytes, sizeof(bytes) - 1)) > 0) {
		bytes[len] = 0;
		size_t used = strlen(said);
		for (char *word = strtok(bytes, "\r\n"); word; word = strtok(NULL, "\r\n"))
			if (*word != '*' && *word != '$')
				used += (size_t)snprintf(said + used, sizeof(l->said[0]) - used, "%s ", word);
		fake_send_text(fd, strstr(said, "old") ? "-WRONGPASS no\r\n"
			       : strstr(said + used - 8, "SETINFO") ? "-ERR no\r\n"
								       : "%1\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n");
	}
}

static qc_error give_credentials(void *data, qc_credentials *out)
{
	static const char *const passwords[] = {"old", "new"};
	int *asked = data;

	if (*asked == 2)
		return qc_errorf(QC_NETWORK, "the vault is shut");
	snprintf(out->user, sizeof(out->user), "ann");
	snprintf(out->password, sizeof(out->password), "%s", passwords[(*asked)++]);
	return qc_errorf(QC_OK, "%s", "");
}

static void credentials_are_asked_for_each_connection(void)
{
	struct listened listened = {.said = {""}};
	struct fake *fake = fake_start(listen_to_greetings, &listened);
	char address[32];
	int asked = 0;

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address, .credentials = give_credentials, .credentials_data = &asked, .backoff_min_ms = 1);
	FAILS(*c, QC_SERVER);
	qc_client *pinned = qc_pin(c, ctx);
	GOOD(*pinned);
	CU_ASSERT_EQUAL(asked, 2);
	char expected[160];
	snprintf(expected, sizeof(expected), "HELLO 3 AUTH ann new CLIENT SETINFO LIB-NAME libqcache CLIENT SETINFO LIB-VER %s ", qc_version());
	qc_client *third = qc_pin(c, ctx);
	FAILS(*third, QC_NETWORK);
	CU_ASSERT_PTR_NOT_NULL(strstr(third->err.text, "credentials: the vault is shut"));
	qc_close(third);
	qc_close(pinned);
	qc_close(c);
	c = qc_dial(address, .credentials = give_credentials, .password = "x");
	FAILS(*c, QC_INVALID);
	qc_close(c);
	fake_stop(&fake);
	CU_ASSERT_STRING_EQUAL(listened.said[1], expected);
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	CU_ASSERT_EQUAL(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

static void a_dead_peer_is_noticed_within_a_minute(void)
{
	struct fake *fake = fake_start(answer_all, NULL);
	char address[32];

	fake_address(address, sizeof(address), fake);
	qc_client *c = qc_dial(address);
	qc_client *pinned = qc_pin(c, ctx);
	int fd = qc_pinned_fd(pinned);
	CU_ASSERT_EQUAL(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	CU_ASSERT(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE) +
			  option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL) * option_of(fd, IPPROTO_TCP, TCP_KEEPCNT) <= 60);
	qc_close(pinned);
	qc_close(c);
	fake_stop(&fake);
}

static const struct suite_case cases[] = {
	CASE(a_dial_outlives_the_call_that_wanted_it),
	CASE(a_dial_goes_from_a_call_to_a_pinned_client_and_a_subscription),
	CASE(a_parked_dial_is_closed_with_the_client),
	CASE(a_client_made_before_its_server_serves_when_that_comes),
	CASE(the_greeting_is_an_answer_and_bounded_as_one),
	CASE(many_callers_make_few_dials_while_no_server_serves),
	CASE(an_address_that_swallows_doesnt_take_the_time_of_the_next),
	CASE(one_address_that_swallows_is_a_timeout),
	CASE(a_name_that_is_looked_up_slowly_doesnt_stop_the_loop),
	CASE(a_look_up_that_nobody_waits_for_any_more_ends_by_itself),
	CASE(a_proxy_that_closes_at_hello_is_spoken_to_in_resp2),
	CASE(credentials_are_asked_for_each_connection),
	CASE(a_dead_peer_is_noticed_within_a_minute),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client dials", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

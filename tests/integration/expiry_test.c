/*
 * Times to live: a key is hidden from its millisecond on, and its memory is freed soon after, however many keys expire at once.
 *
 * No check depends on how long something took, only on what a reply before a moment, or a request after it, must have seen. The one
 * promise about time is the 100 ms for freeing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/deadline.h"
#include "support/shared_server.h"

const char shared_server_directives[] = "--timeout 0";

static double wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

/*
 * Repeats GET until the key is gone. The server's clock counts whole milliseconds: a reply before the millisecond of the earliest expiry
 * must have the value, and a request after the millisecond of the latest expiry must not.
 */
static void watch_key_go(const char *key, double earliest_end, double latest_end)
{
	bool there = true;
	while (there) {
		double sent = wall_ms();
		const char *reply = COMMAND(peer, "GET", key);
		double received = wall_ms();
		CU_ASSERT_FATAL(reply != NULL);
		there = reply[1] != '-';
		if (received < earliest_end - 1)
			CU_ASSERT(there);
		if (sent >= latest_end + 1)
			CU_ASSERT_FALSE_FATAL(there);
	}
}

static void a_key_goes_at_its_millisecond(void)
{
	for (int i = 0; i < 20; i++) {
		double before = wall_ms();
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "short", "v", "PX", "30"));
		watch_key_go("short", before + 30, wall_ms() + 30);
		CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "short"));
		CU_ASSERT(GIVES(peer, ":-2\r\n", "PTTL", "short"));
		CU_ASSERT(GIVES(peer, ":1\r\n", "INCR", "short"));
		CU_ASSERT(GIVES(peer, ":-1\r\n", "TTL", "short"));
		CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "short"));
	}
}

static void an_absolute_time_is_that_time(void)
{
	char when[32];
	double end = (double)(long long)wall_ms() + 40;
	snprintf(when, sizeof(when), "%lld", (long long)end);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "until", "v", "PXAT", when));
	watch_key_go("until", end, end);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "until", "v"));
	end = (double)(long long)wall_ms() + 40;
	snprintf(when, sizeof(when), "%lld", (long long)end);
	CU_ASSERT(GIVES(peer, ":1\r\n", "PEXPIREAT", "until", when));
	watch_key_go("until", end, end);
}

/* Sets a key that lives for 20 ms and sends the line, which must find it. Tries again when a busy machine was too late. */
static void catch_in_time(const char *key, const char *line)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	const char *reply;
	do {
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", key, "v", "PX", "20"));
		CU_ASSERT(peer_send_text(peer, line));
		reply = peer_reply(peer);
	} while (reply && strcmp(reply, ":0\r\n") == 0 && deadline_left_ms(deadline) > 0);
	CU_ASSERT(reply && strcmp(reply, ":1\r\n") == 0);
}

static void what_has_no_time_any_more_stays(void)
{
	catch_in_time("kept", "PERSIST kept\r\n");
	catch_in_time("later", "PEXPIRE later 10000000\r\n");
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "anew", "v", "PX", "20"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "anew", "w"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "goes", "v", "PX", "20"));
	watch_key_go("goes", wall_ms(), wall_ms() + 20);
	CU_ASSERT(GIVES(peer, ":3\r\n", "EXISTS", "kept", "anew", "later", "goes"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
}

/* ---- keys nobody asks for: they are removed on the server's own account, and it says so ---- */

/*
 * A key must be freed GRACE_MS after its expiry, in the server's own time. That time doesn't count while the server's threads wait for a
 * CPU. Nothing is judged soon after the whole machine has stood still, as a virtual machine may.
 */
enum { MILLION = 1000000, SPREAD_MS = 6000, CHUNK = 1000, GRACE_MS = 100, STANDSTILL_MS = 20, MOMENTS = 1 << 17 };

struct moment {
	double wall_ms, own_ms;
};

/* Samples the number of keys. */
struct watch {
	struct moment moments[MOMENTS]; /* of the samples so far */
	size_t count, at;               /* moments[at] is GRACE_MS before the newest, by the server's own time */
	double stood_still_ms;
	/* The newest look: its reply, when that was asked for and came, and before when it shows that a key has ended. */
	long long left;
	double sent_ms, received_ms, due_ms;
};

static struct watch *watch_create(void)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		abort();
	watch->received_ms = wall_ms();
	return watch;
}

/* The newest moment since which the server has had GRACE_MS of its own; 0 as long as there is none. */
static double grace_before(struct watch *watch, struct moment now)
{
	double own_ms = now.own_ms - GRACE_MS * (double)patience();
	if (watch->count < MOMENTS)
		watch->moments[watch->count++] = now;
	while (watch->at + 1 < watch->count && watch->moments[watch->at + 1].own_ms <= own_ms)
		watch->at++;
	return watch->moments[watch->at].own_ms <= own_ms ? watch->moments[watch->at].wall_ms : 0;
}

static void look(struct watch *watch)
{
	double last_ms = watch->received_ms;
	watch->sent_ms = wall_ms();
	struct moment now = { watch->sent_ms, watch->sent_ms - (double)server_waited_us(server) / 1000 };
	const char *reply = COMMAND(peer, "DBSIZE");
	CU_ASSERT_FATAL(reply != NULL);
	watch->received_ms = wall_ms();
	watch->left = strtoll(reply + 1, NULL, 10);
	if (watch->received_ms - last_ms > STANDSTILL_MS)
		watch->stood_still_ms = watch->received_ms;
	double due_ms = grace_before(watch, now);
	watch->due_ms = now.wall_ms - watch->stood_still_ms < GRACE_MS * (double)patience() ? 0 : due_ms;
}

static void unread_keys_are_removed_on_time(void)
{
	enum { KEYS = 100, LIVE_MS = 50 };
	ONLY_OURS();
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	for (int i = 0; i < KEYS; i++) {
		char key[32];
		snprintf(key, sizeof(key), "unread:%d", i);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", key, "v", "PX", "50"));
	}
	double end = wall_ms() + LIVE_MS;
	int64_t deadline = deadline_after(PATIENCE_MS);
	struct watch *watch = watch_create();
	do {
		look(watch);
		CU_ASSERT(watch->left == 0 || watch->due_ms <= end);
	} while (watch->left > 0 && deadline_left_ms(deadline) > 0);
	CU_ASSERT_EQUAL(watch->left, 0);
	CU_ASSERT_EQUAL(info_number(COMMAND(peer, "INFO", "stats"), "expired_keys"), KEYS);
	free(watch);
}

/* Key i expires at first_end + i * SPREAD_MS / count. */
static void load(int count, double first_end)
{
	char *text = malloc((size_t)CHUNK * 128);
	for (int begin = 0; begin < count; begin += CHUNK) {
		size_t len = 0;
		for (int i = begin; i < begin + CHUNK; i++)
			len += (size_t)sprintf(text + len, "*5\r\n$3\r\nSET\r\n$8\r\n%08d\r\n$2\r\nvv\r\n$4\r\nPXAT\r\n$13\r\n%013lld\r\n", i,
					       (long long)(first_end + (double)i * SPREAD_MS / count));
		CU_ASSERT(peer_send(peer, text, len));
	}
	CU_ASSERT(peer_expect_times(peer, "+OK\r\n", (size_t)count));
	free(text);
}

/* Loads them before the first one expires; the lifetime follows the speed of this machine. */
static double load_in_time(int count)
{
	double ahead_ms = 4000;
	for (;;) {
		double first_end = wall_ms() + ahead_ms;
		load(count, first_end);
		if (wall_ms() < first_end || ahead_ms > (double)(PATIENCE_MS * patience()))
			return first_end;
		CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
		ahead_ms *= 2;
	}
}

/* How many of them have expired by then. */
static long long due_at(int count, double first_end, double when)
{
	double since = when - first_end;
	long long due = since < 0 ? 0 : (long long)(since * count / SPREAD_MS);
	return due > count ? count : due;
}

static void a_million_keys_that_end_are_freed_on_time_while_others_are_served(void)
{
	ONLY_OURS();
	int count = MILLION / (int)(patience() < 10 ? patience() : 10);
	count -= count % CHUNK;
	double first_end = load_in_time(count);
	CU_ASSERT(wall_ms() < first_end);
	int64_t deadline = deadline_after(SPREAD_MS + 2 * PATIENCE_MS);
	struct peer *other = peer_connect(server);
	struct watch *watch = watch_create();
	long long late = 0, early = 0, asked = 0;
	do {
		look(watch);
		CU_ASSERT(GIVES(other, "$-1\r\n", "GET", "nobody"));
		/* Both clocks count whole milliseconds. */
		early += watch->left < count - due_at(count, first_end, watch->received_ms + 1) - 1;
		late += watch->left > count - due_at(count, first_end, watch->due_ms - 1);
		asked++;
	} while (watch->left > 0 && deadline_left_ms(deadline) > 0);
	printf("%d keys, %lld looks, %lld late, %lld early\n", count, asked, late, early);
	CU_ASSERT_EQUAL(watch->left, 0);
	CU_ASSERT_EQUAL(late, 0);
	CU_ASSERT_EQUAL(early, 0);
	peer_close(&other);
	free(watch);
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(a_key_goes_at_its_millisecond),
	CASE(an_absolute_time_is_that_time),
	CASE(what_has_no_time_any_more_stays),
	CASE(unread_keys_are_removed_on_time),
	CASE(a_million_keys_that_end_are_freed_on_time_while_others_are_served),
	CASE(server_stops),
};

SUITE_MAIN("expiry", cases)

/*
 * Times to live: a key is gone to readers at its millisecond, and its memory soon after, however many go at once.
 *
 * Nothing here is judged by how long something took, but by what a reply that came before, or a request that went out
 * after, a moment must have seen; only the 100 ms for freeing are a promise about time.
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
 * Asks for the key until it is gone. The server's clock counts whole milliseconds: a reply that came before the whole
 * millisecond of the earliest end must have the value, a request sent after the one of the latest end must not.
 */
static void watch_key_go(const char *key, double earliest_end, double latest_end)
{
	bool there = true;
	int seen = 0;
	while (there) {
		double sent = wall_ms();
		const char *reply = COMMAND(peer, "GET", key);
		double received = wall_ms();
		CU_ASSERT_FATAL(reply != NULL);
		there = reply[1] != '-';
		seen += there;
		if (received < earliest_end - 1)
			CU_ASSERT(there);
		if (sent >= latest_end + 1)
			CU_ASSERT_FALSE_FATAL(there);
	}
	CU_ASSERT(seen > 0);
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

static void what_has_no_time_any_more_stays(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "kept", "v", "PX", "20"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "PERSIST", "kept"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "anew", "v", "PX", "20"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "anew", "w"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "later", "v", "PX", "20"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "PEXPIRE", "later", "10000000"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "goes", "v", "PX", "20"));
	watch_key_go("goes", wall_ms(), wall_ms() + 20);
	CU_ASSERT(GIVES(peer, ":3\r\n", "EXISTS", "kept", "anew", "later", "goes"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
}

/* Keys nobody asks for: they are removed on the server's own account, and it says so. */
static void unread_keys_are_removed_on_time(void)
{
	ONLY_OURS();
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	for (int i = 0; i < 100; i++) {
		char key[32];
		snprintf(key, sizeof(key), "unread:%d", i);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", key, "v", "PX", "50"));
	}
	double end = wall_ms() + 50;
	const char *reply;
	double sent;
	do {
		sent = wall_ms();
		reply = COMMAND(peer, "DBSIZE");
	} while (reply && strcmp(reply, ":0\r\n") != 0 && sent < end + 5000);
	CU_ASSERT(sent <= end + 100 * (double)patience());
	reply = COMMAND(peer, "INFO", "stats");
	CU_ASSERT(reply && info_number(reply, "expired_keys") == 100);
}

/* A machine that is busy elsewhere may stop the server or us at any time: what comes soon after such a standstill isn't judged. */
enum { MILLION = 1000000, SPREAD_MS = 6000, CHUNK = 1000, GRACE_MS = 100, STANDSTILL_MS = 20 };

/* Key i ends at first_end + i * SPREAD_MS / count. */
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

/* How many keys must be left, at most, by a reply to a request sent then. */
static long long most_left(int count, double first_end, double sent)
{
	double due = sent - GRACE_MS * (double)patience() - 1 - first_end;
	long long gone = due < 0 ? 0 : (long long)(due * count / SPREAD_MS);
	return gone > count ? 0 : count - gone;
}

/* At least so many: a key isn't removed before its time. */
static long long least_left(int count, double first_end, double received)
{
	double due = received + 1 - first_end;
	long long gone = due < 0 ? 0 : (long long)(due * count / SPREAD_MS) + 1;
	return gone > count ? 0 : count - gone;
}

static void a_million_keys_that_end_are_freed_on_time_while_others_are_served(void)
{
	ONLY_OURS();
	int count = MILLION / (int)(patience() < 10 ? patience() : 10);
	count -= count % CHUNK;
	/* Loading takes some seconds; were it slower, keys would be born expired and the count below would say so. */
	double first_end = wall_ms() + 4000 * (double)patience();
	load(count, first_end);
	CU_ASSERT(wall_ms() < first_end);
	struct peer *other = peer_connect(server);
	long long left = count, late = 0, early = 0, asked = 0, judged = 0;
	double stood_still = 0;
	while (left > 0 && wall_ms() < first_end + SPREAD_MS + 10000 * (double)patience()) {
		double sent = wall_ms();
		const char *reply = COMMAND(peer, "DBSIZE");
		double received = wall_ms();
		CU_ASSERT_FATAL(reply != NULL);
		left = strtoll(reply + 1, NULL, 10);
		early += left < least_left(count, first_end, received);
		CU_ASSERT(GIVES(other, "$-1\r\n", "GET", "nobody"));
		asked++;
		if (wall_ms() - sent > STANDSTILL_MS)
			stood_still = wall_ms();
		if (sent < stood_still + GRACE_MS)
			continue;
		judged++;
		late += left > most_left(count, first_end, sent);
	}
	CU_ASSERT_EQUAL(left, 0);
	CU_ASSERT_EQUAL(late, 0);
	CU_ASSERT_EQUAL(early, 0);
	printf("%d keys, %lld looks, %lld judged, %lld late, %lld early\n", count, asked, judged, late, early);
	CU_ASSERT(judged > asked / 2);
	peer_close(&other);
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

/*
 * A client that plays a trace of keys against a server and counts hits.
 *
 *   replay PORT aside TRACE KEYS RESIDENT REQUESTS      as a cache: GET, and SET after a miss
 *   replay PORT mixed CLIENTS PIPELINE KEYS REQUESTS    Zipf, nine GETs to one SET, over many connections
 *   replay PORT fill FIRST COUNT                        SETs of COUNT keys that are in no trace
 *
 * TRACE is one of
 *   zipf    Zipf with the exponent 0.99
 *   scans   Zipf, and after every 3 * RESIDENT requests a scan of RESIDENT keys that never come again
 *   shift   four of five requests go to a hot set of 0.6 * RESIDENT equally likely keys, which moves by one key every 20 requests; the
 *           fifth goes to any key
 * The same arguments give the same trace.
 *
 * Prints "hits GETs seconds". In "aside" mode the first fifth, which warms the cache, is not counted.
 */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EXPONENT 0.99
#define VALUE_BYTES 64
#define ASIDE_PIPELINE 64
#define CLIENTS_MAX 1000
#define COMMAND_BYTES 160

static void die(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *must_allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (!memory)
		die("no memory");
	return memory;
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- keys ---- */

/* splitmix64, by Steele, Lea and Flood. */
static uint64_t random_state = 42;

static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double *ranks; /* the share of requests for this key or one before it */
static uint64_t keys;

static void make_ranks(void)
{
	double sum = 0;
	ranks = must_allocate(keys, sizeof(*ranks));
	for (uint64_t i = 0; i < keys; i++)
		ranks[i] = sum += pow((double)(i + 1), -EXPONENT);
	for (uint64_t i = 0; i < keys; i++)
		ranks[i] /= sum;
}

static uint64_t zipf(void)
{
	double share = (double)(next_random() >> 11) / 9007199254740992.0;
	uint64_t low = 0, high = keys - 1;
	while (low < high) {
		uint64_t middle = (low + high) / 2;
		if (ranks[middle] < share)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum trace { TRACE_ZIPF, TRACE_SCANS, TRACE_SHIFT, TRACES };
static const char *const trace_names[TRACES] = { "zipf", "scans", "shift" };

static uint64_t next_key(enum trace trace, uint64_t resident, uint64_t at)
{
	static uint64_t scanned;
	if (trace == TRACE_SCANS && at % (4 * resident) >= 3 * resident)
		return keys + scanned++;
	if (trace != TRACE_SHIFT)
		return zipf();
	uint64_t hot = resident * 6 / 10;
	if (next_random() % 5 == 0)
		return next_random() % keys;
	return (at / 20 + next_random() % hot) % keys;
}

/* ---- the wire ---- */

struct peer {
	int fd;
	char *out, *in;
	size_t out_len, in_len, in_at;
	unsigned outstanding;
};

static size_t input_room(void)
{
	return (size_t)(VALUE_BYTES + 32) * 2048;
}

static struct peer peer_open(uint16_t port)
{
	struct peer peer = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (peer.fd < 0 || connect(peer.fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("connect");
	setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	peer.out = must_allocate(1024, COMMAND_BYTES);
	peer.in = must_allocate(input_room(), 1);
	return peer;
}

static void add_get(struct peer *peer, uint64_t key)
{
	peer->out_len += (size_t)sprintf(peer->out + peer->out_len, "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012llu\r\n",
					 (unsigned long long)key);
	peer->outstanding++;
}

static void add_set(struct peer *peer, uint64_t key)
{
	static const char value[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	_Static_assert(sizeof(value) == VALUE_BYTES + 1, "the value is as long as it is said to be");
	peer->out_len += (size_t)sprintf(peer->out + peer->out_len, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012llu\r\n$%d\r\n%s\r\n",
					 (unsigned long long)key, VALUE_BYTES, value);
	peer->outstanding++;
}

static void send_all(struct peer *peer)
{
	for (size_t at = 0; at < peer->out_len;) {
		ssize_t sent = write(peer->fd, peer->out + at, peer->out_len - at);
		if (sent <= 0)
			die("write");
		at += (size_t)sent;
	}
	peer->out_len = 0;
}

static void receive(struct peer *peer)
{
	if (peer->in_at) {
		memmove(peer->in, peer->in + peer->in_at, peer->in_len - peer->in_at);
		peer->in_len -= peer->in_at;
		peer->in_at = 0;
	}
	ssize_t got = read(peer->fd, peer->in + peer->in_len, input_room() - peer->in_len);
	if (got <= 0)
		die("read");
	peer->in_len += (size_t)got;
}

enum answer { ANSWER_MISSING, ANSWER_VALUE, ANSWER_NULL, ANSWER_OK };

/* Takes the next complete reply; an error ends the program. */
static enum answer next_answer(struct peer *peer)
{
	const char *text = peer->in + peer->in_at, *end = memchr(text, '\n', peer->in_len - peer->in_at);
	if (!end)
		return ANSWER_MISSING;
	size_t line = (size_t)(end - text) + 1;
	if (text[0] == '-') {
		fprintf(stderr, "replay: %.*s\n", (int)line, text);
		exit(1);
	}
	size_t whole = text[0] == '$' && text[1] != '-' ? line + VALUE_BYTES + 2 : line;
	if (peer->in_len - peer->in_at < whole)
		return ANSWER_MISSING;
	peer->in_at += whole;
	peer->outstanding--;
	return whole != line ? ANSWER_VALUE : text[0] == '$' || text[0] == '_' ? ANSWER_NULL : ANSWER_OK;
}

static enum answer await_answer(struct peer *peer)
{
	enum answer answer;
	while ((answer = next_answer(peer)) == ANSWER_MISSING)
		receive(peer);
	return answer;
}

/* ---- modes ---- */

static uint64_t hits, gets;

static void play_aside(struct peer *peer, enum trace trace, uint64_t resident, uint64_t requests)
{
	uint64_t asked[ASIDE_PIPELINE];
	for (uint64_t at = 0; at < requests; at += ASIDE_PIPELINE) {
		for (unsigned i = 0; i < ASIDE_PIPELINE; i++) {
			asked[i] = next_key(trace, resident, at + i);
			add_get(peer, asked[i]);
		}
		send_all(peer);
		for (unsigned i = 0; i < ASIDE_PIPELINE; i++) {
			bool is_hit = await_answer(peer) == ANSWER_VALUE;
			if (!is_hit)
				add_set(peer, asked[i]);
			hits += is_hit && at >= requests / 5;
			gets += at >= requests / 5;
		}
		while (peer->outstanding > 0) {
			send_all(peer);
			await_answer(peer);
		}
	}
}

static void fill(struct peer *peer, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		add_set(peer, 500000000000 + first + i);
		if (i % ASIDE_PIPELINE != ASIDE_PIPELINE - 1 && i + 1 < count)
			continue;
		send_all(peer);
		while (peer->outstanding > 0)
			await_answer(peer);
	}
}

static void ask_mixed(struct peer *peer, unsigned pipeline)
{
	for (unsigned i = 0; i < pipeline; i++) {
		if (next_random() % 10 == 0)
			add_set(peer, zipf());
		else
			add_get(peer, zipf());
	}
	send_all(peer);
}

/* Each connection sends `pipeline` requests, and the next ones when all are answered. */
static void play_mixed(uint16_t port, unsigned clients, unsigned pipeline, uint64_t requests)
{
	struct peer *peers = must_allocate(clients, sizeof(*peers));
	struct pollfd *watched = must_allocate(clients, sizeof(*watched));
	for (unsigned i = 0; i < clients; i++) {
		peers[i] = peer_open(port);
		watched[i] = (struct pollfd){ .fd = peers[i].fd, .events = POLLIN };
		ask_mixed(&peers[i], pipeline);
	}
	for (uint64_t done = 0; done < requests;) {
		if (poll(watched, clients, -1) < 0)
			die("poll");
		for (unsigned i = 0; i < clients; i++) {
			if (!watched[i].revents)
				continue;
			receive(&peers[i]);
			for (enum answer answer; peers[i].outstanding && (answer = next_answer(&peers[i])) != ANSWER_MISSING; done++) {
				hits += answer == ANSWER_VALUE;
				gets += answer != ANSWER_OK;
			}
			if (peers[i].outstanding == 0)
				ask_mixed(&peers[i], pipeline);
		}
	}
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);
	if (*text == '\0' || *end != '\0') {
		fprintf(stderr, "replay: %s is no number\n", text);
		exit(2);
	}
	return value;
}

static enum trace trace_of(const char *name)
{
	for (int trace = 0; trace < TRACES; trace++)
		if (strcmp(name, trace_names[trace]) == 0)
			return (enum trace)trace;
	fprintf(stderr, "replay: no trace is named %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	bool is_aside = argc == 7 && strcmp(argv[2], "aside") == 0;
	bool is_mixed = argc == 7 && strcmp(argv[2], "mixed") == 0;
	bool is_fill = argc == 5 && strcmp(argv[2], "fill") == 0;
	if (!is_aside && !is_mixed && !is_fill) {
		fprintf(stderr, "usage: replay PORT aside TRACE KEYS RESIDENT REQUESTS | mixed CLIENTS PIPELINE KEYS REQUESTS | "
				"fill FIRST COUNT\n");
		return 2;
	}
	uint16_t port = (uint16_t)number(argv[1]);
	double began = 0;
	if (is_mixed) {
		unsigned clients = (unsigned)number(argv[3]), pipeline = (unsigned)number(argv[4]);
		if (clients == 0 || clients > CLIENTS_MAX || pipeline == 0 || pipeline > 512)
			return 2;
		keys = number(argv[5]);
		make_ranks();
		began = seconds();
		play_mixed(port, clients, pipeline, number(argv[6]));
	} else {
		struct peer peer = peer_open(port);
		if (is_aside) {
			keys = number(argv[4]);
			make_ranks();
		}
		began = seconds();
		if (is_aside)
			play_aside(&peer, trace_of(argv[3]), number(argv[5]), number(argv[6]));
		else
			fill(&peer, number(argv[3]), number(argv[4]));
	}
	printf("%llu %llu %.3f\n", (unsigned long long)hits, (unsigned long long)gets, seconds() - began);
	return 0;
}

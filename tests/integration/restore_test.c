/*
 * DUMP and RESTORE: a value comes back as it was; times to live and usage are as given; no payload does harm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/formats/crc64.h"
#include "support/shared_server.h"
#include "support/wire.h"

#define FOOTER_BYTES 10

const char shared_server_directives[] = "--maxmemory 20mb --maxmemory-policy noeviction";

struct payload {
	char *bytes;
	size_t len;
};

/* Takes the payload out of the reply of DUMP. */
static struct payload dump(const char *key)
{
	const char *reply = COMMAND(peer, "DUMP", key);
	struct payload payload = { 0 };
	CU_ASSERT_FATAL(reply && reply[0] == '$' && reply[1] != '-');
	payload.len = strtoull(reply + 1, NULL, 10);
	payload.bytes = malloc(payload.len);
	memcpy(payload.bytes, strchr(reply, '\n') + 1, payload.len);
	return payload;
}

/* A payload of bytes that DUMP might not make. */
static struct payload made_of(const void *bytes, size_t len)
{
	struct payload payload = { malloc(len + FOOTER_BYTES), len + FOOTER_BYTES };
	memcpy(payload.bytes, bytes, len);
	payload.bytes[len] = 10;
	payload.bytes[len + 1] = 0;
	uint64_t sum = crc64(0, payload.bytes, len + 2);
	memcpy(payload.bytes + len + 2, &sum, sizeof(sum));
	return payload;
}

/* RESTORE key ttl payload and options, separated by blanks. */
static bool restore_gives(const char *expected, const char *key, const char *ttl, const struct payload *payload, const char *options)
{
	char copy[128];
	const char *words[16] = { "RESTORE", key, ttl, payload->bytes };
	size_t lens[16] = { 7, strlen(key), strlen(ttl), payload->len }, count = 4, len;
	snprintf(copy, sizeof(copy), "%s", options);
	for (char *rest, *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		lens[count] = strlen(word);
		words[count++] = word;
	}
	char *text = wire_command(count, words, lens, &len);
	bool gives = peer_send(peer, text, len) && peer_expect_text(peer, expected);
	free(text);
	return gives;
}

static int64_t number_of(const char *reply)
{
	return reply && reply[0] == ':' ? strtoll(reply + 1, NULL, 10) : -100;
}

static void a_value_comes_back(void)
{
	static const char *const values[] = { "", "1", "-70000", "9999999999", "text", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	char expected[128];
	CU_ASSERT(GIVES(peer, "$-1\r\n", "DUMP", "absent"));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", values[i]));
		struct payload payload = dump("k");
		snprintf(expected, sizeof(expected), "$%zu\r\n%s\r\n", strlen(values[i]), values[i]);
		CU_ASSERT(restore_gives("+OK\r\n", "other", "0", &payload, "REPLACE"));
		CU_ASSERT(GIVES(peer, expected, "GET", "other"));
		CU_ASSERT(GIVES(peer, ":-1\r\n", "PTTL", "other"));
		free(payload.bytes);
	}
}

static void a_large_value_comes_back(void)
{
	CU_ASSERT(GIVES(peer, ":3000001\r\n", "SETRANGE", "large", "3000000", "x"));
	struct payload payload = dump("large");
	CU_ASSERT(restore_gives("+OK\r\n", "other", "0", &payload, "REPLACE"));
	CU_ASSERT(GIVES(peer, ":3000001\r\n", "STRLEN", "other"));
	CU_ASSERT(GIVES(peer, "$1\r\nx\r\n", "GETRANGE", "other", "3000000", "-1"));
	CU_ASSERT(GIVES(peer, ":2\r\n", "DEL", "large", "other"));
	free(payload.bytes);
}

static void a_time_to_live_is_as_given(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "v"));
	struct payload payload = dump("k");
	CU_ASSERT(restore_gives("+OK\r\n", "brief", "1000000", &payload, "replace"));
	int64_t left_ms = number_of(COMMAND(peer, "PTTL", "brief"));
	CU_ASSERT(left_ms > 0 && left_ms <= 1000000);
	CU_ASSERT(restore_gives("+OK\r\n", "brief", "4102444800123", &payload, "ABSTTL REPLACE"));
	CU_ASSERT(GIVES(peer, ":4102444800123\r\n", "PEXPIRETIME", "brief"));
	CU_ASSERT(restore_gives("+OK\r\n", "brief", "1", &payload, "ABSTTL REPLACE"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "brief"));
	CU_ASSERT(restore_gives("+OK\r\n", "brief", "1", &payload, "ABSTTL"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "brief"));
	free(payload.bytes);
}

static void usage_is_as_given(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "v"));
	struct payload payload = dump("k");
	CU_ASSERT(restore_gives("+OK\r\n", "used", "0", &payload, "IDLETIME 1000 REPLACE"));
	int64_t idle_s = number_of(COMMAND(peer, "OBJECT", "IDLETIME", "used"));
	CU_ASSERT(idle_s >= 1000 && idle_s < 2000);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"));
	CU_ASSERT(restore_gives("+OK\r\n", "used", "0", &payload, "FREQ 100 REPLACE"));
	CU_ASSERT(COMES_TO_GIVE(peer, ":100\r\n", "OBJECT", "FREQ", "used"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "maxmemory-policy", "noeviction"));
	free(payload.bytes);
}

static void what_is_wrong_is_refused(void)
{
	static const struct {
		const char *ttl, *options, *error;
	} wrong[] = {
		{ "0", "", "-BUSYKEY Target key name already exists.\r\n" },
		{ "0", "FREQ 1 IDLETIME 1", "-ERR syntax error\r\n" },
		{ "0", "IDLETIME", "-ERR syntax error\r\n" },
		{ "0", "foo", "-ERR syntax error\r\n" },
		{ "0", "IDLETIME -1", "-ERR Invalid IDLETIME value, must be >= 0\r\n" },
		{ "0", "FREQ 256", "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n" },
		{ "0", "FREQ x", "-ERR value is not an integer or out of range\r\n" },
		{ "-1", "REPLACE", "-ERR Invalid TTL value, must be >= 0\r\n" },
		{ "x", "REPLACE", "-ERR value is not an integer or out of range\r\n" },
	};
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "v"));
	struct payload payload = dump("k");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT(restore_gives(wrong[i].error, "k", wrong[i].ttl, &payload, wrong[i].options));
	payload.bytes[2] ^= 1;
	CU_ASSERT(restore_gives("-ERR DUMP payload version or checksum are wrong\r\n", "k", "0", &payload, "REPLACE"));
	payload.len = 9;
	CU_ASSERT(restore_gives("-ERR DUMP payload version or checksum are wrong\r\n", "k", "0", &payload, "REPLACE"));
	free(payload.bytes);
	payload = made_of("\x00\x3f" "abc", 5);
	CU_ASSERT(restore_gives("-ERR Bad data format\r\n", "k", "0", &payload, "REPLACE"));
	free(payload.bytes);
	CU_ASSERT(GIVES(peer, "$1\r\nv\r\n", "GET", "k"));
}

/* 30 MB of zeros in 350 KB: one literal byte, then copies of 264 bytes each. */
static void a_small_payload_of_a_large_value_is_refused_above_maxmemory(void)
{
	ONLY_OURS();
	size_t copies = 30 * 1024 * 1024 / 264, packed = 2 + 3 * copies, value = 1 + 264 * copies, at = 0;
	uint8_t *bytes = malloc(packed + 12);
	const uint8_t head[] = { 0, 0xc3, 0x80, (uint8_t)(packed >> 24), (uint8_t)(packed >> 16), (uint8_t)(packed >> 8), (uint8_t)packed,
				 0x80, (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value };
	memcpy(bytes, head, sizeof(head));
	at = sizeof(head);
	bytes[at++] = 0;
	bytes[at++] = 0;
	for (size_t i = 0; i < copies; i++) {
		memcpy(bytes + at, "\xe0\xff\x00", 3);
		at += 3;
	}
	struct payload payload = made_of(bytes, at);
	CU_ASSERT(restore_gives("-OOM command not allowed when used memory > 'maxmemory'.\r\n", "bomb", "0", &payload, ""));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "maxmemory", "0"));
	CU_ASSERT(restore_gives("+OK\r\n", "bomb", "0", &payload, ""));
	CU_ASSERT(GIVES(peer, ":31457185\r\n", "STRLEN", "bomb"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "bomb"));
	free(payload.bytes);
	free(bytes);
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(a_value_comes_back),
	CASE(a_large_value_comes_back),
	CASE(a_time_to_live_is_as_given),
	CASE(usage_is_as_given),
	CASE(what_is_wrong_is_refused),
	CASE(a_small_payload_of_a_large_value_is_refused_above_maxmemory),
	CASE(server_stops),
};

SUITE_MAIN("restore", cases)

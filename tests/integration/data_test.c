/*
 * Data come out as they were put in: every byte in keys and values, integers up to their limits, values of every size, however their bytes
 * arrive.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/shared_server.h"
#include "support/wire.h"

#define MB (1024u * 1024)
/* The protocol's limit is half a gigabyte; a tenth of it takes the same code paths. */
#define LARGE_BYTES (64u * MB)

const char shared_server_directives[] = "--timeout 0";

static bool set_bytes(const char *key, size_t key_len, const char *value, size_t value_len)
{
	const char *words[] = { "SET", key, value };
	size_t lens[] = { 3, key_len, value_len }, len;
	char *text = wire_command(3, words, lens, &len);
	bool set = peer_send(peer, text, len) && peer_expect_text(peer, "+OK\r\n");
	free(text);
	return set;
}

static bool get_gives(const char *key, size_t key_len, const char *value, size_t value_len)
{
	const char *words[] = { "GET", key };
	size_t lens[] = { 3, key_len }, len;
	char *text = wire_command(2, words, lens, &len), head[32];
	snprintf(head, sizeof(head), "$%zu\r\n", value_len);
	bool same = peer_send(peer, text, len) && peer_expect_text(peer, head) && peer_expect(peer, value, value_len) &&
		    peer_expect_text(peer, "\r\n");
	free(text);
	return same;
}

static void every_byte_can_be_in_keys_and_values(void)
{
	char all[512];
	for (int i = 0; i < 512; i++)
		all[i] = (char)i;
	for (int i = 0; i < 256; i++) {
		char key[3] = { (char)i, 'k', (char)i };
		CU_ASSERT(set_bytes(key, 3, all + i, 256));
		CU_ASSERT(set_bytes(key, 1, key, 3));
	}
	for (int i = 0; i < 256; i++) {
		char key[3] = { (char)i, 'k', (char)i };
		CU_ASSERT(get_gives(key, 3, all + i, 256));
		CU_ASSERT(get_gives(key, 1, key, 3));
	}
	CU_ASSERT(GIVES(peer, ":512\r\n", "DBSIZE"));
	CU_ASSERT(set_bytes("", 0, "", 0));
	CU_ASSERT(get_gives("", 0, "", 0));
	CU_ASSERT(set_bytes(all, 512, all, 512));
	CU_ASSERT(get_gives(all, 512, all, 512));
}

static void integers_stop_at_their_limits(void)
{
	static const char overflow[] = "-ERR increment or decrement would overflow\r\n";
	static const char not_integer[] = "-ERR value is not an integer or out of range\r\n";
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "n", "9223372036854775806"));
	CU_ASSERT(GIVES(peer, ":9223372036854775807\r\n", "INCR", "n"));
	CU_ASSERT(GIVES(peer, overflow, "INCR", "n"));
	CU_ASSERT(GIVES(peer, overflow, "INCRBY", "n", "9223372036854775807"));
	CU_ASSERT(GIVES(peer, ":-1\r\n", "INCRBY", "n", "-9223372036854775808"));
	CU_ASSERT(GIVES(peer, ":-9223372036854775808\r\n", "DECRBY", "n", "9223372036854775807"));
	CU_ASSERT(GIVES(peer, overflow, "DECR", "n"));
	CU_ASSERT(GIVES(peer, overflow, "INCRBY", "n", "-1"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "INCRBY", "zero", "0"));
	CU_ASSERT(GIVES(peer, "-ERR decrement would overflow\r\n", "DECRBY", "zero", "-9223372036854775808"));
	CU_ASSERT(GIVES(peer, not_integer, "INCRBY", "zero", "9223372036854775808"));
	CU_ASSERT(GIVES(peer, not_integer, "INCRBY", "zero", "1.5"));
	CU_ASSERT(GIVES(peer, "$20\r\n-9223372036854775808\r\n", "GET", "n"));
	static const char *const texts[] = { "", " 1", "1 ", "+1", "01", "-0", "1e3", "abc", "9223372036854775808",
					     "-9223372036854775809", "99999999999999999999" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "text", texts[i]));
		CU_ASSERT(GIVES(peer, not_integer, "INCR", "text"));
		CU_ASSERT(get_gives("text", 4, texts[i], strlen(texts[i])));
	}
	CU_ASSERT(set_bytes("text", 4, "1\0", 2));
	CU_ASSERT(GIVES(peer, not_integer, "INCR", "text"));
}

static char *pattern(size_t len)
{
	char *bytes = malloc(len);
	if (!bytes)
		abort();
	uint32_t state = 12345;
	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (char)(state >> 24);
	}
	return bytes;
}

static void values_of_every_size_come_back(void)
{
	static const size_t around[] = { 0, 16, 32, 64, 127, 255, 511, 1024, 4096, 8192, 16384, 32768, 65536, 131072, 1048576 };
	char *bytes = pattern(1048576 + 2);
	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
		for (int off = -2; off <= 2; off++) {
			if (off < 0 && around[i] == 0)
				continue;
			size_t len = around[i] + (size_t)off;
			CU_ASSERT(set_bytes("sized", 5, bytes, len));
			CU_ASSERT(get_gives("sized", 5, bytes, len));
		}
	free(bytes);
}

/* A value is replaced by smaller and larger ones, and its key is removed: no memory of it may stay. */
static void sizes_may_change_at_will(void)
{
	static const size_t sizes[] = { 10, 100000, 3, 16384, 16383, 2000000, 0, 64, 65536 };
	char *bytes = pattern(2000000);
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			CU_ASSERT(set_bytes("changing", 8, bytes + round, sizes[i] > 100 ? sizes[i] - 100 : sizes[i]));
			CU_ASSERT(get_gives("changing", 8, bytes + round, sizes[i] > 100 ? sizes[i] - 100 : sizes[i]));
		}
	CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "changing"));
	free(bytes);
}

static void a_large_value_comes_back(void)
{
	char *bytes = pattern(LARGE_BYTES);
	CU_ASSERT(set_bytes("large", 5, bytes, LARGE_BYTES));
	CU_ASSERT(get_gives("large", 5, bytes, LARGE_BYTES));
	/* The value is replaced while its reply is still being sent: the reply must have the old value. */
	struct peer *other = peer_connect(server);
	CU_ASSERT(peer_send_text(other, "GET large\r\n"));
	char head[32];
	snprintf(head, sizeof(head), "$%u\r\n", LARGE_BYTES);
	CU_ASSERT(peer_expect_text(other, head));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "large", "small"));
	CU_ASSERT(peer_expect(other, bytes, LARGE_BYTES));
	CU_ASSERT(peer_expect_text(other, "\r\n"));
	peer_close(&other);
	CU_ASSERT(get_gives("large", 5, "small", 5));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "large"));
	free(bytes);
}

static void a_large_key_is_a_key(void)
{
	char *bytes = pattern(3 * MB);
	CU_ASSERT(set_bytes(bytes, 3 * MB, "v", 1));
	CU_ASSERT(get_gives(bytes, 3 * MB, "v", 1));
	bytes[2 * MB] ^= 1;
	const char *words[] = { "GET", bytes };
	size_t lens[] = { 3, 3 * MB }, len;
	char *text = wire_command(2, words, lens, &len);
	CU_ASSERT(peer_send(peer, text, len));
	CU_ASSERT(peer_expect_text(peer, "$-1\r\n"));
	free(text);
	free(bytes);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
}

/* Around the size from which a value has its own block, with other commands before and after it in one stream. */
static void a_value_that_comes_byte_by_byte_comes_back(void)
{
	enum { LEN = 20000 };
	char *bytes = pattern(LEN);
	const char *words[] = { "SET", "slow", bytes };
	size_t lens[] = { 3, 4, LEN }, len;
	char *text = wire_command(3, words, lens, &len);
	CU_ASSERT(peer_send_text(peer, "PING\r\n"));
	for (size_t i = 0; i < len; i++)
		CU_ASSERT(peer_send(peer, text + i, 1));
	CU_ASSERT(peer_exchange(peer, "PING\r\n", "+PONG\r\n+OK\r\n+PONG\r\n"));
	CU_ASSERT(get_gives("slow", 4, bytes, LEN));
	free(text);
	free(bytes);
}

/* Several large values in one command, and large arguments that no command keeps. */
static void several_large_arguments_in_one_command_arrive(void)
{
	enum { LEN = 300000 };
	char *bytes = pattern(LEN + 2);
	const char *words[] = { "MSET", "a", bytes, "b", bytes + 1, "c", bytes + 2 };
	size_t lens[] = { 4, 1, LEN, 1, LEN, 1, LEN }, len;
	char *text = wire_command(7, words, lens, &len);
	CU_ASSERT(peer_send(peer, text, len));
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n"));
	free(text);
	CU_ASSERT(get_gives("a", 1, bytes, LEN));
	CU_ASSERT(get_gives("b", 1, bytes + 1, LEN));
	CU_ASSERT(get_gives("c", 1, bytes + 2, LEN));
	const char *echo[] = { "ECHO", bytes };
	size_t echo_lens[] = { 4, LEN };
	text = wire_command(2, echo, echo_lens, &len);
	CU_ASSERT(peer_send(peer, text, len));
	CU_ASSERT(peer_expect_text(peer, "$300000\r\n"));
	CU_ASSERT(peer_expect(peer, bytes, LEN));
	CU_ASSERT(peer_expect_text(peer, "\r\n"));
	free(text);
	free(bytes);
}

static void databases_are_apart(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	char number[16], value[64];
	for (int i = 0; i < 16; i++) {
		snprintf(number, sizeof(number), "%d", i);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", number));
		CU_ASSERT(GIVES(peer, "$-1\r\n", "GET", "same"));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "same", number));
	}
	for (int i = 15; i >= 0; i--) {
		snprintf(number, sizeof(number), "%d", i);
		snprintf(value, sizeof(value), "$%zu\r\n%d\r\n", strlen(number), i);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", number));
		CU_ASSERT(GIVES(peer, value, "GET", "same"));
		CU_ASSERT(GIVES(peer, ":1\r\n", "DBSIZE"));
	}
	CU_ASSERT(GIVES(peer, "-ERR DB index is out of range\r\n", "SELECT", "16"));
	CU_ASSERT(GIVES(peer, "-ERR DB index is out of range\r\n", "SELECT", "-1"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHDB"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "DBSIZE"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", "7"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DBSIZE"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "DBSIZE"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", "0"));
}

static void an_encoding_tells_what_a_value_is(void)
{
	char text[46];
	memset(text, 'e', 45);
	text[45] = '\0';
	CU_ASSERT(GIVES(peer, "+OK\r\n", "MSET", "int", "-12345", "short", text + 1, "long", text));
	CU_ASSERT(GIVES(peer, "$3\r\nint\r\n", "OBJECT", "ENCODING", "int"));
	CU_ASSERT(GIVES(peer, "$6\r\nembstr\r\n", "OBJECT", "ENCODING", "short"));
	CU_ASSERT(GIVES(peer, "$3\r\nraw\r\n", "OBJECT", "ENCODING", "long"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "OBJECT", "REFCOUNT", "long"));
	CU_ASSERT(GIVES(peer, "$-1\r\n", "OBJECT", "ENCODING", "absent"));
}

/* As in an RDB file: a type of integer and its bytes, or a length and the text. Redis compresses longer texts. */
static void debug_object_measures_a_value_by_its_encoding(void)
{
	static const struct {
		const char *value, *shown;
	} values[] = {
		{ "7", " encoding:int serializedlength:2 " },          { "-129", " encoding:int serializedlength:3 " },
		{ "40000", " encoding:int serializedlength:5 " },      { "4000000000", " encoding:int serializedlength:11 " },
		{ "hello", " encoding:embstr serializedlength:6 " },   { "", " encoding:embstr serializedlength:1 " },
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "measured", values[i].value));
		const char *reply = COMMAND(peer, "DEBUG", "OBJECT", "measured");
		if (!reply || !strstr(reply, values[i].shown))
			fprintf(stderr, "%s: %s\n", values[i].value, reply ? reply : "nothing");
		CU_ASSERT(reply && strstr(reply, values[i].shown) != NULL);
	}
}

static void the_forms_of_other_systems_work(void)
{
	ONLY_OURS();
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "brief", "v", "60"));
	const char *ttl = COMMAND(peer, "TTL", "brief");
	CU_ASSERT(ttl && (strcmp(ttl, ":60\r\n") == 0 || strcmp(ttl, ":59\r\n") == 0));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DELETE", "brief"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "DELETE", "brief"));
	struct peer *typist = peer_connect(server);
	CU_ASSERT(peer_send_text(typist, "HELP\r\n"));
	const char *help = peer_reply(typist);
	CU_ASSERT(help && help[0] != '-' && strstr(help, "SET") != NULL);
	peer_close(&typist);
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(every_byte_can_be_in_keys_and_values),
	CASE(integers_stop_at_their_limits),
	CASE(values_of_every_size_come_back),
	CASE(sizes_may_change_at_will),
	CASE(a_large_value_comes_back),
	CASE(a_large_key_is_a_key),
	CASE(a_value_that_comes_byte_by_byte_comes_back),
	CASE(several_large_arguments_in_one_command_arrive),
	CASE(databases_are_apart),
	CASE(an_encoding_tells_what_a_value_is),
	CASE(debug_object_measures_a_value_by_its_encoding),
	CASE(the_forms_of_other_systems_work),
	CASE(server_stops),
};

SUITE_MAIN("data", cases)

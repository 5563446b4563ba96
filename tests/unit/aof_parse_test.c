/*
 * Commands of a log to effects: all that this program writes, all that Redis writes, and what is refused.
 */
#include "actors/persistence/aof_parse.h"

#include <stdio.h>

#include "storage/formats/crc64.h"
#include "storage/formats/dump.h"
#include "storage/memory.h"
#include "support/log_frames.h"
#include "support/suite.h"

#define NOW_MS 1700000000000

static struct slice text(const char *words)
{
	return slice_of(words, strlen(words));
}

/* ---- commands one by one ---- */

static struct log_data data;
static struct aof_parser parser;

static void begin(bool is_ours)
{
	log_data_init(&data, is_ours);
	aof_parser_init(&parser, is_ours, NOW_MS);
}

static void end(void)
{
	log_data_fini(&data);
}

/* Splits at blanks; '' is the empty word. */
static uint32_t split(char *line, struct resp_arg out[16])
{
	uint32_t count = 0;
	for (char *rest, *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		out[count++] = (struct resp_arg){ .data = (uint8_t *)word, .len = strcmp(word, "''") ? (uint32_t)strlen(word) : 0 };
	return count;
}

/* Parses and applies a command. False: refused, or it doesn't fit. */
static bool run(const char *line)
{
	char words[256];
	struct resp_arg argv[16];
	struct frame_writer frames = { .first_sequence = 1 };
	snprintf(words, sizeof(words), "%s", line);
	bool is_good = aof_parse_command(&parser, argv, split(words, argv), &frames) && log_apply(&data.target, &frames);
	frame_writer_fini(&frames);
	return is_good;
}

static bool is_refused_with(const char *line, const char *error)
{
	if (run(line))
		return false;
	if (strcmp(parser.error, error) != 0)
		fprintf(stderr, "\n%s is refused with: %s\n", line, parser.error);
	return strcmp(parser.error, error) == 0;
}

static bool is_absent(uint32_t database, const char *key)
{
	return !keyspace_find_any(databases_read(&data.databases, database), text(key), keyspace_hash(text(key)));
}

static bool holds(uint32_t database, const char *key, const char *value, int64_t when_ms)
{
	const struct keyspace *keyspace = databases_read(&data.databases, database);
	const struct entry *entry = keyspace_find_any(keyspace, text(key), keyspace_hash(text(key)));
	bool as_expected = entry && slice_equal(entry_string(entry), text(value)) && keyspace_expiry_ms(keyspace, entry) == when_ms;
	if (!as_expected)
		fprintf(stderr, "\n%s: expected %s until %lld, has %.*s until %lld\n", key, value, (long long)when_ms,
			entry ? (int)entry_string(entry).len : 0, entry ? (char *)entry_string(entry).data : "",
			entry ? (long long)keyspace_expiry_ms(keyspace, entry) : 0);
	return as_expected;
}

/* Commands, and what the key "a" of database 0 holds afterwards; a NULL value: nothing. */
static const struct {
	const char *commands[4];
	const char *value;
	int64_t when_ms;
} examples[] = {
	{ { "SET a v" }, "v", NO_EXPIRY },
	{ { "set a v", "SeT a ''" }, "", NO_EXPIRY },
	{ { "SET a v PXAT 123" }, "v", 123 },
	{ { "SET a v EXAT 123" }, "v", 123000 },
	{ { "SET a v ex 10" }, "v", NOW_MS + 10000 },
	{ { "SET a v px 10 GET" }, "v", NOW_MS + 10 },
	{ { "SET a v PXAT 123", "SET a w" }, "w", NO_EXPIRY },
	{ { "SET a v PXAT 123", "SET a w KEEPTTL" }, "w", 123 },
	{ { "SET a v KEEPTTL" }, "v", NO_EXPIRY },
	{ { "SET a v NX" }, "v", NO_EXPIRY },
	{ { "SET a v", "SET a w NX PXAT 123" }, "v", NO_EXPIRY },
	{ { "SET a v XX" }, NULL, 0 },
	{ { "SET a v", "SET a w XX PXAT 123" }, "w", 123 },
	{ { "SETNX a v", "SETNX a w" }, "v", NO_EXPIRY },
	{ { "SETEX a 10 v" }, "v", NOW_MS + 10000 },
	{ { "PSETEX a 10 v" }, "v", NOW_MS + 10 },
	{ { "SET a v PXAT 123", "GETSET a w" }, "w", NO_EXPIRY },
	{ { "SET a v", "GETEX a" }, "v", NO_EXPIRY },
	{ { "SET a v PXAT 123", "GETEX a" }, "v", 123 },
	{ { "SET a v PXAT 123", "GETEX a PERSIST" }, "v", NO_EXPIRY },
	{ { "SET a v", "GETEX a PX 10" }, "v", NOW_MS + 10 },
	{ { "GETEX a PX 10" }, NULL, 0 },
	{ { "SET a v", "GETDEL a" }, NULL, 0 },
	{ { "MSET b w a v a u" }, "u", NO_EXPIRY },
	{ { "MSETNX b w a v a u" }, "u", NO_EXPIRY },
	{ { "SET b w", "MSETNX a v b w" }, NULL, 0 },
	{ { "SET a v", "DEL b a" }, NULL, 0 },
	{ { "SET a v", "UNLINK a b" }, NULL, 0 },
	{ { "DEL a" }, NULL, 0 },
	{ { "INCR a" }, "1", NO_EXPIRY },
	{ { "SET a 41 PXAT 123", "INCRBY a -50" }, "-9", 123 },
	{ { "DECR a", "DECRBY a 3" }, "-4", NO_EXPIRY },
	{ { "SET a x", "INCR a" }, "x", NO_EXPIRY },
	{ { "SET a 9223372036854775807", "INCR a" }, "9223372036854775807", NO_EXPIRY },
	{ { "SET a -9223372036854775807", "DECR a" }, "-9223372036854775808", NO_EXPIRY },
	{ { "INCRBYFLOAT a 0.1", "INCRBYFLOAT a 2e1" }, "20.1", NO_EXPIRY },
	{ { "SET a 1 PXAT 123", "INCRBYFLOAT a -1.5" }, "-0.5", 123 },
	{ { "SET a x", "INCRBYFLOAT a 1" }, "x", NO_EXPIRY },
	{ { "SET a 1", "INCRBYFLOAT a inf" }, "1", NO_EXPIRY },
	{ { "APPEND a v", "PEXPIREAT a 123", "APPEND a w" }, "vw", 123 },
	{ { "SET a hello", "SETRANGE a 1 EYL" }, "hEYLo", NO_EXPIRY },
	{ { "SETRANGE a 9 ''" }, NULL, 0 },
	{ { "SET a v", "SETRANGE a -1 w" }, "v", NO_EXPIRY },
	{ { "SET a v", "SETRANGE a 536870912 w" }, "v", NO_EXPIRY },
	{ { "SET a v", "EXPIRE a 10" }, "v", NOW_MS + 10000 },
	{ { "SET a v", "PEXPIRE a 10" }, "v", NOW_MS + 10 },
	{ { "SET a v", "EXPIREAT a -10" }, "v", -10000 },
	{ { "SET a v", "PEXPIREAT a 10 NX", "PEXPIREAT a 20 NX" }, "v", 10 },
	{ { "SET a v", "PEXPIREAT a 10 XX" }, "v", NO_EXPIRY },
	{ { "SET a v PXAT 5", "PEXPIREAT a 10 XX GT", "PEXPIREAT a 9 GT" }, "v", 10 },
	{ { "SET a v", "PEXPIREAT a 10 GT" }, "v", NO_EXPIRY },
	{ { "SET a v", "PEXPIREAT a 10 LT", "PEXPIREAT a 11 lt" }, "v", 10 },
	{ { "SET a v PXAT 5", "PERSIST a" }, "v", NO_EXPIRY },
	{ { "PERSIST a", "PEXPIREAT a 9" }, NULL, 0 },
	{ { "SET b v PXAT 5", "SET a w", "RENAME b a" }, "v", 5 },
	{ { "RENAME b a" }, NULL, 0 },
	{ { "SET a v", "RENAME a a" }, "v", NO_EXPIRY },
	{ { "SET b v", "RENAMENX b a" }, "v", NO_EXPIRY },
	{ { "SET b v", "SET a w", "RENAMENX b a" }, "w", NO_EXPIRY },
	{ { "SET a v", "MOVE a 1" }, NULL, 0 },
	{ { "SET a v", "MOVE a 0" }, "v", NO_EXPIRY },
	{ { "SET a v", "COPY a a DB 1", "FLUSHDB", "SWAPDB 0 1" }, "v", NO_EXPIRY },
	{ { "SET b v PXAT 5", "SET a w", "COPY b a" }, "w", NO_EXPIRY },
	{ { "SET b v PXAT 5", "SET a w", "COPY b a REPLACE" }, "v", 5 },
	{ { "SET a v", "COPY a a REPLACE" }, "v", NO_EXPIRY },
	{ { "SET a v", "SELECT 1", "FLUSHDB ASYNC" }, "v", NO_EXPIRY },
	{ { "SET a v", "SELECT 1", "FLUSHALL sync" }, NULL, 0 },
	{ { "SELECT 1", "SET a v", "SWAPDB 1 0" }, "v", NO_EXPIRY },
	{ { "SET a v", "SWAPDB 0 0" }, "v", NO_EXPIRY },
	{ { "MULTI", "SETNX a v", "SETNX a w", "EXEC" }, "v", NO_EXPIRY },
	{ { "MULTI", "SET a v", "SET a w NX", "APPEND a x" }, "vx", NO_EXPIRY },
};

static void every_command_of_redis_does_what_it_does_there(void)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		begin(false);
		for (size_t j = 0; j < 4 && examples[i].commands[j]; j++) {
			bool is_good = run(examples[i].commands[j]);
			if (!is_good)
				fprintf(stderr, "\n%s: %s\n", examples[i].commands[j], parser.error);
			CU_ASSERT_TRUE(is_good);
		}
		CU_ASSERT_TRUE(examples[i].value ? holds(0, "a", examples[i].value, examples[i].when_ms) : is_absent(0, "a"));
		end();
	}
}

static void a_move_stays_where_the_key_is_taken(void)
{
	begin(false);
	CU_ASSERT_TRUE(run("SET a v") && run("SELECT 1") && run("SET a w") && run("SELECT 0") && run("MOVE a 1"));
	CU_ASSERT_TRUE(holds(0, "a", "v", NO_EXPIRY));
	CU_ASSERT_TRUE(holds(1, "a", "w", NO_EXPIRY));
	end();
}

static void what_is_not_known_is_refused_by_name(void)
{
	begin(false);
	CU_ASSERT_TRUE(is_refused_with("LPUSH a b", "unknown command 'LPUSH'"));
	CU_ASSERT_TRUE(is_refused_with("'' a b", "unknown command ''"));
	CU_ASSERT_TRUE(is_refused_with("S\x01\x80T a b", "unknown command 'S\\x01\\x80T'"));
	CU_ASSERT_TRUE(is_refused_with("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
				       "unknown command 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"));
	CU_ASSERT_TRUE(is_refused_with("SET a", "wrong number of arguments for 'set'"));
	CU_ASSERT_TRUE(is_refused_with("INCR a 1", "wrong number of arguments for 'incr'"));
	CU_ASSERT_TRUE(is_refused_with("MSET a b c", "wrong number of arguments for 'mset'"));
	CU_ASSERT_TRUE(is_refused_with("MSETNX a b c", "wrong number of arguments for 'msetnx'"));
	CU_ASSERT_TRUE(is_refused_with("SET a v FOO", "'set' with an argument that is not valid: 'FOO'"));
	CU_ASSERT_TRUE(is_refused_with("SET a v PX", "'set' with an argument that is not valid: 'PX'"));
	CU_ASSERT_TRUE(is_refused_with("SET a v PX x", "'set' with an argument that is not valid: 'x'"));
	CU_ASSERT_TRUE(is_refused_with("SET a v EX 9223372036854775807", "'set' with an argument that is not valid: '9223372036854775807'"));
	CU_ASSERT_TRUE(is_refused_with("PEXPIREAT a -9223372036854775807", "'pexpireat' with an argument that is not valid: '-9223372036854775807'"));
	CU_ASSERT_TRUE(is_refused_with("PEXPIREAT a 9 FOO", "'pexpireat' with an argument that is not valid: 'FOO'"));
	CU_ASSERT_TRUE(is_refused_with("INCRBY a 1.5", "'incrby' with an argument that is not valid: '1.5'"));
	CU_ASSERT_TRUE(is_refused_with("DECRBY a -9223372036854775808", "'decrby' with an argument that is not valid: '-9223372036854775808'"));
	CU_ASSERT_TRUE(is_refused_with("SETRANGE a 1x v", "'setrange' with an argument that is not valid: '1x'"));
	CU_ASSERT_TRUE(is_refused_with("COPY a b DB", "'copy' with an argument that is not valid: 'DB'"));
	CU_ASSERT_TRUE(is_refused_with("COPY a b DB -1", "'copy' with an argument that is not valid: '-1'"));
	CU_ASSERT_TRUE(is_refused_with("MOVE a 99999999999", "'move' with an argument that is not valid: '99999999999'"));
	CU_ASSERT_TRUE(is_refused_with("FLUSHALL now", "'flushall' with an argument that is not valid: 'now'"));
	CU_ASSERT_TRUE(is_refused_with("EXEC", "EXEC without MULTI"));
	CU_ASSERT_TRUE(run("MULTI"));
	CU_ASSERT_TRUE(is_refused_with("MULTI", "MULTI inside of a transaction"));
	end();
}

/* Its keys would be lost. */
static void a_database_that_is_not_there_does_not_fit(void)
{
	static const char *const commands[] = { "MOVE a 4", "COPY a a DB 4", "SWAPDB 0 4", "SWAPDB 4 0" };
	begin(false);
	CU_ASSERT_TRUE(run("SET a v"));
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_FALSE(run(commands[i]));
	CU_ASSERT_TRUE(run("SELECT 4"));
	CU_ASSERT_FALSE(run("SET a v"));
	end();
}

static void a_transaction_of_ours_is_one_frame(void)
{
	const char *log = "*1\r\n$5\r\nMULTI\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*2\r\n$4\r\nINCR\r\n$1\r\nb\r\n"
			  "*1\r\n$4\r\nEXEC\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n";
	for (int is_ours = 0; is_ours < 2; is_ours++) {
		struct frame_writer frames = { .first_sequence = 1 };
		begin(is_ours);
		CU_ASSERT_TRUE(log_parse(&parser, text(log), &frames));
		CU_ASSERT_EQUAL(frames.frames, is_ours ? 2 : 3);
		CU_ASSERT_TRUE(log_apply(&data.target, &frames));
		CU_ASSERT_TRUE(is_absent(1, "a") && holds(1, "b", "1", NO_EXPIRY));
		frame_writer_fini(&frames);
		end();
	}
}

static void ours_fits_exactly_or_not_at_all(void)
{
	static const char *const misfits[] = { "DEL absent", "PERSIST absent", "RENAME absent b", "INCR text", "MOVE a 0" };
	begin(true);
	CU_ASSERT_TRUE(run("SET text x") && run("SET a v"));
	for (size_t i = 0; i < sizeof(misfits) / sizeof(misfits[0]); i++)
		CU_ASSERT_FALSE(run(misfits[i]));
	CU_ASSERT_TRUE(is_refused_with("SET b v NX", "'set' with a condition, which this program does not write"));
	CU_ASSERT_TRUE(is_refused_with("COPY a b", "'copy' with a condition, which this program does not write"));
	end();
}

static void a_large_argument_is_held_and_not_copied(void)
{
	struct blob *blob = blob_create(BLOB_MIN_BYTES);
	blob->len = BLOB_MIN_BYTES;
	memset(blob->data, 'x', blob->len);
	const struct resp_arg argv[] = {
		{ (const uint8_t *)"SET", 3, 0 }, { (const uint8_t *)"a", 1, 0 }, { blob->data, blob->len, 1 },
	};
	struct frame_writer frames = { .first_sequence = 1 };
	begin(true);
	CU_ASSERT_TRUE(aof_parse_command(&parser, argv, 3, &frames));
	CU_ASSERT_TRUE(log_apply(&data.target, &frames));
	frame_writer_fini(&frames);
	CU_ASSERT_PTR_EQUAL(entry_blob(keyspace_find_any(databases_read(&data.databases, 0), text("a"), keyspace_hash(text("a")))), blob);
	blob_release(&blob);
	end();
}

/* ---- RESTORE ---- */

/* The payload that DUMP makes of a value of this length; the last letter is `last`. */
static struct blob *payload_of(size_t len, char last)
{
	struct entry *entry;
	struct blob *value = blob_create((uint32_t)len);
	memset(value->data, 'v', len);
	value->data[len - 1] = (uint8_t)last;
	keyspace_set_string(databases_own(&data.databases, 3), text("dumped"), keyspace_hash(text("dumped")), slice_of(value->data, len),
			    KEYSPACE_DROP_TTL, 0, &entry);
	blob_release(&value);
	return dump_encode(entry, true);
}

/* RESTORE a TTL PAYLOAD and up to two options. */
static bool restore(const char *ttl, const struct blob *payload, const char *option, const char *more)
{
	const struct resp_arg argv[] = {
		{ (const uint8_t *)"RESTORE", 7, 0 }, { (const uint8_t *)"a", 1, 0 }, { (const uint8_t *)ttl, (uint32_t)strlen(ttl), 0 },
		{ payload->data, payload->len, 0 }, { (const uint8_t *)option, (uint32_t)strlen(option), 0 },
		{ (const uint8_t *)more, (uint32_t)strlen(more), 0 },
	};
	struct frame_writer frames = { .first_sequence = 1 };
	uint32_t argc = 4 + (option[0] != '\0') + (more[0] != '\0');
	bool is_good = aof_parse_command(&parser, argv, argc, &frames) && log_apply(&data.target, &frames);
	frame_writer_fini(&frames);
	return is_good;
}

static void a_restored_value_is_set(void)
{
	static const struct {
		const char *ttl, *option, *more;
		int64_t when_ms;
	} known[] = {
		{ "0", "REPLACE", "", NO_EXPIRY }, { "0", "absttl", "REPLACE", NO_EXPIRY }, { "123", "ABSTTL", "REPLACE", 123 },
		{ "123", "REPLACE", "", NOW_MS + 123 },
	};
	begin(false);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct blob *payload = payload_of(1, (char)('a' + i));
		char value[2] = { (char)('a' + i), '\0' };
		CU_ASSERT_TRUE(restore(known[i].ttl, payload, known[i].option, known[i].more));
		CU_ASSERT_TRUE(holds(0, "a", value, known[i].when_ms));
		blob_release(&payload);
	}
	struct blob *payload = payload_of(3 * BLOB_MIN_BYTES, 'z');
	CU_ASSERT_TRUE(restore("0", payload, "", "")); /* there is a key */
	CU_ASSERT_TRUE(holds(0, "a", "d", NOW_MS + 123));
	CU_ASSERT_TRUE(run("DEL a") && restore("0", payload, "IDLETIME", "1000"));
	const struct entry *entry = keyspace_find_any(databases_read(&data.databases, 0), text("a"), keyspace_hash(text("a")));
	CU_ASSERT_TRUE(entry && entry_string(entry).len == 3 * BLOB_MIN_BYTES);
	blob_release(&payload);
	end();
}

static void what_cannot_be_restored_is_refused(void)
{
	begin(false);
	struct blob *payload = payload_of(5, 'v');
	CU_ASSERT_FALSE(restore("x", payload, "", ""));
	CU_ASSERT_STRING_EQUAL(parser.error, "'restore' with an argument that is not valid: 'x'");
	CU_ASSERT_FALSE(restore("0", payload, "FREQ", ""));
	CU_ASSERT_STRING_EQUAL(parser.error, "'restore' with an argument that is not valid: 'FREQ'");
	payload->data[3] ^= 1;
	CU_ASSERT_FALSE(restore("0", payload, "", ""));
	CU_ASSERT_STRING_EQUAL(parser.error, "'restore' with a payload of a newer version or a wrong checksum");
	payload->data[3] ^= 1;
	payload->data[0] = RDB_LIST_QUICKLIST_2;
	uint64_t sum = crc64(0, payload->data, payload->len - sizeof(sum));
	memcpy(payload->data + payload->len - sizeof(sum), &sum, sizeof(sum));
	CU_ASSERT_FALSE(restore("0", payload, "", ""));
	CU_ASSERT_STRING_EQUAL(parser.error, "'restore' with a list (quicklist 2), which is not supported");
	blob_release(&payload);
	end();
}

/* ---- random frames ---- */

/* The digest of what the text makes of empty data. */
static void digest_of_text(struct slice log, bool is_ours, char out[LOG_DIGEST_BYTES])
{
	struct frame_writer frames = { .first_sequence = 1 };
	begin(is_ours);
	if (!log_parse(&parser, log, &frames) || !log_apply(&data.target, &frames))
		fprintf(stderr, "\nrefused: %s\n", parser.error);
	log_data_digest(&data, out);
	frame_writer_fini(&frames);
	end();
}

static void random_frames_survive_as_text(void)
{
	struct random random = { .state = random_seed("aof_parse_test") };
	for (int round = 0; round < 60; round++) {
		struct log_data model;
		struct frame_writer frames = { .first_sequence = 1 };
		struct aof_renderer renderer;
		struct aof_text rendered = { .referenced_bytes = 0 };
		char expected[LOG_DIGEST_BYTES], ours[LOG_DIGEST_BYTES], foreign[LOG_DIGEST_BYTES];
		log_data_init(&model, true);
		aof_renderer_init(&renderer);
		for (int i = 0; i < 200; i++)
			log_draw_frame(&random, &model, &frames);
		log_render(&frames, &renderer, &rendered);
		struct buffer log = log_gather(&rendered);
		log_data_digest(&model, expected);
		digest_of_text(slice_of(log.data, log.len), true, ours);
		digest_of_text(slice_of(log.data, log.len), false, foreign);
		CU_ASSERT_STRING_EQUAL(ours, expected);
		CU_ASSERT_STRING_EQUAL(foreign, expected);
		buffer_fini(&log);
		aof_text_fini(&rendered);
		frame_writer_fini(&frames);
		log_data_fini(&model);
	}
}

static const struct suite_case cases[] = {
	CASE(every_command_of_redis_does_what_it_does_there),
	CASE(a_move_stays_where_the_key_is_taken),
	CASE(what_is_not_known_is_refused_by_name),
	CASE(a_database_that_is_not_there_does_not_fit),
	CASE(a_transaction_of_ours_is_one_frame),
	CASE(ours_fits_exactly_or_not_at_all),
	CASE(a_large_argument_is_held_and_not_copied),
	CASE(a_restored_value_is_set),
	CASE(what_cannot_be_restored_is_refused),
	CASE(random_frames_survive_as_text),
};

int main(int argc, char **argv)
{
	memory_init();
	keyspace_seed_hash();
	return suite_main("aof_parse", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

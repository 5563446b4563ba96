/*
 * DEBUG: the subcommands that Redis's tests and tools use, as far as they make sense here. All are in one table. Other subcommands, or a
 * wrong number of arguments, are refused by name.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/store/data_digest.h"
#include "actors/store/commands/handlers.h"
#include "storage/value.h"
#include "storage/access.h"
#include "storage/glob.h"
#include "storage/memory.h"
#include "transport/decimal.h"

/* ---- keys ---- */

/* Also finds an expired key. NULL: the error reply has been written. */
static struct entry *find_key(struct call *call, uint32_t index)
{
	struct slice key = call_arg(call, index);
	struct entry *entry = keyspace_find_any(call_keyspace(call), key, keyspace_hash(key));
	if (!entry)
		reply_error(call, "ERR no such key");
	return entry;
}

static bool count_only(void *context, const void *data, size_t len)
{
	return true;
}

/* The size of the value in an RDB file, without compression. */
static size_t serialized_bytes(const struct entry *entry)
{
	struct rdb_writer writer = { .write = count_only };
	entry_encode(entry, &writer);
	return writer.bytes;
}

static void debug_object(struct call *call)
{
	char text[192];
	const struct entry *entry = find_key(call, 2);
	if (!entry)
		return;
	int64_t idle_ms = access_idle_ms(store_databases(call->store)->storage.access, entry, store_monotonic_ms(call->store));
	snprintf(text, sizeof(text), "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%lld",
		 (const void *)entry, entry_encoding_name(entry), serialized_bytes(entry),
		 lru_clock(call->now_ms - idle_ms), (long long)idle_ms / 1000);
	reply_simple(call, text);
}

static void debug_digest(struct call *call)
{
	char hex[DIGEST_HEX_BYTES];
	data_digest_of(store_databases(call->store), hex);
	reply_simple(call, hex);
}

static void debug_digest_value(struct call *call)
{
	reply_array(call, call->argc - 2);
	for (uint32_t i = 2; i < call->argc; i++) {
		struct data_digest digest = { 0 };
		char hex[DIGEST_HEX_BYTES];
		struct slice key = call_arg(call, i);
		const struct entry *entry = keyspace_find_any(call_keyspace(call), key, keyspace_hash(key));
		if (entry)
			data_digest_mix_value(&digest, entry);
		data_digest_hex(&digest, hex);
		reply_simple(call, hex);
	}
}

static void debug_htstats(struct call *call)
{
	struct buffer text = { 0 };
	struct keyspace_shape shape;
	int64_t database;
	if (!call_arg_int64(call, 2, &database))
		return;
	if (database < 0 || (uint64_t)database >= store_databases(call->store)->count) {
		reply_error(call, "ERR Out of range database");
		return;
	}
	const struct keyspace *keyspace = store_keyspace(call->store, (uint32_t)database);
	keyspace_get_shape(keyspace, &shape);
	buffer_printf(&text, "[Dictionary HT]\n keys: %llu\n buckets: %llu\n slots: %llu\n longest bucket seen: %u\n",
		      (unsigned long long)keyspace_count(keyspace), (unsigned long long)shape.buckets,
		      (unsigned long long)shape.slots, shape.longest_bucket);
	buffer_printf(&text, " index bytes: %llu\n[Expires HT]\n keys: %llu\n", (unsigned long long)shape.index_bytes,
		      (unsigned long long)keyspace_expiring_count(keyspace));
	reply_gathered(call, &text);
}

/* No value is stored as a hash table. */
static void debug_htstats_key(struct call *call)
{
	if (find_key(call, 2))
		reply_error(call, "ERR The value stored at the specified key is not represented using an hash table");
}

/* ---- POPULATE ---- */

/* Keys per slice, which takes some milliseconds. Other work runs between two slices. */
#define POPULATE_SLICE 5000
#define POPULATE_VALUE_MAX (512u << 20)

struct population {
	uint64_t next, count;
	size_t value_len; /* 0: the length of the text */
	char *value;      /* value_len bytes: the text, cut or padded with zeros; NULL when value_len is 0 */
};

static bool parse_positive(struct call *call, uint32_t index, uint64_t *out_number)
{
	int64_t number;
	struct slice arg = call_arg(call, index);
	if (!decimal_parse_int64(arg.data, arg.len, &number) || number < 0) {
		reply_error(call, "ERR value is out of range, must be positive");
		return false;
	}
	*out_number = (uint64_t)number;
	return true;
}

static void tell_set(struct call *call, struct slice key, const struct entry *entry)
{
	struct effect effect = { .type = EFFECT_SET, .key = key, .number = NO_EXPIRY, .blob = entry_blob(entry) };
	if (!effect.blob)
		effect.value = entry_string(entry);
	call_effect(call, &effect);
}

/* Stores key:42 with the value "value:42" unless the key exists. */
static enum keyspace_status populate_one(struct call *call, struct population *population)
{
	char key[256], value[32];
	struct slice prefix = call->argc > 3 ? call_arg(call, 3) : slice_of("key", 3);
	int len = snprintf(key, sizeof(key), "%.*s:%llu", (int)prefix.len, prefix.data, (unsigned long long)population->next);
	struct slice name = slice_of(key, (size_t)len < sizeof(key) ? (size_t)len : sizeof(key) - 1);
	struct slice text = slice_of(value, (size_t)snprintf(value, sizeof(value), "value:%llu",
							     (unsigned long long)population->next));
	uint64_t hash = keyspace_hash(name);
	struct entry *entry;
	struct keyspace *keyspace = call_own_keyspace(call);
	if (!keyspace)
		return KEYSPACE_NO_MEMORY;
	store_expire_key(call->store, call->session->database, name, hash);
	if (keyspace_find(keyspace, name, hash, call->now_ms))
		return KEYSPACE_OK;
	if (population->value) {
		size_t shown = text.len < population->value_len ? text.len : population->value_len;
		memcpy(population->value, text.data, shown);
		text = slice_of(population->value, population->value_len);
	}
	enum keyspace_status status = keyspace_set_string(keyspace, name, hash, text, KEYSPACE_DROP_TTL, call->now_ms, &entry);
	if (status == KEYSPACE_OK)
		tell_set(call, name, entry);
	return status;
}

static void free_population(struct population *population)
{
	free(population->value);
	free(population);
}

static void populate_slice(struct call *call, enum wake_reason reason, void *answer)
{
	struct population *population = call->session->state;
	enum keyspace_status status = KEYSPACE_OK;
	if (reason == WAKE_CLOSED) {
		free_population(population);
		return;
	}
	if (!store_has_credit(call->store)) {
		session_block(call, BLOCKED_BUS_CREDIT, INT64_MAX, populate_slice, population);
		return;
	}
	if (store_holds_writes(call->store)) {
		session_block(call, BLOCKED_PAUSE, INT64_MAX, populate_slice, population);
		return;
	}
	if (store_is_loading(call->store)) {
		free_population(population);
		reply_error(call, "LOADING Redis is loading the dataset in memory");
		return;
	}
	for (int i = 0; i < POPULATE_SLICE && population->next < population->count && status == KEYSPACE_OK; i++) {
		status = populate_one(call, population);
		population->next += status == KEYSPACE_OK;
	}
	if (status == KEYSPACE_OK && population->next < population->count) {
		session_block(call, BLOCKED_SLICE, store_monotonic_ms(call->store) + 1, populate_slice, population);
		return;
	}
	free_population(population);
	if (status == KEYSPACE_OK)
		reply_ok(call);
	else
		reply_no_memory(call);
}

static void debug_populate(struct call *call)
{
	uint64_t count, value_len = 0;
	if (!parse_positive(call, 2, &count) || (call->argc > 4 && !parse_positive(call, 4, &value_len)))
		return;
	struct population *population = value_len <= POPULATE_VALUE_MAX ? calloc(1, sizeof(*population)) : NULL;
	if (population && value_len)
		population->value = calloc(1, value_len);
	if (!population || (value_len && !population->value)) {
		free(population);
		reply_no_memory(call);
		return;
	}
	population->count = count;
	population->value_len = value_len;
	call->session->state = population;
	populate_slice(call, WAKE_DEADLINE, NULL);
}

/* ---- replies ---- */

static void reply_numbers(struct call *call)
{
	for (int i = 0; i < 3; i++)
		reply_integer(call, i);
}

static void protocol_string(struct call *call) { reply_text(call, "Hello World"); }
static void protocol_integer(struct call *call) { reply_integer(call, 12345); }
static void protocol_double(struct call *call) { reply_double(call, 3.141); }
static void protocol_null(struct call *call) { reply_null(call); }
static void protocol_true(struct call *call) { reply_bool(call, true); }
static void protocol_false(struct call *call) { reply_bool(call, false); }
static void protocol_bignum(struct call *call) { reply_big_number(call, "1234567999999999999999999999999999999"); }

static void protocol_array(struct call *call)
{
	reply_array(call, 3);
	reply_numbers(call);
}

static void protocol_set(struct call *call)
{
	reply_set(call, 3);
	reply_numbers(call);
}

static void protocol_map(struct call *call)
{
	reply_map(call, 3);
	for (int i = 0; i < 3; i++) {
		reply_integer(call, i);
		reply_bool(call, i == 1);
	}
}

static void protocol_attrib(struct call *call)
{
	if (call->session->resp == RESP3) {
		reply_attribute(call, 1);
		reply_text(call, "key-popularity");
		reply_array(call, 2);
		reply_text(call, "key:123");
		reply_integer(call, 90);
	}
	reply_text(call, "Some real reply following the attribute");
}

static void protocol_push(struct call *call)
{
	if (call->session->resp == RESP2) {
		reply_error(call, "ERR RESP2 is not supported by this command");
		return;
	}
	reply_push(call, 2);
	reply_text(call, "server-cpu-usage");
	reply_integer(call, 42);
	reply_text(call, "Some real reply following the push reply");
}

static void protocol_verbatim(struct call *call)
{
	static const char text[] = "This is a verbatim\nstring";
	reply_verbatim(call, "txt", slice_of(text, sizeof(text) - 1));
}

static void debug_protocol(struct call *call)
{
	static const struct {
		const char *name;
		void (*reply)(struct call *call);
	} types[] = {
		{ "string", protocol_string }, { "integer", protocol_integer }, { "double", protocol_double },
		{ "bignum", protocol_bignum }, { "null", protocol_null }, { "array", protocol_array },
		{ "set", protocol_set }, { "map", protocol_map }, { "attrib", protocol_attrib },
		{ "push", protocol_push }, { "verbatim", protocol_verbatim }, { "true", protocol_true },
		{ "false", protocol_false },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (call_arg_is(call, 2, types[i].name)) {
			types[i].reply(call);
			return;
		}
	}
	reply_error(call, "ERR Wrong protocol type name. Please use one of the following: "
			  "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}

static void debug_error(struct call *call)
{
	struct slice text = call_arg(call, 2);
	reply_errorf(call, "%.*s", (int)strnlen((const char *)text.data, text.len), text.data);
}

/* ---- the server ---- */

/* Parsed by strtod(): text that is no number gives 0. */
static int64_t sleep_ms(struct slice seconds)
{
	char text[64] = "";
	memcpy(text, seconds.data, seconds.len < sizeof(text) - 1 ? seconds.len : sizeof(text) - 1);
	double ms = strtod(text, NULL) * 1000;
	return ms > 0 && ms < 1e12 ? (int64_t)ms : 0;
}

static void debug_sleep(struct call *call)
{
	int64_t ms = sleep_ms(call_arg(call, 2));
	store_freeze(call->store, store_monotonic_ms(call->store) + ms);
	call->slept_ns = (uint64_t)ms * 1000000;
	reply_ok(call);
}

static void debug_set_active_expire(struct call *call)
{
	char text[32] = "";
	struct slice arg = call_arg(call, 2);
	memcpy(text, arg.data, arg.len < sizeof(text) - 1 ? arg.len : sizeof(text) - 1);
	store_set_active_expiry(call->store, strtol(text, NULL, 10) != 0);
	reply_ok(call);
}

static void debug_change_repl_id(struct call *call)
{
	log_event(LOG_NOTICE, "Changing replication IDs after receiving change-repl-id");
	store_change_replication_id(call->store);
	reply_ok(call);
}

static void debug_log(struct call *call)
{
	struct slice text = call_arg(call, 2);
	log_event(LOG_WARNING, "DEBUG LOG: %.*s", (int)strnlen((const char *)text.data, text.len), text.data);
	reply_ok(call);
}

/* Does the pattern match a text of `length` letters a? */
static void debug_stringmatch_len(struct call *call)
{
	uint64_t len;
	if (!parse_positive(call, 2, &len))
		return;
	char *text = len <= POPULATE_VALUE_MAX ? malloc(len + 1) : NULL;
	if (!text) {
		reply_no_memory(call);
		return;
	}
	memset(text, 'a', len);
	reply_integer(call, glob_matches(call_arg(call, 3), slice_of(text, len), GLOB_EXACT_CASE));
	free(text);
}

static void debug_structsize(struct call *call)
{
	char text[128];
	snprintf(text, sizeof(text), "bits:%zu session:%zu call:%zu blob:%zu", sizeof(void *) * 8, sizeof(struct session),
		 sizeof(struct call), sizeof(struct blob));
	reply_text(call, text);
}

static void debug_panic(struct call *call)
{
	crash_broken_invariant("DEBUG PANIC was asked for by client %llu", (unsigned long long)call->session->connection.id);
}

static void debug_assert(struct call *call)
{
	crash_broken_invariant("DEBUG ASSERT was asked for by client %llu", (unsigned long long)call->session->connection.id);
}

static void debug_segfault(struct call *call)
{
	raise(SIGSEGV);
}

/* ---- the table ---- */

static void debug_help(struct call *call);

static const struct debug_command {
	const char *name;
	uint32_t least, most; /* number of arguments, including DEBUG and the name */
	void (*run)(struct call *call);
	const char *arguments, *meaning;
} debug_commands[] = {
	{ "assert", 2, 2, debug_assert, "", "Crash with a failed assertion." },
	{ "change-repl-id", 2, 2, debug_change_repl_id, "", "Change the replication id." },
	{ "digest", 2, 2, debug_digest, "", "Return a digest of all data, equal to Redis's for equal data." },
	{ "digest-value", 2, UINT32_MAX, debug_digest_value, " <key> [<key> ...]", "Return digests of the values of keys." },
	{ "error", 3, 3, debug_error, " <text>", "Reply with this text as an error." },
	{ "htstats", 3, 3, debug_htstats, " <database>", "Return statistics of a database's hash table." },
	{ "htstats-key", 3, 3, debug_htstats_key, " <key>", "The same for a value that is stored as a hash table." },
	{ "loadaof", 2, 2, debug_loadaof, "", "Load all data again from the append-only file." },
	{ "log", 3, 3, debug_log, " <text>", "Write this text to the log." },
	{ "object", 3, 3, debug_object, " <key>", "Return low-level information about a key and its value." },
	{ "panic", 2, 2, debug_panic, "", "Crash with a panic." },
	{ "populate", 3, 5, debug_populate, " <count> [<prefix>] [<size>]", "Create the keys key:0, key:1 and so on." },
	{ "protocol", 3, 3, debug_protocol, " <type>", "Reply with an example of a protocol type." },
	{ "reload", 2, 3, debug_reload, " [NOSAVE]", "Save all data to the RDB file, unless told not to, and load it." },
	{ "segfault", 2, 2, debug_segfault, "", "Crash with an invalid memory access." },
	{ "set-active-expire", 3, 3, debug_set_active_expire, " <0|1>", "Whether expired keys are removed without being accessed." },
	{ "sleep", 3, 3, debug_sleep, " <seconds>", "Execute nothing for this time." },
	{ "stringmatch-len", 4, 4, debug_stringmatch_len, " <length> <pattern>", "Match a pattern with a text of `length` letters a." },
	{ "structsize", 2, 2, debug_structsize, "", "Return the sizes of some structures in bytes." },
	{ "help", 2, 2, debug_help, "", "Show this help." },
};
#define DEBUG_COMMANDS (sizeof(debug_commands) / sizeof(debug_commands[0]))

static void debug_help(struct call *call)
{
	struct lines lines = { 0 };
	lines_add(&lines, "DEBUG <subcommand> [<arg> ...]. Subcommands are:");
	for (size_t i = 0; i < DEBUG_COMMANDS; i++) {
		char name[32] = "";
		for (size_t c = 0; debug_commands[i].name[c]; c++)
			name[c] = (char)toupper((unsigned char)debug_commands[i].name[c]);
		lines_add(&lines, "%s%s", name, debug_commands[i].arguments);
		lines_add(&lines, "    %s", debug_commands[i].meaning);
	}
	lines_reply(&lines, call);
}

void cmd_debug(struct call *call)
{
	for (size_t i = 0; i < DEBUG_COMMANDS; i++) {
		const struct debug_command *command = &debug_commands[i];
		if (call_arg_is(call, 1, command->name) && call->argc >= command->least && call->argc <= command->most) {
			command->run(call);
			return;
		}
	}
	reply_subcommand_error(call);
}

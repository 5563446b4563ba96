/*
 * A log holds a command because it changed the data. So what it answers doesn't matter, and its conditions usually hold; but a file may
 * have been written by hand, so conditions become guards.
 */
#include "actors/persistence/aof_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "actors/runtime/printable.h"
#include "storage/formats/dump.h"
#include "storage/keyspace.h"
#include "storage/types/string.h"
#include "transport/decimal.h"

/* The length of a wrong argument that an error shows. */
#define SHOWN_MAX 48
/* No limit on the number of arguments. */
#define ANY 0

/* Bits of a time. */
enum time_kind { TIME_MS = 0, TIME_S = 1, TIME_RELATIVE = 2 };

/* A command under way. */
struct input {
	struct aof_parser *parser;
	const struct command *command;
	const struct resp_arg *argv;
	uint32_t argc;
	struct frame_writer *out;
};

struct command {
	const char *name;
	uint32_t least, most; /* arguments, with the name; most may be ANY */
	bool (*parse)(struct input *in);
	int detail;           /* for the function */
};

/* ---- refusals ---- */

/* Macros, so that the compiler sees that the result is false and that what a refusal leaves unread is not used. */
#define refuse(in, ...) (note_refusal(in, __VA_ARGS__), false)
#define refuse_argument(in, index) (note_refused_argument(in, index), false)

static void note_refusal(struct input *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note_refusal(struct input *in, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(in->parser->error, sizeof(in->parser->error), format, arguments);
	va_end(arguments);
}

/* An argument for an error text: printable, and not all of it if it is long. */
struct shown {
	char text[4 * SHOWN_MAX + 1];
};

static struct shown show(const struct resp_arg *arg)
{
	char plain[SHOWN_MAX + 1];
	struct shown shown;
	size_t len = arg->len < SHOWN_MAX ? arg->len : SHOWN_MAX;
	memcpy(plain, arg->data, len);
	plain[len] = '\0';
	printable_escape(plain, shown.text, sizeof(shown.text));
	return shown;
}

static void note_refused_argument(struct input *in, uint32_t index)
{
	note_refusal(in, "'%s' with an argument that is not valid: '%s'", in->command->name, show(&in->argv[index]).text);
}

/* ---- arguments ---- */

static struct slice arg(const struct input *in, uint32_t index)
{
	return slice_of(in->argv[index].data, in->argv[index].len);
}

static bool arg_is(const struct input *in, uint32_t index, const char *word)
{
	size_t len = strlen(word);
	return in->argv[index].len == len && strncasecmp((const char *)in->argv[index].data, word, len) == 0;
}

static bool read_number(struct input *in, uint32_t index, int64_t *out_number)
{
	return decimal_parse_int64(in->argv[index].data, in->argv[index].len, out_number) || refuse_argument(in, index);
}

/* The compiler can't see that a refusal is false, so callers initialise what they pass. */
static bool read_database(struct input *in, uint32_t index, int64_t *out_database)
{
	int64_t number;
	if (!read_number(in, index, &number))
		return false;
	if (number < 0 || number > INT32_MAX)
		return refuse_argument(in, index);
	*out_database = number;
	return true;
}

/* A time as ms since 1970. The lowest numbers have a meaning of their own. */
static bool read_time(struct input *in, uint32_t index, int kind, int64_t *out_when_ms)
{
	int64_t when_ms;
	if (!read_number(in, index, &when_ms))
		return false;
	if (__builtin_mul_overflow(when_ms, kind & TIME_S ? 1000 : 1, &when_ms) ||
	    __builtin_add_overflow(when_ms, kind & TIME_RELATIVE ? in->parser->now_ms : 0, &when_ms) || when_ms <= EXPIRY_KEPT)
		return refuse_argument(in, index);
	*out_when_ms = when_ms;
	return true;
}

/* ---- effects ---- */

static bool add(struct input *in, struct effect effect)
{
	frame_append(in->out, &effect);
	return true;
}

/* An effect on the key in argument 1. */
static bool add_for_key(struct input *in, struct effect effect)
{
	effect.database = in->parser->database;
	effect.key = arg(in, 1);
	return add(in, effect);
}

static struct effect with_value(const struct input *in, uint32_t index, struct effect effect)
{
	if (in->argv[index].is_large)
		effect.blob = blob_from_data(in->argv[index].data);
	else
		effect.value = arg(in, index);
	return effect;
}

/* A guard leaves out the rest of a frame. A frame of ours may be a transaction, and has no conditions. */
static bool add_guard(struct input *in, struct effect effect, enum guard guard)
{
	if (in->parser->is_ours)
		return refuse(in, "'%s' with a condition, which this program does not write", in->command->name);
	effect.type = EFFECT_GUARD;
	effect.number = guard;
	return add(in, effect);
}

static bool guard_key(struct input *in, enum guard guard, int64_t operand)
{
	return add_guard(in, (struct effect){ .database = in->parser->database, .key = arg(in, 1), .result = operand }, guard);
}

/* ---- SET and GETEX ---- */

enum option_kind { OPTION_IGNORED, OPTION_TIME, OPTION_EXPIRY, OPTION_GUARD };

/* `detail`: the kind of the time that follows, an expiry, or a guard. */
static const struct option {
	const char *word;
	enum option_kind kind;
	int64_t detail;
} options[] = {
	{ "PXAT", OPTION_TIME, TIME_MS },
	{ "EXAT", OPTION_TIME, TIME_S },
	{ "PX", OPTION_TIME, TIME_MS | TIME_RELATIVE },
	{ "EX", OPTION_TIME, TIME_S | TIME_RELATIVE },
	{ "KEEPTTL", OPTION_EXPIRY, EXPIRY_KEPT },
	{ "PERSIST", OPTION_EXPIRY, NO_EXPIRY },
	{ "NX", OPTION_GUARD, GUARD_ABSENT },
	{ "XX", OPTION_GUARD, GUARD_PRESENT },
	{ "GET", OPTION_IGNORED, 0 },
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

static const struct option *find_option(const struct input *in, uint32_t index)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (arg_is(in, index, options[i].word))
			return &options[i];
	return NULL;
}

/* Reads the option at `*index` and moves `*index` to its last argument. */
static bool read_option(struct input *in, uint32_t *index, int64_t *when_ms)
{
	const struct option *option = find_option(in, *index);
	if (!option || (option->kind == OPTION_TIME && *index + 1 == in->argc))
		return refuse_argument(in, *index);
	switch (option->kind) {
	case OPTION_IGNORED: return true;
	case OPTION_TIME: return read_time(in, ++*index, (int)option->detail, when_ms);
	case OPTION_EXPIRY: *when_ms = option->detail; return true;
	case OPTION_GUARD: return guard_key(in, (enum guard)option->detail, 0);
	}
	return false;
}

/* Adds the guards; *when_ms is the expiry without an option that says otherwise, and becomes the one that holds. */
static bool read_options(struct input *in, uint32_t from, int64_t *when_ms)
{
	for (uint32_t i = from; i < in->argc; i++)
		if (!read_option(in, &i, when_ms))
			return false;
	return true;
}

static bool parse_set(struct input *in)
{
	int64_t when_ms = NO_EXPIRY;
	return read_options(in, 3, &when_ms) &&
	       add_for_key(in, with_value(in, 2, (struct effect){ .type = EFFECT_SET, .number = when_ms }));
}

/* The detail is the kind of its time. */
static bool parse_setex(struct input *in)
{
	int64_t when_ms;
	return read_time(in, 2, in->command->detail, &when_ms) &&
	       add_for_key(in, with_value(in, 3, (struct effect){ .type = EFFECT_SET, .number = when_ms }));
}

static bool parse_getex(struct input *in)
{
	int64_t when_ms = EXPIRY_KEPT;
	if (!read_options(in, 2, &when_ms))
		return false;
	if (when_ms == EXPIRY_KEPT)
		return true;
	return add_for_key(in, when_ms == NO_EXPIRY ? (struct effect){ .type = EFFECT_PERSIST } :
						      (struct effect){ .type = EFFECT_EXPIRE, .number = when_ms });
}

static bool parse_setnx(struct input *in)
{
	return guard_key(in, GUARD_ABSENT, 0) && parse_set(in);
}

/* ---- RESTORE ---- */

struct restore {
	bool replaces;
	int time_kind;
};

static bool read_restore_options(struct input *in, struct restore *restore)
{
	*restore = (struct restore){ .time_kind = TIME_MS | TIME_RELATIVE };
	for (uint32_t i = 4; i < in->argc; i++) {
		if (arg_is(in, i, "REPLACE"))
			restore->replaces = true;
		else if (arg_is(in, i, "ABSTTL"))
			restore->time_kind = TIME_MS;
		else if ((arg_is(in, i, "IDLETIME") || arg_is(in, i, "FREQ")) && i + 1 < in->argc)
			i++; /* how much a key is used is no part of the data */
		else
			return refuse_argument(in, i);
	}
	return true;
}

/* Decodes the payload; the value lies in the reader. */
static bool decode_payload(struct input *in, struct rdb_reader *reader, struct value *out_value)
{
	switch (dump_decode(reader, arg(in, 3), out_value)) {
	case DUMP_OK: return true;
	case DUMP_UNVERIFIED: return refuse(in, "'restore' with a payload of a newer version or a wrong checksum");
	case DUMP_NO_MEMORY: return refuse(in, "no memory for the payload of 'restore'");
	case DUMP_MALFORMED: break;
	}
	return refuse(in, "'restore' with %s", reader->error ? reader->error : "bytes after the value");
}

static bool add_restored(struct input *in, const struct restore *restore, struct effect effect)
{
	struct rdb_reader reader;
	struct value value;
	if (!restore->replaces && !guard_key(in, GUARD_ABSENT, 0))
		return false;
	if (!decode_payload(in, &reader, &value))
		return false;
	bool is_string = string_of_value(&value, &effect.value, &effect.blob);
	if (effect.blob)
		effect.value = slice_of(NULL, 0);
	bool is_added = is_string && add_for_key(in, effect);
	value_release(&value);
	return is_added;
}

static bool parse_restore(struct input *in)
{
	struct restore restore;
	int64_t ttl_ms, when_ms = NO_EXPIRY;
	if (!read_restore_options(in, &restore) || !read_number(in, 2, &ttl_ms))
		return false;
	if (ttl_ms != 0 && !read_time(in, 2, restore.time_kind, &when_ms))
		return false;
	return add_restored(in, &restore, (struct effect){ .type = EFFECT_SET, .number = when_ms });
}

/* ---- several keys ---- */

static bool parse_mset(struct input *in)
{
	if (in->argc % 2 == 0)
		return refuse(in, "wrong number of arguments for '%s'", in->command->name);
	for (uint32_t i = 1; i < in->argc; i += 2)
		add(in, with_value(in, i + 1, (struct effect){ .type = EFFECT_SET, .database = in->parser->database, .key = arg(in, i),
							       .number = NO_EXPIRY }));
	return true;
}

static bool parse_msetnx(struct input *in)
{
	for (uint32_t i = 1; i < in->argc; i += 2)
		if (!add_guard(in, (struct effect){ .database = in->parser->database, .key = arg(in, i) }, GUARD_ABSENT))
			return false;
	return parse_mset(in);
}

static bool parse_del(struct input *in)
{
	for (uint32_t i = 1; i < in->argc; i++)
		add(in, (struct effect){ .type = EFFECT_DEL, .database = in->parser->database, .key = arg(in, i) });
	return true;
}

/* ---- a change of a value ---- */

static bool add_increment(struct input *in, int64_t increment)
{
	return add_for_key(in, (struct effect){ .type = EFFECT_INCRBY, .number = increment, .result = RESULT_UNKNOWN });
}

/* The detail is the increment. */
static bool parse_incr(struct input *in)
{
	return add_increment(in, in->command->detail);
}

/* The detail is the sign. */
static bool parse_incrby(struct input *in)
{
	int64_t increment;
	if (!read_number(in, 2, &increment))
		return false;
	if (__builtin_mul_overflow(increment, in->command->detail, &increment))
		return refuse_argument(in, 2);
	return add_increment(in, increment);
}

static bool parse_incrbyfloat(struct input *in)
{
	return add_for_key(in, with_value(in, 2, (struct effect){ .type = EFFECT_ADDFLOAT }));
}

static bool parse_append(struct input *in)
{
	return add_for_key(in, with_value(in, 2, (struct effect){ .type = EFFECT_APPEND, .result = RESULT_UNKNOWN }));
}

/* Without bytes to write it changes nothing: it doesn't even fill a gap. */
static bool parse_setrange(struct input *in)
{
	int64_t offset;
	if (!read_number(in, 2, &offset))
		return false;
	return in->argv[3].len == 0 ||
	       add_for_key(in, with_value(in, 3, (struct effect){ .type = EFFECT_SETRANGE, .number = offset, .result = RESULT_UNKNOWN }));
}

/* ---- times to live ---- */

static const struct {
	const char *word;
	enum guard guard;
} conditions_of_expire[] = {
	{ "NX", GUARD_STAYS },
	{ "XX", GUARD_EXPIRES },
	{ "GT", GUARD_EXPIRES_BEFORE },
	{ "LT", GUARD_EXPIRES_AFTER },
};
#define CONDITIONS_OF_EXPIRE (sizeof(conditions_of_expire) / sizeof(conditions_of_expire[0]))

static bool read_condition(struct input *in, uint32_t index, int64_t when_ms)
{
	for (size_t i = 0; i < CONDITIONS_OF_EXPIRE; i++)
		if (arg_is(in, index, conditions_of_expire[i].word))
			return guard_key(in, conditions_of_expire[i].guard, when_ms);
	return refuse_argument(in, index);
}

/* The detail is the kind of its time. */
static bool parse_expire(struct input *in)
{
	int64_t when_ms;
	if (!read_time(in, 2, in->command->detail, &when_ms))
		return false;
	for (uint32_t i = 3; i < in->argc; i++)
		if (!read_condition(in, i, when_ms))
			return false;
	return add_for_key(in, (struct effect){ .type = EFFECT_EXPIRE, .number = when_ms });
}

static bool parse_persist(struct input *in)
{
	return add_for_key(in, (struct effect){ .type = EFFECT_PERSIST });
}

/* ---- keys that move ---- */

static bool parse_rename(struct input *in)
{
	return add_for_key(in, (struct effect){ .type = EFFECT_RENAME, .other_key = arg(in, 2) });
}

static bool parse_renamenx(struct input *in)
{
	return add_guard(in, (struct effect){ .database = in->parser->database, .key = arg(in, 2) }, GUARD_ABSENT) && parse_rename(in);
}

static bool parse_move(struct input *in)
{
	int64_t database = 0;
	return read_database(in, 2, &database) && add_for_key(in, (struct effect){ .type = EFFECT_MOVE, .number = database });
}

static bool parse_copy(struct input *in)
{
	int64_t database = in->parser->database;
	bool replaces = false;
	for (uint32_t i = 3; i < in->argc; i++) {
		if (arg_is(in, i, "REPLACE"))
			replaces = true;
		else if (!arg_is(in, i, "DB") || i + 1 == in->argc)
			return refuse_argument(in, i);
		else if (!read_database(in, ++i, &database))
			return false;
	}
	if (!replaces && !add_guard(in, (struct effect){ .database = (uint32_t)database, .key = arg(in, 2) }, GUARD_ABSENT))
		return false;
	return add_for_key(in, (struct effect){ .type = EFFECT_COPY, .other_key = arg(in, 2), .number = database });
}

/* ---- databases and transactions ---- */

static bool parse_select(struct input *in)
{
	int64_t database;
	if (!read_database(in, 1, &database))
		return false;
	in->parser->database = (uint32_t)database;
	return true;
}

static bool parse_swapdb(struct input *in)
{
	int64_t a = 0, b = 0;
	return read_database(in, 1, &a) && read_database(in, 2, &b) &&
	       add(in, (struct effect){ .type = EFFECT_SWAPDB, .database = (uint32_t)a, .number = b });
}

/* The detail is the effect. */
static bool parse_flush(struct input *in)
{
	if (in->argc > 1 && !arg_is(in, 1, "ASYNC") && !arg_is(in, 1, "SYNC"))
		return refuse_argument(in, 1);
	return add(in, (struct effect){ .type = (enum effect_type)in->command->detail, .database = in->parser->database });
}

static bool parse_multi(struct input *in)
{
	if (in->parser->is_in_transaction)
		return refuse(in, "MULTI inside of a transaction");
	in->parser->is_in_transaction = true;
	return true;
}

static bool parse_exec(struct input *in)
{
	if (!in->parser->is_in_transaction)
		return refuse(in, "EXEC without MULTI");
	in->parser->is_in_transaction = false;
	return true;
}

/* ---- the table: what is frequent comes first ---- */

static const struct command commands[] = {
	{ "set", 3, ANY, parse_set, 0 },
	{ "del", 2, ANY, parse_del, 0 },
	{ "multi", 1, 1, parse_multi, 0 },
	{ "exec", 1, 1, parse_exec, 0 },
	{ "select", 2, 2, parse_select, 0 },
	{ "incrby", 3, 3, parse_incrby, 1 },
	{ "incr", 2, 2, parse_incr, 1 },
	{ "append", 3, 3, parse_append, 0 },
	{ "pexpireat", 3, ANY, parse_expire, TIME_MS },
	{ "unlink", 2, ANY, parse_del, 0 },
	{ "mset", 3, ANY, parse_mset, 0 },
	{ "msetnx", 3, ANY, parse_msetnx, 0 },
	{ "setnx", 3, 3, parse_setnx, 0 },
	{ "setex", 4, 4, parse_setex, TIME_S | TIME_RELATIVE },
	{ "psetex", 4, 4, parse_setex, TIME_MS | TIME_RELATIVE },
	{ "getset", 3, 3, parse_set, 0 },
	{ "getex", 2, ANY, parse_getex, 0 },
	{ "getdel", 2, 2, parse_del, 0 },
	{ "decr", 2, 2, parse_incr, -1 },
	{ "decrby", 3, 3, parse_incrby, -1 },
	{ "incrbyfloat", 3, 3, parse_incrbyfloat, 0 },
	{ "setrange", 4, 4, parse_setrange, 0 },
	{ "expire", 3, ANY, parse_expire, TIME_S | TIME_RELATIVE },
	{ "pexpire", 3, ANY, parse_expire, TIME_MS | TIME_RELATIVE },
	{ "expireat", 3, ANY, parse_expire, TIME_S },
	{ "persist", 2, 2, parse_persist, 0 },
	{ "rename", 3, 3, parse_rename, 0 },
	{ "renamenx", 3, 3, parse_renamenx, 0 },
	{ "move", 3, 3, parse_move, 0 },
	{ "copy", 3, ANY, parse_copy, 0 },
	{ "restore", 4, ANY, parse_restore, 0 },
	{ "swapdb", 3, 3, parse_swapdb, 0 },
	{ "flushdb", 1, 2, parse_flush, EFFECT_FLUSHDB },
	{ "flushall", 1, 2, parse_flush, EFFECT_FLUSHALL },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const struct input *in)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (arg_is(in, 0, commands[i].name))
			return &commands[i];
	return NULL;
}

/* ---- frames ---- */

/* Of ours, a transaction is one frame. */
static bool joins_frame(const struct aof_parser *parser)
{
	return parser->is_ours && parser->is_in_transaction;
}

void aof_parser_init(struct aof_parser *parser, bool is_ours, int64_t now_ms)
{
	*parser = (struct aof_parser){ .is_ours = is_ours, .now_ms = now_ms };
}

bool aof_parse_command(struct aof_parser *parser, const struct resp_arg *argv, uint32_t argc, struct frame_writer *out)
{
	struct input in = { .parser = parser, .argv = argv, .argc = argc, .out = out };
	in.command = find_command(&in);
	if (!in.command)
		return refuse(&in, "unknown command '%s'", show(&argv[0]).text);
	if (argc < in.command->least || (in.command->most != ANY && argc > in.command->most))
		return refuse(&in, "wrong number of arguments for '%s'", in.command->name);
	if (!joins_frame(parser))
		frame_begin(out, NULL);
	if (!in.command->parse(&in))
		return false;
	if (!joins_frame(parser))
		frame_end(out);
	return true;
}

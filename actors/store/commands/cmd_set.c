/*
 * SET and other commands that set the value of a key; GETEX.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/store/commands/handlers.h"
#include "transport/decimal.h"

/* ---- storing an argument ---- */

/* Stores argument `value_index`. A blob is stored without copying it. */
static enum keyspace_status store_arg(struct call *call, uint32_t key_index, uint32_t value_index,
				      enum keyspace_ttl ttl, struct entry **out_entry)
{
	const struct resp_arg *value = &call->argv[value_index];
	if (value->is_large)
		return call_set_blob(call, key_index, blob_from_data(value->data), ttl, out_entry);
	return call_set_string(call, key_index, call_arg(call, value_index), ttl, out_entry);
}

/* The expiry time of the new value has passed already: only removes the old value. */
static void store_nothing(struct call *call)
{
	if (keyspace_find_any(call_keyspace(call), call_arg(call, 1), call_hash(call, 1)))
		call_remove(call, 1);
}

/* The value to store under argument 1. */
struct assignment {
	uint32_t value_index;
	enum keyspace_ttl ttl;
	int64_t when_ms; /* NO_EXPIRY: none given */
};

/*
 * Stores the value and its time to live. If memory runs out between the two, the key is removed, since otherwise it would never expire. This
 * cannot happen to an entry that already has a time to live.
 */
static bool assign(struct call *call, const struct assignment *what)
{
	struct entry *entry;
	bool expires = what->when_ms != NO_EXPIRY;
	if (expires && what->when_ms <= call->now_ms) {
		store_nothing(call);
		return true;
	}
	if (store_arg(call, 1, what->value_index, expires ? KEYSPACE_KEEP_TTL : what->ttl, &entry) != KEYSPACE_OK)
		return false;
	if (expires && keyspace_set_expiry(call_own_keyspace(call), &entry, what->when_ms) != KEYSPACE_OK) {
		keyspace_remove_entry(call_own_keyspace(call), entry);
		call_effect(call, &(struct effect){ .type = EFFECT_DEL, .key = call_arg(call, 1) });
		return false;
	}
	call_effect_value(call, EFFECT_SET, call->session->database, 1, entry);
	return true;
}

/* ---- options ---- */

enum set_flags {
	SET_NX = 1 << 0,
	SET_XX = 1 << 1,
	SET_IFEQ = 1 << 2,
	SET_GET = 1 << 3,
	SET_KEEPTTL = 1 << 4,
	SET_PERSIST = 1 << 5,
	SET_EX = 1 << 6,
	SET_PX = 1 << 7,
	SET_EXAT = 1 << 8,
	SET_PXAT = 1 << 9,
	SET_SECONDS = 1 << 10, /* a bare number */
};
#define SET_CONDITIONS (SET_NX | SET_XX | SET_IFEQ)
#define SET_TIMES (SET_EX | SET_PX | SET_EXAT | SET_PXAT | SET_SECONDS)

/* The options of SET and GETEX. */
#define OPTIONS_OF_SET (SET_CONDITIONS | SET_GET | SET_KEEPTTL | SET_TIMES)
#define OPTIONS_OF_GETEX ((SET_PERSIST | SET_TIMES) & ~SET_SECONDS)

struct set_options {
	uint32_t flags;
	uint32_t time_index;     /* argument with the number of EX, PX and so on; 0 without one */
	uint32_t expected_index; /* argument with the value of IFEQ */
};

/* The option words. `excludes`: flags that must not be set already. */
static const struct set_word {
	const char *word;
	uint32_t flag, excludes;
	bool takes_value;
} set_words[] = {
	{ "NX", SET_NX, SET_XX | SET_IFEQ, false },
	{ "XX", SET_XX, SET_NX | SET_IFEQ, false },
	{ "IFEQ", SET_IFEQ, SET_CONDITIONS, true },
	{ "GET", SET_GET, 0, false },
	{ "KEEPTTL", SET_KEEPTTL, SET_TIMES, false },
	{ "PERSIST", SET_PERSIST, SET_TIMES, false },
	{ "EX", SET_EX, SET_KEEPTTL | SET_PERSIST | (SET_TIMES & ~SET_EX), true },
	{ "PX", SET_PX, SET_KEEPTTL | SET_PERSIST | (SET_TIMES & ~SET_PX), true },
	{ "EXAT", SET_EXAT, SET_KEEPTTL | SET_PERSIST | (SET_TIMES & ~SET_EXAT), true },
	{ "PXAT", SET_PXAT, SET_KEEPTTL | SET_PERSIST | (SET_TIMES & ~SET_PXAT), true },
};
#define SET_WORDS (sizeof(set_words) / sizeof(set_words[0]))

static const struct set_word *find_set_word(const struct call *call, uint32_t index, uint32_t allowed)
{
	for (size_t i = 0; i < SET_WORDS; i++)
		if ((set_words[i].flag & allowed) && call_arg_is(call, index, set_words[i].word))
			return &set_words[i];
	return NULL;
}

/* `SET key value 60` is short for `SET key value EX 60`. This is unambiguous: no option begins with a digit. */
static bool parse_bare_seconds(const struct call *call, uint32_t index, struct set_options *options)
{
	int64_t seconds;
	if ((options->flags & (SET_TIMES | SET_KEEPTTL)) ||
	    !decimal_parse_int64(call->argv[index].data, call->argv[index].len, &seconds))
		return false;
	options->flags |= SET_SECONDS;
	options->time_index = index;
	return true;
}

/* Parses the option at `*index`, and moves `*index` to its last argument. */
static bool parse_set_option(const struct call *call, uint32_t *index, uint32_t allowed, struct set_options *options)
{
	const struct set_word *word = find_set_word(call, *index, allowed);
	if (!word && (allowed & SET_SECONDS))
		return parse_bare_seconds(call, *index, options);
	if (!word || (options->flags & word->excludes))
		return false;
	options->flags |= word->flag;
	if (!word->takes_value)
		return true;
	++*index;
	*(word->flag == SET_IFEQ ? &options->expected_index : &options->time_index) = *index;
	return *index < call->argc;
}

/* Parses the options from argument `from` on. False: the error reply has been written. */
static bool parse_set_options(struct call *call, uint32_t from, uint32_t allowed, struct set_options *options)
{
	*options = (struct set_options){ 0 };
	for (uint32_t i = from; i < call->argc; i++) {
		if (!parse_set_option(call, &i, allowed, options)) {
			reply_syntax_error(call);
			return false;
		}
	}
	return true;
}

void reply_invalid_expiry(struct call *call)
{
	char name[64];
	command_full_name(call->command, name, sizeof(name));
	reply_errorf(call, "ERR invalid expire time in '%s' command", name);
}

bool expiry_from_number(int64_t number, int64_t unit_ms, int64_t base_ms, int64_t *out_when_ms)
{
	int64_t ms;
	return !__builtin_mul_overflow(number, unit_ms, &ms) && !__builtin_add_overflow(ms, base_ms, out_when_ms);
}

/* Argument `index` must be a number above 0. False: the error reply has been written. */
static bool read_time(struct call *call, uint32_t index, int64_t unit_ms, int64_t base_ms, int64_t *out_when_ms)
{
	int64_t number;
	if (!call_arg_int64(call, index, &number))
		return false;
	if (number > 0 && expiry_from_number(number, unit_ms, base_ms, out_when_ms))
		return true;
	reply_invalid_expiry(call);
	return false;
}

/* The expiry time given by the options, or NO_EXPIRY. False: the error reply has been written. */
static bool read_option_time(struct call *call, const struct set_options *options, int64_t *out_when_ms)
{
	*out_when_ms = NO_EXPIRY;
	if (options->time_index == 0)
		return true;
	int64_t unit_ms = options->flags & (SET_EX | SET_EXAT | SET_SECONDS) ? 1000 : 1;
	int64_t base_ms = options->flags & (SET_EX | SET_PX | SET_SECONDS) ? call->now_ms : 0;
	return read_time(call, options->time_index, unit_ms, base_ms, out_when_ms);
}

/* ---- the old value ---- */

/* Kept until the new value is stored, since until then the reply may still be an error. */
struct former {
	bool is_there;
	struct blob *blob;
	struct slice value; /* owned; unused if there is a blob */
};

static bool former_keep(struct former *former, const struct entry *entry)
{
	*former = (struct former){ .is_there = entry != NULL };
	if (!entry)
		return true;
	former->blob = entry_blob(entry);
	if (former->blob) {
		blob_hold(former->blob);
		return true;
	}
	struct slice value = entry_string(entry);
	uint8_t *copy = malloc(value.len ? value.len : 1);
	if (!copy)
		return false;
	memcpy(copy, value.data, value.len);
	former->value = slice_of(copy, value.len);
	return true;
}

static void former_reply(const struct former *former, struct call *call)
{
	if (!former->is_there)
		reply_null(call);
	else if (former->blob)
		reply_blob(call, former->blob);
	else
		reply_bulk(call, former->value);
}

static void former_drop(struct former *former)
{
	blob_release(&former->blob);
	free((void *)former->value.data);
}

/* Replies with the old value, and stores the new one unless `what` is NULL. */
static void assign_and_get(struct call *call, const struct entry *entry, const struct assignment *what)
{
	struct former former;
	if (!former_keep(&former, entry) || (what && !assign(call, what)))
		reply_no_memory(call);
	else
		former_reply(&former, call);
	former_drop(&former);
}

/* ---- the need for memory ---- */

/* The entry that a large value overwrites; NULL without one. In pairs of keys and values, the value follows its key. */
static const struct entry *find_overwritten(const struct call *call, uint32_t key_index)
{
	bool is_in_pairs = call->command->key_step > 1;
	if (is_in_pairs && (key_index + 1 >= call->argc || !call->argv[key_index + 1].is_large))
		return NULL;
	return keyspace_find(call_keyspace(call), call_arg(call, key_index), call_hash(call, key_index), call->now_ms);
}

static uint32_t end_of_keys(const struct call *call)
{
	const struct command *command = call->command;
	return (command->last_key < 0 ? call->argc : 1) + (uint32_t)command->last_key;
}

void need_of_overwriting(const struct call *call, struct memory_need *need)
{
	for (uint32_t i = 1; need->growth > 0 && i < end_of_keys(call); i += (uint32_t)call->command->key_step) {
		const struct entry *entry = find_overwritten(call, i);
		size_t freed = entry ? entry_freed_bytes(entry) : 0;
		need->growth -= freed < need->growth ? freed : need->growth;
	}
}

/* Nothing is stored if one of the keys exists. */
void need_of_inserting(const struct call *call, struct memory_need *need)
{
	for (uint32_t i = 1; need->growth > 0 && i < end_of_keys(call); i += (uint32_t)call->command->key_step)
		if (find_overwritten(call, i))
			*need = (struct memory_need){ 0 };
}

/* ---- SET ---- */

static bool condition_holds(const struct call *call, const struct set_options *options, const struct entry *entry)
{
	if (options->flags & SET_NX)
		return !entry;
	if (options->flags & SET_XX)
		return entry;
	if (options->flags & SET_IFEQ)
		return entry && slice_equal(entry_string(entry), call_arg(call, options->expected_index));
	return true;
}

static void set_with_options(struct call *call, const struct set_options *options)
{
	struct assignment what = { .value_index = 2 };
	struct entry *entry = NULL;
	what.ttl = options->flags & SET_KEEPTTL ? KEYSPACE_KEEP_TTL : KEYSPACE_DROP_TTL;
	if (!read_option_time(call, options, &what.when_ms))
		return;
	if (options->flags & SET_GET)
		entry = call_find_to_read(call, 1);
	else if (options->flags & SET_CONDITIONS)
		entry = call_find(call, 1);
	if ((options->flags & (SET_GET | SET_IFEQ)) && entry && entry_type(entry) != ENTRY_STRING) {
		reply_wrong_type(call);
		return;
	}
	bool stores = condition_holds(call, options, entry);
	if (options->flags & SET_GET)
		assign_and_get(call, entry, stores ? &what : NULL);
	else if (!stores)
		reply_null(call);
	else if (assign(call, &what))
		reply_ok(call);
	else
		reply_no_memory(call);
}

void cmd_set(struct call *call)
{
	struct set_options options;
	if (parse_set_options(call, 3, OPTIONS_OF_SET, &options))
		set_with_options(call, &options);
}

void cmd_setnx(struct call *call)
{
	struct assignment what = { .value_index = 2, .ttl = KEYSPACE_DROP_TTL, .when_ms = NO_EXPIRY };
	if (call_find(call, 1))
		reply_integer(call, 0);
	else if (assign(call, &what))
		reply_integer(call, 1);
	else
		reply_no_memory(call);
}

static void set_for_a_time(struct call *call, int64_t unit_ms)
{
	struct assignment what = { .value_index = 3 };
	if (!read_time(call, 2, unit_ms, call->now_ms, &what.when_ms))
		return;
	if (assign(call, &what))
		reply_ok(call);
	else
		reply_no_memory(call);
}

void cmd_setex(struct call *call)
{
	set_for_a_time(call, 1000);
}

void cmd_psetex(struct call *call)
{
	set_for_a_time(call, 1);
}

void cmd_getset(struct call *call)
{
	struct assignment what = { .value_index = 2, .ttl = KEYSPACE_DROP_TTL, .when_ms = NO_EXPIRY };
	struct entry *entry;
	if (call_read_string(call, 1, &entry))
		assign_and_get(call, entry, &what);
}

/* ---- several keys ---- */

/* If out of memory for a pair, the pairs before it stay: keeping the old values for a rollback would need more memory. */
static bool assign_pairs(struct call *call)
{
	struct entry *entry;
	for (uint32_t i = 1; i < call->argc; i += 2) {
		if (store_arg(call, i, i + 1, KEYSPACE_DROP_TTL, &entry) != KEYSPACE_OK) {
			reply_no_memory(call);
			return false;
		}
		call_effect_value(call, EFFECT_SET, call->session->database, i, entry);
	}
	return true;
}

void cmd_mset(struct call *call)
{
	if (call->argc % 2 == 0)
		reply_wrong_arity(call);
	else if (assign_pairs(call))
		reply_ok(call);
}

void cmd_msetnx(struct call *call)
{
	if (call->argc % 2 == 0) {
		reply_wrong_arity(call);
		return;
	}
	for (uint32_t i = 1; i < call->argc; i += 2) {
		if (call_find(call, i)) {
			reply_integer(call, 0);
			return;
		}
	}
	if (assign_pairs(call))
		reply_integer(call, 1);
}

/* ---- GETEX ---- */

/* False if out of memory. */
static bool change_expiry(struct call *call, struct entry **entry, bool persists, int64_t when_ms)
{
	struct effect effect = { .type = EFFECT_PERSIST, .key = call_arg(call, 1) };
	enum keyspace_status status;
	if (persists && entry_has_expiry(*entry)) {
		status = keyspace_clear_expiry(call_own_keyspace(call), entry);
	} else if (when_ms != NO_EXPIRY) {
		effect.type = EFFECT_EXPIRE;
		effect.number = when_ms;
		status = keyspace_set_expiry(call_own_keyspace(call), entry, when_ms);
	} else {
		return true;
	}
	if (status == KEYSPACE_OK)
		call_effect(call, &effect);
	return status == KEYSPACE_OK;
}

/* Changes the time to live first: that can fail, replying with the value cannot. */
void cmd_getex(struct call *call)
{
	struct set_options options;
	struct entry *entry;
	int64_t when_ms;
	if (!parse_set_options(call, 2, OPTIONS_OF_GETEX, &options) || !call_read_string(call, 1, &entry))
		return;
	if (!entry) {
		reply_null(call);
		return;
	}
	if (!read_option_time(call, &options, &when_ms))
		return;
	if (when_ms != NO_EXPIRY && when_ms <= call->now_ms) {
		reply_entry(call, entry);
		store_nothing(call);
	} else if (change_expiry(call, &entry, options.flags & SET_PERSIST, when_ms)) {
		reply_entry(call, entry);
	} else {
		reply_no_memory(call);
	}
}

#include "actors/store/commands/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actors/store/commands/grammar.h"
#include "actors/store/commands/handlers.h"

/*
 * The rows of commands.def in order, so that a container is followed by its subcommands. command_table_init() converts lists of words to
 * bits.
 */
struct row {
	const char *name;
	bool is_subcommand;
	command_handler *handler;
	int32_t arity;
	const char *flags, *categories, *keys, *tips;
	const char *since, *group, *complexity, *summary;
	const char *arguments, *reply;
};

static const struct row rows[] = {
#define COMMAND(name, handler, ...) { name, false, handler, __VA_ARGS__ },
#define CONTAINER(name, since, group, summary) \
	{ name, false, NULL, -2, "", "", "", "", since, group, "Depends on subcommand.", summary, "", "any" },
#define SUBCOMMAND(name, handler, ...) { name, true, handler, __VA_ARGS__ },
#define DOC_FLAG(...)
#define NEED(...)
#include "actors/store/commands/commands.def"
#undef NEED
#undef DOC_FLAG
#undef COMMAND
#undef CONTAINER
#undef SUBCOMMAND
};
#define COMMANDS (sizeof(rows) / sizeof(rows[0]))

static const struct doc_flag doc_flags[] = {
#define COMMAND(...)
#define CONTAINER(...)
#define SUBCOMMAND(...)
#define DOC_FLAG(name, flag, since, instead) { name, flag, since, instead },
#define NEED(...)
#include "actors/store/commands/commands.def"
#undef NEED
#undef DOC_FLAG
};
#define DOC_FLAGS (sizeof(doc_flags) / sizeof(doc_flags[0]))

static const struct {
	const char *name;
	command_need *need;
} needs[] = {
#define DOC_FLAG(...)
#define NEED(name, function) { name, function },
#include "actors/store/commands/commands.def"
#undef COMMAND
#undef CONTAINER
#undef SUBCOMMAND
#undef NEED
#undef DOC_FLAG
};
#define NEEDS (sizeof(needs) / sizeof(needs[0]))

static struct command commands[COMMANDS];

/* ---- words of the table ---- */

static const struct bit_name flag_names[] = {
	{ "write", COMMAND_WRITE },
	{ "readonly", COMMAND_READONLY },
	{ "denyoom", COMMAND_DENYOOM },
	{ "admin", COMMAND_ADMIN },
	{ "pubsub", COMMAND_PUBSUB },
	{ "noscript", COMMAND_NOSCRIPT },
	{ "blocking", COMMAND_BLOCKING },
	{ "loading", COMMAND_LOADING },
	{ "stale", COMMAND_STALE },
	{ "skip_monitor", COMMAND_SKIP_MONITOR },
	{ "skip_slowlog", COMMAND_SKIP_SLOWLOG },
	{ "fast", COMMAND_FAST },
	{ "no_auth", COMMAND_NO_AUTH },
	{ "may_replicate", COMMAND_MAY_REPLICATE },
	{ "no_mandatory_keys", COMMAND_NO_MANDATORY_KEYS },
	{ "protected", COMMAND_PROTECTED },
	{ "no_async_loading", COMMAND_NO_ASYNC_LOADING },
	{ "no_multi", COMMAND_NO_MULTI },
	{ "movablekeys", COMMAND_MOVABLEKEYS },
	{ "allow_busy", COMMAND_ALLOW_BUSY },
	{ NULL, 0 },
};

static const struct bit_name key_names[] = {
	{ "RO", KEY_RO },
	{ "RW", KEY_RW },
	{ "OW", KEY_OW },
	{ "RM", KEY_RM },
	{ "access", KEY_ACCESS },
	{ "update", KEY_UPDATE },
	{ "insert", KEY_INSERT },
	{ "delete", KEY_DELETE },
	{ "not_key", KEY_NOT_KEY },
	{ "incomplete", KEY_INCOMPLETE },
	{ "variable_flags", KEY_VARIABLE_FLAGS },
	{ NULL, 0 },
};

enum acl_category {
	ACL_READ = 1 << 1,
	ACL_WRITE = 1 << 2,
	ACL_PUBSUB = 1 << 12,
	ACL_ADMIN = 1 << 13,
	ACL_FAST = 1 << 14,
	ACL_SLOW = 1 << 15,
	ACL_BLOCKING = 1 << 16,
	ACL_DANGEROUS = 1 << 17,
	ACL_SCRIPTING = 1 << 20,
};

static const struct bit_name category_names[] = {
	{ "keyspace", 1 << 0 },
	{ "read", ACL_READ },
	{ "write", ACL_WRITE },
	{ "set", 1 << 3 },
	{ "sortedset", 1 << 4 },
	{ "list", 1 << 5 },
	{ "hash", 1 << 6 },
	{ "string", 1 << 7 },
	{ "bitmap", 1 << 8 },
	{ "hyperloglog", 1 << 9 },
	{ "geo", 1 << 10 },
	{ "stream", 1 << 11 },
	{ "pubsub", ACL_PUBSUB },
	{ "admin", ACL_ADMIN },
	{ "fast", ACL_FAST },
	{ "slow", ACL_SLOW },
	{ "blocking", ACL_BLOCKING },
	{ "dangerous", ACL_DANGEROUS },
	{ "connection", 1 << 18 },
	{ "transaction", 1 << 19 },
	{ "scripting", ACL_SCRIPTING },
	{ NULL, 0 },
};

const struct doc_flag *command_doc_flag(const struct command *command)
{
	char name[64];
	command_full_name(command, name, sizeof(name));
	for (size_t i = 0; i < DOC_FLAGS; i++)
		if (strcmp(doc_flags[i].name, name) == 0)
			return &doc_flags[i];
	return NULL;
}

const struct bit_name *command_flag_names(void)
{
	return flag_names;
}

const struct bit_name *key_flag_names(void)
{
	return key_names;
}

const struct bit_name *acl_category_names(void)
{
	return category_names;
}

uint64_t acl_category_bit(struct slice name)
{
	const struct bit_name *known = category_names;
	while (known->name && !(strlen(known->name) == name.len &&
				strncasecmp(known->name, (const char *)name.data, name.len) == 0))
		known++;
	return known->bit;
}

static void table_is_wrong(const char *name, const char *what, const char *where)
{
	fprintf(stderr, "command table: %s: %s: \"%s\"\n", name, what, where);
	abort();
}

static uint64_t parse_words(const char *name, const char *text, const struct bit_name *names)
{
	uint64_t bits = 0;
	for (const char *at = text; *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");
		const struct bit_name *known = names;
		while (known->name && (strlen(known->name) != len || memcmp(known->name, at, len) != 0))
			known++;
		if (!known->name)
			table_is_wrong(name, "unknown word", at);
		bits |= known->bit;
		at += len;
	}
	return bits;
}

/* Categories that follow from the flags, as in Redis, since ACL rules rely on them. */
static uint64_t implied_categories(uint32_t flags, uint64_t categories)
{
	uint64_t implied = 0;
	if (flags & COMMAND_WRITE)
		implied |= ACL_WRITE;
	if ((flags & COMMAND_READONLY) && !(categories & ACL_SCRIPTING))
		implied |= ACL_READ;
	if (flags & COMMAND_ADMIN)
		implied |= ACL_ADMIN | ACL_DANGEROUS;
	if (flags & COMMAND_PUBSUB)
		implied |= ACL_PUBSUB;
	if (flags & COMMAND_BLOCKING)
		implied |= ACL_BLOCKING;
	return implied | (flags & COMMAND_FAST ? ACL_FAST : ACL_SLOW);
}

/* ---- key positions ---- */

/* "1", "1..-1" or "1..-1/2"; "?" or "?WORD". Returns the rest of the text. */
static const char *parse_positions(const char *name, const char *text, struct key_spec *spec)
{
	char *end;
	if (*text == '?') {
		spec->keyword = slice_of(text + 1, strcspn(text + 1, " "));
		return text + 1 + spec->keyword.len;
	}
	spec->first = spec->last = (int32_t)strtol(text, &end, 10);
	if (strncmp(end, "..", 2) == 0)
		spec->last = (int32_t)strtol(end + 2, &end, 10);
	if (*end == '/')
		spec->step = (int32_t)strtol(end + 1, &end, 10);
	if (spec->first < 1 || spec->step < 1 || (spec->last >= 0 && spec->last < spec->first))
		table_is_wrong(name, "key positions", text);
	return end;
}

/* One specification: positions, then words. Returns the rest of the text. */
static const char *parse_key_spec(const char *name, const char *text, struct key_spec *out_spec)
{
	char words[64];
	struct key_spec spec = { .step = 1 };
	const char *end = parse_positions(name, text, &spec);
	size_t len = strcspn(end, ";");
	if (*end != ' ' || len >= sizeof(words))
		table_is_wrong(name, "key positions", text);
	memcpy(words, end + 1, len - 1);
	words[len - 1] = '\0';
	spec.flags = (uint32_t)parse_words(name, words, key_names);
	if (__builtin_popcount(spec.flags & (KEY_RO | KEY_RW | KEY_OW | KEY_RM)) != 1)
		table_is_wrong(name, "a key needs one of RO RW OW RM", text);
	*out_spec = spec;
	end += len;
	return *end ? end + 1 + strspn(end + 1, " ") : end;
}

/* Also sets first_key, last_key and key_step: one range that covers all specifications with positions. */
static void parse_keys(struct command *command, const char *text)
{
	while (*text) {
		if (command->key_spec_count == KEY_SPECS_MAX)
			table_is_wrong(command->name, "too many key specifications", text);
		text = parse_key_spec(command->name, text, &command->key_specs[command->key_spec_count++]);
	}
	if (command->key_spec_count == 0)
		return;
	struct key_spec *first = &command->key_specs[0], *last = &command->key_specs[command->key_spec_count - 1];
	while (last > first && last->first == 0)
		last--;
	command->first_key = first->first;
	command->last_key = last->last;
	command->key_step = first->step;
}

/* ---- lookup ---- */

/*
 * One open-addressed hash table for commands and subcommands. A slot holds the length of the name and its first eight bytes, in lower case
 * and padded with zeros. That identifies most commands; the rest of a longer name is compared with the command's name. The table is built
 * once and at most a quarter full, so a lookup rarely sees a second slot.
 */
#define NAME_BYTES_MAX 32
#define NO_CONTAINER UINT32_MAX

struct slot {
	uint64_t word;
	const struct command *command; /* NULL: empty */
	uint32_t container;            /* number of the container, or NO_CONTAINER */
	uint32_t len;
};

#define SLOT_BITS 11
#define SLOTS (1u << SLOT_BITS)
_Static_assert(COMMANDS * 4 <= SLOTS, "the look-up table has become too small");
static struct slot slots[SLOTS];

/* Converts A to Z to lower case in eight bytes at once. */
static uint64_t fold_case(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t low = word & (0x7f * ones);
	uint64_t above_z = low + (0x7f - 'Z') * ones;
	uint64_t from_a = low + (0x80 - 'A') * ones;
	uint64_t is_upper = (from_a ^ above_z) & ~word & (0x80 * ones);
	return word | is_upper >> 2;
}

/* Loads the first eight bytes, or all of a shorter name, by overlapping loads of fixed sizes: a copy of variable length would cost more
 * than the rest of a lookup. Little-endian machines only. */
static uint64_t load_word(const uint8_t *name, size_t len)
{
	uint64_t word = 0;
	uint32_t head, tail;
	if (len >= 8) {
		memcpy(&word, name, 8);
	} else if (len >= 4) {
		memcpy(&head, name, 4);
		memcpy(&tail, name + len - 4, 4);
		word = head | (uint64_t)tail << (8 * (len - 4));
	} else {
		word = name[0] | (uint64_t)name[len / 2] << (8 * (len / 2)) | (uint64_t)name[len - 1] << (8 * (len - 1));
	}
	return fold_case(word);
}

static bool is_same_rest(const char *known, const uint8_t *name, size_t len)
{
	for (size_t i = 8; i < len; i++)
		if ((uint8_t)known[i] != (uint8_t)(name[i] | (uint8_t)(name[i] >= 'A' && name[i] <= 'Z') << 5))
			return false;
	return true;
}

/* The slot that holds the name, or the empty slot where it belongs; NULL if no name has this length. */
static struct slot *find_slot(uint32_t container, const uint8_t *name, size_t len)
{
	if (len == 0 || len > NAME_BYTES_MAX)
		return NULL;
	uint64_t word = load_word(name, len);
	uint64_t hash = (word ^ (uint64_t)container << 32 ^ len << 24) * 0x9e3779b97f4a7c15u;
	for (uint32_t at = (uint32_t)(hash >> (64 - SLOT_BITS));; at = (at + 1) & (SLOTS - 1)) {
		struct slot *slot = &slots[at];
		if (!slot->command)
			return slot;
		if (slot->word == word && slot->len == len && slot->container == container &&
		    is_same_rest(slot->command->name, name, len))
			return slot;
	}
}

static const struct command *find(uint32_t container, const void *name, size_t len)
{
	const struct slot *slot = find_slot(container, name, len);
	return slot ? slot->command : NULL;
}

const struct command *command_find(const void *name, size_t len)
{
	return find(NO_CONTAINER, name, len);
}

const struct command *command_find_subcommand(const struct command *container, const void *name, size_t len)
{
	return find(container->number, name, len);
}

static void add_to_look_up(const struct command *command)
{
	uint32_t container = command->parent ? command->parent->number : NO_CONTAINER;
	const uint8_t *name = (const uint8_t *)command->name;
	size_t len = strlen(command->name);
	struct slot *slot = find_slot(container, name, len);
	if (!slot || slot->command)
		table_is_wrong(command->name, slot ? "duplicate name" : "length of the name", command->name);
	for (size_t i = 0; i < len; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			table_is_wrong(command->name, "upper-case letters in the name", command->name);
	*slot = (struct slot){ load_word(name, len), command, container, (uint32_t)len };
}

/* ---- building the table ---- */

static void check_grammar(const struct command *command)
{
	struct argument arguments[GRAMMAR_NODES_MAX];
	struct shape shapes[GRAMMAR_NODES_MAX];
	const char *error;
	if (arguments_parse(command->arguments, arguments, &error) < 0)
		table_is_wrong(command->name, error, command->arguments);
	if (shape_parse(command->reply, shapes, &error) < 0)
		table_is_wrong(command->name, error, command->reply);
}

/* Key positions must be within the minimum number of arguments. */
static void check_positions(const struct command *command)
{
	int32_t fewest = command->arity < 0 ? -command->arity : command->arity;
	if (command->arity == 0 || fewest < (command->parent ? 2 : 1))
		table_is_wrong(command->name, "arity", "");
	for (uint32_t i = 0; i < command->key_spec_count; i++)
		if (command->key_specs[i].first >= fewest || command->key_specs[i].last >= fewest)
			table_is_wrong(command->name, "a key position after the last argument", "");
}

static void fill_command(struct command *command, const struct row *row, struct command *container)
{
	uint64_t categories = parse_words(row->name, row->categories, category_names);
	uint32_t flags = (uint32_t)parse_words(row->name, row->flags, flag_names);
	*command = (struct command){
		.name = row->name,
		.number = (uint32_t)(command - commands),
		.handler = row->handler,
		.arity = row->arity,
		.flags = flags,
		.acl_categories = categories | implied_categories(flags, categories),
		.tips = row->tips,
		.since = row->since,
		.group = row->group,
		.complexity = row->complexity,
		.summary = row->summary,
		.arguments = row->arguments,
		.reply = row->reply,
	};
	parse_keys(command, row->keys);
	if (!row->is_subcommand)
		return;
	if (!container)
		table_is_wrong(row->name, "a subcommand without a container", "");
	command->parent = container;
	container->subcommands = container + 1;
	container->subcommand_count++;
}

static command_need *find_need(const struct command *command)
{
	char name[64];
	command_full_name(command, name, sizeof(name));
	for (size_t i = 0; i < NEEDS; i++)
		if (strcmp(needs[i].name, name) == 0)
			return needs[i].need;
	return NULL;
}

void command_table_init(void)
{
	struct command *container = NULL;
	memset(slots, 0, sizeof(slots));
	for (size_t i = 0; i < COMMANDS; i++) {
		fill_command(&commands[i], &rows[i], container);
		if (!rows[i].is_subcommand)
			container = &commands[i];
		commands[i].need = find_need(&commands[i]);
		add_to_look_up(&commands[i]);
		check_grammar(&commands[i]);
		check_positions(&commands[i]);
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!commands[i].handler && commands[i].subcommand_count == 0)
			table_is_wrong(commands[i].name, "neither a handler nor subcommands", "");
}

uint32_t command_count(void)
{
	return COMMANDS;
}

const struct command *command_at(uint32_t number)
{
	return &commands[number];
}

/* "get" or "config|get". */
const struct command *command_find_full(struct slice name)
{
	const uint8_t *bar = name.len ? memchr(name.data, '|', name.len) : NULL;
	if (!bar)
		return command_find(name.data, name.len);
	size_t len = (size_t)(bar - name.data);
	const struct command *container = command_find(name.data, len);
	return container ? command_find_subcommand(container, bar + 1, name.len - len - 1) : NULL;
}

void command_full_name(const struct command *command, char *out, size_t size)
{
	if (command->parent)
		snprintf(out, size, "%s|%s", command->parent->name, command->name);
	else
		snprintf(out, size, "%s", command->name);
}

bool command_arity_fits(const struct command *command, uint32_t argc)
{
	int64_t arity = command->arity;
	return arity >= 0 ? argc == arity : argc >= -arity;
}

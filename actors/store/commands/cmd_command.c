#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/store/commands/grammar.h"
#include "actors/store/commands/handlers.h"
#include "storage/glob.h"

/* ---- COMMAND INFO ---- */

/* Replies with the names of the set bits as a set of simple strings. */
static void reply_bit_names(struct call *call, uint64_t bits, const struct bit_name *names, const char *prefix)
{
	char text[40];
	reply_set(call, (size_t)__builtin_popcountll(bits));
	for (; names->name; names++) {
		if (!(bits & names->bit))
			continue;
		snprintf(text, sizeof(text), "%s%s", prefix, names->name);
		reply_simple(call, text);
	}
}

static void reply_words(struct call *call, const char *text)
{
	size_t count = 0;
	for (const char *at = text; *at; at += strspn(at, " "))
		at += strcspn(at, " "), count++;
	reply_set(call, count);
	for (const char *at = text; *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");
		reply_bulk(call, slice_of(at, len));
		at += len;
	}
}

static void reply_pair(struct call *call, const char *name, int64_t value)
{
	reply_text(call, name);
	reply_integer(call, value);
}

static void reply_search(struct call *call, const char *name, const char *type, size_t pairs)
{
	reply_text(call, name);
	reply_map(call, 2);
	reply_text(call, "type");
	reply_text(call, type);
	reply_text(call, "spec");
	reply_map(call, pairs);
}

/* In COMMAND INFO the last key is relative to the first, or counts from the end. */
static void reply_key_spec(struct call *call, const struct key_spec *spec)
{
	reply_map(call, 3);
	reply_text(call, "flags");
	reply_bit_names(call, spec->flags, key_flag_names(), "");
	if (spec->first == 0) {
		reply_search(call, "begin_search", "unknown", 0);
		reply_search(call, "find_keys", "unknown", 0);
		return;
	}
	reply_search(call, "begin_search", "index", 1);
	reply_pair(call, "index", spec->first);
	reply_search(call, "find_keys", "range", 3);
	reply_pair(call, "lastkey", spec->last < 0 ? spec->last : spec->last - spec->first);
	reply_pair(call, "keystep", spec->step);
	reply_pair(call, "limit", 0);
}

static void reply_command_name(struct call *call, const struct command *command)
{
	char name[64];
	command_full_name(command, name, sizeof(name));
	reply_text(call, name);
}

/* COMMAND_PROTECTED is internal and not shown. */
static void reply_command_info(struct call *call, const struct command *command)
{
	reply_array(call, 10);
	reply_command_name(call, command);
	reply_integer(call, command->arity);
	reply_bit_names(call, command->flags & ~(uint32_t)COMMAND_PROTECTED, command_flag_names(), "");
	reply_integer(call, command->first_key);
	reply_integer(call, command->last_key);
	reply_integer(call, command->key_step);
	reply_bit_names(call, command->acl_categories, acl_category_names(), "@");
	reply_words(call, command->tips);
	reply_set(call, command->key_spec_count);
	for (uint32_t i = 0; i < command->key_spec_count; i++)
		reply_key_spec(call, &command->key_specs[i]);
	if (command->subcommand_count == 0) {
		reply_set(call, 0);
		return;
	}
	reply_array(call, command->subcommand_count);
	for (uint32_t i = 0; i < command->subcommand_count; i++)
		reply_command_info(call, &command->subcommands[i]);
}

static uint32_t top_level_count(void)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < command_count(); i++)
		count += command_at(i)->parent == NULL;
	return count;
}

static void reply_all_infos(struct call *call)
{
	reply_array(call, top_level_count());
	for (uint32_t i = 0; i < command_count(); i++)
		if (!command_at(i)->parent)
			reply_command_info(call, command_at(i));
}

void cmd_command(struct call *call)
{
	reply_all_infos(call);
}

void cmd_command_count(struct call *call)
{
	reply_integer(call, top_level_count());
}

void cmd_command_info(struct call *call)
{
	if (call->argc == 2) {
		reply_all_infos(call);
		return;
	}
	reply_array(call, call->argc - 2);
	for (uint32_t i = 2; i < call->argc && !reply_is_cut(call); i++) {
		const struct command *command = command_find_full(call_arg(call, i));
		if (command)
			reply_command_info(call, command);
		else
			reply_null(call);
	}
}

/* ---- COMMAND DOCS ---- */

static void reply_text_pair(struct call *call, const char *name, const char *value)
{
	reply_text(call, name);
	reply_text(call, value);
}

static void reply_argument_name(struct call *call, const struct argument *argument)
{
	char name[64];
	size_t len = argument->name.len < sizeof(name) ? argument->name.len : sizeof(name);
	for (size_t i = 0; i < len; i++) {
		uint8_t c = argument->name.data[i];
		name[i] = (char)(argument->type == ARGUMENT_WORD && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	reply_text(call, "name");
	reply_bulk(call, slice_of(name, len));
}

static void reply_argument_flags(struct call *call, const struct argument *argument)
{
	reply_text(call, "flags");
	reply_set(call, (size_t)argument->is_optional + argument->is_multiple + argument->repeats_token);
	if (argument->is_optional)
		reply_simple(call, "optional");
	if (argument->is_multiple)
		reply_simple(call, "multiple");
	if (argument->repeats_token)
		reply_simple(call, "multiple_token");
}

/* COMMAND DOCS gives the key specification of each key argument. The n-th key has the n-th specification, later keys the last; a key after
 * a keyword has the specification with this keyword; a pattern for keys has the one without positions. */
struct docs_walk {
	const struct command *command;
	uint32_t keys_seen;
};

static bool belongs_to(const struct argument *argument, const struct key_spec *spec)
{
	if (argument->type == ARGUMENT_PATTERN)
		return spec->keyword.len == 0;
	return argument->token.len > 0 && slice_equal(argument->token, spec->keyword);
}

/* The number of the argument's key specification; -1 if it is no key. */
static int64_t key_spec_of(struct docs_walk *walk, const struct argument *argument)
{
	const struct command *command = walk->command;
	uint32_t last = command->key_spec_count - 1;
	for (uint32_t i = 0; i < command->key_spec_count; i++)
		if (command->key_specs[i].first == 0 && belongs_to(argument, &command->key_specs[i]))
			return i;
	if (argument->type != ARGUMENT_KEY || command->key_spec_count == 0)
		return -1;
	uint32_t index = walk->keys_seen++;
	return index < last ? index : last;
}

static void reply_arguments(struct call *call, struct docs_walk *walk, const struct argument *from,
			    const struct argument *end);

static void reply_argument(struct call *call, struct docs_walk *walk, const struct argument *argument)
{
	int64_t key_spec = key_spec_of(walk, argument);
	bool is_key = key_spec >= 0;
	bool has_token = argument->token.len > 0, has_children = argument->size > 1;
	bool has_flags = argument->is_optional || argument->is_multiple;
	reply_map(call, 2u + is_key + has_token + has_flags + has_children);
	reply_argument_name(call, argument);
	reply_text_pair(call, "type", argument_type_name(argument->type));
	if (is_key)
		reply_pair(call, "key_spec_index", key_spec);
	if (has_token) {
		reply_text(call, "token");
		reply_bulk(call, argument->token);
	}
	if (has_flags)
		reply_argument_flags(call, argument);
	if (has_children) {
		reply_text(call, "arguments");
		reply_arguments(call, walk, argument + 1, argument + argument->size);
	}
}

static void reply_arguments(struct call *call, struct docs_walk *walk, const struct argument *from,
			    const struct argument *end)
{
	size_t count = 0;
	for (const struct argument *at = from; at < end; at += at->size)
		count++;
	reply_array(call, count);
	for (const struct argument *at = from; at < end; at += at->size)
		reply_argument(call, walk, at);
}

static void reply_command_docs(struct call *call, const struct command *command);

static void reply_docs_of_subcommands(struct call *call, const struct command *command)
{
	reply_text(call, "subcommands");
	reply_map(call, command->subcommand_count);
	for (uint32_t i = 0; i < command->subcommand_count; i++) {
		reply_command_name(call, &command->subcommands[i]);
		reply_command_docs(call, &command->subcommands[i]);
	}
}

static void reply_doc_flag(struct call *call, const struct doc_flag *doc)
{
	reply_text(call, "doc_flags");
	reply_set(call, 1);
	reply_simple(call, doc->flag);
	if (!doc->since[0])
		return;
	reply_text_pair(call, "deprecated_since", doc->since);
	reply_text_pair(call, "replaced_by", doc->instead);
}

static void reply_command_docs(struct call *call, const struct command *command)
{
	const struct doc_flag *doc = command_doc_flag(command);
	uint32_t doc_pairs = doc ? 1 + (doc->since[0] ? 2 : 0) : 0;
	struct argument arguments[GRAMMAR_NODES_MAX];
	struct docs_walk walk = { .command = command };
	const char *error;
	int count = arguments_parse(command->arguments, arguments, &error);
	reply_map(call, 4u + doc_pairs + (count > 0) + (command->subcommand_count > 0));
	reply_text_pair(call, "summary", command->summary);
	reply_text_pair(call, "since", command->since);
	reply_text_pair(call, "group", command->group);
	reply_text_pair(call, "complexity", command->complexity);
	if (doc)
		reply_doc_flag(call, doc);
	if (count > 0) {
		reply_text(call, "arguments");
		reply_arguments(call, &walk, arguments, arguments + count);
	}
	if (command->subcommand_count > 0)
		reply_docs_of_subcommands(call, command);
}

void cmd_command_docs(struct call *call)
{
	uint32_t found = 0;
	if (call->argc == 2) {
		reply_map(call, top_level_count());
		for (uint32_t i = 0; i < command_count(); i++) {
			if (command_at(i)->parent)
				continue;
			reply_command_name(call, command_at(i));
			reply_command_docs(call, command_at(i));
		}
		return;
	}
	for (uint32_t i = 2; i < call->argc; i++)
		found += command_find_full(call_arg(call, i)) != NULL;
	reply_map(call, found);
	for (uint32_t i = 2; i < call->argc && !reply_is_cut(call); i++) {
		const struct command *command = command_find_full(call_arg(call, i));
		if (!command)
			continue;
		reply_command_name(call, command);
		reply_command_docs(call, command);
	}
}

/* ---- COMMAND LIST ---- */

enum list_filter { LIST_ALL, LIST_MODULE, LIST_CATEGORY, LIST_PATTERN };

/* There are no modules, so FILTERBY MODULE matches nothing. */
static bool is_listed(const struct command *command, enum list_filter filter, struct slice value, uint64_t category)
{
	char name[64];
	switch (filter) {
	case LIST_ALL:
		return true;
	case LIST_MODULE:
		return false;
	case LIST_CATEGORY:
		return command->acl_categories & category;
	case LIST_PATTERN:
		command_full_name(command, name, sizeof(name));
		return glob_matches(value, slice_of(name, strlen(name)), GLOB_ANY_CASE);
	}
	abort();
}

static void reply_list(struct call *call, enum list_filter filter, struct slice value)
{
	uint64_t category = filter == LIST_CATEGORY ? acl_category_bit(value) : 0;
	size_t count = 0;
	for (uint32_t i = 0; i < command_count(); i++)
		count += is_listed(command_at(i), filter, value, category);
	reply_array(call, count);
	for (uint32_t i = 0; i < command_count(); i++)
		if (is_listed(command_at(i), filter, value, category))
			reply_command_name(call, command_at(i));
}

void cmd_command_list(struct call *call)
{
	if (call->argc == 2)
		reply_list(call, LIST_ALL, slice_of(NULL, 0));
	else if (call->argc != 5 || !call_arg_is(call, 2, "FILTERBY"))
		reply_syntax_error(call);
	else if (call_arg_is(call, 3, "MODULE"))
		reply_list(call, LIST_MODULE, call_arg(call, 4));
	else if (call_arg_is(call, 3, "ACLCAT"))
		reply_list(call, LIST_CATEGORY, call_arg(call, 4));
	else if (call_arg_is(call, 3, "PATTERN"))
		reply_list(call, LIST_PATTERN, call_arg(call, 4));
	else
		reply_syntax_error(call);
}

/* ---- COMMAND GETKEYS ---- */

/* The command in the arguments from 2 on, with its arity checked. NULL: the error reply has been written. */
static const struct command *find_spelt_command(struct call *call)
{
	struct slice name = call_arg(call, 2);
	const struct command *command = command_find(name.data, name.len);
	if (command && command->subcommand_count > 0) {
		struct slice subcommand = call_arg(call, 3);
		command = command_find_subcommand(command, subcommand.data, subcommand.len);
	}
	if (!command)
		reply_error(call, "ERR Invalid command specified");
	else if (command->key_spec_count == 0)
		reply_error(call, "ERR The command has no key arguments");
	else if (!command_arity_fits(command, call->argc - 2))
		reply_error(call, "ERR Invalid number of arguments specified for command");
	else
		return command;
	return NULL;
}

/* The number of arguments after the word at `index` by the command's grammar: 1 for BY, 2 for LIMIT. */
static uint32_t values_behind(const struct call *call, uint32_t index, const struct argument *arguments, int count)
{
	char word[64];
	for (int i = 0; i < count; i += (int)arguments[i].size) {
		snprintf(word, sizeof(word), "%.*s", (int)arguments[i].token.len, (const char *)arguments[i].token.data);
		if (word[0] && arguments[i].type != ARGUMENT_WORD && call_arg_is(call, index, word))
			return arguments[i].size > 1 ? arguments[i].size - 1 : 1;
	}
	return 0;
}

/* The keys are every step-th argument from `first` to `last`, counted from the command's name. */
struct key_range {
	int64_t first, last;
};

/* The argument after the last such word that is not itself an argument of another word; an empty range if there is none. As in Redis, the
 * argument after the word may be the word again. */
static struct key_range range_behind(const struct call *call, const struct command *command, struct slice keyword)
{
	struct argument arguments[GRAMMAR_NODES_MAX];
	const char *error;
	int count = arguments_parse(command->arguments, arguments, &error);
	struct key_range range = { 1, 0 };
	char word[64];
	snprintf(word, sizeof(word), "%.*s", (int)keyword.len, (const char *)keyword.data);
	for (uint32_t i = 4; i < call->argc; i++) {
		if (!call_arg_is(call, i, word))
			i += values_behind(call, i, arguments, count);
		else if (i + 1 < call->argc)
			range.first = range.last = i - 1;
	}
	return range;
}

static struct key_range range_of_keys(const struct call *call, const struct command *command, const struct key_spec *spec)
{
	int64_t argc = (int64_t)call->argc - 2;
	if (spec->first > 0)
		return (struct key_range){ spec->first, spec->last < 0 ? argc + spec->last : spec->last };
	if (spec->keyword.len == 0)
		return (struct key_range){ 1, 0 };
	return range_behind(call, command, spec->keyword);
}

static size_t count_keys(const struct call *call, const struct command *command)
{
	size_t count = 0;
	for (uint32_t i = 0; i < command->key_spec_count; i++) {
		const struct key_spec *spec = &command->key_specs[i];
		struct key_range range = range_of_keys(call, command, spec);
		for (int64_t at = range.first; at <= range.last; at += spec->step)
			count++;
	}
	return count;
}

/* SET overwrites the value; with GET or IFEQ it also reads it. */
static uint32_t actual_flags(const struct call *call, const struct key_spec *spec)
{
	if (!(spec->flags & KEY_VARIABLE_FLAGS))
		return spec->flags;
	for (uint32_t i = 5; i < call->argc; i++)
		if (call_arg_is(call, i, "GET") || call_arg_is(call, i, "IFEQ"))
			return KEY_RW | KEY_ACCESS | KEY_UPDATE;
	return KEY_OW | KEY_UPDATE;
}

enum getkeys_flags { WITHOUT_FLAGS, WITH_FLAGS };

static void get_keys(struct call *call, enum getkeys_flags with_flags)
{
	const struct command *command = find_spelt_command(call);
	if (!command)
		return;
	reply_array(call, count_keys(call, command));
	for (uint32_t i = 0; i < command->key_spec_count; i++) {
		const struct key_spec *spec = &command->key_specs[i];
		struct key_range range = range_of_keys(call, command, spec);
		for (int64_t at = range.first; at <= range.last; at += spec->step) {
			if (with_flags)
				reply_array(call, 2);
			reply_bulk(call, call_arg(call, (uint32_t)at + 2));
			if (with_flags)
				reply_bit_names(call, actual_flags(call, spec), key_flag_names(), "");
		}
	}
}

void cmd_command_getkeys(struct call *call)
{
	get_keys(call, WITHOUT_FLAGS);
}

void cmd_command_getkeysandflags(struct call *call)
{
	get_keys(call, WITH_FLAGS);
}

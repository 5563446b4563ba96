/*
 * HELP, and the HELP subcommand of each container, made from the command table. The lines are simple strings, which are readable in telnet
 * and in redis-cli.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "actors/store/commands/grammar.h"
#include "actors/store/commands/handlers.h"
#include "actors/runtime/version.h"

/* "CONFIG GET parameter [parameter ...]". */
static void add_syntax(struct buffer *out, const struct command *command)
{
	char name[64];
	command_full_name(command, name, sizeof(name));
	for (char *c = name; *c; c++)
		*c = *c == '|' ? ' ' : (char)toupper((unsigned char)*c);
	buffer_append(out, name, strlen(name));
	if (command->arguments[0])
		buffer_append(out, " ", 1);
	arguments_render(command->arguments, out);
}

static void add_syntax_line(struct lines *lines, const struct command *command)
{
	struct buffer syntax = { 0 };
	add_syntax(&syntax, command);
	lines_add(lines, "%.*s", (int)syntax.len, syntax.len ? (const char *)syntax.data : "");
	lines->text.failed |= syntax.failed;
	buffer_fini(&syntax);
}

static void add_with_summary(struct lines *lines, const struct command *command)
{
	add_syntax_line(lines, command);
	lines_add(lines, "    %s", command->summary);
}

void cmd_container_help(struct call *call)
{
	const struct command *container = call->command->parent;
	struct lines lines = { 0 };
	lines_add(&lines, "%s", container->summary);
	for (uint32_t i = 0; i < container->subcommand_count; i++)
		add_with_summary(&lines, &container->subcommands[i]);
	lines_reply(&lines, call);
}

/* ---- HELP ---- */

static bool is_first_of_group(uint32_t number)
{
	for (uint32_t i = 0; i < number; i++)
		if (strcmp(command_at(i)->group, command_at(number)->group) == 0)
			return false;
	return true;
}

#define LINE_WIDTH 76

/* Adds the names of a group's commands, as many per line as fit. */
static void add_group(struct lines *lines, const char *group)
{
	char line[LINE_WIDTH + 1] = "";
	size_t len = 0;
	lines_add(lines, "%s", group);
	for (uint32_t i = 0; i < command_count(); i++) {
		const struct command *command = command_at(i);
		size_t more = strlen(command->name) + 1;
		if (command->parent || strcmp(command->group, group) != 0)
			continue;
		if (len + more > LINE_WIDTH - 4) {
			lines_add(lines, "   %s", line);
			len = 0;
		}
		len += (size_t)snprintf(line + len, sizeof(line) - len, " %s", command->name);
	}
	lines_add(lines, "   %s", line);
}

static void help_overview(struct call *call)
{
	struct lines lines = { 0 };
	lines_add(&lines, "qcache " QCACHE_VERSION ": type a command and its arguments, separated by spaces, and press Enter.");
	lines_add(&lines, "Quote arguments with spaces: SET greeting \"good morning\". QUIT closes the connection.");
	lines_add(&lines, "HELP <command> describes a command, HELP <group> all commands of a group.");
	for (uint32_t i = 0; i < command_count(); i++)
		if (is_first_of_group(i))
			add_group(&lines, command_at(i)->group);
	lines_reply(&lines, call);
}

static void help_command(struct call *call, const struct command *command)
{
	struct lines lines = { 0 };
	add_with_summary(&lines, command);
	for (uint32_t i = 0; i < command->subcommand_count; i++)
		add_with_summary(&lines, &command->subcommands[i]);
	if (command->subcommand_count == 0) {
		lines_add(&lines, "    Replies: %s", command->reply);
		lines_add(&lines, "    Cost: %s", command->complexity);
	}
	lines_add(&lines, "    Since: %s", command->since);
	lines_reply(&lines, call);
}

/* False if there is no such group. */
static bool help_group(struct call *call, struct slice group)
{
	struct lines lines = { 0 };
	for (uint32_t i = 0; i < command_count(); i++) {
		const struct command *command = command_at(i);
		if (!command->parent && strlen(command->group) == group.len &&
		    strncasecmp(command->group, (const char *)group.data, group.len) == 0)
			add_with_summary(&lines, command);
	}
	if (lines.count == 0)
		return false;
	lines_reply(&lines, call);
	return true;
}

void cmd_help(struct call *call)
{
	if (call->argc == 1) {
		help_overview(call);
		return;
	}
	struct slice name = call_arg(call, 1);
	const struct command *command = command_find(name.data, name.len);
	if (call->argc == 3 && command && command->subcommand_count > 0) {
		struct slice subcommand = call_arg(call, 2);
		command = command_find_subcommand(command, subcommand.data, subcommand.len);
	}
	if (call->argc > 3)
		reply_wrong_arity(call);
	else if (command)
		help_command(call, command);
	else if (call->argc > 2 || !help_group(call, name))
		reply_error(call, "ERR no such command; HELP lists all commands");
}

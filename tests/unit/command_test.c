#include "support/suite.h"

#include <ctype.h>
#include <string.h>

#include "actors/store/commands/command.h"

static const struct command *find(const char *name)
{
	return command_find(name, strlen(name));
}

static const struct command *find_sub(const char *container, const char *name)
{
	return command_find_subcommand(find(container), name, strlen(name));
}

static void every_command_is_found_by_its_name(void)
{
	for (uint32_t i = 0; i < command_count(); i++) {
		const struct command *command = command_at(i);
		CU_ASSERT_EQUAL(command->number, i);
		if (command->parent)
			CU_ASSERT_PTR_EQUAL(find_sub(command->parent->name, command->name), command)
		else
			CU_ASSERT_PTR_EQUAL(find(command->name), command);
	}
}

static void letter_case_does_not_matter(void)
{
	CU_ASSERT_PTR_EQUAL(find("GET"), find("get"));
	CU_ASSERT_PTR_EQUAL(find("gEt"), find("get"));
	CU_ASSERT_PTR_EQUAL(find("PExpireAT"), find("pexpireat"));
	CU_ASSERT_PTR_EQUAL(find_sub("client", "No-Evict"), find_sub("client", "no-evict"));
	CU_ASSERT_PTR_EQUAL(find_sub("command", "GETKEYSANDFLAGS"), find_sub("command", "getkeysandflags"));
}

/* Bytes that differ from a name only in the case bit, but are not letters. */
static void only_letters_have_a_case(void)
{
	CU_ASSERT_PTR_NULL(command_find_subcommand(find("client"), "no\x0d" "evict", 8));
	CU_ASSERT_PTR_NULL(command_find("g\xc5t", 3));
	CU_ASSERT_PTR_NULL(command_find("ge\xf4", 3));
}

static void other_names_are_not_found(void)
{
	CU_ASSERT_PTR_NULL(command_find("", 0));
	CU_ASSERT_PTR_NULL(command_find("ge", 2));
	CU_ASSERT_PTR_NULL(command_find("get\0", 4));
	CU_ASSERT_PTR_NULL(find("gett"));
	CU_ASSERT_PTR_NULL(find("kill"));
	CU_ASSERT_PTR_NULL(find("client|kill"));
	CU_ASSERT_PTR_NULL(find("abcdefghijklmnopqrstuvwxyzabcdef"));
	CU_ASSERT_PTR_NULL(find("abcdefghijklmnopqrstuvwxyzabcdefg"));
	CU_ASSERT_PTR_NULL(find_sub("client", "docs"));
	CU_ASSERT_PTR_NULL(find_sub("config", "kill"));
}

static void subcommands_stand_behind_their_container(void)
{
	const struct command *config = find("config");
	CU_ASSERT_PTR_NULL(config->handler);
	CU_ASSERT_EQUAL(config->subcommand_count, 5);
	for (uint32_t i = 0; i < config->subcommand_count; i++)
		CU_ASSERT_PTR_EQUAL(config->subcommands[i].parent, config);
	CU_ASSERT_EQUAL(find("get")->subcommand_count, 0);
}

static void full_names_tell_the_container(void)
{
	char name[64];
	command_full_name(find_sub("config", "get"), name, sizeof(name));
	CU_ASSERT_STRING_EQUAL(name, "config|get");
	command_full_name(find("get"), name, sizeof(name));
	CU_ASSERT_STRING_EQUAL(name, "get");
}

static void arity_is_exact_or_a_minimum(void)
{
	CU_ASSERT(command_arity_fits(find("get"), 2));
	CU_ASSERT_FALSE(command_arity_fits(find("get"), 1));
	CU_ASSERT_FALSE(command_arity_fits(find("get"), 3));
	CU_ASSERT(command_arity_fits(find("set"), 3));
	CU_ASSERT(command_arity_fits(find("set"), 1048576));
	CU_ASSERT_FALSE(command_arity_fits(find("set"), 2));
	CU_ASSERT_FALSE(command_arity_fits(find("client"), 1));
}

static void key_positions_come_from_the_specification(void)
{
	const struct command *mset = find("mset"), *del = find("del"), *get = find("get"), *ping = find("ping");
	CU_ASSERT(mset->first_key == 1 && mset->last_key == -1 && mset->key_step == 2);
	CU_ASSERT_EQUAL(mset->key_specs[0].flags, KEY_OW | KEY_UPDATE);
	CU_ASSERT(del->first_key == 1 && del->last_key == -1 && del->key_step == 1);
	CU_ASSERT_EQUAL(del->key_specs[0].flags, KEY_RM | KEY_DELETE);
	CU_ASSERT(get->first_key == 1 && get->last_key == 1 && get->key_step == 1);
	CU_ASSERT(ping->first_key == 0 && ping->last_key == 0 && ping->key_step == 0);
	CU_ASSERT_EQUAL(ping->key_spec_count, 0);
}

static uint64_t category(const char *name)
{
	const struct bit_name *known = acl_category_names();
	while (known->name && strcmp(known->name, name) != 0)
		known++;
	return known->bit;
}

static void categories_follow_from_flags(void)
{
	CU_ASSERT_EQUAL(find("get")->flags, COMMAND_READONLY | COMMAND_FAST);
	CU_ASSERT_EQUAL(find("get")->acl_categories, category("read") | category("string") | category("fast"));
	CU_ASSERT_EQUAL(find("del")->acl_categories, category("write") | category("keyspace") | category("slow"));
	CU_ASSERT_EQUAL(find("monitor")->acl_categories, category("admin") | category("dangerous") | category("slow"));
	CU_ASSERT_NOT_EQUAL(category("scripting"), 0);
}

/* HELP, COMMAND DOCS and the README show them. */
static void every_command_tells_what_it_does(void)
{
	for (uint32_t i = 0; i < command_count(); i++) {
		const struct command *command = command_at(i);
		size_t len = strlen(command->summary);
		CU_ASSERT(len > 5 && isupper((unsigned char)command->summary[0]) && command->summary[len - 1] == '.');
		CU_ASSERT(command->since[0] && command->group[0] && command->complexity[0]);
	}
}

static const struct suite_case cases[] = {
	CASE(every_command_is_found_by_its_name),
	CASE(letter_case_does_not_matter),
	CASE(only_letters_have_a_case),
	CASE(other_names_are_not_found),
	CASE(subcommands_stand_behind_their_container),
	CASE(full_names_tell_the_container),
	CASE(arity_is_exact_or_a_minimum),
	CASE(key_positions_come_from_the_specification),
	CASE(categories_follow_from_flags),
	CASE(every_command_tells_what_it_does),
};

int main(int argc, char **argv)
{
	command_table_init();
	return suite_main("command", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

/*
 * ACL with a single user, who has all permissions; and the cluster commands, which are refused.
 */
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "actors/store/commands/handlers.h"

void cmd_acl_whoami(struct call *call)
{
	reply_text(call, call->session->user);
}

void cmd_acl_users(struct call *call)
{
	reply_array(call, 1);
	reply_text(call, "default");
}

/* Rules show a password as its SHA-256: 64 hexadecimal digits and a NUL. */
#define DIGEST_TEXT_BYTES (2 * SHA256_DIGEST_LENGTH + 1)

static void digest_of(const char *password, char out[DIGEST_TEXT_BYTES])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)password, strlen(password), digest);
	for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
		sprintf(out + 2 * i, "%02x", digest[i]);
}

void cmd_acl_list(struct call *call)
{
	const char *password = store_config(call->store)->requirepass;
	char digest[DIGEST_TEXT_BYTES], rule[DIGEST_TEXT_BYTES + 64];
	digest_of(password, digest);
	if (password[0])
		snprintf(rule, sizeof(rule), "user default on #%s ~* &* +@all", digest);
	else
		snprintf(rule, sizeof(rule), "user default on nopass ~* &* +@all");
	reply_array(call, 1);
	reply_text(call, rule);
}

static void reply_passwords(struct call *call, const char *password)
{
	char digest[DIGEST_TEXT_BYTES];
	reply_text(call, "passwords");
	reply_array(call, password[0] != '\0');
	if (!password[0])
		return;
	digest_of(password, digest);
	reply_text(call, digest);
}

void cmd_acl_getuser(struct call *call)
{
	const char *password = store_config(call->store)->requirepass;
	if (!slice_equal(call_arg(call, 2), slice_of("default", 7))) {
		reply_null(call);
		return;
	}
	reply_map(call, 6);
	reply_text(call, "flags");
	reply_set(call, password[0] ? 1 : 2);
	reply_text(call, "on");
	if (!password[0])
		reply_text(call, "nopass");
	reply_passwords(call, password);
	reply_text(call, "commands");
	reply_text(call, "+@all");
	reply_text(call, "keys");
	reply_text(call, "~*");
	reply_text(call, "channels");
	reply_text(call, "&*");
	reply_text(call, "selectors");
	reply_array(call, 0);
}

static void reply_categories(struct call *call)
{
	size_t count = 0;
	while (acl_category_names()[count].name)
		count++;
	reply_array(call, count);
	for (size_t i = 0; i < count; i++)
		reply_text(call, acl_category_names()[i].name);
}

static void reply_commands_of(struct call *call, uint64_t category)
{
	size_t count = 0;
	for (uint32_t i = 0; i < command_count(); i++)
		count += (command_at(i)->acl_categories & category) != 0;
	reply_array(call, count);
	for (uint32_t i = 0; i < command_count(); i++) {
		char name[64];
		if (!(command_at(i)->acl_categories & category))
			continue;
		command_full_name(command_at(i), name, sizeof(name));
		reply_text(call, name);
	}
}

void cmd_acl_cat(struct call *call)
{
	if (call->argc == 2) {
		reply_categories(call);
		return;
	}
	if (call->argc > 3) {
		reply_subcommand_error(call);
		return;
	}
	struct slice name = call_arg(call, 2);
	uint64_t category = acl_category_bit(name);
	if (category)
		reply_commands_of(call, category);
	else
		reply_errorf(call, "ERR Unknown category '%.*s'", (int)strnlen((const char *)name.data, name.len), name.data);
}

void cmd_acl_log(struct call *call)
{
	int64_t count;
	if (call->argc > 3)
		reply_subcommand_error(call);
	else if (call->argc == 3 && call_arg_is(call, 2, "RESET"))
		reply_ok(call);
	else if (call->argc == 2 || call_arg_int64(call, 2, &count))
		reply_array(call, 0);
}

void cmd_no_cluster(struct call *call)
{
	reply_error(call, "ERR This instance has cluster support disabled");
}

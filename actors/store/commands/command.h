/*
 * The command table: what commands there are and how each is called.
 *
 * `commands.def` is the only list. COMMAND, COMMAND DOCS, arity errors, HELP, the CLI's hints and the README's table
 * come from it. A handler reads its arguments, asks storage, writes exactly one reply (or blocks the session), and
 * adds effects; it parses no RESP and knows no socket.
 */
#ifndef ACTORS_STORE_COMMAND_H
#define ACTORS_STORE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/bus/secrets.h"
#include "storage/slice.h"
#include "transport/resp_parser.h"

struct store;
struct session;
struct entry;

struct call;
typedef void command_handler(struct call *call);

enum command_flags {
	COMMAND_WRITE = 1 << 0,
	COMMAND_READONLY = 1 << 1,
	COMMAND_DENYOOM = 1 << 2,
	COMMAND_ADMIN = 1 << 3,
	COMMAND_PUBSUB = 1 << 4,
	COMMAND_NOSCRIPT = 1 << 5,
	COMMAND_BLOCKING = 1 << 6,
	COMMAND_LOADING = 1 << 7,
	COMMAND_STALE = 1 << 8,
	COMMAND_SKIP_MONITOR = 1 << 9,
	COMMAND_FAST = 1 << 10,
	COMMAND_NO_AUTH = 1 << 11,
	COMMAND_SKIP_SLOWLOG = 1 << 12,
	COMMAND_NO_MULTI = 1 << 13,
	COMMAND_MOVABLEKEYS = 1 << 14,
	COMMAND_ALLOW_BUSY = 1 << 15,
	COMMAND_NO_ASYNC_LOADING = 1 << 16,
	COMMAND_MAY_REPLICATE = 1 << 17,
	COMMAND_SENTINEL = 1 << 18,
	COMMAND_ONLY_SENTINEL = 1 << 19,
	COMMAND_NO_MANDATORY_KEYS = 1 << 20,
	COMMAND_PROTECTED = 1 << 21, /* refused unless the configuration allows it: DEBUG */
};

/* What a command does to a key. */
enum key_flags {
	/* exactly one of these */
	KEY_RO = 1 << 0, /* reads the value */
	KEY_RW = 1 << 1, /* changes the value */
	KEY_OW = 1 << 2, /* overwrites it */
	KEY_RM = 1 << 3, /* removes it */
	/* any of these */
	KEY_ACCESS = 1 << 4, /* the user gets to see what the value holds */
	KEY_UPDATE = 1 << 5,
	KEY_INSERT = 1 << 6,
	KEY_DELETE = 1 << 7,
	KEY_NOT_KEY = 1 << 8,
	KEY_INCOMPLETE = 1 << 9,
	KEY_VARIABLE_FLAGS = 1 << 10,
};

/* Keys among the arguments: every step-th from first to last; or, where that can't be said, `first` is 0. */
struct key_spec {
	int32_t first, last, step; /* last counts from the end when negative: -1 is the last argument */
	uint32_t flags;            /* enum key_flags */
	struct slice keyword;      /* with first 0: the key is behind the last such word; empty: no argument names it */
};
#define KEY_SPECS_MAX 3

struct command {
	const char *name;             /* lower case; a sub-command's own name: "get" of "config|get" */
	const struct command *parent; /* of a sub-command */
	const struct command *subcommands;
	uint32_t subcommand_count;
	uint32_t number;              /* dense, 0 .. command_count() - 1: index of counters */
	command_handler *handler;     /* NULL for a container */
	int32_t arity;                /* argc incl. the name; -n: at least n */
	uint32_t flags;               /* enum command_flags */
	uint64_t acl_categories;
	int32_t first_key, last_key, key_step; /* 0, 0, 0 without keys; last_key counts from the end when negative */
	struct key_spec key_specs[KEY_SPECS_MAX];
	uint32_t key_spec_count;
	const char *tips;             /* words for cluster clients, parted by spaces */
	const char *since, *group, *complexity, *summary;
	const char *arguments;        /* what it takes, in the language of grammar.h */
	const char *reply;            /* what it answers, likewise */
};

/* The top-level command or NULL; letter case does not matter. */
const struct command *command_find(const void *name, size_t len);
const struct command *command_find_subcommand(const struct command *container, const void *name, size_t len);

/* Of "get" or "config|get"; NULL when there is none. */
const struct command *command_find_full(struct slice name);

/* All commands and sub-commands, by number. */
uint32_t command_count(void);
const struct command *command_at(uint32_t number);
/* "config|get" into `out` (64 bytes suffice). */
void command_full_name(const struct command *command, char *out, size_t size);

bool command_arity_fits(const struct command *command, uint32_t argc);

/* What COMMAND DOCS tells besides; NULL: nothing. */
struct doc_flag {
	const char *name;           /* of the command, in full */
	const char *flag;           /* "deprecated", "syscmd" */
	const char *since, *instead; /* of a deprecated one; "" otherwise */
};
const struct doc_flag *command_doc_flag(const struct command *command);

/* Names of single bits, in the order in which COMMAND INFO tells them; NULL past the last. */
struct bit_name {
	const char *name;
	uint64_t bit;
};
const struct bit_name *command_flag_names(void);
const struct bit_name *key_flag_names(void);
const struct bit_name *acl_category_names(void);
/* 0 when there is no such category; letter case does not matter. */
uint64_t acl_category_bit(struct slice name);

/* Checks the table (unique names, key positions, grammar that parses) and builds the look-up; fatal when it is wrong. */
void command_table_init(void);

/*
 * Runs what the call's arguments ask for: finds the command (unless the turn has: call->command is then the top-level one),
 * its sub-command, checks the number of arguments and whether the session may, and calls the handler. Writes the error reply
 * and sets call->rejected otherwise. Afterwards call->command is what was found, NULL for an unknown command.
 */
void command_dispatch(struct call *call);

#endif

/*
 * The command table. It is built from commands.def, the only list of commands, which also gives COMMAND, COMMAND DOCS, arity errors, HELP,
 * the CLI's hints and the README's table.
 *
 * A handler reads its arguments, calls storage, writes exactly one reply (or blocks the session) and adds effects. It parses no RESP and
 * knows no socket.
 */
#ifndef ACTORS_STORE_COMMANDS_COMMAND_H
#define ACTORS_STORE_COMMANDS_COMMAND_H

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

/* What a call does to memory, as far as it is known before the call. */
struct memory_need {
	size_t growth; /* memory that it will add */
	size_t values; /* memory of the values that it will write: if that can't fit below maxmemory, the call is refused */
};
/* Corrects what has been assumed of the call's arguments: that it stores all large ones and overwrites nothing. */
typedef void command_need(const struct call *call, struct memory_need *need);

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
	KEY_ACCESS = 1 << 4, /* returns data of the value to the client */
	KEY_UPDATE = 1 << 5,
	KEY_INSERT = 1 << 6,
	KEY_DELETE = 1 << 7,
	KEY_NOT_KEY = 1 << 8,
	KEY_INCOMPLETE = 1 << 9,
	KEY_VARIABLE_FLAGS = 1 << 10,
};

/* Positions of keys among the arguments: every step-th from first to last. `first` is 0 if the positions are not fixed. */
struct key_spec {
	int32_t first, last, step; /* a negative last counts from the end: -1 is the last argument */
	uint32_t flags;            /* enum key_flags */
	struct slice keyword;      /* with first 0: the key follows the last such word; empty: the key is not among the arguments */
};
#define KEY_SPECS_MAX 3

struct command {
	const char *name;             /* lower case; for a subcommand its own name: "get" of "config|get" */
	const struct command *parent; /* the container of a subcommand, NULL otherwise */
	const struct command *subcommands;
	uint32_t subcommand_count;
	uint32_t number;              /* dense, 0 .. command_count() - 1: index into counters */
	command_handler *handler;     /* NULL for a container */
	command_need *need;           /* NULL if what is assumed is right */
	int32_t arity;                /* argc including the name; -n: at least n */
	uint32_t flags;               /* enum command_flags */
	uint64_t acl_categories;
	int32_t first_key, last_key, key_step; /* 0, 0, 0 without keys; a negative last_key counts from the end */
	struct key_spec key_specs[KEY_SPECS_MAX];
	uint32_t key_spec_count;
	const char *tips;             /* hints for cluster clients, separated by spaces */
	const char *since, *group, *complexity, *summary;
	const char *arguments;        /* in the language of grammar.h */
	const char *reply;            /* in the language of grammar.h */
};

/* NULL when there is none. Names are not case-sensitive. */
const struct command *command_find(const void *name, size_t len);
const struct command *command_find_subcommand(const struct command *container, const void *name, size_t len);

/* Finds "get" or "config|get"; NULL when there is none. */
const struct command *command_find_full(struct slice name);

/* All commands and subcommands, by number. */
uint32_t command_count(void);
const struct command *command_at(uint32_t number);
/* Writes "config|get" to `out` (64 bytes are enough). */
void command_full_name(const struct command *command, char *out, size_t size);

bool command_arity_fits(const struct command *command, uint32_t argc);

/* A doc flag in COMMAND DOCS. */
struct doc_flag {
	const char *name;            /* full name of the command */
	const char *flag;            /* "deprecated", "syscmd" */
	const char *since, *instead; /* for "deprecated"; "" otherwise */
};
/* NULL when the command has none. */
const struct doc_flag *command_doc_flag(const struct command *command);

/* Names of single bits, in the order of COMMAND INFO. A NULL name ends the list. */
struct bit_name {
	const char *name;
	uint64_t bit;
};
const struct bit_name *command_flag_names(void);
const struct bit_name *key_flag_names(void);
const struct bit_name *acl_category_names(void);
/* 0 when there is no such category. Names are not case-sensitive. */
uint64_t acl_category_bit(struct slice name);

/* Checks the table (unique names, key positions, valid grammar) and builds the hash table. An error in the table is fatal. */
void command_table_init(void);

/*
 * Finds the command of a call (unless the caller has set call->command), then its subcommand, and checks arity and permissions. False: a
 * check has failed, the error reply is written and call->rejected set. Sets call->command to the command found, NULL if it is unknown.
 */
bool command_admit(struct call *call);

#endif

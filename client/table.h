/*
 * The command table, which generate.py makes from the server's: what is known of a command by its name. Any thread; no allocation.
 */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include "client/qcache.h"

/* Besides enum qc_command_flags. */
#define COMMAND_HAS_SUBCOMMANDS (1u << 16)
#define COMMAND_ANSWERS_BY_PUSH (1u << 17)
#define COMMAND_IS_CACHEABLE (1u << 18) /* reads one key, its first argument, and returns the same until the key changes */

/* Which argument says how long a command may wait: a field of the flags. The time is in seconds (S) or ms; 0 means forever. */
enum command_wait {
	COMMAND_WAIT_NONE = 0,
	COMMAND_WAIT_FIRST_S = 1 << 20,
	COMMAND_WAIT_LAST_S = 2 << 20,
	COMMAND_WAIT_LAST_MS = 3 << 20,
	COMMAND_WAIT_BLOCK_MS = 4 << 20, /* after the word BLOCK */
	COMMAND_WAIT_SLEEP_S = 5 << 20,  /* DEBUG SLEEP */
	COMMAND_WAIT_UNKNOWN = 6 << 20,  /* without limit */
	COMMAND_WAIT_MASK = 7 << 20,
};

/* Words before a key whose place is not fixed. */
enum command_key_word {
	KEY_WORD_NONE,
	KEY_WORD_STORE,   /* the argument after STORE or STOREDIST is a key, too */
	KEY_WORD_STREAMS, /* the first half of the arguments after STREAMS are keys */
};

/* Which arguments of a command are keys. Argument 0 is the name of the command. */
struct command_keys {
	int8_t first, last; /* first 0: none. A negative `last` counts from the end: -1 is the last argument */
	uint8_t step;
	uint8_t count_at;   /* the argument that contains the number of the keys after it; 0: none */
	uint8_t word;       /* enum command_key_word */
};

/* `sub` may be NULL. Returns the subcommand, or the command if there is no such subcommand, or NULL. */
const qc_table_entry *table_look_up(const char *name, size_t len, const char *sub, size_t sub_len);

/* The keys of an entry of the table. */
const struct command_keys *table_keys(const qc_table_entry *entry);

/* Made by generate.py. After the first command_table_count entries come some that are found but not listed. */
extern const qc_table_entry command_table[];
extern const struct command_keys command_keys[];
extern const size_t command_table_count;
extern const uint16_t command_slots[];
extern const size_t command_slot_count; /* a power of two */

#endif

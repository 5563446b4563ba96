/*
 * The command table, made by generate.py from the server's: what is known of a command by its name. Any thread; no allocation.
 */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include "client/qcache.h"

/* Beside enum qc_command_flags. */
#define COMMAND_HAS_SUBCOMMANDS (1u << 16)
#define COMMAND_ANSWERS_BY_PUSH (1u << 17)

/* `sub` may be NULL; the sub-command where there is one of that name, else the command, else NULL. */
const qc_table_entry *table_look_up(const char *name, size_t len, const char *sub, size_t sub_len);

/* Made by generate.py. Behind the first command_table_count entries stand some that are looked up but not listed. */
extern const qc_table_entry command_table[];
extern const size_t command_table_count;
extern const uint16_t command_slots[];
extern const size_t command_slot_count; /* a power of two */

#endif

/*
 * Prototypes of the functions in commands.def.
 */
#ifndef ACTORS_STORE_COMMANDS_HANDLERS_H
#define ACTORS_STORE_COMMANDS_HANDLERS_H

#include "actors/store/store.h"

#define COMMAND(name, handler, ...) command_handler handler;
#define CONTAINER(...)
#define SUBCOMMAND(name, handler, ...) command_handler handler;
#define DOC_FLAG(...)
#define NEED(name, function) command_need function;
#include "actors/store/commands/commands.def"
#undef DOC_FLAG
#undef NEED
#undef COMMAND
#undef CONTAINER
#undef SUBCOMMAND

/* Subcommands of DEBUG in files of their own. */
void debug_reload(struct call *call);
void debug_loadaof(struct call *call);

#endif

/*
 * The handlers of commands.def, and what their files share.
 */
#ifndef ACTORS_STORE_HANDLERS_H
#define ACTORS_STORE_HANDLERS_H

#include "actors/store/store.h"
#include "transport/buffer.h"

#define COMMAND(name, handler, ...) command_handler handler;
#define CONTAINER(...)
#define SUBCOMMAND(name, handler, ...) command_handler handler;
#define DOC_FLAG(...)
#include "actors/store/commands/commands.def"
#undef DOC_FLAG
#undef COMMAND
#undef CONTAINER
#undef SUBCOMMAND

/* Lines of text, to be replied as an array of simple strings. */
struct lines {
	struct buffer text; /* each line ends with a NUL */
	size_t count;
};
void lines_add(struct lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Replies them and frees the lines. */
void lines_reply(struct lines *lines, struct call *call);

/* A time as Redis keeps it for recency: seconds, of which 24 bits are left. */
static inline uint32_t lru_clock(int64_t when_ms)
{
	return (uint32_t)(when_ms / 1000) & 0xffffff;
}

/* Replies a text that has been gathered as a verbatim string and frees it; an error when there was no memory for it. */
void reply_gathered(struct call *call, struct buffer *text);

/* "ERR unknown subcommand or wrong number of arguments for 'x'. Try CLIENT HELP.", of argument 1. */
void reply_subcommand_error(struct call *call);

/* A time to wait, in ms, 0 or more. False: the error reply has been written. */
bool call_arg_timeout_ms(struct call *call, uint32_t index, int64_t *out_timeout_ms);

/* The name of the call's session from an argument; "" takes it away. False: the error reply has been written. */
bool call_set_session_name(struct call *call, uint32_t index);

/* Adds an effect that is "as SET" for an entry that holds a string: value and time to live as they are now. */
void call_effect_value(struct call *call, enum effect_type type, uint32_t database, uint32_t key_index,
		       const struct entry *entry);

/* The string under a key, NULL without the key. False: it is of another type, and the error has been written. */
bool call_find_string(struct call *call, uint32_t index, struct entry **out_entry);
/* The same with call_find_to_read(). */
bool call_read_string(struct call *call, uint32_t index, struct entry **out_entry);

/* "ERR invalid expire time in 'set' command". */
void reply_invalid_expiry(struct call *call);

/* Milliseconds since 1970 from a number of `unit_ms`, counted from now or from 1970. False when that overflows. */
bool expiry_from_number(int64_t number, int64_t unit_ms, int64_t base_ms, int64_t *out_when_ms);

/* Removes a key that is there, with its effect. */
void call_remove(struct call *call, uint32_t index);

/* The number of a database from an argument. False: the error has been written. */
bool call_arg_database(struct call *call, uint32_t index, uint32_t *out_database);

#endif

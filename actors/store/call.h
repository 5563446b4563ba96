/*
 * One run of a command, and what handlers share: arguments, keys, effects, and the replies that several of them give. Replies in general
 * are in reply.h, what concerns the whole server in store.h.
 */
#ifndef ACTORS_STORE_CALL_H
#define ACTORS_STORE_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/bus/effect.h"
#include "actors/store/commands/command.h"
#include "actors/store/session.h"
#include "storage/databases.h"
#include "transport/buffer.h"
#include "transport/resp_parser.h"

struct store;

/* One run of a command, on the stack of the turn. */
struct call {
	struct store *store;
	struct session *session;
	const struct command *command; /* the sub-command where there is one */
	const struct resp_arg *argv;   /* argv[0] is the name as it was typed */
	uint32_t argc;
	int64_t now_ms;                /* wall clock of the turn */
	uint64_t hash;                 /* of the first key, for commands that have one */
	uint64_t secrets;              /* passwords among the arguments: bus/secrets.h */
	bool finds_no_room;            /* maxmemory is reached and nothing can be evicted */
	bool rejected;                 /* refused by command_dispatch(): no handler ran */
	bool failed;                   /* an error reply has been written */
	bool postponed;                /* nothing has been done yet: it will run as if it came later */
	uint64_t slept_ns;             /* DEBUG SLEEP: counts as time spent in it */
};

/* ---- arguments ---- */

static inline struct slice call_arg(const struct call *call, uint32_t index)
{
	return slice_of(call->argv[index].data, call->argv[index].len);
}

/* MONITOR and SLOWLOG show "(redacted)" for this argument. Before anything is done that may fail. */
static inline void call_hide_arg(struct call *call, uint32_t index)
{
	call->secrets |= secrets_bit(index);
}

/* Does argument `index` spell `word` (given in any case)? */
bool call_arg_is(const struct call *call, uint32_t index, const char *word);
/* False: the error reply "ERR value is not an integer or out of range" has been written. */
bool call_arg_int64(struct call *call, uint32_t index, int64_t *out_value);

/* ---- keys ---- */

/* The database of the call's session: to be read, and to be changed. NULL without memory, but never when an entry is there. */
const struct keyspace *call_keyspace(const struct call *call);
struct keyspace *call_own_keyspace(struct call *call);
/* As keyspace_set_string() and keyspace_set_blob(), in the call's database. */
enum keyspace_status call_set_string(struct call *call, uint32_t key_index, struct slice value, enum keyspace_ttl ttl,
				     struct entry **out_entry);
enum keyspace_status call_set_blob(struct call *call, uint32_t key_index, struct blob *value, enum keyspace_ttl ttl,
				   struct entry **out_entry);
/* Looks up a key in the call's database, with the hash that the turn has computed when it is the first one. Counts a
 * hit or a miss when the command is a read. NULL when absent or expired. */
struct entry *call_find(struct call *call, uint32_t arg_index);
/* The same for a command that answers what it found and may write: it counts a hit or a miss all the same. */
struct entry *call_find_to_read(struct call *call, uint32_t arg_index);
/* As call_find() for a command that only wants to know about the key: it doesn't count as a use of it. */
struct entry *call_peek(struct call *call, uint32_t arg_index);
uint64_t call_hash(const struct call *call, uint32_t arg_index);
/* ---- effects ---- */

/*
 * A key whose time has come leaves, with its own effect, before it is written over and before all other effects of the frame. dispatch
 * calls call_expire_keys() for each command that writes: it sees to the keys at the positions that commands.def gives, in the session's
 * database. Keys of other databases and keys behind words are the handler's, first of all.
 */
void call_expire_keys(struct call *call);
void call_expire(struct call *call, uint32_t database, uint32_t key_index);
void store_expire_key(struct store *store, uint32_t database, struct slice key, uint64_t hash);

/* Adds an effect of this call to its frame. The database is the session's unless call_effect_in() says another. */
void call_effect(struct call *call, const struct effect *effect);
void call_effect_in(struct call *call, uint32_t database, const struct effect *effect);
/* For hot paths: does anybody take frames? If not, an effect need only be counted, not made. */
bool call_effects_are_taken(const struct call *call);
void call_count_effect(struct call *call, enum effect_type type);

/* ---- what several handlers do ---- */

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

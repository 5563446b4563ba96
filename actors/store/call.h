/*
 * One call of a command, and what handlers share: arguments, keys, effects, and common replies. reply.h has the other replies, store.h
 * what concerns the whole server.
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

/* Lives on the stack of the turn. */
struct call {
	struct store *store;
	struct session *session;
	const struct command *command; /* the subcommand where there is one */
	const struct resp_arg *argv;   /* argv[0] is the name as the client sent it */
	uint32_t argc;
	int64_t now_ms;                /* wall clock of the turn */
	uint64_t hash;                 /* of the first key; 0 without one */
	uint64_t secrets;              /* passwords among the arguments: bus/secrets.h */
	bool is_queued;                /* the arguments are copies, which count as memory for clients */
	bool rejected;                 /* refused before it began: no handler ran */
	bool failed;                   /* an error reply has been written */
	bool postponed;                /* blocked before it began: it will run from the start */
	uint64_t slept_ns;             /* DEBUG SLEEP: added to the command's time */
};

/* ---- arguments ---- */

static inline struct slice call_arg(const struct call *call, uint32_t index)
{
	return slice_of(call->argv[index].data, call->argv[index].len);
}

/* MONITOR and SLOWLOG show "(redacted)" for this argument. Call it before anything that may fail. */
static inline void call_hide_arg(struct call *call, uint32_t index)
{
	call->secrets |= secrets_bit(index);
}

/* Does argument `index` spell `word` (given in any case)? */
bool call_arg_is(const struct call *call, uint32_t index, const char *word);
/* False: the error reply "ERR value is not an integer or out of range" has been written. */
bool call_arg_int64(struct call *call, uint32_t index, int64_t *out_value);

/* ---- keys ---- */

/* The database of the call's session, for reading and for writing. NULL if out of memory, which cannot happen if it has entries. */
const struct keyspace *call_keyspace(const struct call *call);
struct keyspace *call_own_keyspace(struct call *call);
/* Like keyspace_set_string() and keyspace_set_blob(), in the call's database. */
enum keyspace_status call_set_string(struct call *call, uint32_t key_index, struct slice value, enum keyspace_ttl ttl,
				     struct entry **out_entry);
enum keyspace_status call_set_blob(struct call *call, uint32_t key_index, struct blob *value, enum keyspace_ttl ttl,
				   struct entry **out_entry);
/* Finds a key in the call's database, and updates its access time. Counts a hit or a miss if the command is READONLY. NULL when absent or
 * expired. */
struct entry *call_find(struct call *call, uint32_t arg_index);
/* The same for a writing command that also returns the value: always counts a hit or a miss. */
struct entry *call_find_to_read(struct call *call, uint32_t arg_index);
/* Like call_find(), but leaves the access time unchanged. */
struct entry *call_peek(struct call *call, uint32_t arg_index);
/* The hash of a key. For the first key it is computed once per request. */
uint64_t call_hash(const struct call *call, uint32_t arg_index);

/* ---- effects ---- */

/*
 * An expired key must be removed, with its own effect, before it is overwritten and before all other effects of the frame.
 * call_expire_keys() is called before the handler of every writing command; it covers the key positions in commands.def, in the session's
 * database. For keys in other databases and keys behind keywords the handler calls call_expire() first.
 */
void call_expire_keys(struct call *call);
void call_expire(struct call *call, uint32_t database, uint32_t key_index);
void store_expire_key(struct store *store, uint32_t database, struct slice key, uint64_t hash);

/*
 * So many former states wait for a snapshot's writer that this command must wait too: it may change a key that the snapshot does not have
 * yet. A key in another database (COPY) is not looked at; its former state is added to the others.
 */
bool call_waits_for_snapshot(const struct call *call);

/* Adds an effect of this call to its frame, in the session's database or in `database`. */
void call_effect(struct call *call, const struct effect *effect);
void call_effect_in(struct call *call, uint32_t database, const struct effect *effect);
/* For hot paths: does any subscriber take frames? If not, it is enough to count an effect. */
bool call_effects_are_taken(const struct call *call);
void call_count_effect(struct call *call, enum effect_type type);

/* ---- helpers for several handlers ---- */

/* Lines of text, for a reply that is an array of simple strings. */
struct lines {
	struct buffer text; /* each line ends with a NUL */
	size_t count;
};
void lines_add(struct lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes the reply and frees the lines. */
void lines_reply(struct lines *lines, struct call *call);

/* A time in the format of Redis's LRU clock: the low 24 bits of the seconds. */
static inline uint32_t lru_clock(int64_t when_ms)
{
	return (uint32_t)(when_ms / 1000) & 0xffffff;
}

/* Replies with the text as a verbatim string, or with an error if the buffer ran out of memory; frees the buffer. */
void reply_gathered(struct call *call, struct buffer *text);

/* "ERR unknown subcommand or wrong number of arguments for 'x'. Try CLIENT HELP."; x is argument 1. */
void reply_subcommand_error(struct call *call);

/* A timeout in ms, 0 or more. False: the error reply has been written. */
bool call_arg_timeout_ms(struct call *call, uint32_t index, int64_t *out_timeout_ms);

/* Sets the name of the call's session to an argument; "" removes it. False: the error reply has been written. */
bool call_set_session_name(struct call *call, uint32_t index);

/* Adds an effect with the value and expiry of SET, taken from an entry that holds a string. */
void call_effect_value(struct call *call, enum effect_type type, uint32_t database, uint32_t key_index,
		       const struct entry *entry);

/* Finds a key that must hold a string; NULL when absent. False: the type is wrong, and the error reply has been written. */
bool call_find_string(struct call *call, uint32_t index, struct entry **out_entry);
/* The same by call_find_to_read(). */
bool call_read_string(struct call *call, uint32_t index, struct entry **out_entry);

/* "ERR invalid expire time in 'set' command". */
void reply_invalid_expiry(struct call *call);

/* The Unix time in ms of `base_ms` plus `number` times `unit_ms`. False on overflow. */
bool expiry_from_number(int64_t number, int64_t unit_ms, int64_t base_ms, int64_t *out_when_ms);

/* Removes an existing key, with its effect. */
void call_remove(struct call *call, uint32_t index);

/* A database number. False: the error reply has been written. */
bool call_arg_database(struct call *call, uint32_t index, uint32_t *out_database);

#endif

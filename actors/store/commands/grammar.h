/*
 * The two small languages in which commands.def describes the arguments and the reply of a command.
 *
 * Arguments:
 *
 *   key:key                     a value: its name, then its type (string integer double key pattern unix-time)
 *   NX                          a literal word; a word with lower-case letters is quoted: 'km'
 *   EX seconds:integer          a value after its word
 *   LIMIT (page: ...)           a group after its word
 *   (name: a | b | c)           one of several; an alternative of more than one part is a block
 *   (name: a b)                 a block: parts that belong together
 *   [ ... ]                     optional; named like a group unless it holds a single part
 *   x...                        may be repeated; [WORD x:string]... repeats the word too
 *
 * A name consists of lower-case letters, digits, '-' and '_'. The name of a word is the word in lower case.
 *
 * Replies: `integer`, `bulk-string | null`, `array(bulk-string)`, `map(bulk-string, any)`, `tuple(bulk-string, integer)`.
 * The types: ok simple-string bulk-string verbatim-string integer double boolean null null-array nothing any, and with
 * parentheses array(item) set(item) map(key, value) tuple(first, second, ...).
 *
 * A syntax tree is an array of nodes in preorder: after a node come its children, each followed by its own. Nodes point into the text.
 * No function allocates memory except by its `out` buffer; any thread may call.
 */
#ifndef ACTORS_STORE_COMMANDS_GRAMMAR_H
#define ACTORS_STORE_COMMANDS_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/slice.h"
#include "transport/buffer.h"

/* Enough nodes for the arguments or the reply of any command. */
#define GRAMMAR_NODES_MAX 128

enum argument_type {
	ARGUMENT_STRING,
	ARGUMENT_INTEGER,
	ARGUMENT_DOUBLE,
	ARGUMENT_KEY,
	ARGUMENT_PATTERN,
	ARGUMENT_UNIX_TIME,
	ARGUMENT_WORD,
	ARGUMENT_ONE_OF,
	ARGUMENT_BLOCK,
};

struct argument {
	struct slice name;  /* of a word: the word as written */
	struct slice token; /* the word itself, or the word before a value or group; empty without */
	enum argument_type type;
	bool is_optional;
	bool is_multiple;
	bool repeats_token;
	uint32_t size; /* number of nodes: this one and all below it */
};

/* Returns the number of nodes, or -1 and sets *out_error. `nodes` holds GRAMMAR_NODES_MAX. */
int arguments_parse(const char *text, struct argument *nodes, const char **out_error);

/* The name in COMMAND DOCS: "string", "pure-token". */
const char *argument_type_name(enum argument_type type);

/* Appends the arguments in readable form: "key value [NX|XX] [EX seconds|PX milliseconds]". */
void arguments_render(const char *text, struct buffer *out);

enum shape_type {
	SHAPE_OK,
	SHAPE_SIMPLE_STRING,
	SHAPE_BULK_STRING,
	SHAPE_VERBATIM_STRING,
	SHAPE_INTEGER,
	SHAPE_DOUBLE,
	SHAPE_BOOLEAN,
	SHAPE_NULL,
	SHAPE_NULL_ARRAY,
	SHAPE_NOTHING,
	SHAPE_ANY,
	SHAPE_ARRAY,
	SHAPE_SET,
	SHAPE_MAP,
	SHAPE_TUPLE,
	SHAPE_ONE_OF,
};

struct shape {
	enum shape_type type;
	uint32_t size; /* nodes: this one and all below it */
};

/* Like arguments_parse(). nodes[0] is the root. */
int shape_parse(const char *text, struct shape *nodes, const char **out_error);

#endif

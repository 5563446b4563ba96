/*
 * The two small languages in which commands.def says what a command takes and what it answers.
 *
 * Arguments:
 *
 *   key:key                     a value: its name, then its type (string integer double key pattern unix-time)
 *   NX                          a word that stands for itself; what has lower-case letters is quoted: 'km'
 *   EX seconds:integer          a value behind its word
 *   LIMIT (page: ...)           a group behind its word
 *   (name: a | b | c)           one of several; an alternative of more than one part is taken as a block
 *   (name: a b)                 a block: parts that come together
 *   [ ... ]                     may be left out; it has a name, as a group has, unless it holds a single part
 *   x...                        may be repeated; [WORD x:string]... repeats the word too
 *
 * A name is lower-case letters, digits, '-' and '_'; that of a word is the word in lower case.
 *
 * Replies: `integer`, `bulk-string | null`, `array(bulk-string)`, `map(bulk-string, any)`, `tuple(bulk-string, integer)`.
 * The words: ok simple-string bulk-string verbatim-string integer double boolean null null-array nothing any, and with
 * parentheses array(item) set(item) map(key, value) tuple(first, second, ...).
 *
 * A tree is an array in preorder: behind a node come its children, each with all that belongs to it. Nodes point into
 * the text. No allocation; any thread.
 */
#ifndef ACTORS_STORE_GRAMMAR_H
#define ACTORS_STORE_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/slice.h"
#include "transport/buffer.h"

/* Nodes suffice for any command's arguments, or its reply. */
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
	struct slice name;  /* of a word: the word as it is written */
	struct slice token; /* the word itself, or the one in front; empty without */
	enum argument_type type;
	bool is_optional;
	bool is_multiple;
	bool repeats_token;
	uint32_t size; /* nodes: this one and all below it */
};

/* The number of nodes, or -1: *out_error tells what is wrong. `nodes` has room for GRAMMAR_NODES_MAX. */
int arguments_parse(const char *text, struct argument *nodes, const char **out_error);

/* "string", "pure-token": as COMMAND DOCS calls the types. */
const char *argument_type_name(enum argument_type type);

/* The arguments as a person reads them: "key value [NX|XX] [EX seconds|PX milliseconds]". */
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

/* As arguments_parse(). nodes[0] is the whole. */
int shape_parse(const char *text, struct shape *nodes, const char **out_error);

#endif

/*
 * The table of directives, for the files of this folder only: their types, and their values from and to text.
 *
 * All functions that take a config_error write it when they return false. Parsing writes the field on success only.
 */
#ifndef ACTORS_CONFIG_CONFIG_TABLE_H
#define ACTORS_CONFIG_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "transport/buffer.h"

enum directive_type {
	TYPE_YES_NO,
	TYPE_INTEGER,
	TYPE_OCTAL,
	TYPE_MEMORY,
	TYPE_CHOICE,
	TYPE_TEXT,
	TYPE_PATH,
	TYPE_CPUS,
	TYPE_WORDS,
	TYPE_FLAGS,
	TYPE_OUTPUT_LIMITS,
};

enum directive_flags {
	RUNTIME = 0,
	FIXED = 1 << 0,
	PROTECTED = 1 << 1,
	SECRET = 1 << 2,
	HIDDEN = 1 << 3,
	UNSUPPORTED = 1 << 4,
	PERCENTS = 1 << 5,
	INERT = 1 << 6,
	NO_ONE = 1 << 7,
	SAVE_POINTS = 1 << 8,
	FILE_NAME = 1 << 9,
	SAVE_OR_NOT = 1 << 10,
};

struct directive {
	const char *name;
	const char *alias;      /* NULL without one */
	enum directive_type type;
	unsigned flags;
	size_t offset;          /* of the field in struct config */
	const char *initial;    /* the default, as it would stand in a file */
	uint64_t least, most;   /* bounds of a number (an INTEGER's are cast from int64_t); `most`: of words, their number; of a text, its length, 0 for any */
	const char *choices;    /* "a|b|c" */
};

extern const struct directive config_directives[DIRECTIVES];

/* Finds it by name or alias, in any letter case; NULL when there is none. */
const struct directive *directive_find(const char *name, size_t len);

/* Its value may have any length. */
static inline bool directive_is_text(const struct directive *directive)
{
	return directive->type == TYPE_TEXT || directive->type == TYPE_WORDS || directive->type == TYPE_CPUS ||
	       directive->type == TYPE_PATH;
}

/* Takes several words: bind, save. */
bool directive_is_list(const struct directive *directive);
/* Why a line with this name, which is no directive, is refused; NULL when the name is unknown. */
const char *directive_refusal(const char *name);

static inline void *directive_field(const struct directive *directive, const struct config *config)
{
	return (char *)config + directive->offset;
}

/* Sets the field from the words of a line or of CONFIG SET. Doesn't check whether the value is supported. */
bool directive_parse(const struct directive *directive, struct config *config, char *const *words, size_t count,
		     struct config_error *out_error);
/* Appends the value as CONFIG GET shows it. */
void directive_print(const struct directive *directive, const struct config *config, struct buffer *out);
bool directive_is_equal(const struct directive *directive, const struct config *a, const struct config *b);
/* Copies the value from `from` to `to`. */
void directive_copy(const struct directive *directive, struct config *to, const struct config *from);
/* False: the directive is not supported and its value is not the default. An INERT directive may have any value. */
bool directive_check_support(const struct directive *directive, const struct config *config, struct config_error *out_error);

/* The class with this name, "slave" and "replica" alike; -1 for none. */
int config_client_class(const char *name);

/* A config owns its words and texts. */
void words_copy(struct config_words *out_words, const struct config_words *from);
void words_fini(struct config_words *words);
void words_add(struct config_words *words, const char *word, size_t len);

/* The longest line of a file. */
#define CONFIG_LINE_BYTES (64 * 1024)

/* Appends the value as its line, or lines, of a file. */
void directive_write(const struct directive *directive, const struct config *config, struct buffer *out);
void limit_write(const char *name, enum client_class class, const struct output_limit *limit, struct buffer *out);
/* False: CONFIG REWRITE could not write the value in a line that can be read again. */
bool directive_check_line(const struct directive *directive, const struct config *config, struct config_error *out_error);

/* Copies a text; no memory is fatal. The result is NUL-terminated, and the caller frees it. */
char *config_text(const char *text, size_t len);
/* Appends a NUL that buffer->len doesn't count. */
const char *config_buffer_text(struct buffer *buffer);

/* Returns false, for `return config_fail(...)`. Bytes that are not printable become '?', so that the text stays one line. */
bool config_fail(struct config_error *out_error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Splits a line by the quoting rules of inline commands (transport/resp_inline.h). False leaves `out_words` empty.
 */
bool config_split(const char *line, struct config_words *out_words, struct config_error *out_error);

/*
 * Refusals as "PLACE: reason", in the order of the places. The refusal of a value that is not supported is dropped when a later line sets
 * one that is.
 */
struct config_refusals {
	struct config_refusal {
		const struct directive *directive; /* a later value drops the refusal; NULL: it stays */
		char *text;
	} *items;
	size_t capacity;
	uint32_t count;
};

void refusals_add(struct config_refusals *refusals, const struct directive *directive, const char *place, const char *reason);
/* Drops the refusals of this directive, which now has a good value. */
void refusals_drop(struct config_refusals *refusals, const struct directive *directive);
void refusals_fini(struct config_refusals *refusals);

/* Includes nested deeper are refused. */
#define CONFIG_INCLUDE_DEPTH 16

/* Reads a file with its includes, and options. It goes on after a refusal. */
struct config_reader {
	struct config *config;
	struct config_refusals refusals;
	unsigned depth, files; /* of includes: nesting, and how many so far */
	bool has_given_up;     /* too many errors: the rest is not read */
};

/* Takes one directive from a line or an option; words[0] is its name, which `place` has too. */
void config_take(struct config_reader *reader, const struct config_words *words, const char *place);
/* Takes lines; refusals call the file `name`. */
void config_read_text(struct config_reader *reader, const char *name, const char *text, size_t len);
/* Takes a file with its includes; names are relative to the config's `dir`. False: the file can't be read. */
bool config_read_file(struct config_reader *reader, const char *path, struct config_error *out_error);
bool config_read_stdin(struct config_reader *reader, struct config_error *out_error);
enum config_source { CONFIG_FILE, CONFIG_FILE_OR_PIPE };
/* Opens for reading. -1: errno, and the reason in words. */
int config_open(const char *path, enum config_source source, const char **out_reason);
/* Reads a descriptor to its end, or until there is more than a configuration may have. False: errno. */
bool config_slurp(int fd, struct buffer *out);

/*
 * Makes the text that CONFIG REWRITE writes from a file's old text. The caller finis `out` in any case. False: the server would not start
 * with it, or would start with other values.
 */
bool config_rewrite_text(const struct config *config, const char *old, size_t len, struct buffer *out,
			 struct config_error *out_error);

/* The directive name nearest to a misspelt one; NULL when none is near. */
const char *config_nearest_name(const char *name);

/* `path`, or "dir/path" if it is relative; the caller frees it. */
char *config_resolve(const char *dir, const char *path);

#endif

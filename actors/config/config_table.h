/*
 * The table of directives, for the files of config only: what each is, and its value as text, both ways.
 *
 * All functions that take a config_error write it when they return false. Parsing writes the field on success only.
 */
#ifndef ACTORS_CONFIG_TABLE_H
#define ACTORS_CONFIG_TABLE_H

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
	NO_DISK = 1 << 5,
	PERCENTS = 1 << 6,
	INERT = 1 << 7,
	NO_ONE = 1 << 8,
};

struct directive {
	const char *name;
	const char *alias;      /* NULL without one */
	enum directive_type type;
	unsigned flags;
	size_t offset;          /* of the field in struct config */
	const char *initial;    /* the default, as it would stand in a file */
	uint64_t least, most;   /* numbers: bounds (those of an INTEGER cast from int64_t); words: most of them */
	const char *choices;    /* "a|b|c" */
};

extern const struct directive config_directives[DIRECTIVES];

/* By name or alias, in any letter case; NULL when there is none. */
const struct directive *directive_find(const char *name, size_t len);
/* Its value is as long as whoever gives it likes. */
static inline bool directive_is_text(const struct directive *directive)
{
	return directive->type == TYPE_TEXT || directive->type == TYPE_WORDS || directive->type == TYPE_CPUS ||
	       directive->type == TYPE_PATH;
}

/* Takes several words: bind, save. */
bool directive_is_list(const struct directive *directive);
/* Why a line of this name, which is no directive, is refused; NULL when the name says nothing to us. */
const char *directive_refusal(const char *name);

static inline void *directive_field(const struct directive *directive, const struct config *config)
{
	return (char *)config + directive->offset;
}

/* Sets the field from the words of a line or of CONFIG SET, whether that may be or not. */
bool directive_parse(const struct directive *directive, struct config *config, char *const *words, size_t count,
		     struct config_error *out_error);
/* Appends the value as CONFIG GET shows it. */
void directive_print(const struct directive *directive, const struct config *config, struct buffer *out);
bool directive_is_equal(const struct directive *directive, const struct config *a, const struct config *b);
/* Gives `to` the value that `from` has. */
void directive_copy(const struct directive *directive, struct config *to, const struct config *from);
/* A directive that nothing stands behind may hold its default and nothing else; what is inert may hold anything. */
bool directive_check_support(const struct directive *directive, const struct config *config, struct config_error *out_error);

/* The class that a name stands for, "slave" and "replica" alike; -1 for none. */
int config_client_class(const char *name);

/* The values of words and texts are owned by the config that holds them. */
void words_copy(struct config_words *out_words, const struct config_words *from);
void words_fini(struct config_words *words);
void words_add(struct config_words *words, const char *word, size_t len);

/* The longest line of a file. */
#define CONFIG_LINE_BYTES (64 * 1024)

/* The value's line, or lines, in a file. */
void directive_write(const struct directive *directive, const struct config *config, struct buffer *out);
void limit_write(const char *name, enum client_class class, const struct output_limit *limit, struct buffer *out);
/* A value that CONFIG REWRITE could not write so that it can be read is refused when it is given. */
bool directive_check_line(const struct directive *directive, const struct config *config, struct config_error *out_error);

/* Memory that is there: no memory is fatal. The returned text is NUL-terminated and the caller's to free. */
char *config_text(const char *text, size_t len);
/* Ends a buffer with a NUL that does not count. */
const char *config_buffer_text(struct buffer *buffer);

/* Always false, for `return config_fail(...)`. Control bytes in the arguments become '?', so that it stays one line. */
bool config_fail(struct config_error *out_error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Splits a line by the rules of quoting that inline commands have (transport/resp_inline.h). False leaves
 * `out_words` empty.
 */
bool config_split(const char *line, struct config_words *out_words, struct config_error *out_error);

/*
 * What can't be taken, as "PLACE: reason", in the order of the places. A value that is not supported counts only until another
 * takes its place that is.
 */
struct config_refusals {
	struct config_refusal {
		const struct directive *directive; /* whose value may be replaced; NULL for what can't be mended further down */
		char *text;
	} *items;
	uint32_t count;
};

void refusals_add(struct config_refusals *refusals, const struct directive *directive, const char *place, const char *reason);
/* The directive has a value that may be. */
void refusals_drop(struct config_refusals *refusals, const struct directive *directive);
void refusals_fini(struct config_refusals *refusals);

/* A reader this deep follows no include. */
#define CONFIG_INCLUDE_DEPTH 16

/* Who reads a file, what it includes, and options, one after the other. Reading goes on behind what is refused. */
struct config_reader {
	struct config *config;
	struct config_refusals refusals;
	unsigned depth, files; /* includes: how deep, how many so far */
	bool has_given_up;     /* on all that follows: too much is wrong */
};

/* Takes one directive, words[0] being its name, from a line or an option; `place` names it too. */
void config_take(struct config_reader *reader, const struct config_words *words, const char *place);
/* Takes lines; `name` is what refusals call the file. */
void config_read_text(struct config_reader *reader, const char *name, const char *text, size_t len);
/* Takes a whole file, with what it includes; relative to the config's `dir`. False when it can't be read at all. */
bool config_read_file(struct config_reader *reader, const char *path, struct config_error *out_error);
bool config_read_stdin(struct config_reader *reader, struct config_error *out_error);
enum config_source { CONFIG_FILE, CONFIG_FILE_OR_PIPE };
/* To read; -1: errno, and the reason in words. */
int config_open(const char *path, enum config_source source, const char **out_reason);
/* Reads all of a descriptor, or a little more than a configuration may have; false: errno. */
bool config_slurp(int fd, struct buffer *out);

/*
 * What CONFIG REWRITE makes of a file's text, for the caller to fini in any case. False when the server would not start with it, or
 * with other values.
 */
bool config_rewrite_text(const struct config *config, const char *old, size_t len, struct buffer *out,
			 struct config_error *out_error);

/* The directive name nearest to a misspelt one, NULL when nothing is near. */
const char *config_nearest_name(const char *name);

/* `path` seen from `dir`; the caller frees it. */
char *config_resolve(const char *dir, const char *path);

#endif

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
/* Takes several words: bind, save. */
bool directive_is_list(const struct directive *directive);

static inline void *directive_field(const struct directive *directive, const struct config *config)
{
	return (char *)config + directive->offset;
}

/* Sets the field from the words of a line or of CONFIG SET, whether that may be or not (config_apply() looks at flags). */
bool directive_parse(const struct directive *directive, struct config *config, char *const *words, size_t count,
		     struct config_error *out_error);
/* Appends the value as CONFIG GET shows it. */
void directive_print(const struct directive *directive, const struct config *config, struct buffer *out);
bool directive_is_equal(const struct directive *directive, const struct config *a, const struct config *b);

/* The class that a name stands for, "slave" and "replica" alike; -1 for none. */
int config_client_class(const char *name);

/* The values of words and texts are owned by the config that holds them. */
void words_copy(struct config_words *out_words, const struct config_words *from);
void words_fini(struct config_words *words);
void words_add(struct config_words *words, const char *word, size_t len);

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

/* What is being read, for include and for the place that an error names. */
struct config_reader {
	struct config *config;
	struct config_error *error;
	unsigned depth; /* of includes */
	bool is_placed; /* the error names file and line */
	bool skip_bad;  /* pass over lines that can't be taken */
};

/* Takes one directive, words[0] being its name: from a line or an option. An error does not repeat the name. */
bool config_apply(struct config_reader *reader, const struct config_words *words);
/* Takes a whole file, with what it includes; relative to the config's `dir`. */
bool config_read_file(struct config_reader *reader, const char *path);
bool config_read_stdin(struct config_reader *reader);
/* Takes lines; `name` is what errors call the file. */
bool config_read_text(struct config_reader *reader, const char *name, const char *text, size_t len);
/* Reads all of a descriptor; false: errno, EFBIG above the bound of 16 MB. */
bool config_slurp(int fd, struct buffer *out);

/* The directive name nearest to a misspelt one, NULL when nothing is near. */
const char *config_nearest_name(const char *name);

/* `path` seen from `dir`; the caller frees it. */
char *config_resolve(const char *dir, const char *path);

#endif

/*
 * The configuration: Redis's directives, read from a file and the command line, and the work of CONFIG GET, SET and REWRITE.
 *
 * `directives.def` is the only list. `struct config` has one plain field per directive, named like it with '_' for '-'. Directives of
 * Redis that this server doesn't support are there too. One that can't matter here takes any value, which nothing reads. Any other keeps
 * Redis's default, and every other value is refused.
 *
 * There is no global. config_load() fills a struct that main() hands to the store actor, its owner from then on. Other actors get what
 * they need by message. The texts that fields point to live until the next config_set() or config_fini(). Relative file names (logfile,
 * pidfile, unixsocket) are relative to `dir`.
 *
 * Bad input gives one line of text that says what is wrong and where, and leaves the struct as it was. config_load() gives a line for
 * each error and leaves the struct fit for config_fini() only. Running out of memory is fatal. config_load(), config_rewrite() and
 * setting `dir` touch the file system and may block.
 */
#ifndef ACTORS_CONFIG_CONFIG_H
#define ACTORS_CONFIG_CONFIG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "actors/runtime/process.h"
#include "storage/slice.h"

struct config_words {
	char **items; /* NUL-terminated */
	size_t capacity;
	uint32_t count;
};

enum client_class { CLIENT_CLASS_NORMAL, CLIENT_CLASS_REPLICA, CLIENT_CLASS_PUBSUB, CLIENT_CLASSES };

/* A client is closed above hard_bytes, or after soft_seconds above soft_bytes; 0 means no limit. */
struct output_limit {
	uint64_t hard_bytes, soft_bytes;
	int64_t soft_seconds;
};

/* Values of choices that the server acts upon, in the order of directives.def; `supervised` has enum supervision. */
enum appendfsync { APPENDFSYNC_EVERYSEC, APPENDFSYNC_ALWAYS, APPENDFSYNC_NO };
/* Bits of shutdown_on_sigterm and shutdown_on_sigint. */
enum shutdown_flags { SHUTDOWN_DEFAULT = 1, SHUTDOWN_SAVE = 2, SHUTDOWN_NOSAVE = 4, SHUTDOWN_NOW = 8, SHUTDOWN_FORCE = 16 };
enum protected_use { PROTECTED_USE_NO, PROTECTED_USE_YES, PROTECTED_USE_LOCAL };

struct config {
#define YES_NO(field, ...) bool field;
#define INTEGER(field, ...) int64_t field;
#define OCTAL(field, ...) int64_t field;
#define MEMORY(field, ...) uint64_t field; /* bytes */
#define CHOICE(field, ...) int field;
#define TEXT(field, ...) char *field; /* never NULL; "" for none */
#define PATH(field, ...) char *field;
#define CPUS(field, ...) char *field;
#define WORDS(field, ...) struct config_words field;
#define FLAGS(field, ...) int field; /* bits, in the order of the values */
#define OUTPUT_LIMITS(field, ...) struct output_limit field[CLIENT_CLASSES];
#include "directives.def"
	char *config_file; /* the absolute name of the file read; "" without one */
	uint64_t cgroup_limit; /* the memory limit of the control group in bytes; 0 if the machine has no more */
	char *start_dir;   /* the working directory at config_init(); names in the file are relative to it */
};

enum config_directive {
#define YES_NO(field, ...) DIRECTIVE_##field,
#define INTEGER(field, ...) DIRECTIVE_##field,
#define OCTAL(field, ...) DIRECTIVE_##field,
#define MEMORY(field, ...) DIRECTIVE_##field,
#define CHOICE(field, ...) DIRECTIVE_##field,
#define TEXT(field, ...) DIRECTIVE_##field,
#define PATH(field, ...) DIRECTIVE_##field,
#define CPUS(field, ...) DIRECTIVE_##field,
#define WORDS(field, ...) DIRECTIVE_##field,
#define FLAGS(field, ...) DIRECTIVE_##field,
#define OUTPUT_LIMITS(field, ...) DIRECTIVE_##field,
#include "directives.def"
	DIRECTIVES
};

/* The directives whose value has changed. */
struct config_changes {
	uint64_t bits[(DIRECTIVES + 63) / 64];
};

static inline bool config_has_changed(const struct config_changes *changes, enum config_directive directive)
{
	return changes->bits[directive / 64] >> (directive % 64) & 1;
}

struct config_error {
	char text[512]; /* one line, without newline */
};

/* A text for a message to another actor, which frees it; cut if it is too long. Fatal without memory. */
struct config_error *config_error_create(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct config_error *config_error_create_from(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* Built-in values. */
void config_init(struct config *config);
void config_copy(struct config *out_config, const struct config *from);
void config_fini(struct config *config);

enum config_load_status {
	CONFIG_LOADED,
	CONFIG_REFUSED,      /* each refusal follows "qcache-server: " on a line of stderr; exit status 1 */
	CONFIG_SHOW_VERSION, /* --version or -v */
	CONFIG_SHOW_HELP,    /* --help or -h */
};

/*
 * Sets built-in values, then those of the file, then those of the options in `argv`; argv[0] is the program. Initialises `config` in
 * every case. The forms: [FILE | -] [--directive value ...] [-directive value ...] [-], where - reads the file from stdin.
 *
 * CONFIG_REFUSED: *out_refusals has a line with a newline for each refusal, which names its place. Refused is every line and option that
 * can't be read, and every directive that is not supported and doesn't end with its default: a later line may set the default again.
 * The caller frees it.
 */
enum config_load_status config_load(struct config *config, int argc, char **argv, char **out_refusals);

/* Lists directives that are not at their default although they change nothing here: "a, b and 3 more". */
void config_print_inert(const struct config *config, char *out_text, size_t size);

/* maxmemory is unset or above the control group's memory limit, if there is one. */
bool config_exceeds_cgroup(const struct config *config);

void config_print_help(FILE *out);

/*
 * CONFIG GET: visits each directive that matches one of the patterns once, with its value as Redis writes it. `name` is the
 * directive's, or the pattern itself if it has no wildcard. Both texts live for the call.
 */
typedef void config_visit(void *context, const char *name, const char *value);
void config_get(const struct config *config, const struct slice *patterns, size_t count, config_visit *visit,
		void *context);

struct config_pair {
	struct slice name, value;
};

/* Whether the client runs on this machine: some directives may be set only from here. */
enum config_origin { CONFIG_FROM_AFAR, CONFIG_FROM_HERE };

/*
 * CONFIG SET: sets all of the pairs or none. False: out_error has the whole error reply, "ERR ..." included. The caller puts the changes
 * in out_changes into effect. If that can fail, it calls config_set() on a copy first.
 */
bool config_set(struct config *config, const struct config_pair *pairs, size_t count, enum config_origin origin,
		struct config_changes *out_changes, struct config_error *out_error);

/*
 * CONFIG REWRITE of config->config_file. Changed values replace the old ones in place; comments and order stay. Directives that the file
 * lacks and that are not at their default are added at its end. The file is replaced whole or not at all, and is on disk when this
 * returns. False: out_error has the error reply.
 */
bool config_rewrite(const struct config *config, struct config_error *out_error);

/* Whether the value must not be shown in MONITOR or a log. True of an unknown directive, which may be a misspelt `requirepass`. */
bool config_is_secret(struct slice name);

#endif

/*
 * For tests of the configuration: files in a directory of the case, and loading them as the server does.
 */
#ifndef TESTS_SUPPORT_CONFIG_FILE_H
#define TESTS_SUPPORT_CONFIG_FILE_H

#include <stddef.h>

#include "actors/config/config.h"

/* Runs the case with an empty directory as the working directory; scratch_path() is its path. */
void in_scratch(void (*run)(void));
const char *scratch_path(void);

/* Writes a file in the working directory. */
void file_write(const char *name, const char *text);
void file_put(const char *name, const char *text, size_t len);

/* Loads "qcache-server" with these words. */
enum config_load_status config_load_words(struct config *config, const char *const words[]);
#define LOAD(config, ...) config_load_words(config, (const char *const[]){ __VA_ARGS__, NULL })
/* The refusals of these words: lines, the last without its newline, until the next call; "" when they load. */
const char *refusals_of(const char *const words[]);
#define REFUSAL(...) refusals_of((const char *const[]){ __VA_ARGS__, NULL })
/* The refusals of a file q.conf with this text. */
const char *file_refusal(const char *text);

#endif

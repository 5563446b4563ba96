/*
 * Glob patterns as KEYS, SCAN and CONFIG GET take them: `*`, `?`, `[abc]`, `[^a-z]`, `\x`.
 *
 * Pattern and text may contain any bytes. Matching takes at most O(pattern * text) time: no exponential case.
 * An unterminated class ends at the end of the pattern, as in Redis.
 */
#ifndef STORAGE_GLOB_H
#define STORAGE_GLOB_H

#include <stdbool.h>

#include "slice.h"

enum glob_case { GLOB_EXACT_CASE, GLOB_ANY_CASE };

bool glob_matches(struct slice pattern, struct slice text, enum glob_case letter_case);

#endif

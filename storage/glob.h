/*
 * Glob patterns as KEYS, SCAN and CONFIG GET take them: `*`, `?`, `[abc]`, `[^a-z]`, `\x`.
 *
 * Any bytes on both sides. Time is bounded by O(pattern * text) whatever the pattern: no exponential case.
 * An unterminated class ends at the end of the pattern, as in Redis.
 */
#ifndef STORAGE_GLOB_H
#define STORAGE_GLOB_H

#include <stdbool.h>

#include "slice.h"

enum glob_case { GLOB_EXACT_CASE, GLOB_ANY_CASE };

bool glob_matches(struct slice pattern, struct slice text, enum glob_case letter_case);

#endif

/*
 * Whole numbers as text.
 */
#ifndef STORAGE_NUMBER_H
#define STORAGE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

/* True if `text` is an int64 in canonical form: digits without leading zeros, with a minus sign if negative. */
bool number_is_text_of(struct slice text, int64_t *out_value);

#endif

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

/* Writes the number in that form, at most NUMBER_TEXT_MAX bytes, and returns how many. */
#define NUMBER_TEXT_MAX 20
size_t number_as_text(int64_t value, uint8_t *out_text);

#endif

/*
 * Whole numbers as text.
 */
#ifndef STORAGE_NUMBER_H
#define STORAGE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

/* Is it the text of an int64 as it is written: digits, a minus before them if it is negative, no zeros before? */
bool number_is_text_of(struct slice text, int64_t *out_value);

#endif

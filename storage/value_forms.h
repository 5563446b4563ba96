/*
 * The forms of values, each from its type's file, by number. Private to storage/.
 */
#ifndef STORAGE_VALUE_FORMS_H
#define STORAGE_VALUE_FORMS_H

#include "entry_layout.h"
#include "value.h"

extern const struct value_form *const value_forms[ENTRY_FORMS];

/* types/string.c */
extern const struct value_form string_given, string_patched, string_computed, string_in_blob;

#endif

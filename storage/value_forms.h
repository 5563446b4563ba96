/*
 * The table of value forms, by enum entry_form; each form is defined in its type's file. Private to storage/.
 */
#ifndef STORAGE_VALUE_FORMS_H
#define STORAGE_VALUE_FORMS_H

#include "entry_layout.h"
#include "value.h"

extern const struct value_form *const value_forms[ENTRY_FORMS];

/* types/string.c */
extern const struct value_form string_given, string_patched, string_computed, string_in_blob;
bool string_decode(struct rdb_reader *reader, struct value *out_value);

/* Sets the value's part to this address. */
static inline void value_set_address(struct value *value, const void *address)
{
	memcpy(value->address, &address, sizeof(value->address));
	value->part = slice_of(value->address, sizeof(value->address));
}

#endif

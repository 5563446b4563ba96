#include "value.h"

#include "value_forms.h"

const struct value_form *const value_forms[ENTRY_FORMS] = {
	[FORM_STRING] = &string_given,
	[FORM_STRING_PATCHED] = &string_patched,
	[FORM_STRING_COMPUTED] = &string_computed,
	[FORM_STRING_BLOB] = &string_in_blob,
};

const char *entry_type_name(enum entry_type type)
{
	static const char *const names[ENTRY_TYPES] = {
		[ENTRY_STRING] = "string",
	};
	return names[type];
}

const char *entry_encoding_name(const struct entry *entry)
{
	return value_forms[entry_form(entry)]->encoding_name(entry_part(entry));
}

void entry_digest(const struct entry *entry, const struct digest_sink *sink)
{
	value_forms[entry_form(entry)]->digest(entry_part(entry), sink);
}

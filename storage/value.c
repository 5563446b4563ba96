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

enum rdb_type entry_rdb_type(const struct entry *entry)
{
	return value_forms[entry_form(entry)]->rdb_type;
}

void entry_encode(const struct entry *entry, struct rdb_writer *writer)
{
	value_forms[entry_form(entry)]->encode(entry_part(entry), writer);
}

static bool refuse_module(struct rdb_reader *reader, struct value *out_value)
{
	return rdb_refuse_module(reader, rdb_offset(reader), "a value");
}

/* By RDB type; a type without a decoder is refused by its name. */
static const struct {
	bool (*decode)(struct rdb_reader *reader, struct value *out_value);
	const char *refusal;
} decoders[] = {
	[RDB_STRING] = { .decode = string_decode },
	[RDB_LIST] = { .refusal = "a list, which is not supported" },
	[RDB_SET] = { .refusal = "a set, which is not supported" },
	[RDB_ZSET] = { .refusal = "a sorted set, which is not supported" },
	[RDB_HASH] = { .refusal = "a hash, which is not supported" },
	[RDB_ZSET_2] = { .refusal = "a sorted set, which is not supported" },
	[RDB_MODULE_PRE_GA] = { .decode = refuse_module },
	[RDB_MODULE_2] = { .decode = refuse_module },
	[RDB_HASH_ZIPMAP] = { .refusal = "a hash (zipmap), which is not supported" },
	[RDB_LIST_ZIPLIST] = { .refusal = "a list (ziplist), which is not supported" },
	[RDB_SET_INTSET] = { .refusal = "a set (intset), which is not supported" },
	[RDB_ZSET_ZIPLIST] = { .refusal = "a sorted set (ziplist), which is not supported" },
	[RDB_HASH_ZIPLIST] = { .refusal = "a hash (ziplist), which is not supported" },
	[RDB_LIST_QUICKLIST] = { .refusal = "a list (quicklist), which is not supported" },
	[RDB_STREAM_LISTPACKS] = { .refusal = "a stream, which is not supported" },
	[RDB_HASH_LISTPACK] = { .refusal = "a hash (listpack), which is not supported" },
	[RDB_ZSET_LISTPACK] = { .refusal = "a sorted set (listpack), which is not supported" },
	[RDB_LIST_QUICKLIST_2] = { .refusal = "a list (quicklist 2), which is not supported" },
	[RDB_STREAM_LISTPACKS_2] = { .refusal = "a stream, which is not supported" },
	[RDB_SET_LISTPACK] = { .refusal = "a set (listpack), which is not supported" },
	[RDB_STREAM_LISTPACKS_3] = { .refusal = "a stream, which is not supported" },
	[RDB_HASH_METADATA_PRE_GA] = { .refusal = "a hash with expiring fields, which is not supported" },
	[RDB_HASH_LISTPACK_EX_PRE_GA] = { .refusal = "a hash with expiring fields, which is not supported" },
	[RDB_HASH_METADATA] = { .refusal = "a hash with expiring fields, which is not supported" },
	[RDB_HASH_LISTPACK_EX] = { .refusal = "a hash with expiring fields, which is not supported" },
	[RDB_STREAM_LISTPACKS_4] = { .refusal = "a stream, which is not supported" },
	[RDB_STREAM_LISTPACKS_5] = { .refusal = "a stream, which is not supported" },
};

bool value_accepts(struct rdb_reader *reader, uint64_t offset, uint8_t rdb_type)
{
	if (rdb_type >= sizeof(decoders) / sizeof(decoders[0]) || (!decoders[rdb_type].decode && !decoders[rdb_type].refusal))
		return rdb_refusef(reader, offset, "a value of the unknown type %u", rdb_type);
	return decoders[rdb_type].decode || rdb_refuse(reader, offset, decoders[rdb_type].refusal);
}

bool value_decode(struct rdb_reader *reader, uint8_t rdb_type, struct value *out_value)
{
	return value_accepts(reader, rdb_offset(reader), rdb_type) && decoders[rdb_type].decode(reader, out_value);
}

void value_release(struct value *value)
{
	entry_release_part((enum entry_form)value->form, value->part, FREED_BY_OWNER);
}

enum entry_type value_type(const struct value *value)
{
	return value_forms[value->form]->type;
}

size_t value_used_bytes(const struct value *value)
{
	const struct value_form *form = value_forms[value->form];
	return form->used_bytes ? form->used_bytes(value->part) : 0;
}

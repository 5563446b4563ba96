#include "client/table.h"

/* The longest name that is looked up. */
#define NAME_MAX_BYTES 64

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Writes `name` in upper case and returns its hash: FNV-1a, as in generate.py, which fills the slots. */
static const qc_table_entry *find(const char *name, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	for (size_t slot = hash & (command_slot_count - 1); command_slots[slot]; slot = (slot + 1) & (command_slot_count - 1)) {
		const qc_table_entry *entry = &command_table[command_slots[slot] - 1];
		if (strncmp(entry->name, name, len) == 0 && !entry->name[len])
			return entry;
	}
	return NULL;
}

const qc_table_entry *table_look_up(const char *name, size_t len, const char *sub, size_t sub_len)
{
	char full[NAME_MAX_BYTES];

	if (len > sizeof(full))
		return NULL;
	for (size_t i = 0; i < len; i++)
		full[i] = upper(name[i]);
	const qc_table_entry *entry = find(full, len);
	if (!sub || (entry && !(entry->flags & COMMAND_HAS_SUBCOMMANDS)) || len + 1 + sub_len > sizeof(full))
		return entry;
	full[len] = ' ';
	for (size_t i = 0; i < sub_len; i++)
		full[len + 1 + i] = upper(sub[i]);
	const qc_table_entry *below = find(full, len + 1 + sub_len);
	return below ? below : entry;
}

const struct command_keys *table_keys(const qc_table_entry *entry)
{
	return &command_keys[entry - command_table];
}

size_t qc_table_count(void)
{
	return command_table_count;
}

const qc_table_entry *qc_table_at(size_t index)
{
	return index < command_table_count ? &command_table[index] : NULL;
}

const qc_table_entry *qc_table_find(const char *name, const char *subcommand)
{
	const qc_table_entry *entry =
		table_look_up(name, strlen(name), subcommand, subcommand ? strlen(subcommand) : 0);

	/* For an unknown subcommand the lookup returns the container, so that a call has some flags. */
	if (!entry || entry >= command_table + command_table_count || (subcommand && !strchr(entry->name, ' ')))
		return NULL;
	return entry;
}

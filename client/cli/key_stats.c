#include "client/cli/key_stats.h"

#include <stdlib.h>
#include <string.h>

static const char *const words[MEASURES] = {"elements", "memory", "frequency"};

void key_stats_init(struct key_stats *stats, size_t top_most)
{
	static const struct { const char *name, *command, *unit; } known[KEY_TYPES] = {
		{"string", "STRLEN", "bytes"}, {"list", "LLEN", "items"},   {"set", "SCARD", "members"}, {"hash", "HLEN", "fields"},
		{"zset", "ZCARD", "members"},  {"stream", "XLEN", "entries"}, {"other", NULL, "keys"},
	};

	*stats = (struct key_stats){.top_most = top_most};
	stats->top = checked(calloc(top_most + 1, sizeof(*stats->top)));
	for (size_t i = 0; i < KEY_TYPES; i++)
		stats->types[i] = (struct key_type){.name = known[i].name, .command = known[i].command, .unit = known[i].unit};
}

void key_stats_fini(struct key_stats *stats)
{
	for (size_t i = 0; i < KEY_TYPES; i++)
		for (size_t m = 0; m < MEASURES; m++)
			text_fini(&stats->types[i].largest[m].key);
	for (size_t i = 0; i < stats->top_count; i++)
		text_fini(&stats->top[i].size.key);
	free(stats->top);
}

struct key_type *key_stats_type(struct key_stats *stats, const char *name)
{
	size_t i = 0;

	while (i + 1 < KEY_TYPES && strcmp(stats->types[i].name, name) != 0)
		i++;
	return &stats->types[i];
}

/* Inserts the key among the largest, if it belongs there. Of equal keys the earlier one comes first. */
static void rank(struct key_stats *stats, const struct key_type *type, const char *key, size_t len, uint64_t value)
{
	size_t at = stats->top_count;
	struct key_rank new = {.size = {.value = value}, .type = type};

	while (at > 0 && stats->top[at - 1].size.value < value)
		at--;
	if (at >= stats->top_most)
		return;
	text_add(&new.size.key, key, len);
	memmove(&stats->top[at + 1], &stats->top[at], (stats->top_count - at) * sizeof(*stats->top));
	stats->top[at] = new;
	if (stats->top_count < stats->top_most)
		stats->top_count++;
	else
		text_fini(&stats->top[stats->top_most].size.key);
}

static size_t class_of(uint64_t value)
{
	size_t class = 0;

	while (class < KEY_CLASSES - 1 && value > 1ULL << class)
		class++;
	return class;
}

void key_stats_note(struct key_stats *stats, struct key_type *type, enum measure m, const char *key, size_t len, uint64_t value)
{
	struct key_size *largest = &type->largest[m];

	type->keys[m]++;
	type->total[m] += value;
	if (!largest->key.data || value > largest->value) {
		largest->value = value;
		text_clear(&largest->key);
		text_add(&largest->key, key, len);
	}
	if (m != stats->ranked)
		return;
	rank(stats, type, key, len, value);
	stats->classes[class_of(value)]++;
}

/* Output for people */

static void print_type(const struct key_type *t, enum measure m, const struct style *style, struct text *out)
{
	const char *unit = m == MEASURE_MEMORY ? "bytes of memory" : m == MEASURE_FREQUENCY ? "of frequency" : t->unit;

	if (m == MEASURE_ELEMENTS && t->is_left_out)
		text_printf(out, "%-7s skipped: the server has no %s\n", t->name, t->command);
	if (t->keys[m] == 0)
		return;
	text_printf(out, "%-7s %llu keys, %llu %s, average %.2f; largest: ", t->name, (unsigned long long)t->keys[m],
		    (unsigned long long)t->total[m], unit, (double)t->total[m] / (double)t->keys[m]);
	format_string(out, t->largest[m].key.data, t->largest[m].key.len, style);
	text_printf(out, " with %llu\n", (unsigned long long)t->largest[m].value);
}

static void print_top(const struct key_stats *stats, const struct style *style, struct text *out)
{
	if (stats->top_count)
		text_printf(out, "\nThe largest by %s:\n", words[stats->ranked]);
	for (size_t i = 0; i < stats->top_count; i++) {
		text_printf(out, "%4zu  %12llu  %-7s ", i + 1, (unsigned long long)stats->top[i].size.value, stats->top[i].type->name);
		format_string(out, stats->top[i].size.key.data, stats->top[i].size.key.len, style);
		text_puts(out, "\n");
	}
}

static void print_classes(const struct key_stats *stats, struct text *out)
{
	uint64_t total = 0, below = 0;

	for (size_t i = 0; i < KEY_CLASSES; i++)
		total += stats->classes[i];
	if (total)
		text_printf(out, "\nKeys by %s (with cumulative share):\n", words[stats->ranked]);
	for (size_t i = 0; i < KEY_CLASSES; i++) {
		below += stats->classes[i];
		if (stats->classes[i])
			text_printf(out, "<= %12llu  %12llu  %5.1f%%  (%5.1f%%)\n", 1ULL << i, (unsigned long long)stats->classes[i],
				    (double)stats->classes[i] * 100 / (double)total, (double)below * 100 / (double)total);
	}
}

static void print_text(const struct key_stats *stats, const char *cursor, const struct style *style, struct text *out)
{
	text_printf(out, "%llu keys\n", (unsigned long long)stats->looked_at);
	for (size_t m = 0; m < MEASURES; m++)
		for (size_t i = 0; stats->measures[m] && m != MEASURE_FREQUENCY && i < KEY_TYPES; i++)
			print_type(&stats->types[i], (enum measure)m, style, out);
	print_top(stats, style, out);
	if (stats->shows_classes)
		print_classes(stats, out);
	if (strcmp(cursor, "0") != 0)
		text_printf(out, "\nNot all keys were read; -cursor %s continues from here.\n", cursor);
}

/* Output for programs */

static void json_size(const struct key_size *size, const char *word, const struct style *style, struct text *out)
{
	text_puts(out, "{\"key\":");
	format_string(out, size->key.data, size->key.len, style);
	text_printf(out, ",\"%s\":%llu", word, (unsigned long long)size->value);
}

static void json_type(const struct key_stats *stats, const struct key_type *t, const struct style *style, struct text *out)
{
	const char *comma = "";

	text_printf(out, "\"%s\":{", t->name);
	for (size_t m = 0; m < MEASURES; m++) {
		if (!stats->measures[m] || !t->keys[m])
			continue;
		text_printf(out, "%s\"%s\":{\"keys\":%llu,\"total\":%llu,\"largest\":", comma, words[m], (unsigned long long)t->keys[m],
			    (unsigned long long)t->total[m]);
		json_size(&t->largest[m], words[m], style, out);
		text_puts(out, "}}");
		comma = ",";
	}
	text_puts(out, "}");
}

static bool has_any(const struct key_type *t)
{
	return t->keys[MEASURE_ELEMENTS] || t->keys[MEASURE_MEMORY] || t->keys[MEASURE_FREQUENCY];
}

static void print_json(const struct key_stats *stats, const char *cursor, const struct style *style, struct text *out)
{
	const char *comma = "";

	text_printf(out, "{\"keys\":%llu,\"cursor\":\"%s\",\"types\":{", (unsigned long long)stats->looked_at, cursor);
	for (size_t i = 0; i < KEY_TYPES; i++) {
		if (!has_any(&stats->types[i]))
			continue;
		text_puts(out, comma);
		json_type(stats, &stats->types[i], style, out);
		comma = ",";
	}
	text_puts(out, "},\"top\":[");
	for (size_t i = 0; i < stats->top_count; i++) {
		text_puts(out, i ? "," : "");
		json_size(&stats->top[i].size, words[stats->ranked], style, out);
		text_printf(out, ",\"type\":\"%s\"}", stats->top[i].type->name);
	}
	text_puts(out, "]");
	comma = "";
	text_puts(out, stats->shows_classes ? ",\"sizes\":[" : "");
	for (size_t i = 0; stats->shows_classes && i < KEY_CLASSES; i++) {
		if (!stats->classes[i])
			continue;
		text_printf(out, "%s{\"up_to\":%llu,\"keys\":%llu}", comma, 1ULL << i, (unsigned long long)stats->classes[i]);
		comma = ",";
	}
	text_puts(out, stats->shows_classes ? "]}\n" : "}\n");
}

void key_stats_print(const struct key_stats *stats, const char *cursor, const struct style *style, struct text *out)
{
	struct style quoted = *style;

	if (style->format == FORMAT_JSON || style->format == FORMAT_QUOTED_JSON) {
		print_json(stats, cursor, style, out);
		return;
	}
	quoted.format = FORMAT_STANDARD;
	print_text(stats, cursor, &quoted, out);
}

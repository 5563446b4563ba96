#include "client/cli/help.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct help_entry *)a)->name, ((const struct help_entry *)b)->name);
}

static char *copy(const char *text)
{
	return checked(strdup(text ? text : ""));
}

static struct help_entry *add(struct help *help)
{
	if (help->count == help->capacity) {
		help->capacity = help->capacity ? help->capacity * 2 : 128;
		help->items = checked(realloc(help->items, help->capacity * sizeof(*help->items)));
	}
	return &help->items[help->count++];
}

void help_init(struct help *help)
{
	*help = (struct help){NULL, 0, 0};
	for (size_t i = 0; i < qc_table_count(); i++) {
		const qc_table_entry *entry = qc_table_at(i);
		*add(help) = (struct help_entry){copy(entry->name), copy(entry->arguments), copy(entry->summary),
						 copy(entry->since), copy(entry->group)};
	}
}

void help_fini(struct help *help)
{
	for (size_t i = 0; i < help->count; i++) {
		struct help_entry *e = &help->items[i];
		free(e->name);
		free(e->arguments);
		free(e->summary);
		free(e->since);
		free(e->group);
	}
	free(help->items);
}

static const struct help_entry *find_name(const struct help *help, const char *name)
{
	for (size_t i = 0; i < help->count; i++)
		if (strcasecmp(help->items[i].name, name) == 0)
			return &help->items[i];
	return NULL;
}

const struct help_entry *help_find(const struct help *help, const char *name, const char *subcommand)
{
	char full[128];
	const struct help_entry *entry = NULL;

	if (subcommand) {
		snprintf(full, sizeof(full), "%s %s", name, subcommand);
		entry = find_name(help, full);
	}
	return entry ? entry : find_name(help, name);
}

/* The server's own command descriptions */

/* The text of a reply, "" if it has none. */
static const char *text_of(const qc_reply *reply)
{
	const char *text = qc_reply_text(reply);
	return text ? text : "";
}

static bool has_flag(const qc_reply *argument, const char *flag)
{
	const qc_reply *flags = qc_reply_get(argument, "flags");

	for (size_t i = 0; i < qc_reply_count(flags); i++)
		if (strcmp(text_of(qc_reply_at(flags, i)), flag) == 0)
			return true;
	return false;
}

static const char *field(const qc_reply *map, const char *name)
{
	return text_of(qc_reply_get(map, name));
}

static void render_all(struct text *out, const qc_reply *arguments, const char *between);

static void render(struct text *out, const qc_reply *argument)
{
	const char *type = field(argument, "type"), *token = field(argument, "token"), *shown = field(argument, "display_text");
	bool is_choice = strcmp(type, "oneof") == 0, is_group = is_choice || strcmp(type, "block") == 0;
	bool optional = has_flag(argument, "optional"), braces = is_choice && (!optional || *token);
	struct text body = {NULL, 0, 0};

	text_puts(&body, token);
	if (*token && strcmp(type, "pure-token") != 0)
		text_puts(&body, " ");
	text_puts(&body, braces ? "<" : "");
	if (is_group)
		render_all(&body, qc_reply_get(argument, "arguments"), is_choice ? "|" : " ");
	else if (strcmp(type, "pure-token") != 0)
		text_puts(&body, *shown ? shown : field(argument, "name"));
	text_puts(&body, braces ? ">" : "");
	text_printf(out, "%s%s", optional ? "[" : "", body.data ? body.data : "");
	if (has_flag(argument, "multiple"))
		text_printf(out, " [%s ...]", body.data ? body.data : "");
	text_puts(out, optional ? "]" : "");
	text_fini(&body);
}

static void render_all(struct text *out, const qc_reply *arguments, const char *between)
{
	for (size_t i = 0; i < qc_reply_count(arguments); i++) {
		text_puts(out, i ? between : "");
		render(out, qc_reply_at(arguments, i));
	}
}

static void add_documented(struct help *help, size_t known, const char *name, const qc_reply *docs)
{
	struct text arguments = {NULL, 0, 0};
	char full[128];
	size_t len = strlen(name);

	if (len == 0)
		return;
	for (size_t i = 0; i <= len && i < sizeof(full); i++)
		full[i] = name[i] == '|' ? ' ' : (char)toupper((unsigned char)name[i]);
	full[sizeof(full) - 1] = 0;
	const struct help table = {help->items, known, known};
	if (!find_name(&table, full)) {
		render_all(&arguments, qc_reply_get(docs, "arguments"), " ");
		*add(help) = (struct help_entry){copy(full), copy(arguments.data), copy(field(docs, "summary")),
						 copy(field(docs, "since")), copy(field(docs, "group"))};
	}
	text_fini(&arguments);
	const qc_reply *subs = qc_reply_get(docs, "subcommands");
	for (size_t i = 0; i + 1 < qc_reply_count(subs); i += 2)
		add_documented(help, known, text_of(qc_reply_at(subs, i)), qc_reply_at(subs, i + 1));
}

void help_ask(struct help *help, struct session *session)
{
	size_t known = help->count;
	qc_result docs qc_auto = qc_do(session->pinned, interrupt_begin(), "COMMAND", "DOCS");

	interrupt_end();
	/* A server may lack COMMAND DOCS. But a connection on which the reply may still arrive cannot be used further. */
	if (qc_failed(docs) && docs.err.kind != QC_SERVER)
		session_connect(session);
	for (size_t i = 0; !qc_failed(docs) && i + 1 < qc_reply_count(docs.reply); i += 2)
		add_documented(help, known, text_of(qc_reply_at(docs.reply, i)), qc_reply_at(docs.reply, i + 1));
	qsort(help->items, help->count, sizeof(*help->items), by_name);
}

/* HELP */

static void print_entry(const struct help_entry *e, struct text *out)
{
	text_printf(out, "\n  %s %s\n  summary: %s\n  since: %s\n  group: %s\n", e->name, e->arguments, e->summary, e->since,
		    e->group);
}

static const char general[] =
	"qcache-cli: type a command and its arguments; quote them as in \"two words\\n\" or 'as is'.\n"
	"  help COMMAND      describes a command\n"
	"  help @GROUP       lists the commands of a group, such as @string\n"
	"  TAB               completes commands, subcommands, options and keys; the hint at the right shows the arguments\n"
	"  Ctrl-R            searches the history\n"
	"  N COMMAND         runs the command N times\n"
	"  COMMAND | PROGRAM pipes the reply to a shell command, as in: keys * | sort | head\n"
	"  Ctrl-C            cancels the command, or discards the line; Ctrl-D or quit ends the program\n"
	"  clear, connect HOST [PORT], connect HOST:PORT, connect SOCKET-PATH, connect URL\n";

void help_print(const struct help *help, const struct words *words, struct text *out)
{
	const char *name = words->count > 1 ? words->owned[1] : NULL, *sub = words->count > 2 ? words->owned[2] : NULL;
	size_t found = 0;

	if (!name) {
		text_puts(out, general);
		return;
	}
	for (size_t i = 0; i < help->count; i++) {
		const struct help_entry *e = &help->items[i];
		size_t len = strlen(name);
		bool fits = *name == '@' ? strcasecmp(e->group, name + 1) == 0
					 : strncasecmp(e->name, name, len) == 0 && (!e->name[len] || e->name[len] == ' ');
		if (fits && sub && e->name[len])
			fits = strcasecmp(e->name + len + 1, sub) == 0;
		else if (fits && sub)
			fits = false;
		if (fits)
			print_entry(e, out);
		found += fits;
	}
	if (found)
		text_puts(out, "\n");
	else
		text_printf(out, "No help for \"%s\".\n", name);
}

/* Where the argument that begins here ends: a word, or a bracketed group. */
static const char *argument_end(const char *at)
{
	int depth = 0;

	for (; *at && (depth > 0 || *at != ' '); at++)
		depth += (*at == '[' || *at == '<') - (*at == ']' || *at == '>');
	return at;
}

void help_hint(const struct help_entry *entry, size_t given, struct text *out)
{
	const char *at = entry->arguments;

	/* Required arguments disappear once typed; optional ones stay in the hint. */
	while (given > 0 && *at && *at != '[') {
		at = argument_end(at);
		at += *at == ' ';
		given--;
	}
	text_puts(out, at);
}

static bool names_key(const char *at)
{
	static const char *const names[] = {"key", "newkey", "source", "destination"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);
		if (strncmp(at, names[i], len) == 0 && !isalnum((unsigned char)at[len]) && at[len] != '-' && at[len] != '_')
			return true;
	}
	return false;
}

/* The number of words in a repeated group "[key value ...]"; 0 if nothing is repeated. */
static size_t repeated_words(const char *bracket)
{
	const char *end = argument_end(bracket), *dots = memmem(bracket, (size_t)(end - bracket), " ...]", 5);
	size_t count = dots != NULL;

	for (const char *at = bracket; dots && at < dots; at++)
		count += *at == ' ';
	return count;
}

bool help_is_key(const struct help_entry *entry, size_t given)
{
	const char *at = entry->arguments;

	for (; given > 0 && *at && *at != '['; given--) {
		at = argument_end(at);
		at += *at == ' ';
	}
	if (*at != '[')
		return given == 0 && names_key(at);
	size_t period = repeated_words(at);
	if (period == 0)
		return false;
	at++;
	for (given %= period; given > 0; given--)
		at = strchr(at, ' ') + 1;
	return names_key(at);
}

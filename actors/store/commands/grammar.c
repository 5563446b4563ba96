#include "actors/store/commands/grammar.h"

/*
 * A recursive descent parser. A node is allocated from the array before its children are parsed, and completed afterwards; so the array is
 * in preorder. Parsing stops at the first error.
 */
struct parse {
	const char *at;
	struct argument *arguments;
	struct shape *shapes;
	int count;
	uint32_t depth;
	const char *error;
};

/* Maximum depth of nested groups; more is a mistake in the table. */
#define DEPTH_MAX 8

static bool fail(struct parse *parse, const char *error)
{
	if (!parse->error)
		parse->error = error;
	return false;
}

static void skip_spaces(struct parse *parse)
{
	while (*parse->at == ' ')
		parse->at++;
}

static bool take(struct parse *parse, const char *text)
{
	size_t len = strlen(text);
	if (strncmp(parse->at, text, len) != 0)
		return false;
	parse->at += len;
	return true;
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_name_char(char c)
{
	return is_lower(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_word_char(char c)
{
	return c > ' ' && c != 0x7f && !is_lower(c) && !strchr("[]()|:'\".,", c);
}

static struct slice take_while(struct parse *parse, bool (*holds)(char))
{
	const char *start = parse->at;
	while (*parse->at && holds(*parse->at))
		parse->at++;
	return slice_of(start, (size_t)(parse->at - start));
}

/* ---- arguments ---- */

static struct argument *new_argument(struct parse *parse, enum argument_type type)
{
	if (parse->count == GRAMMAR_NODES_MAX) {
		fail(parse, "too many arguments");
		return NULL;
	}
	struct argument *node = &parse->arguments[parse->count++];
	*node = (struct argument){ .type = type, .size = 1 };
	return node;
}

static const char *const type_names[] = {
	[ARGUMENT_STRING] = "string",   [ARGUMENT_INTEGER] = "integer",     [ARGUMENT_DOUBLE] = "double",
	[ARGUMENT_KEY] = "key",         [ARGUMENT_PATTERN] = "pattern",     [ARGUMENT_UNIX_TIME] = "unix-time",
	[ARGUMENT_WORD] = "pure-token", [ARGUMENT_ONE_OF] = "oneof",        [ARGUMENT_BLOCK] = "block",
};

const char *argument_type_name(enum argument_type type)
{
	return type_names[type];
}

static bool find_value_type(struct slice name, enum argument_type *out_type)
{
	for (int type = ARGUMENT_STRING; type <= ARGUMENT_UNIX_TIME; type++) {
		if (slice_equal(name, slice_of(type_names[type], strlen(type_names[type])))) {
			*out_type = (enum argument_type)type;
			return true;
		}
	}
	return false;
}

/* Takes the label of a group, a name followed by ": ", if there is one. */
static bool take_label(struct parse *parse, struct slice *out_label)
{
	const char *start = parse->at;
	struct slice name = take_while(parse, is_name_char);
	if (name.len > 0 && is_lower((char)name.data[0]) && take(parse, ": ")) {
		*out_label = name;
		return true;
	}
	parse->at = start;
	return false;
}

static bool parse_value(struct parse *parse, struct slice token)
{
	struct slice name = take_while(parse, is_name_char);
	if (name.len == 0 || !take(parse, ":"))
		return fail(parse, "a name, a colon and a type were expected");
	struct argument *node = new_argument(parse, ARGUMENT_STRING);
	if (!node)
		return false;
	node->name = name;
	node->token = token;
	return find_value_type(take_while(parse, is_name_char), &node->type) || fail(parse, "unknown type of a value");
}

static bool parse_part(struct parse *parse);

/* Parses and counts parts up to `|` or the closing bracket. */
static bool parse_sequence(struct parse *parse, char close, int *out_parts)
{
	int parts = 0;
	for (;;) {
		skip_spaces(parse);
		if (*parse->at == close || *parse->at == '|')
			break;
		if (!*parse->at)
			return fail(parse, "a bracket is not closed");
		if (!parse_part(parse))
			return false;
		parts++;
	}
	*out_parts = parts;
	return parts > 0 || fail(parse, "an empty group or alternative");
}

/* Moves the nodes from `first` on up by one and inserts a block before them. */
static bool wrap_in_block(struct parse *parse, int first)
{
	if (!new_argument(parse, ARGUMENT_BLOCK))
		return false;
	struct argument *nodes = parse->arguments;
	memmove(&nodes[first + 1], &nodes[first], (size_t)(parse->count - 1 - first) * sizeof(*nodes));
	/* A block without a label has the name of its first part. */
	nodes[first] = (struct argument){
		.name = nodes[first + 1].name, .type = ARGUMENT_BLOCK, .size = (uint32_t)(parse->count - first)
	};
	return true;
}

/* Parses the content of brackets after the label: a choice, a block, or a single part. */
static bool parse_group(struct parse *parse, char close, struct slice label, struct slice token)
{
	int first = parse->count, parts = 0, alternatives = 0;
	bool has_frame = label.len > 0;
	if (has_frame && !new_argument(parse, ARGUMENT_BLOCK))
		return false;
	do {
		int at = parse->count;
		if (!parse_sequence(parse, close, &parts))
			return false;
		alternatives++;
		bool is_choice = alternatives > 1 || *parse->at == '|';
		if (is_choice && parts > 1 && !wrap_in_block(parse, at))
			return false;
	} while (take(parse, "|"));
	parse->at++; /* the closing bracket, where parse_sequence() has stopped */
	if (!has_frame)
		return (alternatives == 1 && parts == 1) || fail(parse, "a group needs a name");

	struct argument *group = &parse->arguments[first];
	group->type = alternatives > 1 ? ARGUMENT_ONE_OF : ARGUMENT_BLOCK;
	group->name = label;
	group->token = token;
	group->size = (uint32_t)(parse->count - first);
	return true;
}

static bool enter_group(struct parse *parse, char close, struct slice token)
{
	struct slice label = { NULL, 0 };
	if (++parse->depth > DEPTH_MAX)
		return fail(parse, "groups are nested too deep");
	take_label(parse, &label);
	bool parsed = parse_group(parse, close, label, token);
	parse->depth--;
	return parsed;
}

static bool parse_optional(struct parse *parse)
{
	struct slice no_token = { NULL, 0 };
	int at = parse->count;
	if (!enter_group(parse, ']', no_token))
		return false;
	struct argument *node = &parse->arguments[at];
	node->is_optional = true;
	if (take(parse, "...")) {
		node->is_multiple = true;
		node->repeats_token = node->token.len > 0;
	}
	return true;
}

static bool parse_word(struct parse *parse)
{
	struct slice word;
	if (take(parse, "'")) {
		const char *end = strchr(parse->at, '\'');
		if (!end)
			return fail(parse, "a quote is not closed");
		word = slice_of(parse->at, (size_t)(end - parse->at));
		parse->at = end + 1;
	} else {
		word = take_while(parse, is_word_char);
	}
	if (word.len == 0)
		return fail(parse, "a character that does not belong here");

	const char *behind = parse->at;
	skip_spaces(parse);
	if (take(parse, "("))
		return enter_group(parse, ')', word);
	if (is_lower(*parse->at))
		return parse_value(parse, word);
	parse->at = behind;
	struct argument *node = new_argument(parse, ARGUMENT_WORD);
	if (!node)
		return false;
	node->name = node->token = word;
	return true;
}

static bool parse_part(struct parse *parse)
{
	struct slice no_token = { NULL, 0 };
	int at = parse->count;
	if (take(parse, "["))
		return parse_optional(parse);
	bool parsed = take(parse, "(") ? enter_group(parse, ')', no_token) :
		      is_lower(*parse->at) ? parse_value(parse, no_token) : parse_word(parse);
	if (parsed && take(parse, "..."))
		parse->arguments[at].is_multiple = true;
	return parsed;
}

int arguments_parse(const char *text, struct argument *nodes, const char **out_error)
{
	struct parse parse = { .at = text, .arguments = nodes };
	for (;;) {
		skip_spaces(&parse);
		if (!*parse.at || !parse_part(&parse))
			break;
	}
	*out_error = parse.error;
	return parse.error ? -1 : parse.count;
}

/* ---- arguments in readable form ---- */

static void append_slice(struct buffer *out, struct slice text)
{
	buffer_append(out, text.data, text.len);
}

static void render_node(const struct argument *node, struct buffer *out);

static void render_children(const struct argument *node, const char *between, struct buffer *out)
{
	const struct argument *end = node + node->size;
	for (const struct argument *child = node + 1; child < end; child += child->size) {
		if (child != node + 1)
			buffer_append(out, between, strlen(between));
		render_node(child, out);
	}
}

static void render_once(const struct argument *node, struct buffer *out, bool has_token, bool has_frame)
{
	if (has_token)
		append_slice(out, node->token);
	if (node->type == ARGUMENT_WORD)
		return;
	if (has_token && node->token.len > 0)
		buffer_append(out, " ", 1);
	if (node->type == ARGUMENT_BLOCK) {
		render_children(node, " ", out);
	} else if (node->type == ARGUMENT_ONE_OF) {
		buffer_append(out, "<", has_frame);
		render_children(node, "|", out);
		buffer_append(out, ">", has_frame);
	} else {
		append_slice(out, node->name);
	}
}

/* "[x]", "x [x ...]", "<a|b>"; a choice directly inside brackets has no brackets of its own. */
static void render_node(const struct argument *node, struct buffer *out)
{
	bool has_frame = !node->is_optional || node->is_multiple || node->token.len > 0;
	buffer_append(out, "[", node->is_optional);
	render_once(node, out, true, has_frame);
	if (node->is_multiple) {
		buffer_append(out, " [", 2);
		render_once(node, out, node->repeats_token || node->type == ARGUMENT_WORD, has_frame);
		buffer_append(out, " ...]", 5);
	}
	buffer_append(out, "]", node->is_optional);
}

void arguments_render(const char *text, struct buffer *out)
{
	struct argument nodes[GRAMMAR_NODES_MAX];
	const char *error;
	int count = arguments_parse(text, nodes, &error);
	for (int i = 0; i < count; i += (int)nodes[i].size) {
		if (i > 0)
			buffer_append(out, " ", 1);
		render_node(&nodes[i], out);
	}
}

/* ---- shapes of replies ---- */

/* The number of shapes in the parentheses; ANY_NUMBER: one or more. */
#define ANY_NUMBER (-1)

static const struct {
	const char *name;
	int inner;
} shape_words[] = {
	[SHAPE_OK] = { "ok", 0 },
	[SHAPE_SIMPLE_STRING] = { "simple-string", 0 },
	[SHAPE_BULK_STRING] = { "bulk-string", 0 },
	[SHAPE_VERBATIM_STRING] = { "verbatim-string", 0 },
	[SHAPE_INTEGER] = { "integer", 0 },
	[SHAPE_DOUBLE] = { "double", 0 },
	[SHAPE_BOOLEAN] = { "boolean", 0 },
	[SHAPE_NULL] = { "null", 0 },
	[SHAPE_NULL_ARRAY] = { "null-array", 0 },
	[SHAPE_NOTHING] = { "nothing", 0 },
	[SHAPE_ANY] = { "any", 0 },
	[SHAPE_ARRAY] = { "array", 1 },
	[SHAPE_SET] = { "set", 1 },
	[SHAPE_MAP] = { "map", 2 },
	[SHAPE_TUPLE] = { "tuple", ANY_NUMBER },
};
#define SHAPE_WORDS (sizeof(shape_words) / sizeof(shape_words[0]))

static struct shape *new_shape(struct parse *parse, enum shape_type type)
{
	if (parse->count == GRAMMAR_NODES_MAX) {
		fail(parse, "too large a reply");
		return NULL;
	}
	struct shape *node = &parse->shapes[parse->count++];
	*node = (struct shape){ type, 1 };
	return node;
}

static bool parse_choice_of_shapes(struct parse *parse);

static bool parse_shape_list(struct parse *parse, int expected)
{
	int found = 0;
	if (++parse->depth > DEPTH_MAX)
		return fail(parse, "replies are nested too deep");
	do {
		if (!parse_choice_of_shapes(parse))
			return false;
		found++;
	} while (take(parse, ","));
	parse->depth--;
	if (!take(parse, ")"))
		return fail(parse, "a parenthesis is not closed");
	return expected == ANY_NUMBER || found == expected || fail(parse, "wrong number of shapes in parentheses");
}

static bool parse_shape(struct parse *parse)
{
	skip_spaces(parse);
	struct slice word = take_while(parse, is_name_char);
	for (size_t i = 0; i < SHAPE_WORDS; i++) {
		if (!slice_equal(word, slice_of(shape_words[i].name, strlen(shape_words[i].name))))
			continue;
		int at = parse->count;
		if (!new_shape(parse, (enum shape_type)i))
			return false;
		if (shape_words[i].inner == 0)
			return true;
		if (!take(parse, "("))
			return fail(parse, "a parenthesis was expected");
		bool parsed = parse_shape_list(parse, shape_words[i].inner);
		parse->shapes[at].size = (uint32_t)(parse->count - at);
		return parsed;
	}
	return fail(parse, "unknown shape of a reply");
}

static bool parse_choice_of_shapes(struct parse *parse)
{
	int at = parse->count;
	if (!parse_shape(parse))
		return false;
	skip_spaces(parse);
	if (*parse->at != '|')
		return true;
	/* It was the first of several: insert their parent before it. */
	if (!new_shape(parse, SHAPE_ONE_OF))
		return false;
	struct shape *nodes = parse->shapes;
	memmove(&nodes[at + 1], &nodes[at], (size_t)(parse->count - 1 - at) * sizeof(*nodes));
	while (take(parse, "|")) {
		if (!parse_shape(parse))
			return false;
		skip_spaces(parse);
	}
	nodes[at] = (struct shape){ SHAPE_ONE_OF, (uint32_t)(parse->count - at) };
	return true;
}

int shape_parse(const char *text, struct shape *nodes, const char **out_error)
{
	struct parse parse = { .at = text, .shapes = nodes };
	if (parse_choice_of_shapes(&parse) && *parse.at)
		fail(&parse, "something behind the shape");
	*out_error = parse.error;
	return parse.error ? -1 : parse.count;
}

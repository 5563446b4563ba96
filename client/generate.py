"""Makes the typed calls and the command table of libqcache from the server's list of commands and a list of Redis's other commands.

    generate.py COMMANDS_DEF REDIS_COMMANDS_DEF PUBLIC_HEADER OUT_HEADER OUT_CXX_HEADER OUT_SOURCE

Each command becomes a function NAME_call() and a macro NAME() that converts its arguments:

    required arguments   parameters, in order; if the last one may be repeated, it takes all following values
    optional arguments   fields of a struct of options: words are `bool`, numbers `int64_t` (0: not sent), others `qc_arg`
    the type of a reply  integer: qc_int, ok: qc_status, a string: qc_string, double: qc_float, others: qc_result

The languages of arguments and replies are described in actors/store/commands/grammar.h.
"""

import re
import sys
from dataclasses import dataclass, field, replace

# Commands that change the state of their connection. A pool cannot reuse the connection after QUIT, SUBSCRIBE and similar ones.
CONNECTION = set("""select auth hello reset quit monitor multi exec discard watch unwatch subscribe psubscribe ssubscribe
    unsubscribe punsubscribe sunsubscribe sync psync readonly readwrite asking client|reply client|setname client|setinfo
    client|no-evict client|no-touch client|tracking client|caching""".split())
# Commands that have no reply, or more than one: use qc_subscribe(), or qc_send() and qc_receive().
NO_CALL = set("""monitor subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe sync psync client|reply""".split())
# Commands that may block, and which argument limits the time: enum command_wait in table.h. Most are Redis's only.
WAITS = {
    **dict.fromkeys("blpop brpop blmove brpoplpush bzpopmin bzpopmax".split(), "LAST_S"),
    **dict.fromkeys("blmpop bzmpop".split(), "FIRST_S"),
    **dict.fromkeys("wait waitaof".split(), "LAST_MS"),
    **dict.fromkeys("xread xreadgroup".split(), "BLOCK_MS"),
    **dict.fromkeys("save shutdown migrate".split(), "UNKNOWN"),
    "debug": "SLEEP_S",
}
# Reads whose reply may change although the key doesn't: with the time, at random, with other keys.
FLEETING = set("ttl pttl touch srandmember hrandfield zrandmember sscan hscan zscan dump httl hpttl xpending sort_ro".split())
# Commands that RESP3 answers by pushes.
BY_PUSH = set("subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe".split())
@dataclass
class Answer:
    """An option that changes the type of the reply gets a call of its own, which always sends it: qc_set_get() returns a string."""
    option: str         # its word, or its name
    plain: str          # the reply without it
    reply: str          # the reply with it
    beside: tuple = ()  # options that need it

    def is_for(self, node):
        return self.option in (node.token, node.name)


STRINGS = Answer("count", "bulk-string | null", "array(bulk-string) | null")
ANSWERS = {
    "set": Answer("GET", "ok | null", "bulk-string | null"),
    "zadd": Answer("INCR", "integer", "double | null"),
    "lpos": Answer("COUNT", "integer | null", "array(integer)"),
    **dict.fromkeys("lpop rpop spop srandmember".split(), STRINGS),
    "hrandfield": replace(STRINGS, beside=("WITHVALUES",)),
    "zrandmember": replace(STRINGS, beside=("WITHSCORES",)),
}
# Names that the library uses for other functions.
TAKEN = {"watch"}


# The list: calls with string literals, numbers and names

def strip_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([A-Za-z_]\w*)|(-?\d+)|([(),]))')


def read_entries(text):
    """Yields (word, [argument, ...]) for each WORD(...) of the list. Adjacent strings are joined, as in C."""
    tokens = []
    at = 0
    text = strip_comments(text)
    while text[at:].strip():
        m = TOKEN.match(text, at)
        if not m:
            raise SystemExit("commands.def: cannot read: %r" % text[at:at + 40])
        tokens.append(m.groups())
        at = m.end()
    i = 0
    while i < len(tokens):
        word = tokens[i][1]
        if not word or tokens[i + 1][3] != "(":
            raise SystemExit("commands.def: an entry was expected near %r" % (tokens[i],))
        i += 2
        args, current = [], None
        while tokens[i][3] != ")":
            string, name, number, mark = tokens[i]
            if mark == ",":
                args.append(current)
                current = None
            elif string is not None:
                current = (current or "") + re.sub(r"\\(.)", r"\1", string[1:-1])
            else:
                current = name if name is not None else int(number)
            i += 1
        args.append(current)
        i += 1
        yield word, args


@dataclass
class Command:
    name: str        # "set", "config|get"
    arity: int
    flags: set
    since: str
    group: str
    complexity: str
    summary: str
    arguments: str
    reply: str
    first_key: int = 0  # its index among the arguments; 0: none, -1: after STREAMS


def first_key(keys):
    """The first key by the column of commands.def, as in "1..-1 RM delete"."""
    m = re.match(r"\d+", keys)
    return int(m.group()) if m else 0


def read_commands(text):
    container, out = None, []
    for word, a in read_entries(text):
        if word == "CONTAINER":
            container = a[0]
            out.append(Command(a[0], -2, {"container"}, a[1], a[2], "", a[3], "", "any"))
            continue
        if word in ("DOC_FLAG", "NEED"):
            continue
        name = a[0] if word == "COMMAND" else container + "|" + a[0]
        if word == "COMMAND":
            container = a[0]
        out.append(Command(name, a[2], set(a[3].split()), *a[7:13], first_key(a[5])))
    return out


def read_redis_commands(text):
    return [Command(name, 0, set(flags.split()), since, "", "", "", arguments, reply, key)
            for _, (name, flags, key, since, arguments, reply) in read_entries(text)]


# The grammar of arguments

@dataclass
class Node:
    kind: str                  # "value", "word", "choice", "block"
    name: str
    type: str = ""
    token: str = ""
    optional: bool = False
    multiple: bool = False
    repeats_token: bool = False
    children: list = field(default_factory=list)


GRAMMAR = re.compile(r"\s*(\.\.\.|'[^']*'|[A-Za-z0-9_*+=<>$#@!&.-]+|[\[\]():|])")


class Grammar:
    def __init__(self, text):
        self.text, self.tokens, self.at = text, [], 0
        at = 0
        while text[at:].strip():
            m = GRAMMAR.match(text, at)
            if not m:
                raise SystemExit("cannot read the grammar: %s" % text)
            token = m.group(1)
            # dots may follow a name directly
            if token.endswith("...") and token != "...":
                self.tokens += [token[:-3], "..."]
            else:
                self.tokens.append(token)
            at = m.end()

    def peek(self, ahead=0):
        i = self.at + ahead
        return self.tokens[i] if i < len(self.tokens) else None

    def take(self, wanted=None):
        token = self.peek()
        if token is None or (wanted and token != wanted):
            raise SystemExit("grammar: %r where %r was expected: %s" % (token, wanted, self.text))
        self.at += 1
        return token

    def parts(self, *ends):
        out = []
        while self.peek() not in ends + (None,):
            out.append(self.part())
        return out

    def part(self):
        token = self.take()
        if token == "[":
            node = self.bracket()
        elif token == "(":
            node = self.group()
        else:
            node = self.value_or_word(token)
        if self.peek() == "...":
            self.take()
            node.repeats_token = node.optional and bool(node.token) and not node.multiple
            node.multiple = True
        return node

    def value_or_word(self, token):
        if self.peek() == ":":
            self.take()
            return Node("value", token, type=self.take())
        word = token.strip("'")
        follower = self.peek()
        if follower == "(" or (follower not in (None, "|", "]", ")", "[", "...") and self.peek(1) == ":"
                               and not is_word(follower)):
            node = self.part()
            node.token = word
            return node
        return Node("word", word.lower(), token=word)

    def bracket(self):
        name = None
        if self.peek(1) == ":" and self.is_group_name():
            name = self.take()
            self.take(":")
        node = self.alternatives(name, "]")
        self.take("]")
        node.optional = True
        return node

    def group(self):
        name = self.take()
        self.take(":")
        node = self.alternatives(name, ")")
        self.take(")")
        return node

    def is_group_name(self):
        """Tells `[x:string]` from `[name: a | b]`: after the colon of a value comes its type, then the end or more."""
        return not (self.peek(2) in TYPES and (self.peek(3) in ("]", "...", "[", "(") or self.peek(3) is not None
                                               and self.peek(3) != "|"))

    def alternatives(self, name, end):
        options = [self.parts("|", end)]
        while self.peek() == "|":
            self.take()
            options.append(self.parts("|", end))
        if len(options) == 1:
            if len(options[0]) == 1 and name is None:
                return options[0][0]
            return Node("block", name or options[0][0].name, children=options[0])
        children = [o[0] if len(o) == 1 else Node("block", o[0].name, children=o) for o in options]
        return Node("choice", name, children=children)


TYPES = {"string", "integer", "double", "key", "pattern", "unix-time"}


def is_word(token):
    return not re.search("[a-z]", token) or token.startswith("'")


def render(nodes):
    return " ".join(render_node(n) for n in nodes)


def render_node(n):
    if n.kind == "word":
        body = n.token
    elif n.kind == "value":
        body = (n.token + " " if n.token else "") + n.name
    elif n.kind == "choice":
        body = "|".join(render_node(c) for c in n.children)
        if not n.optional or n.token:
            body = "<" + body + ">"
        if n.token:
            body = n.token + " " + body
    else:
        body = (n.token + " " if n.token else "") + render(n.children)
    if n.multiple:
        body = body + " [" + body + " ...]"
    return "[" + body + "]" if n.optional else body


# The calls

C_WORDS = set("""auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while new
    delete client context options""".split())


def c_name(name):
    name = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return name + "_" if name in C_WORDS or name[:1].isdigit() else name


SCALARS = {"integer": ("int64_t", "qc_arg_int"), "unix-time": ("int64_t", "qc_arg_int"), "double": ("double", "qc_arg_double")}


class Call:
    def __init__(self, command, nodes, reply, suffix=""):
        self.command, self.nodes, self.reply = command, nodes, reply
        words = command.name.split("|")
        self.c = "qc_" + re.sub("[^a-z0-9]", "_", "_".join(words)) + suffix + ("_command" if command.name in TAKEN else "")
        self.params = []    # (C type, name, conversion or None); the list of a repeated one is ("qc_args", name, None)
        self.fields = []    # (C type, name)
        self.code = []
        for word in words:
            self.emit("word(&w, \"%s\");" % word.upper())
        for i, node in enumerate(nodes):
            self.node(node, nodes, i)

    def emit(self, line, depth=1):
        self.code.append("\t" * depth + line)

    def unique(self, name, taken):
        name = c_name(name)
        while any(name == t[1] for t in taken):
            name += "_"
        return name

    def node(self, node, siblings, i):
        if node.optional:
            self.option(node, 1)
        elif node.kind == "word":
            self.emit('word(&w, "%s");' % node.token)
        elif node.name in ("numkeys", "numfields", "numids") and i + 1 < len(siblings) and siblings[i + 1].multiple:
            if node.token:
                self.emit('word(&w, "%s");' % node.token)
            counted = siblings[i + 1]
            each = " / %d" % len(counted.children) if counted.kind == "block" else ""
            self.emit("put(&w, qc_arg_int((long long)(%s.count%s)));" % (c_name(counted.name), each))
        else:
            self.required(node)

    def required(self, node):
        if node.token and node.kind != "word":
            self.emit('word(&w, "%s");' % node.token)
        if node.multiple or node.kind == "block" or not self.is_single(node):
            name = self.unique(node.name, self.params)
            self.params.append(("qc_args", name, None))
            self.emit("put_all(&w, %s);" % name)
            return
        name = self.unique(node.name, self.params)
        c_type, make = SCALARS.get(node.type, ("qc_arg", None))
        self.params.append((c_type, name, make))
        self.emit("put(&w, %s);" % ("%s(%s)" % (make, name) if make else name))

    def is_single(self, node):
        """Whether it is one argument, whatever alternative is chosen."""
        if node.kind == "choice":
            return all(self.is_single(c) and not (c.token and c.kind != "word") for c in node.children)
        return node.kind in ("value", "word") and not node.multiple

    def option(self, node, depth):
        """An optional argument, or an alternative of one."""
        if node.kind == "choice" and not node.multiple:
            # Single words and values become fields of their own. A group that begins with a word becomes one argument.
            if node.token:
                self.one_option(node, depth)
            else:
                for child in node.children:
                    self.option(child, depth)
        elif node.kind == "word":
            name = self.field("bool", node.name)
            self.emit("if (options->%s)" % name, depth)
            self.emit('word(&w, "%s");' % node.token, depth + 1)
        elif node.kind == "value" and not node.multiple:
            self.one_option(node, depth)
        else:
            name = self.field("qc_args", node.token or node.name)
            if node.token and not node.repeats_token:
                self.emit("if (options->%s.count)" % name, depth)
                self.emit('word(&w, "%s");' % node.token, depth + 1)
            self.emit("put_all(&w, options->%s);" % name, depth)

    def one_option(self, node, depth):
        c_type, make = SCALARS.get(node.type, ("qc_arg", None))
        name = self.field(c_type, node.token or node.name)
        given = "options->%s" % name if make else "is_given(&options->%s)" % name
        value = "%s(options->%s)" % (make, name) if make else "options->%s" % name
        self.emit("if (%s)%s" % (given, " {" if node.token else ""), depth)
        if node.token:
            self.emit('word(&w, "%s");' % node.token, depth + 1)
        self.emit("put(&w, %s);" % value, depth + 1)
        if node.token:
            self.emit("}", depth)

    def field(self, c_type, name):
        name = self.unique(name, self.fields)
        self.fields.append((c_type, name))
        return name

    # the parts of the text

    def result(self):
        shapes = {s.strip() for s in split_shapes(self.reply)} - {"null", "null-array", "nothing"}
        if shapes <= {"integer", "boolean"} and shapes:
            return "qc_int", "result_int"
        if shapes in ({"double"}, {"integer", "double"}):
            return "qc_float", "result_float"
        if shapes == {"ok"}:
            return "qc_status", "result_status"
        if shapes and shapes <= {"bulk-string", "simple-string", "verbatim-string"}:
            return "qc_string", "result_string"
        if not shapes:
            return "qc_status", "result_status"
        return "qc_result", ""

    def parameters(self):
        out = ["qc_client *client", "qc_context *context"]
        out += ["%s %s" % (t, n) for t, n, _ in self.params]
        if self.fields:
            out.append("const %s_options *options" % self.c)
        return ", ".join(out)

    def member(self):
        """The call as a C++ member function."""
        given, taken = ["self()", "ctx"], ["qc_context *ctx"]
        for t, n, _ in self.params:
            taken.append({"qc_arg": "const arg &", "qc_args": "const args &"}.get(t, t + " ") + n)
            given.append(n + ".c()" if t == "qc_args" else n)
        if self.fields:
            taken.append("const %s_options &options = %s_options()" % (self.c, self.c))
            given.append("&options")
        c_type = self.result()[0]
        owner = {"qc_string": "string", "qc_result": "result"}.get(c_type)
        call = "%s_call(%s)" % (self.c, ", ".join(given))
        return "\t%s %s(%s) { return %s; }\n" % (owner or c_type, c_name(self.c[len("qc_"):]), ", ".join(taken),
                                               "%s(%s)" % (owner, call) if owner else call)

    def macro(self):
        names = [n for _, n, _ in self.params]
        given = []
        variadic = ""
        for t, n, make in self.params:
            last = n == names[-1]
            if t == "qc_args" and last and not self.fields:
                given.append("QC_LIST(__VA_ARGS__)")
                variadic = "..."
            elif t == "qc_args":
                given.append(n)
            else:
                given.append("qc_arg(%s)" % n if t == "qc_arg" else n)
        shown = [n for n in names if not (variadic and n == names[-1])]
        if self.fields:
            variadic = "..."
            # Empty braces are not ISO C; __extension__ silences -Wpedantic in the caller's code.
            given.append("__extension__ &(%s_options){__VA_ARGS__}" % self.c)
        if variadic:
            shown.append(variadic)
        head = ", ".join(["client", "context"] + shown)
        return "#define %s(%s) \\\n\t%s_call(%s)" % (self.c, head, self.c, ", ".join(["client", "context"] + given))


def calls_of(command):
    nodes = Grammar(command.arguments).parts()
    answer = ANSWERS.get(command.name)
    if not answer:
        return [Call(command, nodes, command.reply)]
    plain = [n for n in nodes if not answer.is_for(n) and n.token not in answer.beside]
    asking = [replace(n, optional=False) if answer.is_for(n) else n for n in nodes]
    return [Call(command, plain, answer.plain), Call(command, asking, answer.reply, "_" + answer.option.lower())]


def split_shapes(text):
    """The alternatives at the top level, outside parentheses."""
    out, depth, current = [], 0, ""
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "|" and depth == 0:
            out.append(current.strip())
            current = ""
        else:
            current += c
    return out + [current.strip()]


def prose_name(command):
    return command.name.replace("|", " ").upper()


HEADER = """/*
 * A typed call for each command of qcache, and of Redis. Generated from tables; included by qcache.h.
 *
 * Optional arguments are named: qc_set(c, ctx, "key", "value", .nx = true, .ex = 60). A list before options is written as
 * QC_LIST(...). Each macro calls a function whose name ends in _call.
 *
 * An option that is false, zero or an empty list is not sent: .ex = 0 sends no EX, so the key doesn't expire, although the server would
 * refuse EX 0. Check computed values. If a command gives zero a meaning, use qc_do(c, ctx, "COMMAND", ..., "OPTION", 0). Options of
 * type qc_arg can be zero or empty: .ifeq = qc_arg(0), qc_arg("").
 *
 * An option that changes the type of the reply has a call of its own: SET with GET is qc_set_get(), which returns the old value
 * (QC_NIL if there was none); LPOP with a count is qc_lpop_count().
 *
 * Keys are counted automatically: qc_zunion(c, ctx, QC_LIST("a", "b"), .withscores = true).
 */
#ifndef QCACHE_COMMANDS_H
#define QCACHE_COMMANDS_H

"""


def header(calls):
    out = [HEADER]
    for call in calls:
        c = call.command
        out.append("/* %s%s%s */\n" % (prose_name(c), (" " + render(call.nodes)).rstrip(), "\n * " + c.summary if c.summary else ""))
        if call.fields:
            out.append("typedef struct %s_options {\n%s} %s_options;\n" % (
                call.c, "".join("\t%s %s QC_ZERO;\n" % f for f in call.fields), call.c))
        out.append("QC_API %s %s_call(%s);\n" % (call.result()[0], call.c, call.parameters()))
        out.append(call.macro() + "\n\n")
    out.append("#endif\n")
    return "".join(out)


CXX_HEADER = """/*
 * The typed calls as members of qc::client. Generated from tables; included by qcache.hpp. See qcache_commands.h for each call.
 */
#ifndef QCACHE_COMMANDS_HPP
#define QCACHE_COMMANDS_HPP

namespace qc {

template <class Client> class calls {
	qc_client *self() { return static_cast<Client *>(this)->c(); }

public:
"""


def cxx_header(calls):
    return CXX_HEADER + "".join(call.member() for call in calls) + "};\n\n} // namespace qc\n\n#endif\n"


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def hash_of(name):
    """FNV-1a, as in table.c."""
    h = 2166136261
    for b in name.encode():
        h = ((h ^ b) * 16777619) & 0xffffffff
    return h


def is_cacheable(c):
    keys = [n for n in Grammar(c.arguments).parts() if n.type == "key"]
    return "readonly" in c.flags and c.first_key == 1 and "|" not in c.name and len(keys) == 1 and not keys[0].multiple and \
        c.name not in FLEETING


def keys_of(c):
    """Where its keys are, as in struct command_keys of table.h: (first, last, step, count_at, word)."""
    first = last = count_at = at = 0
    step, word = 1, "NONE"
    nodes = Grammar(c.arguments).parts()
    at = len(c.name.split("|"))
    for i, n in enumerate(nodes):
        if n.optional:
            word = "STORE" if any(k.type == "key" and k.token.startswith("STORE") for k in [n] + n.children) else word
            continue
        is_key = n.type == "key" or (n.kind == "block" and n.children[0].type == "key")
        at += bool(n.token) and n.kind != "word"
        if n.name == "numkeys":
            count_at = at
        elif is_key and not (count_at and n.multiple):
            first, last = first or at, at
            if n.multiple:
                last = -1 - sum(not m.optional for m in nodes[i + 1:])
                step = len(n.children) or 1
        if n.multiple:
            break
        at += len(n.children) if n.kind == "block" else 1
    if c.first_key < 0:
        word = "STREAMS"
    elif not first and not count_at:
        first = last = c.first_key
    if c.first_key > 0 and c.first_key not in (first, count_at + 1):
        raise SystemExit("%s: its first key is %d by the list, and %d by its arguments" % (c.name, c.first_key, first))
    return first, last, step, count_at, word


def flag_words(c, containers):
    if "blocking" in c.flags and c.name not in WAITS:
        raise SystemExit("%s blocks: say in WAITS by which argument" % c.name)
    flags = ["QC_COMMAND_WRITE"] if "write" in c.flags else []
    flags += ["QC_COMMAND_READONLY"] if "readonly" in c.flags else []
    flags += ["QC_COMMAND_BLOCKING"] if c.name in WAITS else []
    flags += ["COMMAND_WAIT_" + WAITS[c.name]] if c.name in WAITS else []
    flags += ["QC_COMMAND_CONNECTION"] if c.name in CONNECTION else []
    flags += ["COMMAND_ANSWERS_BY_PUSH"] if c.name in BY_PUSH else []
    flags += ["COMMAND_IS_CACHEABLE"] if is_cacheable(c) else []
    flags += ["COMMAND_HAS_SUBCOMMANDS"] if c.name in containers else []
    return " | ".join(flags or ["0"])


def table(commands, elsewhere):
    """After qcache's commands come those of Redis, which can be found by name but are not listed."""
    known = {c.name for c in commands + elsewhere}
    unnamed = [Command(n, 0, set(), "", "", "", "", "", "any") for n in sorted((CONNECTION | set(WAITS)) - known)]
    listed = sorted(commands, key=lambda c: c.name.replace("|", " "))
    entries = listed + elsewhere + unnamed
    size = 64
    while size < 4 * len(entries):
        size *= 2
    slots = [0] * size
    out = ["const qc_table_entry command_table[] = {\n"]
    containers = {c.name.split("|")[0] for c in entries if "|" in c.name}
    for i, c in enumerate(entries):
        name = prose_name(c)
        texts = [name, render(Grammar(c.arguments).parts()), c.summary, c.since, c.group, c.complexity]
        out.append("\t{%s, %d, %s},\n" % (", ".join(quoted(t) for t in texts), c.arity, flag_words(c, containers)))
        slot = hash_of(name) % size
        while slots[slot]:
            slot = (slot + 1) % size
        slots[slot] = i + 1
    out.append("};\nconst size_t command_table_count = %d;\n\n" % len(listed))
    out.append("const struct command_keys command_keys[] = {\n")
    out += ["\t{%d, %d, %d, %d, KEY_WORD_%s}, /* %s */\n" % (*keys_of(c), prose_name(c)) for c in entries]
    out.append("};\n\n")
    out.append("/* Places of an open hash table: 1 + index of the entry. */\nconst uint16_t command_slots[] = {\n")
    for i in range(0, size, 16):
        out.append("\t" + " ".join("%d," % s for s in slots[i:i + 16]) + "\n")
    out.append("};\nconst size_t command_slot_count = %d;\n\n" % size)
    return "".join(out)


def source(commands, elsewhere, calls):
    out = ["#include \"client/typed.h\"\n\n", table(commands, elsewhere)]
    for call in calls:
        fixed = sum("word(&w" in line or "put(&w" in line for line in call.code)
        lists = [n for t, n, _ in call.params if t == "qc_args"] + ["options->" + n for t, n in call.fields if t == "qc_args"]
        room = " + ".join([str(fixed)] + [n + ".count" for n in lists])
        body = ["static const %s_options none;" % call.c, "options = options ? options : &none;"] if call.fields else []
        body += ["qc_arg space[ROOM];", "struct words w = words_begin(space, %s);\n" % room]
        c_type, convert = call.result()
        run = "%s(words_run(&w, client, context))" % convert if convert else "words_run(&w, client, context)"
        out.append("%s %s_call(%s)\n{\n%s%s\n\treturn %s;\n}\n\n" % (
            c_type, call.c, call.parameters(), "".join("\t%s\n" % line for line in body), "\n".join(call.code), run))
    return "".join(out)


def check_names(calls, public):
    """A new command must not have the name of another function of the library."""
    taken = set(re.findall(r"\b(qc_\w+)(?=\()", strip_comments(public)))
    for call in calls:
        if call.c in taken or call.c + "_call" in taken:
            raise SystemExit("%s() is taken: name the command %s in TAKEN" % (call.c, call.command.name))


def text_of(path):
    with open(path) as f:
        return f.read()


def main():
    commands = read_commands(text_of(sys.argv[1]))
    ours = {c.name for c in commands}
    elsewhere = [c for c in read_redis_commands(text_of(sys.argv[2])) if c.name not in ours]
    calls = [call for c in commands + elsewhere if "container" not in c.flags and c.name not in NO_CALL for call in calls_of(c)]
    check_names(calls, text_of(sys.argv[3]))
    with open(sys.argv[4], "w") as f:
        f.write(header(calls))
    with open(sys.argv[5], "w") as f:
        f.write(cxx_header(calls))
    with open(sys.argv[6], "w") as f:
        f.write(source(commands, elsewhere, calls))


if __name__ == "__main__":
    main()

"""Writes down for people what stands in the .def files.

    generate.py update FILE...   puts the tables into markdown files, between <!-- NAME --> and <!-- /NAME -->
    generate.py check FILE...    the same for tests: says what is out of date and changes nothing
    generate.py sample           prints a configuration file with every directive, commented out
    generate.py manual NAME      prints a manual: qcache-server.1, qcache-check.1 or qcache.conf.5

The tables: `messages` and `topology` from runtime/, `commands` from store/commands/.
"""

import os
import re
import sys
import textwrap

import manual

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH = 110


# ---- reading the lists ----

TOKEN = re.compile(r'\s+|"(?:[^"\\]|\\.)*"|[^\s",()]+|[(),]')


def read(name):
    with open(os.path.join(HERE, name)) as f:
        return f.read()


def arguments(text, at):
    """The arguments of the call whose parenthesis opens at `at`, and where it ends. Adjacent strings are joined, as C does."""
    found, current, depth = [], "", 0
    for token in iter(lambda: TOKEN.match(text, at), None):
        at = token.end()
        word = token.group()
        if word == "(":
            depth += 1
            if depth == 1:
                continue
        elif word == ")":
            depth -= 1
            if depth == 0:
                return found + [current.strip()], at
        if word == "," and depth == 1:
            found.append(current.strip())
            current = ""
        elif word.startswith('"') and depth == 1:
            current += re.sub(r"\\(.)", r"\1", word[1:-1])
        else:
            current += " " if word.isspace() else word
    raise SystemExit("a list ends inside an entry")


ENTRY = re.compile(r"/\*(?P<comment>.*?)\*/|^#[^\n]*$|^(?P<word>[A-Z_]+)(?=\()", re.S | re.M)


def entries(name):
    """Yields (word, arguments, comment behind it) for each entry, and (None, None, text) for each comment between them."""
    text = read(name)
    at = 0
    last = None
    while True:
        match = ENTRY.search(text, at)
        if not match:
            break
        at = match.end()
        if match["word"]:
            if last:
                yield last
            found, at = arguments(text, at)
            last = (match["word"], found, "")
        elif match["comment"] is not None:
            words = " ".join(line.strip().lstrip("*").strip() for line in match["comment"].splitlines()).strip()
            if last and "\n" not in text[text.rfind(")", 0, match.start()):match.start()]:
                yield last[0], last[1], words
                last = None
            else:
                if last:
                    yield last
                    last = None
                yield None, None, words
    if last:
        yield last


# ---- tables ----

def escape(text):
    return text.replace("|", "\\|")


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows])


def messages():
    rows = []
    for word, found, _ in entries("runtime/messages.def"):
        if word == "MESSAGE":
            name, sender, receiver, payload, meaning = found
            rows.append(("`%s`" % name, "%s → %s" % (sender.lower(), receiver.lower()),
                         "" if payload == "none" else payload.replace("_", " "), meaning))
    return table(("message", "from → to", "gives away", "meaning"), rows)


# A group of which nothing is there.
ABSENT = {"cmd_no_cluster": ", answered with Redis's error for a server without one"}

HOSTS = {"LOOP": "a thread of its own", "POOL": "NNG's threads"}


def topology():
    actors, edges = [], []
    for word, found, comment in entries("runtime/topology.def"):
        if word == "ACTOR":
            actors.append((found[2], HOSTS[found[1]], found[3]))
        elif word == "EDGE":
            edges.append(("%s → %s" % (found[0].lower(), found[1].lower()), found[2], comment))
    return (table(("actor", "its turns run on", "what it is"), actors) + "\n\n" +
            table(("edge", "slots", "what bounds it"), edges))


def commands():
    groups, handlers, container = {}, {}, ""
    for word, found, _ in entries("store/commands/commands.def"):
        if word == "CONTAINER":
            container = found[0]
        elif word in ("COMMAND", "SUBCOMMAND"):
            name, since, group, complexity, summary = found[0], found[7], found[8], found[9], found[10]
            if word == "COMMAND":
                container = name
            else:
                name = container + " " + name
            handlers.setdefault(group, set()).add(found[1])
            groups.setdefault(group, []).append(("`%s`" % name.upper(), since, complexity.rstrip("."), summary))
    parts = []
    for group, rows in groups.items():
        # Folded, where a viewer can: the names of the groups are what is looked for first.
        note = ABSENT.get(*handlers[group]) if len(handlers[group]) == 1 else None
        parts.append("<details>\n<summary>%s: %d commands%s</summary>\n\n%s\n\n</details>" % (
            group, len(rows), note or "", table(("command", "since", "time", "what it does"), sorted(rows, key=lambda row: row[0].strip("`")))))
    return "\n\n".join(parts)


TABLES = {"messages": messages, "topology": topology, "commands": commands}


def renewed(text):
    for name, make in TABLES.items():
        begin, end = "<!-- %s -->\n" % name, "<!-- /%s -->" % name
        if begin not in text:
            continue
        before, rest = text.split(begin, 1)
        if end not in rest:
            raise SystemExit("<!-- %s --> is not closed" % name)
        text = before + begin + make() + "\n" + end + rest.split(end, 1)[1]
    return text


def update(paths, only_check):
    stale = 0
    for path in paths:
        with open(path) as f:
            text = f.read()
        if not any("<!-- %s -->\n" % name in text for name in TABLES):
            raise SystemExit("%s: no table is marked in it" % path)
        if renewed(text) == text:
            continue
        stale += 1
        if only_check:
            print("%s: the tables are not those of the lists; run: scons docs" % path)
            continue
        with open(path, "w") as f:
            f.write(renewed(text))
        print("%s: tables renewed" % path)
    return 1 if only_check and stale else 0


# ---- the sample configuration ----

SAMPLE_HEAD = """\
A configuration of qcache. Start with it: qcache-server /path/to/this/file

A line that begins with # and no blank behind it shows a directive with the value built in: take the # away and change the
value. Options on the command line (--port 7000) go before what is written here, and CONFIG SET changes most at run time;
CONFIG REWRITE puts what it changed into this file.

The directives are those of Redis 7.0. Of Redis's that are not here most may be given and change nothing, which a warning at
start says; those that would change what the server promises (persistence, replicas, TLS, ...) are refused by name. Sizes
may be written as 1k (1000), 1kb (1024), 1m, 1mb, 1g, 1gb."""

KINDS = {"YES_NO", "INTEGER", "OCTAL", "MEMORY", "CHOICE", "TEXT", "SHORT_TEXT", "PATH", "CPUS", "WORDS", "FLAGS",
         "OUTPUT_LIMITS"}
NOT_SHOWN = "UNSUPPORTED|INERT|HIDDEN"
HAS_RANGE = {"INTEGER", "OCTAL", "MEMORY"}


def prose(text):
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# "))


def words_of(kind, found, comment):
    """What is said of a directive: the comment behind it, its choices, and whether it can be changed later."""
    said = comment[:1].upper() + comment[1:]
    if said and said[-1] not in ".:":
        said += "."
    if kind in ("CHOICE", "FLAGS"):
        said += " One of: %s." % ", ".join(found[4].split("|"))
    if "FIXED" in found[-1]:
        said += " Fixed at start."
    return said.strip()


def sample():
    out, section = [prose(paragraph) for paragraph in SAMPLE_HEAD.split("\n\n")], None
    out = ["\n#\n".join(out)]
    for word, found, comment in entries("config/directives.def"):
        if word is None:
            section = comment
        if word not in KINDS or re.search(NOT_SHOWN, found[-1]):
            continue
        if section:
            out.append("#" * 20 + " " + section.rstrip("."))
            section = None
        said = words_of(word, found, comment)
        value = found[3]
        if word == "PATH":
            value = "."
        elif value == "":
            value = '""'
        out.append((prose(said) + "\n" if said else "") + "#%s %s" % (found[1], value))
    return "\n\n".join(out) + "\n"


# ---- the manuals ----

# The manuals of programs: how they are made, of which list of options.
PROGRAMS = {"qcache-server.1": (manual.server_page, "config/options.def"), "qcache-check.1": (manual.check_page, "check/options.def")}


def manual_page(name):
    version = re.search(r'QCACHE_VERSION "([^"]+)"', read("runtime/version.h")).group(1)
    if name in PROGRAMS:
        make, options = PROGRAMS[name]
        return make(version, [found for word, found, _ in entries(options) if word == "OPTION"])
    rows = [row for row in entries("config/directives.def") if row[0] is None or row[0] in KINDS or row[0] == "REFUSED"]
    return manual.conf_page(version, rows, words_of)


def main():
    what, paths = sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:]
    if what == "sample" and not paths:
        sys.stdout.write(sample())
        return 0
    if what == "manual" and len(paths) == 1 and paths[0] in [*PROGRAMS, "qcache.conf.5"]:
        sys.stdout.write(manual_page(paths[0]))
        return 0
    if what in ("update", "check") and paths:
        return update(paths, what == "check")
    sys.stderr.write(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())

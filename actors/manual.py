"""The manuals of the server, of qcache-check and of the configuration file, made of the lists of options and directives. See generate.py.

    generate.py manual qcache-server.1 | qcache-check.1 | qcache.conf.5
"""

import re
import textwrap

SEE_ALSO = {
    "qcache-server.1": [("qcache-check", "1"), ("qcache-cli", "1"), ("qcache", "3"), ("qcache.conf", "5")],
    "qcache-check.1": [("qcache-server", "1"), ("qcache.conf", "5")],
    "qcache.conf.5": [("qcache-cli", "1"), ("qcache-server", "1")],
}


def roff(text):
    """Text as it stands, whatever it begins with and holds."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return ("\\&" if text[:1] in ".'" else "") + text


def bold(text):
    return "\\fB%s\\fP" % roff(text)


def paragraph(text):
    return "\n".join(textwrap.wrap(" ".join(text.split()), 110, break_on_hyphens=False, break_long_words=False))


def prose(text):
    """Paragraphs of plain text, with `names` in bold."""
    out = []
    for part in text.strip().split("\n\n"):
        lines = []
        for i, piece in enumerate(re.split(r"`([^`]*)`", " ".join(part.split()))):
            lines.append(bold(piece) if i % 2 else roff(piece))
        out.append(paragraph("".join(lines)))
    return "\n.PP\n".join(out)


def entry(head, text):
    return ".TP\n%s\n%s" % (head, text)


def page(name, summary, version, sections):
    title, section = name.rsplit(".", 1)
    kind = "User Commands" if section == "1" else "File Formats"
    # Names of directives are not to be hyphenated.
    out = ['.TH "%s" %s "2026" "qcache %s" "%s"\n.nh\n.ad l' % (roff(title.upper()), section, version, kind), ".SH NAME\n%s \\- %s" % (roff(title), roff(summary))]
    for head, body in sections:
        out.append(".SH %s\n%s" % (head, body))
    refs = [".BR %s (%s)" % (roff(ref), where) for ref, where in SEE_ALSO[name]]
    out.append(".SH SEE ALSO\n" + " ,\n".join(refs))
    return "\n".join(out) + "\n"


# ---- qcache-server(1) ----

SYNOPSIS = """\
.B qcache\\-server
.RI [ FILE " | \\-] [" \\-\\-DIRECTIVE " " VALUE " ...] ..."""

DESCRIPTION = """
`qcache-server` is an in-memory key-value server that speaks the Redis protocol.

FILE holds directives, one a line, as qcache.conf(5) tells; `-` reads them from standard input, before or behind the options. Options
are the same directives and go before the file's. One dash is as good as two, and an option may have several values.

What can't be taken is said on standard error, each with its file and line or option, and the server does not start.
"""

OPTIONS = """
Every directive is an option. These are named most often; what holds without them stands in parentheses.
"""

SIGNALS = (
    ("SIGTERM, SIGINT", "Finish what clients have asked for, write it out, and stop. A second one stops at once."),
    ("SIGHUP", "Ignored. The log needs none: its file may be renamed at any time, and the next line begins a new one."),
)

EXIT = (
    ("0", "It was told to stop, and did."),
    ("1", "The configuration was refused, or it could not start or stop in an orderly way; the reason is on standard error or in the log."),
)

ENVIRONMENT = """
Under `supervised systemd` or `supervised auto` the server tells the socket in `NOTIFY_SOCKET` when it is ready and when it stops.
"""

EXAMPLES = """\
.nf
qcache\\-server
qcache\\-server /etc/qcache.conf \\-\\-port 7000
qcache\\-server \\-\\-listenAddr :5001 \\-\\-requirepass secret
qcache\\-server \\-\\-maxmemory 1gb \\-\\-maxmemory\\-policy allkeys\\-lru
.fi"""


def option_head(name, value):
    return ", ".join(bold(one) for one in name.split(", ")) + (" \\fI%s\\fP" % roff(value) if value else "")


def server_page(version, options):
    listed = [entry(option_head(name, value), roff(what[:1].upper() + what[1:] + ".")) for name, value, what in options]
    return page("qcache-server.1", "in-memory key-value server", version, [
        ("SYNOPSIS", SYNOPSIS),
        ("DESCRIPTION", prose(DESCRIPTION)),
        ("OPTIONS", prose(OPTIONS) + "\n" + "\n".join(listed)),
        ("SIGNALS", "\n".join(entry(".B " + roff(name), prose(what)) for name, what in SIGNALS)),
        ("EXIT STATUS", "\n".join(entry(".B " + roff(name), prose(what)) for name, what in EXIT)),
        ("ENVIRONMENT", prose(ENVIRONMENT)),
        ("FILES", entry(".I PREFIX/share/qcache/qcache.conf", prose("A sample with every directive."))),
        ("EXAMPLES", EXAMPLES),
    ])


# ---- qcache-check(1) ----

CHECK_SYNOPSIS = """\
.B qcache\\-check
.RB [ check " | " repair ]
.RI [ OPTION " ...] " FILE " | " DIR"""

CHECK_DESCRIPTION = """
`qcache-check` reads the files in which qcache or Redis keeps its data, tells what is in them and where they break, and mends a log that
ends early. It reads an RDB file, the directory of an append-only file (the server's `dir` or `appenddirname`, or the manifest in it), one
part of it, or the append-only file of a Redis before version 7.

`check`, which is the default, changes nothing. It verifies the checksums, applies the commands of a log, and counts the keys by database and
type.

A log is *torn* if its last file ends inside of a group, a command or a transaction, as after a power failure; a server cuts that off
(`aof-load-truncated`). It is *damaged* if it can't be what was written; a server refuses it.

`repair` cuts the log. It first copies the file, and the manifest if that changes, to NAME.before-repair. It cuts a torn end; with
`--damaged` also where the log is damaged, and everything after that is given up; with `--until` at that time. Files after the cut stay in the
directory, and the manifest no longer names them. Stop the server first: the directory of one that runs is refused, if it is a qcache.
"""

CHECK_EXIT = (
    ("0", "All is well, or the repair has succeeded."),
    ("1", "The files are torn or damaged, or could not be repaired."),
    ("2", "The command line is wrong, or nothing could be read; the reason is on standard error."),
)

CHECK_EXAMPLES = """\
.nf
qcache\\-check /var/lib/qcache
qcache\\-check \\-\\-json dump.rdb
qcache\\-check repair /var/lib/qcache
qcache\\-check repair \\-\\-until "2026\\-11\\-28 21:58:00" /var/lib/qcache
.fi"""


def check_page(version, options):
    listed = [entry(option_head(name, value), roff(what[:1].upper() + what[1:] + ".")) for name, value, what in options]
    return page("qcache-check.1", "check and repair the files of qcache and Redis", version, [
        ("SYNOPSIS", CHECK_SYNOPSIS),
        ("DESCRIPTION", prose(CHECK_DESCRIPTION.replace("*", ""))),
        ("OPTIONS", "\n".join(listed)),
        ("EXIT STATUS", "\n".join(entry(".B " + roff(name), prose(what)) for name, what in CHECK_EXIT)),
        ("EXAMPLES", CHECK_EXAMPLES),
    ])


# ---- qcache.conf(5) ----

FORMAT = """
A line is a directive: a name in any letter case, blanks, and values. Lines that begin with # are comments. A value with blanks, quotes
or control bytes stands in double quotes, with `\\"`, `\\\\`, `\\n`, `\\r`, `\\t` and `\\xHH` in them; or in single quotes, which know
`\\'` only. "" is an empty value.

A later line of a directive replaces an earlier one, and what is in force at the end counts. `include FILE` takes the lines of another
file at its place; a name with wildcards may fit none.

Sizes may be written as 1k (1000), 1kb (1024), 1m, 1mb, 1g or 1gb.

A line has at most 65536 bytes, a file 16 MB; files are nested at most 16 deep and include at most 1000.

`CONFIG SET` changes directives at run time, but for those that are fixed at start; `CONFIG REWRITE` puts what it changed into the file,
and leaves comments and the order as they are.
"""

NAMES = """
The directives are those of Redis 7.0, and of older releases under their older names.
"""

INERT = """
These are accepted with any value and kept, and change nothing: they tune machinery that works in another way here, or that another
directive switches off. A warning at start names those that have been given another value than Redis's.
"""

UNSUPPORTED = """
These would change what the server promises, and it could not keep it: they are accepted with the value that is shown, and refused by name
with any other.
"""

REFUSED = """
These are refused wherever they stand.
"""


def value_of(found):
    return '""' if found[3] == "" else found[3]


def directive_entry(word, found, said):
    facts = []
    if word in ("INTEGER", "OCTAL", "MEMORY"):
        facts.append("from %s to %s" % (number(found[4]), number(found[5])))
    if found[2] != "NULL":
        facts.append("also called " + found[2])
    value = "the directory it is started in" if word == "PATH" else value_of(found)
    facts.append("default: " + value)
    told = "; ".join(facts) + "."
    return entry(".B " + roff(found[1]), paragraph(roff((said + " " + told[:1].upper() + told[1:]).strip())))


LIMITS = {"INT32_MIN": -2**31, "INT32_MAX": 2**31 - 1, "UINT32_MAX": 2**32 - 1, "INT64_MAX": 2**63 - 1, "UINT64_MAX": 2**64 - 1}


def number(text):
    """A bound as it stands in the list: a number, a limit of C, or a number of megabytes."""
    megabytes = re.fullmatch(r"(\d+) << 20", text)
    return megabytes.group(1) + "mb" if megabytes else str(LIMITS.get(text, text))


def names(rows):
    return "\n.br\n".join("%s %s" % (bold(name), roff(rest)) for name, rest in rows)


def conf_page(version, rows, said_of):
    supported, inert, unsupported, refused = [], [], [], []
    section = None
    for word, found, comment in rows:
        if word is None:
            section = comment
        elif word == "REFUSED":
            refused.append((found[0], "(%s)" % found[1]))
        elif "UNSUPPORTED" in found[-1]:
            unsupported.append((found[1], value_of(found)))
        elif "INERT" in found[-1]:
            inert.append(found[1])
        elif "HIDDEN" not in found[-1]:
            if section:
                supported.append(".SS " + roff(section.rstrip(".")))
                section = None
            supported.append(directive_entry(word, found, said_of(word, found, comment)))
    return page("qcache.conf.5", "configuration file of qcache-server", version, [
        ("DESCRIPTION", prose(FORMAT)),
        ("DIRECTIVES", prose(NAMES) + "\n" + "\n".join(supported)),
        ("ACCEPTED WITHOUT EFFECT", prose(INERT) + "\n.PP\n" + paragraph(", ".join(bold(name) for name in sorted(inert)) + ".")),
        ("NOT SUPPORTED", prose(UNSUPPORTED) + "\n.PP\n" + names(sorted(unsupported)) + "\n.PP\n" + prose(REFUSED) + "\n.PP\n" +
         names(sorted(refused))),
    ])

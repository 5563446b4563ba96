"""
Rules for replies in which two correct servers may differ, each with its reason. A rule takes both replies and the words of the command and
says whether they agree. Without a rule both replies must be the same bytes.
"""

import dump

# The two servers get a command some moments apart.
TOLERANCE_MS = 5000

# Fields of CLIENT LIST about addresses, sockets, buffers and times, not about behaviour.
CLIENT_VOLATILE = {b"id", b"addr", b"laddr", b"fd", b"age", b"idle", b"qbuf", b"qbuf-free", b"argv-mem", b"multi-mem", b"rbs", b"rbp",
                   b"obl", b"oll", b"omem", b"tot-mem", b"events"}

# Directives that a test sets differently for each server.
CONFIG_VOLATILE = {b"port", b"dir", b"unixsocket", b"pidfile", b"logfile"}


def raw_of(replies):
    return [reply[2] for reply in replies]


def same(a, b, words):
    return a[2] == b[2]


def unordered(a, b, words):
    """KEYS and sets have no order."""
    if a[0] != b[0] or not isinstance(a[1], list) or not isinstance(b[1], list):
        return a[2] == b[2]
    return sorted(raw_of(a[1])) == sorted(raw_of(b[1]))


def close(a, b, tolerance):
    if a[0] != b":" or b[0] != b":" or a[1] < 0 or b[1] < 0:
        return a[2] == b[2]
    return abs(a[1] - b[1]) <= tolerance


def seconds_left(a, b, words):
    """Time passes between the two."""
    return close(a, b, TOLERANCE_MS // 1000)


def milliseconds_left(a, b, words):
    return close(a, b, TOLERANCE_MS)


def any_key(a, b, words):
    """A random key: both find one, or neither."""
    return a[0] == b[0] and (a[0] == b"-" or (a[1] is None) == (b[1] is None))


def payload(a, b, words):
    """Ours doesn't compress strings of 16384 bytes and more, which would take too long."""
    if a[2] == b[2] or not isinstance(a[1], bytes) or not isinstance(b[1], bytes) or len(a[1]) < 16384:
        return a[2] == b[2]
    return dump.string_of(a[1]) == dump.string_of(b[1])


def clock(a, b, words):
    """Time passes between the two."""
    if a[0] != b"*" or b[0] != b"*":
        return a[2] == b[2]
    return len(a[1]) == len(b[1]) == 2 and abs(int(a[1][0][1]) - int(b[1][0][1])) <= TOLERANCE_MS // 1000


def inside(a, b, words):
    """Redis shares one object between all equal small integers and counts its references; here each key has its own value. Idle times and
    access counts come from different clocks."""
    what = words[1].upper() if len(words) == 3 else b""
    if what in (b"REFCOUNT", b"IDLETIME", b"FREQ") and a[0] == b":" and b[0] == b":":
        return True
    return a[2] == b[2]


def hello(a, b, words):
    """Each server has its own connection ids."""
    if a[0] != b[0] or not isinstance(a[1], list) or not isinstance(b[1], list) or len(a[1]) != len(b[1]):
        return a[2] == b[2]
    left, right = raw_of(a[1]), raw_of(b[1])
    at = left.index(b"$2\r\nid\r\n") + 1
    left[at] = right[at]
    return left == right


def client_fields(line):
    fields = [field.partition(b"=") for field in line.removeprefix(b"txt:").split(b" ")]
    return [(name, b"" if name in CLIENT_VOLATILE else value) for name, _, value in fields]


def client(a, b, words):
    """Ids and figures of CLIENT LIST and INFO may differ; names and order of the fields and everything else agree."""
    what = words[1].upper() if len(words) > 1 else b""
    if what == b"ID" and a[0] == b":" and b[0] == b":":
        return True
    if what in (b"LIST", b"INFO") and isinstance(a[1], bytes) and isinstance(b[1], bytes) and a[0] == b[0] and a[0] in b"$=":
        return [client_fields(line) for line in a[1].split(b"\n")] == [client_fields(line) for line in b[1].split(b"\n")]
    return a[2] == b[2]


def config(a, b, words):
    """CONFIG GET has no order, and paths and ports differ."""
    if len(words) < 2 or words[1].upper() != b"GET" or not isinstance(a[1], list) or not isinstance(b[1], list) or a[0] != b[0]:
        return a[2] == b[2]

    def pairs(reply):
        items = reply[1]
        return sorted((items[i][1], b"" if items[i][1] in CONFIG_VOLATILE else items[i + 1][2]) for i in range(0, len(items), 2))
    return pairs(a) == pairs(b)


def info(a, b, words):
    """The average TTL is an estimate; an unknown section is an empty text."""
    def blind(reply):
        lines = (reply[1] or b"").split(b"\r\n")
        return [line.partition(b",avg_ttl=")[0] for line in lines]
    if a[0] != b[0] or a[0] not in b"$=":
        return a[2] == b[2]
    return blind(a) == blind(b)


def flags_unordered(reply):
    """Sorts every array or set of simple strings in the reply, and drops the prose of key specifications."""
    if not isinstance(reply[1], list):
        return reply[2]
    children = list(reply[1])
    if children and children[0][1] == b"notes":
        del children[:2]
    items = [flags_unordered(item) for item in children]
    if reply[1] and all(item[0] == b"+" for item in reply[1]):
        items.sort()
    return items


def command(a, b, words):
    """Flags and ACL categories of COMMAND INFO have no order, nor have the names of COMMAND LIST."""
    if a[0] != b[0]:
        return False
    what = words[1].upper() if len(words) > 1 else b""
    if what == b"LIST":
        return unordered(a, b, words)
    return flags_unordered(a) == flags_unordered(b)


def memory(a, b, words):
    """Sizes and advice may differ; the names of the figures agree."""
    what = words[1].upper() if len(words) > 1 else b""
    if what in (b"USAGE", b"DOCTOR") and a[0] == b[0] and a[0] in b":$=" and a[1] is not None and b[1] is not None:
        return True
    if what == b"STATS" and isinstance(a[1], list) and isinstance(b[1], list):
        return [item[1] for item in a[1][::2]] == [item[1] for item in b[1][::2]]
    return a[2] == b[2]


def slowlog(a, b, words):
    """Which commands are slow may differ."""
    what = words[1].upper() if len(words) > 1 else b""
    if (what == b"GET" and a[0] == b[0] == b"*") or (what == b"LEN" and a[0] == b[0] == b":"):
        return True
    return a[2] == b[2]


def latency(a, b, words):
    """Times and the order of the commands may differ; the commands with a histogram, and their calls, agree."""
    what = words[1].upper() if len(words) > 1 else b""
    if what == b"DOCTOR":
        return a[0] == b[0] or a[2] == b[2]
    if what == b"HISTOGRAM" and a[0] == b[0] and isinstance(a[1], list) and isinstance(b[1], list):
        return histograms(a) == histograms(b)
    return a[2] == b[2]


def histograms(reply):
    """Redis doesn't count a WAIT that has waited, and a whole SCAN may take another number of calls."""
    items = reply[1]
    return sorted((items[i][1], items[i + 1][1][1][1]) for i in range(0, len(items), 2) if items[i][1] not in (b"wait", b"scan"))


def debug(a, b, words):
    """Addresses and sizes may differ; the encoding of a value agrees."""
    what = words[1].upper() if len(words) > 1 else b""
    if what == b"OBJECT" and a[0] == b[0] == b"+":
        return encoding(a) == encoding(b)
    if what in (b"STRUCTSIZE", b"HTSTATS") and a[0] == b[0] and a[0] in b"$=":
        return True
    return a[2] == b[2]


def encoding(reply):
    return [word for word in reply[1].split(b" ") if word.startswith(b"encoding:")]


RULES = {None: same, "unordered": unordered, "any_key": any_key, "payload": payload, "seconds_left": seconds_left, "milliseconds_left": milliseconds_left,
         "clock": clock, "inside": inside, "hello": hello,
         "client": client, "config": config, "info": info, "command": command, "memory": memory, "slowlog": slowlog, "latency": latency,
         "debug": debug}

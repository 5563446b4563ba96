"""
The commands of the streams, one line each: how often they come, how their arguments are drawn, and how their replies are compared.

A SET with an absolute time is followed by GET, and then by SET and DEL. A key whose time has passed is hidden at once, but counted until it
is removed or written again, and servers may do that at different times.

To add a command, add a line to COMMANDS: a weight, a function that draws its words, and, if two correct servers may differ, the name of a
rule of normalise.py. Words are drawn at the edges: few keys, so that commands hit the same ones; integers around their limits; values
around the sizes where a representation changes. mutate() then spoils some commands, unless their line says that this could do harm.
"""

import re

import dump

INTEGERS = [b"0", b"1", b"-1", b"2", b"10", b"100", b"-100", b"4294967295", b"4294967296", b"9223372036854775807",
            b"9223372036854775806", b"-9223372036854775808", b"-9223372036854775807", b"9223372036854775808",
            b"-9223372036854775809", b"18446744073709551615", b"18446744073709551616"]
# Numbers that are not a short time from now, in seconds or milliseconds.
FAR_INTEGERS = [number for number in INTEGERS if not 0 < int(number) < 4294967295]
NOT_INTEGERS = [b"", b" 1", b"1 ", b"+1", b"01", b"-0", b"-01", b"1.0", b"1e3", b"0x10", b"abc", b"-", b"+", b"1\x00",
                b"\xff\xfe", b"99999999999999999999999999999999999999", b"nan", b"inf"]
SIZES = [0, 1, 3, 20, 21, 31, 32, 43, 44, 45, 63, 64, 65, 127, 128, 255, 256, 511, 512, 1023, 4096]
LARGE_SIZES = [16383, 16384, 16385, 20000, 65535, 65536, 100000]
FLOATS = [b"0", b"1.5", b"-0.1", b"0.1", b"3.0e-5", b"1e10", b"-1e17", b"1e19", b"123456789012345678901234567890", b"5e-324", b"1e400", b"1e-400",
          b"inf", b"-inf", b"nan", b" 1", b"1 ", b"0x10", b"1.", b".5", b"1e", b"", b"abc", b"-0.0", b"1.7976931348623157e308", b"10.50", b"3.14159265358979",
          b"0.1", b"3.0e3", b"1e20", b"-1e-20", b"5.", b"1e17", b"123456789.123456789", b"1e5000", b"1e-5000", b"0.1abc", b"--1"]
# Offsets into strings: around sizes, and past every limit. None is both allowed and so large that it needs half a gigabyte.
OFFSETS = [b"0", b"1", b"-1", b"2", b"5", b"-5", b"10", b"43", b"44", b"64", b"1000", b"-1000", b"16383", b"16384", b"20000", b"536870912",
           b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"abc", b"", b"1.0"]
KEYS = [b"k%d" % i for i in range(16)] + [b"", b"\x00\r\n\xff", b"k*[1]?", b"user:1", b"user:2", b"K1", b"long" * 64]
PATTERNS = [b"*", b"k*", b"k?", b"k[0-5]", b"k[^1]", b"K1", b"", b"nothing", b"k\\*[[]1]?", b"*\xff", b"[", b"[a", b"k[",
            b"\\", b"k\\", b"?", b"??", b"user:*", b"*:*", b"[^", b"k[5-0]", b"k1[0-9]", b"**", b"***k***1***", b"[]", b"[\\]]", b"k[\\1]", b"*k*"]
ODD_WORDS = [b"", b"NX", b"XX", b"GET", b"foo", b"\x00", b"'", b"\"", b"-1", b"*", b"$5", b"EX", b"0", b"a b", b"KEEPTTL"]
NAMES = [b"", b"name", b"a-b_c.d", b"with space", b"new\nline", b"\x80high", b"n" * 100, b"~!", b"tab\t"]
DATABASES = [b"0", b"0", b"0", b"1", b"2", b"9", b"15", b"16", b"-1", b"100000000000", b"abc", b"", b"1.5", b"01", b" 1"]
DIRECTIVES = [b"maxmemory", b"timeout", b"databases", b"maxclients", b"port", b"appendonly", b"save", b"tcp-keepalive", b"loglevel",
              b"hz", b"requirepass", b"proto-max-bulk-len", b"maxmemory-policy", b"slowlog-*", b"*-encoding",
              b"client-*-limit", b"nothing", b"MAXMEMORY", b"tcp*", b"lfu-*", b"unixsocketperm", b"protected-mode", b"daemonize", b""]
# The size of a batch, which must fit into the sockets' buffers so that no side waits for the other.
BATCH_BYTES = 300000

# Directives that can change without harm to the streams, with good and bad values. Our proto-max-bulk-len has a lower maximum, so no
# value out of its range is drawn.
SETTINGS = [(b"timeout", [b"0", b"100000", b"-1", b"abc", b"2147483648", b""]),
            (b"tcp-keepalive", [b"0", b"300", b"60", b"-1", b"x"]),
            (b"loglevel", [b"warning", b"notice", b"WARNING", b"loud", b""]),
            (b"maxclients", [b"10000", b"5000", b"0", b"abc", b"-5"]),
            (b"proto-max-bulk-len", [b"512mb", b"1mb", b"1048576", b"x", b"536870912"]),
            (b"client-query-buffer-limit", [b"1gb", b"1mb", b"100", b"x"]),
            (b"client-output-buffer-limit", [b"normal 0 0 0", b"pubsub 33554432 8388608 60", b"normal 1", b"foo 0 0 0", b"normal a b c", b"",
                                             b"normal 0 0 0 pubsub 32mb 8mb 60"]),
            (b"slowlog-max-len", [b"128", b"1", b"0", b"-1", b"x"]), (b"slowlog-log-slower-than", [b"10000", b"0", b"-1", b"-2", b"x"]),
            (b"latency-monitor-threshold", [b"0", b"100000", b"-1", b"x"]), (b"latency-tracking", [b"yes", b"maybe"]),
            (b"latency-tracking-info-percentiles", [b"50 99 99.9", b"", b"101", b"-1", b"x", b"1e1 99.99999 33.33333333", b"nan", b"50 x", b"100 0"]),
            (b"maxmemory-policy", [b"noeviction", b"allkeys-lru", b"volatile-lfu", b"allkeys-lfu", b"volatile-ttl"]),
            (b"databases", [b"16", b"4"]), (b"daemonize", [b"yes"]), (b"nothing", [b"1"]), (b"", [b""]),
            (b"TIMEOUT", [b"0"]), (b"unixsocketperm", [b"700"])]

# Commands of both servers, for the subcommands of COMMAND.
KNOWN = [b"get", b"set", b"mset", b"mget", b"del", b"exists", b"incr", b"decr", b"incrby", b"decrby", b"expire", b"pexpire",
         b"expireat", b"pexpireat", b"ttl", b"pttl", b"persist", b"type", b"keys", b"scan", b"dbsize", b"flushdb", b"flushall",
         b"ping", b"echo", b"select", b"hello", b"auth", b"quit", b"reset", b"config|get", b"config|set", b"config|rewrite",
         b"setnx", b"setex", b"psetex", b"getset", b"getex", b"getdel", b"msetnx", b"append", b"strlen", b"setrange", b"getrange",
         b"substr", b"incrbyfloat", b"lcs", b"unlink", b"touch", b"rename", b"renamenx", b"copy", b"move", b"dump", b"restore", b"randomkey",
         b"expiretime", b"pexpiretime", b"sort", b"sort_ro", b"object|encoding", b"object|freq", b"object|idletime", b"object|refcount", b"swapdb", b"time",
         b"config|resetstat", b"client|id", b"client|setname", b"client|getname", b"client|list", b"client|info", b"client|kill",
         b"client|no-evict", b"client|reply", b"client|pause", b"client|unpause", b"client|tracking", b"client|caching", b"memory|usage", b"memory|stats",
         b"memory|doctor", b"memory|purge", b"slowlog|get", b"slowlog|len", b"slowlog|reset", b"latency|latest", b"latency|history", b"latency|reset",
         b"latency|histogram", b"acl|getuser", b"acl|log", b"module|list", b"lastsave", b"lolwut", b"debug", b"command|count", b"command|docs", b"command|getkeys", b"command|getkeysandflags",
         b"command|info", b"command|list", b"info", b"monitor", b"shutdown", b"role", b"wait"]


PROTOCOL_TYPES = [b"string", b"integer", b"double", b"bignum", b"null", b"array", b"set", b"map", b"attrib", b"verbatim", b"true", b"false", b"foo",
                  b"STRING", b""]


class Draw:
    """Draws words. `now_ms` is fixed for a run, so that a seed gives the same bytes again."""

    def __init__(self, random, now_ms):
        self.random, self.now_ms = random, now_ms

    def one(self, *choices):
        return self.random.choice(choices)

    def of(self, choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    def key(self):
        return self.of(KEYS)

    def keys(self, most=6):
        return [self.key() for _ in range(self.random.randint(1, most))]

    def integer(self):
        if self.chance(0.12):
            return self.of(NOT_INTEGERS)
        if self.chance(0.5):
            return self.of(INTEGERS)
        return b"%d" % self.random.randint(-1000, 1000)

    def value(self):
        if self.chance(0.4):
            return self.integer()
        size = self.of(LARGE_SIZES) if self.chance(0.02) else self.of(SIZES)
        if self.chance(0.5):
            return self.random.randbytes(size)
        return b"v" * size

    def seconds(self):
        """A time to live, past or far: none ends while the stream runs, and no two are equal."""
        if self.chance(0.15):
            return self.of(FAR_INTEGERS + NOT_INTEGERS + [b"9223372036854775", b"9223372036854776", b"-9223372036854775"])
        if self.chance(0.2):
            return self.one(b"0", b"-1", b"-1000")
        return b"%d" % self.random.randint(100000, 1000000000)

    def milliseconds(self):
        if self.chance(0.15):
            return self.of(FAR_INTEGERS + NOT_INTEGERS)
        if self.chance(0.2):
            return self.one(b"0", b"-1", b"-1000")
        return b"%d" % self.random.randint(100000000, 1000000000000)

    def at_seconds(self):
        if self.chance(0.15):
            return self.of(INTEGERS + NOT_INTEGERS + [b"9223372036854775", b"9223372036854776"])
        if self.chance(0.2):
            return b"%d" % (self.now_ms // 1000 - self.random.randint(10, 100000))
        return b"%d" % (self.now_ms // 1000 + self.of([100000, 200000, 300000]) * self.random.randint(1, 3))

    def at_milliseconds(self):
        if self.chance(0.15):
            return self.of(INTEGERS + NOT_INTEGERS)
        if self.chance(0.2):
            return b"%d" % (self.now_ms - self.random.randint(10000, 100000000))
        return b"%d" % (self.now_ms + self.of([100000000, 200000000, 300000000]) * self.random.randint(1, 3))

    def any_case(self, word):
        return self.one(word, word, word.lower(), word.capitalize())


def key_only(draw, name):
    return [name, draw.key()]


def some_keys(draw, name):
    return [name] + draw.keys()


def no_words(draw, name):
    return [name]


def set_words(draw, name):
    words = [name, draw.key(), draw.value()]
    for _ in range(draw.of([0, 0, 0, 1, 1, 2, 3, 4])):
        option = draw.any_case(draw.one(b"NX", b"XX", b"GET", b"KEEPTTL", b"EX", b"PX", b"EXAT", b"PXAT"))
        words.append(option)
        times = {b"EX": draw.seconds, b"PX": draw.milliseconds, b"EXAT": draw.at_seconds, b"PXAT": draw.at_milliseconds}
        if option.upper() in times and not draw.chance(0.05):
            words.append(times[option.upper()]())
    return words


def mset_words(draw, name):
    words = [name]
    for _ in range(draw.random.randint(1, 5)):
        words += [draw.key(), draw.value()]
    return words


def key_integer(draw, name):
    return [name, draw.key(), draw.integer()]


def key_value(draw, name):
    return [name, draw.key(), draw.value()]


def two_keys(draw, name):
    return [name, draw.key(), draw.key()]


def key_fraction(draw, name):
    return [name, draw.key(), draw.of(FLOATS) if draw.chance(0.7) else draw.integer()]


def times_of(draw, options):
    """None, one or several of the options, each with its time, which is sometimes missing."""
    times = {b"EX": draw.seconds, b"PX": draw.milliseconds, b"EXAT": draw.at_seconds, b"PXAT": draw.at_milliseconds}
    words = []
    for _ in range(draw.of([0, 1, 1, 1, 2])):
        option = draw.any_case(draw.of(options))
        words.append(option)
        if option.upper() in times and not draw.chance(0.05):
            words.append(times[option.upper()]())
    return words


def getex_words(draw, name):
    return [name, draw.key()] + times_of(draw, [b"EX", b"PX", b"EXAT", b"PXAT", b"PERSIST", b"PERSIST", b"KEEPTTL", b"NX"])


def position(draw):
    return draw.of(OFFSETS) if draw.chance(0.4) else b"%d" % draw.random.randint(-300, 300)


def range_words(draw, name):
    return [name, draw.key(), position(draw), position(draw)]


def setrange_words(draw, name):
    """Offsets that are small or far too large. Those between would fill the sockets."""
    offset = draw.of(OFFSETS) if draw.chance(0.4) else b"%d" % draw.random.randint(0, 5000)
    return [name, draw.key(), offset, draw.value()]


def lcs_words(draw, name):
    words = [name, draw.key(), draw.key()]
    for _ in range(draw.of([0, 0, 1, 1, 2, 3])):
        words += draw.one([b"LEN"], [b"IDX"], [b"IDX"], [b"WITHMATCHLEN"], [b"MINMATCHLEN", draw.of(OFFSETS)], [b"foo"])
    return words


def copy_words(draw, name):
    words = two_keys(draw, name)
    for _ in range(draw.of([0, 0, 1, 1, 2])):
        words += draw.one([b"REPLACE"], [b"replace"], [b"DB", draw.of(DATABASES)], [b"foo"], [b"DB"])
    return words


def payload(draw):
    """For RESTORE: mostly right. What is wrong is wrong for both servers: ours also refuses bytes after the value, and types that it lacks.
    Redis reads a value that is cut off on into the footer."""
    string = draw.value()[:2000]
    data = draw.one(dump.plain(string), dump.plain(string), dump.compressed(string + b"."), dump.number(draw.random.randint(-300, 300)),
                    dump.number(draw.random.randint(-1 << 31, (1 << 31) - 1)))
    how = draw.random.random()
    if how < 0.7:
        return dump.with_footer(data)
    if how < 0.8:
        return dump.with_footer(data, draw.one(1, 6, 9, 11, 80, 256, 65535))
    if how < 0.9:
        return dump.with_footer(draw.one(b"\x00\x20" + string[:10], b"\x00\x41\x00abc", b"", b"\x00", b"\x08" + data, b"\xff", b"\xfe\x00", b"\x00\xc4", b"\x00\xc3\x01\x05a",
                                         b"\x00\x81\x00\x00\x00\x00\x00\x10\x00\x00", b"\x00\x82a", b"\x00\xc3\x02\x10\xff\xff"))
    whole = bytearray(dump.with_footer(data))
    whole[draw.random.randrange(len(whole))] ^= 1 << draw.random.randrange(8)
    return draw.one(bytes(whole), bytes(whole[:9]), b"", string)


def restore_words(draw, name):
    """A time to live from now that is near the limit overflows in Redis."""
    options = []
    for _ in range(draw.of([0, 1, 1, 1, 2, 3])):
        options += draw.one([b"REPLACE"], [b"REPLACE"], [b"replace"], [b"ABSTTL"], [b"IDLETIME", draw.one(b"0", b"1000", b"-1", b"x")],
                            [b"FREQ", draw.one(b"0", b"100", b"256", b"-1", b"x")], [b"FREQ"], [b"IDLETIME"], [b"foo"])
    far = b"%d" % draw.random.randint(100000000, 1000000000000)
    relative = draw.one(b"0", b"0", b"0", far, b"-1", b"x", b"", b"1.5", b"9223372036854775808")
    return [name, draw.key(), draw.at_milliseconds() if b"ABSTTL" in options else relative, payload(draw)] + options


def object_words(draw, name):
    return [name] + draw.one([b"ENCODING", draw.key()], [b"ENCODING", draw.key()], [b"REFCOUNT", draw.key()], [b"FREQ", draw.key()], [b"foo"],
                             [b"IDLETIME", draw.key()], [b"IDLETIME", b"nothing"], [b"FREQ", b"nothing"], [b"ENCODING", b"nothing"], [b"REFCOUNT", b"nothing"], [b"ENCODING"], [], [b"foo", draw.key()])


def sort_words(draw, name):
    words = [name, draw.key()]
    for _ in range(draw.of([0, 1, 1, 2, 3])):
        words += draw.one([b"ASC"], [b"desc"], [b"ALPHA"], [b"BY", draw.of(PATTERNS)], [b"BY", b"nosort"], [b"GET", b"#"], [b"GET", b"k*"],
                          [b"LIMIT", draw.integer(), draw.integer()], [b"LIMIT", b"0", b"10"], [b"STORE", draw.key()], [b"STORE", draw.key()],
                          [b"LIMIT", b"1"], [b"STORE"], [b"BY"], [b"foo"])
    return words


def acl_words(draw, name):
    return [name] + draw.one([b"WHOAMI"], [b"USERS"], [b"LIST"], [b"CAT"], [b"CAT", b"foo"], [b"CAT", b"a", b"b"], [b"foo"], [b"WHOAMI", b"x"], [],
                             [b"GETUSER", draw.one(b"default", b"nobody", b"")], [b"GETUSER"])


def memory_words(draw, name):
    return [name] + draw.one([b"USAGE", draw.key()], [b"USAGE", draw.key()], [b"USAGE", draw.key(), b"SAMPLES", draw.integer()],
                             [b"USAGE", draw.key(), b"SAMPLES"], [b"USAGE", draw.key(), b"foo", b"1"], [b"USAGE"], [b"STATS"], [b"STATS", b"x"],
                             [b"DOCTOR"], [b"PURGE"], [b"PURGE", b"x"], [b"foo"], [])


def slowlog_words(draw, name):
    return [name] + draw.one([b"GET"], [b"GET", draw.one(b"0", b"-1", b"-2", b"x", b"", b"5", b"1000000")], [b"GET", b"1", b"2"], [b"LEN"], [b"LEN", b"x"],
                             [b"RESET"], [b"RESET", b"x"], [b"foo"], [])


def latency_words(draw, name):
    return [name] + draw.one([b"LATEST"], [b"HISTORY", draw.one(b"command", b"foo", b"")], [b"HISTORY"], [b"GRAPH", draw.one(b"foo", b"", b"a b")], [b"GRAPH"],
                             [b"RESET"], [b"RESET", b"foo", b"command"], [b"DOCTOR"], [b"DOCTOR", b"x"], [b"HISTOGRAM", b"foo"],
                             [b"HISTOGRAM", draw.of(KNOWN), draw.of(KNOWN), b"foo"], [b"HISTOGRAM", b"client"], [b"LATEST", b"x"], [b"foo"], [])


def cluster_words(draw, name):
    return [name] + draw.one([b"INFO"], [b"SLOTS"], [b"NODES"], [b"MYID"], [b"KEYSLOT", draw.key()], [b"KEYSLOT"], [b"foo"], [b"MEET", b"a"],
                             [b"MEET", b"a", b"1"], [b"SETSLOT", b"1", b"STABLE"], [b"COUNTKEYSINSLOT", b"1"], [b"FORGET", b"x"], [b"RESET"],
                             [b"SHARDS"], [b"SHARDS", b"x"], [])


def expire_words(times):
    def words(draw, name):
        made = [name, draw.key(), getattr(draw, times)()]
        for _ in range(draw.of([0, 0, 0, 1, 1, 2])):
            made.append(draw.any_case(draw.one(b"NX", b"XX", b"GT", b"LT", b"foo") if draw.chance(0.9) else draw.of(ODD_WORDS)))
        return made
    return words


def scan_words(draw, name):
    """Only refused forms. Scans that work are a step in steps.py."""
    return [name] + draw.one([b"abc"], [b"-1x"], [b"0", b"COUNT", b"0"], [b"0", b"COUNT", b"-1"], [b"0", b"COUNT", b"x"],
                             [b"0", b"MATCH"], [b"0", b"COUNT"], [b"0", b"foo", b"bar"], [b"0", b"TYPE"],
                             [b"99999999999999999999999"], [b"0", b"MATCH", b"*", b"COUNT"], [b"+0x"])


def hello_words(draw, name):
    words = [name]
    if draw.chance(0.9):
        words.append(draw.one(b"2", b"3", b"2", b"3", b"1", b"4", b"x", b"", b"-3", b"3.0"))
    if draw.chance(0.3):
        words += draw.one([b"AUTH", b"default", b"x"], [b"SETNAME", draw.of(NAMES)], [b"AUTH", b"nobody", b"x"], [b"AUTH", b"x"],
                          [b"SETNAME"], [b"foo"], [b"AUTH", b"default", b"x", b"SETNAME", draw.of(NAMES)])
    return words


def client_words(draw, name):
    return [name] + draw.one(
        [b"ID"], [b"GETNAME"], [b"SETNAME", draw.of(NAMES)], [b"SETNAME", draw.of(NAMES)], [b"INFO"], [b"LIST"],
        [b"LIST", b"TYPE", draw.one(b"normal", b"master", b"replica", b"slave", b"pubsub", b"foo")],
        [b"LIST", b"ID", draw.one(b"0", b"999999999", b"abc", b"-1", b"")], [b"LIST", b"foo"], [b"LIST", b"ID"], [b"LIST", b"TYPE"],
        [b"NO-EVICT", draw.one(b"on", b"OFF", b"maybe", b"")], [b"KILL", b"1.2.3.4:5"], [b"KILL", b"ID", b"999999999"],
        [b"KILL", b"ID", draw.one(b"abc", b"0", b"-1")], [b"KILL", b"TYPE", b"foo"], [b"KILL", b"TYPE", b"pubsub"],
        [b"KILL", b"USER", b"nobody"], [b"KILL", b"ADDR", b"1.2.3.4:5", b"SKIPME", b"yes"], [b"KILL", b"SKIPME", b"maybe"], [b"KILL"],
        [b"KILL", b"LADDR", b"1.2.3.4:5"], [b"KILL", b"foo", b"bar"], [b"KILL", b"ID"], [b"foo"], [], [b"ID", b"x"], [b"GETNAME", b"x"],
        [b"TRACKINGINFO"], [b"GETREDIR"], [b"UNBLOCK", draw.one(b"999999999", b"0", b"-1", b"abc")], [b"UNBLOCK", b"999999999", b"foo"],
        [b"UNBLOCK", b"999999999", draw.one(b"TIMEOUT", b"error")], [b"UNBLOCK", b"1", b"ERROR", b"x"],
        [b"PAUSE", draw.one(b"0", b"1", b"x", b"-1", b"")], [b"PAUSE", draw.one(b"1", b"2"), draw.one(b"WRITE", b"all", b"foo")],
        [b"PAUSE", b"100000", b"WRITE", b"x"], [b"PAUSE"], [b"UNPAUSE"], [b"UNPAUSE", b"x"], [b"CACHING", draw.one(b"YES", b"no", b"x")],
        [b"CACHING"], [b"TRACKING", draw.one(b"OFF", b"off", b"foo", b"")], [b"TRACKING"],
        [b"TRACKING", b"ON"] + draw.one([b"OPTIN", b"OPTOUT"], [b"PREFIX", b"a"], [b"REDIRECT", draw.one(b"x", b"99999999")], [b"foo"],
                                       [b"BCAST", b"OPTIN"], [b"REDIRECT"], [b"PREFIX"], [b"BCAST", b"OPTOUT", b"PREFIX", b"a"]),
        [b"TRACKING", b"OFF"] + draw.one([b"OPTIN", b"OPTOUT"], [b"PREFIX", b"a"], [b"foo"], [b"BCAST"], [b"NOLOOP"], [b"REDIRECT", b"99999999"]),
        [b"SETNAME"], [b"REPLY", b"foo"], [b"REPLY"], [b"REPLY", b"ON"])


def client_reply_words(draw, name):
    return [name, b"REPLY", draw.one(b"OFF", b"SKIP", b"SKIP", b"ON")]


def config_words(draw, name):
    directive, values = draw.of(SETTINGS)
    pairs = [draw.any_case(directive), draw.of(values)]
    if draw.chance(0.2):
        directive, values = draw.of(SETTINGS)
        pairs += [directive, draw.of(values)]
    return [name] + draw.one([b"GET", draw.of(DIRECTIVES)], [b"GET", draw.of(DIRECTIVES), draw.of(DIRECTIVES)],
                             [b"SET"] + pairs, [b"SET"] + pairs, [b"SET", draw.of(DIRECTIVES)], [b"RESETSTAT"], [b"RESETSTAT", b"x"],
                             [b"REWRITE"], [b"REWRITE", b"x"], [b"GET"], [b"SET"], [b"foo"], [])


def command_words(draw, name):
    return [name] + draw.one(
        [b"GETKEYS"] + set_words(draw, b"SET"), [b"GETKEYS"] + mset_words(draw, b"MSET"), [b"GETKEYS"] + some_keys(draw, b"MGET"),
        [b"GETKEYS"] + some_keys(draw, b"DEL"), [b"GETKEYS", b"PING"], [b"GETKEYS", b"GET"], [b"GETKEYS", b"nothing"], [b"GETKEYS"],
        [b"GETKEYSANDFLAGS"] + set_words(draw, b"SET"), [b"GETKEYSANDFLAGS"] + key_integer(draw, b"EXPIRE"),
        [b"GETKEYS"] + sort_words(draw, b"SORT"), [b"GETKEYSANDFLAGS"] + sort_words(draw, b"sort"), [b"GETKEYS"] + sort_words(draw, b"SORT_RO"),
        [b"GETKEYSANDFLAGS", b"PING"], [b"GETKEYSANDFLAGS"] + some_keys(draw, b"MGET"),
        [b"INFO", b"nothing"], [b"INFO", draw.of(KNOWN)], [b"INFO", draw.of(KNOWN), b"nothing", draw.of(KNOWN)],
        [b"foo"], [b"COUNT", b"x"], [b"LIST", b"FILTERBY", b"foo", b"bar"], [b"LIST", b"FILTERBY"], [b"LIST", b"foo"],
        [b"LIST", b"FILTERBY", b"PATTERN", b"incr"], [b"LIST", b"FILTERBY", b"MODULE", b"foo"], [b"LIST", b"FILTERBY", b"ACLCAT", b"foo"],
        [b"DOCS", b"nothing"])


def info_words(draw, name):
    return [name] + draw.one([b"keyspace"], [b"KEYSPACE"], [b"nothing"], [b"keyspace", b"nothing"])


def debug_words(draw, name):
    if draw.chance(0.3):
        return [name, b"DIGEST"]
    if draw.chance(0.2):
        return [name, b"DIGEST-VALUE"] + draw.keys(3)
    if draw.chance(0.1):
        return [name, b"RELOAD"]
    return [name] + draw.one(
        [b"SLEEP", draw.one(b"0", b"0.001", b"abc", b"-1", b"")], [b"OBJECT", draw.key()], [b"OBJECT"], [b"OBJECT", draw.key(), b"x"], [b"DIGEST", b"x"],
        [b"DIGEST-VALUE"], [b"PROTOCOL", draw.of(PROTOCOL_TYPES)], [b"PROTOCOL", draw.of(PROTOCOL_TYPES)], [b"PROTOCOL"],
        [b"SET-ACTIVE-EXPIRE", b"1"], [b"SET-ACTIVE-EXPIRE"], [b"ERROR", draw.one(b"foo", b"ERR bar", b"-x y", b"a\r\nb")], [b"ERROR"],
        [b"POPULATE", draw.one(b"0", b"1", b"3", b"x", b"-1", b"")], [b"POPULATE", b"2", draw.one(b"k1", b"", b"p" * 20)],
        [b"POPULATE", b"2", b"p", draw.one(b"0", b"3", b"7", b"30", b"20000", b"x", b"-5")], [b"POPULATE", b"2", b"p", b"1", b"x"], [b"POPULATE"],
        [b"CHANGE-REPL-ID"], [b"CHANGE-REPL-ID", b"x"], [b"LOG", b"said by the differential test"], [b"LOG"], [b"STRUCTSIZE"],
        [b"HTSTATS", draw.one(b"0", b"99", b"-1", b"x")], [b"HTSTATS"], [b"HTSTATS-KEY", b"nothing"], [b"foo"], [b"foo", b"bar"], [])


def select_words(draw, name):
    return [name, draw.of(DATABASES)]


def flush_words(draw, name):
    return [name] + draw.one([], [], [b"ASYNC"], [b"SYNC"], [b"sync"], [b"foo"], [b"SYNC", b"ASYNC"])


def save_words(draw, name):
    """A background save would let a SAVE behind it fail, depending on time."""
    return [name] + (draw.one([], [b"foo"]) if name == b"SAVE" else draw.one([b"foo"], [b"SCHEDULE", b"foo"], [b""]))


def shutdown_words(draw, name):
    return [name] + draw.one([b"foo"], [b"NOSAVE", b"SAVE"], [b"ABORT", b"NOW"], [b"ABORT"], [b""], [b"FORCE", b"foo"])


def wait_words(draw, name):
    return [name] + draw.one([b"0", b"0"], [b"0", b"100"], [b"1", b"1"], [b"-1", b"10"], [b"abc", b"0"], [b"0", b"abc"],
                             [b"0", b"-1"], [b"5", b"2"], [b"0", b"9223372036854775807"])


def auth_words(draw, name):
    return [name] + draw.one([b"x"], [b""], [b"default", b"x"], [b"nobody", b"x"], [b"a", b"b", b"c"], [])


def ping_words(draw, name):
    return [name] + draw.one([], [], [draw.value()], [b"a", b"b"])


def unknown_words(draw, name):
    return [draw.one(b"foo", b"", b"GETT", b"\x00\xff", b"f" * 200, b"foo\r\nbar", b"NO\x00SUCH", b"|", b"config|get", b"foo bar"),
            ] + [draw.value() for _ in range(draw.random.randint(0, 5))]


class Command:
    def __init__(self, weight, words, rule=None, spoil=True):
        self.weight, self.words, self.rule, self.spoil = weight, words, rule, spoil


# A subcommand has its own line if it needs other words, weight or rule than the rest of its command.
COMMANDS = {
    b"SET": Command(30, set_words),
    b"GET": Command(15, key_only),
    b"MSET": Command(5, mset_words),
    b"MGET": Command(5, some_keys),
    b"DEL": Command(6, some_keys),
    b"EXISTS": Command(5, some_keys),
    b"SETNX": Command(3, key_value),
    b"SETEX": Command(3, lambda draw, name: [name, draw.key(), draw.seconds(), draw.value()]),
    b"PSETEX": Command(3, lambda draw, name: [name, draw.key(), draw.milliseconds(), draw.value()]),
    b"GETSET": Command(3, key_value),
    b"GETEX": Command(6, getex_words),
    b"GETDEL": Command(3, key_only),
    b"MSETNX": Command(3, mset_words),
    b"APPEND": Command(6, key_value),
    b"STRLEN": Command(3, key_only),
    b"SETRANGE": Command(6, setrange_words),
    b"GETRANGE": Command(6, range_words),
    b"SUBSTR": Command(1, range_words),
    b"INCRBYFLOAT": Command(6, key_fraction),
    b"LCS": Command(0.3, lcs_words),
    b"UNLINK": Command(3, some_keys),
    b"TOUCH": Command(2, some_keys),
    b"RENAME": Command(4, two_keys),
    b"RENAMENX": Command(4, two_keys),
    b"COPY": Command(5, copy_words),
    b"MOVE": Command(4, lambda draw, name: [name, draw.key(), draw.of(DATABASES)]),
    b"DUMP": Command(4, key_only, "payload"),
    b"RESTORE": Command(6, restore_words, spoil=False),
    b"RANDOMKEY": Command(1, no_words, "any_key"),
    b"EXPIRETIME": Command(3, key_only, "seconds_left"),
    b"PEXPIRETIME": Command(3, key_only, "milliseconds_left"),
    b"OBJECT": Command(5, object_words, "inside", spoil=False),
    b"SORT": Command(3, sort_words),
    b"SORT_RO": Command(1, sort_words),
    b"SWAPDB": Command(0.5, lambda draw, name: [name, draw.of(DATABASES), draw.of(DATABASES)]),
    b"INCR": Command(6, key_only),
    b"DECR": Command(6, key_only),
    b"INCRBY": Command(8, key_integer),
    b"DECRBY": Command(8, key_integer),
    b"EXPIRE": Command(8, expire_words("seconds")),
    b"PEXPIRE": Command(8, expire_words("milliseconds")),
    b"EXPIREAT": Command(8, expire_words("at_seconds")),
    b"PEXPIREAT": Command(8, expire_words("at_milliseconds")),
    b"TTL": Command(8, key_only, "seconds_left"),
    b"PTTL": Command(8, key_only, "milliseconds_left"),
    b"PERSIST": Command(6, key_only),
    b"TYPE": Command(4, key_only),
    b"KEYS": Command(4, lambda draw, name: [name, draw.of(PATTERNS)], "unordered"),
    b"SCAN": Command(2, scan_words, spoil=False),
    b"DBSIZE": Command(3, no_words),
    b"FLUSHDB": Command(1, flush_words),
    b"FLUSHALL": Command(0.3, flush_words),
    b"PING": Command(3, ping_words),
    b"ECHO": Command(3, lambda draw, name: [name, draw.value()]),
    b"SELECT": Command(4, select_words),
    b"HELLO": Command(2, hello_words, "hello"),
    b"AUTH": Command(1, auth_words),
    b"QUIT": Command(0.3, lambda draw, name: [name] + draw.one([], [], [b"x"])),
    b"RESET": Command(1, no_words),
    b"CLIENT": Command(6, client_words, "client", spoil=False),
    b"CLIENT REPLY": Command(1, client_reply_words),
    b"COMMAND": Command(5, command_words, "command", spoil=False),
    b"CONFIG": Command(4, config_words, "config", spoil=False),
    b"ACL": Command(1, acl_words, "unordered", spoil=False),
    b"CLUSTER": Command(1, cluster_words, spoil=False),
    b"READONLY": Command(0.3, no_words),
    b"ASKING": Command(0.3, no_words),
    b"INFO": Command(2, info_words, "info", spoil=False),
    b"SAVE": Command(0.3, save_words, spoil=False),
    b"BGSAVE": Command(0.2, save_words, spoil=False),
    b"LASTSAVE": Command(0.1, lambda draw, name: [name, b"foo"], spoil=False),
    b"SHUTDOWN": Command(0.5, shutdown_words, spoil=False),
    b"DEBUG": Command(2, debug_words, "debug", spoil=False),
    b"MEMORY": Command(1, memory_words, "memory", spoil=False),
    b"SLOWLOG": Command(1, slowlog_words, "slowlog", spoil=False),
    b"LATENCY": Command(1, latency_words, "latency", spoil=False),
    b"ROLE": Command(0.5, no_words),
    b"WAIT": Command(0.5, wait_words, spoil=False),
    b"TIME": Command(1, no_words, "clock"),
    b"READWRITE": Command(0.3, no_words),
    b"?": Command(4, unknown_words),
}


def mutate(draw, words):
    """A spoilt command: a word is lost, doubled, added or replaced."""
    words = list(words)
    at = draw.random.randrange(len(words))
    how = draw.random.randrange(4)
    if how == 0 and len(words) > 1:
        del words[max(at, 1)]
    elif how == 1:
        words.insert(at, words[at])
    elif how == 2:
        words.append(draw.of(ODD_WORDS))
    elif at > 0:
        words[at] = draw.of(ODD_WORDS)
    return words


def is_reply_switch(words):
    """CLIENT REPLY: afterwards replies can't be matched to commands by counting."""
    return words[0].upper() == b"CLIENT" and len(words) == 3 and words[1].upper() == b"REPLY"


NUMBER = re.compile(rb"-?[0-9]+")
TIME_WORDS = (b"EX", b"PX", b"EXAT", b"PXAT")


def is_own_extension(words):
    """Forms that Redis doesn't have: `SET key value 60`, `DELETE key`, HELP."""
    name = words[0].upper()
    return name in (b"DELETE", b"HELP") or (name == b"SET" and has_bare_number(words))


def has_bare_number(words):
    """A number among the options of SET, without an option that takes it."""
    return any(NUMBER.fullmatch(words[i]) and (i == 3 or words[i - 1].upper() not in TIME_WORDS) for i in range(3, len(words)))


# Where seconds() and milliseconds() of Draw begin.
SHORTEST = {b"EX": 100000, b"PX": 100000000}


def is_short_lived(words):
    """A time to live that ends while the stream runs. mutate() can make one, from EX and the time of a later EXAT."""
    return any(0 < int(words[i + 1]) < SHORTEST[words[i].upper()] for i in range(len(words) - 1)
               if words[i].upper() in SHORTEST and NUMBER.fullmatch(words[i + 1]))


class Generator:
    """Draws from the commands for which `has` is true; the others are in `absent`."""

    def __init__(self, random, now_ms, has):
        self.draw = Draw(random, now_ms)
        self.names = [name for name in COMMANDS if name == b"?" or has(name.replace(b" ", b"|"))]
        self.absent = [name for name in COMMANDS if name not in self.names]
        self.weights = [COMMANDS[name].weight for name in self.names]

    def next(self):
        """The words of a command and the rule for its reply."""
        draw = self.draw
        name = draw.random.choices(self.names, self.weights)[0]
        command = COMMANDS[name]
        words = command.words(draw, draw.any_case(name.split(b" ")[0]))
        if command.spoil and draw.chance(0.08):
            spoilt = mutate(draw, words)
            words = words if is_short_lived(spoilt) else spoilt
        if is_own_extension(words):
            words = words[:3]
        return words, command.rule

    def batch(self):
        """Some commands in a row, with their rules."""
        made, size = [], 0
        most = self.draw.of([1, 2, 5, 10, 40])
        while len(made) < most and size < BATCH_BYTES:
            words, rule = self.next()
            made.append((words, rule))
            size += sum(map(len, words))
            if words[0].upper() == b"SET" and {b"EXAT", b"PXAT"} & {word.upper() for word in words}:
                made += [([b"GET", words[1]], None), ([b"SET", words[1], b"v"], None), ([b"DEL", words[1]], None)]
        if any(is_reply_switch(words) for words, _ in made):
            # Redis doesn't close at QUIT while its replies are off.
            made = [(words, rule) for words, rule in made if rule is None and words[0].upper() != b"QUIT"]
        return made

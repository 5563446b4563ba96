"""The steps of a run, each done to both servers."""

import re
import time

from commands import COMMANDS, PATTERNS, Generator, is_reply_switch
from normalise import RULES
from resp import Closed, Malformed, Reader, bulk, inline

CONNECTIONS = 4
HISTORY = 12
SHORT_MS = 15
SCAN_CALLS_MAX = 100000

# Commands that stay harmless when their bytes are damaged.
# They only read: Redis stops at a half-closed connection and ours goes on, which must not change the data.
HARMLESS = [b"GET", b"PING", b"ECHO", b"STRLEN", b"TTL", b"EXISTS", b"MGET", b"TYPE"]
BARE_LINE_END = re.compile(rb"(?<!\r)\n")
# Damaged bytes may spell a command that ours doesn't have yet.
NOT_YET = re.compile(rb"HGET|HSET", re.I)

GARBAGE = [
    b"*x\r\n", b"*-1\r\nPING\r\n", b"*0\r\nPING\r\n", b"*2147483648\r\n", b"*99999999999999999999\r\n", b"*1\r\n+3\r\n", b"*1\r\n$x\r\n",
    b"*1\r\n$-1\r\n", b"*1\r\n$536870913\r\n", b"*1\r\n$99999999999999999999\r\n", b"*1\r\n\r\n", b"*\r\n", b"$4\r\nPING\r\n", b"\r\n\r\n\r\nPING\r\n",
    b"PING\n", b"ping \"\n", b"ping 'a\n", b"set k1 \"a\"b\r\n", b"echo 'a'b\r\n", b"echo \"\\x41\\n\\q\\x4\"\r\n", b"echo 'a\\'b\\n'\r\n", b"echo a\"b\r\n",
    b"echo \"\"\r\n", b"   \r\n", b"PING\r\n*x\r\n", b"*+1\r\n$4\r\nPING\r\n", b"* 1\r\n$4\r\nPING\r\n", b"*01\r\n$4\r\nPING\r\n",
    b"*1\r\n$04\r\nPING\r\n", b"*1\r\n$ 4\r\nPING\r\n", b"*1\r\n$4 \r\nPING\r\n", b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", b"*-5\r\nPING\r\n", b"echo \xff\xfe\r\n",
    b"*1\r\nx\r\n", b"*3\r\n$3\r\nSET\r\n$2\r\nk1\r\n", b"get\tk1\r\n", b" ping\r\n",
]


class Difference(Exception):
    """A difference; `kind` names the command."""

    def __init__(self, text, kind="?"):
        super().__init__(text)
        self.kind = kind


class Pair:
    """A connection to each server; bytes sent go to both."""

    def __init__(self, servers):
        self.servers, self.history = servers, []
        self.open()

    def open(self):
        """When this returns, both servers have accepted the connection, and CLIENT LIST has it."""
        self.sockets = [server.connect() for server in self.servers]
        self.readers = [Reader(sock) for sock in self.sockets]
        self.ask(b"PING")

    def close(self):
        for sock in self.sockets:
            sock.close()

    def send(self, data):
        for sock in self.sockets:
            try:
                sock.sendall(data)
            except ConnectionError:
                pass  # closed already: the reader will see it

    def until(self, reader, marker):
        """All replies up to the marker, and True when the connection was closed instead."""
        replies = []
        try:
            while True:
                reply = reader.next()
                if reply[1] == marker:
                    return replies, False
                replies.append(reply)
        except Closed as closed:
            return replies + ([(b"?", closed.rest, closed.rest)] if closed.rest else []), True

    def exchange(self, data, marker):
        self.send(data + bulk(b"ECHO", marker))
        return [self.until(reader, marker) for reader in self.readers]

    def ask(self, *words):
        """Sends one command to each server and returns both replies."""
        self.send(bulk(*words))
        return [reader.next() for reader in self.readers]


class Stream:
    def __init__(self, servers, random, now_ms, on_difference, without=()):
        self.random, self.servers, self.on_difference, self.without = random, servers, on_difference, without
        self.pairs = [Pair(servers) for _ in range(CONNECTIONS)]
        self.generator = Generator(random, now_ms, self.ours_has)
        self.marked = 0
        self.commands = 0
        self.seen = dict.fromkeys(COMMANDS, 0)

    def close(self):
        for pair in self.pairs:
            pair.close()

    def ours_has(self, name):
        if name in self.without:
            return False
        ours, _ = self.pairs[0].ask(b"COMMAND", b"INFO", name.lower())
        return ours[1][0][1] is not None

    def marker(self):
        self.marked += 1
        return b"marker-%d-of-the-stream" % self.marked

    def step(self):
        """One step. A difference goes to on_difference; if that returns, new connections are made."""
        try:
            self.draw_step(self.random.choice(self.pairs))
        except Difference as difference:
            self.on_difference(difference)
            self.close()
            self.pairs = [Pair(self.servers) for _ in range(CONNECTIONS)]
            Pair(self.servers).ask(b"FLUSHALL")

    def draw_step(self, pair):
        kind = self.random.random()
        if kind < 0.95:
            self.batch(pair)
        elif kind < 0.97:
            self.scan(pair)
        elif kind < 0.99:
            self.garbage()
        else:
            self.expire(pair)

    def encode(self, words):
        if self.random.random() < 0.05:
            typed = inline(words, self.random)
            if typed and words[0]:
                return typed
        return bulk(*words)

    def batch(self, pair):
        self.run(pair, self.generator.batch())

    def run(self, pair, batch):
        data = b"".join(self.encode(words) for words, _ in batch)
        if any(is_reply_switch(words) for words, _ in batch):
            batch = batch + [([b"CLIENT", b"REPLY", b"ON"], None)]
            data += bulk(*batch[-1][0])
        self.commands += len(batch)
        for words, _ in batch:
            self.seen[words[0].upper() if words[0].upper() in self.seen else b"?"] += 1
        try:
            answers = pair.exchange(data, self.marker())
        except (TimeoutError, Malformed) as trouble:
            raise Difference("%s\nno answer in time, or not RESP, to: %s" % (
                show(trouble), "\n  ".join(show(words) for words, _ in batch))) from None
        self.compare(pair, batch, answers)
        pair.history = (pair.history + [words for words, _ in batch])[-HISTORY:]
        if answers[0][1]:
            pair.close()
            pair.open()
            pair.history = []

    def compare(self, pair, batch, answers):
        (ours, ours_closed), (theirs, theirs_closed) = answers
        counted = not any(is_reply_switch(words) for words, _ in batch)
        for at, (a, b) in enumerate(zip(ours, theirs)):
            words, rule = batch[at] if counted and at < len(batch) else ([], None)
            if not RULES[rule](a, b, words):
                raise Difference(self.describe(pair, batch, at, a[2], b[2]), kind_of(words))
        if len(ours) != len(theirs) or ours_closed != theirs_closed:
            raise Difference(self.describe(pair, batch, min(len(ours), len(theirs)),
                                           "%d replies%s" % (len(ours), ", closed" if ours_closed else ""),
                                           "%d replies%s" % (len(theirs), ", closed" if theirs_closed else "")), "count")

    @staticmethod
    def describe(pair, batch, at, ours, theirs):
        before = pair.history + [words for words, _ in batch[:at]]
        command = batch[at][0] if at < len(batch) else "(behind the batch)"
        return "\n".join(["command: %s" % show(command), "ours:    %s" % show(ours), "redis's: %s" % show(theirs), "before it on this connection:"] +
                         ["  %s" % show(words) for words in before[-max(HISTORY, at):]])

    def scan(self, pair):
        """A whole scan of each server. Cursors may differ; the keys must be the same."""
        options = []
        if self.random.random() < 0.5:
            options += [b"MATCH", self.random.choice(PATTERNS)]
        if self.random.random() < 0.5:
            options += [b"COUNT", self.random.choice([b"1", b"3", b"10", b"1000"])]
        if self.random.random() < 0.3:
            options += [b"TYPE", self.random.choice([b"string", b"STRING", b"list", b"nothing"])]
        found = [self.scan_one(reader, sock, options) for reader, sock in zip(pair.readers, pair.sockets)]
        self.commands += 1
        if found[0] != found[1]:
            raise Difference("a whole SCAN with %s found\nours:    %s\nredis's: %s" % (show(options), show(found[0]), show(found[1])))

    @staticmethod
    def scan_one(reader, sock, options):
        keys, cursor = set(), b"0"
        for _ in range(SCAN_CALLS_MAX):
            sock.sendall(bulk(b"SCAN", cursor, *options))
            kind, value, raw = reader.next()
            if kind != b"*" or len(value) != 2:
                return [raw]
            cursor = value[0][1]
            keys.update(item[1] for item in value[1][1])
            if cursor == b"0":
                return sorted(keys)
        raise Difference("a SCAN with %s doesn't end" % show(options))

    def damaged(self):
        """A few harmless commands with a byte changed or lost, or the end cut off. There is no NUL, behind which Redis finds no line end,
        and no bare line feed, which Redis accepts in inline commands only."""
        data = b"".join(bulk(*words) for words, _ in self.generator.batch() if words[0].upper() in HARMLESS)[:4000].replace(b"\0", b"0")
        if not data:
            return b"PING"
        at = self.random.randrange(len(data))
        how = self.random.randrange(3)
        if how == 0:
            data = data[:at] + bytes([self.random.randrange(1, 256)]) + data[at + 1:]
        else:
            data = data[:at] + data[at + 1:] if how == 1 else data[:at]
        return b"PING" if BARE_LINE_END.search(data) or NOT_YET.search(data) else data

    def garbage(self):
        """Sends bytes that are not a request on a new connection, half-closes it, and compares everything that Redis sends."""
        data = self.random.choice(GARBAGE) if self.random.random() < 0.6 else self.damaged()
        pair = Pair(self.servers)
        pair.send(data)
        for sock in pair.sockets:
            try:
                sock.shutdown(1)
            except OSError:
                pass  # closed already
        ours, theirs = (reader.rest() for reader in pair.readers)
        pair.close()
        self.commands += 1
        # At a half-closed connection Redis closes and drops unsent replies; ours answers everything.
        if not ours.startswith(theirs):
            raise Difference("bytes:   %s\nours:    %s\nredis's: %s" % (show(data), show(ours), show(theirs)))

    def expire(self, pair):
        """Keys with a short time to live, which are gone afterwards, whatever reads them."""
        keys = self.generator.draw.keys(4)
        ways = [lambda key: [b"SET", key, b"v", b"PX", b"%d" % SHORT_MS], lambda key: [b"PEXPIRE", key, b"%d" % SHORT_MS]]
        self.run(pair, [([b"SET", key, b"v"], None) for key in keys] + [(self.random.choice(ways)(key), None) for key in keys])
        time.sleep(SHORT_MS * 2 / 1000)  # waits for the time itself
        reads = [lambda key: [b"GET", key], lambda key: [b"EXISTS", key], lambda key: [b"TTL", key], lambda key: [b"INCR", key],
                 lambda key: [b"SET", key, b"w", b"XX"], lambda key: [b"DEL", key], lambda key: [b"SET", key, b"w", b"NX", b"GET"],
                 lambda key: [b"PERSIST", key], lambda key: [b"TYPE", key]]
        self.run(pair, [(self.random.choice(reads)(key), None) for key in keys] + 
                 [(words, None) for key in keys for words in ([b"SET", key, b"v"], [b"DEL", key])])

    @staticmethod
    def exchange_values(pair, keys):
        """Each server restores every key from the payload that the other has made of it."""
        for key in keys:
            ours, theirs = (reply[1] for reply in pair.ask(b"DUMP", key))
            if ours is None or theirs is None:
                continue
            for sock, payload in zip(pair.sockets, (theirs, ours)):
                sock.sendall(bulk(b"RESTORE", key, b"0", payload, b"REPLACE"))
            for reader, server in zip(pair.readers, ("ours", "redis")):
                kind, value, _ = reader.next()
                if value != b"OK":
                    raise Difference("%s can't restore %s from the other's payload: %s" % (server, show(key), show(value)), "RESTORE")

    def compare_everything(self):
        """Compares the databases at the end, before and after values are exchanged."""
        pair = Pair(self.servers)
        for database in range(16):
            pair.ask(b"SELECT", b"%d" % database)
            listed = [sorted(item[1] for item in reply[1]) for reply in pair.ask(b"KEYS", b"*")]
            if listed[0] != listed[1]:
                raise Difference("keys of database %d\nours:    %s\nredis's: %s" % (database, show(listed[0]), show(listed[1])))
            batch = [([b"GET", key], None) for key in listed[0]] + \
                [([b"OBJECT", b"ENCODING", key], None) for key in listed[0]] + [([b"PTTL", key], "milliseconds_left") for key in listed[0]]
            self.run(pair, batch)
            self.exchange_values(pair, listed[0])
            self.run(pair, batch)
        pair.close()


def kind_of(words):
    name = words[0].upper() if words else b"?"
    return name + b" " + words[1].upper() if len(words) > 1 and name in (b"CLIENT", b"CONFIG", b"COMMAND", b"DEBUG") else name


def show(what):
    text = repr(what)
    return text if len(text) < 1500 else text[:1000] + "..." + text[-400:]


__all__ = ["Difference", "Stream"]

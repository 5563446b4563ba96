"""Parses replies and keeps their bytes."""


class Closed(Exception):
    """The server has closed the connection; `rest` is the incomplete reply before that."""

    def __init__(self, rest):
        super().__init__("closed")
        self.rest = rest


class Malformed(Exception):
    pass


class Reader:
    """
    Reads replies from a connection. A reply is (kind, value, raw): kind is its first byte; value is bytes, an int, None or a list of
    replies (key, value, key, value for a map); raw is the reply as bytes.
    """

    def __init__(self, sock):
        self.sock, self.data, self.at = sock, b"", 0

    def _more(self):
        got = self.sock.recv(1 << 18)
        if not got:
            raise Closed(self.data[self.at:])
        self.data = self.data[self.at:] + got
        self.at = 0

    def next(self):
        while True:
            try:
                reply, end = parse(self.data, self.at)
            except IndexError:
                try:
                    self._more()
                except ConnectionError:
                    raise Closed(self.data[self.at:]) from None
                continue
            self.at = end
            return reply

    def rest(self):
        """All bytes up to the end of the connection."""
        try:
            while True:
                self._more()
        except (Closed, ConnectionError):
            rest, self.at = self.data[self.at:], len(self.data)
            return rest


def parse(data, at):
    """The reply at data[at] and where it ends; IndexError when it is incomplete."""
    end = data.find(b"\r\n", at)
    if end < 0:
        raise IndexError
    kind, line = data[at:at + 1], data[at + 1:end]
    behind = end + 2
    if kind in b"+-,#(_":
        return (kind, line, data[at:behind]), behind
    if kind not in b"$=!*~>%|:" or not kind:
        raise Malformed(data[at:at + 80])
    number = int(line)
    if kind == b":":
        return (kind, number, data[at:behind]), behind
    if number < 0:
        return (kind, None, data[at:behind]), behind
    if kind in b"$=!":
        if len(data) < behind + number + 2:
            raise IndexError
        return (kind, data[behind:behind + number], data[at:behind + number + 2]), behind + number + 2
    items = []
    for _ in range(number * 2 if kind in b"%|" else number):
        item, behind = parse(data, behind)
        items.append(item)
    if kind == b"|":  # an attribute belongs to the reply that follows
        item, behind = parse(data, behind)
        items.append(item)
    return (kind, items, data[at:behind]), behind


def bulk(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def inline(words, random):
    """The words as an inline command, or None when that can't be. Redis waits for ever at a line with a NUL."""
    typed = []
    for word in words:
        plain = word and all(33 <= byte <= 126 and byte not in b"\"'\\" for byte in word)
        if plain and random.random() < 0.7:
            typed.append(word)
        elif b"\n" not in word and b"\0" not in word and random.random() < 0.3 and b"'" not in word and b"\\" not in word:
            typed.append(b"'%b'" % word)
        else:
            typed.append(b'"' + b"".join(quoted(byte) for byte in word) + b'"')
    line = (b" " * random.randint(1, 3)).join(typed)
    if len(line) > 30000 or (typed and typed[0][:1] == b"*"):
        return None
    return line + random.choice([b"\r\n", b"\r\n", b"\n"])


def quoted(byte):
    short = {10: b"\\n", 13: b"\\r", 9: b"\\t", 8: b"\\b", 7: b"\\a", 34: b'\\"', 92: b"\\\\"}
    if byte in short:
        return short[byte]
    return bytes([byte]) if 32 <= byte <= 126 else b"\\x%02x" % byte

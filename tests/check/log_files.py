"""Writes files of data for tests: RDB files, parts of our log, and directories of both."""

import os

POLYNOMIAL = 0x82F63B78
TABLE = []
for number in range(256):
    for _ in range(8):
        number = number >> 1 ^ (POLYNOMIAL if number & 1 else 0)
    TABLE.append(number)


def crc32c(crc, data):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def command(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def rdb_string(text):
    assert len(text) < 64
    return bytes([len(text)]) + text


def rdb(keys, sequence=None, created=1700000000, database=0):
    """An RDB file with keys of strings: {name: (value, expiry in ms or None)}. It has no checksum."""
    out = b"REDIS0010"
    fields = [(b"redis-ver", b"7.0.15"), (b"ctime", b"%d" % created)] + ([(b"qcache-sequence", b"%d" % sequence)] if sequence is not None else [])
    for name, value in fields:
        out += b"\xfa" + rdb_string(name) + rdb_string(value)
    out += b"\xfe" + bytes([database])
    for name, (value, expiry) in keys.items():
        out += (b"\xfc" + expiry.to_bytes(8, "little") if expiry else b"") + b"\0" + rdb_string(name) + rdb_string(value)
    return out + b"\xff" + bytes(8)


class Part:
    """A part of our log: groups of commands, each command a frame."""

    def __init__(self, number, sequence, id=None):
        self.number, self.first, self.sequence = number, sequence, sequence
        self.id = id if id is not None else 0x1000 + number
        self.name = "appendonly.aof.%d.incr.aof" % number
        self.crc = crc32c(0, b"%016x" % self.id)
        self.bytes = b""
        self.groups = []  # where each begins

    def add(self, *commands, time=None):
        text = (b"#TS:%d\r\n" % time if time else b"") + b"".join(commands)
        head = b"#qc:g id=%016x first=%d last=%d bytes=%d" % (self.id, self.sequence + 1, self.sequence + len(commands), len(text))
        self.crc = crc32c(crc32c(self.crc, head), text)
        self.groups.append(len(self.bytes))
        self.bytes += head + b" crc=%08x\r\n" % self.crc + text
        self.sequence += len(commands)
        return self

    def line(self):
        return "file %s seq %d type i qcache-id %016x qcache-sequence %d\n" % (self.name, self.number, self.id, self.first)


def write(path, data):
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write_log(directory, base, parts, base_line="file appendonly.aof.1.base.rdb seq 1 type b qcache-sequence 0\n"):
    """A server's directory with a log. Returns the log's own directory."""
    folder = os.path.join(directory, "appendonlydir")
    os.makedirs(folder)
    write(os.path.join(folder, "appendonly.aof.1.base.rdb"), base)
    for part in parts:
        write(os.path.join(folder, part.name), part.bytes)
    write(os.path.join(folder, "appendonly.aof.manifest"), base_line + "".join(part.line() for part in parts))
    return folder

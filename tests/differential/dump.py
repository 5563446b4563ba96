"""Payloads of DUMP and RESTORE: made for RESTORE, and read to compare those of two servers."""

import functools
import struct

VERSION = 10
FOOTER_BYTES = 10
STRING = 0


@functools.cache
def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x95ac9329ac4bc9b5 if byte & 1 else 0)
        table.append(byte)
    return table


def crc64(data):
    table, crc = crc_table(), 0
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xff]
    return crc


def with_footer(data, version=VERSION):
    data += struct.pack("<H", version)
    return data + struct.pack("<Q", crc64(data))


def length(number):
    return bytes([number]) if number < 64 else struct.pack(">H", 0x4000 | number) if number < 16384 else b"\x80" + struct.pack(">I", number)


def literal_runs(string):
    """LZF that compresses nothing: runs of up to 32 bytes."""
    return b"".join(bytes([len(run) - 1]) + run for run in (string[at:at + 32] for at in range(0, len(string), 32)))


def plain(string):
    return bytes([STRING]) + length(len(string)) + string


def compressed(string):
    packed = literal_runs(string)
    return bytes([STRING, 0xc3]) + length(len(packed)) + length(len(string)) + packed


def number(value):
    for form, size, width in ((0xc0, "b", 8), (0xc1, "h", 16), (0xc2, "i", 32)):
        if -1 << width - 1 <= value < 1 << width - 1:
            return bytes([STRING, form]) + struct.pack("<" + size, value)
    raise ValueError(value)


def unpacked(packed):
    """LZF: runs of literal bytes, and copies from further ahead."""
    out, at = bytearray(), 0
    while at < len(packed):
        control = packed[at]
        at += 1
        if control < 32:
            out += packed[at:at + control + 1]
            at += control + 1
            continue
        count = control >> 5
        if count == 7:
            count += packed[at]
            at += 1
        start = len(out) - ((control & 31) << 8 | packed[at]) - 1
        at += 1
        for i in range(start, start + count + 2):
            out.append(out[i])
    return bytes(out)


def read_length(payload, at):
    kind = payload[at] >> 6
    if kind == 0:
        return payload[at], at + 1
    if kind == 1:
        return struct.unpack_from(">H", payload, at)[0] & 0x3fff, at + 2
    return struct.unpack_from(">I", payload, at + 1)[0], at + 5


def string_of(payload):
    """The string in the payload of a server."""
    if payload[1] >> 6 != 3:
        count, at = read_length(payload, 1)
        return payload[at:at + count]
    form = payload[1] & 63
    if form < 3:
        return b"%d" % struct.unpack_from(("<b", "<h", "<i")[form], payload, 2)[0]
    count, at = read_length(payload, 2)
    _, at = read_length(payload, at)
    return unpacked(payload[at:at + count])

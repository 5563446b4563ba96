"""Resident memory of a server beyond its payload, when it no longer changes."""

import statistics

from load import encode, kinds, load, rest, start, stop

POPULATIONS = 16
LEAST = 1 << 20
KEY_BYTES = 16
VALUE_BYTES_MAX = 256
GOAL_MEAN, GOAL_WORST, GOAL_TTL = 32, 44, 28


def value_bytes(number):
    """1 to 256 bytes, evenly distributed, independent of the key's order."""
    return (number * 2654435761 >> 7) % VALUE_BYTES_MAX + 1


def commands(first, behind, with_ttl):
    filler = b"v" * VALUE_BYTES_MAX
    for number in range(first, behind):
        words = [b"SET", b"%016d" % number, filler[:value_bytes(number)]]
        if with_ttl:
            words += [b"PX", b"%d" % (86400000 + number * 7)]
        yield encode(*words)


class Filled:
    """Fills a server from one population to the next, and yields its memory beyond the payload at each."""

    def __init__(self, name, argv, with_ttl):
        self.server, self.with_ttl = start(name, argv), with_ttl
        self.empty = self.payload = self.have = 0
        self.found = []

    def fill(self, population):
        load(self.server, commands(self.have, population, self.with_ttl), population - self.have)
        self.payload += sum(KEY_BYTES + value_bytes(number) for number in range(self.have, population))
        self.have = population

    def look(self):
        taken = self.server.resident_bytes() - self.empty - self.payload
        self.found.append(taken / self.have)
        print("  %s%s, %d keys: %.1f bytes a key" % (
            self.server.name, ", TTL" if self.with_ttl else "", self.have, self.found[-1]), flush=True)


def measure_all(all_filled, populations):
    servers = [filled.server for filled in all_filled]
    rest(servers)
    for filled in all_filled:
        filled.empty = filled.server.resident_bytes()
    for population in populations:
        for filled in all_filled:
            filled.fill(population)
        rest(servers)
        for filled in all_filled:
            filled.look()


def report(options):
    count = POPULATIONS
    populations = [int(LEAST * 2 ** (step / (count - 1))) for step in range(count)]
    lines = ["", "Resident memory beside key and value, bytes a key: %d populations from %d to %d keys of %d bytes, values of 1 "
             "to %d bytes" % (count, populations[0], populations[-1], KEY_BYTES, VALUE_BYTES_MAX), "",
             "| server | mean | worst | with a TTL: mean more | worst more |", "|---|---:|---:|---:|---:|"]
    all_filled = []
    try:
        for name, argv in kinds(options).items():
            if name != "null":
                all_filled += [Filled(name, argv, False), Filled(name, argv, True)]
        measure_all(all_filled, populations)
    finally:
        for filled in all_filled:
            stop(filled.server)
    for plain, expiring in zip(all_filled[::2], all_filled[1::2]):
        more = [b - a for a, b in zip(plain.found, expiring.found)]
        lines.append("| %s | %.1f | %.1f | %.1f | %.1f |" % (
            plain.server.name, statistics.mean(plain.found), max(plain.found), statistics.mean(more), max(more)))
    lines += ["", "Goals for ours: mean %d, worst %d, %d more with a TTL." % (GOAL_MEAN, GOAL_WORST, GOAL_TTL)]
    return lines

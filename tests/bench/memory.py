"""Resident memory of the whole server beside the payload, after it has come to rest."""

import statistics

from load import encode, kinds, load, rest, start, stop

POPULATIONS = 16
LEAST = 1 << 20
KEY_BYTES = 16
VALUE_BYTES_MAX = 256
GOAL_MEAN, GOAL_WORST, GOAL_TTL = 32, 44, 28


def value_bytes(number):
    """1 to 256 bytes, evenly, in an order that has nothing to do with the key's."""
    return (number * 2654435761 >> 7) % VALUE_BYTES_MAX + 1


def commands(first, behind, with_ttl):
    filler = b"v" * VALUE_BYTES_MAX
    for number in range(first, behind):
        words = [b"SET", b"%016d" % number, filler[:value_bytes(number)]]
        if with_ttl:
            words += [b"PX", b"%d" % (86400000 + number * 7)]
        yield encode(*words)


def overheads(server, populations, with_ttl):
    """Bytes beside the payload per key, at each population; the server is filled from one to the next."""
    rest(server)
    empty = server.resident_bytes()
    found, payload, have = [], 0, 0
    for population in populations:
        load(server, commands(have, population, with_ttl), population - have)
        payload += sum(KEY_BYTES + value_bytes(number) for number in range(have, population))
        have = population
        rest(server)
        found.append((server.resident_bytes() - empty - payload) / population)
        print("  %s%s, %d keys: %.1f bytes a key" % (server.name, ", TTL" if with_ttl else "", population, found[-1]), flush=True)
    return found


def report(options):
    count = POPULATIONS
    populations = [int(LEAST * 2 ** (step / (count - 1))) for step in range(count)]
    lines = ["", "Resident memory beside key and value, bytes a key: %d populations from %d to %d keys of %d bytes, values of 1 "
             "to %d bytes" % (count, populations[0], populations[-1], KEY_BYTES, VALUE_BYTES_MAX), "",
             "| server | mean | worst | with a TTL: mean more | worst more |", "|---|---:|---:|---:|---:|"]
    for name, argv in kinds(options).items():
        if name == "null":
            continue
        found = {}
        for with_ttl in (False, True):
            server = start(name, argv)
            try:
                found[with_ttl] = overheads(server, populations, with_ttl)
            finally:
                stop(server)
        more = [b - a for a, b in zip(found[False], found[True])]
        lines.append("| %s | %.1f | %.1f | %.1f | %.1f |" % (
            name, statistics.mean(found[False]), max(found[False]), statistics.mean(more), max(more)))
    lines += ["", "Goals for ours: mean %d, worst %d, %d more with a TTL." % (GOAL_MEAN, GOAL_WORST, GOAL_TTL)]
    return lines

"""Compares commands that change or read part of a value with Redis, and measures a whole SCAN."""

import collections
import time

import speed
from load import benchmark_keys, encode, kinds, load, start, stop

KEYS = 100000
# Enough requests for two seconds at Redis's rate.
SHAPES = [("50", 50, 1, 200000), ("50x16", 50, 16, 1200000), ("50x64", 50, 64, 2000000)]
# Random keys are redis-benchmark's; numbers have other keys. APPEND adds one byte, so values stay small over all rounds.
WORDS = {
    "append": ("APPEND", "key:__rand_int__", "x"),
    "getrange": ("GETRANGE", "key:__rand_int__", "8", "39"),
    "incrbyfloat": ("INCRBYFLOAT", "num:__rand_int__", "0.25"),
}
# Goals as ours/Redis, with the client on one core and the server on the other.
GOALS = {"50": 1.0, "50x16": 1.2}

SCAN_KEYS = 1000000
SCAN_COUNTS = (10, 1000)
KEY_BYTES = 16
SCANNED_BYTES = KEY_BYTES + len(b"$16\r\n\r\n")


def cells():
    return [speed.Cell("%s:%s" % (name, shape), name, clients, pipeline, speed.SMALL, requests, words)
            for name, words in WORDS.items() for shape, clients, pipeline, requests in SHAPES]


def fill(server):
    load(server, benchmark_keys(0, KEYS, speed.SMALL), KEYS)
    load(server, (encode(b"SET", b"num:%012d" % number, b"0.5") for number in range(KEYS)), KEYS)


def run_cells(options, servers):
    results = {}
    for cell in cells():
        results[cell] = collections.defaultdict(list)
        for server in servers:
            fill(server)
        for _ in range(options.rounds):
            for server in servers:
                requests = max(1000, int(cell.requests * options.scale))
                results[cell][server.name].append(speed.measure(server, cell, requests, KEYS, options.client_cpu))
        print("  " + speed.line_of(cell, results[cell]), flush=True)
    return results


def scan_reply(read):
    """The cursor and the number of keys of the next reply; all keys have the same length."""
    head = [read.readline() for _ in range(4)]
    count = int(head[3][1:])
    read.read(count * SCANNED_BYTES)
    return head[2].rstrip(), count


def walk(server, count):
    """Seconds and CPU seconds of one whole SCAN, one call after the other."""
    cursor, found = b"0", 0
    with server.connect() as s, s.makefile("rb", 1 << 16) as read:
        cpu_ns, begin = server.cpu_ns(), time.monotonic()
        while True:
            s.sendall(encode(b"SCAN", cursor, b"COUNT", b"%d" % count))
            cursor, more = scan_reply(read)
            found += more
            if cursor == b"0":
                break
        figures = {"seconds": time.monotonic() - begin, "cpu": (server.cpu_ns() - cpu_ns) / 1e9}
    if found < SCAN_KEYS:
        raise SystemExit("a SCAN of %s found %d keys of %d" % (server.name, found, SCAN_KEYS))
    return figures


def scans(options, servers):
    lines = ["", "A whole SCAN over %d keys, one call after the other, medians of %d rounds:" % (SCAN_KEYS, options.rounds), "",
             "| COUNT | seconds: ours | Redis | ours/Redis | CPU seconds: ours | Redis | ours/Redis |", "|---:|" + "---:|" * 6]
    for server in servers:
        load(server, benchmark_keys(KEYS, SCAN_KEYS, speed.SMALL), SCAN_KEYS - KEYS)
        load(server, [encode(b"DEL", b"num:%012d" % number) for number in range(KEYS)], KEYS)
    for count in SCAN_COUNTS:
        by_server = collections.defaultdict(list)
        for _ in range(options.rounds):
            for server in servers:
                by_server[server.name].append(walk(server, count))
        columns = ["%d" % count]
        for what in ("seconds", "cpu"):
            columns += ["%.2f" % speed.middle(by_server[server.name], what) for server in servers]
            columns.append("%.2f" % speed.ratio(by_server["ours"], by_server["redis"], what))
        lines.append("| " + " | ".join(columns) + " |")
        print("  SCAN COUNT " + ", ".join(columns), flush=True)
    return lines


def shortfalls(results):
    short = []
    for cell, by_server in results.items():
        goal, reached = GOALS.get(cell.name.split(":")[1]), speed.ratio(by_server["ours"], by_server["redis"], "rate")
        if goal and reached < goal:
            short.append("- %s: requests/s %.2f of Redis's, goal %.2f" % (cell.name, reached, goal))
    return short


def report(options):
    print("More commands:", flush=True)
    servers = [start(name, argv, {options.server_cpu}) for name, argv in kinds(options).items() if name != "null"]
    if [server.name for server in servers] != ["ours", "redis"]:
        raise SystemExit("the part commands compares with redis")
    try:
        results = run_cells(options, servers)
        scanned = scans(options, servers)
    finally:
        for server in servers:
            stop(server)
    short = shortfalls(results)
    return (["", "Client on CPU %d, each server on CPU %d; %d rounds, medians of the rounds and of their ratios:" % (
        options.client_cpu, options.server_cpu, options.rounds), ""] + speed.table(results) +
        ["", "Short of the goals:" if short else "All goals of these cells are reached."] + short + scanned)

#!/usr/bin/env python3
"""Exchanges RDB files with redis-server.

    rdb_files.py --copy build/tests/rdb_copy [--seed N]

A redis-server saves strings in all their encodings, with and without times to live, in several databases, and in each way that it can be
configured to. rdb_copy loads the file, prints the digest of the data and saves them again. That file must satisfy redis-check-rdb, and a
redis-server that loads it must have the same data, times to live and idle times.
"""

import argparse
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import logs  # noqa: E402
from server import Server, reference  # noqa: E402

KEYS = 400
IDLE_ROUNDING = 1.02
CONFIGURATIONS = [dict(zip(("rdbcompression", "rdbchecksum", "maxmemory-policy"), values)) for values in (
    ("yes", "yes", "noeviction"), ("no", "yes", "noeviction"), ("yes", "no", "noeviction"), ("yes", "yes", "allkeys-lru"),
    ("no", "no", "allkeys-lfu"))]


def value(draw):
    """One that Redis saves as an integer of 8, 16 or 32 bits, as text, or compressed."""
    kind = draw.randrange(6)
    if kind == 0:
        width = draw.choice([8, 16, 32, 64])
        return b"%d" % draw.choice([draw.randrange(-1 << width - 1, 1 << width - 1), -1 << width - 1, (1 << width - 1) - 1])
    size = draw.choice([0, 1, 5, 11, 20, 21, 44, 45, 63, 64, 100, 255, 256, 1000, 16383, 16384, 16385, 70000])
    if kind == 1:
        return draw.choice([b"-0", b"01", b"+1", b" 1", b"1 ", b"", b"99999999999999999999"])
    if kind == 2:
        return draw.randbytes(size)
    return b"".join(draw.choice([b"word ", b"another ", b"a", b"\x00"]) for _ in range(size))[:size]


def key(draw, number):
    return draw.choice([b"%d" % number, b"key:%d" % number, b"%d:" % number + b"k" * draw.choice([10, 60, 200, 17000])])


def populate(server, draw, databases):
    for database in databases:
        commands = [[b"SELECT", b"%d" % database]]
        for number in range(KEYS):
            name = key(draw, number)
            commands.append([b"SET", name, value(draw)])
            if draw.random() < 0.3:
                commands.append([b"PEXPIREAT", name, b"%d" % draw.choice([draw.randrange(1 << 42, 1 << 43), (1 << 62) + number])])
        logs.ask(server, *commands)


def idle_times(server):
    """By database and key; an error where the policy is another one."""
    found = {}
    for database in range(logs.DATABASES):
        found.update({(database, name): idle for name, idle in logs.keys_in(server, database, b"OBJECT", b"IDLETIME")})
    return found


def make_idle(server, draw):
    """Restores some keys with other idle times. They lose their times to live."""
    for database, name in list(idle_times(server))[:50]:
        select = [b"SELECT", b"%d" % database]
        _, payload = logs.ask(server, select, [b"DUMP", name])
        logs.ask(server, select, [b"RESTORE", name, b"0", payload, b"REPLACE", b"IDLETIME", b"%d" % draw.randrange(1, 7000)])


def are_close(before, after, passed_s):
    """Idle times are rounded, and go on."""
    return before.keys() == after.keys() and all(
        before[at] <= after[at] + 1 and after[at] <= before[at] * IDLE_ROUNDING + passed_s + 2 for at in before)


class Trouble(Exception):
    pass


def check(is_right, text):
    if not is_right:
        raise Trouble(text)


def words_of(configuration):
    return list(itertools.chain(*(("--" + name, setting) for name, setting in configuration.items())))


def copy_options(configuration):
    """For a file like that of redis-server."""
    return (["compressed"] if configuration["rdbcompression"] == "yes" else []) + \
        (["unsummed"] if configuration["rdbchecksum"] == "no" else []) + (["usage"] if knows_idle_times(configuration) else [])


def knows_idle_times(configuration):
    return configuration["maxmemory-policy"] == "allkeys-lru"


def save(options, draw, configuration, directory):
    """A redis-server saves data to the directory. Returns their state and the idle times."""
    redis = Server("redis", reference(options.redis) + words_of(configuration), directory=directory)
    try:
        populate(redis, draw, draw.sample(range(logs.DATABASES), 3))
        make_idle(redis, draw)
        logs.ask(redis, [b"SAVE"])
        return logs.state_of(redis), idle_times(redis)
    finally:
        trouble = redis.stop(keep=True)
        check(not trouble, trouble)


def copy(options, configuration, state, saved, copied):
    done = subprocess.run([options.copy, saved, copied] + copy_options(configuration), capture_output=True, text=True)
    check(done.stdout.strip().encode() == state[0],
          "redis-server's file has the digest %s, but: %s%s" % (state[0].decode(), done.stdout, done.stderr))
    checked = subprocess.run([options.check, copied], capture_output=True, text=True)
    check(checked.returncode == 0, "redis-check-rdb: " + checked.stdout)


def check_copy(options, configuration, state, idle, began, directory):
    redis = Server("redis with our file", reference(options.redis) + words_of(configuration), directory=directory)
    try:
        check(logs.state_of(redis) == state, "redis-server has other data after loading our file")
        if knows_idle_times(configuration):
            check(are_close(idle, idle_times(redis), time.monotonic() - began), "idle times differ")
    finally:
        trouble = redis.stop(keep=True)
        check(not trouble, trouble)


def exchange(options, draw, configuration):
    with tempfile.TemporaryDirectory(prefix="qcache-test.") as first, tempfile.TemporaryDirectory(prefix="qcache-test.") as second:
        began = time.monotonic()
        state, idle = save(options, draw, configuration, first)
        copy(options, configuration, state, os.path.join(first, "dump.rdb"), os.path.join(second, "dump.rdb"))
        check_copy(options, configuration, state, idle, began, second)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--copy", required=True, help="build/tests/rdb_copy")
    parser.add_argument("--redis", default="redis-server")
    parser.add_argument("--check", default="redis-check-rdb")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("QCACHE_SEED") or random.SystemRandom().randrange(1 << 32)))
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    draw, failed = random.Random(options.seed), 0
    for configuration in CONFIGURATIONS:
        try:
            exchange(options, draw, configuration)
            result = "equal"
        except Trouble as trouble:
            result, failed = str(trouble), failed + 1
        print("%s: %s" % (" ".join(configuration.values()), result), flush=True)
    print("%d passed, %d failed, 0 skipped" % (len(CONFIGURATIONS) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

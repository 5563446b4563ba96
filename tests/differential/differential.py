#!/usr/bin/env python3
"""Sends the same random streams of commands to redis-server and to ours and compares every reply.

    differential.py --ours PROGRAM [--commands N] [--seed N]

Streams are drawn from commands.py: valid and spoilt commands, as arrays and inline, pipelined on several connections in RESP2 and RESP3
over all databases, and bytes that are not a request. Replies must be equal byte for byte, except for the rules in normalise.py. A
difference prints the seed, the command, both replies and the commands before it, with exit status 1. The same seed with the same `--now`
sends the same bytes again.

With --recorded, each server's append-only file is loaded by the other at the end, and must give the same data (logs.py).
"""

import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import logs  # noqa: E402
from server import Server, ours, reference  # noqa: E402
from steps import Difference, Stream  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", default=os.environ.get("QCACHE_SERVER"), help="our server (QCACHE_SERVER)")
    parser.add_argument("--recorded", help="build/tests/recorded_server, in place of ours: at the end its command bus is "
                        "replayed and must give the same data")
    parser.add_argument("--check", default=os.environ.get("QCACHE_CHECK"), help="qcache-check, which reads the append-only files; with --recorded")
    parser.add_argument("--redis", default="redis-server")
    parser.add_argument("--commands", type=int, default=100000, help="how many commands to send (100000)")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("QCACHE_SEED") or random.SystemRandom().randrange(1 << 32)))
    parser.add_argument("--now", type=int, default=int(time.time() * 1000), help="the time in ms around which absolute times are drawn")
    parser.add_argument("--survey", action="store_true", help="go on after a difference, and show the first one of each command")
    options = parser.parse_args()
    options.ours = options.recorded or options.ours
    if not options.ours:
        parser.error("--ours or QCACHE_SERVER must name the server")
    if options.recorded and not options.check:
        parser.error("--check or QCACHE_CHECK must name qcache-check")
    return options


class Judge:
    """Stops at the first difference, or, in a survey, keeps the first of each command."""

    def __init__(self, options):
        self.options, self.found = options, {}

    def __call__(self, difference):
        if not self.options.survey:
            raise difference
        if difference.kind not in self.found:
            self.found[difference.kind] = difference
            print("\n%s: %s" % (difference.kind, difference), flush=True)


def compare(options, servers):
    judge = Judge(options)
    rewrites = bool(options.recorded)
    stream = Stream(servers, random.Random(options.seed), options.now, judge, logs.WITHOUT if options.recorded else ())
    if stream.generator.absent:
        print("left out: " + b", ".join(stream.generator.absent).decode())
    try:
        while stream.commands < options.commands:
            stream.step()
            if rewrites and stream.commands > options.commands // 2:
                logs.ask(servers[1], [b"BGREWRITEAOF"])
                rewrites = False
        if not judge.found:
            stream.compare_everything()
    except Difference as difference:
        print("\nthe servers differ after %d commands: differential.py --seed %d --now %d --commands %d\n%s" % (
            stream.commands, options.seed, options.now, options.commands, difference))
        return 1
    finally:
        stream.close()
    print(", ".join("%s %d" % (name.decode(), count) for name, count in stream.seen.items()))
    return 1 if judge.found else 0


def main():
    options = arguments()
    print("seed %d, now %d, %d commands" % (options.seed, options.now, options.commands), flush=True)
    logging = logs.prepare(options.seed) if options.recorded else []
    servers = [Server("ours", ours(options.ours)), Server("redis", reference(options.redis) + logging)]
    begin = time.monotonic()
    status = compare(options, servers)
    if options.recorded:
        troubles = logs.check(options, *servers)
    else:
        troubles = [server.stop() for server in servers]
    for trouble in filter(None, troubles):
        print(trouble)
        status = 1
    print("%.1f s" % (time.monotonic() - begin))
    print("%d passed, %d failed, 0 skipped" % (1 - status, status))
    return status


if __name__ == "__main__":
    sys.exit(main())

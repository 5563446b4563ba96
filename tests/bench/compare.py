#!/usr/bin/env python3
"""Compares qcache with redis-server and the null server, in one run on one machine.

redis-benchmark measures the three in turn, A B C A B C, without persistence unless that is what is measured. Each figure is the median of
the rounds, and each ratio the median of the rounds' ratios. Everything runs on the loopback and ends by itself. Prints the tables as
Markdown and writes them to a file.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys

import commands
import durability
import eviction
import growth
import memory
import snapshot
import speed

PARTS = {"speed": speed.report, "commands": commands.report, "memory": memory.report, "growth": growth.report,
         "eviction": eviction.report, "snapshot": snapshot.report, "durability": durability.report}


def machine():
    with open("/proc/cpuinfo") as f:
        models = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    redis = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split()
    version = next((word[2:] for word in redis if word.startswith("v=")), "unknown")
    return "%d × %s, Linux %s, Redis %s" % (os.cpu_count(), models[0] if models else platform.machine(),
                                            platform.release(), version)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, help="qcache's server")
    parser.add_argument("--null", required=True, help="the null server")
    parser.add_argument("--redis", default="redis-server", help="the other server (redis-server)")
    parser.add_argument("--out", default="bench.md", help="file for the tables (bench.md)")
    parser.add_argument("--ours-args", default="", help="more arguments for our server, as one word")
    parser.add_argument("--servers", default="redis,null", help="servers to compare ours with (redis,null)")
    parser.add_argument("--parts", default="speed,commands,memory,growth,eviction",
                        help="what to measure (speed,commands,memory,growth,eviction; or snapshot, durability)")
    parser.add_argument("--cells", default="all", help="cells of speed: set:50x16, or set, or 50x64, several with commas (all)")
    parser.add_argument("--placements", default="pinned,free", help="pinned, free or both")
    parser.add_argument("--rounds", type=int, default=5, help="rounds a cell (5)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the requests of every cell (1.0: about two seconds)")
    parser.add_argument("--most-keys", type=int, default=10000000, help="keys at the end of growth (10000000)")
    parser.add_argument("--snapshot-mib", default="1024", help="payload for snapshots, in MiB, several with commas (1024)")
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--client-cpu", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="two minutes: few cells, short runs, pinned, speed only")
    options = parser.parse_args()
    if options.quick:
        options.parts, options.placements, options.rounds, options.scale = "speed", "pinned", 3, 0.3
        if options.cells == "all":
            options.cells = "set,get,incr"
    return options


def main():
    options = arguments()
    for tool in ("redis-benchmark", options.redis):
        if not shutil.which(tool):
            print("%s is needed (packages redis-server and redis-tools)" % tool)
            return 1
    unknown = set(options.parts.split(",")) - set(PARTS)
    if unknown:
        print("no part is named %s; there are: %s" % (", ".join(sorted(unknown)), ", ".join(PARTS)))
        return 2
    lines = ["Measured on %s." % machine()]
    for part in options.parts.split(","):
        lines += PARTS[part](options)
    text = "\n".join(lines) + "\n"
    with open(options.out, "w") as f:
        f.write(text)
    print("\n" + text)
    print("written to " + options.out)
    return 0


sys.exit(main())

"""Compares requests per second, latency and CPU time per request."""

import collections
import csv
import io
import statistics
import subprocess

from load import benchmark_keys, kinds, load, start, stop

KEYS = 100000
LARGE_KEYS = 10000
SMALL, LARGE = 64, 16384

# `words` is the command, if redis-benchmark has no test for it.
Cell = collections.namedtuple("Cell", "name test clients pipeline size requests words", defaults=[()])

# Enough requests for two seconds at Redis's rate.
SHAPES = [("1", 1, 1, 30000), ("50", 50, 1, 200000), ("50x16", 50, 16, 1600000), ("50x64", 50, 64, 2600000),
          ("500", 500, 1, 200000)]
MSET_SHARE = 8

# Goals on two cores, with the client on one and the server on the other.
GOALS = {
    ("50", "rate"): {"set": 1.0, "get": 1.0, "incr": 1.0, "mset": 1.0},
    ("50x16", "rate"): {"set": 1.25, "get": 1.1, "incr": 1.05},
    ("50x64", "rate"): {"set": 2.2, "get": 1.6, "incr": 1.6},
}
CPU_GOALS = {"50": 1.3, "50x16": 0.85, "50x64": 0.5}
NULL_CPU_GOAL = ("50x64", 1.6)
LONE_P50_GOAL_US = 50


def all_cells():
    cells = []
    for test in ("set", "get", "incr", "mset"):
        for shape, clients, pipeline, requests in SHAPES:
            share = MSET_SHARE if test == "mset" else 1
            cells.append(Cell("%s:%s" % (test, shape), test, clients, pipeline, SMALL, requests // share))
    for test in ("set", "get"):
        cells.append(Cell("%s:16k" % test, test, 50, 1, LARGE, 100000))
    return cells


def choose(names):
    """Cells by name: "set:50x16", "set" or "50x64"; all of them for "all"."""
    wanted = names.split(",")
    chosen = [cell for cell in all_cells() if "all" in wanted or cell.name in wanted or set(cell.name.split(":")) & set(wanted)]
    if not chosen:
        raise SystemExit("no cell is named %s; there are: %s" % (names, " ".join(cell.name for cell in all_cells())))
    return chosen


def measure(server, cell, requests, keys, client_cpu):
    """One run of redis-benchmark over this many keys, as a dict of figures."""
    argv = ["redis-benchmark", "-p", str(server.port), "-n", str(requests), "-r", str(keys), "-d", str(cell.size),
            "-c", str(cell.clients), "-P", str(cell.pipeline), "--csv"] + list(cell.words or ("-t", cell.test))
    if client_cpu is not None:
        argv = ["taskset", "-c", str(client_cpu)] + argv
    before = server.cpu_ns()
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    cpu_ns = server.cpu_ns() - before
    rows = [row for row in csv.reader(io.StringIO(done.stdout)) if len(row) == 8 and row[0] != "test"]
    if done.returncode != 0 or len(rows) != 1:
        raise SystemExit("redis-benchmark against %s: %s%s" % (server.name, done.stdout, done.stderr))
    return {"rate": float(rows[0][1]), "p50": float(rows[0][4]) * 1000, "p99": float(rows[0][6]) * 1000,
            "cpu": cpu_ns / requests / 1000}


def run_placement(options, cells, pinned):
    """All rounds of all cells: {cell: {server: [figures of a round]}}."""
    results = {cell: collections.defaultdict(list) for cell in cells}
    client_cpu = options.client_cpu if pinned else None
    for size in sorted({cell.size for cell in cells}):
        servers = [start(name, argv, {options.server_cpu} if pinned else None) for name, argv in kinds(options).items()]
        try:
            keys = LARGE_KEYS if size == LARGE else KEYS
            for server in servers:
                load(server, benchmark_keys(0, keys, size), keys)
            for cell in (cell for cell in cells if cell.size == size):
                requests = max(1000, int(cell.requests * options.scale))
                for _ in range(options.rounds):
                    for server in servers:
                        results[cell][server.name].append(measure(server, cell, requests, keys, client_cpu))
                print("  " + line_of(cell, results[cell]), flush=True)
        finally:
            for server in servers:
                stop(server)
    return results


def middle(rounds, what):
    return statistics.median(figures[what] for figures in rounds)


def ratio(rounds, over, what):
    """The median of the ratios of each round."""
    return statistics.median(a[what] / b[what] if b[what] else float("inf") for a, b in zip(rounds, over))


def line_of(cell, by_server):
    texts = ["%s %.0fk/s p50 %.0f p99 %.0f us, %.2f us CPU" % (
        name, middle(rounds, "rate") / 1000, middle(rounds, "p50"), middle(rounds, "p99"), middle(rounds, "cpu"))
        for name, rounds in by_server.items()]
    return "%-10s %s" % (cell.name, " | ".join(texts))


def shortfalls(cell, by_server):
    """The goals that the cell misses."""
    short = []
    test, shape = cell.name.split(":")
    ours, redis, null = (by_server.get(name) for name in ("ours", "redis", "null"))
    if redis:
        goal = GOALS.get((shape, "rate"), {}).get(test)
        if goal and ratio(ours, redis, "rate") < goal:
            short.append("requests/s %.2f of Redis's, goal %.2f" % (ratio(ours, redis, "rate"), goal))
        goal = CPU_GOALS.get(shape)
        if goal and test != "mset" and ratio(ours, redis, "cpu") > goal:
            short.append("CPU %.2f of Redis's, goal %.2f" % (ratio(ours, redis, "cpu"), goal))
        over = statistics.median(a["p50"] - b["p50"] for a, b in zip(ours, redis))
        if shape == "1" and over > LONE_P50_GOAL_US:
            short.append("p50 %.0f us over Redis's, goal %d" % (over, LONE_P50_GOAL_US))
    if null and shape == NULL_CPU_GOAL[0] and ratio(ours, null, "cpu") > NULL_CPU_GOAL[1]:
        short.append("CPU %.2f of the null server's, goal %.2f" % (ratio(ours, null, "cpu"), NULL_CPU_GOAL[1]))
    return short


def figure(by_server, name, what, form, unit=1):
    return form % (middle(by_server[name], what) / unit) if name in by_server else "-"


def ratio_text(by_server, over, what):
    return "%.2f" % ratio(by_server["ours"], by_server[over], what) if over in by_server else "-"


def table(results):
    lines = ["| cell | k req/s: ours | Redis | null | ours/Redis | ours/null | p50 µs: ours | Redis | p99 µs: ours | Redis "
             "| CPU µs/req: ours | Redis | null | ours/Redis | ours/null |",
             "|---|" + "---:|" * 14]
    for cell, by_server in results.items():
        test, shape = cell.name.split(":")
        columns = ["%s %s" % (test.upper(), shape.replace("x", " × ").replace("16k", "50, 16 KiB"))]
        columns += [figure(by_server, name, "rate", "%.1f", 1000) for name in ("ours", "redis", "null")]
        columns += [ratio_text(by_server, over, "rate") for over in ("redis", "null")]
        columns += [figure(by_server, name, what, "%.0f") for what in ("p50", "p99") for name in ("ours", "redis")]
        columns += [figure(by_server, name, "cpu", "%.2f") for name in ("ours", "redis", "null")]
        columns += [ratio_text(by_server, over, "cpu") for over in ("redis", "null")]
        lines.append("| " + " | ".join(columns) + " |")
    return lines


def report(options):
    cells = choose(options.cells)
    lines = []
    for placement in options.placements.split(","):
        pinned = placement == "pinned"
        title = ("Client on CPU %d, each server on CPU %d" % (options.client_cpu, options.server_cpu) if pinned
                 else "Without placement")
        print(title + ":", flush=True)
        results = run_placement(options, cells, pinned)
        lines += ["", "%s; %d rounds, medians of the rounds and of their ratios:" % (title, options.rounds), ""]
        lines += table(results)
        if pinned:
            short = ["- %s: %s" % (cell.name, text) for cell, by in results.items() for text in shortfalls(cell, by)]
            lines += ["", "Short of the goals:" if short else "All goals of these cells are reached."] + short
    return lines

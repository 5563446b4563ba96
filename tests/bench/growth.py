"""The cost of growth: the longest turn of the store while keys are inserted, and the cost of a request as keys grow."""

import os
import re

from load import benchmark_keys, kinds, load_in_steps, start, stop
from speed import Cell, measure

VALUE_BYTES = 64
GOAL_TURN_US = 1000
# At least as many commands as a busy reactor gathers for one turn.
LOAD_STEP = 2000
STEPS = [10000, 100000, 1000000, 10000000]


def longest_turn_us(server):
    """The longest turn of the store since CONFIG RESETSTAT, from INFO actors: (wall-clock time, CPU time)."""
    text = server.command("INFO", "actors")
    found = re.findall(r"^turns_store_\w+:.*\bmax_usec=([\d.]+).*\bmax_cpu_usec=([\d.]+)", text, re.M)
    if not found:
        raise SystemExit("INFO actors has no max_usec of the store's turns:\n" + text)
    return max(float(clock) for clock, _ in found), max(float(work) for _, work in found)


def grow(options, server, steps):
    """For each number of keys: (keys, figures of GET, figures of SET, longest turn while they were inserted)."""
    rows, have = [], 0
    for keys in steps:
        if server.name == "ours":
            server.command("CONFIG", "RESETSTAT")
        load_in_steps(server, benchmark_keys(have, keys, VALUE_BYTES), LOAD_STEP)
        have = keys
        turn = longest_turn_us(server) if server.name == "ours" else None
        figures = []
        for test in ("get", "set"):
            cell = Cell("growth", test, 50, 16, VALUE_BYTES, 0)
            figures.append(measure(server, cell, int(1000000 * options.scale), keys, options.client_cpu))
        rows.append((keys, figures[0], figures[1], turn))
        print("  %s, %d keys: GET %.2f us, SET %.2f us%s" % (
            server.name, keys, figures[0]["cpu"], figures[1]["cpu"], "" if turn is None else ", longest turn %.0f us, at work %.0f us" % turn), flush=True)
    return rows


def report(options):
    steps = [keys for keys in STEPS if keys <= options.most_keys]
    found = {}
    os.sched_setaffinity(0, {options.client_cpu})  # this program is the client
    for name, argv in kinds(options).items():
        server = start(name, argv, {options.server_cpu})
        try:
            found[name] = grow(options, server, steps)
        finally:
            stop(server)
    lines = ["", "CPU µs per request at 50 × 16 as keys grow (values of %d bytes), GET / SET:" % VALUE_BYTES, "",
             "| keys | " + " | ".join(found) + " |", "|---:|" + "---:|" * len(found)]
    for at, keys in enumerate(steps):
        cells = ["%.2f / %.2f" % (rows[at][1]["cpu"], rows[at][2]["cpu"]) for rows in found.values()]
        lines.append("| %d | %s |" % (keys, " | ".join(cells)))
    clock, work = (max(row[3][i] for row in found["ours"]) for i in range(2))
    lines += ["", "Longest turn of the store while %d keys were inserted: %.0f µs, of which at work at most %.0f µs (goal %d)." % (
        steps[-1], clock, work, GOAL_TURN_US)]
    return lines

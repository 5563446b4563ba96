"""
Durability: what each appendfsync costs, how fast data are loaded, full resynchronisations of a replica, and what rewriting the log does to
latency.

In a closed loop of N commands under way, with a sync that takes T and c of CPU time a command, N / (T + N·c) commands a second can be
acknowledged under `always`. The table shows it beside the measured rate.
"""

import os
import re
import statistics
import tempfile
import time

import snapshot
import speed
from load import benchmark_keys, kinds, load, start, stop
from server import Server

ROUNDS_MAX = 3
# Of one run.
SECONDS = 0.5
KEYS = 100000
SIZE = 64
POLICIES = {
    "off": [],
    "everysec": ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"],
    "always": ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"],
}
SHAPES = [("1", 1, 1), ("50", 50, 1), ("50 × 16", 50, 16)]
# Commands a second with any server, to choose how many make a run of SECONDS.
ROUGH_RATES = {"1": 15000, "50": 150000, "50 × 16": 1500000}
LARGE_KEYS = 1000000
POLL_SECONDS = 0.01

GOALS = {("everysec", "50 × 16"): 2.0, ("always", "50"): 1.0, ("always", "50 × 16"): 1.5}


def servers_of(options):
    return {name: argv for name, argv in kinds(options).items() if name != "null"}


def rounds_of(options):
    return min(options.rounds, ROUNDS_MAX)


# ---- the disk ----

def sync_seconds(fd, size):
    os.write(fd, b"x" * size)
    began = time.perf_counter()
    os.fdatasync(fd)
    return time.perf_counter() - began


def probe_disk():
    """The median time of a sync of 4 KiB at the end of a file, in seconds, and bytes a second of 256 MiB with its sync."""
    with tempfile.TemporaryFile(buffering=0) as f:
        sync = statistics.median(sync_seconds(f.fileno(), 4096) for _ in range(200))
        began = time.perf_counter()
        for _ in range(256):
            os.write(f.fileno(), b"x" * (1 << 20))
        os.fdatasync(f.fileno())
        return sync, (256 << 20) / (time.perf_counter() - began)


# ---- rates ----

def model_rate(clients, sync, cpu):
    return clients / (sync + clients * cpu)


def figures_of_groups(server):
    figures = snapshot.persistence(server)
    return {what: int(figures[what]) for what in ("aof_groups", "aof_group_frames", "aof_sync_usec")} if "aof_groups" in figures else None


def measure(server, shape, policy, sync, options, pinned):
    """One run, as figures of speed.measure(), with the size of groups and the time of a sync if the server tells."""
    name, clients, pipeline = shape
    rate = ROUGH_RATES[name]
    if policy == "always":
        rate = model_rate(clients * pipeline, sync, 1 / rate)
    cell = speed.Cell(name, "set", clients, pipeline, SIZE, 0)
    before = figures_of_groups(server)
    requests = max(100, int(rate * SECONDS * options.scale))
    found = speed.measure(server, cell, requests, KEYS, options.client_cpu if pinned else None)
    after = figures_of_groups(server)
    if before:
        groups = max(1, after["aof_groups"] - before["aof_groups"])
        found.update(group=(after["aof_group_frames"] - before["aof_group_frames"]) / groups, sync=after["aof_sync_usec"])
    return found


def run_policy(policy, shapes, sync, options, pinned):
    """{shape: {server: [figures of a round]}}; the servers in turn."""
    results = {shape[0]: {name: [] for name in servers_of(options)} for shape in shapes}
    cpus = {options.server_cpu} if pinned else None
    servers = [start(name, argv + POLICIES[policy], cpus) for name, argv in servers_of(options).items()]
    try:
        for shape in shapes:
            for _ in range(rounds_of(options)):
                for server in servers:
                    results[shape[0]][server.name].append(measure(server, shape, policy, sync, options, pinned))
            print("  %s, %s" % (policy, speed.line_of(speed.Cell(shape[0], *[None] * 5), results[shape[0]])), flush=True)
    finally:
        for server in servers:
            stop(server)
    return results


def rate_row(policy, name, results, off):
    by_server = results[name]
    rates = ["%.1f" % (speed.middle(by_server[server], "rate") / 1000) if server in by_server else "-" for server in ("ours", "redis")]
    beside_off = "%.2f" % speed.ratio(by_server["ours"], off[name]["ours"], "rate") if policy == "everysec" else ""
    return "| SET %s | %s | %s | %s | %s | %s |" % (policy, name, *rates, speed.ratio_text(by_server, "redis", "rate"), beside_off)


def model_row(shape, results, off):
    name, clients, pipeline = shape
    ours = results[name]["ours"]
    sync, cpu = speed.middle(ours, "sync") / 1e6, 1 / speed.middle(off[name]["ours"], "rate")
    model, rate = model_rate(clients * pipeline, sync, cpu), speed.middle(ours, "rate")
    latency = " / ".join(speed.figure(results[name], server, "p50", "%.0f") for server in ("ours", "redis"))
    return "| %s | %.0f | %.1f | %.1f | %.1f | %.2f | %s |" % (
        name, sync * 1e6, speed.middle(ours, "group"), rate / 1000, model / 1000, rate / model, latency)


def shortfalls(policy, results):
    for name, by_server in results.items():
        goal = GOALS.get((policy, name))
        if goal and "redis" in by_server and speed.ratio(by_server["ours"], by_server["redis"], "rate") < goal:
            yield "- %s, %s: %.2f of Redis's rate, goal %.2f" % (policy, name, speed.ratio(by_server["ours"], by_server["redis"], "rate"), goal)


def rates(options, sync, pinned):
    title = "Client on CPU %d, each server on CPU %d" % (options.client_cpu, options.server_cpu) if pinned else "Without placement"
    print(title + ":", flush=True)
    results = {policy: run_policy(policy, SHAPES, sync, options, pinned) for policy in POLICIES}
    lines = ["", "%s; SET of %d bytes, %d rounds:" % (title, SIZE, rounds_of(options)), "",
             "| appendfsync | clients | k req/s: ours | Redis | ours/Redis | ours: with/without the log |", "|---|---|---:|---:|---:|---:|"]
    for policy in POLICIES:
        lines += [rate_row(policy, name, results[policy], results["off"]) for name in results[policy]]
    lines += ["", "Under `always`; the model is N / (T + N·c):", "",
              "| clients | sync T, µs | commands a group | k req/s | model | measured/model | p50, µs: ours / Redis |",
              "|---|---:|---:|---:|---:|---:|---:|"]
    lines += [model_row(shape, results["always"], results["off"]) for shape in SHAPES]
    short = [line for policy in POLICIES for line in shortfalls(policy, results[policy])] if pinned else []
    return lines + ([""] + short if short else [])


# ---- loading ----

def fill(name, argv):
    """A directory with a log and an RDB file of the same keys, both written by this server."""
    server = Server(name, argv + POLICIES["everysec"])
    load(server, benchmark_keys(0, LARGE_KEYS, SIZE), LARGE_KEYS)
    server.command("SAVE")
    trouble = server.stop(keep=True)
    if trouble:
        raise SystemExit(trouble)
    return server.directory


def load_seconds(name, argv, directory):
    """As the server's log tells."""
    server = Server(name, argv, directory=directory)
    while int(snapshot.persistence(server)["loading"]):
        time.sleep(POLL_SECONDS)  # an interval of sampling
    seconds = float(re.search(r"DB loaded from [a-z ]+: ([0-9.]+) seconds", server.log_text()).group(1))
    server.stop(keep=True)
    return seconds


def loading(options):
    """Servers in turn, each with its own files."""
    directories = {name: fill(name, argv) for name, argv in servers_of(options).items()}
    lines = ["", "Loading %d keys of 16 bytes with values of %d, seconds:" % (LARGE_KEYS, SIZE), "",
             "| file | ours | Redis | ours/Redis |", "|---|---:|---:|---:|"]
    for what, policy in (("RDB file", "off"), ("log of as many SETs", "everysec")):
        taken = {name: [] for name in directories}
        for _ in range(rounds_of(options)):
            for name, argv in servers_of(options).items():
                taken[name].append({"seconds": load_seconds(name, argv + POLICIES[policy], directories[name])})
        lines.append("| %s | %s | %s | %s |" % (what, speed.figure(taken, "ours", "seconds", "%.2f"), speed.figure(taken, "redis", "seconds", "%.2f"),
                                               speed.ratio_text(taken, "redis", "seconds")))
        print("  " + lines[-1], flush=True)
    for name, argv in servers_of(options).items():
        stop(Server(name, argv, directory=directories[name]))
    return lines


# ---- a replica ----

def resync_seconds(primary, options):
    """From the start of a redis-server as replica until it has all keys."""
    began = time.perf_counter()
    replica = Server("replica", [options.redis, "--port", "PORT", "--dir", "DIRECTORY", "--save", "", "--replicaof", "127.0.0.1 %d" % primary.port])
    try:
        while "master_link_status:up" not in replica.command("INFO", "replication"):
            time.sleep(POLL_SECONDS)  # an interval of sampling
        return time.perf_counter() - began
    finally:
        stop(replica)


def resync(options):
    servers = [start(name, argv + ["--repl-diskless-sync-delay", "0"]) for name, argv in servers_of(options).items()]
    taken = {server.name: [] for server in servers}
    try:
        for server in servers:
            load(server, benchmark_keys(0, LARGE_KEYS, SIZE), LARGE_KEYS)
        for _ in range(rounds_of(options)):
            for server in servers:
                taken[server.name].append({"seconds": resync_seconds(server, options)})
    finally:
        for server in servers:
            stop(server)
    lines = ["", "Full resynchronisation of a redis-server with %d keys of %d bytes, seconds from its start: ours %s, Redis %s, ours/Redis %s." % (
        LARGE_KEYS, SIZE, speed.figure(taken, "ours", "seconds", "%.2f"), speed.figure(taken, "redis", "seconds", "%.2f"),
        speed.ratio_text(taken, "redis", "seconds"))]
    print("  " + lines[-1], flush=True)
    return lines


# ---- rewriting the log ----

def rewrite(options):
    lines = ["", "`BGREWRITEAOF` of %d keys of %d bytes, everysec, under random overwrites by redis-benchmark; p99.9 is that of one more client:" % (
        LARGE_KEYS, SIZE), "", "| server | seconds | p99.9 before / during, µs | rate during / before |", "|---|---:|---:|---:|"]
    for name, argv in servers_of(options).items():
        server = start(name, argv + POLICIES["everysec"], {options.server_cpu})
        try:
            load(server, benchmark_keys(0, LARGE_KEYS, SIZE), LARGE_KEYS)
            found = snapshot.run_loaded(server, snapshot.BGREWRITEAOF, LARGE_KEYS, SIZE, options.client_cpu)
        finally:
            stop(server)
        lines.append("| %s | %.1f | %.0f / %.0f | %.2f |" % (name, found["seconds"], found["before"], found["during"], found["rate"]))
        print("  " + lines[-1], flush=True)
    return lines


def report(options):
    sync, bytes_a_second = probe_disk()
    lines = ["", "A sync of 4 KiB takes %.0f µs on this disk, which writes %.0f MB/s." % (sync * 1e6, bytes_a_second / 1e6)]
    print(lines[-1], flush=True)
    for placement in options.placements.split(","):
        lines += rates(options, sync, placement == "pinned")
    return lines + loading(options) + resync(options) + rewrite(options)

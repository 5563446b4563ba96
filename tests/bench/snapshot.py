"""Snapshots: how fast they are written, and what they cost while keys are overwritten at random: memory, the store's longest turn, latency."""

import collections
import os
import random
import subprocess
import threading
import time

from growth import longest_turn_us
from load import benchmark_keys, encode, kinds, load, rest, start, stop

KEY_BYTES = 16
# Name, bytes of a value, and how many of its keys are overwritten at most: large values would fill the disk's bandwidth alone.
VALUES = [("64 B", 64), ("1 KB", 1000), ("1 MiB", 1 << 20)]
LOAD_SECONDS = 5
SAMPLE_SECONDS = 0.02
GOAL_TURN_US, GOAL_LATENCY = 1000, 1.5

# A command whose work goes on after its reply, and the figures of INFO persistence that tell of it.
Job = collections.namedtuple("Job", "command done under_way status")
BGSAVE = Job("BGSAVE", "rdb_saves", "rdb_bgsave_in_progress", "rdb_last_bgsave_status")
BGREWRITEAOF = Job("BGREWRITEAOF", "aof_rewrites", "aof_rewrite_in_progress", "aof_last_bgrewrite_status")


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(word) for word in f.read().split()]


def proportional_bytes(pid):
    """The process's memory, with each page that it shares divided by the number of processes that do."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("Pss:"))


def memory_of(server):
    total = 0
    for pid in [server.process.pid] + children(server.process.pid):
        try:
            total += proportional_bytes(pid)
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            continue
    return total


class Prober(threading.Thread):
    """One client that sends a GET after the other and notes how long each takes."""

    def __init__(self, server, keys):
        super().__init__(daemon=True)
        self.server, self.keys, self.ends = server, keys, False
        self.samples = []  # when it was answered, and how long it took

    def run(self):
        with self.server.connect() as s:
            while not self.ends:
                request = encode(b"STRLEN", b"key:%012d" % random.randrange(self.keys))
                began = time.perf_counter()
                s.sendall(request)
                s.recv(100)
                now = time.perf_counter()
                self.samples.append((now, now - began))

    def latency(self, first, behind):
        """The 99.9th percentile between two times, in microseconds."""
        taken = sorted(took for when, took in self.samples if first <= when < behind)
        return taken[min(len(taken) - 1, len(taken) * 999 // 1000)] * 1e6 if taken else 0.0


def overwrite(server, keys, size, cpu):
    """Starts random overwrites, which go on until they are stopped."""
    return subprocess.Popen(["taskset", "-c", str(cpu), "redis-benchmark", "-p", str(server.port), "-t", "set", "-r", str(keys), "-d", str(size),
                             "-n", "1000000000", "-c", "50" if size < 100000 else "4", "-q"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def persistence(server):
    return dict(line.split(":", 1) for line in server.command("INFO", "persistence").split("\r\n") if ":" in line)


def commands_done(server):
    return int(dict(line.split(":", 1) for line in server.command("INFO", "stats").split("\r\n") if ":" in line)["total_commands_processed"])


def await_job(server, job, done, look):
    """Looks until the job is over; `done` of them were before."""
    while True:
        look()
        figures = persistence(server)
        if int(figures[job.done]) > done and figures[job.under_way] == "0":
            return
        if figures[job.status] != "ok":
            raise SystemExit("%s fails at %s:\n%s" % (server.name, job.command, server.log_text()))
        time.sleep(SAMPLE_SECONDS)  # an interval of sampling


def save_idle(server):
    """Megabytes a second of a SAVE while nothing else happens."""
    began = time.perf_counter()
    server.command("SAVE")
    took = time.perf_counter() - began
    return os.path.getsize(os.path.join(server.directory, "dump.rdb")) / took / 1e6


def run_loaded(server, job, keys, size, cpu):
    """The job under random overwrites: what it costs."""
    prober, load_process = Prober(server, keys), overwrite(server, keys, size, cpu)
    prober.start()
    time.sleep(LOAD_SECONDS)  # the load runs in, and is measured without a snapshot
    done, then = commands_done(server), time.perf_counter()
    time.sleep(LOAD_SECONDS)
    began = time.perf_counter()
    rate_before = (commands_done(server) - done) / (began - then)
    if server.name == "ours":
        server.command("CONFIG", "RESETSTAT")
    memory, most = memory_of(server), [0]
    jobs, done = int(persistence(server)[job.done]), commands_done(server)

    def look():
        most[0] = max(most[0], memory_of(server))

    server.command(job.command)
    await_job(server, job, jobs, look)
    ended = time.perf_counter()
    rate_during = (commands_done(server) - done) / (ended - began)
    prober.ends = True
    load_process.terminate()
    load_process.wait()
    prober.join()
    turn = longest_turn_us(server) if server.name == "ours" else None
    return {"seconds": ended - began, "growth": max(0, most[0] - memory), "turn": turn, "before": prober.latency(then, began),
            "during": prober.latency(began, ended), "rate": rate_during / rate_before if rate_before else 0.0}


def measure(options, name, argv, size, mib):
    keys = (mib << 20) // (size + KEY_BYTES)
    server = start(name, argv + ["--rdbcompression", "no"], {options.server_cpu, options.client_cpu})
    try:
        load(server, benchmark_keys(0, keys, size), keys)
        rest([server])
        found = dict(run_loaded(server, BGSAVE, keys, size, options.client_cpu), idle=save_idle(server))
    finally:
        stop(server)
    print("  %s, %d keys of %d bytes: idle %.0f MB/s; under load %.1f s, memory +%.0f MiB, p99.9 %.0f -> %.0f us, rate %.2f%s" % (
        name, keys, size, found["idle"], found["seconds"], found["growth"] / 2**20, found["before"], found["during"], found["rate"],
        "" if found["turn"] is None else ", longest turn %.0f us, at work %.0f us" % found["turn"]), flush=True)
    return found


def row(mib, what, name, found):
    turn = "" if found["turn"] is None else "%.0f" % found["turn"][1]
    return "| %d MiB of %s | %s | %.0f | %.1f | %.0f | %s | %.0f / %.0f | %.2f |" % (
        mib, what, name, found["idle"], found["seconds"], found["growth"] / 2**20, turn, found["before"], found["during"], found["rate"])


def report(options):
    lines = ["", "Snapshots, uncompressed. Growth is memory beyond that before the snapshot (of Redis with its child), under random overwrites by "
             "redis-benchmark; p99.9 is that of one more client. Goals: turns of at most %d µs at work, p99.9 at most %.1f times that before." %
             (GOAL_TURN_US, GOAL_LATENCY), "",
             "| data | server | idle, MB/s | under load, s | growth, MiB | longest turn at work, µs | p99.9 before / during, µs | rate during / before |",
             "|---|---|---:|---:|---:|---:|---:|---:|"]
    for mib in (int(word) for word in options.snapshot_mib.split(",")):
        for what, size in VALUES:
            for name, argv in kinds(options).items():
                if name != "null":
                    lines.append(row(mib, what, name, measure(options, name, argv, size, mib)))
    return lines

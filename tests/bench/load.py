"""The servers to compare, and how they are filled with keys."""

import itertools
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from server import Server, encode  # noqa: E402

# An allocator returns pages step by step within ten seconds: memory that is stable for longer is final.
REST_SECONDS = 90
REST_QUIET_SECONDS = 12
REST_STEP = 0.25
CHUNK_COMMANDS = 10000


def kinds(options):
    """Name and arguments of each server to compare."""
    found = {"ours": [options.ours, "--port", "PORT", "--dir", "DIRECTORY"] + options.ours_args.split()}
    if "redis" in options.servers.split(","):
        found["redis"] = [options.redis, "--port", "PORT", "--dir", "DIRECTORY", "--save", "", "--appendonly", "no"]
    if "null" in options.servers.split(","):
        found["null"] = [options.null, "PORT"]
    return found


def start(name, argv, cpus=None):
    return Server(name, argv, cpus)


def stop(server):
    trouble = server.stop()
    if trouble:
        print(trouble)


def load(server, commands, count):
    """Sends `count` commands, given as byte strings by an iterator, each answered by one line."""
    with server.connect() as s:
        counter = threading.Thread(target=count_lines, args=(s, count))
        counter.start()
        for chunk in chunks(commands, CHUNK_COMMANDS):
            s.sendall(b"".join(chunk))
        counter.join()


def load_in_steps(server, commands, step):
    """The same, but waits for the replies after each `step` commands, so that the server's threads don't compete for a CPU."""
    with server.connect() as s:
        for chunk in chunks(commands, step):
            s.sendall(b"".join(chunk))
            count_lines(s, len(chunk))


def chunks(commands, size):
    commands = iter(commands)
    return iter(lambda: list(itertools.islice(commands, size)), [])


def count_lines(s, count):
    while count > 0:
        got = s.recv(1 << 20)
        if not got:
            raise SystemExit("the server closed the connection while it was loaded")
        if b"-" in got:
            raise SystemExit("the server refused to be loaded: %r" % got[:100])
        count -= got.count(b"\n")


def rest(servers):
    """Waits until their memory no longer changes."""
    deadline = time.monotonic() + REST_SECONDS
    before, since = [], 0
    while time.monotonic() < deadline:
        now = [server.resident_bytes() for server in servers]
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > REST_QUIET_SECONDS:
            return
        time.sleep(REST_STEP)  # an interval of sampling, not a wait for an event
    print("  memory still changes after %d s" % REST_SECONDS)


def benchmark_keys(first, behind, size):
    """SETs of the keys that redis-benchmark uses."""
    value = b"x" * size
    head, tail = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:", b"\r\n$%d\r\n%b\r\n" % (size, value)
    return (b"%b%012d%b" % (head, number, tail) for number in range(first, behind))

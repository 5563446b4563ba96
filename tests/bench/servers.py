"""The servers that are compared: started bare on ports of their own, loaded with keys, read through /proc."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

READY = b"eady to accept connections"
START_SECONDS = 20
REST_SECONDS = 30
REST_STEP = 0.25
CHUNK_KEYS = 10000


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One running server. `cpus` is a set of CPUs for it, None for no placement."""

    def __init__(self, name, argv, cpus=None):
        self.name, self.port = name, free_port()
        self.directory = tempfile.mkdtemp(prefix="qcache-bench.")
        argv = [word.replace("PORT", str(self.port)).replace("DIRECTORY", self.directory) for word in argv]
        place = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=place)
        self.ready = threading.Event()
        threading.Thread(target=self._read_log, daemon=True).start()
        if not self.ready.wait(START_SECONDS) or self.process.poll() is not None:
            self.stop()
            raise SystemExit("%s did not start: %s" % (name, " ".join(argv)))

    def _read_log(self):
        for line in self.process.stdout:
            if READY in line:
                self.ready.set()
        self.ready.set()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cpu_ns(self):
        """Processor time of all its threads, user and system."""
        total = 0
        for task in os.listdir("/proc/%d/task" % self.process.pid):
            try:
                with open("/proc/%d/task/%s/schedstat" % (self.process.pid, task)) as f:
                    total += int(f.read().split()[0])
            except FileNotFoundError:
                continue
        return total

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def command(self, *words):
        """Sends one command and returns its reply's text, without type and length, when it is one line or bulk."""
        with self.connect() as s, s.makefile("rb") as replies:
            s.sendall(encode(*(str(word).encode() for word in words)))
            head = replies.readline().rstrip(b"\r\n")
            if head[:1] == b"$":
                return replies.read(int(head[1:]) + 2)[:-2].decode(errors="replace")
            return head[1:].decode(errors="replace")

    def load(self, commands, count):
        """Sends `count` commands, given as byte strings by an iterator, each answered by one line."""
        with self.connect() as s:
            counter = threading.Thread(target=count_lines, args=(s, count))
            counter.start()
            chunk = []
            for command in commands:
                chunk.append(command)
                if len(chunk) == CHUNK_KEYS:
                    s.sendall(b"".join(chunk))
                    chunk.clear()
            s.sendall(b"".join(chunk))
            counter.join()

    def rest(self):
        """Waits until it does nothing any more: its memory stands and it has used next to no time."""
        deadline = time.monotonic() + REST_SECONDS
        before = (self.resident_bytes(), self.cpu_ns())
        while time.monotonic() < deadline:
            time.sleep(REST_STEP)  # the length of the measurement, not a wait for an event
            now = (self.resident_bytes(), self.cpu_ns())
            if now[0] == before[0] and now[1] - before[1] < REST_STEP * 1e9 * 0.02:
                return
            before = now


def count_lines(s, count):
    while count > 0:
        got = s.recv(1 << 20)
        if not got:
            raise SystemExit("the server closed the connection while it was loaded")
        if b"-" in got:
            raise SystemExit("the server refused to be loaded: %r" % got[:100])
        count -= got.count(b"\n")


def encode(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def benchmark_keys(first, behind, size):
    """SETs of the keys that redis-benchmark asks for."""
    value = b"x" * size
    head, tail = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:", b"\r\n$%d\r\n%b\r\n" % (size, value)
    return (b"%b%012d%b" % (head, number, tail) for number in range(first, behind))


def kinds(options):
    """Name and arguments of each server that is to be compared."""
    found = {"ours": [options.ours, "--port", "PORT", "--dir", "DIRECTORY"] + options.ours_args.split()}
    if "redis" in options.servers.split(","):
        found["redis"] = [options.redis, "--port", "PORT", "--dir", "DIRECTORY", "--save", "", "--appendonly", "no"]
    if "null" in options.servers.split(","):
        found["null"] = [options.null, "PORT"]
    return found

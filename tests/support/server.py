"""A server to be tested or measured by Python programs, with its own port and directory."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading

READY = b"eady to accept connections"
PATIENCE = int(os.environ.get("QCACHE_TEST_PATIENCE", "1"))
START_SECONDS = 60 * PATIENCE
STOP_SECONDS = 60 * PATIENCE
REPLY_SECONDS = 60 * PATIENCE
REPORTS = ("Sanitizer:", "runtime error:")


# Ports below the kernel's range for outgoing connections.
PORTS = range(10000, 30000)
claims = []


def claim(port):
    """
    The port is free, and reserved: this program holds the UDP port of the same number until it ends (as in support/server.c).
    """
    claimed = socket.socket(type=socket.SOCK_DGRAM)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            claimed.bind(("", port))
            s.bind(("", port))
        except OSError:
            claimed.close()
            return False
    claims.append(claimed)
    return True


def free_port():
    begin = os.getpid() * 37 % len(PORTS)
    return next(port for port in [*PORTS[begin:], *PORTS[:begin]] if claim(port))


def ours(program):
    """Arguments for our server; QCACHE_IO_THREADS is its number of reactors."""
    threads = os.environ.get("QCACHE_IO_THREADS")
    if os.path.basename(program) == "redis-server":
        return reference(program)
    return [program, "--port", "PORT", "--dir", "DIRECTORY", "--unixsocket", "DIRECTORY/socket",
            "--enable-debug-command", "yes"] + (["--io-threads", threads] if threads else [])


def reference(program="redis-server"):
    """Arguments for redis-server, without persistence."""
    return [program, "--port", "PORT", "--dir", "DIRECTORY", "--unixsocket", "DIRECTORY/socket", "--save", "",
            "--appendonly", "no", "--enable-debug-command", "yes"]


class Server:
    """
    One running server. PORT and DIRECTORY in its arguments are replaced by those chosen here. `cpus` is the set of CPUs for it, None for
    no placement. `directory` is one of a server that has stopped, or None for a new one. Ends the program when the server doesn't start.
    """

    def __init__(self, name, argv, cpus=None, directory=None):
        self.name, self.port = name, free_port()
        self.directory = directory or tempfile.mkdtemp(prefix="qcache-test.")
        self.argv = [word.replace("PORT", str(self.port)).replace("DIRECTORY", self.directory) for word in argv]
        place = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=place)
        self.log = []
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        if not self.ready.wait(START_SECONDS) or self.process.poll() is not None:
            self.kill()
            raise SystemExit("%s did not start: %s\n%s" % (name, " ".join(self.argv), self.log_text()))

    def _read_log(self):
        for line in self.process.stdout:
            self.log.append(line)
            if READY in line:
                self.ready.set()
        self.ready.set()

    def log_text(self):
        return b"".join(self.log).decode(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self, keep=False):
        """Stops it, and removes its directory unless that is to be kept. Returns None when it ended well, else what went wrong."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return "%s didn't stop in time" % self.name
        self.reader.join()
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)
        if self.process.returncode != 0:
            return "%s ended with status %d\n%s" % (self.name, self.process.returncode, self.log_text())
        if any(report in self.log_text() for report in REPORTS):
            return "%s has printed a report\n%s" % (self.name, self.log_text())
        return None

    def cpu_ns(self):
        """CPU time of all its threads, user and system."""
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
        s = socket.create_connection(("127.0.0.1", self.port), timeout=REPLY_SECONDS)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def command(self, *words):
        """Sends one command and returns the text of its reply, which is one line or bulk, without type and length."""
        with self.connect() as s, s.makefile("rb") as replies:
            s.sendall(encode(*(str(word).encode() for word in words)))
            head = replies.readline().rstrip(b"\r\n")
            if head[:1] == b"$":
                return replies.read(int(head[1:]) + 2)[:-2].decode(errors="replace")
            return head[1:].decode(errors="replace")


def encode(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)

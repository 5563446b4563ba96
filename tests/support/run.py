#!/usr/bin/env python3
"""Runs the test programs that the build names, and adds up what they report.

    run.py JOBS.json [--jobs N] [--repeat N] [--load [N]] [--seed N] [--server PROGRAM] [--list] [NAME ...]

tests/SConscript writes JOBS.json: the folder for logs, and a list of jobs. A job is a program with its environment, the optional
programs and modules that it needs, and a deadline. NAMEs select the jobs whose name contains one of them.

A program ends its output with a line "N passed, N failed, N skipped" and prints "skipped: CASE: REASON" for each skipped case. A program
that ends otherwise (a crash, a deadline) counts as one failure. The last line printed here is the same line for all jobs. The exit status
is 0 when nothing failed. With CI set no case may be skipped. The counts and the failed cases are also in result.json, beside the logs.

--repeat runs everything N times, each round with another seed (QCACHE_SEED of its jobs). --load runs N busy processes beside the tests,
one per CPU by default, to find tests that depend on the machine's speed.
"""

import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
SKIPPED = re.compile(r"^skipped: (.+)$", re.M)
# Failed cases as CUnit, unittest and suite.js print them.
FAILED_CASE = re.compile(r"^  Test: (\w+) \.\.\.(?:(?!^  Test: )[\s\S])*?FAILED$|^(?:FAIL|ERROR): (\w+)|^[\w-]+: (.+) \.\.\.FAILED$", re.M)
# The case that runs when CUnit's program crashes is the last one that it names.
BEGUN_CASE = re.compile(r"^  Test: (\w+) \.\.\.", re.M)
TAIL_LINES = 60
ABORT_SECONDS = 5

# A busy process that ends with this one.
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass\n"

in_ci = bool(os.environ.get("CI"))


class Result:
    def __init__(self, job, passed=0, failed=0, skipped=0, seconds=0.0, reasons=(), trouble="", log=""):
        self.job, self.passed, self.failed, self.skipped = job, passed, failed, skipped
        self.seconds, self.reasons, self.trouble, self.log = seconds, list(reasons), trouble, log

    def text(self):
        if not self.log:
            return ""
        with open(self.log, "r", errors="replace") as log:
            return log.read()

    def failures(self):
        """The failed cases. If there are none, what is wrong with the job as a whole."""
        text = self.text()
        cases = ["".join(names) for names in FAILED_CASE.findall(text)]
        begun = BEGUN_CASE.findall(text)
        in_hand = " in " + begun[-1] if self.trouble and begun else ""
        return cases or [(self.trouble or "%d failed" % self.failed) + in_hand]


# ---- what a job needs ----

def is_absent(kind, what):
    if kind == "program":
        return not shutil.which(what)
    if kind == "python":
        return subprocess.run([sys.executable, "-c", "import " + what], capture_output=True).returncode != 0
    return kind == "library" or not os.path.exists(what)


def missing(job):
    """
    The needs of the job that are absent. A need is "program NAME PACKAGE", "python MODULE PACKAGE" or "path PATH ADVICE". The build itself
    found that a "library NAME PACKAGE" is absent.
    """
    absent = []
    for need in job.get("needs", []):
        kind, what, advice = need.split(" ", 2)
        if is_absent(kind, what):
            shown = "Python's module " + what if kind == "python" else what
            absent.append("%s is absent (%s)" % (shown, advice if kind == "path" else "package " + advice))
    return absent


def skip(job, absent):
    if in_ci:
        return Result(job, failed=1, trouble="no job may be skipped here: " + "; ".join(absent))
    return Result(job, skipped=1, reasons=["%s: %s" % (job["name"], reason) for reason in absent])


# ---- one job ----

def kill_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def stop(process):
    """Ends a program that is too late, with all processes that it started."""
    kill_group(process, signal.SIGABRT)
    try:
        process.wait(ABORT_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    kill_group(process, signal.SIGKILL)
    process.wait()


def ending(status):
    return "ended with status %d" % status if status >= 0 else "was ended by " + signal.Signals(-status).name


def judge(job, status, trouble, seconds, log):
    result = Result(job, seconds=seconds, log=log)
    text = result.text()
    counts = SUMMARY.findall(text)
    if counts and not trouble and (status == 0 or int(counts[-1][1]) > 0):
        result.passed, result.failed, result.skipped = map(int, counts[-1])
    else:
        result.failed, result.trouble = 1, trouble or ending(status)
    result.reasons = ["%s: %s" % (job["name"], reason) for reason in SKIPPED.findall(text)]
    if in_ci and result.skipped:
        result.failed, result.skipped = result.failed + result.skipped, 0
        result.trouble = "no case may be skipped here: " + "; ".join(result.reasons)
    return result


class Round:
    """One run of all jobs with this seed. Its logs go to a folder of their own."""

    def __init__(self, jobs, logs, seed, server):
        self.jobs, self.logs, self.seed, self.server = jobs, logs, seed, server
        self.results, self.running = [], set()
        self.is_over = False
        self.lock = threading.Lock()

    def run(self, at_once):
        os.makedirs(self.logs, exist_ok=True)
        pool = concurrent.futures.ThreadPoolExecutor(at_once)
        try:
            beside = [pool.submit(self.run_job, job) for job in self.jobs if not job.get("alone")]
            for future in beside:
                future.result()
            for job in self.jobs:
                if job.get("alone") and not self.is_over:
                    pool.submit(self.run_job, job).result()
        finally:
            self.end()
            pool.shutdown(cancel_futures=True)

    def end(self):
        """Starts no more jobs, and ends those that run."""
        with self.lock:
            self.is_over = True
            for process in self.running:
                kill_group(process, signal.SIGKILL)

    def run_job(self, job):
        absent = missing(job)
        result = skip(job, absent) if absent else self.start_job(job)
        with self.lock:
            if self.is_over or not result:
                return
            self.results.append(result)
            show(result)

    def start_job(self, job):
        log = os.path.join(self.logs, re.sub(r"[^\w.-]+", "-", job["name"]) + ".log")
        env = dict(os.environ, **job.get("env", {}), QCACHE_SEED=str(self.seed))
        if self.server:
            env["QCACHE_SERVER"] = self.server
        begin = time.monotonic()
        with self.lock, open(log, "wb") as output:
            if self.is_over:
                return None
            try:
                process = subprocess.Popen(job["argv"], env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                           start_new_session=True)
            except OSError as error:
                return Result(job, failed=1, trouble=str(error))
            self.running.add(process)
        trouble = ""
        try:
            process.wait(job["seconds"])
        except subprocess.TimeoutExpired:
            trouble = "not done after %d s" % job["seconds"]
            stop(process)
        with self.lock:
            self.running.remove(process)
            # Processes that it left behind.
            kill_group(process, signal.SIGKILL)
        return judge(job, process.returncode, trouble, time.monotonic() - begin, log)


# ---- output ----

def show(result):
    verdict = "FAILED" if result.failed else "skipped" if result.skipped and not result.passed else "ok"
    print("%-8s %-52s %4d passed %6.1f s" % (verdict, result.job["name"], result.passed, result.seconds))
    if result.trouble:
        print("         " + result.trouble)
    if result.failed and result.log:
        print("         %s:" % result.log)
        for line in result.text().splitlines()[-TAIL_LINES:]:
            print("         | " + line)
    sys.stdout.flush()


def total(rounds):
    return [sum(getattr(result, what) for one in rounds for result in one.results) for what in ("passed", "failed", "skipped")]


def failed_jobs(rounds):
    """Each job that failed, with its rounds: {name: [(number, seed, result)]}."""
    failed = {}
    for number, one in enumerate(rounds, 1):
        for result in one.results:
            if result.failed:
                failed.setdefault(result.job["name"], []).append((number, one.seed, result))
    return failed


def show_failures(failed, is_repeated):
    for name, times in failed.items():
        print("failed: %s" % name)
        for number, seed, result in times:
            print("  %sseed %d: %s%s" % ("round %d, " % number if is_repeated else "", seed, ", ".join(result.failures()),
                                         " (%s)" % result.log if result.log else ""))


def conclude(rounds, logs):
    passed, failed, skipped = total(rounds)
    jobs = failed_jobs(rounds)
    failures = {name: list(dict.fromkeys(case for *_, result in times for case in result.failures())) for name, times in jobs.items()}
    with open(os.path.join(logs, "result.json"), "w") as f:
        json.dump({"passed": passed, "failed": failed, "skipped": skipped, "failures": failures}, f)
    for reason in dict.fromkeys(reason for one in rounds for result in one.results for reason in result.reasons):
        print("skipped: " + reason)
    show_failures(jobs, len(rounds) > 1)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


# ---- main ----

def arguments():
    words = sys.argv[1:]
    # argparse would take a following NAME for the number.
    words = [more for word, then in zip(words, words[1:] + [""])
             for more in ([word, str(len(os.sched_getaffinity(0)))] if word == "--load" and not then.isdigit() else [word])]
    parser = argparse.ArgumentParser(prog="scons test", description="Runs the tests.", usage='scons test ARGS="[OPTION ...] [NAME ...]"')
    parser.add_argument("jobs_file", help=argparse.SUPPRESS)
    # The tests wait more than they compute.
    parser.add_argument("--jobs", type=int, default=2 * len(os.sched_getaffinity(0)), metavar="N", help="programs at once (two per CPU)")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run everything N times, each with another seed")
    parser.add_argument("--load", type=int, default=0, metavar="N",
                        help="run N busy processes beside the tests (one per CPU)")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("QCACHE_SEED") or random.SystemRandom().randrange(1 << 32)),
                        metavar="N", help="seed of the first round; it counts up from there (QCACHE_SEED, or random)")
    parser.add_argument("--server", metavar="PROGRAM", help="another server, e.g. /usr/bin/redis-server")
    parser.add_argument("--list", action="store_true", help="print the jobs' names and end")
    parser.add_argument("names", nargs="*", metavar="NAME", help="run only jobs whose name contains one of these")
    return parser.parse_intermixed_args(words)


def end_at_signals(rounds):
    """
    Ends the round under way and lets it come to its end. Returns a list that is not empty once a signal has come.

    A thread reads the signals from a pipe. A handler in Python runs in the main thread only, and a signal that comes just before that
    begins to wait for a job does not wake it.
    """
    came = []
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)

    def watch():
        while True:
            came.append(os.read(receiver, 1))
            for one in rounds[-1:]:
                one.end()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: None)
    signal.set_wakeup_fd(sender)
    threading.Thread(target=watch, daemon=True).start()
    return came


def run_rounds(options, jobs, logs):
    rounds = []
    came = end_at_signals(rounds)
    shutil.rmtree(logs, ignore_errors=True)
    os.makedirs(logs)
    busy = [subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.DEVNULL, start_new_session=True) for _ in range(options.load)]
    try:
        for number in range(options.repeat):
            seed = options.seed + number
            where = os.path.join(logs, "round-%d" % (number + 1)) if options.repeat > 1 else logs
            rounds.append(Round(jobs, where, seed, options.server))
            print("round %d of %d, seed %d" % (number + 1, options.repeat, seed), flush=True)
            if not came:
                rounds[-1].run(options.jobs)
            if came:
                print("\ninterrupted: %d passed, %d failed, %d skipped" % tuple(total(rounds)), flush=True)
                return 130
            if options.repeat > 1:
                print("round %d of %d: %d passed, %d failed, %d skipped" % (number + 1, options.repeat, *total(rounds[-1:])), flush=True)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return conclude(rounds, logs)


def main():
    # A shell makes background jobs ignore some of these, and our jobs would inherit that.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    options = arguments()
    with open(options.jobs_file) as f:
        plan = json.load(f)
    jobs = [job for job in plan["jobs"] if not options.names or any(name in job["name"] for name in options.names)]
    if options.list:
        print("\n".join(job["name"] for job in jobs))
        return 0
    if not jobs:
        print("no test has such a name")
        return 2
    return run_rounds(options, jobs, plan["logs"])


sys.exit(main())

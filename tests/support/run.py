#!/usr/bin/env python3
"""Runs the test programs that the build names, and adds up what they report.

    run.py JOBS.json [--jobs N] [--server PROGRAM] [--list] [NAME ...]

JOBS.json is written by tests/SConscript: where logs go, and a list of jobs. A job is a program with its environment,
what it needs that may be absent, and a deadline. Names choose the jobs whose name contains one of them.

A program ends its output with a line "N passed, N failed, N skipped" and prints "skipped: CASE: REASON" for each case that it
leaves out. One that ends otherwise (a crash, a deadline) counts as one failure. The last line printed here is the
same line for the whole. The exit status is 0 when nothing failed. Where CI is set nothing may be skipped.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
SKIPPED = re.compile(r"^skipped: (.+)$", re.M)
TAIL_LINES = 60

in_ci = bool(os.environ.get("CI"))
printing = threading.Lock()


class Result:
    def __init__(self, job, passed=0, failed=0, skipped=0, seconds=0.0, reasons=(), trouble="", log=""):
        self.job, self.passed, self.failed, self.skipped = job, passed, failed, skipped
        self.seconds, self.reasons, self.trouble, self.log = seconds, list(reasons), trouble, log


def missing(need):
    """
    Why a need isn't met, or None. A need is "program NAME PACKAGE", "python MODULE PACKAGE", "path PATH ADVICE", or, of something that
    the build has found absent, "library NAME PACKAGE".
    """
    kind, what, advice = need.split(" ", 2)
    if kind == "library":
        return "%s is absent (package %s)" % (what, advice)
    if kind == "program":
        return None if shutil.which(what) else "%s is absent (package %s)" % (what, advice)
    if kind == "python":
        found = subprocess.run([sys.executable, "-c", "import " + what], capture_output=True).returncode == 0
        return None if found else "Python's module %s is absent (package %s)" % (what, advice)
    return None if os.path.exists(what) else "%s is absent (%s)" % (what, advice)


def skip(job, reason):
    if in_ci:
        return Result(job, failed=1, trouble="nothing may be skipped here: " + reason)
    return Result(job, skipped=1, reasons=["%s: %s" % (job["name"], reason)])


def stop(process):
    """Ends a program that is late, and all that it has started."""
    for number in (signal.SIGABRT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        try:
            process.wait(5)
            return
        except subprocess.TimeoutExpired:
            continue


def run(job, logs, server):
    for need in job.get("needs", []):
        reason = missing(need)
        if reason:
            return skip(job, reason)
    env = dict(os.environ, **job.get("env", {}))
    if server:
        env["QCACHE_SERVER"] = server
    path = os.path.join(logs, re.sub(r"[^\w.-]+", "-", job["name"]) + ".log")
    begin = time.monotonic()
    trouble = ""
    with open(path, "wb") as log:
        process = subprocess.Popen(job["argv"], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        try:
            status = process.wait(job["seconds"])
        except subprocess.TimeoutExpired:
            stop(process)
            status, trouble = -1, "not done after %d s" % job["seconds"]
    seconds = time.monotonic() - begin
    with open(path, "r", errors="replace") as log:
        text = log.read()
    counts = SUMMARY.findall(text)
    if not counts or (status != 0 and int(counts[-1][1]) == 0) or trouble:
        return Result(job, failed=1, seconds=seconds, trouble=trouble or "ended with status %d" % status, log=path)
    passed, failed, skipped = map(int, counts[-1])
    reasons = ["%s: %s" % (job["name"], reason) for reason in SKIPPED.findall(text)]
    if in_ci and skipped:
        return Result(job, passed, failed + skipped, 0, seconds, trouble="nothing may be skipped here: " + "; ".join(reasons), log=path)
    return Result(job, passed, failed, skipped, seconds, reasons, "", path)


def show(result):
    with printing:
        verdict = "FAILED" if result.failed else "skipped" if result.skipped and not result.passed else "ok"
        print("%-8s %-52s %4d passed %6.1f s" % (verdict, result.job["name"], result.passed, result.seconds))
        if result.trouble:
            print("         " + result.trouble)
        if result.failed and result.log:
            with open(result.log, "r", errors="replace") as log:
                lines = log.read().splitlines()
            print("         %s:" % result.log)
            for line in lines[-TAIL_LINES:]:
                print("         | " + line)
        sys.stdout.flush()


def run_all(jobs, logs, server, at_once):
    results = []

    def one(job):
        result = run(job, logs, server)
        show(result)
        results.append(result)

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for future in [pool.submit(one, job) for job in jobs if not job.get("alone")]:
            future.result()
    for job in jobs:
        if job.get("alone"):
            one(job)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("jobs_file")
    parser.add_argument("--jobs", type=int, default=2, help="programs at once (2)")
    parser.add_argument("--server", help="another server, e.g. /usr/bin/redis-server")
    parser.add_argument("--list", action="store_true", help="print the jobs' names and end")
    parser.add_argument("names", nargs="*", help="run only jobs whose name contains one of these")
    options = parser.parse_args()
    with open(options.jobs_file) as f:
        plan = json.load(f)
    jobs = [job for job in plan["jobs"] if not options.names or any(name in job["name"] for name in options.names)]
    if options.list:
        print("\n".join(job["name"] for job in jobs))
        return 0
    if not jobs:
        print("no test has such a name")
        return 2
    os.makedirs(plan["logs"], exist_ok=True)
    results = run_all(jobs, plan["logs"], options.server, options.jobs)
    passed, failed, skipped = (sum(getattr(r, what) for r in results) for what in ("passed", "failed", "skipped"))
    with open(os.path.join(plan["logs"], "result.json"), "w") as f:
        json.dump({"passed": passed, "failed": failed, "skipped": skipped}, f)
    for result in results:
        for reason in result.reasons:
            print("skipped: " + reason)
    for result in results:
        if result.failed:
            print("failed: %s (%s)" % (result.job["name"], result.log or result.trouble))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


sys.exit(main())

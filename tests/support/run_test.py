"""Tests of the test runner."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import summary

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run.py")
LATE_SECONDS = 300

PASSES = "echo '2 passed, 0 failed, 0 skipped'"
FAILS = ("printf 'Suite: some\\n  Test: it_runs ...passed\\n  Test: it_works ...and says so\\nFAILED\\n    1. a.c:1 - x\\n\\n"
         "1 passed, 1 failed, 0 skipped\\n'; exit 1")
SHOWS_SEED = "echo seed $QCACHE_SEED; " + PASSES


def job(name, script, seconds=LATE_SECONDS, needs=(), alone=False):
    return {"name": name, "argv": ["sh", "-c", script], "seconds": seconds, "needs": needs, "alone": alone}


def is_running(pid):
    """Zombies don't count: their new parent may reap them at any time."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def ends(pid):
    """Waits until the process has been killed."""
    late = time.monotonic() + LATE_SECONDS
    while is_running(pid) and time.monotonic() < late:
        pass
    return not is_running(pid)


class Runner(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="qcache-test.")
        self.logs = os.path.join(self.directory.name, "logs")
        self.env = {name: value for name, value in os.environ.items() if name not in ("CI", "QCACHE_SEED")}

    def tearDown(self):
        self.directory.cleanup()

    def start(self, jobs, *words, **env):
        plan = os.path.join(self.directory.name, "jobs.json")
        with open(plan, "w") as f:
            json.dump({"logs": self.logs, "jobs": jobs}, f)
        return subprocess.Popen([sys.executable, RUN, plan, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=dict(self.env, **env))

    def run_jobs(self, jobs, *words, **env):
        """Its output and exit status."""
        process = self.start(jobs, *words, **env)
        said, _ = process.communicate(timeout=LATE_SECONDS)
        return said, process.returncode

    def log(self, *path):
        with open(os.path.join(self.logs, *path)) as f:
            return f.read()

    def test_counts_are_added_up(self):
        said, status = self.run_jobs([job("a", PASSES), job("b", FAILS), job("c", PASSES, alone=True)])
        self.assertEqual((said.splitlines()[-1], status), ("5 passed, 1 failed, 0 skipped", 1))
        self.assertEqual(json.loads(self.log("result.json")), {"passed": 5, "failed": 1, "skipped": 0, "failures": {"b": ["it_works"]}})
        self.assertRegex(said, r"failed: b\n  seed \d+: it_works \(")

    def test_what_ends_otherwise_is_one_failure(self):
        said, status = self.run_jobs([job("a", PASSES + "; kill -SEGV $$"), job("b", "true"), job("c", PASSES + "; exit 3"),
                                      dict(job("d", ""), argv=["/no/such/program"])])
        self.assertEqual((said.splitlines()[-1], status), ("0 passed, 4 failed, 0 skipped", 1))
        for trouble in ("was ended by SIGSEGV", "ended with status 0", "ended with status 3", "No such file"):
            self.assertIn(trouble, said)

    def test_the_result_names_the_case_that_crashed_and_a_case_that_failed_twice_once(self):
        self.run_jobs([job("a", "printf '  Test: one ...passed\\n  Test: two ...'; kill -SEGV $$"), job("b", FAILS)], "--repeat", "2")
        self.assertEqual(json.loads(self.log("result.json"))["failures"], {"a": ["was ended by SIGSEGV in two"], "b": ["it_works"]})

    def test_all_that_is_absent_is_named(self):
        needs = ["program no-such-1 package-1", "python no_such_2 package-2", "path /no/such/3 `make` makes it", "program sh dash"]
        said, status = self.run_jobs([job("a", PASSES, needs=needs), job("b", "echo 'skipped: one: so'; echo 'skipped: two: so'; "
                                                                              "echo '1 passed, 0 failed, 2 skipped'")])
        self.assertEqual({line for line in said.splitlines() if line.startswith("skipped: ")}, {
            "skipped: a: no-such-1 is absent (package package-1)", "skipped: a: Python's module no_such_2 is absent (package package-2)",
            "skipped: a: /no/such/3 is absent (`make` makes it)", "skipped: b: one: so", "skipped: b: two: so"})
        self.assertEqual((said.splitlines()[-1], status), ("1 passed, 0 failed, 3 skipped", 0))
        said, status = self.run_jobs([job("a", PASSES, needs=needs)], CI="true")
        self.assertEqual((said.splitlines()[-1], status), ("0 passed, 1 failed, 0 skipped", 1))
        self.assertIn("no-such-1 is absent (package package-1); Python's", said)

    def test_what_is_late_is_ended_with_all_that_it_started_and_its_output_is_kept(self):
        for seconds in (1, 10, 100):  # until it has printed something before that
            said, status = self.run_jobs([job("a", "trap '' ABRT; sleep 1000 & echo child $!; echo said so far; wait; sleep 1000",
                                              seconds=seconds)])
            self.assertEqual((said.splitlines()[-1], status), ("0 passed, 1 failed, 0 skipped", 1))
            self.assertIn("not done after %d s" % seconds, said)
            if "said so far" in self.log("a.log"):
                break
        self.assertIn("| said so far", said)
        self.assertTrue(ends(int(re.search(r"child (\d+)", self.log("a.log")).group(1))))

    def test_what_a_job_leaves_behind_is_ended(self):
        self.run_jobs([job("a", "sleep 1000 & echo child $!; " + PASSES)])
        self.assertTrue(ends(int(re.search(r"child (\d+)", self.log("a.log")).group(1))))

    def test_each_round_has_a_seed_of_its_own(self):
        said, status = self.run_jobs([job("a", SHOWS_SEED), job("b", "test $QCACHE_SEED != 8 && " + PASSES)], "--repeat", "3", "--seed", "7")
        self.assertEqual((said.splitlines()[-1], status), ("10 passed, 1 failed, 0 skipped", 1))
        self.assertEqual([self.log("round-%d" % i, "a.log").splitlines()[0] for i in (1, 2, 3)], ["seed 7", "seed 8", "seed 9"])
        self.assertIn("round 2 of 3, seed 8\n", said)
        self.assertIn("round 2 of 3: 2 passed, 1 failed, 0 skipped\n", said)
        self.assertIn("failed: b\n  round 2, seed 8: ended with status 1 (", said)

    def test_the_seed_may_be_given_by_the_environment(self):
        self.run_jobs([job("a", SHOWS_SEED)], QCACHE_SEED="42")
        self.assertIn("seed 42\n", self.log("a.log"))

    def test_a_load_is_there_and_ends(self):
        count = "for p in /proc/[0-9]*/stat; do read -r line <$p || continue; set -- ${line##*) }; [ $2 = $PPID ] && echo busy $line; done 2>/dev/null; "
        for words, more in ((("--load", "3"), 3), (("--load", "a"), len(os.sched_getaffinity(0)))):
            self.run_jobs([job("a", count + PASSES)], *words)
            busy = [int(pid) for pid in re.findall(r"busy (\d+)", self.log("a.log"))]
            self.assertEqual(len(busy), more + 1)  # and the job itself
            self.assertEqual([pid for pid in busy if not ends(pid)], [])

    def test_an_interrupt_ends_all_in_one_line(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start([job("a", PASSES), job("b", "echo child $$; sleep 1000"), job("c", PASSES)], "--jobs", "1", "--load", "1")
            self.assertTrue(process.stdout.readline().startswith("round 1 of 1, seed "))
            self.assertTrue(process.stdout.readline().startswith("ok       a "))
            while not (os.path.exists(os.path.join(self.logs, "b.log")) and self.log("b.log").endswith("\n")):
                self.assertIsNone(process.poll())
            process.send_signal(number)
            said, _ = process.communicate(timeout=LATE_SECONDS)
            self.assertEqual((said, process.returncode), ("\ninterrupted: 2 passed, 0 failed, 0 skipped\n", 130))
            self.assertTrue(ends(int(self.log("b.log").split()[1])))

    def test_names_choose(self):
        said, status = self.run_jobs([job("one", PASSES), job("two", FAILS)], "one")
        self.assertEqual((said.splitlines()[-1], status), ("2 passed, 0 failed, 0 skipped", 0))
        self.assertEqual(self.run_jobs([job("one", PASSES)], "three"), ("no test has such a name\n", 2))


summary.main()

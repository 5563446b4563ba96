"""
Tests of the build's targets: each is in the help, those in the READMEs exist, and ARGS reaches the programs. And of .ci/run, which ends
with a count whatever fails.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import summary

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGET_LINE = re.compile(r"^  ([a-z-]+(?::NAME)?)( ARGS=\.\.\.)?  +\S", re.M)
NAMED_IN_README = re.compile(r"(?:`|^|&& )scons (?:[\w.-]+=\S+ )*([a-z][a-z-]*)", re.M)


def tree_without_a_build():
    """A temporary tree of links to our folders, so that nothing is written to the real one."""
    tree = tempfile.TemporaryDirectory(prefix="qcache-test.")
    for name in ("SConstruct", ".ci", "actors", "client", "storage", "transport", "tests"):
        os.symlink(os.path.join(ROOT, name), os.path.join(tree.name, name))
    return tree


class Build(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = tree_without_a_build()

    @classmethod
    def tearDownClass(cls):
        cls.tree.cleanup()

    def scons(self, *words):
        done = subprocess.run(["scons", "-Q", *words], cwd=self.tree.name, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr)
        return done.stdout

    def targets(self):
        """The targets in the help: {name: whether it takes ARGS}."""
        return {name: bool(takes) for name, takes in TARGET_LINE.findall(self.scons("-h"))}

    def test_run_passes_its_arguments_on(self):
        self.assertIn("qcache-server --port 7000 --io-threads 4\n", self.scons("-n", "run", "ARGS=--port 7000 --io-threads 4"))

    def test_each_target_that_says_so_passes_arguments_on(self):
        taking = [name.replace(":NAME", ":request") for name, takes in self.targets().items() if takes]
        self.assertGreater(len(taking), 3)
        said = self.scons("-n", *taking, "ARGS=--a-word")
        self.assertEqual(len(re.findall(r"^(?!gcc|clang).* --a-word", said, re.M)), len(taking), taking)

    def test_a_library_that_the_loader_looks_for_in_its_cache_asks_for_ldconfig(self):
        directories = subprocess.run(["/sbin/ldconfig", "-vNX"], capture_output=True, text=True).stdout
        if "\n/usr/local/lib:" not in "\n" + directories:
            self.skipTest("the loader does not look into /usr/local/lib")
        self.assertTrue("Run ldconfig" in self.scons("-n", "install", "PREFIX=/usr/local"))
        self.assertFalse("ldconfig" in self.scons("-n", "install", "PREFIX=/usr/local", "DESTDIR=/nonexistent"))
        self.assertFalse("ldconfig" in self.scons("-n", "install", "PREFIX=/nonexistent"))

    def test_a_library_that_has_been_installed_after_it_was_missed_is_found(self):
        with tree_without_a_build() as tree:
            compiler, absent = os.path.join(tree, "cc"), os.path.join(tree, "nng-is-absent")
            with open(compiler, "w") as f:
                f.write('#!/bin/sh\nif [ -e "%s" ] && grep -q nng; then exit 1; fi\n' % absent)
            os.chmod(compiler, 0o755)

            def build():
                return subprocess.run(["scons", "-Q", "CC=" + compiler, "build/obj/none"], cwd=tree, capture_output=True, text=True).stdout
            open(absent, "w").close()
            self.assertEqual(build(), "missing libraries; install them with: apt-get install libnng-dev\n")
            os.unlink(absent)
            self.assertNotIn("missing libraries", build())

    def test_an_include_that_goes_round_the_walls_is_refused(self):
        for source, included in (("server.c", "store/session.h"), ("server.c", "../storage/table.h"), ("discard.h", "reactor/output.h")):
            with tree_without_a_build() as tree:
                os.unlink(os.path.join(tree, "actors"))
                shutil.copytree(os.path.join(ROOT, "actors"), os.path.join(tree, "actors"))
                with open(os.path.join(tree, "actors", source), "a") as f:
                    f.write('#include "%s"\n' % included)
                done = subprocess.run(["scons", "-Q", "-n", "run"], cwd=tree, capture_output=True, text=True)
                self.assertEqual(done.returncode, 1)
                self.assertIn('actors/%s: #include "%s" goes round the walls' % (source, included), done.stdout)

    def test_each_target_of_the_help_is_there(self):
        self.scons("-n", *(name for name in self.targets() if ":" not in name))

    def test_targets_that_the_readmes_name_are_in_the_help(self):
        known = {name.split(":")[0] for name in self.targets()}
        for name in ("README.md", "tests/README.md"):
            with open(os.path.join(ROOT, name)) as f:
                named = set(NAMED_IN_README.findall(f.read()))
            self.assertGreater(len(named), 2)
            self.assertEqual(named - known, set(), name)


class ContinuousIntegration(unittest.TestCase):
    """Runs the script with stubs in place of the programs that it starts. A stub does nothing, or fails."""

    def setUp(self):
        self.tree = tree_without_a_build()
        # The script changes to its parent folder, which must not be the real one.
        os.unlink(os.path.join(self.tree.name, ".ci"))
        shutil.copytree(os.path.join(ROOT, ".ci"), os.path.join(self.tree.name, ".ci"))

    def tearDown(self):
        self.tree.cleanup()

    def program(self, name, script):
        path = os.path.join(self.tree.name, "bin", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n%s\n" % script)
        os.chmod(path, 0o755)

    def run_with(self, **scripts):
        """The last line and the exit status. The names of what failed, which are before the last line, go to self.failures."""
        for name in ("apt-get", "npm", "scons", "sudo"):
            self.program(name, scripts.get(name.replace("-", "_"), "true"))
        done = subprocess.run(["bash", os.path.join(self.tree.name, ".ci", "run")], capture_output=True, text=True,
                              env=dict(os.environ, PATH=os.path.join(self.tree.name, "bin") + ":" + os.environ["PATH"]))
        lines = done.stdout.splitlines()
        self.failures = [line[len("failed: "):] for line in lines if line.startswith("failed: ")]
        self.assertEqual(lines[-1 - len(self.failures):-1], ["failed: " + name for name in self.failures])
        return lines[-1], done.returncode

    def test_what_fails_at_the_start_is_one_failure(self):
        self.assertEqual(self.run_with(apt_get="exit 100", sudo='"$@"'), ("0 passed, 1 failed", 1))
        self.assertEqual(self.run_with(npm="exit 7"), ("0 passed, 1 failed", 1))
        self.assertEqual(self.failures, ["packages"])
        self.assertEqual(self.run_with(scons="exit 2"), ("1 passed, 1 failed", 1))
        self.assertEqual(self.failures, ["scons"])

    def test_a_suite_without_a_result_is_one_failure(self):
        self.assertEqual(self.run_with(scons='case "$*" in *test|*install*) exit 2; esac'), ("3 passed, 4 failed", 1))
        self.assertEqual(self.failures, ["scons test: no result", "scons sanitize=address,undefined test: no result",
                                         "scons sanitize=thread test: no result", "scons install"])

    def suites_with(self, result):
        write = ('case "$*" in *address*) d=build/address-undefined;; *thread*) d=build/thread;; *) d=build;; esac; '
                 'mkdir -p $d/tests/logs; echo \'%s\' >$d/tests/logs/result.json' % json.dumps(result))
        return self.run_with(scons='case "$*" in *test) %s; esac' % write)

    def test_a_suite_counts_its_cases(self):
        self.assertEqual(self.suites_with({"passed": 10, "failed": 0, "skipped": 1, "failures": {}}), ("33 passed, 4 failed", 1))
        self.assertEqual(self.failures, ["scons install"])

    def test_the_failed_cases_of_each_suite_are_named(self):
        failures = {"unit/a_test": ["one", "two"], "b, io-threads 4": ["case_%d" % i for i in range(12)]}
        self.assertEqual(self.suites_with({"passed": 1, "failed": 14, "skipped": 0, "failures": failures}), ("6 passed, 43 failed", 1))
        for name in ("scons test", "scons sanitize=address,undefined test", "scons sanitize=thread test"):
            self.assertIn(name + ", unit/a_test: one, two", self.failures)
            self.assertIn(name + ", b, io-threads 4: %s, and 2 more" % ", ".join("case_%d" % i for i in range(10)), self.failures)

    def test_a_failed_fuzz_target_is_named(self):
        fail = 'mkdir -p build/fuzz/findings; touch build/fuzz/findings/glob-crash-1; exit 2'
        self.run_with(scons='case "$*" in *fuzz-run) %s; esac' % fail)
        self.assertEqual(self.failures[-2:], ["scons fuzz-run, build/fuzz/findings/glob-crash-1", "scons fuzz-run"])

    def test_an_interrupt_is_a_failure_of_what_was_in_hand(self):
        self.assertEqual(self.run_with(scons="kill -INT $PPID"), ("1 passed, 1 failed", 1))
        self.assertEqual(self.failures, ["scons (not finished)"])


summary.main()

"""The generated manuals name everything in their lists, and all manuals are formatted without warnings."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import summary

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MADE = ("qcache-server.1", "qcache-check.1", "qcache.conf.5")


def made(name):
    return subprocess.run([sys.executable, os.path.join(ROOT, "actors/generate.py"), "manual", name], capture_output=True, text=True,
                          check=True).stdout


def listed(name, words):
    """The name in each row of a list: the second argument for directives, the first for options."""
    with open(os.path.join(ROOT, "actors", name)) as f:
        return re.findall(r'^(?:%s)\s*\((?:\w+, )?"([^"]+)"' % words, f.read(), re.M)


class Manuals(unittest.TestCase):
    def complaints(self, page, *command):
        done = subprocess.run([*command, page], capture_output=True, text=True, env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80"))
        return done.stderr if command[0] == "man" else done.stdout + done.stderr

    def check(self, page):
        self.assertEqual(self.complaints(page, "man", "--warnings", "-E", "UTF-8", "-Tutf8", "-l"), "", page)
        if shutil.which("mandoc"):
            self.assertEqual(self.complaints(page, "mandoc", "-T", "lint", "-W", "error"), "", page)

    def test_pages_are_formatted_without_warnings(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in MADE:
                with open(os.path.join(folder, name), "w") as f:
                    f.write(made(name))
            pages = [os.path.join(folder, name) for name in MADE]
            pages += glob.glob(os.path.join(ROOT, "client", "*.[1-8]")) + glob.glob(os.path.join(ROOT, "client", "*", "*.[1-8]"))
            self.assertGreaterEqual(len(pages), 4)
            for page in pages:
                self.check(page)

    def test_every_directive_is_told_of(self):
        text = made("qcache.conf.5").replace("\\-", "-")
        names = listed("config/directives.def", "YES_NO|INTEGER|OCTAL|MEMORY|CHOICE|TEXT|PATH|CPUS|WORDS|FLAGS|OUTPUT_LIMITS|REFUSED")
        self.assertGreater(len(names), 150)
        missing = [name for name in names if not re.search(r"(^\.B |\\fB)%s(\\fP|$)" % re.escape(name), text, re.M)]
        self.assertEqual(missing, [])

    def test_every_option_is_told_of(self):
        for page, options in (("qcache-server.1", "config/options.def"), ("qcache-check.1", "check/options.def")):
            text = made(page).replace("\\-", "-")
            names = [one for name in listed(options, "OPTION") for one in name.split(", ")]
            self.assertGreater(len(names), 5)
            self.assertEqual([name for name in names if "\\fB%s\\fP" % name not in text], [])


summary.main()

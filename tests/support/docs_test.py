"""The tables in the READMEs match the lists, and the generator finds tables that don't."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

import summary

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def generate(*words):
    return subprocess.run([sys.executable, os.path.join(ROOT, "actors/generate.py"), *words], capture_output=True, text=True)


def with_file(text, check):
    with tempfile.NamedTemporaryFile("w+", suffix=".md") as f:
        f.write(text)
        f.flush()
        check(f.name)


LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)


def readmes():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in ("build", "node_modules") and name[0] != "."]
        yield from (os.path.join(folder, name) for name in files if name.endswith(".md"))


def text_of(path):
    with open(path) as f:
        return FENCED.sub("", f.read())


def anchors_of(path):
    """The anchors that viewers make from headings."""
    headings = re.findall(r"^#+ (.*)$", text_of(path), re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


class Docs(unittest.TestCase):
    def test_links_lead_somewhere(self):
        checked = 0
        for path in readmes():
            for where, anchor in LINK.findall(text_of(path)):
                target = os.path.normpath(os.path.join(os.path.dirname(path), where)) if where else path
                self.assertTrue(os.path.exists(target), "%s: %s" % (path, where))
                self.assertTrue(not anchor or anchor in anchors_of(target), "%s: %s#%s" % (path, where, anchor))
                checked += 1
        self.assertGreater(checked, 10)

    def test_the_readmes_are_up_to_date(self):
        done = generate("check", *(os.path.join(ROOT, name) for name in ("actors/README.md", "actors/store/README.md")))
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_a_stale_table_is_found_and_renewed(self):
        def check(path):
            self.assertEqual(generate("check", path).returncode, 1)
            self.assertEqual(generate("update", path).returncode, 0)
            self.assertEqual(generate("check", path).returncode, 0)
            with open(path) as f:
                text = f.read()
            self.assertTrue(text.startswith("before\n<!-- messages -->\n") and text.endswith("<!-- /messages -->\nbehind\n"))
            self.assertIn("| `STORE_REQUESTS` | reactor → store | request batch |", text)
        with_file("before\n<!-- messages -->\n| `OLD` |\n<!-- /messages -->\nbehind\n", check)

    def test_a_file_without_tables_is_a_mistake(self):
        with_file("no marks\n", lambda path: self.assertNotEqual(generate("check", path).returncode, 0))
        with_file("<!-- commands -->\n", lambda path: self.assertNotEqual(generate("check", path).returncode, 0))

    def test_every_entry_of_the_lists_has_its_row(self):
        for name, table, word in (("runtime/messages.def", "messages", "MESSAGE("), ("runtime/topology.def", "topology", "EDGE("),
                                  ("store/commands/commands.def", "commands", "COMMAND(")):
            with open(os.path.join(ROOT, "actors", name)) as f:
                entries = sum(line.lstrip("SUB").startswith(word) for line in f)

            def check(path):
                self.assertEqual(generate("update", path).returncode, 0)
                with open(path) as f:
                    rows = sum(line.startswith("| `" if word != "EDGE(" else "| ") and ("→" in line or word == "COMMAND(")
                               for line in f)
                self.assertEqual(rows, entries)
            with_file("<!-- %s -->\n<!-- /%s -->\n" % (table, table), check)

    def test_every_directive_of_the_sample_is_explained(self):
        lines = generate("sample").stdout.splitlines()
        bare = [line for before, line in zip(lines, lines[1:]) if line[:1] == "#" and line[1:2].isalpha() and before[:2] != "# "]
        self.assertEqual(bare, [])
        self.assertGreater(len(lines), 100)


summary.main()

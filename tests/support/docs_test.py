"""The tables in the READMEs match the lists, and the generator finds tables that don't. Files and functions that READMEs name exist."""

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


# `name()`, and the file right after it: "`name()`, folder/file.c", "`name()` in `file.c`", "`name()` (`file.c`)".
FUNCTION = re.compile(r"`(\w+)\(\)`(?:(?:,| in| \() ?`?([\w./]+\.[ch])\b)?")
FILE = re.compile(r"(?<![\w/*}.-])([\w./-]+\.(?:c|h|hpp|def|py))\b")
# A table of files: what the first column names, with or without an ending.
ROW = re.compile(r"^\| ((?:`[\w.]+`(?:, )?)+) \|(.*)", re.M)
PLACEHOLDER = re.compile(r"(?:^|_)(?:name|type|NAME)(?:_|$|\.)")


def code_of():
    """The text of all our C files: {path from the root: text}."""
    found = {}
    for folder in ("actors", "client", "storage", "tests", "transport"):
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in names:
                if name.endswith((".c", ".h")):
                    path = os.path.join(where, name)
                    with open(path) as f:
                        found[os.path.relpath(path, ROOT)] = f.read()
    return found


def defines(name, path, text):
    """Whether the file defines the function. A header only has to declare it."""
    if path.endswith(".h"):
        return re.search(r"\b%s\(" % name, text)
    return re.search(r"^\w[^;\n]*\b%s\([^;{]*\)\s*\{" % name, text, re.M)


def named_files(readme, where):
    """The files that a README may mean: from the root, from its folder or a folder above; without a folder, any of this name."""
    def found(folder):
        path = os.path.normpath(os.path.join(folder, where))
        return [path] if os.path.exists(os.path.join(ROOT, path)) else found(os.path.dirname(folder)) if folder else []
    return found(os.path.dirname(readme))


def functions_of(readme, text):
    """Each function that the text names, with the files in which it may be; without files, anywhere."""
    for name, where in FUNCTION.findall(text):
        yield name, named_files(readme, where) if where else None
    for files, rest in ROW.findall(text):
        stems = [os.path.splitext(name)[0] for name in re.findall(r"`([\w.]+)`", files)]
        here = [path for stem in stems for end in (".c", ".h") for path in named_files(readme, stem + end)]
        for name, where in FUNCTION.findall(rest) if here else ():
            if not where:
                yield name, here


def misplaced(readme, text, code):
    """What the README says wrongly about functions."""
    for name, files in functions_of(readme, text):
        among = code if files is None else files
        if files is None and "_" not in name or PLACEHOLDER.search(name) and not any(defines(name, *item) for item in code.items()):
            continue
        if not any(defines(name, path, code[path]) for path in among):
            yield "%s: %s() is not in %s" % (readme, name, ", ".join(files) if files else "the code" if files is None else "such a file")


class Functions(unittest.TestCase):
    def test_functions_are_in_the_files_that_the_readmes_name(self):
        code, checked = code_of(), 0
        for path in readmes():
            readme, text = os.path.relpath(path, ROOT), text_of(path)
            self.assertEqual(list(misplaced(readme, text, code)), [])
            checked += len(list(functions_of(readme, text)))
        self.assertGreater(checked, 40)

    def test_a_function_in_another_file_is_found(self):
        code = code_of()
        for right in ("`store_turn()`, actors/store/turn.c", "`entry_type_name()` (`storage/value.c`)", "| `reply` | `reply_entry()` |",
                      "`cmd_name()`", "`multi()`", "`resp_parse()`"):
            self.assertEqual(list(misplaced("actors/store/README.md", right, code)), [], right)
        for wrong in ("`store_turn()`, actors/store/store.c", "`store_turn()` in `no/such.c`", "| `reply` | `store_turn()` |", "`resp_parze()`"):
            self.assertEqual(len(list(misplaced("actors/store/README.md", wrong, code))), 1, wrong)

    def test_files_that_the_readmes_name_exist(self):
        names = {name for _, _, files in os.walk(ROOT) for name in files}
        for path in readmes():
            readme = os.path.relpath(path, ROOT)
            for where in FILE.findall(text_of(path)):
                exists = bool(named_files(readme, where)) or "/" not in where and where in names
                self.assertTrue(exists or PLACEHOLDER.search(os.path.basename(where)), "%s: %s" % (readme, where))


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

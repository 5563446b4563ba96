"""qcache-check on whole, torn, damaged and hostile files."""

import fcntl
import json
import os
import pty
import random
import select
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from log_files import Part, command, rdb, read, write, write_log  # noqa: E402
import summary  # noqa: E402

PROGRAM = os.environ["QCACHE_CHECK"]
SET = command("SET", "a", "v")
LATER = 4000000000000


def two_parts():
    first = Part(1, 0).add(command("SELECT", 0) + SET, command("SET", "b", "w", "PXAT", LATER), time=1000).add(command("INCRBY", "n", 5), time=1010)
    return [first, Part(2, first.sequence).add(command("SELECT", 3) + command("SET", "c", "x"), time=1020).add(command("APPEND", "c", "y"), time=1030)]


class Check(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="qcache-test.")
        self.addCleanup(self.scratch.cleanup)

    def path(self, *names):
        return os.path.join(self.scratch.name, *names)

    def log(self, parts=None, base=None, **how):
        self.folder = write_log(self.scratch.name, rdb({}, sequence=0) if base is None else base, two_parts() if parts is None else parts, **how)
        return self.folder

    def run_check(self, *words):
        done = subprocess.run([PROGRAM, *words], capture_output=True, timeout=600)
        self.assertFalse(any(report in done.stderr for report in (b"Sanitizer:", b"runtime error:")), done.stderr)
        return done

    def check(self, status, *words):
        """Runs it with --json, which must tell the same as the text."""
        plain = self.run_check(*words)
        done = self.run_check("--json", *words)
        self.assertEqual((plain.returncode, done.returncode), (status, status), plain.stdout + plain.stderr + done.stderr)
        return json.loads(done.stdout)

    def repair(self, status, *words):
        done = self.run_check("repair", *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr.decode()

    def problem(self, *words):
        """State, file, offset and reason."""
        said = self.check(1, *words)
        problem = said["problem"]
        return said["state"], problem["file"], problem["offset"], problem["reason"]

    def refused(self, *words):
        done = self.run_check(*words)
        self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr)
        return done.stderr.decode()


class WholeFiles(Check):
    def test_a_log_of_ours_is_told_of(self):
        self.log(base=rdb({b"k": (b"v", None), b"gone": (b"v", 1)}, sequence=0, created=990))
        said = self.check(0, self.scratch.name)
        self.assertEqual(said["state"], "whole")
        base, first, second = said["files"]
        self.assertEqual((base["rdb"]["version"], base["rdb"]["writer"], base["rdb"]["created"], base["rdb"]["keys"]), (10, "redis 7.0.15", 990, 2))
        self.assertEqual(first["commands"], {"count": 4, "checksums": True, "groups": 2, "sequence": 0, "last_sequence": 3, "first_time": 1000, "last_time": 1010})
        self.assertEqual((second["commands"]["sequence"], second["commands"]["last_sequence"]), (3, 5))
        self.assertEqual([(d["number"], d["keys"], d["expiring"], d["expired"], d["types"]) for d in said["databases"]],
                         [(0, 5, 2, 1, {"string": 5}), (3, 1, 0, 0, {"string": 1})])

    def test_the_directory_its_folder_and_its_manifest_lead_to_the_same(self):
        folder = self.log()
        digests = {self.check(0, "--digest", path)["digest"] for path in (self.scratch.name, self.scratch.name + "/", folder, os.path.join(folder, "appendonly.aof.manifest"))}
        self.assertEqual(len(digests), 1)

    def test_an_rdb_is_counted_without_keeping_its_keys(self):
        write(self.path("dump.rdb"), rdb({b"k": (b"v", None), b"l": (b"v", LATER)}, database=2))
        said = self.check(0, "--digest", self.path("dump.rdb"))
        self.assertNotIn("digest", said)
        self.assertEqual(said["databases"], [{"number": 2, "keys": 2, "expiring": 1, "expired": 0, "types": {"string": 2}}])

    def test_an_old_file_may_begin_with_an_rdb(self):
        write(self.path("appendonly.aof"), rdb({b"k": (b"5", None)}) + command("SELECT", 0) + command("INCR", "k") + SET)
        said = self.check(0, "--digest", self.path("appendonly.aof"))
        self.assertEqual((said["files"][0]["rdb"]["keys"], said["files"][0]["commands"]["count"], said["databases"][0]["keys"]), (1, 3, 2))
        self.assertIn("digest", said)

    def test_commands_alone_and_a_part_alone(self):
        write(self.path("old.aof"), command("SELECT", 1) + SET)
        self.assertEqual(self.check(0, self.path("old.aof"))["databases"][0]["number"], 1)
        part = Part(7, 41).add(SET)
        write(self.path("part"), part.bytes)
        self.assertEqual(self.check(0, self.path("part"))["files"][0]["commands"]["sequence"], 41)
        write(self.path("empty"), b"")
        self.assertEqual(self.check(0, self.path("empty"))["databases"], [])

    def test_quick_keeps_no_keys(self):
        self.log()
        said = self.check(0, "--quick", self.scratch.name)
        self.assertNotIn("databases", said)
        self.assertEqual(said["files"][2]["commands"]["groups"], 2)

    def test_what_redis_has_appended_is_told_of(self):
        parts = two_parts()
        end = len(parts[1].bytes)
        parts[1].bytes += command("SELECT", 0) + command("DEL", "a", "absent")
        self.log(parts)
        said = self.check(0, self.scratch.name)
        self.assertEqual((said["files"][2]["commands"]["foreign_at"], said["databases"][0]["keys"]), (end, 2))

    def test_a_part_ends_where_the_next_one_begins(self):
        parts = two_parts()
        parts[0].add(command("FLUSHALL"))  # written anew to the next part, after a failed sync
        self.log(parts)
        self.assertEqual(self.check(0, self.scratch.name)["files"][1]["commands"]["last_sequence"], 3)


class BrokenFiles(Check):
    def test_a_torn_end_is_told_of(self):
        parts = two_parts()
        parts[1].bytes = parts[1].bytes[:-1]
        self.log(parts)
        self.assertEqual(self.problem(self.scratch.name), ("torn", parts[1].name, parts[1].groups[1], "the file ends inside of a group"))

    def test_what_only_a_last_file_may_be_is_damage_before_it(self):
        parts = two_parts()
        parts[0].bytes = parts[0].bytes[:-1]
        self.log(parts)
        self.assertEqual(self.problem(self.scratch.name)[:3], ("damaged", parts[0].name, parts[0].groups[1]))

    def test_damage_is_told_of_with_file_and_offset(self):
        for place in (0, 40, 150):
            with self.subTest(place):
                parts = two_parts()
                damaged = bytearray(parts[0].bytes)
                damaged[parts[0].groups[1] + place if place < 100 else -1] ^= 4
                parts[0].bytes = bytes(damaged)
                with tempfile.TemporaryDirectory() as directory:
                    write_log(directory, rdb({}, sequence=0), parts)
                    self.assertEqual(self.problem(directory)[:3], ("damaged", parts[0].name, parts[0].groups[1]))

    def test_a_missing_part_is_found(self):
        self.log(two_parts()[1:])
        state, file, offset, reason = self.problem(self.scratch.name)
        self.assertEqual((state, file, offset), ("damaged", "appendonly.aof.2.incr.aof", 0))
        self.assertIn("begins behind frame 3", reason)

    def test_a_file_that_is_not_there_and_a_bad_manifest_are_told_of(self):
        folder = self.log()
        os.unlink(os.path.join(folder, "appendonly.aof.2.incr.aof"))
        self.assertIn("appendonly.aof.2.incr.aof, which the manifest names: No such file or directory", self.refused(self.scratch.name))
        write(os.path.join(folder, "appendonly.aof.manifest"), "file a seq x type b\n")
        self.assertIn("appendonly.aof.manifest, line 1: ", self.refused(self.scratch.name))
        self.assertIn("No such file or directory", self.refused(self.path("absent")))
        os.unlink(os.path.join(folder, "appendonly.aof.manifest"))
        self.assertIn("has no manifest", self.refused(self.scratch.name))
        write(self.path("text"), "hello")
        self.assertIn("is neither an RDB file nor an append-only file", self.refused(self.path("text")))

    def test_a_change_that_does_not_fit_is_found(self):
        part = Part(1, 0).add(SET).add(command("DEL", "absent"))
        self.log([part])
        state, file, offset, reason = self.problem(self.scratch.name)
        self.assertEqual((state, file, reason), ("damaged", part.name, "the change does not fit the data before it"))
        self.assertEqual(part.bytes[offset:], command("DEL", "absent"))

    def test_a_command_that_is_not_known_is_told_of_by_name(self):
        write(self.path("old.aof"), SET + command("LPUSH", "l", "x"))
        self.assertEqual(self.problem(self.path("old.aof")), ("damaged", "old.aof", len(SET), "unknown command 'LPUSH'"))
        self.assertIn("can't be repaired", self.repair(1, "--damaged", self.path("old.aof")))

    def test_rdb_files_cut_anywhere_are_damaged(self):
        whole = rdb({b"k": (b"v", None), b"l": (b"w", LATER)})
        for end in range(1, len(whole)):
            write(self.path("dump.rdb"), whole[:end])
            done = self.run_check("--quick", self.path("dump.rdb"))
            self.assertIn(done.returncode, (1, 2), "cut at %d: %s" % (end, done.stdout))

    def test_hostile_files_do_no_harm(self):
        """Random damage of everything that is read. Whatever it says, it ends, and says it in JSON."""
        seed = int(os.environ.get("QCACHE_SEED") or random.SystemRandom().randrange(1 << 32))
        print("check_test: QCACHE_SEED=%d" % seed)
        dice = random.Random(seed)
        folder = self.log(base=rdb({b"k%d" % i: (b"v", None) for i in range(20)}, sequence=0))
        write(self.path("old.aof"), rdb({b"k": (b"5", None)}) + b"".join(command("SET", "k%d" % i, i) for i in range(20)))
        files = [os.path.join(folder, name) for name in os.listdir(folder)] + [self.path("old.aof")]
        for _ in range(150):
            path = dice.choice(files)
            whole = read(path)
            damaged = bytearray(whole)
            for _ in range(dice.choice([1, 1, 2, 10])):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            write(path, bytes(damaged[:dice.choice([len(damaged), dice.randrange(len(damaged) + 1)])]))
            done = self.run_check("--json", path if path.endswith("old.aof") else self.scratch.name)
            self.assertIn(done.returncode, (0, 1, 2), done.stderr)
            if done.returncode != 2:
                json.loads(done.stdout)
            write(path, whole)

    def test_names_and_reasons_are_shown_without_control_characters(self):
        write(self.path("a\x1b[2Jb\xff".encode("latin1").decode("utf-8", "surrogateescape")), SET + command("\x1b[31mX", "l"))
        name = os.path.join(os.fsencode(self.scratch.name), b"a\x1b[2Jb\xff")
        done = subprocess.run([PROGRAM, name], capture_output=True)
        self.assertNotIn(b"\x1b", done.stdout)
        done = subprocess.run([PROGRAM, "--json", name], capture_output=True)
        self.assertNotIn(b"\x1b", done.stdout)
        self.assertEqual(json.loads(done.stdout)["files"][0]["name"], "a\x1b[2Jb\ufffd")


class Repair(Check):
    def copy(self, name):
        return os.path.join(self.folder, name + ".before-repair")

    def test_a_whole_log_is_left_alone(self):
        folder = self.log()
        before = {name: read(os.path.join(folder, name)) for name in os.listdir(folder)}
        self.assertEqual(self.repair(0, self.scratch.name), "")
        self.assertEqual({name: read(os.path.join(folder, name)) for name in os.listdir(folder)}, before)

    def test_a_torn_end_is_cut_after_copying(self):
        for cut in (1, 20, 120):
            with self.subTest(cut), tempfile.TemporaryDirectory() as directory:
                parts = two_parts()
                whole = parts[1].bytes
                parts[1].bytes = whole[:-cut]
                self.folder = write_log(directory, rdb({}, sequence=0), parts)
                self.assertIn("bytes given up", self.repair(0, directory))
                end = max(group for group in parts[1].groups if group <= len(whole) - cut)
                self.assertEqual(read(os.path.join(self.folder, parts[1].name)), whole[:end])
                self.assertEqual(read(self.copy(parts[1].name)), whole[:-cut])
                self.assertEqual(self.check(0, directory)["state"], "whole")

    def test_a_copy_is_never_overwritten(self):
        parts = two_parts()
        parts[1].bytes = parts[1].bytes[:-1]
        self.log(parts)
        write(self.copy(parts[1].name), "mine")
        self.assertIn("File exists", self.repair(1, self.scratch.name))
        self.assertEqual((read(self.copy(parts[1].name)), read(os.path.join(self.folder, parts[1].name))), (b"mine", parts[1].bytes))

    def test_damage_is_cut_only_when_told_to(self):
        parts = two_parts()
        damaged = bytearray(parts[0].bytes)
        damaged[-1] ^= 1
        parts[0].bytes = bytes(damaged)
        self.log(parts)
        before = sorted(os.listdir(self.folder))
        self.assertIn("nothing is changed", self.repair(1, self.scratch.name))
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        said = self.repair(0, "--damaged", self.scratch.name)
        self.assertIn("%s: no longer in the manifest" % parts[1].name, said)
        state = self.check(0, self.scratch.name)
        self.assertEqual([file["name"] for file in state["files"]], ["appendonly.aof.1.base.rdb", parts[0].name])
        self.assertEqual(state["files"][1]["commands"]["last_sequence"], 2)
        self.assertEqual(read(os.path.join(self.folder, parts[1].name)), parts[1].bytes)  # it stays
        self.assertIn(parts[1].name.encode(), read(self.copy("appendonly.aof.manifest")))

    def test_a_log_goes_back_to_a_time(self):
        """Also within a group, whose annotation then says so."""
        for until, keys, last in ((1000, 2, 2), (1009, 2, 2), (1010, 3, 3), (1025, 4, 4), (1027, 4, 5), (1030, 4, 5)):
            with self.subTest(until), tempfile.TemporaryDirectory() as directory:
                first = Part(1, 0).add(command("SELECT", 0) + SET, command("SET", "b", "w"), time=1000).add(command("INCRBY", "n", 5), time=1010)
                second = Part(2, 3).add(command("SET", "c", "x"), time=1020)
                second.add(command("APPEND", "c", "y") + b"#TS:1028\r\n", command("FLUSHALL"), time=1026)
                write_log(directory, rdb({}, sequence=0, created=900), [first, second])
                now = self.check(0, "--digest", "--until", str(until), directory)
                self.repair(0, "--until", str(until), directory)
                then = self.check(0, "--digest", directory)
                self.assertEqual((then["digest"], then["state"]), (now["digest"], "whole"))
                if until < 1028:
                    self.assertEqual(sum(d["keys"] for d in then["databases"]), keys)
                    self.assertGreaterEqual(then["files"][-1]["commands"]["last_sequence"], last)

    def test_a_time_needs_timestamps_and_a_base_of_before(self):
        self.log([Part(1, 0).add(SET)])
        self.assertIn("there are no timestamps", self.refused("--until", "1800000000", self.scratch.name))
        self.assertIn("made after the time", self.problem("--until", "1000", self.scratch.name)[3])
        self.assertIn("can't be repaired", self.repair(1, "--until", "1000", self.scratch.name))

    def test_a_directory_in_use_is_left_alone(self):
        parts = two_parts()
        parts[1].bytes = parts[1].bytes[:-1]
        self.log(parts)
        with open(os.path.join(self.folder, "qcache.lock"), "w+") as lock:
            LOCKS[0](lock)
            self.assertIn("a server uses the directory", self.repair(1, self.scratch.name))
        self.assertEqual(read(os.path.join(self.folder, parts[1].name)), parts[1].bytes)
        self.repair(0, self.scratch.name)

    def test_old_files_of_redis_are_cut_before_a_torn_transaction(self):
        whole = SET + command("MULTI") + command("SET", "b", "w")
        write(self.path("old.aof"), whole)
        self.repair(0, self.path("old.aof"))
        self.assertEqual((read(self.path("old.aof")), read(self.path("old.aof.before-repair"))), (SET, whole))


# Which kind of lock the server takes is the file layer's matter: this one conflicts with it.
LOCKS = [lambda file: (fcntl.flock(file, fcntl.LOCK_EX), fcntl.lockf(file, fcntl.LOCK_EX))]


class CommandLine(Check):
    def test_wrong_words_are_refused(self):
        for words in ((), ("--nothing", "x"), ("a", "b"), ("--until",), ("--until", "soon", "x"), ("check", "--damaged", "x")):
            with self.subTest(words):
                self.assertIn("qcache-check: ", self.refused(*words))

    def test_help_and_version(self):
        self.assertIn(b"usage: qcache-check", self.run_check("--help").stdout)
        self.assertRegex(self.run_check("-v").stdout, rb"^qcache-check \d")

    def test_times_may_be_written_out(self):
        self.log([Part(1, 0).add(SET, time=1000)], base=rdb({}, sequence=0, created=900))
        for time in ("1000", "1970-01-02 00:00:00", "1970-01-02T00:00:00"):
            self.assertEqual(self.check(0, "--until", time, self.scratch.name)["state"], "whole")

    def test_a_terminal_is_shown_progress(self):
        """Of a file that takes longer than the first redraw; anything else gets no line."""
        part = Part(1, 0)
        for _ in range(20):
            part.add(*[command("SET", "k", "x" * 1000) for _ in range(100)])
        self.log([part])
        terminal, end = pty.openpty()
        done = subprocess.Popen([PROGRAM, self.scratch.name], stdout=subprocess.PIPE, stderr=end, env=dict(os.environ, TERM="xterm"))
        os.close(end)
        done.communicate(timeout=600)
        shown = b""
        while select.select([terminal], [], [], 0)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break  # the other end is closed
        os.close(terminal)
        self.assertIn(b"[", shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)


summary.main()

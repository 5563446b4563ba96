#!/usr/bin/env python3
"""Tests of the server through redis-cli and redis-benchmark."""

import csv
import io
import os
import subprocess
import unittest

import summary
from server import REPLY_SECONDS

PORT = os.environ["QCACHE_TEST_PORT"]
SOCKET = os.environ["QCACHE_TEST_SOCKET"]


def run(*argv, given=""):
    data = given if isinstance(given, bytes) else given.encode()
    done = subprocess.run(argv, input=data, capture_output=True, timeout=REPLY_SECONDS)
    if done.returncode != 0:
        raise AssertionError("%s: status %d: %s%s" % (argv, done.returncode, done.stdout, done.stderr))
    return done.stdout.decode(errors="surrogateescape")


def cli(*words, given=""):
    return run("redis-cli", "-p", PORT, *words, given=given)


def benchmark(*words):
    """Requests per second by test name."""
    text = run("redis-benchmark", "-p", PORT, "--csv", *words)
    return {row[0]: float(row[1]) for row in csv.reader(io.StringIO(text)) if len(row) == 8 and row[0] != "test"}


def mass(commands):
    return b"".join(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words) for words in commands)


class RedisCli(unittest.TestCase):
    def setUp(self):
        cli("flushall")

    def test_one_command_a_call(self):
        self.assertEqual(cli("set", "name", "John Doe"), "OK\n")
        self.assertEqual(cli("get", "name"), "John Doe\n")
        self.assertEqual(cli("get", "absent"), "\n")
        self.assertEqual(cli("incr", "n"), "1\n")
        self.assertEqual(cli("--no-raw", "get", "name"), '"John Doe"\n')
        self.assertEqual(cli("--no-raw", "mget", "name", "absent"), '1) "John Doe"\n2) (nil)\n')

    def test_commands_from_standard_input(self):
        self.assertEqual(cli(given='set a "x \\x41"\nget a\nincr a\nincr b\nselect 3\ndbsize\n'),
                         "OK\nx A\nERR value is not an integer or out of range\n\n1\nOK\n0\n")

    def test_resp3(self):
        self.assertEqual(cli("-3", "--no-raw", "get", "absent"), "(nil)\n")
        self.assertIn("1# \"maxclients\" => \"10000\"", cli("-3", "--no-raw", "config", "get", "maxclients"))

    def test_the_unix_socket_and_a_database(self):
        self.assertEqual(run("redis-cli", "-s", SOCKET, "-n", "4", "set", "here", "1"), "OK\n")
        self.assertEqual(cli("exists", "here"), "0\n")
        self.assertEqual(cli("-n", "4", "exists", "here"), "1\n")

    def test_last_argument_from_standard_input(self):
        every = bytes(range(256)) * 100
        self.assertEqual(cli("-x", "set", "bytes", given=every), "OK\n")
        self.assertEqual(cli("get", "bytes").encode(errors="surrogateescape"), every + b"\n")

    def test_mass_insertion_through_a_pipe(self):
        text = mass([b"SET", b"mass:%d" % i, b"value %d" % i] for i in range(100000))
        self.assertIn("errors: 0, replies: 100000", cli("--pipe", given=text))
        self.assertEqual(cli("dbsize"), "100000\n")
        self.assertEqual(cli("get", "mass:99999"), "value 99999\n")

    def test_mass_insertion_typed_by_hand(self):
        text = "".join("SET typed:%d '%d'\r\n" % (i, i) for i in range(10000))
        self.assertIn("errors: 0, replies: 10000", cli("--pipe", given=text))
        self.assertEqual(cli("dbsize"), "10000\n")

    def test_errors_in_a_pipe_are_counted(self):
        text = mass([[b"SET", b"a", b"x"], [b"INCR", b"a"], [b"GET"], [b"SET", b"b", b"y"]])
        done = subprocess.run(["redis-cli", "-p", PORT, "--pipe"], input=text, capture_output=True, timeout=REPLY_SECONDS)
        self.assertIn(b"errors: 2, replies: 4", done.stdout)

    def test_scan(self):
        cli("--pipe", given=mass([b"SET", b"scan:%d" % i, b"v"] for i in range(3000)))
        self.assertEqual(len(set(cli("--scan", "--pattern", "scan:*").split())), 3000)
        self.assertEqual(len(cli("--scan", "--pattern", "scan:29?").split()), 10)

    def test_repeats(self):
        self.assertEqual(cli("-r", "5", "incr", "n"), "1\n2\n3\n4\n5\n")


class RedisBenchmark(unittest.TestCase):
    def test_its_own_tests_of_what_we_have(self):
        rates = benchmark("-n", "20000", "-c", "50", "-r", "1000", "-t", "ping,set,get,incr,mset")
        self.assertEqual(set(rates), {"PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"})
        self.assertTrue(all(rate > 0 for rate in rates.values()))

    def test_deep_pipelines_and_large_values(self):
        self.assertGreater(benchmark("-n", "100000", "-c", "50", "-P", "64", "-t", "set")["SET"], 0)
        self.assertGreater(benchmark("-n", "2000", "-c", "20", "-d", "100000", "-t", "get,set")["GET"], 0)

    def test_resp3_threads_and_a_connection_for_each_request(self):
        self.assertGreater(benchmark("-3", "-n", "10000", "-t", "get")["GET"], 0)
        self.assertGreater(benchmark("--threads", "2", "-n", "50000", "-P", "8", "-t", "set")["SET"], 0)
        self.assertGreater(benchmark("-k", "0", "-n", "2000", "-t", "set")["SET"], 0)


summary.main()

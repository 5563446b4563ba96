#!/usr/bin/env python3
"""Checks the transcripts in the README: types them again and compares the answers.

A transcript is the fenced block behind `<!-- transcript: KIND -->`; the output of a Node script is behind `<!-- prints -->`.
"""

import os
import re
import socket
import subprocess
import unittest

import redis

import summary
from server import REPLY_SECONDS

PORT = int(os.environ["QCACHE_TEST_PORT"])
HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "..", "..", "README.md")) as file:
    README = file.read()


def block(marker, text=README):
    found = re.search(r"<!-- %s -->\n```\w*\n(.*?)```\n" % re.escape(marker), text, re.S)
    assert found, "the README has no block behind %s" % marker
    return found.group(1)


def read_until_quiet(connection, want):
    """Reads as many bytes as expected, or until the server closes."""
    got = b""
    while len(got) < want:
        more = connection.recv(65536)
        if not more:
            break
        got += more
    return got


class Readme(unittest.TestCase):
    def setUp(self):
        self.redis = redis.Redis("127.0.0.1", PORT)
        self.redis.flushall()

    def tearDown(self):
        self.redis.close()

    def test_redis_cli(self):
        prompt = "127.0.0.1:6379> "
        lines = block("transcript: redis-cli").splitlines()
        commands = [line[len(prompt):] for line in lines if line.startswith(prompt)]
        answers = [line for line in lines if not line.startswith(prompt)]
        self.assertGreater(len(commands), 5)
        said = subprocess.run(["redis-cli", "--no-raw", "-p", str(PORT)], input="\n".join(commands) + "\n",
                              capture_output=True, text=True, timeout=REPLY_SECONDS)
        self.assertEqual(said.stdout.splitlines(), answers)

    def test_telnet(self):
        lines = block("transcript: telnet").splitlines()
        typed = "".join(line[2:] + "\r\n" for line in lines if line.startswith("> "))
        answers = "".join(line + "\r\n" for line in lines if not line.startswith("> ")).encode()
        with socket.create_connection(("127.0.0.1", PORT), timeout=REPLY_SECONDS) as connection:
            connection.sendall(typed.encode())
            self.assertEqual(read_until_quiet(connection, len(answers)), answers)

    def test_node(self):
        script = block("transcript: node")
        after = README[README.index("<!-- transcript: node -->"):]
        said = subprocess.run(["node", "-e", script.replace("6379", str(PORT))], capture_output=True, text=True,
                              timeout=REPLY_SECONDS, cwd=HERE)
        self.assertEqual(said.stdout, block("prints", after), said.stderr)


if __name__ == "__main__":
    summary.main()

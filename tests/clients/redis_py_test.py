#!/usr/bin/env python3
"""Tests of the server through redis-py."""

import os
import threading
import time
import unittest

import redis

import summary

PORT = int(os.environ["QCACHE_TEST_PORT"])
SOCKET = os.environ["QCACHE_TEST_SOCKET"]


class RedisPy(unittest.TestCase):
    def setUp(self):
        self.client = redis.Redis("127.0.0.1", PORT)
        self.client.flushall()

    def tearDown(self):
        self.client.close()

    def test_sets_and_gets(self):
        c = self.client
        self.assertTrue(c.ping())
        self.assertTrue(c.set("name", "John Doe"))
        self.assertEqual(c.get("name"), b"John Doe")
        self.assertIsNone(c.get("absent"))
        self.assertEqual([c.incr("n"), c.incrby("n", 41), c.decr("n"), c.decrby("n", 40)], [1, 42, 41, 1])
        self.assertTrue(c.mset({"a": 1, "b": 2}))
        self.assertEqual(c.mget("a", "absent", "b"), [b"1", None, b"2"])
        self.assertEqual(c.exists("a", "b", "a", "absent"), 3)
        self.assertEqual(c.delete("a", "b", "absent"), 2)
        self.assertEqual(c.type("name"), b"string")
        self.assertEqual(c.echo("hello"), b"hello")

    def test_options_of_set(self):
        c = self.client
        self.assertTrue(c.set("k", "1", nx=True))
        self.assertIsNone(c.set("k", "2", nx=True))
        self.assertEqual(c.set("k", "3", get=True), b"1")
        self.assertTrue(c.set("k", "4", ex=100, xx=True))
        self.assertTrue(c.set("k", "5", keepttl=True))
        self.assertGreater(c.ttl("k"), 90)
        self.assertTrue(c.set("k", "6", pxat=int(time.time() * 1000) + 100000))
        self.assertGreater(c.pttl("k"), 90000)

    def test_pipelines(self):
        with self.client.pipeline(transaction=False) as pipe:
            for i in range(10000):
                pipe.set("p%d" % (i % 100), i).get("p%d" % (i % 100))
            results = pipe.execute()
        self.assertEqual(results[1::2], [b"%d" % i for i in range(10000)])

    def test_errors_within_a_pipeline_stay_where_they_are(self):
        self.client.set("text", "abc")
        pipe = self.client.pipeline(transaction=False)
        pipe.set("a", 1).incr("text").get("a")
        results = pipe.execute(raise_on_error=False)
        self.assertTrue(results[0])
        self.assertIsInstance(results[1], redis.ResponseError)
        self.assertEqual(results[2], b"1")

    def test_bytes_pass_unharmed(self):
        every = bytes(range(256)) * 3
        self.client.set(every, every)
        self.assertEqual(self.client.get(every), every)
        self.assertEqual(self.client.keys(b"*"), [every])

    def test_large_values_pass(self):
        large = os.urandom(1 << 20) * 24
        self.client.set("large", large)
        self.assertEqual(self.client.get("large"), large)

    def test_errors(self):
        c = self.client
        c.set("text", "abc")
        with self.assertRaisesRegex(redis.ResponseError, "value is not an integer or out of range"):
            c.incr("text")
        with self.assertRaisesRegex(redis.ResponseError, "unknown command 'NOSUCH'"):
            c.execute_command("NOSUCH", "a")
        with self.assertRaisesRegex(redis.ResponseError, "wrong number of arguments for 'get' command"):
            c.execute_command("GET")
        with self.assertRaisesRegex(redis.ResponseError, "invalid DB index|DB index is out of range"):
            c.execute_command("SELECT", "99")

    def test_times_to_live(self):
        c = self.client
        c.set("brief", "v", px=30)
        while c.get("brief"):
            pass
        self.assertEqual(c.pttl("brief"), -2)
        c.set("long", "v")
        self.assertTrue(c.expire("long", 1000))
        self.assertFalse(c.expire("long", 10, gt=True))
        self.assertTrue(c.expire("long", 10, lt=True))
        self.assertTrue(c.persist("long"))
        self.assertEqual(c.ttl("long"), -1)
        self.assertTrue(c.expireat("long", 1))
        self.assertEqual(c.exists("long"), 0)

    def test_scans(self):
        pipe = self.client.pipeline(transaction=False)
        for i in range(5000):
            pipe.set("scan:%d" % i, "v")
        pipe.execute()
        self.assertEqual(len(set(self.client.scan_iter(match="scan:*", count=100))), 5000)
        self.assertEqual(self.client.dbsize(), 5000)
        self.assertEqual(len(list(self.client.scan_iter(match="scan:49?"))), 10)

    def test_client_commands(self):
        c = redis.Redis("127.0.0.1", PORT, client_name="tester", single_connection_client=True)
        self.assertEqual(c.client_getname(), "tester")
        me = c.client_id()
        self.assertIn(("tester", "N"), [(one["name"], one["flags"]) for one in c.client_list() if int(one["id"]) == me])
        self.assertEqual(c.client_info()["id"], me)
        c.close()

    def test_configuration_and_info(self):
        self.assertEqual(self.client.config_get("maxclients"), {"maxclients": "10000"})
        self.assertTrue(self.client.config_set("timeout", 1000))
        self.assertEqual(self.client.config_get("timeout"), {"timeout": "1000"})
        self.assertTrue(self.client.config_set("timeout", 0))
        info = self.client.info()
        self.assertEqual(info["redis_version"], "7.0.15")
        self.assertEqual(info["tcp_port"], PORT)
        self.client.set("a", 1, ex=100)
        self.assertEqual(self.client.info("keyspace")["db0"]["keys"], 1)
        self.assertEqual(self.client.command_getkeys("MSET", "a", 1, "b", 2), ["a", "b"])

    def test_a_killed_connection_is_replaced(self):
        c = redis.Redis("127.0.0.1", PORT, single_connection_client=True)
        first = c.client_id()
        self.assertEqual(self.client.client_kill_filter(_id=first), 1)
        with self.assertRaises(redis.ConnectionError):
            c.get("a")
        self.assertNotEqual(c.client_id(), first)
        c.close()

    def test_the_unix_socket_and_other_databases(self):
        local = redis.Redis(unix_socket_path=SOCKET, db=7)
        local.set("only-here", 1)
        self.assertIsNone(self.client.get("only-here"))
        self.assertEqual(local.get("only-here"), b"1")
        local.close()

    def test_threads_share_a_pool(self):
        sums = []

        def count(number):
            mine = 0
            for i in range(500):
                self.client.incr("shared")
                mine += self.client.echo("%d-%d" % (number, i)) == b"%d-%d" % (number, i)
            sums.append(mine)

        threads = [threading.Thread(target=count, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sums, [500] * 8)
        self.assertEqual(self.client.get("shared"), b"4000")

    def test_monitor(self):
        with self.client.monitor() as monitor:
            other = redis.Redis("127.0.0.1", PORT)
            other.set("watched", "a b")
            seen = next(one for one in monitor.listen() if one["command"].startswith("SET"))
            self.assertEqual((seen["command"], seen["db"]), ("SET watched a b", 0))
            other.close()


summary.main()

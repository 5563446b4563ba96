// Tests of the server through ioredis.
"use strict";

const assert = require("node:assert");
const Redis = require("ioredis");
const { port, socket, once, suite } = require("./suite.js");

// A numeric address: a name may resolve to one that the server doesn't listen on.
const connect = (options = {}) => new Redis({ host: "127.0.0.1", port, ...options });

const client = connect();
const errors = [];
client.on("error", (error) => errors.push(error));

suite("ioredis", {
  async connects_and_becomes_ready() {
    if (client.status !== "ready") await once(client, "ready");
    assert.equal(await client.ping(), "PONG");
  },

  async sets_and_gets() {
    assert.equal(await client.set("name", "John Doe"), "OK");
    assert.equal(await client.get("name"), "John Doe");
    assert.equal(await client.get("absent"), null);
    assert.equal(await client.incrby("n", 41), 41);
    assert.equal(await client.incr("n"), 42);
    assert.deepEqual(await client.mget("name", "absent", "n"), ["John Doe", null, "42"]);
    assert.equal(await client.mset({ a: 1, b: 2 }), "OK");
    assert.equal(await client.exists("a", "b", "absent"), 2);
    assert.equal(await client.del("a", "b", "absent"), 2);
    assert.equal(await client.type("name"), "string");
  },

  async options_of_set_are_understood() {
    assert.equal(await client.set("once", "1", "NX"), "OK");
    assert.equal(await client.set("once", "2", "NX"), null);
    assert.equal(await client.set("once", "3", "GET"), "1");
    assert.equal(await client.set("once", "4", "EX", 100, "XX"), "OK");
    assert.ok((await client.ttl("once")) > 98);
  },

  async pipelines_keep_their_order() {
    const pipeline = client.pipeline();
    for (let i = 0; i < 10000; i++) pipeline.set("p" + (i % 100), i).get("p" + (i % 100));
    const results = await pipeline.exec();
    assert.equal(results.length, 20000);
    for (let i = 0; i < 10000; i++) assert.equal(results[2 * i + 1][1], String(i));
  },

  async many_calls_at_once_are_answered_each() {
    const answers = await Promise.all(Array.from({ length: 20000 }, (_, i) => client.echo("token " + i)));
    answers.forEach((answer, i) => assert.equal(answer, "token " + i));
  },

  async calls_are_pipelined_by_themselves() {
    const auto = connect({ enableAutoPipelining: true });
    const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => auto.set("auto" + i, i)));
    assert.ok(answers.every((answer) => answer === "OK"));
    assert.equal(await auto.get("auto999"), "999");
    auto.disconnect();
  },

  async bytes_pass_unharmed() {
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256));
    await client.set(bytes, bytes);
    assert.deepEqual(await client.getBuffer(bytes), bytes);
    assert.equal(await client.del(bytes), 1);
  },

  async large_values_pass() {
    const large = Buffer.alloc(20 * 1024 * 1024, "qcache ");
    assert.equal(await client.set("large", large), "OK");
    assert.ok(large.equals(await client.getBuffer("large")));
    assert.equal(await client.del("large"), 1);
  },

  async errors_are_errors() {
    await client.set("text", "abc");
    await assert.rejects(client.incr("text"), /^ReplyError: ERR value is not an integer or out of range$/);
    await assert.rejects(client.call("NOSUCH", "a"), /unknown command 'NOSUCH', with args beginning with: 'a'/);
    await assert.rejects(client.call("GET"), /wrong number of arguments for 'get' command/);
    await assert.rejects(client.set("text", "1", "EX", "-1"), /invalid expire time in 'set' command/);
    const results = await client.pipeline().set("ok", 1).incr("text").get("ok").exec();
    assert.equal(results[0][1], "OK");
    assert.match(results[1][0].message, /not an integer/);
    assert.equal(results[2][1], "1");
  },

  async times_to_live_work() {
    await client.set("brief", "v", "PX", 30);
    assert.ok((await client.pttl("brief")) <= 30);
    while ((await client.get("brief")) !== null);
    assert.equal(await client.pttl("brief"), -2);
    await client.set("long", "v");
    assert.equal(await client.expire("long", 1000), 1);
    assert.equal(await client.expire("long", 10, "GT"), 0);
    assert.equal(await client.persist("long"), 1);
    assert.equal(await client.ttl("long"), -1);
  },

  async scans_find_every_key() {
    await client.flushall();
    const pipeline = client.pipeline();
    for (let i = 0; i < 5000; i++) pipeline.set("scan:" + i, i);
    await pipeline.exec();
    const found = new Set();
    for await (const keys of client.scanStream({ match: "scan:*", count: 100 })) keys.forEach((key) => found.add(key));
    assert.equal(found.size, 5000);
    assert.equal(await client.dbsize(), 5000);
    assert.equal((await client.keys("scan:49?")).length, 10);
  },

  async client_commands_work() {
    await client.client("SETNAME", "tester");
    assert.equal(await client.client("GETNAME"), "tester");
    const id = await client.client("ID");
    assert.match(await client.client("LIST"), new RegExp(`id=${id} .* name=tester `));
    assert.match(await client.info("server"), /redis_version:7\.0\.15/);
    assert.deepEqual(await client.config("GET", "maxclients"), ["maxclients", "10000"]);
  },

  async databases_are_chosen_by_option() {
    const other = connect({ db: 5 });
    await other.set("only-here", "1");
    assert.equal(await client.get("only-here"), null);
    assert.equal(await other.get("only-here"), "1");
    other.disconnect();
  },

  async a_killed_connection_comes_back() {
    const killer = connect();
    const id = await client.client("ID");
    const gone = once(client, "close");
    const back = gone.then(() => once(client, "ready"));
    assert.equal(await killer.call("CLIENT", "KILL", "ID", id), 1);
    await gone;
    assert.equal(await client.set("after", "1"), "OK");
    await back;
    assert.notEqual(await client.client("ID"), id);
    killer.disconnect();
  },

  async the_unix_socket_serves() {
    const local = new Redis(socket);
    assert.equal(await local.ping(), "PONG");
    local.disconnect();
  },

  async monitor_shows_what_is_done() {
    const watcher = connect();
    await once(watcher, "ready"); // INFO must not come first: ioredis takes a line that comes with the OK for a reply
    const monitor = await watcher.monitor();
    const seen = new Promise((resolve) => monitor.on("monitor", (time, args) => args[0] === "set" && resolve(args)));
    await client.set("watched", "1");
    assert.deepEqual(await seen, ["set", "watched", "1"]);
    monitor.disconnect();
    watcher.disconnect();
  },

  async quitting_ends_the_connection() {
    const ended = once(client, "end");
    assert.equal(await client.quit(), "OK");
    await ended;
    assert.deepEqual(errors, []);
  },
});

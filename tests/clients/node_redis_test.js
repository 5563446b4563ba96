// Tests of the server through node-redis, in RESP2 and RESP3.
"use strict";

const assert = require("node:assert");
const { createClient, RESP_TYPES } = require("redis");
const { port, socket, once, suite } = require("./suite.js");

async function connect(RESP, more = {}) {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP, ...more });
  client.on("error", () => {}); // a lost connection is an event, and calls that fail reject
  await client.connect();
  return client;
}

function cases(RESP) {
  let client;
  return {
    async connects() {
      client = await connect(RESP);
      assert.equal(await client.ping(), "PONG");
      const hello = await client.sendCommand(["HELLO"]);
      assert.ok(JSON.stringify(hello).includes("proto"));
    },

    async sets_and_gets() {
      assert.equal(await client.set("name", "John Doe"), "OK");
      assert.equal(await client.get("name"), "John Doe");
      assert.equal(await client.get("absent"), null);
      assert.equal(await client.incrBy("n" + RESP, 41), 41);
      assert.equal(await client.incr("n" + RESP), 42);
      assert.deepEqual(await client.mGet(["name", "absent"]), ["John Doe", null]);
      assert.equal(await client.mSet({ a: "1", b: "2" }), "OK");
      assert.equal(await client.exists(["a", "b", "absent"]), 2);
      assert.equal(await client.del(["a", "b", "absent"]), 2);
      assert.equal(await client.set("name", "x", { condition: "NX" }), null);
      assert.equal(await client.set("name", "y", { GET: true }), "John Doe");
    },

    async calls_of_one_tick_travel_together() {
      const answers = await Promise.all(Array.from({ length: 20000 }, (_, i) => client.echo("token " + i)));
      answers.forEach((answer, i) => assert.equal(answer, "token " + i));
      const piped = await client.multi().set("piped", "1").incr("piped").get("piped").execAsPipeline();
      assert.deepEqual(piped, ["OK", 2, "2"]);
    },

    async bytes_pass_unharmed() {
      const bytes = Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256));
      const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
      await client.set(bytes, bytes);
      assert.deepEqual(await binary.get(bytes), bytes);
      assert.equal(await client.del(bytes), 1);
    },

    async large_values_pass() {
      const large = "qcache ".repeat(3 * 1024 * 1024);
      assert.equal(await client.set("large", large), "OK");
      assert.ok((await client.get("large")) === large);
      assert.equal(await client.del("large"), 1);
    },

    async errors_are_errors() {
      await client.set("text", "abc");
      await assert.rejects(client.incr("text"), /ERR value is not an integer or out of range/);
      await assert.rejects(client.sendCommand(["NOSUCH"]), /unknown command 'NOSUCH'/);
      assert.equal(await client.get("text"), "abc");
    },

    async times_to_live_work() {
      await client.set("brief", "v", { expiration: { type: "PX", value: 30 } });
      while ((await client.get("brief")) !== null);
      assert.equal(await client.ttl("brief"), -2);
      await client.set("long", "v", { expiration: { type: "EX", value: 1000 } });
      assert.ok((await client.ttl("long")) > 990);
      assert.equal(await client.expire("long", 10, "GT"), 0);
      assert.equal(await client.persist("long"), 1);
    },

    async scans_find_every_key() {
      await client.flushAll();
      await Promise.all(Array.from({ length: 3000 }, (_, i) => client.set("scan:" + i, "v")));
      const found = new Set();
      for await (const keys of client.scanIterator({ MATCH: "scan:*", COUNT: 100 })) keys.forEach((key) => found.add(key));
      assert.equal(found.size, 3000);
      assert.equal(await client.dbSize(), 3000);
    },

    async client_and_config_commands_work() {
      assert.equal(await client.clientSetName("tester"), "OK");
      assert.equal(await client.clientGetName(), "tester");
      const info = await client.clientInfo();
      assert.equal(info.name, "tester");
      assert.ok((await client.clientList()).some((one) => one.id === info.id));
      assert.equal((await client.configGet("maxclients")).maxclients, "10000");
      assert.match(await client.info("server"), /redis_version:7\.0\.15/);
      const get = (await client.commandInfo(["get"]))[0];
      assert.equal(get.name, "get");
      assert.equal(get.arity, 2);
    },

    async a_killed_connection_comes_back() {
      const killer = await connect(RESP);
      const id = await client.clientId();
      const back = once(client, "ready");
      assert.equal(await killer.clientKill({ filter: "ID", id }), 1);
      await back;
      assert.equal(await client.set("after", "1"), "OK");
      assert.notEqual(await client.clientId(), id);
      killer.destroy();
    },

    async the_unix_socket_and_another_database_serve() {
      const local = createClient({ socket: { path: socket }, RESP, database: 3 });
      await local.connect();
      assert.equal(await local.set("only-here", "1"), "OK");
      assert.equal(await client.get("only-here"), null);
      local.destroy();
    },

    async closing_waits_for_replies() {
      const pending = client.get("after");
      await client.close();
      assert.equal(await pending, "1");
    },
  };
}

const all = {};
for (const RESP of [2, 3])
  for (const [name, run] of Object.entries(cases(RESP))) all[`${name}, RESP${RESP}`] = run;
suite("node-redis", all);

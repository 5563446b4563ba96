// `suite(name, {case_name: async () => {...}})` runs the cases of a Node test in order, and prints the counts for tests/support/run.py.
"use strict";

const PATIENCE = Number(process.env.QCACHE_TEST_PATIENCE || 1);
const CASE_MS = 60000 * PATIENCE;

exports.port = Number(process.env.QCACHE_TEST_PORT);
exports.socket = process.env.QCACHE_TEST_SOCKET;

// Rejects when the promise isn't settled in time.
function inTime(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("not done in time: " + what)), CASE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Resolves with the arguments of the next such event.
exports.once = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));

exports.suite = async (name, cases) => {
  let passed = 0;
  let failed = 0;
  for (const [title, run] of Object.entries(cases)) {
    try {
      await inTime(run(), title);
      passed++;
      console.log(`${name}: ${title} ...passed`);
    } catch (error) {
      failed++;
      console.log(`${name}: ${title} ...FAILED\n${error.stack}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed, 0 skipped`);
  process.exit(failed ? 1 : 0);
};

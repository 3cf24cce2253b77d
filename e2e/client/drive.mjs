// Drives dvproxy with DynamicsWebApi, a client library for Dataverse that
// nobody here wrote, and that is given no way to come by a token.
//
//     node drive.mjs --origin http://localhost:7080 [--seconds 16.5] [--workers 4]
//
// Each worker goes through round after round: create a row, read, update,
// upsert, find and delete it, and compare whatever comes back with what was
// written. The last thing printed is one line of JSON that tells how it went.
// Exit code 0 says that nothing failed.

import { deepStrictEqual, equal, match } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { DynamicsWebApi } from "dynamics-web-api";

const { values: options } = parseArgs({
  options: {
    origin: { type: "string" },
    seconds: { type: "string", default: "16.5" },
    workers: { type: "string", default: "4" },
  },
});

const PAUSE = 20; // milliseconds between a worker's rounds
const KEPT = 20; // failures that are reported in full
const WRITES = ["create", "update", "upsert", "deleteRecord"];
const collection = "accounts";
const columns = ["name", "description", "fax", "revenue", "numberofemployees", "donotphone"];

const api = new DynamicsWebApi({
  serverUrl: options.origin,
  dataApi: { version: "9.2" },
  propagateErrors: true, // a refusal is an error, never a false or a null
  timeout: 15_000,
});

const report = {
  operations: {}, // that succeeded, by kind
  total: 0,
  writes: 0, // that Dataverse must have executed
  rounds: 0,
  failed: 0,
  statuses: {}, // of failures, by HTTP status; "none" without an answer
  failures: [], // the first of them
  longest_gap_ms: 0, // between two operations that succeeded
  seconds: 0,
};

let lastSuccess = performance.now();

// done counts an operation, and returns what its check says of the result.
async function done(kind, promise, check = (result) => result) {
  const checked = check(await promise);
  const now = performance.now();
  report.longest_gap_ms = Math.max(report.longest_gap_ms, Math.round(now - lastSuccess));
  lastSuccess = now;
  report.operations[kind] = (report.operations[kind] ?? 0) + 1;
  report.total++;
  if (WRITES.includes(kind)) report.writes++;
  return checked;
}

// refused counts an operation that Dataverse itself must refuse.
function refused(kind, promise, status) {
  const outcome = promise.then(
    (result) => Promise.reject(new Error(`${kind}: succeeded, want ${status}: ${JSON.stringify(result)}`)),
    (error) => (error.status === status ? error : Promise.reject(error)),
  );
  return done(kind, outcome, (error) => match(error.code, /^0x8/));
}

const same = (want) => (got) => {
  for (const column of Object.keys(want)) deepStrictEqual(got[column], want[column], column);
  return got;
};

// row has a name that no other write gives, so that one which is executed
// twice shows, and text that must not be touched on the way.
const row = (mark, n, step) => ({
  name: `${mark} ${step} by O'Brien & Söhne; 100%`,
  description: `"<b>"\\ ${options.origin}/api/data/v9.2/accounts(1) 株式会社 ${"x".repeat(n % 2000)}`,
  fax: mark,
  revenue: n + 0.25,
  numberofemployees: n,
  donotphone: n % 2 === 0,
});

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

// round does everything once. Mark is in each of its rows, and in no other's.
async function round(mark, n) {
  await done("callFunction", api.callFunction("WhoAmI"), (who) => match(who.UserId, /^[0-9a-f-]{36}$/));

  const first = row(mark, n, "created");
  const key = await done("create", api.create({ collection, data: first }), (id) => (match(id, /^[0-9a-f-]{36}$/), id));
  const read = await done("retrieve", api.retrieve({ collection, key, select: columns }), same(first));

  const second = row(mark, n, "updated");
  await done("update", api.update({ collection, key, data: second, ifmatch: read["@odata.etag"] }), (ok) => equal(ok, true));
  await refused("conflict", api.update({ collection, key, data: first, ifmatch: read["@odata.etag"] }), 412);

  const other = randomUUID();
  const third = row(mark, n, "upserted");
  await done("upsert", api.upsert({ collection, key: other, data: third, returnRepresentation: true }), same(third));
  const fourth = row(mark, n, "upserted again");
  await done("upsert", api.upsert({ collection, key: other, data: fourth }), (id) => equal(id, other));

  const filter = `fax eq ${quoted(mark)} and name eq ${quoted(second.name)}`;
  await done("retrieveMultiple", api.retrieveMultiple({ collection, select: columns, filter, count: true }), (page) => {
    equal(page.oDataCount, 1);
    same(second)(page.value[0]);
  });
  const mine = { collection, select: ["name"], filter: `fax eq ${quoted(mark)}`, orderBy: ["name asc"] };
  await done("retrieveMultiple", api.retrieveMultiple(mine), (page) =>
    deepStrictEqual(page.value.map((r) => r.name), [second.name, fourth.name]),
  );

  for (const gone of [key, other]) {
    await done("deleteRecord", api.deleteRecord({ collection, key: gone }), (ok) => equal(ok, true));
    await refused("missing", api.retrieve({ collection, key: gone }), 404);
  }
}

function note(worker, n, error) {
  const status = error.status ?? "none";
  report.failed++;
  report.statuses[status] = (report.statuses[status] ?? 0) + 1;
  if (report.failures.length < KEPT) {
    report.failures.push({ worker, round: n, status, code: error.code, message: error.message });
  }
}

async function work(worker, end) {
  for (let n = 0; performance.now() < end; n++) {
    try {
      await round(`${worker}-${n}`, n); // a failed round's rows are in nobody's way
      report.rounds++;
    } catch (error) {
      note(worker, n, error);
    }
    await pause(PAUSE);
  }
}

const begin = performance.now();
const end = begin + 1000 * Number(options.seconds);
await Promise.all(Array.from({ length: Number(options.workers) }, (_, i) => work(`w${i}`, end)));
report.seconds = (performance.now() - begin) / 1000;
console.log(JSON.stringify(report));
process.exitCode = report.failed === 0 ? 0 : 1;

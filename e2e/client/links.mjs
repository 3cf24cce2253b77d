// Follows links through dvproxy with DynamicsWebApi, a client library for
// Dataverse that nobody here wrote: pages, batches, references, changes, operations
// in the background, and files.
//
//     node links.mjs --origin http://localhost:7080 --control http://localhost:7182 \
//         [--seconds 0] [--megabytes 5] [--revoke] [--text TEXT]
//
// Round after round everything is done once, until the time is over. With
// --revoke the environment refuses tokens just before much of it. The last
// thing printed is one line of JSON that tells how it went. Exit code 0 says
// that nothing failed.

import { deepStrictEqual, equal, match, ok } from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { watch, Wire } from "./watch.mjs";

const { values: options } = parseArgs({
  options: {
    origin: { type: "string" },
    control: { type: "string" },
    seconds: { type: "string", default: "0" },
    megabytes: { type: "string", default: "5" },
    revoke: { type: "boolean", default: false },
    text: { type: "string", default: "" },
  },
});

const wire = new Wire(options.origin);
watch(wire);
const { DynamicsWebApi } = await import("dynamics-web-api"); // sees the watched http

const api = new DynamicsWebApi({
  serverUrl: options.origin,
  dataApi: { version: "9.2" },
  propagateErrors: true, // a refusal is an error, never a false or a null
  timeout: 15_000,
});
const root = `${options.origin}/api/data/v9.2/`;
const GUID = /^[0-9a-f-]{36}$/;

const report = { rounds: 0, writes: 0, refusals: 0, files: [], kept: [], failure: "", seconds: 0 };

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

async function control(call, body) {
  const [method, path] = call.split(" ");
  const response = await fetch(options.control + path, { method, body: body && JSON.stringify(body) });
  ok(response.ok, `${call}: ${response.status}`);
}

// The next request meets a token that was good a moment ago.
async function revoke() {
  if (!options.revoke) return;
  await control("POST /tokens/revoke");
  report.refusals++;
}

// The request after so many others of this method and path is refused.
async function refuse(method, path, skip) {
  if (!options.revoke) return;
  await control("POST /faults/dataverse", { kind: "unauthorized", method, path, skip, count: 1 });
  report.refusals++;
}


async function create(collection, data) {
  const id = await api.create({ collection, data });
  match(id, GUID);
  report.writes++;
  return id;
}

// batch carries out some calls in one request.
async function batch(request, ...calls) {
  api.startBatch();
  for (const call of calls) await call();
  await revoke();
  return api.executeBatch(request);
}

// Contacts of an account, which each names by an absolute URL.
async function family(mark) {
  const account = await create("accounts", { name: `${mark} account`, fax: mark });
  const people = [];
  for (let n = 0; n < 7; n++) {
    const fullname = `${mark} person ${n}`;
    const data = { fullname, fax: mark, numberofchildren: report.rounds, "parentcustomerid_account@odata.bind": `${root}accounts(${account})` };
    people.push({ id: await create("contacts", data), fullname });
  }
  const key = people[0].id;
  const read = await api.retrieve({ collection: "contacts", key, select: ["fullname", "_parentcustomerid_account_value"] });
  equal(read._parentcustomerid_account_value, account);
  return { account, people };
}

async function pages(mark, people) {
  const request = { collection: "contacts", select: ["fullname"], filter: `fax eq ${quoted(mark)}`, orderBy: ["fullname"] };
  const want = people.map((p) => p.fullname);
  const fullnames = (rows) => rows.map((row) => row.fullname);

  const got = [];
  let next;
  let count = 0;
  do {
    const page = await api.retrieveMultiple({ ...request, maxPageSize: 2 }, next);
    got.push(...fullnames(page.value));
    next = page.oDataNextLink;
    if (next) ok(next.startsWith(root), next);
    count++;
    if (count === 2) await revoke();
  } while (next);
  deepStrictEqual({ got, count }, { got: want, count: 4 });

  const all = await api.retrieveAll({ ...request, maxPageSize: 3 });
  deepStrictEqual(fullnames(all.value), want);

  // A URL longer than 2,000 characters: the library makes a batch of it.
  const padding = ` and fax ne ${quoted("x".repeat(2000))}`;
  const long = await api.retrieveMultiple({ ...request, filter: request.filter + padding, maxPageSize: 4 });
  ok(long.oDataNextLink.startsWith(root), long.oDataNextLink);
  const rest = await api.retrieveMultiple({ ...request }, long.oDataNextLink);
  deepStrictEqual([...fullnames(long.value), ...fullnames(rest.value)], want);
}

const person = (key) => api.retrieve({ collection: "contacts", key, select: ["fullname", "_parentcustomerid_account_value"] });

// A change set, whose operations refer to each other and by absolute URLs to
// what was there before.
async function changeSet(mark, account) {
  const [first, updated, second, again] = await batch(
    undefined,
    () => api.create({ collection: "contacts", contentId: "1", data: { fullname: `${mark} first` } }),
    () => api.update({ contentId: "$1", data: { lastname: `${mark} last`, "parentcustomerid_account@odata.bind": `${root}accounts(${account})` } }),
    () => api.create({ collection: "accounts", contentId: "2", data: { name: `${mark} second`, "primarycontactid@odata.bind": "$1" } }),
    () => api.update({ collection: "accounts", key: account, data: { name: `${mark} account again` } }),
  );
  report.writes += 4;
  match(first, GUID);
  match(second, GUID);
  deepStrictEqual([updated, again], [true, true]);
  equal((await person(first))._parentcustomerid_account_value, account);
  const bound = await api.retrieve({ collection: "accounts", key: second, select: ["primarycontactid/$ref"] });
  equal(bound.id, first);
  equal(bound.collection, "contacts");
}

// A batch without a change set, of which one part is a page.
async function plainBatch(mark, people) {
  const collection = "contacts";
  const filter = `numberofchildren eq ${report.rounds}`; // quotes in the link would come back as %27
  const [one, read, page] = await batch(
    { inChangeSet: false },
    () => api.create({ collection: "accounts", data: { name: `${mark} third` } }),
    () => api.retrieve({ collection, key: people[0].id, select: ["fullname"] }),
    () => api.retrieveMultiple({ collection, select: ["fullname"], filter, orderBy: ["fullname"], maxPageSize: 5 }),
  );
  report.writes++;
  match(one, GUID);
  equal(read.fullname, people[0].fullname);
  equal(page.value.length, 5);
  const rest = await api.retrieveMultiple({ collection }, page.oDataNextLink);
  deepStrictEqual(rest.value.map((r) => r.fullname), people.slice(5).map((p) => p.fullname));
}

// Batches that fail in part, and as a whole.
async function failingBatches(mark) {
  const missing = () => api.retrieve({ collection: "contacts", key: "00000000-0000-0000-0000-0000000000ff", select: ["fullname"] });
  const [before, gone, made] = await batch(
    { inChangeSet: false, continueOnError: true },
    () => api.create({ collection: "accounts", data: { name: `${mark} before it` } }),
    missing,
    () => api.create({ collection: "accounts", data: { name: `${mark} in spite of it` } }),
  );
  report.writes += 2;
  match(before, GUID);
  equal(gone.status, 404);
  match(made, GUID);

  const outcome = await batch(
    { inChangeSet: false },
    missing,
    () => api.create({ collection: "accounts", data: { name: `${mark} never` } }),
  ).catch((error) => error);
  equal(outcome.length, 1, "the library makes a list of a batch's refusal");
  equal(outcome[0].status, 404);

  const rolledBack = await batch(
    undefined,
    () => api.create({ collection: "accounts", contentId: "1", data: { name: `${mark} rolled back` } }),
    () => api.create({ collection: "contacts", data: { fullname: `${mark} of none`, "parentcustomerid_account@odata.bind": "$7" } }),
  ).catch((error) => error);
  match(rolledBack[0].error.message, /'\$7' does not exist/);
}

// References, made and dissolved by absolute URLs.
async function references(account, people) {
  const collection = "accounts";
  const many = { collection, primaryKey: account, relationshipName: "contact_customer_accounts", relatedCollection: "contacts" };
  const linked = async () => (await api.retrieveMultiple({ collection: `${collection}(${account})/contact_customer_accounts` })).value.map((r) => r.fullname);
  for (const p of people.slice(0, 3)) {
    await revoke();
    await api.associate({ ...many, relatedKey: p.id });
  }
  deepStrictEqual(await linked(), people.slice(0, 3).map((p) => p.fullname));
  const ids = await api.retrieve({ collection, key: account, select: ["contact_customer_accounts/$ref"] });
  for (const ref of ids.value) ok(ref["@odata.id"].startsWith(`${root}contacts(`), ref["@odata.id"]);
  await api.disassociate({ ...many, relatedKey: people[1].id });
  deepStrictEqual(await linked(), [people[0].fullname, people[2].fullname]);

  const one = { collection, primaryKey: account, navigationProperty: "primarycontactid" };
  await api.associateSingleValued({ ...one, relatedCollection: "contacts", relatedKey: people[4].id });
  equal((await api.retrieve({ collection, key: account, select: ["primarycontactid/$ref"] })).id, people[4].id);
  await revoke();
  await api.disassociateSingleValued(one);
  report.writes += 6;
}

// Every kind of link in an answer: nested ones, those of full metadata, and
// the endpoints of the environment itself.
async function everyLink(account, mark) {
  const request = { collection: "accounts", filter: `fax eq ${quoted(mark)}`, maxPageSize: 2 };
  const expand = [{ property: "contact_customer_accounts", select: ["fullname"] }];
  const page = await api.retrieveMultiple({ ...request, expand });
  const next = page.value[0]["contact_customer_accounts@odata.nextLink"];
  ok(next.startsWith(`${root}accounts(${account})/`), next);
  equal((await api.retrieveMultiple({ collection: "accounts" }, next)).value.length, 2);

  const full = await api.retrieveMultiple({ ...request, headers: { Accept: "application/json;odata.metadata=full" } });
  const row = full.value[0];
  const absolute = Object.entries(row).filter(([, value]) => /^https?:/.test(value));
  ok(absolute.length > 1, `links of full metadata: ${JSON.stringify(row)}`);
  // What was read is written back, links and all.
  await api.update({ collection: "accounts", key: account, data: { ...row, name: `${mark} account in full` } });
  report.writes++;

  for (const access of ["Default", "Internet"]) {
    const parameters = { AccessType: `Microsoft.Dynamics.CRM.EndpointAccessType'${access}'` };
    const { Detail } = await api.callFunction({ name: "RetrieveCurrentOrganization", parameters });
    ok(JSON.stringify(Detail.Endpoints).includes(options.origin), JSON.stringify(Detail));
  }
}

// What has changed since, twice.
async function changes(mark) {
  const collection = "sample_notes";
  const request = { collection, select: ["name"], trackChanges: true };
  const keep = await create(collection, { name: `${mark} kept` });
  const gone = await create(collection, { name: `${mark} gone` });
  const first = await api.retrieveAll(request);
  ok(first.oDataDeltaLink.startsWith(`${root}${collection}?`), first.oDataDeltaLink);
  const none = await api.retrieveMultiple(request, first.oDataDeltaLink);
  equal(none.value.length, 0);
  await api.deleteRecord({ collection, key: gone });
  await api.update({ collection, key: keep, data: { name: `${mark} changed` } });
  report.writes += 2;
  await revoke();
  const second = await api.retrieveMultiple(request, none.oDataDeltaLink);
  deepStrictEqual(second.value.map((r) => r.name ?? r.reason), [`${mark} changed`, "deleted"]);
}

// An action in the background, whose status monitor is beside the Web API.
async function background(mark) {
  const monitors = `${options.origin}/api/backgroundoperation/`;
  const action = { actionName: "sample_Export", action: { Name: mark }, respondAsync: true };
  await revoke();
  const begun = await api.callAction(action);
  equal(begun.location, monitors + begun.backgroundOperationId);
  equal((await api.getBackgroundOperationStatus(begun.backgroundOperationId)).Name, mark);
  const called = await api.callAction({ ...action, backgroundOperationCallbackUrl: `${options.origin}/kept` });
  equal(called.location, monitors + called.backgroundOperationId);
  await api.cancelBackgroundOperation(called.backgroundOperationId);
  report.writes += 2;
}

// A file that goes up in blocks and comes down in parts.
async function file(key) {
  const collection = "accounts";
  const data = randomBytes(Number(options.megabytes) * 1_000_003);
  const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
  await refuse("PATCH", `/api/data/v9.2/accounts(${key})/sample_file`, 2); // the second block
  await api.uploadFile({ collection, key, fieldName: "sample_file", fileName: "sample.bin", data });
  report.writes++;
  report.files.push({ id: key, name: "sample.bin", sha256: sha256(data), length: data.length });
  await refuse("GET", `/api/data/v9.2/accounts(${key})/sample_file`, 1); // the second part
  const back = await api.downloadFile({ collection, key, property: "sample_file" });
  deepStrictEqual([back.fileName, back.fileSize, sha256(back.data)], ["sample.bin", data.length, sha256(data)]);
}

// A record whose text holds what it was given is read and written back.
async function readModifyWrite(mark) {
  const key = await create("accounts", { name: `${mark} record`, description: options.text, websiteurl: options.text.slice(0, 50) });
  const read = await api.retrieve({ collection: "accounts", key });
  equal(read.description, options.text);
  await revoke();
  await api.update({ collection: "accounts", key, data: { ...read, name: `${mark} record again` } });
  report.writes++;
  report.kept.push(key);
}

async function round(mark) {
  const { account, people } = await family(mark);
  await pages(mark, people);
  await changeSet(mark, account);
  await plainBatch(mark, people);
  await failingBatches(mark);
  await references(account, people);
  await everyLink(account, mark);
  await changes(mark);
  await background(mark);
  await file(account);
  if (options.text) await readModifyWrite(mark);
  report.rounds++;
}

const begin = performance.now();
try {
  do await round(`r${report.rounds}`);
  while (performance.now() - begin < 1000 * Number(options.seconds));
} catch (error) {
  report.failure = `${error.stack ?? JSON.stringify(error)}\n${JSON.stringify(error)}`;
}
report.seconds = (performance.now() - begin) / 1000;
Object.assign(report, { requests: wire.requests, statuses: wire.statuses, links: wire.links, strays: wire.strays });
console.log(JSON.stringify(report));
process.exitCode = report.failure === "" && wire.strays.length === 0 ? 0 : 1;

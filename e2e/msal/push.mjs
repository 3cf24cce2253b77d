// Pushes rows through dvproxy as a program does that takes its token from MSAL,
// and has no other way to get one.
//
//     node push.mjs --origin https://localhost:7443 --tenant ID --client ID [--seconds 12]
//
// The client's secret is read from CLIENT_SECRET. Before each request MSAL is
// asked for the token, as its documentation wants it. The last thing printed is
// one line of JSON that tells how it went.

import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ConfidentialClientApplication } from "@azure/msal-node";

const { values: options } = parseArgs({
  options: {
    origin: { type: "string" },
    tenant: { type: "string" },
    client: { type: "string" },
    seconds: { type: "string", default: "12" },
  },
});

const app = new ConfidentialClientApplication({
  auth: {
    clientId: options.client,
    clientSecret: process.env.CLIENT_SECRET,
    // The two lines that change: where tokens come from, and for what.
    authority: `${options.origin}/${options.tenant}`,
    knownAuthorities: [new URL(options.origin).host],
  },
});
const scopes = [`${options.origin}/.default`];

const report = {
  requests: 0,
  statuses: {}, // of answers
  error: "", // the first one thrown, by its code
  tokens: 0, // different ones that MSAL gave
  from_cache: 0, // times that it had one
  lifetime: 0, // of the first, in seconds
  seconds: 0,
};
const seen = new Set();
const began = performance.now();
const end = began + 1000 * Number(options.seconds);

try {
  while (performance.now() < end) {
    const { accessToken, fromCache, expiresOn } = await app.acquireTokenByClientCredential({ scopes });
    if (seen.size === 0) report.lifetime = Math.round((expiresOn - Date.now()) / 1000);
    seen.add(accessToken);
    if (fromCache) report.from_cache++;
    const answer = await fetch(`${options.origin}/api/data/v9.2/accounts`, {
      method: "POST",
      headers: { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json" },
      body: JSON.stringify({ name: `row-${report.requests}` }),
    });
    await answer.arrayBuffer();
    report.requests++;
    report.statuses[answer.status] = (report.statuses[answer.status] ?? 0) + 1;
    await pause(20);
  }
} catch (error) {
  report.error = `${error.errorCode ?? error.cause?.code ?? error.name}: ${error.message}`;
}
report.tokens = seen.size;
report.seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify(report));

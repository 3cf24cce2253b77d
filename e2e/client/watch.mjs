// Watches the wire below a client library that nobody here wrote: what it
// asked for, what it was answered, and which origins it was told of.

import http from "node:http";
import { syncBuiltinESMExports } from "node:module";

// A URL in an answer. Those under /kept are record data, in which any origin
// may stand.
const URLS = /(https?:\/\/[^/\s"'<>\\?#]+)(\/kept\b)?/g;

// A Wire is what was seen so far.
export class Wire {
  constructor(origin) {
    this.origin = origin;
    this.requests = 0;
    this.statuses = {}; // by HTTP status
    this.links = 0; // to the origin
    this.strays = []; // what led elsewhere, and requests that a library has mangled
  }

  stray(what) {
    if (this.strays.length < 20) this.strays.push(what);
  }

  request(url, path) {
    this.requests++;
    const query = path.indexOf("?");
    if (url.origin !== this.origin) this.stray(`request to ${url.origin}`);
    if (path.slice(0, query < 0 ? undefined : query).includes("://")) this.stray(`request for ${path.slice(0, 100)}`);
  }

  answer(request, response, body) {
    this.statuses[response.statusCode] = (this.statuses[response.statusCode] ?? 0) + 1;
    const head = ["location", "odata-entityid", "content-location"].map((name) => response.headers[name] ?? "").join("\n");
    for (const [, origin, kept] of `${head}\n${body}`.matchAll(URLS)) {
      if (kept) continue;
      if (origin === this.origin) this.links++;
      else this.stray(`${request.method} ${request.path.slice(0, 100)}: answered with ${origin}`);
    }
  }
}

// watch lets a wire see all requests of node:http to an origin's host, whoever
// makes them.
export function watch(wire) {
  const original = http.request;
  http.request = (options, callback) => {
    // The library leaves the brackets of [::1] on, with which node finds no host.
    options = { ...options, hostname: options.hostname.replace(/^\[(.*)\]$/, "$1") };
    const url = new URL(`http://${options.hostname.includes(":") ? `[${options.hostname}]` : options.hostname}:${options.port}`);
    wire.request(url, options.path);
    const request = original(options, callback);
    request.on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => wire.answer(request, response, chunks.join("")));
    });
    return request;
  };
  syncBuiltinESMExports();
}

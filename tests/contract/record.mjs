// record.mjs - what the clients of a test run ask and are answered, for judge.mjs.  Preloaded into node
// (tests/run: NODE_OPTIONS="--import .../record.mjs"); each process appends to a file of its own in LF_RECORD, one JSON object a line:
// method, url, sent (the body, where it is JSON), status, headers, body.  Clients are not changed by it and see the same bytes.
import fs from "node:fs";
import https from "node:https";
import path from "node:path";

const LONGEST = 1 << 20; // bytes of a body that is kept
const dir = process.env.LF_RECORD;
const file = dir && path.join(dir, `${process.pid}-${Date.now()}.jsonl`);

function keep(method, url, sent, status, headers, body) {
  if (!/^https:\/\/(127\.0\.0\.1|localhost)(:\d+)?\/+(subscriptions|providers|tenants)/i.test(url)) return; // no tokens, no blobs, no registry
  fs.appendFileSync(file, `${JSON.stringify({ method, url, sent, status, headers, body })}\n`);
}

function watch(request, method, url) {
  const sent = [];
  const take = (data) => { if (data && typeof data !== "function") sent.push(Buffer.from(data)); };
  for (const name of ["write", "end"]) {
    const real = request[name];
    request[name] = function (data, ...rest) { take(data); return real.call(this, data, ...rest); };
  }
  request.on("response", (answer) => {
    const parts = [];
    const push = answer.push;
    answer.push = function (data, ...rest) {
      if (data) parts.push(Buffer.from(data));
      else keep(method, url, Buffer.concat(sent).subarray(0, LONGEST).toString(), answer.statusCode, answer.headers, Buffer.concat(parts).subarray(0, LONGEST).toString());
      return push.call(this, data, ...rest);
    };
  });
}

if (dir) {
  const real = https.request;
  https.request = function (...args) {
    const request = real.apply(this, args);
    watch(request, request.method, `${request.protocol}//${request.getHeader("host")}${request.path}`);
    return request;
  };
  const realFetch = globalThis.fetch;
  globalThis.fetch = async function (target, options = {}) {
    const answer = await realFetch(target, options);
    const copy = answer.clone();
    if (typeof target === "string" || target instanceof URL) {
      const body = await copy.text();
      keep(options.method ?? "GET", String(target), typeof options.body === "string" ? options.body.slice(0, LONGEST) : "", answer.status, Object.fromEntries(answer.headers), body.slice(0, LONGEST));
    }
    return answer;
  };
}

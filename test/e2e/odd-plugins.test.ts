/** Sinks in JavaScript that do not keep their promises, each in a way of its own, beside one that does: none but their own deliveries suffer. */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  createInstallation,
  eventually,
  type Installation,
  listEvents,
  type RunningEngine,
} from "../support/engine-process.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const FINE = '() => ({ summary: "x", data: {} })';
const DONE = 'async () => ({ kind: "delivered" })';
/** Name -> [open, what its delivery comes to, or the code of its dead letter]. */
const ODD: Readonly<Record<string, readonly [string, RegExp]>> = {
  nothing: [opened(FINE, "async () => undefined"), /unknown/],
  word: [opened(FINE, 'async () => "delivered"'), /unknown/],
  kindless: [opened(FINE, 'async () => ({ kind: "ok" })'), /unknown/],
  thrower: [opened(FINE, "() => { throw new Error('canary-value'); }"), /unknown/],
  never: [opened(FINE, "() => 7"), /unknown/],
  formless: [opened("() => undefined", DONE), /HK5431/],
  bigint: [opened('() => ({ summary: "x", data: { n: 10n } })', DONE), /HK5431/],
  cyclic: [opened('() => { const data = {}; data.data = data; return { summary: "x", data }; }', DONE), /HK5431/],
  floating: [
    opened(FINE, "async () => { Promise.reject(new Error('canary-value')); return { kind: 'delivered' }; }"),
    /unknown/,
  ],
  unawaited: [
    opened(
      FINE,
      "async () => { const save = async () => { await 1; null.x(); }; save(); return { kind: 'delivered' }; }",
    ),
    /unknown/,
  ],
  // Told and settled: what fails afterwards is only said.
  afterwards: [
    opened(
      FINE,
      "async () => { setTimeout(() => Promise.reject(new TypeError('canary-value')), 50); return { kind: 'delivered' }; }",
    ),
    /delivered/,
  ],
  elsewhere: [
    "async (_, { http }) => { const signal = AbortSignal.timeout(1000); http.request({ method: 'GET', url: 'no url', headers: {}, signal }).then((a) => a.none.such); return { prepare: " +
      FINE +
      ", send: " +
      DONE +
      ", close: async () => {} }; }",
    /delivered/,
  ],
  late: [opened(FINE, 'async () => ({ kind: "retry", detail: 7, afterMs: "soon", status: "x" })'), /retrying/],
  shut: ["async () => ({})", /pending/],
};

function opened(prepare: string, send: string): string {
  return `async () => ({ prepare: ${prepare}, send: ${send}, close: async () => {} })`;
}

const plugin = (name: string, open: string) => `import { closed, defineSink } from "hookrail/plugin";
export default defineSink({ name: "${name}", summary: "Odd.", config: closed({}), guarantee: "at_least_once",
  actions: { "*": { kind: "effect", summary: "Acts.", repeat: "safe" } }, defaultAction: "*", marksAttempts: true, local: true, open: ${open} });
`;

let installation: Installation;
let engine: RunningEngine;

beforeAll(async () => {
  const names = Object.keys(ODD);
  installation = createInstallation({
    env: { SECRET: "s3cret" },
    files: {
      ...Object.fromEntries(
        Object.entries(ODD).map(([name, [open]]) => [`plugins/sinks/${name}.js`, plugin(name, open)]),
      ),
      "config.yaml": `environment: dev
server: { port: 0 }
admin: { port: 0 }
limits: { disk_reserve: 0B }
teams: { ops: {} }
seed: none
entities: { person: { attributes: { amount: { type: integer, owner: ops } } } }
connections:
${names.map((name) => `  ${name}: { sink: ${name}, retry: { base: 1h, cap: 1h } }`).join("\n")}
  out: { sink: file, path: ./out.ndjson }
`,
      "pipelines/made.yaml": `pipeline: made
owner: ops
source:
  path: /hooks/made
  secrets: ["\${SECRET}"]
  signature: { scheme: hmac, header: x-signature }
  id: body:id
  type: body:type
rules:
  - { on: made, write: { person: { key: person, fields: { amount: amount } } } }
deliver:
${names.map((name) => `  - { to: ${name} }`).join("\n")}
  - { to: out }
`,
    },
  });
  engine = await installation.start();
});

afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

const post = (id: string) => {
  const body = JSON.stringify({ id, type: "made", person: id, amount: 1 });
  const signature = createHmac("sha256", "s3cret").update(body).digest("hex");
  return fetch(`${engine.hooks}/hooks/made`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", "x-signature": signature },
  });
};

interface Story {
  readonly deliveries: readonly { readonly connection: string; readonly status: string }[];
  readonly dead_letters: readonly { readonly code: string; readonly message: string }[];
}

test("each comes to what can be known of it, and everything else goes on", async () => {
  expect((await post("a")).status).toBe(202);
  const [event] = await listEvents(engine);
  const story = await eventually(
    async () => ((await (await fetch(`${engine.admin}/api/v1/events/${event?.id}`)).json()) as { event: Story }).event,
    ({ deliveries }) =>
      deliveries.length > Object.keys(ODD).length &&
      deliveries.every(({ connection, status }) => connection === "shut" || !["pending", "sending"].includes(status)),
  );
  for (const { connection, status } of story.deliveries) {
    const letters = story.dead_letters.filter(({ message }) => message.includes(`\`${connection}\``));
    const came = [status, ...letters.map(({ code }) => code)].join(" ");
    expect(`${connection}: ${came}`).toMatch(ODD[connection]?.[1] ?? /delivered/);
  }
  expect(readFileSync(join(installation.root, "out.ndjson"), "utf8").trim().split("\n")).toHaveLength(1);
  expect((await post("b")).status).toBe(202);
  await eventually(
    async () => readFileSync(join(installation.root, "out.ndjson"), "utf8").trim().split("\n").length,
    (lines) => lines === 2,
  );
  expect(engine.child.exitCode).toBeNull();
  expect(engine.lines.join("\n") + JSON.stringify(story)).not.toContain("canary-value");
});

test("the log names the sink and what it should have given", () => {
  const told = engine.lines.join("\n");
  expect(told).toMatch(/HK5430/);
  expect(told).toMatch(/HK5432/);
  for (const name of ["floating", "unawaited", "afterwards", "elsewhere"])
    expect(told).toMatch(new RegExp(`"code":"HK5440","sink":"${name}","connection":"${name}"`));
  expect(told).toMatch(/"error":"TypeError","at":"[^"]*plugins\/sinks\/unawaited\.js:\d+:\d+"/);
});

test("ends in order", async () => {
  expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
});

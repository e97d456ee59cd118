/** The plugins that docs/plugins.md shows, written into an installation as they stand there, at work in a real engine. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  createInstallation,
  eventually,
  type Installation,
  listEvents,
  type RunningEngine,
} from "../support/engine-process.ts";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { blocksOf, readPages } from "./support.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SECRET = "s3cret-canary";
const LEDGER_KEY = "ledger-canary";

/** A block of code belongs to the file that the prose before it names last. */
function shownPlugins(): Record<string, string> {
  const page = readPages().find(({ path }) => path === "docs/plugins.md");
  if (page === undefined) throw new Error("docs/plugins.md is not there");
  const lines = page.text.split("\n");
  const code = blocksOf(page).filter(({ language }) => language === "js" || language === "ts");
  return Object.fromEntries(
    code.map((block) => {
      const before = lines.slice(0, block.line - 1).join("\n");
      const file = [...before.matchAll(/`(plugins\/(?:sinks|schemes)\/[a-z]+\.(?:js|ts))`/g)].at(-1)?.[1];
      return [file ?? "", block.text];
    }),
  );
}

/** Schemes that are broken, each in a way of its own; the digest of `lazy` is right, but a promise. */
const BROKEN: Readonly<Record<string, string>> = {
  thrower: "() => { throw new Error('s3cret-canary'); }",
  liar: "() => ({ length: 32 })",
  short: "() => new Uint8Array(8)",
  nothing: "() => undefined",
  words: "() => 'ab'.repeat(32)",
  lazy: "async () => { throw new Error('s3cret-canary'); }",
  trap: "() => new Proxy(new Uint8Array(32), { getPrototypeOf() { throw new Error('s3cret-canary'); } })",
};

const source = (name: string) => `  ${name}:
    path: /hooks/${name}
    secrets: ["\${SECRET}"]
    signature: { scheme: ${name}, header: x-signature }
    id: body:id
    type: body:type`;

const pipeline = (name: string) => `pipeline: ${name}
owner: ops
source: ${name}
rules:
  - { on: made, write: { person: { key: person${name === "sandwich" ? ", fields: { amount: amount }" : ""} } } }
deliver:
  - { to: drop, event: made, amount: { from: amount } }
  - { to: books, amount: { from: amount } }
`;

let installation: Installation;
let engine: RunningEngine;
let ledger: FaultServer;

beforeAll(async () => {
  ledger = await startFaultServer();
  const shown = shownPlugins();
  expect(Object.keys(shown)).toEqual([
    "plugins/sinks/dropbox.js",
    "plugins/sinks/ledger.ts",
    "plugins/schemes/sandwich.js",
  ]);
  installation = createInstallation({
    env: { SECRET, LEDGER_KEY },
    files: {
      ...shown,
      ...Object.fromEntries(
        Object.entries(BROKEN).map(([name, digest]) => [
          `plugins/schemes/${name}.js`,
          `import { defineScheme } from "hookrail/plugin";\nexport default defineScheme({ name: "${name}", summary: "Broken.", digest: ${digest} });`,
        ]),
      ),
      "config.yaml": `environment: dev
server: { port: 0 }
admin: { port: 0 }
limits: { disk_reserve: 0B }
teams: { ops: {} }
seed: none
entities: { person: { attributes: { amount: { type: integer, owner: ops } } } }
sources:
${["sandwich", ...Object.keys(BROKEN)].map(source).join("\n")}
connections:
  drop: { sink: dropbox, folder: ./drop }
  books: { sink: ledger, url: "${ledger.url}/book", key: "\${LEDGER_KEY}", allow_private: true, retry: { base: 100ms, cap: 200ms } }
`,
      ...Object.fromEntries(
        ["sandwich", ...Object.keys(BROKEN)].map((name) => [`pipelines/${name}.yaml`, pipeline(name)]),
      ),
    },
  });
  const checked = await installation.hookrail("check");
  expect([checked.code, checked.stdout + checked.stderr]).toEqual([0, expect.stringContaining("no errors")]);
  engine = await installation.start();
});

afterAll(async () => {
  await engine?.end("SIGTERM");
  installation?.remove();
  await ledger?.close();
});

const bodyOf = (id: string) => JSON.stringify({ id, type: "made", person: "p1", amount: 12 });
const sandwich = (body: string) => createHash("sha256").update(`${SECRET}${body}${SECRET}`).digest("hex");
const post = (name: string, body: string, signature: string) =>
  fetch(`${engine.hooks}/hooks/${name}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", "x-signature": signature },
  });

const dropped = () => {
  try {
    return readdirSync(join(installation.root, "drop"));
  } catch {
    return [];
  }
};

describe("the plugins of docs/plugins.md", () => {
  test("a request that the shown scheme vouches for is delivered by both shown sinks, a forged one is refused", async () => {
    const body = bodyOf("e1");
    const forged = await post(
      "sandwich",
      body,
      sandwich(body).replace(/^../, (two) => (two === "00" ? "01" : "00")),
    );
    expect([forged.status, await forged.json()]).toEqual([401, { error: "signature verification failed" }]);
    expect((await post("sandwich", body, createHash("sha256").update(body).digest("hex"))).status).toBe(401);
    ledger.next(answer(503));
    expect((await post("sandwich", body, sandwich(body))).status).toBe(202);
    await eventually(
      () => listEvents(engine),
      (events) => events.length === 1 && events[0]?.outcome === "delivered",
    );
    const [file = ""] = dropped();
    expect(dropped()).toHaveLength(1);
    expect(JSON.parse(readFileSync(join(installation.root, "drop", file), "utf8"))).toMatchObject({
      params: { amount: 12 },
    });
    expect(ledger.requests.map(({ url, body: xml }) => [url, xml])).toEqual([
      ["/book", '<entry account="p1"><amount>12</amount></entry>'],
      ["/book", '<entry account="p1"><amount>12</amount></entry>'],
    ]);
    const [first, second] = ledger.requests;
    expect(first?.headers).toMatchObject({ "x-key": LEDGER_KEY, "content-type": "application/xml" });
    expect(second?.headers["x-entry"]).toBe(first?.headers["x-entry"]);
  });

  test.each(Object.keys(BROKEN))("a scheme that is broken (%s) refuses everything and stops nothing", async (name) => {
    const body = bodyOf(`broken-${name}`);
    for (const signature of [sandwich(body), "00".repeat(32), "ab".repeat(32), "00".repeat(8), ""]) {
      const answered = await post(name, body, signature);
      expect([signature, answered.status]).toEqual([signature, 401]);
    }
    expect(engine.lines.join("\n")).toMatch(
      new RegExp(`"source":"${name}".*"reason":"key_unavailable"|"reason":"key_unavailable".*"source":"${name}"`),
    );
    const honest = bodyOf(`after-${name}`);
    expect((await post("sandwich", honest, sandwich(honest))).status).toBe(202);
    expect(engine.child.exitCode).toBeNull();
  });

  test("nothing the plugins were given or threw stands in the log", () => {
    const told = engine.lines.join("\n") + engine.stderr();
    expect(told).not.toContain(SECRET);
    expect(told).not.toContain(LEDGER_KEY);
  });
});

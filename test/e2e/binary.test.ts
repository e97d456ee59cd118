import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { buildBinary } from "../../engine/build/binary.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { blocksOf } from "../docs/support.ts";
import {
  createInstallation,
  eventually,
  type Installation,
  listEvents,
  useFreePorts,
} from "../support/engine-process.ts";
import { startFaultServer } from "../support/fault-server.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const shownCode = (language: string) =>
  blocksOf({ path: "docs/plugins.md", text: readFileSync(join(packageRoot, "docs/plugins.md"), "utf8") })
    .filter((block) => block.language === language)
    .map(({ text }) => text);

describe("the single binary", () => {
  let folder: string;
  let binary: string;
  let installation: Installation;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "hookrail-binary-"));
    binary = join(folder, "hookrail");
    await buildBinary({ root: packageRoot, output: binary });
    installation = createInstallation({ program: [binary] });
  });
  afterAll(() => {
    installation.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test("goes from an empty folder to a delivered event, with nothing else installed", async () => {
    expect((await installation.hookrail("init")).code).toBe(0);
    useFreePorts(installation.root);
    // A regular expression is not in the fast subset: the interpreter's thread has to start as well.
    const pipeline = join(installation.root, "pipelines/paid-premium.yaml");
    const text = readFileSync(pipeline, "utf8");
    writeFileSync(
      pipeline,
      text.replace("seats: $line.quantity", 'seats: $number($replace($string($line.quantity), /\\D/, ""))'),
    );
    const check = await installation.hookrail("check");
    expect([check.stdout, check.code]).toEqual([expect.stringContaining("no errors"), 0]);
    expect((await installation.hookrail("test")).stdout).toContain("2 passed, 0 failed");

    const engine = await installation.start();
    // The dashboard is in it, with each file that its pages ask for, and so is what the admin API says of itself.
    const page = await (await fetch(`${engine.admin}/ui`)).text();
    expect(page).toContain('<script type="module" src="/ui/-/files/app.js">');
    for (const name of readdirSync(join(packageRoot, "engine/ui")).filter((one) => one !== "index.html")) {
      const file = await fetch(`${engine.admin}/ui/-/files/${name}`);
      expect([name, file.status, await file.text()]).toEqual([
        name,
        200,
        readFileSync(join(packageRoot, "engine/ui", name), "utf8"),
      ]);
    }
    const openapi = await (await fetch(`${engine.admin}/api/v1/openapi.json`)).json();
    expect(openapi).toMatchObject({ openapi: "3.1.1", paths: { "/api/v1/overview": {}, "/api/v1/alerts": {} } });

    const sent = await installation.hookrail("send", "stripe/invoice.paid", "--body", "events/invoice.paid.json");
    expect([sent.code, sent.stdout]).toEqual([0, expect.stringContaining("202 accepted")]);
    const [event] = await eventually(
      () => listEvents(engine),
      (events) => events[0]?.outcome === "delivered",
    );
    expect((await installation.hookrail("explain", event?.id ?? "")).stdout).toMatch(/subscription\.seats +set 5\n/);
    const crm = new Database(join(installation.root, "data/crm.db"), { readonly: true });
    expect(crm.prepare("SELECT tier FROM customer").all()).toEqual([{ tier: "team" }]);
    crm.close();
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  });

  test("delivers through sinks in JavaScript and TypeScript, and judges with a scheme, of the installation", async () => {
    const [dropbox = "", sandwich = ""] = shownCode("js");
    const [ledger = ""] = shownCode("ts");
    const server = await startFaultServer();
    const own = createInstallation({
      program: [binary],
      env: { KEY: "k3y" },
      files: {
        "plugins/sinks/dropbox.js": dropbox,
        "plugins/sinks/ledger.ts": ledger,
        "plugins/schemes/sandwich.js": sandwich,
        "config.yaml": `environment: dev
server: { port: 0 }
admin: { port: 0 }
limits: { disk_reserve: 0B }
teams: { ops: {} }
seed: none
entities: { person: { attributes: { amount: { type: integer, owner: ops } } } }
connections:
  drop: { sink: dropbox, folder: ./drop }
  books: { sink: ledger, url: "${server.url}/book", key: "\${KEY}", allow_private: true }
`,
        "pipelines/made.yaml": `pipeline: made
owner: ops
source:
  path: /hooks/made
  secrets: ["\${KEY}"]
  signature: { scheme: sandwich, header: x-signature }
  id: body:id
  type: body:type
rules:
  - { on: made, write: { person: { key: person, fields: { amount: amount } } } }
deliver:
  - { to: drop, amount: { from: amount } }
  - { to: books, amount: { from: amount } }
`,
      },
    });
    try {
      const listed = await own.hookrail("plugins", "--own", "--json");
      expect(JSON.parse(listed.stdout).plugins).toEqual([
        { kind: "sink", name: "dropbox", from: "installation", form: "code", file: "plugins/sinks/dropbox.js" },
        { kind: "sink", name: "ledger", from: "installation", form: "code", file: "plugins/sinks/ledger.ts" },
        { kind: "scheme", name: "sandwich", from: "installation", form: "code", file: "plugins/schemes/sandwich.js" },
      ]);
      const engine = await own.start();
      const body = JSON.stringify({ id: "e1", type: "made", person: "p1", amount: 7 });
      const post = (signature: string) =>
        fetch(`${engine.hooks}/hooks/made`, { method: "POST", body, headers: { "x-signature": signature } });
      expect((await post("00".repeat(32))).status).toBe(401);
      expect((await post(createHash("sha256").update(`k3y${body}k3y`).digest("hex"))).status).toBe(202);
      await eventually(
        () => listEvents(engine),
        (events) => events[0]?.outcome === "delivered",
      );
      expect(readdirSync(join(own.root, "drop"))).toHaveLength(1);
      expect(server.requests.map((one) => one.body)).toEqual(['<entry account="p1"><amount>7</amount></entry>']);
      expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
    } finally {
      own.remove();
      await server.close();
    }
  });

  test("keeps its parts in a folder that is its user's alone", () => {
    const [name = ""] = readdirSync(installation.root).filter((one) => /^hookrail-\d+$/.test(one));
    const [hash = ""] = readdirSync(join(installation.root, name));
    expect(existsSync(join(installation.root, name, hash, "better_sqlite3.node"))).toBe(true);
  });
});

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { buildBinary } from "../../engine/build/binary.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import {
  createInstallation,
  eventually,
  type Installation,
  listEvents,
  useFreePorts,
} from "../support/engine-process.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

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
    const sent = await installation.hookrail("send", "stripe/invoice.paid", "--body", "events/invoice.paid.json");
    expect([sent.code, sent.stdout]).toEqual([0, expect.stringContaining("202 accepted")]);
    const [event] = await eventually(
      () => listEvents(engine),
      (events) => events[0]?.outcome === "delivered",
    );
    expect((await installation.hookrail("explain", event?.id ?? "")).stdout).toMatch(/subscription\.seats .* set 5 /);
    const crm = new Database(join(installation.root, "data/crm.db"), { readonly: true });
    expect(crm.prepare("SELECT tier FROM customer").all()).toEqual([{ tier: "team" }]);
    crm.close();
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  });

  test("reads a sink in JavaScript from the installation's plugins", async () => {
    const sinks = join(installation.root, "plugins/sinks");

    mkdirSync(sinks, { recursive: true });
    writeFileSync(
      join(sinks, "shout.js"),
      `export default {
        name: "shout", summary: "Shouts.", config: { type: "object", properties: {}, additionalProperties: false },
        guarantee: "at_least_once", actions: { "*": { kind: "effect", summary: "Shouts." } }, defaultAction: "*", marksAttempts: true,
        open: async () => ({ prepare: () => ({ summary: "shout", data: {} }), send: async () => ({ kind: "delivered" }), close: async () => {} }),
      };`,
    );
    const config = join(installation.root, "config.yaml");
    writeFileSync(
      config,
      readFileSync(config, "utf8").replace("connections:", "connections:\n  loud: { sink: shout }"),
    );
    expect((await installation.hookrail("check")).stdout).toContain("no errors");
  });

  test("keeps its parts in a folder that is its user's alone", () => {
    const [name = ""] = readdirSync(installation.root).filter((one) => /^hookrail-\d+$/.test(one));
    const [hash = ""] = readdirSync(join(installation.root, name));
    expect(existsSync(join(installation.root, name, hash, "better_sqlite3.node"))).toBe(true);
  });
});

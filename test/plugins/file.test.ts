import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenSink } from "../../engine/plugin/index.ts";
import fileSink from "../../plugins/sinks/file.ts";
import { createTestContext, delivery, sending, type TestContext } from "../support/sink-context.ts";

let folder: string;
let test: TestContext;
let sink: OpenSink;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-file-"));
  test = createTestContext(folder);
  sink = await fileSink.open({ path: "out/deliveries.ndjson" }, test.context);
});
afterEach(async () => {
  await sink.close();
  await test.close();
  rmSync(folder, { recursive: true });
});

const lines = () =>
  readFileSync(join(folder, "out/deliveries.ndjson"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("the file sink", () => {
  it("writes one line for each delivery: what is set, what is cleared, nothing else", async () => {
    const request = await sink.prepare(
      delivery({
        action: "identify",
        set: { tier: "team" },
        clear: ["seats"],
        params: { channel: "#a" },
        idempotencyKey: "k1",
      }),
    );
    expect(await sink.send(request, sending({ attempt: 2 }))).toEqual({ kind: "delivered" });
    expect(lines()).toEqual([
      expect.objectContaining({
        at: "2026-11-24T06:00:00.000Z",
        connection: "crm",
        action: "identify",
        set: { tier: "team" },
        clear: ["seats"],
        params: { channel: "#a" },
        idempotency_key: "k1",
        attempt: 2,
      }),
    ]);
  });

  it("makes its file readable to its owner alone", async () => {
    await sink.send(await sink.prepare(delivery({ action: "identify" })), sending());
    expect(statSync(join(folder, "out/deliveries.ndjson")).mode & 0o777).toBe(0o600);
  });

  it("keeps every line whole when many come at once", async () => {
    const many = Array.from({ length: 300 }, async (_, i) =>
      sink.send(await sink.prepare(delivery({ set: { tier: "x".repeat(i) } })), sending()),
    );
    expect((await Promise.all(many)).every(({ kind }) => kind === "delivered")).toBe(true);
    expect(lines()).toHaveLength(300);
  });

  it("starts a new line after half a line that a crash left", async () => {
    mkdirSync(join(folder, "out"));
    appendFileSync(join(folder, "out/deliveries.ndjson"), '{"half":');
    await sink.send(await sink.prepare(delivery({ set: { tier: "pro" } })), sending());
    const text = readFileSync(join(folder, "out/deliveries.ndjson"), "utf8").split("\n");
    expect(text[0]).toBe('{"half":');
    expect(JSON.parse(text[1] ?? "")).toMatchObject({ set: { tier: "pro" } });
  });

  it("takes any action with any fields, as an effect unless it is an upsert", () => {
    expect(fileSink.actions["*"]).toMatchObject({ kind: "effect", openParams: true });
    expect(fileSink.actions["identify"]).toMatchObject({ kind: "upsert" });
  });

  it("pauses when the path can not be written", async () => {
    const other = await fileSink.open({ path: "." }, test.context);
    const outcome = await other.send(await other.prepare(delivery({ set: {} })), sending());
    await other.close();
    expect(outcome).toEqual({ kind: "pause", detail: "EISDIR" });
  });

  it("does not leave the folder that the context gives", async () => {
    const context = { ...test.context, resolvePath: () => expect.unreachable() };
    await expect(fileSink.open({ path: "../x" }, context)).rejects.toThrow();
  });
});

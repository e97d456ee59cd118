import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import type { EventId } from "../../engine/core/types.ts";
import { openSqliteReader, openSqliteStore } from "../../engine/store/sqlite.ts";
import type { NewEvent } from "../../engine/store/store.ts";
import { CLI_NOW, runCommand } from "../support/cli.ts";

let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-operate-"));
  for (const name of ["config.yaml", "sample.env", "pipelines", "docs/runbooks"])
    cpSync(join(packageRoot, name), join(folder, name), { recursive: true });
  const store = await openSqliteStore({
    path: join(folder, "data/hookrail.db"),
    clock: createVirtualClock(CLI_NOW),
    thread: false,
  });
  await store.accept({ events: [unreadable("evt_00000001"), unreadable("evt_00000002")], pipelines: [[], []] });
  await store.close();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A dead letter from the start. */
const unreadable = (id: string): NewEvent => ({
  id: id as EventId,
  source: "stripe",
  provider: "stripe",
  dedupeKey: `p:${id}`,
  dedupeUntil: CLI_NOW + 1e9,
  providerId: `their_${id}`,
  type: "invoice.paid",
  occurredAt: CLI_NOW - 5_000,
  clockResolutionMs: 1000,
  rank: 0,
  receivedAt: CLI_NOW - 1_000,
  headers: {},
  contentType: "application/json",
  body: Buffer.from("{"),
  bodyHash: "ab".repeat(32),
  itemIndex: 0,
  verification: { scheme: "hmac sha256", secretIndex: 1, signed: "raw_body" },
  revision: "r1",
  unreadable: { code: "HK3001", message: "not JSON" },
});

const run = (...argv: readonly string[]) => runCommand(folder, argv);

async function letterIds(): Promise<string[]> {
  const { stdout } = await run("dead", "list", "--json");
  return (JSON.parse(stdout) as { dead_letters: { id: string }[] }).dead_letters.map((letter) => letter.id);
}

describe("with no engine running", () => {
  test("events are listed, filtered and paged from the store", async () => {
    expect((await run("events")).stdout).toMatch(/evt_00000002 +stripe +invoice\.paid +dead letter/);
    expect(JSON.parse((await run("events", "--json", "--limit", "1")).stdout)).toMatchObject({
      format_version: "1.0",
      events: [{ id: "evt_00000002" }],
    });
    expect(JSON.parse((await run("events", "--json", "--since", "500ms")).stdout)).toMatchObject({ events: [] });
    expect(JSON.parse((await run("events", "--json", "--outcome", "delivered")).stdout)).toMatchObject({ events: [] });
    const empty = await run("events", "--source", "nobody");
    expect([empty.code, empty.stdout, empty.stderr]).toEqual([0, "", expect.stringContaining("no such events")]);
    expect(await run("events", "--since", "an hour")).toMatchObject({ code: 64 });
  });

  test("a story is found by our id, by its start, and by the sender's id", async () => {
    for (const id of ["evt_00000001", "their_evt_00000001"]) {
      const story = await run("explain", id);
      expect([story.code, story.stdout]).toEqual([0, expect.stringContaining("their_evt_00000001")]);
      expect(story.stdout).toMatch(/dead letter dead_\w+ {2}open\n {2}not JSON \[HK3001\]/);
      expect(story.stderr).toContain("dead retry dead_");
    }
    expect(await run("explain", "evt_nobody_knows")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HK8003"),
    });
    expect(await run("explain", "customer:cus_9.tier")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HK8015"),
    });
  });

  test("dead letters are closed on the store itself, and the audit says who and why", async () => {
    const [first = "", second = ""] = await letterIds();
    const shown = await run("dead", "show", first);
    expect(shown.stdout).toContain("not JSON");
    // A retry would read the same again.
    expect(shown.stderr).toContain(`dead edit ${first}`);
    const discard = await run("dead", "discard", first, "--reason", "a test of ours");
    expect([discard.code, discard.stdout]).toEqual([0, `${first} discarded\n`]);
    expect(await letterIds()).toEqual([second]);
    expect((await run("dead", "show", first)).stdout).toContain("discarded: ");
    const reader = await openSqliteReader(join(folder, "data/hookrail.db"));
    expect(await reader.audit(1)).toMatchObject([
      { actor: "ann", action: "dead.discard", target: first, reason: "a test of ours" },
    ]);
    await reader.close();
  });

  test("one id that is wrong leaves the others alone", async () => {
    const [first = ""] = await letterIds();
    expect(await run("dead", "discard", first, "dead_nope", "--reason", "x")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HK8004"),
    });
    expect(await letterIds()).toContain(first);
  });

  test("a pause waits for the next engine; names that do not exist are refused with the nearest one", async () => {
    expect((await run("pause", "connection", "crm", "--reason", "maintenance")).stdout).toContain(
      "no engine is running",
    );
    const status = await run("status");
    expect(status.stdout).toMatch(/no engine is running here[\s\S]*paused +connection crm by ann .*: maintenance/);
    expect(status.stdout).toMatch(/store +[\d.]+ [KM]iB, -wal 0 B, [\d.]+ [MGT]iB free on its disk\n/);
    expect(JSON.parse((await run("status", "--json")).stdout)).toMatchObject({
      running: false,
      counts: { events: 2, open_dead_letters: 2 },
      store: { bytes: expect.any(Number), free: expect.any(Number), wal: 0, reserve: 0, disk_free: expect.any(Number) },
      paused: [{ name: "crm" }],
    });
    expect((await run("resume", "connection", "crm")).stdout).toBe("connection crm goes on\n");
    expect((await run("resume", "connection", "crm")).stdout).toBe("connection crm was not paused\n");
    expect(await run("pause", "pipeline", "paid-premum")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("did you mean `paid-premium`?"),
    });
    expect(await run("pause", "team", "x")).toMatchObject({ code: 64 });
  });

  test("send says that no engine answers", async () => {
    expect(await run("send", "stripe/invoice.paid")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HK8005"),
    });
    expect(await run("send", "stripe/invoice.payd")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("did you mean `stripe/invoice.paid`?"),
    });
    expect(await run("send", "nobody/x")).toMatchObject({ code: 1, stderr: expect.stringContaining("HK8007") });
    expect((await run("send", "--list")).stdout.split("\n")).toContain("stripe/invoice.paid");
  });
});

describe("check", () => {
  test("is 0 for the shipped config, 1 for findings, and warnings count with --strict only", async () => {
    expect(await run("check")).toMatchObject({ code: 0, stdout: expect.stringContaining("no errors") });
    const path = join(folder, "config.yaml");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('secrets: ["${GITHUB_SECRET}"]', "secrets: [in-plain-text]"));
    expect(await run("check")).toMatchObject({ code: 0, stdout: expect.stringContaining("warning") });
    expect((await run("check", "--strict")).code).toBe(1);
    writeFileSync(path, text.replace("provider: github", "provider: githb"));
    const found = await run("check", "--json");
    expect(found.code).toBe(1);
    expect(JSON.parse(found.stdout)).toMatchObject({
      format_version: "1.0",
      errors: 1,
      diagnostics: [{ severity: "error", code: expect.stringMatching(/^HK1/) }],
    });
  });
});

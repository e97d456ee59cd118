import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import type { EventId } from "../../engine/core/types.ts";
import { openSqliteReader, openSqliteStore } from "../../engine/store/sqlite.ts";
import { CLI_NOW, runCommand } from "../support/cli.ts";
import { files } from "../worker/support.ts";

let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-replay-"));
  const config = files({
    connections: "out: { sink: file, path: ./out.ndjson }",
    deliver: "- { to: out }",
    rule: "  - on: customer.changed\n    write:\n      customer: { key: id, fields: { seats: { from: seats, invalid: reject } } }",
  });
  mkdirSync(join(folder, "pipelines"));
  for (const [path, text] of Object.entries(config)) writeFileSync(join(folder, path), text);
  const store = await openSqliteStore({
    path: join(folder, "data/hookrail.db"),
    clock: createVirtualClock(CLI_NOW),
    thread: false,
  });
  // Stored, and its turn came before this config: it has no work.
  const event = (n: number, seats: unknown) => ({
    id: `evt_0000000${n}` as EventId,
    source: "orders",
    provider: "orders",
    dedupeKey: `p:${n}`,
    dedupeUntil: CLI_NOW + 1e9,
    providerId: `their_${n}`,
    type: "customer.changed",
    occurredAt: CLI_NOW - 5_000 + n,
    clockResolutionMs: 1,
    rank: 0,
    receivedAt: CLI_NOW - n * 60_000,
    headers: {},
    contentType: "application/json",
    body: Buffer.from(JSON.stringify({ id: String(n), type: "customer.changed", data: { id: `c${n}`, seats } })),
    bodyHash: "ab".repeat(32),
    itemIndex: 0,
    verification: { scheme: "hmac sha256", secretIndex: 1, signed: "raw_body" },
    revision: "r1",
  });
  await store.accept({ events: [event(1, 1), event(2, "two")], pipelines: [[], []] });
  await store.close();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (...argv: readonly string[]) => runCommand(folder, argv);
const lines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
async function pending(): Promise<number> {
  const reader = await openSqliteReader(join(folder, "data/hookrail.db"));
  const count = await reader.replaysPending();
  await reader.close();
  return count;
}

describe("hookrail replay", () => {
  test("says what it would do, and does nothing without --yes", async () => {
    const { code, stdout, stderr } = await run("replay", "--source", "orders");
    expect(code).toBe(0);
    expect(stdout).toContain("2 events, 2 turns");
    expect(stdout).toMatch(/orders +customer\.changed +changes +1/);
    expect(stdout).toMatch(/orders +customer\.changed +dead letter +1/);
    expect(stdout).toMatch(/evt_00000001 +orders +customer\/c1 +changes +customer\.seats/);
    expect(stderr).toContain("--yes");
    expect(await pending()).toBe(0);
  });

  test("gives the turns with --yes; with no engine running they wait for its start", async () => {
    const done = await run("replay", "their_1", "--yes", "--reason", "mended", "--json");
    expect(done.code).toBe(0);
    expect(lines(done.stdout)).toMatchObject([
      { format_version: "1.0", turn: { event: "evt_00000001", verdict: "changes", changes: ["customer.seats"] } },
      { plan: { events: 1, turns: 1, verdicts: { changes: 1 }, more: false } },
      { progress: { events: 1, of: 1, queued: 1 } },
      { done: { queued: 1, busy: 0, gone: 0, through: "store" } },
    ]);
    expect(await pending()).toBe(1);
    const again = await run("replay", "evt_00000001");
    expect(again.stdout).toContain("they are being worked on");
  });

  test("takes times as durations and instants, and refuses a replay of everything", async () => {
    expect((await run("replay", "--since", "90s")).stdout).toContain("1 events");
    const until = new Date(CLI_NOW - 90_000).toISOString();
    expect((await run("replay", "--until", until)).stdout).toContain("evt_00000002");
    const all = await run("replay", "--yes");
    expect(all.code).toBe(64);
    expect(all.stderr).toContain("HK8077");
    expect((await run("replay", "evt_nothing")).stderr).toContain("HK8075");
    expect(await pending()).toBe(0);
  });
});

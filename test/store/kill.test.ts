/** SIGKILL at random moments under load: nothing acknowledged is lost, nothing is applied twice. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { openSqliteReader, openSqliteStore } from "../../engine/store/sqlite.ts";
import { START, temporaryFolder } from "../support/store-fixtures.ts";

const child = fileURLToPath(new URL("./children/load.ts", import.meta.url));
const KILLS = 10;

/** Runs the load until it has acknowledged so many lines, kills it there, and gives every line it said. */
async function runAndKill(path: string, round: number, lines: number): Promise<readonly string[]> {
  const load = spawn(process.execPath, [child, path, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
  const said: string[] = [];
  const reader = createInterface({ input: load.stdout });
  reader.on("line", (line) => {
    said.push(line);
    if (said.length === lines) load.kill("SIGKILL");
  });
  await Promise.all([once(load, "exit"), once(reader, "close")]);
  return said;
}

it(`loses nothing and doubles nothing over ${KILLS} kills`, async () => {
  const folder = temporaryFolder();
  const path = folder.path("hookrail.db");
  const accepted: string[] = [];
  const applied: string[] = [];
  try {
    for (let round = 0; round < KILLS; round++) {
      const said = await runAndKill(path, round, 1 + Math.floor(Math.random() * 400));
      for (const line of said) {
        const [what, name] = line.split(" ");
        if (what === "accepted" && name !== undefined) accepted.push(name);
        if (what === "applied" && name !== undefined) applied.push(name);
      }
      // What the dead process left has not been checkpointed: a reader must do with it.
      const reader = await openSqliteReader(path);
      const there = new Set((await reader.events({ limit: 1_000_000 })).map((event) => event.providerId));
      expect(accepted.filter((name) => !there.has(name))).toEqual([]);
      await reader.close();
    }
    const store = await openSqliteStore({ path, clock: createVirtualClock(START) });
    const done = new Set(
      (await store.events({ outcome: "delivered", limit: 1_000_000 })).map((event) => event.providerId),
    );
    expect(applied.filter((name) => !done.has(name))).toEqual([]);
    // The one entity counts each applied event once.
    expect((await store.entity("counter", "all"))?.changes ?? 0).toBe(done.size);
    expect(accepted.length).toBeGreaterThan(KILLS);
    await store.close();
  } finally {
    folder.remove();
  }
}, 120_000);

/** Memory and start-up of an engine that has nothing to do, beside a bare `node:http` server. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Children, ServerChild } from "./children.ts";
import { rssMb } from "./proc.ts";
import { median } from "./statistics.ts";

/** Medians of a few starts. */
export interface IdleResult {
  readonly engineMb: number;
  readonly bareMb: number;
  readonly engineStartMs: number;
  readonly bareStartMs: number;
}

/** Long enough for start-up work to end and young garbage to be collected. */
const SETTLE_MS = 1_500;
const IDLE = fileURLToPath(new URL("./servers/idle.mjs", import.meta.url));

/** Starts both in turn, `times` times; `startEngine` starts an engine in a folder that is not there yet. */
export async function measureIdle(
  { children, folder }: { children: Children; folder: string },
  startEngine: (root: string) => Promise<ServerChild>,
  times: number,
): Promise<IdleResult> {
  const seen: { engine: [number, number][]; bare: [number, number][] } = { engine: [], bare: [] };
  for (let turn = 0; turn < times; turn++) {
    const root = join(folder, `idle-${turn}`);
    mkdirSync(root);
    seen.engine.push(await observe(await startEngine(root)));
    seen.bare.push(await observe(await children.start({ name: "idle", args: [IDLE], cwd: folder })));
  }
  const of = (which: "engine" | "bare", index: 0 | 1) => median(seen[which].map((pair) => pair[index]));
  return {
    engineMb: of("engine", 0),
    bareMb: of("bare", 0),
    engineStartMs: of("engine", 1),
    bareStartMs: of("bare", 1),
  };
}

async function observe(server: ServerChild): Promise<[number, number]> {
  await sleep(SETTLE_MS);
  const rss = rssMb(server.pid) ?? Number.NaN;
  await server.stop();
  return [rss, server.startMs];
}

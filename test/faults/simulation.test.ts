/**
 * The engine over a virtual clock, with senders, sinks, operators and crashes out of one seed (test/simulation). Short
 * form: seeds 1 to 40; HOOKRAIL_FAULT_FACTOR adds more, from HOOKRAIL_FAULT_SEED on.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createShop } from "../simulation/shop.ts";
import { shrink } from "../simulation/shrink.ts";
import { type Run, simulate } from "../simulation/world.ts";
import { report } from "../support/report.ts";
import { faultFactor, runSeed } from "../support/seeded.ts";
import { createSimEvaluator } from "../support/sim-evaluator.ts";

const factor = faultFactor();
const first = runSeed();
/** The short form is the same in each run, so that a change is judged by what it changed; the long one adds new seeds. */
const fixed = 40;
const seeds = [
  ...Array.from({ length: 40 * factor - fixed }, (_, index) => (first + index) >>> 0),
  ...Array.from({ length: fixed }, (_, index) => index + 1),
];

const evaluator = createSimEvaluator();
const scenario = await createShop();

/** What to do with a seed that failed: its smallest form, and where its trace is. */
async function told(run: Run): Promise<string> {
  const small = await shrink({ scenario, seed: run.seed, evaluator });
  const path = join(mkdtempSync(join(tmpdir(), "hookrail-simulation-")), `${run.seed}.trace`);
  writeFileSync(path, small.run.trace.join("\n"));
  return `node test/simulation/main.ts --from ${run.seed} --trace (with ${small.events} of its events): ${small.run.problems.slice(0, 5).join("; ")}; trace in ${path}`;
}

describe("a simulated installation", () => {
  it(
    "keeps every promise under crashes, outages, unknown outcomes, pauses and any order of arrival",
    async () => {
      const failed: string[] = [];
      const sums = new Map<string, number>();
      for (const seed of seeds) {
        const run = await simulate({ scenario, seed, evaluator });
        for (const [name, count] of Object.entries(run.counts)) sums.set(name, (sums.get(name) ?? 0) + count);
        if (run.problems.length > 0) failed.push(await told(run));
        if (failed.length === 3) break;
      }
      expect(failed).toEqual([]);
      const sum = (name: string) => sums.get(name) ?? 0;
      // A quiet simulation would prove nothing.
      for (const name of ["crashes", "unknown", "dead_letters"]) expect(sum(name)).toBeGreaterThan(seeds.length);
      report("simulation", {
        schedules: seeds.length,
        events: sum("events"),
        crashes: sum("crashes"),
        attempts: sum("attempts"),
        effects: sum("effects"),
        "dead letters": sum("dead_letters"),
        "unknown outcomes": sum("unknown"),
      });
    },
    120_000 * factor,
  );

  it("runs a seed the same way each time, to the last step", async () => {
    const seed = seeds[0] as number;
    const [first, again] = [
      await simulate({ scenario, seed, evaluator }),
      await simulate({ scenario, seed, evaluator }),
    ];
    expect(again.hash).toBe(first.hash);
    expect(first.trace.length).toBeGreaterThan(100);
    const other = await simulate({ scenario, seed: seed + 1, evaluator });
    expect(other.hash).not.toBe(first.hash);
  }, 60_000);
});

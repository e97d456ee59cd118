/** Makes a failing seed smaller: leaves out events, half of them at a time and then one by one, while it still fails. */
import { createDice } from "../support/sim-random.ts";
import { type Run, type RunOptions, simulate } from "./world.ts";

const maxTries = 60;

export interface Small {
  readonly run: Run;
  /** Events that are left. */
  readonly events: number;
}

export async function shrink(options: Omit<RunOptions, "without" | "calm">): Promise<Small> {
  let left = options.scenario.plan(createDice(options.seed)).events.map(({ name }) => name);
  const all = new Set(left);
  let run = await simulate(options);
  let tries = 0;
  for (let size = Math.ceil(left.length / 2); size >= 1 && tries < maxTries; size = Math.floor(size / 2)) {
    for (let from = 0; from < left.length && tries < maxTries; ) {
      const fewer = [...left.slice(0, from), ...left.slice(from + size)];
      tries++;
      const tried = await simulate({ ...options, without: all.difference(new Set(fewer)) });
      if (tried.problems.length === 0 || fewer.length === 0) from += size;
      else [left, run] = [fewer, tried];
    }
  }
  return { run, events: left.length };
}

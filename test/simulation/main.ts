/**
 * Runs seeds and prints a line of JSON for each that broke a promise, and one at the end:
 * `node test/simulation/main.ts --from 1 --count 40 [--until-bad] [--trace]`. Exit code 1: some were bad.
 */
import { parseArgs } from "node:util";
import { createSimEvaluator } from "../support/sim-evaluator.ts";
import { createShop } from "./shop.ts";
import { simulate } from "./world.ts";

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "1" },
    count: { type: "string", default: "1" },
    "until-bad": { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
  },
});
const evaluator = createSimEvaluator();
const scenario = await createShop();
let [seeds, bad] = [0, 0];
for (let seed = Number(values.from); seeds < Number(values.count); seed++) {
  seeds++;
  const run = await simulate({ scenario, seed, evaluator });
  if (values.trace) process.stdout.write(`${run.trace.join("\n")}\n`);
  if (run.problems.length === 0) continue;
  bad++;
  process.stdout.write(`${JSON.stringify({ seed, counts: run.counts, problems: run.problems.slice(0, 8) })}\n`);
  if (values["until-bad"]) break;
}
process.stdout.write(`${JSON.stringify({ seeds, bad, ms: Math.round(performance.now()) })}\n`);
process.exitCode = bad > 0 ? 1 : 0;

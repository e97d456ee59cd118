/**
 * When do error budgets tell of an outage, and how often of none? A simulated year at several rates; a Markdown table.
 * `node bench/budgets.ts [min events] [min late]`
 */
import { DEFAULT_BURN } from "../engine/config/compile/alerts.ts";
import { simulateYear } from "./traffic.ts";

const HOUR = 3_600_000;
const minEvents = Number(process.argv[2] ?? 10);
const minLate = Number(process.argv[3] ?? 3);
const budget = { windowMs: 30 * 24 * HOUR, minEvents, minLate, burn: DEFAULT_BURN };

/** The same numbers each time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

const span = (ms: number): string =>
  Number.isNaN(ms) ? "–" : ms < 2 * HOUR ? `${Math.round(ms / 60_000)}m` : `${Math.round(ms / HOUR)}h`;
console.log("| events | objective | outage | paged | after | told | after | false pages | false alerts |");
console.log("|---|---|---|---|---|---|---|---|---|");
for (const objective of [0.99, 0.999])
  for (const perDay of [3, 10, 30, 240, 2_400])
    for (const outageMs of [2 * HOUR, 24 * HOUR]) {
      const told = simulateYear({ perDay, objective, outageMs, budget, random: numbers(perDay + outageMs) });
      const { outages, paged, alerted } = told;
      console.log(
        `| ${perDay} a day | ${objective * 100} % | ${span(outageMs)} | ${paged} of ${outages} | ${span(told.pageAfterMs)} | ` +
          `${alerted} of ${outages} | ${span(told.alertAfterMs)} | ${told.falsePages} | ${told.falseAlerts} |`,
      );
    }

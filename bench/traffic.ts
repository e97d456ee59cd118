/** A year of a pipeline: events come as they like (Poisson), some are late by chance, and there are outages that are known. */
import { bucketOf, budgetOf, createSeries } from "../engine/alerts/slo.ts";
import type { AlertingModel } from "../engine/config/operations.ts";

export interface Year {
  /** Events on average. */
  readonly perDay: number;
  readonly objective: number;
  /** Outages: all events that come in them are late. */
  readonly outageMs: number;
  readonly budget: AlertingModel["budget"];
  readonly random: () => number;
}

export interface Told {
  readonly outages: number;
  /** Of outages in which an event came, how many were told as a page, or as a page or alert; after how long in the middle. */
  readonly paged: number;
  readonly alerted: number;
  readonly pageAfterMs: number;
  readonly alertAfterMs: number;
  /** Outside of outages. */
  readonly falsePages: number;
  readonly falseAlerts: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LAG_MS = MINUTE;
/** An outage each ten days; in the middle between two, a sink that restarts: two minutes in which all is late. */
const OUTAGE_EVERY_MS = 10 * DAY;
const BLIP_MS = 2 * MINUTE;

export function simulateYear({ perDay, objective, outageMs, budget, random }: Year): Told {
  const series = createSeries();
  const bucketMs = bucketOf(budget.burn);
  // What is left of 30 days is not asked here.
  const terms = { ...budget, windowMs: Math.max(...budget.burn.map(({ longMs }) => longMs)) };
  const quietMs = Math.max(...budget.burn.map(({ shortMs }) => shortMs)) + bucketMs;
  const inOutage = (at: number): boolean => at % OUTAGE_EVERY_MS > OUTAGE_EVERY_MS - outageMs;
  const inBlip = (at: number): boolean => Math.abs((at % OUTAGE_EVERY_MS) - OUTAGE_EVERY_MS / 2) < BLIP_MS / 2;
  /** Half of what the objective allows. */
  const byChance = (1 - objective) / 2;
  const pages: number[] = [];
  const alerts: number[] = [];
  const [firing, all] = [{ page: false, alert: false }, 365 * DAY];
  let lastLate = Number.NEGATIVE_INFINITY;
  let next = gap();
  let forgotten = 0;

  function gap(): number {
    return (-Math.log(1 - random()) * DAY) / perDay;
  }

  for (let now = 0; now < all; now += MINUTE) {
    for (; next + LAG_MS <= now; next += gap()) {
      const isLate = inOutage(next) || inBlip(next) || random() < byChance;
      const at = Math.floor((next + LAG_MS) / bucketMs) * bucketMs;
      series.add({ pipeline: "p", at, cause: "", good: isLate ? 0 : 1, bad: isLate ? 1 : 0 });
      if (isLate) lastLate = now;
    }
    if (now - forgotten > HOUR) {
      forgotten = now;
      series.forget(now - terms.windowMs - HOUR);
    }
    // Without a late event in the longest short window nothing fires.
    const burns =
      now - lastLate > quietMs
        ? []
        : budgetOf({ name: "p", sla: { lagMs: LAG_MS, objective } }, series, { budget: terms, now }).burns;
    for (const [severity, list] of [
      ["page", pages],
      ["alert", alerts],
    ] as const) {
      const fires = burns.some((burn) => burn.firing && (severity === "alert" || burn.severity === "page"));
      if (fires && !firing[severity]) list.push(now);
      firing[severity] = fires;
    }
  }
  return judged({ pages, alerts, outageMs, all });
}

function judged(seen: {
  readonly pages: readonly number[];
  readonly alerts: readonly number[];
  readonly outageMs: number;
  readonly all: number;
}): Told {
  const starts: number[] = [];
  for (let end = OUTAGE_EVERY_MS; end <= seen.all; end += OUTAGE_EVERY_MS) starts.push(end - seen.outageMs);
  const firsts = (told: readonly number[]) =>
    starts.flatMap((start) => {
      const first = told.find((at) => at >= start && at <= start + seen.outageMs + HOUR);
      return first === undefined ? [] : [first - start];
    });
  // What an outage leaves in the longest window is its own, not false.
  const isFalse = (at: number) => !starts.some((start) => at >= start && at <= start + seen.outageMs + 3 * DAY);
  const middle = (list: readonly number[]) =>
    [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
  const [paged, alerted] = [firsts(seen.pages), firsts(seen.alerts)];
  return {
    outages: starts.length,
    paged: paged.length,
    alerted: alerted.length,
    pageAfterMs: middle(paged),
    alertAfterMs: middle(alerted),
    falsePages: seen.pages.filter(isFalse).length,
    falseAlerts: seen.alerts.filter(isFalse).length,
  };
}

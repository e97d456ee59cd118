/** Error budgets: how many events were in time, how fast the rest uses up what the objective leaves. Pure. */
import type { AlertingModel, BurnModel } from "../config/operations.ts";
import type { EventStanding, SloCount, SloCursor } from "../store/store.ts";

/** What is counted of a pipeline. */
export interface Promised {
  readonly pipeline: string;
  readonly lagMs: number;
  /** Events up to this seq are counted. */
  readonly cursor: number;
}

export interface Judged {
  readonly counts: readonly SloCount[];
  readonly cursors: readonly SloCursor[];
  /** Payloads that broke their contract beside what a rule reads, by pipeline. */
  readonly drifted: readonly string[];
}

/**
 * Counts each event once for each pipeline, at the end of its promised lag: good when its last delivery was done by
 * then, else late. What is on hold then is counted as neither: it waits because its author wrote so.
 */
export function judge(
  standings: readonly EventStanding[],
  promised: readonly Promised[],
  { now, bucketMs }: { readonly now: number; readonly bucketMs: number },
): Judged {
  const counts = new Map<string, SloCount>();
  const cursors: SloCursor[] = [];
  const drifted: string[] = [];
  for (const { pipeline, lagMs, cursor } of promised) {
    let reached = cursor;
    for (const { seq, receivedAt, turns } of standings) {
      const end = receivedAt + lagMs;
      if (end > now) break;
      if (seq <= cursor) continue;
      reached = seq;
      const turn = turns.find((one) => one.pipeline === pipeline);
      if (turn === undefined) continue;
      if (turn.drift) drifted.push(pipeline);
      if (turn.status === "held") continue;
      const good = turn.status === "done" && (turn.endedAt ?? 0) <= end;
      const cause = good ? "" : (turn.connection ?? "");
      const at = end - (end % bucketMs);
      const key = JSON.stringify([pipeline, at, cause]);
      const before = counts.get(key) ?? { pipeline, at, cause, good: 0, bad: 0 };
      counts.set(key, { ...before, good: before.good + (good ? 1 : 0), bad: before.bad + (good ? 0 : 1) });
    }
    if (reached > cursor) cursors.push({ pipeline, seq: reached });
  }
  return { counts: [...counts.values()], cursors, drifted };
}

/** Small enough for the shortest window, and no smaller than needed. */
export function bucketOf(burn: readonly BurnModel[]): number {
  const shortest = Math.min(...burn.map((one) => one.shortMs), 300_000);
  return Math.min(60_000, Math.max(1_000, Math.floor(shortest / 5_000) * 1_000));
}

export interface Sum {
  readonly good: number;
  readonly bad: number;
  /** Late ones by the connection they waited for. */
  readonly causes: ReadonlyMap<string, number>;
}

/** Counts in memory, for sums over windows that end now. */
export interface Series {
  add(count: SloCount): void;
  sum(pipeline: string, since: number): Sum;
  forget(before: number): void;
}

export function createSeries(): Series {
  /** In the order of `at`. */
  const byPipeline = new Map<string, SloCount[]>();
  return {
    add(count) {
      const list = byPipeline.get(count.pipeline) ?? [];
      byPipeline.set(count.pipeline, list);
      let index = list.length;
      while (index > 0 && (list[index - 1]?.at ?? 0) > count.at) index--;
      list.splice(index, 0, count);
    },
    sum(pipeline, since) {
      const list = byPipeline.get(pipeline) ?? [];
      const causes = new Map<string, number>();
      let good = 0;
      let bad = 0;
      for (let index = list.length - 1; index >= 0; index--) {
        const one = list[index];
        if (one === undefined || one.at < since) break;
        good += one.good;
        bad += one.bad;
        if (one.bad > 0) causes.set(one.cause, (causes.get(one.cause) ?? 0) + one.bad);
      }
      return { good, bad, causes };
    },
    forget(before) {
      for (const [pipeline, list] of byPipeline) {
        const first = list.findIndex((one) => one.at >= before);
        if (first !== 0) byPipeline.set(pipeline, first === -1 ? [] : list.slice(first));
      }
    },
  };
}

export interface Burn extends BurnModel {
  /** How many times faster than allowed, over each window. */
  readonly long: number;
  readonly short: number;
  readonly firing: boolean;
}

export interface Budget {
  readonly pipeline: string;
  readonly objective: number;
  readonly lagMs: number;
  readonly windowMs: number;
  readonly total: number;
  readonly late: number;
  /** Share of the budget that is left: 1 is untouched, 0 used up, below 0 overdrawn. */
  readonly left: number;
  readonly burns: readonly Burn[];
}

/** An objective of 100 % leaves nothing: each late event then burns as if one in 100 000 were allowed. */
const LEAST_ALLOWED = 0.00001;

/** How fast: 1 uses up the budget exactly in its window. Few events say nothing. */
export function burnRate({ good, bad }: Pick<Sum, "good" | "bad">, objective: number): number {
  return good + bad === 0 ? 0 : bad / (good + bad) / Math.max(1 - objective, LEAST_ALLOWED);
}

export function budgetOf(
  promise: { readonly name: string; readonly sla: { readonly lagMs: number; readonly objective: number } },
  series: Series,
  { budget, now }: { readonly budget: AlertingModel["budget"]; readonly now: number },
): Budget {
  const { name: pipeline, sla } = promise;
  const whole = series.sum(pipeline, now - budget.windowMs);
  const total = whole.good + whole.bad;
  return {
    pipeline,
    ...sla,
    windowMs: budget.windowMs,
    total,
    late: whole.bad,
    left: 1 - burnRate(whole, sla.objective),
    burns: budget.burn.map((rule) => {
      const long = series.sum(pipeline, now - rule.longMs);
      const short = series.sum(pipeline, now - rule.shortMs);
      const rates = { long: burnRate(long, sla.objective), short: burnRate(short, sla.objective) };
      const enough = long.good + long.bad >= budget.minEvents && long.bad >= budget.minLate;
      return { ...rule, ...rates, firing: enough && rates.long >= rule.rate && rates.short >= rule.rate };
    }),
  };
}

/** The connection that most of the late events wait for; undefined: none is to blame. */
export function causeOf(sum: Pick<Sum, "causes" | "bad">): string | undefined {
  const [worst] = [...sum.causes].sort(([, a], [, b]) => b - a);
  return worst !== undefined && worst[0] !== "" && worst[1] * 2 >= sum.bad ? worst[0] : undefined;
}

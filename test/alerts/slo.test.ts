import { describe, expect, it } from "vitest";
import { bucketOf, budgetOf, burnRate, causeOf, createSeries, judge } from "../../engine/alerts/slo.ts";
import { DEFAULT_BURN } from "../../engine/config/compile/alerts.ts";
import type { EventStanding, TurnStanding } from "../../engine/store/store.ts";
import { createDice } from "../support/sim-random.ts";

/** One number after the other. */
function createRandom(seed: number): () => number {
  const dice = createDice(seed);
  let count = 0;
  return () => dice.roll(++count);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const budget = { windowMs: 30 * DAY, minEvents: 10, minLate: 3, burn: DEFAULT_BURN };

describe("judge", () => {
  /** Events of two pipelines with any end; what they are seen as depends on when they are looked at. */
  function world(seed: number) {
    const random = createRandom(seed);
    const events: {
      seq: number;
      receivedAt: number;
      turns: { pipeline: string; endedAt: number; dead: boolean; connection: string }[];
    }[] = [];
    let at = 0;
    for (let seq = 1; seq <= 400; seq++) {
      at += Math.floor(random() * 20_000);
      const turns = ["fast", "slow"].flatMap((pipeline) =>
        random() < 0.8
          ? [
              {
                pipeline,
                endedAt: at + Math.floor(random() ** 3 * 30 * MINUTE),
                dead: random() < 0.05,
                connection: random() < 0.5 ? "crm" : "mail",
              },
            ]
          : [],
      );
      events.push({ seq, receivedAt: at, turns });
    }
    const standings = (after: number, by: number, limit: number): EventStanding[] =>
      events
        .filter(({ seq, receivedAt }) => seq > after && receivedAt <= by)
        .slice(0, limit)
        .map(({ turns, ...event }) => ({ ...event, turns: turns.map((turn) => seen(turn, by)) }));
    const seen = (
      { pipeline, endedAt, dead, connection }: (typeof events)[0]["turns"][0],
      now: number,
    ): TurnStanding => {
      const status = endedAt > now ? "open" : dead ? "dead" : "done";
      return { pipeline, status, connection, drift: false, ...(status === "done" ? { endedAt } : {}) };
    };
    return { events, standings, end: at + 2 * HOUR };
  }

  it.each([1, 2, 3, 4, 5, 6])(
    "counts each event once, as a count over all of them does, however it is cut (seed %i)",
    (seed) => {
      const { events, standings, end } = world(seed);
      const random = createRandom(seed + 100);
      const lags = { fast: MINUTE, slow: 10 * MINUTE };
      const series = createSeries();
      const cursors = { fast: 0, slow: 0 };
      for (let now = 0; now <= end; now += 1 + Math.floor(random() * 5 * MINUTE)) {
        for (const pipeline of ["fast", "slow"] as const) {
          const lagMs = lags[pipeline];
          const limit = 1 + Math.floor(random() * 50);
          for (;;) {
            // The store tells how things are now; those whose lag has not ended are left for later.
            const list = standings(cursors[pipeline], now, limit).filter(({ receivedAt }) => receivedAt + lagMs <= now);
            const judged = judge(list, [{ pipeline, lagMs, cursor: cursors[pipeline] }], { now, bucketMs: MINUTE });
            for (const count of judged.counts) series.add(count);
            if (judged.cursors[0] === undefined) break;
            cursors[pipeline] = judged.cursors[0].seq;
          }
        }
      }
      for (const pipeline of ["fast", "slow"] as const) {
        const turns = events.flatMap(({ receivedAt, turns }) =>
          turns.filter((one) => one.pipeline === pipeline).map((turn) => ({ ...turn, receivedAt })),
        );
        const good = turns.filter((turn) => !turn.dead && turn.endedAt <= turn.receivedAt + lags[pipeline]).length;
        const sum = series.sum(pipeline, 0);
        expect({ good: sum.good, bad: sum.bad }).toEqual({ good, bad: turns.length - good });
        expect([...sum.causes.values()].reduce((a, b) => a + b, 0)).toBe(sum.bad);
      }
    },
  );

  it("counts what is on hold at the end of its lag as neither", () => {
    const turns = [{ pipeline: "p", status: "held", drift: false }] as const;
    const judged = judge([{ seq: 1, receivedAt: 0, turns }], [{ pipeline: "p", lagMs: 1, cursor: 0 }], {
      now: 10,
      bucketMs: 1,
    });
    expect(judged).toEqual({ counts: [], cursors: [{ pipeline: "p", seq: 1 }], drifted: [] });
  });

  it("leaves an event for later whose lag has not ended", () => {
    const turns = [{ pipeline: "p", status: "open", drift: false }] as const;
    const judged = judge([{ seq: 1, receivedAt: 0, turns }], [{ pipeline: "p", lagMs: 100, cursor: 0 }], {
      now: 99,
      bucketMs: 1,
    });
    expect(judged.cursors).toEqual([]);
  });
});

describe("budgetOf", () => {
  const pipeline = { name: "paid", sla: { lagMs: MINUTE, objective: 0.99 } };

  it.each([11, 12, 13])("sums windows as a look at each minute does (seed %i)", (seed) => {
    const random = createRandom(seed);
    const series = createSeries();
    const now = 10 * DAY;
    const counts = Array.from({ length: 3_000 }, () => ({
      pipeline: "paid",
      at: Math.floor((random() * now) / MINUTE) * MINUTE,
      cause: "",
      good: Math.floor(random() * 50),
      bad: random() < 0.1 ? Math.floor(random() * 9) : 0,
    }));
    for (const count of counts) series.add(count);
    const { burns } = budgetOf(pipeline, series, { budget, now });
    for (const burn of burns) {
      for (const [ms, found] of [
        [burn.longMs, burn.long],
        [burn.shortMs, burn.short],
      ] as const) {
        const within = counts.filter(({ at }) => at >= now - ms);
        const [good, bad] = [
          within.reduce((sum, one) => sum + one.good, 0),
          within.reduce((sum, one) => sum + one.bad, 0),
        ];
        expect(found).toBeCloseTo(burnRate({ good, bad }, 0.99), 9);
      }
    }
    series.forget(now - DAY);
    expect(series.sum("paid", 0).good).toBe(
      counts.filter(({ at }) => at >= now - DAY).reduce((sum, one) => sum + one.good, 0),
    );
  });

  it("fires when both windows burn, and not for a few events", () => {
    const series = createSeries();
    const now = 30 * DAY;
    const add = (minutesAgo: number, good: number, bad: number) =>
      series.add({ pipeline: "paid", at: now - minutesAgo * MINUTE, cause: "crm", good, bad });
    add(2, 0, 2);
    expect(budgetOf(pipeline, series, { budget, now }).burns[0]).toMatchObject({ firing: false });
    add(2, 5, 3);
    const [fast] = budgetOf(pipeline, series, { budget, now }).burns;
    expect(fast).toMatchObject({ rate: 14.4, firing: true });
    expect(fast?.long).toBeCloseTo(50);
    expect(fast?.short).toBeCloseTo(50);
    // The trouble is over: the short window ends it though the long one still burns.
    expect(budgetOf(pipeline, series, { budget, now: now + 10 * MINUTE }).burns[0]).toMatchObject({
      short: 0,
      firing: false,
    });
  });

  it("is untouched without events, used up at its objective, and overdrawn beyond it", () => {
    const series = createSeries();
    const left = () => budgetOf(pipeline, series, { budget, now: DAY }).left;
    expect(left()).toBe(1);
    series.add({ pipeline: "paid", at: 0, cause: "", good: 99, bad: 1 });
    expect(left()).toBeCloseTo(0);
    series.add({ pipeline: "paid", at: 0, cause: "", good: 0, bad: 1 });
    expect(left()).toBeLessThan(0);
  });
});

it("blames the connection that most late events wait for, and none where it is the engine", () => {
  const causes = new Map([
    ["crm", 6],
    ["mail", 3],
    ["", 1],
  ]);
  expect(causeOf({ causes, bad: 10 })).toBe("crm");
  expect(
    causeOf({
      causes: new Map([
        ["", 6],
        ["crm", 4],
      ]),
      bad: 10,
    }),
  ).toBeUndefined();
  expect(
    causeOf({
      causes: new Map([
        ["a", 4],
        ["b", 3],
        ["c", 3],
      ]),
      bad: 10,
    }),
  ).toBeUndefined();
});

it("takes buckets that are small enough for the shortest window", () => {
  expect(bucketOf(DEFAULT_BURN)).toBe(MINUTE);
  expect(bucketOf([{ rate: 1, longMs: 20_000, shortMs: 5_000, severity: "page" }])).toBe(1_000);
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createListener, expectedEvents, type Hours, isSilent } from "../../engine/alerts/heartbeat.ts";
import { isIn } from "../../engine/alerts/silences.ts";
import { type PatternSubject, parseAlertPattern } from "../../engine/core/alert-pattern.ts";

const HOUR = 3_600_000;
const MONDAY = Date.UTC(2026, 10, 23);

/** Five weeks of office hours, 60 events each, Monday to Friday, 8 to 18 UTC. */
function office(skip: (hour: number) => boolean = () => false): Hours {
  const hours = new Map<number, number>();
  for (let hour = MONDAY / HOUR - 5 * 168; hour < MONDAY / HOUR; hour++) {
    const at = new Date(hour * HOUR);
    const busy = at.getUTCDay() >= 1 && at.getUTCDay() <= 5 && at.getUTCHours() >= 8 && at.getUTCHours() < 18;
    if (busy && !skip(hour)) hours.set(hour, 60);
    else if (hour === MONDAY / HOUR - 5 * 168) hours.set(hour, 1);
  }
  return hours;
}

const silent = (hours: Hours, since: number, now: number) => isSilent({ since, hours }, { now, learn: true });

describe("a silence that is learned", () => {
  it("is one in office hours, and none at night or on a weekend", () => {
    const hours = office();
    expect(silent(hours, MONDAY + 10 * HOUR, MONDAY + 10.5 * HOUR)).toBe(true);
    expect(silent(hours, MONDAY - 54 * HOUR, MONDAY + 8 * HOUR)).toBe(false);
    expect(silent(hours, MONDAY + 18 * HOUR, MONDAY + 31 * HOUR)).toBe(false);
  });

  it("is none where one of the past weeks was quiet then too, or the clocks have just been changed", () => {
    const lastWeek = MONDAY / HOUR - 168;
    expect(
      silent(
        office((hour) => hour >= lastWeek && hour < lastWeek + 24),
        MONDAY + 10 * HOUR,
        MONDAY + 13 * HOUR,
      ),
    ).toBe(false);
    expect(expectedEvents(office(), MONDAY + 8 * HOUR, MONDAY + 9 * HOUR)).toBe(0);
  });

  it("is none before two whole weeks are known, and none of a quarter of an hour", () => {
    const young = new Map([...office()].filter(([hour]) => hour >= MONDAY / HOUR - 10 * 24));
    expect(silent(young, MONDAY + 10 * HOUR, MONDAY + 15 * HOUR)).toBe(false);
    const busy = new Map([...office()].map(([hour, events]) => [hour, events * 1_000]));
    expect(silent(busy, MONDAY + 10 * HOUR, MONDAY + 10 * HOUR + 14 * 60_000)).toBe(false);
  });

  it("is what was declared, where something is", () => {
    const given = { since: 0, hours: new Map() };
    expect(isSilent(given, { now: HOUR + 1, heartbeatMs: HOUR, learn: false })).toBe(true);
    expect(isSilent(given, { now: HOUR, heartbeatMs: HOUR, learn: false })).toBe(false);
    expect(isSilent({ since: MONDAY + 10 * HOUR, hours: office() }, { now: MONDAY + 12 * HOUR, learn: false })).toBe(
      false,
    );
  });
});

it("counts what is heard by hour, and gives each count once", () => {
  const listener = createListener();
  listener.heard("stripe", 2, 10);
  listener.heard("stripe", 3, 20);
  expect(listener.take()).toEqual([{ source: "stripe", hour: 0, events: 5, lastAt: 20 }]);
  expect(listener.take()).toEqual([]);
  listener.load([{ source: "stripe", hour: 0, events: 1, lastAt: 5 }]);
  expect(listener.of("stripe")).toEqual({ lastAt: 20, hours: new Map([[0, 6]]) });
});

describe("a maintenance window", () => {
  const at = (text: string) => Date.parse(text);
  const again = (days: readonly number[], zone = "UTC", forMs = 2 * HOUR) => ({
    match: "*",
    reason: "",
    when: { days, at: 23 * 60, forMs, zone },
  });

  it("comes again on its days, also over midnight and over the end of the week", () => {
    const sunday = again([6]);
    expect(isIn(sunday, at("2026-11-29T23:00:00Z"))).toBe(true);
    expect(isIn(sunday, at("2026-11-30T00:59:59Z"))).toBe(true);
    expect(isIn(sunday, at("2026-11-30T01:00:00Z"))).toBe(false);
    expect(isIn(sunday, at("2026-11-29T22:59:00Z"))).toBe(false);
    expect(isIn(again([]), at("2026-11-26T23:30:00Z"))).toBe(true);
  });

  it("goes by the clocks of its zone, in summer and winter", () => {
    const berlin = again([], "Europe/Berlin", HOUR);
    expect(isIn(berlin, at("2026-11-26T22:30:00Z"))).toBe(true);
    expect(isIn(berlin, at("2026-07-26T21:30:00Z"))).toBe(true);
    expect(isIn(berlin, at("2026-07-26T22:30:00Z"))).toBe(false);
  });

  it("is one stretch of time", () => {
    const once = { match: "*", reason: "", when: { from: 10, until: 20 } };
    expect([9, 10, 19, 20].map((now) => isIn(once, now))).toEqual([false, true, true, false]);
  });
});

describe("parseAlertPattern", () => {
  const subject: PatternSubject = {
    pipeline: ["paid-premium"],
    connection: ["crm"],
    source: ["stripe"],
    team: ["revenue-ops"],
    kind: ["budget_burn"],
    severity: ["page"],
  };
  it.each([
    ["connection=crm", true],
    ["connection=crm pipeline=paid-*", true],
    ["connection=crm pipeline=free-*", false],
    ["paid*", true],
    ["*", true],
    ["crm", true],
    ["severity=alert", false],
    ["kind=budget", false],
  ])("reads `%s`", (text, matches) => {
    expect(parseAlertPattern(text)?.(subject)).toBe(matches);
  });
  it("means by a star anything, also nothing, wherever it stands", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab.*]{1,8}$/), fc.stringMatching(/^[ab.]{0,8}$/), (pattern, name) => {
        const all = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`);
        expect(parseAlertPattern(`pipeline=${pattern}`)?.({ ...subject, pipeline: [name] })).toBe(all.test(name));
      }),
      { numRuns: 2_000 },
    );
  });
  it("is quick with any number of stars: one operator's silence holds up no look", () => {
    const long = { ...subject, pipeline: ["a".repeat(200)] };
    expect(parseAlertPattern(`pipeline=${"*a".repeat(40)}*b`)?.(long)).toBe(false);
    expect(parseAlertPattern(`pipeline=${"*a".repeat(40)}*`)?.(long)).toBe(true);
    expect(parseAlertPattern("a".repeat(501))).toBeUndefined();
  });
  it.each(["", "pipelines=a", "a b=", "pipeline: a", "(a+)+$"])("does not read `%s`", (text) => {
    expect(parseAlertPattern(text)).toBeUndefined();
  });
});

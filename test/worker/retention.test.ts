import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { HookrailError } from "../../engine/core/errors.ts";
import { silentObserver } from "../../engine/flow/observer.ts";
import type { PurgeRequest } from "../../engine/store/store.ts";
import { purgeBefore, startRetention } from "../../engine/worker/retention.ts";

const start = 1_000_000_000;
const minute = 60_000;
const day = 86_400_000;
const none = { bodies: 0, keys: 0, events: 0, deadLetters: 0, history: 0, audit: 0 };
const terms = (bodiesMs: number) => () => ({ bodiesMs, eventsMs: 400 * day, deadLettersMs: 180 * day });
const turns = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

describe("purgeBefore", () => {
  it("keeps for ever what has no term, and no event for less long than its body", () => {
    const all = { bodiesMs: 30, eventsMs: 10, deadLettersMs: 20, historyMs: 40, auditMs: 50 };
    expect(purgeBefore(all, 100)).toEqual({
      bodiesBefore: 70,
      eventsBefore: 70,
      deadLettersBefore: 80,
      historyBefore: 60,
      auditBefore: 50,
    });
    const { historyMs: _history, auditMs: _audit, ...some } = all;
    expect(Object.keys(purgeBefore(some, 100))).toEqual(["bodiesBefore", "eventsBefore", "deadLettersBefore"]);
  });
});

describe("startRetention", () => {
  it("purges in chunks every ten minutes, bodies older than declared", async () => {
    const clock = createVirtualClock(start);
    const requests: PurgeRequest[] = [];
    const answers = [true, false, false];
    const store = {
      async purge(request: PurgeRequest) {
        requests.push(request);
        return { ...none, more: answers.shift() ?? false };
      },
    };
    const end = startRetention({ store, clock, observer: silentObserver, terms: terms(5 * minute) });
    clock.advance(10 * minute);
    await turns();
    clock.advance(20);
    await turns();
    expect(requests.map((request) => request.bodiesBefore)).toEqual([start + 5 * minute, start + 5 * minute + 20]);
    end();
    clock.advance(60 * minute);
    await turns();
    expect(requests.length).toBe(2);
  });

  it("goes on after a fault of the store", async () => {
    const clock = createVirtualClock(start);
    let calls = 0;
    const store = {
      async purge() {
        if (++calls === 1) throw new Error("busy");
        return { ...none, more: false };
      },
    };
    const end = startRetention({ store, clock, observer: silentObserver, terms: terms(minute) });
    for (let round = 0; round < 2; round++) {
      clock.advance(10 * minute);
      await turns();
    }
    expect(calls).toBe(2);
    end();
  });

  it("while the disk is full begins at once, takes fewer rows until they pass, and is not asked twice in a second", async () => {
    const clock = createVirtualClock(start);
    const limits: number[] = [];
    const full: (() => void)[] = [];
    const store = {
      async purge({ limit }: PurgeRequest) {
        limits.push(limit);
        if (limit > 12) {
          // The store tells of each refusal, of this one too.
          for (const tell of full) tell();
          throw new HookrailError("HK4008", {});
        }
        return { ...none, more: limits.length < 5 };
      },
      whenFull: (tell: () => void) => void full.push(tell),
    };
    const faults: string[] = [];
    const observer = { ...silentObserver, fault: ({ where }: { where: string }) => faults.push(where) };
    const end = startRetention({ store, clock, observer, terms: terms(minute) });
    for (let refused = 0; refused < 3; refused++) for (const tell of full) tell();
    for (let chunk = 0; chunk < 4; chunk++) {
      await turns();
      clock.advance(20);
    }
    await turns();
    expect(limits).toEqual([200, 50, 12, 24, 6]);
    for (const tell of full) tell();
    expect(limits.length).toBe(5);
    clock.advance(1_000);
    for (const tell of full) tell();
    await turns();
    expect(limits.slice(5)).toEqual([12]);
    expect(faults).toEqual([]);
    end();
  });
});

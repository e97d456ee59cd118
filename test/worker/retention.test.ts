import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { silentObserver } from "../../engine/flow/observer.ts";
import type { PurgeRequest } from "../../engine/store/store.ts";
import { startRetention } from "../../engine/worker/retention.ts";

const start = 1_000_000_000;
const minute = 60_000;
const turns = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

describe("startRetention", () => {
  it("purges in chunks every ten minutes, bodies older than declared", async () => {
    const clock = createVirtualClock(start);
    const requests: PurgeRequest[] = [];
    const answers = [true, false, false];
    const store = {
      async purge(request: PurgeRequest) {
        requests.push(request);
        return { bodies: 0, keys: 0, more: answers.shift() ?? false };
      },
    };
    const end = startRetention({ store, clock, observer: silentObserver, bodiesMs: () => 5 * minute });
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
        return { bodies: 0, keys: 0, more: false };
      },
    };
    const end = startRetention({ store, clock, observer: silentObserver, bodiesMs: () => minute });
    for (let round = 0; round < 2; round++) {
      clock.advance(10 * minute);
      await turns();
    }
    expect(calls).toBe(2);
    end();
  });
});

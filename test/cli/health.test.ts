import { describe, expect, test } from "vitest";
import { createHealth } from "../../engine/cli/health.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";

function open(reserve = 0) {
  const clock = createVirtualClock(0);
  let [reserveBytes, fatal] = [reserve, false];
  let tellFull = (): void => {};
  const state = { hooks: "http://127.0.0.1:1", draining: false };
  const health = createHealth({
    store: {
      size: async () => ({ bytes: 1, freeBytes: 0, walBytes: 0, reserveBytes }),
      whenFull: (tell) => {
        tellFull = tell;
      },
    },
    clock,
    state: () => state,
    isFatal: () => fatal,
  });
  return {
    health,
    clock,
    state,
    full: () => tellFull(),
    setReserve: (bytes: number) => (reserveBytes = bytes),
    fail: () => (fatal = true),
  };
}

describe("health", () => {
  test("is ready once hooks are listened for, and not while it drains", async () => {
    const { health, state } = open();
    expect(await health.notReady()).toBeUndefined();
    state.hooks = "";
    expect(await health.notReady()).toBe("starting");
    state.hooks = "x";
    state.draining = true;
    expect(await health.notReady()).toBe("draining");
    expect(health.failing()).toBeUndefined();
  });

  test("a full disk takes it out of the row until the reserve is back, and is no reason to start anew", async () => {
    const one = open(64);
    expect(await one.health.notReady()).toBeUndefined();
    one.setReserve(0);
    one.full();
    one.clock.advance(3_600_000);
    expect(await one.health.notReady()).toBe("the disk is full");
    expect(one.health.failing()).toBeUndefined();
    one.setReserve(64);
    expect(await one.health.notReady()).toBeUndefined();
  });

  test("without a reserve it is tried again after half a minute", async () => {
    const one = open();
    one.full();
    expect(await one.health.notReady()).toBe("the disk is full");
    one.clock.advance(30_001);
    expect(await one.health.notReady()).toBeUndefined();
  });

  test("a store that can promise nothing is a failure", async () => {
    const one = open();
    one.fail();
    expect(one.health.failing()).toContain("store");
    expect(await one.health.notReady()).toContain("store");
  });
});

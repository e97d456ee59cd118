import { afterEach, beforeEach, expect, it } from "vitest";
import { createVirtualClock, type VirtualClock } from "../../engine/core/clock.ts";
import { startClockWatch } from "../../engine/worker/clock-watch.ts";
import { START } from "../support/store-fixtures.ts";

const HOUR = 3_600_000;
let virtual: VirtualClock;
let shift: number;
let jumps: number[];
let end: () => void;

beforeEach(() => {
  virtual = createVirtualClock(START);
  shift = 0;
  jumps = [];
  const clock = { ...virtual, now: () => virtual.now() + shift };
  end = startClockWatch({ clock, observer: { clockJumped: ({ byMs }) => jumps.push(byMs) } });
});

afterEach(() => end());

it("tells nothing while time passes, however long", () => {
  virtual.advance(48 * HOUR);
  expect(jumps).toEqual([]);
});

it.each([HOUR, -HOUR, 10 * 365 * 24 * HOUR, -10 * 365 * 24 * HOUR, 2_000])("tells a jump by %i ms once", (byMs) => {
  virtual.advance(HOUR);
  shift = byMs;
  virtual.advance(10_000);
  expect(jumps).toEqual([byMs]);
  virtual.advance(HOUR);
  expect(jumps).toEqual([byMs]);
  shift = 0;
  virtual.advance(10_000);
  expect(jumps).toEqual([byMs, -byMs]);
});

it("takes slewing for none, though it adds up", () => {
  for (let n = 0; n < 10_000; n++) {
    shift += 5;
    virtual.advance(10_000);
  }
  expect(jumps).toEqual([]);
});

it("is quiet once it has ended", () => {
  end();
  shift = HOUR;
  virtual.advance(HOUR);
  expect(jumps).toEqual([]);
});

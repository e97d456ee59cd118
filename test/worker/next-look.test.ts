/** The next look of the engine by itself: at what falls due, and never by an answer of before a change. */
import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { createNextLook } from "../../engine/worker/next-look.ts";

const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe("the next look", () => {
  it("is at the instant that is due, half a minute off at most", async () => {
    const clock = createVirtualClock(0);
    const looks: number[] = [];
    let due: number | undefined = 1_000;
    const next = createNextLook({
      clock,
      nextDue: async () => due,
      look: () => looks.push(clock.now()),
      isOn: () => true,
    });
    next.plan();
    await settle();
    due = undefined;
    clock.set(1_000);
    await settle();
    clock.set(31_000);
    await settle();
    next.cancel();
    expect(looks).toEqual([1_000, 31_000]);
  });

  it("goes by what changed while the store was being asked", async () => {
    const clock = createVirtualClock(0);
    const looks: number[] = [];
    const first = Promise.withResolvers<number | undefined>();
    const answers = [first.promise, Promise.resolve(1_000), Promise.resolve(undefined)];
    const next = createNextLook({
      clock,
      nextDue: async () => answers.shift(),
      look: () => looks.push(clock.now()),
      isOn: () => true,
    });
    next.plan();
    await settle();
    // A delivery is put off to 1,000 while the answer of before it is still under way.
    next.plan();
    first.resolve(undefined);
    await settle();
    clock.set(1_000);
    await settle();
    next.cancel();
    expect(looks).toEqual([1_000]);
  });

  it("is now for what fell due meanwhile", async () => {
    const clock = createVirtualClock(0);
    const looks: number[] = [];
    const answers: (number | undefined)[] = [500];
    const next = createNextLook({
      clock,
      nextDue: async () => {
        clock.set(600);
        return answers.shift();
      },
      look: () => looks.push(clock.now()),
      isOn: () => true,
    });
    next.plan();
    await settle();
    clock.set(601);
    await settle();
    next.cancel();
    expect(looks[0]).toBeLessThanOrEqual(601);
  });
});

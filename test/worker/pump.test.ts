import { describe, expect, it } from "vitest";
import { createPump } from "../../engine/worker/pump.ts";

describe("createPump", () => {
  it("steps until there is nothing to do", async () => {
    let left = 5;
    const pump = createPump(async () => (left > 0 ? left-- : 0));
    pump.kick();
    await pump.rest();
    expect(left).toBe(0);
  });

  it("never runs two steps at once, however often it is kicked", async () => {
    let running = 0;
    let most = 0;
    let rounds = 3;
    const pump = createPump(async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return rounds-- > 0 ? 1 : 0;
    });
    for (let i = 0; i < 10; i++) pump.kick();
    await pump.rest();
    expect(most).toBe(1);
  });

  it("looks again when it was kicked during its last step", async () => {
    let work = 0;
    let done = 0;
    const pump = createPump(async () => {
      await Promise.resolve();
      if (work === 0) {
        if (done === 0) {
          // New work comes while the step that found nothing is still running.
          work = 1;
          pump.kick();
        }
        return 0;
      }
      work--;
      return ++done;
    });
    pump.kick();
    await pump.rest();
    expect(done).toBe(1);
  });
});

import { describe, expect, it } from "vitest";
import { createIntakeGate } from "../../engine/worker/intake-gate.ts";

const turns = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

describe("createIntakeGate", () => {
  it("waits for those inside, holds those who come, and lets them in afterwards", async () => {
    const gate = createIntakeGate();
    const seen: string[] = [];
    const inside = Promise.withResolvers<void>();
    const first = gate.pass(async () => {
      seen.push("first in");
      await inside.promise;
      seen.push("first out");
    });
    const middle = Promise.withResolvers<void>();
    const alone = gate.alone(async () => {
      seen.push("alone in");
      await middle.promise;
      seen.push("alone out");
    });
    const later = gate.pass(async () => void seen.push("later"));
    await turns();
    expect(seen).toEqual(["first in"]);
    inside.resolve();
    await first;
    await turns();
    expect(seen).toEqual(["first in", "first out", "alone in"]);
    middle.resolve();
    await Promise.all([alone, later]);
    expect(seen).toEqual(["first in", "first out", "alone in", "alone out", "later"]);
  });

  it("opens again when the work fails, and after a request that failed", async () => {
    const gate = createIntakeGate();
    await expect(gate.pass(() => Promise.reject(new Error("request")))).rejects.toThrow("request");
    await expect(gate.alone(() => Promise.reject(new Error("swap")))).rejects.toThrow("swap");
    expect(await gate.pass(async () => "in")).toBe("in");
    expect(await gate.alone(async () => "alone")).toBe("alone");
  });

  it("does one after the other", async () => {
    const gate = createIntakeGate();
    let inside = 0;
    const work = async () => {
      expect(++inside).toBe(1);
      await turns();
      inside--;
    };
    await Promise.all([gate.alone(work), gate.alone(work), gate.pass(turns), gate.alone(work)]);
  });
});

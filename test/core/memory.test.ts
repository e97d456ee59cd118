import { describe, expect, it } from "vitest";
import { releaseLoadMemory } from "../../engine/core/memory.ts";

describe("releaseLoadMemory", () => {
  it("gives back the room of what is garbage, and leaves no gc behind", () => {
    let kept: unknown = Array.from({ length: 500_000 }, (_, i) => ({ i }));
    const full = process.memoryUsage().heapTotal;
    expect(kept).toHaveLength(500_000);
    kept = undefined;
    releaseLoadMemory();
    expect(process.memoryUsage().heapTotal).toBeLessThan(full);
    expect("gc" in globalThis).toBe(false);
  });
});

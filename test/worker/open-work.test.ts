import { describe, expect, it } from "vitest";
import { createOpenWork } from "../../engine/worker/open-work.ts";

describe("createOpenWork", () => {
  it("lets a loop wait until less than a limit is open, and others until all is done", async () => {
    const open = createOpenWork();
    const ends: (() => void)[] = [];
    for (let i = 0; i < 3; i++) open.track(new Promise((resolve) => ends.push(resolve)));
    const log: string[] = [];
    const below = open.below(3).then(() => log.push("below 3"));
    const idle = open.idle().then(() => log.push("idle"));
    expect(log).toEqual([]);
    ends[0]?.();
    await below;
    expect(log).toEqual(["below 3"]);
    for (const end of ends) end();
    await idle;
    expect(log).toEqual(["below 3", "idle"]);
  });
});

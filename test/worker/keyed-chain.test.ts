import { describe, expect, it } from "vitest";
import { createKeyedChain } from "../../engine/worker/keyed-chain.ts";

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe("createKeyedChain", () => {
  it("runs tasks of one key one after the other, in the order given", async () => {
    const chain = createKeyedChain();
    const gate = deferred();
    const log: string[] = [];
    const first = chain.run(["a"], async () => {
      await gate.promise;
      log.push("first");
    });
    const second = chain.run(["a", "b"], async () => void log.push("second"));
    const third = chain.run(["b"], async () => void log.push("third"));
    gate.resolve();
    await Promise.all([first, second, third]);
    expect(log).toEqual(["first", "second", "third"]);
  });

  it("lets other keys go on while one waits", async () => {
    const chain = createKeyedChain();
    const gate = deferred();
    const blocked = chain.run(["a"], () => gate.promise);
    await expect(chain.run(["b"], async () => "done")).resolves.toBe("done");
    gate.resolve();
    await blocked;
  });

  it("goes on after a task that failed, and hands its error to the caller alone", async () => {
    const chain = createKeyedChain();
    const failed = chain.run(["a"], async () => {
      throw new Error("boom");
    });
    const next = chain.run(["a"], async () => "next");
    await expect(failed).rejects.toThrow("boom");
    await expect(next).resolves.toBe("next");
  });
});

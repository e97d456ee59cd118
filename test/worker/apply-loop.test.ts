import { afterEach, describe, expect, it } from "vitest";
import { HookrailError } from "../../engine/core/errors.ts";
import { silentObserver } from "../../engine/flow/observer.ts";
import type { ApplyCommit, Store } from "../../engine/store/store.ts";
import { type Bench, files, openBench } from "./support.ts";

const config = files({
  connections: 'local: { sink: sql, url: "sqlite:./crm.db" }',
  deliver: "- { to: local, entity: customer }",
});

let bench: Bench;
afterEach(() => bench.close());

/** A store that can not write an apply step as long as it is told so, as on a full disk. */
function faulty(fault: (commit: ApplyCommit) => Error | undefined): (store: Store) => Store {
  return (store) => ({
    ...store,
    commitApply(commit) {
      const error = fault(commit);
      return error === undefined ? store.commitApply(commit) : Promise.reject(error);
    },
  });
}

const full = () => new HookrailError("HK4008", {});

describe("an apply step that the store can not take", () => {
  it("is no fault of the event: it is tried until there is room, and never set aside", async () => {
    let isFull = true;
    bench = await openBench(
      config,
      silentObserver,
      faulty(() => (isFull ? full() : undefined)),
    );
    await bench.engine.start();
    const id = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    for (let second = 0; second < 300; second++) {
      bench.clock.advance(1_000);
      await bench.engine.drain();
    }
    isFull = false;
    bench.clock.advance(30_000);
    await bench.engine.drain();
    expect((await bench.story(id)).summary.outcome).toBe("delivered");
    expect(await bench.engine.store.deadLetters({ status: "open" })).toEqual([]);
  });

  it("wakes the engine by itself when it is to be tried again", async () => {
    let refusals = 1;
    bench = await openBench(
      config,
      silentObserver,
      faulty(() => (refusals-- > 0 ? full() : undefined)),
    );
    await bench.engine.start();
    const id = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    expect((await bench.story(id)).summary.outcome).toBe("accepted");
    // Less than the engine's own look at the clock.
    bench.clock.advance(5_000);
    for (let turn = 0; turn < 200 && (await bench.story(id)).summary.outcome === "accepted"; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    expect((await bench.story(id)).outcomes.map(({ status }) => status)).toEqual(["applied"]);
  });

  it("that fails in other ways, again and again, is a dead letter, even if the store has a bad moment just then", async () => {
    let verdicts = 0;
    bench = await openBench(
      config,
      silentObserver,
      faulty(({ outcome }) => {
        if (outcome.status !== "dead") return new Error("a fault of our own");
        return ++verdicts === 1 ? full() : undefined;
      }),
    );
    await bench.engine.start();
    const id = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    for (let second = 0; second < 60; second++) {
      bench.clock.advance(1_000);
      await bench.engine.drain();
    }
    const [letter] = await bench.engine.store.deadLetters({ status: "open" });
    expect(letter).toMatchObject({ code: "HK9002", event: id });
  });
});

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

describe("a pipeline whose mapping does not end", () => {
  const slowRule =
    "  - on: customer.changed\n    write:\n      customer:\n        key: id\n        fields:\n          note: $string($match(note, /^(a+)+$/).match)";
  const deliver = "- { to: local, entity: customer }";
  const slow = files({ connections: 'local: { sink: sql, url: "sqlite:./crm.db" }', deliver, rule: slowRule });
  const both = {
    ...slow,
    "config.yaml": `${slow["config.yaml"]}limits: { mapping_timeout: 60s }\n`,
    "pipelines/quick.yaml": (config["pipelines/orders.yaml"] ?? "")
      .replace("pipeline: orders", "pipeline: quick")
      .replace("/hooks/shop", "/hooks/quick")
      .replace("tier: tier, ", "")
      .replace(", note: { from: note, on_null: clear }", ""),
  };

  it("holds up nobody else, however much of it comes", async () => {
    bench = await openBench(both);
    await bench.engine.start();
    const stuck: string[] = [];
    // More than a lane takes: the rest stays in the store and keeps nothing from being read.
    for (let i = 0; i < 300; i++)
      stuck.push(await bench.post({ id: `slow ${i}`, data: { id: `s${i}`, note: `${"a".repeat(40)}!` } }));
    const quick = await bench.post({ id: "quick", path: "/hooks/quick", data: { id: "q1", seats: 3 } });
    await expect.poll(async () => (await bench.story(quick)).summary.outcome, { timeout: 20_000 }).toBe("delivered");
    expect((await bench.story(stuck[0] ?? "")).summary.outcome).toBe("accepted");
  });
});

describe("a lane that was full", () => {
  it("takes up what it left behind", async () => {
    bench = await openBench(config);
    await bench.engine.start();
    const sent: string[] = [];
    for (let i = 0; i < 700; i++) sent.push(await bench.post({ id: `e${i}`, data: { id: `c${i % 50}`, seats: i } }));
    await bench.engine.drain();
    for (const id of [sent[0], sent[350], sent[699]]) {
      expect((await bench.story(id ?? "")).summary.outcome).toBe("delivered");
    }
    expect((await bench.engine.store.counts()).ready).toBe(0);
  });
});

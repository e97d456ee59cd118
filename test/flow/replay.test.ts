import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createReplays, planReplay, type ReplayFilter } from "../../engine/flow/replay.ts";
import { createRoutes } from "../../engine/flow/routes.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { type Bench, files, openBench, start } from "../worker/support.ts";

const connections = "out: { sink: file, path: ./out.ndjson }\neffects: { sink: file, path: ./effects.ndjson }";
const deliver =
  "- { to: out }\n- { to: effects, entity: customer, action: append, event: seen }\n- { to: effects, entity: customer, action: append, event: welcomed, once: true }";
const by = { actor: "ada", reason: "the mapping was wrong" };

let bench: Bench;
afterEach(() => bench.close());

const open = async (parts: Partial<Parameters<typeof files>[0]> = {}) => {
  bench = await openBench(files({ connections, deliver, ...parts }));
  await bench.engine.start();
};
const routes = () => createRoutes(bench.engine.revision);
const replays = () => createReplays({ store: bench.engine.store, clock: bench.clock, routes: routes() });
const replay = async (events: readonly string[], effects = false) => {
  const result = await replays().replay({ events, effects }, by);
  await bench.engine.drain();
  return result;
};
const plan = async (filter: Partial<ReplayFilter>) => {
  const evaluator = createEvaluator();
  try {
    const { store } = bench.engine;
    return await planReplay(
      { limit: 100, ...filter },
      { reader: store, routes: routes(), evaluator, clock: bench.clock },
    );
  } finally {
    await evaluator.close();
  }
};
const sent = (file: string): { event?: string }[] => {
  const path = join(bench.root, file);
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8").trim();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line));
};

describe("replay", () => {
  it("goes through the same gates: what is stale stays stale, what is there already sends nothing", async () => {
    await open();
    const first = await bench.send({ id: "1", at: start, data: { id: "c1", seats: 1, note: "old" } });
    const second = await bench.send({ id: "2", at: start + 1, data: { id: "c1", seats: 2 } });
    const before = sent("out.ndjson").length;
    expect(await replay([first, second])).toEqual({ queued: 2, busy: 0, gone: 0 });
    expect(sent("out.ndjson")).toHaveLength(before);
    expect(await bench.engine.store.entity("customer", "c1")).toMatchObject({
      attributes: { seats: { value: 2 }, note: { value: "old" } },
    });
    expect(await bench.engine.store.replaysPending()).toBe(0);
    expect((await bench.engine.store.audit(5))[0]).toMatchObject({ action: "replay", actor: "ada", reason: by.reason });
  });

  it("maps anew with the rules of now, and sends what that changes", async () => {
    await open({ rule: "  - on: customer.changed\n    write:\n      customer: { key: id, fields: { seats: seats } }" });
    const id = await bench.send({ id: "1", data: { id: "c1", seats: 1, note: "kept out" } });
    await bench.swap(files({ connections, deliver }));
    await replay([id]);
    expect(await bench.engine.store.entity("customer", "c1")).toMatchObject({
      attributes: { note: { value: "kept out" } },
    });
    expect(JSON.stringify(sent("out.ndjson").at(-1))).toContain("kept out");
    const story = await bench.story(id);
    expect(story.outcomes).toMatchObject([{ status: "applied", revision: bench.engine.revision.hash }]);
  });

  it("repeats no effect unless it is told to, and then under the same key, and `once` stays once", async () => {
    await open();
    const id = await bench.send({ id: "1", data: { id: "c1", seats: 1 } });
    expect(sent("effects.ndjson")).toHaveLength(2);
    await replay([id]);
    expect(sent("effects.ndjson")).toHaveLength(2);
    expect((await bench.story(id)).outcomes[0]?.detail?.["not_sent"]).toContainEqual(
      expect.objectContaining({ why: "a replay does not repeat effects" }),
    );
    await replay([id], true);
    expect(sent("effects.ndjson")).toHaveLength(3);
    const { deliveries } = await bench.story(id);
    const seen = deliveries.filter(({ delivery }) => delivery.eventName === "seen").map(({ delivery }) => delivery);
    expect(seen).toHaveLength(2);
    expect(new Set(seen.map((one) => one.idempotencyKey)).size).toBe(1);
    expect(new Set(seen.map((one) => one.id)).size).toBe(2);
  });

  it("holds `once` over replays, redrives and restarts", async () => {
    await open();
    const id = await bench.send({ id: "1", data: { id: "c1", seats: 1 } });
    await bench.reopen();
    await replay([id], true);
    await bench.send({ id: "2", data: { id: "c1", seats: 2 } });
    await bench.reopen();
    await replay([id], true);
    expect(sent("effects.ndjson").filter((one) => JSON.stringify(one).includes("welcomed"))).toHaveLength(1);
  });

  it("closes the dead letter it does over, and a dead letter of its own is retried as a replay", async () => {
    await open({
      rule: "  - on: customer.changed\n    write:\n      customer: { key: id, fields: { seats: { from: seats, invalid: reject } } }",
    });
    const id = await bench.send({ id: "1", data: { id: "c1", seats: "many" } });
    const [letter] = await bench.engine.store.deadLetters({ status: "open" });
    expect(letter).toMatchObject({ event: id });
    await replay([id]);
    const open1 = await bench.engine.store.deadLetters({ status: "open" });
    expect(open1).toHaveLength(1);
    expect(open1[0]?.id).not.toBe(letter?.id);
    expect(await bench.engine.store.deadLetter(letter?.id ?? "")).toMatchObject({
      status: "retried",
      resolution: `replayed: ${by.reason}`,
    });
    await bench.swap(files({ connections, deliver }));
    await bench.engine.retryDead(open1[0]?.id as never, by);
    await bench.engine.drain();
    // The whole event is mapped now, and still without effects.
    expect((await bench.story(id)).outcomes).toMatchObject([{ status: "applied" }]);
    expect(sent("effects.ndjson")).toEqual([]);
  });

  it("lets live events go first, and takes up what a crash left", async () => {
    await open();
    const ids: string[] = [];
    for (let n = 0; n < 40; n++) ids.push(await bench.send({ id: `${n}`, data: { id: `c${n}`, seats: n } }));
    await bench.engine.pause("pipeline", "orders", by);
    await replays().replay({ events: ids, effects: false }, by);
    expect(await bench.engine.store.replaysPending()).toBe(40);
    const live = await bench.post({ id: "live", data: { id: "c1", seats: 99 } });
    const order: string[] = [];
    const { store } = bench.engine;
    expect(await store.readyWork(0, 100)).toMatchObject([{ event: { id: live } }]);
    await bench.reopen();
    expect(await bench.engine.store.replaysPending()).toBe(40);
    await bench.engine.resume("pipeline", "orders", by);
    await bench.engine.drain();
    for (const id of [live, ...ids]) order.push(`${(await bench.story(id)).outcomes[0]?.status}`);
    expect(await bench.engine.store.replaysPending()).toBe(0);
    expect(new Set(order.slice(0, 1))).toEqual(new Set(["applied"]));
    expect(await bench.engine.store.entity("customer", "c1")).toMatchObject({ attributes: { seats: { value: 99 } } });
  });

  it("begins no more of a replay while its deliveries are open, and goes on when they end", async () => {
    await open({ rule: "  - on: customer.changed\n    write:\n      customer: { key: id, fields: { seats: seats } }" });
    const ids: string[] = [];
    for (let n = 0; n < 150; n++)
      ids.push(await bench.send({ id: `${n}`, data: { id: `c${n}`, seats: n, note: "x" } }));
    await bench.swap(files({ connections, deliver }));
    await bench.engine.pause("connection", "out", by);
    for (const part of [ids.slice(0, 100), ids.slice(100)])
      await replays().replay({ events: part, effects: false }, by);
    await bench.engine.drain();
    const waiting = await bench.engine.store.replaysPending();
    expect(waiting).toBeGreaterThan(20);
    expect(waiting).toBeLessThan(51);
    const live = await bench.send({ id: "live", data: { id: "new", seats: 1 } });
    expect((await bench.story(live)).outcomes).toMatchObject([{ status: "applied" }]);
    await bench.engine.resume("connection", "out", by);
    await bench.engine.drain();
    expect(await bench.engine.store.replaysPending()).toBe(0);
    expect(await bench.engine.store.entity("customer", "c149")).toMatchObject({ attributes: { note: { value: "x" } } });
  });

  it("asked twice at once is one turn, and later another", async () => {
    await open();
    const id = await bench.send({ id: "1", data: { id: "c1", seats: 1 } });
    const both = await Promise.all([1, 2].map(() => replays().replay({ events: [id], effects: false }, by)));
    expect(both.map((one) => one.queued + one.busy)).toEqual([1, 1]);
    await bench.engine.drain();
    expect(await replay([id])).toEqual({ queued: 1, busy: 0, gone: 0 });
  });
});

describe("what a replay would do", () => {
  it("is told for each event against what is stored now, and nothing is written", async () => {
    await open();
    const stale = await bench.send({ id: "1", at: start, data: { id: "c1", seats: 1 } });
    const newer = await bench.send({ id: "2", at: start + 1, data: { id: "c1", seats: 2 } });
    const dead = await bench.send({ id: "3", at: start + 2, data: { seats: 3 } });
    const counts = await bench.engine.store.counts();
    const told = await plan({ source: "orders" });
    expect(told).toMatchObject({ events: [stale, newer, dead], leftOut: [], more: false });
    expect(told.turns).toMatchObject([
      { event: stale, verdict: "stale", supersededBy: newer, entities: ["customer/c1"] },
      { event: newer, verdict: "no_change", entities: ["customer/c1"] },
      { event: dead, verdict: "dead", reason: "HK2020" },
    ]);
    expect(await bench.engine.store.counts()).toEqual(counts);
    await bench.swap(
      files({
        connections,
        deliver,
        rule: "  - on: customer.changed\n    write:\n      customer: { key: id, fields: { seats: $number(seats) * 10 } }",
      }),
    );
    expect((await plan({ events: [newer] })).turns).toMatchObject([
      { verdict: "changes", changes: ["customer.seats"] },
    ]);
  });

  it("chooses by type, outcome and time, the newest up to the limit, and leaves out what can not be replayed", async () => {
    await open();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      bench.clock.set(start + n * 1_000);
      ids.push(await bench.send({ id: `${n}`, data: { id: `c${n}`, seats: n } }));
    }
    const other = await bench.send({ id: "x", type: "order.made", data: { id: "o1" } });
    expect((await plan({ type: "customer.changed", limit: 2 })).events).toEqual(ids.slice(3));
    expect((await plan({ type: "customer.changed", limit: 2 })).more).toBe(true);
    expect((await plan({ since: start + 1_000, until: start + 3_000 })).events).toEqual(ids.slice(1, 3));
    expect((await plan({ outcome: "dead_letter" })).events).toEqual([]);
    expect((await plan({ events: [other] })).leftOut).toEqual([{ event: other, why: "no_pipeline" }]);
    await bench.engine.pause("pipeline", "orders", by);
    const waiting = await bench.send({ id: "w", data: { id: "c1", seats: 1 } });
    expect((await plan({ events: [waiting] })).leftOut).toEqual([{ event: waiting, why: "in_progress" }]);
    await bench.engine.store.purge({ bodiesBefore: start + 500, now: start, limit: 100 });
    expect((await plan({ events: [ids[0] as string] })).leftOut).toEqual([{ event: ids[0], why: "body_purged" }]);
    expect(await replays().replay({ events: [ids[0] as string], effects: false }, by)).toEqual({
      queued: 0,
      busy: 0,
      gone: 1,
    });
  });
});

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { chooseColors } from "../../engine/cli/context.ts";
import { renderStory } from "../../engine/cli/explain-story.ts";
import { createReplays } from "../../engine/flow/replay.ts";
import { createRoutes } from "../../engine/flow/routes.ts";
import { sensitivityOf } from "../../engine/http/documents.ts";
import { type Bench, files, openBench, start } from "../worker/support.ts";

const connections = "out: { sink: file, path: ./out.ndjson }\neffects: { sink: file, path: ./effects.ndjson }";
const deliver = "- { to: out }";
const state = (type: string, to: string, more = "") =>
  `  - on: ${type}${more}\n    write: { order: { key: id, state: ${to} } }`;
const orders = (more = "") =>
  [state("order.new", "new"), state("order.paid", "paid"), state("order.shipped", "shipped", more)].join("\n");

let bench: Bench;
afterEach(() => bench.close());
const open = async (parts: Partial<Parameters<typeof files>[0]> = {}) => {
  bench = await openBench(files({ connections, deliver, ...parts }));
  await bench.engine.start();
};
const send = (id: string, at: number, data: object, type = "customer.changed") =>
  bench.send({ id, type, at: start + at, data: data as never });
const entity = (type: string, key: string) => bench.engine.store.entity(type, key);
const by = { actor: "ada", reason: "test" };
const fired = (name: string): number => {
  const path = join(bench.root, "effects.ndjson");
  if (!existsSync(path)) return 0;
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .filter((line) => line.includes(`"${name}"`)).length;
};
async function explained(id: string): Promise<string> {
  const out = { write: () => {}, tty: false, columns: 200, color: chooseColors(false, {}) };
  const sensitive = sensitivityOf(bench.engine.revision.entities);
  return renderStory(await bench.story(id), { out, sensitive, guarantee: () => undefined });
}

describe("a late event", () => {
  it("writes what is older than it, and says of the rest which event was before it", async () => {
    await open();
    const newer = await send("2", 2, { id: "c1", seats: 2 });
    const late = await send("1", 1, { id: "c1", seats: 1, note: "only here" });
    expect(await entity("customer", "c1")).toMatchObject({
      attributes: { seats: { value: 2 }, note: { value: "only here" } },
    });
    expect((await bench.story(late)).outcomes).toMatchObject([{ status: "applied" }]);
    expect(await explained(late)).toMatch(new RegExp(`seats: stays 2, would be 1 .*superseded by ${newer}`));
  });

  it("that has nothing left to write is skipped, and names the event that superseded it wherever it is shown", async () => {
    await open();
    const newer = await send("2", 2, { id: "c1", seats: 2 });
    const late = await send("1", 1, { id: "c1", seats: 1 });
    expect((await bench.story(late)).outcomes).toMatchObject([
      { status: "skipped", reason: "stale", supersededBy: newer },
    ]);
    const [summary] = await bench.engine.store.events({ outcome: "skipped" });
    expect(summary).toMatchObject({ id: late, pipelines: [{ outcome: "skipped", supersededBy: newer }] });
    expect(await explained(late)).toContain(newer);
  });

  it("of the same instant falls to receipt, never to the id", async () => {
    await open();
    await send("z", 1, { id: "c1", seats: 1 });
    await send("a", 1, { id: "c1", seats: 2 });
    expect(await entity("customer", "c1")).toMatchObject({ attributes: { seats: { value: 2 } } });
    await send("m", 2, { id: "c2", seats: 1 });
    await send("zz", 2, { id: "c2", seats: 2 });
    expect(await entity("customer", "c2")).toMatchObject({ attributes: { seats: { value: 2 } } });
  });
});

describe("an event from far ahead", () => {
  it("moves nothing, is a dead letter that says so, and does no harm to the honest one after it", async () => {
    await open();
    await send("1", 0, { id: "c1", seats: 1 });
    const far = await send("2", 3_600_000, { id: "c1", seats: 99 });
    expect((await bench.story(far)).deadLetters).toMatchObject([{ code: "HK6001", status: "open" }]);
    expect((await bench.engine.store.events({ outcome: "dead_letter" })).map(({ id }) => id)).toEqual([far]);
    await send("3", 1, { id: "c1", seats: 2 });
    expect(await entity("customer", "c1")).toMatchObject({ attributes: { seats: { value: 2 } } });
  });
});

describe("a deleted entity", () => {
  it("stays deleted for older events that come by any of its ids, and comes back for a newer one", async () => {
    const config = files({
      connections,
      deliver,
      rule: [
        "  - on: customer.changed\n    write: { customer: { key: id, link: { mail: mail }, fields: { seats: seats } } }",
        "  - on: customer.gone\n    write: { customer: { key: id, delete: tombstone } }",
        "  - on: mail.opened\n    write: { customer: { key: { mail: mail }, fields: { seats: seats } } }",
      ].join("\n"),
    });
    const yaml = (config["config.yaml"] ?? "").replace("  customer:\n", "  customer:\n    ids: [id, mail]\n");
    bench = await openBench({ ...config, "config.yaml": yaml });
    await bench.engine.start();
    await send("1", 1, { id: "c1", mail: "x", seats: 1 });
    const gone = await send("5", 5, { id: "c1" }, "customer.gone");
    for (const [id, type, data] of [
      ["2", "customer.changed", { id: "c1", seats: 2 }],
      ["3", "mail.opened", { mail: "x", seats: 3 }],
    ] as const) {
      const late = await send(id, Number(id), data, type);
      expect((await bench.story(late)).outcomes).toMatchObject([
        { status: "skipped", reason: "tombstone", supersededBy: gone },
      ]);
    }
    expect(await entity("customer", "c1")).toMatchObject({ attributes: {}, tombstone: { erased: false } });
    await send("6", 6, { mail: "x", seats: 6 }, "mail.opened");
    expect(await entity("customer", "c1")).toMatchObject({ attributes: { seats: { value: 6 } } });
  });
});

describe("the end of a hold window", () => {
  it("forces the move where the author wrote so: in the history, in explain, in the audit", async () => {
    await open({ rule: orders("\n    hold: { window: 10m, then: force }") });
    await send("1", 0, { id: "o1" }, "order.new");
    const early = await send("3", 2, { id: "o1" }, "order.shipped");
    expect((await bench.story(early)).summary.outcome).toBe("held");
    await bench.reopen();
    await bench.pass(11 * 60_000);
    expect((await entity("order", "o1"))?.state).toBe("shipped");
    expect((await bench.story(early)).history).toContainEqual(
      expect.objectContaining({ attribute: "state", before: "new", after: "shipped", note: "forced" }),
    );
    expect(await explained(early)).toMatch(/"new" -> "shipped" \(forced\)/);
    expect(await bench.engine.store.audit(5)).toContainEqual(
      expect.objectContaining({ action: "force", actor: "pipeline orders", target: early }),
    );
    // The one that was missing comes after all: it is older than what is there.
    const late = await send("2", 1, { id: "o1" }, "order.paid");
    expect((await bench.story(late)).outcomes).toMatchObject([{ status: "skipped", supersededBy: early }]);
  });

  it("is a dead letter by default, whose redrive goes through the gate again", async () => {
    await open({ rule: orders() });
    await send("1", 0, { id: "o1" }, "order.new");
    const early = await send("3", 2, { id: "o1" }, "order.shipped");
    await bench.pass(16 * 60_000);
    const [letter] = (await bench.story(early)).deadLetters;
    expect(letter).toMatchObject({ code: "HK6004" });
    await send("2", 1, { id: "o1" }, "order.paid");
    await bench.engine.retryDead(letter?.id as never, by);
    await bench.engine.drain();
    expect((await entity("order", "o1"))?.state).toBe("shipped");
    expect(await bench.engine.store.audit(5)).not.toContainEqual(expect.objectContaining({ action: "force" }));
  });

  it("waits for an unknown parent, found through its child, and goes on when it comes", async () => {
    await open({
      rule: [
        "  - on: order.made\n    write: { order: { key: id, fields: { total: total } }, customer: { key: customer } }",
        "  - on: order.noted\n    write: { order: { key: id }, customer: { key: { parent_of: order }, fields: { note: note } } }",
      ].join("\n"),
    });
    const early = await send("2", 2, { id: "o1", note: "hello" }, "order.noted");
    expect((await bench.story(early)).summary.outcome).toBe("held");
    await send("1", 1, { id: "o1", total: 5, customer: "c1" }, "order.made");
    expect(await entity("customer", "c1")).toMatchObject({ attributes: { note: { value: "hello" } } });
  });
});

describe("once, on_enter, on_change and not_after", () => {
  const effects = [
    "- { to: effects, entity: order, action: append, event: once, once: true }",
    "- { to: effects, entity: order, action: append, event: entered, on_enter: [paid] }",
    "- { to: effects, entity: order, action: append, event: changed, on_change: [total] }",
    "- { to: effects, entity: order, action: append, event: in_time, not_after: until, once: [n] }",
  ].join("\n");
  const rule = ["new", "paid"]
    .map((to) => `  - on: order.${to}\n    write: { order: { key: id, state: ${to}, fields: { total: total } } }`)
    .join("\n");
  const counts = () => Object.fromEntries(["once", "entered", "changed", "in_time"].map((name) => [name, fired(name)]));

  it("fire as often after restarts, resends, replays with effects and redrives as they did without", async () => {
    await open({ rule, deliver: effects });
    const until = new Date(start + 60_000).toISOString();
    const ids = [
      await send("1", 0, { id: "o1", total: 1, n: 1, until }, "order.new"),
      await send("2", 1, { id: "o1", total: 2, n: 1, until }, "order.paid"),
    ];
    const once = { once: 1, entered: 1, changed: 2, in_time: 1 };
    expect(counts()).toEqual(once);
    await bench.reopen();
    expect(await send("2", 1, { id: "o1", total: 2, n: 1, until }, "order.paid")).toBe(ids[1]);
    bench.clock.set(start + 120_000);
    const { store } = bench.engine;
    const replays = createReplays({ store, clock: bench.clock, routes: createRoutes(bench.engine.revision) });
    await replays.replay({ events: ids, effects: true }, by);
    await bench.engine.drain();
    await bench.reopen();
    expect(counts()).toEqual(once);
    // Too late for what is only worth sending in time, though its mark is free.
    await send("3", 120_000, { id: "o1", total: 2, n: 2, until }, "order.paid");
    expect(counts()).toEqual(once);
  });

  describe("for an event that died and is redriven once the mapping is mended", () => {
    const mapped = (more: string) =>
      ["new", "paid"]
        .map((to) => `  - on: order.${to}\n    write: { order: { key: id, state: ${to}, fields: { total: ${more} } } }`)
        .join("\n");
    const strict = mapped("{ from: total, missing: reject }");
    const until = new Date(start + 60_000).toISOString();
    const dead = async () => {
      await open({ rule: strict, deliver: effects });
      await send("1", 0, { id: "o1", total: 1, n: 1, until }, "order.new");
      const refused = await send("2", 1, { id: "o1", n: 2, until }, "order.paid");
      const [letter] = (await bench.story(refused)).deadLetters;
      expect(letter).toMatchObject({ code: "HK2020" });
      return async () => {
        await bench.swap(files({ connections, deliver: effects, rule: mapped("total") }));
        await bench.engine.retryDead(letter?.id as never, by);
        await bench.engine.drain();
        await bench.reopen();
      };
    };
    const before = { once: 1, entered: 0, changed: 1, in_time: 1 };

    it("fire once, as they would have", async () => {
      const redrive = await dead();
      expect(counts()).toEqual(before);
      await redrive();
      expect(counts()).toEqual({ ...before, entered: 1, in_time: 2 });
      expect((await entity("order", "o1"))?.state).toBe("paid");
    });

    it("do not fire for a state that another event has entered meanwhile, nor for a value that is newer now", async () => {
      const redrive = await dead();
      await send("3", 2, { id: "o1", total: 3, n: 1, until }, "order.paid");
      const meanwhile = { ...before, entered: 1, changed: 2 };
      expect(counts()).toEqual(meanwhile);
      await redrive();
      expect(counts()).toMatchObject({ once: 1, entered: 1, changed: 2 });
      expect(await entity("order", "o1")).toMatchObject({ attributes: { total: { value: 3 } } });
    });

    it("do not fire too late", async () => {
      const redrive = await dead();
      bench.clock.set(start + 120_000);
      await redrive();
      expect(counts()).toEqual({ ...before, entered: 1 });
    });
  });
});

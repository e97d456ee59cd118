import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Bench, files, openBench, start } from "../worker/support.ts";

let bench: Bench;
afterEach(() => bench.close());

const connections = "out: { sink: file, path: ./out.ndjson }\neffects: { sink: file, path: ./effects.ndjson }";
const eachOrder = `
  - on: cart.changed
    each: lines
    let: { cents: $item.price * 100 }
    write:
      order:
        key: $item.id
        state: { from: $item.state }
        fields: { total: $cents }
      customer:
        key: { from: $item.buyer, missing: reject }
        fields: { seats: $item.seats }`;

const open = async (rule: string, deliver = "- { to: out }") => {
  bench = await openBench(files({ connections, deliver, rule }));
  await bench.engine.start();
};

const entity = (type: string, key: string) => bench.engine.store.entity(type, key);
const lines = (file: string) =>
  readFileSync(join(bench.root, file), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { key: string; attributes: object; fields?: object; [name: string]: unknown });

describe("each", () => {
  it("writes one entity for each item, with keys, names and missing data of its own, and ties it to the item's own parent", async () => {
    await open(eachOrder.replace("{ from: $item.buyer, missing: reject }", "$item.buyer"));
    const id = await bench.send({
      id: "1",
      type: "cart.changed",
      data: {
        lines: [
          { id: "o1", price: 3, state: "new", buyer: "c1", seats: 1 },
          { id: "o2", state: "paid", buyer: "c2", seats: 2 },
          { id: "o3", price: 5, buyer: "c1" },
        ],
      },
    });
    expect((await bench.story(id)).summary.outcome).toBe("delivered");
    expect(await entity("order", "o1")).toMatchObject({
      state: "new",
      parent: { type: "customer", key: "c1" },
      attributes: { total: { value: 300 } },
    });
    expect(await entity("order", "o2")).toMatchObject({ state: "paid", parent: { key: "c2" }, attributes: {} });
    expect(await entity("order", "o3")).toMatchObject({ state: "unknown", parent: { key: "c1" } });
    // The third item knows no seats: what the first wrote is kept.
    expect(await entity("customer", "c1")).toMatchObject({ attributes: { seats: { value: 1 } } });
    const detail = (await bench.story(id)).outcomes[0]?.detail;
    expect(detail?.["rows"]).toContainEqual(
      expect.objectContaining({ item: 2, attribute: "total", missing: ["$cents"], result: "keep" }),
    );
  });

  it("writes all items or none", async () => {
    await open(eachOrder.replace("{ from: $item.buyer, missing: reject }", "$item.buyer"));
    const id = await bench.send({
      id: "1",
      type: "cart.changed",
      data: {
        lines: [
          { id: "o1", price: 3, buyer: "c1" },
          { id: "o2", price: 1 },
        ],
      },
    });
    const story = await bench.story(id);
    expect(story.deadLetters).toMatchObject([{ code: "HK2020", message: expect.stringContaining("item 2 of each") }]);
    expect(await entity("order", "o1")).toBeUndefined();
    expect(story.deliveries).toEqual([]);
  });

  it("has nothing to do for an empty list or a filter that finds nothing, and does not take an absent list for one", async () => {
    await open(
      eachOrder
        .replace("each: lines", "each: lines[seats > 5]")
        .replace("{ from: $item.buyer, missing: reject }", "$item.buyer"),
    );
    const send = (n: string, data: object) => bench.send({ id: n, type: "cart.changed", data: data as never });
    expect((await bench.story(await send("1", { lines: [] }))).outcomes).toMatchObject([{ status: "applied" }]);
    const filtered = await bench.story(await send("2", { lines: [{ id: "o1", price: 1, buyer: "c1", seats: 2 }] }));
    expect(filtered.outcomes).toMatchObject([{ status: "applied", detail: { rows: [] } }]);
    expect((await bench.story(await send("3", {}))).deadLetters).toMatchObject([{ code: "HK6010" }]);
    expect((await bench.story(await send("4", { lines: null }))).deadLetters).toMatchObject([{ code: "HK6010" }]);
    expect(await entity("order", "o1")).toBeUndefined();
    await send("5", { lines: { id: "o9", price: 1, buyer: "c9", seats: 6 } });
    expect(await entity("order", "o9")).toMatchObject({ attributes: { total: { value: 100 } } });
  });

  it("fires an effect for each entity with its own item, under one key however often the event is replayed", async () => {
    const effect = "- { to: effects, entity: order, action: append, when: $item.seats > 1 }\n- { to: out }";
    const rule = eachOrder.replace("{ from: $item.buyer, missing: reject }", "$item.buyer");
    await open(rule, effect);
    const event = {
      id: "1",
      type: "cart.changed",
      data: {
        lines: [
          { id: "o1", price: 3, buyer: "c1", seats: 1 },
          { id: "o2", price: 4, buyer: "c1", seats: 2 },
        ],
      },
    };
    const story = await bench.story(await bench.send(event));
    const toEffects = story.deliveries.filter(({ delivery }) => delivery.connection === "effects");
    expect(toEffects.map(({ delivery }) => delivery.entity.key)).toEqual(["o2"]);
    expect(new Set(story.deliveries.map(({ delivery }) => delivery.idempotencyKey)).size).toBe(story.deliveries.length);
    expect(lines("effects.ndjson")).toHaveLength(1);
  });

  it("holds the whole event while one of its items can not go yet", async () => {
    await open(eachOrder.replace("{ from: $item.buyer, missing: reject }", "$item.buyer"));
    const at = (n: string, when: number, data: object[]) =>
      bench.send({ id: n, type: "cart.changed", at: start + when, data: { lines: data } as never });
    await at("1", 0, [{ id: "o1", price: 1, buyer: "c1", state: "new" }]);
    const early = await at("2", 2, [
      { id: "o2", price: 7, buyer: "c1", state: "new" },
      { id: "o1", price: 1, buyer: "c1", state: "shipped" },
    ]);
    expect((await bench.story(early)).summary.outcome).toBe("held");
    expect(await entity("order", "o2")).toBeUndefined();
    await at("3", 1, [{ id: "o1", price: 1, buyer: "c1", state: "paid" }]);
    expect(await entity("order", "o1")).toMatchObject({ state: "shipped" });
    expect(await entity("order", "o2")).toMatchObject({ attributes: { total: { value: 700 } } });
  });
});

describe("order", () => {
  const changed = (order: string) => `
  - on: customer.changed
    order: ${order}
    write:
      customer: { key: id, fields: { note: note, seats: seats } }`;
  const note = async (key = "c1") => (await entity("customer", key))?.attributes["note"]?.value;
  const send = (id: string, at: number, data: object) =>
    bench.send({ id, at: start + at, data: { id: "c1", ...data } as never });

  it("by the payload's own counter, whatever the source's clock says", async () => {
    await open(changed("{ by: version }"));
    await send("1", 5, { version: 2, note: "two" });
    const stale = await bench.story(await send("2", 9, { version: 1, note: "one" }));
    expect(stale.outcomes).toMatchObject([{ status: "skipped", reason: "stale" }]);
    expect(await note()).toBe("two");
    await send("3", 0, { version: 10, note: "ten" });
    expect(await note()).toBe("ten");
    const none = await bench.story(await send("4", 10, { note: "none" }));
    expect(none.deadLetters).toMatchObject([{ code: "HK6012" }]);
    const huge = await bench.story(await send("5", 10, { version: "12345678901234567890", note: "huge" }));
    expect(huge.deadLetters).toMatchObject([{ code: "HK6012" }]);
    expect(await note()).toBe("ten");
  });

  it("by an ISO time of the payload, which may not be far ahead of receipt", async () => {
    await open(changed("{ by: updated }"));
    await send("1", 5, { updated: "2026-12-01T00:00:00.500Z", note: "later" });
    await send("2", 9, { updated: "2026-12-01T00:00:00.100Z", note: "earlier" });
    expect(await note()).toBe("later");
    const far = await bench.story(await send("3", 9, { updated: "2036-01-01T00:00:00Z", note: "far" }));
    expect(far.deadLetters).toMatchObject([{ code: "HK6001" }]);
    await send("4", 9, { updated: "2026-12-01T00:00:01Z", note: "now" });
    expect(await note()).toBe("now");
  });

  it("by receipt: what arrives last stands, however far ahead its time", async () => {
    await open(changed("receipt"));
    await send("1", 500, { note: "first" });
    bench.clock.set(start + 10);
    await send("2", 100, { note: "second" });
    expect(await note()).toBe("second");
    await send("3", 1e12, { note: "third" });
    expect(await note()).toBe("third");
  });
});

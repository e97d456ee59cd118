import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { type Bench, files, openBench } from "../worker/support.ts";

let crm: FaultServer;
let bench: Bench;

beforeEach(async () => {
  crm = await startFaultServer();
});
afterEach(async () => {
  await bench.close();
  await crm.close();
});

type Files = Record<string, string>;

const http = (more = "", path = "customers") =>
  `crm: { sink: http, url: "${crm.url}/${path}/{entity.key}", allow_private: true${more} }`;
const identify = "- { to: crm, entity: customer }";
const once = `${identify}\n- { to: crm, entity: customer, action: track, event: started, once: true }`;
const by = { actor: "ada", reason: "test" };
const changed = (config: Files, edits: readonly (readonly [from: string, to: string])[], more = ""): Files =>
  Object.fromEntries(
    Object.entries(config).map(([path, text]) => [
      path,
      edits.reduce((edited, [from, to]) => edited.replaceAll(from, to), text) + (path === "config.yaml" ? more : ""),
    ]),
  );
const actions = (more = "") =>
  http(
    `, actions: { save: { kind: upsert, path: "/save" }, track: { kind: effect, path: "/track" } }, default_action: save${more}`,
  );
const body = (index: number) => JSON.parse(crm.requests[index]?.body ?? "null");

describe("a new revision", () => {
  it("is what later events are accepted and applied with; the store has both", async () => {
    const before = files({ connections: http(), deliver: identify });
    bench = await openBench(before);
    await bench.engine.start();
    const old = bench.engine.revision.hash;
    const first = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const after = changed(before, [["tier: tier", "tier: plan"]]);
    expect(await bench.swap(after)).toEqual([]);
    const now = bench.engine.revision.hash;
    const second = await bench.send({ id: "2", data: { id: "c1", plan: "team" } });
    expect(now).not.toBe(old);
    const [one, two] = [await bench.story(first), await bench.story(second)];
    const written = await bench.engine.store.lineage({ type: "customer", key: "c1" }, "tier", 5);
    expect(written.map((row) => row.revision)).toEqual([now, old]);
    expect([one.event.revision, one.outcomes[0]?.revision]).toEqual([old, old]);
    expect([two.event.revision, two.outcomes[0]?.revision]).toEqual([now, now]);
    expect((await bench.engine.store.revision(now))?.files["pipelines/orders.yaml"]).toContain("plan");
    expect((await bench.engine.store.revision(old))?.files["pipelines/orders.yaml"]).not.toContain("plan");
  });

  it("sends retries of a frozen request to the new address, with the same bytes and key", async () => {
    const before = files({ connections: http(), deliver: identify });
    bench = await openBench(before);
    await bench.engine.start();
    crm.next(answer(503));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const other = await startFaultServer();
    try {
      await bench.swap(changed(before, [[crm.url, other.url]]));
      await bench.pass(600_000);
      expect(other.requests.map((one) => [one.url, one.body, one.headers["idempotency-key"]])).toEqual(
        crm.requests.map((one) => [one.url, one.body, one.headers["idempotency-key"]]),
      );
      expect(other.requests.length).toBe(1);
    } finally {
      await other.close();
    }
  });

  it("lets an attempt under way end over the old connection, and starts no other one beside it", async () => {
    const before = files({ connections: http(), deliver: identify });
    bench = await openBench(before);
    await bench.engine.start();
    crm.next({ kind: "hang" });
    const sending = bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    await expect.poll(() => crm.requests.length).toBe(1);
    await bench.swap(changed(before, [["customers/", "people/"]]));
    await bench.post({ id: "2", data: { id: "c1", seats: 2 } });
    await bench.post({ id: "3", data: { id: "c2", tier: "team" } });
    await expect.poll(() => crm.requests.length).toBe(2);
    expect(crm.requests[1]?.url).toBe("/people/c2");
    await crm.close();
    await sending;
    expect((await bench.engine.store.entity("customer", "c1"))?.attributes["seats"]?.value).toBe(2);
  });

  it("keeps the sink and the breaker of a connection that is the same", async () => {
    const before = files({ connections: http(", breaker: { failures: 1, open_for: 10m }"), deliver: identify });
    bench = await openBench(before);
    await bench.engine.start();
    crm.next(answer(503));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const after = changed(before, [["lag: 60s", "lag: 50s"]]);
    await bench.swap(after, ["crm"]);
    await bench.send({ id: "2", data: { id: "c2", tier: "pro" } });
    expect(crm.requests.length).toBe(1);
    // Opened anew it would not know that the sink is down.
    await bench.swap(after);
    await bench.engine.drain();
    expect(crm.requests.length).toBe(2);
  });
});

describe("a revision that loses sight of live rows", () => {
  it("is refused with counts, and changes nothing", async () => {
    const before = files({ connections: http(), deliver: identify });
    bench = await openBench(before);
    await bench.engine.start();
    crm.next(answer(503));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    await bench.send({ id: "2", data: { id: "c2", tier: "pro", note: "x" } });
    const refused = bench.swap(
      changed(before, [
        ["crm:", "crm-eu:"],
        ["to: crm", "to: crm-eu"],
        ["note: { type: string", "remark: { type: string"],
        ["note: { from: note", "remark: { from: note"],
        ["pipeline: orders", "pipeline: shop"],
      ]),
    );
    await expect(refused).rejects.toMatchObject({ code: "HK8041" });
    const text = String(await refused.catch((error: Error) => error.message));
    for (const part of [
      "source `orders` (2 entities with versions of its clock)",
      "pipeline `orders` (2 entities whose values it wrote)",
      "connection `crm` (1 open deliveries, 1 entities that it has acknowledged)",
      "attribute `customer.note` (1 entities)",
    ])
      expect(text).toContain(part);
    await bench.pass(600_000);
    expect((await bench.engine.store.counts()).openDeliveries).toBe(0);
    expect(bench.engine.revision.connections.has("crm")).toBe(true);
  });

  it("is refused at the start too", async () => {
    const config = files({ connections: http(), deliver: identify });
    bench = await openBench(config);
    await bench.engine.start();
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const text = config["config.yaml"] as string;
    config["config.yaml"] = text.replace("crm:", "crm-eu:");
    const pipeline = config["pipelines/orders.yaml"] as string;
    config["pipelines/orders.yaml"] = pipeline.replace("to: crm", "to: crm-eu");
    await expect(bench.reopen()).rejects.toMatchObject({ code: "HK8041" });
    config["config.yaml"] += "drop: { connections: [crm] }\n";
    await bench.reopen();
  });
});

describe("moved", () => {
  const rename = [
    ["crm:", "crm-eu:"],
    ["to: crm", "to: crm-eu"],
    ["pipeline: orders", "pipeline: shop"],
    ["customer:", "client:"],
    ["parent: customer", "parent: client"],
    ["entity: customer", "entity: client"],
    ["tier: { type", "level: { type"],
    ["tier: tier", "level: tier"],
    ["lowers: [tier]", "lowers: [level]"],
  ] as const;
  const moved = `moved:
  pipelines: { orders: shop }
  sources: { orders: shop }
  connections: { crm: crm-eu }
  entities: { customer: client }
  attributes: { customer.tier: client.level }
`;

  it("takes dedupe, versions, once marks, acknowledged values and open work along", async () => {
    const before = files({ connections: actions(), deliver: once });
    bench = await openBench(before);
    await bench.engine.start();
    await bench.send({ id: "1", at: 5_000, data: { id: "c1", tier: "pro", seats: 1 } });
    await bench.engine.pause("pipeline", "orders", by);
    const waiting = await bench.send({ id: "2", at: 6_000, data: { id: "c1", seats: 2 } });
    await bench.engine.pause("connection", "crm", by);
    const after = changed(before, rename, moved);
    const changes = await bench.swap(after);
    expect(changes.length).toBe(5);
    // Paused under the old name is paused under the new one.
    expect((await bench.engine.store.pauses()).map((one) => `${one.kind} ${one.name}`).sort()).toEqual([
      "connection crm-eu",
      "pipeline shop",
    ]);
    expect(await bench.post({ id: "1", at: 5_000, data: { id: "c1", tier: "pro", seats: 1 } })).toBe(
      (await bench.engine.store.events({ limit: 5 })).at(-1)?.id,
    );
    await bench.engine.resume("pipeline", "shop", by);
    await bench.engine.resume("connection", "crm-eu", by);
    await bench.engine.drain();
    expect((await bench.story(waiting)).summary.outcome).toBe("delivered");
    // An older event of the same clock is stale, as before.
    const late = await bench.send({ id: "3", at: 4_000, data: { id: "c1", tier: "free" } });
    expect((await bench.story(late)).outcomes[0]).toMatchObject({
      pipeline: "shop",
      status: "skipped",
      reason: "stale",
    });
    const client = await bench.engine.store.entity("client", "c1");
    expect(client?.attributes["level"]).toMatchObject({ value: "pro", writer: "shop", version: { source: "shop" } });
    expect(client?.attributes["seats"]?.value).toBe(2);
    expect(await bench.engine.store.entity("customer", "c1")).toBeUndefined();
    // The upsert has only what the sink does not have yet, and the effect that fired does not fire again.
    const sent = crm.requests.map((one) => [one.url.split("/").at(-1), JSON.parse(one.body).attributes]);
    expect(sent.filter(([path]) => path === "save").map(([, attributes]) => attributes)).toEqual([
      { tier: "pro", seats: 1 },
      { seats: 2 },
    ]);
    expect(sent.filter(([path]) => path === "track").length).toBe(1);
    expect(
      (await bench.engine.store.lineage({ type: "client", key: "c1" }, "level", 5)).find((row) => row.result === "set")
        ?.after,
    ).toBe("pro");
    expect((await bench.engine.store.audit(10)).filter((one) => one.action === "config.move").length).toBe(5);
  });

  it("does nothing the second time, at a swap and at a start", async () => {
    const before = files({ connections: http(), deliver: identify });
    bench = await openBench(before);
    await bench.engine.start();
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const after = changed(before, rename, moved);
    expect((await bench.swap(after)).length).toBe(5);
    expect(await bench.swap(changed(after, [["lag: 60s", "lag: 50s"]]))).toEqual([]);
    for (const [path, text] of Object.entries(after)) before[path] = text;
    await bench.reopen();
    expect((await bench.engine.store.audit(20)).filter((one) => one.action === "config.move").length).toBe(5);
    await bench.send({ id: "2", data: { id: "c1", tier: "team" } });
    expect(body(1).attributes).toEqual({ level: "team" });
  });

  it("gives a new source that takes an old name a memory of its own", async () => {
    const before = files({ connections: http(), deliver: identify });
    bench = await openBench(before);
    await bench.engine.start();
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    await bench.swap(
      changed(
        before,
        [["pipeline: orders", "pipeline: shop"]],
        "moved: { pipelines: { orders: shop }, sources: { orders: shop } }\n",
      ),
    );
    const shop = changed(before, [["pipeline: orders", "pipeline: shop"]]);
    const second = (before["pipelines/orders.yaml"] as string).replace("/hooks/shop", "/hooks/orders");
    await bench.swap({
      ...shop,
      "config.yaml": (shop["config.yaml"] as string).replaceAll("owner: ops", "owner: ops, writers: [shop, orders]"),
      "pipelines/second.yaml": second,
    });
    // The same id, by another source: not the duplicate of the first.
    const id = await bench.send({ id: "1", data: { id: "c9", tier: "pro" }, path: "/hooks/orders" });
    expect((await bench.story(id)).event.source).toBe("orders");
    const again = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    expect((await bench.story(again)).event.source).toBe("shop");
  });

  it("renames versions wherever they stand: of states, of tombstones, of values that a ladder remembers", async () => {
    const rule = [
      "  - on: order.new\n    write: { order: { key: id, state: new } }",
      "  - on: order.paid\n    write: { order: { key: id, state: paid } }",
      "  - on: customer.deleted\n    write: { customer: { key: id, delete: tombstone } }",
      "  - on: customer.changed\n    write: { customer: { key: id, fields: { tier: tier } } }",
    ].join("\n");
    const before = files({ connections: http(), deliver: identify, rule });
    bench = await openBench(before);
    await bench.engine.start();
    await bench.send({ id: "1", type: "order.new", at: 1_000, data: { id: "o1" } });
    await bench.send({ id: "2", type: "order.paid", at: 5_000, data: { id: "o1" } });
    await bench.send({ id: "3", type: "customer.changed", at: 5_000, data: { id: "c2", tier: "pro" } });
    await bench.send({ id: "4", type: "customer.deleted", at: 6_000, data: { id: "c3" } });
    const counted = await bench.swap(
      changed(
        before,
        [["pipeline: orders", "pipeline: shop"]],
        "moved: { pipelines: { orders: shop }, sources: { orders: shop } }\n",
      ),
    );
    expect(counted.join()).toContain("entities with versions of its clock");
    const text = async (type: string, key: string) => JSON.stringify(await bench.engine.store.entity(type, key));
    for (const [type, key] of [
      ["order", "o1"],
      ["customer", "c2"],
      ["customer", "c3"],
    ] as const) {
      expect(await text(type, key)).toContain('"source":"shop"');
      expect(await text(type, key)).not.toContain("orders");
    }
    // Each of them is later than what comes now, by the clock that has a new name.
    const late = [
      await bench.send({ id: "5", type: "order.new", at: 2_000, data: { id: "o1" } }),
      await bench.send({ id: "6", type: "customer.changed", at: 5_500, data: { id: "c3", tier: "pro" } }),
    ];
    for (const id of late) expect((await bench.story(id)).outcomes[0]?.status).toBe("skipped");
    expect((await bench.engine.store.entity("order", "o1"))?.state).toBe("paid");
  });

  it("is refused where both names were in force", async () => {
    const two = `${http()}\n${http("", "people").replace("crm:", "crm-eu:")}`;
    const before = files({ connections: two, deliver: identify });
    bench = await openBench(before);
    await bench.engine.start();
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const one = files({
      connections: http("", "people").replace("crm:", "crm-eu:"),
      deliver: "- { to: crm-eu, entity: customer }",
    });
    const refused = bench.swap(changed(one, [], "moved: { connections: { crm: crm-eu } }\n"));
    await expect(refused).rejects.toMatchObject({ code: "HK8042" });
  });

  it("moves a state, also into one that was there before", async () => {
    const rule = "  - on: order.new\n    write: { order: { key: id, state: new } }";
    const before = files({ connections: http(), deliver: "- { to: crm, entity: order }", rule });
    bench = await openBench(before);
    await bench.engine.start();
    await bench.send({ id: "1", type: "order.new", data: { id: "o1" } });
    const table = "states: { new: [paid], paid: [shipped], shipped: [] }";
    const after = changed(before, [
      [table, "states: { paid: [shipped], shipped: [] }"],
      ["state: new", "state: paid"],
    ]);
    await expect(bench.swap(after)).rejects.toThrow("state `order.new` (1 entities)");
    await bench.swap(changed(after, [], "moved: { states: { order.new: order.paid } }\n"));
    expect((await bench.engine.store.entity("order", "o1"))?.state).toBe("paid");
  });
});

describe("drop", () => {
  it("ends open deliveries as discarded and work as skipped, each in the story of its event", async () => {
    const before = files({
      connections: `${http()}\nlog: { sink: file, path: "./log.ndjson" }`,
      deliver: `${identify}\n- { to: log, entity: customer, action: track, event: changed }`,
    });
    bench = await openBench(before);
    await bench.engine.start();
    crm.next(answer(503), answer(422));
    const retrying = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const dead = await bench.send({ id: "2", data: { id: "c2", tier: "pro" } });
    await bench.engine.pause("pipeline", "orders", by);
    const waiting = await bench.send({ id: "3", data: { id: "c3", tier: "pro" } });
    const log = files({
      connections: 'log: { sink: file, path: "./log.ndjson" }',
      deliver: "- { to: log, entity: customer, action: track, event: changed }",
    });
    const after = changed(
      log,
      [["pipeline: orders", "pipeline: shop"]],
      "moved: { sources: { orders: shop } }\ndrop: { connections: [crm], pipelines: [orders] }\n",
    );
    const changes = await bench.swap(after);
    expect(changes.join("; ")).toContain("connection `crm` (1 open deliveries, 1 open dead letters");
    expect(changes.join("; ")).toContain("pipeline `orders` (1 events to apply");
    const status = async (id: string) =>
      (await bench.story(id)).deliveries
        .filter((one) => one.delivery.connection === "crm")
        .map((one) => one.delivery.status);
    expect(await status(retrying)).toEqual(["discarded"]);
    expect(await status(dead)).toEqual(["discarded"]);
    expect((await bench.story(waiting)).outcomes[0]).toMatchObject({ status: "skipped", reason: "dropped" });
    const { openDeliveries, openDeadLetters, ready } = await bench.engine.store.counts();
    expect([openDeliveries, openDeadLetters, ready]).toEqual([0, 0, 0]);
    expect(
      (await bench.engine.store.audit(10)).filter((one) => one.action === "config.drop").map((one) => one.target),
    ).toEqual(expect.arrayContaining(["connections crm", "pipelines orders"]));
    await bench.pass(600_000);
    expect(crm.requests.length).toBe(2);
  });

  it("takes an attribute, a state or an entity out of live rows, and leaves the history", async () => {
    const rule =
      "  - on: order.new\n    write: { order: { key: id, state: new, fields: { total: total } } }\n  - on: customer.changed\n    write:\n      customer: { key: id, fields: { seats: seats, note: note } }";
    const before = files({ connections: http(), deliver: "- { to: crm, entity: order }", rule });
    bench = await openBench(before);
    await bench.engine.start();
    const first = await bench.send({ id: "1", type: "order.new", data: { id: "o1", total: 5 } });
    await bench.send({ id: "2", data: { id: "c1", seats: 5, note: "x" } });
    await bench.swap(
      changed(
        before,
        [
          ["states: { new: [paid], paid: [shipped], shipped: [] }", "states: { paid: [shipped], shipped: [] }"],
          ["state: new", "state: paid"],
          ["      note: { type: string, owner: ops, clearable: true }\n", ""],
          [", note: note", ""],
        ],
        "drop: { attributes: [customer.note], states: [order.new] }\n",
      ),
    );
    expect(Object.keys((await bench.engine.store.entity("customer", "c1"))?.attributes ?? {})).toEqual(["seats"]);
    expect(await bench.engine.store.entity("order", "o1")).toMatchObject({ state: "unknown" });
    expect((await bench.story(first)).history.map((one) => one.attribute)).toContain("state");
    expect((await bench.engine.store.lineage({ type: "customer", key: "c1" }, "note", 5))[0]?.after).toBe("x");
  });
});

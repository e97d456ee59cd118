/** Several deliveries in one request, through the whole engine, a real store and real sockets. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../engine/store/store.ts";
import { type Bench, files, openBench } from "../worker/support.ts";

interface Item {
  readonly id: string;
  readonly props: Readonly<Record<string, unknown>>;
}

/** A CRM that takes lists and answers item by item: it applies what it accepts, and keeps what it was told. */
let server: Server;
let requests: Item[][];
let records: Map<string, Record<string, unknown>>;
/** How one request is answered; by default every item is taken. */
let reply: (items: readonly Item[], response: ServerResponse) => void;
let bench: Bench;

const take = (items: readonly Item[]) => {
  for (const { id, props } of items) records.set(id, { ...records.get(id), ...props });
};
function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
const takeAll = (items: readonly Item[], response: ServerResponse) => {
  take(items);
  json(response, 200, { results: items.map(({ id }) => ({ id })) });
};
/** 207: those of the list fail with a code, the others are taken. */
const failing = (codes: Readonly<Record<string, string>>) => (items: readonly Item[], response: ServerResponse) => {
  take(items.filter(({ id }) => codes[id] === undefined));
  const errors = items.flatMap(({ id }) => (codes[id] === undefined ? [] : [{ id, code: codes[id] }]));
  json(response, 207, { errors });
};

beforeEach(async () => {
  requests = [];
  records = new Map();
  reply = takeAll;
  server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const items: Item[] = JSON.parse(Buffer.concat(chunks).toString()).inputs;
    requests.push(items);
    reply(items, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await bench.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

interface Options {
  readonly batch?: string;
  readonly more?: string;
  readonly wrap?: (store: Store) => Store;
}

async function open({ batch = "max_items: 50", more = "", wrap }: Options = {}): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const connections = `crm:
  sink: http
  url: http://127.0.0.1:${port}/people/batch
  allow_private: true
  timeout: 2s
  ${more}
  body: { inputs: [{ id: entity.key, props: fields }] }
  attributes_at: inputs.0.props
  replay: safe
  batch: { path: inputs, unique: id, ${batch} }
  items: { path: errors, id: id, item_id: id, code: code, retry: [BUSY] }
  responses: [{ status: 207, as: per_item }]`;
  const deliver = "- { to: crm, entity: customer }";
  bench = await openBench(files({ connections, deliver }), undefined, wrap);
}

const post = (id: string, data: Record<string, unknown>) =>
  bench.post({ id: `${id}-${JSON.stringify(data)}`, data: { id, ...data } as never });

/** Events for so many customers, applied and sent together. */
async function sendMany(count: number, data: (n: number) => Record<string, unknown> = (n) => ({ seats: n })) {
  const events: string[] = [];
  for (let n = 1; n <= count; n++) events.push(await post(`c${n}`, data(n)));
  await bench.engine.drain();
  return events;
}

/** Applies what came, and lets a second pass. */
async function settle(): Promise<void> {
  await bench.engine.drain();
  await bench.pass(1_000);
}

const deliveryOf = async (event: string) => (await bench.story(event)).deliveries[0];
const statusOf = async (event: string) => (await deliveryOf(event))?.delivery.status;
const sizes = () => requests.map((items) => items.length);

describe("a batch", () => {
  it("carries many entities in one request, each once, and settles each", async () => {
    await open({ batch: "max_items: 50, flush: 1s" });
    const events = await sendMany(40);
    expect(requests).toEqual([]);
    await bench.pass(1_000);
    expect(sizes()).toEqual([40]);
    expect(await Promise.all(events.map(statusOf))).toEqual(events.map(() => "delivered"));
    expect(Object.fromEntries(records)).toEqual(
      Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`c${n + 1}`, { seats: n + 1 }])),
    );
  });

  it("goes at once when it is full", async () => {
    await open({ batch: "max_items: 10, flush: 1h" });
    await sendMany(25);
    expect(sizes()).toEqual([10, 10]);
    await bench.pass(3_600_000);
    expect(sizes()).toEqual([10, 10, 5]);
  });

  it("never writes a key that an item lacks: each keeps what it did not send", async () => {
    await open({ batch: "max_items: 50, flush: 1s, group_by: none" });
    records.set("c1", { tier: "free", seats: 1 }).set("c2", { tier: "team", seats: 2 });
    await post("c1", { tier: "pro" });
    await post("c2", { seats: 9 });
    await settle();
    expect(requests).toEqual([
      [
        { id: "c1", props: { tier: "pro" } },
        { id: "c2", props: { seats: 9 } },
      ],
    ]);
    expect(Object.fromEntries(records)).toEqual({ c1: { tier: "pro", seats: 1 }, c2: { tier: "team", seats: 9 } });
  });

  it("by default holds only items of the same keys", async () => {
    await open({ batch: "max_items: 50, flush: 1s" });
    await post("c1", { tier: "pro" });
    await post("c2", { seats: 9 });
    await post("c3", { tier: "free" });
    await settle();
    expect(requests.map((items) => items.map(({ id }) => id)).sort()).toEqual([["c1", "c3"], ["c2"]]);
  });

  it("is kept under the bytes that a request may have", async () => {
    await open({ batch: "max_items: 50, max_bytes: 120, flush: 1s" });
    await sendMany(9);
    await bench.pass(1_000);
    expect(requests.flat()).toHaveLength(9);
    for (const items of requests) expect(JSON.stringify({ inputs: items }).length).toBeLessThanOrEqual(120);
    expect(Math.max(...sizes())).toBeGreaterThan(1);
  });
});

describe("results per item", () => {
  it("only failed items are tried again or dead; the others are settled and not sent again", async () => {
    await open({ batch: "max_items: 50, flush: 1s" });
    reply = failing({ c2: "INVALID", c3: "BUSY" });
    const events = await sendMany(4);
    await bench.pass(1_000);
    reply = takeAll;
    await bench.pass(60_000);
    expect(await Promise.all(events.map(statusOf))).toEqual(["delivered", "dead", "delivered", "delivered"]);
    expect(requests.map((items) => items.map(({ id }) => id))).toEqual([["c1", "c2", "c3", "c4"], ["c3"]]);
    const letters = (await bench.story(events[1] ?? "")).deadLetters;
    expect(letters).toMatchObject([{ code: "HK5301", message: "crm refused it: status 207: item INVALID" }]);
    expect([...records.keys()].sort()).toEqual(["c1", "c3", "c4"]);
  });

  it("an answer that names nobody leaves all of them unknown, and each is sent again", async () => {
    await open({ batch: "max_items: 8, flush: 1s" });
    reply = (_, response) => json(response, 207, { errors: [{ code: "INVALID" }] });
    const events = await sendMany(3);
    await bench.pass(1_000);
    expect(await Promise.all(events.map(statusOf))).toEqual(["unknown", "unknown", "unknown"]);
    reply = failing({ c2: "INVALID" });
    await bench.pass(300_000);
    expect(await Promise.all(events.map(statusOf))).toEqual(["delivered", "dead", "delivered"]);
  });

  it("an unknown outcome of the request is unknown for all, and waits out the timeout", async () => {
    await open({ batch: "max_items: 50, flush: 1s" });
    reply = (items, response) => {
      take(items);
      response.destroy();
    };
    const events = await sendMany(3);
    await bench.pass(1_000);
    expect(await Promise.all(events.map(statusOf))).toEqual(["unknown", "unknown", "unknown"]);
    reply = takeAll;
    const since = bench.clock.now();
    await bench.pass(1_900);
    expect(requests).toHaveLength(1);
    await bench.pass(60_000);
    expect(bench.clock.now() - since).toBeGreaterThan(2_000);
    expect(await Promise.all(events.map(statusOf))).toEqual(["delivered", "delivered", "delivered"]);
  });

  it("an item that makes the sink refuse the whole request stops no other for long", async () => {
    await open({ batch: "max_items: 64, flush: 1s" });
    reply = (items, response) =>
      items.some(({ id }) => id === "c7") ? json(response, 400, { message: "bad" }) : takeAll(items, response);
    const events = await sendMany(40);
    await bench.pass(600_000);
    const statuses = await Promise.all(events.map(statusOf));
    expect(statuses.filter((status) => status === "delivered")).toHaveLength(39);
    expect(statuses[6]).toBe("dead");
    expect(requests.length).toBeLessThan(25);
  });

  it("pauses the connection once, and burns no attempt", async () => {
    await open({ batch: "max_items: 50, flush: 1s" });
    reply = (_, response) => json(response, 401, {});
    const events = await sendMany(5);
    await bench.pass(1_000);
    expect(await bench.engine.store.pauses()).toHaveLength(1);
    expect((await bench.engine.store.audit(10)).filter(({ action }) => action === "pause")).toHaveLength(1);
    expect((await deliveryOf(events[0] ?? ""))?.delivery.attempts).toBe(0);
  });
});

describe("marks", () => {
  it("are all durable before anything is sent", async () => {
    let marked = 0;
    let atRequest: number | undefined;
    await open({
      batch: "max_items: 50, flush: 1s",
      wrap: (store) => ({
        ...store,
        markAttempt: (mark) => store.markAttempt(mark).then(() => void marked++),
      }),
    });
    reply = (items, response) => {
      atRequest ??= marked;
      takeAll(items, response);
    };
    await sendMany(20);
    await bench.pass(1_000);
    expect(sizes()).toEqual([20]);
    expect(atRequest).toBe(20);
  });

  it("that the store refused keep their delivery back, and only that one", async () => {
    let refused = 0;
    await open({
      batch: "max_items: 50, flush: 1s",
      wrap: (store) => ({
        ...store,
        markAttempt: (mark) => (refused++ === 1 ? Promise.reject(new Error("disk")) : store.markAttempt(mark)),
      }),
    });
    const events = await sendMany(3);
    await bench.pass(1_000);
    expect(requests.map((items) => items.map(({ id }) => id))).toEqual([["c1", "c3"], ["c2"]]);
    expect(await Promise.all(events.map(statusOf))).toEqual(["delivered", "delivered", "delivered"]);
  });

  it("that a crash cut off become unknown, all of them, and each is sent again as it was frozen", async () => {
    let crash = () => {};
    await open({
      batch: "max_items: 3",
      wrap(store) {
        let ended = false;
        crash = () => {
          ended = true;
        };
        return { ...store, settleDelivery: (one) => (ended ? new Promise(() => {}) : store.settleDelivery(one)) };
      },
    });
    const answered = Promise.withResolvers<void>();
    reply = (items, response) => {
      crash();
      takeAll(items, response);
      answered.resolve();
    };
    const events: string[] = [];
    for (let n = 1; n <= 3; n++) events.push(await post(`c${n}`, { seats: n }));
    void bench.engine.drain();
    await answered.promise;
    reply = takeAll;
    const first = [...requests];
    await bench.reopen();
    expect(await Promise.all(events.map(statusOf))).toEqual(["unknown", "unknown", "unknown"]);
    await bench.pass(60_000);
    expect(await Promise.all(events.map(statusOf))).toEqual(["delivered", "delivered", "delivered"]);
    expect(requests.slice(first.length).flat()).toEqual(first.flat());
  });
});

describe("order", () => {
  it("holds for each entity, whatever travels together: the last state wins everywhere", async () => {
    await open({ batch: "max_items: 6, flush: 100ms", more: "concurrency: 4" });
    let turn = 0;
    const open_ = new Set<string>();
    let together = 0;
    reply = (items, response) => {
      for (const { id } of items) {
        if (open_.has(id)) together++;
        open_.add(id);
      }
      const failed: Record<string, string> = {};
      for (const { id } of items) if (turn++ % 5 === 0) failed[id] = "BUSY";
      setImmediate(() => {
        for (const { id } of items) open_.delete(id);
        failing(failed)(items, response);
      });
    };
    for (let round = 1; round <= 6; round++) {
      for (let n = 1; n <= 10; n++) await post(`c${n}`, { seats: round * 100 + n });
      await bench.engine.drain();
      await bench.pass(40);
    }
    reply = takeAll;
    await bench.pass(600_000);
    expect(together).toBe(0);
    for (const items of requests) expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
    for (let n = 1; n <= 10; n++) expect(records.get(`c${n}`)).toEqual({ seats: 600 + n });
  });
});

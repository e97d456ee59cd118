/** Upserts that others came before: what is sent again never puts an old value over a newer one, whatever crashed meanwhile. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it } from "vitest";
import type { Store } from "../../engine/store/store.ts";
import { type Bench, files, openBench } from "../worker/support.ts";

const by = { actor: "ada", reason: "mended" };

interface Taken {
  readonly seats: number | undefined;
  readonly note: string | undefined;
  readonly key: string;
}

/** A CRM that honours keys; `answer` says how it takes what comes. */
async function startCrm() {
  const requests: Taken[] = [];
  /** What it holds. */
  const record: Record<string, unknown> = {};
  const keys = new Set<string>();
  const crm = {
    requests,
    record,
    answer: (_: Taken): "ok" | "refused" | "lost" => "ok",
    url: "",
    close: async () => {},
  };
  const server = createServer((request, response: ServerResponse) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk));
    request.on("end", () => {
      const { attributes } = JSON.parse(text) as { attributes: Record<string, unknown> };
      const taken = {
        seats: attributes["seats"] as number | undefined,
        note: attributes["note"] as string | undefined,
        key: String(request.headers["idempotency-key"]),
      };
      requests.push(taken);
      const how = crm.answer(taken);
      if (how !== "refused" && !keys.has(taken.key)) {
        keys.add(taken.key);
        Object.assign(record, attributes);
      }
      if (how === "lost") request.socket.destroy();
      else response.writeHead(how === "ok" ? 200 : 422).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  crm.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  crm.close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  };
  return crm;
}

const http = (url: string) => `crm:
  sink: http
  url: "${url}"
  allow_private: true
  timeout: 10s
  breaker: { enabled: false }
  retry: { base: 1s, cap: 1s, horizon: 1m }
  idempotency_window: 1d
  actions:
    put: { kind: upsert, method: PUT, path: "/people/{entity.key}", body: { attributes: fields }, attributes_at: attributes }
  default_action: put`;

describe("an upsert that others came before", () => {
  let bench: Bench | undefined;
  let crm: Awaited<ReturnType<typeof startCrm>>;
  afterEach(async () => {
    await bench?.close();
    bench = undefined;
    await crm?.close();
  });

  const open = async (wrap?: (store: Store) => Store): Promise<Bench> => {
    crm = await startCrm();
    bench = await openBench(
      files({ connections: http(crm.url), deliver: "- { to: crm, entity: customer }" }),
      undefined,
      wrap,
    );
    await bench.engine.start();
    return bench;
  };
  const send = (id: string, data: Record<string, unknown>) =>
    (bench as Bench).send({ id, data: { id: "cus_1", ...data } as never });
  const letterOf = async (event: string) => (await (bench as Bench).story(event)).deadLetters[0]?.id as never;
  const deliveryOf = async (event: string) => (await (bench as Bench).story(event)).deliveries[0]?.delivery;

  it("brings what the entity has now, also after a crash that took all marks", async () => {
    let cut = false;
    const one = await open((store) => ({
      ...store,
      settleDelivery: (settlement) => (cut ? new Promise(() => {}) : store.settleDelivery(settlement)),
    }));
    crm.answer = ({ seats }) => (seats === 1 ? "refused" : "ok");
    const first = await send("e1", { seats: 1, note: "a" });
    const second = await send("e2", { seats: 2 });
    crm.answer = () => "ok";
    cut = true;
    await one.post({ id: "e3", data: { id: "cus_1", tier: "pro" } });
    while (crm.requests.length < 3) await new Promise((resolve) => setImmediate(resolve));
    await one.reopen();
    cut = false;
    expect(await one.engine.store.acknowledged("crm", { type: "customer", key: "cus_1" }, "put")).toEqual({});
    expect(await one.engine.retryDead(await letterOf(first), by)).toBe(true);
    await one.engine.drain();
    await one.pass(60_000);
    expect(crm.record).toEqual({ seats: 2, note: "a", tier: "pro" });
    expect(crm.requests.filter(({ seats }) => seats === 1)).toHaveLength(1);
    expect((await deliveryOf(first))?.attributes).toEqual({ seats: { set: 2 }, note: { set: "a" } });
    expect((await deliveryOf(second))?.status).toBe("delivered");
  });

  it("repeats its own request under its own key as long as no other was tried", async () => {
    const one = await open();
    crm.answer = () => "refused";
    const first = await send("e1", { seats: 1 });
    crm.answer = () => "ok";
    await one.engine.retryDead(await letterOf(first), by);
    await one.engine.drain();
    expect(crm.requests).toHaveLength(2);
    expect(crm.requests[1]).toEqual(crm.requests[0]);
    expect((await deliveryOf(first))?.status).toBe("delivered");
  });

  it("takes another key when it is made anew, and keeps that one: the sink knows the former with other values", async () => {
    const one = await open();
    // Applied, and nobody heard of it until its horizon ended.
    crm.answer = ({ seats }) => (seats === 1 ? "lost" : "ok");
    const first = await send("e1", { seats: 1 });
    await one.pass(120_000);
    const old = crm.requests[0]?.key;
    expect((await deliveryOf(first))?.status).toBe("dead");
    crm.answer = ({ seats }) => (seats === 2 ? "refused" : "ok");
    const second = await send("e2", { seats: 2 });
    const count = crm.requests.length;
    let n = 0;
    crm.answer = () => (n++ === 0 ? "lost" : "ok");
    await one.engine.retryDead(await letterOf(first), by);
    await one.pass(120_000);
    const sent = crm.requests.slice(count);
    expect(sent.map(({ seats }) => seats)).toEqual([2, 2]);
    expect(sent[0]?.key).toBe(sent[1]?.key);
    expect(sent[0]?.key).not.toBe(old);
    expect((await deliveryOf(first))?.attributes).toEqual({ seats: { set: 2 } });
    expect((await deliveryOf(second))?.status).toBe("dead");
    expect(crm.record["seats"]).toBe(2);
  });

  it("names the event that superseded it", async () => {
    const one = await open();
    crm.answer = ({ seats }) => (seats === 1 ? "refused" : "ok");
    const first = await send("e1", { seats: 1 });
    const second = await send("e2", { seats: 2 });
    await one.engine.retryDead(await letterOf(first), by);
    await one.engine.drain();
    expect(crm.requests.map(({ seats }) => seats)).toEqual([1, 2]);
    const again = await deliveryOf(first);
    expect(again?.status).toBe("superseded");
    expect(again?.note).toContain(second);
  });

  it("waits, though a person sent it again, until the sink must have ended what had no answer", async () => {
    const one = await open();
    crm.answer = ({ seats }) => (seats === 1 ? "refused" : "ok");
    const first = await send("e1", { seats: 1, note: "a" });
    crm.answer = () => "lost";
    await send("e2", { seats: 2 });
    crm.answer = () => "ok";
    const count = crm.requests.length;
    await one.engine.retryDead(await letterOf(first), by);
    await one.engine.drain();
    await one.pass(9_000);
    expect(crm.requests).toHaveLength(count);
    // Not even after a crash.
    await one.reopen();
    expect(crm.requests).toHaveLength(count);
    await one.pass(2_000);
    expect(crm.requests.length).toBeGreaterThan(count);
    expect(crm.record).toEqual({ seats: 2, note: "a" });
  });

  it("lets the next one wait as well where the one without an answer is a dead letter", async () => {
    crm = await startCrm();
    const connections = http(crm.url).replace("idempotency_window: 1d", "at_most_once: true");
    const one = await openBench(files({ connections, deliver: "- { to: crm, entity: customer }" }));
    bench = one;
    await one.engine.start();
    crm.answer = () => "lost";
    const first = await send("e1", { seats: 1 });
    expect((await deliveryOf(first))?.status).toBe("dead");
    crm.answer = () => "ok";
    await send("e2", { seats: 2 });
    await one.pass(9_000);
    expect(crm.requests.map(({ seats }) => seats)).toEqual([1]);
    await one.pass(2_000);
    expect(crm.requests.map(({ seats }) => seats)).toEqual([1, 2]);
  });
});

describe("a sink whose attempts leave no mark", () => {
  let bench: Bench | undefined;
  afterEach(async () => {
    await bench?.close();
    bench = undefined;
  });

  it("gets the value that returned, though the other one's effect is not on record and was merged away", async () => {
    let cut = false;
    const connections = "db: { sink: sql, url: sqlite:./crm.db }";
    bench = await openBench(files({ connections, deliver: "- { to: db, entity: customer }" }), undefined, (store) => ({
      ...store,
      settleDelivery: (settlement) => (cut ? new Promise(() => {}) : store.settleDelivery(settlement)),
    }));
    await bench.engine.start();
    const seats = () => {
      const db = new Database(join((bench as Bench).root, "crm.db"), { readonly: true });
      try {
        return db.prepare("SELECT seats FROM customer").pluck().get();
      } finally {
        db.close();
      }
    };
    await bench.send({ id: "e1", data: { id: "cus_1", seats: 1 } });
    expect(seats()).toBe(1);
    cut = true;
    const second = await bench.post({ id: "e2", data: { id: "cus_1", seats: 2 } });
    while (seats() !== 2) await new Promise((resolve) => setImmediate(resolve));
    await bench.engine.pause("connection", "db", by);
    await bench.reopen();
    cut = false;
    await bench.send({ id: "e3", data: { id: "cus_1", seats: 1 } });
    expect((await bench.story(second)).deliveries[0]?.delivery.status).toBe("merged");
    await bench.engine.resume("connection", "db", by);
    await bench.engine.drain();
    expect(seats()).toBe(1);
  });
});

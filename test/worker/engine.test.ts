import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DeadLetterId } from "../../engine/core/types.ts";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { type Bench, files, openBench } from "./support.ts";

let crm: FaultServer;
let bench: Bench;

beforeEach(async () => {
  crm = await startFaultServer();
});
afterEach(async () => {
  await bench.close();
  await crm.close();
});

const http = (more = "") => `crm: { sink: http, url: "${crm.url}/customers/{entity.key}", allow_private: true${more} }`;
const identify = "- { to: crm, entity: customer }";
const body = (index: number) => JSON.parse(crm.requests[index]?.body ?? "null");
const by = { actor: "ada", reason: "fixed" };

describe("createEngine", () => {
  it("retries with the same request and the same idempotency key until the sink takes it", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    crm.next(answer(503), answer(500), answer(200));
    const id = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    expect((await bench.story(id)).summary.outcome).toBe("pending");
    await bench.pass(600_000);
    const story = await bench.story(id);
    expect(story.summary.outcome).toBe("delivered");
    expect(story.deliveries[0]?.attempts.map((attempt) => attempt.outcome)).toEqual(["retry", "retry", "delivered"]);
    expect(new Set(crm.requests.map((request) => request.headers["idempotency-key"])).size).toBe(1);
    expect(new Set(crm.requests.map((request) => request.body)).size).toBe(1);
  });

  it("makes a permanent answer a dead letter at once; a retry repeats the frozen request, a discard keeps the reason", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    crm.next(answer(422));
    const id = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const [letter] = await bench.engine.store.deadLetters({ status: "open" });
    expect(letter).toMatchObject({ kind: "delivery", code: "HK5301", event: id });
    expect(await bench.engine.retryDead(letter?.id as DeadLetterId, by)).toBe(true);
    await bench.engine.drain();
    expect(crm.requests.map((request) => request.body)).toEqual([crm.requests[0]?.body, crm.requests[0]?.body]);
    expect((await bench.story(id)).summary.outcome).toBe("delivered");
    crm.next(answer(400));
    await bench.send({ id: "2", data: { id: "c1", tier: "team" } });
    const [second] = await bench.engine.store.deadLetters({ status: "open" });
    await bench.engine.discardDead(second?.id as DeadLetterId, by);
    expect((await bench.engine.store.deadLetter(second?.id ?? ""))?.status).toBe("discarded");
    expect((await bench.engine.store.audit(5)).map((row) => [row.action, row.actor, row.reason])).toContainEqual([
      "dead.discard",
      "ada",
      "fixed",
    ]);
  });

  it("repairs at the next event what a dead delivery did not bring", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    crm.next(answer(422));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro", seats: 3 } });
    await bench.send({ id: "2", data: { id: "c1", note: "hello" } });
    expect(body(1).attributes).toEqual({ tier: "pro", seats: 3, note: "hello" });
  });

  it("pauses the connection on 401, loses nothing, and sends on after resume", async () => {
    const paused: string[] = [];
    bench = await openBench(files({ connections: http(), deliver: identify }), {
      ...(await import("../../engine/flow/observer.ts")).silentObserver,
      connectionPaused: ({ connection }) => void paused.push(connection),
    });
    crm.next(answer(401));
    const first = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const second = await bench.send({ id: "2", data: { id: "c2", tier: "team" } });
    await bench.pass(3_600_000);
    expect(paused).toEqual(["crm"]);
    expect(crm.requests.length).toBe(1);
    expect(await bench.engine.resume("connection", "crm", by)).toBe(true);
    await bench.engine.drain();
    for (const id of [first, second]) expect((await bench.story(id)).summary.outcome).toBe("delivered");
  });

  it("merges pending upserts attribute by attribute and never merges effects", async () => {
    const log = 'log: { sink: file, path: "./effects.ndjson" }';
    const deliver = `${identify}\n- { to: log, entity: customer, action: track, event: changed }`;
    bench = await openBench(files({ connections: `${http()}\n${log}`, deliver }));
    await bench.engine.pause("connection", "crm", by);
    await bench.engine.pause("connection", "log", by);
    const first = await bench.send({ id: "1", data: { id: "c1", tier: "pro", seats: 1 } });
    await bench.send({ id: "2", data: { id: "c1", seats: 2 } });
    await bench.send({ id: "3", data: { id: "c1", seats: 3, note: "x" } });
    await bench.engine.resume("connection", "crm", by);
    await bench.engine.resume("connection", "log", by);
    await bench.engine.drain();
    expect(crm.requests.length).toBe(1);
    expect(body(0).attributes).toEqual({ tier: "pro", seats: 3, note: "x" });
    expect((await bench.story(first)).deliveries.map(({ delivery }) => delivery.status).sort()).toEqual([
      "delivered",
      "merged",
    ]);
    expect(readFileSync(join(bench.root, "effects.ndjson"), "utf8").trim().split("\n").length).toBe(3);
  });

  it("sends only what differs from what the connection has, and clears only what was cleared", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro", seats: 1, note: "x" } });
    await bench.send({ id: "2", data: { id: "c1", tier: "pro", seats: 2 } });
    await bench.send({ id: "3", data: { id: "c1", tier: "pro", seats: 2, note: null } });
    const same = await bench.send({ id: "4", data: { id: "c1", tier: "pro", seats: 2, note: null } });
    expect([body(1).attributes, body(1).clear]).toEqual([{ seats: 2 }, []]);
    expect([body(2).attributes, body(2).clear]).toEqual([{ note: null }, ["note"]]);
    expect(crm.requests.length).toBe(3);
    expect((await bench.story(same)).deliveries).toEqual([]);
  });

  it("clears what the connection is about to get, or may have got, though nothing was acknowledged yet", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    for (const [key, n, fault] of [
      ["c1", 1, answer(503)],
      ["c2", 3, { kind: "reset" }],
    ] as const) {
      crm.next(fault);
      await bench.send({ id: `${n}`, data: { id: key, note: "x" } });
      await bench.send({ id: `${n + 1}`, data: { id: key, note: null } });
      await bench.pass(600_000);
    }
    const sent = crm.requests.map((request) => [request.url, JSON.parse(request.body).attributes.note]);
    expect(sent.filter(([url]) => url === "/customers/c1").map(([, note]) => note)).toEqual(["x", "x", null]);
    expect(sent.filter(([url]) => url === "/customers/c2").map(([, note]) => note)).toEqual(["x", "x", null]);
  });

  it("brings a value back that changed and returned while the sink was away", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    crm.next(answer(503));
    await bench.send({ id: "2", data: { id: "c1", tier: "team" } });
    await bench.send({ id: "3", data: { id: "c1", tier: "pro" } });
    await bench.pass(600_000);
    expect(JSON.parse(crm.requests.at(-1)?.body ?? "null").attributes.tier).toBe("pro");
    const before = crm.requests.length;
    await bench.engine.pause("connection", "crm", by);
    await bench.send({ id: "4", data: { id: "c1", tier: "team" } });
    await bench.send({ id: "5", data: { id: "c1", tier: "pro" } });
    await bench.engine.resume("connection", "crm", by);
    await bench.engine.drain();
    // Nothing was sent in between, so the sink has it already.
    expect(crm.requests.length).toBe(before);
  });

  it("marks an attempt before it is sent, so that a crash leaves an unknown outcome and the same key is sent again", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    crm.next({ kind: "hang" });
    const sending = bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    await expect.poll(() => crm.requests.length).toBe(1);
    const marked = await bench.engine.store.events({ limit: 1 });
    expect((await bench.story(marked[0]?.id ?? "")).deliveries[0]?.delivery.status).toBe("sending");
    await bench.reopen();
    await sending.catch(() => undefined);
    await bench.pass(600_000);
    const story = await bench.story(marked[0]?.id ?? "");
    expect(story.deliveries[0]?.attempts.map((attempt) => attempt.outcome)).toEqual(["unknown", "delivered"]);
    expect(crm.requests[1]?.headers["idempotency-key"]).toBe(crm.requests[0]?.headers["idempotency-key"]);
  });

  it("keeps events of one customer in order while others go on", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    crm.next(answer(503));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    await bench.send({ id: "2", data: { id: "c1", tier: "team" } });
    await bench.send({ id: "3", data: { id: "c2", tier: "team" } });
    await bench.pass(600_000);
    const sent = crm.requests.map((request) => [request.url, JSON.parse(request.body).attributes.tier]);
    expect(sent.filter(([url]) => url === "/customers/c2")).toEqual([["/customers/c2", "team"]]);
    expect(sent.filter(([url]) => url === "/customers/c1").map(([, tier]) => tier)).toEqual(["pro", "pro", "team"]);
  });

  it("holds an event that comes too early, applies it after its predecessor, and gives up when the window ends", async () => {
    const state = (type: string, to: string) => `  - on: ${type}\n    write: { order: { key: id, state: ${to} } }`;
    const rule = [state("order.new", "new"), state("order.paid", "paid"), state("order.shipped", "shipped")].join("\n");
    bench = await openBench(files({ connections: http(), deliver: "- { to: crm, entity: order }", rule }));
    await bench.send({ id: "1", type: "order.new", at: 1_000, data: { id: "o1" } });
    const shipped = await bench.send({ id: "3", type: "order.shipped", at: 3_000, data: { id: "o1" } });
    expect((await bench.story(shipped)).summary.outcome).toBe("held");
    await bench.send({ id: "2", type: "order.paid", at: 2_000, data: { id: "o1" } });
    expect((await bench.engine.store.entity("order", "o1"))?.state).toBe("shipped");
    expect((await bench.story(shipped)).summary.outcome).toBe("delivered");
    await bench.send({ id: "4", type: "order.new", data: { id: "o2" } });
    const never = await bench.send({ id: "5", type: "order.shipped", data: { id: "o2" } });
    await bench.pass(16 * 60_000);
    expect((await bench.story(never)).deadLetters[0]).toMatchObject({ code: "HK6004" });
    expect((await bench.engine.store.entity("order", "o2"))?.state).toBe("new");
  });

  it("leaves the work of a paused pipeline where it is and takes it up after resume, in order", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    await bench.engine.pause("pipeline", "orders", by);
    const first = await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    await bench.send({ id: "2", data: { id: "c1", tier: "team" } });
    expect((await bench.story(first)).summary.outcome).toBe("accepted");
    await bench.engine.resume("pipeline", "orders", by);
    await bench.engine.drain();
    expect((await bench.engine.store.entity("customer", "c1"))?.attributes["tier"]?.value).toBe("team");
  });

  describe("held work", () => {
    const state = (type: string) => `  - on: order.${type}\n    write: { order: { key: id, state: ${type} } }`;
    const orders = (...types: string[]) =>
      files({
        connections: http(),
        deliver: "- { to: crm, entity: order }",
        rule: types.map(state).join("\n"),
      });
    const allowing = (config: Record<string, string>) => ({
      ...config,
      "config.yaml": (config["config.yaml"] ?? "").replace("new: [paid]", "new: [paid, shipped]"),
    });
    const openHeld = async (config: Record<string, string>): Promise<string> => {
      bench = await openBench(config);
      await bench.engine.start();
      await bench.send({ id: "1", type: "order.new", at: 1_000, data: { id: "o1" } });
      const shipped = await bench.send({ id: "3", type: "order.shipped", at: 3_000, data: { id: "o1" } });
      expect((await bench.story(shipped)).summary.outcome).toBe("held");
      return shipped;
    };
    const expectDelivered = async (id: string) => {
      await bench.engine.drain();
      expect((await bench.story(id)).summary.outcome).toBe("delivered");
    };

    it("that was woken while its pipeline was paused is tried at the resume", async () => {
      const paid = orders("paid")["pipelines/orders.yaml"] ?? "";
      const shipped = await openHeld({
        ...orders("new", "shipped"),
        "pipelines/payments.yaml": paid.replace("pipeline: orders", "pipeline: payments").replace("/shop", "/pay"),
      });
      await bench.engine.pause("pipeline", "orders", by);
      await bench.send({ id: "2", type: "order.paid", at: 2_000, data: { id: "o1" }, path: "/hooks/pay" });
      expect((await bench.story(shipped)).summary.outcome).toBe("held");
      await bench.engine.resume("pipeline", "orders", by);
      await expectDelivered(shipped);
    });

    it("is tried again when a new revision takes effect, and keeps its window if it must wait on", async () => {
      const config = orders("new", "shipped");
      const shipped = await openHeld(config);
      const until = await bench.engine.store.nextHoldEnd();
      bench.clock.advance(1_000);
      await bench.swap(config);
      await bench.engine.drain();
      expect((await bench.story(shipped)).summary.outcome).toBe("held");
      expect(await bench.engine.store.nextHoldEnd()).toBe(until);
      await bench.swap(allowing(config));
      await expectDelivered(shipped);
    });

    it("is tried again at a start: a crash may have come between its predecessor and the look for what waits", async () => {
      const config = orders("new", "shipped");
      const shipped = await openHeld(config);
      Object.assign(config, allowing(config));
      await bench.reopen();
      await expectDelivered(shipped);
    });
  });

  it("stops an evaluation that does not end, keeps the event as a dead letter and maps the next one", async () => {
    const rule =
      "  - on: customer.changed\n    write:\n      customer:\n        key: id\n        fields:\n          note: $string($match(note, /^(a+)+$/).match)";
    bench = await openBench(files({ connections: http(), deliver: identify, rule }));
    const stuck = await bench.send({ id: "1", data: { id: "c1", note: `${"a".repeat(40)}!` } });
    const fine = await bench.send({ id: "2", data: { id: "c1", note: "aa" } });
    expect((await bench.story(stuck)).deadLetters[0]?.code).toBe("HK2011");
    expect((await bench.story(fine)).summary.outcome).toBe("delivered");
  });

  it("maps a dead letter anew with the rules of now when it is retried before anything was sent", async () => {
    const config = files({ connections: http(), deliver: identify });
    bench = await openBench(config);
    const id = await bench.send({ id: "1", data: { tier: "pro" } });
    const [letter] = await bench.engine.store.deadLetters({ status: "open" });
    expect(letter).toMatchObject({ kind: "event", code: "HK2020" });
    config["pipelines/orders.yaml"] = (config["pipelines/orders.yaml"] ?? "").replace("key: id", "key: \"'fixed'\"");
    await bench.reopen();
    await bench.engine.retryDead(letter?.id as DeadLetterId, by);
    await bench.engine.drain();
    expect((await bench.story(id)).summary.outcome).toBe("delivered");
    expect((await bench.engine.store.entity("customer", "fixed"))?.attributes["tier"]?.value).toBe("pro");
  });

  it("takes the same event once, however often it comes, and keeps the first body of an id", async () => {
    bench = await openBench(files({ connections: http(), deliver: identify }));
    const at = bench.clock.now();
    const first = await bench.send({ id: "1", at, data: { id: "c1", tier: "pro" } });
    expect(await bench.send({ id: "1", at, data: { id: "c1", tier: "pro" } })).toBe(first);
    expect(await bench.send({ id: "1", at, data: { id: "c1", tier: "team" } })).toBe(first);
    const story = await bench.story(first);
    expect([story.duplicates, story.conflicts.length, crm.requests.length]).toEqual([1, 1, 1]);
  });
});

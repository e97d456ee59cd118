/** Long outages and pauses on a virtual clock: what burns the horizon, what does not, and what is never sent again. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DeadLetterId } from "../../engine/core/types.ts";
import { type Observer, silentObserver } from "../../engine/flow/observer.ts";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { type Bench, files, openBench } from "../worker/support.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const by = { actor: "ada", reason: "looked" };

let crm: FaultServer;
let bench: Bench;
/** Outcomes of attempts, as the observer is told. */
let facts: Parameters<Observer["attempted"]>[0][];

beforeEach(async () => {
  crm = await startFaultServer();
  facts = [];
});
afterEach(async () => {
  await bench.close();
  await crm.close();
});

async function open(more = "", kind: "upsert" | "effect" = "effect"): Promise<void> {
  const connections = `crm: { sink: http, url: "${crm.url}/{entity.key}", kind: ${kind}, allow_private: true${more} }`;
  const observer = { ...silentObserver, attempted: (fact: (typeof facts)[number]) => void facts.push(fact) };
  bench = await openBench(files({ connections, deliver: "- { to: crm, entity: customer }" }), observer, (store) => {
    const life = { ended: false };
    crash = () => (life.ended = true);
    const never = new Promise<void>(() => {});
    return { ...store, settleDelivery: (one) => (life.ended ? never : store.settleDelivery(one)) };
  });
}

/** From now on this life of the engine records nothing any more, as if it had been killed. */
let crash: () => void;

const send = (n: number) => bench.send({ id: `${n}`, data: { id: `c${n}`, seats: n } });
const statusOf = async (event: string) => (await bench.story(event)).deliveries[0]?.delivery.status;
const deadOf = async (event: string) => (await bench.story(event)).deadLetters.at(-1);

async function until(instant: number, step: number): Promise<void> {
  while (bench.clock.now() < instant) await bench.pass(Math.min(step, instant - bench.clock.now()));
}

/** Answers 503 to everything until told otherwise. */
function down(times: number): void {
  crm.next(...Array.from({ length: times }, () => answer(503)));
}

describe("a sink that is down for two hours", () => {
  it("costs few attempts, loses nothing, and is not overrun when it is back", async () => {
    await open();
    const events: string[] = [];
    down(5_000);
    for (let n = 1; n <= 200; n++) events.push(await bench.post({ id: `${n}`, data: { id: `c${n}`, seats: n } }));
    await bench.engine.drain();
    await bench.pass(2 * HOUR);
    // 5 failures open the breaker; then one probe each 30 s, 1 m, 2 m, 4 m, and each 5 m.
    expect(crm.requests.length).toBeLessThan(45);
    const before = crm.requests.length;
    crm.reset();
    const back = bench.clock.now();
    await until(back + 10 * 60_000, 60_000);
    const statuses = await Promise.all(events.map(statusOf));
    expect(statuses.filter((status) => status !== "delivered")).toEqual([]);
    const after = crm.requests.slice(before);
    expect(after.length).toBe(200);
    const delivered = facts.filter(({ outcome }) => outcome === "delivered").length;
    expect(delivered).toBe(200);
  }, 30_000);

  it("ends as a dead letter when attempts were possible all the time and the horizon is over", async () => {
    await open(", breaker: { enabled: false }, retry: { base: 60s, cap: 10m, horizon: 1h }");
    down(100);
    const event = await send(1);
    await bench.pass(2 * HOUR);
    expect(await deadOf(event)).toMatchObject({ code: "HK5302" });
    expect(crm.requests.length).toBeGreaterThan(6);
  });
});

describe("a connection that is paused for four days", () => {
  it("does not burn the horizon: after resume there are retries left", async () => {
    await open(", retry: { horizon: 72h }");
    down(1);
    const event = await send(1);
    await bench.engine.pause("connection", "crm", by);
    await bench.pass(4 * DAY);
    down(2);
    await bench.engine.resume("connection", "crm", by);
    await bench.engine.drain();
    expect(await statusOf(event)).toBe("retrying");
    await bench.pass(HOUR);
    expect(await statusOf(event)).toBe("delivered");
    expect(crm.requests.length).toBe(4);
  });

  it("does not burn it either when a 401 began the pause", async () => {
    await open();
    crm.next(answer(401));
    const event = await send(1);
    await bench.pass(4 * DAY);
    down(1);
    await bench.engine.resume("connection", "crm", by);
    await bench.engine.drain();
    await bench.pass(HOUR);
    expect(await statusOf(event)).toBe("delivered");
  });

  it("is longer than the sink remembers: what may have arrived is a dead letter, what surely did not is sent", async () => {
    await open(", idempotency_window: 24h, timeout: 1s");
    crm.next({ kind: "reset" }, answer(429));
    const lost = await send(1);
    const throttled = await send(2);
    await bench.engine.pause("connection", "crm", by);
    await bench.pass(4 * DAY);
    await bench.engine.resume("connection", "crm", by);
    await bench.engine.drain();
    expect(await deadOf(lost)).toMatchObject({ code: "HK5310", message: expect.stringContaining("1d") });
    expect(await statusOf(throttled)).toBe("delivered");
    expect(crm.requests.filter(({ url }) => url === "/c1").length).toBe(1);
    expect(facts.at(-1)).toBeDefined();
    // A person has looked: the same frozen request goes out, with the same key.
    const id = (await deadOf(lost))?.id as DeadLetterId;
    expect(await bench.engine.retryDead(id, by)).toBe(true);
    await bench.engine.drain();
    const [first, second] = crm.requests.filter(({ url }) => url === "/c1");
    expect(await statusOf(lost)).toBe("delivered");
    expect([second?.body, second?.headers["idempotency-key"]]).toEqual([
      first?.body,
      first?.headers["idempotency-key"],
    ]);
  });
});

describe("automatic retries", () => {
  it("end inside the sink's window, whatever the horizon says", async () => {
    await open(", idempotency_window: 1h, retry: { base: 1m, cap: 5m, horizon: 72h }, breaker: { enabled: false }");
    const started = bench.clock.now();
    let last = 0;
    crm.next(...Array.from({ length: 1_000 }, () => answer(500)));
    const event = await send(1);
    while (bench.clock.now() < started + 3 * HOUR) {
      const before = crm.requests.length;
      await bench.pass(60_000);
      if (crm.requests.length > before) last = bench.clock.now();
    }
    expect(await deadOf(event)).toMatchObject({ code: "HK5310" });
    expect(last - started).toBeLessThanOrEqual(0.9 * HOUR + 60_000);
    expect(crm.requests.length).toBeGreaterThan(10);
  });
});

describe("an attempt without an answer", () => {
  it("is counted as unknown, repeated with its key after the sink's own time, and flagged", async () => {
    await open(", timeout: 10s");
    crm.next({ kind: "reset" });
    const event = await send(1);
    expect(facts.map(({ outcome }) => outcome)).toEqual(["unknown"]);
    await bench.pass(9_000);
    expect(crm.requests.length).toBe(1);
    await bench.pass(60_000);
    expect(crm.requests.length).toBe(2);
    expect(crm.requests[1]?.headers["idempotency-key"]).toBe(crm.requests[0]?.headers["idempotency-key"]);
    const [delivery] = (await bench.story(event)).deliveries;
    expect(delivery?.delivery).toMatchObject({
      status: "delivered",
      note: "possibly a duplicate: sent again after an attempt without an answer",
    });
    expect(facts.at(-1)).toMatchObject({ outcome: "delivered", possiblyDuplicate: true });
  });

  it("is no duplicate where the sink remembers the key", async () => {
    await open(", timeout: 10s, idempotency_window: 24h");
    crm.next({ kind: "reset" });
    const event = await send(1);
    await bench.pass(60_000);
    expect((await bench.story(event)).deliveries[0]?.delivery.note).toContain("the sink drops the repeat");
    expect(facts.at(-1)?.possiblyDuplicate).toBeUndefined();
  });

  it("holds up what comes after it for that entity, and nothing else", async () => {
    await open(", timeout: 10s", "upsert");
    crm.next({ kind: "reset" });
    await send(1);
    await bench.send({ id: "1b", data: { id: "c1", seats: 7 } });
    await send(2);
    expect(crm.requests.map(({ url }) => url)).toEqual(["/c1", "/c2"]);
    await bench.pass(60_000);
    expect(crm.requests.map(({ url }) => url)).toEqual(["/c1", "/c2", "/c1", "/c1"]);
  });

  it("or a refusal for now blocks its own entity only: 200 others go on", async () => {
    await open(", retry: { base: 60s }");
    down(1);
    const failing = await send(1);
    const behind = await bench.post({ id: "1b", data: { id: "c1", seats: 9 } });
    const others: string[] = [];
    for (let n = 2; n <= 201; n++) others.push(await bench.post({ id: `${n}`, data: { id: `c${n}`, seats: n } }));
    await bench.engine.drain();
    expect(new Set(await Promise.all(others.map(statusOf)))).toEqual(new Set(["delivered"]));
    expect([await statusOf(failing), await statusOf(behind)]).toEqual(["retrying", "pending"]);
    await bench.pass(HOUR);
    const order = crm.requests.filter(({ url }) => url === "/c1").map(({ body }) => JSON.parse(body).attributes.seats);
    expect(order).toEqual([1, 1, 9]);
  });

  it("is never repeated unasked with at_most_once, not even after a crash", async () => {
    await open(", timeout: 10s, at_most_once: true");
    crm.next({ kind: "reset" });
    const first = await send(1);
    expect(await deadOf(first)).toMatchObject({ code: "HK5303" });
    crm.next({ kind: "hang" });
    const second = await bench.post({ id: "2", data: { id: "c2", seats: 2 } });
    const draining = bench.engine.drain();
    await expect.poll(() => crm.requests.length).toBe(2);
    crash();
    await bench.reopen();
    void draining.catch(() => undefined);
    expect(facts.filter(({ event, outcome }) => event === second && outcome === "unknown")).toHaveLength(1);
    await bench.pass(DAY);
    expect(await deadOf(second)).toMatchObject({ code: "HK5303" });
    expect(crm.requests.length).toBe(2);
    expect(await bench.engine.retryDead((await deadOf(second))?.id as DeadLetterId, by)).toBe(true);
    await bench.engine.drain();
    expect(await statusOf(second)).toBe("delivered");
  });
});

describe("limits of a connection", () => {
  it("hold: never more at one time than `concurrency`", async () => {
    await open(", concurrency: 3");
    crm.next(...Array.from({ length: 30 }, () => ({ kind: "hold" }) as const));
    for (let n = 1; n <= 30; n++) await bench.post({ id: `${n}`, data: { id: `c${n}`, seats: n } });
    const draining = bench.engine.drain();
    for (let sent = 3; sent <= 30; sent += 3) {
      await expect.poll(() => crm.requests.length).toBe(sent);
      crm.release();
    }
    await draining;
    expect(crm.requests.length).toBe(30);
    expect(crm.mostAtOnce).toBe(3);
  });

  it.each([429, 503])(
    "a Retry-After with %i slows all down, and no attempt is made before it is over",
    async (status) => {
      await open();
      crm.next(answer(status, "", { "retry-after": "120" }));
      await send(1);
      await send(2);
      expect(crm.requests.length).toBe(1);
      await bench.pass(119_000);
      expect(crm.requests.length).toBe(1);
      await bench.pass(5_000);
      expect(crm.requests.map(({ url }) => url).sort()).toEqual(["/c1", "/c1", "/c2"]);
    },
  );

  it.each([401, 403, 407])("%i pauses the connection once and says so", async (status) => {
    const paused: string[] = [];
    const connections = `crm: { sink: http, url: "${crm.url}/{entity.key}", kind: effect, allow_private: true }`;
    const observer = {
      ...silentObserver,
      connectionPaused: ({ connection }: { connection: string }) => void paused.push(connection),
    };
    bench = await openBench(files({ connections, deliver: "- { to: crm, entity: customer }" }), observer);
    crm.next(answer(status));
    const event = await send(1);
    await send(2);
    expect([paused, crm.requests.length]).toEqual([["crm"], 1]);
    expect(await bench.engine.store.pauses()).toMatchObject([{ kind: "connection", name: "crm", by: "engine" }]);
    await bench.engine.resume("connection", "crm", by);
    await bench.engine.drain();
    expect(await statusOf(event)).toBe("delivered");
    // The refused attempt burned none of the retries.
    expect((await bench.story(event)).deliveries[0]?.delivery.attempts).toBe(1);
  });
});

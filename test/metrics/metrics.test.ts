import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import type { DeadLetterId, DeliveryId } from "../../engine/core/types.ts";
import { timeCommits } from "../../engine/metrics/commits.ts";
import { METRICS } from "../../engine/metrics/definitions.ts";
import { createMetrics, type EngineMetrics } from "../../engine/metrics/metrics.ts";
import { readSparingly } from "../../engine/metrics/sparing.ts";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { type Family, parseMetrics, seriesValue } from "../support/prometheus.ts";
import { type Bench, files, openBench } from "../worker/support.ts";

let crm: FaultServer;
let bench: Bench;
let metrics: EngineMetrics;

beforeEach(async () => {
  crm = await startFaultServer();
  metrics = createMetrics({
    engine: () => bench.engine,
    reader: {
      backlog: () => bench.engine.store.backlog(),
      counts: () => bench.engine.store.counts(),
      size: () => bench.engine.store.size(),
      pauses: () => bench.engine.store.pauses(),
      learnedSecrets: () => bench.engine.store.learnedSecrets(),
    },
    clock: { now: () => (bench as Bench | undefined)?.clock.now() ?? 0, monotonic: () => bench.clock.monotonic() },
    loopDelay: () => ({ mean: 0.001, p99: 0.25, max: 1 }),
    version: "1.2.3",
    node: "26.0.0",
  });
  const connection = `crm: { sink: http, url: "${crm.url}/{entity.key}", allow_private: true, breaker: { failures: 3, open_for: 1h } }`;
  bench = await openBench(
    files({ connections: connection, deliver: "- { to: crm, entity: customer }" }),
    metrics.observer,
  );
});
afterEach(async () => {
  await bench.close();
  await crm.close();
});

const scrape = async () => parseMetrics((await metrics.scrape()).text);
const by = { actor: "ada", reason: "fixed" };
const onCrm = { pipeline: "orders", connection: "crm" };
const source = "orders";

/** Every series there is, without its value. */
const seriesOf = (families: ReadonlyMap<string, Family>): string[] =>
  [...families.values()].flatMap(({ samples }) => samples.map(({ name, labels }) => JSON.stringify([name, labels])));

describe("the scrape", () => {
  test("has every metric of the table, with its type and help, and no other", async () => {
    const page = await metrics.scrape();
    expect(page.type).toBe("text/plain; version=0.0.4; charset=utf-8");
    const shown = [...parseMetrics(page.text)].map(([name, { type, help }]) => ({ name, type, help }));
    expect(shown).toEqual(Object.values(METRICS).map(({ name, type, help }) => ({ name, type, help })));
    const named = Object.values(METRICS).map(({ name }) => name);
    expect(new Set(named).size).toBe(named.length);
    for (const { name, type } of Object.values(METRICS)) expect(name.endsWith("_total")).toBe(type === "counter");
  });

  test("begins at 0 for what is declared, so that the first increase is seen", async () => {
    const families = await scrape();
    expect(seriesValue(families, "hookrail_events_accepted_total", { source })).toBe(0);
    expect(seriesValue(families, "hookrail_dead_letters", { pipeline: "orders" })).toBe(0);
    expect(seriesValue(families, "hookrail_deliveries_waiting", { connection: "crm" })).toBe(0);
    expect(seriesValue(families, "hookrail_paused", { kind: "connection", name: "crm" })).toBe(0);
    expect(seriesValue(families, "hookrail_breaker_state", { connection: "crm", state: "closed" })).toBe(1);
    expect(seriesValue(families, "hookrail_reloads_total", { outcome: "refused" })).toBe(0);
    expect(seriesValue(families, "hookrail_build_info", { version: "1.2.3", node: "26.0.0" })).toBe(1);
    expect(seriesValue(families, "hookrail_event_loop_delay_seconds", { stat: "p99" })).toBe(0.25);
    expect(seriesValue(families, "hookrail_store_bytes", { file: "main" })).toBeGreaterThan(0);
  });
});

describe("what the flow tells", () => {
  test("counts accepted, duplicates and conflicts apart, and how turns ended", async () => {
    await bench.send({ id: "1", at: 1, data: { id: "c1", tier: "pro" } });
    await bench.send({ id: "1", at: 1, data: { id: "c1", tier: "pro" } });
    await bench.send({ id: "1", at: 1, data: { id: "c1", tier: "team" } });
    await bench.send({ id: "2", type: "unheard.of", data: { id: "c1" } });
    const families = await scrape();
    expect(seriesValue(families, "hookrail_events_accepted_total", { source })).toBe(2);
    expect(seriesValue(families, "hookrail_events_duplicates_total", { source })).toBe(1);
    expect(seriesValue(families, "hookrail_events_conflicts_total", { source })).toBe(1);
    const applied = { source, pipeline: "orders", outcome: "applied" };
    expect(seriesValue(families, "hookrail_events_applied_total", applied)).toBe(1);
  });

  test("takes the lag from the receipt until the sink has it, retries and all", async () => {
    crm.next(answer(503), answer(200));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    expect(seriesValue(await scrape(), "hookrail_event_lag_seconds_count", onCrm)).toBeUndefined();
    await bench.pass(600_000);
    const families = await scrape();
    expect(seriesValue(families, "hookrail_event_lag_seconds_count", onCrm)).toBe(1);
    const [attempt] = (await bench.engine.store.events({ limit: 1 })).map(({ lagMs }) => lagMs ?? -1);
    expect(seriesValue(families, "hookrail_event_lag_seconds_sum", onCrm)).toBeCloseTo((attempt ?? -1) / 1_000, 6);
    expect(attempt).toBeGreaterThan(0);
    expect(seriesValue(families, "hookrail_delivery_attempts_total", { ...onCrm, outcome: "retrying" })).toBe(1);
    expect(seriesValue(families, "hookrail_delivery_attempts_total", { ...onCrm, outcome: "delivered" })).toBe(1);
  });

  test("an event that brings nothing new is done when its turn is", async () => {
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    await bench.send({ id: "2", data: { id: "c1", tier: "pro" } });
    const families = await scrape();
    const nothing = { pipeline: "orders", connection: "" };
    expect(seriesValue(families, "hookrail_event_lag_seconds_count", onCrm)).toBe(1);
    expect(seriesValue(families, "hookrail_event_lag_seconds_count", nothing)).toBe(1);
  });
});

describe("what stands in the store", () => {
  test("a dead letter ages until a person closes it", async () => {
    crm.next(answer(422));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    await bench.pass(90_000);
    const open = await scrape();
    expect(seriesValue(open, "hookrail_dead_letters", { pipeline: "orders" })).toBe(1);
    expect(seriesValue(open, "hookrail_dead_letter_oldest_seconds", { pipeline: "orders" })).toBe(90);
    expect(seriesValue(open, "hookrail_delivery_attempts_total", { ...onCrm, outcome: "dead" })).toBe(1);
    const [letter] = await bench.engine.store.deadLetters({ status: "open" });
    await bench.engine.discardDead(letter?.id as DeadLetterId, by);
    const closed = await scrape();
    expect(seriesValue(closed, "hookrail_dead_letters", { pipeline: "orders" })).toBe(0);
    expect(seriesValue(closed, "hookrail_dead_letter_oldest_seconds", { pipeline: "orders" })).toBe(0);
  });

  test("a sink that fails opens its breaker, and what it should get waits", async () => {
    crm.next(...Array.from({ length: 3 }, () => answer(503)));
    for (const id of ["1", "2", "3", "4"]) await bench.send({ id, data: { id: `c${id}`, tier: "pro" } });
    const families = await scrape();
    expect(seriesValue(families, "hookrail_breaker_state", { connection: "crm", state: "open" })).toBe(1);
    expect(seriesValue(families, "hookrail_breaker_state", { connection: "crm", state: "closed" })).toBe(0);
    expect(seriesValue(families, "hookrail_deliveries_waiting", { connection: "crm" })).toBe(4);
  });

  test("a pause shows, and what waits for its turn has an age", async () => {
    await bench.engine.pause("pipeline", "orders", by);
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    bench.clock.set(bench.clock.now() + 45_000);
    const families = await scrape();
    expect(seriesValue(families, "hookrail_paused", { kind: "pipeline", name: "orders" })).toBe(1);
    expect(seriesValue(families, "hookrail_events_waiting", { lane: "live" })).toBe(1);
    expect(seriesValue(families, "hookrail_events_waiting_oldest_seconds")).toBe(45);
    await bench.engine.resume("pipeline", "orders", by);
    await bench.engine.drain();
    expect(seriesValue(await scrape(), "hookrail_events_waiting", { lane: "live" })).toBe(0);
    expect(seriesValue(await scrape(), "hookrail_paused", { kind: "pipeline", name: "orders" })).toBe(0);
  });
});

describe("what is slow, stale or off contract", () => {
  test("skipped turns say why, and stale ones are their own series", async () => {
    await bench.send({ id: "1", at: 2_000, data: { id: "c1", tier: "pro" } });
    await bench.send({ id: "2", at: 1_000, data: { id: "c1", tier: "team" } });
    expect(seriesValue(await scrape(), "hookrail_events_skipped_total", { pipeline: "orders", reason: "stale" })).toBe(
      1,
    );
  });

  test("requests, commits and attempts are timed", async () => {
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    const families = await scrape();
    expect(seriesValue(families, "hookrail_request_duration_seconds_count", { source })).toBe(1);
    expect(seriesValue(families, "hookrail_delivery_attempt_duration_seconds_count", { connection: "crm" })).toBe(1);
    const clock = { monotonic: () => bench.clock.monotonic() };
    const seen: (readonly [string, number])[] = [];
    const watched = timeCommits(bench.engine.store, clock, (...one) => seen.push(one));
    await watched.accept({ events: [], pipelines: [] });
    await expect(watched.settleDelivery({ delivery: "dlv_none" as DeliveryId, status: "dead" })).rejects.toThrow();
    expect(seen).toEqual([
      ["accept", 0],
      ["settle", 0],
    ]);
  });

  test("a failed head blocks its key, and the oldest that is not done has an age", async () => {
    crm.next(answer(503));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    bench.clock.set(bench.clock.now() + 200);
    const families = await scrape();
    expect(seriesValue(families, "hookrail_delivery_keys_waiting", { connection: "crm" })).toBe(1);
    expect(seriesValue(families, "hookrail_delivery_keys_blocked", { connection: "crm" })).toBe(1);
    expect(seriesValue(families, "hookrail_events_unprocessed_oldest_seconds")).toBeCloseTo(0.2, 3);
    await bench.pass(600_000);
    const after = await scrape();
    expect(seriesValue(after, "hookrail_delivery_keys_blocked", { connection: "crm" })).toBe(0);
    expect(seriesValue(after, "hookrail_events_unprocessed_oldest_seconds")).toBe(0);
  });

  test("the last minutes of a pipeline are summed up for people, and are forgotten after five", async () => {
    crm.next(answer(503), answer(200), answer(422));
    await bench.send({ id: "1", data: { id: "c1", tier: "pro" } });
    await bench.pass(60_000);
    await bench.send({ id: "2", data: { id: "c2", tier: "pro" } });
    const [stats] = metrics.recent.stats(300_000);
    expect(stats).toMatchObject({ pipeline: "orders", events: 2, delivered: 1, retries: 1, dead: 1, success: 0.5 });
    expect(stats?.lagP95).toBeGreaterThan(0);
    expect(metrics.recent.history("orders").reduce((sum, one) => sum + one, 0)).toBe(2);
    bench.clock.set(bench.clock.now() + 301_000);
    expect(metrics.recent.stats(300_000)).toMatchObject([{ events: 0, dead: 0 }]);
  });
});

describe("a read that takes long", () => {
  test("is not made again before it has rested a hundred times as long, and is shared by who asks meanwhile", async () => {
    const clock = createVirtualClock(0);
    let reads = 0;
    const read = readSparingly(async () => {
      reads++;
      clock.advance(30);
      return reads;
    }, clock);
    expect(await Promise.all([read(), read()])).toEqual([1, 1]);
    clock.advance(2_900);
    expect(await read()).toBe(1);
    clock.advance(101);
    expect(await read()).toBe(2);
  });

  test("a failed one is made again at once", async () => {
    let reads = 0;
    const read = readSparingly(async () => {
      reads++;
      if (reads === 1) throw new Error("locked");
      return reads;
    }, createVirtualClock(0));
    await expect(read()).rejects.toThrow("locked");
    expect(await read()).toBe(2);
  });
});

describe("cardinality", () => {
  test("nothing a sender says makes a series: types, ids and keys of a hundred events", async () => {
    const one = async (n: number) => {
      await bench.send({ id: `id-${n}`, type: `canary.type${n}`, data: { id: `canary-key${n}` } });
      await bench.send({ id: `at-${n}`, data: { id: `canary-key${n}`, tier: "pro", note: `canary-note${n}` } });
    };
    await one(0);
    const before = seriesOf(await scrape());
    for (let n = 1; n < 50; n++) await one(n);
    const page = (await metrics.scrape()).text;
    expect(seriesOf(parseMetrics(page))).toEqual(before);
    expect(page).not.toContain("canary");
  });

  test("a reason that is not in the list is told as `other`", async () => {
    const fact = { source, outcome: "unauthorized", status: 401, events: [], remoteAddress: "203.0.113.7" } as const;
    metrics.observer.ingested({ ...fact, reason: "signature_mismatch" });
    for (let n = 0; n < 20; n++) metrics.observer.ingested({ ...fact, reason: `made up ${n}` });
    const refused = (await scrape()).get("hookrail_requests_refused_total")?.samples;
    expect(refused?.map(({ labels, value }) => [labels["reason"], value])).toEqual([
      ["signature_mismatch", 1],
      ["other", 20],
    ]);
  });
});

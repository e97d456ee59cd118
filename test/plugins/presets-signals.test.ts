/** PagerDuty and Standard Webhooks: signals to people and to partners. */
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { readPresetFiles, shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import { createRegistry } from "../../engine/plugin/registry.ts";
import { answer } from "../support/fault-server.ts";
import { useHttpBench } from "../support/http-bench.ts";
import { type DeliveryOverrides, delivery, secret, sending } from "../support/sink-context.ts";

const registry = createRegistry(readPresetFiles(shippedPresetFiles()).found);
const bench = useHttpBench();

async function open(name: string, settings: Settings): Promise<OpenSink> {
  const sink = registry.get(name);
  if (sink === undefined) throw new Error(`no sink ${name}`);
  return bench.open(sink, settings);
}
async function send(sink: OpenSink, over: DeliveryOverrides) {
  const idempotencyKey = over.idempotencyKey ?? "key-1";
  return sink.send(await sink.prepare(delivery(over)), sending({ idempotencyKey }));
}

describe("pagerduty", () => {
  const taken = answer(202, { status: "success", message: "Event processed", dedup_key: "k" });
  const ready = () => open("pagerduty", { base_url: bench.server.url, routing_key: secret("R0UT1NG") });
  const effect = { kind: "effect", event: "payment_failed" } as const;

  it("opens, acknowledges and closes one alert by the same key, whichever event does it", async () => {
    const sink = await ready();
    bench.server.next(taken, taken, taken, taken);
    await send(sink, { ...effect, action: "trigger", set: { tier: "team", email: "ada@example.com" } });
    await send(sink, { ...effect, action: "trigger", idempotencyKey: "key-2", params: { severity: "critical" } });
    await send(sink, { ...effect, action: "acknowledge", params: { alert: "payment_failed" } });
    await send(sink, { kind: "effect", event: "paid", action: "resolve", params: { alert: "payment_failed" } });
    const bodies = bench.server.requests.map(({ body }) => JSON.parse(body));
    expect(new Set(bodies.map(({ dedup_key }) => dedup_key))).toEqual(new Set(["customer:cus_1:payment_failed"]));
    expect(bodies.map(({ event_action }) => event_action)).toEqual(["trigger", "trigger", "acknowledge", "resolve"]);
    expect(bodies[0].payload).toMatchObject({ severity: "error", source: "hookrail:paid-premium" });
    expect(bodies[1].payload.severity).toBe("critical");
    expect(JSON.stringify(bodies)).not.toContain("ada@example.com");
    expect(bench.server.requests[0]?.url).toBe("/v2/enqueue");
  });

  it("keeps the key of an alert within 255 characters, and two long ones apart", async () => {
    const sink = await ready();
    bench.server.next(taken, taken);
    for (const end of ["a", "bb"])
      await send(sink, { ...effect, action: "trigger", params: { alert: `${"x".repeat(300)}${end}` } });
    const keys = bench.server.requests.map(({ body }) => String(JSON.parse(body).dedup_key));
    for (const key of keys) expect(key.length).toBeLessThanOrEqual(255);
    expect(new Set(keys).size).toBe(2);
  });

  it("puts the routing key on at the attempt: it is not part of what is frozen", async () => {
    const sink = await ready();
    const request = await sink.prepare(delivery({ ...effect, action: "trigger" }));
    expect(JSON.stringify(request)).not.toContain("R0UT1NG");
    bench.server.next(taken);
    await sink.send(request, sending());
    expect(JSON.parse(bench.server.requests[0]?.body ?? "{}").routing_key).toBe("R0UT1NG");
  });

  it.each<[number, unknown, object]>([
    [202, { status: "success" }, { kind: "delivered" }],
    [200, "<html>", { kind: "unknown" }],
    [400, { status: "invalid event", errors: ["'routing_key' is missing or blank"] }, { kind: "pause" }],
    [400, { status: "invalid event", errors: ["'payload.severity' is invalid"] }, { kind: "rejected" }],
    [413, {}, { kind: "rejected" }],
    [429, {}, { kind: "retry", throttled: true, afterMs: 120_000 }],
    [500, {}, { kind: "retry" }],
  ])("reads %i %j as it is meant", async (status, body, outcome) => {
    const sink = await ready();
    bench.server.next(answer(status, body));
    expect(await send(sink, { ...effect, action: "trigger" })).toMatchObject(outcome);
  });
});

describe("standard-webhooks", () => {
  const whsec = (text: string) => `whsec_${Buffer.from(text).toString("base64")}`;
  const [fresh, old] = [whsec("a new secret of 24 bytes"), whsec("an old secret of 24 byte")];
  const ready = (more: Settings = {}) =>
    open("standard-webhooks", { url: `${bench.server.url}/hooks?team=7`, secret: secret(fresh), ...more });
  const verified = (secretText: string) => {
    const request = bench.server.requests.at(-1);
    const headers = ["id", "timestamp", "signature"].map((name) => `webhook-${name}`);
    return new Webhook(secretText).verify(
      request?.body ?? "",
      Object.fromEntries(headers.map((name) => [name, String(request?.headers[name])])),
    );
  };

  it("sends an event that the standard's own library verifies, with either secret while they change", async () => {
    const sink = await ready({ previous_secret: secret(old) });
    bench.test.clock.set(Date.now());
    const event = { action: "event", kind: "effect", event: "plan_changed", set: { tier: "team" } } as const;
    expect(await send(sink, { ...event, idempotencyKey: "msg_1" })).toMatchObject({ kind: "delivered" });
    for (const known of [fresh, old])
      expect(verified(known)).toMatchObject({
        type: "plan_changed",
        data: { entity: { type: "customer", key: "cus_1" }, attributes: { tier: "team" } },
      });
    expect(() => verified(whsec("another secret of 24 byt"))).toThrow();
    expect(bench.server.requests[0]?.headers["webhook-id"]).toBe("msg_1");
    expect(bench.server.requests[0]?.url).toBe("/hooks?team=7");
  });

  it("repeats with the same id and a new time, so that the receiver knows it again", async () => {
    const sink = await ready();
    const request = await sink.prepare(delivery({ action: "event", kind: "effect" }));
    await sink.send(request, sending({ idempotencyKey: "msg_1" }));
    bench.test.clock.advance(600_000);
    await sink.send(request, sending({ idempotencyKey: "msg_1", attempt: 2 }));
    const [first, second] = bench.server.requests.map(({ headers }) => headers);
    expect(second?.["webhook-id"]).toBe(first?.["webhook-id"]);
    expect(Number(second?.["webhook-timestamp"]) - Number(first?.["webhook-timestamp"])).toBe(600);
    expect(bench.server.requests[1]?.body).toBe(bench.server.requests[0]?.body);
  });

  it("names what was blanked, and never says it with a null", async () => {
    const sink = await ready();
    await send(sink, { action: "changed", set: { tier: "team" }, clear: ["seats"], version: 7 });
    expect(bench.body()).toMatchObject({
      type: "customer.changed",
      data: { version: 7, changed: { tier: "team" }, cleared: ["seats"] },
    });
    expect(JSON.stringify(bench.body())).not.toContain("null");
  });

  it("stops for good when the receiver says that it is gone", async () => {
    const sink = await ready();
    bench.server.next(answer(410), answer(409));
    const event = { action: "event", kind: "effect" } as const;
    expect(await send(sink, event)).toMatchObject({ kind: "pause", dead: true });
    expect(await send(sink, event)).toMatchObject({ kind: "delivered", noEffect: "repeated" });
  });
});

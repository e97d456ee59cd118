/** What the presets for analytics, flags and audiences do beyond upserts, and how they read answers. */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../engine/plugin/index.ts";
import { useContractBench } from "../support/contract-bench.ts";
import { amplitudeContract } from "../support/contracts/amplitude.ts";
import { launchdarklyContract } from "../support/contracts/launchdarkly.ts";
import { mailchimpContract } from "../support/contracts/mailchimp.ts";
import { mixpanelContract } from "../support/contracts/mixpanel.ts";
import { posthogContract } from "../support/contracts/posthog.ts";
import { segmentContract } from "../support/contracts/segment.ts";
import { type DeliveryOverrides, delivery, secret } from "../support/sink-context.ts";

const open = useContractBench();

const segment = segmentContract({ ok: { success: true }, refused: { code: "invalid_request" } });
const audience = {
  server: "us21",
  api_key: secret("key-us21"),
  audience: "a1b2c3",
  attribute_names: { tier: "TIER", premium: "PREMIUM", paid_until: "PAIDUNTIL", tags: "TAGS" },
};
const flags = { token: secret("api-token"), project: "web", environment: "production", segment: "premium" };
const contracts = {
  segment: [segment, { write_key: secret("write-key") }],
  rudderstack: [segment, { write_key: secret("write-key") }],
  amplitude: [amplitudeContract, { api_key: secret("amp-key") }],
  mixpanel: [mixpanelContract, { token: "mp-token" }],
  posthog: [posthogContract, { api_key: secret("phc_key") }],
  mailchimp: [mailchimpContract, audience],
  launchdarkly: [launchdarklyContract, flags],
} as const;
type Name = keyof typeof contracts;
const bench = (name: Name, more: object = {}) => open(name, contracts[name][0], { ...contracts[name][1], ...more });

const EMAIL = { stripe_id: "cus_1", email: "Ada@Example.com" };
const effect = (action: string, over: DeliveryOverrides = {}): DeliveryOverrides => ({
  kind: "effect",
  action,
  event: "signed_up",
  ...over,
});

describe("events", () => {
  it.each([
    ["segment", "track"],
    ["rudderstack", "track"],
    ["amplitude", "track"],
    ["mixpanel", "track"],
    ["posthog", "capture"],
  ] as const)("%s takes an event with an id that each attempt repeats and no other event has", async (name, action) => {
    const { service, send } = await bench(name);
    const event = effect(action, { set: { tier: "team" }, params: { data: { plan_days: 14 } } });
    for (const idempotencyKey of ["a", "a", "b"])
      expect(await send({ ...event, idempotencyKey })).toMatchObject({ kind: "delivered" });
    expect(service.refusals).toEqual([]);
    const bodies = service.asked.map(({ body }) => JSON.stringify(body));
    expect(bodies[1]).toBe(bodies[0]);
    expect(bodies[2]).not.toBe(bodies[0]);
    expect(bodies[0]).toContain('"tier":"team"');
    expect(bodies[0]).toContain('"plan_days":14');
    // Two events are on record, though three requests came.
    expect(service.records.size).toBe(2);
  });

  it.each(["segment", "amplitude", "mixpanel", "posthog"] as const)(
    "%s calls a person by the id that the connection names, and refuses to guess when there is none",
    async (name) => {
      const key = name === "mixpanel" || name === "posthog" ? "distinct_id" : "user_id";
      const { sink, service, send } = await bench(name, { [key]: "clerk_id" });
      const action = "identify";
      const ids = { stripe_id: "cus_1", clerk_id: "u1" };
      expect(await send({ action, ids, set: { tier: "pro" } })).toMatchObject({ kind: "delivered" });
      expect(service.records.get("u1")).toEqual({ tier: "pro" });
      await expect(async () => sink.prepare(delivery({ action, set: { tier: "pro" } }))).rejects.toMatchObject({
        code: "HK5002",
      });
    },
  );

  it.each([
    ["amplitude", 1024],
    ["mixpanel", 255],
    ["mailchimp", 255],
  ] as const)("%s is sent no text that it would cut at %i bytes", async (name, most) => {
    const { sink } = await bench(name);
    const action = name === "mailchimp" ? "upsert" : "identify";
    const prepare = async (length: number) =>
      sink.prepare(delivery({ action, ids: EMAIL, set: { tier: "x".repeat(length) } }));
    await expect(prepare(most)).resolves.toBeDefined();
    await expect(prepare(most + 1)).rejects.toMatchObject({ code: "HK5001" });
  });
});

describe("several in one request", () => {
  const three = (action: string) =>
    ["a1", "b2", "c3"].map((key, index) => ({
      action,
      key,
      ids: { stripe_id: key },
      idempotencyKey: key,
      set: index === 0 ? { tier: "pro" } : { seats: index },
    }));

  it.each(["segment", "rudderstack", "amplitude", "posthog"] as const)(
    "%s: each writes what it has, and nothing of what another has",
    async (name) => {
      const { service, together } = await bench(name);
      service.records.set("a1", { seats: 9 }).set("b2", { tier: "team" });
      const outcomes = await together(three("identify"));
      expect(outcomes.map(({ kind }) => kind)).toEqual(["delivered", "delivered", "delivered"]);
      expect(service.asked).toHaveLength(1);
      expect(service.records.get("a1")).toEqual({ seats: 9, tier: "pro" });
      expect(service.records.get("b2")).toEqual({ tier: "team", seats: 1 });
      expect(service.records.get("c3")).toEqual({ seats: 2 });
    },
  );

  it("mixpanel takes the events that are right; only the one it refused is dead, with its reason", async () => {
    const { service, together } = await bench("mixpanel");
    const tracks = three("track").map((one) => effect("track", one));
    const outcomes = await together([...tracks, effect("track", { key: "anonymous", ids: {}, idempotencyKey: "d" })]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["delivered", "delivered", "delivered", "rejected"]);
    expect(outcomes[3]).toMatchObject({ detail: "status 400: item properties.distinct_id" });
    expect(service.records.size).toBe(3);
  });

  it.each(["amplitude", "segment", "posthog"] as const)(
    "%s: refused as a whole, they are tried again, none is given up",
    async (name) => {
      const { service, together } = await bench(name);
      service.next({ status: 400, body: { error: "Request missing required field", missing_field: "time" } });
      for (const outcome of await together(three("identify")))
        expect(outcome).toMatchObject({ kind: "retry", status: 400 });
    },
  );
});

describe("answers", () => {
  const pro = { set: { tier: "pro" } };
  const requests: Record<Name, DeliveryOverrides> = {
    segment: { action: "identify", ...pro },
    rudderstack: { action: "identify", ...pro },
    amplitude: { action: "identify", ...pro },
    mixpanel: { action: "identify", ...pro },
    posthog: { action: "identify", ...pro },
    mailchimp: { action: "upsert", ids: EMAIL, ...pro },
    launchdarkly: { action: "membership", set: { premium: true } },
  };
  const table: readonly (readonly [Name, number, unknown, Partial<Outcome> & { throttled?: true }])[] = [
    ["segment", 200, { success: true }, { kind: "delivered" }],
    ["segment", 503, "", { kind: "retry" }],
    ["rudderstack", 200, "OK", { kind: "delivered" }],
    ["rudderstack", 404, "", { kind: "rejected" }],
    ["amplitude", 200, { code: 200 }, { kind: "delivered" }],
    ["amplitude", 400, { code: 400, error: "Invalid API key: x" }, { kind: "pause" }],
    [
      "amplitude",
      400,
      { code: 400, error: "no", missing_field: "event_type" },
      { kind: "rejected", detail: "status 400: event_type" },
    ],
    [
      "amplitude",
      429,
      { code: 429, throttled_users: { cus_1: 11 } },
      { kind: "retry", throttled: true, afterMs: 30_000 },
    ],
    ["amplitude", 504, "", { kind: "retry" }],
    ["mixpanel", 200, { status: 1, error: null }, { kind: "delivered" }],
    ["mixpanel", 200, { code: 200, num_good_events: 1, status: "OK" }, { kind: "delivered" }],
    ["mixpanel", 200, { status: 0, error: "words" }, { kind: "rejected" }],
    ["mixpanel", 200, "<html>", { kind: "unknown" }],
    ["mixpanel", 403, { error: "words", status: 0 }, { kind: "pause" }],
    ["mixpanel", 502, "", { kind: "retry" }],
    ["posthog", 200, { status: "Ok" }, { kind: "delivered" }],
    ["posthog", 200, { status: 1, quota_limited: ["events"] }, { kind: "pause" }],
    ["posthog", 200, { status: 1, quota_limited: ["recordings"] }, { kind: "delivered" }],
    ["posthog", 400, { code: "invalid_payload" }, { kind: "rejected", detail: "status 400: invalid_payload" }],
    ["posthog", 402, {}, { kind: "pause" }],
    ["posthog", 503, {}, { kind: "retry" }],
    ["mailchimp", 400, { title: "Member In Compliance State" }, { kind: "rejected" }],
    ["mailchimp", 403, "<html>Forbidden</html>", { kind: "retry", throttled: true, afterMs: 30_000 }],
    ["mailchimp", 403, { title: "User Disabled" }, { kind: "pause" }],
    ["mailchimp", 404, { title: "Resource Not Found" }, { kind: "rejected" }],
    ["mailchimp", 500, { title: "Internal Server Error" }, { kind: "retry" }],
    ["launchdarkly", 400, { code: "invalid_request" }, { kind: "rejected", detail: "status 400: invalid_request" }],
    ["launchdarkly", 403, { code: "forbidden" }, { kind: "pause", detail: "status 403: forbidden" }],
    ["launchdarkly", 404, { code: "not_found" }, { kind: "rejected" }],
    ["launchdarkly", 409, { code: "optimistic_locking_error" }, { kind: "retry" }],
    ["launchdarkly", 503, "", { kind: "retry" }],
  ];

  it.each(table)("%s: %i %j is %j", async (name, status, body, outcome) => {
    const { service, send } = await bench(name);
    service.next({ status, body });
    expect(await send(requests[name])).toMatchObject(outcome);
  });
});

/** Mailchimp's audiences and LaunchDarkly's segments: who is in, and that nobody is put in or subscribed by accident. */
import { describe, expect, it } from "vitest";
import { useContractBench } from "../support/contract-bench.ts";
import { launchdarklyContract } from "../support/contracts/launchdarkly.ts";
import { mailchimpContract } from "../support/contracts/mailchimp.ts";
import { type DeliveryOverrides, delivery, secret } from "../support/sink-context.ts";

const open = useContractBench();

const audience = {
  server: "us21",
  api_key: secret("key-us21"),
  audience: "a1b2c3",
  attribute_names: { tier: "TIER", premium: "PREMIUM", paid_until: "PAIDUNTIL", tags: "TAGS" },
};
const flags = { token: secret("api-token"), project: "web", environment: "production", segment: "premium" };
const mailchimp = (more: object = {}) => open("mailchimp", mailchimpContract, { ...audience, ...more });
const launchdarkly = (more: object = {}) => open("launchdarkly", launchdarklyContract, { ...flags, ...more });

const EMAIL = { stripe_id: "cus_1", email: "Ada@Example.com" };
const effect = (action: string, over: DeliveryOverrides = {}): DeliveryOverrides => ({
  kind: "effect",
  action,
  event: "signed_up",
  ...over,
});

describe("mailchimp", () => {
  const about = { ids: EMAIL };

  it("subscribes nobody: who is new is known only, unless the connection says otherwise", async () => {
    const { service, send } = await mailchimp();
    await send({ ...about, action: "upsert", set: { tier: "pro" } });
    expect(service.records.get("ada@example.com")).toEqual({ status: "transactional", TIER: "pro" });
    const other = await mailchimp({ status_if_new: "pending" });
    await other.send({ ...about, action: "upsert", set: { tier: "pro" } });
    expect(other.service.records.get("ada@example.com")).toMatchObject({ status: "pending" });
  });

  it("leaves a member's subscription alone, and writes truths as texts and times as dates", async () => {
    const { service, send } = await mailchimp();
    service.records.set("ada@example.com", { status: "unsubscribed" });
    await send({ ...about, action: "upsert", set: { premium: true, paid_until: "2027-01-01T00:00:00.000Z" } });
    expect(service.records.get("ada@example.com")).toEqual({
      status: "unsubscribed",
      PREMIUM: "true",
      PAIDUNTIL: "2027-01-01",
    });
  });

  it("refuses a person without an address, and a merge tag that can not be one", async () => {
    const { sink, service, send } = await mailchimp();
    for (const ids of [{ stripe_id: "cus_1" }, { stripe_id: "cus_1", email: "cus_1" }])
      await expect(async () =>
        sink.prepare(delivery({ action: "upsert", ids, set: { tier: "pro" } })),
      ).rejects.toMatchObject({
        code: "HK5002",
      });
    expect(await send({ ...about, action: "upsert", set: { seats: 5 } })).toMatchObject({
      kind: "rejected",
      status: 400,
    });
    expect(service.refusals).toHaveLength(1);
  });

  it("hides the address in what explain shows", async () => {
    const { sink } = await mailchimp();
    const lead = {
      type: "lead",
      key: "ada@example.com",
      ids: { email: "ada@example.com" },
      action: "archive",
    } as const;
    const { summary } = await sink.prepare(delivery(effect("archive", lead)));
    expect(summary).toBe("DELETE /3.0/lists/a1b2c3/members/…");
  });

  it("tags, tells of events, archives and deletes; who is gone already is no fault", async () => {
    const { service, send } = await mailchimp();
    service.records.set("ada@example.com", { "tag:trial": true });
    const run = (action: string, params = {}) => send(effect(action, { ...about, params }));
    expect(await run("tag", { add: ["premium", "team"], remove: ["trial"] })).toMatchObject({ kind: "delivered" });
    expect(service.records.get("ada@example.com")).toEqual({ "tag:premium": true, "tag:team": true });
    expect(await run("tag", { add: ["one"] })).toMatchObject({ kind: "delivered" });
    expect(await run("event", { data: { seats: 5 } })).toMatchObject({ kind: "delivered" });
    expect(service.asked.at(-1)?.body).toMatchObject({ name: "signed_up", properties: { seats: "5" } });
    expect(await run("archive")).toMatchObject({ kind: "delivered" });
    expect(await run("archive")).toMatchObject({ kind: "delivered", noEffect: "repeated" });
    expect(await run("delete")).toMatchObject({ kind: "delivered", noEffect: "repeated" });
    expect(await run("event")).toMatchObject({ kind: "rejected", status: 404 });
    expect(service.refusals).toEqual([]);
  });
});

describe("launchdarkly", () => {
  const member = (over: DeliveryOverrides): DeliveryOverrides => ({ action: "membership", ...over });

  it("is held to its contract: a patch without the semantic type, or of unknown kind, is refused", async () => {
    const { service } = await launchdarkly();
    const body = {
      environmentKey: "production",
      instructions: [{ kind: "addIncludedTargets", contextKind: "user", values: ["a"] }],
    };
    const patch = (type: string, what: unknown) =>
      fetch(`${service.url}/api/v2/segments/web/production/premium`, {
        method: "PATCH",
        headers: { authorization: "api-token", "content-type": type },
        body: JSON.stringify(what),
      });
    expect((await patch("application/json", body)).status).toBe(400);
    const semantic = "application/json; domain-model=launchdarkly.semanticpatch";
    const odd = { ...body, instructions: [{ kind: "addEverybody", contextKind: "user", values: ["a"] }] };
    expect((await patch(semantic, odd)).status).toBe(400);
    expect((await patch(semantic, body)).status).toBe(200);
    expect(service.records.get("premium")).toEqual({ a: true });
  });

  it("puts in on true, takes out on false and on a clear, and leaves the others where they are", async () => {
    const { service, send } = await launchdarkly();
    service.records.set("premium", { other: true });
    await send(member({ set: { premium: true } }));
    await send(member({ set: { premium: true } }));
    expect(service.records.get("premium")).toEqual({ other: true, cus_1: true });
    await send(member({ set: { premium: false } }));
    expect(service.records.get("premium")).toEqual({ other: true });
    await send(member({ set: { premium: true } }));
    await send(member({ clear: ["premium"] }));
    expect(service.records.get("premium")).toEqual({ other: true });
    expect(service.refusals).toEqual([]);
  });

  it("takes the values that mean membership from the connection", async () => {
    const { service, send } = await launchdarkly({ members: ["pro", "team"], context_key: "clerk_id" });
    const ids = { stripe_id: "cus_1", clerk_id: "user_1" };
    await send(member({ ids, set: { tier: "team" } }));
    expect(service.records.get("premium")).toEqual({ user_1: true });
    await send(member({ ids, set: { tier: "free" } }));
    expect(service.records.get("premium")).toEqual({});
  });

  it.each([
    ["two attributes", { set: { premium: true, tier: "pro" } }],
    ["no attribute", {}],
    ["a value that is neither true nor false", { set: { tier: "pro" } }],
  ])("refuses %s: no guess who is in", async (_, over) => {
    const { sink } = await launchdarkly();
    await expect(async () => sink.prepare(delivery(member(over)))).rejects.toMatchObject({ code: "HK5002" });
  });

  it("waits for the time it names, in its own form too", async () => {
    const { service, send } = await launchdarkly();
    const now = Date.UTC(2026, 10, 24, 6, 0, 0);
    service.next({
      status: 429,
      headers: { "x-ratelimit-reset": String(now + 4_000) },
      body: { code: "rate_limited" },
    });
    expect(await send(member({ set: { premium: true } }))).toMatchObject({
      kind: "retry",
      throttled: true,
      afterMs: 4_000,
    });
  });
});

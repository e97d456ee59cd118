/** The presets for analytics, flags and audiences, held against what the services publish. */
import { describe, expect, it } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import type { Settings } from "../../engine/plugin/index.ts";
import { useContractBench } from "../support/contract-bench.ts";
import { type Contract, type Reply, startContractService } from "../support/contract-service.ts";
import { amplitudeContract } from "../support/contracts/amplitude.ts";
import { mailchimpContract } from "../support/contracts/mailchimp.ts";
import { mixpanelContract } from "../support/contracts/mixpanel.ts";
import { posthogContract } from "../support/contracts/posthog.ts";
import { segmentContract } from "../support/contracts/segment.ts";
import { type DeliveryOverrides, delivery, secret } from "../support/sink-context.ts";

const open = useContractBench();

interface Service {
  readonly sink: string;
  readonly contract: Contract;
  readonly settings: Settings;
  readonly wrong: Settings;
  /** The record there that tells of our customer. */
  readonly record: string;
  /** What our attributes are called there. */
  readonly names?: Readonly<Record<string, string>>;
  readonly action: string;
  readonly ids?: Readonly<Record<string, string>>;
  /** What is left of an attribute that was cleared. */
  readonly cleared?: Json;
  /** Must be refused. */
  readonly bad: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Record<string, string>;
    readonly body: unknown;
  };
}

const twin = { write_key: secret("write-key") };
const email = { stripe_id: "cus_1", email: "Ada@Example.com" };
const writeKey = { authorization: `Basic ${Buffer.from("write-key:").toString("base64")}` };
const traitsMissing = { batch: [{ type: "identify", userId: "u1", messageId: "m1" }] };
const TAGS = { tier: "TIER", seats: "SEATS", email: "MAIL" };

const services: readonly Service[] = [
  {
    sink: "segment",
    contract: segmentContract({ ok: { success: true }, refused: { code: "invalid_request", message: "words" } }),
    settings: twin,
    wrong: { write_key: secret("other") },
    record: "cus_1",
    action: "identify",
    cleared: null,
    bad: { method: "POST", path: "/v1/batch", headers: writeKey, body: traitsMissing },
  },
  {
    sink: "rudderstack",
    contract: segmentContract({ ok: "OK", refused: "Failed to read body from request" }),
    settings: twin,
    wrong: { write_key: secret("other") },
    record: "cus_1",
    action: "identify",
    cleared: null,
    bad: { method: "POST", path: "/v1/batch", headers: writeKey, body: traitsMissing },
  },
  {
    sink: "amplitude",
    contract: amplitudeContract,
    settings: { api_key: secret("amp-key") },
    wrong: { api_key: secret("other") },
    record: "cus_1",
    action: "identify",
    bad: {
      method: "POST",
      path: "/2/httpapi",
      body: {
        api_key: "amp-key",
        events: [
          { event_type: "$identify", user_id: "user_1", insert_id: "i", user_properties: { $set: { tier: null } } },
        ],
      },
    },
  },
  {
    sink: "mixpanel",
    contract: mixpanelContract,
    settings: { token: "mp-token" },
    wrong: { token: "other" },
    record: "cus_1",
    action: "identify",
    bad: {
      method: "POST",
      path: "/engage?verbose=1",
      body: [{ $token: "mp-token", $distinct_id: "u", $unset: "tier" }],
    },
  },
  {
    sink: "posthog",
    contract: posthogContract,
    settings: { api_key: secret("phc_key") },
    wrong: { api_key: secret("other") },
    record: "cus_1",
    action: "identify",
    bad: { method: "POST", path: "/batch/", body: { api_key: "phc_key", batch: [{ event: "$set", properties: {} }] } },
  },
  {
    sink: "mailchimp",
    contract: mailchimpContract,
    settings: { server: "us21", api_key: secret("key-us21"), audience: "a1b2c3", attribute_names: TAGS },
    wrong: { server: "us21", api_key: secret("other"), audience: "a1b2c3", attribute_names: TAGS },
    record: "ada@example.com",
    names: TAGS,
    ids: email,
    action: "upsert",
    bad: {
      method: "PUT",
      path: "/3.0/lists/a1b2c3/members/ada%40example.com",
      headers: { authorization: "Bearer key-us21" },
      body: { email_address: "ada@example.com", status_if_new: "pending", merge_fields: { TIER: null } },
    },
  },
];

describe.each(services)("$sink", (service) => {
  const { names = {}, action, ids = { stripe_id: "cus_1" } } = service;
  const named = (values: Readonly<Record<string, Json>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [names[name] ?? name, value]));
  const upsert = (over: DeliveryOverrides, step: number): DeliveryOverrides => ({
    action,
    ids,
    idempotencyKey: `k${step}`,
    ...over,
  });

  it("is held to its contract: the service refuses a body that the contract does not allow", async () => {
    const running = await startContractService(service.contract);
    const { method, path, headers = {}, body } = service.bad;
    await fetch(`${running.url}${path}`, { method, headers, body: JSON.stringify(body) });
    expect(running.refusals).toHaveLength(1);
    expect(running.records.size).toBe(0);
    await running.close();
  });

  it("sets what changed, keeps what is not sent, clears what is cleared, and says nothing else", async () => {
    const { service: at, send } = await open(service.sink, service.contract, service.settings);
    const known = () => {
      const { status, ...rest } = at.records.get(service.record) ?? {};
      return status === "transactional" || status === undefined ? rest : { status, ...rest };
    };
    expect(await send(upsert({ set: { tier: "pro", seats: 5 } }, 1))).toMatchObject({ kind: "delivered" });
    expect(known()).toEqual(named({ tier: "pro", seats: 5 }));
    expect(await send(upsert({ set: { tier: "team" } }, 2))).toMatchObject({ kind: "delivered" });
    expect(known()).toEqual(named({ tier: "team", seats: 5 }));
    expect(JSON.stringify(at.asked.at(-1)?.body)).not.toMatch(/seats|null|""/i);
    expect(await send(upsert({ clear: ["seats"] }, 3))).toMatchObject({ kind: "delivered" });
    const left = service.cleared === undefined ? {} : { seats: service.cleared };
    expect(known()).toEqual(named({ tier: "team", ...left }));
    expect(await send(upsert({ set: { seats: 0 }, clear: ["tier"] }, 4))).toMatchObject({ kind: "delivered" });
    expect(known()).toEqual(named({ seats: 0, ...(service.cleared === undefined ? {} : { tier: service.cleared }) }));
    expect(at.refusals).toEqual([]);
  });

  it("ends the same when the same request comes twice", async () => {
    const { service: at, send } = await open(service.sink, service.contract, service.settings);
    await send(upsert({ set: { tier: "pro" } }, 1));
    const once = new Map(at.records);
    await send(upsert({ set: { tier: "pro" } }, 1));
    expect(at.records).toEqual(once);
    expect(at.asked[1]).toEqual(at.asked[0]);
  });

  it("pauses on credentials that are refused", async () => {
    const { send } = await open(service.sink, service.contract, service.wrong);
    const told = { status: 401, body: { error: "Unauthorized" } };
    const bench = await open(service.sink, service.contract, service.settings);
    bench.service.next(told);
    expect(await bench.send(upsert({ set: { tier: "pro" } }, 1))).toMatchObject({ kind: "pause", status: 401 });
    // Profiles of Mixpanel are open to whoever names a token: a wrong one is told at /import alone.
    const over = service.sink === "mixpanel" ? { action: "track", kind: "effect" as const, event: "signed_up" } : {};
    expect(await send(upsert({ set: { tier: "pro" }, ...over }, 1))).toMatchObject({ kind: "pause" });
  });

  it("waits as long as a 429 says, or for what is usual there", async () => {
    const { service: at, send } = await open(service.sink, service.contract, service.settings);
    at.next({ status: 429, headers: { "retry-after": "7" }, body: {} });
    expect(await send(upsert({ set: { tier: "pro" } }, 1))).toMatchObject({
      kind: "retry",
      throttled: true,
      afterMs: 7_000,
    });
    at.next({ status: 429, body: {} });
    expect(await send(upsert({ set: { tier: "pro" } }, 1))).toMatchObject({ kind: "retry", throttled: true });
  });

  it("gives up on what is refused for good, and quotes no value of the person", async () => {
    const { service: at, sink, send } = await open(service.sink, service.contract, service.settings);
    const words = "ada@example.com is no good address";
    const replies: Reply[] = [400, 413].map((status) => ({
      status,
      body: { code: words, error: words, title: words, message: words },
    }));
    at.next(...replies, { status: 500 });
    for (const { status } of replies) {
      const outcome = await send(upsert({ set: { email: "ada@example.com" } }, 1));
      expect(outcome).toMatchObject({ kind: "rejected", status });
      expect(JSON.stringify(outcome)).not.toContain("ada@");
    }
    expect(await send(upsert({ set: { tier: "pro" } }, 1))).toMatchObject({ kind: "retry", status: 500 });
    const prepared = await sink.prepare(delivery(upsert({ set: { tier: "pro" } }, 1)));
    expect(JSON.stringify(prepared)).not.toMatch(/write-key|amp-key|phc_key|key-us21/);
  });
});

/** What else CRMs and lifecycle tools are asked: events, erasures, companies, tickets; lookups; many in one request. */
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { readPresetFiles, shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import { createRegistry } from "../../engine/plugin/registry.ts";
import { type RunningService, type Service, startService } from "../support/mock-service.ts";
import { attio, hubspot } from "../support/services/crm.ts";
import { braze, customerio, iterable, klaviyo } from "../support/services/lifecycle.ts";
import { activecampaign, PIPEDRIVE_KEY, pipedrive } from "../support/services/sales.ts";
import { intercom, zendesk } from "../support/services/support-desk.ts";
import { createTestContext, type DeliveryOverrides, delivery, sending } from "../support/sink-context.ts";

const registry = createRegistry(readPresetFiles(shippedPresetFiles()).found);
const test = createTestContext("/nowhere");
afterAll(() => test.close());
const servers: RunningService[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

interface Rig {
  readonly service: Service;
  readonly server: RunningService;
  readonly sink: OpenSink;
  act(over: DeliveryOverrides): ReturnType<OpenSink["send"]>;
}

async function rig(make: () => Service, settings: Settings = {}): Promise<Rig> {
  const service = make();
  const server = await startService(service.answer);
  servers.push(server);
  const descriptor = registry.get(service.sink);
  if (descriptor === undefined) throw new Error(`no sink ${service.sink}`);
  const names = service.names === undefined ? {} : { attribute_names: { ...service.names } };
  const all = { base_url: server.url, ...names, ...service.settings(server.url), ...settings };
  const sink = await descriptor.open(all, test.context);
  return { service, server, sink, act: async (over) => sink.send(await sink.prepare(delivery(over)), sending()) };
}

const last = ({ server }: Rig) => server.calls.at(-1);
const effect = {
  kind: "effect",
  event: "onboarding_started",
  set: { tier: "team", email: "ada@example.com" },
} as const;

describe("effects are taken by the contract of the service", () => {
  it.each([
    ["braze", braze, "track", { data: { plan: "team" } }],
    ["braze", braze, "delete", {}],
    ["customerio", customerio, "track", { data: { plan: "team" } }],
    ["customerio", customerio, "delete", {}],
    ["customerio", customerio, "suppress", {}],
    ["hubspot", hubspot, "gdpr_delete", {}],
    ["iterable", iterable, "track", { data: { plan: "team" } }],
    ["iterable", iterable, "forget", {}],
    ["klaviyo", klaviyo, "track", { data: { plan: "team" }, value: 7 }],
    ["klaviyo", klaviyo, "track", {}],
    ["klaviyo", klaviyo, "delete", {}],
    ["intercom", intercom, "track", { data: { plan: "team" } }],
    ["zendesk", zendesk, "ticket", { subject: "Payment failed", priority: "high", tags: ["billing"] }],
  ] as const)("%s %#: %s", async (_, make, action, params) => {
    const bench = await rig(make);
    expect(await bench.act({ ...effect, action, params })).toMatchObject({ kind: "delivered" });
    expect(bench.server.calls).toHaveLength(1);
  });

  it("names an event the same in each attempt and otherwise in each delivery", async () => {
    for (const [make, place] of [
      [klaviyo, ["data", "attributes", "unique_id"]],
      [iterable, ["id"]],
    ] as const) {
      const bench = await rig(make);
      for (const idempotencyKey of ["a", "a", "b"]) await bench.act({ ...effect, action: "track", idempotencyKey });
      const ids = bench.server.calls.map(({ body }) =>
        place.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], body),
      );
      expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
      expect(ids[1]).toBe(ids[0]);
      expect(ids[2]).not.toBe(ids[0]);
    }
  });

  it("says of a ticket that an earlier attempt has opened that nothing happened now", async () => {
    const bench = await rig(zendesk);
    const ticket = { ...effect, action: "ticket", params: { subject: "x" } };
    expect(await bench.act(ticket)).not.toHaveProperty("noEffect");
    expect(await bench.act(ticket)).toMatchObject({ kind: "delivered", noEffect: "repeated" });
  });

  it("asks Klaviyo for no erasure of somebody whose address nobody knows", async () => {
    const bench = await rig(klaviyo);
    await expect(bench.act({ ...effect, set: {}, action: "delete" })).rejects.toMatchObject({ code: "HK5002" });
    expect(bench.server.calls).toHaveLength(0);
  });
});

describe("identity", () => {
  it("goes by the e-mail address where the connection says so", async () => {
    const lead = { key: "ada@example.com", set: { tier: "team" } };
    const klav = await rig(klaviyo, { identity: "email" });
    await klav.act({ ...lead, action: "identify" });
    expect(last(klav)?.body).toEqual({
      data: { type: "profile", attributes: { email: "ada@example.com", properties: { tier: "team" } } },
    });
    const iter = await rig(iterable, { identity: "email" });
    await iter.act({ ...lead, action: "identify" });
    expect(last(iter)?.body).toEqual({
      email: "ada@example.com",
      mergeNestedObjects: false,
      dataFields: { tier: "team" },
    });
    const att = await rig(attio, { matching: { customer: "email_addresses" } });
    await att.act(lead);
    expect(last(att)?.query.get("matching_attribute")).toBe("email_addresses");
    expect(last(att)?.body).toEqual({ data: { values: { tier: "team", email_addresses: "ada@example.com" } } });
  });

  it("sends ActiveCampaign nothing about somebody without an address", async () => {
    const bench = await rig(activecampaign);
    await expect(bench.act({ action: "sync", set: { tier: "team" } })).rejects.toMatchObject({ code: "HK5002" });
    expect(bench.server.calls).toHaveLength(0);
  });

  it("puts what the profile itself has apart from custom properties", async () => {
    const bench = await rig(klaviyo);
    await bench.act({ action: "identify", set: { email: "ada@example.com", tier: "team" }, clear: ["seats"] });
    expect(last(bench)?.body).toEqual({
      data: {
        type: "profile",
        attributes: { external_id: "cus_1", email: "ada@example.com", properties: { tier: "team", seats: null } },
      },
    });
  });
});

describe("intercom, which has no upsert", () => {
  it("makes a contact once and updates it by Intercom's own id from then on", async () => {
    const bench = await rig(intercom);
    await bench.act({ set: { tier: "team" } });
    await bench.act({ set: { tier: "pro" } });
    expect(bench.server.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /contacts/find_by_external_id/cus_1",
      "POST /contacts",
      "GET /contacts/find_by_external_id/cus_1",
      "PUT /contacts/c0",
    ]);
  });

  it("tries again when somebody else makes the contact between the lookup and the write", async () => {
    const bench = await rig(intercom);
    await bench.act({ set: { tier: "team" } });
    bench.server.next({ status: 404, body: { errors: [{ code: "not_found" }] } });
    expect(await bench.act({ set: { tier: "pro" } })).toMatchObject({ kind: "retry", status: 409 });
    expect(await bench.act({ set: { tier: "pro" } })).toMatchObject({ kind: "delivered" });
    expect(bench.service.records.size).toBe(1);
  });

  it("makes no twin when the lookup fails, and none of a merged contact", async () => {
    const bench = await rig(intercom);
    bench.server.next({ status: 500 }, { status: 410, body: { errors: [{ code: "contact_merged" }] } });
    expect(await bench.act({ set: { tier: "pro" } })).toMatchObject({ kind: "retry" });
    const merged = await bench.act({ set: { tier: "pro" } });
    expect(merged).toMatchObject({ kind: "rejected", detail: "status 410: contact_merged" });
    expect(bench.service.records.size).toBe(0);
  });

  it("upserts companies by their own id", async () => {
    const bench = await rig(intercom);
    expect(await bench.act({ action: "company", key: "acc_1", set: { tier: "team" } })).toMatchObject({
      kind: "delivered",
    });
    expect(last(bench)?.body).toEqual({ company_id: "acc_1", custom_attributes: { tier: "team" } });
  });
});

describe("pipedrive, which has no upsert", () => {
  it("names a new person by our key where no name is known, and leaves the name alone later", async () => {
    const bench = await rig(pipedrive);
    await bench.act({ set: { tier: "team" } });
    expect(last(bench)).toMatchObject({
      method: "POST",
      body: { name: "cus_1", custom_fields: { [PIPEDRIVE_KEY]: "cus_1" } },
    });
    await bench.act({ set: { tier: "pro" } });
    expect(last(bench)).toMatchObject({ method: "PATCH", path: "/api/v2/persons/1" });
    expect(last(bench)?.body).not.toHaveProperty("name");
  });

  it("refuses to choose between two records, and to take an answer it can not read for nobody", async () => {
    const bench = await rig(pipedrive);
    bench.server.next({ status: 200, body: { success: true, data: [{ id: 1 }, { id: 2 }] } });
    expect(await bench.act({ set: { tier: "pro" } })).toMatchObject({
      kind: "rejected",
      detail: "lookup: 2 records match",
    });
    bench.server.next({ status: 200, body: { success: true, data: [{ result_score: 1, item: { id: 1 } }] } });
    expect(await bench.act({ set: { tier: "pro" } })).toMatchObject({ kind: "rejected" });
    expect(bench.service.records.size).toBe(0);
  });

  it("updates by the id that the entity carries, without a search", async () => {
    const bench = await rig(pipedrive);
    await bench.act({ set: { tier: "team" } });
    const ids = { stripe_id: "cus_1", pipedrive_id: "1" };
    expect(await bench.act({ action: "update", ids, set: { tier: "pro" } })).toMatchObject({ kind: "delivered" });
    expect(last(bench)).toMatchObject({ method: "PATCH", path: "/api/v2/persons/1" });
    await expect(bench.act({ action: "update", set: { tier: "pro" } })).rejects.toMatchObject({ code: "HK5002" });
  });
});

describe.each([
  ["braze", braze],
  ["hubspot", hubspot],
] as const)("%s, many in one request", (_, make) => {
  const people: DeliveryOverrides[] = [
    { key: "a", set: { tier: "team" } },
    { key: "b", set: { email: "no address" } },
    { key: "c", set: { premium: true } },
  ];

  it("gives up the refused one only, and writes nothing that another lacks", async () => {
    const bench = await rig(make);
    const { upsert, records } = bench.service;
    for (const key of ["a", "c"]) {
      await bench.act({ action: upsert, key, idempotencyKey: `first-${key}`, set: { tier: "free", premium: true } });
    }
    const requests = [];
    for (const [index, over] of people.entries())
      requests.push(await bench.sink.prepare(delivery({ ...over, action: upsert, idempotencyKey: `key-${index}` })));
    const { batches } = bench.sink;
    expect(batches?.planOf(upsert)).toMatchObject({ flushMs: 250, byKeySet: false });
    expect(batches?.choose(requests)).toEqual([0, 1, 2]);
    const before = bench.server.calls.length;
    const outcomes = await batches?.send(
      requests,
      requests.map(() => sending()),
    );
    expect(bench.server.calls.length - before).toBe(1);
    expect(outcomes?.map(({ kind }) => kind)).toEqual(["delivered", "rejected", "delivered"]);
    expect(JSON.stringify(outcomes)).not.toContain("ada");
    const text = bench.service.held ?? ((value: unknown) => value);
    expect(records.get("a")).toEqual({ tier: "team", premium: text(true) });
    expect(records.get("c")).toEqual({ tier: "free", premium: text(true) });
    expect(records.has("b")).toBe(false);
  });

  it("sends no two changes of one record together", async () => {
    const bench = await rig(make);
    const requests = [];
    for (const tier of ["team", "pro"])
      requests.push(
        await bench.sink.prepare(delivery({ action: bench.service.upsert, idempotencyKey: tier, set: { tier } })),
      );
    expect(bench.sink.batches?.choose(requests)).toEqual([0]);
  });
});

it("gives up every record that one fault of HubSpot names, and takes an empty answer for no success", async () => {
  const bench = await rig(hubspot);
  const requests = [];
  for (const key of ["a", "b", "c"])
    requests.push(await bench.sink.prepare(delivery({ key, idempotencyKey: key, set: { tier: "team" } })));
  const traces = requests.map(({ data }) => JSON.parse(String(data["body"])).inputs[0].objectWriteTraceId);
  const fault = { category: "VALIDATION_ERROR", context: { objectWriteTraceId: [traces[0], traces[2]] } };
  const results = [{ id: "1" }];
  bench.server.next(
    { status: 207, body: { results, errors: [fault] } },
    { status: 200, body: { results: [], errors: [] } },
  );
  const contexts = requests.map(() => sending());
  const outcomes = await bench.sink.batches?.send(requests, contexts);
  expect(outcomes?.map(({ kind }) => kind)).toEqual(["rejected", "delivered", "rejected"]);
  expect(await bench.act({ set: { tier: "team" } })).toMatchObject({ kind: "rejected" });
});

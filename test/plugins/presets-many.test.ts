/** Many records in one request, each judged alone: only what failed is tried again or given up, the others stand. */
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { readPresetFiles, shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { Settings } from "../../engine/plugin/index.ts";
import { createRegistry } from "../../engine/plugin/registry.ts";
import { type RunningService, type Service, startService } from "../support/mock-service.ts";
import { customerioMany, salesforceMany, zoho } from "../support/services/many.ts";
import { createTestContext, type DeliveryOverrides, delivery, sending } from "../support/sink-context.ts";

const registry = createRegistry(readPresetFiles(shippedPresetFiles()).found);
const test = createTestContext("/nowhere");
afterAll(() => test.close());
const servers: RunningService[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function rig(make: () => Service, settings: Settings = {}) {
  const service = make();
  const server = await startService(service.answer);
  servers.push(server);
  const sink = await registry
    .get(service.sink)
    ?.open({ base_url: server.url, ...service.settings(server.url), ...settings }, test.context);
  if (sink?.batches === undefined) throw new Error(`${service.sink} joins nothing`);
  const { batches } = sink;
  const prepare = (over: DeliveryOverrides) => sink.prepare(delivery({ action: service.upsert, ...over }));
  const together = async (overs: readonly DeliveryOverrides[]) => {
    const frozen = await Promise.all(overs.map(prepare));
    expect(batches.choose(frozen)).toEqual(overs.map((_, index) => index));
    return batches.send(
      frozen,
      frozen.map((_, index) => sending({ idempotencyKey: `k${index}` })),
    );
  };
  const writes = () => server.calls.filter(({ path }) => !path.includes("oauth"));
  return { service, server, batches, prepare, together, writes };
}

const bad = { key: "bad", set: { tier: "team", email: "no address" } };

describe.each([
  ["salesforce", salesforceMany, "INVALID_EMAIL_ADDRESS"],
  ["customerio", customerioMany, "invalid"],
  ["zoho", zoho, "INVALID_DATA"],
] as const)("%s", (_, make, code) => {
  it("joins records that carry different fields, and none blanks what another lacks", async () => {
    const { service, together, writes } = await rig(make);
    await together([
      { key: "a", set: { tier: "team", seats: 5 } },
      { key: "b", set: { tier: "pro" } },
    ]);
    const outcomes = await together([
      { key: "a", set: { tier: "pro" } },
      { key: "b", set: { seats: 7 }, clear: ["tier"] },
    ]);
    expect(outcomes).toMatchObject([{ kind: "delivered" }, { kind: "delivered" }]);
    expect(writes()).toHaveLength(2);
    expect(Object.fromEntries(service.records)).toEqual({ a: { tier: "pro", seats: 5 }, b: { seats: 7 } });
  });

  it("gives up only the record that is refused, by the service's code and without its words", async () => {
    const { service, together, writes } = await rig(make);
    const outcomes = await together([{ key: "a", set: { tier: "team" } }, bad, { key: "c", set: { tier: "pro" } }]);
    expect(outcomes).toMatchObject([
      { kind: "delivered" },
      { kind: "rejected", detail: expect.stringContaining(code) },
      { kind: "delivered" },
    ]);
    expect(JSON.stringify(outcomes)).not.toContain("no address");
    expect([...service.records.keys()]).toEqual(["a", "c"]);
    expect(writes()).toHaveLength(1);
  });

  it("refuses a single record that is refused alone", async () => {
    const { together } = await rig(make);
    const [outcome] = await together([bad]);
    expect(outcome).toMatchObject({ kind: "rejected", detail: expect.stringContaining(code) });
  });
});

describe.each([
  ["salesforce", salesforceMany],
  ["zoho", zoho],
] as const)("%s", (_, make) => {
  it("tries a record again that is locked just now, and only that", async () => {
    const { together } = await rig(make);
    const outcomes = await together([
      { key: "a", set: { tier: "team" } },
      { key: "b", set: { note: "locked" } },
    ]);
    expect(outcomes).toMatchObject([{ kind: "delivered" }, { kind: "retry" }]);
  });

  it("takes an answer that lacks a record for unknown, never for done", async () => {
    const { together, server, service } = await rig(make);
    await together([{ key: "a", set: { tier: "team" } }]);
    const one = service.sink === "zoho" ? { data: [{ code: "SUCCESS" }] } : [{ success: true, errors: [] }];
    server.next({ status: 200, body: one });
    const outcomes = await together([
      { key: "a", set: { tier: "pro" } },
      { key: "b", set: { tier: "pro" } },
    ]);
    expect(outcomes).toMatchObject([{ kind: "delivered" }, { kind: "unknown" }]);
  });
});

describe("salesforce collections", () => {
  it("carry the type and the external id of each record, and do not roll the others back", async () => {
    const { together, writes } = await rig(salesforceMany);
    await together([{ key: "a", set: { tier: "team" } }]);
    expect(writes()[0]?.body).toEqual({
      allOrNone: false,
      records: [{ attributes: { type: "Contact" }, Hookrail_Id__c: "a", tier: "team" }],
    });
  });

  it("are not used where nothing may be created", async () => {
    const { prepare } = await rig(salesforceMany, { update_only: true });
    await expect(prepare({ key: "a", set: { tier: "team" } })).rejects.toMatchObject({ code: "HK5002" });
  });
});

describe("customerio batches", () => {
  it("order what is written by the event's time, and name an event by its key", async () => {
    const { batches, prepare, writes } = await rig(customerioMany);
    const track = { action: "track_many", kind: "effect", event: "upgraded", set: { tier: "team" } } as const;
    const frozen = await Promise.all([prepare({ key: "a", set: { tier: "team" } }), prepare({ ...track, key: "a" })]);
    for (const [index, one] of frozen.entries())
      expect(await batches.send([one], [sending({ idempotencyKey: `k${index}` })])).toMatchObject([
        { kind: "delivered" },
      ]);
    const items = writes().flatMap(({ body }) => (body as { batch: Record<string, unknown>[] }).batch);
    expect(items).toMatchObject([
      { action: "identify", identifiers: { id: "a" }, timestamp: expect.any(Number), attributes: { tier: "team" } },
      { action: "event", name: "upgraded", id: expect.stringMatching(/^[0-9A-Z]{26}$/), timestamp: expect.any(Number) },
    ]);
  });
});

describe("zoho", () => {
  it("starts no workflow unless the connection wants it, and finds records by the key's field", async () => {
    const quiet = await rig(zoho);
    await quiet.together([{ key: "a", set: { tier: "team" } }]);
    expect(quiet.writes()[0]?.body).toEqual({
      data: [{ Hookrail_Id: "a", tier: "team" }],
      duplicate_check_fields: ["Hookrail_Id"],
      trigger: [],
    });
    const loud = await rig(zoho, { workflows: true });
    await loud.together([{ key: "a", set: { tier: "team" } }]);
    expect(loud.writes()[0]?.body).toMatchObject({ trigger: ["workflow", "approval", "blueprint"] });
  });
});

/**
 * The presets for CRMs and lifecycle tools, against mocks that judge by the services' published contracts and keep
 * what they took: absent keeps, clear blanks, and faults come out as what they are.
 */
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { readPresetFiles, shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import { createRegistry } from "../../engine/plugin/registry.ts";
import { type RunningService, type Service, startService } from "../support/mock-service.ts";
import { attio, hubspot, salesforce } from "../support/services/crm.ts";
import { braze, customerio, iterable, klaviyo } from "../support/services/lifecycle.ts";
import { customerioMany, salesforceMany, zoho } from "../support/services/many.ts";
import { activecampaign, pipedrive } from "../support/services/sales.ts";
import { intercom, zendesk } from "../support/services/support-desk.ts";
import { createTestContext, type DeliveryOverrides, delivery, sending } from "../support/sink-context.ts";

const registry = createRegistry(readPresetFiles(shippedPresetFiles()).found);
const makers = [
  activecampaign,
  attio,
  braze,
  customerio,
  hubspot,
  intercom,
  iterable,
  klaviyo,
  pipedrive,
  salesforce,
  salesforceMany,
  customerioMany,
  zendesk,
  zoho,
];
const services = makers.map((make) => [`${make().sink} ${make().upsert}`, make] as const);

// One context for all: its interpreter is a process of its own.
const test = createTestContext("/nowhere");
afterAll(() => test.close());

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

interface Rig {
  readonly service: Service;
  readonly server: RunningService;
  open(settings?: Settings): Promise<OpenSink>;
}

async function rig(make: () => Service): Promise<Rig> {
  const service = make();
  const server = await startService(service.answer);
  ending.push(() => server.close());
  return {
    service,
    server,
    async open(settings = {}) {
      const sink = registry.get(service.sink);
      if (sink === undefined) throw new Error(`no sink ${service.sink}`);
      const names = service.names === undefined ? {} : { attribute_names: { ...service.names } };
      const opened = await sink.open(
        { base_url: server.url, ...names, ...service.settings(server.url), ...settings },
        test.context,
      );
      return opened;
    },
  };
}

/** A customer as most services know it; ActiveCampaign goes by the e-mail address among its ids. */
const ADA = { key: "cus_1", ids: { stripe_id: "cus_1", clerk_id: "ada@example.com" } };

async function write(sink: OpenSink, { upsert }: Service, over: DeliveryOverrides) {
  return sink.send(await sink.prepare(delivery({ ...ADA, action: upsert, ...over })), sending());
}

/** What the service holds of the customer, under our names. */
function held({ records, names = {} }: Service): Record<string, unknown> {
  const ours = Object.fromEntries(Object.entries(names).map(([name, theirs]) => [theirs, name]));
  const [record = {}] = records.values();
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [ours[name] ?? name, value]));
}

describe.each(services)("%s", (_, make) => {
  it("keeps what a delivery does not name and blanks only what it clears", async () => {
    const { service, server, open } = await rig(make);
    const sink = await open();
    const as = service.held ?? ((value: unknown) => value);
    const first = { tier: "team", seats: 5, premium: true };
    expect(await write(sink, service, { set: first })).toMatchObject({ kind: "delivered" });
    expect(held(service)).toMatchObject({ tier: as("team"), seats: as(5), premium: as(true) });

    expect(await write(sink, service, { set: { tier: "pro" } })).toMatchObject({ kind: "delivered" });
    expect(held(service)).toMatchObject({ tier: as("pro"), seats: as(5), premium: as(true) });
    const sent = JSON.stringify(server.calls.at(-1)?.body);
    expect(sent).toContain("pro");
    for (const name of ["seats", "premium"]) expect(sent).not.toContain(`"${service.names?.[name] ?? name}"`);

    expect(await write(sink, service, { clear: ["seats"] })).toMatchObject({ kind: "delivered" });
    expect(held(service)).toMatchObject({ tier: as("pro"), premium: as(true) });
    expect(held(service)).not.toHaveProperty("seats");
    expect(service.records.size).toBe(1);
  });

  it("ends the same when a request comes twice", async () => {
    const { service, open } = await rig(make);
    const sink = await open();
    const request = await sink.prepare(
      delivery({ ...ADA, action: service.upsert, set: { tier: "team" }, clear: ["seats"] }),
    );
    await sink.send(request, sending());
    const once = held(service);
    expect(await sink.send(request, sending({ attempt: 2 }))).toMatchObject({ kind: "delivered" });
    expect(held(service)).toEqual(once);
    expect(service.records.size).toBe(1);
  });

  it("is tested against a mock that refuses what the service refuses", async () => {
    const { service, server } = await rig(make);
    expect(service.refuses.length).toBeGreaterThan(0);
    for (const { method, path, body } of service.refuses) {
      const headers = { "content-type": "application/json", ...service.headers };
      const { status } = await fetch(`${server.url}${path}`, { method, headers, body: JSON.stringify(body) });
      expect([400, 415, 422], `${method} ${path} ${JSON.stringify(body)}`).toContain(status);
    }
    expect(service.records.size).toBe(0);
  });

  it("waits as long as the service asks, and the whole connection with it", async () => {
    const { service, server, open } = await rig(make);
    const sink = await open();
    await write(sink, service, { set: { tier: "team" } });
    server.next(service.throttled.reply);
    expect(await write(sink, service, { set: { tier: "pro" } })).toMatchObject({
      kind: "retry",
      throttled: true,
      afterMs: service.throttled.afterMs,
    });
  });

  it("pauses on a refused credential, and loses nothing", async () => {
    const { service, server, open } = await rig(make);
    const sink = await open(service.settings(server.url, true));
    if (service.sink === "salesforce" || service.sink === "zoho") {
      const refused = {
        status: 400,
        body: { error: "invalid_client_id", error_description: "client identifier invalid" },
      };
      server.next(refused);
    }
    const outcome = await write(sink, service, { set: { tier: "team" } });
    expect(outcome).toMatchObject({ kind: "pause" });
    expect(outcome).not.toHaveProperty("dead");
    expect(JSON.stringify(outcome)).not.toMatch(/nobody/);
    expect(service.records.size).toBe(0);
  });

  it("gives a lasting fault up with its code, and shows nothing of what was sent", async () => {
    const { service, server, open } = await rig(make);
    const sink = await open();
    await write(sink, service, { set: { tier: "team" } });
    server.next(service.permanent.reply);
    const outcome = await write(sink, service, { set: { tier: "pro", email: "ada@example.com" } });
    expect(outcome).toMatchObject({ kind: "rejected", detail: service.permanent.shown });
    expect(JSON.stringify(outcome)).not.toContain("ada@");
  });

  it("tries again when the service is down, and knows nothing after no answer", async () => {
    const { service, server, open } = await rig(make);
    const sink = await open();
    server.next({ status: 503 });
    expect(await write(sink, service, { set: { tier: "team" } })).toMatchObject({ kind: "retry" });
    await server.close();
    expect(["retry", "unknown"]).toContain((await write(sink, service, { set: { tier: "team" } })).kind);
  });
});

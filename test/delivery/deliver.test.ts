import { describe, expect, it } from "vitest";
import type { AttributeModel, EntityModel } from "../../engine/core/entity.ts";
import { compileConnection } from "../../engine/delivery/connection.ts";
import type { DeliverEntry } from "../../engine/delivery/deliver.schema.ts";
import { compileDeliver, duplicateEntries } from "../../engine/delivery/deliver.ts";
import type { CompileExpression, ConnectionModel } from "../../engine/delivery/model.ts";
import { readPresetFiles, shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import { compileExpression } from "../../engine/mapping/expression.ts";
import type { Settings, SinkDescriptor } from "../../engine/plugin/index.ts";
import { createRegistry } from "../../engine/plugin/registry.ts";
import fileSink from "../../plugins/sinks/file.ts";
import httpSink from "../../plugins/sinks/http.ts";
import sqlSink from "../../plugins/sinks/sql.ts";

const position = { file: "pipelines/x.yaml", line: 1, column: 1 };
const registry = createRegistry([
  ...readPresetFiles(shippedPresetFiles()).found,
  ...[fileSink, httpSink, sqlSink].map((descriptor) => ({ descriptor, origin: "shipped" })),
]);

function connection(name: string, sink: string, raw: Settings = {}): ConnectionModel {
  const descriptor = registry.get(sink) as SinkDescriptor;
  const { model } = compileConnection({
    name,
    raw: { sink, ...raw },
    sink: descriptor,
    environment: "dev",
    position,
    context: () => expect.unreachable(),
  });
  return model;
}

const attribute = (name: string): AttributeModel => ({
  name,
  type: "string",
  owner: "ops",
  protected: false,
  sensitive: false,
  clearable: false,
  write: "latest",
  writers: [],
});
const entity = (name: string, attributes: readonly string[], states: readonly string[] = []): EntityModel => ({
  name,
  ids: ["id"],
  attributes: new Map(attributes.map((each) => [each, attribute(each)])),
  states,
  children: [],
});

const connections = new Map(
  [
    connection("crm", "customerio"),
    connection("slack", "slack", { at_most_once: true }),
    connection("zendesk", "zendesk"),
    connection("hubspot", "hubspot"),
    connection("salesforce", "salesforce"),
    connection("local", "sql", { url: "sqlite:./crm.db" }),
    connection("out", "file", { path: "out.ndjson" }),
    connection("hooks", "http", { url: "https://example.com", actions: { ping: { kind: "effect" }, sync: {} } }),
  ].map((model) => [model.name, model]),
);
const entities = new Map(
  [entity("customer", ["tier", "onboarding_branch"]), entity("invoice", ["status"], ["past_due", "paid"])].map(
    (model) => [model.name, model],
  ),
);
const compile: CompileExpression = (source) => {
  const compiled = compileExpression(source, { variables: ["customer"] });
  return compiled.ok ? { ok: true, expression: compiled.expression } : { ok: false, faults: compiled.faults };
};
const compileEntry = (entry: DeliverEntry) =>
  compileDeliver(entry, { connections, entities, touched: ["customer"], compile, position });
const codes = (entry: DeliverEntry) => compileEntry(entry).faults.map(({ code, path }) => `${code} ${path.join(".")}`);

describe("compileDeliver", () => {
  it.each<DeliverEntry>([
    { to: "local" },
    { to: "crm", entity: "customer", action: "identify", on_change: ["tier", "onboarding_branch"] },
    { to: "crm", entity: "customer", action: "track", event: "onboarding_started", once: true },
    {
      to: "crm",
      entity: "customer",
      action: "track",
      event: "trial_ending",
      once: ["id", "trial_end"],
      not_after: "trial_end",
    },
    { to: "crm", entity: "customer", action: "delete" },
    { to: "crm", entity: "customer", action: "suppress" },
    { to: "hubspot", entity: "customer", action: "gdpr_delete" },
    {
      to: "slack",
      action: "post",
      entity: "invoice",
      channel: "#billing",
      template: "dunning",
      once: ["id", "attempt_count"],
    },
    {
      to: "zendesk",
      action: "ticket",
      entity: "invoice",
      template: "dunning",
      when: "attempt_count >= 3",
      once: ["id"],
    },
    { to: "slack", action: "post", channel: { from: "metadata.channel" }, when: "$customer.tier" },
    { to: "out", action: "anything", event: "x", channel: "#a", template: "t" },
    { to: "hooks", action: "ping", extra: 1 },
    {
      to: "slack",
      action: "post",
      entity: "invoice",
      channel: "#x",
      on_enter: ["paid"],
      from: ["past_due", "unknown"],
    },
  ])("takes %j", (entry) => expect(compileEntry(entry).faults).toEqual([]));

  it("compiles what the flow works on", () => {
    const { model } = compileEntry({
      to: "crm",
      entity: "customer",
      action: "track",
      event: "trial_ending",
      once: ["id"],
      data: { from: "metadata" },
    });
    expect(model).toMatchObject({
      id: "crm/track/customer/trial_ending",
      connection: "crm",
      kind: "effect",
      once: [{ source: "id" }],
      params: { data: { source: "metadata" } },
    });
    expect(compileEntry({ to: "local" }).model).toMatchObject({
      id: "local/upsert/*",
      kind: "upsert",
      action: "upsert",
    });
    expect(compileEntry({ to: "crm", action: "track", event: "x", once: true }).model?.once).toEqual([]);
    expect(compileEntry({ to: "hooks" }).model).toMatchObject({ action: "ping", kind: "effect" });
  });

  it.each<[DeliverEntry, readonly string[]]>([
    [{ to: "crn" }, ["HK5201 to"]],
    [{ to: "crm", action: "identfy" }, ["HK5203 action"]],
    [{ to: "crm", entity: "custmer" }, ["HK5209 entity"]],
    [{ to: "crm", entity: "customer", on_change: ["tier", "teir"] }, ["HK5209 on_change.1"]],
    [{ to: "crm", entity: "customer", fields: ["status"] }, ["HK5209 fields.0"]],
    [{ to: "slack", action: "post", entity: "invoice", on_enter: "overdue", channel: "#x" }, ["HK5209 on_enter.0"]],
    [{ to: "slack", action: "post", entity: "invoice", channel: "#x", from: "paid" }, ["HK5212 from"]],
    [
      { to: "slack", action: "post", entity: "invoice", channel: "#x", on_enter: "paid", from: "open" },
      ["HK5209 from.0"],
    ],
    [{ to: "slack", action: "post", chanel: "#x" }, ["HK5204 chanel", "HK5205 "]],
    [{ to: "slack", action: "post", channel: 7 }, ["HK5205 channel"]],
    [{ to: "zendesk", action: "ticket", priority: "hgih" }, ["HK5205 priority"]],
    [{ to: "crm", action: "identify", once: true, event: "x" }, ["HK5210 event", "HK5210 once"]],
    [{ to: "crm", action: "identify", channel: "#x" }, ["HK5204 channel"]],
  ])("finds what is wrong with %j", (entry, expected) => expect(codes(entry)).toEqual(expected));

  it("names the nearest right name", () => {
    expect(compileEntry({ to: "crn" }).faults[0]?.hint).toBe("did you mean `crm`?");
    expect(compileEntry({ to: "crm", action: "identfy" }).faults[0]?.hint).toBe("did you mean `identify`?");
    expect(compileEntry({ to: "slack", action: "post", channel: "#x", tmplate: "t" }).faults[0]?.hint).toBe(
      "did you mean `template`?",
    );
  });

  it("says where inside an expression the fault lies", () => {
    const { faults } = compileEntry({ to: "crm", action: "track", when: "amount >" });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ path: ["when"], expression: { offset: expect.any(Number) } });
  });

  it("tells entries apart that would share an idempotency key", () => {
    const entries: DeliverEntry[] = [
      { to: "slack", action: "post", channel: "#a" },
      { to: "slack", action: "post", channel: "#b" },
      { to: "slack", action: "post", channel: "#c", name: "third" },
    ];
    const models = entries.flatMap((entry) => compileEntry(entry).model ?? []);
    expect(duplicateEntries(models).map(({ index, fault }) => [index, fault.code])).toEqual([[1, "HK5207"]]);
  });
});

describe("compileConnection", () => {
  const build = (raw: Settings, sink = "customerio", environment = "production") =>
    compileConnection({
      name: "crm",
      raw: { sink, ...raw },
      sink: registry.get(sink) as SinkDescriptor,
      environment,
      position,
      context: () => expect.unreachable(),
    });

  it("fills in limits: declared, else the sink's own, else the common ones", () => {
    expect(build({}).model).toMatchObject({
      rates: [{ count: 100, perMs: 1_000 }],
      concurrency: 8,
      timeoutMs: 30_000,
      atMostOnce: false,
      allowPrivate: false,
    });
    expect(
      build({ rate: "5/10s", concurrency: 2, timeout: "10s", at_most_once: true, allow_private: true }).model,
    ).toMatchObject({
      rates: [{ count: 5, perMs: 10_000 }],
      concurrency: 2,
      timeoutMs: 10_000,
      atMostOnce: true,
      allowPrivate: true,
    });
  });

  it("keeps the sink's settings apart from the common ones", () => {
    expect(build({ region: "eu", rate: "1/s", retry: { base: "1s" } }).model.settings).toEqual({ region: "eu" });
  });

  it("reads retry plans and breakers", () => {
    const { model, faults } = build({
      retry: { base: "2s", cap: "1m", horizon: "1h", schedule: ["1s", "5s"] },
      breaker: { failures: 2, open_for: "10s" },
    });
    expect(faults).toEqual([]);
    expect(model.retry).toEqual({ baseMs: 2_000, capMs: 60_000, horizonMs: 3_600_000, scheduleMs: [1_000, 5_000] });
    expect(model.breaker).toEqual({ failures: 2, openMs: 10_000, maxOpenMs: 300_000 });
    expect(build({ breaker: { enabled: false } }).model.breaker.failures).toBe(0);
  });

  it("lets an environment differ", () => {
    const raw = { region: "us", environments: { staging: { region: "eu", base_url: "http://127.0.0.1:9" } } };
    expect(build(raw).model.settings).toEqual({ region: "us" });
    expect(build(raw, "customerio", "staging").model.settings).toEqual({
      region: "eu",
      base_url: "http://127.0.0.1:9",
    });
  });

  it("finds quantities that are none", () => {
    const { faults } = build({ rate: "fast", timeout: "30", retry: { schedule: ["1s", "soon"] } });
    expect(faults.map(({ code, path, expected }) => [code, path.join("."), expected?.slice(0, 10)])).toEqual([
      ["HK5206", "rate", "a rate suc"],
      ["HK5206", "retry.schedule.1", "a duration"],
      ["HK5206", "timeout", "a duration"],
    ]);
  });

  it("warns of retries that outlast what the sink remembers", () => {
    expect(build({ retry: { horizon: "3h" } }, "zendesk").faults.map(({ code }) => code)).toContain("HK5211");
    expect(build({ retry: { horizon: "1h" }, subdomain: "acme" }, "zendesk").faults).toEqual([]);
  });
});

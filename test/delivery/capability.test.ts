import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { AttributeModel, EntityModel } from "../../engine/core/entity.ts";
import { compileConnection } from "../../engine/delivery/connection.ts";
import type { DeliverEntry } from "../../engine/delivery/deliver.schema.ts";
import { compileDeliver } from "../../engine/delivery/deliver.ts";
import { parsePreset } from "../../engine/delivery/preset.ts";
import { shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { Settings } from "../../engine/plugin/index.ts";

function readPreset(text: string) {
  const parsed = parsePreset(parse(text));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed;
}

const position = { file: "config.yaml", line: 1, column: 1 };
const notes = {
  sink: "notes",
  summary: "Notes.",
  host: "https://notes.example.com",
  clear: "none",
  names: "^[a-z_]+$",
  types: { structured: "none" },
  default_action: "write",
  actions: {
    write: { kind: "upsert", path: "/pages/{entity.key}", body: "fields", attributes_at: "", replay: "safe" },
    print: { path: "/print", replay: "unsafe" },
    log: { path: "/log", replay: "dedup_key" },
  },
};

function attribute(name: string, more: Partial<AttributeModel> = {}): AttributeModel {
  const base = { owner: "ops", protected: false, sensitive: false, clearable: false } as const;
  return { name, type: "string", ...base, write: "latest", writers: [], ...more };
}
const entity = (name: string, ...attributes: readonly AttributeModel[]): EntityModel => ({
  name,
  ids: ["id"],
  attributes: new Map(attributes.map((one) => [one.name, one])),
  states: [],
  children: [],
});
const entities = new Map(
  [
    entity("customer", attribute("tier"), attribute("note", { clearable: true }), attribute("tags", { type: "list" })),
    entity("order", attribute("total"), attribute("Weird-1")),
  ].map((one) => [one.name, one]),
);

function check(entry: Omit<DeliverEntry, "to">, settings: Settings = {}, change: object = {}): readonly string[] {
  const parsed = parsePreset({ ...notes, ...change });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const { model, faults } = compileConnection({
    name: "book",
    raw: { sink: "notes", ...settings },
    sink: parsed.sink,
    environment: "dev",
    position,
    context: () => expect.unreachable(),
  });
  const compiled = compileDeliver({ to: "book", ...entry } as DeliverEntry, {
    connections: new Map([["book", model]]),
    entities,
    touched: ["order"],
    compile: () => expect.unreachable(),
    position,
  });
  return [...faults, ...compiled.faults].map(({ code, severity, path }) => `${severity} ${code} ${path.join(".")}`);
}

describe("what a sink can not say", () => {
  it("a clearable attribute where nothing can be blanked, unless the entry leaves it out", () => {
    expect(check({ entity: "customer", fields: ["tier", "note"] })).toEqual(["error HK1200 fields.1"]);
    expect(check({ entity: "customer", on_change: ["note"] })).toEqual(["error HK1200 on_change.0"]);
    expect(check({ entity: "customer", fields: ["tier"] })).toEqual([]);
    expect(check({ entity: "customer", fields: ["note"] }, {}, { clear: "empty" })).toEqual([]);
  });

  it("lists and objects, where it has no place for them", () => {
    expect(check({ entity: "customer", fields: ["tags"] })).toEqual(["error HK1201 fields.0"]);
    expect(check({ entity: "customer", fields: ["tags"] }, {}, { types: { structured: "text" } })).toEqual([]);
  });

  it("names it does not take, and two attributes under one", () => {
    const order = { entity: "order" };
    expect(check(order)).toEqual(["error HK1202 to"]);
    expect(check(order, { attribute_names: { "Weird-1": "weird" } })).toEqual([]);
    expect(check(order, { attribute_names: { "Weird-1": "total" } })).toEqual(["error HK1203 to"]);
  });

  it("names that depend on what the entity is there", () => {
    const order = { entity: "order" };
    const names = { by: "kinds", patterns: { rows: "^[a-z_]+$", pages: "^[A-Z]" } };
    const kinds = { type: "map", description: "Entity -> kind.", default: { order: "rows" } };
    const change = { names, settings: { kinds } };
    expect(check(order, {}, change)).toEqual(["error HK1202 to"]);
    expect(check(order, { attribute_names: { "Weird-1": "weird" } }, change)).toEqual([]);
    expect(check({ entity: "order", fields: ["total"] }, { kinds: { order: "pages" } }, change)).toEqual([
      "error HK1202 fields.0",
    ]);
    // A kind without a pattern takes any name.
    expect(check(order, { kinds: { order: "others" } }, change)).toEqual([]);
    expect(() => check(order, {}, { ...change, names: { ...names, by: "nobody" } })).toThrow("nobody");
    expect(() => check(order, {}, { ...change, names: { ...names, patterns: { rows: "(" } } })).toThrow("no regular");
  });

  it("what Pipedrive has for persons only is refused of organizations", () => {
    const file = shippedPresetFiles().find(({ path }) => path.endsWith("/pipedrive.yaml"));
    const { preset } = readPreset(file?.text ?? "");
    expect(preset.names).toMatchObject({ by: "objects" });
    const patterns = (preset.names as { patterns: Record<string, string> }).patterns;
    const takes = (kind: string, name: string) => new RegExp(patterns[kind] ?? "").test(name);
    for (const name of ["email", "phone", "org_id"])
      expect([takes("persons", name), takes("organizations", name)], name).toEqual([true, false]);
    for (const name of ["name", "owner_id", "visible_to", "a".repeat(40)])
      expect([takes("persons", name), takes("organizations", name)], name).toEqual([true, true]);
  });

  it("of the entities that the pipeline writes, when the entry names none", () => {
    expect(check({})).toEqual(["error HK1202 to"]);
  });
});

describe("repeats", () => {
  it("of what acts twice want a decision, either way", () => {
    expect(check({ action: "print" })).toEqual(["warning HK1205 to"]);
    expect(check({ action: "print" }, { at_most_once: true })).toEqual([]);
    expect(check({ action: "print" }, { at_most_once: false })).toEqual([]);
    expect(check({ action: "log" })).toEqual([]);
  });

  it("that do no harm need no at_most_once", () => {
    const only = { actions: { write: notes.actions.write } };
    expect(check({ entity: "customer", fields: ["tier"] }, { at_most_once: true }, only)).toEqual([
      "warning HK1204 at_most_once",
    ]);
    expect(check({ entity: "customer", fields: ["tier"] }, { at_most_once: false }, only)).toEqual([]);
  });

  it("that go on for longer than the sink remembers are said", () => {
    const window = { guarantee: "once_within_window", idempotency_window: "1h" };
    expect(check({ action: "log" }, { retry: { horizon: "2h" } }, window)).toEqual(["warning HK5211 retry.horizon"]);
    expect(check({ action: "log" }, { retry: { horizon: "50m" } }, window)).toEqual([]);
  });
});

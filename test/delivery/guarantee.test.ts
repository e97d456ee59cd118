import { describe, expect, it } from "vitest";
import { compileConnection } from "../../engine/delivery/connection.ts";
import {
  guaranteeName,
  guaranteeNames,
  guaranteeOf,
  guaranteeText,
  sinkGuarantee,
} from "../../engine/delivery/guarantee.ts";
import type { ConnectionModel } from "../../engine/delivery/model.ts";
import { parsePreset } from "../../engine/delivery/preset.ts";
import { readPresetFiles, shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { Settings } from "../../engine/plugin/index.ts";
import { createRegistry } from "../../engine/plugin/registry.ts";
import fileSink from "../../plugins/sinks/file.ts";
import http from "../../plugins/sinks/http.ts";
import sql from "../../plugins/sinks/sql.ts";

const code = [http, sql, fileSink].map((descriptor) => ({ descriptor, origin: `${descriptor.name}.ts` }));
const registry = createRegistry([...readPresetFiles(shippedPresetFiles()).found, ...code]);

function connection(sink: string, raw: Settings = {}): ConnectionModel {
  const descriptor = registry.get(sink) ?? expect.unreachable(sink);
  return compileConnection({
    name: "crm",
    raw: { sink, ...raw },
    sink: descriptor,
    environment: "production",
    position: { file: "config.yaml", line: 1, column: 1 },
    context: () => expect.unreachable(),
  }).model;
}

const url = "https://api.example.com/x";

describe("guaranteeOf", () => {
  it.each<[string, Settings, string, string]>([
    ["sql", {}, "upsert", "exactly-once effect: a repeat changes nothing, however late it comes"],
    ["sql", { at_most_once: true }, "upsert", "exactly-once effect: a repeat changes nothing, however late it comes"],
    ["zendesk", {}, "ticket", "once within 2h: the sink remembers the idempotency key that long, and automatic"],
    ["zendesk", { at_most_once: true }, "ticket", "at most once: an attempt without an answer is not repeated but"],
    ["customerio", {}, "identify", "at least once: a repeat ends the same"],
    ["customerio", {}, "track", "at least once: a repeat carries the same id, which the sink drops"],
    ["slack", {}, "post", "at least once: after an answer that never came it may happen twice"],
    ["http", { url }, "send", "at least once: after an answer that never came it may happen twice"],
    ["http", { url, idempotency_window: "24h" }, "send", "once within 1d: the sink remembers the idempotency key"],
    ["http", { url, replay: "safe", idempotency_window: "24h" }, "send", "at least once: a repeat ends the same"],
    ["http", { url, at_most_once: true }, "send", "at most once: "],
    ["file", {}, "track", "at least once: "],
  ])("%s %j, %s: %s", (sink, raw, action, text) => {
    expect(guaranteeText(guaranteeOf(connection(sink, raw), action))).toContain(text);
  });

  it("judges each action of a connection by itself", () => {
    const actions = {
      put: { method: "PUT", path: "/{entity.key}", replay: "safe" },
      note: { kind: "effect", path: "/notes" },
      old: { kind: "effect", path: "/old", replay: "unsafe" },
    };
    const model = connection("http", { url, actions, idempotency_window: "2h" });
    const names = ["put", "note", "old"].map((action) => guaranteeName(guaranteeOf(model, action)));
    expect(names).toEqual(["at least once", "once within 2h", "at least once"]);
    expect(guaranteeNames(model)).toBe("at least once, once within 2h");
  });

  it("says for the reference what a shipped sink's action promises", () => {
    const zendesk = registry.get("zendesk") ?? expect.unreachable();
    expect(guaranteeName(sinkGuarantee(zendesk, "ticket"))).toBe("once within 2h");
  });
});

describe("limits of a preset", () => {
  const limits = (more: object) => {
    const parsed = parsePreset({
      sink: "acme",
      summary: "A CRM.",
      host: "https://api.example.com",
      default_action: "put",
      actions: { put: { path: "/x" } },
      ...more,
    });
    return parsed.ok ? parsed.sink.defaults : parsed.faults;
  };

  it("all hold; a request that costs more counts for more", () => {
    const declared = [
      { rate: "10/s", scope: "key" },
      { rate: "100/m", cost: 5 },
      { rate: "1/s", cost: 2 },
    ];
    expect(limits({ limits: declared })).toEqual({
      rates: [
        { count: 10, perMs: 1_000 },
        { count: 20, perMs: 60_000 },
        { count: 1, perMs: 2_000 },
      ],
    });
  });

  it("of concurrency bound the requests at one time", () => {
    const declared = [{ rate: "3/s", scope: "concurrency" }];
    expect(limits({ limits: declared, concurrency: 8 })).toEqual({ concurrency: 3 });
  });

  it("count two requests where an attempt looks the record up first", () => {
    const steps = { lookup: { path: "/f", found: "id" }, create: { path: "/c" }, update: { path: "/u/{found}" } };
    expect(limits({ limits: [{ rate: "10/s" }], actions: { put: { steps } } })).toEqual({
      rates: [{ count: 5, perMs: 1_000 }],
    });
  });
});

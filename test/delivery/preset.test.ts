import { describe, expect, it } from "vitest";
import { parsePreset } from "../../engine/delivery/preset.ts";
import { readPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import { answer } from "../support/fault-server.ts";
import { useHttpBench } from "../support/http-bench.ts";
import { type DeliveryOverrides, delivery, secret, sending } from "../support/sink-context.ts";

/** A sink without an upsert: find, then create or update. */
const finder = {
  sink: "finder",
  summary: "A CRM that has to be searched first.",
  settings: {
    token: { description: "Token.", required: true, secret: true },
    region: { description: "Region.", enum: ["us", "eu"], default: "us" },
    seats_field: { description: "Seats.", type: "integer", default: 3 },
  },
  hosts: { by: "region", urls: { us: "https://us.example.test", eu: "https://eu.example.test" } },
  auth: { kind: "header", header: "x-api-token", value: "token" },
  clear: "list",
  default_action: "upsert",
  actions: {
    upsert: {
      kind: "upsert",
      summary: "Writes a person.",
      identity: ["entity.key"],
      steps: {
        lookup: { method: "GET", path: "/persons/search", query: { term: "{entity.key}" }, found: "items.0.id" },
        create: { method: "POST", path: "/persons", body: { ref: "entity.key", "...": "fields" } },
        update: { method: "PATCH", path: "/persons/{found}", body: { $set: "fields", $unset: "clear" } },
      },
    },
  },
};

const bench = useHttpBench();

async function open(preset: unknown, settings: Settings = {}): Promise<OpenSink> {
  const parsed = parsePreset(preset);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return bench.open(parsed.sink, { token: secret("t"), base_url: bench.server.url, ...settings });
}

async function send(sink: OpenSink, over: DeliveryOverrides) {
  return sink.send(await sink.prepare(delivery(over)), sending());
}

describe("steps", () => {
  it("update what the look-up found, with a list of what is to be blanked", async () => {
    const sink = await open(finder);
    bench.server.next(answer(200, { items: [{ id: "a/7" }] }), answer(200));
    expect(await send(sink, { set: { tier: "pro" }, clear: ["seats"] })).toMatchObject({ kind: "delivered" });
    expect(bench.server.requests.map(({ method, url, body }) => [method, url, body])).toEqual([
      ["GET", "/persons/search?term=cus_1", ""],
      ["PATCH", "/persons/a%2F7", '{"$set":{"tier":"pro"},"$unset":["seats"]}'],
    ]);
  });

  it("create what was not found", async () => {
    const sink = await open(finder);
    bench.server.next(answer(200, { items: [] }), answer(201), answer(404), answer(201));
    expect(await send(sink, { set: { tier: "free" } })).toMatchObject({ kind: "delivered", status: 201 });
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "delivered", status: 201 });
    expect(bench.server.requests.at(-1)).toMatchObject({
      method: "POST",
      url: "/persons",
      body: '{"ref":"cus_1","tier":"pro"}',
    });
  });

  it("write nothing when the look-up fails, and only then is a lost answer safe to repeat", async () => {
    const sink = await open(finder);
    bench.server.next(answer(503), { kind: "reset" });
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "retry" });
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "retry" });
    bench.server.next(answer(200, { items: [{ id: 1 }] }), { kind: "reset" });
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "unknown" });
    expect(bench.server.requests.filter(({ method }) => method !== "GET")).toHaveLength(1);
  });

  it("make no twin of a record when the look-up's answer can not be read", async () => {
    const sink = await open(finder);
    bench.server.next(answer(200, "<html>"), { kind: "huge", bytes: 200_000 });
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "retry" });
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "retry" });
    expect(bench.server.requests.every(({ method }) => method === "GET")).toBe(true);
  });

  it("refuse to guess when several records match", async () => {
    const upsert = finder.actions.upsert;
    const lookup = { ...upsert.steps.lookup, found: "items.*.id" };
    const sink = await open({ ...finder, actions: { upsert: { ...upsert, steps: { ...upsert.steps, lookup } } } });
    bench.server.next(answer(200, { items: [{ id: 1 }, { id: 2 }] }), answer(200, { items: [{ id: 1 }, { id: 1 }] }));
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "rejected" });
    expect(bench.server.requests).toHaveLength(1);
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "delivered" });
    expect(bench.server.requests.at(-1)).toMatchObject({ method: "PATCH", url: "/persons/1" });
  });

  it("put the id into the body too, as it came, and never let it climb in the path", async () => {
    const { steps } = finder.actions.upsert;
    const update = {
      method: "PUT",
      path: "/persons",
      body: { id: "found", ref: '"person/" & found', "...": "fields" },
    };
    const inBody = { ...finder, actions: { upsert: { ...finder.actions.upsert, steps: { ...steps, update } } } };
    const sink = await open(inBody);
    bench.server.next(answer(200, { items: [{ id: 7 }] }), answer(200), answer(200, { items: [{ id: 'a"b' }] }));
    await send(sink, { set: { tier: "pro" } });
    expect(bench.body()).toEqual({ id: 7, ref: "person/7", tier: "pro" });
    await send(sink, { set: { tier: "pro" } });
    expect(bench.body()).toEqual({ id: 'a"b', ref: 'person/a"b', tier: "pro" });
    const climbing = await open(finder);
    bench.server.next(answer(200, { items: [{ id: ".." }] }));
    const before = bench.server.requests.length;
    expect(await send(climbing, { set: { tier: "pro" } })).toMatchObject({ kind: "rejected" });
    expect(bench.server.requests).toHaveLength(before + 1);
  });

  it("keep no credential in what is frozen", async () => {
    const request = await (await open(finder, { token: secret("s3cret") })).prepare(delivery({ set: { tier: "pro" } }));
    expect(JSON.stringify(request)).not.toContain("s3cret");
    expect(request.summary).toContain("GET /persons/search");
  });
});

describe("what is frozen", () => {
  it("holds across a change of host and credentials, which are of the moment", async () => {
    const first = await open(finder, { token: secret("old") });
    const request = await first.prepare(delivery({ set: { tier: "pro" } }));
    const second = await open(finder, { token: secret("new") });
    bench.server.next(answer(200, { items: [] }), answer(201));
    await second.send(request, sending({ attempt: 2 }));
    expect(bench.server.requests.at(-1)?.headers["x-api-token"]).toBe("new");
  });

  it("is refused, not sent, when another sink has frozen it", async () => {
    const sink = await open(finder);
    expect(await sink.send({ summary: "", data: { action: "upsert", rows: [] } }, sending())).toMatchObject({
      kind: "rejected",
    });
    expect(bench.server.requests).toHaveLength(0);
  });
});

describe("parsePreset", () => {
  const faults = (change: Record<string, unknown>) => {
    const parsed = parsePreset({ ...finder, ...change });
    return parsed.ok ? [] : parsed.faults.map(({ message }) => message);
  };

  it("makes a sink of it: settings with types, secrets and defaults", () => {
    const parsed = parsePreset(finder);
    expect(parsed).toMatchObject({
      ok: true,
      sink: { name: "finder", defaultAction: "upsert", marksAttempts: true, actions: { upsert: { kind: "upsert" } } },
    });
    if (parsed.ok)
      expect(parsed.sink.config).toMatchObject({
        additionalProperties: false,
        required: ["token"],
        properties: { token: { "x-secret": true }, region: { enum: ["us", "eu"], default: "us" } },
      });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ default_action: "nope" }, "no action `nope`"],
    [{ auth: { kind: "bearer", token: "tokn" } }, "`tokn`"],
    [{ hosts: { by: "zone", urls: {} } }, "`zone`"],
    [{ hosts: undefined }, "needs `host`"],
    [{ responses: [{ body: { matches: "(" }, as: "retry" }] }, "`(` is no regular expression"],
    [{ auth: { kind: "oauth2", grant: "jwt_bearer", token_url: "x" } }, "jwt_bearer needs `jwt`"],
    [{ auth: { kind: "oauth2", grant: "refresh_token", token_url: "x" } }, "needs `refresh_token`"],
    [{ auth: { kind: "oauth2", grant: "client_credentials", token_url: "x" } }, "needs `client_id`"],
    [{ actions: { upsert: { kind: "upsert" } } }, "needs `path`"],
    ...[
      [{ body_format: "form" }, "form has no list"],
      [{ body_format: "csv" }, 'path is ""'],
      [{ batch: { path: "", max_items: 9, group_by: "none" }, body_format: "csv" }, "the same columns"],
      [{ idempotency: { header: "k" } }, "one idempotency key"],
      [{ items: { path: "errors" } }, "needs `index` or `id`"],
    ].map(([part, reason]): [Record<string, unknown>, string] => [
      { actions: { upsert: { path: "/x", batch: { path: "in", max_items: 9 }, ...(part as object) } } },
      reason as string,
    ]),
  ])("refuses %j", (change, words) => expect(faults(change).join("; ")).toContain(words));

  it("refuses keys it does not know", () => {
    expect(faults({ hots: {} })).not.toEqual([]);
    expect(readPresetFiles([{ path: "x.yaml", text: "{ not: a preset" }]).faults[0]?.file).toBe("x.yaml");
  });
});

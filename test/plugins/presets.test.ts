import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parsePreset, presetExpressions } from "../../engine/delivery/preset.ts";
import { readPresetFiles, shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import { compileExpression } from "../../engine/mapping/expression.ts";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import { createRegistry } from "../../engine/plugin/registry.ts";
import { answer } from "../support/fault-server.ts";
import { useHttpBench } from "../support/http-bench.ts";
import { type DeliveryOverrides, delivery, secret, sending } from "../support/sink-context.ts";

const shipped = readPresetFiles(shippedPresetFiles());
const registry = createRegistry(shipped.found);

const bench = useHttpBench();

async function open(name: string, settings: Settings): Promise<OpenSink> {
  const sink = registry.get(name);
  if (sink === undefined) throw new Error(`no sink ${name}`);
  return bench.open(sink, { base_url: bench.server.url, ...settings });
}

async function send(sink: OpenSink, over: DeliveryOverrides) {
  const request = await sink.prepare(delivery(over));
  return sink.send(request, sending({ idempotencyKey: over.idempotencyKey ?? "key-1" }));
}

const lastBody = bench.body;

describe("the shipped presets", () => {
  it("follow the grammar, all of them", () => {
    expect(shipped.faults).toEqual([]);
    expect(registry.names()).toEqual(shippedPresetFiles().map(({ path }) => basename(path, ".yaml")));
  });

  it("hold only expressions that compile and read what they name", () => {
    for (const file of shippedPresetFiles()) {
      const parsed = parsePreset(parse(file.text));
      if (!parsed.ok) throw new Error(file.path);
      for (const { path, source } of presetExpressions(parsed.preset)) {
        expect(compileExpression(source, { missingPolicy: false }), `${file.path} ${path.join(".")}`).toMatchObject({
          ok: true,
        });
      }
    }
  });
});

describe("customerio", () => {
  const settings = { site_id: secret("site"), api_key: secret("key") };

  it("sends only what changed, spells a clear as null and stamps the event's time", async () => {
    const sink = await open("customerio", settings);
    expect(
      await send(sink, {
        action: "identify",
        set: { tier: "team", paid_until: "2027-01-01T00:00:00.000Z" },
        clear: ["seats"],
      }),
    ).toMatchObject({ kind: "delivered", status: 200 });
    expect(bench.server.requests[0]).toMatchObject({ method: "PUT", url: "/api/v1/customers/cus_1" });
    expect(bench.server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from("site:key").toString("base64")}`);
    expect(lastBody()).toEqual({ tier: "team", paid_until: 1_798_761_600, seats: null, _timestamp: 1_795_499_999 });
  });

  it("percent-encodes the id, so that it can not leave its place in the path", async () => {
    const sink = await open("customerio", settings);
    await send(sink, { action: "identify", key: "a/../b?c#d é%2e", set: { tier: "pro" } });
    expect(bench.server.requests[0]?.url).toBe("/api/v1/customers/a%2F..%2Fb%3Fc%23d%20%C3%A9%252e");
  });

  it.each(["..", ".", "", "   ", "\ud800"])("refuses the id %j before anything is sent", async (key) => {
    const sink = await open("customerio", settings);
    await expect(sink.prepare(delivery({ action: "identify", key, set: { tier: "pro" } }))).rejects.toMatchObject({
      code: "HK5002",
    });
  });

  it("names a track with a ULID that is the same for each attempt and another for another event", async () => {
    const sink = await open("customerio", settings);
    const track = { action: "track", kind: "effect", event: "onboarding_started", set: { tier: "team" } } as const;
    for (const idempotencyKey of ["a", "a", "b"]) await send(sink, { ...track, idempotencyKey });
    const ids = bench.server.requests.map(({ body }) => JSON.parse(body).id);
    expect(ids[0]).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(lastBody()).toMatchObject({ name: "onboarding_started", data: { tier: "team" } });
  });

  it("deletes and suppresses; a person who is gone already is no fault", async () => {
    const sink = await open("customerio", settings);
    bench.server.next(answer(404, { meta: { error: "not_found" } }));
    expect(await send(sink, { action: "delete", kind: "effect" })).toMatchObject({
      kind: "delivered",
      noEffect: "repeated",
    });
    expect(await send(sink, { action: "suppress", kind: "effect" })).toMatchObject({ kind: "delivered" });
    expect(bench.server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "DELETE /api/v1/customers/cus_1",
      "POST /api/v1/customers/cus_1/suppress",
    ]);
  });
});

describe("hubspot", () => {
  const settings = { token: secret("pat-1") };

  it("writes texts only and clears with an empty one", async () => {
    const sink = await open("hubspot", settings);
    bench.server.next(answer(200, { status: "COMPLETE", results: [{}] }));
    await send(sink, { set: { premium: true, seats: 5, tags: ["a"] }, clear: ["tier"] });
    expect(bench.server.requests[0]).toMatchObject({ method: "POST", url: "/crm/v3/objects/contacts/batch/upsert" });
    expect(lastBody()).toMatchObject({
      inputs: [
        {
          id: "cus_1",
          idProperty: "hookrail_id",
          properties: { premium: "true", seats: "5", tags: '["a"]', tier: "" },
        },
      ],
    });
  });

  it("reads the result of its one item out of a 207", async () => {
    const sink = await open("hubspot", settings);
    bench.server.next(
      answer(207, { results: [{}], errors: [] }),
      answer(207, { errors: [{ category: "VALIDATION_ERROR", message: "ada@example.com" }] }),
      answer(207, { errors: [{ category: "RATE_LIMITS" }] }),
    );
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "delivered" });
    expect(await send(sink, { set: { tier: "pro" } })).toEqual({
      kind: "rejected",
      status: 207,
      detail: "status 207: item VALIDATION_ERROR",
    });
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "retry" });
  });

  it("tells leads apart by e-mail", async () => {
    const sink = await open("hubspot", settings);
    await send(sink, {
      type: "lead",
      key: "ada@example.com",
      ids: {},
      set: { email: "ada@example.com", company: "Acme" },
    });
    expect(lastBody()).toMatchObject({ inputs: [{ id: "ada@example.com", idProperty: "email" }] });
  });

  it("shows no e-mail address in what explain prints", async () => {
    const sink = await open("customerio", { site_id: secret("s"), api_key: secret("k") });
    const lead = {
      action: "identify",
      type: "lead",
      key: "ada@example.com",
      ids: { email: "ada@example.com" },
      set: { company: "Acme" },
    } as const;
    expect((await sink.prepare(delivery(lead))).summary).toBe("PUT /api/v1/customers/…");
    expect((await sink.prepare(delivery({ action: "identify", set: { tier: "pro" } }))).summary).toBe(
      "PUT /api/v1/customers/cus_1",
    );
    const slack = await open("slack", { token: secret("t") });
    const post = await slack.prepare(
      delivery({ ...lead, action: "post", kind: "effect", params: { channel: "#leads", template: "new_lead" } }),
    );
    expect(String(post.data["body"])).toContain('"text":"new lead: lead …: company Acme"');
  });

  it("refuses an entity that has no object there", async () => {
    const sink = await open("hubspot", settings);
    await expect(sink.prepare(delivery({ type: "invoice", set: {} }))).rejects.toMatchObject({ code: "HK5002" });
  });
});

describe("salesforce", () => {
  const settings = () => ({ client_id: secret("id"), client_secret: secret("s3cret"), login_url: bench.server.url });
  const token = (value: string) => answer(200, { access_token: value, instance_url: bench.server.url });

  it("gets a token once, sends to the host it names, and uses it again", async () => {
    const sink = await open("salesforce", settings());
    bench.server.next(token("t1"), answer(204, ""), answer(204, ""));
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "delivered" });
    expect(await send(sink, { set: { tier: "team" } })).toMatchObject({ kind: "delivered" });
    expect(bench.server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /services/oauth2/token",
      "PATCH /services/data/v68.0/sobjects/Contact/Hookrail_Id__c/cus_1",
      "PATCH /services/data/v68.0/sobjects/Contact/Hookrail_Id__c/cus_1",
    ]);
    expect(bench.server.requests[0]?.body).toContain("grant_type=client_credentials");
    expect(bench.server.requests[2]?.headers.authorization).toBe("Bearer t1");
  });

  it("renews a refused token once within the attempt, then calls for a person", async () => {
    const sink = await open("salesforce", settings());
    const refused = answer(401, [{ errorCode: "INVALID_SESSION_ID" }]);
    bench.server.next(token("old"), refused, token("new"), answer(204, ""));
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "delivered" });
    expect(bench.server.requests.at(-1)?.headers.authorization).toBe("Bearer new");
    bench.server.next(refused, token("newer"), refused);
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "pause", status: 401 });
  });

  it("pauses when the credentials are refused and tries again when the token endpoint is down", async () => {
    const sink = await open("salesforce", settings());
    bench.server.next(answer(400, { error: "invalid_client" }), answer(503));
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "pause" });
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "retry" });
  });

  it.each([
    [403, "REQUEST_LIMIT_EXCEEDED", { kind: "retry", throttled: true }],
    [403, "INSUFFICIENT_ACCESS", { kind: "pause" }],
    [400, "UNABLE_TO_LOCK_ROW", { kind: "retry" }],
    [400, "INVALID_FIELD", { kind: "rejected" }],
    [503, "SERVER_UNAVAILABLE", { kind: "retry", throttled: true }],
    [300, "X", { kind: "rejected" }],
    [501, "X", { kind: "rejected" }],
  ])("judges %i %s by the code in the body", async (status, errorCode, outcome) => {
    const sink = await open("salesforce", settings());
    bench.server.next(token("t"), answer(status, [{ errorCode, message: "words" }]));
    expect(await send(sink, { set: { tier: "pro" } })).toMatchObject(outcome);
  });
});

describe("slack", () => {
  const settings = { token: secret("xoxb-1"), templates: { dunning: '"Payment of " & entity.key & " failed"' } };
  const post = { action: "post", kind: "effect", set: { tier: "team", email: "ada@example.com" } } as const;

  it("posts the connection's own text, or a plain line without sensitive values", async () => {
    const sink = await open("slack", settings);
    bench.server.next(answer(200, { ok: true }), answer(200, { ok: true }));
    await send(sink, { ...post, params: { channel: "#billing", template: "dunning" } });
    expect(lastBody()).toEqual({ channel: "#billing", text: "Payment of cus_1 failed", unfurl_links: false });
    await send(sink, { ...post, params: { channel: "#cs", template: "expansion" } });
    expect(lastBody()).toMatchObject({ text: "expansion: customer cus_1: tier team" });
  });

  it.each([
    [{ ok: true }, "delivered"],
    [{ ok: false, error: "ratelimited" }, "retry"],
    [{ ok: false, error: "channel_not_found" }, "rejected"],
    [{ ok: false, error: "invalid_auth" }, "pause"],
    [{ ok: false, error: "internal_error" }, "retry"],
    ["<html>", "unknown"],
  ])("reads %j as %s, though all are 200", async (body, kind) => {
    const sink = await open("slack", settings);
    bench.server.next(answer(200, body));
    expect(await send(sink, { ...post, params: { channel: "#cs" } })).toMatchObject({ kind });
  });
});

describe("zendesk", () => {
  it("sends the idempotency key, hashed when it is too long", async () => {
    const sink = await open("zendesk", { token: secret("t"), subdomain: "acme" });
    const ticket = { action: "ticket", kind: "effect", params: { template: "dunning" } } as const;
    bench.server.next(answer(201), answer(201));
    await send(sink, { ...ticket, idempotencyKey: "k" });
    await send(sink, { ...ticket, idempotencyKey: "k".repeat(300) });
    expect(bench.server.requests.map(({ headers }) => headers["idempotency-key"])).toEqual([
      "k",
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
    expect(lastBody()).toMatchObject({ ticket: { subject: "dunning: customer cus_1", external_id: "cus_1" } });
  });

  it("warns of a missing subdomain and pauses instead of sending to a host of nobody", async () => {
    const settings: Settings = { token: secret("t") };
    expect(registry.get("zendesk")?.check?.(settings)).toMatchObject([{ severity: "warning" }]);
    const descriptor = registry.get("zendesk");
    if (descriptor === undefined) throw new Error("no sink");
    const sink = await bench.open(descriptor, settings);
    expect(await send(sink, { action: "ticket", kind: "effect" })).toMatchObject({ kind: "pause" });
  });
});

import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import httpSink from "../../plugins/sinks/http.ts";
import { answer } from "../support/fault-server.ts";
import { useHttpBench } from "../support/http-bench.ts";
import { type DeliveryOverrides, delivery, sending } from "../support/sink-context.ts";

const bench = useHttpBench();

const open = (settings: Settings): Promise<OpenSink> =>
  bench.open(httpSink, { url: `${bench.server.url}/hooks`, ...settings });

async function send(sink: OpenSink, over: DeliveryOverrides = {}) {
  const request = await sink.prepare(delivery({ action: "send", ...over }));
  return sink.send(request, sending({ idempotencyKey: over.idempotencyKey ?? "key-1" }));
}

const { body } = bench;

describe("the http sink", () => {
  it("posts what changed, with a stable idempotency key", async () => {
    const sink = await open({});
    expect(await send(sink, { set: { tier: "team" }, clear: ["seats"] })).toEqual({ kind: "delivered", status: 200 });
    expect(bench.server.requests[0]).toMatchObject({ method: "POST", url: "/hooks" });
    expect(bench.server.requests[0]?.headers).toMatchObject({
      "idempotency-key": "key-1",
      "content-type": "application/json",
    });
    expect(body()).toMatchObject({
      id: "key-1",
      event: "invoice.paid",
      entity: { type: "customer", key: "cus_1" },
      attributes: { tier: "team", seats: null },
      clear: ["seats"],
    });
  });

  it("fills the URL, headers and query from the delivery, encoded", async () => {
    const sink = await open({
      url: `${bench.server.url}/c/{entity.key}`,
      method: "PUT",
      headers: { "x-event": "{event.name}" },
      query: { t: "{attributes.tier}", none: "{attributes.seats}" },
      body: { tier: "attributes.tier" },
    });
    await send(sink, { key: "a b/c", set: { tier: "team" } });
    expect(bench.server.requests[0]).toMatchObject({
      method: "PUT",
      url: "/c/a%20b%2Fc?t=team",
      headers: { "x-event": "invoice.paid" },
    });
    expect(body()).toEqual({ tier: "team" });
  });

  it("leaves out what reads a missing attribute, even where JSONata would make a value of nothing", async () => {
    const sink = await open({
      body: {
        premium: 'attributes.tier = "team"',
        label: 'attributes.tier & ""',
        seats: "attributes.seats",
        fixed: { value: "x" },
        count: "$count(entity.ids)",
      },
    });
    await send(sink, { set: { seats: 0 } });
    expect(body()).toEqual({ seats: 0, fixed: "x", count: 1 });
  });

  it("sends nothing when the template blanks an attribute after all", async () => {
    const sink = await open({ body: { tier: "params.nothing & ''" } });
    await expect(sink.prepare(delivery({ action: "send", set: { seats: 1 } }))).rejects.toMatchObject({
      code: "HK5001",
    });
    const whole = await open({ body: '{ "seats": $string(null) }' });
    await expect(whole.prepare(delivery({ action: "send", set: { tier: "pro" } }))).rejects.toMatchObject({
      code: "HK5001",
    });
  });

  it("refuses a header that would break the line, before anything is sent", async () => {
    const sink = await open({ headers: { "x-name": "{params.name}" } });
    await expect(sink.prepare(delivery({ action: "send", params: { name: "a\r\nx-evil: 1" } }))).rejects.toMatchObject({
      code: "HK5003",
    });
    await expect(sink.prepare(delivery({ action: "send", params: { name: "snow☃" } }))).rejects.toMatchObject({
      code: "HK5003",
    });
    expect(bench.server.requests).toHaveLength(0);
  });

  it("repeats the frozen request byte for byte", async () => {
    const sink = await open({});
    const request = await sink.prepare(delivery({ action: "send", set: { tier: "team" } }));
    const stored = JSON.parse(JSON.stringify(request));
    bench.server.next(answer(503, "", { "retry-after": "3" }), answer(200));
    expect(await sink.send(stored, sending())).toMatchObject({ kind: "retry", status: 503, afterMs: 3_000 });
    expect(await sink.send(stored, sending({ attempt: 2 }))).toMatchObject({ kind: "delivered" });
    expect(bench.server.requests[0]?.body).toBe(bench.server.requests[1]?.body);
    expect(JSON.stringify(stored)).not.toContain("secret");
  });

  it("knows several actions, each with its own path, method and kind", async () => {
    const settings = {
      actions: {
        sync: { method: "PUT", path: "/people/{entity.key}", body: "fields" },
        ping: { kind: "effect", path: "/ping", method: "POST", body: { at: "event.occurred_at" } },
      },
    };
    const sink = await open(settings);
    await send(sink, { action: "sync", set: { tier: "pro" } });
    await send(sink, { action: "ping", kind: "effect" });
    expect(bench.server.requests.map(({ method, url, body: text }) => `${method} ${url} ${text}`)).toEqual([
      'PUT /hooks/people/cus_1 {"tier":"pro"}',
      'POST /hooks/ping {"at":"2026-11-24T05:59:59.000Z"}',
    ]);
    expect(httpSink.actionsOf?.({ url: "https://x.test", ...settings })).toMatchObject({
      sync: { kind: "upsert" },
      ping: { kind: "effect" },
    });
  });

  it("writes forms", async () => {
    const sink = await open({ body_format: "form", body: { a: { value: "x y" }, entity: "entity.ids" } });
    await send(sink, {});
    expect(bench.server.requests[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(bench.server.requests[0]?.body).toBe("a=x+y&entity%5Bstripe_id%5D=cus_1");
  });

  it("lets rules of the connection decide what an answer means", async () => {
    const sink = await open({
      responses: [
        { status: 409, as: "repeated" },
        { status: 422, body: { path: "code", equals: "busy" }, as: "retry" },
      ],
    });
    bench.server.next(
      answer(409),
      answer(422, { code: "busy" }),
      answer(422, { code: "bad" }),
      answer(301, "", { location: "http://127.0.0.1/" }),
    );
    expect(await send(sink)).toMatchObject({ kind: "delivered", noEffect: "repeated" });
    expect(await send(sink)).toMatchObject({ kind: "retry" });
    expect(await send(sink)).toMatchObject({ kind: "rejected" });
    expect(await send(sink)).toMatchObject({ kind: "rejected", status: 301 });
  });

  it("calls it unknown when the connection breaks after the request, and a retry when it never opened", async () => {
    const sink = await open({});
    bench.server.next({ kind: "reset" });
    expect(await send(sink)).toMatchObject({ kind: "unknown" });
    const other = await open({ url: "http://127.0.0.1:1/x" });
    expect(await send(other)).toMatchObject({ kind: "retry" });
  });
});

describe("its settings", () => {
  it.each<[Settings, string]>([
    [{}, "missing"],
    [{ url: "ftp://x.test" }, "not an http"],
    [{ url: "https://{entity.key}.x.test/" }, "not an http"],
    [{ url: "https://x.test", secret_url: "y" }, "exclude"],
    [{ url: "https://x.test", actions: { a: {} }, default_action: "b" }, "no action"],
    [
      { url: "https://x.test", responses: [{ header: { name: "x", matches: "[" }, as: "retry" }] },
      "no regular expression",
    ],
  ])("finds what is wrong with %j", (settings, words) =>
    expect(httpSink.check?.(settings)).toMatchObject([{ message: expect.stringContaining(words) }]),
  );

  it("names the expressions that are the author's, with their places", () => {
    const found = httpSink.expressions?.({
      url: "https://x.test/{entity.key}",
      body: { a: "attributes.tier", b: { value: "c" } },
    });
    expect(found).toEqual([
      { path: ["url"], source: "entity.key" },
      { path: ["body", "a"], source: "attributes.tier" },
    ]);
    expect(
      httpSink.expressions?.({ url: "https://x.test", actions: { a: { path: "/{entity.key}", body: "fields" } } }),
    ).toEqual([
      { path: ["actions", "a", "path"], source: "entity.key" },
      { path: ["actions", "a", "body"], source: "fields" },
    ]);
  });

  it("are a closed mapping", () => {
    expect(
      Value.Check(httpSink.config, { url: "https://x.test", auth: { kind: "bearer", token: "t" }, body: { a: "b" } }),
    ).toBe(true);
    expect(Value.Check(httpSink.config, { url: "https://x.test", boddy: {} })).toBe(false);
    expect(
      Value.Check(httpSink.config, { url: "https://x.test", auth: { kind: "bearer", token: "t", extra: 1 } }),
    ).toBe(false);
  });
});

import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import httpSink from "../../plugins/sinks/http.ts";
import { answer } from "../support/fault-server.ts";
import { useHttpBench } from "../support/http-bench.ts";
import { type DeliveryOverrides, delivery, secret, sending } from "../support/sink-context.ts";

const bench = useHttpBench();

const open = (settings: Settings): Promise<OpenSink> =>
  bench.open(httpSink, { url: `${bench.server.url}/hooks`, ...settings });

async function send(sink: OpenSink, over: DeliveryOverrides = {}) {
  const request = await sink.prepare(delivery({ action: "send", ...over }));
  return sink.send(request, sending({ idempotencyKey: over.idempotencyKey ?? "key-1" }));
}

const { body } = bench;

describe("authentication", () => {
  const header = (name: string) => bench.server.requests.at(-1)?.headers[name];

  it("basic, bearer and a header of the sink's own", async () => {
    await send(await open({ auth: { kind: "basic", user: "me", password: secret("pä:ss") } }));
    expect(header("authorization")).toBe(`Basic ${Buffer.from("me:pä:ss").toString("base64")}`);
    await send(await open({ auth: { kind: "bearer", token: secret("t0k") } }));
    expect(header("authorization")).toBe("Bearer t0k");
    await send(await open({ auth: { kind: "header", header: "X-Api", prefix: "Key ", value: secret("k") } }));
    expect(header("x-api")).toBe("Key k");
  });

  it("a field of the body, which is not part of what is frozen", async () => {
    const sink = await open({
      auth: { kind: "body_field", field: "auth.key", value: secret("s3cret") },
      body: { a: "event.name" },
    });
    const request = await sink.prepare(delivery({ action: "send" }));
    expect(JSON.stringify(request)).not.toContain("s3cret");
    await sink.send(request, sending());
    expect(body()).toEqual({ a: "invoice.paid", auth: { key: "s3cret" } });
  });

  it("a field of a body that is no JSON: refused, and nothing is sent", async () => {
    const auth = { kind: "body_field", field: "key", value: secret("k") };
    const sink = await open({ auth, body_format: "text", body: '"plain text"' });
    expect(await send(sink)).toMatchObject({ kind: "rejected" });
    expect(bench.server.requests).toHaveLength(0);
  });

  it("signatures after Standard Webhooks that the reference library verifies, new for each attempt", async () => {
    const raw = `whsec_${Buffer.from("a secret of twenty-four b").toString("base64")}`;
    const sink = await open({ auth: { kind: "hmac", secret: secret(raw) } });
    bench.test.clock.set(Date.now());
    await send(sink, { set: { tier: "team" }, idempotencyKey: "msg_1" });
    const headers = Object.fromEntries(
      ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => [name, String(header(name))]),
    );
    expect(headers["webhook-id"]).toBe("msg_1");
    expect(new Webhook(raw).verify(bench.server.requests[0]?.body ?? "", headers)).toMatchObject({
      event: "invoice.paid",
    });
  });

  it("a plain HMAC of the body", async () => {
    const sink = await open({
      auth: {
        kind: "hmac",
        secret: secret("k"),
        scheme: "custom",
        header: "X-Sign",
        prefix: "sha256=",
        encoding: "hex",
      },
    });
    await send(sink);
    expect(header("x-sign")).toBe(
      `sha256=${createHmac("sha256", "k")
        .update(bench.server.requests[0]?.body ?? "")
        .digest("hex")}`,
    );
  });

  it("OAuth client credentials", async () => {
    const sink = await open({
      auth: {
        kind: "oauth2",
        token_url: `${bench.server.url}/token`,
        client_id: "id",
        client_secret: secret("s"),
        scope: "write",
      },
    });
    bench.server.next(answer(200, { access_token: "t1", expires_in: 60 }));
    await send(sink);
    await send(sink);
    expect(header("authorization")).toBe("Bearer t1");
    bench.test.clock.advance(31_000);
    bench.server.next(answer(200, { access_token: "t2", expires_in: 60 }));
    await send(sink);
    expect(header("authorization")).toBe("Bearer t2");
    expect(bench.server.requests.filter(({ url }) => url === "/token")).toHaveLength(2);
  });

  it("a secret URL, which appears nowhere but on the wire", async () => {
    const sink = await bench.open(httpSink, { secret_url: secret(`${bench.server.url}/T0/B0/XyZ`) });
    const request = await sink.prepare(delivery({ action: "send", set: { tier: "pro" } }));
    expect(JSON.stringify(request)).not.toContain("XyZ");
    await sink.send(request, sending());
    expect(bench.server.requests[0]?.url).toBe("/T0/B0/XyZ");
  });

  it("pauses on 401, 403 and 407, and kills the delivery too on 410", async () => {
    const sink = await open({});
    for (const status of [401, 403, 407]) {
      bench.server.next(answer(status));
      expect(await send(sink)).toMatchObject({ kind: "pause", status });
    }
    bench.server.next(answer(410));
    expect(await send(sink)).toMatchObject({ kind: "pause", status: 410, dead: true });
  });
});

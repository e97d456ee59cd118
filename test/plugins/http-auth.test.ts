import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import httpSink from "../../plugins/sinks/http.ts";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import {
  createTestContext,
  type DeliveryOverrides,
  delivery,
  secret,
  sending,
  type TestContext,
} from "../support/sink-context.ts";

let folder: string;
let test: TestContext;
let server: FaultServer;
const opened: OpenSink[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-http-"));
  test = createTestContext(folder);
  server = await startFaultServer();
});
afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close();
  await test.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

async function open(settings: Settings): Promise<OpenSink> {
  const sink = await httpSink.open({ url: `${server.url}/hooks`, ...settings }, test.context);
  opened.push(sink);
  return sink;
}

async function send(sink: OpenSink, over: DeliveryOverrides = {}) {
  const request = await sink.prepare(delivery({ action: "send", ...over }));
  return sink.send(request, sending({ idempotencyKey: over.idempotencyKey ?? "key-1" }));
}

const body = (): unknown => JSON.parse(server.requests.at(-1)?.body ?? "null");

describe("authentication", () => {
  const header = (name: string) => server.requests.at(-1)?.headers[name];

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
    expect(server.requests).toHaveLength(0);
  });

  it("signatures after Standard Webhooks that the reference library verifies, new for each attempt", async () => {
    const raw = `whsec_${Buffer.from("a secret of twenty-four b").toString("base64")}`;
    const sink = await open({ auth: { kind: "hmac", secret: secret(raw) } });
    test.clock.set(Date.now());
    await send(sink, { set: { tier: "team" }, idempotencyKey: "msg_1" });
    const headers = Object.fromEntries(
      ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => [name, String(header(name))]),
    );
    expect(headers["webhook-id"]).toBe("msg_1");
    expect(new Webhook(raw).verify(server.requests[0]?.body ?? "", headers)).toMatchObject({ event: "invoice.paid" });
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
        .update(server.requests[0]?.body ?? "")
        .digest("hex")}`,
    );
  });

  it("OAuth client credentials", async () => {
    const sink = await open({
      auth: {
        kind: "oauth2",
        token_url: `${server.url}/token`,
        client_id: "id",
        client_secret: secret("s"),
        scope: "write",
      },
    });
    server.next(answer(200, { access_token: "t1", expires_in: 60 }));
    await send(sink);
    await send(sink);
    expect(header("authorization")).toBe("Bearer t1");
    test.clock.advance(31_000);
    server.next(answer(200, { access_token: "t2", expires_in: 60 }));
    await send(sink);
    expect(header("authorization")).toBe("Bearer t2");
    expect(server.requests.filter(({ url }) => url === "/token")).toHaveLength(2);
  });

  it("a secret URL, which appears nowhere but on the wire", async () => {
    const sink = await httpSink.open({ secret_url: secret(`${server.url}/T0/B0/XyZ`) }, test.context);
    opened.push(sink);
    const request = await sink.prepare(delivery({ action: "send", set: { tier: "pro" } }));
    expect(JSON.stringify(request)).not.toContain("XyZ");
    await sink.send(request, sending());
    expect(server.requests[0]?.url).toBe("/T0/B0/XyZ");
  });

  it("pauses on 401, 403 and 407, and kills the delivery too on 410", async () => {
    const sink = await open({});
    for (const status of [401, 403, 407]) {
      server.next(answer(status));
      expect(await send(sink)).toMatchObject({ kind: "pause", status });
    }
    server.next(answer(410));
    expect(await send(sink)).toMatchObject({ kind: "pause", status: 410, dead: true });
  });
});

import { generateKeyPairSync, verify } from "node:crypto";
import { jwtVerify } from "jose";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { signAws } from "../../engine/delivery/sign.ts";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import httpSink from "../../plugins/sinks/http.ts";
import { answer } from "../support/fault-server.ts";
import { useHttpBench } from "../support/http-bench.ts";
import { delivery, NOW, secret, sending } from "../support/sink-context.ts";

const bench = useHttpBench();

const open = (auth: Settings): Promise<OpenSink> =>
  bench.open(httpSink, { url: `${bench.server.url}/hooks?a=1`, auth });
async function send(sink: OpenSink) {
  return sink.send(await sink.prepare(delivery({ action: "send", set: { tier: "pro" } })), sending());
}
const last = () => bench.server.requests.at(-1);
const standardHeaders = () =>
  Object.fromEntries(
    ["webhook-id", "webhook-timestamp", "webhook-signature"].map((n) => [n, String(last()?.headers[n])]),
  );
const whsec = (text: string) => `whsec_${Buffer.from(text).toString("base64")}`;

describe("Standard Webhooks", () => {
  it("signs with both secrets while one is changed: receivers of either take it", async () => {
    const [fresh, old] = [whsec("a new secret of 24 bytes"), whsec("an old secret of 24 byte")];
    const sink = await open({ kind: "hmac", secret: secret(fresh), previous_secret: secret(old) });
    bench.test.clock.set(Date.now());
    await send(sink);
    for (const known of [fresh, old])
      expect(() => new Webhook(known).verify(last()?.body ?? "", standardHeaders())).not.toThrow();
    expect(() =>
      new Webhook(whsec("another secret of 24 byt")).verify(last()?.body ?? "", standardHeaders()),
    ).toThrow();
  });

  it("signs with a key of ours (v1a), which the public key verifies", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
    await send(await open({ kind: "hmac", secret: secret(`whsk_${seed.toString("base64")}`) }));
    const headers = standardHeaders();
    const content = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${last()?.body}`);
    const [version, signature = ""] = headers["webhook-signature"]?.split(",") ?? [];
    expect(version).toBe("v1a");
    expect(verify(null, content, publicKey, Buffer.from(signature, "base64"))).toBe(true);
    content[0] = 0;
    expect(verify(null, content, publicKey, Buffer.from(signature, "base64"))).toBe(false);
  });

  it.each(["whsec_", "whsk_c2hvcnQ="])("sends nothing with the secret %s, and calls for a person", async (bad) => {
    expect(await send(await open({ kind: "hmac", secret: secret(bad) }))).toMatchObject({ kind: "pause" });
    expect(bench.server.requests).toHaveLength(0);
  });
});

describe("AWS Signature Version 4", () => {
  const credentials = {
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    region: "us-east-1",
    service: "service",
  };
  const at = Date.UTC(2015, 7, 30, 12, 36, 0);
  const scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";

  // The cases get-vanilla and post-vanilla of AWS's signature test suite.
  it.each([
    ["GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
    ["POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
  ])("signs %s as AWS's own test suite has it", async (method, signature) => {
    const signed = await signAws({ method, url: "https://example.amazonaws.com/", headers: {} }, credentials, at);
    expect(signed.headers["authorization"]).toBe(
      `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    );
    expect(signed.headers["x-amz-date"]).toBe("20150830T123600Z");
  });

  it("signs each attempt anew, with the session token", async () => {
    const sink = await open({
      kind: "sigv4",
      region: "eu-west-1",
      service: "execute-api",
      access_key: secret("AKID"),
      secret_key: secret("s3cret"),
      session_token: secret("session"),
    });
    await send(sink);
    const first = last()?.headers.authorization;
    bench.test.clock.advance(60_000);
    await send(sink);
    expect(first).toContain("/eu-west-1/execute-api/aws4_request");
    expect(last()?.headers["x-amz-security-token"]).toBe("session");
    expect(last()?.headers.authorization).not.toBe(first);
    expect(last()?.url).toBe("/hooks?a=1");
  });
});

describe("OAuth", () => {
  const tokenForm = (n = -1) =>
    new URLSearchParams(bench.server.requests.filter(({ url }) => url === "/token").at(n)?.body);
  const oauth = (more: Settings): Settings => ({ kind: "oauth2", token_url: `${bench.server.url}/token`, ...more });

  it("jwt_bearer: an assertion that the public key verifies, for three minutes", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = String(privateKey.export({ format: "pem", type: "pkcs8" })).replaceAll("\n", "\\n");
    const jwt = {
      private_key: secret(pem),
      issuer: "app",
      subject: "ada@example.com",
      audience: "https://login.example.com",
      key_id: "k1",
      scope_claim: true,
    };
    const sink = await open(oauth({ grant: "jwt_bearer", scope: "write", jwt }));
    bench.server.next(answer(200, { access_token: "t1" }));
    expect(await send(sink)).toMatchObject({ kind: "delivered" });
    expect(last()?.headers.authorization).toBe("Bearer t1");
    expect(tokenForm().get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const verified = await jwtVerify(tokenForm().get("assertion") ?? "", publicKey, {
      currentDate: new Date(NOW + 1_000),
      audience: "https://login.example.com",
      issuer: "app",
    });
    expect(verified.protectedHeader).toEqual({ alg: "RS256", typ: "JWT", kid: "k1" });
    expect(verified.payload).toMatchObject({ sub: "ada@example.com", scope: "write", exp: NOW / 1000 + 180 });
  });

  it("a key that can not be read pauses the connection, and is not quoted", async () => {
    const jwt = { private_key: secret("s3cret-key"), issuer: "app", audience: "x" };
    const outcome = await send(await open(oauth({ grant: "jwt_bearer", jwt })));
    expect(outcome).toMatchObject({ kind: "pause" });
    expect(JSON.stringify(outcome)).not.toContain("s3cret-key");
    expect(bench.server.requests).toHaveLength(0);
  });

  it("refresh_token: one that the answer changes is used from then on", async () => {
    const sink = await open(oauth({ grant: "refresh_token", client_id: "id", refresh_token: secret("r1") }));
    bench.server.next(
      answer(200, { access_token: "t1", expires_in: 60, refresh_token: "r2" }),
      answer(200),
      answer(200, { access_token: "t2", expires_in: 60 }),
      answer(200),
      answer(200, { access_token: "t3" }),
    );
    for (let n = 0; n < 3; n++) {
      await send(sink);
      bench.test.clock.advance(31_000);
    }
    expect([0, 1, 2].map((n) => tokenForm(n).get("refresh_token"))).toEqual(["r1", "r2", "r2"]);
    expect(last()?.headers.authorization).toBe("Bearer t3");
  });

  it("client_credentials: id and secret in the header, more fields in the form", async () => {
    const sink = await open(
      oauth({ client_id: "i d", client_secret: secret("s:"), client_auth: "basic", params: { audience: "api" } }),
    );
    bench.server.next(answer(200, { access_token: "t1" }));
    await send(sink);
    expect(bench.server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from("i+d:s%3A").toString("base64")}`);
    expect(Object.fromEntries(tokenForm())).toEqual({ grant_type: "client_credentials", audience: "api" });
  });

  it.each<[Settings, string]>([
    [{ grant: "jwt_bearer" }, "jwt_bearer needs `jwt`"],
    [{ grant: "refresh_token", client_id: "x" }, "needs `refresh_token`"],
    [{ client_secret: "x" }, "needs `client_id`"],
  ])("%j is refused before it is used", (auth, message) => {
    const faults = httpSink.check?.({ url: "https://x.example.com", auth: oauth(auth) }) ?? [];
    expect(faults).toMatchObject([{ severity: "error", path: ["auth"] }]);
    expect(faults[0]?.message).toContain(message);
  });
});

describe("a credential in the query", () => {
  it("is added at the attempt and is not part of what is frozen", async () => {
    const sink = await open({ kind: "query", parameter: "api_key", value: secret("k&=y") });
    const request = await sink.prepare(delivery({ action: "send" }));
    expect(JSON.stringify(request)).not.toContain("k&=y");
    await sink.send(request, sending());
    expect(last()?.url).toBe("/hooks?a=1&api_key=k%26%3Dy");
  });
});

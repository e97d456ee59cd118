import { createHash, createHmac, generateKeyPairSync, sign as signBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCommand } from "../support/cli.ts";

const SECRET = "whsec_canary";
const NOW = 1_764_000_000;
const body = '{"id":"evt_1","type":"invoice.paid"}';
const sign = (time: number, secret = SECRET) =>
  `t=${time},v1=${createHmac("sha256", secret).update(`${time}.${body}`).digest("hex")}`;
const capture = (change: Record<string, unknown> = {}) => ({
  provider: "stripe",
  secret: SECRET,
  method: "POST",
  url: "https://example.com/hooks/stripe",
  headers: { "Content-Type": "application/json", "Stripe-Signature": sign(NOW) },
  bodyBase64: Buffer.from(body).toString("base64"),
  now: NOW,
  ...change,
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-verify-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function verify(content: string, ...options: readonly string[]) {
  writeFileSync(join(folder, "captured.json"), content);
  return runCommand(folder, ["verify", "captured.json", ...options]);
}

describe("verify", () => {
  test("accepts a request that is signed, says which secret matched and never shows one", async () => {
    const run = await verify(JSON.stringify(capture({ secret: undefined, secrets: ["whsec_other", SECRET] })));
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/^accept stripe hmac sha256, secret 2, skew 0 ms, signed /);
    expect(run.stdout).not.toContain("canary");
  });

  test.each([
    ["signature_mismatch", { headers: { "stripe-signature": sign(NOW, "whsec_wrong") } }],
    ["signature_missing", { headers: {} }],
    ["timestamp_too_old", { now: NOW + 301 }],
    ["timestamp_in_future", { now: NOW - 301 }],
    ["header_repeated", { headers: { "Stripe-Signature": [sign(NOW), sign(NOW)] } }],
    ["signature_mismatch", { bodyBase64: Buffer.from(`${body} `).toString("base64") }],
    ["unknown_provider", { provider: "nobody" }],
  ])("rejects with the stable reason %s", async (reason, change) => {
    const run = await verify(JSON.stringify(capture(change)), "--json");
    expect(run.code).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject({ format_version: "1.0", result: "reject", reason });
    expect(run.stdout + run.stderr).not.toContain("canary");
  });

  test("says what was signed, part by part, and shows no secret and no length of one", async () => {
    const message = `${NOW}.${body}`;
    const sha256 = createHash("sha256").update(message).digest("hex");
    const run = await verify(JSON.stringify(capture()), "--json");
    expect(JSON.parse(run.stdout)).toMatchObject({
      entry: 0,
      secret_index: 1,
      messages: [
        {
          parts: [
            { part: "timestamp", bytes: 10 },
            { part: '"."', bytes: 1 },
            { part: "raw_body", bytes: body.length },
          ],
          bytes: message.length,
          sha256,
        },
      ],
    });
    const told = await verify(JSON.stringify(capture()));
    expect(told.stdout).toContain(
      `timestamp 10 + "." 1 + raw_body ${body.length} = ${message.length} bytes, sha256 ${sha256}`,
    );
    // HubSpot v1 hashes the secret with the body: the digest of that would be the signature, and its length the secret's.
    const signature = createHash("sha256").update(`${SECRET}${body}`).digest("hex");
    const hubspot = capture({
      provider: "hubspot-v1",
      headers: { "x-hubspot-signature": signature, "x-hubspot-signature-version": "v1" },
    });
    const document = JSON.parse((await verify(JSON.stringify(hubspot), "--json")).stdout) as object;
    expect(document).toMatchObject({ result: "accept", messages: [{ bytes: null, sha256: null }] });
    expect(JSON.stringify(document)).toContain('{"part":"secret","bytes":null}');
  });

  test("takes captured keys and certificates in place of a fetch", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const hash = createHash("sha256").update(body).digest("hex");
    const text = `${part({ alg: "ES256", kid: "k1" })}.${part({ iat: NOW, request_body_sha256: hash })}`;
    const token = `${text}.${signBytes("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
    const jwk = publicKey.export({ format: "jwk" });
    const given = { client_id: "c", secret: "s", environment: "sandbox" };
    const judge = async (params: object) => {
      const plaid = { provider: "plaid", secret: undefined, headers: { "plaid-verification": token }, params };
      const run = await verify(JSON.stringify(capture(plaid)), "--json");
      return (JSON.parse(run.stdout) as { result: string; reason?: string }).reason ?? "accept";
    };
    expect(await judge({ ...given, keys: { k1: { key: jwk } } })).toBe("accept");
    expect(await judge({ keys: { k1: jwk } })).toBe("accept");
    expect(await judge({ keys: [{ ...jwk, kid: "k1" }] })).toBe("accept");
    expect(await judge({ jwks: { keys: [{ ...jwk, kid: "k1" }] } })).toBe("accept");
    expect(await judge({ ...given, keys: { k2: jwk } })).toBe("signature_mismatch");
    expect(await judge({ ...given, keys: { k1: { key: { ...jwk, expired_at: NOW } } } })).toBe("signature_mismatch");
    expect(await judge(given)).toBe("key_unavailable");
  });

  test("reads many, one on each line, and exits 1 when one is refused", async () => {
    const lines = [capture(), "", capture({ now: NOW + 1_000 }), capture()].map((one) =>
      one === "" ? "" : JSON.stringify(one),
    );
    const run = await verify(lines.join("\n"), "--json");
    expect(run.code).toBe(1);
    expect(
      run.stdout
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { result: string }).result),
    ).toEqual(["accept", "reject", "accept"]);
  });

  test("reads stdin for -", async () => {
    const run = await runCommand(folder, ["verify", "-"], { readStdin: async () => JSON.stringify(capture()) });
    expect(run.code).toBe(0);
  });

  test.each([
    ["not JSON", "{nope", /line 1: not JSON/],
    ["a line that is not JSON", `${JSON.stringify(capture())}\n{x`, /line 2: not JSON/],
    ["no time", JSON.stringify({ ...capture(), now: "soon" }), /`now` must be a number/],
    ["no url", JSON.stringify({ ...capture(), url: 5 }), /`url` must be text/],
    ["secrets that are no texts", JSON.stringify({ ...capture(), secrets: [5] }), /`secrets` must be a list of texts/],
    ["headers that are no object", JSON.stringify({ ...capture(), headers: "x" }), /`headers` must be an object/],
  ])("says where a capture can not be read: %s", async (_what, content, message) => {
    const run = await verify(content);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(run.stderr).toContain("HK8013");
    expect(run.stderr).not.toContain("canary");
  });

  test("a file that is not there is said", async () => {
    expect((await runCommand(folder, ["verify", "nope.json"])).stderr).toContain("ENOENT");
  });
});

import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Secret } from "../../engine/core/secret.ts";
import type { Recipe } from "../../engine/provider/recipe.ts";
import { signRequest } from "../../engine/provider/sign.ts";
import { verify } from "../../engine/provider/verify.ts";
import { context, inlineOf, NOW, recipeOf, request, shipped } from "./support.ts";

const url = "https://hooks.example.com/hooks/x?y=1";
const recipe = (entry: string) =>
  recipeOf(
    `{ provider: x, title: X, params: { url: { description: u }, key: { description: k } }, verify: [${entry}] }`,
  );

/** Signs a body and lets verify judge it, with what a source of that recipe would hold. */
async function roundTrip(by: Recipe, secret: string, verifySecret = secret) {
  const body = Buffer.from("a=1&b=%C3%A9&a=0");
  const params = { url, key: "pub" };
  const headers = signRequest(by, { body, secret: new Secret(secret), now: NOW, url, params, id: "m" });
  const sent = request(body, { ...headers }, { target: "/hooks/x?y=1", path: "/hooks/x", query: "y=1" });
  return verify(by, sent, { ...context(verifySecret), params });
}

describe("signRequest", () => {
  it.each([
    ["hmac, short form", "{ scheme: hmac, header: x-sig, prefix: 'sha256=' }"],
    [
      "hmac sha512 in base64url over method, path and query",
      "{ scheme: hmac, algorithm: sha512, signature: { from: 'header:x-sig', encoding: base64url }, message: '{method}\\n{target}\\n{path}{query_string}{raw_body}' }",
    ],
    [
      "pairs with a timestamp",
      "{ scheme: hmac, signature: { from: 'header:x-sig', parse: { kv: { item: ';', field: '=', pick: h1 } } }, message: '{timestamp}:{raw_body}', timestamp: { from: 'part:ts', unit: ms } }",
    ],
    [
      "fields by position",
      "{ scheme: hmac, signature: { from: 'header:x-sig', parse: { positional: { sep: ',', timestamp: 0, signatures: 1 } } }, message: '{timestamp}.{raw_body}', timestamp: { from: 'part:timestamp', unit: ms } }",
    ],
    [
      "key pairs",
      "{ scheme: hmac, signature: { from: 'header:x-sig', parse: { pairs: { item: '&', field: '|', select_by: 'param:key' } } } }",
    ],
    ["numbered headers", "{ scheme: hmac, signature: { from: 'header_pattern:x-sig-{n}', encoding: base64 } }"],
    [
      "an ISO timestamp in a header",
      "{ scheme: hmac, header: x-sig, message: '{timestamp}{raw_body}', timestamp: { from: 'header:x-at', unit: iso8601 } }",
    ],
    [
      "the registered url and a sorted form",
      "{ scheme: hmac, algorithm: sha1, header: x-sig, message: [{ url: {} }, { form_sorted: {} }] }",
    ],
    [
      "the received url",
      "{ scheme: hmac, header: x-sig, message: [{ url: { form: received, percent_decode: ['%3D'] } }, '{received_url}{raw_body}'] }",
    ],
    ["a plain hash", "{ scheme: hash, header: x-sig, message: '{secret}{raw_body}' }"],
    ["a token", "{ scheme: token, header: x-token }"],
    ["a password", "{ scheme: basic }"],
    ["a JWT", "{ scheme: jwt, claims: { alg: [HS512], max_age: 1m } }"],
    [
      "a crc of the body",
      "{ scheme: hmac, header: x-sig, message: '{crc32(raw_body)}|{sha1_hex(raw_body)}|{lower(method)}' }",
    ],
  ])("what it signs verifies: %s", async (_, entry) => {
    expect(await roundTrip(recipe(entry), "user:topsecret")).toMatchObject({ ok: true });
    expect(await roundTrip(recipe(entry), "user:topsecret", "user:other")).toMatchObject({ ok: false });
  });

  it.each(["ed25519", "ecdsa_p256", "rsa"] as const)("with a private key it signs for %s", async (scheme) => {
    const pair =
      scheme === "ed25519"
        ? generateKeyPairSync("ed25519")
        : scheme === "rsa"
          ? generateKeyPairSync("rsa", { modulusLength: 2048 })
          : generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = (key: typeof pair.publicKey, type: "spki" | "pkcs8") => key.export({ format: "pem", type }).toString();
    const by = recipe(`{ scheme: ${scheme}, signature: { from: "header:x-sig", encoding: base64 } }`);
    expect(await roundTrip(by, pem(pair.privateKey, "pkcs8"), pem(pair.publicKey, "spki"))).toMatchObject({ ok: true });
    expect(() => signRequest(by, { body: Buffer.from("x"), secret: new Secret("not a key"), now: NOW, url })).toThrow(
      /x: a sample can't be signed/,
    );
  });

  it("says what it needs, without the secret in the message", () => {
    const input = { body: Buffer.from("{}"), now: NOW, url };
    expect(() => signRequest(shipped("stripe"), input)).toThrow("stripe: a sample can't be signed: there is no secret");
    const bad = { ...input, secret: new Secret("hunter2!"), id: "m" };
    expect(() => signRequest(shipped("standard-webhooks"), bad)).toThrow(
      expect.objectContaining({ code: "HK3021", message: expect.not.stringContaining("hunter2") }),
    );
    expect(() => signRequest(recipe("{ scheme: hmac, signature: { from: 'body:sig' } }"), bad)).toThrow(
      "it can't be written at body sig",
    );
    expect(signRequest(inlineOf("signature: { scheme: none }"), input)).toEqual({ "content-type": "application/json" });
  });

  it("signs any body of any bytes so that it verifies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.string({ minLength: 1 }), async (body, secret) => {
        for (const by of [
          shipped("stripe"),
          shipped("slack"),
          shipped("github"),
          shipped("typeform"),
          shipped("shopify"),
        ]) {
          const headers = signRequest(by, { body, secret: new Secret(secret), now: NOW, url });
          expect(await verify(by, request(body, { ...headers }), context(secret))).toMatchObject({ ok: true });
        }
      }),
      { numRuns: 50 },
    );
  });
});

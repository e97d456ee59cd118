import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { verify } from "../../engine/provider/verify.ts";
import { context, NOW, recipeOf, request } from "./support.ts";

const now = NOW / 1000;
const body = '{\n  "a": 1\n}';
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const hs = (claims: object, secret = "s", header: object = { alg: "HS256" }) => {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
};

describe("a JWT with a shared secret (Monday, LiveKit)", () => {
  const recipe = recipeOf(
    `{ provider: x, title: X, params: { account: { description: a } }, verify: [{ scheme: jwt, claims: { alg: [HS256], iss: "{param:account}", body_hash: { claim: sha256, encoding: base64 } } }] }`,
  );
  const good = { iss: "acme", exp: now + 60, sha256: createHash("sha256").update(body).digest("base64") };
  const judge = (token: string, sent = body) =>
    verify(recipe, request(sent, { authorization: token }), { ...context("other", "s"), params: { account: "acme" } });

  it("passes bare and as Bearer, and says which secret it was", async () => {
    expect(await judge(hs(good))).toMatchObject({ ok: true, request: { verdict: { scheme: "jwt", secretIndex: 2 } } });
    expect(await judge(`bearer ${hs(good)}`)).toMatchObject({ ok: true });
  });

  it.each([
    ["expired", { ...good, exp: now }, "timestamp_too_old"],
    ["without an end", { ...good, exp: undefined }, "timestamp_missing"],
    ["with an end that is text", { ...good, exp: String(now + 60) }, "timestamp_missing"],
    ["not valid yet", { ...good, nbf: now + 1 }, "timestamp_in_future"],
    ["from another issuer", { ...good, iss: "acme2" }, "claim_mismatch"],
    ["for another body", { ...good, sha256: "x" }, "claim_mismatch"],
    ["for no body", { ...good, sha256: undefined }, "claim_mismatch"],
  ])("is refused %s", async (_, claims, reason) => {
    expect(await judge(hs(claims))).toMatchObject({ ok: false, reason });
  });

  it("is refused unsigned, with another algorithm, with another key, or in pieces", async () => {
    const none = `${part({ alg: "none" })}.${part(good)}.`;
    for (const token of [
      none,
      `${none}AA`,
      hs(good, "s", { alg: "HS512" }),
      hs(good, "s", {}),
      "a.b",
      "a.b.c",
      "....",
      hs(good).slice(0, -4),
    ]) {
      expect(await judge(token)).toMatchObject({ ok: false });
    }
    expect(await judge(hs(good, "wrong"))).toMatchObject({ reason: "signature_mismatch" });
  });
});

describe("a JWT with a public key (Plaid)", () => {
  const recipe = recipeOf(
    `{ provider: x, title: X, verify: [{ scheme: jwt, header: plaid-verification, key_from: { jwks: { url: "https://keys.example.com" } }, claims: { alg: [ES256], exp: optional, max_age: 5m, body_hash: { claim: request_body_sha256, encoding: hex } } }] }`,
  );
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: "k1" };
  const es = (claims: object, header: object = { alg: "ES256", kid: "k1" }) => {
    const signed = `${part(header)}.${part(claims)}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), { key: pair.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };
  const good = { iat: now, request_body_sha256: createHash("sha256").update(body).digest("hex") };
  const judge = (
    token: string,
    params: Record<string, string> = {},
    fetchKey?: (wanted: object) => string | undefined,
  ) =>
    verify(recipe, request(body, { "plaid-verification": token }), {
      ...context(),
      params,
      ...(fetchKey ? { fetchKey } : {}),
    });

  it("passes with the key of its kid, given as a param or fetched", async () => {
    const set = JSON.stringify({ keys: [{ ...jwk, kid: "k0" }, jwk] });
    expect(await judge(es(good), { jwks: set })).toMatchObject({ ok: true });
    const asked: object[] = [];
    expect(
      await judge(es(good), {}, (wanted) => {
        asked.push(wanted);
        return JSON.stringify(jwk);
      }),
    ).toMatchObject({
      ok: true,
    });
    expect(asked).toEqual([{ kind: "jwk", url: "https://keys.example.com", kid: "k1" }]);
  });

  it("is refused when too old, of an unknown key, without any key, or when the public key is used as a secret", async () => {
    const set = JSON.stringify({ keys: [jwk] });
    expect(await judge(es({ ...good, iat: now - 301 }), { jwks: set })).toMatchObject({ reason: "timestamp_too_old" });
    expect(await judge(es({ ...good, iat: now + 301 }), { jwks: set })).toMatchObject({
      reason: "timestamp_in_future",
    });
    expect(await judge(es(good, { alg: "ES256", kid: "k9" }), { jwks: set })).toMatchObject({
      reason: "signature_mismatch",
    });
    expect(await judge(es(good))).toMatchObject({ reason: "key_unavailable" });
    expect(await judge(hs(good, JSON.stringify(jwk), { alg: "HS256", kid: "k1" }), { jwks: set })).toMatchObject({
      reason: "token_malformed",
    });
  });
});

import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { secretFault } from "../../engine/provider/key.ts";
import { verify } from "../../engine/provider/verify.ts";
import { context, NOW, recipeOf, request, shipped, WHSEC } from "./support.ts";

describe("secretFault", () => {
  it.each([
    ["stripe", "whsec_anything at all", undefined],
    ["stripe", "", "it is empty"],
    ["standard-webhooks", WHSEC, undefined],
    ["standard-webhooks", WHSEC.slice(6), undefined],
    ["standard-webhooks", "whsec_not base64!", "it is not base64"],
    ["svix", "whsec_not base64!", "it is not base64"],
    ["svix", "whsec_aGVsbG8gd29ybGQhIQ", undefined],
  ])("%s: %j", (name, secret, fault) => {
    expect(secretFault(shipped(name).verify, secret)).toBe(fault);
  });
});

describe("matchScheme: public keys", () => {
  const body = '{"a":1}';
  const stamp = String(NOW / 1000);

  it("ed25519 by a raw hex key (Discord) and by whpk_ (Standard Webhooks v1a)", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    const discord = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: ed25519, key: { encoding: hex }, header: x-signature-ed25519, message: "{timestamp}{raw_body}", timestamp: { from: "header:x-signature-timestamp" } }] }`,
    );
    const headers = {
      "x-signature-ed25519": sign(null, Buffer.from(stamp + body), privateKey).toString("hex"),
      "x-signature-timestamp": stamp,
    };
    expect(await verify(discord, request(body, headers), context(raw.toString("hex")))).toMatchObject({ ok: true });
    expect(await verify(discord, request(`${body} `, headers), context(raw.toString("hex")))).toMatchObject({
      reason: "signature_mismatch",
    });
    const v1a = {
      "webhook-id": "m",
      "webhook-timestamp": stamp,
      "webhook-signature": `v1,AAAA v1a,${sign(null, Buffer.from(`m.${stamp}.${body}`), privateKey).toString("base64")}`,
    };
    const secret = `whpk_${raw.toString("base64")}`;
    const recipe = shipped("standard-webhooks-v1a");
    expect(await verify(recipe, request(body, v1a), context(WHSEC, secret))).toMatchObject({
      ok: true,
      request: { verdict: { scheme: "ed25519", secretIndex: 2 } },
    });
    expect(await verify(recipe, request(`${body} `, v1a), context(secret))).toMatchObject({
      reason: "signature_mismatch",
    });
  });

  it("two schemes side by side share the secrets, each taking only those with its prefix", async () => {
    const list = (pick: string) =>
      `signature: { from: "header:sig", parse: { list: { sep: " ", field: ",", pick: ${pick} } }, encoding: base64 }`;
    const key = (prefix: string) => `key: { encoding: base64, strip_prefix: ${prefix}, require_prefix: true }`;
    const recipe = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: hmac, ${key("whsec_")}, ${list("v1")} }, { scheme: ed25519, ${key("whpk_")}, ${list("v1a")} }] }`,
    );
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    const whpk = `whpk_${raw.toString("base64")}`;
    const judge = (sig: string, ...held: string[]) => verify(recipe, request(body, { sig }), context(...held));
    const v1 = (by: Buffer) => `v1,${createHmac("sha256", by).update(body).digest("base64")}`;
    const v1a = `v1a,${sign(null, Buffer.from(body), privateKey).toString("base64")}`;
    expect(await judge(v1(Buffer.from(WHSEC.slice(6), "base64")), whpk, WHSEC)).toMatchObject({
      request: { verdict: { secretIndex: 2 } },
    });
    expect(await judge(v1a, WHSEC, whpk)).toMatchObject({
      request: { verdict: { scheme: "ed25519", secretIndex: 2 } },
    });
    expect(await judge(v1(raw), whpk)).toMatchObject({ ok: false, reason: "no_valid_secret" });
    expect(await judge(v1(raw), whpk.slice(5))).toMatchObject({ ok: false, reason: "no_valid_secret" });
    expect(secretFault(recipe.verify, whpk.slice(5))).toBe("it does not begin with whsec_");
  });

  it("ecdsa p-256 by a base64 SPKI key (SendGrid); another curve's key is no key", async () => {
    const recipe = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: ecdsa_p256, key: { encoding: base64 }, signature: { from: "header:sig", encoding: base64 }, message: "{timestamp}{raw_body}", timestamp: { from: "header:ts" } }] }`,
    );
    for (const [namedCurve, ok] of [
      ["P-256", true],
      ["P-384", false],
    ] as const) {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
      const secret = publicKey.export({ format: "der", type: "spki" }).toString("base64");
      const headers = { sig: sign("sha256", Buffer.from(stamp + body), privateKey).toString("base64"), ts: stamp };
      expect(await verify(recipe, request(body, headers), context(secret))).toMatchObject({ ok });
    }
  });

  it("rsa by a fetched certificate: only from listed hosts, over https, and not at all without a fetcher", async () => {
    const recipe = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: rsa, key_from: { cert_url: { from: "body:SigningCertURL", hosts: ["sns.*.amazonaws.com"], path_suffix: .pem } }, signature: { from: "body:Signature", encoding: base64 }, message: [{ field_lines: [Message, "Subject?", Timestamp] }], timestamp: { from: "body:Timestamp", unit: iso8601 } }] }`,
    );
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
    const sns = (SigningCertURL: string) => {
      const fields = { Message: "hi", Timestamp: "2026-12-01T00:00:00.000Z" };
      const text = `Message\n${fields.Message}\nTimestamp\n${fields.Timestamp}\n`;
      return request(
        JSON.stringify({
          ...fields,
          SigningCertURL,
          Signature: sign("sha256", Buffer.from(text), privateKey).toString("base64"),
        }),
      );
    };
    const asked: string[] = [];
    const ctx = {
      ...context(),
      fetchKey: (wanted: { kind: string; url?: string }) => {
        asked.push(wanted.url ?? "");
        return Promise.resolve(pem);
      },
    };
    const good = "https://sns.eu-west-1.amazonaws.com/x.pem";
    expect(await verify(recipe, sns(good), ctx)).toMatchObject({
      ok: true,
      request: { verdict: { scheme: "rsa sha256", secretIndex: 0 } },
    });
    expect(await verify(recipe, sns(good), context())).toMatchObject({ reason: "key_unavailable" });
    expect(
      await verify(recipe, sns(good), { ...context(), fetchKey: () => Promise.reject(new Error("down")) }),
    ).toMatchObject({ reason: "key_unavailable" });
    expect(await verify(recipe, sns(good), { ...context(), params: { certificate: pem } })).toMatchObject({ ok: true });
    for (const bad of [
      "http://sns.eu-west-1.amazonaws.com/x.pem",
      "https://sns.a.b.amazonaws.com/x.pem",
      "https://sns.x.amazonaws.com.evil.example/x.pem",
      "https://u@sns.x.amazonaws.com/x.pem",
      "https://sns.x.amazonaws.com:8443/x.pem",
      "https://sns.x.amazonaws.com/x",
      "nonsense",
    ]) {
      expect(await verify(recipe, sns(bad), ctx), bad).toMatchObject({ reason: "key_unavailable" });
    }
    expect(asked).toEqual([good]);
  });
});

import { createHmac, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Secret } from "../../engine/core/secret.ts";
import type { RawRequest } from "../../engine/core/types.ts";
import { signRequest } from "../../engine/provider/sign.ts";
import { verify } from "../../engine/provider/verify.ts";
import { context, NOW, request, secretFor, shipped, shippedNames, WHSEC } from "./support.ts";

const hmac = (
  secret: string | Buffer,
  message: string | Buffer,
  encoding: "hex" | "base64" = "hex",
  algorithm = "sha256",
) => createHmac(algorithm, secret).update(message).digest(encoding);

const stripe = shipped("stripe");
const stripeHeader = (body: string, secret: string, seconds: number | string) =>
  `t=${seconds},v1=${hmac(secret, `${seconds}.${body}`)}`;

describe("verify: tolerance", () => {
  const at = (seconds: number) => request("{}", { "stripe-signature": stripeHeader("{}", "s", seconds) });
  const now = NOW / 1000;
  it.each([
    [now - 299, true, undefined],
    [now - 300, true, undefined],
    [now - 301, false, "timestamp_too_old"],
    [now + 299, true, undefined],
    [now + 300, true, undefined],
    [now + 301, false, "timestamp_in_future"],
  ])("a signed time of %d passes: %s", async (seconds, ok, reason) => {
    const verdict = await verify(stripe, at(seconds), context("s"));
    expect(verdict).toMatchObject(ok ? { ok, request: { verdict: { skewMs: NOW - seconds * 1000 } } } : { ok, reason });
  });

  it.each(["NaN", "", "-1", "1e9", "0x10", " ", "Infinity", "1796083200.5.5", "９", "99999999999999999999"])(
    "a signed time of %j is malformed or missing, whatever the signature says",
    async (seconds) => {
      const verdict = await verify(
        stripe,
        request("{}", { "stripe-signature": stripeHeader("{}", "s", seconds) }),
        context("s"),
      );
      expect(verdict).toMatchObject({ ok: false, reason: expect.stringMatching(/^timestamp_(malformed|missing)$/) });
    },
  );
});

describe("verify: secrets", () => {
  const body = "{}";
  const signed = request(body, { "stripe-signature": stripeHeader(body, "old", NOW / 1000) });
  const during = (notBefore: number | undefined, until: number | undefined) => ({
    params: {},
    now: NOW,
    secrets: [
      { index: 1, value: new Secret("new") },
      {
        index: 2,
        value: new Secret("old"),
        ...(notBefore === undefined ? {} : { notBefore }),
        ...(until === undefined ? {} : { until }),
      },
    ],
  });

  it("says which of several secrets matched", async () => {
    expect(await verify(stripe, signed, during(undefined, undefined))).toMatchObject({
      request: { verdict: { secretIndex: 2 } },
    });
  });

  it("a secret counts from its first instant to just before its last", async () => {
    expect(await verify(stripe, signed, during(NOW, NOW + 1))).toMatchObject({ ok: true });
    expect(await verify(stripe, signed, during(undefined, NOW))).toMatchObject({
      ok: false,
      reason: "signature_mismatch",
    });
    expect(await verify(stripe, signed, during(NOW + 1, undefined))).toMatchObject({ ok: false });
  });

  it("without any secret that counts, nothing passes: not even what is signed with an empty one", async () => {
    const none = { params: {}, now: NOW, secrets: [] };
    for (const secret of ["", "no secret", "\0".repeat(32)]) {
      const forged = request(body, { "stripe-signature": stripeHeader(body, secret, NOW / 1000) });
      expect(await verify(stripe, forged, none)).toEqual({ ok: false, reason: "no_valid_secret" });
    }
  });

  it("a secret that is not written as the recipe says never verifies, and the others still do", async () => {
    const recipe = shipped("standard-webhooks");
    const headersFor = (key: Buffer) => ({
      "webhook-id": "m",
      "webhook-timestamp": String(NOW / 1000),
      "webhook-signature": `v1,${hmac(key, `m.${NOW / 1000}.{}`, "base64")}`,
    });
    const broken = ["whsec_not base64!", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
    for (const key of [Buffer.alloc(0), Buffer.alloc(32), Buffer.alloc(64)]) {
      expect(await verify(recipe, request("{}", headersFor(key)), context(...broken))).toMatchObject({
        ok: false,
        reason: "no_valid_secret",
      });
    }
    const right = headersFor(Buffer.from(WHSEC.slice(6), "base64"));
    expect(await verify(recipe, request("{}", right), context(...broken, WHSEC))).toMatchObject({ ok: true });
  });

  it("a public key is never an HMAC key", async () => {
    const recipe = shipped("standard-webhooks");
    const { publicKey } = generateKeyPairSync("ed25519");
    const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    const stamp = NOW / 1000;
    const whpk = `whpk_${raw.toString("base64")}`;
    for (const key of [raw, Buffer.from(whpk), Buffer.from(raw.toString("base64"))]) {
      const headers = {
        "webhook-id": "m",
        "webhook-timestamp": `${stamp}`,
        "webhook-signature": `v1,${hmac(key, `m.${stamp}.{}`, "base64")}`,
      };
      expect(await verify(recipe, request("{}", headers), context(whpk))).toMatchObject({ ok: false });
    }
  });
});

describe("verify: what is refused before any signature is computed", () => {
  it.each([
    ["no signature header", {}, "signature_missing"],
    ["an empty one", { "stripe-signature": "" }, "signature_missing"],
    ["one without pairs", { "stripe-signature": "abc" }, "signature_malformed"],
    ["one that is not hex", { "stripe-signature": `t=${NOW / 1000},v1=zz` }, "signature_malformed"],
    ["one of odd length", { "stripe-signature": `t=${NOW / 1000},v1=abc` }, "signature_malformed"],
    ["a short one", { "stripe-signature": `t=${NOW / 1000},v1=abcd` }, "signature_mismatch"],
    ["a long one", { "stripe-signature": `t=${NOW / 1000},v1=${"ab".repeat(64)}` }, "signature_mismatch"],
    ["multibyte text", { "stripe-signature": `t=${NOW / 1000},v1=${"é".repeat(64)}` }, "signature_malformed"],
    ["hundreds of them", { "stripe-signature": `t=${NOW / 1000}${",v1=ab".repeat(300)}` }, "signature_malformed"],
    ["no timestamp", { "stripe-signature": `v1=${"ab".repeat(32)}` }, "timestamp_missing"],
  ])("%s", async (_, headers, reason) => {
    expect(await verify(stripe, request("{}", headers as Record<string, string>), context("s"))).toMatchObject({
      ok: false,
      reason,
    });
  });

  it("another method than the recipe's", async () => {
    expect(await verify(stripe, request("{}", {}, { method: "GET" }), context("s"))).toEqual({
      ok: false,
      reason: "method_not_allowed",
    });
  });

  it.each(["webhook-id", "webhook-timestamp", "webhook-signature"])(
    "a %s header that stands twice, in any case",
    async (name) => {
      const recipe = shipped("standard-webhooks");
      const headers = signRequest(recipe, {
        body: Buffer.from("{}"),
        secret: new Secret(WHSEC),
        now: NOW,
        url: "http://x/",
        id: "m",
      });
      const signed = request("{}", { ...headers });
      expect(await verify(recipe, signed, context(WHSEC))).toMatchObject({ ok: true });
      const repeated = { ...signed, rawHeaders: [...signed.rawHeaders, name.toUpperCase(), "x"] };
      expect(await verify(recipe, repeated, context(WHSEC))).toEqual({
        ok: false,
        reason: "header_repeated",
        detail: `header ${name}`,
      });
    },
  );
});

describe("verify: properties", () => {
  /** Recipes that sign any raw body and nothing that is not in the request; recipes.test.ts tries all on their samples. */
  const names = shippedNames.filter((name) => {
    const [scheme] = shipped(name).verify;
    const readsBody = scheme?.timestamp?.from.kind === "body" || scheme?.timestamp?.from.kind === "claim";
    const isOwnKey = scheme?.keyFrom.kind === "secrets" && scheme.scheme !== "jwt";
    const readsTarget = scheme?.signed.includes("target") === true;
    return isOwnKey && /raw_body/.test(scheme.signed) && !readsBody && !readsTarget && shipped(name).params.size === 0;
  });
  const signedHeaders = new Set([
    "stripe-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "svix-id",
    "svix-timestamp",
    "svix-signature",
    "x-hub-signature-256",
    "typeform-signature",
    "x-slack-signature",
    "x-slack-request-timestamp",
    "x-shopify-hmac-sha256",
  ]);

  it.each(names)("%s: a change of any byte of the body or of a signed header is refused", async (name) => {
    const recipe = shipped(name);
    const secret = secretFor(recipe);
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (body, at, flip) => {
          const signed = request(body, {
            ...signRequest(recipe, { body, secret: new Secret(secret), now: NOW, url: "http://x/", id: "msg_1" }),
          });
          expect(await verify(recipe, signed, context(secret))).toMatchObject({ ok: true });
          const changed = Uint8Array.from(body);
          changed[at % body.length] = (changed[at % body.length] as number) ^ flip;
          expect(await verify(recipe, { ...signed, body: changed }, context(secret))).toMatchObject({ ok: false });
          for (const header of Object.keys(signed.headers).filter((key) => signedHeaders.has(key))) {
            const value = signed.headers[header] as string;
            const place = at % value.length;
            const other = value[place] === "a" ? "b" : "a";
            // Hex may be written in either case; nothing else of a signed header may differ.
            if (value[place]?.toLowerCase() === other) continue;
            const headers = { ...signed.headers, [header]: value.slice(0, place) + other + value.slice(place + 1) };
            expect(await verify(recipe, { ...signed, headers }, context(secret)), `${header}: ${value}`).toMatchObject({
              ok: false,
            });
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("hostile headers and bodies are refused and never throw", async () => {
    const header = fc.oneof(
      fc.string({ unit: "binary", maxLength: 80 }),
      fc.constantFrom("t=1,v1=", "v1,", ",", "=", "sha256=", "v0=", "Basic ", "a.b.c", "\u0000"),
    );
    const recipes = shippedNames.map(shipped);
    const keys = [...signedHeaders, "authorization", "__proto__", "constructor"];
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...keys), header),
        fc.uint8Array({ maxLength: 100 }),
        fc.string(),
        async (headers, body, query) => {
          for (const recipe of recipes) {
            const hostile: RawRequest = { ...request(body, headers), query };
            expect(await verify(recipe, hostile, context(secretFor(recipe)))).toMatchObject({ ok: false });
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

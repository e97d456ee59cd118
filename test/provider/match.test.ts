import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { verify } from "../../engine/provider/verify.ts";
import { context, inlineOf, NOW, recipeOf, request, shipped } from "./support.ts";

const hmac = (
  secret: string | Buffer,
  message: string | Buffer,
  encoding: "hex" | "base64" = "hex",
  algorithm = "sha256",
) => createHmac(algorithm, secret).update(message).digest(encoding);

describe("matchScheme", () => {
  const body = '{"a":1}';
  it("the short form of a home-made sender", async () => {
    const recipe = inlineOf(
      'signature: { scheme: hmac, algorithm: sha256, header: X-Signature, prefix: "sha256=", encoding: hex }',
    );
    const good = request(body, { "x-signature": `sha256=${hmac("s", body)}` });
    expect(await verify(recipe, good, context("s"))).toMatchObject({ ok: true });
    expect(await verify(recipe, request(body, { "x-signature": hmac("s", body) }), context("s"))).toMatchObject({
      reason: "signature_malformed",
    });
    expect(
      await verify(recipe, request(body, { "x-signature": `sha256=${hmac("s", body).toUpperCase()}` }), context("s")),
    ).toMatchObject({ ok: true });
  });

  it("slack's documented example", async () => {
    // api.slack.com/authentication/verifying-requests-from-slack
    const text =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const headers = {
      "x-slack-request-timestamp": "1531420618",
      "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    };
    const then = { ...context("8f742231b10e8888abcd99yyyzzz85a5"), now: 1_531_420_618_000 };
    expect(await verify(shipped("slack"), request(text, headers), then)).toMatchObject({ ok: true });
    expect(
      await verify(shipped("slack"), request(text, headers), context("8f742231b10e8888abcd99yyyzzz85a5")),
    ).toMatchObject({ reason: "timestamp_too_old" });
  });

  it("github's documented example", async () => {
    // docs.github.com, Validating webhook deliveries, Testing
    const headers = {
      "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    };
    expect(
      await verify(shipped("github"), request("Hello, World!", headers), context("It's a Secret to Everybody")),
    ).toMatchObject({ ok: true });
  });

  it("shopify under either family of header names, typeform with its prefix", async () => {
    const signature = hmac("s", body, "base64");
    for (const name of ["X-Shopify-Hmac-Sha256", "Shopify-Hmac-Sha256"]) {
      expect(await verify(shipped("shopify"), request(body, { [name]: signature }), context("s"))).toMatchObject({
        ok: true,
      });
    }
    const unpadded = signature.replace(/=+$/, "");
    expect(
      await verify(shipped("shopify"), request(body, { "X-Shopify-Hmac-Sha256": unpadded }), context("s")),
    ).toMatchObject({ reason: "signature_malformed" });
    expect(
      await verify(shipped("typeform"), request(body, { "Typeform-Signature": `sha256=${signature}` }), context("s")),
    ).toMatchObject({ ok: true });
  });

  it("a plain hash over secret, method, url and body (HubSpot v2)", async () => {
    const recipe = recipeOf(
      `{ provider: x, title: X, params: { url: { description: u } }, verify: [{ scheme: hash, header: x-sig, message: "{secret}{method}{url}{raw_body}" }] }`,
    );
    const sig = createHash("sha256").update(`sPOSThttps://h/x${body}`).digest("hex");
    const ctx = { ...context("s"), params: { url: "https://h/x" } };
    expect(await verify(recipe, request(body, { "x-sig": sig }), ctx)).toMatchObject({ ok: true });
    expect(
      await verify(recipe, request(body, { "x-sig": sig }), { ...ctx, params: { url: "https://h/y" } }),
    ).toMatchObject({ ok: false });
  });

  it("sorted form fields behind the registered url (Twilio's documented example)", async () => {
    // twilio.com/docs/usage/security: the example of validating signatures
    const recipe = recipeOf(
      `{ provider: x, title: X, params: { url: { description: u } }, verify: [{ scheme: hmac, algorithm: sha1, signature: { from: "header:x-twilio-signature", encoding: base64 }, message: [{ url: {} }, { form_sorted: { dedupe: true } }] }] }`,
    );
    const form = new URLSearchParams({
      Digits: "1234",
      To: "+18005551212",
      From: "+14158675309",
      Caller: "+14158675309",
      CallSid: "CA1234567890ABCDE",
    });
    const url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const signed = request(form.toString(), { "x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8=" });
    expect(await verify(recipe, signed, { ...context("12345"), params: { url } })).toMatchObject({ ok: true });
  });

  it("a form of many names costs no more than it is long, before anything is verified", async () => {
    const recipe = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: hmac, algorithm: sha1, header: sig, message: [{ form_sorted: {} }] }] }`,
    );
    const form = Array.from({ length: 100_000 }, (_, n) => `f${n}=1`).join("&");
    const verdict = await verify(recipe, request(form, { sig: "ab" }), context("s"));
    expect(verdict).toMatchObject({ ok: false, reason: "signature_mismatch" });
  });

  it("positional fields, millisecond times, numbered headers and key pairs", async () => {
    const positional = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: hmac, signature: { from: "header:sig", parse: { positional: { sep: ",", timestamp: 0, signatures: 1 } } }, message: "{timestamp}.{raw_body}", timestamp: { from: "part:timestamp", unit: ms } }] }`,
    );
    const header = `${NOW},00,${hmac("s", `${NOW}.${body}`)}`;
    expect(await verify(positional, request(body, { sig: header }), context("s"))).toMatchObject({ ok: true });
    const numbered = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: hmac, signature: { from: "header_pattern:x-docusign-signature-{n}", encoding: base64 } }] }`,
    );
    expect(
      await verify(
        numbered,
        request(body, {
          "x-docusign-signature-1": hmac("t", body, "base64"),
          "x-docusign-signature-3": hmac("s", body, "base64"),
        }),
        context("s"),
      ),
    ).toMatchObject({ ok: true });
    const pairs = recipeOf(
      `{ provider: x, title: X, params: { key: { description: k } }, verify: [{ scheme: hmac, algorithm: sha1, key: { derive: sha1 }, signature: { from: "form:bt_signature", parse: { pairs: { item: "&", field: "|", select_by: "param:key" } } }, message: "{form:bt_payload}" }] }`,
    );
    const key = createHash("sha1").update("private").digest();
    const form = new URLSearchParams({
      bt_payload: "abc\n",
      bt_signature: `other|00&pub|${hmac(key, "abc\n", "hex", "sha1")}`,
    });
    expect(
      await verify(pairs, request(form.toString()), { ...context("private"), params: { key: "pub" } }),
    ).toMatchObject({ ok: true });
  });

  it("headers that the request itself names (Hook0), with nothing to add by repeating one", async () => {
    const recipe = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: hmac, signature: { from: "header:sig", parse: { kv: { item: ",", field: "=", pick: v1 } } }, message: ["{timestamp}.{part:h}.", { signed_headers: { list_from: "part:h", sep: "." } }, ".{raw_body}"], timestamp: { from: "part:t" } }] }`,
    );
    const t = NOW / 1000;
    const sig = `t=${t},h=x-a x-b,v1=${hmac("s", `${t}.x-a x-b.one.two.${body}`)}`;
    expect(await verify(recipe, request(body, { sig, "x-a": "one", "x-b": "two" }), context("s"))).toMatchObject({
      ok: true,
    });
    expect(await verify(recipe, request(body, { sig, "x-a": "one", "x-b": "three" }), context("s"))).toMatchObject({
      ok: false,
    });
  });

  it("each item of a batch by its own signature (Adyen): one bad item refuses all", async () => {
    const recipe = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: hmac, key: { encoding: hex }, per_item: items, signature: { from: "body:sig", encoding: base64 }, message: [{ join_fields: { sep: ":", paths: [a.id, missing, ok] } }] }] }`,
    );
    const item = (id: string, sig = hmac(Buffer.from("ab01", "hex"), `${id}::true`, "base64")) => ({
      a: { id },
      ok: true,
      sig,
    });
    const send = (...items: object[]) => verify(recipe, request(JSON.stringify({ items })), context("ab01"));
    expect(await send(item("1"), item("2"))).toMatchObject({ ok: true });
    expect(await send(item("1"), item("2", item("1").sig))).toMatchObject({ ok: false, reason: "signature_mismatch" });
    expect(await send()).toMatchObject({ ok: false, reason: "signature_missing" });
    expect(await verify(recipe, request("[1]"), context("ab01"))).toMatchObject({
      ok: false,
      reason: "body_malformed",
    });
  });

  it("tokens and passwords, with the scheme's name in any case", async () => {
    const token = recipeOf(`{ provider: x, title: X, verify: [{ scheme: token, header: x-token }] }`);
    expect(await verify(token, request(body, { "x-token": "s" }), context("s"))).toMatchObject({ ok: true });
    for (const wrong of ["S", "s ss", "\u00e9", ""]) {
      expect(await verify(token, request(body, { "x-token": wrong }), context("s"))).toMatchObject({ ok: false });
    }
    const basic = recipeOf(`{ provider: x, title: X, verify: [{ scheme: basic }] }`);
    const credentials = Buffer.from("user:pässword").toString("base64");
    expect(
      await verify(basic, request(body, { authorization: `basic ${credentials}` }), context("user:pässword")),
    ).toMatchObject({ ok: true });
    expect(
      await verify(basic, request(body, { authorization: `Basic ${credentials}` }), context("user:password")),
    ).toMatchObject({ reason: "signature_mismatch" });
    expect(await verify(basic, request(body, { authorization: "Basic %%%" }), context("user:x"))).toMatchObject({
      reason: "token_malformed",
    });
    expect(await verify(basic, request(body, { authorization: "Digest x" }), context("user:x"))).toMatchObject({
      reason: "signature_malformed",
    });
  });

  it("scheme none lets anyone in and says so", async () => {
    const none = inlineOf("signature: { scheme: none }");
    expect(await verify(none, request(body), context())).toMatchObject({
      ok: true,
      request: { verdict: { scheme: "none", secretIndex: 0, signed: "nothing" } },
    });
    expect(none.needsSecret).toBe(false);
  });

  it("required values: one that differs refuses, also when it is a hash of the body", async () => {
    const recipe = recipeOf(
      `{ provider: x, title: X, verify: [{ scheme: hmac, header: sig, require: { "query:bodySHA256": "{sha256_hex(raw_body)}", "header:version": "1" } }] }`,
    );
    const query = `bodySHA256=${createHash("sha256").update(body).digest("hex")}`;
    const headers = { sig: hmac("s", body), version: "1" };
    expect(await verify(recipe, request(body, headers, { query }), context("s"))).toMatchObject({ ok: true });
    expect(await verify(recipe, request(body, headers), context("s"))).toMatchObject({
      reason: "required_value_mismatch",
    });
    expect(await verify(recipe, request(body, { ...headers, version: "2" }, { query }), context("s"))).toMatchObject({
      reason: "required_value_mismatch",
    });
  });
});

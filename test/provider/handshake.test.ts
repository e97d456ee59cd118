import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerHandshake } from "../../engine/provider/handshake.ts";
import { context, inlineOf, recipeOf, request } from "./support.ts";

const meta = recipeOf(`
provider: meta
title: Meta
params: { verify_token: { description: t, secret: true } }
verify: [{ scheme: hmac, header: x-hub-signature-256, prefix: "sha256=" }]
handshake:
  - name: subscribe
    when: { method: GET, "query:hub.mode": subscribe, "query:hub.challenge": { exists: true } }
    auth: { token_equals: { from: "query:hub.verify_token", param: verify_token } }
    reply: { text: "{query:hub.challenge}" }
`);
const zoom = inlineOf(`
signature: { scheme: hmac, header: x-zm-signature }
handshake:
  - name: url_validation
    when: { "body:event": endpoint.url_validation }
    reply: { json: { plainToken: "{body:payload.plainToken}", encryptedToken: "{hmac_sha256_hex(body:payload.plainToken)}", n: [1, true] } }
`);
const asana = inlineOf(`
signature: { scheme: hmac, header: x-hook-signature, key_from: { handshake_store: hook } }
handshake:
  - name: hook_secret
    when: { "header:x-hook-secret": { exists: true } }
    auth: none
    reply: { headers: { X-Hook-Secret: "{header:x-hook-secret}" } }
    store: { name: hook, secret: header:x-hook-secret }
`);

const get = (query: string) => request("", {}, { method: "GET", query });
const withToken = { ...context("s"), params: { verify_token: "letmein" } };

describe("answerHandshake", () => {
  it("echoes a GET challenge as plain text to whoever knows the token, before any verification", () => {
    const ask = get("hub.mode=subscribe&hub.challenge=1%3Cb%3E&hub.verify_token=letmein");
    expect(meta.accept.methods).toEqual(new Set(["POST", "GET"]));
    expect(answerHandshake(meta, ask, withToken, false)).toEqual({
      name: "subscribe",
      status: 200,
      headers: { "x-content-type-options": "nosniff", "content-type": "text/plain; charset=utf-8" },
      body: "1<b>",
    });
  });

  it.each([
    "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong",
    "hub.mode=subscribe&hub.challenge=1",
    "hub.mode=other&hub.challenge=1&hub.verify_token=letmein",
    "hub.mode=subscribe&hub.verify_token=letmein",
    `hub.mode=subscribe&hub.verify_token=letmein&hub.challenge=${"x".repeat(5000)}`,
  ])("is silent for %s", (query) => {
    expect(answerHandshake(meta, get(query), withToken, false)).toBeUndefined();
  });

  it("is silent when the source has no token: an empty one opens nothing", () => {
    const ask = get("hub.mode=subscribe&hub.challenge=1&hub.verify_token=");
    expect(answerHandshake(meta, ask, context("s"), false)).toBeUndefined();
    expect(answerHandshake(meta, ask, { ...context("s"), params: { verify_token: "" } }, false)).toBeUndefined();
  });

  it("answers an HMAC challenge with the source's first secret, only after verification", () => {
    const ask = request('{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}');
    expect(answerHandshake(zoom, ask, context("s"), false)).toBeUndefined();
    const reply = answerHandshake(zoom, ask, context("s", "old"), true);
    expect(JSON.parse(reply?.body ?? "")).toEqual({
      plainToken: "abc",
      encryptedToken: createHmac("sha256", "s").update("abc").digest("hex"),
      n: [1, true],
    });
    expect(answerHandshake(zoom, request('{"event":"endpoint.url_validation"}'), context("s"), true)).toBeUndefined();
    expect(
      answerHandshake(zoom, request('{"event":"meeting.started","payload":{"plainToken":"abc"}}'), context("s"), true),
    ).toBeUndefined();
  });

  it("hands over a secret that the request gives away, which does not print", () => {
    const reply = answerHandshake(asana, request("{}", { "x-hook-secret": "sesame" }), context(), false);
    expect(reply).toMatchObject({ status: 200, headers: { "x-hook-secret": "sesame" }, learned: { name: "hook" } });
    expect(reply?.learned?.value.reveal()).toBe("sesame");
    expect(JSON.stringify(reply?.learned)).not.toContain("sesame");
  });

  it("signs a challenge before verification only if a pattern confines it (Braintree)", () => {
    const braintree = recipeOf(`
provider: braintree
title: Braintree
params: { public_key: { description: k } }
verify: [{ scheme: hmac, header: s }]
handshake:
  - name: bt_challenge
    when: { method: GET, "query:bt_challenge": { matches: "[a-f0-9]{20,32}" } }
    auth: none
    reply: { text: "{param:public_key}|{hmac_sha256_hex(query:bt_challenge)}" }
`);
    const ctx = { ...context("s"), params: { public_key: "pub" } };
    const ask = (challenge: string) => answerHandshake(braintree, get(`bt_challenge=${challenge}`), ctx, false)?.body;
    const good = "0123456789abcdef0123";
    expect(ask(good)).toBe(`pub|${createHmac("sha256", "s").update(good).digest("hex")}`);
    for (const bad of ["", "1", `${good}%0A`, "%7B%22id%22%3A1%7D", "a".repeat(300)]) expect(ask(bad)).toBeUndefined();
  });

  it("confirms a subscription only at a listed host", () => {
    const sns = recipeOf(`
provider: sns
title: SNS
verify: [{ scheme: hmac, header: s }]
handshake:
  - name: confirm
    when: { "body:Type": SubscriptionConfirmation }
    fetch: { url: "body:SubscribeURL", hosts: ["sns.*.amazonaws.com"] }
    reply: {}
`);
    const ask = (SubscribeURL: string) => {
      const body = JSON.stringify({ Type: "SubscriptionConfirmation", SubscribeURL });
      return answerHandshake(sns, request(body), context("s"), true);
    };
    const url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription";
    expect(ask(url)).toMatchObject({ name: "confirm", status: 200, body: "", fetch: url });
    expect(ask("https://169.254.169.254/latest")).toBeUndefined();
    expect(ask("http://sns.eu-west-1.amazonaws.com/")).toBeUndefined();
  });

  it("never throws and never lets a value end a header", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (header, body) => {
        for (const recipe of [meta, zoom, asana]) {
          const reply = answerHandshake(
            recipe,
            request(body, { "x-hook-secret": header }, { query: body }),
            context("s"),
            false,
          );
          for (const value of Object.values(reply?.headers ?? {})) expect(value).toMatch(/^[\x20-\x7e]*$/);
        }
      }),
    );
  });
});

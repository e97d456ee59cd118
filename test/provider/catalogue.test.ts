/** Rows of other providers' public signature pages, written in the grammar: what each signs, computed by hand, verifies. */
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { verify } from "../../engine/provider/verify.ts";
import { context, NOW, readRecipe, recipeOf, request, shippedNames } from "./support.ts";

const body = '{"webhookTimestamp":1796083200000,"signature":{"timestamp":"1796083200","token":"t"},"x":"é"}';
const seconds = String(NOW / 1000);
const iso = "2026-12-01T00:00:00.000Z";
const httpDate = "Tue, 01 Dec 2026 00:00:00 GMT";
const hex = (message: string, secret = "s") => createHmac("sha256", secret).update(message).digest("hex");
const base64 = (message: string, secret = "s") => createHmac("sha256", secret).update(message).digest("base64");
const kv = (item: string, pick: string) => `parse: { kv: { item: "${item}", field: "=", pick: ${pick} } }`;

interface Row {
  readonly entry: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const rows: Readonly<Record<string, Row>> = {
  paddle: {
    entry: `{ scheme: hmac, signature: { from: "header:paddle-signature", ${kv(";", "h1")} }, message: "{timestamp}:{raw_body}", timestamp: { from: "part:ts", past: 5s } }`,
    headers: { "paddle-signature": `ts=${seconds};h1=${hex(`${seconds}:${body}`)};h1=${"0".repeat(64)}` },
  },
  workos: {
    entry: `{ scheme: hmac, signature: { from: "header:workos-signature", ${kv(",", "v1")} }, message: "{timestamp}.{raw_body}", timestamp: { from: "part:t", unit: ms, past: 3m } }`,
    headers: { "workos-signature": `t=${NOW}, v1=${hex(`${NOW}.${body}`)}` },
  },
  sanity: {
    entry: `{ scheme: hmac, signature: { from: "header:sanity-webhook-signature", ${kv(",", "v1")}, encoding: base64url }, message: "{timestamp}.{raw_body}", timestamp: { from: "part:t", unit: ms } }`,
    headers: {
      "sanity-webhook-signature": `t=${NOW},v1=${createHmac("sha256", "s").update(`${NOW}.${body}`).digest("base64url")}`,
    },
  },
  linear: {
    entry: `{ scheme: hmac, header: linear-signature, timestamp: { from: "body:webhookTimestamp", unit: ms, past: 1m, future: 1m } }`,
    headers: { "linear-signature": hex(body) },
  },
  mailgun: {
    entry: `{ scheme: hmac, signature: { from: "body:signature.signature" }, message: "{body:signature.timestamp}{body:signature.token}", timestamp: { from: "body:signature.timestamp" } }`,
    headers: {},
    body: JSON.stringify({
      signature: { timestamp: seconds, token: "t", signature: hex(`${seconds}t`) },
      "event-data": {},
    }),
  },
  box: {
    entry: `{ scheme: hmac, signature: { from: ["header:box-signature-primary", "header:box-signature-secondary"], encoding: base64 }, message: "{raw_body}{timestamp}", timestamp: { from: "header:box-delivery-timestamp", unit: iso8601, past: 10m, future: 0s }, require: { "header:box-signature-version": "1", "header:box-signature-algorithm": HmacSHA256 } }`,
    headers: {
      "box-delivery-timestamp": "2026-12-01T01:00:00+01:00",
      "box-signature-version": "1",
      "box-signature-algorithm": "HmacSHA256",
      "box-signature-primary": base64(`${body}x`, "other"),
      "box-signature-secondary": base64(`${body}2026-12-01T01:00:00+01:00`),
    },
  },
  zendesk: {
    entry: `{ scheme: hmac, signature: { from: "header:x-zendesk-webhook-signature", encoding: base64 }, message: "{timestamp}{raw_body}", timestamp: { from: "header:x-zendesk-webhook-signature-timestamp", unit: iso8601 } }`,
    headers: { "x-zendesk-webhook-signature": base64(iso + body), "x-zendesk-webhook-signature-timestamp": iso },
  },
  contentful: {
    entry: `{ scheme: hmac, header: x-contentful-signature, message: ["{method}\\n{target}\\n", { signed_headers: { list_from: "header:x-contentful-signed-headers", list_sep: ",", sep: ";", form: name_value, must_list: [X-Contentful-Timestamp] } }, "\\n{raw_body}"], timestamp: { from: "header:x-contentful-timestamp", unit: ms, past: 30s, future: 30s } }`,
    headers: {
      "x-contentful-timestamp": String(NOW),
      "x-contentful-signed-headers": "x-contentful-signed-headers,x-contentful-timestamp",
      "x-contentful-signature": hex(
        `POST\n/hooks/x\nx-contentful-signed-headers:x-contentful-signed-headers,x-contentful-timestamp;x-contentful-timestamp:${NOW}\n${body}`,
      ),
    },
  },
  trello: {
    entry: `{ scheme: hmac, algorithm: sha1, signature: { from: "header:x-trello-webhook", encoding: base64 }, message: "{raw_body}{url}" }`,
    headers: {
      "x-trello-webhook": createHmac("sha1", "s").update(`${body}https://h.example.com/hooks/x`).digest("base64"),
    },
  },
  elevenlabs: {
    entry: `{ scheme: hmac, signature: { from: "header:elevenlabs-signature", ${kv(",", "v0")} }, message: "{timestamp}.{raw_body}", timestamp: { from: "part:t", past: 30m } }`,
    headers: { "elevenlabs-signature": `t=${seconds},v0=${hex(`${seconds}.${body}`)}` },
  },
  retell: {
    entry: `{ scheme: hmac, signature: { from: "header:x-retell-signature", ${kv(",", "d")} }, message: "{raw_body}{timestamp}", timestamp: { from: "part:v", unit: ms } }`,
    headers: { "x-retell-signature": `v=${NOW},d=${hex(`${body}${NOW}`)}` },
  },
  metronome: {
    entry: `{ scheme: hmac, header: metronome-webhook-signature, message: "{header:date}\\n{raw_body}", timestamp: { from: "header:date", unit: http_date } }`,
    headers: { date: httpDate, "metronome-webhook-signature": hex(`${httpDate}\n${body}`) },
  },
  hookdeck: {
    entry: `{ scheme: hmac, signature: { from: ["header:x-hookdeck-signature", "header:x-hookdeck-signature-2"], encoding: base64 } }`,
    headers: { "x-hookdeck-signature": base64(body, "the old one"), "x-hookdeck-signature-2": base64(body) },
  },
  doppler: {
    entry: `{ scheme: hmac, header: x-doppler-signature, prefix: "sha256=" }`,
    headers: { "x-doppler-signature": `sha256=${hex(body)}` },
  },
  grafana: {
    entry: `{ scheme: hmac, header: x-grafana-alerting-signature }`,
    headers: { "x-grafana-alerting-signature": hex(body) },
  },
  airtable: {
    entry: `{ scheme: hmac, key: { encoding: base64 }, header: x-airtable-content-mac, prefix: "hmac-sha256=" }`,
    headers: {
      "x-airtable-content-mac": `hmac-sha256=${createHmac("sha256", Buffer.from("c2VjcmV0", "base64")).update(body).digest("hex")}`,
    },
  },
};

const secretOf = (name: string) => (name === "airtable" ? "c2VjcmV0" : "s");
const recipe = (entry: string) =>
  recipeOf(`{ provider: x, title: X, params: { url: { description: u } }, verify: [${entry}] }`);

describe("signature pages in the recipe grammar", () => {
  it.each(Object.entries(rows))("%s verifies, and not with a byte more or another secret", async (name, row) => {
    const by = recipe(row.entry);
    const ctx = { ...context(secretOf(name)), params: { url: "https://h.example.com/hooks/x" } };
    const signed = request(row.body ?? body, { ...row.headers });
    expect(await verify(by, signed, ctx)).toMatchObject({ ok: true });
    expect(await verify(by, signed, { ...ctx, secrets: context("b3RoZXI=").secrets })).toMatchObject({ ok: false });
    // Mailgun's signature covers no body: that is its design, and why its token must be remembered as the event's id.
    if (name === "mailgun") return;
    expect(await verify(by, { ...signed, body: Buffer.from(`${body} `) }, ctx)).toMatchObject({ ok: false });
  });

  it("a signed header list that leaves the timestamp out is refused, however well it is signed", async () => {
    const by = recipe(rows["contentful"]?.entry ?? "");
    const list = "x-contentful-signed-headers";
    const signature = hex(`POST\n/hooks/x\n${list}:${list}\n${body}`);
    const headers = { "x-contentful-timestamp": String(NOW), [list]: list, "x-contentful-signature": signature };
    expect(await verify(by, request(body, headers), context("s"))).toMatchObject({
      ok: false,
      reason: "header_missing",
    });
  });

  it("paypal signs a checksum of the body with the key of a certificate", async () => {
    const by = recipeOf(
      `{ provider: x, title: X, params: { webhook_id: { description: i } }, verify: [{ scheme: rsa, key_from: { cert_url: { from: "header:paypal-cert-url", hosts: [api.paypal.com] } }, signature: { from: "header:paypal-transmission-sig", encoding: base64 }, message: "{header:paypal-transmission-id}|{timestamp}|{param:webhook_id}|{crc32(raw_body)}", timestamp: { from: "header:paypal-transmission-time", unit: iso8601 }, require: { "header:paypal-auth-algo": SHA256withRSA } }] }`,
    );
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const message = `id-1|${iso}|WH-1|${crc32(body)}`;
    const headers = {
      "paypal-transmission-id": "id-1",
      "paypal-transmission-time": iso,
      "paypal-auth-algo": "SHA256withRSA",
      "paypal-cert-url": "https://api.paypal.com/cert",
      "paypal-transmission-sig": sign("sha256", Buffer.from(message), privateKey).toString("base64"),
    };
    const certificate = publicKey.export({ format: "pem", type: "spki" }).toString();
    expect(by.params.has("certificate")).toBe(true);
    const ctx = { ...context(), params: { webhook_id: "WH-1", certificate } };
    expect(await verify(by, request(body, headers), ctx)).toMatchObject({ ok: true });
    expect(await verify(by, request(`${body} `, headers), ctx)).toMatchObject({ ok: false });
    expect(
      await verify(by, request(body, headers), { ...ctx, params: { ...ctx.params, webhook_id: "WH-2" } }),
    ).toMatchObject({ ok: false });
  });
});

/** Those of the catalogue that sign nothing and send what their user has written: a source of one's own with `scheme: token`. */
const HOME_MADE = ["iterable", "braze"];
const NAMED =
  "standard-webhooks standard-webhooks-v1a svix stripe github gitlab gitlab-signed bitbucket shopify slack twilio sendgrid mailgun postmark " +
  "mandrill mailchimp customer.io segment hubspot-v1 hubspot-v2 hubspot-v3 salesforce intercom zendesk pipedrive typeform calendly paddle " +
  "chargebee recurly braintree square paypal adyen adyen-platform plaid discord meta zoom linear notion jira docusign dropbox box aws-sns " +
  "woocommerce lemon-squeezy clerk resend auth0 auth0-logs okta workos xero quickbooks pagerduty sentry vercel heroku circleci launchdarkly " +
  "asana trello monday airtable webflow telegram coinbase-commerce coinbase-cdp razorpay klaviyo iterable braze openai lithic dodopayments " +
  "liveblocks polar mux sanity gocardless onfido modern-treasury easypost line livekit messagebird contentful cal-com attio";

/** One type for all there is, or types that name the object and not what became of it: nothing in them says which came first. */
const UNRANKED = new Set(["airtable", "meta", "salesforce", "telegram"]);

describe("the catalogue", () => {
  it("has a recipe for every provider in it that sends a form of its own", () => {
    const missing = NAMED.split(" ").filter((name) => !shippedNames.includes(name));
    expect(missing).toEqual(HOME_MADE);
  });

  it.each(shippedNames)(
    "%s has a sample, ranks of its types, a source for each fact, and says how it delivers",
    (name) => {
      const { samples = [], docs = [], confidence, delivery, events } = readRecipe(name);
      expect(samples.length).toBeGreaterThan(0);
      expect(docs.every(({ url, about }) => url.startsWith("https://") && about.length > 3)).toBe(true);
      expect(confidence).toMatchObject({ signature: expect.any(String), delivery: expect.any(String) });
      expect(delivery?.ordering).toBeDefined();
      // Where the id is a hash alone, `dedupe: { hash_window }` of the source counts.
      if (events?.id !== undefined && events.id !== "hash") expect(delivery?.dedupe_window).toBeDefined();
      // Where a clock orders the events, ranks decide what it can not.
      if (events?.time !== undefined) expect((events.ranks?.length ?? 0) > 0).toBe(!UNRANKED.has(name));
    },
  );
});

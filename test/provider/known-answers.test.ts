/**
 * Shipped recipes whose provider has no SDK that verifies: requests signed by hand with the formula of the provider's
 * page, written here a second time and without our engine, are let in; the same with one byte changed are not.
 */
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { answerHandshake } from "../../engine/provider/handshake.ts";
import { identify } from "../../engine/provider/identify.ts";
import { parsePayload } from "../../engine/provider/parse.ts";
import { verify } from "../../engine/provider/verify.ts";
import { context, NOW, request, shipped, shippedNames } from "./support.ts";

const secret = "topsecret";
const body = '{"id":"evt_1","name":"Zoë 😀","n":1.50}';
const s = String(NOW / 1000);
const ms = String(NOW);
const iso = "2026-12-01T00:00:00Z";
const KEY = Buffer.from("0123456789abcdef0123456789abcdef");

type Encoding = "hex" | "base64";
const hmac = (text: string, encoding: Encoding = "hex", algorithm = "sha256", key: string | Buffer = secret) =>
  createHmac(algorithm, key).update(text).digest(encoding);

interface Known {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly secret?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  /** Nothing covers the body: only a wrong secret is refused. */
  readonly unsigned?: true;
}

const airtableBody = JSON.stringify({ base: { id: "appX" }, webhook: { id: "achX" }, timestamp: iso });
const url = "https://hooks.example.com/hooks/trello";

const mailgunBody = JSON.stringify({
  signature: { timestamp: s, token: "t0ken", signature: hmac(`${s}t0ken`) },
  "event-data": { id: "e1", event: "opened" },
});
const mandrillBody = `mandrill_events=${encodeURIComponent('[{"event":"open","_id":"1","ts":1}]')}`;
const paypalKey = generateKeyPairSync("rsa", { modulusLength: 2048 });
const paypalText = `tr-1|${iso}|WH-1|${crc32(body)}`;
const jwtPart = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const mondayToken = `${jwtPart({ alg: "HS256", typ: "JWT" })}.${jwtPart({ iat: NOW / 1000, exp: NOW / 1000 + 60 })}`;

const soapBody = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>00D000000000001AAA</OrganizationId><ActionId>04k000000000001AAA</ActionId><SessionId xsi:nil="true"/>
  <Notification><Id>04l000000000001AAA</Id>
   <sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>003000000000001AAA</sf:Id><sf:Email>ada@example.com</sf:Email></sObject>
  </Notification>
 </notifications></soapenv:Body>
</soapenv:Envelope>`;

const known: Readonly<Record<string, Known>> = {
  airtable: {
    body: airtableBody,
    secret: KEY.toString("base64"),
    headers: { "x-airtable-content-mac": `hmac-sha256=${hmac(airtableBody, "hex", "sha256", KEY)}` },
  },
  attio: { headers: { "attio-signature": hmac(body) } },
  auth0: { headers: { authorization: `Bearer ${secret}` }, unsigned: true },
  "auth0-logs": { headers: { authorization: secret }, unsigned: true },
  bitbucket: { headers: { "x-hub-signature": `sha256=${hmac(body)}` } },
  "cal-com": { headers: { "x-cal-signature-256": hmac(body) } },
  calendly: { headers: { "calendly-webhook-signature": `t=${s},v1=${hmac(`${s}.${body}`)}` } },
  circleci: { headers: { "circleci-signature": `v1=${hmac(body)}` } },
  "customer.io": { headers: { "x-cio-signature": hmac(`v0:${s}:${body}`), "x-cio-timestamp": s } },
  docusign: {
    headers: { "x-docusign-signature-1": hmac("another key's"), "x-docusign-signature-2": hmac(body, "base64") },
  },
  dropbox: { headers: { "x-dropbox-signature": hmac(body) } },
  gitlab: { headers: { "x-gitlab-token": secret }, unsigned: true },
  "gitlab-signed": {
    secret: `whsec_${KEY.toString("base64")}`,
    headers: {
      "webhook-id": "msg_1",
      "webhook-timestamp": s,
      "webhook-signature": `v1,${hmac(`msg_1.${s}.${body}`, "base64", "sha256", KEY)}`,
    },
  },
  heroku: { headers: { "heroku-webhook-hmac-sha256": hmac(body, "base64") } },
  intercom: { headers: { "x-hub-signature": `sha1=${hmac(body, "hex", "sha1")}` } },
  jira: { headers: { "x-hub-signature": `sha256=${hmac(body)}` } },
  klaviyo: { headers: { "klaviyo-signature": hmac(body + iso), "klaviyo-timestamp": iso } },
  launchdarkly: { headers: { "x-ld-signature": hmac(body) } },
  "lemon-squeezy": { headers: { "x-signature": hmac(body) } },
  mailchimp: {
    body: "type=subscribe&fired_at=2026-12-01+00%3A00%3A00&data%5Bemail%5D=ada%40example.com",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    query: `secret=${secret}`,
    unsigned: true,
  },
  mailgun: { body: mailgunBody, headers: {}, unsigned: true },
  mandrill: {
    body: mandrillBody,
    params: { url },
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-mandrill-signature": hmac(`${url}mandrill_events[{"event":"open","_id":"1","ts":1}]`, "base64", "sha1"),
    },
  },
  meta: { headers: { "x-hub-signature-256": `sha256=${hmac(body)}` }, params: { verify_token: "v" } },
  monday: {
    headers: {
      authorization: `${mondayToken}.${createHmac("sha256", secret).update(mondayToken).digest("base64url")}`,
    },
    unsigned: true,
  },
  okta: { headers: { authorization: secret }, unsigned: true },
  pagerduty: { headers: { "x-pagerduty-signature": `v1=${"0".repeat(64)},v1=${hmac(body)}` } },
  pipedrive: {
    secret: "hooks:topsecret",
    headers: { authorization: `Basic ${Buffer.from("hooks:topsecret").toString("base64")}` },
    unsigned: true,
  },
  postmark: {
    secret: "hooks:topsecret",
    headers: { authorization: `Basic ${Buffer.from("hooks:topsecret").toString("base64")}` },
    unsigned: true,
  },
  quickbooks: { headers: { "intuit-signature": hmac(body, "base64") } },
  recurly: { headers: { "recurly-signature": `${ms},${"0".repeat(64)},${hmac(`${ms}.${body}`)}` } },
  salesforce: {
    body: soapBody,
    headers: { "content-type": "text/xml; charset=utf-8" },
    params: { organization_id: "00D000000000001AAA" },
    query: `secret=${secret}`,
    unsigned: true,
  },
  segment: { headers: { "x-signature": hmac(body, "hex", "sha1") } },
  sentry: { headers: { "sentry-hook-signature": hmac(body) } },
  statsig: {
    headers: {
      "x-statsig-request-timestamp": String(NOW),
      "x-statsig-signature": `v0=${hmac(`v0:${NOW}:${body}`)}`,
    },
  },
  telegram: { headers: { "x-telegram-bot-api-secret-token": secret }, unsigned: true },
  trello: { headers: { "x-trello-webhook": hmac(body + url, "base64", "sha1") }, params: { url } },
  typeform: { headers: { "typeform-signature": `sha256=${hmac(body, "base64")}` } },
  vercel: { headers: { "x-vercel-signature": hmac(body, "hex", "sha1") } },
  woocommerce: { headers: { "x-wc-webhook-signature": hmac(body, "base64") } },
  xero: { headers: { "x-xero-signature": hmac(body, "base64") } },
  zendesk: {
    headers: {
      "x-zendesk-webhook-signature": hmac(iso + body, "base64"),
      "x-zendesk-webhook-signature-timestamp": iso,
    },
  },
  zoom: { headers: { "x-zm-signature": `v0=${hmac(`v0:${s}:${body}`)}`, "x-zm-request-timestamp": s } },
};

it("paypal lets in what the key of its certificate signs: id, time, webhook and checksum, and nothing else", async () => {
  const headers = {
    "paypal-transmission-id": "tr-1",
    "paypal-transmission-time": iso,
    "paypal-auth-algo": "SHA256withRSA",
    "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
    "paypal-transmission-sig": sign("sha256", Buffer.from(paypalText), paypalKey.privateKey).toString("base64"),
  };
  const certificate = paypalKey.publicKey.export({ format: "pem", type: "spki" }).toString();
  const judge = (text: string, webhook = "WH-1", more = {}) =>
    verify(shipped("paypal"), request(text, { ...headers, ...more }), {
      ...context(),
      params: { webhook_id: webhook, certificate },
    });
  expect(await judge(body)).toMatchObject({ ok: true });
  expect(await judge(`${body} `)).toMatchObject({ ok: false, reason: "signature_mismatch" });
  expect(await judge(body, "WH-2")).toMatchObject({ ok: false, reason: "signature_mismatch" });
  expect(await judge(body, "WH-1", { "paypal-auth-algo": "none" })).toMatchObject({ ok: false });
});

it("asana lets in what the secret of the handshake signs", async () => {
  const headers = { "x-hook-signature": hmac(body, "hex", "sha256", "learned") };
  const judge = (text: string, learned: string | undefined) =>
    verify(shipped("asana"), request(text, headers), { ...context(), fetchKey: async () => learned });
  expect(await judge(body, "learned")).toMatchObject({ ok: true });
  expect(await judge(`${body} `, "learned")).toMatchObject({ ok: false });
  expect(await judge(body, undefined)).toMatchObject({ ok: false });
  const asked = request("", { "x-hook-secret": "learned" });
  expect(answerHandshake(shipped("asana"), asked, context(), false)).toMatchObject({
    status: 200,
    headers: { "x-hook-secret": "learned" },
    learned: { name: "hook_secret" },
  });
});

const withSdk = readdirSync(join(import.meta.dirname, "vectors")).map((file) => file.replace(".ndjson", ""));
/** Proved by tests of their own: above, in catalogue.test.ts and in fetched-keys.test.ts. */
const elsewhere = new Set(["standard-webhooks-v1a", "asana", "paypal", "aws-sns", "plaid"]);

describe("shipped recipes without an SDK", () => {
  it("are each known here or judged by an SDK", () => {
    const proved = new Set([...withSdk, ...Object.keys(known), ...elsewhere]);
    expect(shippedNames.filter((name) => !proved.has(name))).toEqual([]);
  });

  it.each(Object.entries(known))("%s lets in what its formula signs, and nothing else", async (name, one) => {
    const recipe = shipped(name);
    const text = one.body ?? body;
    const judge = (what: string, key = one.secret ?? secret) =>
      verify(recipe, request(what, one.headers, { query: one.query ?? "" }), {
        ...context(key),
        params: one.params ?? {},
      });
    expect(await judge(text)).toMatchObject({ ok: true });
    const other = one.secret === undefined ? "topsecreT" : otherSecret(one.secret);
    expect(await judge(text, other)).toMatchObject({ ok: false, reason: "signature_mismatch" });
    const changed = one.unsigned === true ? undefined : await judge(`${text} `);
    expect(changed).toEqual(one.unsigned === true ? undefined : expect.objectContaining({ ok: false }));
  });
});

/** Of the same form: one letter of it is another. */
function otherSecret(text: string): string {
  const at = text.length - 4;
  return text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
}

it("salesforce's message is one event, of the object it is about; another organization's is refused", async () => {
  const recipe = shipped("salesforce");
  const sent = (text: string) =>
    request(text, { "content-type": "text/xml; charset=utf-8" }, { query: `secret=${secret}` });
  const params = { organization_id: "00D000000000001AAA" };
  expect(
    await verify(recipe, sent(soapBody.replace("00D000000000001AAA", "00D000000000002AAA")), {
      ...context(secret),
      params,
    }),
  ).toMatchObject({
    ok: false,
    reason: "required_value_mismatch",
  });
  expect(identify(recipe, sent(soapBody), { maxItems: 100 })).toMatchObject({
    events: [{ id: "04l000000000001AAA", type: "sf:Contact" }],
  });
  const stored = { contentType: "text/xml", body: Buffer.from(soapBody), itemIndex: 0 };
  expect(parsePayload(recipe, stored)).toMatchObject({
    value: { sObject: { Id: "003000000000001AAA", Email: "ada@example.com" } },
  });
});

it("mailchimp's contact comes as a form: its type, the time of UTC, and the same id when it comes again", () => {
  const recipe = shipped("mailchimp");
  const sent = request(known["mailchimp"]?.body ?? "", known["mailchimp"]?.headers ?? {});
  const found = identify(recipe, sent, { maxItems: 100 });
  expect(found).toMatchObject({ events: [{ type: "subscribe", occurredAt: NOW, idKind: "composite" }] });
  expect(identify(recipe, sent, { maxItems: 100 })).toEqual(found);
});

describe("handshakes of shipped recipes", () => {
  const bodyOf = (value: object) => JSON.stringify(value);

  it("statsig's URL validation is answered with its code, unsigned, and nothing else unsigned is", () => {
    const asked = request(bodyOf({ data: { event: "url_verification", verification_code: "c0de" } }));
    expect(JSON.parse(answerHandshake(shipped("statsig"), asked, context(secret), false)?.body ?? "")).toEqual({
      verification_code: "c0de",
    });
    const event = request(bodyOf({ data: [{ eventName: "url_verification" }] }));
    expect(answerHandshake(shipped("statsig"), event, context(secret), false)).toBeUndefined();
  });

  it("zoom's URL validation is answered with the token and its HMAC, once it is verified", () => {
    const asked = request(
      bodyOf({ event: "endpoint.url_validation", payload: { plainToken: "qgg8vlvZRS6UYooatFL8Aw" } }),
    );
    expect(answerHandshake(shipped("zoom"), asked, context(secret), false)).toBeUndefined();
    const reply = answerHandshake(shipped("zoom"), asked, context(secret), true);
    expect(JSON.parse(reply?.body ?? "")).toEqual({
      plainToken: "qgg8vlvZRS6UYooatFL8Aw",
      encryptedToken: hmac("qgg8vlvZRS6UYooatFL8Aw"),
    });
  });

  it("meta's subscription is answered to who knows the verify token", () => {
    const ask = (token: string) =>
      request(
        "",
        {},
        { method: "GET", query: `hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${token}` },
      );
    const params = { verify_token: "given" };
    const answer = (token: string) =>
      answerHandshake(shipped("meta"), ask(token), { ...context(secret), params }, false);
    expect(answer("given")).toMatchObject({ status: 200, body: "1158201444" });
    expect(answer("guessed")).toBeUndefined();
  });

  it("dropbox's challenge is echoed as plain text that no browser takes for a page", () => {
    const asked = request("", {}, { method: "GET", query: "challenge=abc123" });
    expect(answerHandshake(shipped("dropbox"), asked, context(secret), false)).toMatchObject({
      status: 200,
      body: "abc123",
      headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
    });
  });

  it("okta's challenge is given back once the header is verified", () => {
    const asked = request("", { authorization: secret, "x-okta-verification-challenge": "xyz" }, { method: "GET" });
    const reply = answerHandshake(shipped("okta"), asked, context(secret), true);
    expect(JSON.parse(reply?.body ?? "")).toEqual({ verification: "xyz" });
  });

  it("discord's pings are answered, and events are not", () => {
    const discord = shipped("discord");
    const asked = (value: object) => answerHandshake(discord, request(bodyOf(value)), context(secret), true);
    expect(asked({ version: 1, type: 0 })).toMatchObject({ status: 204, body: "" });
    expect(JSON.parse(asked({ version: 1, type: 1 })?.body ?? "")).toEqual({ type: 1 });
    expect(asked({ version: 1, type: 1, event: "x" })).toBeUndefined();
    // An object has no text of its own; taken for absent, every event would be answered as a ping and lost.
    expect(asked({ version: 1, type: 1, event: { type: "ENTITLEMENT_CREATE" } })).toBeUndefined();
    expect(asked({ version: 1, type: 1, event: null })).toBeDefined();
  });

  it("notion's verification token is learned from the first, unsigned request", () => {
    const reply = answerHandshake(
      shipped("notion"),
      request(bodyOf({ verification_token: "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl" })),
      context(),
      false,
    );
    expect(reply).toMatchObject({ status: 200, learned: { name: "verification_token" } });
    expect(JSON.stringify(reply)).not.toContain("secret_tMrl");
  });

  it("trello's HEAD is answered", () => {
    expect(answerHandshake(shipped("trello"), request("", {}, { method: "HEAD" }), context(), false)).toMatchObject({
      status: 200,
      body: "",
    });
  });
});

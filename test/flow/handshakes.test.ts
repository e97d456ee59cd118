/** Handshakes, fetched keys and demanded replies over real HTTP, from the socket to the store and back. */
import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { createVirtualClock, systemClock } from "../../engine/core/clock.ts";
import { createCountingIds } from "../../engine/core/ids.ts";
import { silentLog } from "../../engine/core/log.ts";
import { ingest, notFound } from "../../engine/flow/ingest.ts";
import { createProviderCalls } from "../../engine/flow/keys.ts";
import { createLearnedSecrets, judgeSecret } from "../../engine/flow/learned.ts";
import { silentObserver } from "../../engine/flow/observer.ts";
import { createRoutes } from "../../engine/flow/routes.ts";
import { createHooksListener } from "../../engine/http/app.ts";
import { createRequestIds, type Listener } from "../../engine/http/server.ts";
import type { HttpAnswer, SinkHttp } from "../../engine/plugin/index.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { Store } from "../../engine/store/store.ts";
import { revisionOf } from "../support/revision.ts";

const NOW = Date.UTC(2026, 11, 1);
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders";
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const SOURCES = `
sources:
  slack: { provider: slack, path: /slack, secrets: [topsecret] }
  zoom: { provider: zoom, path: /zoom, secrets: [topsecret] }
  meta: { provider: meta, path: /meta, secrets: [topsecret], params: { verify_token: opensesame } }
  dropbox: { provider: dropbox, path: /dropbox, secrets: [topsecret] }
  okta: { provider: okta, path: /okta, secrets: [topsecret] }
  notion: { provider: notion, path: /notion }
  adyen: { provider: adyen, path: /adyen, secrets: ["${"44".repeat(32)}"] }
  braintree: { provider: braintree, path: /braintree, secrets: [private], params: { public_key: pub } }
  sns: { provider: aws-sns, path: /sns, params: { topic_arn: "${TOPIC}" } }
  mailchimp: { provider: mailchimp, path: /mailchimp, secrets: [topsecret] }
  salesforce: { provider: salesforce, path: /salesforce, secrets: [topsecret], params: { organization_id: 00D1 } }
  crc:
    path: /crc
    secrets: [topsecret]
    signature: { scheme: hmac, header: x-twitter-webhooks-signature, prefix: "sha256=", encoding: base64 }
    handshake: [{ name: crc, when: { method: GET, "query:crc_token": { matches: "[A-Za-z0-9-]{1,64}" } }, auth: none, reply: { json: { response_token: "sha256={hmac_sha256_base64(query:crc_token)}" } } }]
  asana:
    path: /asana
    signature: { scheme: hmac, header: x-hook-signature, key_from: { handshake_store: hook_secret } }
    items: events
    type: body:action
    handshake:
      - { name: hook_secret, when: { "header:x-hook-secret": { exists: true } }, auth: none, reply: { headers: { x-hook-secret: "{header:x-hook-secret}" } }, store: { name: hook_secret, secret: header:x-hook-secret } }
  monday:
    path: /monday
    secrets: [topsecret]
    signature: { scheme: token, header: authorization }
    type: body:type
    handshake: [{ name: challenge, when: { "body:challenge": { exists: true } }, auth: none, reply: { json: { challenge: "{body:challenge}" } } }]
  xero:
    path: /xero
    secrets: [topsecret]
    signature: { scheme: hmac, header: x-xero-signature, encoding: base64 }
    items: events
    type: body:eventType
    ack: { status: 200, body: "", refused_body: "" }
`;

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A listener on a real port, a real store, and providers that answer as told. */
async function start(answer: (url: string) => HttpAnswer | Promise<HttpAnswer> = () => unreachable) {
  const revision = await revisionOf({
    "config.yaml": `teams: { ops: {} }\nentities: { thing: { attributes: { name: { type: string, owner: ops } } } }\nconnections: { out: { sink: file, path: ./out.ndjson } }${SOURCES}`,
  });
  const clock = createVirtualClock(NOW);
  const store: Store = await openSqliteStore({ path: ":memory:", clock, thread: false });
  closing.push(() => store.close());
  const asked: string[] = [];
  const http: Pick<SinkHttp, "request"> = {
    request: async ({ url }) => {
      asked.push(url);
      return answer(url);
    },
  };
  const routes = createRoutes(revision);
  const learnedNow: string[] = [];
  const learned = createLearnedSecrets({ store, clock, onNew: ({ fingerprint }) => learnedNow.push(fingerprint) });
  const deps = {
    routes,
    store,
    clock,
    ids: createCountingIds(),
    observer: silentObserver,
    admission: { count: () => undefined },
    calls: createProviderCalls({ http, clock }),
    learned,
  };
  const listener: Listener = createHooksListener({
    intake: {
      limitFor: (path) => (routes.source(path) === undefined ? undefined : { maxBytes: 65_536, codings: new Set() }),
      admit: () => undefined,
      ingest: (request) => {
        const source = routes.source(request.path);
        return source === undefined ? notFound : ingest({ ...request, receivedAt: clock.now() }, { ...deps, source });
      },
    },
    clock: systemClock,
    log: silentLog,
    requestId: createRequestIds("t"),
    limits: {},
  });
  closing.push(() => listener.close(0));
  const base = await listener.listen({ host: "127.0.0.1", port: 0 });
  const send = async (path: string, { method = "POST", headers = {}, body }: Sent = {}) => {
    const sent = body === undefined ? {} : { body };
    const answered = await fetch(`${base}${path}`, { method, headers, redirect: "manual", ...sent });
    return { status: answered.status, headers: answered.headers, text: await answered.text() };
  };
  const judge = (source: string, secret: string, verb: "accept" | "discard" | "show") =>
    judgeSecret({ source, secret, verb }, { store, clock }, { actor: "ada", reason: "test" });
  return { send, store, clock, asked, learnedNow, judge };
}

const unreachable: HttpAnswer = { ok: false, sent: false, reason: "connect", detail: "refused" };
const said = (status: number, body = ""): HttpAnswer => ({ ok: true, status, headers: {}, body, truncated: false });
const hmac = (text: string, encoding: "hex" | "base64" = "hex", key = "topsecret") =>
  createHmac("sha256", key).update(text).digest(encoding);
const events = async (store: Store) => (await store.counts()).events;

describe("challenges", () => {
  it("slack: the signed challenge is echoed, an unsigned one is refused, neither is stored", async () => {
    const { send, store } = await start();
    const body = JSON.stringify({ type: "url_verification", challenge: "c1" });
    const ts = String(NOW / 1000);
    const headers = { "x-slack-request-timestamp": ts, "x-slack-signature": `v0=${hmac(`v0:${ts}:${body}`)}` };
    const good = await send("/slack", { body, headers });
    expect([good.status, JSON.parse(good.text)]).toEqual([200, { challenge: "c1" }]);
    expect((await send("/slack", { body })).status).toBe(401);
    expect(await events(store)).toBe(0);
  });

  it("zoom: the plain token comes back with its HMAC", async () => {
    const { send } = await start();
    const body = JSON.stringify({ event: "endpoint.url_validation", payload: { plainToken: "abc123" } });
    const ts = String(NOW / 1000);
    const headers = { "x-zm-request-timestamp": ts, "x-zm-signature": `v0=${hmac(`v0:${ts}:${body}`)}` };
    const good = await send("/zoom", { body, headers });
    expect(JSON.parse(good.text)).toEqual({ plainToken: "abc123", encryptedToken: hmac("abc123") });
  });

  it("meta: the challenge is echoed to whoever knows the verify token", async () => {
    const { send } = await start();
    const ask = (token: string) =>
      send(`/meta?hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=1158201444`, { method: "GET" });
    const good = await ask("opensesame");
    expect([good.status, good.text, good.headers.get("x-content-type-options")]).toEqual([
      200,
      "1158201444",
      "nosniff",
    ]);
    expect((await ask("guess")).status).toBe(401);
  });

  it("dropbox, okta, monday, braintree: each in its own way", async () => {
    const { send } = await start();
    expect((await send("/dropbox?challenge=abc", { method: "GET" })).text).toBe("abc");
    const headers = { authorization: "topsecret", "x-okta-verification-challenge": "v1" };
    expect(JSON.parse((await send("/okta", { method: "GET", headers })).text)).toEqual({ verification: "v1" });
    const body = JSON.stringify({ challenge: "m1" });
    const type = { "content-type": "application/json" };
    expect((await send("/monday", { body, headers: type })).text).toBe(body);
    const challenge = "20f9f8ed05f77439fe955c977e4c8a53";
    const key = createHash("sha1").update("private").digest();
    const answered = (await send(`/braintree?bt_challenge=${challenge}`, { method: "GET" })).text;
    expect(answered).toBe(`pub|${createHmac("sha1", key).update(challenge).digest("hex")}`);
    expect((await send("/braintree?bt_challenge=bt_payload%3Dforged", { method: "GET" })).status).toBe(401);
  });
});

describe("demanded replies", () => {
  it("adyen hears [accepted]", async () => {
    const { send, store } = await start();
    const item = {
      pspReference: "1",
      merchantAccountCode: "m",
      merchantReference: "r",
      amount: { value: 1130, currency: "EUR" },
      eventCode: "AUTHORISATION",
      success: "true",
    };
    const hmacSignature = createHmac("sha256", Buffer.from("44".repeat(32), "hex"))
      .update("1::m:r:1130:EUR:AUTHORISATION:true")
      .digest("base64");
    const body = (more: object) =>
      JSON.stringify({
        notificationItems: [{ NotificationRequestItem: { ...item, ...more, additionalData: { hmacSignature } } }],
      });
    const good = await send("/adyen", { body: body({}) });
    expect([good.status, good.text]).toEqual([200, "[accepted]"]);
    expect(await events(store)).toBe(1);
    expect((await send("/adyen", { body: body({ success: "false" }) })).status).toBe(401);
  });

  it("xero's intent to receive: 200 for a good signature, 401 for a bad one, and no body for either", async () => {
    const { send, store } = await start();
    const body = '{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4nd0mt3xt"}';
    const ask = (signature: string) => send("/xero", { body, headers: { "x-xero-signature": signature } });
    const good = await ask(hmac(body, "base64"));
    const bad = await ask(hmac(`${body} `, "base64"));
    expect([good.status, good.text, bad.status, bad.text]).toEqual([200, "", 401, ""]);
    expect(await events(store)).toBe(0);
  });
});

describe("secrets in the URL, and answers in the provider's form", () => {
  it("mailchimp: the URL answers a GET to anyone, and takes events only with the secret", async () => {
    const { send, store } = await start();
    expect((await send("/mailchimp", { method: "GET" })).status).toBe(200);
    const post = (query: string) =>
      send(`/mailchimp${query}`, {
        body: "type=profile&fired_at=2026-12-01+00%3A00%3A00&data%5Bemail%5D=ada%40example.com",
        headers: { "content-type": "application/x-www-form-urlencoded" },
      });
    expect((await post("")).status).toBe(401);
    expect((await post("?secret=guessed")).status).toBe(401);
    expect(await events(store)).toBe(0);
    expect([(await post("?secret=topsecret")).status, (await post("?secret=topsecret")).status]).toEqual([202, 200]);
    expect(await events(store)).toBe(1);
  });

  it("salesforce: each message is acknowledged in SOAP, also when it comes again", async () => {
    const { send, store } = await start();
    const note = (id: string) =>
      `<Notification><Id>${id}</Id><sObject xsi:type="sf:Lead"><Id>00Q1</Id></sObject></Notification>`;
    const soap = (org: string, ...ids: string[]) =>
      `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body><notifications><OrganizationId>${org}</OrganizationId>${ids.map(note).join("")}</notifications></e:Body></e:Envelope>`;
    const post = (body: string, secret = "topsecret") =>
      send(`/salesforce?secret=${secret}`, { body, headers: { "content-type": "text/xml; charset=utf-8" } });
    for (let time = 0; time < 2; time++) {
      const answer = await post(soap("00D1", "04l1", "04l2"));
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/xml"]);
      expect(answer.text).toContain("<Ack>true</Ack>");
    }
    expect(await events(store)).toBe(2);
    expect((await post(soap("00D1", "04l3"))).status).toBe(200);
    expect(await events(store)).toBe(3);
    for (const refused of [await post(soap("00D2", "04l4")), await post(soap("00D1", "04l4"), "guessed")]) {
      expect(refused.status).toBe(401);
      expect(refused.text).not.toContain("Ack");
    }
  });

  it("an HMAC of a token in the query, as X asks for it", async () => {
    const { send, store } = await start();
    const answer = await send("/crc?crc_token=challenge-1", { method: "GET" });
    expect(JSON.parse(answer.text)).toEqual({ response_token: `sha256=${hmac("challenge-1", "base64")}` });
    expect(await events(store)).toBe(0);
  });
});

describe("secrets told in a handshake", () => {
  const body = '{"events":[{"action":"changed"}]}';
  const asana = (key: string) => ({ body, headers: { "x-hook-signature": hmac(body, "hex", key) } });
  const tell = (key: string) => ({ body: "{}", headers: { "x-hook-secret": key } });

  it("asana: the secret is echoed, and verifies nothing until a person has accepted it", async () => {
    const { send, store, judge, learnedNow } = await start();
    const hello = await send("/asana", tell("s3cret-of-asana"));
    expect([hello.status, hello.headers.get("x-hook-secret")]).toEqual([200, "s3cret-of-asana"]);
    expect((await send("/asana", asana("s3cret-of-asana"))).status).toBe(401);
    await judge("asana", learnedNow[0] ?? "", "accept");
    expect((await send("/asana", asana("s3cret-of-asana"))).status).toBe(202);
    // Two webhooks of one source have a secret each.
    await send("/asana", tell("s3cret-of-another"));
    expect((await send("/asana", asana("s3cret-of-another"))).status).toBe(401);
    await judge("asana", learnedNow[1] ?? "", "accept");
    expect((await send("/asana", { ...asana("s3cret-of-another") })).status).toBe(200);
    await judge("asana", learnedNow[0] ?? "", "discard");
    expect((await send("/asana", asana("s3cret-of-asana"))).status).toBe(401);
    expect((await store.audit(10)).map(({ action, actor }) => `${actor} ${action}`).sort()).toEqual([
      "ada secret.accept",
      "ada secret.accept",
      "ada secret.discard",
    ]);
    expect(JSON.stringify(await store.audit(10))).not.toContain("s3cret");
  });

  it("strangers can neither fill the store nor push out a secret that waits", async () => {
    const { send, store } = await start();
    const statuses = [];
    for (let n = 0; n < 12; n++) statuses.push((await send("/asana", tell(`stranger-${n}`))).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(8);
    expect(statuses.slice(8)).toEqual([401, 401, 401, 401]);
    expect((await send("/asana", tell("stranger-0"))).status).toBe(200);
    expect(await store.learnedSecrets("asana")).toHaveLength(8);
  });

  it("notion: the token is shown to the operator who asks for it, and then verifies", async () => {
    const { send, store, judge, learnedNow } = await start();
    const told = await send("/notion", { body: JSON.stringify({ verification_token: "secret_abc" }) });
    expect(told.status).toBe(200);
    expect(await judge("notion", learnedNow[0]?.slice(0, 6) ?? "", "show")).toMatchObject({ value: "secret_abc" });
    await judge("notion", learnedNow[0] ?? "", "accept");
    const event = JSON.stringify({
      id: "e1",
      type: "page.created",
      timestamp: "2026-12-01T00:00:00Z",
      entity: { id: "p" },
    });
    const headers = { "x-notion-signature": `sha256=${hmac(event, "hex", "secret_abc")}` };
    expect((await send("/notion", { body: event, headers })).status).toBe(202);
    expect((await store.audit(10)).map(({ action }) => action).sort()).toEqual(["secret.accept", "secret.show"]);
    await expect(judge("notion", "ffff", "show")).rejects.toMatchObject({ code: "HK8090" });
  });
});

describe("keys that are fetched", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  const message = (more: Record<string, string>) => {
    const fields: Record<string, string> = {
      Message: "hi",
      MessageId: "m1",
      Timestamp: new Date(NOW).toISOString(),
      TopicArn: TOPIC,
      Type: "Notification",
      SignatureVersion: "2",
      SigningCertURL: "https://sns.eu-west-1.amazonaws.com/a.pem",
      ...more,
    };
    const names =
      fields["Type"] === "Notification"
        ? ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
        : ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
    const text = names.map((name) => `${name}\n${fields[name]}\n`).join("");
    return {
      body: JSON.stringify({ ...fields, Signature: sign("sha256", Buffer.from(text), privateKey).toString("base64") }),
    };
  };
  const SubscribeURL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t";
  const confirmation = message({ Type: "SubscriptionConfirmation", SubscribeURL, Token: "t" });

  it("a certificate is fetched once, also for many requests at a time", async () => {
    const { send, asked } = await start(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return said(200, pem);
    });
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => (await send("/sns", message({ MessageId: `m${n}` }))).status),
    );
    expect(new Set(statuses)).toEqual(new Set([202]));
    expect(asked).toEqual(["https://sns.eu-west-1.amazonaws.com/a.pem"]);
  });

  it("asks to come again when the certificate can't be had now, and stores nothing", async () => {
    let answer: HttpAnswer = unreachable;
    const { send, store, clock, asked } = await start(() => answer);
    const first = await send("/sns", message({}));
    expect([first.status, first.headers.get("retry-after")]).toEqual([503, "5"]);
    // Not asked again at once: the same failure serves for a few seconds.
    expect((await send("/sns", message({}))).status).toBe(503);
    expect(asked).toHaveLength(1);
    expect(await events(store)).toBe(0);
    answer = said(200, pem);
    clock.set(NOW + 6_000);
    expect((await send("/sns", message({}))).status).toBe(202);
  });

  it("what is no certificate, or from no listed host, is a 401 and never a 503", async () => {
    const { send, asked } = await start((url) => (url.includes("none") ? said(404) : said(200, "<html>")));
    expect(
      (await send("/sns", message({ SigningCertURL: "https://sns.eu-west-1.amazonaws.com/none.pem" }))).status,
    ).toBe(401);
    expect((await send("/sns", message({}))).status).toBe(401);
    expect((await send("/sns", message({ SigningCertURL: "https://example.com/a.pem" }))).status).toBe(401);
    expect((await send("/sns", { body: "{}" })).status).toBe(401);
    expect(asked).toHaveLength(2);
  });

  it("invented names cause few calls, and do not push out what is known", async () => {
    const { send, asked } = await start((url) => (url.endsWith("/a.pem") ? said(200, pem) : said(404)));
    expect((await send("/sns", message({}))).status).toBe(202);
    for (let n = 0; n < 60; n++)
      await send("/sns", message({ SigningCertURL: `https://sns.eu-west-1.amazonaws.com/x${n}.pem` }));
    expect(asked.length).toBeLessThanOrEqual(20);
    expect((await send("/sns", message({ MessageId: "m2" }))).status).toBe(202);
  });

  it("a subscription is confirmed once it is verified, and is no event", async () => {
    let status = 500;
    const { send, store, asked } = await start((url) => (url === SubscribeURL ? said(status) : said(200, pem)));
    expect((await send("/sns", confirmation)).status).toBe(503);
    status = 200;
    expect((await send("/sns", confirmation)).status).toBe(200);
    expect(asked.filter((url) => url === SubscribeURL)).toHaveLength(2);
    expect(await events(store)).toBe(0);
    const forged = JSON.parse(confirmation.body) as Record<string, string>;
    const body = JSON.stringify({ ...forged, SubscribeURL: `${SubscribeURL}x` });
    expect((await send("/sns", { body })).status).toBe(401);
    expect(asked.filter((url) => url.startsWith(SubscribeURL))).toHaveLength(2);
  });
});

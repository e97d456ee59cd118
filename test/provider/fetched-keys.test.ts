/** Recipes whose key is fetched: requests signed here by the formula of the provider's page, without our engine. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Secret } from "../../engine/core/secret.ts";
import { answerHandshake } from "../../engine/provider/handshake.ts";
import type { WantedKey } from "../../engine/provider/key.ts";
import { renderSample } from "../../engine/provider/sample.ts";
import { signWhole } from "../../engine/provider/sign.ts";
import { verify } from "../../engine/provider/verify.ts";
import { context, NOW, request, shipped } from "./support.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const spki = rsa.publicKey.export({ format: "pem", type: "spki" }).toString();
const topic = "arn:aws:sns:eu-west-1:123456789012:orders";

/** What a sender's key server would say, and what it was asked. */
function asking(answer: string | undefined) {
  const asked: WantedKey[] = [];
  const fetchKey = (wanted: WantedKey) => {
    asked.push(wanted);
    return answer;
  };
  return { asked, fetchKey };
}

describe("aws-sns", () => {
  const recipe = shipped("aws-sns");
  const order = {
    Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    SubscriptionConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
  };
  const base = {
    MessageId: "m-1",
    Message: "Zoë\nsays {}",
    Timestamp: new Date(NOW).toISOString(),
    TopicArn: topic,
    SigningCertURL: "https://sns.eu-west-1.amazonaws.com/x.pem",
  };
  const signed = (type: keyof typeof order, version: "1" | "2", more: Record<string, string> = {}) => {
    const fields: Record<string, string> = { ...base, Type: type, SignatureVersion: version, ...more };
    const text = order[type].flatMap((name) => (fields[name] === undefined ? [] : [`${name}\n${fields[name]}\n`]));
    const signature = sign(version === "1" ? "sha1" : "sha256", Buffer.from(text.join("")), rsa.privateKey);
    return { ...fields, Signature: signature.toString("base64") };
  };
  const judge = async (fields: Record<string, string>, params: Record<string, string> = { topic_arn: topic }) => {
    const sent = request(JSON.stringify(fields), { "content-type": "text/plain; charset=UTF-8" });
    return verify(recipe, sent, { ...context(), params, fetchKey: asking(spki).fetchKey });
  };
  const confirmation = {
    Token: "t".repeat(64),
    SubscribeURL: "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
  };

  it.each(["1", "2"] as const)("takes messages and confirmations of signature version %s", async (version) => {
    expect(await judge(signed("Notification", version))).toMatchObject({ ok: true });
    expect(await judge(signed("Notification", version, { Subject: "hi" }))).toMatchObject({ ok: true });
    expect(await judge(signed("SubscriptionConfirmation", version, confirmation))).toMatchObject({ ok: true });
  });

  it("refuses a change of anything that is signed, another version, and a topic of somebody else", async () => {
    const good = signed("Notification", "2", { Subject: "hi" });
    for (const name of order.Notification)
      expect(await judge({ ...good, [name]: `${(good as Record<string, string>)[name]}x` }), name).toMatchObject({
        ok: false,
      });
    expect(await judge({ ...good, SignatureVersion: "1" })).toMatchObject({ ok: false });
    expect(await judge(good, { topic_arn: `${topic}2` })).toMatchObject({ reason: "required_value_mismatch" });
    const { Subject, ...without } = good as Record<string, string>;
    expect(Subject).toBe("hi");
    expect(await judge(without)).toMatchObject({ ok: false });
    expect(
      await judge({ ...signed("SubscriptionConfirmation", "2", confirmation), Type: "Notification" }),
    ).toMatchObject({ ok: false });
  });

  it("asks only AWS for the certificate", async () => {
    const { asked, fetchKey } = asking(spki);
    const fields = signed("Notification", "2", {
      SigningCertURL: "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
    });
    const sent = request(JSON.stringify(fields));
    expect(await verify(recipe, sent, { ...context(), params: { topic_arn: topic }, fetchKey })).toMatchObject({
      reason: "key_unavailable",
    });
    expect(asked).toEqual([]);
  });

  it("names the URL that confirms a subscription, if it is AWS's", () => {
    const ask = (SubscribeURL: string) =>
      answerHandshake(
        recipe,
        request(JSON.stringify({ ...base, ...confirmation, Type: "SubscriptionConfirmation", SubscribeURL })),
        context(),
        true,
      );
    expect(ask(confirmation.SubscribeURL)).toMatchObject({ status: 200, fetch: confirmation.SubscribeURL });
    expect(ask("https://example.com/")).toBeUndefined();
  });
});

describe("plaid", () => {
  const recipe = shipped("plaid");
  const body = '{\n  "webhook_type": "ITEM",\n  "webhook_code": "ERROR",\n  "item_id": "i"\n}';
  const jwk = { ...ec.publicKey.export({ format: "jwk" }), kid: "k1", alg: "ES256", use: "sig" };
  const params = { client_id: "id", secret: "s3cret", environment: "sandbox" };
  const token = (claims: object, header: object = {}) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: "ES256", kid: "k1", typ: "JWT", ...header })}.${part(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), { key: ec.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const iat = NOW / 1000;
  const judge = (jwt: string, answer: object | undefined, sent = body) => {
    const { asked, fetchKey } = asking(answer === undefined ? undefined : JSON.stringify(answer));
    const verdict = verify(recipe, request(sent, { "plaid-verification": jwt }), { ...context(), params, fetchKey });
    return { asked, verdict };
  };

  it("asks for the key by its id, with the credentials of the source", async () => {
    const { asked, verdict } = judge(token({ iat, request_body_sha256: hash(body) }), {
      key: { ...jwk, expired_at: null },
    });
    expect(await verdict).toMatchObject({ ok: true });
    expect(asked).toEqual([
      {
        kind: "jwk",
        kid: "k1",
        url: "https://sandbox.plaid.com/webhook_verification_key/get",
        post: JSON.stringify({ client_id: "id", secret: "s3cret", key_id: "k1" }),
      },
    ]);
  });

  it("refuses another body, an old token, another algorithm and a key that has ended", async () => {
    const good = token({ iat, request_body_sha256: hash(body) });
    const key = { key: { ...jwk, expired_at: null } };
    expect(await judge(good, key, `${body} `).verdict).toMatchObject({ reason: "claim_mismatch" });
    const old = token({ iat: iat - 301, request_body_sha256: hash(body) });
    expect(await judge(old, key).verdict).toMatchObject({ reason: "timestamp_too_old" });
    const none = token({ iat, request_body_sha256: hash(body) }, { alg: "none" });
    expect(await judge(none, key).verdict).toMatchObject({ reason: "token_malformed" });
    expect(await judge(good, { key: { ...jwk, expired_at: iat - 1 } }).verdict).toMatchObject({
      reason: "key_unavailable",
    });
    expect(await judge(good, undefined).verdict).toMatchObject({ reason: "key_unavailable" });
  });
});

it("a source's own secret verifies beside what a handshake told, and alone where nothing was told", async () => {
  const asana = shipped("asana");
  const [sample] = asana.samples.values();
  if (sample === undefined) return expect.unreachable();
  const rendered = renderSample(asana, sample, {});
  const signedBy = (secret: string) =>
    signWhole(asana, { ...rendered, secret: new Secret(secret), now: NOW, url: "https://hooks.example.com/hooks/x" });
  const judge = (secret: string, told: string | undefined) => {
    const { headers, body } = signedBy(secret);
    return verify(asana, request(body, headers), { ...context("given-by-hand"), fetchKey: async () => told });
  };
  expect(await judge("given-by-hand", undefined)).toMatchObject({ ok: true });
  expect(await judge("given-by-hand", "told")).toMatchObject({ ok: true });
  expect(await judge("told", "told")).toMatchObject({ ok: true });
  expect(await judge("another", "told")).toMatchObject({ ok: false });
});

/** Providers with public keys, tokens of JWT form, Basic credentials, or a signature inside the body. */
import { createPrivateKey, createPublicKey, createSecretKey, sign as nodeSign } from "node:crypto";
import adyen from "@adyen/api-library";
import { p256 } from "@noble/curves/nist.js";
import sendgrid from "@sendgrid/eventwebhook";
import braintree from "braintree";
import { basicAuthValidator } from "chargebee";
import discord from "discord-interactions";
import { SignJWT } from "jose";
import { WebhookReceiver } from "livekit-server-sdk";
import messagebird from "messagebird/lib/webhook-signature-jwt.js";
import type { Sdk } from "../sdk.ts";
import { passes, sha256 } from "./formula.ts";

/** Keys of the tests alone; a vector must come out the same each time, so they are written down. */
const edPrivate = (seed: number) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, seed)]),
    format: "der",
    type: "pkcs8",
  });
const edPublicHex = (seed: number) =>
  createPublicKey(edPrivate(seed)).export({ format: "der", type: "spki" }).subarray(-32).toString("hex");

const p256Private = (seed: number) => Buffer.alloc(32, seed);
/** SubjectPublicKeyInfo of a P-256 key, base64, as the provider's console shows it. */
const p256Public = (seed: number) =>
  Buffer.concat([
    Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex"),
    p256.getPublicKey(p256Private(seed), false),
  ]).toString("base64");

const gateway = (privateKey: string) =>
  new braintree.BraintreeGateway({
    environment: braintree.Environment.Sandbox,
    merchantId: "integration_merchant_id",
    publicKey: "integration_public_key",
    privateKey,
  });

export const keySdks: readonly Sdk[] = [
  {
    provider: "discord",
    package: "discord-interactions",
    secret: edPublicHex(1),
    otherSecret: edPublicHex(2),
    timed: true,
    body: '{"version":1,"application_id":"1234","type":1,"event":{"type":"APPLICATION_AUTHORIZED","timestamp":"2026-08-29T00:00:00.000000","data":{"user":{"id":"12","global_name":"Zoe"}}}}',
    signatureHeaders: ["x-signature-ed25519"],
    sign: ({ body, at }, key) => ({
      headers: {
        "x-signature-ed25519": nodeSign(
          null,
          Buffer.from(`${at}${body}`),
          edPrivate(key === edPublicHex(1) ? 1 : 2),
        ).toString("hex"),
        "x-signature-timestamp": String(at),
      },
    }),
    judge: (request, key) =>
      discord.verifyKey(
        request.body,
        request.headers["x-signature-ed25519"] ?? "",
        request.headers["x-signature-timestamp"] ?? "",
        key,
      ),
  },
  {
    provider: "chargebee",
    package: "chargebee",
    secret: "hooks:topsecret-1",
    otherSecret: "hooks:topsecret-2",
    timed: false,
    sign: (_request, key) => ({ headers: { authorization: `Basic ${Buffer.from(key).toString("base64")}` } }),
    judge: (request, key) =>
      passes(() =>
        basicAuthValidator((user: string, password: string) => `${user}:${password}` === key)({ ...request.headers }),
      ),
  },
  {
    provider: "livekit",
    package: "livekit-server-sdk",
    secret: "topsecret-1-of-32-bytes-or-more-x",
    otherSecret: "topsecret-2-of-32-bytes-or-more-x",
    params: { api_key: "APIkey" },
    timed: true,
    body: '{"event":"room_started","room":{"sid":"RM_1","name":"zoe"},"id":"EV_1","createdAt":"1788000000"}',
    sign: async ({ body, at }, key) => ({
      headers: {
        "content-type": "application/webhook+json",
        authorization: await new SignJWT({ sha256: sha256(body, "base64") })
          .setProtectedHeader({ alg: "HS256" })
          .setIssuer("APIkey")
          .setNotBefore(at)
          .setExpirationTime(at + 300)
          .sign(new TextEncoder().encode(key)),
      },
    }),
    signatureHeaders: ["authorization"],
    judge: (request, key) =>
      passes(() => new WebhookReceiver("APIkey", key).receive(request.body, request.headers["authorization"])),
  },
  {
    provider: "messagebird",
    package: "messagebird",
    secret: "topsecret-1",
    otherSecret: "topsecret-2",
    timed: true,
    url: "https://hooks.example.com/hooks/messagebird",
    sign: async ({ body, at, url }, key) => ({
      headers: {
        "messagebird-signature-jwt": await new SignJWT({
          url_hash: sha256(url),
          payload_hash: sha256(body),
          jti: "9c04bc3e-4a2f-4f2e-9c04-bc3e4a2f4f2e",
        })
          .setProtectedHeader({ alg: "HS256" })
          .setIssuer("MessageBird")
          .setNotBefore(at)
          .setExpirationTime(at + 60)
          .sign(new TextEncoder().encode(key)),
      },
    }),
    judge: (request, key) =>
      passes(() =>
        messagebird.verify(
          request.url,
          request.body,
          request.headers["messagebird-signature-jwt"] ?? "",
          createSecretKey(Buffer.from(key)),
        ),
      ),
  },
  {
    // ECDSA with the nonce of RFC 6979, so that a signature comes out the same each time.
    provider: "sendgrid",
    package: "@sendgrid/eventwebhook",
    secret: p256Public(1),
    otherSecret: p256Public(2),
    timed: true,
    body: '[{"email":"zoe@example.com","timestamp":1788000000,"event":"delivered","sg_event_id":"ev1","sg_message_id":"m1"}]\r\n',
    signatureHeaders: ["x-twilio-email-event-webhook-signature"],
    sign: ({ body, at }, key) => ({
      headers: {
        "x-twilio-email-event-webhook-signature": Buffer.from(
          p256.sign(Buffer.from(`${at}${body}`), p256Private(key === p256Public(1) ? 1 : 2), {
            format: "der",
            lowS: false,
          }),
        ).toString("base64"),
        "x-twilio-email-event-webhook-timestamp": String(at),
      },
    }),
    judge: (request, key) => {
      const judge = new sendgrid.EventWebhook();
      return judge.verifySignature(
        judge.convertPublicKeyToECDSA(key),
        request.body,
        request.headers["x-twilio-email-event-webhook-signature"] ?? "",
        request.headers["x-twilio-email-event-webhook-timestamp"] ?? "",
      );
    },
  },
  {
    provider: "adyen",
    package: "@adyen/api-library",
    secret: "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    otherSecret: "55782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    timed: false,
    signatureHeaders: [],
    sign: (_request, key) => {
      const item = {
        additionalData: {} as Record<string, string>,
        amount: { currency: "EUR", value: 1130 },
        eventCode: "AUTHORISATION",
        eventDate: "2026-08-29T00:00:00+02:00",
        merchantAccountCode: "TestMerchant",
        merchantReference: "TestPayment-1407325143704",
        operations: ["CANCEL", "CAPTURE"],
        originalReference: "",
        paymentMethod: "visa",
        pspReference: "7914073381342284",
        success: "true",
      };
      item.additionalData["hmacSignature"] = new adyen.hmacValidator().calculateHmac(item as never, key);
      return {
        headers: {},
        body: JSON.stringify({ live: "false", notificationItems: [{ NotificationRequestItem: item }] }),
      };
    },
    tamper: (body) => body.replace('"value":1130', '"value":1131'),
    judge: (request, key) =>
      JSON.parse(request.body).notificationItems.every((one: { NotificationRequestItem: never }) =>
        new adyen.hmacValidator().validateHMAC(one.NotificationRequestItem, key),
      ),
  },
  {
    provider: "braintree",
    package: "braintree",
    secret: "topsecret-1",
    otherSecret: "topsecret-2",
    params: { public_key: "integration_public_key" },
    timed: false,
    signatureHeaders: [],
    sign: (_request, key) => {
      const sample = gateway(key).webhookTesting.sampleNotification(
        "subscription_charged_successfully" as never,
        "sub_1",
      );
      return {
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ bt_signature: sample.bt_signature, bt_payload: sample.bt_payload }).toString(),
      };
    },
    tamper: (body) => body.replace("bt_payload=P", "bt_payload=Q").replace("bt_payload=I", "bt_payload=J"),
    judge: async (request, key) => {
      const form = new URLSearchParams(request.body);
      await gateway(key).webhookNotification.parse(form.get("bt_signature") ?? "", form.get("bt_payload") ?? "");
      return true;
    },
  },
];

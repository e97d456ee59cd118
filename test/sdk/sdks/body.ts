/** Providers that sign the body alone with an HMAC. */

import easypost from "@easypost/api";
import { validateSignature } from "@line/bot-sdk";
import { signWebhookPayload, verifyWebhookSignature } from "@notionhq/client";
import { sign as octokitSign, verify as octokitVerify } from "@octokit/webhooks-methods";
import { WebhookEventVerifier } from "@onfido/api";
import { ApiVersion, shopifyApi } from "@shopify/shopify-api";
import { parse as parseGocardless } from "gocardless-nodejs";
import "@shopify/shopify-api/adapters/node";
import adyen from "@adyen/api-library";
import coinbase from "coinbase-commerce-node";
import ModernTreasury from "modern-treasury";
import Razorpay from "razorpay";
import type { Request, Sdk } from "../sdk.ts";
import { hmac, passes } from "./formula.ts";

const secret = "topsecret-1";
const otherSecret = "topsecret-2";

function overBody(
  provider: string,
  name: string,
  at: {
    readonly header: string;
    readonly prefix?: string;
    readonly encoding?: "hex" | "base64";
    readonly algorithm?: string;
  },
  judge: (request: Request, signature: string, secret: string) => unknown,
): Sdk {
  return {
    provider,
    package: name,
    secret,
    otherSecret,
    timed: false,
    signatureHeaders: [at.header],
    sign: ({ body }, key) => ({
      headers: { [at.header]: `${at.prefix ?? ""}${hmac(key, body, at.encoding ?? "hex", at.algorithm ?? "sha256")}` },
    }),
    judge: (request, key) => {
      const signature = request.headers[at.header];
      return signature === undefined ? false : judge(request, signature, key);
    },
  };
}

const shopify = (key: string) =>
  shopifyApi({
    apiKey: "key",
    apiSecretKey: key,
    apiVersion: ApiVersion.January26 ?? (Object.values(ApiVersion)[0] as ApiVersion),
    hostName: "hooks.example.com",
    isEmbeddedApp: false,
    logger: { log: () => {} },
  } as never);

export const bodySdks: readonly Sdk[] = [
  {
    ...overBody(
      "github",
      "@octokit/webhooks-methods",
      { header: "x-hub-signature-256", prefix: "sha256=" },
      (request, signature, key) => octokitVerify(key, request.body, signature),
    ),
    sign: async ({ body }, key) => ({
      headers: {
        "x-hub-signature-256": await octokitSign(key, body),
        "x-github-event": "star",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
      },
    }),
  },
  {
    ...overBody("notion", "@notionhq/client", { header: "x-notion-signature" }, (request, signature, key) =>
      verifyWebhookSignature({ body: request.body, signature, verificationToken: key }),
    ),
    sign: async ({ body }, key) => ({
      headers: { "x-notion-signature": await signWebhookPayload({ body, verificationToken: key }) },
    }),
  },
  overBody(
    "easypost",
    "@easypost/api",
    { header: "x-hmac-signature", prefix: "hmac-sha256-hex=" },
    (request, _signature, key) =>
      passes(() => new easypost("key").Utils.validateWebhook(Buffer.from(request.body), request.headers, key)),
  ),
  {
    ...overBody("gocardless", "gocardless-nodejs", { header: "webhook-signature" }, (request, signature, key) =>
      passes(() => parseGocardless(request.body, key, signature)),
    ),
    body: '{"events":[{"id":"EV1","created_at":"2026-08-01T00:00:00.000Z","resource_type":"payments","action":"confirmed","links":{"payment":"PMé"}}],"meta":{"webhook_id":"WB1"}}',
  },
  overBody("line", "@line/bot-sdk", { header: "x-line-signature", encoding: "base64" }, (request, signature, key) =>
    validateSignature(request.body, key, signature),
  ),
  overBody("onfido", "@onfido/api", { header: "x-sha2-signature" }, (request, signature, key) =>
    passes(() => new WebhookEventVerifier(key).readPayload(request.body, signature)),
  ),
  {
    ...overBody(
      "coinbase-commerce",
      "coinbase-commerce-node",
      { header: "x-cc-webhook-signature" },
      (request, signature, key) => passes(() => coinbase.Webhook.verifyEventBody(request.body, signature, key)),
    ),
    body: '{"id":1,"event":{"id":"24934862-d980-46cb-9402-43c81b0cdba6","type":"charge:confirmed","created_at":"2026-08-01T00:00:00Z","data":{"code":"66BEOV2A","name":"Zoë"}}}',
  },
  overBody("modern-treasury", "modern-treasury", { header: "x-signature" }, (request, _signature, key) =>
    new ModernTreasury({ apiKey: "k", organizationID: "o" }).webhooks.validateSignature(
      request.body,
      { "x-signature": request.headers["x-signature"] ?? "" },
      { key },
    ),
  ),
  overBody("razorpay", "razorpay", { header: "x-razorpay-signature" }, (request, signature, key) =>
    Razorpay.validateWebhookSignature(request.body, signature, key),
  ),
  {
    ...overBody(
      "adyen-platform",
      "@adyen/api-library",
      { header: "hmacsignature", encoding: "base64" },
      (request, signature, key) => new adyen.hmacValidator().validateHMACSignature(key, signature, request.body),
    ),
    secret: "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    otherSecret: "55782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    sign: ({ body }, key) => ({
      headers: { hmacsignature: hmac(Buffer.from(key, "hex"), body, "base64"), protocol: "HmacSHA256" },
    }),
  },
  {
    ...overBody(
      "shopify",
      "@shopify/shopify-api",
      { header: "x-shopify-hmac-sha256", encoding: "base64" },
      async (request, _signature, key) => {
        const answer = await shopify(key).webhooks.validate({
          rawBody: request.body,
          rawRequest: { method: "POST", url: "/", headers: { ...request.headers } },
        } as never);
        return answer.valid;
      },
    ),
    sign: ({ body }, key) => ({
      headers: {
        "x-shopify-hmac-sha256": hmac(key, body, "base64"),
        "x-shopify-topic": "orders/create",
        "x-shopify-shop-domain": "zoe.myshopify.com",
        "x-shopify-api-version": "2026-01",
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "x-shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
        "x-shopify-triggered-at": "2026-08-29T00:00:00.000000Z",
      },
    }),
  },
];

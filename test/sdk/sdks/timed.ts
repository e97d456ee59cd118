/** Providers that sign a time with the body. */
import { LinearWebhookClient } from "@linear/sdk/webhooks";
import Mux from "@mux/mux-node";
import { Paddle } from "@paddle/paddle-node-sdk";
import { encodeSignatureHeader, isValidSignature } from "@sanity/webhook";
import slack from "@slack/bolt/dist/receivers/verify-request.js";
import { WorkOS } from "@workos-inc/node";
import { WebhooksManager } from "box-node-sdk/lib/managers/webhooks";
import { verifyWebhookSignatureWithCurrentTime } from "hook0-client";
import Stripe from "stripe";
import { WebflowClient } from "webflow-api";
import type { Sdk } from "../sdk.ts";
import { hmac, passes } from "./formula.ts";

const secret = "topsecret-1";
const otherSecret = "topsecret-2";
const base = { secret, otherSecret, timed: true } as const;

const stripe = new Stripe("sk_test_x");

export const timedSdks: readonly Sdk[] = [
  {
    ...base,
    provider: "stripe",
    package: "stripe",
    secret: "whsec_topsecret1",
    otherSecret: "whsec_topsecret2",
    sign: ({ body, at }, key) => ({
      headers: {
        "stripe-signature": stripe.webhooks.generateTestHeaderString({ payload: body, secret: key, timestamp: at }),
      },
    }),
    judge: (request, key) =>
      passes(() => stripe.webhooks.constructEvent(request.body, request.headers["stripe-signature"] ?? "", key)),
  },
  {
    ...base,
    provider: "mux",
    package: "@mux/mux-node",
    sign: ({ body, at }, key) => ({ headers: { "mux-signature": `t=${at},v1=${hmac(key, `${at}.${body}`)}` } }),
    judge: (request, key) =>
      passes(() =>
        new Mux({ tokenId: "a", tokenSecret: "b" }).webhooks.verifySignature(request.body, { ...request.headers }, key),
      ),
  },
  {
    ...base,
    provider: "paddle",
    package: "@paddle/paddle-node-sdk",
    secret: "pdl_ntfset_01_a",
    otherSecret: "pdl_ntfset_01_b",
    sign: ({ body, at }, key) => ({ headers: { "paddle-signature": `ts=${at};h1=${hmac(key, `${at}:${body}`)}` } }),
    judge: (request, key) =>
      new Paddle("x").webhooks.isSignatureValid(request.body, key, request.headers["paddle-signature"] ?? ""),
  },
  {
    ...base,
    provider: "slack",
    package: "@slack/bolt",
    sign: ({ body, at }, key) => ({
      headers: { "x-slack-signature": `v0=${hmac(key, `v0:${at}:${body}`)}`, "x-slack-request-timestamp": String(at) },
    }),
    signatureHeaders: ["x-slack-signature"],
    judge: (request, key) =>
      passes(() =>
        slack.verifySlackRequest({
          signingSecret: key,
          body: request.body,
          headers: {
            "x-slack-signature": request.headers["x-slack-signature"] ?? "",
            "x-slack-request-timestamp": Number(request.headers["x-slack-request-timestamp"]),
          },
        }),
      ),
  },
  {
    ...base,
    provider: "sanity",
    package: "@sanity/webhook",
    sign: async ({ body, at }, key) => ({
      headers: { "sanity-webhook-signature": await encodeSignatureHeader(body, at * 1000, key) },
    }),
    judge: (request, key) => isValidSignature(request.body, request.headers["sanity-webhook-signature"] ?? "", key),
  },
  {
    ...base,
    provider: "workos",
    package: "@workos-inc/node",
    // The SDK signs JSON.stringify of the parsed body, so the body here is what that gives.
    body: JSON.stringify({
      id: "wh_1",
      event: "user.created",
      data: { id: "user_1", first_name: "Zoë" },
      created_at: "2026-08-29T00:00:00.000Z",
    }),
    sign: ({ body, at }, key) => ({
      headers: { "workos-signature": `t=${at * 1000}, v1=${hmac(key, `${at * 1000}.${body}`)}` },
    }),
    judge: (request, key) =>
      passes(() =>
        new WorkOS("sk_x").webhooks.verifyHeader({
          payload: JSON.parse(request.body),
          sigHeader: request.headers["workos-signature"] ?? "",
          secret: key,
        }),
      ),
  },
  {
    ...base,
    provider: "webflow",
    package: "webflow-api",
    sign: ({ body, at }, key) => ({
      headers: { "x-webflow-signature": hmac(key, `${at * 1000}:${body}`), "x-webflow-timestamp": String(at * 1000) },
    }),
    signatureHeaders: ["x-webflow-signature"],
    judge: (request, key) =>
      new WebflowClient({ accessToken: "x" }).webhooks.verifySignature({
        headers: { ...request.headers },
        body: request.body,
        secret: key,
      }),
  },
  {
    ...base,
    provider: "linear",
    package: "@linear/sdk",
    secret: "lin_wh_1",
    otherSecret: "lin_wh_2",
    sign: ({ at }, key) => {
      const body = JSON.stringify({
        action: "create",
        type: "Issue",
        createdAt: "2026-08-29T00:00:00.000Z",
        data: { id: "issue_1", title: "Zoë" },
        webhookTimestamp: at * 1000,
      });
      return {
        headers: {
          "linear-signature": hmac(key, body),
          "linear-delivery": "234d1a4e-b617-4388-90fe-adc3633d6b72",
          "linear-event": "Issue",
        },
        body,
      };
    },
    signatureHeaders: ["linear-signature"],
    judge: (request, key) =>
      new LinearWebhookClient(key).verify(Buffer.from(request.body), request.headers["linear-signature"] ?? ""),
  },
  {
    ...base,
    provider: "box",
    package: "box-node-sdk",
    sign: ({ body, at }, key) => {
      const time = new Date(at * 1000).toISOString().replace(".000Z", "Z");
      return {
        headers: {
          "box-signature-primary": hmac(key, body + time, "base64"),
          "box-signature-version": "1",
          "box-signature-algorithm": "HmacSHA256",
          "box-delivery-timestamp": time,
          "box-delivery-id": "f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f",
        },
      };
    },
    signatureHeaders: ["box-signature-primary"],
    judge: (request, key) => WebhooksManager.validateMessage(request.body, { ...request.headers }, key),
  },
  {
    ...base,
    provider: "coinbase-cdp",
    package: "hook0-client",
    sign: ({ body, at }, key) => {
      const h = "x-event-id x-event-type";
      const text = `${at}.${h}.evt_1.onchain.activity.detected.${body}`;
      return {
        headers: {
          "x-hook0-signature": `t=${at},h=${h},v1=${hmac(key, text)}`,
          "x-event-id": "evt_1",
          "x-event-type": "onchain.activity.detected",
        },
      };
    },
    signatureHeaders: ["x-hook0-signature"],
    judge: (request, key) =>
      verifyWebhookSignatureWithCurrentTime(
        request.headers["x-hook0-signature"] ?? "",
        Buffer.from(request.body),
        new Headers({ ...request.headers }) as never,
        key,
        300,
        new Date(),
      ),
  },
];

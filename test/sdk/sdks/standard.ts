/** Providers that sign by Standard Webhooks or Svix. */
import { verifyWebhook } from "@clerk/backend/webhooks";
import { WebhookHandler } from "@liveblocks/node";
import { validateEvent } from "@polar-sh/sdk/webhooks";
import DodoPayments from "dodopayments";
import Lithic from "lithic";
import OpenAI from "openai";
import { Resend } from "resend";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import type { Request, Sdk, Unsigned } from "../sdk.ts";
import { passes } from "./formula.ts";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const otherSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";

function sign(prefix: "webhook" | "svix", { body, at }: Unsigned, key: string) {
  return {
    headers: {
      [`${prefix}-id`]: id,
      [`${prefix}-timestamp`]: String(at),
      [`${prefix}-signature`]: new Webhook(key).sign(id, new Date(at * 1000), body),
    },
  };
}

const headersOf = (request: Request) => ({ ...request.headers });

function standard(provider: string, name: string, judge: Sdk["judge"], prefix: "webhook" | "svix" = "webhook"): Sdk {
  return {
    provider,
    package: name,
    secret,
    otherSecret,
    timed: true,
    signatureHeaders: [`${prefix}-signature`],
    sign: (request, key) => sign(prefix, request, key),
    judge,
  };
}

export const standardSdks: readonly Sdk[] = [
  standard("standard-webhooks", "standardwebhooks", (request, key) =>
    passes(() => new Webhook(key).verify(request.body, headersOf(request))),
  ),
  standard(
    "svix",
    "svix",
    (request, key) => passes(() => new SvixWebhook(key).verify(request.body, headersOf(request))),
    "svix",
  ),
  standard(
    "clerk",
    "@clerk/backend",
    (request, key) =>
      passes(() =>
        verifyWebhook(new Request(request.url, { method: "POST", headers: headersOf(request), body: request.body }), {
          signingSecret: key,
        }),
      ),
    "svix",
  ),
  standard(
    "resend",
    "resend",
    (request, key) =>
      passes(() =>
        new Resend("re_123").webhooks.verify({
          payload: request.body,
          headers: {
            id: request.headers["svix-id"] ?? "",
            timestamp: request.headers["svix-timestamp"] ?? "",
            signature: request.headers["svix-signature"] ?? "",
          },
          webhookSecret: key,
        }),
      ),
    "svix",
  ),
  standard("openai", "openai", (request, key) =>
    passes(() => new OpenAI({ apiKey: "x" }).webhooks.verifySignature(request.body, headersOf(request), key)),
  ),
  standard("lithic", "lithic", (request, key) =>
    passes(() => new Lithic({ apiKey: "x" }).webhooks.verifySignature(request.body, headersOf(request), key)),
  ),
  standard("dodopayments", "dodopayments", (request, key) =>
    passes(() =>
      new DodoPayments({ bearerToken: "x" }).webhooks.unwrap(request.body, { headers: headersOf(request), key }),
    ),
  ),
  {
    ...standard("liveblocks", "@liveblocks/node", (request, key) =>
      passes(() => new WebhookHandler(key).verifyRequest({ headers: headersOf(request), rawBody: request.body })),
    ),
    body: '{"type":"storageUpdated","data":{"projectId":"p_1","roomId":"zoé","updatedAt":"2026-08-01T00:00:00.000Z"}}',
  },
  {
    // The SDK encodes the text of the secret to base64 first: the text itself is the key.
    ...standard("polar", "@polar-sh/sdk", (request, key) =>
      passes(async () => {
        try {
          validateEvent(request.body, headersOf(request), key);
        } catch (error) {
          // The signature is judged before the shape of the payload, which is not our question.
          if (error instanceof Error && error.name === "WebhookVerificationError") throw error;
          if (error instanceof Error && /signature|timestamp|header/i.test(error.message)) throw error;
        }
      }),
    ),
    secret: "polar_whs_raw_text_1",
    otherSecret: "polar_whs_raw_text_2",
    sign: (request, key) => sign("webhook", request, Buffer.from(key).toString("base64")),
  },
];

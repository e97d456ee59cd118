/** Providers that sign the URL or the method with the body. */

import { signRequest, verifyRequest } from "@contentful/node-apps-toolkit";
import { Signature } from "@hubspot/api-client";
import { WebhooksHelper } from "square";
import twilio from "twilio";
import type { Request, Sdk } from "../sdk.ts";
import { hmac, sha256 } from "./formula.ts";

const secret = "topsecret-1";
const otherSecret = "topsecret-2";
const base = { secret, otherSecret } as const;

function hubspot(version: "v1" | "v2" | "v3"): Sdk {
  const header = version === "v3" ? "x-hubspot-signature-v3" : "x-hubspot-signature";
  return {
    ...base,
    provider: `hubspot-${version}`,
    package: "@hubspot/api-client",
    timed: version === "v3",
    body: '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1788000000000,"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":123,"propertyName":"name","propertyValue":"Zoe"}]',
    signatureHeaders: [header],
    sign: ({ body, at, url, method }, key) => {
      if (version === "v1") return { headers: { [header]: sha256(key + body), "x-hubspot-signature-version": "v1" } };
      if (version === "v2")
        return { headers: { [header]: sha256(key + method + url + body), "x-hubspot-signature-version": "v2" } };
      const ms = String(at * 1000);
      return {
        headers: { [header]: hmac(key, method + url + body + ms, "base64"), "x-hubspot-request-timestamp": ms },
      };
    },
    judge: (request, key) =>
      Signature.isValid({
        signatureVersion: version,
        signature: request.headers[header] ?? "",
        method: request.method,
        clientSecret: key,
        requestBody: request.body,
        url: request.url,
        timestamp: Number(request.headers["x-hubspot-request-timestamp"]),
      } as never),
  };
}

const formOf = (request: Pick<Request, "body">) => Object.fromEntries(new URLSearchParams(request.body));

export const urlSdks: readonly Sdk[] = [
  hubspot("v1"),
  hubspot("v2"),
  hubspot("v3"),
  {
    ...base,
    provider: "square",
    package: "square",
    timed: false,
    signatureHeaders: ["x-square-hmacsha256-signature"],
    sign: ({ body, url }, key) => ({ headers: { "x-square-hmacsha256-signature": hmac(key, url + body, "base64") } }),
    judge: (request, key) =>
      WebhooksHelper.verifySignature({
        requestBody: request.body,
        signatureHeader: request.headers["x-square-hmacsha256-signature"] ?? "",
        signatureKey: key,
        notificationUrl: request.url,
      }),
  },
  {
    ...base,
    provider: "twilio",
    package: "twilio",
    timed: false,
    body: "SmsSid=SM1&From=%2B15551234567&Body=Zo%C3%AB+ok&NumMedia=0&MessageStatus=delivered",
    signatureHeaders: ["x-twilio-signature"],
    sign: ({ body, url }, key) => ({
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": twilio.getExpectedTwilioSignature(key, url, formOf({ body })),
      },
    }),
    judge: (request, key) =>
      twilio.validateRequest(key, request.headers["x-twilio-signature"] ?? "", request.url, formOf(request)),
  },
  {
    ...base,
    provider: "contentful",
    package: "@contentful/node-apps-toolkit",
    timed: true,
    secret: "q-VLcVzJ2B9cZqzrpcPdsGsULCuwfCrbDfcJVzpG7sF0UqVYqjTcAoYyHNmrzPWk",
    otherSecret: "x-VLcVzJ2B9cZqzrpcPdsGsULCuwfCrbDfcJVzpG7sF0UqVYqjTcAoYyHNmrzPWk",
    signatureHeaders: ["x-contentful-signature"],
    sign: ({ body, at, url }, key) => {
      const headers = { "content-type": "application/json", "x-contentful-topic": "ContentManagement.Entry.publish" };
      const path = new URL(url).pathname;
      return { headers: { ...headers, ...signRequest(key, { method: "POST", path, headers, body }, at * 1000) } };
    },
    judge: (request, key) =>
      verifyRequest(key, {
        method: "POST",
        path: new URL(request.url).pathname,
        headers: { ...request.headers },
        body: request.body,
      }),
  },
];

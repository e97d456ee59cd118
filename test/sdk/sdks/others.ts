/** Zoom, whose SDK writes the body anew before it hashes, and Amazon SNS, which signs with a certificate. */
import { createPrivateKey, createPublicKey, sign as nodeSign } from "node:crypto";
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { AwsLambdaReceiver } from "@zoom/rivet/users";
import MessageValidator from "sns-validator";
import type { Sdk } from "../sdk.ts";
import { hmac } from "./formula.ts";

/** A key of the tests alone: RSA keys can not be made from a seed, and vectors must come out the same each time. */
const snsKey = createPrivateKey(readFileSync(join(import.meta.dirname, "sns-key.pem")));
const snsPublic = createPublicKey(snsKey).export({ format: "pem", type: "spki" }).toString();
const certUrl = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";
const topic = "arn:aws:sns:eu-west-1:123456789012:orders";

/** The validator fetches the certificate itself: it is given ours. */
function serveCertificate(): () => void {
  const get = https.get;
  https.get = ((_url: string, answer: (response: EventEmitter) => void) => {
    const response = Object.assign(new EventEmitter(), { statusCode: 200 });
    queueMicrotask(() => {
      answer(response);
      response.emit("data", snsPublic);
      response.emit("end");
    });
    return new EventEmitter();
  }) as never;
  return () => {
    https.get = get;
  };
}

function sns(version: "1" | "2"): Sdk {
  return {
    provider: "aws-sns",
    package: "sns-validator",
    secret: "",
    otherSecret: "other",
    params: { topic_arn: topic, certificates: snsPublic },
    timed: false,
    signatureHeaders: [],
    tamper: (body) => body.replace("paid", "void"),
    sign: ({ at }, key) => {
      const message: Record<string, string> = {
        Type: "Notification",
        MessageId: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        TopicArn: topic,
        Subject: "Zoë's order",
        Message: '{"order":"o_1","status":"paid"}',
        Timestamp: new Date(at * 1000).toISOString(),
        SignatureVersion: version,
        SigningCertURL: certUrl,
      };
      const names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
      const text = names.map((name) => `${name}\n${message[name]}\n`).join("");
      const bytes = Buffer.from(key === "other" ? `${text}x` : text);
      message["Signature"] = nodeSign(version === "1" ? "sha1" : "sha256", bytes, snsKey).toString("base64");
      return { headers: { "content-type": "text/plain; charset=UTF-8" }, body: JSON.stringify(message) };
    },
    judge: async (request) => {
      const end = serveCertificate();
      try {
        return await new Promise((resolve) =>
          new MessageValidator().validate(request.body, (error: Error | null) => resolve(error === null)),
        );
      } finally {
        end();
      }
    },
  };
}

export const otherSdks: readonly Sdk[] = [
  {
    provider: "zoom",
    package: "@zoom/rivet",
    secret: "topsecret-1",
    otherSecret: "topsecret-2",
    timed: true,
    body: JSON.stringify({
      event: "meeting.ended",
      event_ts: 1_788_000_000_000,
      payload: { account_id: "acc_1", object: { uuid: "m+1==", id: "91234567890", topic: "Onboarding Zoë" } },
    }),
    signatureHeaders: ["x-zm-signature"],
    sign: ({ body, at }, key) => ({
      headers: { "x-zm-signature": `v0=${hmac(key, `v0:${at}:${body}`)}`, "x-zm-request-timestamp": String(at) },
    }),
    judge: async (request, key) => {
      const quiet = { debug: console.debug, error: console.error };
      Object.assign(console, { debug: () => {}, error: () => {} });
      try {
        const receiver = new AwsLambdaReceiver({ webhooksSecretToken: key });
        const answer = await receiver.start()(
          { body: request.body, headers: { ...request.headers } } as never,
          {} as never,
        );
        return answer.statusCode === 200;
      } finally {
        Object.assign(console, quiet);
      }
    },
  },
  sns("1"),
  sns("2"),
];

/** The providers' own SDKs as signers and as judges: what they sign passes here, what is signed here passes there. */
import { sign as octokitSign, verify as octokitVerify } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Secret } from "../../engine/core/secret.ts";
import { signRequest } from "../../engine/provider/sign.ts";
import { verify } from "../../engine/provider/verify.ts";
import { context, NOW, request, shipped, WHSEC } from "./support.ts";

const url = "https://hooks.example.com/hooks/x";
const body = '{"id":"evt_1", "type":"invoice.paid","name":"Zoë \\u00e9 😀","amount":1.0}';

afterEach(() => {
  vi.useRealTimers();
});

describe("stripe", () => {
  const stripe = new Stripe("sk_test_x");
  const recipe = shipped("stripe");
  const secret = "whsec_topsecret";
  const seconds = NOW / 1000;

  it("accepts what the SDK signs", async () => {
    const header = stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: seconds });
    const verdict = await verify(recipe, request(body, { "Stripe-Signature": header }), context(secret));
    expect(verdict).toMatchObject({ ok: true, request: { verdict: { skewMs: 0, signed: "timestamp . raw_body" } } });
  });

  it("signs what the SDK accepts", async () => {
    const headers = signRequest(recipe, { body: Buffer.from(body), secret: new Secret(secret), now: NOW, url });
    const event = await stripe.webhooks.constructEventAsync(
      body,
      headers["stripe-signature"] ?? "",
      secret,
      300,
      undefined,
      NOW,
    );
    expect(event.id).toBe("evt_1");
  });

  it("refuses a future time that the SDK lets through", async () => {
    const header = stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: seconds + 301 });
    expect(await verify(recipe, request(body, { "stripe-signature": header }), context(secret))).toMatchObject({
      ok: false,
      reason: "timestamp_in_future",
    });
  });

  it("accepts any v1 of a rotated header and never a v0", async () => {
    const good = stripe.webhooks
      .generateTestHeaderString({ payload: body, secret, timestamp: seconds })
      .split("v1=")[1];
    const bad = "0".repeat(64);
    const judge = (header: string) => verify(recipe, request(body, { "stripe-signature": header }), context(secret));
    expect(await judge(`t=${seconds},v1=${bad},v1=${good}`)).toMatchObject({ ok: true });
    expect(await judge(`t=${seconds},v1=${good},v1=${bad},v0=${bad}`)).toMatchObject({ ok: true });
    expect(await judge(`t=${seconds},v1=${bad},v0=${good}`)).toMatchObject({ ok: false, reason: "signature_mismatch" });
    expect(await judge(`t=${seconds},v0=${good}`)).toMatchObject({ ok: false, reason: "signature_malformed" });
    expect(await judge(`t=${seconds},t=1,v1=${good}`)).toMatchObject({ ok: false, reason: "signature_malformed" });
  });
});

describe("github", () => {
  const recipe = shipped("github");

  it("accepts what the SDK signs and signs what it accepts", async () => {
    const theirs = await octokitSign("topsecret", body);
    expect(await verify(recipe, request(body, { "X-Hub-Signature-256": theirs }), context("topsecret"))).toMatchObject({
      ok: true,
    });
    const headers = signRequest(recipe, { body: Buffer.from(body), secret: new Secret("topsecret"), now: NOW, url });
    expect(await octokitVerify("topsecret", body, headers["x-hub-signature-256"] ?? "")).toBe(true);
  });

  it("verifies a form body over the bytes as they came", async () => {
    const form = `payload=${encodeURIComponent(body)}`;
    const signature = await octokitSign("topsecret", form);
    const headers = { "x-hub-signature-256": signature, "content-type": "application/x-www-form-urlencoded" };
    expect(await verify(recipe, request(form, headers), context("topsecret"))).toMatchObject({ ok: true });
  });
});

describe("standard-webhooks, svix and clerk", () => {
  const webhook = new Webhook(WHSEC);

  it("accept what the reference library signs, under their own header names", async () => {
    const signature = webhook.sign("msg_1", new Date(NOW), body);
    const headers = (family: string) => ({
      [`${family}-id`]: "msg_1",
      [`${family}-timestamp`]: String(NOW / 1000),
      [`${family}-signature`]: `v1,AAAA ${signature} v1a,BBBB`,
    });
    for (const [name, family] of [
      ["standard-webhooks", "webhook"],
      ["svix", "svix"],
      ["svix", "webhook"],
      ["clerk", "svix"],
    ] as const) {
      expect(await verify(shipped(name), request(body, headers(family)), context(WHSEC)), name).toMatchObject({
        ok: true,
      });
    }
  });

  it("sign what the reference library accepts", () => {
    vi.setSystemTime(NOW);
    const input = { body: Buffer.from(body), secret: new Secret(WHSEC), now: NOW, url, id: "msg_2" };
    const headers = signRequest(shipped("standard-webhooks"), input);
    expect(webhook.verify(body, { ...headers })).toMatchObject({ id: "evt_1" });
  });
});

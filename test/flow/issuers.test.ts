/** PayPal's certificate up to a root: what the answer lacks on the way is fetched from where the certificate below says, and nowhere else. */
import { sign, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { createProviderCalls } from "../../engine/flow/keys.ts";
import type { HttpAnswer, SinkHttp } from "../../engine/plugin/index.ts";
import type { WantedKey } from "../../engine/provider/key.ts";
import { verify } from "../../engine/provider/verify.ts";
import { context, request, shipped } from "../provider/support.ts";
import { makeCertificate, type Pair } from "../support/certificates.ts";

const PLACE = "http://cacerts.digicert.com/issuing.crt";
const CERT_URL = "https://api.paypal.com/v1/notifications/certs/CERT-1";
const HOST = "messageverificationcerts.paypal.com";

const root = makeCertificate({ name: "root" });
const issuing = makeCertificate({ name: "issuing", by: root, authority: true });
const leaf = makeCertificate({ name: HOST, host: HOST, by: issuing, rsa: true, issuerAt: PLACE });
const roots = [new X509Certificate(root.cert)];
const derOf = ({ cert }: Pair) => new X509Certificate(cert).raw.toString("latin1");
const said = (body: string, status = 200): HttpAnswer => ({ ok: true, status, headers: {}, body, truncated: false });
const down: HttpAnswer = { ok: false, sent: false, reason: "connect", detail: "refused" };

const now = Date.now();
const body = '{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}';

/** How one event, signed by this certificate's key, is judged when the places answer as told. */
async function judge(answers: Record<string, HttpAnswer>, signer: Pair = leaf, believed = roots) {
  const recipe = shipped("paypal");
  const clock = createVirtualClock(now);
  const asked: { url: string; binary: boolean }[] = [];
  const http: Pick<SinkHttp, "request"> = {
    request: async ({ url, binary }) => {
      asked.push({ url, binary: binary === true });
      return answers[url] ?? down;
    },
  };
  const calls = createProviderCalls({ http, clock, roots: believed });
  const { crc32 } = await import("node:zlib");
  const time = new Date(now).toISOString();
  const message = `tr-1|${time}|WH-ID|${crc32(Buffer.from(body))}`;
  const verdict = await verify(
    recipe,
    request(body, {
      "content-type": "application/json",
      "paypal-transmission-id": "tr-1",
      "paypal-transmission-time": time,
      "paypal-auth-algo": "SHA256withRSA",
      "paypal-cert-url": CERT_URL,
      "paypal-transmission-sig": sign("sha256", Buffer.from(message), signer.key).toString("base64"),
    }),
    {
      ...context(),
      now,
      roots: believed,
      params: { webhook_id: "WH-ID" },
      fetchKey: (wanted: WantedKey) => (wanted.kind === "learned" ? undefined : calls.fetchKey("paypal", wanted)),
    },
  );
  return { verdict, asked };
}

describe("a certificate of PayPal", () => {
  it("alone, leads up to a root over the issuer that it names, which is fetched as bytes", async () => {
    const { verdict, asked } = await judge({ [CERT_URL]: said(leaf.cert), [PLACE]: said(derOf(issuing)) });
    expect(verdict).toMatchObject({ ok: true });
    expect(asked).toEqual([
      { url: CERT_URL, binary: false },
      { url: PLACE, binary: true },
    ]);
  });

  it("with its chain, needs no other", async () => {
    const { verdict, asked } = await judge({ [CERT_URL]: said(`${leaf.cert}\n${issuing.cert}`) });
    expect([verdict.ok, asked.length]).toEqual([true, 1]);
  });

  it("is refused when no root is above it, whatever the listed host serves", async () => {
    const other = makeCertificate({ name: "other" });
    const answers = { [CERT_URL]: said(leaf.cert), [PLACE]: said(derOf(issuing)) };
    expect((await judge(answers, leaf, [new X509Certificate(other.cert)])).verdict).toMatchObject({
      ok: false,
      reason: "key_unavailable",
    });
    const own = makeCertificate({ name: HOST, host: HOST, rsa: true, authority: false });
    expect((await judge({ [CERT_URL]: said(own.cert) }, own)).verdict).toMatchObject({ ok: false });
  });

  it("is refused when what comes from that place did not issue it, may not issue, or is no certificate", async () => {
    const wrong = makeCertificate({ name: "issuing", by: root, authority: true });
    const noAuthority = makeCertificate({ name: "none", by: root, authority: false });
    const below = makeCertificate({ name: HOST, host: HOST, by: noAuthority, rsa: true, issuerAt: PLACE });
    const judged = async (pair: Pair, at: HttpAnswer) =>
      (await judge({ [CERT_URL]: said(pair.cert), [PLACE]: at }, pair)).verdict;
    expect(await judged(leaf, said(derOf(wrong)))).toMatchObject({ ok: false, reason: "key_unavailable" });
    expect(await judged(below, said(derOf(noAuthority)))).toMatchObject({ ok: false, reason: "key_unavailable" });
  });

  it("is asked for again, not refused for good, when that place does not answer", async () => {
    for (const answer of [down, said("", 500), said("<html>")])
      expect((await judge({ [CERT_URL]: said(leaf.cert), [PLACE]: answer })).verdict).toMatchObject({
        ok: false,
        reason: "key_unreachable",
      });
  });

  it("made out to somebody else, is refused though its chain holds", async () => {
    const somebody = makeCertificate({ name: "api.paypal.com", host: "api.paypal.com", by: issuing, rsa: true });
    const { verdict } = await judge({ [CERT_URL]: said(`${somebody.cert}\n${issuing.cert}`) }, somebody);
    expect(verdict).toMatchObject({ ok: false, reason: "key_unavailable" });
  });

  it.each([
    "http://169.254.169.254/x",
    "http://cacerts.digicert.com.evil.example/x",
    "http://cacerts.digicert.com:81/x",
    "ldap://cacerts.digicert.com/x",
  ])("names a place that is not asked: %s", async (issuerAt) => {
    const lured = makeCertificate({ name: HOST, host: HOST, by: issuing, rsa: true, issuerAt });
    const { verdict, asked } = await judge({ [CERT_URL]: said(lured.cert), [issuerAt]: said(derOf(issuing)) }, lured);
    expect([verdict.ok, asked.map(({ url }) => url)]).toEqual([false, [CERT_URL]]);
  });
});

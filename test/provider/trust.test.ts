import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { publicKeys } from "../../engine/provider/key.ts";
import { keySetAt, trustedCertificate } from "../../engine/provider/trust.ts";
import { makeCertificate } from "../support/certificates.ts";
import { inlineOf } from "./support.ts";

const authority = makeCertificate({ name: "authority" });
const other = makeCertificate({ name: "other" });
const leaf = makeCertificate({ name: "leaf", by: authority });
const roots = [new X509Certificate(authority.cert)];
const now = Date.now();
const year = 366 * 86_400_000;

describe("trustedCertificate", () => {
  it("takes a certificate in its term from a listed host, and a bare key", () => {
    expect(trustedCertificate(leaf.cert, { now })).toContain("BEGIN CERTIFICATE");
    expect(trustedCertificate("-----BEGIN PUBLIC KEY-----", { now })).toContain("PUBLIC KEY");
    expect(trustedCertificate(leaf.cert, { now: now + year })).toBeUndefined();
    expect(trustedCertificate(leaf.cert, { now: now - year })).toBeUndefined();
  });

  it("with a chain, takes only what leads up to a root and is made out to the name", () => {
    const trust = { now, subjects: ["localhost"], roots };
    expect(trustedCertificate(leaf.cert, trust)).toBe(new X509Certificate(leaf.cert).toString());
    expect(trustedCertificate(`${leaf.cert}\n${authority.cert}`, trust)).toBeDefined();
    expect(trustedCertificate(leaf.cert, { ...trust, subjects: ["example.com"] })).toBeUndefined();
    expect(trustedCertificate(leaf.cert, { ...trust, now: now + year })).toBeUndefined();
    expect(trustedCertificate(leaf.cert, { ...trust, roots: [new X509Certificate(other.cert)] })).toBeUndefined();
    // What the answer itself brings along is no root.
    expect(trustedCertificate(`${leaf.cert}\n${authority.cert}`, { now, subjects: ["localhost"] })).toBeUndefined();
    expect(trustedCertificate(authority.cert, trust)).toBeUndefined();
    expect(trustedCertificate("-----BEGIN PUBLIC KEY-----", trust)).toBeUndefined();
    expect(trustedCertificate("nonsense", trust)).toBeUndefined();
  });

  it("goes over an intermediate only if that one may issue", () => {
    const forged = makeCertificate({ name: "forged", by: leaf });
    expect(trustedCertificate(`${forged.cert}\n${leaf.cert}`, { now, subjects: ["localhost"], roots })).toBeUndefined();
  });
});

describe("keySetAt", () => {
  const from = { kind: "jwks", url: [], keyAt: "key", expiredAt: "expired_at" } as const;
  it("finds the key where the recipe says, until its end", () => {
    const text = (end: number | null) => JSON.stringify({ key: { kty: "EC", expired_at: end } });
    expect(keySetAt(text(null), from, 5_000)).toBe('{"kty":"EC","expired_at":null}');
    expect(keySetAt(text(6), from, 5_000)).toBeDefined();
    expect(keySetAt(text(5), from, 5_000)).toBeUndefined();
    expect(keySetAt("{}", from, 0)).toBeUndefined();
    expect(keySetAt("<html>", from, 0)).toBeUndefined();
  });
});

describe("publicKeys", () => {
  const [scheme] = inlineOf("signature: { scheme: ed25519, header: x-sig, key: { encoding: base64 } }").verify;
  it("gives all keys of a set that can be read, and never more than 32", () => {
    if (scheme === undefined) throw new Error("no scheme");
    const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.alloc(32, 1).toString("base64url") };
    const keys = publicKeys(scheme, JSON.stringify({ keys: [jwk, { kty: "nonsense" }, jwk] }));
    expect(keys.map((key) => key.asymmetricKeyType)).toEqual(["ed25519", "ed25519"]);
    expect(publicKeys(scheme, JSON.stringify({ keys: Array(100).fill(jwk) }))).toHaveLength(32);
    expect(publicKeys(scheme, "{")).toEqual([]);
  });
});

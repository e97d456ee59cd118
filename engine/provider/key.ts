/** From what a source holds (secrets, params, a fetched certificate) to keys, without ever showing one. */
import { createHash, createPublicKey, type KeyObject, type webcrypto, X509Certificate } from "node:crypto";
import type { MaybePromise } from "../core/types.ts";
import { decodeBase64, decodeHex } from "./bytes.ts";
import type { SourceSecret } from "./model.ts";
import type { SchemeModel } from "./scheme.ts";

/** A key that only the network or the store has. */
export type WantedKey =
  | {
      readonly kind: "certificate";
      readonly url: string;
      /** Hosts that the certificates above it may be fetched from, where the answer lacks them. */
      readonly issuersFrom?: readonly string[];
    }
  | {
      readonly kind: "jwk";
      readonly url: string;
      readonly kid: string | undefined;
      /** JSON to post; absent: a GET. */
      readonly post?: string;
    }
  | { readonly kind: "learned"; readonly name: string };

/** What was got: PEM, JSON or secrets as text, or why not. `unreachable` may be better in a while. */
export type FetchedKeys =
  | { readonly ok: true; readonly keys: readonly string[] }
  | { readonly ok: false; readonly reason: "unknown" | "unreachable" };

/** Gets such a key; a bare text is one key, undefined is none. */
export type FetchKey = (wanted: WantedKey) => MaybePromise<FetchedKeys | string | undefined>;

/** More keys than any honest set has. */
const MAX_SET = 32;

/** Secrets that count at this instant. */
export function activeSecrets(secrets: readonly SourceSecret[], now: number): readonly SourceSecret[] {
  return secrets.filter((secret) => (secret.notBefore ?? -Infinity) <= now && now < (secret.until ?? Infinity));
}

/** The bytes a key is made of; undefined when the secret is not written as the recipe says. */
export function secretBytes(scheme: SchemeModel, secret: string): Buffer | undefined {
  const { encoding, stripPrefix, requirePrefix, derive } = scheme.key;
  const prefixed = stripPrefix !== "" && secret.startsWith(stripPrefix);
  if (requirePrefix && !prefixed) return undefined;
  // A public key must never do as an HMAC key: everybody has it.
  if (secret.startsWith("-----BEGIN")) return undefined;
  const bare = prefixed ? secret.slice(stripPrefix.length) : secret;
  const bytes = decodeKey(derive === "nfkd" ? bare.normalize("NFKD") : bare, encoding);
  if (bytes === undefined || bytes.length === 0) return undefined;
  return derive === "sha1" ? createHash("sha1").update(bytes).digest() : bytes;
}

function decodeKey(text: string, encoding: SchemeModel["key"]["encoding"]): Buffer | undefined {
  if (encoding === "hex") return decodeHex(text);
  // Keys are pasted by people: a base64 key that lost its padding is still the same key.
  if (encoding === "base64") return decodeBase64(text) ?? decodeBase64(text + "=".repeat((4 - (text.length % 4)) % 4));
  return encoding === "pem" ? undefined : Buffer.from(text, "utf8");
}

/** What is wrong with a secret for every scheme of the recipe that takes one; undefined when one can use it. */
export function secretFault(schemes: readonly SchemeModel[], secret: string): string | undefined {
  const takers = schemes.filter((scheme) => scheme.scheme !== "none" && scheme.keyFrom.kind === "secrets");
  if (secret === "") return "it is empty";
  if (takers.length === 0 || takers.some((scheme) => fits(scheme, secret))) return undefined;
  const { encoding, stripPrefix, requirePrefix } = (takers[0] as SchemeModel).key;
  return requirePrefix && !secret.startsWith(stripPrefix)
    ? `it does not begin with ${stripPrefix}`
    : `it is not ${encoding === "utf8" ? "a key" : encoding}`;
}

function fits(scheme: SchemeModel, secret: string): boolean {
  if (scheme.scheme === "basic") return secret.includes(":");
  if (scheme.scheme === "token" || scheme.scheme === "hash") return true;
  const asymmetric = scheme.scheme !== "hmac" && scheme.scheme !== "jwt";
  return (asymmetric ? publicKey(scheme, secret) : secretBytes(scheme, secret)) !== undefined;
}

/** All keys of a JWK set, else the one key there is. */
export function publicKeys(scheme: SchemeModel, text: string): readonly KeyObject[] {
  const one = (single: string) => publicKey(scheme, single) ?? [];
  if (!text.trimStart().startsWith("{")) return [one(text)].flat();
  try {
    const set: unknown = JSON.parse(text);
    if (typeof set !== "object" || set === null || !("keys" in set) || !Array.isArray(set.keys))
      return [one(text)].flat();
    return set.keys.slice(0, MAX_SET).flatMap((key: unknown) => one(JSON.stringify(key)));
  } catch {
    return [];
  }
}

/** A public key from PEM (key or certificate), a JWK, DER in base64 or hex, or a raw Ed25519 key. */
export function publicKey(scheme: SchemeModel, text: string): KeyObject | undefined {
  try {
    const bare = text.trim();
    if (bare.startsWith("-----BEGIN CERTIFICATE")) return new X509Certificate(bare).publicKey;
    if (bare.startsWith("-----BEGIN")) return createPublicKey(bare);
    if (bare.startsWith("{")) return createPublicKey({ key: JSON.parse(bare) as webcrypto.JsonWebKey, format: "jwk" });
    const bytes = secretBytes(scheme, bare);
    if (bytes === undefined) return undefined;
    if (scheme.scheme === "ed25519" && bytes.length === 32) {
      return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") }, format: "jwk" });
    }
    return createPublicKey({ key: bytes, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

/** Whether a URL named by a request may be fetched: https, no port or login, a listed host, the right ending. */
export function isTrustedUrl(text: string, hosts: readonly string[], pathSuffix: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.protocol !== "https:" || url.port !== "" || url.username !== "" || url.password !== "")
    return false;
  return url.pathname.endsWith(pathSuffix) && hosts.some((pattern) => hostMatches(url.hostname, pattern));
}

/** `*` stands for one label. */
export function hostMatches(host: string, pattern: string): boolean {
  const labels = host.split(".");
  const wanted = pattern.split(".");
  return labels.length === wanted.length && wanted.every((label, index) => label === "*" || label === labels[index]);
}

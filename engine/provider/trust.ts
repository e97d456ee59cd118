/** Which fetched keys may be believed: certificates in their term and, where a recipe wants it, with a chain; keys of a set. */
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import type { Json } from "../core/types.ts";
import { valueAt } from "./reading.ts";
import type { KeyFrom } from "./scheme.ts";

/** More certificates than any honest chain has. */
const MAX_CHAIN = 8;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

let publicRoots: readonly X509Certificate[] | undefined;

export interface Trust {
  /** ms since the epoch. */
  readonly now: number;
  /** The host names it may be made out to, with a chain up to a root. */
  readonly subjects?: readonly string[];
  /** Default: the public authorities Node ships. */
  readonly roots?: readonly X509Certificate[] | undefined;
}

/** The certificate as PEM, or undefined when it may not be believed. A bare public key has no term and no chain. */
export function trustedCertificate(text: string, trust: Trust): string | undefined {
  const pems = text.match(PEM) ?? [];
  if (pems.length === 0) return trust.subjects === undefined ? text : undefined;
  try {
    const [leaf, ...others] = pems.slice(0, MAX_CHAIN).map((pem) => new X509Certificate(pem));
    if (leaf === undefined || !isInTerm(leaf, trust.now)) return undefined;
    if (trust.subjects === undefined) return leaf.toString();
    if (leaf.ca || trust.subjects.every((name) => leaf.checkHost(name) === undefined)) return undefined;
    const top = topOf(leaf, others, { now: trust.now, roots: rootsOf(trust) });
    return top.issuedByRoot ? leaf.toString() : undefined;
  } catch {
    return undefined;
  }
}

function isInTerm(certificate: X509Certificate, now: number): boolean {
  return certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime();
}

function rootsOf({ roots }: Pick<Trust, "roots">): readonly X509Certificate[] {
  publicRoots ??= rootCertificates.map((pem) => new X509Certificate(pem));
  return roots ?? publicRoots;
}

/**
 * Where the certificate that is missing on the way up lies, as the topmost one there says (RFC 5280, 4.2.2.1). Plain http is
 * usual there and no harm: what comes has to fit between the certificate and a root.
 */
export function missingIssuer(text: string, trust: Pick<Trust, "now" | "roots">): URL | undefined {
  const pems = text.match(PEM) ?? [];
  if (pems.length === 0 || pems.length >= MAX_CHAIN) return undefined;
  try {
    const [leaf, ...others] = pems.map((pem) => new X509Certificate(pem));
    if (leaf === undefined) return undefined;
    const { certificate, issuedByRoot } = topOf(leaf, others, { now: trust.now, roots: rootsOf(trust) });
    const place = /^CA Issuers - URI:(\S+)$/m.exec(certificate.infoAccess ?? "")?.[1];
    return issuedByRoot || place === undefined ? undefined : (URL.parse(place) ?? undefined);
  } catch {
    return undefined;
  }
}

/** What a place of certificates answered, one character for each byte, as PEM; undefined when it is none. */
export function certificateText(body: string): string | undefined {
  try {
    return new X509Certificate(Buffer.from(body, "latin1")).toString();
  } catch {
    return undefined;
  }
}

/** The way up as far as it goes. RFC 5280, section 6, as far as a short chain of TLS certificates needs it: issuer, signature, term, authority. */
function topOf(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  by: { readonly now: number; readonly roots: readonly X509Certificate[] },
): { readonly certificate: X509Certificate; readonly issuedByRoot: boolean } {
  let current = leaf;
  const left = new Set(others);
  for (let step = 0; step < MAX_CHAIN; step++) {
    if (by.roots.some((root) => isIssuedBy(current, root, by.now))) return { certificate: current, issuedByRoot: true };
    const issuer = [...left].find((other) => isIssuedBy(current, other, by.now));
    if (issuer === undefined) break;
    left.delete(issuer);
    current = issuer;
  }
  return { certificate: current, issuedByRoot: false };
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate, now: number): boolean {
  return issuer.ca && isInTerm(issuer, now) && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** The key or key set in an answer, as JSON; undefined when it is not there or its end has come. */
export function keySetAt(text: string, from: Extract<KeyFrom, { kind: "jwks" }>, now: number): string | undefined {
  try {
    const found = valueAt(JSON.parse(text) as Json, from.keyAt);
    if (typeof found !== "object" || found === null) return undefined;
    const end = from.expiredAt === undefined ? undefined : valueAt(found, from.expiredAt);
    return typeof end === "number" && end * 1000 <= now ? undefined : JSON.stringify(found);
  } catch {
    return undefined;
  }
}

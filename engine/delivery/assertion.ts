/** The signed assertion of OAuth's jwt_bearer grant (RFC 7523), as Salesforce and Google take it. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import { fail } from "../core/errors.ts";

/** What is asserted. */
export interface Assertion {
  readonly connection: string;
  /** PEM: PKCS #8 or PKCS #1. */
  readonly privateKey: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly keyId?: string;
  readonly scope?: string;
  /** ms since the epoch */
  readonly now: number;
}

/** Salesforce refuses what is valid for longer. */
const LIFETIME_S = 180;

/** The assertion as a compact JWS, RS256. */
export async function signAssertion(assertion: Assertion): Promise<string> {
  const { issuer, subject, audience, keyId, scope } = assertion;
  const now = Math.floor(assertion.now / 1000);
  return new SignJWT(scope === undefined ? {} : { scope })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(keyId === undefined ? {} : { kid: keyId }) })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + LIFETIME_S)
    .sign(readKey(assertion));
}

function readKey({ privateKey, connection }: Assertion): KeyObject {
  let key: KeyObject;
  try {
    // A key from an environment variable often has its line ends spelled out.
    key = createPrivateKey(privateKey.replaceAll("\\n", "\n"));
  } catch {
    // The cause may quote the key.
    return fail("HK5330", { connection });
  }
  return key.asymmetricKeyType === "rsa" ? key : fail("HK5330", { connection });
}

/** JSON Web Tokens (RFC 7519) as webhooks use them: a listed algorithm, a known key, claims that tie it to this request. */
import { createHash, createHmac, type KeyObject, verify as verifySignature } from "node:crypto";
import { decodeBase64Url, equalsDigest, equalsText } from "./bytes.ts";
import type { KeyText, Match, MatchInput, Refusal } from "./context.ts";
import { claimTime } from "./freshness.ts";
import { publicKey, secretBytes } from "./key.ts";
import { type Env, readText, renderTemplate } from "./render.ts";
import type { ClaimsModel, SchemeModel } from "./scheme.ts";

type JsonRecord = Readonly<Record<string, unknown>>;

interface Token {
  readonly header: JsonRecord;
  readonly claims: JsonRecord;
  /** `header.payload`, the bytes that were signed. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** Verifies the first candidate against the keys, then its claims. */
export function matchToken(scheme: SchemeModel, input: MatchInput, keys: readonly KeyText[]): Match {
  const token = readToken((input.candidates[0] ?? "").replace(/^bearer +/i, ""));
  const model = scheme.claims;
  if (token === undefined || model === undefined) return { ok: false, reason: "token_malformed" };
  const alg = token.header["alg"];
  if (typeof alg !== "string" || !model.alg.has(alg))
    return { ok: false, reason: "token_malformed", detail: "its algorithm is not allowed" };
  const key = keys.find(({ text }) => isSigned(scheme, token, { alg, text }));
  if (key === undefined) return { ok: false, reason: "signature_mismatch" };
  return checkClaims(model, token.claims, input) ?? { ok: true, secretIndex: key.index, claims: token.claims };
}

function readToken(text: string): Token | undefined {
  const [head, payload, tail, ...more] = text.split(".");
  if (head === undefined || payload === undefined || tail === undefined || more.length > 0) return undefined;
  const header = readPart(head);
  const claims = readPart(payload);
  const signature = decodeBase64Url(tail);
  if (header === undefined || claims === undefined || signature === undefined) return undefined;
  return { header, claims, signed: `${head}.${payload}`, signature };
}

function readPart(text: string): JsonRecord | undefined {
  const bytes = decodeBase64Url(text);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** A key only counts for the algorithm family it is of: a public key never serves as an HMAC secret. */
function isSigned(scheme: SchemeModel, token: Token, by: { readonly alg: string; readonly text: string }): boolean {
  if (by.alg.startsWith("HS")) {
    if (by.text.trimStart().startsWith("-----BEGIN")) return false;
    const secret = secretBytes(scheme, by.text);
    const expected = createHmac(`sha${by.alg.slice(2)}`, secret ?? Buffer.alloc(32))
      .update(token.signed)
      .digest();
    return equalsDigest(expected, token.signature) && secret !== undefined;
  }
  const key = publicKey(scheme, pickFromSet(by.text, token.header["kid"]));
  return key !== undefined && isSignedByKey(key, by.alg, token);
}

const ALGORITHMS: Readonly<
  Record<string, { readonly type: string; readonly hash: string | null; readonly curve?: string }>
> = {
  ES256: { type: "ec", hash: "sha256", curve: "prime256v1" },
  RS256: { type: "rsa", hash: "sha256" },
  EdDSA: { type: "ed25519", hash: null },
};

function isSignedByKey(key: KeyObject, alg: string, token: Token): boolean {
  const known = ALGORITHMS[alg];
  if (known === undefined || key.asymmetricKeyType !== known.type) return false;
  if (known.curve !== undefined && key.asymmetricKeyDetails?.namedCurve !== known.curve) return false;
  try {
    return verifySignature(known.hash, Buffer.from(token.signed), { key, dsaEncoding: "ieee-p1363" }, token.signature);
  } catch {
    return false;
  }
}

/** The key of that id in a JWK set; a single key stays what it is. */
function pickFromSet(text: string, kid: unknown): string {
  try {
    const set: unknown = JSON.parse(text);
    if (typeof set !== "object" || set === null || !("keys" in set) || !Array.isArray(set.keys)) return text;
    const key = (set.keys as readonly JsonRecord[]).find((entry) => kid !== undefined && entry["kid"] === kid);
    return key === undefined ? "" : JSON.stringify(key);
  } catch {
    return text;
  }
}

/** The first claim that does not hold. */
function checkClaims(model: ClaimsModel, claims: JsonRecord, input: MatchInput): Refusal | undefined {
  const { env, context } = input;
  return (
    checkLifetime(model, claims, context.now) ??
    mismatch("iss", model.iss !== undefined && claims["iss"] !== renderTemplate(model.iss, env)) ??
    mismatch(
      "aud",
      model.aud !== undefined && ![claims["aud"]].flat().includes(renderTemplate(model.aud, env) ?? null),
    ) ??
    mismatch(
      "body hash",
      model.bodyHash !== undefined && !hashHolds(model.bodyHash, claims, env.reading.request.body),
    ) ??
    mismatch("url hash", model.urlHash !== undefined && !hashHolds(model.urlHash, claims, readUrl(env)))
  );
}

function checkLifetime(model: ClaimsModel, claims: JsonRecord, now: number): Refusal | undefined {
  const exp = claimTime(claims["exp"]);
  const iat = claimTime(claims["iat"]);
  const nbf = claimTime(claims["nbf"]);
  if (exp === undefined && (model.expRequired || claims["exp"] !== undefined))
    return { ok: false, reason: "timestamp_missing", detail: "claim exp" };
  if (exp !== undefined && now >= exp) return { ok: false, reason: "timestamp_too_old", detail: "claim exp" };
  if (nbf !== undefined && now < nbf) return { ok: false, reason: "timestamp_in_future", detail: "claim nbf" };
  if (model.maxAgeMs === undefined) return undefined;
  if (iat === undefined) return { ok: false, reason: "timestamp_missing", detail: "claim iat" };
  if (now - iat > model.maxAgeMs) return { ok: false, reason: "timestamp_too_old", detail: "claim iat" };
  return iat - now > model.maxAgeMs ? { ok: false, reason: "timestamp_in_future", detail: "claim iat" } : undefined;
}

function mismatch(name: string, differs: boolean): Refusal | undefined {
  return differs ? { ok: false, reason: "claim_mismatch", detail: `claim ${name}` } : undefined;
}

const readUrl = (env: Env) => readText({ kind: "url" }, env) ?? "";

function hashHolds(
  model: { readonly claim: string; readonly encoding: "hex" | "base64" },
  claims: JsonRecord,
  over: string | Uint8Array,
): boolean {
  const claim = claims[model.claim];
  return typeof claim === "string" && equalsText(claim, createHash("sha256").update(over).digest(model.encoding));
}

/** What each scheme does with the signatures that were found: the only code that computes or compares them. */
import { createHash, createHmac, type KeyObject, verify as verifySignature } from "node:crypto";
import type { MaybePromise } from "../core/types.ts";
import { MIN_DIGEST_BYTES } from "../plugin/scheme.ts";
import { decodeBase64, equalsDigest, equalsText } from "./bytes.ts";
import type { KeyText, Match, MatchInput, Refusal } from "./context.ts";
import { matchToken } from "./jwt.ts";
import { activeSecrets, type FetchedKeys, isTrustedUrl, publicKeys, secretBytes, type WantedKey } from "./key.ts";
import { paramText } from "./reading.ts";
import { buildMessage, buildMessages, type Chunk, type Env, readText, renderTemplate } from "./render.ts";
import { type CodeDigest, type KeyFrom, readsSecret, type SchemeModel } from "./scheme.ts";
import { decodeSignature } from "./signature.ts";
import { MAX_MATCHED } from "./template.ts";
import { keySetAt, type Trust, trustedCertificate } from "./trust.ts";

const MISMATCH: Refusal = { ok: false, reason: "signature_mismatch" };
/** Stands in for a secret where none counts, so that the refusal takes as long. */
const NO_SECRET: KeyText = { index: -1, text: "no secret" };

/** Matches the candidates against all keys of the scheme. */
export function matchScheme(scheme: SchemeModel, input: MatchInput): MaybePromise<Match> {
  const keys = findKeys(scheme, input);
  if (keys instanceof Promise) return keys.then((found) => matchKeys(scheme, input, found));
  return matchKeys(scheme, input, keys);
}

function matchKeys(scheme: SchemeModel, input: MatchInput, keys: readonly KeyText[] | Refusal): Match {
  if ("ok" in keys) return keys;
  const some = keys.length > 0 ? keys : [NO_SECRET];
  const match = matchWith(scheme, input, some);
  return keys.length === 0 ? { ok: false, reason: "no_valid_secret" } : match;
}

function matchWith(scheme: SchemeModel, input: MatchInput, keys: readonly KeyText[]): Match {
  switch (scheme.scheme) {
    case "hmac":
    case "hash":
      return matchDigest(scheme, input, keys);
    case "token":
      return firstMatch(keys, (key) =>
        input.candidates.map((candidate) => equalsText(candidate, key.text)).includes(true),
      );
    case "basic":
      return matchBasic(input, keys);
    case "jwt":
      return matchToken(scheme, input, keys);
    default:
      return matchAsymmetric(scheme, input, keys);
  }
}

/** Tries every key, also after a match, so that the time does not tell which one it was. */
function firstMatch(keys: readonly KeyText[], matches: (key: KeyText) => boolean): Match {
  let found: number | undefined;
  for (const key of keys) if (matches(key)) found ??= key.index;
  return found === undefined ? MISMATCH : { ok: true, secretIndex: found };
}

function matchDigest(scheme: SchemeModel, input: MatchInput, keys: readonly KeyText[]): Match {
  const decoded = input.candidates.map((candidate) => decodeSignature(candidate, scheme.encoding));
  if (decoded.every((bytes) => bytes === undefined))
    return { ok: false, reason: "signature_malformed", detail: `expected ${scheme.encoding}` };
  const shared = readsSecret(scheme.message) ? undefined : buildMessages(scheme.message, input.env);
  let missing: string | undefined;
  let unusable: number | undefined;
  let failed = false;
  const match = firstMatch(keys, (key) => {
    const messages = shared ?? buildMessages(scheme.message, { ...input.env, secret: key.text });
    const bytes = scheme.scheme === "hmac" ? secretBytes(scheme, key.text) : undefined;
    const usable = scheme.scheme === "hash" || bytes !== undefined;
    if (!usable) unusable ??= key.index;
    const found = messages.flatMap((message) => {
      if (!message.ok) {
        missing = message.missing;
        return [];
      }
      if (isOpenlySigned(scheme, message.chunks)) return [];
      const expected = digest(scheme, message.chunks, bytes);
      if (expected === undefined) {
        failed = true;
        return [];
      }
      return decoded.map((candidate) => equalsDigest(expected, candidate));
    });
    return found.includes(true) && usable;
  });
  // Before anything else: what a broken plugin can not judge is asked again, not refused for good.
  if (failed) return { ok: false, reason: "key_unavailable", detail: `scheme ${scheme.code?.name} failed` };
  if (match.ok) return match;
  if (missing !== undefined)
    return input.env.reading.bodyFault
      ? { ok: false, reason: "body_malformed" }
      : { ok: false, reason: "header_missing", detail: missing };
  return unusable === undefined
    ? match
    : { ok: false, reason: "no_valid_secret", detail: `secret ${unusable} is not ${scheme.key.encoding}` };
}

/** Whoever asks gets such a text signed: a handshake does it. */
function isOpenlySigned({ openlySigned = [] }: SchemeModel, chunks: readonly Chunk[]): boolean {
  if (openlySigned.length === 0 || chunks.reduce((sum, { length }) => sum + length, 0) > MAX_MATCHED) return false;
  const text = chunks
    .map((chunk) => (typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8")))
    .join("");
  return openlySigned.some((pattern) => pattern.test(text));
}

/** The digest of a message: keyed for `hmac`, plain for `hash`. Undefined when code of a plugin makes none. */
export function digest(scheme: SchemeModel, chunks: readonly Chunk[], key: Buffer | undefined): Buffer | undefined {
  if (scheme.code !== undefined) return codeDigest(scheme.code, chunks, key);
  const hash =
    scheme.scheme === "hash" ? createHash(scheme.algorithm) : createHmac(scheme.algorithm, key ?? Buffer.alloc(32));
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest();
}

/** What it throws is not kept: it may hold the key. Each call gets copies, which it may do with as it likes. */
function codeDigest(code: CodeDigest, chunks: readonly Chunk[], key: Buffer | undefined): Buffer | undefined {
  const message = Uint8Array.from(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))));
  try {
    const made: unknown = code.digest({ message, key: Uint8Array.from(key ?? Buffer.alloc(32)) });
    // A promise is no digest, and one that fails later would end the process.
    if (made instanceof Promise) made.catch(() => undefined);
    return made instanceof Uint8Array && made.length >= MIN_DIGEST_BYTES ? Buffer.from(made) : undefined;
  } catch {
    return undefined;
  }
}

function matchBasic(input: MatchInput, keys: readonly KeyText[]): Match {
  const given = input.candidates.map(decodeBase64);
  if (given.every((bytes) => bytes === undefined))
    return { ok: false, reason: "token_malformed", detail: "expected Basic and base64" };
  return firstMatch(keys, (key) =>
    given.map((bytes) => equalsText(bytes ?? "", key.text) && bytes !== undefined).includes(true),
  );
}

function matchAsymmetric(scheme: SchemeModel, input: MatchInput, keys: readonly KeyText[]): Match {
  const decoded = input.candidates.flatMap((candidate) => decodeSignature(candidate, scheme.encoding) ?? []);
  if (decoded.length === 0) return { ok: false, reason: "signature_malformed", detail: `expected ${scheme.encoding}` };
  const message = buildMessage(scheme.message, input.env);
  if (!message.ok)
    return input.env.reading.bodyFault
      ? { ok: false, reason: "body_malformed" }
      : { ok: false, reason: "header_missing", detail: message.missing };
  const bytes = Buffer.concat(message.chunks.map((chunk) => Buffer.from(chunk)));
  const usable = keys.flatMap(({ index, text }) => publicKeys(scheme, text).map((key) => ({ index, key })));
  if (usable.length === 0) return { ok: false, reason: "key_unavailable", detail: "no key that can be read" };
  const found = usable.find(({ key }) => decoded.some((signature) => isSignedBy(scheme, key, { bytes, signature })));
  return found === undefined ? MISMATCH : { ok: true, secretIndex: found.index };
}

const KEY_TYPES: Readonly<Record<string, string>> = { ed25519: "ed25519", ecdsa_p256: "ec", rsa: "rsa" };

function isSignedBy(
  scheme: SchemeModel,
  key: KeyObject,
  signed: { readonly bytes: Buffer; readonly signature: Buffer },
): boolean {
  if (key.asymmetricKeyType !== KEY_TYPES[scheme.scheme]) return false;
  if (scheme.scheme === "ecdsa_p256" && key.asymmetricKeyDetails?.namedCurve !== "prime256v1") return false;
  const algorithm = scheme.scheme === "ed25519" ? null : scheme.algorithm;
  const dsaEncoding = scheme.format === "ieee_p1363" ? "ieee-p1363" : "der";
  try {
    return verifySignature(algorithm, signed.bytes, { key, dsaEncoding }, signed.signature);
  } catch {
    return false;
  }
}

/** The param that holds the key, or that stands in for a fetch. */
export function standInName(from: KeyFrom): string | undefined {
  if (from.kind === "param") return from.name;
  return from.kind === "cert_url" ? "certificate" : from.kind === "jwks" ? "jwks" : undefined;
}

/** Keys of the scheme: the source's secrets, a param, or what `fetchKey` brings. */
function findKeys(scheme: SchemeModel, input: MatchInput): MaybePromise<readonly KeyText[] | Refusal> {
  const { context, env } = input;
  const from = scheme.keyFrom;
  const own = activeSecrets(context.secrets, context.now).map((secret) => ({
    index: secret.index,
    text: secret.value.reveal(),
  }));
  if (from.kind === "secrets") return own;
  const name = standInName(from);
  const param = name === undefined ? undefined : paramText(context.params, name);
  if (param !== undefined) return [{ index: 0, text: param }];
  if (from.kind === "param") return { ok: false, reason: "key_unavailable", detail: `param ${from.name} is not set` };
  const wanted = wantedKey(from, env, input.candidates);
  if ("ok" in wanted) return wanted;
  const fetched = context.fetchKey?.(wanted);
  const use = (got: FetchedKeys | string | undefined) => {
    const found = usedKeys(from, wanted, { got, now: context.now, roots: context.roots });
    // What the source itself says stands beside what a handshake told: for tests, and for a store that was lost.
    if (from.kind !== "handshake_store" || own.length === 0) return found;
    return "ok" in found ? own : [...own, ...found];
  };
  return fetched instanceof Promise ? fetched.then(use, () => use(undefined)) : use(fetched);
}

/** What was fetched as keys, once it is known to be fit for use. */
function usedKeys(
  from: KeyFrom,
  wanted: WantedKey,
  { got, now, roots }: { readonly got: FetchedKeys | string | undefined } & Pick<Trust, "now" | "roots">,
): readonly KeyText[] | Refusal {
  const fetched = typeof got === "string" ? ({ ok: true, keys: [got] } as const) : got;
  if (fetched === undefined || !fetched.ok) {
    const reason = fetched?.reason === "unreachable" ? "key_unreachable" : "key_unavailable";
    return { ok: false, reason, detail: `${wanted.kind} could not be had` };
  }
  const keys = fetched.keys.flatMap((text) => {
    const fit =
      from.kind === "cert_url"
        ? trustedCertificate(text, {
            now,
            roots,
            ...(from.chain === undefined ? {} : { subjects: from.chain.subjects }),
          })
        : from.kind === "jwks"
          ? keySetAt(text, from, now)
          : text;
    return fit === undefined ? [] : [{ index: 0, text: fit }];
  });
  return keys.length === 0 && wanted.kind !== "learned"
    ? { ok: false, reason: "key_unavailable", detail: `the ${wanted.kind} is not fit for use` }
    : keys;
}

function wantedKey(from: KeyFrom, env: Env, candidates: readonly string[]): WantedKey | Refusal {
  if (from.kind === "cert_url") {
    const url = readText(from.from, env) ?? "";
    if (!isTrustedUrl(url, from.hosts, from.pathSuffix))
      return { ok: false, reason: "key_unavailable", detail: "the certificate is not from a listed host" };
    const { issuersFrom = [] } = from.chain ?? {};
    return { kind: "certificate", url, ...(issuersFrom.length > 0 && { issuersFrom }) };
  }
  if (from.kind === "jwks") return wantedJwk(from, env, keyId(candidates[0] ?? ""));
  return { kind: "learned", name: from.kind === "handshake_store" ? from.name : "" };
}

function wantedJwk(from: Extract<KeyFrom, { kind: "jwks" }>, env: Env, kid: string | undefined): WantedKey | Refusal {
  const asked: Env = { ...env, claims: kid === undefined ? {} : { kid } };
  const url = renderTemplate(from.url, asked);
  const post = from.post?.map(([name, template]) => [name, renderTemplate(template, asked)] as const);
  const missing = post?.find(([, value]) => value === undefined)?.[0];
  if (url === undefined || missing !== undefined)
    return { ok: false, reason: "key_unavailable", detail: `there is no ${missing ?? "url"} to ask for the key with` };
  return { kind: "jwk", url, kid, ...(post === undefined ? {} : { post: JSON.stringify(Object.fromEntries(post)) }) };
}

/** `kid` of a token's header, before anything about it is believed: it only picks a key from a set we trust. */
function keyId(token: string): string | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString("utf8"));
    return typeof header === "object" && header !== null && "kid" in header && typeof header.kid === "string"
      ? header.kid
      : undefined;
  } catch {
    return undefined;
  }
}

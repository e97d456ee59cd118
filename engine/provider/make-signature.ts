/** Makes the signature text of one message: the sender's half of every scheme. */
import { createHash, createHmac, createPrivateKey, type KeyObject, sign as signBytes } from "node:crypto";
import { fail } from "../core/errors.ts";
import { secretBytes } from "./key.ts";
import { digest } from "./match.ts";
import type { Recipe } from "./recipe.ts";
import { buildMessage, type Env, readText, renderTemplate } from "./render.ts";
import type { ClaimsModel, SchemeModel } from "./scheme.ts";

export interface SigningKey {
  /** The shared secret, `user:password` for basic, or a private key in PEM for public-key schemes. */
  readonly secret: string;
  /** ms since the epoch. */
  readonly now: number;
}

/** The signature, written in the scheme's encoding. Throws `HK3020` or `HK3021` where it can't be made. */
export function makeSignature(recipe: Recipe, scheme: SchemeModel, env: Env, by: SigningKey): string {
  if (scheme.scheme === "token") return by.secret;
  if (scheme.scheme === "basic") return Buffer.from(by.secret).toString("base64");
  if (scheme.scheme === "jwt") return signToken(recipe, scheme, env, by);
  const message = buildMessage(scheme.message, env);
  if (!message.ok) return fail("HK3020", { provider: recipe.provider, problem: `${message.missing} is not there` });
  const encoding = scheme.encoding === "text" ? "utf8" : scheme.encoding;
  const digestWith = (key: Buffer | undefined) =>
    digest(scheme, message.chunks, key)?.toString(encoding) ??
    fail("HK3020", { provider: recipe.provider, problem: `its scheme \`${scheme.code?.name}\` makes no digest` });
  if (scheme.scheme === "hash") return digestWith(undefined);
  if (scheme.scheme === "hmac") {
    const key =
      secretBytes(scheme, by.secret) ??
      fail("HK3021", { provider: recipe.provider, index: 1, problem: `it is not ${scheme.key.encoding}` });
    return digestWith(key);
  }
  const bytes = Buffer.concat(message.chunks.map((chunk) => Buffer.from(chunk)));
  const dsaEncoding = scheme.format === "ieee_p1363" ? "ieee-p1363" : "der";
  const algorithm = scheme.scheme === "ed25519" ? null : scheme.algorithm;
  return signBytes(algorithm, bytes, { key: privateKey(recipe, by.secret), dsaEncoding }).toString(encoding);
}

function privateKey(recipe: Recipe, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    return fail("HK3020", { provider: recipe.provider, problem: "signing needs the private key, in PEM" });
  }
}

const KEY_ALGORITHMS: Readonly<Record<string, { readonly type: string; readonly hash: string | null }>> = {
  ES256: { type: "ec", hash: "sha256" },
  RS256: { type: "rsa", hash: "sha256" },
  EdDSA: { type: "ed25519", hash: null },
};

/** A token as the recipe demands it, good for five minutes. */
function signToken(recipe: Recipe, scheme: SchemeModel, env: Env, by: SigningKey): string {
  const claims = scheme.claims;
  if (claims === undefined) return fail("HK3020", { provider: recipe.provider, problem: "it says no claims" });
  const isPem = by.secret.trimStart().startsWith("-----BEGIN");
  const alg = [...claims.alg].find((name) => name.startsWith("HS") !== isPem);
  if (alg === undefined)
    return fail("HK3020", { provider: recipe.provider, problem: "its tokens need a key of another kind" });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg, typ: "JWT" })}.${encode(claimsOf(claims, env, by.now))}`;
  return `${signed}.${signedBy(recipe, scheme, { alg, secret: by.secret, signed }).toString("base64url")}`;
}

function signedBy(
  recipe: Recipe,
  scheme: SchemeModel,
  by: { readonly alg: string; readonly secret: string; readonly signed: string },
): Buffer {
  const known = KEY_ALGORITHMS[by.alg];
  if (known === undefined) {
    const key =
      secretBytes(scheme, by.secret) ??
      fail("HK3021", { provider: recipe.provider, index: 1, problem: `it is not ${scheme.key.encoding}` });
    return createHmac(`sha${by.alg.slice(2)}`, key)
      .update(by.signed)
      .digest();
  }
  const key = privateKey(recipe, by.secret);
  if (key.asymmetricKeyType !== known.type)
    return fail("HK3020", { provider: recipe.provider, problem: "its tokens need a key of another kind" });
  return signBytes(known.hash, Buffer.from(by.signed), { key, dsaEncoding: "ieee-p1363" });
}

function claimsOf(claims: ClaimsModel, env: Env, now: number): Record<string, unknown> {
  const iat = Math.floor(now / 1000);
  const hash = (of: string | Uint8Array, encoding: "hex" | "base64") =>
    createHash("sha256").update(of).digest(encoding);
  const { iss, aud, bodyHash, urlHash } = claims;
  return {
    iat,
    exp: iat + 300,
    ...(iss === undefined ? {} : { iss: renderTemplate(iss, env) }),
    ...(aud === undefined ? {} : { aud: renderTemplate(aud, env) }),
    ...(bodyHash === undefined ? {} : { [bodyHash.claim]: hash(env.reading.request.body, bodyHash.encoding) }),
    ...(urlHash === undefined ? {} : { [urlHash.claim]: hash(readText({ kind: "url" }, env) ?? "", urlHash.encoding) }),
  };
}

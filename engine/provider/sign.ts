/** Signs a request the way its provider would: for `send`, `test` and everything that needs a request that is really valid. */
import { createHmac, createPrivateKey, sign as signBytes } from "node:crypto";
import { fail } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import { secretBytes } from "./key.ts";
import { digest } from "./match.ts";
import { paramText, Reading } from "./reading.ts";
import type { Recipe } from "./recipe.ts";
import { buildMessage, type Env } from "./render.ts";
import type { SchemeModel } from "./scheme.ts";
import { writeSignature } from "./signature.ts";
import type { Ref } from "./template.ts";
import { writeTime } from "./time.ts";

export interface SignInput {
  readonly body: Uint8Array;
  /** The shared secret, `user:password` for basic, or a private key in PEM for public-key schemes. */
  readonly secret?: Secret;
  /** ms since the epoch. */
  readonly now: number;
  readonly method?: string;
  /** Full URL it is sent to. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The event's id: goes into the id header of providers that have one. */
  readonly id?: string;
  readonly params?: Readonly<Record<string, string | Secret>>;
}

/** All headers of the signed request, in lower case. Throws `HK3020` or `HK3021` where it can't be signed. */
export function signRequest(recipe: Recipe, input: SignInput): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  for (const [name, value] of Object.entries(input.headers ?? {})) headers[name.toLowerCase()] = value;
  const scheme = recipe.verify[0];
  if (scheme === undefined || scheme.scheme === "none") return headers;
  if (input.id !== undefined) setIdHeader(recipe, headers, input.id);
  const place = scheme.places[0];
  const header =
    place?.kind === "header"
      ? place.name
      : place?.kind === "header_pattern"
        ? `${place.before}1${place.after}`
        : undefined;
  if (header === undefined)
    return fail("HK3020", { provider: recipe.provider, problem: "its signature does not stand in a header" });
  if (input.secret === undefined) return fail("HK3020", { provider: recipe.provider, problem: "there is no secret" });
  const timestamp = scheme.timestamp === undefined ? "" : writeTime(input.now, scheme.timestamp.unit);
  if (scheme.timestamp?.from.kind === "header") headers[scheme.timestamp.from.name] = timestamp;
  const secret = input.secret.reveal();
  const env = createEnv(input, { headers, timestamp, secret });
  const signature = makeSignature(recipe, scheme, { env, secret, now: input.now });
  headers[header] = writeSignature(scheme, signature, timestamp, keyId(scheme, env));
  return headers;
}

function setIdHeader(recipe: Recipe, headers: Record<string, string>, id: string): void {
  for (const candidate of recipe.events.ids) {
    const part = candidate.kind === "hash" ? undefined : candidate.template[0];
    if (typeof part !== "object" || part.ref.kind !== "header" || candidate.kind === "hash" || candidate.composite)
      continue;
    headers[part.ref.name] ??= id;
    return;
  }
}

function createEnv(
  input: SignInput,
  sent: { readonly headers: Record<string, string>; readonly timestamp: string; readonly secret: string },
): Env {
  const url = new URL(input.url);
  const request = {
    method: input.method ?? "POST",
    target: url.pathname + url.search,
    path: url.pathname,
    query: url.search.slice(1),
    headers: sent.headers,
    body: input.body,
  };
  const params = { url: input.url, ...input.params };
  const parts = new Map([["timestamp", sent.timestamp]]);
  // Body paths are read by path, not by a compiled scan: a sample is parsed once more, which costs nothing here.
  return { reading: Reading.ofParsed(request), params, timestamp: sent.timestamp, parts, secret: sent.secret };
}

function keyId(scheme: SchemeModel, env: Env): string {
  const ref: Ref | undefined = scheme.parse.kind === "pairs" ? scheme.parse.selectBy : undefined;
  return ref?.kind === "param" ? (paramText(env.params, ref.name) ?? "") : "";
}

function makeSignature(
  recipe: Recipe,
  scheme: SchemeModel,
  by: { readonly env: Env; readonly secret: string; readonly now: number },
): string {
  if (scheme.scheme === "token") return by.secret;
  if (scheme.scheme === "basic") return Buffer.from(by.secret).toString("base64");
  if (scheme.scheme === "jwt") return signToken(recipe, scheme, by);
  const message = buildMessage(scheme.message, by.env);
  if (!message.ok) return fail("HK3020", { provider: recipe.provider, problem: `${message.missing} is not there` });
  const encoding = scheme.encoding === "text" ? "utf8" : scheme.encoding;
  if (scheme.scheme === "hash") return digest(scheme, message.chunks, undefined).toString(encoding);
  if (scheme.scheme === "hmac") {
    const key =
      secretBytes(scheme, by.secret) ??
      fail("HK3021", { provider: recipe.provider, index: 1, problem: `it is not ${scheme.key.encoding}` });
    return digest(scheme, message.chunks, key).toString(encoding);
  }
  const bytes = Buffer.concat(message.chunks.map((chunk) => Buffer.from(chunk)));
  return signWithKey(recipe, scheme, { bytes, pem: by.secret }).toString(encoding);
}

function signWithKey(
  recipe: Recipe,
  scheme: SchemeModel,
  by: { readonly bytes: Buffer; readonly pem: string },
): Buffer {
  try {
    const dsaEncoding = scheme.format === "ieee_p1363" ? "ieee-p1363" : "der";
    return signBytes(scheme.scheme === "ed25519" ? null : scheme.algorithm, by.bytes, {
      key: createPrivateKey(by.pem),
      dsaEncoding,
    });
  } catch {
    return fail("HK3020", { provider: recipe.provider, problem: "signing needs the private key, in PEM" });
  }
}

/** A token as the recipe demands it, good for five minutes; only the shared-secret algorithms. */
function signToken(
  recipe: Recipe,
  scheme: SchemeModel,
  by: { readonly env: Env; readonly secret: string; readonly now: number },
): string {
  const alg = [...(scheme.claims?.alg ?? [])].find((name) => name.startsWith("HS"));
  const key = secretBytes(scheme, by.secret);
  if (alg === undefined || key === undefined)
    return fail("HK3020", { provider: recipe.provider, problem: "only tokens with a shared secret can be made" });
  const iat = Math.floor(by.now / 1000);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg, typ: "JWT" })}.${encode({ iat, exp: iat + 300 })}`;
  return `${signed}.${createHmac(`sha${alg.slice(2)}`, key)
    .update(signed)
    .digest("base64url")}`;
}

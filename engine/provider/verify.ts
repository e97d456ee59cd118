/**
 * Verification: the only maker of a `VerifiedRequest`. In: a request as received, a compiled recipe, the source's
 * secrets and params, the time. Out: the request with a verdict, or a reason that is never told to the sender.
 * Works on the raw bytes alone; answers at once unless a key has to be fetched. Nothing a sender writes makes it throw.
 */
import type { MaybePromise, RawRequest } from "../core/types.ts";
import type { Match, Refusal, VerifyContext } from "./context.ts";
import { checkTimestamp, readTimestamp } from "./freshness.ts";
import { itemReadings } from "./items.ts";
import { matchScheme } from "./match.ts";
import type { Verdict, VerifiedRequest } from "./model.ts";
import { readingOf } from "./parse.ts";
import { paramText, type Reading } from "./reading.ts";
import type { Recipe } from "./recipe.ts";
import { type Env, isThere, readText, renderTemplate } from "./render.ts";
import type { Requirement, SchemeModel } from "./scheme.ts";
import { findSignatures } from "./signature.ts";
import { MAX_MATCHED } from "./template.ts";

export type Verified = { readonly ok: true; readonly request: VerifiedRequest } | Refusal;

/** Verifies a request by the recipe's schemes; any of them may pass. */
export function verify(recipe: Recipe, request: RawRequest, context: VerifyContext): MaybePromise<Verified> {
  if (!recipe.accept.methods.has(request.method)) return { ok: false, reason: "method_not_allowed" };
  const repeated = findRepeated(request.rawHeaders, recipe.singleHeaders);
  if (repeated !== undefined) return { ok: false, reason: "header_repeated", detail: `header ${repeated}` };
  const reading = readingOf(recipe, request, recipe.verifyPaths);
  const verdict = tryFrom(0, undefined);
  return verdict instanceof Promise ? verdict.then((done) => brand(request, done)) : brand(request, verdict);

  /** The refusal that is shown is that of the scheme that got furthest: a request is rarely meant for two. */
  function tryFrom(index: number, refusal: Refusal | undefined): MaybePromise<Verdict> {
    const scheme = recipe.verify[index];
    if (scheme === undefined) return refusal ?? { ok: false, reason: "signature_missing" };
    const next = (verdict: Verdict) =>
      verdict.ok ? { ...verdict, entry: index } : tryFrom(index + 1, further(refusal, verdict));
    const verdict = verifyScheme(scheme, reading, context);
    return verdict instanceof Promise ? verdict.then(next) : next(verdict);
  }
}

function brand(request: RawRequest, verdict: Verdict): Verified {
  return verdict.ok ? { ok: true, request: { ...request, __verified: true, verdict } } : verdict;
}

/** How far a scheme got before it refused: 0 for a request that was not meant for it. */
function progress(refusal: Refusal): number {
  if (refusal.reason === "signature_missing" || refusal.reason === "required_value_mismatch") return 0;
  return refusal.reason === "signature_malformed" || refusal.reason === "token_malformed" ? 1 : 2;
}

function further(before: Refusal | undefined, after: Refusal): Refusal {
  return before === undefined || progress(after) > progress(before) ? after : before;
}

/** A deciding header that stands twice: Node would join or drop one, and which one was signed is a guess. */
function findRepeated(rawHeaders: readonly string[], single: readonly string[]): string | undefined {
  let seen = "";
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i] as string;
    for (const name of single) {
      // Most headers differ in length already: this runs for every request.
      if (raw.length !== name.length || raw.toLowerCase() !== name) continue;
      if (seen.includes(`\n${name}\n`)) return name;
      seen += `\n${name}\n`;
    }
  }
  return undefined;
}

function verifyScheme(scheme: SchemeModel, reading: Reading, context: VerifyContext): MaybePromise<Verdict> {
  if (scheme.perItem === undefined) return verifyReading(scheme, reading, context);
  const items = itemReadings(reading.request, scheme.perItem);
  if (items === undefined) return { ok: false, reason: "body_malformed", detail: `no list at ${scheme.perItem}` };
  return verifyItems(scheme, items, context);
}

/** Every item must pass; the verdict is the first one's. */
async function verifyItems(scheme: SchemeModel, items: readonly Reading[], context: VerifyContext): Promise<Verdict> {
  let first: Verdict | undefined;
  for (const item of items) {
    const verdict = await verifyReading(scheme, item, context);
    if (!verdict.ok) return verdict;
    first ??= verdict;
  }
  return first ?? { ok: false, reason: "signature_missing", detail: "the batch is empty" };
}

function verifyReading(scheme: SchemeModel, reading: Reading, context: VerifyContext): MaybePromise<Verdict> {
  if (scheme.scheme === "none") return { ok: true, entry: 0, scheme: "none", secretIndex: 0, signed: scheme.signed };
  const base: Env = { reading, params: context.params };
  const found = findSignatures(scheme, base);
  if (!found.ok) return found;
  const unmet = scheme.require.find((requirement) => !isMet(requirement, base));
  if (unmet !== undefined) return { ok: false, reason: "required_value_mismatch", detail: unmet.text };
  const stamp = readTimestamp(scheme, { ...base, parts: found.parts });
  if (!stamp.ok) return stamp;
  const env: Env = { ...base, parts: found.parts, timestamp: stamp.text };
  const finish = (match: Match): Verdict => {
    if (!match.ok) return match;
    const late = checkTimestamp(scheme, stamp, { claims: match.claims, now: context.now });
    if (!late.ok) return late;
    const { ok: _, ...skew } = late;
    return {
      ok: true,
      entry: 0,
      scheme: schemeName(scheme),
      secretIndex: match.secretIndex,
      signed: scheme.signed,
      ...skew,
    };
  };
  const match = matchScheme(scheme, { env, candidates: found.candidates, context });
  return match instanceof Promise ? match.then(finish) : finish(match);
}

function isMet({ ref, equals, matches, exists }: Requirement, env: Env): boolean {
  const text = readText(ref, env);
  if (matches !== undefined) return text !== undefined && text.length <= MAX_MATCHED && matches.test(text);
  if (equals === undefined) return isThere(ref, env) === exists;
  // A param that is not given demands nothing: those that a source must give are asked for by `check`.
  const [hole] = equals;
  if (typeof hole === "object" && hole.ref.kind === "param" && paramText(env.params, hole.ref.name) === undefined)
    return true;
  const wanted = renderTemplate(equals, env);
  return wanted !== undefined && text === wanted;
}

/** `hmac sha256`, `ed25519`, `token`: as `explain` shows it. */
function schemeName(scheme: SchemeModel): string {
  if (scheme.code !== undefined) return scheme.code.name;
  return scheme.scheme === "hmac" || scheme.scheme === "hash" || scheme.scheme === "rsa"
    ? `${scheme.scheme} ${scheme.algorithm}`
    : scheme.scheme;
}

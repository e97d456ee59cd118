/** Answers the questions providers ask before they send events: echoes, HMAC challenges, tokens. Nothing is stored. */
import { Secret } from "../core/secret.ts";
import type { Json, RawRequest } from "../core/types.ts";
import { equalsText } from "./bytes.ts";
import type { ConditionModel, HandshakeModel, JsonTemplate } from "./compile-handshake.ts";
import type { VerifyContext } from "./context.ts";
import { activeSecrets, isTrustedUrl, secretBytes } from "./key.ts";
import type { HandshakeReply } from "./model.ts";
import { readingOf } from "./parse.ts";
import { paramText } from "./reading.ts";
import type { Recipe } from "./recipe.ts";
import { type Env, isThere, readText, renderTemplate } from "./render.ts";
import { MAX_MATCHED } from "./template.ts";

/** A reply holds at most what an honest challenge does: this is no mirror for other people's bytes. */
const MAX_REPLY = 4096;

/**
 * The reply to a handshake, or undefined when the request is none. Before verification only those answer that
 * need no signature; after it, the others.
 */
export function answerHandshake(
  recipe: Recipe,
  request: RawRequest,
  context: VerifyContext,
  verified: boolean,
): HandshakeReply | undefined {
  if (recipe.handshake.length === 0) return undefined;
  const reading = readingOf(recipe, request, recipe.handshakePaths);
  const secret = activeSecrets(context.secrets, context.now)[0]?.value.reveal();
  const keyed = recipe.verify.find(({ scheme, keyFrom }) => scheme === "hmac" && keyFrom.kind === "secrets");
  const key = keyed === undefined || secret === undefined ? undefined : secretBytes(keyed, secret);
  const env: Env = { reading, params: context.params, secret, key };
  for (const handshake of recipe.handshake) {
    if ((handshake.auth.kind === "verify") !== verified) continue;
    if (!handshake.when.every((condition) => holds(condition, env))) continue;
    if (!mayAnswer(handshake, env)) continue;
    return reply(handshake, env);
  }
  return undefined;
}

function holds(condition: ConditionModel, env: Env): boolean {
  const text = readText(condition.ref, env);
  if (condition.matches !== undefined) {
    return text !== undefined && text.length <= MAX_MATCHED && condition.matches.test(text);
  }
  if (condition.equals === undefined) return isThere(condition.ref, env) === condition.exists;
  return text === condition.equals;
}

function mayAnswer(handshake: HandshakeModel, env: Env): boolean {
  if (handshake.auth.kind !== "token_equals") return true;
  const wanted = paramText(env.params, handshake.auth.param);
  const given = readText(handshake.auth.from, env);
  return wanted !== undefined && wanted !== "" && equalsText(given ?? "", wanted) && given !== undefined;
}

/** Undefined when a template needs what the request does not have: then it was no handshake. */
function reply(handshake: HandshakeModel, env: Env): HandshakeReply | undefined {
  const headers: Record<string, string> = { "x-content-type-options": "nosniff" };
  for (const [name, template] of handshake.headers) {
    const value = renderTemplate(template, env);
    if (value === undefined || !isHeaderValue(value)) return undefined;
    headers[name] = value;
  }
  const body = replyBody(handshake, env);
  if (body === undefined || body.length > MAX_REPLY) return undefined;
  if (handshake.body.kind !== "empty") {
    headers["content-type"] = handshake.body.kind === "json" ? "application/json" : "text/plain; charset=utf-8";
  }
  const secret = handshake.store === undefined ? undefined : readText(handshake.store.secret, env);
  if (handshake.store !== undefined && (secret ?? "") === "") return undefined;
  const learned =
    handshake.store === undefined || secret === undefined
      ? {}
      : { learned: { name: handshake.store.name, value: new Secret(secret) } };
  const fetch = handshake.fetch === undefined ? undefined : readText(handshake.fetch.url, env);
  if (handshake.fetch !== undefined && !isTrustedUrl(fetch ?? "", handshake.fetch.hosts, "")) return undefined;
  const base = { name: handshake.name, status: handshake.status, headers, body };
  return { ...base, ...learned, ...(fetch === undefined ? {} : { fetch }) };
}

function replyBody(handshake: HandshakeModel, env: Env): string | undefined {
  if (handshake.body.kind === "empty") return "";
  if (handshake.body.kind === "text") return renderTemplate(handshake.body.template, env);
  const value = fillJson(handshake.body.template, env);
  return value === undefined ? undefined : JSON.stringify(value);
}

function fillJson(template: JsonTemplate, env: Env): Json | undefined {
  if ("value" in template) return template.value;
  if ("list" in template) {
    const items = template.list.map((item) => fillJson(item, env));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (!("object" in template)) return renderTemplate(template, env);
  const entries = template.object.map(([key, item]) => [key, fillJson(item, env)] as const);
  return entries.every((entry): entry is readonly [string, Json] => entry[1] !== undefined)
    ? Object.fromEntries(entries)
    : undefined;
}

/** A value that can't end the header it stands in. */
function isHeaderValue(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

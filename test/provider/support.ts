/** What the provider tests share: shipped recipes, requests as a socket gives them, one fixed secret and time. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { listAssets, readAsset } from "../../engine/core/assets.ts";
import { Secret } from "../../engine/core/secret.ts";
import type { Json, RawRequest } from "../../engine/core/types.ts";
import type { VerifyContext } from "../../engine/provider/context.ts";
import type { SourceSecret } from "../../engine/provider/model.ts";
import {
  type InlineRecipeYaml,
  inlineRecipeSchema,
  type RecipeYaml,
  recipeSchema,
} from "../../engine/provider/recipe.schema.ts";
import { type CompiledRecipe, compileInlineRecipe, compileRecipe, type Recipe } from "../../engine/provider/recipe.ts";

/** 2026-12-01T00:00:00Z, the time of the samples. */
export const NOW = 1_796_083_200_000;
export const WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const ajv = new Ajv({ allErrors: true, strict: false });
const isRecipe = ajv.compile<RecipeYaml>(recipeSchema);
const isInline = ajv.compile<InlineRecipeYaml>(inlineRecipeSchema);

export const shippedNames = listAssets("plugins/providers")
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => name.replace(/^.*\//, "").replace(".yaml", ""))
  .sort();

export function readRecipe(name: string): RecipeYaml {
  const raw: unknown = parse(readAsset(`plugins/providers/${name}.yaml`));
  if (!isRecipe(raw)) throw new Error(`${name}: ${ajv.errorsText(isRecipe.errors)}`);
  return raw;
}

export const readSample = (path: string): Json => JSON.parse(readAsset(`plugins/providers/${path}`)) as Json;

export function shipped(name: string): Recipe {
  return unwrap(compileRecipe(readRecipe(name), readSample));
}

/** A recipe from YAML text, validated like any other. */
export function recipeOf(yaml: string): Recipe {
  const raw: unknown = parse(yaml);
  if (!isRecipe(raw)) throw new Error(ajv.errorsText(isRecipe.errors));
  return unwrap(compileRecipe(raw));
}

export function compileInline(yaml: string): CompiledRecipe {
  const raw: unknown = parse(yaml);
  if (!isInline(raw)) throw new Error(ajv.errorsText(isInline.errors));
  return compileInlineRecipe("home-made", raw);
}

/** The recipe of a home-made sender, from what its source would say. */
export function inlineOf(yaml: string): Recipe {
  return unwrap(compileInline(yaml));
}

function unwrap(compiled: CompiledRecipe): Recipe {
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.recipe;
}

export function request(
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  more: Partial<RawRequest> = {},
): RawRequest {
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method: "POST",
    target: "/hooks/x",
    path: "/hooks/x",
    query: "",
    headers: lower,
    rawHeaders: Object.entries(headers).flat(),
    body: typeof body === "string" ? Buffer.from(body) : body,
    remoteAddress: "127.0.0.1",
    receivedAt: NOW,
    ...more,
  };
}

export function secrets(...values: string[]): readonly SourceSecret[] {
  return values.map((value, index) => ({ index: index + 1, value: new Secret(value) }));
}

export function context(...values: string[]): VerifyContext {
  return { secrets: secrets(...values), params: {}, now: NOW };
}

/** A secret in the form the recipe takes, and another of that form. For public-key schemes a private key: it knows its public one. */
export function secretFor(recipe: Recipe, which: "right" | "other" = "right"): string {
  const scheme = recipe.verify.find(({ keyFrom }) => keyFrom.kind === "secrets") ?? recipe.verify[0];
  if (scheme?.scheme === "ed25519") return pems.ed25519[which];
  if (scheme?.scheme === "ecdsa_p256") return pems.ec[which];
  if (scheme?.scheme === "basic") return `user:topsecret_${which}`;
  if (scheme?.key.encoding === "hex") return (which === "right" ? "44" : "45").repeat(32);
  if (scheme?.key.encoding === "base64") {
    const text = which === "right" ? WHSEC : WHSEC.replace("o", "p");
    return scheme.key.stripPrefix === "" ? text.replace("whsec_", "") : text;
  }
  return `whsec_topsecret_${which}`;
}

export const URL_GIVEN = "https://hooks.example.com/hooks/x";

/** What a source of this recipe would give besides its secrets; where a key is fetched, a private key stands in for it. */
export function paramsFor(recipe: Recipe, which: "right" | "other" = "right"): Record<string, string | Secret> {
  const [scheme] = recipe.verify;
  const kind = scheme?.scheme === "rsa" || scheme?.claims?.alg.has("RS256") === true ? "rsa" : "ec";
  const given = (name: string): string | Secret => {
    if (name === "url") return URL_GIVEN;
    if (name === "certificate" || name === "jwks") return new Secret(pems[kind][which]);
    return name === "topic_arn" ? "arn:aws:sns:eu-west-1:123456789012:orders" : new Secret(`given-${name}`);
  };
  return Object.fromEntries([...recipe.params.keys()].map((name) => [name, given(name)]));
}

const pem = (key: KeyObject) => key.export({ format: "pem", type: "pkcs8" }).toString();
const twice = (make: () => KeyObject) => ({ right: pem(make()), other: pem(make()) });
const pems = {
  ed25519: twice(() => generateKeyPairSync("ed25519").privateKey),
  ec: twice(() => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey),
  rsa: twice(() => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey),
};

/** Sources -> models: recipe, secrets, params, windows. Named ones and the inline ones of pipelines alike. */
import { parseDuration, parseRate, parseSize } from "../../core/duration.ts";
import { MAX_JSON_DEPTH } from "../../core/json.ts";
import { Secret } from "../../core/secret.ts";
import { parseIso } from "../../core/values.ts";
import { secretFault } from "../../provider/key.ts";
import type { SourceSecret } from "../../provider/model.ts";
import { type Recipe, withMaxDepth } from "../../provider/recipe.ts";
import { positionOf } from "../position.ts";
import type { SourceModel } from "../revision.ts";
import type { SourceYaml } from "../schema/source.schema.ts";
import { type CompileContext, checkNetworks, durationOr } from "./context.ts";
import type { Recipes } from "./recipes.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Where neither the provider nor `server.limits` says. */
export const DEFAULT_MAX_BODY = 5 * 1024 * 1024;
/** Ids are remembered at least this long: senders retry for days. */
const LEAST_DEDUPE_MS = 7 * DAY;
/** How long a body is remembered where there is no id, unless the source says otherwise. */
export const HASH_WINDOW_MS = 10 * MINUTE;

/** How long ids are remembered unless the source says otherwise, ms: longer than the provider goes on trying. */
export const dedupeWindowOf = ({ delivery }: Recipe) =>
  Math.max(LEAST_DEDUPE_MS, delivery.dedupeWindowMs ?? 0, delivery.retriesForMs ?? 0);

/** Keys of the recipe grammar, which only a home-made sender may write. */
const RECIPE_KEYS = [
  "body",
  "form_json_field",
  "items",
  "id",
  "type",
  "time",
  "ranks",
  "handshake",
  "ack",
  "samples",
] as const;

export interface NamedSource {
  readonly name: string;
  readonly yaml: SourceYaml;
}

export function compileSource(context: CompileContext, source: NamedSource, recipes: Recipes): SourceModel | undefined {
  const { yaml, name } = source;
  const recipe = recipeOf(context, source, recipes);
  if (recipe === undefined) return undefined;
  checkSecrets(context, source, recipe);
  checkParams(context, source, recipe);
  checkNetworks(context, yaml.networks);
  warnUnsigned(context, yaml, recipe);
  warnOfStandIns(context, source);
  const rate = parseRate(yaml.rate);
  const heartbeat = parseDuration(yaml.heartbeat);
  return {
    name,
    path: yaml.path,
    provider: recipe.provider,
    recipe: withMaxDepth(recipe, context.config.limits?.max_depth ?? MAX_JSON_DEPTH),
    secrets: compileSecrets(context, yaml),
    params: { ...publicUrlOf(context, yaml, recipe), ...paramsOf(yaml, recipe) },
    root: yaml.root ?? recipe.root,
    times: yaml.times ?? recipe.times,
    maxBodyBytes: maxBodyOf(context, yaml, recipe),
    ...(rate.ok ? { rate: rate.value } : {}),
    ...(yaml.networks === undefined ? {} : { networks: yaml.networks }),
    dedupeWindowMs: durationOr(yaml.dedupe?.window, dedupeWindowOf(recipe)),
    hashWindowMs: durationOr(yaml.dedupe?.hash_window, HASH_WINDOW_MS),
    maxAheadMs: durationOr(yaml.max_ahead, wholeSeconds(recipe) ? DAY : 5 * MINUTE),
    ...(heartbeat.ok ? { heartbeatMs: heartbeat.value } : {}),
    keepHeaders: (yaml.keep_headers ?? []).map((header) => header.toLowerCase()),
    enabled: yaml.enabled ?? true,
    position: positionOf(context.positions.of(yaml)),
  };
}

/** Clocks of whole seconds are often event clocks of batch systems: they may run further ahead. */
function wholeSeconds(recipe: Recipe): boolean {
  return recipe.events.timeUnit === "s" || recipe.events.timeUnit === "http_date";
}

function recipeOf(context: CompileContext, source: NamedSource, recipes: Recipes): Recipe | undefined {
  const { yaml } = source;
  const { positions, reporter } = context;
  if (yaml.signature !== undefined && yaml.provider !== undefined) {
    reporter.report(
      "HK1016",
      positions.key(yaml, "signature"),
      { problem: "a source has either `provider` or `signature`" },
      { expected: "`provider` for a known sender, `signature` for a home-made one" },
    );
    return undefined;
  }
  if (yaml.provider !== undefined) {
    for (const key of RECIPE_KEYS) {
      if (yaml[key] !== undefined)
        reporter.report(
          "HK1016",
          positions.key(yaml, key),
          { problem: `\`${key}\` comes from the recipe of \`${yaml.provider}\`` },
          { hint: "it is for home-made senders, beside `signature`" },
        );
    }
    return recipes.get(yaml.provider, positions.value(yaml, "provider"));
  }
  if (yaml.signature === undefined) {
    reporter.report(
      "HK1012",
      positions.of(yaml),
      { key: "provider", where: `source \`${source.name}\`` },
      { expected: "`provider: NAME`, or `signature:` for a home-made sender" },
    );
    return undefined;
  }
  return recipes.inline(source.name, { ...yaml, signature: yaml.signature }, yaml);
}

function maxBodyOf(context: CompileContext, yaml: SourceYaml, recipe: Recipe): number {
  const own = parseSize(yaml.max_body);
  if (own.ok) return own.value;
  const general = parseSize(context.config.server?.limits?.max_body);
  return recipe.accept.maxBodyBytes ?? (general.ok ? general.value : DEFAULT_MAX_BODY);
}

function compileSecrets(context: CompileContext, yaml: SourceYaml): readonly SourceSecret[] {
  return (yaml.secrets ?? []).map((entry, i) => {
    const index = i + 1;
    if (typeof entry === "string") return { index, value: new Secret(entry) };
    const until = instantOf(context, entry, "until");
    const notBefore = instantOf(context, entry, "not_before");
    return {
      index,
      value: new Secret(entry.secret),
      ...(until === undefined ? {} : { until }),
      ...(notBefore === undefined ? {} : { notBefore }),
    };
  });
}

function instantOf(
  context: CompileContext,
  entry: { readonly until?: string; readonly not_before?: string },
  key: "until" | "not_before",
): number | undefined {
  const text = entry[key];
  if (text === undefined || text === "") return undefined;
  const instant = parseIso(text);
  const mark = context.positions.value(entry, key);
  if (instant === undefined) {
    context.reporter.report(
      "HK1014",
      mark,
      { where: `\`${key}\``, problem: `\`${text}\` is no date` },
      { expected: "a date such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z" },
    );
  } else if (key === "until" && context.now !== undefined && instant <= context.now) {
    context.reporter.report("HK1093", mark, { until: text }, { severity: "warning" });
  }
  return instant;
}

function checkSecrets(context: CompileContext, source: NamedSource, recipe: Recipe): void {
  const { yaml, name } = source;
  const secrets = yaml.secrets ?? [];
  if (recipe.needsSecret && secrets.length === 0 && !context.faulty.has(yaml, "secrets")) {
    context.reporter.report(
      "HK1092",
      context.positions.key(yaml, yaml.secrets === undefined ? "path" : "secrets"),
      { source: name, provider: recipe.title },
      { expected: 'secrets: ["${NAME}"]' },
    );
  }
  for (const [i, entry] of secrets.entries()) checkSecret(context, { source, recipe, secrets, entry, i });
}

interface SecretPlace {
  readonly source: NamedSource;
  readonly recipe: Recipe;
  readonly secrets: readonly (string | { readonly secret: string })[];
  readonly entry: string | { readonly secret: string };
  readonly i: number;
}

/** A secret that was pasted without its end would refuse every event: better said now than by 401s. */
function checkSecret(context: CompileContext, { recipe, secrets, entry, i }: SecretPlace): void {
  const [holder, key] = typeof entry === "string" ? [secrets, i] : [entry, "secret"];
  // A reference that could not be resolved has been reported, and its value is none.
  if (context.faulty.has(holder, String(key))) return;
  const problem = secretFault(recipe.verify, typeof entry === "string" ? entry : entry.secret);
  if (problem === undefined) return;
  context.reporter.report("HK3021", context.positions.value(holder, key), {
    provider: recipe.title,
    index: i + 1,
    problem,
  });
}

/** Where senders reach this source, for recipes that verify the URL: said once for all of them. */
function publicUrlOf({ config }: CompileContext, yaml: SourceYaml, recipe: Recipe): { readonly url?: string } {
  const publicUrl = config.server?.public_url;
  return recipe.readsUrl && publicUrl !== undefined ? { url: publicUrl.replace(/\/+$/, "") + yaml.path } : {};
}

function checkParams(context: CompileContext, { name: source, yaml }: NamedSource, recipe: Recipe): void {
  const { positions, reporter } = context;
  const known = new Set([...Object.keys(yaml.params ?? {}), ...Object.keys(publicUrlOf(context, yaml, recipe))]);
  if (recipe.readsUrl && !known.has("url")) {
    known.add("url");
    reporter.report(
      "HK1121",
      positions.key(yaml, "path"),
      { provider: recipe.title, source },
      { expected: "`server: { public_url: https://… }`, or `params: { url: https://… }` of this source" },
    );
  }
  const given = yaml.params ?? {};
  for (const name of Object.keys(given)) {
    if (!recipe.params.has(name)) {
      const names = [...recipe.params.keys()];
      reporter.report(
        "HK1094",
        positions.key(given, name),
        { problem: `recipe \`${recipe.provider}\` has no param \`${name}\`` },
        { expected: names.length > 0 ? `one of ${names.join(", ")}` : "no params" },
      );
    }
  }
  for (const param of recipe.params.values()) {
    if (param.required && !known.has(param.name)) {
      reporter.report(
        "HK1094",
        positions.key(yaml, yaml.params === undefined ? "path" : "params"),
        { problem: `recipe \`${recipe.provider}\` needs the param \`${param.name}\`` },
        { expected: `params: { ${param.name}: … }  (${param.description})` },
      );
    }
  }
}

function paramsOf(yaml: SourceYaml, recipe: Recipe): Readonly<Record<string, string | Secret>> {
  return Object.fromEntries(
    Object.entries(yaml.params ?? {}).map(([name, value]) => [
      name,
      recipe.params.get(name)?.secret === true ? new Secret(value) : value,
    ]),
  );
}

function warnUnsigned(context: CompileContext, yaml: SourceYaml, recipe: Recipe): void {
  if (!recipe.verify.some((entry) => entry.scheme === "none")) return;
  const key = yaml.signature === undefined ? "provider" : "signature";
  context.reporter.report("HK1090", context.positions.value(yaml, key), { path: yaml.path }, { severity: "warning" });
}

/** A private key where the sender's public one belongs, as `init` writes it: whoever has the file can sign. */
function warnOfStandIns(context: CompileContext, { name, yaml }: NamedSource): void {
  if (context.config.environment !== "production") return;
  const { secrets = [], params = {} } = yaml;
  const given: readonly (readonly [object, string | number, string])[] = [
    ...secrets.map((entry, i) =>
      typeof entry === "string" ? ([secrets, i, entry] as const) : ([entry, "secret", entry.secret] as const),
    ),
    ...Object.entries(params).map(([param, value]) => [params, param, value] as const),
  ];
  for (const [holder, key, value] of given)
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(value))
      context.reporter.report(
        "HK1247",
        context.positions.value(holder, key),
        { source: name },
        { severity: "warning", expected: "the public key of the provider" },
      );
}

/**
 * A provider recipe, compiled: YAML in, `Recipe` or faults out. Everything that can be worked out once is: header
 * names in lower case, templates as parts, body paths as one byte scan, durations in milliseconds.
 */
import { parseDuration, parseSize } from "../core/duration.ts";
import { compileJsonPaths, type JsonPaths } from "../core/json-paths.ts";
import type { Json } from "../core/types.ts";
import { compileEvents, type EventsModel, refsOfEvents } from "./compile-events.ts";
import { compileHandshake, type HandshakeModel, openlySigned, refsOfHandshake } from "./compile-handshake.ts";
import { compileScheme, refsOfScheme } from "./compile-verify.ts";
import { Faults, type RecipeFault } from "./faults.ts";
import type { Ack, Sample } from "./model.ts";
import type { InlineRecipeYaml, RecipeYaml } from "./recipe.schema.ts";
import type { CodeSchemes, SchemeModel } from "./scheme.ts";
import type { Ref } from "./template.ts";

export type { RecipeFault } from "./faults.ts";

export interface ParamModel {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly secret: boolean;
}

/** How the provider delivers, in ms. For people and checks; only `dedupeWindowMs` acts. */
export interface DeliveryFacts {
  readonly deadlineMs?: number;
  readonly retriesMs: readonly number[];
  readonly retriesForMs?: number;
  readonly dedupeWindowMs?: number;
  readonly ordering: "none" | "per_entity" | "sequence";
  readonly retryHeader?: string;
  readonly stopStatus: readonly number[];
}

export interface Recipe {
  readonly provider: string;
  readonly title: string;
  readonly description?: string;
  readonly docs: readonly { readonly url: string; readonly about: string }[];
  /** How far its facts can be trusted; absent for home-made senders. */
  readonly confidence?: NonNullable<RecipeYaml["confidence"]>;
  readonly accept: {
    /** `POST`, and what handshakes add. */
    readonly methods: ReadonlySet<string>;
    readonly contentTypes: readonly string[];
    readonly maxBodyBytes?: number;
    readonly contentEncodings: ReadonlySet<string>;
  };
  readonly params: ReadonlyMap<string, ParamModel>;
  readonly verify: readonly SchemeModel[];
  /** Whether a source must name secrets: false when every scheme is `none` or takes its key from elsewhere. */
  readonly needsSecret: boolean;
  /** It verifies the URL it was sent to: the param `url` says which that is. */
  readonly readsUrl: boolean;
  /** Headers that decide something and so may stand only once in a request. */
  readonly singleHeaders: readonly string[];
  readonly handshake: readonly HandshakeModel[];
  readonly events: EventsModel;
  readonly ack?: Ack;
  readonly delivery: DeliveryFacts;
  /** Default of the source's `root:`. */
  readonly root: string;
  /** Default of the source's `times:`. */
  readonly times: "seconds" | "millis" | "iso";
  /** By name, in the recipe's order. */
  readonly samples: ReadonlyMap<string, Sample>;
  /** Body paths of `verify`, and of `handshake`: one byte scan each. */
  readonly verifyPaths: JsonPaths;
  readonly handshakePaths: JsonPaths;
}

export type CompiledRecipe =
  | { readonly ok: true; readonly recipe: Recipe }
  | { readonly ok: false; readonly faults: readonly RecipeFault[] };

/** Reads a sample's payload by the path its recipe names; undefined when there is none. */
export type ReadSample = (path: string) => Json | undefined;

/** Compiles a recipe that `recipeSchema` has validated. */
export function compileRecipe(
  raw: RecipeYaml,
  readSample: ReadSample = () => undefined,
  schemes: CodeSchemes = new Map(),
): CompiledRecipe {
  return compile(raw, readSample, { paramsAre: "declared", schemes });
}

interface Ways {
  /** Whether params must be declared, or are whatever the recipe reads: a source has no place to declare them. */
  readonly paramsAre: "declared" | "implied";
  readonly schemes: CodeSchemes;
}

function compile(raw: RecipeYaml, readSample: ReadSample, { paramsAre, schemes }: Ways): CompiledRecipe {
  const faults = new Faults();
  const verify = raw.verify.map((entry, index) => compileScheme(entry, faults.at("verify", index), schemes));
  const handshake = (raw.handshake ?? []).map((entry, index) => compileHandshake(entry, faults.at("handshake", index)));
  const open = openlySigned(handshake);
  const events = compileEvents(raw.events ?? {}, faults.at("events"));
  const delivery = compileDelivery(raw.delivery ?? {}, faults.at("delivery"));
  const samples = compileSamples(raw.samples ?? [], readSample, faults.at("samples"));
  const accept = compileAccept(raw, handshake, faults.at("accept"));
  const verifyRefs = verify.flatMap(refsOfScheme);
  const handshakeRefs = handshake.flatMap(refsOfHandshake);
  const read = paramNames(verify, [...verifyRefs, ...handshakeRefs]);
  const params = paramsAre === "declared" ? declaredParams(raw, read, faults) : impliedParams(raw, read);
  if (faults.list.length > 0) return { ok: false, faults: faults.list };
  const recipe: Recipe = {
    provider: raw.provider,
    title: raw.title,
    ...(raw.description === undefined ? {} : { description: raw.description }),
    docs: raw.docs ?? [],
    ...(raw.confidence === undefined ? {} : { confidence: raw.confidence }),
    accept,
    params,
    verify: open.length === 0 ? verify : verify.map((scheme) => ({ ...scheme, openlySigned: open })),
    needsSecret:
      verify.some((scheme) => scheme.scheme !== "none" && scheme.keyFrom.kind === "secrets") &&
      !verify.some((scheme) => scheme.keyFrom.kind === "handshake_store"),
    singleHeaders: headerNames([...verifyRefs, ...refsOfEvents(events)]),
    handshake,
    events,
    readsUrl: [...verifyRefs, ...handshakeRefs].some(isUrl),
    ...(raw.ack === undefined ? {} : { ack: compileAck(raw.ack) }),
    delivery,
    root: raw.root ?? "",
    times: raw.times ?? "iso",
    samples,
    verifyPaths: bodyPaths(verifyRefs),
    handshakePaths: bodyPaths(handshakeRefs),
  };
  return { ok: true, recipe: Object.freeze(recipe) };
}

/** The same recipe for payloads that nest as deep as this. */
export function withMaxDepth(recipe: Recipe, maxDepth: number): Recipe {
  return recipe.events.maxDepth === maxDepth ? recipe : { ...recipe, events: { ...recipe.events, maxDepth } };
}

/** The recipe of a home-made sender, from what its source says inline; fault paths are those of the source. */
export function compileInlineRecipe(
  name: string,
  raw: InlineRecipeYaml,
  readSample?: ReadSample,
  schemes: CodeSchemes = new Map(),
): CompiledRecipe {
  const { signature, handshake, ack, samples, ...events } = raw;
  const many = Array.isArray(signature);
  const compiled = compile(
    {
      provider: name,
      title: name,
      verify: many ? signature : [signature],
      events,
      ...(handshake === undefined ? {} : { handshake }),
      ...(ack === undefined ? {} : { ack }),
      ...(samples === undefined ? {} : { samples }),
    },
    readSample ?? (() => undefined),
    { paramsAre: "implied", schemes },
  );
  if (compiled.ok) return compiled;
  return { ok: false, faults: compiled.faults.map((fault) => ({ ...fault, path: inlinePath(fault.path, many) })) };
}

function inlinePath(path: RecipeFault["path"], many: boolean): RecipeFault["path"] {
  if (path[0] === "verify") return ["signature", ...path.slice(many ? 1 : 2)];
  return path[0] === "events" ? path.slice(1) : path;
}

function paramModel(name: string, raw: NonNullable<RecipeYaml["params"]>[string]): ParamModel {
  return { name, description: raw.description, required: raw.required ?? false, secret: raw.secret ?? false };
}

function headerNames(refs: readonly Ref[]): readonly string[] {
  return [...new Set(refs.flatMap((ref) => (ref.kind === "header" ? [ref.name] : [])))];
}

function bodyPaths(refs: readonly Ref[]): JsonPaths {
  return compileJsonPaths(new Set(refs.flatMap((ref) => (ref.kind === "body" ? [ref.path] : []))));
}

const isUrl = (ref: Ref) => ref.kind === "url" || ref.kind === "received_url";

/** Params the recipe reads, by reference or as a key. */
function paramNames(verify: readonly SchemeModel[], refs: readonly Ref[]): ReadonlySet<string> {
  const keys = verify.flatMap(({ keyFrom }) => (keyFrom.kind === "param" ? [keyFrom.name] : []));
  const read = refs.flatMap((ref) => {
    if (isUrl(ref)) return ["url"];
    return ref.kind === "param" ? [ref.name] : [];
  });
  return new Set([...keys, ...read]);
}

/** Declared params, and those that stand in for a fetch. */
function declaredParams(raw: RecipeYaml, read: ReadonlySet<string>, faults: Faults): ReadonlyMap<string, ParamModel> {
  const declared = Object.entries(raw.params ?? {}).map(([name, param]) => [name, paramModel(name, param)] as const);
  const params = new Map([...standIns(raw), ...declared]);
  for (const name of read) {
    if (params.has(name)) continue;
    const message = `the recipe reads \`param:${name}\` and declares no such param`;
    faults.add(["params"], "HK3002", message, `params: { ${name}: { description: … } }`);
  }
  return params;
}

function impliedParams(raw: RecipeYaml, read: ReadonlySet<string>): ReadonlyMap<string, ParamModel> {
  const description = "read by the source's own `signature` or `handshake`";
  const implied = [...read].map((name) => [name, { name, description, required: true, secret: false }] as const);
  return new Map([...standIns(raw), ...implied]);
}

/** A source may give a key itself instead of having it fetched. */
function standIns(raw: RecipeYaml): readonly (readonly [string, ParamModel])[] {
  const param = (name: string, description: string) =>
    [name, { name, description, required: false, secret: false }] as const;
  return raw.verify.flatMap(({ key_from }) => {
    if (key_from?.cert_url !== undefined)
      return [param("certificate", "The signing certificate or public key, in PEM.")];
    return key_from?.jwks === undefined ? [] : [param("jwks", "The key set, as JSON.")];
  });
}

function compileAck(raw: NonNullable<RecipeYaml["ack"]>): Ack {
  const contentType = raw.content_type;
  return {
    status: raw.status ?? 200,
    body: raw.body ?? "",
    ...(contentType === undefined ? {} : { contentType }),
    ...(raw.refused_body === undefined ? {} : { refusedBody: raw.refused_body }),
  };
}

function compileAccept(raw: RecipeYaml, handshake: readonly HandshakeModel[], faults: Faults): Recipe["accept"] {
  const accept = raw.accept ?? {};
  const size = accept.max_body === undefined ? undefined : parseSize(accept.max_body);
  if (size !== undefined && !size.ok) faults.add(["max_body"], "HK3002", "a size that can't be read", size.expected);
  const asked = handshake.flatMap((entry) => (entry.method === undefined ? [] : [entry.method]));
  return {
    methods: new Set([...(accept.methods ?? ["POST"]), ...asked]),
    contentTypes: accept.content_types ?? [],
    ...(size?.ok ? { maxBodyBytes: size.value } : {}),
    contentEncodings: new Set(accept.content_encodings ?? []),
  };
}

function compileDelivery(raw: NonNullable<RecipeYaml["delivery"]>, faults: Faults): DeliveryFacts {
  const ms = (key: string, text: string | undefined) => (text === undefined ? undefined : faults.duration([key], text));
  const deadlineMs = ms("deadline", raw.deadline);
  const retriesForMs = ms("retries_for", raw.retries_for);
  const dedupeWindowMs = ms("dedupe_window", raw.dedupe_window);
  const retries = (raw.retries ?? []).map((text) => parseDuration(text));
  return {
    retriesMs: retries.flatMap((parsed) => (parsed.ok ? [parsed.value] : [])),
    ordering: raw.ordering ?? "none",
    stopStatus: raw.stop_status ?? [],
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(retriesForMs === undefined ? {} : { retriesForMs }),
    ...(dedupeWindowMs === undefined ? {} : { dedupeWindowMs }),
    ...(raw.retry_header === undefined ? {} : { retryHeader: raw.retry_header.toLowerCase() }),
  };
}

function compileSamples(
  raw: NonNullable<RecipeYaml["samples"]>,
  readSample: ReadSample,
  faults: Faults,
): ReadonlyMap<string, Sample> {
  const samples = new Map<string, Sample>();
  raw.forEach((sample, index) => {
    const body = sample.file === undefined ? sample.body : readSample(sample.file);
    if ((sample.body === undefined) === (sample.file === undefined)) {
      faults.add([index], "HK3002", `sample \`${sample.name}\` needs either body or file`, "one of body, file");
    } else if (body === undefined) {
      faults.add([index, "file"], "HK3003", `no sample file \`${sample.file}\``);
    } else if (samples.has(sample.name)) {
      faults.add([index, "name"], "HK3002", `two samples are called \`${sample.name}\``);
    } else {
      const headers = Object.entries(sample.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
      samples.set(sample.name, { name: sample.name, headers: Object.fromEntries(headers), body });
    }
  });
  return samples;
}

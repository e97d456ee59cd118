/**
 * A provider recipe, compiled: YAML in, `Recipe` or faults out. Everything that can be worked out once is: header
 * names in lower case, templates as parts, body paths as one byte scan, durations in milliseconds.
 */
import { parseDuration, parseSize } from "../core/duration.ts";
import type { ErrorCode } from "../core/errors.ts";
import { compileJsonPaths, type JsonPaths } from "../core/json-paths.ts";
import type { Json } from "../core/types.ts";
import { compileEvents, type EventsModel, refsOfEvents } from "./compile-events.ts";
import { compileHandshake, type HandshakeModel, refsOfHandshake } from "./compile-handshake.ts";
import { compileScheme, refsOfScheme } from "./compile-verify.ts";
import { Faults, type RecipeFault } from "./faults.ts";
import type { Ack, Sample } from "./model.ts";
import type { InlineRecipeYaml, RecipeYaml } from "./recipe.schema.ts";
import type { SchemeModel } from "./scheme.ts";
import { compileRef, type Ref } from "./template.ts";

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
  /** Headers that decide something and so may stand only once in a request. */
  readonly singleHeaders: ReadonlySet<string>;
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
export function compileRecipe(raw: RecipeYaml, readSample: ReadSample = () => undefined): CompiledRecipe {
  const faults = new Faults();
  const params = new Map(Object.entries(raw.params ?? {}).map(([name, param]) => [name, paramModel(name, param)]));
  const verify = raw.verify.map((entry, index) => compileScheme(entry, faults.at("verify", index)));
  const handshake = (raw.handshake ?? []).map((entry, index) => compileHandshake(entry, faults.at("handshake", index)));
  const events = compileEvents(raw.events ?? {}, faults.at("events"));
  const delivery = compileDelivery(raw.delivery ?? {}, faults.at("delivery"));
  const samples = compileSamples(raw.samples ?? [], readSample, faults.at("samples"));
  const accept = compileAccept(raw, handshake, faults.at("accept"));
  const verifyRefs = verify.flatMap(refsOfScheme);
  const handshakeRefs = handshake.flatMap(refsOfHandshake);
  checkParams([...verifyRefs, ...handshakeRefs], params, faults);
  if (faults.list.length > 0) return { ok: false, faults: faults.list };
  const recipe: Recipe = {
    provider: raw.provider,
    title: raw.title,
    ...(raw.description === undefined ? {} : { description: raw.description }),
    docs: raw.docs ?? [],
    accept,
    params,
    verify,
    needsSecret: verify.some((scheme) => scheme.scheme !== "none" && scheme.keyFrom.kind === "secrets"),
    singleHeaders: new Set(
      [...verifyRefs, ...refsOfEvents(events)].flatMap((ref) => (ref.kind === "header" ? [ref.name] : [])),
    ),
    handshake,
    events,
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

/** The recipe of a home-made sender, from what its source says inline; fault paths are those of the source. */
export function compileInlineRecipe(name: string, raw: InlineRecipeYaml, readSample?: ReadSample): CompiledRecipe {
  const { signature, handshake, ack, samples, ...events } = raw;
  const many = Array.isArray(signature);
  const compiled = compileRecipe(
    {
      provider: name,
      title: name,
      verify: many ? signature : [signature],
      events,
      ...(handshake === undefined ? {} : { handshake }),
      ...(ack === undefined ? {} : { ack }),
      ...(samples === undefined ? {} : { samples }),
    },
    readSample,
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

function bodyPaths(refs: readonly Ref[]): JsonPaths {
  return compileJsonPaths(new Set(refs.flatMap((ref) => (ref.kind === "body" ? [ref.path] : []))));
}

function checkParams(refs: readonly Ref[], params: ReadonlyMap<string, ParamModel>, faults: Faults): void {
  for (const ref of refs) {
    const name =
      ref.kind === "param" ? ref.name : ref.kind === "url" || ref.kind === "received_url" ? "url" : undefined;
    if (name === undefined || params.has(name)) continue;
    faults.add(
      ["params"],
      "HK3002",
      `the recipe reads \`param:${name}\` and declares no such param`,
      `params: { ${name}: { description: … } }`,
    );
  }
}

function compileAck(raw: NonNullable<RecipeYaml["ack"]>): Ack {
  const contentType = raw.content_type;
  return { status: raw.status ?? 200, body: raw.body ?? "", ...(contentType === undefined ? {} : { contentType }) };
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

/** Whether a reference is one a recipe may write in `entity`, `tenant` and the like. */
export function isRef(text: string): boolean {
  return compileRef(text).ok;
}

/** The codes `compileRecipe` uses. */
export type RecipeFaultCode = Extract<ErrorCode, "HK3001" | "HK3002" | "HK3003">;

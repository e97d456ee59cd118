/** What the events of a rule are made of: by the contract of their types, or by the recipe's samples. */
import type { Json } from "../../core/types.ts";
import { matchesType } from "../../mapping/event-type.ts";
import { lookup } from "../../mapping/flow.ts";
import { typeOfSchema } from "../../mapping/schema-type.ts";
import type { Basis } from "../../mapping/typed-lint.ts";
import { ANY_JSON, join, joinAll, KIND, type Type, typeOfSample, without } from "../../mapping/types.ts";
import { identify } from "../../provider/identify.ts";
import { parseBody } from "../../provider/parse.ts";
import type { Recipe } from "../../provider/recipe.ts";
import { renderSample } from "../../provider/sample.ts";
import type { SourceModel } from "../revision.ts";
import type { Contracts } from "./contracts.ts";
import type { CompiledPipeline } from "./pipelines.ts";

/** The payload of one rule. */
export interface PayloadType {
  /** The whole body: `$event`. */
  readonly event: Type;
  /** Below the source's `root:`. */
  readonly input: Type;
  readonly basis: Basis;
}

/** Schemas are read once, however many rules stand on them. */
export interface PayloadTypes {
  of(pipeline: CompiledPipeline, types: readonly string[]): PayloadType;
  /** The schema of one name in the pipeline's contract. */
  named(pipeline: CompiledPipeline, name: string): PayloadType | undefined;
}

const NOTHING_KNOWN: PayloadType = { event: ANY_JSON, input: ANY_JSON, basis: { kind: "none", name: "" } };

export function createPayloadTypes(contracts: Contracts): PayloadTypes {
  const read = new Map<Json, Type>();
  const typeOf = (schema: Json): Type => {
    const known = read.get(schema) ?? typeOfSchema(schema);
    read.set(schema, known);
    return known;
  };
  const sampled = new WeakMap<Recipe, ReadonlyMap<string, Type>>();
  const samplesOf = (recipe: Recipe) => {
    const found = sampled.get(recipe) ?? typesOfSamples(recipe);
    sampled.set(recipe, found);
    return found;
  };
  const contractType = ({ contract }: CompiledPipeline, patterns: readonly string[]): Type | undefined => {
    if (contract === undefined) return undefined;
    const schemas = contracts.schemasOf(contract);
    const names = contract.checks.map(({ pattern }) => pattern);
    const found = patterns.map((pattern) => schemasFor(names, pattern).map((name) => typeOf(schemas[name] ?? true)));
    return found.every((types) => types.length > 0) ? joinAll(found.flat()) : undefined;
  };
  return {
    of(pipeline, types) {
      const { source, contract } = pipeline;
      if (source === undefined || types.length === 0) return NOTHING_KNOWN;
      const declared = contractType(pipeline, types);
      if (declared !== undefined && contract !== undefined)
        return below(declared, source, { kind: "contract", name: `contract ${contract.provider}/${contract.version}` });
      const samples = samplesOf(source.recipe);
      const seen = types.map((pattern) => [...samples].filter(([type]) => matchesType(pattern, type)));
      if (seen.some((found) => found.length === 0)) return NOTHING_KNOWN;
      const type = joinAll(seen.flat().map(([, one]) => one));
      return below(type, source, { kind: "samples", name: `samples of ${source.provider}` });
    },
    named(pipeline, name) {
      const type = contractType(pipeline, [name]);
      const { contract } = pipeline;
      if (type === undefined || contract === undefined) return undefined;
      const basis = { kind: "contract", name: `contract ${contract.provider}/${contract.version}` } as const;
      return { event: ANY_JSON, input: type, basis };
    },
  };
}

/** An event of a type is held to the first name that matches; of a pattern, any that it or that could match. */
function schemasFor(names: readonly string[], pattern: string): readonly string[] {
  if (!pattern.endsWith("*")) return names.filter((name) => matchesType(name, pattern)).slice(0, 1);
  const wider = names.filter((name) => name.endsWith("*") && matchesType(name, pattern.slice(0, -1)));
  // Events of other types than these would come too: without a schema for any of them, too little is known.
  return wider.length === 0 ? [] : [...names.filter((name) => matchesType(pattern, name)), ...wider];
}

function below(event: Type, { root }: SourceModel, basis: Basis): PayloadType {
  const input = root === "" ? event : root.split(".").reduce(lookup, event);
  // An event without its root is another fault; rows are about those that have it.
  return { event, input: without(input, KIND.absent), basis };
}

/** By event type: the samples as they would be parsed. */
function typesOfSamples(recipe: Recipe): ReadonlyMap<string, Type> {
  const types = new Map<string, Type>();
  for (const sample of recipe.samples.values()) {
    const { headers, body } = renderSample(recipe, sample);
    const request = { method: "POST", target: "/", path: "/", query: "", headers, body };
    const found = identify(recipe, request, { maxItems: 1_000 });
    const parsed = parseBody(recipe.events, { contentType: headers["content-type"] ?? "", body });
    if (found.kind !== "events" || !parsed.ok) continue;
    for (const { type, itemIndex } of found.events) {
      const item = parsed.items[itemIndex];
      if (item?.ok !== true) continue;
      const before = types.get(type);
      const seen = typeOfSample(item.value);
      types.set(type, before === undefined ? seen : join(before, seen));
    }
  }
  return types;
}

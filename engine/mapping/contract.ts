/**
 * Contracts: JSON Schema by event type. A violation stops an event only where its rule reads; elsewhere it is drift,
 * counted and let through.
 */
import { Ajv, type AnySchema, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import { matchesType } from "./event-type.ts";

/** One version of a provider's payloads, compiled. */
export interface Contract {
  readonly provider: string;
  readonly version: string;
  /** Event type, or a pattern that ends in `*`, -> its check. Exact types win over patterns, longer ones over shorter. */
  readonly checks: readonly { readonly pattern: string; readonly validate: ValidateFunction }[];
}

/** As read from `pipelines/contracts/PROVIDER/VERSION.yaml`. */
export interface RawContract {
  readonly provider: string;
  readonly version: string;
  readonly schema: Readonly<Record<string, Json>>;
}

export interface ContractFault {
  readonly code: ErrorCode;
  /** The event type whose schema is at fault. */
  readonly type: string;
  readonly message: string;
}

export type CompiledContract =
  | { readonly ok: true; readonly contract: Contract }
  | { readonly ok: false; readonly faults: readonly ContractFault[] };

const DRAFT_07 = /^http:\/\/json-schema\.org\/draft-0[67]\/schema#?$/;

/** Compiles a contract. Remote references are not followed. */
export function compileContract(raw: RawContract): CompiledContract {
  const faults: ContractFault[] = [];
  const checks: { pattern: string; validate: ValidateFunction }[] = [];
  for (const [pattern, schema] of Object.entries(raw.schema)) {
    const validate = compileSchema(schema);
    if (typeof validate === "function") checks.push({ pattern, validate });
    else
      faults.push({
        code: "HK7001",
        type: pattern,
        message: errorMessage("HK7001", { type: pattern, problem: validate.problem }),
      });
  }
  if (faults.length > 0) return { ok: false, faults };
  checks.sort(
    (a, b) => Number(a.pattern.endsWith("*")) - Number(b.pattern.endsWith("*")) || b.pattern.length - a.pattern.length,
  );
  return { ok: true, contract: Object.freeze({ provider: raw.provider, version: raw.version, checks }) };
}

function compileSchema(schema: Json): ValidateFunction | { readonly problem: string } {
  if (typeof schema !== "boolean" && !isJsonObject(schema)) return { problem: "expected an object" };
  const dialect = isJsonObject(schema) ? schema["$schema"] : undefined;
  // Unknown keywords are notes of the schema's author; all violations are wanted, to tell drift from breakage.
  const options = { strict: false, allErrors: true, logger: false } as const;
  const ajv = typeof dialect === "string" && DRAFT_07.test(dialect) ? new Ajv(options) : new Ajv2020(options);
  addFormats.default(ajv);
  try {
    return ajv.compile(structuredClone(schema) as AnySchema);
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

export interface Violation {
  /** Where in the payload, as dots and indexes: `data.object.lines[0].price`. */
  readonly path: string;
  /** What was expected: never a value of the payload. */
  readonly expected: string;
}

export type ContractCheck =
  | { readonly kind: "ok" }
  | { readonly kind: "drift"; readonly violations: readonly Violation[] }
  | { readonly kind: "broken"; readonly violations: readonly Violation[] };

/**
 * Checks a whole body. `pathsRead` are the paths of the rule's inputs from the body's root, as written
 * (`data.object.lines.data[-1].quantity`); predicates and indexes in them match any element.
 */
export function checkContract(
  contract: Contract,
  type: string,
  payload: Json,
  pathsRead: readonly string[],
): ContractCheck {
  const check = contract.checks.find(({ pattern }) => matchesType(pattern, type));
  if (check === undefined || check.validate(payload)) return { kind: "ok" };
  const violations = (check.validate.errors ?? []).map((error) => ({
    steps: stepsOf(error),
    violation: violationOf(error),
  }));
  const read = pathsRead.map(pathSteps);
  const broken = violations.filter(({ steps }) => read.some((path) => touches(steps, path)));
  const kind = broken.length > 0 ? "broken" : "drift";
  return { kind, violations: (broken.length > 0 ? broken : violations).map(({ violation }) => violation) };
}

/** Steps of the instance path, indexes left out: a rule that reads a list reads all of its elements. */
function stepsOf(error: ErrorObject): readonly string[] {
  return instancePath(error).filter((step) => !/^\d+$/.test(step));
}

/** Where the fault is; a missing member's own place, not its parent's. */
function instancePath(error: ErrorObject): readonly string[] {
  const parent = error.instancePath
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const params: Readonly<Record<string, unknown>> = error.params;
  const member = params["missingProperty"] ?? params["additionalProperty"] ?? params["unevaluatedProperty"];
  return typeof member === "string" ? [...parent, member] : parent;
}

function violationOf(error: ErrorObject): Violation {
  const path = instancePath(error).reduce(
    (text, step) => (/^\d+$/.test(step) ? `${text}[${step}]` : text === "" ? step : `${text}.${step}`),
    "",
  );
  return { path, expected: error.keyword === "required" ? "must be there" : (error.message ?? error.keyword) };
}

/** Punctuation of a step that is more than a name: what follows is not known, what stands before it is read whole. */
const COMPUTED = new Set([";", ":", ",", "?", "=", "<", ">", "!", "&", "+", "/", "*", "~", "|", '"']);

/** `lines.data[x = "a.b"][-1].quantity` -> lines, data, quantity; `(a.b)[0].c` -> a, b, c. */
function pathSteps(path: string): readonly string[] {
  const steps: string[] = [];
  let step = "";
  for (let i = 0; i < path.length; i++) {
    const character = path.charAt(i);
    if (COMPUTED.has(character) || (character === "(" && step !== "")) return steps;
    if (character === "[" || character === "{" || character === "^") i = closing(path, i);
    else if (character === "`") {
      const end = path.indexOf("`", i + 1);
      step += path.slice(i + 1, end);
      i = end;
    } else if (character === ".") {
      if (step !== "") steps.push(step);
      step = "";
    } else if (!" $()".includes(character)) step += character;
  }
  return step === "" ? steps : [...steps, step];
}

/** Where the bracket that opens at or after `from` closes; texts inside may hold brackets of their own. */
function closing(path: string, from: number): number {
  let depth = 0;
  let quote = "";
  for (let i = from; i < path.length; i++) {
    const character = path.charAt(i);
    if (quote !== "") quote = character === quote && path.charAt(i - 1) !== "\\" ? "" : quote;
    else if (`"'\``.includes(character)) quote = character;
    else if ("[({".includes(character)) depth++;
    else if ("])}".includes(character) && --depth === 0) return i;
  }
  return path.length;
}

/** A fault above what is read breaks it, and so does one below it. */
function touches(fault: readonly string[], read: readonly string[]): boolean {
  const shared = Math.min(fault.length, read.length);
  for (let i = 0; i < shared; i++) if (fault[i] !== read[i]) return false;
  return true;
}

/**
 * A document against its schema: ajv finds the faults, this file says them in the author's terms and puts
 * placeholders where something is broken, so that the checks of meaning can go on and no fault hides another.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { didYouMean, slipOf } from "../core/suggest.ts";
import type { Json } from "../core/types.ts";
import { isNode, type SchemaNode, withNotes } from "./annotations.ts";
import { type LeafContext, replaceMember, UNKNOWN_KEY } from "./leaves.ts";
import type { Mark } from "./position.ts";
import { type FaultOptions, fixTo } from "./report.ts";
import { asName, cutExpression, faultOf, valueFix, valueHint } from "./validate-faults.ts";
import { chooseErrors } from "./validate-unions.ts";
import { expectedOf, gotText, kindWords, placeholderFor, whereText } from "./validate-words.ts";
import { quoted } from "./yaml-faults.ts";

export interface CompiledSchema {
  readonly schema: SchemaNode;
  readonly validate: ValidateFunction;
}

/** Compiles a schema once; every closed mapping also takes `x-` keys. */
export function compileSchema(schema: unknown): CompiledSchema {
  // Files are checked once or twice: what ajv would spend on optimising its code is never won back.
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: false,
    validateFormats: false,
    code: { optimize: false },
  });
  const open = withNotes(schema);
  return { schema: open, validate: ajv.compile(open) };
}

/** A member of the document a fault is about. */
interface Target {
  readonly holder: object | undefined;
  readonly name: string | number;
  readonly path: readonly string[];
  readonly value: Json;
}

const MAX_ROUNDS = 12;

/**
 * Validates `root` and reports every fault. Afterwards the value fits the schema, broken parts replaced by
 * placeholders ("" for names and expressions): keyFit to be checked further, not to be run.
 */
export function validateDocument(
  compiled: CompiledSchema,
  root: { value: Json },
  what: string,
  context: LeafContext,
): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (compiled.validate(root.value)) return;
    const errors = chooseErrors(compiled.validate.errors ?? []);
    let mended = false;
    for (const error of errors)
      mended = mend(error, targetOf(error, root), { context, what, silent: round > 0 }) || mended;
    if (!mended) return;
  }
}

interface Mending {
  readonly context: LeafContext;
  readonly what: string;
  /** Later rounds only meet what placeholders brought about. */
  readonly silent: boolean;
}

function mend(error: ErrorObject, target: Target, mending: Mending): boolean {
  const { context } = mending;
  if (error.keyword === "additionalProperties") return mendUnknownKey(error, target, mending);
  if (error.keyword === "required") return mendMissingKey(error, target, mending);
  if (error.keyword === "propertyNames") {
    const key = String(error.params["propertyName"]);
    if (isHolder(target.value) && !context.faulty.has(target.value, key)) {
      context.faulty.add(target.value, key);
      context.reporter.report(
        "HK1015",
        context.positions.key(target.value, key),
        { key },
        { expected: expectedOf(error.schema), hint: asName(key) },
      );
    }
    return false;
  }
  const holder = target.holder;
  if (holder === undefined) {
    if (!mending.silent)
      context.reporter.report(
        "HK1011",
        rootMark(target, mending),
        { where: mending.what, got: gotText(target.value, true) },
        { expected: expectedOf(error.parentSchema) },
      );
    return false;
  }
  const known = context.faulty.has(holder, target.name);
  if (!known && context.resolved.has(holder, target.name) && coerce(error, target, holder)) return true;
  if (!known) {
    context.faulty.add(holder, target.name);
    if (!mending.silent) reportValue(error, target, holder, mending);
  }
  const placeholder = placeholderFor(error);
  if (placeholder === undefined || sameJson(placeholder, target.value)) return false;
  place(holder, target.name, placeholder, context);
  return true;
}

const sameJson = (a: Json, b: Json) => JSON.stringify(a) === JSON.stringify(b);

/** New lists and mappings stand where the broken value stood. */
function place(holder: object, name: string | number, value: Json, context: LeafContext): void {
  if (isHolder(value)) context.positions.set(value, context.positions.value(holder, name));
  context.faulty.add(holder, name);
  replaceMember(holder, name, value);
}

const isHolder = (value: Json): value is Json & object => typeof value === "object" && value !== null;

function rootMark(target: Target, mending: Mending): Mark {
  if (!isHolder(target.value)) throw new TypeError(`${mending.what} has no position`);
  return mending.context.positions.of(target.value);
}

/** Keys the author did not write: those that are not there, and those that only have been put in for a missing one. */
const notWritten =
  (value: object, { context: { positions } }: Mending) =>
  (name: string) =>
    !Object.hasOwn(value, name) || positions.key(value, name) === positions.of(value);

function mendUnknownKey(error: ErrorObject, target: Target, mending: Mending): boolean {
  const key = String(error.params["additionalProperty"]);
  const { value } = target;
  if (!isHolder(value)) return false;
  if (!mending.silent) {
    const properties = isNode(error.parentSchema?.["properties"]) ? Object.keys(error.parentSchema["properties"]) : [];
    const free = properties.filter((name) => !Object.hasOwn(value, name));
    mending.context.reporter.report(
      "HK1010",
      mending.context.positions.key(value, key),
      { key, where: whereText(target.path, mending.what) },
      {
        hint: didYouMean(key, free) ?? didYouMean(key, properties),
        expected: properties.length > 0 ? `one of ${properties.join(", ")}` : undefined,
        fix: fixTo(slipOf(key, properties.filter(notWritten(value, mending)))),
      },
    );
  }
  mending.context.faulty.add(value, UNKNOWN_KEY);
  Reflect.deleteProperty(value, key);
  return true;
}

function mendMissingKey(error: ErrorObject, target: Target, mending: Mending): boolean {
  const key = String(error.params["missingProperty"]);
  const { value } = target;
  if (!isHolder(value)) return false;
  const properties = error.parentSchema?.["properties"];
  const schema = isNode(properties) && isNode(properties[key]) ? properties[key] : {};
  if (!mending.silent) {
    const at =
      target.holder === undefined
        ? firstKey(value, mending)
        : mending.context.positions.key(target.holder, target.name);
    mending.context.reporter.report(
      "HK1012",
      at,
      { key, where: whereText(target.path, mending.what) },
      { expected: expectedOf(schema) },
    );
  }
  place(value, key, placeholderFor({ keyword: "required", parentSchema: schema, schema }) ?? "", mending.context);
  return true;
}

function firstKey(value: Json & object, mending: Mending): Mark {
  const [first] = Object.keys(value);
  return first === undefined ? mending.context.positions.of(value) : mending.context.positions.key(value, first);
}

function reportValue(error: ErrorObject, target: Target, holder: object, mending: Mending): void {
  const { context } = mending;
  const mark = context.positions.value(holder, target.name);
  const where = whereText(target.path, mending.what);
  const shown = !context.resolved.has(holder, target.name);
  const schema = error.parentSchema ?? {};
  if (cutExpression(error, target.value)) {
    const text = mark.source.text.slice(mark.start, mark.end);
    const line = text.split("\n")[0] ?? "";
    const bracket = line[0] === "[" ? "[" : "{";
    context.reporter.report(
      "HK1030",
      mark,
      { what: `\`${bracket}\` opens a ${bracket === "[" ? "list" : "mapping"}` },
      { hint: `quote this expression: ${quoted(line)}`, fix: text === line ? { text: quoted(line) } : undefined },
    );
    return;
  }
  const options: FaultOptions = {
    expected: expectedOf(schema),
    hint: valueHint(error, target.value),
    fix: valueFix(error, target.value),
  };
  const [code, data] = faultOf(error, { value: target.value, where, shown });
  context.reporter.report(code, mark, data, options);
}

/** A resolved reference is text; where a number or boolean is wanted and it spells one, it becomes one. */
function coerce(error: ErrorObject, target: Target, holder: object): boolean {
  if (error.keyword !== "type" || typeof target.value !== "string") return false;
  const kinds = kindWords(error.parentSchema);
  if ((kinds.includes("integer") || kinds.includes("number")) && /^-?\d+(\.\d+)?$/.test(target.value)) {
    replaceMember(holder, target.name, Number(target.value));
    return true;
  }
  if (kinds.includes("boolean") && /^(true|false)$/.test(target.value)) {
    replaceMember(holder, target.name, target.value === "true");
    return true;
  }
  return false;
}

function targetOf(error: ErrorObject, root: { value: Json }): Target {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  let holder: object | undefined;
  let name: string | number = "";
  let value: Json = root.value;
  for (const part of path) {
    if (!isHolder(value)) break;
    holder = value;
    name = Array.isArray(value) ? Number(part) : part;
    value = Array.isArray(value)
      ? (value[Number(part)] ?? null)
      : ((value as { readonly [key: string]: Json })[part] ?? null);
  }
  return { holder, name, path, value };
}

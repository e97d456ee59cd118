/** From what an inference saw to faults: paths that are not there, operands and results of the wrong type. Pure. */
import type { ExpressionFault } from "../core/diagnostic.ts";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import { isSlip, nearest, nearestWord, slipOf } from "../core/suggest.ts";
import type { Node } from "./ast.ts";
import { flat } from "./flow.ts";
import { inferType } from "./infer.ts";
import { nodeSpan } from "./lint.ts";
import { parseJsonata } from "./parse.ts";
import { signatureOf } from "./signatures.ts";
import { describeKinds, has, isAny, KIND, NUMBER_KINDS, type Origin, type Type, without } from "./types.ts";
import type { Observation } from "./typing.ts";

/** Where the types come from: a contract says what may be, samples only what was seen. */
export interface Basis {
  readonly kind: "contract" | "samples" | "none";
  /** As messages call it: `contract stripe/2025-10-15`. */
  readonly name: string;
}

/** What the result is for. */
export interface Target {
  /** As messages call it. */
  readonly name: string;
  /** Kinds it takes; null and nothing are judged by policies. */
  readonly kinds: number;
  readonly expected: string;
  /** The only texts it takes; absent: any. */
  readonly texts?: ReadonlySet<string>;
  /** Each element of a list is taken by itself. */
  readonly each?: boolean;
}

export interface TypedFault extends ExpressionFault {
  /** Where the contract declares what is close. */
  readonly origin?: Origin;
}

export interface Typed {
  /** Of the result; anything, where the expression does not parse. */
  readonly type: Type;
  readonly faults: readonly TypedFault[];
}

export interface TypedPlace {
  readonly input: Type;
  readonly variables: ReadonlyMap<string, Type>;
  readonly basis: Basis;
  readonly target?: Target;
  /** One of several ways to the same value: that one of them is not there is what they are for. */
  readonly alternative?: boolean;
}

/** Infers one expression, and says what is wrong with it. */
export function lintTyped(source: string, place: TypedPlace): Typed {
  const parsed = parseJsonata(source);
  if (!parsed.ok) return { type: { kinds: KIND.absent }, faults: [] };
  const seen: Observation[] = [];
  const type = inferType(parsed.ast, place, (observation) => void seen.push(observation));
  const faults = seen.flatMap((observation) => faultOf(observation, { source, place }) ?? []);
  const target = place.target === undefined ? undefined : resultFault(type, place.target, { source, place });
  // A path that is not there says why the result is none.
  return { type, faults: target === undefined || faults.length > 0 ? faults : [target] };
}

interface FaultPlace {
  readonly source: string;
  readonly place: TypedPlace;
}

interface Told {
  readonly severity?: "error" | "warning";
  readonly hint?: string | undefined;
  readonly origin?: Origin | undefined;
  readonly replacement?: string | undefined;
  readonly node?: Node;
  /** It rests on no sample: on constants, or on what the config declares. */
  readonly sure?: boolean;
}

function fault(
  code: ErrorCode,
  data: Readonly<Record<string, string | number>>,
  told: Told,
  at: FaultPlace,
): TypedFault {
  const { basis } = at.place;
  const severity = told.severity ?? (basis.kind === "contract" ? "error" : "warning");
  const span = told.node === undefined ? { offset: 0, length: lineLength(at.source) } : nodeSpan(told.node, at.source);
  return {
    code,
    severity,
    message:
      errorMessage(code, data) + (basis.kind === "samples" && told.sure !== true ? " (inferred from samples)" : ""),
    ...span,
    ...(told.hint === undefined ? {} : { hint: told.hint }),
    ...(told.origin === undefined ? {} : { origin: told.origin }),
    ...(told.replacement === undefined ? {} : { replacement: told.replacement }),
  };
}

const lineLength = (source: string) => Math.max(1, source.split("\n")[0]?.length ?? 1);

function faultOf(seen: Observation, at: FaultPlace): TypedFault | undefined {
  switch (seen.kind) {
    case "no_member":
      return memberFault(seen, at);
    case "operand": {
      const expected = /^[-+*/%]$/.test(seen.operator) ? "numbers" : "numbers with numbers and text with text";
      const data = { operator: seen.operator, expected, got: words(seen.got) };
      return fault("HK2044", data, { node: seen.node, hint: convert(seen.got, NUMBER_KINDS) }, at);
    }
    case "never_equal": {
      const { operator } = seen.node;
      const data = { left: words(seen.left), right: words(seen.right), operator, answer: String(operator === "!=") };
      return fault("HK2043", data, { node: seen.node, severity: "warning" }, at);
    }
    case "never_one_of":
      return textFault(seen, at);
    case "optional": {
      const { operator } = seen.in;
      const data = { operator, answer: operator === "&" ? "as if it were empty" : "false" };
      return fault("HK2045", data, { node: seen.node, severity: "warning", hint: optionalHint(operator) }, at);
    }
    case "argument": {
      const parameter = signatureOf(seen.name)?.parameters[seen.index];
      const kinds = parameter?.items ?? parameter?.kinds ?? 0;
      const expected = parameter?.items === undefined ? describeKinds(kinds) : `a list of ${plural(kinds)}`;
      const data = { index: seen.index + 1, name: `$${seen.name}`, expected, got: words(seen.got) };
      return fault("HK2046", data, { node: seen.node, hint: convert(seen.got, kinds) }, at);
    }
    case "count": {
      const given = `${seen.given} ${seen.given === 1 ? "is" : "are"}`;
      const data = { name: `$${seen.name}`, expected: countWords(seen.name), given };
      return fault("HK2047", data, { node: seen.node, severity: "error" }, at);
    }
  }
}

function memberFault(seen: Extract<Observation, { kind: "no_member" }>, at: FaultPlace): TypedFault | undefined {
  const { node, at: type, before } = seen;
  const { basis, alternative } = at.place;
  const own = type.members?.of;
  if (own === undefined && (alternative === true || basis.kind === "none")) return undefined;
  if (!has(type, KIND.object)) {
    // Samples show an id where others have the object.
    if (basis.kind === "samples" || !has(type, ~KIND.null)) return undefined;
    return fault("HK2048", { name: node.name, got: words(type) }, { node }, at);
  }
  const names = [...(type.members?.known.keys() ?? [])];
  const near = nearest(node.name, names);
  const typo = near !== undefined && isSlip(node.name, near);
  const elsewhere = near === undefined ? findMember(at.place, node.name) : undefined;
  if (own === undefined && basis.kind === "samples" && !typo) return undefined;
  const closed = type.members?.rest === undefined;
  const where = own ?? `${before?.type === "name" ? `\`${before.name}\` of ` : ""}the ${basis.name}`;
  return fault(
    "HK2040",
    { name: node.name, where },
    {
      node,
      ...(own === undefined
        ? basis.kind === "contract" && { severity: typo || closed ? "error" : "warning" }
        : { severity: "error", sure: true }),
      hint: near !== undefined ? `did you mean \`${near}\`?` : elsewhereHint(elsewhere),
      origin: near === undefined ? undefined : type.members?.known.get(near)?.origin,
      replacement: slipOf(node.name, names),
    },
    at,
  );
}

/** By an enum: a slip is an error, another word may be one that the contract lacks. */
function textFault(
  { node, operator, texts }: Extract<Observation, { kind: "never_one_of" }>,
  at: FaultPlace,
): TypedFault {
  const value = String(node.value);
  const near = nearestWord(value, texts);
  const slip = slipOf(value, texts);
  const answer = operator === "in" ? "never met" : `always ${operator === "!="}`;
  return fault(
    "HK2050",
    { value, texts: listed(texts), answer },
    {
      node,
      sure: true,
      severity: at.place.basis.kind === "contract" && slip !== undefined ? "error" : "warning",
      hint: near === undefined ? undefined : `did you mean \`${near}\`?`,
      replacement: slip === undefined ? undefined : JSON.stringify(slip),
    },
    at,
  );
}

/** The first of them, since an enum may be long. */
export function listed(texts: Iterable<string>): string {
  const all = [...texts];
  const shown = all.slice(0, 8).map((text) => `\`${text}\``);
  return shown.join(", ") + (all.length > shown.length ? ` and ${all.length - shown.length} more` : "");
}

function elsewhereHint(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  return `it is at \`${path}\`${path.startsWith("$event.") ? "; paths start below the `root:` of the source" : ""}`;
}

/** The shortest path to a member of this name. */
function findMember({ input, variables }: TypedPlace, name: string): string | undefined {
  const event = variables.get("event");
  const queue: { readonly path: string; readonly type: Type; readonly depth: number }[] = [
    { path: "", type: input, depth: 0 },
    ...(event === undefined ? [] : [{ path: "$event", type: event, depth: 0 }]),
  ];
  for (const { path, type, depth } of queue) {
    const inner = flat(type);
    for (const [key, member] of inner.members?.known ?? []) {
      const longer = path === "" ? key : `${path}.${key}`;
      if (key === name) return longer;
      if (depth < 5) queue.push({ path: longer, type: member.type, depth: depth + 1 });
    }
  }
  return undefined;
}

/** The result is of no kind, or not always of a kind, that the target takes. */
function resultFault(type: Type, target: Target, at: FaultPlace): TypedFault | undefined {
  const there = without(type, KIND.absent | KIND.null);
  const given = target.each === true ? without(flat(there), KIND.absent | KIND.null) : there;
  if (given.kinds === 0 || isAny(type) || isAny(given)) return undefined;
  const { kinds, expected, name } = target;
  if (!has(given, kinds))
    return fault("HK2041", { got: words(given), target: name, expected }, { hint: convert(given, kinds) }, at);
  const outside = outsideFault(given, target, at);
  if (outside !== undefined) return outside;
  const single = without(given, KIND.list);
  const wantsList = (kinds & KIND.list) !== 0;
  const shifts = has(given, KIND.list) && single.kinds !== 0 && (!wantsList || !has(single, kinds));
  if (!shifts) return undefined;
  const hint = wantsList
    ? `write \`[${at.source}]\`: always a list`
    : "pick one with an index such as `[0]` or `[-1]`, or say `take:`";
  return fault("HK2042", { one: words(single), target: name, expected }, { hint }, at);
}

/** It can be a text that the target's enum lacks; an error where it is never one that it has. */
function outsideFault(given: Type, { texts, name }: Target, at: FaultPlace): TypedFault | undefined {
  if (texts === undefined || given.texts === undefined || !has(given, KIND.string)) return undefined;
  const outside = [...given.texts].filter((text) => text !== "" && !texts.has(text));
  const [first] = outside;
  if (first === undefined) return undefined;
  const never = outside.length === given.texts.size && !has(given, ~KIND.string);
  const near = nearestWord(first, texts);
  return fault(
    "HK2053",
    { texts: listed(outside), target: name, expected: listed(texts) },
    {
      sure: true,
      severity: never ? "error" : "warning",
      hint: near === undefined ? "translate it with a `table:`" : `did you mean \`${near}\`?`,
    },
    at,
  );
}

const words = (type: Type) => describeKinds(type.kinds & ~KIND.absent || type.kinds);

const plural = (kinds: number) =>
  kinds === NUMBER_KINDS ? "numbers" : kinds === KIND.string ? "texts" : kinds === KIND.object ? "objects" : "values";

function convert(got: Type, kinds: number): string | undefined {
  if (has(got, KIND.list) && !has(got, ~(KIND.list | KIND.absent | KIND.null)) && (kinds & KIND.list) === 0)
    return "pick one with an index such as `[0]` or `[-1]`, or say `take:`";
  if ((kinds & KIND.string) !== 0 && has(got, NUMBER_KINDS | KIND.boolean)) return "convert it: `$string(…)`";
  if ((kinds & NUMBER_KINDS) !== 0 && has(got, KIND.string)) return "convert it: `$number(…)`";
  return undefined;
}

const optionalHint = (operator: string) =>
  operator === "&"
    ? "say what is meant where it is missing: `$exists(…) ? … : …`"
    : "say what is meant for items without it: `$not(…)`, or `$exists(…) and …`";

function countWords(name: string): string {
  const parameters = signatureOf(name)?.parameters ?? [];
  const least = parameters.filter((parameter) => !parameter.optional).length;
  const most = parameters.length;
  const range = least === most ? String(most) : `${least} to ${most}`;
  return most === 0 ? "no arguments" : `${range} ${most === 1 ? "argument" : "arguments"}`;
}

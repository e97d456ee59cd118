/** `fetch:` of a rule, read on one event: which GET it asks for, and what rows see once the answer is there. */
import { errorMessage } from "../core/errors.ts";
import type { Evaluator, Expression, ExpressionAnswer, Scope } from "../core/expression.ts";
import type { Json } from "../core/types.ts";
import type { FetchModel, Mapped, RuleModel, TextParts } from "./model.ts";
import { describeMissing, missingReadings } from "./policy.ts";

/** A GET as it is stored, in one text: equal texts are one GET. The path has its query; header names are in lower case. */
export interface FetchRequest {
  readonly connection: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a GET brought: `at` is when it began, ms since the epoch, `request` the text it is stored by. */
export interface Fetched {
  readonly request: string;
  readonly at: number;
  readonly value: Json;
}

export function writeRequest({ connection, path, headers }: FetchRequest): string {
  return JSON.stringify({ connection, path, headers });
}

/** Reads back what `writeRequest` wrote. */
export function readRequest(text: string): FetchRequest {
  const request: FetchRequest = JSON.parse(text);
  return request;
}

type Dead = Extract<Mapped, { kind: "dead" }>;

/** The GET of one event. A part that is missing, or that would leave its segment, is a dead letter: nothing may be guessed. */
export async function requestOf(
  rule: RuleModel,
  fetch: FetchModel,
  { evaluator, scope }: { readonly evaluator: Evaluator; readonly scope: Scope },
): Promise<string | Dead> {
  const templates = [fetch.path, ...fetch.headers.map(([, parts]) => parts)];
  const expressions = templates.flat().filter((part): part is Expression => typeof part !== "string");
  const answers = await evaluator.answer(expressions, scope);
  const byExpression = new Map(expressions.map((expression, index) => [expression, answers[index]]));
  const name = rule.name ?? String(rule.index + 1);
  const missing = missingReadings(answers.flatMap(({ readings }) => readings));
  if (missing.length > 0) return dead(rule, "HK2030", { rule: name, missing: describeMissing(missing) });
  const texts: string[] = [];
  for (const [index, template] of templates.entries()) {
    const filled = fill(template, byExpression, index === 0);
    if (filled.kind === "dead") return dead(rule, filled.code, { rule: name, ...filled.data });
    texts.push(filled.text);
  }
  const [path = "", ...values] = texts;
  // Two parts in a row can make one too.
  if (climbs(path)) return dead(rule, "HK2031", { rule: name, part: "path", problem: "a path with a segment of dots" });
  const headers = Object.fromEntries(fetch.headers.map(([header], index) => [header, values[index] ?? ""]));
  return writeRequest({ connection: fetch.connection, path, headers });
}

function dead(rule: RuleModel, code: "HK2030" | "HK2031", data: Readonly<Record<string, string>>): Dead {
  return { kind: "dead", code, message: errorMessage(code, data), rule };
}

type Filled =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "dead"; readonly code: "HK2030" | "HK2031"; readonly data: Readonly<Record<string, string>> };

function fill(
  template: TextParts,
  answers: ReadonlyMap<Expression, ExpressionAnswer | undefined>,
  isPath: boolean,
): Filled {
  let text = "";
  for (const part of template) {
    if (typeof part === "string") {
      text += part;
      continue;
    }
    const result = answers.get(part)?.result;
    if (result?.ok === false) return { kind: "dead", code: "HK2030", data: { missing: result.message } };
    const value = result?.value;
    if (value === undefined || value === null || value === "")
      return { kind: "dead", code: "HK2030", data: { missing: `\`${part.source}\` gave nothing` } };
    const problem = problemOf(value, isPath);
    if (problem !== undefined) return { kind: "dead", code: "HK2031", data: { part: part.source, problem } };
    text += isPath ? percentEncode(String(value)) : String(value);
  }
  return { kind: "text", text };
}

/** A segment of dots leads to another path, in servers and in proxies. */
export function climbs(path: string): boolean {
  return path
    .replace(/[?#].*$/, "")
    .split("/")
    .some((segment) => segment === "." || segment === "..");
}

// RFC 9110, section 5.5: a header value is one line of Latin-1.
const BAD_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

function problemOf(value: Json, isPath: boolean): string | undefined {
  if (typeof value === "object") return Array.isArray(value) ? "a list" : "an object";
  const text = String(value);
  if (!isPath) return BAD_HEADER.test(text) ? "no header value" : undefined;
  return text.isWellFormed() ? undefined : "no text that can be encoded";
}

/** Everything but unreserved characters (RFC 3986, section 2.3). */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The scope with what was fetched in it. */
export function withFetched(scope: Scope, fetch: FetchModel, value: Json): Scope {
  return {
    ...scope,
    ...(fetch.root ? { input: value } : {}),
    variables: { ...scope.variables, [fetch.as]: value },
  };
}

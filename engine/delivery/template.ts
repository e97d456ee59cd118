/** Templates and bodies of a preset: compiled once for a connection, evaluated for each delivery. */
import { fail } from "../core/errors.ts";
import type { Expression } from "../core/expression.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { isConstant, isList, TEMPLATE_PART } from "../plugin/sources.ts";

/** Compiles and evaluates JSONata; given, since expressions belong to mapping/. */
export interface Expressions {
  compile(source: string): Expression;
  evaluate(expression: Expression, input: Json): Promise<Json | undefined>;
}

/** Text with `{expression}` parts. */
export interface Template {
  readonly source: string;
  readonly parts: readonly (string | { readonly source: string; readonly expression: Expression })[];
}

/** Compiles a template. */
export function compileTemplate(source: string, { compile }: Expressions): Template {
  const parts: (string | { source: string; expression: Expression })[] = [];
  let end = 0;
  for (const match of source.matchAll(TEMPLATE_PART)) {
    if (match.index > end) parts.push(source.slice(end, match.index));
    parts.push({ source: match[1] ?? "", expression: compile(match[1] ?? "") });
    end = match.index + match[0].length;
  }
  if (end < source.length) parts.push(source.slice(end));
  return { source, parts };
}

/** How parts are put into a template. */
export interface FillOptions {
  readonly scope: JsonObject;
  readonly expressions: Expressions;
  /** Named in the error when a required part is empty. */
  readonly where: { readonly connection: string; readonly action: string };
  /** Percent-encodes each part, which may then be no path step of its own. */
  readonly encode: boolean;
}

/** The text, or `undefined` when a part is empty. */
export async function fillTemplate(template: Template, options: FillOptions): Promise<string | undefined> {
  let out = "";
  for (const part of template.parts) {
    if (typeof part === "string") {
      out += part;
      continue;
    }
    const value = await options.expressions.evaluate(part.expression, options.scope);
    if (value === undefined || value === null || typeof value === "object" || String(value).trim() === "")
      return undefined;
    const text = String(value);
    // A whole segment of dots would climb in the path, percent-encoded or not (WHATWG URL).
    if (options.encode && (/^\.{1,2}$/.test(text) || !text.isWellFormed()))
      fail("HK5002", { ...options.where, part: part.source });
    out += options.encode ? percentEncode(text) : text;
  }
  return out;
}

/** Everything but unreserved characters (RFC 3986, section 2.3). */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** As `fillTemplate`, but an empty part means that nothing may be sent. */
export async function fillRequired(template: Template, options: FillOptions): Promise<string> {
  const text = await fillTemplate(template, options);
  return text ?? fail("HK5002", { ...options.where, part: template.source });
}

/** A body: expressions where the YAML had text, constants, and the shape around them. */
export type BodyNode =
  | { readonly kind: "expression"; readonly expression: Expression }
  | { readonly kind: "constant"; readonly value: Json }
  | { readonly kind: "map"; readonly members: readonly (readonly [string, BodyNode])[] }
  | { readonly kind: "list"; readonly items: readonly BodyNode[] };

/** Compiles a body. */
export function compileBody(body: Json, expressions: Expressions): BodyNode {
  if (typeof body === "string") return { kind: "expression", expression: expressions.compile(body) };
  if (typeof body !== "object" || body === null) return { kind: "constant", value: body };
  if (isConstant(body)) return { kind: "constant", value: body.value };
  if (isList(body)) return { kind: "list", items: body.map((item) => compileBody(item, expressions)) };
  return {
    kind: "map",
    members: Object.entries(body).map(([key, member]) => [key, compileBody(member, expressions)] as const),
  };
}

/** A key of a body that stands for all members of its value. */
const SPREAD = "...";

/**
 * Evaluates a body. A leaf of a mapping that reads an attribute this delivery does not write is left out before
 * its result is looked at, since JSONata would make false or "" of it.
 */
export async function evaluateBody(
  node: BodyNode,
  scope: JsonObject,
  expressions: Expressions,
): Promise<Json | undefined> {
  switch (node.kind) {
    case "constant":
      return node.value;
    case "expression":
      return expressions.evaluate(node.expression, scope);
    case "list": {
      const items: Json[] = [];
      for (const item of node.items) {
        const value = await evaluateBody(item, scope, expressions);
        if (value !== undefined) items.push(value);
      }
      return items;
    }
    case "map": {
      const members: Record<string, Json> = {};
      for (const [key, member] of node.members) {
        if (member.kind === "expression" && readsMissingAttribute(member.expression, scope)) continue;
        const value = await evaluateBody(member, scope, expressions);
        if (!key.startsWith(SPREAD)) setMember(members, key, value);
        else if (typeof value === "object" && value !== null && !isList(value)) {
          for (const [name, inner] of Object.entries(value)) setMember(members, name, inner);
        }
      }
      return members;
    }
  }
}

/** Defines rather than assigns: a key `__proto__` is a member like any other. */
function setMember(members: Record<string, Json>, key: string, value: Json | undefined): void {
  if (value === undefined) return;
  Object.defineProperty(members, key, { value, enumerable: true, writable: true, configurable: true });
}

const ATTRIBUTE = /^(attributes|fields)\.(?:`([^`]+)`|([A-Za-z_][\w]*))/;

function readsMissingAttribute(expression: Expression, scope: JsonObject): boolean {
  return expression.inputs.some((input) => {
    const match = input.optional || input.root !== "payload" ? null : ATTRIBUTE.exec(input.path);
    if (match === null) return false;
    const values = scope[match[1] ?? ""];
    return typeof values === "object" && values !== null && !Object.hasOwn(values, match[2] ?? match[3] ?? "");
  });
}

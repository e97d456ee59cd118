/** Turns the parts of a preset's request into a frozen one: path, query, headers that are no credentials, body. */
import { fail } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { RequestParts } from "../plugin/preset.schema.ts";
import { type BodyFormat, CONTENT_TYPES, writeBody } from "./body-format.ts";
import {
  type BodyNode,
  compileBody,
  compileTemplate,
  type Expressions,
  evaluateBody,
  fillRequired,
  fillTemplate,
  type Template,
} from "./template.ts";

/** The parts, compiled. */
export interface CompiledParts {
  readonly method: string;
  readonly path: Template;
  readonly query: readonly (readonly [string, Template])[];
  readonly headers: readonly (readonly [string, Template])[];
  readonly body?: BodyNode;
  readonly format: BodyFormat;
  readonly contentType?: string;
}

/** One request as it is frozen. */
export interface FrozenHttp {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** Compiles the parts of one request; `shared` are the preset's headers. */
export function compileParts(
  parts: RequestParts,
  shared: Readonly<Record<string, string>>,
  expressions: Expressions,
): CompiledParts {
  const templates = (of: Readonly<Record<string, string>> | undefined) =>
    Object.entries(of ?? {}).map(([name, text]) => [name, compileTemplate(text, expressions)] as const);
  return {
    method: parts.method ?? "POST",
    path: compileTemplate(parts.path ?? "", expressions),
    query: templates(parts.query),
    headers: templates({ ...shared, ...parts.headers }),
    ...(parts.body === undefined ? {} : { body: compileBody(parts.body, expressions) }),
    format: parts.body_format ?? "json",
    ...(parts.content_type === undefined ? {} : { contentType: parts.content_type }),
  };
}

export interface FreezeOptions {
  readonly scope: JsonObject;
  readonly expressions: Expressions;
  readonly where: { readonly connection: string; readonly action: string };
  /** Looks at the finished body; throws when it must not be sent. */
  readonly guard: (body: Json | undefined) => void;
}

/** Evaluates the parts for one delivery. */
export async function freezeParts(parts: CompiledParts, options: FreezeOptions): Promise<FrozenHttp> {
  const fill = { scope: options.scope, expressions: options.expressions, where: options.where };
  const path = await fillRequired(parts.path, { ...fill, encode: true });
  const query = new URLSearchParams();
  for (const [name, template] of parts.query) {
    const value = await fillTemplate(template, { ...fill, encode: false });
    if (value !== undefined) query.set(name, value);
  }
  const headers: Record<string, string> = {};
  for (const [name, template] of parts.headers) {
    const value = await fillTemplate(template, { ...fill, encode: false });
    if (value !== undefined) headers[name.toLowerCase()] = checkHeader(name, value, options.where.connection);
  }
  const body =
    parts.body === undefined ? undefined : await evaluateBody(parts.body, options.scope, options.expressions);
  options.guard(body);
  const text = body === undefined ? null : writeBody(body, parts.format, options.where);
  if (text !== null && headers["content-type"] === undefined)
    headers["content-type"] = parts.contentType ?? CONTENT_TYPES[parts.format];
  const search = query.toString();
  return {
    method: parts.method,
    path: search === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${search}`,
    headers,
    body: text,
  };
}

const BAD_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

/** A header value must be one line of Latin-1 (RFC 9110, section 5.5). */
export function checkHeader(name: string, value: string, connection: string): string {
  return BAD_HEADER.test(value) ? fail("HK5003", { connection, header: name }) : value;
}

/** The frozen request as the store keeps it. */
export function frozenData(request: FrozenHttp): JsonObject {
  return { method: request.method, path: request.path, headers: request.headers, body: request.body };
}

/** Reads it back; it may have been stored by another version. */
export function readFrozen(data: Json | undefined): FrozenHttp | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { method, path, headers, body } = Object.fromEntries(Object.entries(data));
  if (typeof method !== "string" || typeof path !== "string" || typeof headers !== "object" || headers === null)
    return undefined;
  if (body !== null && typeof body !== "string") return undefined;
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (typeof value === "string") texts[name] = value;
  return { method, path, headers: texts, body };
}

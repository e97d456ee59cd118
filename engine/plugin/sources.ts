/** Where the expressions of templates and bodies stand: for `check`, which compiles them without opening a sink. */
import type { Json } from "../core/types.ts";
import type { SettingExpression } from "./index.ts";
import type { RequestParts } from "./preset.schema.ts";

/** A `{expression}` inside a template. */
export const TEMPLATE_PART = /\{([^{}]*)\}/g;

/** The expressions of a template's `{parts}`. */
export function templateSources(source: string): string[] {
  return [...source.matchAll(TEMPLATE_PART)].map((match) => match[1] ?? "");
}

/** The expressions a body holds, with their places. */
export function bodySources(
  body: Json,
  path: readonly (string | number)[] = [],
): { path: readonly (string | number)[]; source: string }[] {
  if (typeof body === "string") return [{ path, source: body }];
  if (typeof body !== "object" || body === null || isConstant(body)) return [];
  if (isList(body)) return body.flatMap((item, index) => bodySources(item, [...path, index]));
  return Object.entries(body).flatMap(([key, member]) => bodySources(member, [...path, key]));
}

/** Narrows to a list; `Array.isArray` loses the readonly. */
export const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** `{ value: X }` in a body is X itself. */
export function isConstant(body: Json): body is { readonly value: Json } {
  return (
    typeof body === "object" &&
    body !== null &&
    !Array.isArray(body) &&
    "value" in body &&
    Object.keys(body).length === 1
  );
}

/** The expressions of one request's parts. */
export function partsExpressions(parts: RequestParts, at: readonly (string | number)[]): SettingExpression[] {
  const template = (text: string, ...path: string[]) =>
    templateSources(text).map((source) => ({ path: [...at, ...path], source }));
  return [
    ...(parts.path === undefined ? [] : template(parts.path, "path")),
    ...Object.entries(parts.query ?? {}).flatMap(([name, text]) => template(text, "query", name)),
    ...Object.entries(parts.headers ?? {}).flatMap(([name, text]) => template(text, "headers", name)),
    ...(parts.body === undefined ? [] : bodySources(parts.body, [...at, "body"])),
  ];
}

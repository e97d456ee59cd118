/** Writes a finished body as text: JSON, a form, JSON lines, CSV. */
import { fail } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import type { RequestParts } from "../plugin/preset.schema.ts";
import { isList } from "../plugin/sources.ts";

/** How a body is written. */
export type BodyFormat = NonNullable<RequestParts["body_format"]>;

/** The content type of a format, where the preset names none. */
export const CONTENT_TYPES: Readonly<Record<BodyFormat, string>> = {
  json: "application/json",
  form: "application/x-www-form-urlencoded",
  text: "text/plain; charset=utf-8",
  ndjson: "application/x-ndjson",
  csv: "text/csv; charset=utf-8",
};

/** The body as it is sent. */
export function writeBody(body: Json, format: BodyFormat, where: { readonly connection: string }): string {
  switch (format) {
    case "form":
      return writeForm(body);
    case "text":
      return typeof body === "string" ? body : JSON.stringify(body);
    case "json":
      return JSON.stringify(body);
    case "ndjson":
      return rowsOf(body)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join("");
    case "csv":
      return writeCsv(rowsOf(body), where.connection);
  }
}

/** One object is a list of one. */
const rowsOf = (body: Json): readonly Json[] => (isList(body) ? body : [body]);

/** A flat form; members that are objects are written with brackets, as most APIs read them. */
function writeForm(body: Json): string {
  const form = new URLSearchParams();
  const add = (name: string, value: Json): void => {
    if (value === null) form.append(name, "");
    else if (typeof value !== "object") form.append(name, String(value));
    else
      for (const [key, member] of Object.entries(value))
        add(Array.isArray(value) ? `${name}[]` : `${name}[${key}]`, member);
  };
  if (typeof body === "object" && body !== null) for (const [name, value] of Object.entries(body)) add(name, value);
  return form.toString();
}

/**
 * RFC 4180 with a header line. The rows must have the same columns: a cell that a row lacks would have to hold
 * something, and there is nothing that all sinks read as "leave it as it is".
 */
function writeCsv(rows: readonly Json[], connection: string): string {
  const columns = Object.keys(memberOf(rows[0], connection));
  const lines = rows.map((row) => {
    const members = memberOf(row, connection);
    const same =
      Object.keys(members).length === columns.length && columns.every((name) => Object.hasOwn(members, name));
    if (!same) fail("HK5332", { connection, reason: "its rows have not the same columns" });
    return columns.map((name) => cell(members[name] ?? null, connection)).join(",");
  });
  return [columns.map((name) => cell(name, connection)).join(","), ...lines, ""].join("\r\n");
}

function memberOf(row: Json | undefined, connection: string): Readonly<Record<string, Json>> {
  if (typeof row !== "object" || row === null || Array.isArray(row))
    return fail("HK5332", { connection, reason: "a row is no mapping" });
  return Object.fromEntries(Object.entries(row));
}

function cell(value: Json, connection: string): string {
  if (typeof value === "object")
    return fail("HK5332", { connection, reason: "a cell holds a null, a list or a mapping" });
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

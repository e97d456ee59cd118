/** One cell of a table that came as text (CSV) or from SQL, by the type that is wanted of it. Pure. */
import type { Json } from "./types.ts";

const TRUTH: Readonly<Record<string, boolean>> = { true: true, t: true, "1": true, false: false, f: false, "0": false };

/** Text by the type it feeds; what SQL has typed already stays as it is. `undefined`: the text says no such value. */
export function cellValue(type: string | undefined, cell: unknown, text: string): Json | undefined {
  switch (type) {
    case "integer":
    case "number":
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
    case "boolean":
      return typeof cell === "boolean" ? cell : TRUTH[text.toLowerCase()];
    case "list":
    case "object":
      return parse(text);
    default:
      return typeof cell === "string" ? cell : text;
  }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

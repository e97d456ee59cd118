/**
 * XML as JSON, and samples the other way round: elements become keys without their namespace prefix, repeated ones
 * lists, text stays text. No DTD and so no entities but the five of XML; depth is bounded.
 */
import sax from "sax";
import type { Json } from "../core/types.ts";

export type ParsedXml =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly reason: "depth" | "malformed"; readonly problem: string };

interface Open {
  readonly name: string;
  readonly attributes: readonly (readonly [string, string])[];
  readonly children: Map<string, Json[]>;
  text: string;
}

/** Keys that could pose as functions or prototypes once an expression sees them. */
const RESERVED = new Set(["__proto__", "_jsonata_function", "_jsonata_lambda"]);

/** `{ root: content }`. `nil="true"` is null; other attributes are `@name` keys, beside children only. */
export function parseXml(text: string, maxDepth: number): ParsedXml {
  const parser = sax.parser(true, OPTIONS);
  const top: Open = { name: "", attributes: [], children: new Map(), text: "" };
  const stack: Open[] = [top];
  let fault: Extract<ParsedXml, { readonly ok: false }> | undefined;
  const stop = (reason: "depth" | "malformed", problem: string) => {
    fault ??= { ok: false, reason, problem };
  };
  parser.onerror = (error) => stop("malformed", (error.message.split("\n")[0] ?? "").slice(0, 120));
  parser.ondoctype = () => stop("malformed", "a document type declaration is not read");
  parser.onopentag = ({ name, attributes }) => {
    if (stack.length > maxDepth) stop("depth", `nested more than ${maxDepth} deep`);
    const plain = Object.entries(attributes as Record<string, string>).filter(([key]) => !/^xmlns(:|$)/.test(key));
    stack.push({ name: localName(name), attributes: plain, children: new Map(), text: "" });
  };
  const addText = (more: string) => {
    const open = stack.at(-1);
    if (open !== undefined) open.text += more;
  };
  parser.ontext = addText;
  parser.oncdata = addText;
  parser.onclosetag = () => {
    const closed = stack.pop();
    const parent = stack.at(-1);
    if (closed === undefined || parent === undefined || RESERVED.has(closed.name)) return;
    const siblings = parent.children.get(closed.name);
    if (siblings === undefined) parent.children.set(closed.name, [contentOf(closed)]);
    else siblings.push(contentOf(closed));
  };
  // In pieces, so that a fault at the start ends the work.
  for (let at = 0; at < text.length && fault === undefined; at += PIECE) {
    try {
      parser.write(text.slice(at, at + PIECE));
    } catch (error) {
      stop("malformed", error instanceof Error ? (error.message.split("\n")[0] ?? "") : "not XML");
    }
  }
  if (fault === undefined) {
    try {
      parser.close();
    } catch {
      stop("malformed", "it ends too early");
    }
  }
  if (fault !== undefined) return fault;
  if (top.children.size !== 1) return { ok: false, reason: "malformed", problem: "there is no root element" };
  return { ok: true, value: contentOf(top) };
}

/** Only the entities of XML itself (the published types do not know the option). */
const OPTIONS: sax.SAXOptions & { readonly strictEntities: boolean } = { strictEntities: true, position: false };
const PIECE = 64 * 1024;

const localName = (name: string) => name.slice(name.indexOf(":") + 1);

function contentOf({ attributes, children, text }: Open): Json {
  if (attributes.some(([name, value]) => localName(name) === "nil" && (value === "true" || value === "1"))) return null;
  if (children.size === 0) return text;
  const entries: [string, Json][] = attributes.map(([name, value]) => [`@${localName(name)}`, value]);
  for (const [name, values] of children) entries.push([name, values.length === 1 ? (values[0] as Json) : values]);
  if (text.trim() !== "") entries.push(["#text", text.trim()]);
  return Object.fromEntries(entries);
}

/** The XML that reads as this value: for samples. */
export function writeXml(value: Json): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${elements(value)}`;
}

function elements(value: Json): string {
  if (value === null) return "";
  if (typeof value !== "object") return escapeXml(String(value));
  return Object.entries(value)
    .flatMap(([name, inner]) => {
      if (name.startsWith("@")) return [];
      const items: readonly Json[] = Array.isArray(inner) ? inner : [inner as Json];
      return items.map((item) => element(name, item));
    })
    .join("");
}

function element(name: string, value: Json): string {
  if (value === null) return `<${name} nil="true"/>`;
  const attributes =
    typeof value === "object"
      ? Object.entries(value).flatMap(([key, text]) =>
          key.startsWith("@") ? [` ${key.slice(1)}="${escapeXml(String(text))}"`] : [],
        )
      : [];
  return `<${name}${attributes.join("")}>${elements(value)}</${name}>`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

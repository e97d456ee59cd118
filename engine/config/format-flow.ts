/** Opens `{ … }` around an expression that has brackets or commas: such an expression stands on its own line. */
import { type Document, isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from "yaml";
import type { Json } from "../core/types.ts";
import { visitLeaves } from "./annotations.ts";

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** `plan: { from: "lines.data[0].plan", table: plans }` gets a line for each key. */
export function openFlowMaps(
  text: string,
  documents: readonly Document.Parsed[],
  schemaOf: (keys: readonly string[]) => unknown,
): string {
  const edits = documents.flatMap((document) => {
    const keys = isMap(document.contents) ? document.contents.items.map(({ key }) => keyText(key)) : [];
    const schema = schemaOf(keys);
    return schema === undefined ? [] : editsOf(text, document.contents as unknown, schema);
  });
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((now, { start, end, text: put }) => now.slice(0, start) + put + now.slice(end), text);
}

const keyText = (key: unknown): string => (isScalar(key) ? String(key.value) : "");

function editsOf(text: string, root: unknown, schema: unknown): readonly Edit[] {
  const mapOf = new Map<object, YAMLMap>();
  const value = dataOf(root, mapOf);
  const open = new Set<YAMLMap>();
  visitLeaves(schema, value, (leaf) => {
    const map = mapOf.get(leaf.holder);
    if (leaf.expression && map?.flow === true && typeof leaf.value === "string" && /[[\]{},]/.test(leaf.value))
      open.add(map);
  });
  const edits: Edit[] = [];
  walkPairs(root, (pair, parent) => {
    const { value: inner } = pair;
    if (isMap(inner) && open.has(inner) && parent.flow !== true) {
      const edit = editOf(text, pair, inner);
      if (edit !== undefined) edits.push(edit);
    }
  });
  return edits;
}

/** Plain data whose mappings are known by their node. */
function dataOf(node: unknown, mapOf: Map<object, YAMLMap>): Json {
  if (isMap(node)) {
    const made = Object.fromEntries(node.items.map(({ key, value }) => [keyText(key), dataOf(value, mapOf)]));
    mapOf.set(made, node);
    return made;
  }
  if (isSeq(node)) return node.items.map((item) => dataOf(item, mapOf));
  return isScalar(node) && ["string", "number", "boolean"].includes(typeof node.value) ? (node.value as Json) : null;
}

function walkPairs(node: unknown, visit: (pair: Pair, parent: YAMLMap) => void): void {
  if (isSeq(node)) for (const item of node.items) walkPairs(item, visit);
  if (!isMap(node)) return;
  for (const pair of node.items) {
    visit(pair, node);
    walkPairs(pair.value, visit);
  }
}

/** Only a map that stands whole on the line of its key, with nothing behind it: a comment there would lose its place. */
function editOf(text: string, { key }: Pair, map: YAMLMap): Edit | undefined {
  if (!isScalar(key) || !key.range || !map.range || map.anchor !== undefined || map.tag !== undefined) return undefined;
  const [start, end] = map.range;
  const inside = text.slice(start, end);
  const lineEnd = text.indexOf("\n", end);
  const rest = text.slice(end, lineEnd === -1 ? undefined : lineEnd);
  if (inside.includes("\n") || rest.trim() !== "") return undefined;
  const lineStart = text.lastIndexOf("\n", key.range[0] - 1) + 1;
  const margin = " ".repeat(key.range[0] - lineStart + 2);
  const lines = map.items.map(({ key: name, value }) => {
    if (!isScalar(name) || !name.range) return undefined;
    const shown = text.slice(name.range[0], name.range[1]);
    const range = (value as { readonly range?: readonly number[] } | null)?.range;
    const [from, to] = range ?? [];
    return from === undefined || to === undefined
      ? `${margin}${shown}:`
      : `${margin}${shown}: ${bare(value, text.slice(from, to))}`;
  });
  if (lines.includes(undefined)) return undefined;
  // The space between `:` and `{` goes too.
  const gap = text.slice(0, start).trimEnd().length;
  return { start: gap, end: end + rest.length, text: `\n${lines.join("\n")}` };
}

/** Without its quotes where it says the same without. */
function bare(value: unknown, shown: string): string {
  if (!isScalar(value) || typeof value.value !== "string" || !/^["']/.test(shown)) return shown;
  const parsed = parseDocument(`a: ${value.value}\n`, { logLevel: "silent" });
  const same = parsed.errors.length === 0 && parsed.warnings.length === 0 && parsed.comment === null;
  return same && !value.value.includes("\n") && !/\s#|^\s|\s$/.test(value.value) && parsed.get("a") === value.value
    ? value.value
    : shown;
}

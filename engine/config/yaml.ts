/**
 * One YAML file into plain values that know where they stand. YAML is read strictly: no tags, no merge keys, no
 * duplicate keys, aliases within bounds; keys are taken from the text, so that `0123` and `06E12` stay what they say.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
} from "yaml";
import type { Json } from "../core/types.ts";
import type { Mark, Positions, SourceFile } from "./position.ts";
import type { Reporter } from "./report.ts";
import { reportSyntax } from "./yaml-faults.ts";

export interface YamlDocument {
  readonly source: SourceFile;
  /** `undefined` when the document is empty. */
  readonly value: Json | undefined;
  /** False after a syntax error: the value is not to be used. */
  readonly sound: boolean;
}

export interface YamlContext {
  readonly positions: Positions;
  readonly reporter: Reporter;
}

/** Longer files are refused unread. */
const MAX_FILE_CHARS = 4 * 1024 * 1024;
/** Nodes that aliases may copy, per document: far above any honest use, far below a bomb. */
const MAX_ALIASED_NODES = 2_000;
const MAX_DEPTH = 64;

/** A file as messages point into it. */
export function sourceFile(file: string, text: string): SourceFile {
  const lines = new LineCounter();
  lines.addNewLine(0);
  return { file, text, lines };
}

export function parseYaml(file: string, text: string, context: YamlContext): readonly YamlDocument[] {
  const lines = new LineCounter();
  const source: SourceFile = { file, text, lines };
  const start: Mark = { source: sourceFile(file, text), start: 0, end: 1 };
  const unsound = [{ source, value: undefined, sound: false }];
  if (text.length > MAX_FILE_CHARS) {
    context.reporter.report("HK1008", start, { limit: "4 MiB" });
    return unsound;
  }
  if (nestsTooDeep(text)) {
    context.reporter.report("HK1005", start, { what: `more than ${MAX_DEPTH} levels` });
    return unsound;
  }
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    keepSourceTokens: true,
    uniqueKeys: false,
    merge: false,
    strict: true,
    prettyErrors: false,
    version: "1.2",
  });
  if (!Array.isArray(documents)) return [{ source, value: undefined, sound: true }];
  return documents.map((document) => readDocument(document, source, context));
}

/** Brackets and indentation alone: deeper text is not handed to a recursive parser. */
function nestsTooDeep(text: string): boolean {
  return /(?:[[{][ \t]*){64}/.test(text) || /(?:^|\n)[ \t]*(?:- ){64}/.test(text) || /(?:^|\n) {1000}/.test(text);
}

function readDocument(document: Document.Parsed, source: SourceFile, context: YamlContext): YamlDocument {
  if (document.errors.length > 0) {
    reportSyntax(document.errors, source, context.reporter);
    return { source, value: undefined, sound: false };
  }
  const walk: Walk = { ...context, source, document, aliased: 0, stopped: false };
  const value = document.contents === null ? undefined : convert(walk, document.contents, { depth: 0, inAlias: false });
  return { source, value: walk.stopped ? undefined : value, sound: !walk.stopped };
}

interface Walk extends YamlContext {
  readonly source: SourceFile;
  readonly document: Document.Parsed;
  aliased: number;
  stopped: boolean;
}

interface At {
  readonly depth: number;
  readonly inAlias: boolean;
}

function convert(walk: Walk, node: unknown, at: At): Json {
  if (walk.stopped) return null;
  if (at.inAlias && ++walk.aliased > MAX_ALIASED_NODES)
    return stop(walk, node, `aliases that copy more than ${MAX_ALIASED_NODES} values`);
  if (at.depth > MAX_DEPTH) return stop(walk, node, `more than ${MAX_DEPTH} levels`);
  if (isAlias(node)) {
    const target = node.resolve(walk.document);
    // Reported with its leaf, where the schema knows whether it was meant as an expression.
    if (target === undefined) return `*${node.source}`;
    return convert(walk, target, { depth: at.depth + 1, inAlias: true });
  }
  if (isMap(node)) return convertMap(walk, node.items as Pair[], markOf(walk, node), at);
  if (isSeq(node)) {
    const list: Json[] = [];
    walk.positions.set(list, markOf(walk, node));
    node.items.forEach((item, index) => {
      list.push(convert(walk, item, { ...at, depth: at.depth + 1 }));
      walk.positions.setMember(list, index, { value: markOf(walk, item) });
    });
    return list;
  }
  return isScalar(node) ? scalarValue(node) : null;
}

function stop(walk: Walk, node: unknown, what: string): null {
  walk.reporter.report("HK1005", markOf(walk, node), { what });
  walk.stopped = true;
  return null;
}

function convertMap(walk: Walk, pairs: readonly Pair[], self: Mark, at: At): Json {
  const object: Record<string, Json> = {};
  walk.positions.set(object, self);
  for (const pair of pairs) {
    const key = markOf(walk, pair.key);
    const name = keyText(pair.key);
    if (name === undefined) {
      walk.reporter.report("HK1004", key, { what: "a key must be plain text" });
      continue;
    }
    if (name === "<<" || name === "__proto__") {
      walk.reporter.report("HK1004", key, {
        what: name === "<<" ? "merge keys (`<<`) are not read" : "`__proto__` can't be a key",
      });
      continue;
    }
    if (Object.hasOwn(object, name)) {
      const first = walk.positions.key(object, name);
      walk.reporter.report("HK1003", key, { key: name }, { related: { message: "it is first here", mark: first } });
      continue;
    }
    const value = pair.value === null ? { ...key, start: key.end, end: key.end + 1 } : markOf(walk, pair.value);
    object[name] = pair.value === null ? null : convert(walk, pair.value, { ...at, depth: at.depth + 1 });
    walk.positions.setMember(object, name, { key, value });
  }
  return object;
}

function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  if (key.type === "PLAIN" && key.source !== undefined && key.source !== "") return key.source;
  return typeof key.value === "string" ? key.value : undefined;
}

/** Numbers JavaScript would round keep their text. */
function scalarValue(node: Scalar): Json {
  const { value } = node;
  if (typeof value === "number") {
    const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    return exact ? value : (node.source ?? String(value));
  }
  return typeof value === "string" || typeof value === "boolean" ? value : null;
}

const STYLES = {
  PLAIN: "plain",
  QUOTE_SINGLE: "single",
  QUOTE_DOUBLE: "double",
  BLOCK_LITERAL: "literal",
  BLOCK_FOLDED: "folded",
} as const;

function markOf(walk: Walk, node: unknown): Mark {
  if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node))
    return { source: walk.source, start: 0, end: 1 };
  const [start, end, nodeEnd] = node.range ?? [0, 1, 1];
  const tag = tagOf(walk, node, start);
  return {
    source: walk.source,
    start,
    end,
    ...(isScalar(node)
      ? { scalar: { value: node.value, style: STYLES[node.type as keyof typeof STYLES] ?? "plain" } }
      : {}),
    ...(isScalar(node) && node.comment ? { comment: commentAfter(walk.source.text, end, nodeEnd) } : {}),
    ...(tag === undefined ? {} : { tag }),
  };
}

/** What a leaf may not carry: `!tag`, or `*` for an anchor that is not there. */
function tagOf(walk: Walk, node: Node, start: number): string | undefined {
  if (isAlias(node)) return node.resolve(walk.document) === undefined ? "*" : undefined;
  return typeof node.tag === "string" ? node.tag : tagBefore(walk, start);
}

/** Tags that YAML could not resolve are only a warning to it, and are gone from the node. */
function tagBefore(walk: Walk, start: number): string | undefined {
  const { text } = walk.source;
  for (const warning of walk.document.warnings) {
    if (warning.code !== "TAG_RESOLVE_FAILED") continue;
    const [from, to] = warning.pos;
    if (from <= start && /^\s*$/.test(text.slice(Math.min(to, start), start))) return text.slice(from, to);
  }
  return undefined;
}

function commentAfter(text: string, end: number, nodeEnd: number): { start: number; end: number } {
  const start = text.indexOf("#", end);
  const lineEnd = text.indexOf("\n", start);
  return { start, end: lineEnd === -1 ? Math.max(nodeEnd, start) : lineEnd };
}

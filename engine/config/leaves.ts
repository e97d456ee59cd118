/** The pass over all scalars of a document before it is validated: cut expressions, tags, references, plain secrets. */
import type { Json } from "../core/types.ts";
import { type Leaf, visitLeaves } from "./annotations.ts";
import { hasReference, interpolate, type ReferenceSource } from "./interpolate.ts";
import { type Mark, markWithin, type Positions } from "./position.ts";
import type { Reporter } from "./report.ts";
import { quoted } from "./yaml-faults.ts";

export interface LeafContext {
  readonly positions: Positions;
  readonly reporter: Reporter;
  /** Absent: references are left as they are (recipes, presets). */
  readonly references?: ReferenceSource;
  /** Members that hold resolved references: their values are not shown. */
  readonly resolved: MemberSet;
  /** Members already reported as faulty: not to be reported again by validation. */
  readonly faulty: MemberSet;
}

/** In `faulty`: the object had a key that is not known, and may lack what that key was meant to be. */
export const UNKNOWN_KEY = "\0unknown";

/** A set of (object, key) pairs. */
export interface MemberSet {
  add(holder: object, name: string | number): void;
  has(holder: object, name: string | number): boolean;
}

export function createMemberSet(): MemberSet {
  const members = new WeakMap<object, Set<string>>();
  return {
    add(holder, name) {
      const own = members.get(holder) ?? new Set<string>();
      own.add(String(name));
      members.set(holder, own);
    },
    has: (holder, name) => members.get(holder)?.has(String(name)) ?? false,
  };
}

/** Checks and resolves all scalars of a document, in place. */
export function readLeaves(schema: unknown, value: Json, context: LeafContext): void {
  visitLeaves(schema, value, (leaf) => {
    const mark = context.positions.value(leaf.holder, leaf.name);
    if (mark.tag !== undefined) reportTag(leaf, mark, context);
    else if (typeof leaf.value !== "string") return;
    else if (leaf.expression) readExpression(leaf, leaf.value, mark, context);
    else if (context.references !== undefined) readText(leaf, leaf.value, mark, context);
  });
}

function reportTag(leaf: Leaf, mark: Mark, context: LeafContext): void {
  context.faulty.add(leaf.holder, leaf.name);
  const anchor = mark.tag === "*";
  const line = anchor ? wholeLine(mark, mark.start) : taggedLine(mark);
  if (leaf.expression) {
    const what = anchor ? "`*` refers to an anchor" : "`!` starts a YAML tag";
    context.reporter.report(
      "HK1030",
      line.mark,
      { what },
      { hint: `quote this expression: ${quoted(line.text)}`, fix: { text: quoted(line.text) } },
    );
    return;
  }
  const what = anchor
    ? `\`${String(leaf.value)}\` refers to an anchor that is not there`
    : `tags such as \`${mark.tag}\` are not read`;
  context.reporter.report("HK1004", line.mark, { what });
}

/** The value with its tag, as it stands in the file. */
function taggedLine(mark: Mark) {
  const { text } = mark.source;
  const lineStart = text.lastIndexOf("\n", Math.max(0, mark.start - 1)) + 1;
  const bang = text.slice(lineStart, mark.start).indexOf("!");
  return wholeLine(mark, bang === -1 ? mark.start : lineStart + bang);
}

/** From an offset to the end of its line, without a comment. */
function wholeLine(mark: Mark, start: number): { readonly text: string; readonly mark: Mark } {
  const { text } = mark.source;
  const lineEnd = text.indexOf("\n", start);
  const whole = text
    .slice(start, lineEnd === -1 ? undefined : lineEnd)
    .replace(/\s+#.*$/, "")
    .trimEnd();
  return { text: whole, mark: { source: mark.source, start, end: start + whole.length } };
}

function readExpression(leaf: Leaf, value: string, mark: Mark, context: LeafContext): void {
  const style = mark.scalar?.style;
  if (hasReference(value)) {
    const at = value.indexOf("${");
    const reference = /\$\{[^}]*\}?/.exec(value.slice(at))?.[0] ?? "${";
    context.reporter.report("HK1022", markWithin(mark, at, reference.length), { reference });
    context.faulty.add(leaf.holder, leaf.name);
    return;
  }
  if (style === "folded") {
    context.reporter.report("HK1031", mark, {}, { severity: "warning", hint: "use `|` instead of `>`" });
  }
  if (mark.comment !== undefined && looksCut(mark, mark.comment) && reportCut(context.reporter, mark)) {
    context.faulty.add(leaf.holder, leaf.name);
  }
}

/** Says that a comment cut the expression short; false where none could have. */
export function reportCut(reporter: Reporter, mark: Mark): boolean {
  const { comment, source } = mark;
  if (mark.scalar?.style !== "plain" || comment === undefined) return false;
  if (source.text.slice(mark.end, comment.start).includes("\n")) return false;
  const whole = source.text.slice(mark.start, comment.end).trimEnd();
  reporter.report(
    "HK1030",
    { source, start: comment.start, end: comment.start + 1 },
    { what: "` #` starts a comment" },
    {
      hint: `quote this expression: ${quoted(whole)}; a comment after an expression is set off by two spaces`,
      // `#$name` is JSONata's; anything else could be a comment that lacks a space.
      ...(source.text[comment.start + 1] === "$" && {
        fix: { text: quoted(whole), mark: { source, start: mark.start, end: mark.start + whole.length } },
      }),
    },
  );
  return true;
}

/** One space before `#`, or `#$` (JSONata's index variable), is no comment anyone would write on purpose. */
function looksCut(mark: Mark, comment: { readonly start: number }): boolean {
  const { text } = mark.source;
  return text.slice(mark.end, comment.start) === " " || text[comment.start + 1] === "$";
}

function readText(leaf: Leaf, value: string, mark: Mark, context: LeafContext): void {
  if (!value.includes("${")) {
    if (leaf.secret)
      context.reporter.report(
        "HK1024",
        mark,
        {},
        { severity: "warning", hint: "write `${NAME}` and set the variable" },
      );
    return;
  }
  if (context.references === undefined) return;
  const result = interpolate(value, context.references, leaf.secret);
  for (const fault of result.faults) {
    context.reporter.report(
      fault.code,
      markWithin(mark, fault.offset, fault.reference.length),
      { reference: fault.reference, ...(fault.reason === undefined ? {} : { reason: fault.reason }) },
      { hint: fault.hint },
    );
  }
  if (result.references > 0) {
    context.resolved.add(leaf.holder, leaf.name);
    context.reporter.conceal(result.text, value);
    const key = context.positions.key(leaf.holder, leaf.name);
    context.positions.setMember(leaf.holder, leaf.name, {
      key,
      value: { ...mark, reference: { written: value, value: result.text } },
    });
  }
  if (result.faults.length > 0) context.faulty.add(leaf.holder, leaf.name);
  else replaceMember(leaf.holder, leaf.name, result.text);
}

/** Puts another value in place of a member of a parsed object or list. */
export function replaceMember(holder: object, name: string | number, value: Json): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

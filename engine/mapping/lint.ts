/** What an author may not write in an expression: unknown names, functions that are not allowed, inputs that can't be seen. */
import type { ExpressionFault } from "../core/diagnostic.ts";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import { childrenOf, type Node, type NodeOf, walk } from "./ast.ts";
import { BANNED, BUILTINS, DYNAMIC } from "./builtins.ts";
import type { SyntaxFault } from "./parse.ts";
import { printNode } from "./print.ts";

/** What is known where the expression stands. */
export interface LintContext {
  readonly source: string;
  /** Names that `$name` may use. */
  readonly variables: ReadonlySet<string>;
  /** `needs:` is given: dynamic reads are then fine. */
  readonly hasNeeds: boolean;
  /** A missing-data policy stands before the result, so that a default in the expression is never reached. */
  readonly hasPolicy: boolean;
}

interface Problem {
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, string | number>>;
  readonly node: Node;
  readonly hint?: string | undefined;
  readonly severity?: "warning";
}

/** Finds the faults of a parsed expression. */
export function lintExpression(ast: Node, context: LintContext): ExpressionFault[] {
  const problems: Problem[] = [];
  visit(ast, new Set(), { context, problems });
  return problems.map((problem) => toFault(problem, context.source));
}

interface Linting {
  readonly context: LintContext;
  readonly problems: Problem[];
}

function visit(node: Node, locals: ReadonlySet<string>, lint: Linting): void {
  check(node, locals, lint);
  const inside = boundBy(node, locals);
  for (const child of childrenOf(node)) {
    if (node.type === "call" && child === node.callee && child.type === "variable") continue;
    visit(child, inside, lint);
  }
}

/** Names in force inside a node. A block's `:=` holds for what follows; one set for the block is near enough to warn. */
function boundBy(node: Node, locals: ReadonlySet<string>): ReadonlySet<string> {
  const names: string[] = [];
  if (node.type === "lambda") names.push(...node.params);
  if (node.type === "block") for (const part of node.body) if (part.type === "bind") names.push(part.name);
  if (node.type === "path") {
    for (const step of node.steps) {
      if (step.focus !== undefined) names.push(step.focus);
      if (step.index !== undefined) names.push(step.index);
      for (const stage of step.stages) if (stage.kind === "index") names.push(stage.name);
    }
  }
  if (node.type === "bind") names.push(node.name);
  return names.length === 0 ? locals : new Set([...locals, ...names]);
}

function check(node: Node, locals: ReadonlySet<string>, lint: Linting): void {
  switch (node.type) {
    case "call":
      checkCall(node, locals, lint);
      return;
    case "variable":
      checkVariable(node, locals, lint);
      return;
    case "bind":
      if (BUILTINS.has(node.name) || node.name.startsWith("__"))
        lint.problems.push({ code: "HK2005", data: { name: `$${node.name}` }, node });
      return;
    case "wildcard":
    case "descendant":
      dynamic(node, printNode(node), lint);
      return;
    case "condition":
      checkDefault(node, lint);
      return;
    default:
  }
}

function checkCall(node: NodeOf<"call">, locals: ReadonlySet<string>, lint: Linting): void {
  if (node.callee.type === "path" && node.callee.steps.length === 1 && node.callee.steps[0]?.type === "name") {
    const name = node.callee.steps[0].name;
    const hint = BUILTINS.has(name) ? `functions start with \`$\`: \`$${name}(…)\`` : undefined;
    lint.problems.push({ code: "HK2002", data: { name }, node: node.callee.steps[0], hint });
    return;
  }
  if (node.callee.type !== "variable" || locals.has(node.callee.name)) return;
  const { name } = node.callee;
  if (!BUILTINS.has(name) || lint.context.variables.has(name)) {
    const hint = didYouMean(
      `$${name}`,
      [...BUILTINS].map((known) => `$${known}`),
    );
    lint.problems.push({ code: "HK2002", data: { name: `$${name}` }, node: node.callee, hint });
    return;
  }
  checkFunction(node.callee, lint);
  if (name === "lookup" && node.args.at(-1)?.type !== "literal") dynamic(node.callee, "$lookup", lint);
}

function checkVariable(node: NodeOf<"variable">, locals: ReadonlySet<string>, lint: Linting): void {
  const { name } = node;
  const known = lint.context.variables;
  if (name === "" || name === "$" || locals.has(name) || known.has(name)) return;
  if (BUILTINS.has(name)) {
    checkFunction(node, lint);
    return;
  }
  const candidates = [...known, ...locals].map((n) => `$${n}`);
  const hint =
    didYouMean(`$${name}`, candidates) ??
    (candidates.length === 0 ? undefined : `known here: ${candidates.sort().join(", ")}`);
  lint.problems.push({ code: "HK2003", data: { name: `$${name}` }, node, hint });
}

/** A built-in, called or handed on as a value. */
function checkFunction(node: NodeOf<"variable">, lint: Linting): void {
  const why = BANNED.get(node.name);
  if (why !== undefined) lint.problems.push({ code: "HK2004", data: { name: `$${node.name}`, why }, node });
  if (DYNAMIC.has(node.name)) dynamic(node, `$${node.name}`, lint);
}

function dynamic(node: Node, construct: string, lint: Linting): void {
  if (lint.context.hasPolicy && !lint.context.hasNeeds)
    lint.problems.push({
      code: "HK2006",
      data: { construct },
      node,
      hint: "say under `needs:` which paths must be there",
    });
}

/** `a ?? b` parses to `$exists(a) ? a : b`, and `a ?: b` to `a ? a : b`; written out in full they mean the same. */
function checkDefault(node: NodeOf<"condition">, lint: Linting): void {
  const { test, yes } = node;
  if (!lint.context.hasPolicy || (yes.type !== "path" && yes.type !== "variable")) return;
  const exists = test.type === "call" && test.callee.type === "variable" && test.callee.name === "exists";
  const subject = exists ? test.args[0] : test;
  if (subject === undefined || printNode(subject) !== printNode(yes)) return;
  const operator = exists ? "??" : "?:";
  lint.problems.push({
    code: "HK2007",
    data: { operator, path: printNode(yes) },
    node,
    severity: "warning",
    hint: "write `first: [a, b]`, or `missing: { initial: … }`",
  });
}

function toFault(problem: Problem, source: string): ExpressionFault {
  const { offset, length } = nodeSpan(problem.node, source);
  return {
    code: problem.code,
    severity: problem.severity ?? "error",
    message: errorMessage(problem.code, problem.data),
    offset,
    length,
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
  };
}

/** Where a node stands. The parser keeps the offset after its token; the token itself is found backwards from there. */
export function nodeSpan(node: Node, source: string): { offset: number; length: number } {
  const positioned = node.end === undefined ? firstPositioned(node) : node;
  const end = positioned?.end;
  if (positioned === undefined || end === undefined) return { offset: 0, length: Math.max(1, source.length) };
  return tokenSpan(tokenOf(positioned) ?? quotedOf(positioned, source.slice(0, end)), end, source);
}

function firstPositioned(node: Node): Node | undefined {
  let found: Node | undefined;
  walk(node, (inner) => {
    if (found === undefined && inner.end !== undefined) found = inner;
  });
  return found;
}

function tokenOf(node: Node): string | undefined {
  if (node.type === "variable") return `$${node.name}`;
  if (node.type === "name") return node.name;
  if (node.type === "wildcard") return "*";
  if (node.type === "descendant") return "**";
  if (node.type === "bind") return ":=";
  return undefined;
}

/** A text with the quotes it stands in, where nothing in it is escaped. */
function quotedOf(node: Node, before: string): string | undefined {
  if (node.type !== "literal" || typeof node.value !== "string") return undefined;
  return [`"${node.value}"`, `'${node.value}'`].find((quoted) => before.endsWith(quoted));
}

/** The token that ends at or just before `end`; the parser may have read on over a bracket. */
export function tokenSpan(token: string | undefined, end: number, source: string): { offset: number; length: number } {
  const stop = Math.min(end, source.length);
  if (token !== undefined && token !== "") {
    const offset = source.lastIndexOf(token, stop - token.length);
    // Quoted tokens end one character later than their text.
    if (offset >= 0 && stop - (offset + token.length) <= 2) return { offset, length: token.length };
  }
  return { offset: Math.max(0, stop - 1), length: 1 };
}

/** A syntax error of the parser as a fault with its caret on the token. */
export function syntaxFault(fault: SyntaxFault, source: string): ExpressionFault {
  const atEnd = fault.token === "(end)" || fault.position === undefined;
  const span = atEnd
    ? { offset: source.length, length: 1 }
    : tokenSpan(fault.token, fault.position ?? source.length, source);
  return { code: "HK2001", severity: "error", message: errorMessage("HK2001", { problem: problemOf(fault) }), ...span };
}

function problemOf(fault: SyntaxFault): string {
  if (fault.token === "(end)") return "it ends too early";
  if (fault.code === "S0201" || fault.code === "S0202" || fault.code === "S0211")
    return `unexpected \`${fault.token ?? ""}\``;
  const message = fault.message === "" ? fault.code : fault.message;
  return message.charAt(0).toLowerCase() + message.slice(1);
}

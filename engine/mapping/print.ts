/**
 * JSONata from its tree: how a path is named in messages and `explain`, and what the interpreter is asked when one
 * input is read. The text parses back to the same meaning.
 */
import type { Node, Pair, Stage } from "./ast.ts";

/** Prints a node as JSONata. */
export function printNode(node: Node): string {
  return printShape(node) + node.predicates.map(printStage).join("") + suffix(node);
}

function suffix(node: Node): string {
  const keep = node.keepArray && node.type !== "path" ? "[]" : "";
  return keep + (node.group === undefined ? "" : `{${printPairs(node.group)}}`);
}

function printStage(stage: Stage): string {
  return stage.kind === "index" ? `#$${stage.name}` : `[${printNode(stage.test)}]`;
}

function printPairs(pairs: readonly Pair[]): string {
  return pairs.map(([key, value]) => `${printNode(key)}: ${printNode(value)}`).join(", ");
}

function printShape(node: Node): string {
  switch (node.type) {
    case "literal":
      return JSON.stringify(node.value);
    case "name":
      return printName(node.name);
    case "variable":
      return `$${node.name}`;
    case "path":
      return printPath(node.steps);
    case "binary":
      return `${operand(node.left)} ${node.operator} ${operand(node.right)}`;
    case "negate":
      return `-${operand(node.operand)}`;
    case "array":
      return `[${node.items.map(printNode).join(", ")}]`;
    case "object":
      return `{${printPairs(node.pairs)}}`;
    case "call":
      return `${operand(node.callee)}(${node.args.map(printNode).join(", ")})`;
    case "placeholder":
      return "?";
    case "lambda":
      return `function(${node.params.map((p) => `$${p}`).join(", ")})${node.signature ?? ""}{ ${printNode(node.body)} }`;
    case "condition":
      return `${operand(node.test)} ? ${operand(node.yes)}${node.no === undefined ? "" : ` : ${operand(node.no)}`}`;
    case "block":
      return `(${node.body.map(printNode).join("; ")})`;
    case "bind":
      return `$${node.name} := ${printNode(node.value)}`;
    case "apply":
      return `${operand(node.left)} ~> ${operand(node.right)}`;
    case "regex":
      return `/${node.source}/${node.flags}`;
    case "wildcard":
      return "*";
    case "descendant":
      return "**";
    case "parent":
      return "%";
    case "sort":
      return `^(${node.terms.map((t) => (t.descending ? ">" : "") + printNode(t.by)).join(", ")})`;
    case "transform":
      return `|${printNode(node.pattern)}|${printNode(node.update)}${node.remove === undefined ? "" : `, ${printNode(node.remove)}`}|`;
  }
}

function printPath(steps: readonly Node[]): string {
  let text = "";
  for (const [i, step] of steps.entries()) {
    const body =
      i === 0 || !["binary", "condition", "bind", "apply", "negate", "lambda"].includes(step.type)
        ? printShape(step)
        : `(${printShape(step)})`;
    const dot = i === 0 || step.type === "sort" ? "" : ".";
    const focus = step.focus === undefined ? "" : `@$${step.focus}`;
    const index = step.index === undefined ? "" : `#$${step.index}`;
    text += dot + body + [...step.predicates, ...step.stages].map(printStage).join("") + focus + index + suffix(step);
  }
  return text;
}

/** Operators bind in ways a reader has to look up: anything composed goes into parentheses. */
function operand(node: Node): string {
  const simple = [
    "literal",
    "name",
    "variable",
    "path",
    "array",
    "object",
    "call",
    "block",
    "regex",
    "wildcard",
    "descendant",
    "parent",
    "transform",
  ];
  return simple.includes(node.type) ? printNode(node) : `(${printNode(node)})`;
}

const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const WORDS = new Set(["and", "or", "in", "true", "false", "null", "function"]);

function printName(name: string): string {
  return PLAIN_NAME.test(name) && !WORDS.has(name) ? name : `\`${name}\``;
}

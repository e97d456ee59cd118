/**
 * Expressions, compiled: parsed by jsonata's own parser, checked, their inputs read off the tree, and the part of the
 * language that needs no interpreter turned into closures. In: the author's text. Out: an immutable `Expression`, or
 * faults with offsets into that text.
 */
import type { ExpressionFault } from "../core/diagnostic.ts";
import { errorMessage } from "../core/errors.ts";
import type { Expression } from "../core/expression.ts";
import type { SourcePosition } from "../core/types.ts";
import { childrenOf, type Node } from "./ast.ts";
import { compileFast, type Program } from "./fast.ts";
import { collectInputs } from "./inputs.ts";
import { lintExpression, syntaxFault } from "./lint.ts";
import { parseJsonata } from "./parse.ts";
import { printNode } from "./print.ts";
import { compileReader, type InputReader } from "./read.ts";
import type { InputPlan } from "./steps.ts";

/** Longer text is not a mapping but a program; the parser is recursive, so this also bounds its stack. */
const MAX_LENGTH = 16_384;
const MAX_DEPTH = 100;

export interface CompileOptions {
  readonly position?: SourcePosition;
  /** Names that `$name` may use: `event`, the `let:` names above, entity types where an entity is in scope. */
  readonly variables?: Iterable<string>;
  /** `needs:` of the row: paths that must be there, for expressions whose own reads can't be seen. */
  readonly needs?: readonly string[];
  /** False where only a path makes sense (`once:`). Default true. */
  readonly functionsAllowed?: boolean;
  /** False where no missing-data policy stands before the result (bodies of sinks): `??` and dynamic reads then do what they say. Default true. */
  readonly missingPolicy?: boolean;
  /** Each element of a list on the way must have the value: rows with `take:`. */
  readonly every?: boolean;
}

export type CompiledOrFaults =
  | { readonly ok: true; readonly expression: CompiledExpression; readonly warnings: readonly ExpressionFault[] }
  | { readonly ok: false; readonly faults: readonly ExpressionFault[] };

/** What `compileExpression` makes; other rooms see it as `Expression`. */
export interface CompiledExpression extends Expression {
  readonly inputs: readonly CompiledInput[];
  /** Absent: the interpreter runs it. */
  readonly program: Program | undefined;
  /** It is nothing but its one input: reading the input is evaluating it. */
  readonly isPath: boolean;
}

export interface CompiledInput extends InputPlan {
  readonly reader: InputReader;
}

/** Compiles one expression. Warnings do not keep it from running. */
export function compileExpression(source: string, options: CompileOptions = {}): CompiledOrFaults {
  if (source.length > MAX_LENGTH) return { ok: false, faults: [tooLarge("long", source.length, MAX_LENGTH)] };
  const parsed = parseJsonata(source);
  if (!parsed.ok) return { ok: false, faults: parsed.faults.map((fault) => syntaxFault(fault, source)) };
  const depth = depthOf(parsed.ast);
  if (depth > MAX_DEPTH) return { ok: false, faults: [tooLarge("deep", depth, MAX_DEPTH)] };
  const variables = new Set(options.variables ?? []);
  const needs = compileNeeds(options, variables);
  const hasPolicy = options.missingPolicy ?? true;
  const faults = [
    ...lintExpression(parsed.ast, {
      source,
      variables,
      hasNeeds: options.needs !== undefined,
      hasPolicy,
    }),
    ...(options.functionsAllowed === false ? onlyPaths(parsed.ast, source) : []),
    ...needs.faults,
  ];
  if (faults.some((fault) => fault.severity === "error")) return { ok: false, faults };
  const plans = [...collectInputs(parsed.ast, { every: options.every ?? false, variables }), ...needs.inputs];
  return {
    ok: true,
    expression: assemble(source, parsed.ast, { plans, variables, position: options.position }),
    warnings: faults,
  };
}

function assemble(
  source: string,
  ast: Node,
  made: { plans: readonly InputPlan[]; variables: ReadonlySet<string>; position: SourcePosition | undefined },
): CompiledExpression {
  const program = compileFast(ast, made.variables);
  const inputs = made.plans.map((plan) => Object.freeze({ ...plan, reader: compileReader(plan, made.variables) }));
  return Object.freeze({
    source,
    ...(made.position === undefined ? {} : { position: made.position }),
    inputs: Object.freeze(inputs),
    fast: program !== undefined && inputs.every((input) => input.reader.fast !== undefined),
    program,
    isPath: isItsInput(ast, made.plans),
  });
}

function isItsInput(ast: Node, plans: readonly InputPlan[]): boolean {
  const [only] = plans;
  return plans.length === 1 && only !== undefined && !only.every && only.path === printNode(ast);
}

/** A row's `needs:` paths are expressions themselves; their inputs become this expression's. */
function compileNeeds(
  options: CompileOptions,
  variables: ReadonlySet<string>,
): { inputs: readonly InputPlan[]; faults: readonly ExpressionFault[] } {
  const inputs: InputPlan[] = [];
  const faults: ExpressionFault[] = [];
  for (const path of options.needs ?? []) {
    const compiled = compileExpression(path, { variables, every: options.every ?? false });
    if (compiled.ok) inputs.push(...compiled.expression.inputs);
    else
      for (const fault of compiled.faults)
        faults.push({ ...fault, message: `needs: ${path}: ${fault.message}`, offset: 0, length: 1 });
  }
  return { inputs, faults };
}

function onlyPaths(ast: Node, source: string): ExpressionFault[] {
  const isPath =
    ast.type === "variable" ||
    (ast.type === "path" && ast.steps.every((step) => step.type === "name" || step.type === "variable"));
  if (isPath) return [];
  return [
    {
      code: "HK2009",
      severity: "error",
      message: errorMessage("HK2009", { found: ast.type === "path" ? "a computed path" : `a ${ast.type}` }),
      offset: 0,
      length: source.length,
    },
  ];
}

function depthOf(node: Node): number {
  return 1 + childrenOf(node).reduce((deepest, child) => Math.max(deepest, depthOf(child)), 0);
}

function tooLarge(dimension: string, size: number, limit: number): ExpressionFault {
  return {
    code: "HK2008",
    severity: "error",
    message: errorMessage("HK2008", { dimension, size, limit }),
    offset: 0,
    length: 1,
  };
}

/** True for what `compileExpression` made: only this room knows what is behind an `Expression`. */
export function isCompiled(expression: Expression): expression is CompiledExpression {
  return "program" in expression;
}

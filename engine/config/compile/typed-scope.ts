/** What an expression of a rule is typed with, and how what is found goes to its place in the file. */
import type { EntityModel } from "../../core/entity.ts";
import type { ConnectionModel } from "../../delivery/model.ts";
import { lintTyped, type Target } from "../../mapping/typed-lint.ts";
import { KIND, type Type } from "../../mapping/types.ts";
import { markWithin } from "../position.ts";
import type { FaultOptions } from "../report.ts";
import type { CompileContext } from "./context.ts";
import type { Contracts } from "./contracts.ts";
import type { PayloadType, PayloadTypes } from "./payload-types.ts";
import type { CompiledPipeline } from "./pipelines.ts";
import type { Tables } from "./tables.ts";
import type { LookedUp } from "./typed-tables.ts";

export interface TypedDeps {
  readonly contracts: Contracts;
  readonly entities: ReadonlyMap<string, EntityModel>;
  readonly connections: ReadonlyMap<string, ConnectionModel>;
  readonly tables: Tables;
  /** On production it is told where nobody decided about missing data. */
  readonly production: boolean;
}

export interface Checking {
  readonly context: CompileContext;
  readonly deps: TypedDeps;
  readonly pipeline: CompiledPipeline;
  readonly payloads: PayloadTypes;
  /** Collects what is looked up in tables. */
  readonly lookedUp: LookedUp;
}

/** What holds where an expression of the rule stands. */
export interface RuleScope extends Checking {
  readonly payload: PayloadType;
  readonly variables: ReadonlyMap<string, Type>;
  /** Types are wanted, and what is to be said has been said. */
  readonly silent?: boolean;
}

export const truthTarget: Target = { name: "`when`", kinds: KIND.boolean, expected: "true or false" };

export const bind = (scope: RuleScope, name: string, type: Type): RuleScope => ({
  ...scope,
  variables: new Map([...scope.variables, [name, type]]),
});

export interface MemberOptions {
  readonly target?: Target;
  readonly alternative?: boolean;
}

/** Infers the expression that is a member; faults go to their place in the file. */
export function inferMember(
  { context, payload, variables, silent }: RuleScope,
  holder: object,
  name: string | number,
  options: MemberOptions = {},
): Type | undefined {
  const source: unknown = Reflect.get(holder, name);
  if (typeof source !== "string" || source === "" || context.faulty.has(holder, name)) return undefined;
  const mark = context.positions.value(holder, name);
  const { input, basis } = payload;
  const { type, faults } = lintTyped(source, { input, variables, basis, ...options });
  for (const fault of silent === true ? [] : faults) {
    const { origin } = fault;
    const declared = origin !== undefined && context.positions.has(origin.holder) ? origin : undefined;
    const related: FaultOptions["related"] =
      declared === undefined
        ? undefined
        : { message: `\`${declared.name}\` is here`, mark: context.positions.key(declared.holder, declared.name) };
    const at = markWithin(mark, fault.offset, fault.length);
    const fix = fault.replacement === undefined ? undefined : { text: fault.replacement };
    const { severity, hint } = fault;
    context.reporter.message(fault.code, at, fault.message, { severity, hint, related, fix });
  }
  return type;
}

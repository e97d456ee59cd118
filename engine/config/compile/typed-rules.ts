/** The rules of a pipeline against the types of their events: each expression, and what it is written to. */
import type { AttributeModel, EntityModel, ValueType } from "../../core/entity.ts";
import { flat } from "../../mapping/flow.ts";
import type { RowYaml, WriteYaml } from "../../mapping/mapping.schema.ts";
import { lintTyped, type Target } from "../../mapping/typed-lint.ts";
import { ANY, ANY_JSON, has, isAny, KIND, NUMBER_KINDS, type Type } from "../../mapping/types.ts";
import { markWithin } from "../position.ts";
import type { FaultOptions } from "../report.ts";
import type { RuleYaml } from "../schema/pipeline.schema.ts";
import { type CompileContext, listOf } from "./context.ts";
import type { Contracts } from "./contracts.ts";
import { fetchedName } from "./fetch.ts";
import { ITEM } from "./lets.ts";
import { createPayloadTypes, type PayloadType, type PayloadTypes } from "./payload-types.ts";
import type { CompiledPipeline } from "./pipelines.ts";

export interface TypedDeps {
  readonly contracts: Contracts;
  readonly entities: ReadonlyMap<string, EntityModel>;
  /** On production it is told where nobody decided about missing data. */
  readonly production: boolean;
}

/** Reports what the types of the payloads say about the rules. */
export function checkTypes(context: CompileContext, pipelines: readonly CompiledPipeline[], deps: TypedDeps): void {
  const payloads = createPayloadTypes(deps.contracts);
  for (const pipeline of pipelines) {
    for (const rule of pipeline.yaml.rules) checkRule({ context, deps, pipeline, payloads }, rule);
  }
}

interface Checking {
  readonly context: CompileContext;
  readonly deps: TypedDeps;
  readonly pipeline: CompiledPipeline;
  readonly payloads: PayloadTypes;
}

/** What holds where an expression of the rule stands. */
interface RuleScope extends Checking {
  readonly payload: PayloadType;
  readonly variables: ReadonlyMap<string, Type>;
}

function checkRule(checking: Checking, rule: RuleYaml): void {
  const payload = checking.payloads.of(checking.pipeline, listOf(rule.on));
  const base: RuleScope = { ...checking, payload, variables: new Map([["event", payload.event]]) };
  inferMember(base, rule, "when", { target: truthTarget });
  const fetched = withFetch(base, rule);
  const list = inferMember(fetched, rule, "each");
  const items = rule.each === undefined ? fetched : bind(fetched, ITEM, list === undefined ? ANY : flat(list));
  const scope = withLets(items, rule);
  if (typeof rule.order === "object") inferMember(scope, rule.order, "by");
  for (const [entity, write] of Object.entries(rule.write ?? {})) {
    const model = checking.deps.entities.get(entity);
    if (model !== undefined) checkWrite(scope, write, model);
  }
}

const truthTarget: Target = { name: "`when`", kinds: KIND.boolean, expected: "true or false" };

const bind = (scope: RuleScope, name: string, type: Type): RuleScope => ({
  ...scope,
  variables: new Map([...scope.variables, [name, type]]),
});

/** What was fetched is held to a schema of the contract, or not known. */
function withFetch(base: RuleScope, rule: RuleYaml): RuleScope {
  const { fetch } = rule;
  const name = fetchedName(rule);
  if (fetch === undefined || name === undefined) return base;
  const known = fetch.contract === undefined ? undefined : base.payloads.named(base.pipeline, fetch.contract);
  const scope = bind(base, name, known?.input ?? ANY_JSON);
  inferMember(scope, fetch, "when", { target: { ...truthTarget, name: "`when` of `fetch`" } });
  if (fetch.root !== true) return scope;
  const payload: PayloadType = known ?? {
    event: base.payload.event,
    input: ANY_JSON,
    basis: { kind: "none", name: "" },
  };
  return { ...scope, payload };
}

function withLets(base: RuleScope, rule: RuleYaml): RuleScope {
  let scope = base;
  for (const part of listOf<string | Readonly<Record<string, string>>>(rule.let)) {
    const fragment = typeof part === "string";
    const names = fragment ? base.context.config.fragments?.[part] : part;
    for (const name of Object.keys(names ?? {})) {
      const type = inferMember(scope, names ?? {}, name);
      scope = bind(scope, name, type ?? ANY);
    }
  }
  return scope;
}

function checkWrite(scope: RuleScope, write: WriteYaml, entity: EntityModel): void {
  const { key } = write;
  if (typeof key === "string") checkText(scope, write, "key", { name: "the key", decides: true });
  else if (!("parent_of" in key)) {
    for (const id of Object.keys(key)) checkText(scope, key, id, { name: `the id \`${id}\``, decides: true });
  }
  for (const id of Object.keys(write.link ?? {}))
    checkText(scope, write.link ?? {}, id, { name: `the id \`${id}\``, decides: false });
  // A text is a state's name, not a path.
  if (typeof write.state === "object") checkRow(scope, write, "state", { target: stateTarget, decides: false });
  for (const name of Object.keys(write.fields ?? {})) {
    const attribute = entity.attributes.get(name);
    if (attribute !== undefined && isSound(scope.context, entity.name, name)) {
      const target = targetOf(attribute, scope.pipeline.source?.times ?? "iso");
      checkRow(scope, write.fields ?? {}, name, { target, decides: attribute.protected });
    }
  }
}

/** False for an attribute that is declared but broken: what it takes is then not known. */
function isSound({ config, faulty }: CompileContext, entity: string, name: string): boolean {
  const attributes = config.entities?.[entity]?.attributes ?? {};
  const yaml = attributes[name];
  return !faulty.has(attributes, name) && (yaml === undefined || !faulty.has(yaml, "type"));
}

const stateTarget: Target = { name: "the state", kinds: KIND.string, expected: "the name of a state" };

/** Keys and links: ids that come as numbers keep their digits. */
function checkText(scope: RuleScope, holder: object, name: string, said: { name: string; decides: boolean }): void {
  const target: Target = { name: said.name, kinds: KIND.string | KIND.integer, expected: "text or an integer" };
  checkRow(scope, holder, name, { target, decides: said.decides });
}

const TAKES: Readonly<Record<ValueType, readonly [kinds: number, expected: string]>> = {
  string: [KIND.string, "text"],
  integer: [KIND.integer, "an integer"],
  number: [NUMBER_KINDS, "a number"],
  boolean: [KIND.boolean, "true or false"],
  time: [KIND.string, "an ISO time"],
  list: [KIND.list, "a list"],
  object: [KIND.object, "an object"],
};

function targetOf(attribute: AttributeModel, times: "seconds" | "millis" | "iso"): Target {
  const [kinds, expected] = TAKES[attribute.type];
  const name = `\`${attribute.name}\``;
  if (attribute.type !== "time" || times === "iso") return { name, kinds, expected };
  return { name, kinds: kinds | NUMBER_KINDS, expected: `a time in ${times}, or an ISO time` };
}

interface RowPlace {
  readonly target: Target;
  /** Someone should have said what happens on missing data. */
  readonly decides: boolean;
}

type RowMap = Exclude<RowYaml, string>;

const isRowMap = (raw: unknown): raw is RowMap => typeof raw === "object" && raw !== null && !Array.isArray(raw);

const LOOKED_UP = KIND.string | NUMBER_KINDS | KIND.boolean;

/** One row: what its expressions yield, on the way through `table:` and `take:`, to the target. */
function checkRow(scope: RuleScope, holder: object, name: string, { target, decides }: RowPlace): void {
  const raw: unknown = Reflect.get(holder, name);
  if (typeof raw === "string") {
    const type = inferMember(scope, holder, name, { target });
    if (decides) checkDecided(scope, holder, name, { type, target });
    return;
  }
  if (!isRowMap(raw)) return;
  const wanted: Target | undefined =
    raw.take === "count"
      ? undefined
      : {
          ...target,
          ...(raw.table === undefined
            ? {}
            : { kinds: LOOKED_UP, expected: "a text or number", name: `\`table: ${raw.table}\`` }),
          ...(raw.take === undefined ? {} : { each: true }),
        };
  const options = wanted === undefined ? {} : { target: wanted };
  if (raw.from !== undefined) {
    const type = inferMember(scope, raw, "from", options);
    if (decides && raw.missing === undefined) checkDecided(scope, raw, "from", { type, target });
  }
  for (const index of (raw.first ?? []).keys())
    inferMember(scope, raw.first ?? [], index, { ...options, alternative: true });
}

/** Protected attributes and keys on production: what happens on missing data is to be written down. */
function checkDecided(
  { context, deps, payload }: RuleScope,
  holder: object,
  name: string,
  { type, target }: { readonly type: Type | undefined; readonly target: Target },
): void {
  if (!deps.production || payload.basis.kind !== "contract" || type === undefined || isAny(type)) return;
  if (!has(type, KIND.absent | KIND.null) || !has(type, ~(KIND.absent | KIND.null))) return;
  context.reporter.report(
    "HK2049",
    context.positions.value(holder, name),
    { target: target.name },
    { severity: "warning", hint: "write `missing: keep`, `reject` or `{ initial: … }`" },
  );
}

interface MemberOptions {
  readonly target?: Target;
  readonly alternative?: boolean;
}

/** Infers the expression that is a member; faults go to their place in the file. */
function inferMember(
  { context, payload, variables }: RuleScope,
  holder: object,
  name: string | number,
  options: MemberOptions = {},
): Type | undefined {
  const source: unknown = Reflect.get(holder, name);
  if (typeof source !== "string" || source === "" || context.faulty.has(holder, name)) return undefined;
  const mark = context.positions.value(holder, name);
  const { input, basis } = payload;
  const { type, faults } = lintTyped(source, { input, variables, basis, ...options });
  for (const fault of faults) {
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

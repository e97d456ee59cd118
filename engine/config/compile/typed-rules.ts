/** The rules of a pipeline against the types of their events: each expression, and what it is written to. */
import type { AttributeModel, EntityModel, ValueType } from "../../core/entity.ts";
import { chosenPaths, forget } from "../../mapping/chosen.ts";
import { flat } from "../../mapping/flow.ts";
import type { RowYaml, WriteYaml } from "../../mapping/mapping.schema.ts";
import { parseJsonata } from "../../mapping/parse.ts";
import type { Target } from "../../mapping/typed-lint.ts";
import { ANY, ANY_JSON, has, isAny, KIND, NUMBER_KINDS, type Type } from "../../mapping/types.ts";
import type { RuleYaml } from "../schema/pipeline.schema.ts";
import { type CompileContext, listOf } from "./context.ts";
import { fetchedName } from "./fetch.ts";
import { ITEM } from "./lets.ts";
import { createPayloadTypes, type PayloadType } from "./payload-types.ts";
import type { CompiledPipeline } from "./pipelines.ts";
import { checkDeliveries } from "./typed-deliver.ts";
import { bind, type Checking, inferMember, type RuleScope, type TypedDeps, truthTarget } from "./typed-scope.ts";
import { createLookedUp } from "./typed-tables.ts";

/** Reports what the types of the payloads say about the rules. */
export function checkTypes(context: CompileContext, pipelines: readonly CompiledPipeline[], deps: TypedDeps): void {
  const payloads = createPayloadTypes(deps.contracts);
  const lookedUp = createLookedUp(context, deps.tables);
  for (const pipeline of pipelines) {
    const checking = { context, deps, pipeline, payloads, lookedUp };
    const scopes = pipeline.yaml.rules.map((rule) => ({ rule, scope: checkRule(checking, rule) }));
    checkDeliveries(scopes, pipeline.yaml.deliver ?? [], checking);
  }
  lookedUp.report();
}

/** Answers with what the rule's deliveries may read. */
function checkRule(checking: Checking, rule: RuleYaml): RuleScope {
  const payload = checking.payloads.of(checking.pipeline, listOf(rule.on));
  const base: RuleScope = { ...checking, payload, variables: new Map([["event", payload.event]]) };
  inferMember(base, rule, "when", { target: truthTarget });
  const fetched = withFetch(base, rule);
  const list = inferMember(fetched, rule, "each");
  const items = rule.each === undefined ? fetched : bind(fetched, ITEM, list === undefined ? ANY : flat(list));
  const scope = withLets(items, rule);
  const rows = rule.when === undefined ? scope : withLets({ ...forRows(items, rule), silent: true }, rule);
  if (typeof rule.order === "object") inferMember(scope, rule.order, "by");
  for (const [entity, write] of Object.entries(rule.write ?? {})) {
    const model = checking.deps.entities.get(entity);
    if (model !== undefined) checkWrite({ ...rows, silent: false }, write, model);
  }
  return scope;
}

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

/** `when` may keep some values of a path away, so that rows never see them. What was told of `let` is not told twice. */
function forRows(scope: RuleScope, rule: RuleYaml): RuleScope {
  const parsed = rule.when === undefined ? undefined : parseJsonata(rule.when);
  if (parsed?.ok !== true) return scope;
  const paths = chosenPaths(parsed.ast);
  const read = paths.flatMap(({ root, names }) => (root === "context" ? [names] : []));
  const ofEvent = paths.flatMap(({ root, names }) => (root === "context" ? [] : [names]));
  const input = forget(scope.payload.input, read);
  const variables = new Map([...scope.variables].map(([name, type]) => [name, forget(type, ofEvent)]));
  return { ...scope, payload: { ...scope.payload, input }, variables };
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
  if (typeof key === "string") checkText(scope, write, "key", { name: "the key" });
  else if (!("parent_of" in key)) {
    for (const id of Object.keys(key)) checkText(scope, key, id, { name: `the id \`${id}\`` });
  }
  for (const id of Object.keys(write.link ?? {})) checkText(scope, write.link ?? {}, id, { name: `the id \`${id}\`` });
  // A text is a state's name, not a path.
  if (typeof write.state === "object") checkRow(scope, write, "state", { target: stateTarget(entity), decides: false });
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

const stateTarget = ({ states }: EntityModel): Target => ({
  name: "the state",
  kinds: KIND.string,
  expected: "the name of a state",
  ...(states.length > 0 && { texts: new Set(states) }),
});

/** Keys and links: ids that come as numbers keep their digits. Without its key an event is a dead letter: there is nothing to decide. */
function checkText(scope: RuleScope, holder: object, name: string, said: { name: string }): void {
  const target: Target = { name: said.name, kinds: KIND.string | KIND.integer, expected: "text or an integer" };
  checkRow(scope, holder, name, { target, decides: false });
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
  const texts = attribute.type === "string" ? attribute.enum?.map(String) : undefined;
  if (attribute.type !== "time" || times === "iso")
    return { name, kinds, expected, ...(texts && { texts: new Set(texts) }) };
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
          ...(raw.table === undefined
            ? target
            : { kinds: LOOKED_UP, expected: "a text or number", name: `\`table: ${raw.table}\`` }),
          ...(raw.take === undefined ? {} : { each: true }),
        };
  const options = wanted === undefined ? {} : { target: wanted };
  if (raw.from !== undefined) {
    const type = inferMember(scope, raw, "from", options);
    if (decides && raw.missing === undefined) checkDecided(scope, raw, "from", { type, target });
    scope.lookedUp.add(raw, "from", { type, contract: scope.payload.basis.kind === "contract" });
  }
  for (const index of (raw.first ?? []).keys()) {
    const type = inferMember(scope, raw.first ?? [], index, { ...options, alternative: true });
    scope.lookedUp.add(raw, "first", { type, contract: scope.payload.basis.kind === "contract" });
  }
}

/** Protected attributes on production: what happens on missing data is to be written down. */
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

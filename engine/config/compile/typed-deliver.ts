/** The expressions of `deliver:` against the types of the payload, of `let:` and of the entities. */
import type { AttributeModel, EntityModel } from "../../core/entity.ts";
import type { Json } from "../../core/types.ts";
import type { DeliverEntry } from "../../delivery/deliver.schema.ts";
import { actionsOf } from "../../delivery/deliver.ts";
import { typeOfSchema } from "../../mapping/schema-type.ts";
import type { Target } from "../../mapping/typed-lint.ts";
import {
  ANY,
  describeKinds,
  has,
  joinAll,
  KIND,
  type Member,
  NUMBER_KINDS,
  optional,
  type Type,
} from "../../mapping/types.ts";
import type { RuleYaml } from "../schema/pipeline.schema.ts";
import { type Checking, inferMember, type RuleScope, truthTarget } from "./typed-scope.ts";

interface TypedRule {
  readonly rule: RuleYaml;
  readonly scope: RuleScope;
}

/** Entries of a rule are read with its own types, the pipeline's with those of all rules they can fire for. */
export function checkDeliveries(
  rules: readonly TypedRule[],
  common: readonly DeliverEntry[],
  checking: Checking,
): void {
  for (const { rule, scope } of rules)
    for (const entry of rule.deliver ?? []) checkEntry(withEntities(scope), entry, checking);
  for (const entry of common) {
    const firing = rules.filter(({ rule }) => entry.entity === undefined || touches(rule, entry.entity, checking));
    const scope = together(firing.map((one) => one.scope));
    if (scope !== undefined) checkEntry(withEntities(scope), entry, checking);
  }
}

/** The rule writes it, or a child of it. */
function touches({ write }: RuleYaml, entity: string, { deps }: Checking): boolean {
  return Object.keys(write ?? {}).some((name) => name === entity || deps.entities.get(name)?.parent === entity);
}

/** What holds under any of the rules: of what only some define nothing is said. */
function together(scopes: readonly RuleScope[]): RuleScope | undefined {
  const [first] = scopes;
  if (first === undefined) return undefined;
  const names = [...first.variables.keys()].filter((name) => scopes.every(({ variables }) => variables.has(name)));
  const kinds = new Set(scopes.map(({ payload }) => payload.basis.kind));
  const basis = (["none", "samples"] as const).find((kind) => kinds.has(kind));
  const weakest = scopes.find(({ payload }) => payload.basis.kind === basis) ?? first;
  return {
    ...first,
    payload: {
      event: joinAll(scopes.map(({ payload }) => payload.event)),
      input: joinAll(scopes.map(({ payload }) => payload.input)),
      basis: weakest.payload.basis,
    },
    variables: new Map(names.map((name) => [name, joinAll(scopes.map((one) => one.variables.get(name) ?? ANY))])),
  };
}

/** `$customer.tier`: an entity is there where the event touched it. */
function withEntities(scope: RuleScope): RuleScope {
  const entities = [...scope.deps.entities.values()].map((one) => [one.name, optional(typeOfEntity(one))] as const);
  return { ...scope, variables: new Map([...scope.variables, ...entities]) };
}

const KIND_OF: Readonly<Record<AttributeModel["type"], number>> = {
  string: KIND.string,
  integer: KIND.integer,
  number: NUMBER_KINDS,
  boolean: KIND.boolean,
  time: KIND.string,
  list: KIND.list,
  object: KIND.object,
};

function typeOfEntity({ name, attributes }: EntityModel): Type {
  const known = new Map<string, Member>();
  for (const [member, attribute] of attributes) {
    const texts = attribute.type === "string" ? attribute.enum?.map(String) : undefined;
    const type = { kinds: KIND_OF[attribute.type] | KIND.null | KIND.absent, ...(texts && { texts: new Set(texts) }) };
    known.set(member, { type });
  }
  const members = { known, rest: undefined, declared: true, of: `the entity \`${name}\`` };
  return { kinds: KIND.object, members };
}

function checkEntry(scope: RuleScope, entry: DeliverEntry, { deps }: Checking): void {
  inferMember(scope, entry, "when", { target: { ...truthTarget, name: "`when` of a delivery" } });
  inferMember(scope, entry, "not_after", { target: instantTarget(scope) });
  if (Array.isArray(entry.once)) for (const index of entry.once.keys()) inferMember(scope, entry.once, index);
  const params = paramSchemas(entry, deps);
  for (const [name, value] of Object.entries(entry)) {
    if (!isFrom(value)) continue;
    const target = paramTarget(name, params?.[name]);
    inferMember(scope, value, "from", target === undefined ? {} : { target });
  }
}

/** As `readInstant` reads it. */
function instantTarget({ pipeline }: RuleScope): Target {
  const times = pipeline.source?.times ?? "iso";
  return times === "iso"
    ? { name: "`not_after`", kinds: KIND.string, expected: "an ISO time" }
    : {
        name: "`not_after`",
        kinds: KIND.string | NUMBER_KINDS,
        expected: `a time in ${times}, or an ISO time`,
      };
}

const isFrom = (value: unknown): value is { readonly from: string } =>
  typeof value === "object" && value !== null && "from" in value && Object.keys(value).length === 1;

/** What the action says of its fields. */
function paramSchemas(
  entry: DeliverEntry,
  { connections }: Checking["deps"],
): Readonly<Record<string, Json>> | undefined {
  const connection = connections.get(entry.to);
  if (connection === undefined) return undefined;
  const offered = actionsOf(connection);
  const schema: { readonly properties?: Readonly<Record<string, Json>> } =
    (offered[entry.action ?? connection.sink.defaultAction] ?? offered["*"])?.params ?? {};
  return schema.properties;
}

/** Where text is wanted a sink writes any number or truth value as text. */
function paramTarget(name: string, schema: Json | undefined): Target | undefined {
  if (schema === undefined) return undefined;
  const { kinds, texts } = typeOfSchema(schema);
  const taken = has({ kinds }, KIND.string) ? kinds | NUMBER_KINDS | KIND.boolean : kinds;
  return {
    name: `\`${name}\``,
    kinds: taken,
    expected: describeKinds(kinds & ~(KIND.null | KIND.absent)),
    ...(texts && { texts }),
  };
}

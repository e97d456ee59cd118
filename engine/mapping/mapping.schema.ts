/** Rules: which events they take, and the mapping table of what they write. */
import { type Static, Type } from "typebox";
import {
  anyValue,
  closed,
  durationText,
  expressionText,
  flag,
  keyed,
  named,
  nameRef,
  oneOf,
  oneOrMany,
  text,
} from "../core/schema.ts";

const maybe = Type.Optional;

const missingSchema = Type.Union(
  [
    Type.Literal("keep", { description: "Nothing is written." }),
    Type.Literal("reject", { description: "The event becomes a dead letter." }),
    closed({ initial: anyValue("The value.") }, { description: "Only when nothing is stored yet." }),
    closed({ value: anyValue("The value.") }, { description: "Overwrites; refused for protected attributes." }),
  ],
  {
    description: "What happens when an input is absent, null or empty. Default: keep.",
    "x-expects": "one of keep, reject, { initial: … }, { value: … }",
  },
);

const rowProperties = {
  from: maybe(expressionText("Where the value comes from.")),
  first: maybe(
    Type.Array(expressionText("An alternative."), {
      minItems: 2,
      description: "The first whose inputs are all there.",
    }),
  ),
  value: maybe(anyValue("A constant.")),
  table: maybe(
    text("`table` or `table.column`: the value is looked up; a key that is not listed is a dead letter.", {
      "x-expects": "a table such as sub_states, or a column such as plans.plan",
    }),
  ),
  take: maybe(oneOf(["highest", "lowest", "sum", "count", "only"], "How a list becomes one value.")),
  missing: maybe(missingSchema),
  on_null: maybe(
    oneOf(["missing", "clear"], "clear: an explicit null blanks a clearable attribute. Default: missing."),
  ),
  invalid: maybe(oneOf(["reject", "keep"], "A value the type refuses. Default: reject if protected, else keep.")),
  needs: maybe(
    Type.Array(expressionText("A path."), {
      minItems: 1,
      description: "Paths it reads, where the expression does not show them.",
    }),
  ),
};

/** A row: an expression, or a mapping with its source and policies. */
export const rowSchema = Type.Union(
  [
    expressionText("A JSONata expression."),
    closed({ ...rowProperties, owner: maybe(nameRef("The attribute's owner, repeated for the reader.")) }),
  ],
  {
    description: "Where a value comes from.",
    "x-expects": "an expression, or a mapping such as { from: path, missing: reject } or { value: constant }",
  },
);

const keySchema = Type.Union(
  [
    expressionText("Its value."),
    closed({ parent_of: nameRef("A child that this event names.") }, { description: "The parent of that child." }),
    named(rowSchema, "Id -> where it is: the entity is looked up by that id.", { minProperties: 1, maxProperties: 1 }),
  ],
  { description: "Which entity it is.", "x-expects": "an expression, { ID: expression } or { parent_of: CHILD }" },
);

const stateSchema = Type.Union([nameRef("A state."), closed(rowProperties)], {
  description: "The state it enters.",
  "x-expects": "a state, or a mapping such as { from: status, table: sub_states }",
});

export const writeSchema = closed(
  {
    key: keySchema,
    link: maybe(named(rowSchema, "Other ids of the same entity that this event knows.")),
    state: maybe(stateSchema),
    fields: maybe(named(rowSchema, "Attribute <- where it comes from.")),
    unknown: maybe(oneOf(["create", "hold", "reject"], "What to do when the entity was never seen. Default: create.")),
    delete: maybe(
      oneOf(["tombstone", "erase"], "Deletes it: late events do not bring it back; erase forgets its values too."),
    ),
  },
  { description: "What is written to one entity." },
);

export const holdSchema = closed(
  {
    window: maybe(durationText("How long. Default: 15m.")),
    // biome-ignore lint/suspicious/noThenProperty: a key of the language, never awaited
    then: maybe(oneOf(["dead_letter", "force", "skip"], "What happens then. Default: dead_letter.")),
  },
  { description: "How long an event waits for what must come before it." },
);

const orderSchema = Type.Union(
  [
    oneOf(["version", "receipt"], "version: the source's clock, then the recipe's rank. receipt: order of arrival."),
    closed(
      { by: expressionText("A number that grows with each change, or an ISO 8601 time.") },
      { description: "The payload's own version of what is written." },
    ),
  ],
  {
    description: "What makes an event newer. Default: version.",
    "x-expects": "version, receipt, or { by: EXPRESSION }",
  },
);

const fetchSchema = closed(
  {
    connection: nameRef("The connection to ask: of `http` or of a preset over it."),
    path: text("What to get, behind the connection's host; parts of the payload in braces: /v1/pages/{id}."),
    headers: maybe(
      keyed(
        text("Its value, with parts in braces."),
        "Headers of the request that are no credentials, such as an API version or a tenant.",
      ),
    ),
    as: maybe(nameRef("Read as $NAME. Default: fetched.")),
    root: maybe(flag("Rows read what was fetched as if it were the payload; the event stays $event. Default: false.")),
    when: maybe(expressionText("Only if this is true of what was fetched; else the event is skipped.")),
    not_found: maybe(oneOf(["dead", "skip"], "When the API says 404 or 410. Default: dead.")),
    burst: maybe(durationText("How long it waits for more events of the same path, to ask once for all. Default: 0s.")),
    contract: maybe(text("The schema in the pipeline's contract that what was fetched is held to.")),
  },
  { description: "For thin events: what to get before mapping." },
);

/** Of a rule, and of a fragment that rules share. */
export const letSchema = keyed(
  expressionText("Its value."),
  "Names for parts of the payload, read as $name; each may use the ones before.",
);

export const ruleProperties = {
  name: maybe(text("What it is called in `explain`.")),
  on: oneOrMany(nameRef("An event type; `*` at the end stands for any rest."), "The event types it takes."),
  when: maybe(expressionText("Only events for which this is true; a missing input is a dead letter.")),
  let: maybe(
    Type.Union(
      [
        letSchema,
        nameRef("A fragment of config.yaml."),
        Type.Array(Type.Union([nameRef("A fragment of config.yaml."), letSchema]), {
          minItems: 1,
          description: "Fragments and own names, in their order.",
        }),
      ],
      {
        description: "Names for parts of the payload, read as $name; each may use the ones before.",
        "x-expects": "a mapping such as { line: lines.data[0] }, a fragment's name, or a list of both",
      },
    ),
  ),
  write: maybe(named(writeSchema, "Entity -> what is written to it.")),
  lowers: maybe(
    Type.Array(text("attribute or entity.attribute"), {
      minItems: 1,
      description: "Protected attributes this rule may lower.",
    }),
  ),
  hold: maybe(holdSchema),
  each: maybe(
    expressionText("A list: everything below `when` is done for each of its items, read as $item; all of it or none."),
  ),
  fetch: maybe(fetchSchema),
  order: maybe(orderSchema),
};

export type RowYaml = Static<typeof rowSchema>;
export type FetchYaml = Static<typeof fetchSchema>;
export type WriteYaml = Static<typeof writeSchema>;
export type HoldYaml = Static<typeof holdSchema>;

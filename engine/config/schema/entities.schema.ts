/** `entities:` and `tables:`: what events are about, and the lookups their mappings use. */
import { type Static, Type } from "typebox";
import { anyValue, closed, expressionText, flag, keyed, named, nameRef, oneOf, text } from "../../core/schema.ts";

const maybe = Type.Optional;

const rollupSchema = closed(
  {
    of: text("`child.attribute`, or the child alone for `take: count`.", {
      "x-expects": "a child entity and attribute, e.g. subscription.plan",
    }),
    take: oneOf(["highest", "lowest", "sum", "count"], "How the children's values become one."),
    in: maybe(
      Type.Array(nameRef("A state of the child."), {
        minItems: 1,
        description: "Only children in these states count. Default: all.",
      }),
    ),
    none: maybe(anyValue("The value when no child counts; `clear` blanks it. Absent: it is kept.")),
  },
  { description: "Computed from the children after each change of one." },
);

export const attributeSchema = closed(
  {
    description: maybe(text("What it means.")),
    type: oneOf(
      ["string", "integer", "number", "boolean", "time", "list", "object"],
      "What it holds. Times are ISO 8601, UTC.",
    ),
    enum: maybe(
      Type.Array(Type.Unsafe<string | number>({ type: ["string", "number"] }), {
        minItems: 1,
        uniqueItems: true,
        description: "The values it may have, low to high.",
      }),
    ),
    minimum: maybe(Type.Number({ description: "Least value." })),
    maximum: maybe(Type.Number({ description: "Greatest value." })),
    max_length: maybe(Type.Integer({ minimum: 1, description: "Most characters." })),
    pattern: maybe(text("A regular expression the whole text must match.")),
    format: maybe(oneOf(["email", "uri", "date", "uuid"], "A well-known form.")),
    owner: nameRef("The team that answers for it."),
    protected: maybe(flag("Never blanked, and lowered only by a rule that says `lowers:`. Default: false.")),
    sensitive: maybe(flag("Personal: hashed or left out in logs, CLI and dashboard. Default: false.")),
    clearable: maybe(flag("An explicit null may blank it, with `on_null: clear`. Default: false.")),
    write: maybe(oneOf(["latest", "once", "earliest", "up"], "Which of several values stays. Default: latest.")),
    writers: maybe(
      Type.Array(nameRef("A pipeline."), {
        minItems: 1,
        uniqueItems: true,
        description: "Pipelines that may write it, highest precedence first; needed when there are several.",
      }),
    ),
    rollup: maybe(rollupSchema),
    derive: maybe(expressionText("Computed from the entity's own attributes.")),
  },
  { description: "An attribute of our own schema." },
);

const statesSchema = Type.Union(
  [
    Type.Array(nameRef("A state."), {
      minItems: 1,
      uniqueItems: true,
      description: "Low to high; every move is allowed.",
    }),
    named(Type.Array(nameRef("A state it may move to.")), "State -> the states it may move to, low to high.", {
      minProperties: 1,
    }),
  ],
  {
    description: "The states of its life.",
    "x-expects": "a list of states, or a table of allowed moves such as { trial: [active], active: [] }",
  },
);

export const entitySchema = closed(
  {
    description: maybe(text("What it is.")),
    ids: maybe(
      Type.Array(nameRef("An id."), {
        minItems: 1,
        uniqueItems: true,
        description: "The names it goes by in different systems; the first is the key. Default: [id].",
      }),
    ),
    parent: maybe(nameRef("The entity it belongs to.")),
    merge: maybe(
      oneOf(
        ["oldest", "newest", "refuse"],
        "Which key stays when an event shows that two are one. Default: refuse, a dead letter that names both.",
      ),
    ),
    attributes: maybe(named(attributeSchema, "Its attributes.")),
    states: maybe(statesSchema),
  },
  { description: "What events are about." },
);

const csvTableSchema = closed(
  {
    csv: text("The file, relative to the folder of config.yaml; its first line has the names of the columns.", {
      "x-expects": "a file such as tables/plans.csv",
    }),
    key: text("The column that is looked up. Its values may not repeat."),
    columns: maybe(
      Type.Record(Type.String(), oneOf(["string", "integer", "number", "boolean"], "What its cells are."), {
        description: "Column -> type. Default: the type of the attribute that reads it.",
      }),
    ),
    separator: maybe(oneOf([",", ";", "tab"], 'Between cells. Default: ",".')),
  },
  { description: "A table kept in a CSV file." },
);

export const tableSchema = Type.Union(
  [
    csvTableSchema,
    keyed(
      anyValue("A value, or a row of named columns."),
      "Key -> value, or key -> row of columns. Keys are text as written.",
    ),
  ],
  {
    description: "A lookup table: key -> value, key -> row of columns, or a CSV file.",
    "x-expects": "a mapping from keys to values or rows, or { csv: FILE, key: COLUMN }",
  },
);

export type CsvTableYaml = Static<typeof csvTableSchema>;
export type AttributeYaml = Static<typeof attributeSchema>;
export type EntityYaml = Static<typeof entitySchema>;
export type RollupYaml = Static<typeof rollupSchema>;

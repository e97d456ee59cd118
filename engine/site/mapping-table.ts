/** The mapping table: one line for each attribute that a rule writes, or that is computed, with all that happens to its value. */

import type { PipelineModel, Revision } from "../config/revision.ts";
import { formatDuration } from "../core/duration.ts";
import type { AttributeModel } from "../core/entity.ts";
import type { Expression } from "../core/expression.ts";
import type { Json, SourcePosition } from "../core/types.ts";
import { fragmentsOf } from "../flow/detail.ts";
import type { EntityWriteModel, HoldModel, Row, RuleModel } from "../mapping/model.ts";

export interface MappingLine {
  /** Absent for what is computed from other attributes. */
  readonly pipeline?: string;
  readonly events: readonly string[];
  readonly entity: string;
  /** `key`, `state` and the names of ids stand here too. */
  readonly attribute: string;
  readonly kind: "attribute" | "key" | "state" | "link" | "computed";
  readonly type: string;
  /** Payload paths that it is read from, names of `let:` resolved. */
  readonly upstream: readonly string[];
  /** As the author wrote it, or what is always written. */
  readonly from: string;
  readonly owner: string;
  readonly missing: string;
  readonly onNull: string;
  readonly invalid: string;
  readonly protected: boolean;
  readonly sensitive: boolean;
  /** Which of several values stays. */
  readonly write: string;
  /** This rule may lower the protected value. */
  readonly lowers: boolean;
  readonly position?: SourcePosition;
}

/** In the order of the files: pipelines, their rules, their rows; computed attributes at the end. */
export function mappingLines(revision: Revision): readonly MappingLine[] {
  const written = revision.pipelines.flatMap((pipeline) =>
    pipeline.rules.flatMap((rule) => rule.writes.flatMap((write) => linesOf(revision, pipeline, rule, write))),
  );
  const computed = [...revision.entities.values()].flatMap((entity) =>
    [...entity.attributes.values()].flatMap((attribute) => {
      const from = computedFrom(attribute);
      return from === undefined ? [] : [computedLine(entity.name, attribute, from)];
    }),
  );
  return [...written, ...computed];
}

function linesOf(
  revision: Revision,
  pipeline: PipelineModel,
  rule: RuleModel,
  write: EntityWriteModel,
): readonly MappingLine[] {
  const base = { pipeline: pipeline.name, events: rule.on, entity: write.entity };
  const key: MappingLine =
    write.key.kind === "id"
      ? { ...base, ...rowWords(rule, write.key.row, pipeline.owner), attribute: write.key.idName, kind: "key" }
      : {
          ...base,
          ...plain(pipeline.owner),
          attribute: "key",
          kind: "key",
          from: `the parent of the ${write.key.childType}`,
          position: write.position,
        };
  const links = write.links.map((row) => ({
    ...base,
    ...rowWords(rule, row, pipeline.owner),
    attribute: row.name,
    kind: "link" as const,
  }));
  const state =
    write.state === undefined
      ? []
      : [{ ...base, ...rowWords(rule, write.state, pipeline.owner), attribute: "state", kind: "state" as const }];
  const attributes = revision.entities.get(write.entity)?.attributes;
  const fields = write.fields.map((row): MappingLine => {
    const attribute = attributes?.get(row.name);
    const words = rowWords(rule, row, attribute?.owner ?? row.owner ?? pipeline.owner);
    const declared = attribute === undefined ? {} : declaredWords(attribute);
    const lowers = rule.lowers.has(row.name) || rule.lowers.has(`${write.entity}.${row.name}`);
    return { ...base, ...words, ...declared, attribute: row.name, kind: "attribute", lowers };
  });
  return [key, ...links, ...state, ...fields];
}

type Words = Omit<MappingLine, "events" | "entity" | "attribute" | "kind" | "pipeline">;

function plain(owner: string): Words {
  return {
    type: "",
    upstream: [],
    from: "",
    owner,
    missing: "",
    onNull: "",
    invalid: "",
    protected: false,
    sensitive: false,
    write: "",
    lowers: false,
  };
}

function rowWords(rule: RuleModel, row: Row, owner: string): Words {
  const constant = row.source.kind === "value";
  const fragments = fragmentsOf(row, rule.lets);
  return {
    ...plain(owner),
    upstream: upstreamOf(rule, row),
    from: `${fromWords(row)}${fragments.length === 0 ? "" : `, with the names of fragment ${fragments.join(", ")}`}`,
    missing: constant ? "can not be missing" : missingWords(row),
    onNull: constant ? "can not be null" : row.onNull === "clear" ? "blanks it" : "as when missing",
    invalid: row.invalid === "reject" ? "dead letter" : "keeps what is stored, counted",
    position: row.position,
  };
}

function declaredWords(attribute: AttributeModel) {
  return {
    type: typeWords(attribute),
    protected: attribute.protected,
    sensitive: attribute.sensitive,
    write: writeWords(attribute),
  };
}

function computedLine(entity: string, attribute: AttributeModel, from: string): MappingLine {
  return {
    ...plain(attribute.owner),
    ...declaredWords(attribute),
    events: [],
    entity,
    attribute: attribute.name,
    kind: "computed",
    from,
    missing: "computed after each change",
  };
}

/** `enum` low to high, else the type with its format. */
export function typeWords(attribute: AttributeModel): string {
  if (attribute.enum !== undefined) return `${attribute.type}: ${attribute.enum.join(" < ")}`;
  return attribute.format === undefined ? attribute.type : `${attribute.type} (${attribute.format})`;
}

export function writeWords(attribute: AttributeModel): string {
  const words = {
    latest: "the latest wins",
    once: "written once",
    earliest: "the earliest wins",
    up: "only rises",
  } as const;
  return words[attribute.write];
}

/** How a rollup or derived attribute comes about; undefined for written ones. */
export function computedFrom({ rollup, derive }: AttributeModel): string | undefined {
  if (derive !== undefined) return derive.source;
  if (rollup === undefined) return undefined;
  const of = rollup.childAttribute === undefined ? rollup.childType : `${rollup.childType}.${rollup.childAttribute}`;
  const states = rollup.inStates === undefined ? "" : ` in ${[...rollup.inStates].join(", ")}`;
  const none =
    rollup.none === undefined
      ? ""
      : rollup.none === "clear"
        ? "; blank when there is none"
        : `; ${JSON.stringify(rollup.none.value)} when there is none`;
  return `${rollup.take} of ${of}${states}${none}`;
}

function fromWords(row: Row): string {
  const { source, table, take } = row;
  const base =
    source.kind === "value"
      ? `always ${JSON.stringify(source.value)}`
      : source.kind === "first"
        ? source.expressions.map((one) => one.source.trim()).join(", else ")
        : source.expression.source.trim();
  const taken = take === undefined ? "" : `, the ${take} of them`;
  const looked =
    table === undefined
      ? ""
      : `, looked up in the table ${table.column === undefined ? table.name : `${table.name}.${table.column}`}`;
  return `${base}${taken}${looked}`;
}

function missingWords({ missing }: Row): string {
  switch (missing.kind) {
    case "keep":
      return "keeps what is stored";
    case "reject":
      return "dead letter";
    case "initial":
      return `${shown(missing.value)} while nothing is stored, else keeps`;
    case "value":
      return `overwritten with ${shown(missing.value)}`;
  }
}

const shown = (value: Json) => JSON.stringify(value);

/** What is done with a transition that is not allowed yet. */
export function holdWords(hold: HoldModel): string {
  const then = { dead_letter: "then a dead letter", force: "then it is forced", skip: "then it is skipped" } as const;
  return `waits ${formatDuration(hold.windowMs)}, ${then[hold.then]}`;
}

function upstreamOf(rule: RuleModel, row: Row): readonly string[] {
  if (row.source.kind === "value") return [];
  const expressions = row.source.kind === "first" ? row.source.expressions : [row.source.expression];
  return [...new Set(expressions.flatMap((one) => pathsOf(rule, one)))];
}

/** Paths an expression reads; a name of `let:` stands for the paths it reads itself. */
export function pathsOf(rule: RuleModel, expression: Expression, seen: ReadonlySet<string> = new Set()): string[] {
  return expression.inputs.flatMap(({ path, root }) => {
    if (root === "payload") return [path];
    const found = rule.lets.find((one) => one.name === root.variable);
    if (found === undefined || seen.has(root.variable)) return [path];
    const inner = new Set([...seen, root.variable]);
    const under = path.slice(`$${root.variable}`.length);
    const [only, ...more] = pathsOf(rule, found.expression, inner);
    // `$line.quantity` of a plain path goes on below it; what a function made has no path of its own.
    if (only !== undefined && more.length === 0 && found.expression.source.trim() === found.expression.inputs[0]?.path)
      return [`${only}${under}`];
    return only === undefined ? [path] : [only, ...more];
  });
}

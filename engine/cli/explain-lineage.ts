/** Where a value came from, and what an entity is: each write with its event, mapping line and commit, newest first. */
import type { AttributeModel, EntityModel } from "../core/entity.ts";
import { fail } from "../core/errors.ts";
import type { EntityRecord } from "../core/record.ts";
import type { EntityRef, Json } from "../core/types.ts";
import { compareValues } from "../core/values.ts";
import { lineageDocument, shownRef, shownValue } from "../http/documents.ts";
import type { LineageRow } from "../store/store.ts";
import { EXIT } from "./context.ts";
import type { Explained } from "./explain.ts";
import { fold, namedLine, widthOf } from "./fold.ts";
import { formatTable, formatTime, formatValue, plainText, printJson, suggest } from "./format.ts";
import type { View } from "./remote-view.ts";
import { type Here, type Told, tell } from "./told.ts";

export interface AttributeName {
  readonly type: string;
  readonly key: string;
  readonly attribute: string;
}

/** One step of a value's life, ready to be shown. */
interface Step {
  readonly row: LineageRow;
  /** In words: `lowered` is a value that fell since its rule may lower it. */
  readonly result: string;
  /** Mapping lines, each with its text where the revision is known. */
  readonly lines: readonly { readonly at: string; readonly text?: string; readonly of?: string }[];
}

export async function explainAttribute(view: View, name: AttributeName, explained: Explained): Promise<number> {
  const { cli, json, sensitive, revision } = explained;
  const { type, attribute } = name;
  const { key, value: now, rows: own } = await view.valueStory(name);
  const ref = { type, key };
  const { here } = view;
  const record = await here?.entity(type, key);
  const deletions = attribute === "state" || here === undefined ? [] : await here.lineage(ref, "delete", 20);
  const rows = [...own, ...deletions].sort((a, b) => b.at - a.at);
  const target = `${type}:${name.key}.${attribute}`;
  const seed = seedOf(record, attribute, own);
  if (rows.length === 0 && seed === undefined) return fail("HK8015", { target });
  const told = await tell(here, {
    revisions: rows.map((row) => row.revision),
    events: rows.map((row) => row.supersededBy),
  });
  const model = revision?.entities.get(type)?.attributes.get(attribute);
  const steps: Step[] = [];
  for (const row of rows) steps.push(await stepOf(row, { here, told, model }));
  const hidden = sensitive.value(type, attribute);
  if (json) {
    printJson(cli, {
      entity: shownRef(ref, sensitive),
      attribute,
      value: shownValue(now, hidden),
      lineage: steps.map(({ row, result, lines }) => ({
        ...lineageDocument(row, hidden),
        result,
        git_commit: told.commits[row.revision] ?? null,
        lines: lines.map((line) => ({ at: line.at, text: line.text ?? null, of: line.of ?? null })),
      })),
      seeded:
        seed === undefined ? null : { at: new Date(seed.at).toISOString(), value: shownValue(seed.value, hidden) },
    });
    return EXIT.ok;
  }
  const value = (json: Json | undefined) =>
    json === undefined ? "nothing" : formatValue(shownValue(json, hidden), 40);
  const { out } = cli;
  const head = `${out.color.bold(plainText(target))} is ${formatValue(now === undefined ? undefined : shownValue(now, hidden))}`;
  const blocks = [
    [head, ...(model === undefined ? [] : [`  ${fold(declared(model), { width: out.columns - 2, indent: 2 })}`])].join(
      "\n",
    ),
    ...steps.map((step) => renderStep(step, { explained, told, value })),
    ...(seed === undefined
      ? []
      : [
          `${formatTime(seed.at)}  ${out.color.bold("seeded")}  ${value(seed.value)}: loaded by hookrail seed, no event wrote it`,
        ]),
  ];
  out.write(`${blocks.join("\n\n")}\n`);
  const known = rows.find((row) => row.event !== ("purged" as string));
  if (known !== undefined) suggest(cli, `explain ${known.event}`);
  return EXIT.ok;
}

/** What was there before any event: a seed's value. */
function seedOf(record: EntityRecord | undefined, attribute: string, rows: readonly LineageRow[]) {
  if (record?.seeded !== true) return undefined;
  const first = rows.at(-1);
  const value =
    first === undefined ? (attribute === "state" ? record.state : record.attributes[attribute]?.value) : first.before;
  return value === undefined || value === "unknown" ? undefined : { at: record.createdAt, value };
}

/** Who owns it and how it is written. */
function declared(model: AttributeModel): string {
  const { rollup, derive } = model;
  const how =
    rollup !== undefined
      ? `${rollup.take} of ${rollup.childType}${rollup.childAttribute === undefined ? "" : `.${rollup.childAttribute}`}${rollup.inStates === undefined ? "" : ` in ${[...rollup.inStates].join(", ")}`}`
      : derive !== undefined
        ? `derived by ${derive.source}`
        : `write: ${model.write}`;
  const marks = [model.protected ? "protected" : "", model.sensitive ? "sensitive" : ""].filter((one) => one !== "");
  return [`owner ${model.owner}`, ...marks, how].join(", ");
}

async function stepOf(
  row: LineageRow,
  { here, told, model }: { here: Here | undefined; told: Told; model: AttributeModel | undefined },
): Promise<Step> {
  const at = row.mapping;
  const textOf = (mapping: string) => {
    const text = told.line(row.revision, mapping);
    return text === undefined ? {} : { text };
  };
  if (at !== undefined) return { row, result: resultOf(row, model), lines: [{ at, ...textOf(at) }] };
  const child = model?.rollup;
  if (here === undefined || child === undefined || row.result !== "computed")
    return { row, result: resultOf(row, model), lines: [] };
  // A computed value has no line of its own: the lines of its members that the same event wrote.
  const story = await here.story(row.event);
  const lines = (story?.history ?? []).flatMap(({ entity, attribute, mapping }) =>
    mapping !== undefined && entity.type === child.childType && attribute === child.childAttribute
      ? [{ at: mapping, of: `${entity.type}.${attribute}`, ...textOf(mapping) }]
      : [],
  );
  return { row, result: resultOf(row, model), lines };
}

function resultOf(row: LineageRow, model: AttributeModel | undefined): string {
  if (row.attribute === "delete") return row.after === "erased" ? "erased" : "deleted";
  const fell =
    model !== undefined &&
    row.before !== undefined &&
    row.after !== undefined &&
    row.result === "set" &&
    (compareValues(model, row.after, row.before) ?? 0) < 0;
  return fell ? "lowered" : row.result;
}

interface StepView {
  readonly explained: Explained;
  readonly told: Told;
  readonly value: (json: Json | undefined) => string;
}

const MOVED = new Set(["set", "cleared", "computed", "lowered"]);

function renderStep({ row, result, lines }: Step, { explained, told, value }: StepView): string {
  const { out } = explained.cli;
  const { color } = out;
  const gone = result === "deleted" || result === "erased";
  const change = gone
    ? `${row.entity.type} ${result}: its values went with it`
    : MOVED.has(result)
      ? `${value(row.before)} -> ${value(row.after)}`
      : `stays ${value(row.before)}, would be ${value(row.after)}`;
  const paint = MOVED.has(result) ? color.bold : gone || result === "refused" ? color.red : color.yellow;
  const newer = told.event(row.supersededBy);
  const line = (name: string, text: string) => namedLine(out, name, text);
  return [
    fold(`${formatTime(row.at)}  ${paint(result)}  ${change}`, { width: out.columns, indent: 2 }),
    line("event", `${row.event} ${plainText(row.source)} ${plainText(row.eventType)}`),
    line("by", `${row.pipeline}, ${told.revision(row.revision)}`),
    ...(row.note === undefined ? [] : [line("from", plainText(explained.sensitive.text(row.note)))]),
    ...(newer === undefined
      ? []
      : [line("older than", `${newer.id}, which happened ${formatTime(newer.occurredAt, true)}`)]),
    ...lines.map(({ at, text, of }) =>
      line(
        "line",
        `${at}${of === undefined ? "" : ` of ${of}`}${text === undefined ? "" : `  ${color.dim(plainText(text))}`}`,
      ),
    ),
  ].join("\n");
}

/** All attributes of an entity, each with its last write. Undefined: there is no such entity. */
export async function explainEntity(here: Here, ref: EntityRef, explained: Explained): Promise<number | undefined> {
  const { cli, json, sensitive, revision } = explained;
  const record = await here.entity(ref.type, ref.key);
  if (record === undefined) return undefined;
  const names = attributeNames(revision?.entities.get(ref.type), record);
  const last: { name: string; value: Json | undefined; row: LineageRow | undefined }[] = [];
  for (const name of names) {
    const rows = await here.lineage(record, name, 20);
    const row = rows.find((one) => MOVED.has(one.result));
    const value = name === "state" ? record.state : record.attributes[name]?.value;
    if (value !== undefined || row !== undefined) last.push({ name, value, row });
  }
  const told = await tell(here, { revisions: last.flatMap(({ row }) => row?.revision ?? []) });
  const hides = (name: string) => sensitive.value(ref.type, name);
  if (json) {
    printJson(cli, {
      entity: shownRef(record, sensitive),
      state: record.state,
      ids: Object.fromEntries(
        Object.entries(record.ids).map(([name, id]) => [name, shownValue(id, hides(`link:${name}`))]),
      ),
      parent: record.parent === undefined ? null : shownRef(record.parent, sensitive),
      seeded: record.seeded,
      tombstone: record.tombstone === undefined ? null : { erased: record.tombstone.erased },
      attributes: last.map(({ name, value, row }) => ({
        attribute: name,
        value: shownValue(value, hides(name)),
        last_write:
          row === undefined
            ? null
            : { ...lineageDocument(row, hides(name)), git_commit: told.commits[row.revision] ?? null },
      })),
    });
    return EXIT.ok;
  }
  const { out } = cli;
  const cells = last.map(({ name, value, row }) => [
    name,
    formatValue(value === undefined ? undefined : shownValue(value, hides(name)), 40),
    ...(row === undefined
      ? [record.seeded ? "seeded" : "-", "-", "-", "-"]
      : [
          formatTime(row.at),
          row.event,
          plainText(row.eventType),
          row.mapping ?? (row.result === "computed" ? "computed" : "-"),
        ]),
  ]);
  const heads = ["ATTRIBUTE", "VALUE", "WRITTEN", "EVENT", "TYPE", "LINE"];
  const table = formatTable(out, heads, cells);
  const fits = table.split("\n").every((line) => widthOf(line) <= out.columns);
  out.write(`${entityHead(record, explained)}\n\n`);
  out.write(
    fits
      ? table
      : cells
          .map(([name = "", value = "", ...rest]) => {
            const from = rest.filter((one) => one !== "-").join(", ");
            return `${out.color.bold(name)}  ${value}\n${from === "" ? "" : `    ${fold(from, { width: out.columns - 4, indent: 4 })}\n`}`;
          })
          .join(""),
  );
  const [first] = last;
  if (first !== undefined) suggest(cli, `explain ${plainText(`${ref.type}:${ref.key}.${first.name}`)}`);
  return EXIT.ok;
}

function attributeNames(model: EntityModel | undefined, record: EntityRecord): string[] {
  const declaredNames = model === undefined ? [] : [...model.attributes.keys()];
  return [...new Set(["state", ...declaredNames, ...Object.keys(record.attributes)])].filter(
    (name) => name !== "state" || record.state !== "unknown",
  );
}

function entityHead(record: EntityRecord, { cli, sensitive }: Explained): string {
  const { out } = cli;
  const { type, key } = shownRef(record, sensitive);
  const parent = record.parent === undefined ? undefined : shownRef(record.parent, sensitive);
  const told = [
    `since ${formatTime(record.createdAt)}`,
    ...(parent === undefined ? [] : [`belongs to ${parent.type}/${plainText(parent.key)}`]),
    ...(record.seeded ? ["seeded"] : []),
    ...(record.tombstone === undefined ? [] : [out.color.red(record.tombstone.erased ? "erased" : "deleted")]),
  ];
  return fold(`${out.color.bold(`${type}:${plainText(key)}`)}  ${told.join(", ")}`, { width: out.columns, indent: 2 });
}

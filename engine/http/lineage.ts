/** Where a value came from, and what an entity is: each write with its event, mapping line and commit, newest first. */
import { secretReference } from "../config/secret-reference.ts";
import type { AttributeModel, EntityModel } from "../core/entity.ts";
import type { EntityRecord } from "../core/record.ts";
import type { Json } from "../core/types.ts";
import { compareValues } from "../core/values.ts";
import type { EventStory, LineageRow, StoreReader } from "../store/store.ts";
import { lineageDocument, type Sensitivity, shownRef, shownValue, storyDocument } from "./documents.ts";

export interface AttributeName {
  readonly type: string;
  readonly key: string;
  readonly attribute: string;
}

export interface LineageContext {
  readonly reader: Pick<StoreReader, "entity" | "lineage" | "revision" | "story">;
  readonly sensitive: Sensitivity;
  /** As declared; absent without a config. */
  readonly entities?: ReadonlyMap<string, EntityModel> | undefined;
  readonly limit?: number;
}

/** A mapping line; `of`: whose, where it is a member's of a computed value. */
export interface LineDocument {
  readonly at: string;
  readonly text: string | null;
  readonly of: string | null;
}

export type StepDocument = ReturnType<typeof lineageDocument> & { readonly lines: readonly LineDocument[] };

export interface ValueDocument {
  readonly entity: { readonly type: string; readonly key: string };
  readonly attribute: string;
  readonly value: Json;
  /** Owner and how it is written, in words. */
  readonly declared: string | null;
  readonly lineage: readonly StepDocument[];
  readonly seeded: { readonly at: string; readonly value: Json } | null;
}

/** The story with how the config refers to the secret that verified it. */
export async function storyWithSecret(
  story: EventStory,
  { reader, sensitive }: Pick<LineageContext, "sensitive"> & { readonly reader: Pick<StoreReader, "revision"> },
) {
  const { revision, source, verification } = story.event;
  const files = (await reader.revision(revision))?.files;
  const secret = files === undefined ? undefined : secretReference(files, source, verification.secretIndex);
  const document = storyDocument(story, sensitive);
  return { ...document, verification: { ...document.verification, ...(secret === undefined ? {} : { secret }) } };
}

/** Undefined: nothing was ever written to it. */
export async function valueDocument(name: AttributeName, context: LineageContext): Promise<ValueDocument | undefined> {
  const { reader, sensitive, entities, limit = 100 } = context;
  const { type, attribute } = name;
  const record = await reader.entity(type, name.key);
  const ref = { type, key: record?.key ?? name.key };
  const own = await reader.lineage(ref, attribute, limit);
  const deletions = attribute === "delete" ? [] : await reader.lineage(ref, "delete", 20);
  const seed = seedOf(record, attribute, own);
  if (own.length === 0 && seed === undefined) return undefined;
  const model = entities?.get(type)?.attributes.get(attribute);
  const hidden = sensitive.value(type, attribute);
  const steps: StepDocument[] = [];
  for (const row of [...own, ...deletions].sort((a, b) => b.at - a.at))
    steps.push(await stepDocument(row, { ...context, model, hidden }));
  const now = attribute === "state" ? record?.state : record?.attributes[attribute]?.value;
  return {
    entity: shownRef(ref, sensitive),
    attribute,
    value: shownValue(now, hidden),
    declared: model === undefined ? null : declaredWords(model),
    lineage: steps,
    seeded: seed === undefined ? null : { at: new Date(seed.at).toISOString(), value: shownValue(seed.value, hidden) },
  };
}

/** What was there before any event: a seed's value. */
function seedOf(record: EntityRecord | undefined, attribute: string, rows: readonly LineageRow[]) {
  if (record?.seeded !== true) return undefined;
  const first = rows.at(-1);
  const now = attribute === "state" ? record.state : record.attributes[attribute]?.value;
  const value = first === undefined ? now : first.before;
  return value === undefined || value === "unknown" ? undefined : { at: record.createdAt, value };
}

function declaredWords(model: AttributeModel): string {
  const { rollup, derive } = model;
  const marks = [model.protected ? "protected" : "", model.sensitive ? "sensitive" : ""].filter((one) => one !== "");
  return [`owner ${model.owner}`, ...marks, rollup === undefined ? writtenHow() : rolledUp(rollup)].join(", ");

  function writtenHow(): string {
    return derive === undefined ? `write: ${model.write}` : `derived by ${derive.source}`;
  }
}

function rolledUp({ take, childType, childAttribute, inStates }: NonNullable<AttributeModel["rollup"]>): string {
  const of = childAttribute === undefined ? childType : `${childType}.${childAttribute}`;
  return `${take} of ${of}${inStates === undefined ? "" : ` in ${[...inStates].join(", ")}`}`;
}

interface StepContext extends LineageContext {
  readonly model: AttributeModel | undefined;
  readonly hidden: boolean;
}

async function stepDocument(row: LineageRow, context: StepContext): Promise<StepDocument> {
  const { reader, model, hidden, sensitive } = context;
  const document = lineageDocument(row, hidden);
  const result = resultOf(row, model);
  const note = row.note === undefined ? null : sensitive.text(row.note);
  const files = (await reader.revision(row.revision))?.files ?? {};
  const line = (at: string, of: string | null): LineDocument => ({ at, text: lineAt(files, at) ?? null, of });
  const told = { ...document, result, note };
  if (row.mapping !== undefined) return { ...told, lines: [line(row.mapping, null)] };
  const child = model?.rollup;
  if (child === undefined || row.result !== "computed") return { ...told, lines: [] };
  // A computed value has no line of its own: the lines of its members that the same event wrote.
  const story = await reader.story(row.event);
  const members = (story?.history ?? []).flatMap(({ entity, attribute, mapping }) =>
    mapping !== undefined && entity.type === child.childType && attribute === child.childAttribute
      ? [line(mapping, `${entity.type}.${attribute}`)]
      : [],
  );
  return { ...told, lines: members };
}

/** The line as that revision has it, without its comment. */
function lineAt(files: Readonly<Record<string, string>>, place: string): string | undefined {
  const [, file = "", line = ""] = /^(.*):(\d+)$/.exec(place) ?? [];
  return files[file]
    ?.split("\n")
    [Number(line) - 1]?.trim()
    .replace(/\s+#.*$/, "")
    .replace(/\s+/g, " ");
}

/** `lowered`: a value that fell, since its rule may lower it. */
function resultOf(row: LineageRow, model: AttributeModel | undefined): string {
  if (row.attribute === "delete") return row.after === "erased" ? "erased" : "deleted";
  if (model === undefined || row.before === undefined || row.after === undefined || row.result !== "set")
    return row.result;
  return (compareValues(model, row.after, row.before) ?? 0) < 0 ? "lowered" : row.result;
}

const MOVED = new Set(["set", "cleared", "computed"]);

/** All attributes of an entity, each with its last write. Undefined: there is no such entity. */
export async function entityDocument(
  { type, key }: { readonly type: string; readonly key: string },
  { reader, sensitive, entities }: LineageContext,
) {
  const record = await reader.entity(type, key);
  if (record === undefined) return undefined;
  const hides = (name: string) => sensitive.value(type, name);
  const attributes: {
    readonly attribute: string;
    readonly value: Json;
    readonly last_write: ReturnType<typeof lineageDocument> | null;
  }[] = [];
  for (const name of attributeNames(entities?.get(type), record)) {
    const row = (await reader.lineage(record, name, 20)).find((one) => MOVED.has(one.result));
    const value = name === "state" ? record.state : record.attributes[name]?.value;
    if (value === undefined && row === undefined) continue;
    const last = row === undefined ? null : { ...lineageDocument(row, hides(name)), note: noteOf(row, sensitive) };
    attributes.push({ attribute: name, value: shownValue(value, hides(name)), last_write: last });
  }
  const ids = Object.entries(record.ids).map(([name, id]) => [name, shownValue(id, hides(`link:${name}`))]);
  return {
    entity: shownRef(record, sensitive),
    created_at: new Date(record.createdAt).toISOString(),
    state: record.state,
    ids: sensitive.key(type) ? {} : (Object.fromEntries(ids) as Readonly<Record<string, Json>>),
    parent: record.parent === undefined ? null : shownRef(record.parent, sensitive),
    seeded: record.seeded,
    gone: record.tombstone === undefined ? null : record.tombstone.erased ? ("erased" as const) : ("deleted" as const),
    attributes,
  };
}

export type EntityDocument = NonNullable<Awaited<ReturnType<typeof entityDocument>>>;

const noteOf = (row: LineageRow, sensitive: Sensitivity) => (row.note === undefined ? null : sensitive.text(row.note));

function attributeNames(model: EntityModel | undefined, record: EntityRecord): string[] {
  const declared = model === undefined ? [] : [...model.attributes.keys()];
  const names = [...new Set(["state", ...declared, ...Object.keys(record.attributes)])];
  return names.filter((name) => name !== "state" || record.state !== "unknown");
}

/**
 * Takes persons out of what was known before a corpus, so that it still fits its events: a key, an id or a value that an
 * event brings gets the name that it has in the recording of that event; what no event brings, one by the same rules. Pure.
 */
import { canonicalJson } from "../core/canonical.ts";
import type { EntityModel } from "../core/entity.ts";
import { parseJson } from "../core/json.ts";
import type { EntityRecord, StoredAttribute } from "../core/record.ts";
import type { EntityRef, Json, Version } from "../core/types.ts";
import type { Prepared } from "../flow/prepare.ts";
import type { CorpusEntity } from "./corpus-state.ts";
import type { Pseudonyms } from "./pseudonym.ts";
import { leavesOf, redact } from "./redact.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** One pipeline's turn with an event as it came, and with its recording. */
export interface RecordedTurn {
  readonly before: Prepared;
  readonly after: Prepared | undefined;
}

export interface StateRedactionDeps {
  readonly entities: ReadonlyMap<string, EntityModel>;
  /** Of all sources. */
  readonly vocabulary: Vocabulary;
  readonly pseudonyms: Pseudonyms;
  /** Seq of the first event: versions are counted from it. */
  readonly firstSeq: number;
}

export interface StateRedaction {
  /** What the recordings have made of keys, ids and values. */
  learn(turns: readonly RecordedTurn[]): void;
  entity(one: CorpusEntity): CorpusEntity;
}

export function createStateRedaction({
  entities,
  vocabulary,
  pseudonyms,
  firstSeq,
}: StateRedactionDeps): StateRedaction {
  /** By entity, id or attribute, and value; ids also by their value alone, since one entity's id is another's parent. */
  const learnt = new Map<string, Json>();
  const put = (type: string, name: string, before: Json, after: Json) => {
    learnt.set(canonicalJson([type, name, before]), after);
    if (typeof before === "string" && typeof after === "string" && !learnt.has(before)) learnt.set(before, after);
  };
  const isSensitive = (type: string, name: string) => entities.get(type)?.attributes.get(name)?.sensitive ?? false;

  function generic(name: string, value: Json, sensitive: ReadonlySet<string>): Json {
    const redacted = redact({ [name]: value }, { vocabulary, pseudonyms, sensitive });
    return Object.values(redacted as { readonly [key: string]: Json })[0] as Json;
  }

  function redactEntity({ record, told, once }: CorpusEntity): CorpusEntity {
    const { type } = record;
    const named: [string, Json][] = [
      [keyName(type), record.key],
      ...Object.entries(record.ids),
      ...Object.entries(record.attributes).map(([name, { value }]): [string, Json] => [name, value]),
    ];
    const sensitive = new Set(named.flatMap(([name, value]) => (isSensitive(type, name) ? leavesOf(value) : [])));
    const redactValue = (name: string, value: Json): Json =>
      learnt.get(canonicalJson([type, name, value])) ?? generic(name, value, sensitive);
    const idOf = (ofType: string, name: string, value: string): string =>
      String(learnt.get(canonicalJson([ofType, name, value])) ?? learnt.get(value) ?? generic(name, value, sensitive));
    const keyOf = (ref: EntityRef) => idOf(ref.type, keyName(ref.type), ref.key);
    const attribute = (name: string, one: StoredAttribute): StoredAttribute => ({
      ...one,
      value: redactValue(name, one.value),
      ...(one.version === undefined ? {} : { version: dated(one.version) }),
      ...(one.ladder === undefined
        ? {}
        : {
            ladder: one.ladder.map((rung) => ({
              ...rung,
              value: redactValue(name, rung.value),
              version: dated(rung.version),
            })),
          }),
    });
    const { tombstone, parent, stateVersion, first, deletions, newest, absorbed, ...rest } = record;
    const redacted: EntityRecord = {
      ...rest,
      key: keyOf(record),
      ids: mapped(record.ids, (name, value) => idOf(type, name, value)),
      attributes: mapped(record.attributes, attribute),
      ...(stateVersion === undefined ? {} : { stateVersion: dated(stateVersion) }),
      ...(parent === undefined ? {} : { parent: { type: parent.type, key: keyOf(parent) } }),
      ...(tombstone === undefined
        ? {}
        : {
            tombstone: {
              version: dated(tombstone.version),
              erased: tombstone.erased,
              ...(tombstone.mergedInto === undefined ? {} : { mergedInto: keyOf({ type, key: tombstone.mergedInto }) }),
            },
          }),
      ...(first === undefined ? {} : { first: dated(first) }),
      ...(deletions === undefined ? {} : { deletions: deletions.map(dated) }),
      ...(newest === undefined ? {} : { newest: newest.map(dated) }),
      ...(absorbed === undefined ? {} : { absorbed: absorbed.map((key) => keyOf({ type, key })) }),
    };
    return {
      record: redacted,
      told,
      once: once.map((mark) => ({ ...mark, values: valuesOf(mark.values, sensitive) })),
    };
  }

  /** Of a mark: a list as canonical JSON, or nothing. */
  function valuesOf(text: string, sensitive: ReadonlySet<string>): string {
    const parsed = text === "" ? undefined : parseJson(Buffer.from(text));
    if (parsed?.ok !== true || !Array.isArray(parsed.value)) return text;
    const values = parsed.value as readonly Json[];
    return canonicalJson(
      values.map((value) => (typeof value === "string" && learnt.get(value)) || generic("value", value, sensitive)),
    );
  }

  /** Older than each event of the corpus, whose seqs begin with 1; among themselves in their order. */
  const dated = (version: Version): Version => ({ ...version, seq: Math.min(0, version.seq - firstSeq) });

  const keyName = (type: string) => entities.get(type)?.ids[0] ?? "id";

  return {
    learn(turns) {
      for (const { before, after } of turns) {
        if (before.kind !== "mapped" || after?.kind !== "mapped") continue;
        for (const [index, was] of before.mapped.writes.entries()) {
          const is = after.mapped.writes[index];
          const type = was.model.entity;
          if (is?.model.entity !== type) continue;
          if (was.key.kind === "id" && is.key.kind === "id") put(type, was.key.idName, was.key.value, is.key.value);
          for (const [name, value] of Object.entries(was.links)) put(type, name, value, is.links[name] ?? value);
          for (const { row, result } of was.fields) {
            const other = is.fields.find((one) => one.row.name === row.name)?.result;
            if ("value" in result && other !== undefined && "value" in other)
              learnt.set(canonicalJson([type, row.name, result.value]), other.value);
          }
        }
      }
    },
    entity: redactEntity,
  };
}

function mapped<T>(record: Readonly<Record<string, T>>, change: (name: string, value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(name, value)]));
}

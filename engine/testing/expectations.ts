/** What a test expected against what came of it: only the differences, as text a person reads. */
import type { TestExpectation } from "../config/test-model.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import type { EntityRecord } from "../store/store.ts";

/** What came of a run. */
export interface Observed {
  /** Of each event of `events:`, in the order of the list. */
  readonly outcomes: readonly string[];
  readonly sent: readonly {
    readonly connection: string;
    readonly action: string;
    readonly event: string;
    readonly description: JsonObject;
  }[];
  readonly refused: readonly string[];
  readonly kept: readonly string[];
  readonly dead: readonly string[];
  /** Looks an entity up. */
  readonly entity: (type: string, key: string) => Promise<EntityRecord | undefined>;
  readonly entities: (type: string) => Promise<readonly EntityRecord[]>;
}

/** One line a difference; empty when all is as expected. */
export async function differences(expect: TestExpectation, observed: Observed): Promise<string[]> {
  return [
    ...(await entityDifferences(expect, observed)),
    ...outcomeDifferences(expect, observed),
    ...sentDifferences(expect, observed),
    ...deliveryDifferences(expect, observed),
    ...listDifferences("refused", expect.refused, observed.refused),
    ...listDifferences("kept", expect.kept, observed.kept),
    ...listDifferences("dead", expect.dead, observed.dead),
  ];
}

const show = (value: Json | undefined): string =>
  value === undefined ? "nothing" : typeof value === "string" ? value : JSON.stringify(value);

async function entityDifferences(expect: TestExpectation, observed: Observed): Promise<string[]> {
  const lines: string[] = [];
  for (const [type, byKey] of Object.entries(expect.entities)) {
    for (const [key, wanted] of Object.entries(byKey)) {
      const record = await observed.entity(type, key);
      const name = `${type} ${key}`;
      if (wanted === "absent") {
        if (record !== undefined) lines.push(`${name}: expected absent, got ${describeRecord(record)}`);
      } else if (wanted === "erased") {
        if (record?.tombstone?.erased !== true)
          lines.push(`${name}: expected erased, got ${record === undefined ? "absent" : describeRecord(record)}`);
      } else if (record === undefined) {
        lines.push(`${name}: expected to be there, got absent`);
      } else {
        lines.push(...attributeDifferences(name, wanted, record));
      }
    }
    if (!expect.exact) continue;
    const extra = (await observed.entities(type)).filter((record) => !(record.key in byKey));
    lines.push(...extra.map((record) => `${type} ${record.key}: not expected, got ${describeRecord(record)}`));
  }
  return lines;
}

function attributeDifferences(name: string, wanted: Readonly<Record<string, Json>>, record: EntityRecord): string[] {
  return Object.entries(wanted).flatMap(([attribute, value]) => {
    const got = attribute === "state" ? record.state : record.attributes[attribute]?.value;
    // A blank and a value that never was are the same to whoever reads the CRM.
    const same = value === null ? (got ?? null) === null : sameJson(value, got);
    return same ? [] : [`${name}.${attribute}: expected ${show(value)}, got ${show(got)}`];
  });
}

function describeRecord(record: EntityRecord): string {
  if (record.tombstone !== undefined) return record.tombstone.erased ? "erased" : "deleted";
  return JSON.stringify(
    Object.fromEntries(Object.entries(record.attributes).map(([name, stored]) => [name, stored.value])),
  );
}

function outcomeDifferences(expect: TestExpectation, observed: Observed): string[] {
  const wanted = expect.outcomes;
  if (wanted === undefined) return [];
  if (wanted.length !== observed.outcomes.length)
    return [
      `outcomes: expected ${wanted.length} (${wanted.join(", ")}), got ${observed.outcomes.length} (${observed.outcomes.join(", ")})`,
    ];
  return wanted.flatMap((one, index) => {
    const got = observed.outcomes[index] as string;
    const same = one === got || (one === "applied" && (got === "delivered" || got === "pending"));
    return same ? [] : [`outcome of event ${index + 1}: expected ${one}, got ${got}`];
  });
}

function sentDifferences(expect: TestExpectation, observed: Observed): string[] {
  return Object.entries(expect.sent ?? {}).flatMap(([name, count]) => {
    const got = observed.sent.filter((one) => one.event === name || one.action === name).length;
    return got === count ? [] : [`sent ${name}: expected ${count}, got ${got}`];
  });
}

function deliveryDifferences(expect: TestExpectation, observed: Observed): string[] {
  const wanted = expect.deliveries;
  if (wanted === undefined) return [];
  if (wanted.length !== observed.sent.length)
    return [`deliveries: expected ${wanted.length}, got ${observed.sent.length}`];
  return wanted.flatMap((one, index) => {
    const sent = observed.sent[index];
    const got: JsonObject = { to: sent?.connection ?? "", ...sent?.description };
    return Object.entries(one).flatMap(([key, value]) =>
      contains(got[key], value) ? [] : [`delivery ${index + 1} ${key}: expected ${show(value)}, got ${show(got[key])}`],
    );
  });
}

/** Objects match when they have at least what is expected. */
function contains(got: Json | undefined, wanted: Json): boolean {
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) return sameJson(got, wanted);
  if (typeof got !== "object" || got === null || Array.isArray(got)) return false;
  return Object.entries(wanted).every(([key, value]) => contains((got as JsonObject)[key], value));
}

function listDifferences(name: string, wanted: readonly string[] | undefined, got: readonly string[]): string[] {
  if (wanted === undefined) return [];
  const missing = wanted.filter((one) => !got.includes(one));
  const extra = got.filter((one) => !wanted.includes(one));
  return missing.length + extra.length === 0
    ? []
    : [`${name}: expected ${wanted.join(", ") || "none"}, got ${[...new Set(got)].join(", ") || "none"}`];
}

/** Two turns of the same event held against each other, and what of all events together is told. */

import { canonicalJson } from "../core/canonical.ts";
import { refKey } from "../core/record.ts";
import type { EntityRef, Json } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import type { Names } from "./names.ts";
import type { AttributeChange, EffectChange, Example, OutcomeChange, PipelineChange } from "./report.ts";
import type { Shown } from "./shown.ts";
import { effectKey, STORED, type Turn, type TurnEffect, type TurnWrite } from "./turn.ts";

const MAX_EXAMPLES = 3;

export interface Differences {
  /** Of one event and pipeline; undefined: that side has no such turn. The older one in the words of the newer side. */
  compare(event: string, before: Turn | undefined, after: Turn | undefined): void;
  pipelines(kinds: (pipeline: string) => PipelineChange["kind"]): readonly PipelineChange[];
  /** Things that some event writes and none writes differently. */
  unchanged(): number;
}

interface Counts {
  appear: number;
  change: number;
  vanish: number;
  readonly examples: Example[];
}

interface Found {
  readonly attributes: Map<string, Counts & { entity: string; attribute: string; places: Set<string> }>;
  readonly effects: Map<string, Counts & { connection: string; action: string; event: string }>;
  readonly outcomes: Map<string, { before: string; after: string; count: number; examples: string[] }>;
}

export function createDifferences(shown: Shown): Differences {
  const found = new Map<string, Found>();
  const written = new Set<string>();
  const of = (pipeline: string): Found => {
    const known = found.get(pipeline);
    if (known !== undefined) return known;
    const made: Found = { attributes: new Map(), effects: new Map(), outcomes: new Map() };
    found.set(pipeline, made);
    return made;
  };

  function compareOutcomes(event: string, pipeline: string, { before, after }: Pair<Turn>): void {
    const [was, is] = [outcomeOf(before), outcomeOf(after)];
    if (was === is) return;
    const { outcomes } = of(pipeline);
    const key = `${was}\n${is}`;
    const known = outcomes.get(key) ?? { before: was, after: is, count: 0, examples: [] };
    known.count++;
    if (known.examples.length < MAX_EXAMPLES) known.examples.push(event);
    outcomes.set(key, known);
  }

  function compareWrites(event: string, pipeline: string, turns: Pair<Turn>): void {
    for (const one of changedWrites(turns)) {
      const name = `${one.entity.type}.${one.attribute}`;
      written.add(`${pipeline}\n${name}`);
      if (one.places.size === 0) continue;
      const { attributes } = of(pipeline);
      const known = attributes.get(name) ?? {
        entity: one.entity.type,
        attribute: one.attribute,
        places: new Set<string>(),
        ...noCounts(),
      };
      for (const place of one.places) if (place !== STORED) known.places.add(place);
      count(known, one, () => {
        const safe = besideSensitive(shown, turns);
        return {
          event,
          entity: safe.ref(one.entity),
          before: safe.value(one.entity.type, one.attribute, one.before),
          after: safe.value(one.entity.type, one.attribute, one.after),
        };
      });
      attributes.set(name, known);
    }
  }

  function compareEffects(event: string, pipeline: string, turns: Pair<Turn>): void {
    const before = byKey(turns.before?.effects ?? []);
    const after = byKey(turns.after?.effects ?? []);
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const pairs = pairUp(before.get(key) ?? [], after.get(key) ?? []);
      for (const [was, is] of pairs) {
        const some = (was ?? is) as TurnEffect;
        const name = effectName(some);
        const fields = differingFields(was, is);
        if (some.kind === "effect") written.add(`${pipeline}\n${name}`);
        const inBoth = was !== undefined && is !== undefined;
        // An upsert that comes or goes is told by its attributes, where it has any.
        if (inBoth ? fields.length === 0 : some.kind === "upsert" && !some.bare) continue;
        const { effects } = of(pipeline);
        const known = effects.get(name) ?? {
          connection: some.connection,
          action: some.action,
          event: some.kind === "effect" ? some.event : "",
          ...noCounts(),
        };
        count(known, { before: was, after: is }, () => {
          const safe = besideSensitive(shown, turns);
          return {
            event,
            entity: safe.ref(some.entity),
            before: was === undefined ? "(none)" : fieldsShown(was, is, safe),
            after: is === undefined ? "(none)" : fieldsShown(is, was, safe),
          };
        });
        effects.set(name, known);
      }
    }
  }

  return {
    compare(event, before, after) {
      const pipeline = after?.pipeline || before?.pipeline || "";
      const turns = { before, after };
      compareOutcomes(event, pipeline, turns);
      compareWrites(event, pipeline, turns);
      compareEffects(event, pipeline, turns);
    },
    pipelines: (kinds) =>
      [...found]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([pipeline, one]) => ({
          pipeline,
          kind: kinds(pipeline),
          attributes: [...one.attributes.values()]
            .map((change): AttributeChange => ({ ...change, places: [...change.places].sort() }))
            .sort((a, b) => (`${a.entity}.${a.attribute}` < `${b.entity}.${b.attribute}` ? -1 : 1)),
          effects: [...one.effects.values()] as readonly EffectChange[],
          outcomes: [...one.outcomes.values()].sort((a, b) => b.count - a.count) as readonly OutcomeChange[],
        })),
    unchanged() {
      const told = new Set(
        [...found].flatMap(([pipeline, one]) =>
          [...one.attributes.keys(), ...one.effects.keys()].map((name) => `${pipeline}\n${name}`),
        ),
      );
      return [...written].filter((name) => !told.has(name)).length;
    },
  };
}

interface Pair<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

const noCounts = (): Counts => ({ appear: 0, change: 0, vanish: 0, examples: [] });

/** What this event writes as sensitive may stand in another attribute too, by mistake most likely. */
function besideSensitive(shown: Shown, { before, after }: Pair<Turn>): Shown {
  const turns = [before, after].filter((turn) => turn !== undefined);
  return shown.beside(
    turns.flatMap(({ writes, effects }) => [
      ...writes,
      ...effects.flatMap(({ entity, attributes }) =>
        Object.entries(attributes).map(([attribute, value]) => ({ entity, attribute, value })),
      ),
    ]),
    turns.flatMap(({ refs }) => refs),
  );
}

function count(counts: Counts, { before, after }: Pair<unknown>, example: () => Example): void {
  if (before === undefined) counts.appear++;
  else if (after === undefined) counts.vanish++;
  else counts.change++;
  if (counts.examples.length < MAX_EXAMPLES) counts.examples.push(example());
}

const WORDS: Readonly<Record<Turn["status"], string>> = {
  applied: "applied",
  skipped: "skipped",
  held: "held",
  dead: "dead letter",
  duplicate: "taken for a duplicate",
  no_source: "refused, no source",
  too_large: "refused, body too large",
  needs_fetch: "not known: it fetches what nobody has fetched",
};

function outcomeOf(turn: Turn | undefined): string {
  if (turn === undefined) return "not listened to";
  return turn.why === undefined ? WORDS[turn.status] : `${WORDS[turn.status]} (${turn.why})`;
}

interface ChangedWrite {
  readonly entity: EntityRef;
  readonly attribute: string;
  /** Empty: it is the same everywhere. */
  readonly places: ReadonlySet<string>;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** All values that either side writes, by entity and attribute, with the places in which they differ. */
function changedWrites({ before, after }: Pair<Turn>): ChangedWrite[] {
  const groups = new Map<string, { before: TurnWrite[]; after: TurnWrite[] }>();
  const add = (side: "before" | "after", writes: readonly TurnWrite[]) => {
    for (const write of writes) {
      const key = `${refKey(write.entity)}\n${write.attribute}`;
      const group = groups.get(key) ?? { before: [], after: [] };
      group[side].push(write);
      groups.set(key, group);
    }
  };
  add("before", before?.writes ?? []);
  add("after", after?.writes ?? []);
  return [...groups.values()].map((group) => {
    const { entity, attribute } = (group.before[0] ?? group.after[0]) as TurnWrite;
    const at = (writes: readonly TurnWrite[], place: string) => writes.findLast((one) => one.place === place)?.value;
    const places = [...new Set([...group.before, ...group.after].map((one) => one.place))];
    const differing = places.filter((place) => !sameJson(at(group.before, place), at(group.after, place)));
    // What a connection is told says more than what we keep.
    const [first = STORED] = [...differing].sort((a, b) => Number(a === STORED) - Number(b === STORED));
    return {
      entity,
      attribute,
      places: new Set(differing),
      before: at(group.before, first),
      after: at(group.after, first),
    };
  });
}

function byKey(effects: readonly TurnEffect[]): Map<string, TurnEffect[]> {
  const map = new Map<string, TurnEffect[]>();
  for (const effect of effects) map.set(effectKey(effect), [...(map.get(effectKey(effect)) ?? []), effect]);
  return map;
}

function pairUp<T>(before: readonly T[], after: readonly T[]): (readonly [T | undefined, T | undefined])[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, i) => [before[i], after[i]] as const);
}

const effectName = ({ connection, action, event, kind }: TurnEffect): string =>
  `${connection} ${action}${kind === "effect" ? ` ${event}` : ""}`;

/** Attributes by name, other fields as `.name`, which no attribute is called. */
function fieldsOf(effect: TurnEffect | undefined): Readonly<Record<string, Json>> {
  const params = Object.entries(effect?.params ?? {}).map(([name, value]) => [`.${name}`, value]);
  return { ...effect?.attributes, ...Object.fromEntries(params) };
}

function differingFields(a: TurnEffect | undefined, b: TurnEffect | undefined): string[] {
  const [left, right] = [fieldsOf(a), fieldsOf(b)];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].filter((name) => !sameJson(left[name], right[name])).sort();
}

/** A field that is no attribute may hold anything of the payload: it is told by its fingerprint. */
function fieldsShown(effect: TurnEffect, other: TurnEffect | undefined, shown: Shown): string {
  if (other === undefined) return "sent";
  const fields = fieldsOf(effect);
  return differingFields(effect, other)
    .map((name) => {
      const value = fields[name];
      if (!name.startsWith(".")) return `${name} ${shown.value(effect.entity.type, name, value)}`;
      return `${name.slice(1)} ${value === undefined ? "(none)" : shown.hidden(canonicalJson(value))}`;
    })
    .join(", ");
}

/** The older side's turn in the words of the newer side. */
export function inWordsOf(turn: Turn, names: Names): Turn {
  const refOf = ({ type, key }: EntityRef): EntityRef => ({ type: names.entity(type), key });
  const placeOf = (place: string): string => {
    const [connection = "", ...action] = place.split(" ");
    return place === STORED ? place : [names.connection(connection), ...action].join(" ");
  };
  return {
    ...turn,
    pipeline: names.pipeline(turn.pipeline),
    refs: turn.refs.map(refOf),
    writes: turn.writes.map((write) => {
      const entity = refOf(write.entity);
      return {
        ...write,
        entity,
        attribute: names.attribute(entity.type, write.attribute),
        place: placeOf(write.place),
      };
    }),
    effects: turn.effects.map((effect) => ({
      ...effect,
      connection: names.connection(effect.connection),
      entity: refOf(effect.entity),
    })),
  };
}

/** A corpus as a scenario: its events in the form that the config at hand reads, from the state that it begins with. */
import type { Revision, SourceModel } from "../config/revision.ts";
import { takesIn } from "../core/place.ts";
import { type EntityRecord, refKey } from "../core/record.ts";
import type { Json } from "../core/types.ts";
import { renderSample } from "../provider/sample.ts";
import { type PastState, valuesOf } from "../store/read-past.ts";
import type { Corpus, CorpusEvent } from "../testing/corpus.ts";
import type { CorpusEntity } from "../testing/corpus-state.ts";
import { type PlanEvent, sourcesOf } from "./events.ts";
import { namesBy } from "./names.ts";
import type { Scenario } from "./plan.ts";

export function corpusScenario(
  { manifest, events, entities }: Corpus,
  { before, after }: { readonly before: Revision; readonly after: Revision },
): Scenario {
  const sources = [before, after].map((side) => ({ names: namesBy(side.moved), sources: sourcesOf(side) }));
  const find = (name: string): SourceModel | undefined => {
    for (const side of sources) {
      const source = side.sources.get(side.names.source(name)) ?? side.sources.get(name);
      if (source !== undefined) return source;
    }
    return undefined;
  };
  return {
    events: events.map((event) => toPlanEvent(event, find(event.source))),
    past: pastOf(entities),
    // What is still held then would have had the time since.
    until: Math.max(manifest.recordedAt, ...events.map((one) => one.receivedAt)),
  };
}

/** Of a source that neither side has it does not matter what is in it. */
function toPlanEvent(event: CorpusEvent, source: SourceModel | undefined): PlanEvent {
  const { name, type, receivedAt, fetched = [] } = event;
  const sample = { name: type, headers: event.headers, body: event.body };
  const { headers, body } =
    source === undefined
      ? { headers: event.headers, body: Buffer.from(JSON.stringify(event.body)) }
      : renderSample(source.recipe, sample);
  return {
    name,
    source: event.source,
    headers,
    contentType: headers["content-type"] ?? "application/json",
    body,
    itemIndex: 0,
    receivedAt,
    answers: fetched.map((one) => ({ ...one, body: JSON.stringify(one.body) })),
  };
}

function pastOf(entities: readonly CorpusEntity[]): PastState {
  const known = new Map(entities.map((one) => [refKey(one.record), one]));
  const links = new Map<string, string>();
  const families = new Map<string, EntityRecord[]>();
  const fired = new Set<string>();
  for (const { record, once } of entities) {
    for (const [name, value] of Object.entries(record.ids)) links.set(`${record.type}\n${name}\n${value}`, record.key);
    if (record.parent !== undefined) {
      const family = `${refKey(record.parent)}\n${record.type}`;
      families.set(family, [...(families.get(family) ?? []), record]);
    }
    for (const { effect, values } of once) fired.add(`${effect}\n${refKey(record)}\n${values}`);
  }
  return {
    entity: async (ref) => known.get(refKey(ref))?.record,
    children: async (parent, childType) => families.get(`${refKey(parent)}\n${childType}`) ?? [],
    resolveId: async (type, idName, value) => links.get(`${type}\n${idName}\n${value}`),
    async acknowledged(connection, entity, places) {
      const one = known.get(refKey(entity));
      if (one === undefined) return {};
      const told = one.told.filter(
        (some) => some.connection === connection && (some.places === places || takesIn(places, some.places)),
      );
      const values: Record<string, Json> = {};
      return Object.assign(values, ...told.map(({ names }) => valuesOf(one.record, names)));
    },
    onceMarked: async ({ effect, entity, values }) => fired.has(`${effect}\n${refKey(entity)}\n${values}`),
  };
}

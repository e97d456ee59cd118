/** What was known before some stored events, as far as their config asks for it: the start of a corpus. */
import type { Revision } from "../config/revision.ts";
import type { Evaluator } from "../core/expression.ts";
import { type EntityRecord, refKey } from "../core/record.ts";
import type { EntityRef } from "../core/types.ts";
import type { PastState } from "../store/read-past.ts";
import type { CorpusEntity, Told } from "../testing/corpus-state.ts";
import type { PlanEvent } from "./events.ts";
import { createSide } from "./side.ts";

export interface StartOptions {
  readonly revision: Revision;
  readonly evaluator: Evaluator;
  /** What stood before the first of them. */
  readonly past: PastState;
  readonly events: AsyncIterable<PlanEvent>;
}

/** Works on the events as a plan does and keeps what was asked for: nothing else can matter to them. */
export async function startState({ revision, evaluator, past, events }: StartOptions): Promise<CorpusEntity[]> {
  const heard = listen(past);
  const side = createSide({ revision, evaluator, past: heard.past, onTurn: () => {} });
  let seq = 0;
  for await (const event of events) {
    const identity = side.identify(event);
    if (identity !== undefined) await side.take(event, identity, event.stored?.seq ?? ++seq);
  }
  return heard.entities();
}

interface Heard {
  readonly record: EntityRecord;
  readonly told: Map<string, Told>;
  readonly once: Map<string, CorpusEntity["once"][number]>;
}

/** The past, and all that it has answered. */
function listen(past: PastState): { readonly past: PastState; readonly entities: () => CorpusEntity[] } {
  const heard = new Map<string, Heard>();
  const hear = (record: EntityRecord): Heard => {
    const known = heard.get(refKey(record)) ?? { record, told: new Map(), once: new Map() };
    heard.set(refKey(record), known);
    return known;
  };
  const find = async (ref: EntityRef): Promise<Heard | undefined> => {
    const record = heard.get(refKey(ref))?.record ?? (await past.entity(ref));
    return record === undefined ? undefined : hear(record);
  };
  return {
    entities: () =>
      [...heard.values()].map(({ record, told, once }) => ({
        record,
        told: [...told.values()],
        once: [...once.values()],
      })),
    past: {
      entity: async (ref) => (await find(ref))?.record,
      async children(parent, childType) {
        const children = await past.children(parent, childType);
        for (const child of children) hear(child);
        return children;
      },
      async resolveId(type, idName, value) {
        const key = await past.resolveId(type, idName, value);
        if (key !== undefined) await find({ type, key });
        return key;
      },
      async acknowledged(connection, entity, places) {
        const values = await past.acknowledged(connection, entity, places);
        const names = Object.keys(values);
        if (names.length > 0) (await find(entity))?.told.set(`${connection} ${places}`, { connection, places, names });
        return values;
      },
      async onceMarked(mark) {
        const marked = await past.onceMarked(mark);
        const { effect, values } = mark;
        if (marked) (await find(mark.entity))?.once.set(`${effect}\n${values}`, { effect, values });
        return marked;
      },
    },
  };
}

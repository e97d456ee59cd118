/** Counts events of the store against what was promised, a chunk at a time, so that no event waits behind it. */
import type { PipelineModel, Revision } from "../config/revision.ts";
import type { SloCount, SloCursor, Store } from "../store/store.ts";
import { judge, type Promised } from "./slo.ts";

const CHUNK = 200;
/** In one look at most: what is left is counted with the next. */
const MOST_CHUNKS = 250;
/** How much of what was there before counting began is counted. */
const LOOK_BACK = 20_000;

export interface Counted {
  readonly counts: readonly SloCount[];
  readonly cursors: readonly SloCursor[];
  readonly drifted: readonly string[];
}

type Reads = Pick<Store, "standings" | "lastEventSeq">;

/** Cursors of pipelines that have none: an event that was there before has no turn in a new one, and counts as nothing. */
export async function firstCursors(
  revision: Revision,
  cursors: ReadonlyMap<string, number>,
  store: Pick<Store, "lastEventSeq">,
): Promise<readonly SloCursor[]> {
  const missing = revision.pipelines.filter(({ name }) => !cursors.has(name));
  if (missing.length === 0) return [];
  const seq = Math.max(0, (await store.lastEventSeq()) - LOOK_BACK);
  return missing.map(({ name }) => ({ pipeline: name, seq }));
}

/** Gives the way to other work. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Pipelines of one lag share a walk over the events. */
export async function countEvents(
  pipelines: readonly PipelineModel[],
  cursors: ReadonlyMap<string, number>,
  { store, now, bucketMs }: { readonly store: Reads; readonly now: number; readonly bucketMs: number },
): Promise<Counted> {
  const counts: SloCount[] = [];
  const drifted: string[] = [];
  const reached = new Map(cursors);
  for (const [lagMs, group] of Map.groupBy(pipelines, ({ sla }) => sla.lagMs)) {
    for (let chunk = 0; chunk < MOST_CHUNKS; chunk++) {
      const promised = group.map(({ name }): Promised => ({ pipeline: name, lagMs, cursor: reached.get(name) ?? 0 }));
      const after = Math.min(...promised.map(({ cursor }) => cursor));
      const standings = await store.standings(after, now - lagMs, CHUNK);
      if (standings.length === 0) break;
      const judged = judge(standings, promised, { now, bucketMs });
      counts.push(...judged.counts);
      drifted.push(...judged.drifted);
      for (const { pipeline, seq } of judged.cursors) reached.set(pipeline, seq);
      if (standings.length < CHUNK) break;
      await breathe();
    }
  }
  const moved = [...reached].filter(([pipeline, seq]) => seq !== cursors.get(pipeline));
  return { counts, drifted, cursors: moved.map(([pipeline, seq]) => ({ pipeline, seq })) };
}

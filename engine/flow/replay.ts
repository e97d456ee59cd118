/**
 * Replay: stored events get another turn, past dedupe and through the same gates. First what it would do is told,
 * against what is stored now; then the turns are given, by the engine that runs or on the store it will find.
 */
import type { SourceModel } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import { fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import { refKey } from "../core/record.ts";
import type { EventId } from "../core/types.ts";
import type { EventFilter, EventSummary, ReplayResult, Store, StoredEvent, StoreReader } from "../store/store.ts";
import { decideItem } from "./apply.ts";
import type { Actor } from "./engine.ts";
import { prepareWork } from "./prepare.ts";
import type { Routes } from "./routes.ts";

export interface ReplayFilter extends Pick<EventFilter, "source" | "pipeline" | "type" | "outcome" | "since"> {
  /** Our ids or the providers'; the other filters then do not count, but for `pipeline`. */
  readonly events?: readonly string[];
  /** Received before this instant, ms since the epoch. */
  readonly until?: number;
  readonly limit: number;
}

/**
 * What one turn would come to. `stale`: newer events have written all it would write. `fetch`: it asks for an object
 * first, and nothing that was fetched before is there to tell by.
 */
export type Verdict = "changes" | "no_change" | "stale" | "held" | "skipped" | "dead" | "fetch";

export interface ForeseenTurn {
  readonly event: EventId;
  readonly type: string;
  readonly pipeline: string;
  readonly verdict: Verdict;
  readonly reason?: string;
  /** `type/key` of each entity the event writes to. */
  readonly entities: readonly string[];
  /** `entity.attribute` of what would change. */
  readonly changes: readonly string[];
  readonly supersededBy?: EventId;
}

/** Events that can not be replayed, and why not. */
export interface LeftOut {
  readonly event: EventId;
  readonly why: "body_purged" | "in_progress" | "no_pipeline";
}

export interface ReplayPlan {
  /** Oldest first. */
  readonly events: readonly EventId[];
  readonly turns: readonly ForeseenTurn[];
  readonly leftOut: readonly LeftOut[];
  /** More events match than `limit` lets in; these are the newest. */
  readonly more: boolean;
}

export interface PlanDeps {
  readonly reader: StoreReader & Pick<Store, "resolveId" | "snapshot">;
  readonly routes: Routes;
  readonly evaluator: Evaluator;
  readonly clock: Clock;
}

const pageSize = 500;

/** What a replay would do; writes nothing. */
export async function planReplay(filter: ReplayFilter, deps: PlanDeps): Promise<ReplayPlan> {
  const found = await select(filter, deps.reader);
  const turns: ForeseenTurn[] = [];
  const leftOut: LeftOut[] = [];
  const events: EventId[] = [];
  for (const summary of found.slice(0, filter.limit).reverse()) {
    const pipelines = pipelinesOf(deps.routes, summary, filter.pipeline);
    const free = pipelines.filter((name) => !isOpen(summary, name));
    const event = free.length === 0 ? undefined : await deps.reader.event(summary.seq);
    if (event === undefined || event.bodyPurged === true) {
      const why = pipelines.length === 0 ? "no_pipeline" : free.length === 0 ? "in_progress" : "body_purged";
      leftOut.push({ event: summary.id, why });
      continue;
    }
    events.push(event.id);
    for (const pipeline of free) turns.push(await foresee(event, pipeline, deps));
  }
  return { events, turns, leftOut, more: found.length > filter.limit };
}

/** Newest first, and one more than the limit where there are more. */
async function select(filter: ReplayFilter, reader: StoreReader): Promise<EventSummary[]> {
  const { events, until = Number.POSITIVE_INFINITY, limit, ...where } = filter;
  if (events !== undefined) {
    const found: EventSummary[] = [];
    for (const id of events) found.push(((await reader.story(id)) ?? fail("HK8075", { event: id })).summary);
    return [...new Map(found.map((one) => [one.seq, one])).values()].sort((a, b) => b.seq - a.seq);
  }
  const found: EventSummary[] = [];
  for (let before: number | undefined; found.length <= limit; ) {
    const page = await reader.events({ ...where, limit: pageSize, ...(before === undefined ? {} : { before }) });
    found.push(...page.filter((one) => one.receivedAt < until));
    before = page.at(-1)?.seq;
    if (page.length < pageSize) break;
  }
  return found.slice(0, limit + 1);
}

function isOpen(summary: EventSummary, pipeline: string): boolean {
  return summary.pipelines.some(
    (one) => one.pipeline === pipeline && (one.status === "ready" || one.status === "held"),
  );
}

/** The pipelines that listen today: a replay goes the way of live events. */
function pipelinesOf(
  routes: Routes,
  event: { readonly source: string; readonly type: string },
  only: string | undefined,
): readonly string[] {
  const { sources, pipelines } = routes.revision;
  const all: readonly SourceModel[] = [...sources.values(), ...pipelines.map(({ source }) => source)];
  const source = all.find((one) => one.name === event.source);
  const listening = source === undefined ? [] : routes.listening(source, event.type);
  return only === undefined ? listening : listening.filter((name) => name === only);
}

async function foresee(event: StoredEvent, pipeline: string, deps: PlanDeps): Promise<ForeseenTurn> {
  const turn = { event: event.id, type: event.type, pipeline };
  // A dry run asks nobody: it tells by what was fetched last.
  const fetched = await deps.reader.fetched(event.seq, pipeline);
  const prepared = await prepareWork({ event, pipeline, ...(fetched === undefined ? {} : { fetched }) }, deps);
  if (prepared.kind !== "mapped") {
    const reason =
      prepared.kind === "dead"
        ? prepared.code
        : prepared.kind === "fetch"
          ? `asks ${prepared.fetch.connection} first`
          : prepared.reason;
    return { ...turn, verdict: prepared.kind, reason, entities: [], changes: [] };
  }
  const item = { seq: 0, pipeline, status: "ready", event } as const;
  const { decision, writes } = await decideItem(item, prepared, { ...deps, store: deps.reader });
  const entities = writes.map(({ ref }) => refKey(ref));
  switch (decision.kind) {
    case "dead":
      return { ...turn, verdict: "dead", reason: decision.code, entities, changes: [] };
    case "hold":
      return { ...turn, verdict: "held", reason: decision.reason, entities, changes: [] };
    case "skip": {
      const by = decision.supersededBy === undefined ? undefined : await deps.reader.event(decision.supersededBy);
      const superseded = by === undefined ? {} : { supersededBy: by.id };
      return { ...turn, verdict: "stale", reason: decision.reason, entities, changes: [], ...superseded };
    }
    case "apply": {
      const changes = decision.touched.flatMap(({ after, changed, entered, deleted }) =>
        [...changed, ...(entered === undefined ? [] : ["state"]), ...(deleted ? ["delete"] : [])].map(
          (name) => `${after.type}.${name}`,
        ),
      );
      return { ...turn, verdict: changes.length > 0 ? "changes" : "no_change", entities, changes };
    }
  }
}

/** Some events of a replay; each part is queued whole or not at all. */
export interface ReplayPart {
  readonly events: readonly string[];
  readonly pipeline?: string;
  readonly effects: boolean;
}

export const maxReplayPart = 100;

export interface Replays {
  /** Gives the turns. Of what can not be replayed nothing is touched; the result counts it. */
  replay(part: ReplayPart, by: Actor): Promise<ReplayResult>;
  /** Turns that are still to come. */
  pending(): Promise<number>;
}

export function createReplays(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly routes: Routes;
}): Replays {
  const { store, clock, routes } = deps;
  return {
    async replay({ events, pipeline, effects }, by) {
      if (events.length > maxReplayPart) fail("HK8076", { events: events.length, limit: maxReplayPart });
      const items: { event: EventId; pipelines: readonly string[] }[] = [];
      for (const id of events) {
        const { event } = (await store.story(id)) ?? fail("HK8075", { event: id });
        items.push({ event: event.id, pipelines: pipelinesOf(routes, event, pipeline) });
      }
      const first = items[0]?.event ?? "nothing";
      const target = `${first}${items.length > 1 ? ` and ${items.length - 1} more` : ""}${effects ? ", with effects" : ""}`;
      return store.replay({ items, effects, audit: { at: clock.now(), action: "replay", target, ...by } });
    },
    pending: () => store.replaysPending(),
  };
}

/** One side of a plan: a revision that works on the events, one after the other, and tells what it would have done. */

import type { Revision, SourceModel } from "../config/revision.ts";
import { createVirtualClock } from "../core/clock.ts";
import type { Evaluator } from "../core/expression.ts";
import { createCountingIds } from "../core/ids.ts";
import { refKey } from "../core/record.ts";
import { type Applied, applyPrepared } from "../flow/apply.ts";
import { silentObserver } from "../flow/observer.ts";
import { type ApplyDeps, type Prepared, prepareWork } from "../flow/prepare.ts";
import { waitingForId } from "../flow/resolve.ts";
import { createRoutes } from "../flow/routes.ts";
import { ownVersionOf, versionOf } from "../flow/version.ts";
import type { PastState } from "../store/read-past.ts";
import type { ApplyCommit, Store, StoredEvent, WorkItem } from "../store/store.ts";
import { type Identity, identityOf, type PlanEvent, sourcesOf, toStored } from "./events.ts";
import { findAnswer, type KnownAnswer } from "./fetched.ts";
import { type Names, namesBy } from "./names.ts";
import { createSideStore } from "./side-store.ts";
import { type Turn, turnOf } from "./turn.ts";

export interface Side {
  readonly revision: Revision;
  readonly names: Names;
  /** The source an event came in by, as this side calls it; undefined: it does not take it any more. */
  sourceOf(event: PlanEvent): SourceModel | undefined;
  identify(event: PlanEvent): Identity | undefined;
  /** Works on one event. Turns of it, or of what had waited for it, are heard by `onTurn`; a held one perhaps again. */
  take(event: PlanEvent, identity: Identity, seq: number): Promise<void>;
  /** Lets the hold windows run that end by this instant. */
  finish(until: number): Promise<void>;
}

export interface SideOptions {
  readonly revision: Revision;
  readonly evaluator: Evaluator;
  readonly past?: PastState;
  readonly onTurn: (turn: Turn) => void;
}

interface Held {
  readonly item: WorkItem;
  readonly prepared: Prepared;
  readonly until: number;
  readonly waitsFor: ReadonlySet<string>;
}

export function createSide(options: SideOptions): Side {
  const { revision, onTurn } = options;
  const names = namesBy(revision.moved);
  const sources = sourcesOf(revision);
  const { maxItems } = revision.limits;
  const clock = createVirtualClock(0);
  let committed: ApplyCommit | undefined;
  const store = createSideStore({
    names,
    ...(options.past === undefined ? {} : { past: options.past }),
    onCommit: (commit) => {
      committed = commit;
    },
  });
  const deps: ApplyDeps = {
    routes: createRoutes(revision),
    // An apply step uses no more of a store than this.
    store: store as unknown as Store,
    evaluator: options.evaluator,
    clock,
    ids: createCountingIds(),
    observer: silentObserver,
    // Nothing is sent, so nothing is tried again.
    retryPlan: () => ({ baseMs: 1_000, capMs: 60_000, horizonMs: 3_600_000 }),
  };
  const held = new Map<number, Held>();
  /** Until when a dedupe key is remembered. */
  const taken = new Map<string, number>();
  let work = 0;

  function sourceOf(event: PlanEvent): SourceModel | undefined {
    const source = sources.get(names.source(event.source)) ?? sources.get(event.source);
    return source?.enabled === true ? source : undefined;
  }

  /** Prepared with what its rule fetches, where that is known. */
  async function fetched(
    item: WorkItem,
    known: readonly KnownAnswer[],
  ): Promise<{ readonly item: WorkItem; readonly prepared: Prepared }> {
    const prepared = await prepareWork(item, deps);
    if (prepared.kind !== "fetch") return { item, prepared };
    const answer = findAnswer(prepared, known, { names, pipeline: item.pipeline });
    if (answer === undefined) return { item, prepared };
    if ("kind" in answer) return { item, prepared: answer };
    const next = { ...item, fetched: answer };
    return { item: next, prepared: await prepareWork(next, deps) };
  }

  async function turn(item: WorkItem, prepared: Prepared): Promise<void> {
    committed = undefined;
    const applied = await applyPrepared(item, prepared, deps);
    const commit = committed as ApplyCommit | undefined;
    if (commit !== undefined) onTurn(turnOf(commit, { prepared, version: versionIn(item.event, prepared) }));
    if (applied.status === "held") {
      const before = held.get(item.seq);
      const outcome = commit?.outcome.status === "held" ? commit.outcome : undefined;
      held.set(item.seq, {
        item: {
          ...item,
          status: "held",
          heldSince: item.heldSince ?? clock.now(),
          ...(outcome === undefined ? {} : { holdReason: outcome.reason }),
        },
        prepared,
        until: outcome?.until ?? before?.until ?? clock.now(),
        waitsFor: outcome === undefined ? (before?.waitsFor ?? new Set()) : new Set(outcome.waitsFor.map(refKey)),
      });
      return;
    }
    held.delete(item.seq);
    if (held.size > 0 && applied.changed.length > 0) await wake(applied);
  }

  async function wake(applied: Applied): Promise<void> {
    const changed = new Set(
      applied.changed.flatMap((one) => [
        refKey(one),
        ...Object.entries(one.ids).map(([name, value]) => refKey(waitingForId(one.type, name, value))),
      ]),
    );
    const woken = [...held.values()].filter((one) => [...one.waitsFor].some((name) => changed.has(name)));
    for (const { item, prepared } of woken) if (held.has(item.seq)) await turn(item, prepared);
  }

  async function endHolds(until: number): Promise<void> {
    for (;;) {
      const next = [...held.values()].filter((one) => one.until <= until).sort((a, b) => a.until - b.until)[0];
      if (next === undefined) return;
      clock.set(Math.max(clock.now(), next.until));
      const { item, prepared } = next;
      await turn(item, prepared);
      // Whatever became of it: a window ends once.
      held.delete(item.seq);
    }
  }

  return {
    revision,
    names,
    sourceOf,
    identify(event) {
      const source = sourceOf(event);
      return source === undefined ? undefined : identityOf(source, event, maxItems);
    },
    async take(event, identity, seq) {
      if (held.size > 0) await endHolds(event.receivedAt);
      clock.set(Math.max(clock.now(), event.receivedAt));
      const source = sourceOf(event);
      const intake = `source ${event.source}`;
      if (source === undefined) return onTurn({ event: seq, pipeline: intake, status: "no_source", ...untouched });
      if (event.body.byteLength > source.maxBodyBytes)
        return onTurn({ event: seq, pipeline: intake, status: "too_large", ...untouched });
      if (identity.unreadable !== undefined)
        return onTurn({ event: seq, pipeline: intake, status: "dead", why: identity.unreadable, ...untouched });
      const key = `${source.name}\n${identity.dedupeKey}`;
      if ((taken.get(key) ?? 0) > event.receivedAt)
        return onTurn({ event: seq, pipeline: intake, status: "duplicate", ...untouched });
      const windowMs = identity.dedupeKey.startsWith("h:") ? source.hashWindowMs : source.dedupeWindowMs;
      taken.set(key, event.receivedAt + windowMs);
      const stored = toStored(event, identity, { seq, source, revision: revision.hash });
      for (const pipeline of deps.routes.listening(source, identity.type)) {
        const asked: WorkItem = { seq: ++work, pipeline, status: "ready", event: stored };
        const { item, prepared } = await fetched(asked, event.answers ?? []);
        if (prepared.kind === "fetch") onTurn({ event: seq, pipeline, status: "needs_fetch", ...untouched });
        else await turn(item, prepared);
      }
    },
    finish: endHolds,
  };
}

const untouched = { refs: [], writes: [], effects: [] } as const;

/** What decides whether it is newer than another: clock, time and rank, never receipt. */
function versionIn(event: StoredEvent, prepared: Prepared): string | undefined {
  if (prepared.kind !== "mapped") return undefined;
  const { mapped } = prepared;
  const own = mapped.writes.flatMap((write) => ownVersionOf(event, mapped.rule, write) ?? []);
  const versions = own.length > 0 ? own : [versionOf(event, mapped.rule)];
  return versions.map(({ clock = "", time, rank }) => `${clock} ${time} ${rank}`).join("\n");
}

/**
 * The plan: the same events through two revisions, each on a store in memory that begins with what stood at the window's
 * start, and what the second would write otherwise. In: two revisions and events. Out: a report that may be shown. It
 * writes nothing and sends nothing.
 */
import type { Revision } from "../config/revision.ts";
import type { Evaluator } from "../core/expression.ts";
import type { PastState } from "../store/read-past.ts";
import { type BreakingFinder, type BreakingOptions, createBreakingFinder } from "./breaking.ts";
import { createDifferences, type Differences, inWordsOf } from "./differences.ts";
import { type Identity, identityAsStored, type PlanEvent, readsAsStored } from "./events.ts";
import { namesBy } from "./names.ts";
import type { PipelineChange, PlanBasis, PlanReport, PlanSide } from "./report.ts";
import type { Shown } from "./shown.ts";
import { createSide, type Side, type SideOptions } from "./side.ts";
import type { Turn } from "./turn.ts";

/** Events that share a world: all stored ones, or those of one sample sequence. */
export interface Scenario {
  readonly events: AsyncIterable<PlanEvent> | Iterable<PlanEvent>;
  readonly past?: PastState;
  /** Hold windows run until here, ms since the epoch; absent: they stay as they are after the last event. */
  readonly until?: number;
}

export interface PlanOptions {
  readonly before: Revision;
  readonly after: Revision;
  readonly labels: { readonly before: string; readonly after: string };
  readonly scenarios: Iterable<Scenario>;
  readonly basis: Pick<PlanBasis, "kind"> & Partial<PlanBasis>;
  readonly shown: Shown;
  readonly evaluator: Evaluator;
  readonly rows?: NonNullable<BreakingOptions["rows"]>;
  /** After each event: how many are done. */
  readonly onProgress?: (done: number) => void;
}

export async function makePlan(options: PlanOptions): Promise<PlanReport> {
  const { before, after, shown } = options;
  const differences = createDifferences(shown);
  const breaking = createBreakingFinder(options);
  const seen = { events: 0, from: undefined as number | undefined, to: undefined as number | undefined, notFetched: 0 };
  for (const scenario of options.scenarios) await play(scenario, { ...options, differences, breaking, seen });
  const pipelines = differences.pipelines(kindsOf(before, after));
  return {
    before: sideOf(before, options.labels.before),
    after: sideOf(after, options.labels.after),
    basis: {
      more: 0,
      bodiesGone: 0,
      ...options.basis,
      events: seen.events,
      notFetched: seen.notFetched,
      ...(seen.from === undefined ? {} : { from: seen.from }),
      ...(seen.to === undefined ? {} : { to: seen.to }),
    },
    pipelines,
    breaking: breaking.found(),
    unchanged: differences.unchanged(),
  };
}

function sideOf({ hash, gitCommit }: Revision, label: string): PlanSide {
  return { label, revision: hash, ...(gitCommit === undefined ? {} : { gitCommit }) };
}

function kindsOf(before: Revision, after: Revision): (pipeline: string) => PipelineChange["kind"] {
  const names = namesBy(after.moved);
  const had = new Set(before.pipelines.filter((one) => one.enabled).map((one) => names.pipeline(one.name)));
  const has = new Set(after.pipelines.filter((one) => one.enabled).map((one) => one.name));
  return (pipeline) =>
    has.has(pipeline) && !had.has(pipeline) ? "added" : had.has(pipeline) && !has.has(pipeline) ? "removed" : "changed";
}

interface Playing extends PlanOptions {
  readonly differences: Differences;
  readonly breaking: BreakingFinder;
  readonly seen: { events: number; from: number | undefined; to: number | undefined; notFetched: number };
}

/** Turns that are not compared yet, by `seq pipeline`: at most those of one event, and what is held. */
type Turns = Map<string, Turn>;

async function play(scenario: Scenario, playing: Playing): Promise<void> {
  const { seen } = playing;
  const names = namesBy(playing.after.moved);
  const turns: { readonly before: Turns; readonly after: Turns } = { before: new Map(), after: new Map() };
  const side = (of: "before" | "after"): Side =>
    createSide({ ...sideOptions(scenario, playing), revision: playing[of], onTurn: (turn) => hear(turn, of) });
  const hear = (given: Turn, of: "before" | "after"): void => {
    const turn = of === "before" ? inWordsOf(given, names) : given;
    turns[of].set(`${turn.event} ${turn.pipeline}`, turn);
  };
  const before = side("before");
  const after = side("after");
  const shownAs = new Map<number, string>();
  let seq = 0;
  for await (const event of scenario.events) {
    seq = event.stored?.seq ?? seq + 1;
    shownAs.set(seq, event.name);
    const { older, newer } = identities(event, before, after);
    compareDoors(event, { before, after, older, newer }, playing.breaking);
    await before.take(event, older, seq);
    await after.take(event, newer, seq);
    compareDone(turns, shownAs, { playing, onlyDone: true });
    seen.events++;
    seen.from = Math.min(seen.from ?? event.receivedAt, event.receivedAt);
    seen.to = Math.max(seen.to ?? event.receivedAt, event.receivedAt);
    playing.onProgress?.(seen.events);
  }
  if (scenario.until !== undefined) {
    await before.finish(scenario.until);
    await after.finish(scenario.until);
  }
  compareDone(turns, shownAs, { playing, onlyDone: false });
}

function sideOptions(scenario: Scenario, { evaluator }: Playing): Omit<SideOptions, "revision" | "onTurn"> {
  return { evaluator, ...(scenario.past === undefined ? {} : { past: scenario.past }) };
}

/** Another reading counts only where the older recipe reads the event as intake did: not all of a request is stored. */
function identities(
  event: PlanEvent,
  before: Side,
  after: Side,
): { readonly older: Identity; readonly newer: Identity } {
  const older = before.identify(event);
  const newer = after.identify(event);
  const { stored } = event;
  if (stored !== undefined && (older === undefined || !readsAsStored(older, stored))) {
    const known = identityAsStored(stored);
    return { older: known, newer: known };
  }
  const some = older ?? newer ?? nobody;
  return { older: older ?? some, newer: newer ?? some };
}

/** Of an event that neither side takes. */
const nobody: Identity = {
  dedupeKey: "",
  providerId: "",
  type: "",
  occurredAt: 0,
  clockResolutionMs: 1,
  rank: 0,
};

function compareDoors(
  event: PlanEvent,
  sides: { readonly before: Side; readonly after: Side; readonly older: Identity; readonly newer: Identity },
  breaking: BreakingFinder,
): void {
  const source = sides.before.sourceOf(event);
  if (source === undefined) return;
  const now = sides.after.sourceOf(event);
  breaking.source(event.name, source, now);
  if (now !== undefined) breaking.identity(event.name, now.name, sides.older, sides.newer);
}

function compareDone(
  { before, after }: { readonly before: Turns; readonly after: Turns },
  shownAs: Map<number, string>,
  { playing, onlyDone }: { readonly playing: Playing; readonly onlyDone: boolean },
): void {
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key), after.get(key)];
    if (onlyDone && (was?.status === "held" || is?.status === "held")) continue;
    before.delete(key);
    after.delete(key);
    const seq = (was ?? is)?.event ?? 0;
    const event = shownAs.get(seq) ?? String(seq);
    if (was?.status === "needs_fetch" || is?.status === "needs_fetch") playing.seen.notFetched++;
    playing.differences.compare(event, was, is);
    if (was !== undefined && is !== undefined) playing.breaking.turn(event, was, is);
  }
}

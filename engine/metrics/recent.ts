/** The last minutes of each pipeline, for people: rates, success and lags in a ring of short slots. Nothing is stored. */
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../flow/observer.ts";
import type { PipelineStats } from "../flow/pipeline-stats.ts";

export interface Recent {
  readonly observer: Observer;
  /** Of the last `windowMs`, at most five minutes; pipelines that were heard of, in no order. */
  stats(windowMs: number): readonly PipelineStats[];
  /** Turns that ended in each slot of the last five minutes, oldest first. */
  history(pipeline: string): readonly number[];
  /** Resends of a source that were answered and changed nothing. */
  duplicates(source: string, windowMs: number): number;
}

const SLOT_MS = 5_000;
const SLOTS = 60;
/** Bands of lags: each is 1.2 times as wide as the one before, from 1 ms to some days. */
const BANDS = 112;
const WIDTH = Math.log(1.2);

interface Slot {
  at: number;
  events: number;
  delivered: number;
  retries: number;
  dead: number;
  skipped: number;
  readonly lags: Uint32Array;
}

const bandOf = (lagMs: number): number =>
  Math.min(BANDS - 1, Math.max(0, Math.ceil(Math.log(Math.max(1, lagMs)) / WIDTH)));

export function createRecent(clock: Pick<Clock, "now">): Recent {
  const pipelines = new Map<string, Slot[]>();
  const resent = new Map<string, { at: number; count: number }[]>();

  function countResends(source: string, count: number): void {
    const ring = resent.get(source) ?? [];
    resent.set(source, ring);
    const at = Math.floor(clock.now() / SLOT_MS);
    const found = ring[at % SLOTS];
    ring[at % SLOTS] = { at, count: count + (found?.at === at ? found.count : 0) };
  }

  function slotOf(pipeline: string): Slot {
    const ring = pipelines.get(pipeline) ?? [];
    pipelines.set(pipeline, ring);
    const at = Math.floor(clock.now() / SLOT_MS);
    const index = at % SLOTS;
    const found = ring[index];
    if (found !== undefined && found.at === at) return found;
    const made: Slot = {
      ...{ at, events: 0, delivered: 0, retries: 0, dead: 0, skipped: 0 },
      lags: found?.lags.fill(0) ?? new Uint32Array(BANDS),
    };
    ring[index] = made;
    return made;
  }

  function done(slot: Slot, lagMs: number): void {
    const band = bandOf(lagMs);
    slot.lags[band] = (slot.lags[band] ?? 0) + 1;
  }

  const slotsSince = (pipeline: string, windowMs: number): Slot[] => {
    const first = Math.floor((clock.now() - Math.min(windowMs, SLOTS * SLOT_MS)) / SLOT_MS) + 1;
    return (pipelines.get(pipeline) ?? []).filter((slot) => slot !== undefined && slot.at >= first);
  };

  return {
    observer: {
      ingested({ source, kinds = [] }) {
        const again = kinds.filter((kind) => kind === "duplicate").length;
        if (source !== undefined && again > 0) countResends(source, again);
      },
      connectionPaused() {},
      fault() {},
      applied({ pipeline, status, deliveries, lagMs }) {
        if (status === "held") return;
        const slot = slotOf(pipeline);
        slot.events++;
        if (status === "dead") slot.dead++;
        if (status === "skipped") slot.skipped++;
        if (status === "applied" && deliveries === 0) done(slot, lagMs);
      },
      attempted({ pipeline, outcome, lagMs }) {
        const slot = slotOf(pipeline);
        if (outcome === "retrying" || outcome === "unknown") slot.retries++;
        else if (outcome === "dead") slot.dead++;
        else if (outcome === "delivered") {
          slot.delivered++;
          done(slot, lagMs);
        }
      },
    },
    stats: (windowMs) =>
      [...pipelines.keys()].map((pipeline) => sumUp(pipeline, slotsSince(pipeline, windowMs), windowMs)),
    duplicates(source, windowMs) {
      const first = Math.floor((clock.now() - Math.min(windowMs, SLOTS * SLOT_MS)) / SLOT_MS) + 1;
      const slots = (resent.get(source) ?? []).filter((slot) => slot !== undefined && slot.at >= first);
      return slots.reduce((sum, slot) => sum + slot.count, 0);
    },
    history(pipeline) {
      const last = Math.floor(clock.now() / SLOT_MS);
      const slots = new Map(slotsSince(pipeline, SLOTS * SLOT_MS).map((slot) => [slot.at, slot.events]));
      return Array.from({ length: SLOTS }, (_, index) => slots.get(last - SLOTS + 1 + index) ?? 0);
    },
  };
}

function sumUp(pipeline: string, slots: readonly Slot[], windowMs: number): PipelineStats {
  const sum = (key: "events" | "delivered" | "retries" | "dead" | "skipped") =>
    slots.reduce((total, slot) => total + slot[key], 0);
  const counts = { events: sum("events"), delivered: sum("delivered"), retries: sum("retries") };
  const [dead, skipped] = [sum("dead"), sum("skipped")];
  const lags = Array.from({ length: BANDS }, (_, band) =>
    slots.reduce((all, { lags: of }) => all + (of[band] ?? 0), 0),
  );
  const ended = lags.reduce((all, one) => all + one, 0) + skipped;
  const [p50, p95] = [quantile(lags, 0.5), quantile(lags, 0.95)];
  return {
    pipeline,
    rate: counts.events / (Math.min(windowMs, SLOTS * SLOT_MS) / 1_000),
    ...counts,
    dead,
    skipped,
    ...(ended + dead === 0 ? {} : { success: ended / (ended + dead) }),
    ...(p50 === undefined ? {} : { lagP50: p50 }),
    ...(p95 === undefined ? {} : { lagP95: p95 }),
  };
}

function quantile(lags: readonly number[], share: number): number | undefined {
  const all = lags.reduce((sum, one) => sum + one, 0);
  if (all === 0) return undefined;
  let left = Math.ceil(all * share);
  const band = lags.findIndex((count) => {
    left -= count;
    return left <= 0;
  });
  return Math.round(Math.exp(band * WIDTH));
}

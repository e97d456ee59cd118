/** One event comes to a world: dedupe, its turn in each pipeline, and those of whoever waited for what it changed. */
import { refKey } from "../core/record.ts";
import { applyPrepared } from "../flow/apply.ts";
import type { Prepared } from "../flow/prepare.ts";
import type { ApplyCommit, Store, WorkItem } from "../store/store.ts";
import { namesOf } from "../worker/turn.ts";
import { type Intake, type TraceEvent, workItem } from "./trace-events.ts";
import { seqOf, storeOf, type World } from "./trace-world.ts";

export type Receive = (world: World, event: TraceEvent) => Promise<void>;

/** `onCommit` hears what each turn commits. */
export function createReceiver(
  intake: Pick<Intake, "deps" | "now">,
  onCommit: (commit: ApplyCommit) => void = () => {},
): Receive {
  const pipelines: string[] = [];
  /** Work is taken in order of receipt, and for one event in that of the pipelines. */
  const workOf = (seq: number, pipeline: string): number => {
    if (!pipelines.includes(pipeline)) pipelines.push(pipeline);
    return seq * 1_000 + pipelines.indexOf(pipeline);
  };

  async function take(world: World, item: WorkItem, prepared: Prepared): Promise<void> {
    const before = world.held.get(item.seq);
    let waitsFor = before?.waitsFor ?? new Set<string>();
    const store = storeOf(world);
    const noting: typeof store = {
      ...store,
      commitApply(commit) {
        onCommit(commit);
        if (commit.outcome.status === "held") waitsFor = new Set(commit.outcome.waitsFor.map(refKey));
        return store.commitApply(commit);
      },
    };
    const applied = await applyPrepared(item, prepared, {
      ...intake.deps,
      // An apply step uses no more of a store than this.
      store: noting as unknown as Store,
    });
    if (applied.status === "held") {
      world.held.set(item.seq, { item: { ...item, status: "held", heldSince: intake.now }, waitsFor, prepared });
      return;
    }
    world.held.delete(item.seq);
    const names = new Set(applied.changed.length === 0 ? [] : namesOf(applied).map(refKey));
    const woken = [...world.held.values()].filter((held) => [...held.waitsFor].some((name) => names.has(name)));
    for (const held of woken.sort((a, b) => a.item.seq - b.item.seq)) {
      if (world.held.has(held.item.seq)) await take(world, held.item, held.prepared);
    }
  }

  return async (world, event) => {
    const fresh = event.items.filter(({ event: { source, dedupeKey } }) => {
      const key = `${source}\n${dedupeKey}`;
      if (world.taken.has(key)) return false;
      world.taken.add(key);
      return true;
    });
    if (fresh.length === 0) return;
    const arrival = world.arrived.push(event.position) - 1;
    for (const item of fresh) {
      const seq = seqOf(arrival, event.items.indexOf(item));
      for (const { pipeline, prepared } of item.turns)
        await take(world, workItem(item.event, { pipeline, seq, work: workOf(seq, pipeline) }), prepared);
    }
  };
}

/**
 * Every order of arrival of a trace, with any one event sent again at any later place. Orders that have led to worlds
 * which nothing can tell apart go on as one: seven events have 5,040 orders, and seldom more than 128 worlds.
 */

import { refKey } from "../core/record.ts";
import { applyPrepared } from "../flow/apply.ts";
import type { Prepared } from "../flow/prepare.ts";
import type { Store, WorkItem } from "../store/store.ts";
import { namesOf } from "../worker/apply-loop.ts";
import { type TraceEvents, workItem } from "./trace-events.ts";
import { emptyWorld, fingerprint, fork, seqOf, storeOf, type World } from "./trace-world.ts";

/** One way to a world. */
export interface Explored {
  readonly world: World;
  /** Positions in the trace, from 0, as they arrived; the one that came twice is in it twice. */
  readonly path: readonly number[];
}

export interface Exploration {
  /** Worlds in which some order ends; the declared order's first. */
  readonly ends: readonly Explored[];
  /** Steps that were really taken. */
  readonly steps: number;
  /** True when there were more worlds than the limit and a sample of them went on. */
  readonly sampled: boolean;
}

export interface ExploreLimits {
  /** Worlds that go on from one length to the next. */
  readonly maxWorlds: number;
  /** In [0, 1): chooses the sample. */
  readonly random: () => number;
}

interface Node extends Explored {
  readonly print: string;
  readonly again: boolean;
}

export async function explore(trace: TraceEvents, limits: ExploreLimits): Promise<Exploration> {
  const walk = createWalk(trace);
  let level: readonly Node[] = [{ world: emptyWorld(), path: [], print: "", again: false }];
  let sampled = false;
  for (let length = 0; length < trace.events.length; length++) {
    const next = new Map<string, Node>();
    for (const node of await walk.withRepeats(level)) {
      for (const { position } of trace.events) {
        if (node.path.includes(position)) continue;
        keep(next, await walk.arrive(node, position));
      }
    }
    level = [...next.values()];
    if (level.length > limits.maxWorlds) {
      sampled = true;
      level = sample(level, limits);
    }
  }
  return { ends: await walk.withRepeats(level), steps: walk.steps(), sampled };
}

/** The first way to a world stays: it is the one nearest to the declared order. */
function keep(level: Map<string, Node>, node: Node): void {
  const key = `${[...new Set(node.path)].sort((a, b) => a - b).join()} ${node.again} ${node.print}`;
  if (!level.has(key)) level.set(key, node);
}

/** The first, which is the declared order, and others by lot. */
function sample(level: readonly Node[], { maxWorlds, random }: ExploreLimits): Node[] {
  const [first, ...rest] = level;
  const drawn = rest
    .map((node, index) => ({ node, index, lot: random() }))
    .sort((a, b) => a.lot - b.lot)
    .slice(0, Math.max(0, maxWorlds - 1))
    .sort((a, b) => a.index - b.index);
  return [...(first === undefined ? [] : [first]), ...drawn.map(({ node }) => node)];
}

function createWalk(trace: TraceEvents) {
  const byPosition = new Map(trace.events.map((event) => [event.position, event]));
  const prepared = new Map<string, Prepared>();
  for (const { position, items } of trace.events) {
    for (const [index, { turns }] of items.entries())
      for (const turn of turns) prepared.set(`${position}.${index} ${turn.pipeline}`, turn.prepared);
  }
  const pipelines = [
    ...new Set(trace.events.flatMap(({ items }) => items.flatMap(({ turns }) => turns.map((turn) => turn.pipeline)))),
  ];
  let steps = 0;

  async function arrive(node: Explored & { readonly again: boolean }, position: number): Promise<Node> {
    const world = fork(node.world);
    const repeated = node.path.includes(position);
    await receive(world, position);
    return {
      world,
      path: [...node.path, position],
      print: fingerprint(world, trace.ties),
      again: node.again || repeated,
    };
  }

  async function receive(world: World, position: number): Promise<void> {
    steps++;
    const event = byPosition.get(position);
    const arrival = world.arrived.push(position) - 1;
    const fresh = (event?.items ?? []).filter(({ event: { source, dedupeKey } }) => {
      const key = `${source}\n${dedupeKey}`;
      if (world.taken.has(key)) return false;
      world.taken.add(key);
      return true;
    });
    if (fresh.length === 0) world.arrived.pop();
    for (const item of fresh) {
      const index = event?.items.indexOf(item) ?? 0;
      for (const { pipeline } of item.turns) {
        const seq = seqOf(arrival, index);
        const work = seq * pipelines.length + pipelines.indexOf(pipeline);
        await take(world, workItem(item.event, { pipeline, seq, work }), `${position}.${index} ${pipeline}`);
      }
    }
  }

  /** One turn, and then those of whoever waited for what it changed: as the apply loop does. */
  async function take(world: World, item: WorkItem, key: string): Promise<void> {
    let waitsFor: readonly string[] = [];
    const store = storeOf(world);
    const noting: typeof store = {
      ...store,
      commitApply(commit) {
        waitsFor = commit.outcome.status === "held" ? commit.outcome.waitsFor.map(refKey) : [];
        world.held.delete(commit.workSeq);
        return store.commitApply(commit);
      },
    };
    const before = world.held.get(item.seq);
    const applied = await applyPrepared(item, prepared.get(key) as Prepared, {
      ...trace.deps,
      // An apply step uses no more of a store than this.
      store: noting as unknown as Store,
    });
    if (applied.status === "held") {
      world.held.set(item.seq, {
        item: { ...item, status: "held", heldSince: trace.now },
        // Nothing new to say: it waits for what it waited for.
        waitsFor: waitsFor.length > 0 ? new Set(waitsFor) : (before?.waitsFor ?? new Set()),
        key,
      });
      return;
    }
    const names = new Set(applied.changed.length === 0 ? [] : namesOf(applied).map(refKey));
    const woken = [...world.held.values()].filter((held) => [...held.waitsFor].some((name) => names.has(name)));
    for (const held of woken.sort((a, b) => a.item.seq - b.item.seq)) {
      if (world.held.has(held.item.seq)) await take(world, held.item, held.key);
    }
  }

  return {
    arrive,
    steps: () => steps,
    /** The worlds, and those that differ from them once an event that has arrived comes again. */
    async withRepeats(level: readonly Node[]): Promise<readonly Node[]> {
      const all = [...level];
      for (const node of level) {
        if (node.again) continue;
        for (const position of node.path) {
          const after = await arrive(node, position);
          if (after.print !== node.print) all.push(after);
        }
      }
      return all;
    },
  };
}

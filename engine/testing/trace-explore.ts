/**
 * Every order of arrival of a trace, with any one event sent again at any later place. Orders that have led to worlds
 * which nothing can tell apart go on as one: seven events have 5,040 orders, and seldom more than 128 worlds.
 */

import type { TraceEvents } from "./trace-events.ts";
import { createReceiver } from "./trace-receive.ts";
import { emptyWorld, fingerprint, fork, type World } from "./trace-world.ts";

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
  const receive = createReceiver(trace);
  let steps = 0;

  async function arrive(node: Explored & { readonly again: boolean }, position: number): Promise<Node> {
    const world = fork(node.world);
    const event = byPosition.get(position);
    steps++;
    if (event !== undefined) await receive(world, event);
    return {
      world,
      path: [...node.path, position],
      print: fingerprint(world, trace.ties),
      again: node.again || node.path.includes(position),
    };
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

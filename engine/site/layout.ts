/** Places the nodes of a graph: a column for each kind, ordered so that few edges cross. Pure and deterministic. */
import type { Graph, GraphNode, NodeKind } from "./graph.ts";

export interface Placed {
  readonly node: GraphNode;
  readonly column: number;
  /** Upper left corner. */
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly placed: ReadonlyMap<string, Placed>;
  readonly width: number;
  readonly height: number;
}

export const NODE = { width: 196, height: 48 } as const;
const GAP = { column: 104, row: 16, margin: 12 } as const;

const COLUMN: Readonly<Record<NodeKind, number>> = { source: 0, pipeline: 1, rule: 1, entity: 2, connection: 3 };
/** Enough for orders to settle: each sweep pulls nodes to the middle of their neighbours. */
const SWEEPS = 8;

export function layOut(graph: Graph): Layout {
  const columns = [0, 1, 2, 3].map((column) => graph.nodes.filter((node) => COLUMN[node.kind] === column));
  const neighbours = new Map<string, string[]>();
  for (const { from, to } of graph.edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  const order = new Map(columns.flatMap((nodes) => nodes.map((node, index) => [node.id, index] as const)));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const across = sweep % 2 === 0 ? columns : columns.toReversed();
    for (const nodes of across) arrange(nodes, neighbours, order);
  }
  const used = columns.filter((nodes) => nodes.length > 0);
  const tallest = Math.max(1, ...used.map((nodes) => nodes.length));
  const height = tallest * NODE.height + (tallest - 1) * GAP.row + 2 * GAP.margin;
  const placed = new Map<string, Placed>();
  used.forEach((nodes, column) => {
    const own = nodes.length * NODE.height + (nodes.length - 1) * GAP.row;
    const top = (height - own) / 2;
    nodes.forEach((node, row) => {
      const x = GAP.margin + column * (NODE.width + GAP.column);
      placed.set(node.id, { node, column, x, y: top + row * (NODE.height + GAP.row) });
    });
  });
  const width = 2 * GAP.margin + used.length * NODE.width + Math.max(0, used.length - 1) * GAP.column;
  // The last column's own arcs, from entity to parent where nothing is delivered, need room beside it.
  return { placed, width: width + GAP.column / 2, height };
}

/** Sorts one column in place by where its neighbours stand. */
function arrange(
  nodes: GraphNode[],
  neighbours: ReadonlyMap<string, readonly string[]>,
  order: Map<string, number>,
): void {
  const centre = (node: GraphNode) => {
    const around = (neighbours.get(node.id) ?? []).map((id) => order.get(id) ?? 0);
    return around.length === 0 ? (order.get(node.id) ?? 0) : around.reduce((sum, at) => sum + at, 0) / around.length;
  };
  const middles = new Map(nodes.map((node) => [node.id, centre(node)]));
  nodes.sort(
    (a, b) => (middles.get(a.id) ?? 0) - (middles.get(b.id) ?? 0) || (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0),
  );
  nodes.forEach((node, index) => {
    order.set(node.id, index);
  });
}

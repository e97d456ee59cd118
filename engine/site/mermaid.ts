/** Graphs and state machines as Mermaid, which GitHub and GitLab draw inside Markdown. */
import type { EntityModel } from "../core/entity.ts";
import type { Graph, GraphNode, NodeKind } from "./graph.ts";

const COLUMNS: readonly { readonly kinds: readonly NodeKind[]; readonly title: string }[] = [
  { kinds: ["source"], title: "Sources" },
  { kinds: ["pipeline", "rule"], title: "Pipelines" },
  { kinds: ["entity"], title: "Entities" },
  { kinds: ["connection"], title: "Connections" },
];

const SHAPES: Readonly<Record<NodeKind, readonly [string, string]>> = {
  source: ["([", "])"],
  pipeline: ["[", "]"],
  rule: ["[", "]"],
  entity: ["[(", ")]"],
  connection: ["[/", "/]"],
};

export function mermaidGraph(graph: Graph): string {
  const short = new Map(graph.nodes.map((node, index) => [node.id, `n${index}`]));
  const lineOf = (node: GraphNode) => {
    const [open, close] = SHAPES[node.kind];
    const label = node.note === "" ? quoted(node.name) : `${quoted(node.name)}<br/>${quoted(node.note)}`;
    return `    ${short.get(node.id)}${open}"${label}"${close}`;
  };
  const groups = COLUMNS.flatMap(({ kinds, title }) => {
    const nodes = graph.nodes.filter((node) => kinds.includes(node.kind));
    return nodes.length === 0 ? [] : [`  subgraph ${title}`, ...nodes.map(lineOf), "  end"];
  });
  const edges = graph.edges.map(({ from, to, label, kind }) => {
    const arrow = kind === "flow" ? "-->" : "-.->";
    const text = label === "" ? "" : `|"${quoted(label)}"|`;
    return `  ${short.get(from)} ${arrow}${text} ${short.get(to)}`;
  });
  return ["flowchart LR", ...groups, ...edges].join("\n");
}

/** Undefined where an entity has no states. Without declared transitions every move is allowed: only the states are drawn. */
export function mermaidStates(entity: EntityModel): string | undefined {
  if (entity.states.length === 0) return undefined;
  const names = new Map(entity.states.map((state, index) => [state, `s${index}`]));
  const states = entity.states.map((state) => `  state "${quoted(state)}" as ${names.get(state)}`);
  const moves = [...(entity.transitions ?? [])].flatMap(([from, targets]) =>
    [...targets].map((to) => `  ${names.get(from)} --> ${names.get(to)}`),
  );
  return ["stateDiagram-v2", "  direction LR", ...states, ...moves].join("\n");
}

/** Mermaid reads entities, and ends a label at a quote. */
const quoted = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

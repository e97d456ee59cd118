/** The pipeline graph: sources, pipelines (or their rules), entities and connections, with their owners, in four columns. */

import type { PipelineModel, Revision } from "../config/revision.ts";
import type { DeliverModel } from "../delivery/model.ts";
import { ruleName } from "./inventory.ts";

export type NodeKind = "source" | "pipeline" | "rule" | "entity" | "connection";

export interface GraphNode {
  readonly id: string;
  readonly kind: NodeKind;
  readonly name: string;
  /** A second line: owner, provider, sink. */
  readonly note: string;
  /** Its page below the site, where it has one. */
  readonly page?: string;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** `fetch`: it reads from there; `parent`: the value rises to the parent entity. */
  readonly kind: "flow" | "fetch" | "parent";
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export const pageOf = (kind: Exclude<NodeKind, "rule"> | "team", name: string): string => {
  const folders = {
    source: "sources",
    pipeline: "pipelines",
    entity: "entities",
    connection: "connections",
    team: "teams",
  };
  return `${folders[kind]}/${name}.html`;
};

/** All pipelines, one node each. */
export function overviewGraph(revision: Revision): Graph {
  return assemble(revision, revision.pipelines, (pipeline) => [
    { id: `pipeline:${pipeline.name}`, rules: pipeline.rules.map((_, index) => index), node: pipelineNode(pipeline) },
  ]);
}

/** One pipeline, a node for each of its rules. */
export function pipelineGraph(revision: Revision, pipeline: PipelineModel): Graph {
  return assemble(revision, [pipeline], () =>
    pipeline.rules.map((rule, index) => {
      const id = `rule:${pipeline.name}:${index}`;
      const events = rule.on.length > 2 ? `${rule.on[0]} and ${rule.on.length - 1} more` : rule.on.join(", ");
      return { id, rules: [index], node: { id, kind: "rule" as const, name: events, note: ruleName(rule) } };
    }),
  );
}

const pipelineNode = (pipeline: PipelineModel): GraphNode => ({
  id: `pipeline:${pipeline.name}`,
  kind: "pipeline",
  name: pipeline.name,
  note: pipeline.enabled ? pipeline.owner : `${pipeline.owner}, off`,
  page: pageOf("pipeline", pipeline.name),
});

interface Step {
  readonly id: string;
  readonly rules: readonly number[];
  readonly node: GraphNode;
}

function assemble(
  revision: Revision,
  pipelines: readonly PipelineModel[],
  stepsOf: (pipeline: PipelineModel) => readonly Step[],
): Graph {
  const nodes = new Map<string, GraphNode>();
  const edges = new Map<string, GraphEdge>();
  const addNode = (node: GraphNode) => void (nodes.has(node.id) || nodes.set(node.id, node));
  const addEdge = (from: string, to: string, label = "", kind: GraphEdge["kind"] = "flow") => {
    const key = `${from} ${to} ${kind}`;
    const labels = new Set([...(edges.get(key)?.label.split(", ") ?? []), label].filter((one) => one !== ""));
    edges.set(key, { from, to, label: [...labels].join(", "), kind });
  };
  const entity = (name: string) => {
    addNode(entityNode(revision, name));
    return `entity:${name}`;
  };
  for (const pipeline of pipelines) {
    const { name, provider } = pipeline.source;
    const source = `source:${name}`;
    addNode({ id: source, kind: "source", name, note: provider, page: pageOf("source", name) });
    for (const step of stepsOf(pipeline)) {
      addNode(step.node);
      addEdge(source, step.id);
      for (const index of step.rules) {
        const rule = pipeline.rules[index];
        if (rule === undefined) continue;
        const written = rule.writes.map((write) => write.entity);
        for (const one of written) addEdge(step.id, entity(one));
        if (rule.fetch !== undefined) {
          addNode(connectionNode(revision, rule.fetch.connection));
          addEdge(`connection:${rule.fetch.connection}`, step.id, "fetch", "fetch");
        }
        for (const entry of pipeline.deliver[index] ?? []) {
          addNode(connectionNode(revision, entry.connection));
          const about = entry.entity === undefined ? written : [entry.entity];
          for (const one of about) {
            addRise(revision, written, one, (from, to) => addEdge(entity(from), entity(to), "", "parent"));
            addEdge(entity(one), `connection:${entry.connection}`, deliverLabel(entry));
          }
        }
      }
    }
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** A delivery may be about a parent that no row writes: its value rises from the child. */
function addRise(
  revision: Revision,
  written: readonly string[],
  about: string,
  add: (from: string, to: string) => void,
): void {
  for (const name of written) if (revision.entities.get(name)?.parent === about) add(name, about);
}

function entityNode(revision: Revision, name: string): GraphNode {
  const owners = new Set([...(revision.entities.get(name)?.attributes.values() ?? [])].map((one) => one.owner));
  const note = owners.size > 2 ? `${owners.size} owners` : [...owners].sort().join(", ");
  return { id: `entity:${name}`, kind: "entity", name, note, page: pageOf("entity", name) };
}

function connectionNode(revision: Revision, name: string): GraphNode {
  const note = revision.connections.get(name)?.sink.name ?? "";
  return { id: `connection:${name}`, kind: "connection", name, note, page: pageOf("connection", name) };
}

const deliverLabel = (entry: DeliverModel): string =>
  entry.event === undefined ? entry.action : `${entry.action} ${entry.event}`;

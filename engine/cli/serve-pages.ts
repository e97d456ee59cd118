/** What the dashboard shows of the revision at work: its pipelines, their mapping tables and drawings. */
import { createDiskReader } from "../config/files.ts";
import type { PipelineModel, Revision } from "../config/revision.ts";
import type { OverviewDeps, PipelineDetail } from "../http/admin-overview.ts";
import { type Graph, pipelineGraph } from "../site/graph.ts";
import { mappingLines } from "../site/mapping-table.ts";
import { statesSvg } from "../site/states-svg.ts";
import { graphSvg } from "../site/svg.ts";

const PLACE = { kind: "page", up: "" } as const;

/** `revision` is asked each time; what is drawn is kept until it is another one. */
export function createPipelinePages(revision: () => Revision): OverviewDeps["pipelines"] {
  let of: Revision | undefined;
  let drawn = new Map<string, PipelineDetail>();
  return {
    list: () => revision().pipelines.map(declared),
    runbook: (path) => readRunbook(path, revision()),
    detail(name) {
      const current = revision();
      if (of !== current) {
        of = current;
        drawn = new Map();
      }
      const pipeline = current.pipelines.find((one) => one.name === name);
      if (pipeline === undefined) return undefined;
      const detail = drawn.get(name) ?? draw(current, pipeline);
      drawn.set(name, detail);
      return detail;
    },
  };
}

/** No runbook is as long; what is longer is cut. */
const MAX_RUNBOOK = 200_000;

/** Only what is declared as one: the path comes from whoever asks. Links that lead out of the folder are not followed. */
function readRunbook(path: string, { root, pipelines, alerts }: Revision): string | undefined {
  if (![...pipelines, ...alerts].some(({ runbook }) => runbook === path)) return undefined;
  const read = createDiskReader(root).read(path.replace(/[#?].*$/, ""));
  return read.ok ? read.text.slice(0, MAX_RUNBOOK) : undefined;
}

function declared({ name, description, owner, runbook, source, enabled, sla, deliver }: PipelineModel) {
  const connections = new Set(deliver.flat().map((one) => one.connection));
  return {
    name,
    description: description ?? null,
    owner,
    runbook: runbook ?? null,
    source: source.name,
    enabled,
    ...sla,
    connections: [...connections],
  };
}

function draw(revision: Revision, pipeline: PipelineModel): PipelineDetail {
  const lines = mappingLines(revision).filter((line) => line.pipeline === pipeline.name);
  const title = `From ${pipeline.source.name} through ${pipeline.name}`;
  const options = {
    title,
    description: "Events, rules, what they write and where it goes.",
    place: PLACE,
    id: "graph",
  };
  const written = new Set(lines.map((line) => line.entity));
  return {
    mapping: lines.map((line) => ({
      events: line.events,
      entity: line.entity,
      attribute: line.attribute,
      type: line.type,
      from: line.from,
      owner: line.owner,
      missing: line.missing,
      on_null: line.onNull,
      invalid: line.invalid,
      write: line.write,
      protected: line.protected,
      sensitive: line.sensitive,
      place: line.position === undefined ? null : `${line.position.file}:${line.position.line}`,
    })),
    graph: graphSvg(withoutLinks(pipelineGraph(revision, pipeline)), options),
    states: [...revision.entities.values()].flatMap((entity, index) => {
      if (!written.has(entity.name)) return [];
      const about = { title: `States of ${entity.name}`, description: "Which state may follow which.", place: PLACE };
      const svg = statesSvg(entity, { ...about, id: `states-${index}` });
      return svg === undefined ? [] : [{ entity: entity.name, svg }];
    }),
  };
}

/** The pages that its nodes would lead to are those of the static site. */
function withoutLinks(graph: Graph): Graph {
  return { ...graph, nodes: graph.nodes.map(({ page: _page, ...node }) => node) };
}

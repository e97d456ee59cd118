/**
 * Documents made from a revision: the mapping table, the event inventory and the graph, as Markdown, CSV and a static
 * site. Pure: the same config gives the same bytes, with no date in them.
 */
import type { Revision } from "../config/revision.ts";
import { csv } from "./escape.ts";
import { overviewGraph } from "./graph.ts";
import { type InventoryLine, inventoryLines } from "./inventory.ts";
import { type MappingLine, mappingLines } from "./mapping-table.ts";
import { markdownPages } from "./markdown-pages.ts";
import { sensitiveNames } from "./samples.ts";
import { sitePages } from "./site-pages.ts";
import { graphSvg } from "./svg.ts";

export const DOC_FORMATS = ["md", "csv", "html"] as const;
export type DocFormat = (typeof DOC_FORMATS)[number];

export interface DocumentOptions {
  readonly formats: ReadonlySet<DocFormat>;
  /** From the folder that is written to, to the folder of `config.yaml`: `../../`. */
  readonly toRoot: string;
  readonly name: string;
}

/** Where the site lies below the folder. */
export const SITE = "site";

/** Path below the folder -> content. */
export function documentsOf(revision: Revision, options: DocumentOptions): Readonly<Record<string, string>> {
  const mapping = mappingLines(revision);
  const events = inventoryLines(revision);
  const { formats, toRoot, name } = options;
  const picture = {
    "graph.svg": `${graphSvg(overviewGraph(revision), {
      title: name,
      description: "From the sources, over the pipelines and the entities they write, to the connections.",
      place: { kind: "alone" },
      id: "all",
    })}\n`,
  };
  const site = () =>
    sitePages({ revision, mapping, events, sensitive: sensitiveNames(revision), toRoot: `../${toRoot}` }, name);
  return {
    ...(formats.has("md") && { ...markdownPages({ revision, mapping, events, toRoot, name }), ...picture }),
    ...(formats.has("csv") && { "mapping.csv": csv(mappingCsv(mapping)), "events.csv": csv(eventsCsv(events)) }),
    ...(formats.has("html") &&
      Object.fromEntries(Object.entries(site()).map(([path, page]) => [`${SITE}/${path}`, page]))),
  };
}

function mappingCsv(lines: readonly MappingLine[]): readonly (readonly string[])[] {
  const heads =
    "pipeline,events,entity,attribute,kind,type,upstream_fields,expression,owner,missing,null,invalid,protected,sensitive,write,lowers,file,line";
  const yes = (flag: boolean) => (flag ? "yes" : "no");
  const rows = lines.map((line) => [
    line.pipeline ?? "",
    line.events.join("; "),
    line.entity,
    line.attribute,
    line.kind,
    line.type,
    line.upstream.join("; "),
    line.from,
    line.owner,
    line.missing,
    line.onNull,
    line.invalid,
    yes(line.protected),
    yes(line.sensitive),
    line.write,
    yes(line.lowers),
    line.position?.file ?? "",
    line.position === undefined ? "" : String(line.position.line),
  ]);
  return [heads.split(","), ...rows];
}

function eventsCsv(lines: readonly InventoryLine[]): readonly (readonly string[])[] {
  const heads =
    "event,source,provider,pipeline,enabled,rule,when,contract,samples,owner,alerts,lag,objective,runbook,entities,connections,file,line";
  const rows = lines.map((line) => [
    line.event,
    line.source,
    line.provider,
    line.pipeline,
    line.enabled ? "yes" : "no",
    line.rule,
    line.when,
    line.contract,
    line.samples.join("; "),
    line.owner,
    line.alerts,
    line.lag,
    line.objective,
    line.runbook,
    line.entities.join("; "),
    line.connections.join("; "),
    line.position.file,
    String(line.position.line),
  ]);
  return [heads.split(","), ...rows];
}

/** The page of one pipeline: owner and target, how it flows, its events, its mapping table, what it sends. */

import type { PipelineModel } from "../config/revision.ts";
import { formatDuration } from "../core/duration.ts";
import type { DeliverModel } from "../delivery/model.ts";
import { pageOf, pipelineGraph } from "./graph.ts";
import { alertWords, percent } from "./inventory.ts";
import { holdWords } from "./mapping-table.ts";
import { badge, code, facts, figure, joined, type Markup, type Page, raw, section, table, text } from "./page.ts";
import { eventsTable, type LinkContext, mappingTable, place, runbookLink, teamLink, to } from "./rows.ts";
import { contextAt, type SiteData } from "./site-data.ts";
import { graphSvg } from "./svg.ts";

export function pipelinePage(data: SiteData, pipeline: PipelineModel): Page {
  const { revision } = data;
  const path = pageOf("pipeline", pipeline.name);
  const context = contextAt(data, path);
  const alerts = alertWords(revision, pipeline);
  const about = facts([
    ["Owner", teamLink(context, pipeline.owner)],
    ["Source", to(context, "source", pipeline.source.name)],
    [
      "Target",
      text(`delivered within ${formatDuration(pipeline.sla.lagMs)}, ${percent(pipeline.sla.objective)} of the time`),
    ],
    ["Failures are told", alerts === "" ? badge("warn", "nowhere") : text(alerts)],
    ["Runbook", runbookLink(context, pipeline.runbook)],
    [
      "Contract",
      text(pipeline.contract === undefined ? "" : `${pipeline.contract.provider}/${pipeline.contract.version}`),
    ],
    ["A step that may not be yet", text(holdWords(pipeline.hold))],
    [
      "Tests",
      text(
        `${pipeline.tests.length} written, ${pipeline.traces.length} ${pipeline.traces.length === 1 ? "trace" : "traces"}`,
      ),
    ],
    ["File", place(pipeline.position)],
  ]);
  const picture = graphSvg(pipelineGraph(revision, pipeline), {
    title: `Flow of ${pipeline.name}`,
    description:
      "From its source, over its rules and the entities they write, to the connections. The tables below say the same.",
    place: { kind: "page", up: context.up },
    id: "flow",
  });
  const mapping = data.mapping.filter((line) => line.pipeline === pipeline.name);
  const events = data.events.filter((line) => line.pipeline === pipeline.name);
  return {
    path,
    title: pipeline.name,
    kind: "Pipeline",
    lead: pipeline.description ?? "",
    body: [
      about,
      pipeline.enabled ? "" : `<p>${badge("warn", "off").markup} It takes no events.</p>\n`,
      section("How it flows", figure(picture, `From ${pipeline.source.name} to the connections`)),
      section("Events", eventsTable(context, events, `Events of ${pipeline.name}`)),
      section("Mapping table", mappingTable(context, mapping, `What ${pipeline.name} writes`)),
      section("Deliveries", deliveries(context, pipeline)),
    ].join(""),
  };
}

function deliveries(context: LinkContext, pipeline: PipelineModel): string {
  const entries = new Map(pipeline.deliver.flat().map((entry) => [entry.id, entry]));
  const rows = [...entries.values()].map((entry) => [
    to(context, "connection", entry.connection),
    code(entry.event === undefined ? entry.action : `${entry.action} ${entry.event}`),
    entry.entity === undefined ? text("every entity it touched") : to(context, "entity", entry.entity),
    joined(conditionsOf(entry), "<br>"),
    place(entry.position),
  ]);
  return table(`What ${pipeline.name} sends`, ["To", "Action", "About", "When", "Where"], rows);
}

/** When an entry is sent: each condition it names. */
export function conditionsOf(entry: DeliverModel): readonly Markup[] {
  const { onChange, onEnter, from, once, when, notAfter } = entry;
  return [
    ...(onChange === undefined ? [] : [text(`one of these changed: ${onChange.join(", ")}`)]),
    ...(onEnter === undefined
      ? []
      : [text(`it enters ${onEnter.join(", ")}${from === undefined ? "" : ` from ${from.join(", ")}`}`)]),
    ...(once === undefined
      ? []
      : [
          text(
            once.length === 0
              ? "once in its life"
              : `once for each ${once.map((one) => one.source.trim()).join(" and ")}`,
          ),
        ]),
    ...(when === undefined ? [] : [code(when.source.trim())]),
    ...(notAfter === undefined ? [] : [raw(`not after ${code(notAfter.source.trim()).markup}`)]),
  ];
}

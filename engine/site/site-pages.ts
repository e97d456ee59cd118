/** The whole static site: first page, the two tables, a page for each thing, and what search looks through. */
import { readAsset } from "../core/assets.ts";
import { detailPages } from "./detail-pages.ts";
import { overviewGraph } from "./graph.ts";
import { facts, figure, type Page, renderPage, section, table, text } from "./page.ts";
import { eventsTable, mappingTable, runbookLink, teamLink, to } from "./rows.ts";
import { contextAt, type SiteData } from "./site-data.ts";
import { graphSvg } from "./svg.ts";

/** Path below the site's folder -> content. */
export function sitePages(data: SiteData, name: string): Readonly<Record<string, string>> {
  const pages = [indexPage(data, name), mappingPage(data), eventsPage(data), ...detailPages(data)];
  return {
    ...Object.fromEntries(pages.map((page) => [page.path, renderPage(page, name)])),
    "search-index.js": searchIndex(data, pages),
    "site.js": readAsset("engine/site/assets/site.js"),
    "style.css": readAsset("engine/site/assets/style.css"),
  };
}

function indexPage(data: SiteData, name: string): Page {
  const { revision, events, mapping } = data;
  const path = "index.html";
  const context = contextAt(data, path);
  const graph = overviewGraph(revision);
  const svg = graphSvg(graph, {
    title: "All pipelines",
    description:
      "From the sources, over the pipelines and the entities they write, to the connections. The tables below say the same.",
    place: { kind: "page", up: "" },
    id: "all",
  });
  const pipelines = revision.pipelines.map((one) => [
    to(context, "pipeline", one.name),
    text(one.description ?? ""),
    teamLink(context, one.owner),
    to(context, "source", one.source.name),
    runbookLink(context, one.runbook),
  ]);
  const count = (n: number, word: string, many = `${word}s`) => `${n} ${n === 1 ? word : many}`;
  return {
    path,
    title: name,
    kind: "Installation",
    lead: `${count(revision.pipelines.length, "pipeline")} take ${count(new Set(events.map(({ event }) => event)).size, "kind of event", "kinds of events")} and write ${count(new Set(mapping.filter(({ kind }) => kind === "attribute").map((line) => `${line.entity}.${line.attribute}`)).size, "attribute")}.`,
    body: [
      section("How it flows", figure(svg, "Sources, pipelines, entities and connections")),
      section("Pipelines", table("Pipelines", ["Pipeline", "What it does", "Owner", "Source", "Runbook"], pipelines)),
      section(
        "Everything else",
        facts([
          ["Sources", listOf(context, "source", revision.sources.keys())],
          ["Entities", listOf(context, "entity", revision.entities.keys())],
          ["Connections", listOf(context, "connection", revision.connections.keys())],
          ["Teams", listOf(context, "team", revision.teams.keys())],
        ]),
      ),
    ].join(""),
  };
}

function listOf(context: Parameters<typeof to>[0], kind: Parameters<typeof to>[1], names: Iterable<string>) {
  return { markup: [...names].map((name) => to(context, kind, name).markup).join(", ") };
}

function mappingPage(data: SiteData): Page {
  const context = contextAt(data, "mapping.html");
  return {
    path: "mapping.html",
    title: "Mapping table",
    kind: "Installation",
    lead: "Where each attribute comes from, whose it is, and what happens when the upstream field is missing, null or not of its type.",
    body: mappingTable(context, data.mapping, "Mapping table"),
  };
}

function eventsPage(data: SiteData): Page {
  const context = contextAt(data, "events.html");
  return {
    path: "events.html",
    title: "Events",
    kind: "Installation",
    lead: "Which events come in, what shows their payload, who owns them, where failures are told, and how fast they have to arrive.",
    body: eventsTable(context, data.events, "Event inventory"),
  };
}

/** A script and not JSON: a page on a disk may not fetch. */
function searchIndex({ mapping, events }: SiteData, pages: readonly Page[]): string {
  const entries = [
    ...pages.map((page) => ({ t: page.title, k: page.kind, u: page.path, w: page.lead })),
    ...mapping.map((line) => ({
      t: `${line.entity}.${line.attribute}`,
      k: "Attribute",
      u: `entities/${line.entity}.html`,
      w: [...line.upstream, line.owner, line.pipeline ?? "", line.kind].join(" "),
    })),
    ...events.map((line) => ({
      t: line.event,
      k: "Event",
      u: `pipelines/${line.pipeline}.html`,
      w: [line.pipeline, line.source, line.owner].join(" "),
    })),
  ];
  const unique = [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()];
  const lines = unique.map((entry) =>
    JSON.stringify(entry).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029"),
  );
  return `// Made by \`hookrail docs\`: what the search looks through.\nwindow.hookrailIndex = [\n${lines.join(",\n")}\n];\n`;
}

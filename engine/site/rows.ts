/** The tables of the site: mapping lines and events as rows with links. */
import { pageOf } from "./graph.ts";
import type { InventoryLine } from "./inventory.ts";
import type { MappingLine } from "./mapping-table.ts";
import { badge, code, joined, link, type Markup, raw, table, text } from "./page.ts";

export interface LinkContext {
  /** Up to the site's folder. */
  readonly up: string;
  /** From the site's folder to that of `config.yaml`, for runbooks. */
  readonly toRoot: string;
  readonly teams: ReadonlySet<string>;
}

export const to = (context: LinkContext, kind: Parameters<typeof pageOf>[0], name: string): Markup =>
  link(`${context.up}${pageOf(kind, name)}`, name);

export const teamLink = (context: LinkContext, name: string): Markup =>
  context.teams.has(name) ? to(context, "team", name) : text(name);

export const place = (position: { readonly file: string; readonly line: number } | undefined): Markup =>
  position === undefined
    ? raw("")
    : raw(`<small class="place">${code(`${position.file}:${position.line}`).markup}</small>`);

/** A runbook as a link: a URL as it is, a file from where the site lies. */
export function runbookLink(context: LinkContext, runbook: string | undefined): Markup {
  if (runbook === undefined || runbook === "") return badge("warn", "none");
  const href = /^https?:/i.test(runbook) ? runbook : `${context.up}${context.toRoot}${runbook}`;
  // `javascript:` and other schemes are no links.
  return /^[a-z][a-z0-9+.-]*:/i.test(runbook) && !/^https?:/i.test(runbook) ? text(runbook) : link(href, runbook);
}

const marks = (line: MappingLine): Markup =>
  joined(
    [
      ...(line.kind === "attribute" || line.kind === "computed" ? [] : [badge("plain", line.kind)]),
      ...(line.kind === "computed" ? [badge("plain", "computed")] : []),
      ...(line.protected ? [badge("good", "protected")] : []),
      ...(line.sensitive ? [badge("warn", "sensitive")] : []),
      ...(line.lowers ? [badge("warn", "may be lowered here")] : []),
    ],
    " ",
  );

export function mappingTable(context: LinkContext, lines: readonly MappingLine[], caption: string): string {
  const heads = [
    "Attribute",
    "Pipeline and events",
    "Upstream field",
    "How",
    "Owner",
    "Missing",
    "Null",
    "Invalid",
    "Of several",
    "Where",
  ];
  return table(
    caption,
    heads,
    lines.map((line) => [
      raw(`${to(context, "entity", line.entity).markup}<b>.${text(line.attribute).markup}</b> ${marks(line).markup}`),
      raw(
        line.pipeline === undefined
          ? "each"
          : `${to(context, "pipeline", line.pipeline).markup}<br>${joined(line.events.map(code)).markup}`,
      ),
      joined(line.upstream.map(code), "<br>"),
      code(line.from),
      teamLink(context, line.owner),
      text(line.missing),
      text(line.onNull),
      text(line.invalid),
      text(line.write),
      place(line.position),
    ]),
  );
}

export function eventsTable(context: LinkContext, lines: readonly InventoryLine[], caption: string): string {
  const heads = [
    "Event",
    "Pipeline",
    "Only when",
    "Payload",
    "Owner",
    "Failures are told",
    "Target",
    "Runbook",
    "Writes",
    "Goes to",
    "Where",
  ];
  return table(
    caption,
    heads,
    lines.map((line) => [
      code(line.event),
      raw(`${to(context, "pipeline", line.pipeline).markup}${line.enabled ? "" : ` ${badge("warn", "off").markup}`}`),
      code(line.when),
      payload(context, line),
      teamLink(context, line.owner),
      line.alerts === "" ? badge("warn", "nowhere") : text(line.alerts),
      text(`${line.lag}, ${line.objective}`),
      runbookLink(context, line.runbook),
      joined(line.entities.map((name) => to(context, "entity", name))),
      joined(line.connections.map((name) => to(context, "connection", name))),
      place(line.position),
    ]),
  );
}

function payload(context: LinkContext, line: InventoryLine): Markup {
  const samples = line.samples.map((name) =>
    link(`${context.up}${pageOf("source", line.source)}#${sampleId(name)}`, `sample ${name}`),
  );
  const contract = line.contract === "" ? [] : [text(`contract ${line.contract}`)];
  return [...contract, ...samples].length === 0
    ? badge("warn", "undocumented")
    : joined([...contract, ...samples], "<br>");
}

/** The anchor of a sample on its source's page. */
export const sampleId = (name: string): string => `sample-${name.replace(/[^A-Za-z0-9_.-]/g, "-")}`;

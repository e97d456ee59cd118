/** Pages of one thing each: an entity, a source, a connection, a team; pipelines have a file of their own. */

import type { SourceModel } from "../config/revision.ts";
import { formatDuration } from "../core/duration.ts";
import type { EntityModel } from "../core/entity.ts";
import { guaranteeNames } from "../delivery/guarantee.ts";
import { pageOf } from "./graph.ts";
import { computedFrom, typeWords, writeWords } from "./mapping-table.ts";
import { badge, code, facts, figure, joined, type Page, raw, section, table, text } from "./page.ts";
import { conditionsOf, pipelinePage } from "./pipeline-page.ts";
import { eventsTable, mappingTable, place, runbookLink, sampleId, teamLink, to } from "./rows.ts";
import { maskSample, samplesOf } from "./samples.ts";
import { contextAt, type SiteData } from "./site-data.ts";
import { statesSvg } from "./states-svg.ts";

/** All of them, in the order of the config. */
export function detailPages(data: SiteData): readonly Page[] {
  const { revision } = data;
  return [
    ...revision.pipelines.map((pipeline) => pipelinePage(data, pipeline)),
    ...[...revision.entities.values()].map((entity) => entityPage(data, entity)),
    ...[...revision.sources.values()].map((source) => sourcePage(data, source)),
    ...[...revision.connections.keys()].map((name) => connectionPage(data, name)),
    ...[...revision.teams.keys()].map((name) => teamPage(data, name)),
  ];
}

function entityPage(data: SiteData, entity: EntityModel): Page {
  const path = pageOf("entity", entity.name);
  const context = contextAt(data, path);
  const about = facts([
    ["Known by", text(entity.ids.join(", "))],
    ["Parent", entity.parent === undefined ? raw("") : to(context, "entity", entity.parent)],
    ["Children", joined(entity.children.map((name) => to(context, "entity", name)))],
    ["States", text(entity.states.join(", "))],
  ]);
  const attributes = [...entity.attributes.values()].map((attribute) => {
    const mine = data.mapping.filter((line) => line.entity === entity.name && line.attribute === attribute.name);
    const writers = [...new Set(mine.flatMap((line) => line.pipeline ?? []))];
    return [
      raw(
        `${text(attribute.name).markup} ${attribute.protected ? badge("good", "protected").markup : ""} ${attribute.sensitive ? badge("warn", "sensitive").markup : ""}`,
      ),
      text(typeWords(attribute)),
      teamLink(context, attribute.owner),
      text(writeWords(attribute)),
      text(attribute.clearable ? "yes" : "no"),
      writers.length > 0
        ? joined(writers.map((name) => to(context, "pipeline", name)))
        : code(computedFrom(attribute) ?? ""),
    ];
  });
  const svg = statesSvg(entity, {
    title: `States of ${entity.name}`,
    description: statesText(entity),
    place: { kind: "page", up: context.up },
    id: "states",
  });
  const moves = [...(entity.transitions ?? [])].map(([from, targets]) => [
    text(from),
    text([...targets].join(", ") || "nowhere: it is final"),
  ]);
  const written = data.mapping.filter((line) => line.entity === entity.name);
  return {
    path,
    title: entity.name,
    kind: "Entity",
    lead: "",
    body: [
      about,
      section(
        "Attributes",
        table(
          `Attributes of ${entity.name}`,
          ["Attribute", "Type", "Owner", "Of several values", "May be blanked", "Written by"],
          attributes,
        ),
      ),
      svg === undefined
        ? ""
        : section("States", figure(svg, statesText(entity)) + table(`Moves of ${entity.name}`, ["From", "To"], moves)),
      section("Where its values come from", mappingTable(context, written, `Mapping table of ${entity.name}`)),
    ].join(""),
  };
}

const statesText = (entity: EntityModel): string =>
  entity.transitions === undefined
    ? "The states, low to high. Every move between them is allowed."
    : "The states, low to high, and the moves between them that are allowed.";

function sourcePage(data: SiteData, source: SourceModel): Page {
  const path = pageOf("source", source.name);
  const context = contextAt(data, path);
  const events = data.events.filter((line) => line.source === source.name);
  const wanted = new Set(events.flatMap((line) => line.samples));
  const samples = samplesOf(source, wanted).map(
    ([name, body]) =>
      `<details id="${sampleId(name)}"><summary>${code(name).markup}</summary><pre><code>${text(JSON.stringify(maskSample(body, data.sensitive), undefined, 2)).markup}</code></pre></details>`,
  );
  return {
    path,
    title: source.name,
    kind: "Source",
    lead: `Events of ${source.recipe.title}.`,
    body: [
      facts([
        ["Provider", text(source.recipe.title)],
        ["Path", code(source.path)],
        [
          "Signed",
          source.recipe.verify.every((one) => one.scheme === "none")
            ? badge("warn", "no")
            : text("yes, checked before anything is stored"),
        ],
        ["Served", source.enabled ? text("yes") : badge("warn", "off")],
        ["Repeats are known for", text(formatDuration(source.dedupeWindowMs))],
        ["Only from", text((source.networks ?? []).join(", "))],
        [
          "Provider's documentation",
          joined(
            source.recipe.docs.map(({ url, about }) =>
              raw(/^https:/.test(url) ? `<a href="${text(url).markup}">${text(about).markup}</a>` : text(about).markup),
            ),
            "<br>",
          ),
        ],
        ["File", place(source.position)],
      ]),
      section("Events", eventsTable(context, events, `Events of ${source.name}`)),
      section(
        "Sample payloads",
        samples.join("\n"),
        "What looks like personal data, or feeds a sensitive attribute, is masked.",
      ),
    ].join(""),
  };
}

function connectionPage(data: SiteData, name: string): Page {
  const path = pageOf("connection", name);
  const context = contextAt(data, path);
  const connection = data.revision.connections.get(name);
  const users = data.revision.pipelines.flatMap((pipeline) => {
    const entries = new Map(pipeline.deliver.flat().map((entry) => [entry.id, entry]));
    return [...entries.values()]
      .filter((entry) => entry.connection === name)
      .map((entry) => [
        to(context, "pipeline", pipeline.name),
        code(entry.event === undefined ? entry.action : `${entry.action} ${entry.event}`),
        entry.entity === undefined ? text("every entity it touched") : to(context, "entity", entry.entity),
        joined(conditionsOf(entry), "<br>"),
      ]);
  });
  const about =
    connection === undefined
      ? ""
      : facts([
          ["Kind", code(connection.sink.name)],
          ["What it is", text(connection.sink.summary)],
          ["Promise", text(guaranteeNames(connection))],
          ["At once", text(String(connection.concurrency))],
          [
            "No faster than",
            text(connection.rates.map(({ count, perMs }) => `${count} in ${formatDuration(perMs)}`).join(", ")),
          ],
          ["Waits for an answer", text(formatDuration(connection.timeoutMs))],
          ["File", place(connection.position)],
        ]);
  return {
    path,
    title: name,
    kind: "Connection",
    lead: "",
    body:
      about + section("What is sent", table(`What is sent to ${name}`, ["Pipeline", "Action", "About", "When"], users)),
  };
}

function teamPage(data: SiteData, name: string): Page {
  const { revision } = data;
  const path = pageOf("team", name);
  const context = contextAt(data, path);
  const team = revision.teams.get(name);
  const pipelines = revision.pipelines.filter((pipeline) => pipeline.owner === name);
  const attributes = [...revision.entities.values()].flatMap((entity) =>
    [...entity.attributes.values()]
      .filter((attribute) => attribute.owner === name)
      .map((attribute) => [
        raw(`${to(context, "entity", entity.name).markup}<b>.${text(attribute.name).markup}</b>`),
        text(typeWords(attribute)),
        attribute.protected ? badge("good", "protected") : raw(""),
        attribute.sensitive ? badge("warn", "sensitive") : raw(""),
      ]),
  );
  return {
    path,
    title: name,
    kind: "Team",
    lead: team?.description ?? "",
    body: [
      facts([
        ["Alerts go to", text(team?.alerts ?? "")],
        ["Pages go to", text(team?.page ?? "")],
      ]),
      section(
        "Pipelines",
        table(
          `Pipelines of ${name}`,
          ["Pipeline", "What it does", "Runbook"],
          pipelines.map((one) => [
            to(context, "pipeline", one.name),
            text(one.description ?? ""),
            runbookLink(context, one.runbook),
          ]),
        ),
      ),
      section(
        "Attributes",
        table(`Attributes of ${name}`, ["Attribute", "Type", "Protected", "Sensitive"], attributes),
      ),
    ].join(""),
  };
}

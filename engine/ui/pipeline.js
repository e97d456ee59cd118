/** One pipeline: how it is, its mapping table with owners and policies, its graph, its states, its last events. */
import { get } from "./api.js";
import { drawing, h } from "./dom.js";
import { eventTable } from "./events.js";
import { ago, badge, command, facts, number, percent, runbook, span, spark, table } from "./words.js";

export const title = ({ name }) => name;

export async function load({ name }) {
  const [detail, events] = await Promise.all([
    get(`/api/v1/pipelines/${encodeURIComponent(name)}`),
    get(`/api/v1/events?limit=20&pipeline=${encodeURIComponent(name)}`),
  ]);
  return { ...detail, events: events.events };
}

export function render({ pipeline, mapping, graph, states, events }) {
  const { lately, sla, waiting, paused } = pipeline;
  return [
    h("p", { class: "kind" }, "Pipeline"),
    h("h1", { tabindex: -1 }, pipeline.name, paused !== null && [" ", badge("paused")]),
    pipeline.description !== null && h("p", { class: "lead" }, pipeline.description),
    paused !== null &&
      h(
        "div",
        { class: "card alert" },
        h(
          "p",
          {},
          "Paused by ",
          h("strong", {}, paused.by),
          " ",
          ago(paused.since),
          paused.reason !== "" && `: ${paused.reason}`,
          ". Events are accepted and wait.",
        ),
        h("p", {}, command(`hookrail resume pipeline ${pipeline.name}`)),
      ),
    facts([
      ["Owner", h("strong", {}, pipeline.owner)],
      ["Source", pipeline.source],
      ["Goes to", pipeline.connections.join(", ") || "nowhere"],
      ["Runbook", runbook(pipeline.runbook)],
      ["Promise", `${percent(sla.objective)} within ${span(sla.lag_ms)}`],
      [
        "Last five minutes",
        [
          spark(lately.history, `${number(lately.events)} turns`),
          h(
            "small",
            {},
            `${number(lately.events)} turns, ${percent(lately.success)} went well, p95 ${span(lately.lag_p95_ms)}`,
          ),
        ],
      ],
      ["Held", number(waiting.held)],
      [
        "Dead letters",
        waiting.dead_letters === 0
          ? "0"
          : h(
              "a",
              { class: "bad", href: `/ui/dead?pipeline=${encodeURIComponent(pipeline.name)}` },
              `${number(waiting.dead_letters)}, oldest `,
              ago(waiting.oldest_dead_letter_at),
            ),
      ],
    ]),
    h(
      "p",
      { class: "actions" },
      h(
        "button",
        {
          type: "button",
          "data-do": paused === null ? "pause" : "resume",
          "data-kind": "pipeline",
          "data-name": pipeline.name,
          "data-needs": "pause",
        },
        paused === null ? "Pause…" : "Resume…",
      ),
    ),
    h("h2", {}, "What is written"),
    table(
      "Mapping table",
      [
        "Attribute",
        "Events",
        "From",
        "Owner",
        "If missing",
        "If null",
        "If invalid",
        "Which value stays",
        ["Line", "place"],
      ],
      mapping.map((one, index) => ({
        key: String(index),
        cells: [
          [
            h("strong", {}, `${one.entity}.${one.attribute}`),
            one.protected && [" ", badge("protected")],
            one.sensitive && [" ", badge("sensitive")],
            h("small", {}, one.type),
          ],
          one.events.map((event) => h("code", {}, event)),
          h("code", {}, one.from),
          one.owner || "–",
          one.missing || "–",
          one.on_null || "–",
          one.invalid || "–",
          one.write || "–",
          one.place === null ? "–" : h("code", {}, one.place),
        ],
      })),
    ),
    h("h2", {}, "How it flows"),
    h(
      "div",
      { class: "wide figure", tabindex: 0, role: "region", "aria-label": "Graph of the pipeline" },
      drawing(graph),
    ),
    states.map(({ entity, svg }) => [
      h("h2", {}, `States of ${entity}`),
      h(
        "div",
        { class: "wide figure", tabindex: 0, role: "region", "aria-label": `States of ${entity}` },
        drawing(svg),
      ),
    ]),
    h("h2", {}, "Last events"),
    events.length === 0 ? h("p", { class: "quiet" }, "None yet.") : eventTable(events),
  ];
}

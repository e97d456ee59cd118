/** What came in, newest first, with filters in the address. */
import { get } from "./api.js";
import { h } from "./dom.js";
import { ago, badge, command, eventLink, pipelineLink, spaced, span, table } from "./words.js";

const OUTCOMES = ["accepted", "held", "pending", "delivered", "skipped", "dead_letter", "discarded"];
const NAMES = ["source", "pipeline", "type", "outcome", "before"];

export const title = () => "Events";

export async function load(_params, query) {
  const wanted = new URLSearchParams({ limit: "50" });
  for (const name of NAMES) if (query.get(name)) wanted.set(name, query.get(name));
  const { events } = await get(`/api/v1/events?${wanted}`);
  return { events, query };
}

export function render({ events, query }) {
  const older = new URLSearchParams(query);
  if (events.length > 0) older.set("before", String(events.at(-1).seq));
  return [
    h("h1", { tabindex: -1 }, "Events"),
    h(
      "form",
      {
        class: "filter",
        "data-form": "filter",
        "data-page": "/ui/events",
        role: "search",
        "aria-label": "Filter events",
      },
      field("source", "Source", query),
      field("pipeline", "Pipeline", query),
      field("type", "Type", query),
      h(
        "label",
        {},
        "Outcome",
        h(
          "select",
          { name: "outcome" },
          ["", ...OUTCOMES].map((one) =>
            h(
              "option",
              { value: one, selected: (query.get("outcome") ?? "") === one },
              one === "" ? "any" : spaced(one),
            ),
          ),
        ),
      ),
      h("button", { type: "submit" }, "Show"),
    ),
    h(
      "form",
      { class: "filter", "data-form": "find", role: "search", "aria-label": "Find one event" },
      h(
        "label",
        {},
        "Event id, ours or the provider's",
        h("input", { name: "id", autocomplete: "off", spellcheck: "false" }),
      ),
      h("button", { type: "submit" }, "Open"),
    ),
    events.length === 0 ? nothing(query) : eventTable(events),
    h(
      "p",
      { class: "actions" },
      query.get("before") && [h("a", { href: `/ui/events?${without(query, "before")}` }, "Newest"), " "],
      events.length === 50 && h("a", { href: `/ui/events?${older}` }, "Older"),
    ),
  ];
}

const nothing = (query) =>
  NAMES.some((name) => query.get(name))
    ? h("p", { class: "lead" }, "No event fits. ", h("a", { href: "/ui/events" }, "Show all"))
    : h(
        "p",
        { class: "lead" },
        "No event has come in yet. ",
        command("hookrail send --list"),
        " names the signed samples there are.",
      );

function without(query, name) {
  const rest = new URLSearchParams(query);
  rest.delete(name);
  return rest;
}

export const field = (name, label, query) =>
  h("label", {}, label, h("input", { name, value: query.get(name) ?? "", autocomplete: "off", spellcheck: "false" }));

export const eventTable = (events) =>
  table(
    "Events, newest first",
    ["Event", "Received", "Source", "Type", "Outcome", "Pipelines", ["Lag", "num"]],
    events.map((one) => ({
      key: one.id,
      cells: [
        eventLink(one.id),
        ago(one.received_at),
        one.source,
        h("code", {}, one.type),
        badge(one.outcome),
        one.pipelines.length === 0
          ? "–"
          : one.pipelines.map((each) =>
              h("div", {}, pipelineLink(each.pipeline), each.outcome !== one.outcome && ` ${spaced(each.outcome)}`),
            ),
        span(one.lag_ms),
      ],
    })),
  );

/** Dead letters: filter, choose, look at what would be done, then do it with a reason. */
import { closeLetters } from "./actions.js";
import { get } from "./api.js";
import { h } from "./dom.js";
import { field } from "./events.js";
import { ago, command, eventLink, pipelineLink, plural, table } from "./words.js";

export const title = () => "Dead letters";

const STATUSES = ["open", "retried", "discarded"];

export async function load(_params, query) {
  const status = query.get("status") || "open";
  const wanted = new URLSearchParams({ status, limit: "500" });
  if (query.get("pipeline")) wanted.set("pipeline", query.get("pipeline"));
  const { dead_letters: all } = await get(`/api/v1/dead-letters?${wanted}`);
  const letters = all.filter((one) =>
    ["code", "type"].every((name) => !query.get(name) || one[name] === query.get(name)),
  );
  return { letters, query, wanted: status, more: all.length === 500 };
}

export function render({ letters, query, wanted: status, more }) {
  const pipeline = query.get("pipeline");
  return [
    h("h1", { tabindex: -1 }, "Dead letters"),
    h(
      "p",
      { class: "lead" },
      "What was given up on, and waits for a person. A retry sends the same request if it was ever sent; else the event is mapped anew with the config of now.",
    ),
    h(
      "form",
      {
        class: "filter",
        "data-form": "filter",
        "data-page": "/ui/dead",
        role: "search",
        "aria-label": "Filter dead letters",
      },
      field("pipeline", "Pipeline", query),
      field("code", "Code", query),
      field("type", "Type", query),
      h(
        "label",
        {},
        "Status",
        h(
          "select",
          { name: "status" },
          STATUSES.map((one) => h("option", { value: one, selected: one === status }, one)),
        ),
      ),
      h("button", { type: "submit" }, "Show"),
    ),
    letters.length === 0
      ? h("p", { class: "lead calm" }, status === "open" ? "None is open: nothing was given up on." : "None.")
      : [
          status === "open" &&
            h(
              "p",
              { class: "actions" },
              h("button", { type: "button", "data-do": "tick-all" }, "Choose all"),
              " ",
              h(
                "button",
                { type: "button", "data-do": "plan", "data-action": "retry", "data-needs": "retry" },
                "Retry the chosen…",
              ),
              " ",
              h(
                "button",
                { type: "button", "data-do": "plan", "data-action": "discard", "data-needs": "discard" },
                "Discard the chosen…",
              ),
            ),
          table(
            `${plural(letters.length, `${status} dead letter`)}, newest first${more ? "; there are more" : ""}`,
            ["Dead letter", "Since", "Pipeline", "Event", "Why"],
            letters.map((one) => ({
              key: one.id,
              cells: [
                status === "open"
                  ? h(
                      "label",
                      { class: "tick" },
                      h("input", { type: "checkbox", name: "letter", value: one.id }),
                      h("span", { class: "id" }, one.id),
                    )
                  : h("span", { class: "id" }, one.id),
                ago(one.created_at),
                pipelineLink(one.pipeline),
                [eventLink(one.event), h("small", {}, `${one.source} ${one.type}`)],
                [one.message, " ", h("code", {}, one.code), one.resolution !== null && h("small", {}, one.resolution)],
              ],
            })),
          ),
        ],
    h("p", {}, command(`hookrail dead list${pipeline ? ` --pipeline ${pipeline}` : ""}`)),
  ];
}

const ticked = () => [...document.querySelectorAll('input[name="letter"]:checked')].map((one) => one.value);

export const actions = {
  "tick-all"() {
    const boxes = [...document.querySelectorAll('input[name="letter"]')];
    const on = boxes.some((one) => !one.checked);
    for (const box of boxes) box.checked = on;
  },
  async plan({ dataset }, context) {
    const ids = ticked();
    if (ids.length === 0) return context.say("Choose some first.");
    await closeLetters(dataset.action, ids, context);
  },
};

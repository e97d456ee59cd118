/** Dead letters: filter, choose, look at what would be done, then do it with a reason. */
import { get, post } from "./api.js";
import { h } from "./dom.js";
import { field } from "./events.js";
import { ago, command, eventLink, pipelineLink, plural, table } from "./words.js";

export const title = () => "Dead letters";

const STATUSES = ["open", "retried", "discarded"];

export async function load(_params, query, state) {
  const status = query.get("status") || "open";
  const wanted = new URLSearchParams({ status, limit: "500" });
  if (query.get("pipeline")) wanted.set("pipeline", query.get("pipeline"));
  const { dead_letters: all } = await get(`/api/v1/dead-letters?${wanted}`);
  const letters = all.filter((one) =>
    ["code", "type"].every((name) => !query.get(name) || one[name] === query.get(name)),
  );
  return { letters, query, wanted: status, plan: state.plan, more: all.length === 500 };
}

export function render({ letters, query, wanted: status, plan, more }) {
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
    plan !== undefined && planPart(plan),
    letters.length === 0
      ? h("p", { class: "lead calm" }, status === "open" ? "None is open." : "None.")
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

/** What would be done; nothing has been. */
function planPart({ action, letters, ids }) {
  const codes = Object.entries(Object.groupBy(letters, (one) => `${one.pipeline || "unreadable"}: ${one.code}`));
  return h(
    "form",
    { class: `card ${action === "discard" ? "page" : "alert"}`, "data-form": "close", "data-key": "plan", id: "plan" },
    h(
      "h2",
      { tabindex: -1, id: "plan-title" },
      action === "retry"
        ? `Retry ${plural(letters.length, "dead letter")}?`
        : `Discard ${plural(letters.length, "dead letter")}?`,
    ),
    h(
      "p",
      {},
      action === "retry"
        ? "Nothing has been done yet. They would be tried again, oldest first."
        : "Nothing has been done yet. They would never be tried again; the events stay in the store.",
    ),
    h(
      "ul",
      {},
      codes.map(([what, some]) => h("li", {}, `${what}, ${plural(some.length, "letter")}`)),
    ),
    letters.length < ids.length &&
      h("p", { class: "warn" }, `${plural(ids.length - letters.length, "one")} chosen is not open any more.`),
    h(
      "label",
      {},
      action === "discard" ? "Reason, for the audit (needed)" : "Reason, for the audit",
      h("input", { name: "reason", required: action === "discard", autocomplete: "off", "data-key": "reason" }),
    ),
    h(
      "p",
      { class: "actions" },
      h("button", { type: "submit", class: "strong" }, action === "retry" ? "Retry now" : "Discard now"),
      " ",
      h("button", { type: "button", "data-do": "unplan" }, "Leave it"),
    ),
  );
}

const ticked = () => [...document.querySelectorAll('input[name="letter"]:checked')].map((one) => one.value);

export const actions = {
  "tick-all"() {
    const boxes = [...document.querySelectorAll('input[name="letter"]')];
    const on = boxes.some((one) => !one.checked);
    for (const box of boxes) box.checked = on;
  },
  async plan({ dataset }, { state, refresh, say }) {
    const ids = ticked();
    if (ids.length === 0) return say("Choose some first.");
    const { action } = dataset;
    const looked = await post("/api/v1/dead-letters", { action, ids, dry_run: true });
    state.plan = { action, ids, letters: looked.dead_letters };
    await refresh();
    document.getElementById("plan-title")?.focus();
  },
  async unplan(_button, { state, refresh }) {
    delete state.plan;
    await refresh();
  },
};

export const forms = {
  async close(form, { state, refresh, say }) {
    const { action, letters } = state.plan;
    const reason = form.elements.reason.value.trim();
    if (action === "discard" && reason === "") return say("A discard needs a reason.");
    const done = await post("/api/v1/dead-letters", {
      action,
      ids: letters.map((one) => one.id),
      dry_run: false,
      reason,
    });
    delete state.plan;
    await refresh();
    say(
      `${plural(done.done, "dead letter")} ${action === "retry" ? "tried again" : "discarded"}${done.gone > 0 ? `, ${done.gone} could not be` : ""}.`,
    );
    document.querySelector("h1")?.focus();
  },
};

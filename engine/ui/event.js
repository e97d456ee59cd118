/** One event's whole story: what was proved, what each pipeline made of it, what was sent, what is left to do. */
import { get } from "./api.js";
import { h } from "./dom.js";
import {
  ago,
  badge,
  command,
  facts,
  instant,
  number,
  pipelineLink,
  plural,
  spaced,
  span,
  table,
  value,
} from "./words.js";

export const title = ({ name }) => name;

export async function load({ name }, _query, state) {
  const document = state.revealed ?? (await get(`/api/v1/events/${encodeURIComponent(name)}`));
  return { event: document.event, revealed: state.revealed !== undefined };
}

const IDS = {
  provider: "the provider's own",
  composite: "put together as the recipe says",
  body_hash: "a hash of the body",
};

export function render({ event, revealed }) {
  const { verification, duplicates, conflicts } = event;
  const open = event.dead_letters.filter((one) => one.status === "open");
  return [
    h("p", { class: "kind" }, "Event"),
    h("h1", { tabindex: -1 }, event.type, " ", badge(event.outcome)),
    h(
      "p",
      { class: "lead" },
      h("code", {}, event.id),
      " from ",
      h("strong", {}, event.source),
      ", ",
      ago(event.received_at),
    ),
    open.map(letterCard),
    facts([
      ["Received", instant(event.received_at)],
      ["Happened, by the sender's clock", instant(event.occurred_at)],
      ["All done", event.lag_ms === null ? "not yet" : `${span(event.lag_ms)} later`],
      ["Sender's id", [h("code", {}, event.provider_id), h("small", {}, IDS[event.id_kind])]],
      [
        "Signature",
        verification.scheme === "none"
          ? h("span", { class: "warn" }, "none was asked for")
          : `${verification.scheme}, secret ${verification.secretIndex}`,
      ],
      ["Resends", duplicates === 0 ? "none came" : `${plural(duplicates, "resend")}, nothing done twice`],
      ["Body", `${number(event.body_bytes)} bytes ${event.content_type ?? ""}`],
      ["Revision", h("code", {}, event.accepted_by_revision.slice(0, 12))],
      conflicts.length > 0
        ? [
            "Conflicts",
            h(
              "span",
              { class: "bad" },
              `the same id came ${number(conflicts.length)} times with another body; the first was kept`,
            ),
          ]
        : undefined,
    ]),
    h(
      "p",
      { class: "actions" },
      revealed
        ? h("span", { class: "warn" }, "Sensitive values are shown. This look is in the audit.")
        : h(
            "button",
            { type: "button", "data-do": "reveal", "data-id": event.id, "data-needs": "read_sensitive" },
            "Show sensitive values…",
          ),
      " ",
      command(`hookrail explain ${event.id}`),
    ),
    event.outcomes.length === 0 &&
      h(
        "p",
        { class: "lead" },
        event.pipelines.length === 0
          ? "No pipeline listens to this type: it is stored, and nothing else happens."
          : "It waits for its turn.",
      ),
    event.outcomes.map((outcome) => pipelinePart(event, outcome)),
    event.deliveries.length > 0 && h("h2", {}, "What was sent"),
    event.deliveries.map(deliveryPart),
    event.dead_letters.length > open.length && [
      h("h2", {}, "Closed dead letters"),
      event.dead_letters.filter((one) => one.status !== "open").map(letterCard),
    ],
  ];
}

export function letterCard(letter) {
  return h(
    "div",
    { class: `card ${letter.status === "open" ? "page" : "resolved"}`, "data-key": letter.id },
    h("h2", {}, "Dead letter ", badge(letter.status)),
    h("p", {}, letter.message, " ", h("code", {}, letter.code)),
    h(
      "p",
      { class: "quiet" },
      "since ",
      ago(letter.created_at),
      letter.pipeline !== "" && [" · pipeline ", pipelineLink(letter.pipeline)],
      letter.resolution !== null && ` · ${letter.resolution}`,
    ),
    letter.status === "open" &&
      h(
        "p",
        {},
        h("button", { type: "button", "data-do": "retry", "data-id": letter.id, "data-needs": "retry" }, "Retry…"),
        " ",
        h(
          "button",
          { type: "button", "data-do": "discard", "data-id": letter.id, "data-needs": "discard" },
          "Discard…",
        ),
        " ",
        command(`hookrail explain ${letter.code}`),
      ),
  );
}

function pipelinePart(event, outcome) {
  const rows = outcome.detail?.rows ?? [];
  const changes = event.history.filter((one) => one.pipeline === outcome.pipeline);
  const notSent = outcome.detail?.not_sent ?? [];
  return h(
    "section",
    { "data-key": `outcome-${outcome.pipeline}` },
    h("h2", {}, pipelineLink(outcome.pipeline), " ", badge(outcome.status)),
    h(
      "p",
      { class: "quiet" },
      outcome.rule && ["by rule ", h("code", {}, outcome.rule), ", "],
      `${span(Date.parse(outcome.at) - Date.parse(event.received_at))} after receipt`,
      outcome.reason && `: ${spaced(outcome.reason)}`,
    ),
    rows.length > 0 &&
      table(
        `What ${outcome.pipeline} mapped`,
        ["Attribute", "From", "Read", "If missing", "Result", "Owner", ["Line", "place"]],
        rows.map((row, index) => ({
          key: String(index),
          cells: [
            h("strong", {}, `${row.entity}.${row.attribute}`),
            h("code", {}, row.from),
            row.missing?.length > 0
              ? h("span", { class: "warn" }, `${row.missing.join(", ")} missing`)
              : (row.raw ?? []).map(value),
            row.policy,
            [
              spaced(row.result),
              " ",
              row.result !== "keep" && row.result !== "clear" && value(row.value),
              row.why && h("small", {}, row.why),
            ],
            row.owner || "–",
            h("code", {}, row.at),
          ],
        })),
      ),
    changes.length > 0 &&
      table(
        `What ${outcome.pipeline} changed`,
        ["Attribute", "Result", "Before", "After", "Note"],
        changes.map((one, index) => ({
          key: String(index),
          cells: [
            h("strong", {}, `${one.entity.type}/${one.entity.key}.${one.attribute}`),
            badge(one.result),
            value(one.before),
            value(one.after),
            one.note ?? (one.superseding ? `superseded by ${one.superseding}` : "–"),
          ],
        })),
      ),
    notSent.length > 0 &&
      h(
        "ul",
        {},
        notSent.map((one) => h("li", {}, "Not sent to ", h("code", {}, one.deliver), `: ${one.why}`)),
      ),
  );
}

function deliveryPart(one) {
  return h(
    "section",
    { class: "delivery", "data-key": one.id },
    h("h3", {}, one.connection, ": ", one.action, " ", `${one.entity.type}/${one.entity.key}`, " ", badge(one.status)),
    facts([
      ["Delivery", h("code", {}, one.id)],
      ["For", pipelineLink(one.pipeline)],
      one.request === null ? undefined : ["Request", h("code", {}, one.request)],
      ["Idempotency key", h("code", {}, one.idempotency_key)],
      one.next_at === null ? undefined : ["Next try", instant(one.next_at)],
      one.merged_into === null ? undefined : ["Merged into", h("code", {}, one.merged_into)],
      one.note === null ? undefined : ["Note", one.note],
    ]),
    Object.keys(one.attributes).length > 0 &&
      h(
        "p",
        {},
        Object.entries(one.attributes).map(([name, write]) =>
          h("span", { class: "pair" }, `${name} = `, write.clear ? "cleared" : value(write.set)),
        ),
      ),
    one.attempts.length > 0 &&
      table(
        `Attempts of ${one.id}`,
        ["Attempt", "Started", "Outcome", ["HTTP", "num"], ["Took", "num"], "Detail"],
        one.attempts.map((attempt) => ({
          key: String(attempt.attempt),
          cells: [
            String(attempt.attempt),
            instant(attempt.started_at),
            badge(attempt.outcome),
            attempt.http_status ?? "–",
            attempt.finished_at ? span(Date.parse(attempt.finished_at) - Date.parse(attempt.started_at)) : "–",
            attempt.detail || "–",
          ],
        })),
      ),
  );
}

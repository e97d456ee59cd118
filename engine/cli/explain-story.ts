/** The story of one event, for people: what was proved, what each pipeline made of it, what was sent, what is left to do. */
import { HIDDEN, type Sensitivity, shownRef, shownSummary, shownValue } from "../http/documents.ts";
import type { EventStory } from "../store/store.ts";
import type { Colors, Output } from "./context.ts";
import { colorOutcome } from "./events.ts";
import { formatMs, formatTable, formatTime, formatValue, plainText } from "./format.ts";
import { type DetailRow, readDetail } from "./story-detail.ts";

export interface StoryView {
  readonly out: Output;
  readonly sensitive: Sensitivity;
  /** What the connection promises for the action, in words; undefined when the config no longer has it. */
  readonly guarantee: (connection: string, action: string) => string | undefined;
}

type Outcome = EventStory["outcomes"][number];
type Delivery = EventStory["deliveries"][number];

/** Renders the whole story. */
export function renderStory(story: EventStory, view: StoryView): string {
  const { color } = view.out;
  const { event, summary } = story;
  const heading = `${color.bold(event.id)}  ${plainText(event.source)} ${color.bold(plainText(event.type))}  ${colorOutcome(summary.outcome, color)}`;
  const blocks = [
    [heading, ...renderIntake(story, color)].join("\n"),
    ...story.outcomes.map((outcome) => renderOutcome(story, outcome, view)),
    ...story.deliveries.map((one) => renderDelivery(one, view)),
    ...story.deadLetters.map(
      (letter) =>
        `${color.red("dead letter")} ${letter.id}  ${letter.status}\n  ${plainText(view.sensitive.text(letter.message))} ${color.dim(`[${letter.code}]`)}`,
    ),
  ];
  if (story.outcomes.length === 0 && story.deadLetters.length === 0) blocks.push(waiting(story));
  return `${blocks.join("\n\n")}\n`;
}

function waiting({ summary }: EventStory): string {
  if (summary.pipelines.length === 0)
    return "no pipeline listens to this type of event: it is stored, and nothing else happens";
  return `waits for its turn in ${summary.pipelines.map((one) => one.pipeline).join(", ")}`;
}

function line(color: Colors, name: string, text: string): string {
  return `  ${color.dim(name.padEnd(11))} ${text}`;
}

function renderIntake({ event, summary, duplicates, conflicts }: EventStory, color: Colors): string[] {
  const { scheme, secretIndex, skewMs, signed } = event.verification;
  const skew =
    skewMs === undefined ? "" : `, signed ${formatMs(Math.abs(skewMs))} ${skewMs < 0 ? "after" : "before"} receipt`;
  const lag = summary.lagMs === undefined ? "" : `, all done ${formatMs(summary.lagMs)} later`;
  const repeats =
    duplicates === 0
      ? "first of its id; no resend came"
      : `first of its id; ${duplicates} resend${duplicates === 1 ? "" : "s"} answered 2xx, nothing done twice`;
  return [
    line(
      color,
      "received",
      `${formatTime(event.receivedAt, true)}, happened ${formatTime(event.occurredAt)} by the sender's clock${lag}`,
    ),
    line(color, "sender's id", `${plainText(event.providerId)} (${idKind(event.dedupeKey)})`),
    line(
      color,
      "signature",
      scheme === "none"
        ? color.yellow("none was asked for (scheme: none)")
        : `${color.green("ok")}: ${scheme}, secret ${secretIndex}${skew}, over ${plainText(signed)}`,
    ),
    line(color, "dedupe", repeats),
    ...conflicts.map((one) =>
      line(
        color,
        "conflict",
        color.yellow(`the same id came with another body at ${formatTime(one.receivedAt)}; the first was kept`),
      ),
    ),
    line(
      color,
      "body",
      `${event.body.byteLength} bytes ${plainText(event.contentType)}, sha256 ${event.bodyHash.slice(0, 16)}…`,
    ),
    line(color, "revision", event.revision.slice(0, 12)),
  ];
}

function idKind(dedupeKey: string): string {
  if (dedupeKey.startsWith("h:")) return "a hash of the body: the sender gives no id";
  return dedupeKey.startsWith("c:") ? "put together as the recipe says" : "the provider's own";
}

function renderOutcome(story: EventStory, outcome: Outcome, view: StoryView): string {
  const { color } = view.out;
  const detail = readDetail(outcome.detail);
  const status =
    outcome.status === "applied"
      ? color.green(outcome.status)
      : outcome.status === "dead"
        ? color.red(outcome.status)
        : color.yellow(outcome.status);
  const why = outcome.reason === undefined ? "" : `: ${reasonWords(outcome, view)}`;
  const by = outcome.rule === undefined ? "" : ` by rule ${plainText(outcome.rule)}`;
  const lines = [
    `${color.bold(outcome.pipeline)}  ${status}${why}${by}, ${formatMs(outcome.at - story.event.receivedAt)} after receipt, revision ${outcome.revision.slice(0, 12)}`,
    ...detail.drift.map((path) =>
      line(color, "contract", color.yellow(`differs at ${plainText(path)}, which no mapping reads: drift`)),
    ),
  ];
  if (detail.rows.length > 0) lines.push("", indent(mappingTable(detail.rows, view)));
  lines.push(...detail.states.map((one) => line(color, "state", `${one.entity} -> ${plainText(one.state)}`)));
  lines.push(...detail.notes.map((note) => line(color, "note", plainText(note))));
  const changes = story.history.filter((row) => row.pipeline === outcome.pipeline);
  lines.push(...changes.map((row) => line(color, row.result, renderChange(row, view))));
  lines.push(
    ...detail.notSent.map((one) =>
      line(color, "not sent", `${plainText(view.sensitive.text(one.deliver))}: ${plainText(one.why)}`),
    ),
  );
  return lines.join("\n");
}

const REASONS: Readonly<Record<string, string>> = {
  stale: "a newer event has already written all it would write",
  no_rule: "no rule of the pipeline matches it",
  type_not_listed: "no rule lists its type",
  not_selected: "the rule's `when` is false for it",
  tombstone: "the entity has been deleted",
  hold_ended: "what it waited for did not come in time, and the rule says skip",
  dropped: "its pipeline or source was dropped from the config before it was applied",
};

function reasonWords(outcome: Outcome, { sensitive }: StoryView): string {
  const by = outcome.supersededBy === undefined ? "" : ` (${outcome.supersededBy})`;
  return `${REASONS[outcome.reason ?? ""] ?? plainText(sensitive.text(outcome.reason ?? ""))}${by}`;
}

function mappingTable(rows: readonly DetailRow[], { out, sensitive }: StoryView): string {
  const cells = rows.map((row) => {
    const hidden = sensitive.value(row.entity, row.attribute);
    const read =
      row.missing.length > 0
        ? `${row.missing.map((one) => plainText(String(one))).join(", ")} missing`
        : row.raw.map((raw) => formatValue(hidden ? HIDDEN : raw, 30)).join(", ");
    const value = formatValue(shownValue(row.value, hidden), 30);
    const result =
      row.result === "keep" ? `keep (${row.why})` : row.result === "clear" ? "clear" : `${row.result} ${value}`;
    return [
      `${row.entity}.${row.attribute}`,
      `<- ${plainText(row.from)}${row.fragments.length === 0 ? "" : ` (fragment ${row.fragments.join(", ")})`}`,
      read || "-",
      row.policy,
      result,
      row.owner || "-",
      row.at,
    ];
  });
  return formatTable(out, ["ATTRIBUTE", "FROM", "READ", "IF MISSING", "RESULT", "OWNER", "LINE"], cells);
}

function renderChange(row: EventStory["history"][number], { sensitive }: StoryView): string {
  const hidden = sensitive.value(row.entity.type, row.attribute);
  const ref = shownRef(row.entity, sensitive);
  const value = (json: typeof row.before) =>
    json === undefined ? "nothing" : formatValue(shownValue(json, hidden), 40);
  const moved = row.result === "set" || row.result === "cleared" || row.result === "computed";
  const change = moved
    ? `${value(row.before)} -> ${value(row.after)}`
    : `stays ${value(row.before)}, would be ${value(row.after)}`;
  const told = [row.note, row.superseding && `superseded by ${row.superseding}`].filter((one) => one !== undefined);
  const note = told.length === 0 ? "" : ` (${plainText(told.join(", "))})`;
  return `${ref.type}/${plainText(ref.key)}.${row.attribute}: ${change}${note}`;
}

function renderDelivery({ delivery, attempts, mergedInto, doneAt }: Delivery, view: StoryView): string {
  const { color } = view.out;
  const ref = shownRef(delivery.entity, view.sensitive);
  const done =
    delivery.status === "delivered"
      ? color.green("delivered")
      : ["dead", "unknown"].includes(delivery.status)
        ? color.red(delivery.status)
        : color.yellow(delivery.status);
  const when =
    doneAt === undefined
      ? ["pending", "retrying", "unknown"].includes(delivery.status)
        ? `, next try ${formatTime(delivery.nextAt)}`
        : ""
      : ` ${formatTime(doneAt, true)}`;
  const guarantee = view.guarantee(delivery.connection, delivery.action);
  const lines = [
    `${color.bold(`to ${delivery.connection}`)}  ${delivery.action} ${ref.type}/${plainText(ref.key)}  ${done}${when}${mergedInto === undefined ? "" : ` into ${mergedInto}`}`,
  ];
  lines.push(line(color, "delivery", `${delivery.id} for ${delivery.pipeline}`));
  const sent = Object.entries(delivery.attributes).map(([name, write]) => {
    if ("clear" in write) return `${name} cleared`;
    return `${name} = ${formatValue(shownValue(write.set, view.sensitive.value(delivery.entity.type, name)), 40)}`;
  });
  if (sent.length > 0) lines.push(line(color, "attributes", sent.join(", ")));
  if (delivery.frozen !== undefined)
    lines.push(line(color, "request", plainText(shownSummary(delivery, view.sensitive))));
  if (guarantee !== undefined) lines.push(line(color, "promise", guarantee));
  if (delivery.note !== undefined) lines.push(line(color, "note", plainText(delivery.note)));
  lines.push(...attempts.map((attempt) => line(color, `attempt ${attempt.attempt}`, renderAttempt(attempt))));
  return lines.join("\n");
}

function renderAttempt(attempt: Delivery["attempts"][number]): string {
  if (!("startedAt" in attempt)) return `${formatTime(attempt.at, true)} sent, no answer yet`;
  const status = attempt.httpStatus === undefined ? "" : ` ${attempt.httpStatus}`;
  const detail = attempt.detail === "" ? "" : `: ${plainText(attempt.detail)}`;
  return `${formatTime(attempt.startedAt, true)} ${attempt.outcome}${status} after ${formatMs(attempt.finishedAt - attempt.startedAt)}${detail}`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ").trimEnd();
}

/** One delivery of an event's story: what was to be written where, what is promised, and each attempt with its wait. */
import { shownRef, shownSummary, shownValue } from "../http/documents.ts";
import type { EventStory } from "../store/store.ts";
import type { StoryView } from "./explain-story.ts";
import { fold, namedLine } from "./fold.ts";
import { formatMs, formatTime, formatValue, plainText } from "./format.ts";

type Delivery = EventStory["deliveries"][number];
type Attempt = Delivery["attempts"][number];

export function renderDelivery({ delivery, attempts, mergedInto, doneAt }: Delivery, view: StoryView): string {
  const { out } = view;
  const { color } = out;
  const ref = shownRef(delivery.entity, view.sensitive);
  const paint =
    delivery.status === "delivered"
      ? color.green
      : ["dead", "unknown"].includes(delivery.status)
        ? color.red
        : color.yellow;
  const when =
    doneAt === undefined
      ? ["pending", "retrying", "unknown"].includes(delivery.status)
        ? `, next try ${formatTime(delivery.nextAt)}`
        : ""
      : ` ${formatTime(doneAt, true)}`;
  const line = (name: string, text: string) => namedLine(out, name, text);
  const guarantee = view.guarantee(delivery.connection, delivery.action);
  const into = mergedInto === undefined ? "" : ` into ${mergedInto}`;
  const head = `${color.bold(`to ${delivery.connection}`)}  ${delivery.action} ${ref.type}/${plainText(ref.key)}  ${paint(delivery.status)}${when}${into}`;
  const sent = Object.entries(delivery.attributes).map(([name, write]) => {
    if ("clear" in write) return `${name} cleared`;
    return `${name} = ${formatValue(shownValue(write.set, view.sensitive.value(delivery.entity.type, name)), 40)}`;
  });
  return [
    fold(head, { width: out.columns, indent: 2 }),
    line("delivery", `${delivery.id} for ${delivery.pipeline}`),
    ...(sent.length > 0 ? [line("attributes", sent.join(", "))] : []),
    ...(delivery.frozen === undefined ? [] : [line("request", plainText(shownSummary(delivery, view.sensitive)))]),
    ...(guarantee === undefined ? [] : [line("promise", guarantee)]),
    ...(delivery.note === undefined ? [] : [line("note", plainText(delivery.note))]),
    ...attempts.map((attempt, index) =>
      line(`attempt ${attempt.attempt}`, renderAttempt(attempt, attempts[index - 1], delivery.createdAt)),
    ),
  ].join("\n");
}

function renderAttempt(attempt: Attempt, before: Attempt | undefined, createdAt: number): string {
  const begun = "startedAt" in attempt ? attempt.startedAt : attempt.at;
  const since =
    before !== undefined && "finishedAt" in before ? before.finishedAt : before === undefined ? createdAt : undefined;
  // What waits behind others of its lane, or for a rate limit, shows here; a moment is no wait.
  const waited = since === undefined || begun - since < 1_000 ? "" : ` after a wait of ${formatMs(begun - since)}`;
  const start = `${formatTime(begun, true)}${waited}`;
  if (!("startedAt" in attempt)) return `${start} sent, no answer yet`;
  const status = attempt.httpStatus === undefined ? "" : ` ${attempt.httpStatus}`;
  const unsure = attempt.outcome === "unknown" ? ", and it may have arrived" : "";
  const detail = attempt.detail === "" ? "" : `: ${plainText(attempt.detail)}`;
  return `${start} ${attempt.outcome}${status} after ${formatMs(attempt.finishedAt - attempt.startedAt)}${detail}${unsure}`;
}

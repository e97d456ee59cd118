/** The story of one event, for people: what was proved, what each pipeline made of it, what was sent, what is left to do. */
import type { Sensitivity } from "../http/documents.ts";
import type { EventStory } from "../store/store.ts";
import type { Output } from "./context.ts";
import { colorOutcome } from "./events.ts";
import { renderDelivery } from "./explain-delivery.ts";
import { renderOutcome } from "./explain-outcome.ts";
import { fold, namedLine } from "./fold.ts";
import { formatMs, formatRevision, formatTime, plainText } from "./format.ts";

export interface StoryView {
  readonly out: Output;
  readonly sensitive: Sensitivity;
  /** What the connection promises for the action, in words; undefined when the config no longer has it. */
  readonly guarantee: (connection: string, action: string) => string | undefined;
  /** How the config refers to the secret that verified it. */
  readonly secret?: string | undefined;
}

/** Renders the whole story. */
export function renderStory(story: EventStory, view: StoryView): string {
  const { out, sensitive } = view;
  const { color } = out;
  const { event, summary } = story;
  const heading = `${color.bold(event.id)}  ${plainText(event.source)} ${color.bold(plainText(event.type))}  ${colorOutcome(summary.outcome, color)}`;
  const blocks = [
    [fold(heading, { width: out.columns, indent: 2 }), ...renderIntake(story, view)].join("\n"),
    ...story.outcomes.map((outcome) => renderOutcome(story, outcome, view)),
    ...story.deliveries.map((one) => renderDelivery(one, view)),
    ...story.deadLetters.map((letter) => {
      const text = `${plainText(sensitive.text(letter.message))} ${color.dim(`[${letter.code}]`)}`;
      return `${color.red("dead letter")} ${letter.id}  ${letter.status}\n  ${fold(text, { width: out.columns - 2, indent: 2 })}`;
    }),
  ];
  if (story.outcomes.length === 0 && story.deadLetters.length === 0) blocks.push(waiting(story));
  return `${blocks.join("\n\n")}\n`;
}

function waiting({ summary }: EventStory): string {
  if (summary.pipelines.length === 0)
    return "no pipeline listens to this type of event: it is stored, and nothing else happens";
  return `waits for its turn in ${summary.pipelines.map((one) => one.pipeline).join(", ")}`;
}

function renderIntake(
  { event, gitCommit, summary, duplicates, conflicts, edits }: EventStory,
  view: StoryView,
): string[] {
  const { out } = view;
  const line = (name: string, text: string) => namedLine(out, name, text);
  const lag = summary.lagMs === undefined ? "" : `, all done ${formatMs(summary.lagMs)} later`;
  const repeats =
    duplicates === 0
      ? "first of its id; no resend came"
      : `first of its id; ${duplicates} resend${duplicates === 1 ? "" : "s"} answered 2xx, nothing done twice`;
  const body = `${event.body.byteLength} bytes ${plainText(event.contentType)}, sha256 ${event.bodyHash.slice(0, 16)}…`;
  return [
    line(
      "received",
      `${formatTime(event.receivedAt, true)}, happened ${formatTime(event.occurredAt)} by the sender's clock${lag}`,
    ),
    line("sender's id", `${plainText(event.providerId)} (${idKind(event.dedupeKey)})`),
    line("signature", signatureWords(event, view)),
    line("dedupe", repeats),
    ...conflicts.map((one) =>
      line(
        "conflict",
        out.color.yellow(`the same id came with another body at ${formatTime(one.receivedAt)}; the first was kept`),
      ),
    ),
    line("body", event.bodyPurged === true ? `${body}; gone from the store` : body),
    ...edits.map((one) => line("edited", editWords(one, view))),
    line("revision", formatRevision(event.revision, gitCommit)),
  ];
}

/** Places only: neither what stood there nor what stands there now. */
function editWords({ actor, at, reason, paths, afterHash }: EventStory["edits"][number], { out }: StoryView): string {
  const places = paths.map(plainText).join(", ");
  const told = `body edited by ${plainText(actor)} at ${formatTime(at)}, paths changed: ${places}; sha256 ${afterHash.slice(0, 16)}…`;
  return `${out.color.yellow(told)}: ${plainText(reason)}`;
}

function signatureWords({ verification }: EventStory["event"], { out, secret }: StoryView): string {
  const { scheme, secretIndex, skewMs, toleranceMs, signed } = verification;
  const { color } = out;
  if (scheme === "none") return color.yellow("none was asked for (scheme: none)");
  const named = `secret ${secretIndex}${secret === undefined ? "" : ` ${plainText(secret)}`}`;
  const allowed = toleranceMs === undefined ? "" : ` (${formatMs(toleranceMs)} allowed)`;
  const skew =
    skewMs === undefined
      ? ""
      : `, signed ${formatMs(Math.abs(skewMs))} ${skewMs < 0 ? "after" : "before"} receipt${allowed}`;
  return `${color.green("ok")}: ${scheme}, ${named}${skew}, over ${plainText(signed)}`;
}

function idKind(dedupeKey: string): string {
  if (dedupeKey.startsWith("h:")) return "a hash of the body: the sender gives no id";
  return dedupeKey.startsWith("c:") ? "put together as the recipe says" : "the provider's own";
}

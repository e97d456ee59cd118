/** What one pipeline made of an event: the rule, the mapping row by row, order and state, and each change or refusal. */
import { HIDDEN, shownRef, shownValue } from "../http/documents.ts";
import type { EventStory } from "../store/store.ts";
import type { Output } from "./context.ts";
import type { StoryView } from "./explain-story.ts";
import { fold, namedLine, widthOf } from "./fold.ts";
import { formatMs, formatRevision, formatTable, formatTime, formatValue, plainText } from "./format.ts";
import { type Detail, type DetailRow, readDetail } from "./story-detail.ts";

type Outcome = EventStory["outcomes"][number];
type Change = EventStory["history"][number];

export function renderOutcome(story: Pick<EventStory, "event" | "history">, outcome: Outcome, view: StoryView): string {
  const { out, sensitive } = view;
  const { color } = out;
  const detail = readDetail(outcome.detail);
  const paint = outcome.status === "applied" ? color.green : outcome.status === "dead" ? color.red : color.yellow;
  const why = outcome.reason === undefined ? "" : `: ${reasonWords(outcome, view)}`;
  const by = outcome.rule === undefined ? "" : ` by rule ${plainText(outcome.rule)}`;
  const head = `${color.bold(outcome.pipeline)}  ${paint(outcome.status)}${why}${by}, ${formatMs(outcome.at - story.event.receivedAt)} after receipt, revision ${formatRevision(outcome.revision, outcome.gitCommit)}`;
  const line = (name: string, text: string) => namedLine(out, name, text);
  const changes = story.history.filter((row) => row.pipeline === outcome.pipeline);
  return [
    fold(head, { width: out.columns, indent: 2 }),
    ...(outcome.until === undefined
      ? []
      : [line("held", `since ${formatTime(outcome.at, true)}; its window ends ${formatTime(outcome.until, true)}`)]),
    ...contractLines(detail, out),
    ...(detail.held === undefined
      ? []
      : [
          line(
            "was held",
            `${formatMs(outcome.at - detail.held.since)}, since ${plainText(sensitive.text(detail.held.reason))}`,
          ),
        ]),
    ...orderLines(detail, out),
    ...(detail.rows.length > 0 ? ["", mappingRows(detail.rows, view), ""] : []),
    ...stateLines(detail, view),
    ...detail.notes.map((note) => line("note", plainText(note))),
    ...changes.map((row) => line(row.result, renderChange(row, view))),
    ...detail.notSent.map((one) =>
      line("not sent", `${plainText(sensitive.text(one.deliver))}: ${plainText(one.why)}`),
    ),
  ].join("\n");
}

function contractLines({ contract, drift }: Detail, out: Output): string[] {
  const differs = drift.map((path) =>
    namedLine(out, "contract", out.color.yellow(`differs at ${plainText(path)}, which no mapping reads: drift`)),
  );
  if (contract === undefined) return differs;
  if (differs.length === 0) return [namedLine(out, "contract", `${plainText(contract)}, kept`)];
  return [namedLine(out, "contract", `version ${plainText(contract)}`), ...differs];
}

/** What the event was compared by. */
function orderLines({ order }: Detail, out: Output): string[] {
  if (order === undefined) return [];
  const rank = order.rank === 0 ? "" : `, rank ${order.rank} among events of one instant`;
  return [namedLine(out, "order", `${placeWords(order.time, order.clock)}${rank}`)];
}

function placeWords(time: number, clock: string | undefined): string {
  if (clock === undefined) return `${formatTime(time, true)} by the sender's clock`;
  if (clock === "receipt") return `${formatTime(time, true)}, when it was received`;
  if (clock === "fetch") return `${formatTime(time, true)}, when its object was fetched`;
  const expression = plainText(clock.slice(clock.indexOf(":") + 1));
  return clock.startsWith("count:") ? `${time}, by ${expression}` : `${formatTime(time, true)}, by ${expression}`;
}

function stateLines({ states, entities }: Detail, { out }: StoryView): string[] {
  return states.map((one) => {
    const before = entities.find((ref) => ref.type === one.entity)?.before;
    const since = before?.time === undefined ? "" : ` since ${formatTime(before.time)}`;
    const was = before === undefined ? "" : `, it was ${plainText(before.state)}${since}`;
    return namedLine(out, "state", `${one.entity} -> ${plainText(one.state)}${was}`);
  });
}

const REASONS: Readonly<Record<string, string>> = {
  stale: "a newer event has already written all it would write",
  no_rule: "no rule of the pipeline matches it",
  type_not_listed: "no rule lists its type",
  not_selected: "the rule's `when` is false for it",
  not_found: "what it is about was not there when it was fetched",
  tombstone: "the entity has been deleted",
  hold_ended: "what it waited for did not come in time, and the rule says skip",
  dropped: "its pipeline or source was dropped from the config before it was applied",
};

function reasonWords(outcome: Outcome, { sensitive }: StoryView): string {
  const by = outcome.supersededBy === undefined ? "" : ` (${outcome.supersededBy})`;
  return `${REASONS[outcome.reason ?? ""] ?? plainText(sensitive.text(outcome.reason ?? ""))}${by}`;
}

/** A table where it fits; else two lines a row: what was written, and below it where from. */
function mappingRows(rows: readonly DetailRow[], view: StoryView): string {
  const { out } = view;
  const cells = rows.map((row) => rowCells(row, view));
  const table = formatTable(
    out,
    ["ATTRIBUTE", "FROM", "READ", "IF MISSING", "RESULT", "OWNER", "LINE"],
    cells.map((cell) => [cell.name, cell.from, cell.read, cell.policy, cell.result, cell.owner, cell.at]),
  );
  if (table.split("\n").every((line) => widthOf(line) + 2 <= out.columns)) return indent(table);
  return cells
    .map(({ name, from, read, policy, result, owner, at }) => {
      const told = `${from}, read ${read}; if missing: ${policy}; ${owner}, ${at}`;
      return `  ${out.color.bold(name)}  ${result}\n      ${fold(told, { width: out.columns - 6, indent: 6 })}`;
    })
    .join("\n");
}

function rowCells(row: DetailRow, { sensitive }: StoryView) {
  const hidden = sensitive.value(row.entity, row.attribute);
  const read =
    row.missing.length > 0
      ? `${row.missing.map((one) => plainText(String(one))).join(", ")} missing`
      : row.raw.map((raw) => formatValue(hidden ? HIDDEN : raw, 30)).join(", ");
  const value = formatValue(shownValue(row.value, hidden), 30);
  const result =
    row.result === "keep" ? `keep (${row.why})` : row.result === "clear" ? "clear" : `${row.result} ${value}`;
  const fragments = row.fragments.length === 0 ? "" : ` (fragment ${row.fragments.join(", ")})`;
  return {
    name: `${row.entity}.${row.attribute}`,
    from: `<- ${plainText(row.from)}${fragments}`,
    read: read || "-",
    policy: row.policy,
    result,
    owner: row.owner || "-",
    at: row.at,
  };
}

function renderChange(row: Change, { sensitive }: StoryView): string {
  const hidden = sensitive.value(row.entity.type, row.attribute);
  const ref = shownRef(row.entity, sensitive);
  const value = (json: typeof row.before) =>
    json === undefined ? "nothing" : formatValue(shownValue(json, hidden), 40);
  const moved = row.result === "set" || row.result === "cleared" || row.result === "computed";
  const change = moved
    ? `${value(row.before)} -> ${value(row.after)}`
    : `stays ${value(row.before)}, would be ${value(row.after)}`;
  const { supersedingAt: at } = row;
  const when = at === undefined ? "" : `, which happened ${formatTime(at, true)}`;
  const notes = [
    row.note === undefined ? undefined : sensitive.text(row.note),
    row.superseding && `superseded by ${row.superseding}${when}`,
  ].filter((one) => one !== undefined);
  const note = notes.length === 0 ? "" : ` (${plainText(notes.join(", "))})`;
  return `${ref.type}/${plainText(ref.key)}.${row.attribute}: ${change}${note}`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ").trimEnd();
}

/** Shows where a value came from, and an entity's attributes with their last writers, from the documents of http/lineage.ts. */
import type { Json } from "../core/types.ts";
import type { EntityDocument, StepDocument, ValueDocument } from "../http/lineage.ts";
import { type Cli, EXIT } from "./context.ts";
import { fold, namedLine, widthOf } from "./fold.ts";
import { formatRevision, formatTable, formatTime, formatValue, plainText, printJson, suggest } from "./format.ts";

const MOVED = new Set(["set", "cleared", "computed", "lowered"]);
const valueText = (json: Json) => (json === null ? "nothing" : formatValue(json, 40));
const timeText = (iso: string) => formatTime(Date.parse(iso));

/** `target` as it was asked for. */
export function showValue(cli: Cli, target: string, document: ValueDocument): number {
  const { out } = cli;
  const { value, declared, lineage, seeded } = document;
  const head = `${out.color.bold(plainText(target))} is ${value === null ? "absent" : formatValue(value)}`;
  const about = declared === null ? [] : [`  ${fold(plainText(declared), { width: out.columns - 2, indent: 2 })}`];
  const blocks = [
    [head, ...about].join("\n"),
    ...lineage.map((step) => renderStep(cli, document.entity.type, step)),
    ...(seeded === null
      ? []
      : [
          `${timeText(seeded.at)}  ${out.color.bold("seeded")}  ${valueText(seeded.value)}: loaded by hookrail seed, no event wrote it`,
        ]),
  ];
  out.write(`${blocks.join("\n\n")}\n`);
  // History outlives its events.
  const known = lineage.find((step) => step.event.startsWith("evt_"));
  if (known !== undefined) suggest(cli, `explain ${known.event}`);
  return EXIT.ok;
}

function renderStep({ out }: Cli, type: string, step: StepDocument): string {
  const { color } = out;
  const { result, before, after, lines, note } = step;
  const gone = result === "deleted" || result === "erased";
  const change = gone
    ? `${type} ${result}: its values went with it`
    : MOVED.has(result)
      ? `${valueText(before)} -> ${valueText(after)}`
      : `stays ${valueText(before)}, would be ${valueText(after)}`;
  const paint = MOVED.has(result) ? color.bold : gone || result === "refused" ? color.red : color.yellow;
  const line = (name: string, text: string) => namedLine(out, name, text);
  const happened =
    step.superseded_at === null ? "" : `, which happened ${formatTime(Date.parse(step.superseded_at), true)}`;
  return [
    fold(`${timeText(step.at)}  ${paint(result)}  ${change}`, { width: out.columns, indent: 2 }),
    line("event", `${step.event} ${plainText(step.source)} ${plainText(step.event_type)}`),
    line("by", `${step.pipeline}, revision ${formatRevision(step.revision, step.git_commit ?? undefined)}`),
    ...(note === null ? [] : [line("from", plainText(note))]),
    ...(step.superseded_by === null ? [] : [line("older than", `${step.superseded_by}${happened}`)]),
    ...lines.map(({ at, text, of }) => {
      const whose = of === null ? "" : ` of ${of}`;
      return line("line", `${at}${whose}${text === null ? "" : `  ${color.dim(plainText(text))}`}`);
    }),
  ].join("\n");
}

/** `asked`: `type:key` as it was asked for. */
export function showEntity(cli: Cli, asked: string, document: EntityDocument): number {
  const { out } = cli;
  const cells = document.attributes.map(({ attribute, value, last_write: row }) => [
    attribute,
    value === null ? "absent" : formatValue(value, 40),
    ...(row === null
      ? [document.seeded ? "seeded" : "-", "-", "-", "-"]
      : [
          timeText(row.at),
          row.event,
          plainText(row.event_type),
          row.mapping ?? (row.result === "computed" ? "computed" : "-"),
        ]),
  ]);
  const table = formatTable(out, ["ATTRIBUTE", "VALUE", "WRITTEN", "EVENT", "TYPE", "LINE"], cells);
  const fits = table.split("\n").every((line) => widthOf(line) <= out.columns);
  out.write(`${entityHead(cli, document)}\n\n${fits ? table : cells.map((row) => twoLines(cli, row)).join("")}`);
  const [first] = document.attributes;
  if (first !== undefined) suggest(cli, `explain ${plainText(`${asked}.${first.attribute}`)}`);
  return EXIT.ok;
}

function twoLines({ out }: Cli, [name = "", value = "", ...rest]: readonly string[]): string {
  const from = rest.filter((one) => one !== "-").join(", ");
  const below = from === "" ? "" : `    ${fold(from, { width: out.columns - 4, indent: 4 })}\n`;
  return `${out.color.bold(name)}  ${value}\n${below}`;
}

function entityHead({ out }: Cli, { entity, created_at: since, parent, seeded, gone }: EntityDocument): string {
  const told = [
    `since ${timeText(since)}`,
    ...(parent === null ? [] : [`belongs to ${parent.type}/${plainText(parent.key)}`]),
    ...(seeded ? ["seeded"] : []),
    ...(gone === null ? [] : [out.color.red(gone)]),
  ];
  const head = `${out.color.bold(`${entity.type}:${plainText(entity.key)}`)}  ${told.join(", ")}`;
  return fold(head, { width: out.columns, indent: 2 });
}

export function printDocument(cli: Cli, document: object): number {
  printJson(cli, { ...document });
  return EXIT.ok;
}

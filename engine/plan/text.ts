/** The report as people read it: on a terminal, and as the comment of a pull request. */
import type { FrameColors } from "../config/render.ts";
import { type AttributeChange, type EffectChange, hasChanges, type PlanReport, type Sign, signOf } from "./report.ts";

const MARKS: Readonly<Record<Sign, string>> = { appear: "+", change: "~", vanish: "-" };

type Counts = Pick<AttributeChange, "appear" | "change" | "vanish">;

function counts({ appear, change, vanish }: Counts): string {
  const parts = [`${change} change`, `${appear} appear`, `${vanish} vanish`];
  return parts.filter((part) => !part.startsWith("0 ")).join(", ");
}

const attributeName = (one: AttributeChange) => `${one.entity}.${one.attribute}`;
const effectName = (one: EffectChange) =>
  [one.connection, one.action, one.event].filter((part) => part !== "").join(" ");
const placesOf = ({ places }: AttributeChange) => (places.length === 0 ? "our record only" : places.join(", "));

/** `1,000 stored events, 2026-11-01T… to 2026-11-24T…`. */
function basisOf({ basis }: PlanReport): string {
  const span =
    basis.from === undefined || basis.to === undefined || basis.kind === "samples"
      ? ""
      : `, ${new Date(basis.from).toISOString()} to ${new Date(basis.to).toISOString()}`;
  const left = [
    basis.more > 0 ? `${basis.more} older ones left out` : "",
    basis.bodiesGone > 0 ? `${basis.bodiesGone} without a body left out` : "",
    basis.notFetched > 0 ? `${basis.notFetched} need an object that was never fetched` : "",
  ].filter((part) => part !== "");
  const kind = basis.kind === "samples" ? "sample" : basis.kind === "corpus" ? "recorded" : "stored";
  return `${basis.events.toLocaleString("en")} ${kind} events${span}${left.length === 0 ? "" : ` (${left.join("; ")})`}`;
}

function summaryOf(report: PlanReport): string {
  const all = report.pipelines.flatMap((one) => [...one.attributes, ...one.effects]).map(signOf);
  const number = (sign: Sign) => all.filter((one) => one === sign).length;
  const outcomes = report.pipelines.reduce((sum, one) => sum + one.outcomes.length, 0);
  return `Plan: ${number("appear")} appear, ${number("change")} change, ${number("vanish")} vanish, ${outcomes} outcomes, ${report.breaking.length} breaking. ${report.unchanged} unchanged are not shown.`;
}

export function renderPlan(report: PlanReport, colors: FrameColors & { green(text: string): string }): string {
  const paint = { appear: colors.green, change: colors.yellow, vanish: colors.red };
  const lines = [`${report.before.label} -> ${report.after.label}, over ${basisOf(report)}`, ""];
  for (const { pipeline, kind, attributes, effects, outcomes } of report.pipelines) {
    lines.push(`  ${colors.bold(pipeline)}${kind === "changed" ? "" : ` (${kind})`}`);
    const show = (one: AttributeChange | EffectChange, name: string, places: string) => {
      const sign = signOf(one);
      lines.push(
        `    ${paint[sign](`${MARKS[sign]} ${name}`)}  ${counts(one)}${places === "" ? "" : colors.dim(`  ${places}`)}`,
      );
      for (const { event, entity = "", before, after } of one.examples)
        lines.push(`${colors.dim(`        ${event} ${entity}: `)}${before} -> ${after}`);
    };
    for (const one of attributes) show(one, attributeName(one), placesOf(one));
    for (const one of effects) show(one, effectName(one), "");
    for (const one of outcomes)
      lines.push(
        `    ${colors.yellow("!")} ${one.before} -> ${one.after}: ${one.count} events  ${colors.dim(one.examples.join(" "))}`,
      );
    lines.push("");
  }
  if (report.breaking.length > 0) lines.push(`  ${colors.red(colors.bold("breaking"))}`);
  for (const { kind, what, why, events, rows, examples } of report.breaking) {
    const numbers = [...(events > 0 ? [`${events} events`] : []), ...rows].join(", ");
    lines.push(`    ${colors.red("!")} ${kind.replaceAll("_", " ")}: ${what}${numbers === "" ? "" : `  (${numbers})`}`);
    lines.push(`        ${why}`);
    for (const example of examples) lines.push(colors.dim(`        ${example}`));
  }
  if (report.breaking.length > 0) lines.push("");
  lines.push(
    hasChanges(report)
      ? summaryOf(report)
      : `No changes. ${report.unchanged} attributes and effects are written as before.`,
  );
  return `${lines.join("\n")}\n`;
}

/** What the services that take it allow is 65,536 characters. */
export const MAX_MARKDOWN = 60_000;

/** Text in a code span: nothing in it is a mention, a link or markup. */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  const pad = text.startsWith("`") || text.endsWith("`") ? " " : "";
  return `${fence}${pad}${text}${pad}${fence}`;
}

export function renderMarkdown(report: PlanReport, maxLength = MAX_MARKDOWN): string {
  const head = [
    hasChanges(report) ? "### Hookrail plan: changes" : "### Hookrail plan: no changes",
    "",
    `${code(report.before.label)} to ${code(report.after.label)}, over ${basisOf(report)}.`,
    "",
    summaryOf(report),
    "",
  ];
  const breaking = report.breaking.map(({ kind, what, why, events, rows }) => {
    const numbers = [...(events > 0 ? [`${events} events`] : []), ...rows].join(", ");
    return `- **${kind.replaceAll("_", " ")}** ${code(what)}${numbers === "" ? "" : ` (${numbers})`}: ${why}`;
  });
  const blocks = report.pipelines.map((one) => ({
    open: `<details open><summary>${one.pipeline.replace(/[<>&]/g, "")}${one.kind === "changed" ? "" : ` (${one.kind})`}</summary>\n`,
    items: [
      ...one.attributes.map((change) => item(change, `${code(attributeName(change))} (${placesOf(change)})`)),
      ...one.effects.map((change) => item(change, code(effectName(change)))),
      ...one.outcomes.map((change) => `- ! ${change.before} → ${change.after}: ${change.count} events`),
    ],
  }));
  return bounded([...head, ...(breaking.length === 0 ? [] : ["**Breaking**", "", ...breaking, ""])], blocks, maxLength);
}

function item(change: AttributeChange | EffectChange, name: string): string {
  const [first] = change.examples;
  const example =
    first === undefined ? "" : `; ${code(first.entity ?? first.event)}: ${code(first.before)} → ${code(first.after)}`;
  return `- ${code(MARKS[signOf(change)])} ${name}: ${counts(change)}${example}`;
}

/** Leaves out whole items from the end, and says how many. */
function bounded(
  head: readonly string[],
  blocks: readonly { readonly open: string; readonly items: readonly string[] }[],
  maxLength: number,
): string {
  const closing = "\n</details>\n";
  let text = `${head.join("\n")}\n`;
  const room = maxLength - 100;
  if (text.length > room) text = `${text.slice(0, room - 1)}…\n`;
  let left = 0;
  for (const { open, items } of blocks) {
    let block = open;
    for (const one of items) {
      if (left > 0 || text.length + block.length + one.length + closing.length > room) left++;
      else block += `\n${one}`;
    }
    if (block !== open) text += `${block}\n${closing}`;
  }
  return left === 0 ? text : `${text}\n… and ${left} more: \`hookrail plan\` shows all.\n`;
}

/** The printed tables, and the section that goes to bench/RESULTS.md. Plain Markdown, so that both are the same text. */

import type { Samples } from "./rounds.ts";
import type { DeliverySample, Sample } from "./stages.ts";
import { median, ratioOf } from "./statistics.ts";

/** One aim and what came of it. */
export interface Finding {
  readonly question: string;
  /** `>= 0.85`, or "" where there is none. */
  readonly aim: string;
  readonly value: number;
  /** Least and greatest of the rounds, where there are several. */
  readonly spread?: readonly [number, number];
}

/** `met`, `missed`, or "" without an aim. */
export function verdict({ aim, value }: Finding): string {
  const [, sign, bound] = /^(>=|<=) ([\d.]+)$/.exec(aim) ?? [];
  if (sign === undefined) return "";
  return (sign === ">=" ? value >= Number(bound) : value <= Number(bound)) ? "met" : "**missed**";
}

/** A Markdown table, columns padded so that it reads well in a terminal too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)].join("\n");
}

const number = (value: number | undefined, digits = 0) =>
  value === undefined || Number.isNaN(value) ? "-" : value.toFixed(digits);

/** What each server did: medians over the rounds. */
export function serverTable(samples: Samples): string {
  const rows = [...samples].map(([name, all]) => {
    const of = (read: (sample: Sample) => number | undefined, digits?: number) =>
      number(median(all.map((sample) => read(sample) ?? Number.NaN)), digits);
    return [
      name,
      of((sample) => sample.perSecond),
      of((sample) => sample.p50, 1),
      of((sample) => sample.p99, 1),
      of((sample) => sample.max),
      of((sample) => sample.cpuUs),
      of((sample) => sample.rssMb),
      of((sample) => (isDelivery(sample) ? sample.endToEnd : undefined)),
      of((sample) => (isDelivery(sample) ? sample.endToEndCpuUs : undefined)),
    ];
  });
  const head = ["", "acks/s", "p50 ms", "p99 ms", "max ms", "CPU us/ack", "RSS MB", "delivered/s", "CPU us/event"];
  return table(head, rows);
}

const isDelivery = (sample: Sample): sample is DeliverySample => "endToEnd" in sample;

export function findingTable(findings: readonly Finding[]): string {
  const rows = findings.map((finding) => [
    finding.question,
    finding.aim,
    number(finding.value, finding.value >= 10 ? 1 : 2),
    finding.spread === undefined ? "" : finding.spread.map((edge) => number(edge, edge >= 10 ? 1 : 2)).join(" to "),
    verdict(finding),
  ]);
  return table(["", "aim", "measured", "rounds", ""], rows);
}

/** The ratios of a run's rounds that have an aim, and those kept to compare runs. */
export function roundFindings(samples: Samples, engines: readonly string[]): Finding[] {
  const [engine = "", other] = engines;
  const find = (question: string, aim: string, [above, below]: readonly [readonly number[], readonly number[]]) =>
    above.length === 0 || below.length === 0 ? [] : [{ question, aim, ...asFinding(ratioOf(above, below)) }];
  const rate = (name: string) => (samples.get(name) ?? []).map((sample) => sample.perSecond);
  const p99 = (name: string) => (samples.get(name) ?? []).map((sample) => sample.p99);
  const endToEnd = (name: string) =>
    (samples.get(name) ?? []).flatMap((sample) => (isDelivery(sample) ? [sample.endToEnd] : []));
  const [ack, http, sql] = [`${engine} ack`, `${engine} http`, `${engine} sql`];
  return [
    ...find("durable ack / bare node:http floor with the same verify and group commit", ">= 0.85", [
      rate(ack),
      rate("floor"),
    ]),
    ...find("durable ack / Koa with body and HMAC, no store", ">= 0.80", [rate(ack), rate("koa")]),
    ...find("ack p99 under full HTTP delivery / ack alone", "<= 2.0", [p99(http), p99(ack)]),
    ...find("ack p99 under full SQL delivery / ack alone", "<= 2.0", [p99(sql), p99(ack)]),
    ...find("accepted to delivered over HTTP / floor's acks", "", [endToEnd(http), rate("floor")]),
    ...find("accepted to row over SQL / floor's acks", "", [endToEnd(sql), rate("floor")]),
    ...(other === undefined
      ? []
      : [
          ...find(`ack / ${other}`, "", [rate(ack), rate(`${other} ack`)]),
          ...find(`HTTP delivery / ${other}`, "", [endToEnd(http), endToEnd(`${other} http`)]),
          ...find(`SQL delivery / ${other}`, "", [endToEnd(sql), endToEnd(`${other} sql`)]),
        ]),
  ];
}

function asFinding(ratio: ReturnType<typeof ratioOf>): Pick<Finding, "value" | "spread"> {
  return { value: ratio.median, spread: [ratio.least, ratio.greatest] };
}

/** How the CLI writes times, durations, tables and JSON. */
import Table from "cli-table3";
import { stringify } from "yaml";
import type { Json } from "../core/types.ts";
import type { Cli, Output } from "./context.ts";

/** Raised by a minor when a field is added; a major would be a break (config-ux: additive minors). */
export const FORMAT_VERSION = "1.0";

/** Machine output: one JSON document on stdout, always with the version of its format. */
export function printJson(cli: Cli, document: { readonly [key: string]: unknown }): void {
  cli.out.write(`${safeJson({ format_version: FORMAT_VERSION, ...document }, cli.out.tty ? 2 : 0)}\n`);
}

// JSON leaves these as they are, and a terminal does not.
const UNSAFE_IN_JSON = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** JSON as it may go to a terminal: the same document, with what moves a cursor or turns a line around as escapes. */
export function safeJson(document: unknown, indent = 0): string {
  return JSON.stringify(document, undefined, indent).replace(UNSAFE_IN_JSON, escaped);
}

/** YAML in which the same stands as escapes: only texts in double quotes may have them. */
export function safeYaml(document: unknown): string {
  const yaml = stringify(document, { lineWidth: 0 });
  if (yaml.search(UNSAFE_IN_JSON) === -1) return yaml;
  const quoted = stringify(document, { lineWidth: 0, defaultStringType: "QUOTE_DOUBLE" });
  return quoted.replace(UNSAFE_IN_JSON, escaped);
}

const escaped = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The next command to try, on stderr. */
export function suggest(cli: Cli, ...commands: readonly string[]): void {
  cli.err.write(`${cli.err.color.dim("next:")} ${commands.map((one) => `${cli.name} ${one}`).join("  or  ")}\n`);
}

/** Local time to the second, `2026-11-24 06:40:12`; with milliseconds for stories. */
export function formatTime(at: number, precise = false): string {
  const d = new Date(at);
  const two = (n: number) => String(n).padStart(2, "0");
  const seconds = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  const time = precise ? `${seconds}.${String(d.getMilliseconds()).padStart(3, "0")}` : seconds;
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`;
}

/** A duration for people: `12 ms`, `1.2 s`, `3 min`, `2.5 h`, `4 d`. */
export function formatMs(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1_000) return `${Math.round(ms)} ms`;
  if (size < 60_000) return `${trim(ms / 1_000)} s`;
  if (size < 3_600_000) return `${trim(ms / 60_000)} min`;
  if (size < 86_400_000) return `${trim(ms / 3_600_000)} h`;
  return `${trim(ms / 86_400_000)} d`;
}

const trim = (n: number) => String(Number(n.toFixed(1)));

// Control characters in stored text must not move the cursor or colour the terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Stored text as it may go to a terminal. */
export function plainText(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** A JSON value on one line, cut where it is long. */
export function formatValue(value: Json | undefined, max = 60): string {
  if (value === undefined) return "absent";
  const text = plainText(JSON.stringify(value));
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

/** Columns without lines, two spaces apart; headings bold on a terminal. */
export function formatTable(out: Output, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: heads.map((head) => out.color.bold(head)),
    chars: NO_LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split("\n")
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

const NO_LINES = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"])
    .map((name) => [name, ""]),
);

/** `12.3 MiB`: for people; machines get bytes. */
export function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const unit = Math.min(units.length - 1, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** `fdbf7164df9b, commit 1c2d3e4f5a6b`. */
export function formatRevision(revision: string, gitCommit: string | undefined): string {
  return `${revision.slice(0, 12)}${gitCommit === undefined ? "" : `, commit ${gitCommit.slice(0, 12)}`}`;
}

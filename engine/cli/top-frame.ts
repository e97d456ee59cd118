/** One frame of `hookrail top`: what it shows of the overview, as lines that fit the terminal. Pure. */
import type { Colors } from "./context.ts";
import { formatMs, plainText } from "./format.ts";

/** As much of `/api/v1/overview` as is shown. */
export interface Overview {
  readonly at: string;
  readonly state: string;
  readonly pipelines: readonly {
    readonly name: string;
    readonly owner: string;
    readonly enabled: boolean;
    readonly paused: object | null;
    readonly sla: { readonly lag_ms: number };
    readonly waiting: { readonly held: number; readonly dead_letters: number };
    readonly lately: {
      readonly rate: number;
      readonly success: number | null;
      readonly lag_p50_ms: number | null;
      readonly lag_p95_ms: number | null;
      readonly retries: number;
      readonly history: readonly number[];
    };
  }[];
  readonly connections: readonly {
    readonly name: string;
    readonly open: number;
    readonly paused: object | null;
    readonly breaker?: string;
  }[];
  readonly counts: {
    readonly ready: number;
    readonly held: number;
    readonly open_deliveries: number;
    readonly open_dead_letters: number;
    readonly oldest_open_at?: string | null;
  };
}

export const SORTS = ["dead", "lag", "rate", "name"] as const;
export type Sort = (typeof SORTS)[number];

export interface View {
  readonly sort: Sort;
  /** Nothing is asked while it stands still. */
  readonly still: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly color: Colors;
  /** On a terminal: which keys there are. */
  readonly keys: boolean;
  readonly now: number;
}

type Pipeline = Overview["pipelines"][number];

const BARS = "▁▂▃▄▅▆▇█";
const SPARK = 12;

interface Column {
  readonly head: string;
  readonly of: (pipeline: Pipeline) => string;
  readonly bad?: (pipeline: Pipeline) => boolean;
  readonly left?: true;
  /** Left out first where the terminal is narrow: the highest goes first. */
  readonly weight: number;
}

const COLUMNS: readonly Column[] = [
  { head: "pipeline", of: nameOf, left: true, weight: 0 },
  { head: "rate", of: ({ lately }) => rateText(lately.rate), weight: 1 },
  {
    head: "success",
    of: ({ lately }) => (lately.success === null ? "-" : `${(Math.floor(lately.success * 1_000) / 10).toFixed(1)} %`),
    bad: ({ lately }) => lately.success !== null && lately.success < 0.99,
    weight: 2,
  },
  { head: "p50", of: ({ lately }) => lagText(lately.lag_p50_ms), weight: 5 },
  {
    head: "p95",
    of: ({ lately }) => lagText(lately.lag_p95_ms),
    bad: ({ lately, sla }) => (lately.lag_p95_ms ?? 0) > sla.lag_ms,
    weight: 3,
  },
  { head: "held", of: ({ waiting }) => String(waiting.held), weight: 6 },
  { head: "retries", of: ({ lately }) => String(lately.retries), weight: 4 },
  {
    head: "dead",
    of: ({ waiting }) => String(waiting.dead_letters),
    bad: ({ waiting }) => waiting.dead_letters > 0,
    weight: 1,
  },
  { head: "last 5 min", of: ({ lately }) => spark(lately.history), left: true, weight: 7 },
  { head: "owner", of: ({ owner }) => plainText(owner), left: true, weight: 8 },
];

/** The lines of one frame: never wider or longer than the terminal. */
export function frameOf(overview: Overview, view: View): readonly string[] {
  const { color, columns, rows } = view;
  const sorted = [...overview.pipelines].sort(BY[view.sort]);
  const table = tableOf(sorted, view);
  const waits = overview.connections.filter((one) => one.open > 0 || one.paused !== null || isTripped(one.breaker));
  const sinks =
    waits.length === 0 ? [] : ["", color.bold("connections with work"), ...waits.map((one) => sinkLine(one, color))];
  const foot = view.keys ? ["", color.dim(`q quit  p ${view.still ? "go on" : "hold"}  s sort (${view.sort})`)] : [];
  const head = [headLine(overview, view), countsLine(overview, view), ""];
  const room = Math.max(2, rows - head.length - foot.length);
  const body = [...table, ...sinks];
  const shown =
    body.length <= room ? body : [...body.slice(0, room - 1), color.dim(`… ${body.length - room + 1} more lines`)];
  return [...head, ...shown, ...foot].map((line) => cut(line, columns));
}

function headLine({ at, state }: Overview, { color, still }: View): string {
  const shown = state === "running" ? color.green(state) : color.yellow(plainText(state));
  return `${color.bold("hookrail")} ${shown}  ${plainText(at)}${still ? color.yellow("  held still") : ""}`;
}

function countsLine({ counts }: Overview, { color, now }: View): string {
  const dead = `${counts.open_dead_letters} dead`;
  const oldest = counts.oldest_open_at ?? null;
  const parts = [
    `${counts.ready} to apply`,
    `${counts.held} held`,
    `${counts.open_deliveries} to deliver`,
    counts.open_dead_letters > 0 ? color.red(dead) : dead,
    ...(oldest === null ? [] : [`oldest open ${formatMs(Math.max(0, now - Date.parse(oldest)))}`]),
  ];
  return parts.join(color.dim(" · "));
}

function tableOf(pipelines: readonly Pipeline[], { color, columns }: View): string[] {
  if (pipelines.length === 0) return [color.dim("no pipelines")];
  let chosen = [...COLUMNS];
  const widthOf = (column: Column) =>
    Math.max(column.head.length, ...pipelines.map((one) => [...column.of(one)].length));
  const total = () => chosen.reduce((sum, column) => sum + widthOf(column) + 2, -2);
  while (total() > columns && chosen.length > 2) {
    const heaviest = Math.max(...chosen.map(({ weight }) => weight));
    chosen = chosen.filter(({ weight }) => weight !== heaviest);
  }
  const pad = (column: Column, text: string) => {
    const gap = " ".repeat(Math.max(0, widthOf(column) - [...text].length));
    return column.left === true ? text + gap : gap + text;
  };
  const heads = chosen.map((column) => color.dim(pad(column, column.head))).join("  ");
  const lines = pipelines.map((one) =>
    chosen
      .map((column) => {
        const text = pad(column, column.of(one));
        return column.bad?.(one) === true ? color.red(text) : text;
      })
      .join("  ")
      .trimEnd(),
  );
  return [heads, ...lines];
}

function nameOf({ name, enabled, paused }: Pipeline): string {
  return `${plainText(name)}${paused === null ? "" : " (paused)"}${enabled ? "" : " (off)"}`;
}

function sinkLine({ name, open, paused, breaker }: Overview["connections"][number], color: Colors): string {
  const marks = [
    ...(paused === null ? [] : [color.yellow("paused")]),
    ...(isTripped(breaker) ? [color.red(`breaker ${String(breaker).replace("_", " ")}`)] : []),
  ];
  return `  ${plainText(name)}  ${open} open${marks.length === 0 ? "" : `  ${marks.join(", ")}`}`;
}

const isTripped = (breaker: string | undefined): boolean => breaker !== undefined && breaker !== "closed";
function rateText(rate: number): string {
  if (rate === 0) return "0";
  return rate < 1 ? `${Number((rate * 60).toPrecision(2))}/min` : `${Number(rate.toPrecision(3))}/s`;
}

const lagText = (lag: number | null): string => (lag === null ? "-" : formatMs(lag));

function spark(history: readonly number[]): string {
  const each = Math.max(1, Math.ceil(history.length / SPARK));
  const sums = Array.from({ length: Math.ceil(history.length / each) }, (_, at) =>
    history.slice(at * each, (at + 1) * each).reduce((sum, one) => sum + one, 0),
  );
  const most = Math.max(1, ...sums);
  return sums.map((one) => (one === 0 ? " " : BARS[Math.min(7, Math.floor((one / most) * 7.99))])).join("");
}

const byName = (a: Pipeline, b: Pipeline): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
/** What needs a person first. */
const BY: Readonly<Record<Sort, (a: Pipeline, b: Pipeline) => number>> = {
  dead: (a, b) => b.waiting.dead_letters - a.waiting.dead_letters || byName(a, b),
  lag: (a, b) => (b.lately.lag_p95_ms ?? -1) - (a.lately.lag_p95_ms ?? -1) || byName(a, b),
  rate: (a, b) => b.lately.rate - a.lately.rate || byName(a, b),
  name: byName,
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of our own
const PIECES = /\u001b\[[0-9;]*m|./gu;

/** At most `width` characters, colours not counted and closed at the end. */
function cut(line: string, width: number): string {
  let left = width;
  let colored = false;
  let out = "";
  for (const [piece] of line.matchAll(PIECES)) {
    if (piece.startsWith("\u001b")) {
      colored = true;
      out += piece;
    } else if (left > 0) {
      left--;
      out += piece;
    }
  }
  return colored ? `${out}\u001b[0m` : out;
}

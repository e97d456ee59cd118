/** The lines of `hookrail status`. */
import type { ReloadDocument } from "../http/admin-reload.ts";
import type { sizeDocument } from "../http/admin-status.ts";
import type { countsDocument, pauseDocument, StatusDocument } from "../http/documents.ts";
import type { waitingSecrets } from "../http/told-secrets.ts";
import type { Cli } from "./context.ts";
import { formatMs, plainText, sizeText } from "./format.ts";

/** What is there with an engine and without; the rest only while one runs. */
export interface Status extends Partial<StatusDocument> {
  readonly running: boolean;
  readonly counts: ReturnType<typeof countsDocument>;
  readonly store: ReturnType<typeof sizeDocument>;
  readonly paused: readonly ReturnType<typeof pauseDocument>[];
  readonly waiting_secrets?: ReturnType<typeof waitingSecrets>;
  readonly last_reload?: ReloadDocument | null;
  readonly budgets?: readonly { readonly pipeline: string; readonly left: number; readonly events: number }[];
  readonly alerts?: {
    readonly open: readonly { readonly severity: string; readonly title: string; readonly opened_at: string }[];
    readonly failing_channels?: readonly string[];
  };
}

type Line = (name: string, text: string) => void;

export function printStatus(cli: Cli, status: Status): void {
  const { color } = cli.out;
  const line: Line = (name, text) => cli.out.write(`  ${color.dim(name.padEnd(13))} ${text}\n`);
  const text = (name: "state" | "started_at" | "hooks" | "admin" | "revision" | "environment") =>
    plainText(status[name] ?? "");
  cli.out.write(
    status.running
      ? `${color.green("running")} (${text("state")}, pid ${String(status.pid)}, since ${text("started_at")})\n`
      : `${color.yellow("no engine is running here")}\n`,
  );
  if (status.running) {
    line("hooks", text("hooks"));
    line("admin", text("admin"));
    line("revision", `${text("revision").slice(0, 12)} (${text("environment")})`);
    printReload(status, line);
    line("pipelines", names(status.pipelines));
    line("connections", names(status.connections));
  }
  printWork(cli, status, line);
  line("store", storeText(status.store));
  printTrouble(cli, status, line);
}

function printWork(cli: Cli, { counts, budgets = [] }: Status, line: Line): void {
  const { color } = cli.out;
  line("events", String(counts.events));
  const fetching = counts.fetching === 0 ? "" : `${counts.fetching} to fetch, `;
  line("waiting", `${counts.ready} to apply, ${fetching}${counts.held} held, ${counts.open_deliveries} to deliver`);
  // An engine of another version may not say it.
  const oldest = counts.oldest_open_at ?? null;
  if (oldest !== null) {
    const age = Math.max(0, cli.clock.now() - Date.parse(oldest));
    line("oldest open", `${formatMs(age)} (since ${oldest})`);
  }
  line("dead letters", counts.open_dead_letters === 0 ? "0" : color.red(String(counts.open_dead_letters)));
  for (const { pipeline, left, events } of budgets) {
    const of = `(${events} events)`;
    // Below 0 it is overdrawn, which as a share of it says little.
    if (left <= 0) line("budget", `${pipeline}: ${color.red("its error budget is used up")} ${of}`);
    else line("budget", `${pipeline}: ${Math.round(left * 100)} % of its error budget left ${of}`);
  }
}

function printTrouble(cli: Cli, status: Status, line: Line): void {
  const { color } = cli.out;
  for (const { name, breaker } of status.connections ?? [])
    if (breaker === "open" || breaker === "half_open")
      line(
        "breaker",
        `${name} is ${color.yellow(breaker.replace("_", " "))}: its sink does not answer; tried again by itself`,
      );
  for (const pause of status.paused)
    line(
      "paused",
      `${pause.kind} ${pause.name} by ${plainText(pause.by)} since ${pause.since}${pause.reason === "" ? "" : `: ${plainText(pause.reason)}`}`,
    );
  for (const { source, secret, learned_at: at } of status.waiting_secrets ?? [])
    line("secret", `${secret} of ${source} waits since ${at}: \`hookrail secrets accept\` or \`discard\``);
  for (const { severity, title, opened_at: at } of status.alerts?.open ?? [])
    line("alert", `${severity === "page" ? color.red(severity) : severity} since ${at}: ${plainText(title)}`);
  for (const channel of status.alerts?.failing_channels ?? []) line("channel", `${channel} can not be reached`);
}

function storeText({ bytes, wal, reserve, disk_free: free }: Status["store"]): string {
  const disk = free === null ? "" : `, ${sizeText(free)} free on its disk`;
  return `${sizeText(bytes)}, -wal ${sizeText(wal)}${disk}${reserve === 0 ? "" : ` and ${sizeText(reserve)} in reserve`}`;
}

/** Silent while the files say what is at work and nothing was refused. */
function printReload({ last_reload: last }: Status, line: Line): void {
  if (last === null || last === undefined) return;
  const files = last.file_revision;
  if (files !== last.revision) line("files", files === null ? "have errors" : `${files.slice(0, 12)}, not at work`);
  const { at, why, result, error } = last;
  line("reload", `${result} at ${at} (${why})${error === null ? "" : `: ${error.code} ${plainText(error.message)}`}`);
  for (const frame of error?.frames ?? []) for (const row of frame.split("\n")) line("", plainText(row));
}

const names = (list: readonly { readonly name: string }[] = []): string =>
  list.map(({ name }) => plainText(name)).join(", ");

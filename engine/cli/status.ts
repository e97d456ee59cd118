/** `hookrail status`: whether an engine runs here, with which config, and how much waits. */
import { Command } from "commander";
import type { ReloadDocument } from "../http/admin-reload.ts";
import { sizeDocument } from "../http/admin-status.ts";
import { countsDocument, pauseDocument } from "../http/documents.ts";
import { waitingSecrets } from "../http/told-secrets.ts";
import { callAdmin } from "./admin-client.ts";
import { type Cli, EXIT } from "./context.ts";
import { plainText, printJson, sizeText } from "./format.ts";
import { findPlace, type Installation } from "./installation.ts";
import { withReader } from "./stored.ts";
import { onAction, type Verb } from "./verb.ts";

export const statusVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("status")
      .description("whether an engine runs, with which config, and how much waits")
      .option("--json", "machine output"),
    action(async ({ options }) => {
      const installation = findPlace(cli, globals());
      const running = await callAdmin(cli, installation, { method: "GET", path: "/api/v1/status" });
      const stored = installation.remote === undefined ? await readStored(installation) : {};
      const document = { running: running !== undefined, ...running?.document, ...stored } as Status;
      if (options["json"] === true) printJson(cli, document);
      else printStatus(cli, document);
      return EXIT.ok;
    }),
  );

/** The store says it also with no engine running. */
function readStored(installation: Installation) {
  return withReader(installation, async (reader) => ({
    counts: countsDocument(await reader.counts()),
    store: sizeDocument(await reader.size()),
    paused: (await reader.pauses()).map(pauseDocument),
    waiting_secrets: waitingSecrets(await reader.learnedSecrets()),
  }));
}

type Status = {
  readonly running: boolean;
  readonly counts: ReturnType<typeof countsDocument>;
  readonly store: ReturnType<typeof sizeDocument>;
  readonly paused: readonly ReturnType<typeof pauseDocument>[];
  readonly waiting_secrets: ReturnType<typeof waitingSecrets>;
  readonly [name: string]: unknown;
};

function printStatus(cli: Cli, status: Status): void {
  const { color } = cli.out;
  const line = (name: string, text: string) => cli.out.write(`  ${color.dim(name.padEnd(13))} ${text}\n`);
  const text = (name: string) => (typeof status[name] === "string" ? plainText(status[name]) : "");
  cli.out.write(
    status.running
      ? `${color.green("running")} (${text("state")}, pid ${String(status["pid"])}, since ${text("started_at")})\n`
      : `${color.yellow("no engine is running here")}\n`,
  );
  if (status.running) {
    line("hooks", text("hooks"));
    line("admin", text("admin"));
    line("revision", `${text("revision").slice(0, 12)} (${text("environment")})`);
    printReload(status, line);
    line("pipelines", names(status["pipelines"]));
    line("connections", names(status["connections"]));
  }
  const { counts } = status;
  line("events", String(counts.events));
  const fetching = counts.fetching === 0 ? "" : `${counts.fetching} to fetch, `;
  line("waiting", `${counts.ready} to apply, ${fetching}${counts.held} held, ${counts.open_deliveries} to deliver`);
  line("dead letters", counts.open_dead_letters === 0 ? "0" : color.red(String(counts.open_dead_letters)));
  line("store", storeText(status.store));
  for (const pause of status.paused)
    line(
      "paused",
      `${pause.kind} ${pause.name} by ${plainText(pause.by)} since ${pause.since}${pause.reason === "" ? "" : `: ${plainText(pause.reason)}`}`,
    );
  for (const { source, secret, learned_at: at } of status.waiting_secrets ?? [])
    line("secret", `${secret} of ${source} waits since ${at}: \`hookrail secrets accept\` or \`discard\``);
}

function storeText({ bytes, wal, reserve, disk_free: free }: Status["store"]): string {
  const disk = free === null ? "" : `, ${sizeText(free)} free on its disk`;
  return `${sizeText(bytes)}, -wal ${sizeText(wal)}${disk}${reserve === 0 ? "" : ` and ${sizeText(reserve)} in reserve`}`;
}

/** Silent while the files say what is at work and nothing was refused. */
function printReload(status: Status, line: (name: string, text: string) => void): void {
  const last = status["last_reload"] as ReloadDocument | null | undefined;
  if (last === null || last === undefined) return;
  const files = last.file_revision;
  if (files !== last.revision) line("files", files === null ? "have errors" : `${files.slice(0, 12)}, not at work`);
  const { at, why, result, error } = last;
  line("reload", `${result} at ${at} (${why})${error === null ? "" : `: ${error.code} ${plainText(error.message)}`}`);
  for (const frame of error?.frames ?? []) for (const row of frame.split("\n")) line("", plainText(row));
}

function names(list: unknown): string {
  if (!Array.isArray(list)) return "";
  return list.map((one: { readonly name?: unknown }) => plainText(String(one.name))).join(", ");
}

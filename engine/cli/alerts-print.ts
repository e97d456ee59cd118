/** Alerts, budgets and channels on a terminal, from the documents of the admin API. */
import type { AlertDocument } from "../alerts/document.ts";
import type { BudgetDocument, ChannelDocument, SilenceDocument } from "../alerts/known.ts";
import type { Cli } from "./context.ts";
import { formatMs, formatTable, formatTime, plainText } from "./format.ts";

type Document = { readonly [name: string]: unknown };

/** What an older engine does not say is not there. */
const listIn = <T>(document: Document, name: string): readonly T[] => (document[name] ?? []) as readonly T[];

const ORDER = ["page", "alert", "off"];

export function printAlerts(cli: Cli, document: Document): void {
  const { color } = cli.out;
  const alerts = listIn<AlertDocument>(document, "alerts");
  if (document["running"] === false) cli.err.write("no engine is running here: this is what was told last\n");
  if (alerts.length === 0) cli.out.write(`${color.green("no alert is open")}\n`);
  const sorted = alerts.toSorted(
    (a, b) =>
      Number(a.status === "resolved") - Number(b.status === "resolved") ||
      ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity),
  );
  for (const alert of sorted) printAlert(cli, alert);
  for (const one of listIn<SilenceDocument>(document, "silences")) {
    const why = one.reason === "" ? "" : `: ${plainText(one.reason)}`;
    cli.out.write(
      `${color.dim("silent")} ${plainText(one.match)} until ${formatTime(Date.parse(one.until))} by ${plainText(one.by)}${why} (${one.id})\n`,
    );
  }
  for (const one of listIn<{ match: string; reason: string }>(document, "maintenance"))
    cli.out.write(`${color.dim("maintenance")} ${plainText(one.match)}: ${plainText(one.reason)}\n`);
  for (const { name, failing, fallback } of listIn<ChannelDocument>(document, "channels"))
    if (failing !== null)
      cli.out.write(
        `${color.red("channel")} ${name} fails since ${formatTime(Date.parse(failing.since))}: ${plainText(failing.detail)}${fallback === null ? "" : `; ${fallback} is told instead`}\n`,
      );
}

function printAlert(cli: Cli, alert: AlertDocument): void {
  const { color } = cli.out;
  const line = (text: string) => cli.out.write(`    ${text}\n`);
  const shown = alert.severity === "page" ? color.red(alert.severity) : color.yellow(alert.severity);
  const mark = alert.status === "resolved" ? color.green("resolved") : shown;
  const since = formatTime(Date.parse(alert.opened_at));
  const until = alert.resolved_at === null ? "" : ` until ${formatTime(Date.parse(alert.resolved_at))}`;
  cli.out.write(`${mark} ${color.bold(plainText(alert.title))} ${color.dim(`since ${since}${until}`)}\n`);
  for (const { text } of alert.findings) line(plainText(text));
  const owners = [...new Set(alert.pipelines.map(({ owner }) => owner))];
  if (owners.length > 0) line(`${color.dim("owner")} ${plainText(owners.join(", "))}`);
  const runbooks = new Set([...alert.findings, ...alert.pipelines].map(({ runbook }) => runbook));
  for (const runbook of runbooks) if (runbook !== null) line(`${color.dim("runbook")} ${plainText(runbook)}`);
  if (alert.told.length > 0) line(`${color.dim("told")} ${plainText(alert.told.join(", "))}`);
  if (alert.silenced !== null) line(`${color.dim("nobody is told:")} ${plainText(alert.silenced)}`);
  if (alert.status !== "resolved") for (const command of alert.type) line(`${color.dim("type")} ${plainText(command)}`);
}

export function printBudgets(cli: Cli, document: Document): void {
  const { color } = cli.out;
  const rows = listIn<BudgetDocument>(document, "budgets").map((budget) => {
    const firing = budget.burns.find((burn) => burn.firing);
    const left = `${(budget.left * 100).toFixed(1)}%`;
    return [
      budget.pipeline,
      budget.owner,
      `${Number((budget.objective * 100).toFixed(4))}% in ${formatMs(budget.lag_ms)}`,
      String(budget.events),
      String(budget.late),
      budget.left <= 0 ? color.red(left) : left,
      firing === undefined ? "" : color.red(`burns ${firing.long.toFixed(1)} times too fast`),
    ];
  });
  const heads = ["pipeline", "owner", "promise", "events", "late", "left", ""];
  cli.out.write(rows.length === 0 ? "no pipeline is declared\n" : formatTable(cli.out, heads, rows));
}

export function printChannels(cli: Cli, document: Document): void {
  const { color } = cli.out;
  const rows = listIn<ChannelDocument>(document, "channels").map(
    ({ name, kind, fallback, last_sent_at: sent, failing }) => [
      name,
      kind,
      fallback ?? "",
      sent === null ? "not yet" : formatTime(Date.parse(sent)),
      failing === null ? "" : color.red(`fails: ${plainText(failing.detail)}`),
    ],
  );
  const heads = ["channel", "kind", "fallback", "last told", ""];
  cli.out.write(
    rows.length === 0 ? "no channel is declared: alerts go to the log\n" : formatTable(cli.out, heads, rows),
  );
}

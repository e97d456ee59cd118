/** `hookrail alerts`: what is wrong and who was told, error budgets, channels; silence what is known, end a silence, try a channel. */
import { Command } from "commander";
import type { AlertDocument } from "../alerts/document.ts";
import { checkSilence } from "../alerts/hands.ts";
import type { SilenceDocument } from "../alerts/known.ts";
import { parseDuration } from "../core/duration.ts";
import { fail } from "../core/errors.ts";
import { callAdmin } from "./admin-client.ts";
import { printAlerts, printBudgets, printChannels } from "./alerts-print.ts";
import { storedAlerts, storedSilence, storedUnsilence } from "./alerts-stored.ts";
import { type Cli, EXIT } from "./context.ts";
import { plainText, printJson, suggest } from "./format.ts";
import { findPlace, type Installation } from "./installation.ts";
import { type Input, onAction, parseCount, type Verb } from "./verb.ts";

export const alertsVerb: Verb = (cli, action, globals) => {
  const command = new Command("alerts").description("what is wrong, who was told, error budgets, silences, channels");
  const sub = (made: Command, run: (installation: Installation, input: Input) => Promise<number>) =>
    onAction(
      made,
      action((input) => run(findPlace(cli, globals()), input)),
    );
  command.addCommand(
    sub(
      new Command("list")
        .description("open alerts, worst first, with what to type")
        .option("--all", "resolved ones too, newest first")
        .option("-n, --limit <count>", "with --all: at most this many", parseCount, 20)
        .option("--exit-code", "exit with 1 while an alert is open, for scripts")
        .option("--json", "machine output"),
      (installation, input) => list(cli, installation, input),
    ),
    { isDefault: true },
  );
  command.addCommand(
    sub(
      new Command("budgets").description("the error budget of each pipeline").option("--json", "machine output"),
      (installation, { options }) => budgets(cli, installation, options["json"] === true),
    ),
  );
  command.addCommand(
    sub(
      new Command("channels").description("where alerts go, and how that does").option("--json", "machine output"),
      (installation, { options }) => channels(cli, installation, options["json"] === true),
    ),
  );
  command.addCommand(
    sub(
      new Command("silence")
        .description("tell nobody of what matches, for a while; it is recorded and shown all the same")
        .argument("<match...>", "e.g. connection=crm, pipeline=paid-* severity=alert, or a name")
        .requiredOption("--for <duration>", "how long, e.g. 30m or 2h")
        .option("--reason <text>", "why, for the audit and for those who wonder", ""),
      (installation, input) => silence(cli, installation, input),
    ),
  );
  command.addCommand(
    sub(
      new Command("unsilence")
        .description("end a silence before its time")
        .argument("<id>", "as `alerts list` shows it")
        .option("--reason <text>", "why, for the audit", ""),
      (installation, input) => unsilence(cli, installation, input),
    ),
  );
  return command.addCommand(
    sub(
      new Command("test").description("send a test message to a channel").argument("<channel>"),
      (installation, input) => test(cli, installation, input),
    ),
  );
};

type Document = { readonly [name: string]: unknown };

async function list(cli: Cli, installation: Installation, { options }: Input): Promise<number> {
  const all = options["all"] === true;
  const query = all ? `?all=true&limit=${String(options["limit"])}` : "";
  const answer = await callAdmin(cli, installation, { method: "GET", path: `/api/v1/alerts${query}` });
  const document =
    answer === undefined
      ? { running: false, ...(await storedAlerts(cli, installation, { all, limit: Number(options["limit"]) })) }
      : { running: true, ...answer.document };
  if (options["json"] === true) printJson(cli, document);
  else printAlerts(cli, document);
  return options["exitCode"] === true && isAnyOpen(document) ? EXIT.findings : EXIT.ok;
}

/** Something is wrong, told or not: what is silenced counts, and what is watched with `severity: off` does not. */
function isAnyOpen(document: Document): boolean {
  const alerts = document["alerts"] as readonly Pick<AlertDocument, "status" | "severity">[];
  return alerts.some(({ status, severity }) => status !== "resolved" && severity !== "off");
}

/** Only a running engine counts. */
async function ask(cli: Cli, installation: Installation, path: string): Promise<Document> {
  const answer = await callAdmin(cli, installation, { method: "GET", path });
  return answer?.document ?? fail("HK8203");
}

async function budgets(cli: Cli, installation: Installation, json: boolean): Promise<number> {
  const document = await ask(cli, installation, "/api/v1/slo");
  if (json) printJson(cli, document);
  else printBudgets(cli, document);
  return EXIT.ok;
}

async function channels(cli: Cli, installation: Installation, json: boolean): Promise<number> {
  const { channels: found = [] } = await ask(cli, installation, "/api/v1/alerts");
  if (json) printJson(cli, { channels: found });
  else printChannels(cli, { channels: found });
  return EXIT.ok;
}

async function silence(cli: Cli, installation: Installation, { args, options }: Input): Promise<number> {
  const length = parseDuration(options["for"]);
  if (!length.ok)
    return fail("HK8009", { option: "--for", expected: length.expected, got: plainText(String(options["for"])) });
  const wanted = { match: args.join(" "), for: String(options["for"]), reason: String(options["reason"]) };
  checkSilence(wanted.match, length.value);
  const answer = await callAdmin(cli, installation, { method: "POST", path: "/api/v1/silences", body: wanted });
  const made =
    answer === undefined
      ? await storedSilence(cli, installation, { ...wanted, forMs: length.value })
      : (answer.document?.["silence"] as SilenceDocument);
  cli.out.write(`silent until ${made.until}: ${plainText(made.match)} (${made.id})\n`);
  suggest(cli, `alerts unsilence ${made.id}`);
  return EXIT.ok;
}

async function unsilence(cli: Cli, installation: Installation, { args: [id = ""], options }: Input): Promise<number> {
  const reason = String(options["reason"]);
  const path = `/api/v1/silences/${encodeURIComponent(id)}/end`;
  const answer = await callAdmin(cli, installation, { method: "POST", path, body: { reason } });
  const ended =
    answer === undefined ? await storedUnsilence(cli, installation, { id, reason }) : answer.document !== undefined;
  cli.out.write(ended ? `${id} has ended\n` : `no silence ${plainText(id)} lasts\n`);
  return ended ? EXIT.ok : EXIT.findings;
}

async function test(cli: Cli, installation: Installation, { args: [channel = ""] }: Input): Promise<number> {
  const path = `/api/v1/channels/${encodeURIComponent(channel)}/test`;
  const answer = await callAdmin(cli, installation, { method: "POST", path });
  if (answer === undefined) return fail("HK8203");
  const { ok, detail } = answer.document ?? fail("HK8202", { channel });
  cli.out.write(
    ok === true
      ? `${channel} was told: ${plainText(String(detail))}\n`
      : `${channel} was not reached: ${plainText(String(detail))}\n`,
  );
  return ok === true ? EXIT.ok : EXIT.findings;
}

/** `hookrail status`: whether an engine runs here, with which config, and how much waits; `--probe` for orchestrators. */
import { Command, Option } from "commander";
import { sizeDocument } from "../http/admin-status.ts";
import { countsDocument, pauseDocument } from "../http/documents.ts";
import { waitingSecrets } from "../http/told-secrets.ts";
import { callAdmin } from "./admin-client.ts";
import { type Cli, EXIT } from "./context.ts";
import { plainText, printJson } from "./format.ts";
import { findPlace, type Installation } from "./installation.ts";
import { printStatus, type Status } from "./status-text.ts";
import { withReader } from "./stored.ts";
import { onAction, type Verb } from "./verb.ts";

export const statusVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("status")
      .description("whether an engine runs, with which config, and how much waits")
      .option("--json", "machine output")
      .addOption(
        new Option(
          "--probe <what>",
          "exit 0 if it is so, else 1: live, it does its work; ready, it takes hooks",
        ).choices(["live", "ready"]),
      ),
    action(async ({ options }) => {
      const installation = findPlace(cli, globals());
      const { probe, json } = options;
      if (probe === "live" || probe === "ready")
        return probeEngine(cli, installation, { what: probe, json: json === true });
      const running = await callAdmin(cli, installation, { method: "GET", path: "/api/v1/status" });
      const stored = installation.remote === undefined ? await readStored(installation) : {};
      const document = { running: running !== undefined, ...running?.document, ...stored } as Status;
      if (json === true) printJson(cli, { ...document });
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

const PROBES = { live: { path: "/healthz", good: "ok" }, ready: { path: "/readyz", good: "ready" } } as const;

/** One word on stdout, and the exit code: for containers without a shell's tools. */
async function probeEngine(
  cli: Cli,
  installation: Installation,
  { what, json }: { readonly what: keyof typeof PROBES; readonly json: boolean },
): Promise<number> {
  const { path, good } = PROBES[what];
  const answer = await callAdmin(cli, installation, { method: "GET", path });
  const { status = "not running", reason } = answer?.document ?? {};
  const isGood = status === good;
  if (json) printJson(cli, { probe: what, ok: isGood, status, ...(reason === undefined ? {} : { reason }) });
  else cli.out.write(`${plainText(String(status))}${reason === undefined ? "" : `: ${plainText(String(reason))}`}\n`);
  return isGood ? EXIT.ok : EXIT.findings;
}

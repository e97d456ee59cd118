/** `hookrail reload`: lets the running engine take the config as it is now, and says what came of it. */
import { Command } from "commander";
import { fail } from "../core/errors.ts";
import type { ReloadDocument } from "../http/admin-reload.ts";
import { callAdmin } from "./admin-client.ts";
import { type Cli, EXIT } from "./context.ts";
import { plainText, printJson } from "./format.ts";
import { findPlace } from "./installation.ts";
import { onAction, type Verb } from "./verb.ts";

export const reloadVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("reload")
      .description("let the running engine take the config as it is now; on any error it goes on with the one it has")
      .option("--reason <text>", "why, for the audit", "")
      .option("--json", "machine output"),
    action(async ({ options }) => {
      const installation = findPlace(cli, globals());
      const body = { reason: String(options["reason"]) };
      const answer = await callAdmin(cli, installation, { method: "POST", path: "/api/v1/reload", body });
      const reload = answer?.document?.["reload"];
      if (typeof reload !== "object" || reload === null) return fail("HK8045");
      if (options["json"] === true) printJson(cli, { reload });
      else print(cli, reload as ReloadDocument);
      return (reload as ReloadDocument).result === "refused" ? EXIT.findings : EXIT.ok;
    }),
  );

function print(cli: Cli, { result, revision, changes, error }: ReloadDocument): void {
  const at = `revision ${revision.slice(0, 12)}`;
  if (error !== null) {
    const { color } = cli.err;
    for (const frame of error.frames) cli.err.write(`${frame.split("\n").map(plainText).join("\n")}\n`);
    cli.err.write(`${color.red("refused")}${color.dim(`[${error.code}]`)}: ${plainText(error.message)}\n`);
    cli.err.write(`  = ${at} goes on; more: ${cli.name} explain ${error.code}\n`);
    return;
  }
  cli.out.write(result === "taken" ? `${at} is at work\n` : `unchanged: ${at} is what the files say\n`);
  for (const change of changes) cli.out.write(`  ${plainText(change)}\n`);
}

/** `hookrail backup FILE` and `restore FILE`: one whole, checked copy of the store, and back again. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Command } from "commander";
import { fail } from "../core/errors.ts";
import { backupStore, type CopyFacts, readCopy, restoreStore } from "../store/backup.ts";
import { callAdmin } from "./admin-client.ts";
import { type Cli, EXIT } from "./context.ts";
import { formatTime, plainText, printJson, suggest } from "./format.ts";
import { findInstallation } from "./installation.ts";
import { onAction, type Verb } from "./verb.ts";

export const backupVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("backup")
      .description("copy the store into one file, beside the running engine or without one, and check the copy")
      .argument("<file>", "where to; not there yet")
      .option("--force", "replace a file that is there")
      .option("--json", "machine output"),
    action(async ({ args: [file = ""], options }) => {
      const { storePath } = findInstallation(cli, globals());
      if (!existsSync(storePath)) fail("HK8002", { path: storePath });
      const target = resolve(cli.cwd, file);
      if (existsSync(target) && (options["force"] !== true || target === storePath)) fail("HK8056", { file: target });
      mkdirSync(dirname(target), { recursive: true });
      const facts = backupStore(storePath, target);
      if (options["json"] === true) printJson(cli, { file: target, ...document(facts) });
      else cli.out.write(`${plainText(file)}: ${sentence(facts)}; read back whole\n`);
      return EXIT.ok;
    }),
  );

export const restoreVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("restore")
      .description("put a backup in the place of the store; no engine may run")
      .argument("<file>", "a file that `backup` made")
      .option("--force", "also where there is a store: it is kept beside the new one")
      .option("--dry-run", "read the backup and say what is in it")
      .option("--json", "machine output"),
    action(async ({ args: [file = ""], options }) => {
      const installation = findInstallation(cli, globals());
      const { storePath } = installation;
      const from = resolve(cli.cwd, file);
      if (!existsSync(from)) fail("HK8057", { file });
      if (options["dryRun"] === true) {
        const facts = readCopy(from);
        if (options["json"] === true) printJson(cli, { file: from, ...document(facts) });
        else cli.out.write(`${plainText(file)}: ${sentence(facts)}; nothing was restored (dry run)\n`);
        return EXIT.ok;
      }
      if ((await callAdmin(cli, installation, { method: "GET", path: "/healthz" })) !== undefined)
        fail("HK8058", { path: storePath });
      if (existsSync(storePath) && options["force"] !== true) fail("HK8059", { path: storePath });
      mkdirSync(dirname(storePath), { recursive: true });
      const aside = `${storePath}.before-${stampOf(cli)}`;
      const restored = restoreStore({ from, path: storePath, aside });
      if (options["json"] === true) {
        const { aside: kept = null, missing = null } = restored;
        printJson(cli, { store: storePath, aside: kept, missing_events: missing, ...document(restored.facts) });
      } else tell(cli, file, restored);
      return EXIT.ok;
    }),
  );

function tell(cli: Cli, file: string, { facts, aside, missing }: ReturnType<typeof restoreStore>): void {
  cli.out.write(`restored ${plainText(file)}: ${sentence(facts)}\n`);
  if (aside !== undefined) cli.out.write(`the store that was there is kept as ${plainText(aside)}\n`);
  const since = facts.newestAt === undefined ? "" : ` (newest event ${formatTime(facts.newestAt)})`;
  const lacking =
    missing === undefined ? "" : `; that is ${missing} ${missing === 1 ? "event" : "events"} of the store put aside`;
  cli.err.write(
    `what was acknowledged after the backup${since} is not in it${lacking}: let the providers send it again, or replay it from there\n`,
  );
  suggest(cli, "run", "status");
}

/** `20261124T060000Z`: sorts, and no file name minds it. */
function stampOf(cli: Cli): string {
  return new Date(cli.clock.now())
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(/[-:]/g, "");
}

function sentence({ bytes, events, entities, open, deadLetters, newestAt }: CopyFacts): string {
  const newest = newestAt === undefined ? "" : ` (newest ${formatTime(newestAt)})`;
  const size = bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  return `${size}, ${events} events${newest}, ${entities} entities, ${open} open, ${deadLetters} dead letters`;
}

function document({ bytes, events, entities, open, deadLetters, newestAt }: CopyFacts) {
  const newest = newestAt === undefined ? null : new Date(newestAt).toISOString();
  return { bytes, events, entities, open, open_dead_letters: deadLetters, newest_event_at: newest };
}

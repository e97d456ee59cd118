/** `hookrail erase --entity customer:cus_1`: forgets a person, in the store and in its file; a tombstone keeps late events out. */
import { statSync } from "node:fs";
import { Command } from "commander";
import { fail } from "../core/errors.ts";
import type { Erased, Erasing } from "../flow/store-life.ts";
import { scrubStore } from "../store/backup.ts";
import { callAdmin } from "./admin-client.ts";
import { loadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printJson } from "./format.ts";
import { findInstallation, type Installation } from "./installation.ts";
import { withLife } from "./life-hands.ts";
import { onAction, type Verb } from "./verb.ts";

/** A larger file is not rewritten under a running engine: writes would wait too long. */
const SCRUB_BESIDE_ENGINE_BYTES = 128 * 1024 * 1024;

export const eraseVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("erase")
      .description("forget an entity and what belongs to it; late events do not bring it back")
      .option("--entity <entity:id>", "by its key or another of its ids, e.g. customer:cus_1")
      .option("--dry-run", "count what would go")
      .option("--yes", "do it; it can not be undone")
      .option("--lift", "let an erased entity come back with its next event")
      .option("--scrub", "only rewrite the file without what was deleted; with the engine stopped where it is large")
      .option("--reason <text>", "why, for the audit; do not name the person", "")
      .option("--json", "machine output"),
    action(async ({ options }) => {
      const installation = findInstallation(cli, globals());
      if (options["scrub"] === true) {
        const running = await callAdmin(cli, installation, { method: "GET", path: "/healthz" });
        const scrubbed = scrub(installation, running === undefined ? "store" : "engine");
        cli.out.write(
          scrubbed ? "the file holds nothing that was deleted\n" : "not done: the store is large and in use\n",
        );
        return scrubbed ? EXIT.ok : EXIT.findings;
      }
      const { entities } = await loadRevision(cli, installation.configPath);
      const mode = options["lift"] === true ? "lift" : options["dryRun"] === true ? "look" : "erase";
      const erasing = { ...parseTarget(String(options["entity"] ?? "")), mode } as const;
      if (mode === "erase" && options["yes"] !== true) fail("HK8062", { what: "`--yes` was not said" });
      const by = { actor: cli.user, reason: String(options["reason"]) };
      const { done, through } = await withLife(cli, installation, {
        entities,
        work: async (life, way) => ({ done: await life.erase(erasing, by), through: way }),
      });
      const scrubbed = mode === "erase" && scrub(installation, through);
      if (options["json"] === true) printJson(cli, { ...erasing, id: undefined, ...done, scrubbed });
      else tell(cli, erasing, { done, scrubbed });
      return EXIT.ok;
    }),
  );

function parseTarget(text: string): { readonly entity: string; readonly id: string } {
  const at = text.indexOf(":");
  const [entity, id] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || id === "")
    fail("HK8009", {
      option: "--entity",
      expected: "entity:id, e.g. customer:cus_1",
      got: at < 1 ? "no colon" : "no id",
    });
  return { entity, id };
}

/** Whether the file holds no old byte any more. */
function scrub({ storePath }: Installation, through: "engine" | "store"): boolean {
  if (through === "engine" && statSync(storePath).size > SCRUB_BESIDE_ENGINE_BYTES) return false;
  return scrubStore(storePath);
}

function tell(cli: Cli, { mode, entity }: Erasing, { done, scrubbed }: { done: Erased; scrubbed: boolean }): void {
  if (mode === "lift") {
    cli.out.write(`this ${entity} may come back with its next event\n`);
    return;
  }
  const counts = `${done.entities} entities, ${done.events} events, ${done.deliveries} deliveries`;
  if (mode === "look") {
    cli.out.write(`would erase ${counts}; nothing was erased (dry run)\n`);
    return;
  }
  cli.out.write(`erased ${counts}\n`);
  if (done.kept > 0)
    cli.err.write(
      `${done.kept} bodies are batches that open events of others still need: erase again when those are done\n`,
    );
  if (!scrubbed)
    cli.err.write(
      "the deleted bytes may still be in free parts of the file: stop the engine and say `erase --scrub`\n",
    );
  cli.err.write("backups, and what was sent to sinks, still have it\n");
}
